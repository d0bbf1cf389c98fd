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
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from ansible_collections.ontap.security.plugins.module_utils._client import Client, Release, literal
from ansible_collections.ontap.security.plugins.module_utils._errors import (
    BlockedError,
    InputError,
)
from ansible_collections.ontap.security.plugins.module_utils._secrets import not_a_secret, not_pkcs12
from ansible_collections.ontap.security.plugins.module_utils._text import visible

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


def _text(value: t.Any) -> t.Any:
    return value


def _lower(value: t.Any) -> t.Any:
    """Host names and enums compare without case."""
    return value.lower() if isinstance(value, str) else value


def is_guid(value: str) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value) is not None


def _guid(value: t.Any) -> t.Any:
    """Azure's GUIDs compare without case; an id of any other form (the documents use ``client1``) compares as it is."""
    return value.lower() if isinstance(value, str) and is_guid(value) else value


def _split_https(value: str) -> SplitResult:
    """Raises ``ValueError`` with the reason when ``value`` is no plain https URI with a host."""
    if re.search(r"\s", value):
        raise ValueError("it holds white space")
    parts = urlsplit(value)
    if parts.scheme.lower() != "https":
        raise ValueError("it does not begin with https://")
    if not parts.hostname or parts.netloc.startswith(":"):
        raise ValueError("it names no host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("it holds more than host, port and path")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", parts.hostname):
        raise ValueError("its host is not a host name")
    if parts.port == 0:
        raise ValueError("its port is not a port")
    return parts


def _origin(parts: SplitResult) -> str:
    """Scheme and host in lower case; port 443 is what https means anyway."""
    host = (parts.hostname or "").lower()
    return f"https://{host}" if parts.port in (None, 443) else f"https://{host}:{parts.port}"


def vault_uri(value: str) -> str:
    """The canonical form of a vault's URI, ``https://host[:port]``. Raises ``ValueError`` with the reason."""
    parts = _split_https(value)
    if parts.path.strip("/"):
        raise ValueError("it has a path, which belongs to a key and not to a vault")
    return _origin(parts)


@dataclass(frozen=True)
class KeyId:
    """An Azure key identifier ``https://vault/keys/name[/version]``; vault, name and version ignore case."""

    vault: str
    name: str
    version: str | None = None

    @classmethod
    def parse(cls, value: str) -> KeyId:
        """Raises ``ValueError`` with the reason when ``value`` is no key identifier."""
        parts = _split_https(value)
        match = re.fullmatch(r"/keys/([0-9a-z-]{1,127})(?:/([0-9a-z-]+))?/?", parts.path, re.ASCII | re.IGNORECASE)
        if not match:
            raise ValueError("its path is not /keys/<name> or /keys/<name>/<version>")
        return cls(_origin(parts), match[1].lower(), match[2].lower() if match[2] else None)

    def same_key(self, other: KeyId) -> bool:
        """The same key; versions count only when both sides name one (ONTAP 9.8 to 9.12.1 drops it in answers)."""
        if (self.vault, self.name) != (other.vault, other.name):
            return False
        return self.version is None or other.version is None or self.version == other.version


def _canonical_uri(value: t.Any) -> t.Any:
    try:
        return vault_uri(value)
    except (TypeError, ValueError, AttributeError):
        return value


def key_of(value: t.Any) -> KeyId | None:
    """The key that an identifier names; None when it is none, for what ONTAP holds may be older than the forms here."""
    try:
        return KeyId.parse(value)
    except (TypeError, ValueError, AttributeError):
        return None


def _same_key_id(one: t.Any, other: t.Any) -> bool:
    first, second = key_of(one), key_of(other)
    return first.same_key(second) if first and second else bool(one == other)


def one_names_a_version(one: t.Any, other: t.Any) -> bool:
    """Whether two identifiers name the same key and only one of them a version of it."""
    first, second = key_of(one), key_of(other)
    return bool(first and second and first.same_key(second) and first.version != second.version)


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


def _check_nothing(value: t.Any) -> None:
    pass


@dataclass(frozen=True)
class Field:
    """One field of ``/security/azure-key-vaults`` that a user can set; the option has the field's name.

    ``since`` is the first release that has it, ``patch`` the first whose PATCH takes it and ``patch_until`` the
    first whose PATCH no longer does (contract, fields by release). ``canonical`` gives the form two values are
    compared in; ``check`` raises ``ValueError`` for a value that cannot be meant.
    """

    name: str
    since: Release
    patch: Release | None
    patch_until: Release | None = None
    create: bool = True
    required: bool = False
    secret: bool = False
    canonical: t.Callable[[t.Any], t.Any] = _text
    check: t.Callable[[t.Any], None] = _check_nothing

    def same(self, one: t.Any, other: t.Any) -> bool:
        """Whether two values mean the same. A field ONTAP leaves out is unset, which is no value's equal."""
        if one is None or other is None:
            return one is other
        if self.name == "key_id":
            return _same_key_id(one, other)
        return bool(self.canonical(one) == self.canonical(other))


