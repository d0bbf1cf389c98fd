# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source: what clusters post about keys, received over HTTPS."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import ssl
import sys
import time
import typing as t

DOCUMENTATION = r"""
name: ems_webhook
short_description: Receive the event notifications (EMS) of ONTAP clusters
description:
  - An HTTPS server for destinations of type C(rest_api), which post XML. The webhook of other collections takes JSON only.
  - Every event has C(cluster), C(event), C(severity), C(time), C(node), C(svm), C(configuration), C(key_id) and C(text), as
    those of M(ems_poll). What is not known is empty. No form of what ONTAP posts is published, so a notification may have
    no C(event). It is a reason to look by REST, and no more.
  - ONTAP posts to C(https://host:port/ontap/CLUSTER), or with a secret to C(https://host:port/ontap/SECRET/CLUSTER), where
    C(CLUSTER) is one of O(clusters).
  - Senders show a client certificate of O(cafile), or know O(secret), or both.
  - Bodies of more than 64 KiB, document types and entities are refused; whoever sends slowly is cut off. What cannot be read
    is in the log, once in a O(window), and answered with 200 as all others, since nobody knows what ONTAP does otherwise.
requirements:
  - the Python library aiohttp, which ansible-rulebook brings
options:
  clusters:
    description:
      - The clusters that may post, by the names that they have in the inventory.
    type: list
    elements: str
    required: true
  host:
    description:
      - Address to listen on.
    type: str
    default: 0.0.0.0
  port:
    description:
      - Port to listen on.
    type: int
    default: 5443
  certfile:
    description:
      - File with the server's certificate and its chain, in PEM format. The cluster has to trust it.
    type: path
    required: true
  keyfile:
    description:
      - File with the unencrypted key of O(certfile). Not needed where that file holds it too.
    type: path
  cafile:
    description:
      - File with the CA certificates, in PEM format, of the client certificates that clusters show. Without it none is asked for.
    type: path
  secret:
    description:
      - A part of the path that only the clusters know, 16 to 200 letters and digits. Can come from C(ONTAP_EMS_SECRET).
    type: str
  window:
    description:
      - Seconds in which the same event about the same thing is a repetition, and not told again.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Keys of two clusters
  hosts: all
  sources:
    - ontap.security.ems_webhook:
        clusters: [cluster1, cluster2]
        certfile: /etc/pki/eda.pem
        keyfile: /etc/pki/eda.key
        cafile: /etc/pki/ontap-clients.pem
  rules:
    - name: Show what happened
      condition: event.cluster is defined
      action:
        print_event:
"""

# Find the collection:
# ansible-rulebook runs this file by its path, without Ansible's way to find collections: the one that this file is in is
# where it lies. A regular package of that name comes with the package ansible.
_PARENT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 7))
with contextlib.suppress(ImportError):
    sys.path.append(_PARENT)
    import ansible_collections

    _FOLDER = os.path.join(_PARENT, "ansible_collections")
    if _FOLDER not in list(ansible_collections.__path__) and os.path.isdir(_FOLDER):
        ansible_collections.__path__.append(_FOLDER)
# Found.

from aiohttp import web

from ansible_collections.ontap.security.plugins.module_utils._azure.events import Event
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import reason_in
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.plugin_utils._events.notification import (
    LARGEST,
    NotificationError,
    Recent,
    read,
)
from ansible_collections.ontap.security.plugins.plugin_utils._events.options import Receiving, receiving

logger = logging.getLogger("ontap.security.ems_webhook")
# What a sender does wrong is told below; aiohttp would write a page for each.
_silent = logging.getLogger("ontap.security.ems_webhook.http")
_silent.setLevel(logging.CRITICAL + 1)

# A notification is small and is sent at once. Whoever needs longer holds a place that others need (seconds).
_HANDSHAKE, _BODY, _CONNECTION = 10, 10, 30
_CONNECTIONS = 200
# Seconds that aiohttp goes on to read what nobody wants, so that the answer arrives.
_LINGER = 1.0

_OK = "<result>OK</result>"


class _TooLong(Exception):
    """A body has more than it may."""


