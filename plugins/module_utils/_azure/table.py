# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource: Azure Key Vault (AKV) configurations as ONTAP keeps them.

One table of fields: ``FIELDS`` says all that there is to say of each. Options, what is compared, what is secret, what
queries know, the form of answers and severities in reports follow from it.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._azure.uris import (
    KeyId,
    canonical_uri,
    is_guid,
    same_key_id,
    vault_uri,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import (
    FLAG,
    SECRET,
    STATE,
    Check,
    Field,
    Undescribed,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import (
    BOOLEAN,
    FORMS,
    NAMED,
    REPORT,
    TEXT,
    UUID,
    Form,
    describe,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release
from ansible_collections.ontap.security.plugins.module_utils._ontap.secrets import not_a_secret, not_pkcs12

VAULTS = "/api/security/azure-key-vaults"

R9_7 = Release(9, 7)
R9_8 = Release(9, 8)
R9_9 = Release(9, 9, 1)
R9_10 = Release(9, 10, 1)
R9_11 = Release(9, 11, 1)
R9_13 = Release(9, 13, 1)
R9_14 = Release(9, 14, 1)
R9_16 = Release(9, 16, 1)

# The first release that reports azure_reachability and ekmip_reachability.
REACHABILITY = R9_8
# The first release that shows the state of a key store.
STORE_STATE = R9_16
HAS_REKEY_INTERNAL = R9_8
# From this release on a changed key_id goes by rekey-external; before it, by PATCH.
REKEY_EXTERNAL = R9_11
# From this release on key_id is shown as it was given; before it, from 9.8 on, without its version.
KEY_VERSIONS = R9_13
# Up to this release the documentation of PATCH calls client_secret required, whatever else is sent.
PATCH_NEEDS_SECRET_UNTIL = R9_9


def _lower(value: t.Any) -> t.Any:
    """Host names and enums compare without case."""
    return value.lower() if isinstance(value, str) else value


def _guid(value: t.Any) -> t.Any:
    """Azure's GUIDs compare without case; an id of any other form (the documents use ``client1``) compares as it is."""
    return value.lower() if isinstance(value, str) and is_guid(value) else value


def _check_uri(value: str) -> None:
    vault_uri(value)


def _check_key_id(value: str) -> None:
    KeyId.parse(value)


def _check_word(value: str) -> None:
    if re.search(r"\s", value):
        raise ValueError("it holds white space")


def _check_hostname(value: str) -> None:
    if re.search(r"[\s/@?#]", value) or "://" in value:
        raise ValueError("it is more than a host name: leave out https://, path and credentials")


def _check_port(value: int) -> None:
    if not 0 < value < 65536:
        raise ValueError("a TCP port is a number from 1 to 65535")


def _check_secret(value: t.Any) -> None:
    reason = not_a_secret(value)
    if reason:
        raise ValueError(reason)
    if not value.strip():
        raise ValueError("it is blank")
    if value != value.strip("\r\n"):
        raise ValueError("it begins or ends with a line break")


def _check_certificate(value: t.Any) -> None:
    _check_secret(value.strip("\r\n") if isinstance(value, str) else value)
    reason = not_pkcs12(value)
    if reason:
        raise ValueError(reason)


_VAULT: t.Final = Check(_check_uri, "A vault looks like https://myvault.vault.azure.net/.")
_KEY: t.Final = Check(
    _check_key_id,
    "A key looks like https://myvault.vault.azure.net/keys/mykey, with or without /<version> behind it.",
)
_ID: t.Final = Check(_check_word, "Give the ID as the Azure portal shows it.")
_SECRET: t.Final = Check(_check_secret, "Give the secret itself; an empty value counts as not given.")
_PKCS12: t.Final = Check(
    _check_certificate,
    "ONTAP takes a PKCS12 file in base64, as base64 -w0 certificate.p12 makes it. What az keyvault secret download "
    "writes is base64 already.",
)
_HOST: t.Final = Check(_check_hostname, "Give the name alone, such as proxy.example.com.")
_PORT: t.Final = Check(_check_port, "Give the number alone, such as 3128.")

# Undescribed is what is worth telling, because through these a secret goes another way than people think; with what
# Azure's public cloud uses. verify_host and verify_ip are not, because no document says what they are when nobody has
# set them. Severities are high where the secret is sent elsewhere, or where somebody else could take it on its way.
FIELDS: t.Final[dict[str, Field]] = {
    item.name: item
    for item in (
        Field(
            "name",
            get=R9_7,
            post=R9_7,
            aliases=("vault",),
            required=True,
            canonical=canonical_uri,
            check=_VAULT,
            severity="high",
        ),
        Field(
            "key_id", R9_7, R9_7, R9_8, patch_until=R9_11, required=True, equal=same_key_id, check=_KEY, severity="high"
        ),
        Field(
            "client_id",
            get=R9_7,
            post=R9_7,
            patch=R9_9,
            required=True,
            environment="AKV_CLIENT_ID",
            canonical=_guid,
            check=_ID,
            severity="high",
        ),
        Field(
            "tenant_id",
            get=R9_7,
            post=R9_7,
            patch=R9_9,
            required=True,
            environment="AKV_TENANT_ID",
            canonical=_guid,
            check=_ID,
            severity="high",
        ),
        Field(
            "client_secret",
            post=R9_7,
            patch=R9_7,
            role=SECRET,
            method="client_secret",
            environment="AKV_CLIENT_SECRET",
            check=_SECRET,
        ),
        Field(
            "client_certificate",
            post=R9_10,
            patch=R9_10,
            role=SECRET,
            method="certificate",
            environment="AKV_CLIENT_CERTIFICATE",
            check=_PKCS12,
        ),
        # Goes along with credentials and is no state of the record (contract, skip verification).
        Field("skip_verification", R9_16, R9_16, R9_16, type="bool", role=FLAG),
        Field("proxy_type", R9_8, R9_8, R9_8, choices=("http", "https"), canonical=_lower, undescribed=Undescribed()),
        Field("proxy_host", R9_8, R9_8, R9_8, canonical=_lower, check=_HOST, undescribed=Undescribed(severity="high")),
        Field("proxy_port", R9_8, R9_8, R9_8, type="int", check=_PORT, undescribed=Undescribed()),
        Field("proxy_username", R9_8, R9_8, R9_8, undescribed=Undescribed()),
        Field("proxy_password", None, R9_8, R9_8, role=SECRET, check=_SECRET),
        Field(
            "oauth_host",
            get=R9_14,
            post=R9_14,
            patch=R9_14,
            canonical=_lower,
            check=_HOST,
            severity="high",
            undescribed=Undescribed("login.microsoftonline.com", "high"),
        ),
        Field(
            "vault_host",
            get=R9_14,
            post=R9_14,
            patch=R9_14,
            canonical=_lower,
            check=_HOST,
            undescribed=Undescribed("vault.azure.net", "high"),
        ),
        Field("port", R9_14, R9_14, R9_14, type="int", check=_PORT, undescribed=Undescribed(443)),
        Field("verify_host", R9_14, None, R9_14, type="bool", severity="high"),
        Field("verify_ip", R9_14, None, R9_14, type="bool", severity="high"),
    )
}

# What ONTAP shows besides, with its form and the first release that has it (contract, GET of the collection).
SHOWN: t.Final[dict[str, tuple[Form, Release]]] = {
    "uuid": (UUID, R9_7),
    "scope": (TEXT, R9_7),
    "svm": (NAMED, R9_7),
    "state": ({"available": BOOLEAN, "cluster_state": BOOLEAN, **REPORT}, R9_7),
    "azure_reachability": ({"reachable": BOOLEAN, **REPORT}, R9_8),
    "ekmip_reachability": ([{"node": NAMED, "reachable": BOOLEAN, **REPORT}], R9_8),
    "authentication_method": (TEXT, R9_10),
    "configuration": (NAMED, R9_14),
    "enabled": (BOOLEAN, R9_14),
}


def _leaves(name: str, form: Form) -> t.Iterator[str]:
    """The dotted names of the values below a field."""
    inner = form[0] if isinstance(form, list) else form
    if isinstance(inner, dict):
        for part, below in inner.items():
            yield from _leaves(f"{name}.{part}", below)
    else:
        yield name


COMPARED: t.Final = tuple(name for name, item in FIELDS.items() if item.role == STATE)
SECRETS: t.Final = tuple(name for name, item in FIELDS.items() if item.role == SECRET)
FLAGS: t.Final = tuple(name for name, item in FIELDS.items() if item.role == FLAG)
AUTHENTICATION_METHODS: t.Final = {name: item.method for name, item in FIELDS.items() if item.method}
CREDENTIALS: t.Final = tuple(AUTHENTICATION_METHODS)
UNDESCRIBED: t.Final = {name: item.undescribed for name, item in FIELDS.items() if item.undescribed}

# Returned by fields=* on every release that has them; the others are asked for by name when a user manages them,
# because the documents do not say that fields=* returns what was never set.
STANDARD: t.Final = frozenset(name for name, item in FIELDS.items() if item.required)

# Everything a query may name, with the first release that knows it.
QUERY_FIELDS: t.Final[dict[str, Release]] = {
    **{leaf: since for name, (form, since) in SHOWN.items() for leaf in _leaves(name, form)},
    **{name: item.get for name, item in FIELDS.items() if item.get},
}

HEALTH_FIELDS: t.Final = ("state", "azure_reachability", "ekmip_reachability")

describe(
    VAULTS,
    {
        **{name: form for name, (form, _since) in SHOWN.items()},
        **{n: FORMS[i.type] for n, i in FIELDS.items() if i.get},
    },
    needed=("uuid",),
)


def check_value(name: str, value: t.Any, option: str | None = None) -> None:
    """Raises ``InputError`` naming the option when ``value`` cannot be a value of field ``name``.

    The message does not show the value: it may be a secret in the wrong option.
    """
    item = FIELDS[name]
    try:
        item.check(value)
    except ValueError as exc:
        raise InputError(f"{option or name} is not usable: {exc}", remedy=item.check.remedy) from exc