FIELDS: t.Final[dict[str, Field]] = {
    item.name: item
    for item in (
        Field("name", R9_7, None, required=True, canonical=_canonical_uri, check=_check_uri),
        Field("key_id", R9_7, R9_8, patch_until=R9_11, required=True, check=_check_key_id),
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
_STANDARD = frozenset({"name", "key_id", "client_id", "tenant_id"})

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


@dataclass(frozen=True)
class Target:
    """Which configuration is meant: the enabled one of a scope, the one named by ``configuration`` (9.14.1+), or the
    one with a UUID."""

    scope: str = "svm"
    svm: str | None = None
    svm_uuid: str | None = None
    configuration: str | None = None
    uuid: str | None = None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Target:
        """From module options. Raises ``InputError``: cluster scope is never assumed because ``svm`` is missing."""
        scope = params.get("scope") or "svm"
        svm, svm_uuid, uuid = params.get("svm"), params.get("svm_uuid"), params.get("uuid")
        check_svm(svm)
        if uuid:
            check_uuid_alone(params)
            return cls(uuid=uuid.lower())
        if svm and svm_uuid:
            raise InputError("svm and svm_uuid are both given", remedy="Give one of them.")
        if scope == "cluster" and (svm or svm_uuid):
            raise InputError(
                f"{'svm' if svm else 'svm_uuid'} is given although scope is cluster",
                remedy="Leave the SVM out for the cluster's own configuration, or leave scope at svm.",
            )
        if scope == "svm" and not (svm or svm_uuid):
            raise InputError(
                "scope is svm, but neither svm nor svm_uuid is given",
                remedy="Give svm (or svm_uuid), or scope: cluster for the cluster's own configuration.",
            )
        svm_uuid = svm_uuid.lower() if svm_uuid else None
        return cls(scope=scope, svm=svm, svm_uuid=svm_uuid, configuration=params.get("configuration"))

    def __str__(self) -> str:
        if self.uuid:
            return f"UUID {self.uuid}"
        where = "the cluster" if self.scope == "cluster" else f"SVM {self.svm or self.svm_uuid}"
        return visible(f"{where}, configuration {self.configuration}" if self.configuration else where)

    def query(self) -> dict[str, str]:
        """The filter that finds this scope's records on every release; ``configuration`` is filtered by ``pick``."""
        if self.uuid:
            return {"uuid": literal(self.uuid)}
        if self.scope == "cluster":
            return {"scope": "cluster"}
        if self.svm:
            return {"svm.name": literal(self.svm)}
        return {"svm.uuid": literal(self.svm_uuid or "")}

    def svm_reference(self) -> dict[str, str]:
        """The SVM as a request body names it."""
        return {"name": self.svm} if self.svm else {"uuid": self.svm_uuid or ""}


def check_svm(svm: str | None) -> None:
    """Raises ``InputError`` when ``svm`` cannot be the name of an SVM: a pattern would mean others than one sees."""
    if svm and not re.fullmatch(r"[\w.-]+", svm):
        raise InputError(
            "svm is not the name of an SVM",
            remedy="Give one name, without blanks; azure_key_vault_info takes patterns in filters, as svm.name.",
        )


def check_uuid_alone(params: t.Mapping[str, t.Any]) -> None:
    """Raises ``InputError`` when ``uuid`` comes with something else that says which configuration is meant."""
    others = [name for name in ("svm", "svm_uuid", "configuration") if params.get(name)]
    if others or params.get("scope") == "cluster":
        raise InputError(
            f"uuid is given together with {', '.join(others or ['scope'])}",
            remedy="Give uuid alone, since it names one configuration.",
        )


@dataclass(frozen=True)
class Vault:
    """One configuration as read. ``record`` is ONTAP's, cleaned: no links, no secrets, one spelling of the state.

    ``encrypted_volumes`` is the number of volumes whose keys it keeps, None where nobody asked or could be told.
    """

    uuid: str
    scope: str
    svm: str | None
    svm_uuid: str | None
    configuration: str | None
    enabled: bool
    record: t.Mapping[str, t.Any] = field(repr=False)
    encrypted_volumes: int | None = None

    @classmethod
    def of(cls, raw: t.Mapping[str, t.Any]) -> Vault:
        record = clean_record(raw)
        svm = record.get("svm") or {}
        return cls(
            uuid=str(record.get("uuid", "")),
            scope=str(record.get("scope") or ("svm" if svm else "cluster")),
            svm=svm.get("name"),
            svm_uuid=str(svm["uuid"]).lower() if svm.get("uuid") else None,
            configuration=(record.get("configuration") or {}).get("name"),
            # Before 9.14.1 there is no such field, and every configuration is in use.
            enabled=record.get("enabled") is not False,
            record=record,
        )

    def value(self, name: str) -> t.Any:
        """The value of a field in ``FIELDS``, None when ONTAP left it out."""
        return self.record.get(name)

    @property
    def at_least(self) -> Release:
        """The lowest release that can have sent this record; saves asking for the release."""
        if "enabled" in self.record or "configuration" in self.record:
            return R9_14
        return R9_10 if "authentication_method" in self.record else R9_7

    def shows_key_versions(self, release: Release | None = None) -> bool:
        """Whether a version of the key would be seen in this record; False also where nobody can tell.

        ``release`` is the cluster's, if known: that of a record from 9.10.1 to 9.13.1 cannot be told from it.
        """
        key = key_of(self.value("key_id"))
        return bool(key and key.version) or (release or self.at_least).has(KEY_VERSIONS)

    def key_version(self, release: Release | None = None) -> str | None:
        """``pinned`` (ONTAP shows a version), ``latest`` (it shows none where it would: Azure's newest is used) or
        ``unknown``; None without a key."""
        key = key_of(self.value("key_id"))
        if not self.value("key_id"):
            return None
        if key and key.version:
            return "pinned"
        return "latest" if key and self.shows_key_versions(release) else "unknown"

    @property
    def azure_reachable(self) -> bool | None:
        """ONTAP's word on whether Azure accepts the stored credential; None when it says nothing."""
        return verdict_of(self.record.get("azure_reachability"), "reachable")

    @property
    def keys_available(self) -> bool | None:
        """ONTAP's word on whether the keys are on every node; None when it says nothing."""
        return verdict_of(self.record.get("state"), "available")


def verdict_of(entry: t.Any, name: str) -> bool | None:
    """Whether all is well: the boolean says so, and so does the code, which is "0" then. None when neither is there."""
    if not isinstance(entry, dict):
        return None
    code, said = entry.get("code"), entry.get(name)
    said = said if isinstance(said, bool) else None
    if code in (None, ""):
        return said
    return said is not False and code == "0"


def clean_record(raw: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """ONTAP's record for people: no links, no secret whatever ONTAP says, ``state.available`` on every release, codes
    as strings (integers up to 9.10.1)."""
    record = {name: _clean(value) for name, value in raw.items() if name != "_links" and name not in SECRETS}
    state = record.get("state")
    if isinstance(state, dict) and "cluster_state" in state:
        old = state.pop("cluster_state")
        state.setdefault("available", old)
    return record


def _clean(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {k: str(v) if k == "code" and v is not None else _clean(v) for k, v in value.items() if k != "_links"}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def fields_to_read(managed: t.Iterable[str]) -> str:
    """The ``fields`` of a read that must show the ``managed`` fields: the standard ones, and the others by name."""
    return ",".join(["*", *sorted(set(managed) - _STANDARD)])


def read(client: Client, target: Target, *, fields: str = "*") -> tuple[Vault, ...]:
    """All configurations of the target's scope, enabled and inactive, in one request (more only if ONTAP pages)."""

    def enough(records: list[dict[str, t.Any]]) -> bool:
        return pick(filter(lambda vault: _belongs(vault, target), map(Vault.of, records)), target) is not None

    query = {**target.query(), "fields": fields}
    found = [Vault.of(raw) for raw in client.records(VAULTS, query, enough=enough)]
    # A second look at what came back: nothing may be changed because a filter was read as a pattern.
    return tuple(vault for vault in found if _belongs(vault, target))


def _belongs(vault: Vault, target: Target) -> bool:
    if target.uuid:
        return vault.uuid.lower() == target.uuid
    if target.scope == "cluster":
        return vault.scope == "cluster"
    if target.svm:
        return vault.svm in (None, target.svm) and vault.scope != "cluster"
    return vault.svm_uuid in (None, target.svm_uuid) and vault.scope != "cluster"


def pick(vaults: t.Iterable[Vault], target: Target) -> Vault | None:
    """The configuration that is meant: the named one, else the enabled one. An inactive one is never a substitute."""
    if target.uuid:
        meant = list(vaults)
    elif target.configuration:
        meant = [vault for vault in vaults if vault.configuration == target.configuration]
    else:
        meant = [vault for vault in vaults if vault.enabled]
    if len(meant) > 1:
        raise BlockedError(
            f"ONTAP reports {len(meant)} matching configurations for {target}",
            remedy="Name the one that is meant with configuration.",
        )
    return meant[0] if meant else None
