# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated cluster as an HTTPS server on this machine's loopback address."""

from __future__ import annotations

import asyncio
import base64
import copy
import email.utils
import fcntl
import functools
import itertools
import json
import pathlib
import socket
import ssl
import tempfile
import threading
import typing as t

import trustme
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.simulator.ems import Destination, Event
from tests.simulator.faults import Fault
from tests.simulator.ontap import Ontap
from tests.simulator.poster import Poster, document
from tests.simulator.web import Connection, Web

HOST = "127.0.0.1"
USERNAME = "admin"
PASSWORD = "rehearsal-password"  # obviously no real cluster's
START_SECONDS = 30
KEEP_ALIVE_SECONDS = 75


def _token_part(content: dict[str, str]) -> str:
    # Padded with blanks until its base64 needs no padding: the official client looks at the form of a token.
    text = json.dumps(content)
    return base64.urlsafe_b64encode((text + " " * (-len(text) % 3)).encode()).decode()


TOKEN = ".".join([_token_part({"alg": "none"}), _token_part({"sub": "rehearsal"}), "rehearsal"])


@functools.cache
def default_ca() -> trustme.CA:
    """Return the certificate authority that the simulators of this process share, unless they are given another."""
    return trustme.CA()


def load_ca(folder: pathlib.Path) -> trustme.CA:
    """Return the certificate authority that is kept in ``folder`` (ca.pem, ca.key); it is made when there is none."""
    certificate, key = folder / "ca.pem", folder / "ca.key"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Several simulators may start at once, and all have to end up with the same one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if certificate.exists():
            return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        ca = trustme.CA()
        key.touch(mode=0o600)
        ca.private_key_pem.write_to_path(str(key))
        ca.cert_pem.write_to_path(str(certificate))
        return ca


