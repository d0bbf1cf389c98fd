# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange, bounded in time and in size whatever the other side does. Knows nothing of ONTAP.

requests bounds each wait for the next byte, but neither an answer that trickles in nor one that never ends; and it
looks into redirects, cookies and encodings, whose odd forms it does not expect. So only its connections are used.
"""

from __future__ import annotations

import errno
import http.client
import io
import socket
import ssl
import time
import typing as t
import zlib
from dataclasses import dataclass

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.structures import CaseInsensitiveDict
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool
except ImportError:
    # So that the classes below can be made; without requests no module gets as far as using them.
    HTTPAdapter = HTTPSConnection = HTTPSConnectionPool = object  # type: ignore[assignment, misc]

# Bytes, as they come in and unpacked. 10,000 configurations are 5 MB.
MAX_ANSWER = 64 * 1024 * 1024
# What is asked for, and unpacked below; requests would add what else happens to be installed.
ENCODINGS = "gzip, deflate"

_CHUNK = 64 * 1024
_ANY_ZLIB = zlib.MAX_WBITS | 32


class TooMuchError(OSError):
    """More than ``MAX_ANSWER`` bytes came in."""


@dataclass(frozen=True)
class Reply:
    """An answer as it came: status, headers (found in any case), and the whole body, unpacked."""

    status: int
    headers: t.Mapping[str, str]
    content: bytes


class _Incoming(io.RawIOBase):
    """What comes in for one answer, status line to last byte: altogether within the time that the socket has for one
    read (seconds), and no more than ``MAX_ANSWER``."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = time.monotonic() + (sock.gettimeout() or float("inf"))
        self._room = MAX_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        if left != float("inf"):
            self._sock.settimeout(left)
        number = self._raw.readinto(buffer)
        self._room -= number or 0
        if self._room < 0:
            raise TooMuchError("the answer is too large")
        return t.cast("int | None", number)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """Reads from ``_Incoming``; also the answer of a proxy to CONNECT."""

    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Incoming(self.fp.detach(), sock))


class _Connection(HTTPSConnection):
    """Connects within its ``timeout`` (seconds). Whatever fails before it is connected is a ``NewConnectionError``, so
    that the request has certainly not been sent."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        began = time.monotonic()
        # The time is for all addresses of a name, and not for each of them.
        addresses = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
        whole = self.timeout or 0.0
        self.timeout = whole / len(addresses)
        sock = super()._new_conn()
        sock.settimeout(max(0.001, whole - (time.monotonic() - began)))
        return sock

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError) as exc:
            raise urllib3.exceptions.NewConnectionError(self, str(exc)) from exc

    def send(self, data: t.Any) -> None:
        """What ends the connection meanwhile may have said why before, which is then read in place of an answer."""
        try:
            super().send(data)
        except ssl.SSLEOFError as exc:
            raise BrokenPipeError(errno.EPIPE, exc.strerror) from exc


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class Adapter(HTTPAdapter):
    """What requests sends with. A SOCKS proxy has connections of its own, which it keeps."""

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _Pool}

    def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if isinstance(manager, urllib3.ProxyManager):
            manager.pool_classes_by_scheme = {"https": _Pool}
        return manager

    def build_response(self, req: t.Any, resp: t.Any) -> requests.Response:
        """Status, headers and body, and nothing that would have to be parsed."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        return response


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    params: t.Mapping[str, str],
    body: t.Any,
    verify: bool | str,
    timeout: float,
) -> Reply:
    """Send one request and read the whole answer, in ``timeout`` seconds. ``body`` is sent as JSON, if there is one.

    ``session`` has an ``Adapter``. Raises what requests, urllib3 and the operating system raise, and ``TooMuchError``.
    """
    prepared = session.prepare_request(requests.Request(method, url, params=params, json=body))
    response = session.get_adapter(url).send(
        prepared,
        stream=True,
        timeout=t.cast(t.Any, urllib3.Timeout(total=timeout)),
        # Not from the session: there REQUESTS_CA_BUNDLE would win over it.
        verify=verify,
        cert=session.cert,
        proxies=session.proxies,
    )
    # urllib3 1.26 takes half a body for a whole one.
    response.raw.enforce_content_length = True
    content = bytearray()
    while chunk := response.raw.read(_CHUNK, decode_content=False):
        content += chunk
    return Reply(response.status_code, response.headers, _unpacked(bytes(content), response.headers))


def _unpacked(content: bytes, headers: t.Mapping[str, str]) -> bytes:
    """The body without the encoding that was asked for. One that was not stays; it is no JSON."""
    if headers.get("Content-Encoding", "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return content
    try:
        plain = zlib.decompressobj(_ANY_ZLIB).decompress(content, MAX_ANSWER + 1)
    except zlib.error:
        return content
    if len(plain) > MAX_ANSWER:
        raise TooMuchError("the answer is too large when it is unpacked")
    return plain
