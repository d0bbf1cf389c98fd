# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an HTTP exchange failed, in words: what the system's, TLS's and requests' errors mean, and what to do."""

from __future__ import annotations

import socket
import ssl
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection, reason_in
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    LostAnswerError,
    OntapError,
    TransportError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.transport import MAX_ANSWER, TooMuchError

try:
    import urllib3
    from requests import exceptions as rex
except ImportError:
    # Without requests no module gets as far as failing here.
    pass

NOT_ONTAP = (
    "A proxy or load balancer may have answered instead of ONTAP: check hostname, http_port, HTTPS_PROXY and NO_PROXY"
)
_CLIENT_CERTIFICATE = (
    "Log in with a client certificate, cert_filepath and key_filepath (ONTAP_CERT_FILEPATH, ONTAP_KEY_FILEPATH), or "
    "let the cluster do without one: security ssl modify -client-enabled false."
)


def transport_error(
    connection: Connection,
    clean: t.Callable[[str], str],
    method: str,
    path: str,
    exc: BaseException,
    timeout: float,
) -> TransportError:
    """The error for an exchange that failed, in words. ``timeout`` is what it had, in seconds, and ``clean`` takes
    secrets out of a text."""
    host = f"{connection.hostname} port {connection.port}"
    causes = list(_causes(exc))

    def met(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    # Only what failed before there was a connection has certainly not reached ONTAP.
    unconnected = met(urllib3.exceptions.NewConnectionError)
    unsent = unconnected or met(rex.InvalidURL, rex.InvalidSchema)
    if met(TooMuchError):
        what = f"{host} answered {method} {path} with more than {MAX_ANSWER // 1024**2} MiB"
        remedy = f"Where max_records sets the size of a page, make it smaller. {NOT_ONTAP}."
    elif met(rex.ProxyError, urllib3.exceptions.ProxyError, rex.InvalidProxyURL, rex.InvalidSchema) and unsent:
        what = f"the proxy for {host} cannot be used ({reason_in(_telling(causes))})"
        remedy = "Check HTTPS_PROXY, or put the cluster into NO_PROXY."
    elif met(socket.gaierror):
        what = f"the name {connection.hostname} does not resolve ({reason_in(_first(causes, socket.gaierror))})"
        remedy = "Check hostname (ONTAP_HOSTNAME) and the DNS of the machine that runs the task."
    elif met(ssl.SSLCertVerificationError):
        trusted = connection.ca_path or "the CA bundle of Python's certifi"
        reason = reason_in(_first(causes, ssl.SSLCertVerificationError))
        what = f"the certificate of {host} is not trusted by {trusted} ({reason})"
        remedy = (
            "Give the CA that signed the cluster's certificate as ca_path (ONTAP_CA_PATH), and use as hostname a "
            "name that the certificate carries."
        )
    elif met(ssl.SSLError, rex.SSLError):
        reason = reason_in(_first(causes, ssl.SSLError) if met(ssl.SSLError) else causes[-1])
        meaning, remedy = _tls_failure(reason, connection)
        what = f"TLS with {host} failed: {meaning} ({reason.lower().replace('_', ' ')})"
    elif met(socket.timeout, TimeoutError, rex.Timeout) and unconnected:
        what = f"{host} did not answer within {timeout:g} seconds"
        remedy = "Check hostname, http_port, HTTPS_PROXY, routes and firewalls; request_timeout sets the time."
    elif unconnected:
        what = f"no connection to {host} ({reason_in(_telling(causes))})"
        remedy = "Check hostname and http_port, and that the cluster's management LIF is up and allows HTTPS."
    elif met(socket.timeout, TimeoutError, rex.Timeout, urllib3.exceptions.TimeoutError):
        what = f"{host} accepted {method} {path} and did not answer in full within {timeout:g} seconds"
        remedy = "ONTAP may be busy: try again, or give a larger request_timeout."
    elif met(rex.InvalidURL, UnicodeError):
        what = f"{connection.base_url} cannot be called"
        remedy = "Check hostname (ONTAP_HOSTNAME), http_port and HTTPS_PROXY."
    else:
        what = f"the connection to {host} broke during {method} {path} ({type(causes[-1]).__name__})"
        remedy = "The network, the cluster's LIF or a proxy dropped it: run the task again."
    kind = TransportError if unsent or method == "GET" else LostAnswerError
    error = kind(clean(what), remedy=remedy, method=method, path=path)
    error.retry = not met(
        TooMuchError, socket.gaierror, ssl.SSLCertVerificationError, rex.InvalidURL, rex.InvalidSchema
    )
    return error


def _tls_failure(reason: str, connection: Connection) -> tuple[str, str]:
    """What OpenSSL's ``reason`` means here, and what to do about it."""
    if reason.endswith(("_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE")):
        return (
            "it speaks only versions of TLS that are too old for this machine",
            "Let the cluster speak TLS 1.2 or 1.3: security config modify -interface SSL -supported-protocols "
            "TLSv1.2,TLSv1.3.",
        )
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL"):
        return (
            "what listens there does not speak TLS, but perhaps plain HTTP",
            "Give the cluster's HTTPS port as http_port (ONTAP_HTTP_PORT), 443 unless somebody has changed it.",
        )
    if reason.endswith(("_ALERT_HANDSHAKE_FAILURE", "_ALERT_INSUFFICIENT_SECURITY")):
        return (
            "it ended the handshake, because it demands a client certificate or has no cipher in common with this "
            "machine",
            f"{_CLIENT_CERTIFICATE} Otherwise compare the ciphers: security config show.",
        )
    if "_ALERT_" in reason and ("CERTIFICATE" in reason or reason.endswith(("_UNKNOWN_CA", "_ACCESS_DENIED"))):
        if connection.cert_filepath:
            return (
                "it does not accept the client certificate",
                f"Check that {connection.cert_filepath} has not expired, and that the cluster has the CA that "
                "signed it (security certificate install -type client-ca).",
            )
        return ("it demands a client certificate, and none is given", _CLIENT_CERTIFICATE)
    return (
        "the handshake or the connection broke",
        "Check that http_port (ONTAP_HTTP_PORT) is the cluster's HTTPS port, and what is in between.",
    )


def _causes(exc: BaseException) -> t.Iterator[BaseException]:
    """The exception and all that led to it: requests and urllib3 hide causes in args, reason and context."""
    todo: list[object] = [exc]
    seen: set[int] = set()
    while todo:
        item = todo.pop(0)
        # An error of our own, in whose handling this one came up, is another story.
        if not isinstance(item, BaseException) or isinstance(item, OntapError) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        todo.extend([*item.args, getattr(item, "reason", None), item.__cause__, item.__context__])


def _first(causes: list[BaseException], *kinds: type[BaseException]) -> BaseException:
    return next(cause for cause in causes if isinstance(cause, kinds))


def _telling(causes: list[BaseException]) -> BaseException:
    """The innermost one that the operating system has a word for."""
    return next((cause for cause in reversed(causes) if getattr(cause, "strerror", None)), causes[-1])
