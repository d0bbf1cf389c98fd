# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends events to destinations of type rest_api, as XML.

What ONTAP posts is not documented but for its being XML. Readings: the elements are those of ONTAPI's object
ems-message-info; a receiver in production was seen to read ``severity`` and ``event`` of them, which is what
``ems_sparse`` leaves; a namespace may be there (``ems_namespace``), or a prefix for it (``ems_prefix``). Nothing is
sent twice.
"""

from __future__ import annotations

import http.client
import queue
import ssl
import threading
import typing as t
import urllib.parse
from xml.sax.saxutils import escape

from tests.simulator.ems import Destination, Event
from tests.simulator.records import Switches

NAMESPACE = "http://www.netapp.com/filer/admin"
TIMEOUT = 10.0


def document(event: Event, switches: Switches) -> bytes:
    """Return the body for an event."""
    prefix = "na:" if switches.ems_prefix else ""
    namespace = f' xmlns:na="{NAMESPACE}"' if prefix else f' xmlns="{NAMESPACE}"' if switches.ems_namespace else ""
    elements = {"severity": event.severity, "event": event.text}
    if not switches.ems_sparse:
        elements = {
            "message-name": event.name,
            **elements,
            "node": event.node,
            "time": str(int(event.moment)),
            "seq-num": str(event.index),
            "source": "keymanager",
            "num-suppressed-since-last": "0",
        }
    inner = "".join(f"<{prefix}{name}>{escape(value)}</{prefix}{name}>" for name, value in elements.items())
    info = f"<{prefix}ems-message-info>{inner}</{prefix}ems-message-info>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{prefix}netapp{namespace}>{info}</{prefix}netapp>'.encode()


class Poster:
    """A thread that posts one event after the other.

    ``login`` is the certificate and key that the cluster shows where a destination names a certificate, ``ca`` the
    authority that it trusts. ``log`` has the status of every post, or what went wrong.
    """

    def __init__(self, ca: str, login: tuple[str, str]) -> None:
        self.log: list[tuple[str, int | str]] = []
        self._ca = ca
        self._login = login
        self._waiting: queue.Queue[tuple[Destination, bytes] | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def put(self, destination: Destination, body: bytes) -> None:
        """Have a body sent, after those that wait already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="simulator: events", daemon=True)
            self._thread.start()
        self._waiting.put((destination, body))

    def send(self, destination: Destination, body: bytes) -> str:
        """Send a body now; returns what went wrong, or nothing."""
        try:
            result: int | str = self._post(destination, body)
        except (OSError, http.client.HTTPException) as exc:
            result = str(exc) or type(exc).__name__
        self.log.append((destination.name, result))
        return "" if result == 200 else f"The server did not receive the event: {result}"

    def close(self) -> None:
        """Stop, without waiting for what is under way."""
        self._waiting.put(None)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            self.send(*item)

    def _post(self, destination: Destination, body: bytes) -> int:
        url = urllib.parse.urlsplit(destination.address)
        host = t.cast(str, url.hostname)
        connection = http.client.HTTPConnection(host, url.port or 80, timeout=TIMEOUT)
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca)
            if destination.ca:
                context.load_cert_chain(*self._login)
            connection = http.client.HTTPSConnection(host, url.port or 443, timeout=TIMEOUT, context=context)
        try:
            path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
            connection.request("POST", path, body, {"Content-Type": "text/xml"})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()
