# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's identifiers: vaults, keys and their versions, GUIDs. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


def is_guid(value: str) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value) is not None


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


def canonical_uri(value: t.Any) -> t.Any:
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


def host_of(value: t.Any) -> str | None:
    """The host of a vault's URI in lower case; None when it is none."""
    try:
        return urlsplit(vault_uri(value)).hostname
    except (TypeError, ValueError, AttributeError):
        return None


def same_key_id(one: t.Any, other: t.Any) -> bool:
    first, second = key_of(one), key_of(other)
    return first.same_key(second) if first and second else bool(one == other)


def one_names_a_version(one: t.Any, other: t.Any) -> bool:
    """Whether two identifiers name the same key and only one of them a version of it."""
    first, second = key_of(one), key_of(other)
    return bool(first and second and first.same_key(second) and first.version != second.version)
