# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cluster is and how to log in: checked before anything is sent."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.secrets import not_a_secret

_NO_FILE = "Give a file that is there where the module runs; an execution environment needs it mounted."


@dataclass(frozen=True)
class Connection:
    """Where and how to log in. Exactly one of password, token and certificate is given.

    ``timeout`` is in seconds for one HTTP exchange altogether, from looking for the address to the last byte of the
    answer. ``secrets`` are all values that must never appear in a message.
    """

    hostname: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    cert_filepath: str | None = None
    key_filepath: str | None = None
    port: int = 443
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: int = 60
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        check_host(self.hostname)
        if not 0 < self.port < 65536:
            raise InputError(
                f"http_port (ONTAP_HTTP_PORT) is {self.port}; a TCP port is a number from 1 to 65535",
                remedy="Leave it out for ONTAP's 443, or give the port the cluster's web service listens on.",
            )
        if self.timeout < 1:
            raise InputError(
                f"request_timeout (ONTAP_REQUEST_TIMEOUT) is {self.timeout}; it is a number of seconds, at least 1",
                remedy="Leave it out for 60 seconds, or give the time one request and its answer may take altogether.",
            )
        self._check_login()
        self._check_files()

    @property
    def base_url(self) -> str:
        """``https://host:port`` with the brackets an IPv6 address needs."""
        host = self.hostname.strip("[]")
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"

    @property
    def verify(self) -> bool | str:
        """What requests calls ``verify``."""
        if not self.validate_certs:
            return False
        return self.ca_path or True

    def _check_login(self) -> None:
        """Exactly one login, complete. An unused user name beside a token or certificate does no harm."""
        certificate = self.cert_filepath or self.key_filepath
        kinds = [
            name
            for name, given in (
                ("password", self.password),
                ("access_token", self.access_token),
                ("cert_filepath", certificate),
            )
            if given
        ]
        choices = (
            "Give exactly one: username and password (ONTAP_USERNAME, ONTAP_PASSWORD), access_token "
            "(ONTAP_ACCESS_TOKEN), or cert_filepath with key_filepath (ONTAP_CERT_FILEPATH, ONTAP_KEY_FILEPATH)."
        )
        if not kinds:
            missing = "only username is given" if self.username else "no login is given"
            raise InputError(f"{missing}, so there is nothing to log in with", remedy=choices)
        if len(kinds) > 1:
            raise InputError(f"more than one login is given: {', '.join(kinds)}", remedy=choices)
        if self.password and not self.username:
            raise InputError(
                "password is given without username", remedy="Give username (ONTAP_USERNAME) along with password."
            )
        if self.key_filepath and not self.cert_filepath:
            raise InputError(
                "key_filepath is given without cert_filepath",
                remedy="Give cert_filepath (ONTAP_CERT_FILEPATH), the client certificate that belongs to the key.",
            )
        for option, value in (("password", self.password), ("access_token", self.access_token)):
            reason = not_a_secret(value) if value else ""
            if reason:
                raise InputError(
                    f"{option} (ONTAP_{option.upper()}) is not usable: {reason}",
                    remedy="Give the secret itself, and see what the template, variable or credential makes of it.",
                )
        if self.password and self.password != self.password.strip("\r\n"):
            raise InputError(
                "password (ONTAP_PASSWORD) begins or ends with a line break",
                remedy="Take it away where the password is stored, or with the filter trim.",
            )
        if self.access_token and not re.fullmatch(r"[\x21-\x7e]+", self.access_token):
            raise InputError(
                "access_token (ONTAP_ACCESS_TOKEN) holds white space or characters no bearer token has",
                remedy="Give the token alone, without a line break or the word Bearer.",
            )

    def _check_files(self) -> None:
        """Try the files as OpenSSL will, since a bad one otherwise surfaces as an obscure error of the TLS layer."""
        if self.ca_path and self.validate_certs:
            if not os.path.exists(self.ca_path):
                raise InputError(
                    f"ca_path (ONTAP_CA_PATH): there is no file or folder {self.ca_path}",
                    remedy=_NO_FILE,
                )
            if not os.path.isdir(self.ca_path):
                try:
                    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=self.ca_path)
                except (OSError, ssl.SSLError) as exc:
                    raise InputError(
                        f"ca_path (ONTAP_CA_PATH): {self.ca_path} cannot be used as a CA file ({reason_in(exc)})",
                        remedy="Give a readable file of CA certificates in PEM format.",
                    ) from exc
        if not self.cert_filepath:
            return
        for option, path in (("cert_filepath", self.cert_filepath), ("key_filepath", self.key_filepath)):
            if path and not os.path.isfile(path):
                raise InputError(
                    f"{option} (ONTAP_{option.upper()}): there is no file {path}",
                    remedy=_NO_FILE,
                )
        try:
            # The empty pass phrase keeps OpenSSL from asking a terminal for one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(self.cert_filepath, self.key_filepath, password="")
        except (OSError, ssl.SSLError) as exc:
            raise InputError(
                "cert_filepath (ONTAP_CERT_FILEPATH) and key_filepath (ONTAP_KEY_FILEPATH) cannot be used for login: "
                f"{self.cert_filepath}"
                f"{' with ' + self.key_filepath if self.key_filepath else ''} ({reason_in(exc)})",
                remedy="Give a certificate and its unencrypted private key in PEM format, in one file or two.",
            ) from exc


def check_host(hostname: str) -> None:
    """Raises ``InputError`` when this is no name or address of a host."""
    plain = hostname[1:-1] if hostname.startswith("[") and hostname.endswith("]") else hostname
    try:
        ipaddress.ip_address(plain)
        return
    except ValueError:
        pass
    if not plain or not re.fullmatch(r"[^\s/\\@?#:%\[\]'\"<>]+", plain):
        raise InputError(
            "hostname (ONTAP_HOSTNAME) is not a host name or IP address",
            remedy="Give the name or address of the cluster management LIF alone, without https://, path or port; "
            "the port goes into http_port.",
        )


def reason_in(exc: BaseException) -> str:
    """The operating system's or OpenSSL's word for it, without Python's decoration."""
    said = exc.args[0] if isinstance(exc, OSError) and exc.args and isinstance(exc.args[0], str) else None
    return str(
        getattr(exc, "verify_message", None)
        or getattr(exc, "reason", None)
        or getattr(exc, "strerror", None)
        or said
        or type(exc).__name__
    )
