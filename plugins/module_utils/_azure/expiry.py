# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the credential and the key of a configuration end, as far as anybody says it. Pure.

ONTAP shows neither. People say it (``expires``, ``key_expires``), and a certificate has its own end in it, which the
Python library cryptography reads where it is installed.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError

OPTIONS: t.Final = ("expires", "key_expires")

NO_LIBRARY: t.Final = (
    "When client_certificate ends is not known, because the Python library cryptography is not installed where the "
    "module runs. Install it, or say the day with expires."
)
_NOT_READ: t.Final = (
    "When client_certificate ends is not known, because it cannot be read without a password. Say the day with expires."
)


@dataclass(frozen=True)
class Expiry:
    """The last day of the credential and of the key, None where nobody says it, and who says it. ``doubts`` are worth
    a warning."""

    credential: datetime.date | None = None
    credential_from: str | None = None
    key: datetime.date | None = None
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Expiry:
        """From module options. Raises ``InputError`` naming the option that holds no day."""
        said, key = (day_of(name, params.get(name)) for name in OPTIONS)
        certificate = params.get("client_certificate")
        end, doubt = (None, "") if not certificate else _end_of(certificate)
        if end is None:
            return cls(said, "expires" if said else None, key, (doubt,) if doubt and not said else ())
        doubts = (f"expires is {said}, and client_certificate ends on {end}: its own end counts.",)
        return cls(end, "certificate", key, doubts if said and said != end else ())

    def as_result(self) -> dict[str, str | None]:
        return {
            "credential": self.credential.isoformat() if self.credential else None,
            "credential_from": self.credential_from,
            "key": self.key.isoformat() if self.key else None,
            "key_from": "expires" if self.key else None,
        }


def day_of(name: str, value: t.Any) -> datetime.date | None:
    """The day that an option names, None where it is not given. Raises ``InputError`` for what is no day."""
    if value is None:
        return None
    try:
        # With or without a time of day, as Azure writes it.
        return datetime.date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        raise InputError(f"{name} is no day", remedy="Give the last day, such as 2026-12-31.") from None


def _end_of(certificate: str) -> tuple[datetime.date | None, str]:
    """The last day of a PKCS12 in base64, or why nobody can tell."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import pkcs12
    except ImportError:
        return None, NO_LIBRARY
    try:
        content = base64.b64decode("".join(certificate.split()), validate=True)
    except (binascii.Error, ValueError):
        return None, _NOT_READ
    for password in (None, b""):
        try:
            _key, found, _others = pkcs12.load_key_and_certificates(content, password)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if found is not None:
            # Before version 42 the library has no times with a zone.
            end: datetime.datetime = getattr(found, "not_valid_after_utc", None) or found.not_valid_after
            return end.date(), ""
    return None, _NOT_READ