class _Protocol(H11Protocol):
    """HTTP that tells the application about its connection."""

    numbers = itertools.count(1)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection = Connection(next(self.numbers), transport)
        inner = self.app

        async def app(scope: t.Any, receive: t.Any, send: t.Any) -> None:
            scope["connection"] = connection
            await inner(scope, receive, send)

        self.app = app

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn leaves a connection that broke off open, about which Python 3.10 complains.
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn that starts and stops without its waiting times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()

    async def main_loop(self) -> None:
        assert self._stop is not None
        while not self._stop.is_set():
            self.server_state.default_headers = [(b"date", email.utils.formatdate(usegmt=True).encode())]
            try:
                await asyncio.wait_for(self._stop.wait(), timeout=1)
            except asyncio.TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    def stop(self) -> None:
        """Stop the server; callable from any thread."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)


class Simulator:
    """A simulated cluster, to be used with ``with``.

    ``port`` 0 takes a free one. ``ca`` is a certificate authority to share between simulators. The files that
    ``ca_path``, ``cert_path`` and ``key_path`` name live in a temporary folder until the end. Addresses and logins
    are attributes; the state and its scenes are ``ontap``.
    """

    def __init__(
        self,
        release: str = "9.16.1",
        svms: t.Sequence[str] = ("vs0", "vs1"),
        nodes: t.Sequence[str] = ("node1", "node2"),
        name: str = "cluster1",
        port: int = 0,
        ca: trustme.CA | None = None,
        *,
        username: str = USERNAME,
        password: str = PASSWORD,
    ) -> None:
        self.host = HOST
        self.port = port
        self.username = username
        self.password = password
        self.token = TOKEN
        self.ontap = Ontap(release, name=name, svms=svms, nodes=nodes, user=username, password=password)
        self._ca = ca or default_ca()
        self._web = Web(self.ontap, self.token, self.info)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._poster: Poster | None = None

    # --- life

    def __enter__(self) -> Simulator:
        self._folder = tempfile.TemporaryDirectory(prefix="ontap-simulator-")
        try:
            self._write_files()
            self._poster = Poster(self.ca_path, (self.cert_path, self.key_path))
            self.ontap.post = self._post
            self._serve()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server and remove its files."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
        if self._poster is not None:
            self._poster.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _serve(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # asyncio sets it on sockets that it makes; without it every answer, which is two writes, takes 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.bind((self.host, self.port))
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        config = uvicorn.Config(
            self._web.app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            loop="asyncio",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        config.load()
        config.ssl = self._tls()
        server = self._server = _Server(config)
        self._thread = threading.Thread(target=server.run, args=([sock],), name=f"simulator:{self.port}", daemon=True)
        self._thread.start()
        if not server.ready.wait(START_SECONDS):
            raise RuntimeError("the simulator did not start")

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert(HOST, "localhost").configure_cert(context)
        self._ca.configure_trust(context)
        # A certificate is one way to log in, not a condition for the connection.
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _write_files(self) -> None:
        certificate = self._ca.issue_cert(f"{self.username}@example.com", common_name=self.username)
        self._ca.cert_pem.write_to_path(self.ca_path)
        certificate.cert_chain_pems[0].write_to_path(self.cert_path)
        certificate.private_key_pem.write_to_path(self.key_path)

    def _file(self, name: str) -> str:
        if self._folder is None:
            raise RuntimeError("the simulator is not running")
        return str(pathlib.Path(self._folder.name, name))

    def _post(self, destination: Destination, event: Event, now: bool) -> str:
        assert self._poster is not None
        body = document(event, self.ontap.switches)
        if now:
            return self._poster.send(destination, body)
        self._poster.put(destination, body)
        return ""

    # --- addresses and logins

    @property
    def url(self) -> str:
        """Where the cluster is: https, loopback address and port."""
        return f"https://{self.host}:{self.port}"

    @property
    def ca_path(self) -> str:
        """PEM file of the certificate authority to trust."""
        return self._file("ca.pem")

    @property
    def cert_path(self) -> str:
        """PEM file of a certificate that logs in as ``username``."""
        return self._file("user.pem")

    @property
    def key_path(self) -> str:
        """PEM file of that certificate's key."""
        return self._file("user.key")

    def issue_login(self, user: str, folder: str) -> tuple[str, str]:
        """Write a client certificate for ``user`` into ``folder``; returns the paths of certificate and key."""
        certificate = self._ca.issue_cert(f"{user}@example.com", common_name=user)
        paths = str(pathlib.Path(folder, f"{user}.pem")), str(pathlib.Path(folder, f"{user}.key"))
        certificate.cert_chain_pems[0].write_to_path(paths[0])
        certificate.private_key_pem.write_to_path(paths[1])
        return paths

    def info(self) -> dict[str, t.Any]:
        """Return address, login, release, SVMs and nodes, JSON-able."""
        names = ("url", "host", "port", "ca_path", "username", "password", "token", "cert_path", "key_path")
        return {
            **{name: getattr(self, name) for name in names},
            "name": self.ontap.cluster.name,
            "release": self.ontap.profile.release,
            "svms": {svm.name: svm.uuid for svm in self.ontap.svms},
            "nodes": {node.name: node.uuid for node in self.ontap.nodes},
        }

    # --- what tests look at and set

    @property
    def requests(self) -> list[dict[str, t.Any]]:
        """The requests to /api so far, oldest first, secrets replaced by "(set)"; ``status`` None: no answer yet."""
        return copy.deepcopy(list(self._web.log))

    def clear(self) -> None:
        """Empty the log of requests."""
        self._web.log.clear()

    @property
    def posts(self) -> list[tuple[str, int | str]]:
        """The events that were posted: the destination's name, and the status of the answer or what went wrong."""
        return list(self._poster.log) if self._poster else []

    def snapshot(self) -> dict[str, t.Any]:
        """Return all persistent state: see Ontap.snapshot."""
        return self.ontap.snapshot()

    def fault(
        self, method: str | None = None, path: str | None = None, times: int | None = 1, *, kind: str, **details: t.Any
    ) -> None:
        """Set a fault: see faults.Fault."""
        self._web.faults.add(Fault(kind, method, path, times, **details))

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._web.faults.clear()

    @property
    def refuse_writes(self) -> bool:
        """Whether POST, PATCH and DELETE are answered with 403."""
        return self._web.refuse_writes

    @refuse_writes.setter
    def refuse_writes(self, refuse: bool) -> None:
        self._web.refuse_writes = refuse

    def reset(self) -> None:
        """Make everything as it was at the start, log, faults and guard included; UUIDs repeat themselves."""
        self.ontap.reset()
        self.clear()
        self.clear_faults()
        self.refuse_writes = False
