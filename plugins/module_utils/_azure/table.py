# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource: Azure Key Vault (AKV) configurations as ONTAP keeps them.

One table of fields (what, since when, in which request, how two values compare), reading, and the health verdict.
A new ONTAP field is one line in ``FIELDS`` and its documentation.
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
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Field
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release
from ansible_collections.ontap.security.plugins.module_utils._ontap.secrets import not_a_secret, not_pkcs12

VAULTS = "/api/security/azure-key-vaults"
KEY_STORES = "/api/security/key-stores"
SVMS = "/api/svm/svms"

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


FIELDS: t.Final[dict[str, Field]] = {
    item.name: item
    for item in (
        Field("name", R9_7, None, required=True, canonical=canonical_uri, check=_check_uri),
        Field("key_id", R9_7, R9_8, patch_until=R9_11, required=True, equal=same_key_id, check=_check_key_id),
        Field("client_id", R9_7, R9_9, required=True, canonical=_guid, check=_check_word),
        Field("tenant_id", R9_7, R9_9, required=True, canonical=_guid, check=_check_word),
        Field("client_secret", R9_7, R9_7, secret=True, check=_check_secret),
        Field("client_certificate", R9_10, R9_10, secret=True, check=_check_certificate),
        Field("proxy_type", R9_8, R9_8, canonical=_lower),
        Field("proxy_host", R9_8, R9_8, canonical=_lower, check=_check_hostname),
        Field("proxy_port", R9_8, R9_8, check=_check_port),
        Field("proxy_username", R9_8, R9_8),
        Field("proxy_password", R9_8, R9_8, secret=True, check=_check_secret),
        Field("oauth_host", R9_14, R9_14, canonical=_lower, check=_check_hostname),
        Field("vault_host", R9_14, R9_14, canonical=_lower, check=_check_hostname),
        Field("port", R9_14, R9_14, check=_check_port),
        Field("verify_host", R9_14, R9_14, create=False),
        Field("verify_ip", R9_14, R9_14, create=False),
        # Goes along with credentials and is no state of the record (contract, skip verification).
        Field("skip_verification", R9_16, R9_16),
    )
}

SECRETS: t.Final = tuple(name for name, item in FIELDS.items() if item.secret)
CREDENTIALS: t.Final = ("client_secret", "client_certificate")
AUTHENTICATION_METHODS: t.Final = {"client_secret": "client_secret", "client_certificate": "certificate"}
COMPARED: t.Final = tuple(n for n, item in FIELDS.items() if not item.secret and n != "skip_verification")

# Returned by fields=* on every release that has them; the others are asked for by name when a user manages them,
# because the documents do not say that fields=* returns what was never set.
STANDARD = frozenset({"name", "key_id", "client_id", "tenant_id"})

HEALTH_FIELDS: t.Final = ("state", "azure_reachability", "ekmip_reachability")

# What is worth telling when it is set and nobody has described it: through these, a secret goes another way than people
# think. With what Azure's public cloud uses, which needs no describing. verify_host and verify_ip are not among them,
# because no document says what they are when nobody has set them.
UNDESCRIBED: t.Final[dict[str, t.Any]] = {
    "proxy_type": None,
    "proxy_host": None,
    "proxy_port": None,
    "proxy_username": None,
    "oauth_host": "login.microsoftonline.com",
    "vault_host": "vault.azure.net",
    "port": 443,
}


def check_value(name: str, value: t.Any, option: str | None = None) -> None:
    """Raises ``InputError`` naming the option when ``value`` cannot be a value of field ``name``.

    The message does not show the value: it may be a secret in the wrong option.
    """
    item = FIELDS[name]
    try:
        item.check(value)
    except ValueError as exc:
        raise InputError(f"{option or name} is not usable: {exc}", remedy=_FORMS[item.check]) from exc


_FORMS: t.Final[dict[t.Callable[[t.Any], None], str]] = {
    _check_uri: "A vault looks like https://myvault.vault.azure.net/.",
    _check_key_id: "A key looks like https://myvault.vault.azure.net/keys/mykey, with or without /<version> behind it.",
    _check_certificate: "ONTAP takes a PKCS12 file in base64, as base64 -w0 certificate.p12 makes it. What az keyvault "
    "secret download writes is base64 already.",
    _check_hostname: "Give the name alone, such as proxy.example.com.",
    _check_port: "Give the number alone, such as 3128.",
    _check_secret: "Give the secret itself; an empty value counts as not given.",
    _check_word: "Give the ID as the Azure portal shows it.",
}