class _Full(asyncio.Protocol):
    """A connection for which there is no place."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        t.cast(asyncio.Transport, transport).abort()


class _Receiver:
    """What becomes of requests. Events are in ``events``, until somebody takes them."""

    def __init__(self, options: Receiving) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._options = options
        self._recent = Recent(options.window)
        self._said: dict[str, float] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        cluster = self._cluster(request.path)
        if cluster is None:
            self._say(f"a request from {request.remote} was refused: it names no cluster that may post, or no secret")
            return _end(404)
        if request.method != "POST":
            return _end(405)
        try:
            body = await asyncio.wait_for(_body(request), _BODY)
        except (asyncio.TimeoutError, _TooLong) as exc:
            late = isinstance(exc, asyncio.TimeoutError)
            reason = f"it did not arrive in {_BODY} seconds" if late else f"it has more than {LARGEST // 1024} KiB"
            self._say(f"a notification of {cluster} cannot be read: {reason}")
            return _end(408 if late else 413)
        self._take(cluster, body)
        return web.Response(text=_OK, content_type="text/xml")

    def _cluster(self, path: str) -> str | None:
        """The cluster that a path names, if it may post."""
        begin, _slash, cluster = path.rpartition("/")
        wanted = f"/ontap/{self._options.secret}" if self._options.secret else "/ontap"
        known = hmac.compare_digest(begin.encode("utf-8", "surrogateescape"), wanted.encode())
        return cluster if known and cluster in self._options.clusters else None

    def _take(self, cluster: str, body: bytes) -> None:
        try:
            event = read(cluster, body)
        except NotificationError as exc:
            self._say(f"a notification of {cluster} cannot be read: {exc}")
            return
        if (admitted := self._recent.admit(event, time.monotonic())) is not None:
            self.events.put_nowait(admitted)

    def _say(self, what: str) -> None:
        """Log, but not the same again and again."""
        now = time.monotonic()
        self._said = {said: moment for said, moment in self._said.items() if now - moment < self._options.window}
        if what not in self._said and len(self._said) < _CONNECTIONS:
            self._said[what] = now
            logger.warning("%s", what)


async def _body(request: web.BaseRequest) -> bytes:
    """The whole body. Raises ``_TooLong``."""
    if (request.content_length or 0) > LARGEST:
        raise _TooLong
    found = bytearray()
    async for chunk in request.content.iter_any():
        found += chunk
        if len(found) > LARGEST:
            raise _TooLong
    return bytes(found)


def _end(status: int) -> web.Response:
    """An answer after which the connection ends."""
    response = web.Response(status=status)
    response.force_close()
    return response


def _tls(options: Receiving) -> ssl.SSLContext:
    """Raises ``ValueError``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # The empty pass phrase keeps OpenSSL from asking a terminal for one.
        context.load_cert_chain(options.certfile, options.keyfile, password="")
    except (OSError, ssl.SSLError) as exc:
        raise ValueError(f"ems_webhook: certfile and keyfile cannot be used: {reason_in(exc)}") from None
    if options.cafile:
        try:
            context.load_verify_locations(options.cafile)
        except (OSError, ssl.SSLError) as exc:
            raise ValueError(f"ems_webhook: cafile cannot be used: {reason_in(exc)}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _cut_off(server: web.Server) -> None:
    """End connections that are there for longer than any needs: aiohttp waits for a first request without end."""
    before: set[t.Any] = set()
    while True:
        await asyncio.sleep(_CONNECTION)
        now = set(server.connections)
        for connection in before & now:
            if connection.transport is not None:
                connection.transport.abort()
        before = now


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Put events into ``queue`` until cancelled. Raises ``ValueError`` or ``OSError`` for arguments that cannot work."""
    try:
        options = receiving(args)
    except InputError as exc:
        # ansible-rulebook shows what an error is as text, and so the remedy has to be in it.
        raise ValueError(exc.text()) from None
    loop, receiver = asyncio.get_running_loop(), _Receiver(options)
    # Packed bodies stay packed, and so as small as they came.
    server = web.Server(
        receiver.handle,
        access_log=None,
        logger=_silent,
        auto_decompress=False,
        keepalive_timeout=_BODY,
        lingering_time=_LINGER,
    )

    def connect() -> asyncio.Protocol:
        return _Full() if len(server.connections) >= _CONNECTIONS else server()

    listener = await loop.create_server(
        connect, options.host, options.port, ssl=_tls(options), ssl_handshake_timeout=_HANDSHAKE
    )
    logger.info("listening for notifications on %s port %d", options.host, options.port)
    cutting = asyncio.create_task(_cut_off(server))
    try:
        # ONTAP has its answer by then, however long the rulebook takes.
        while True:
            await queue.put((await receiver.events.get()).as_dict())
    finally:
        cutting.cancel()
        listener.close()
        await server.shutdown(timeout=_LINGER)


if __name__ == "__main__":
    # To try it: ONTAP_EMS_SECRET=... python ems_webhook.py server.pem cluster1 cluster2
    class _Printer:
        async def put(self, event: t.Any) -> None:
            print(event, flush=True)

    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(t.cast("asyncio.Queue[t.Any]", _Printer()), {"certfile": sys.argv[1], "clusters": sys.argv[2:]}))
