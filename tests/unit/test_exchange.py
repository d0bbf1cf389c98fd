# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange with a side that stalls, floods, speaks something else, or is not there: it ends, and says why."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
import typing as t
import warnings
import zlib
from pathlib import Path

import pytest
import trustme

from ansible_collections.ontap.security.plugins.module_utils._ontap import client as _client
from ansible_collections.ontap.security.plugins.module_utils._ontap import transport as _http
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    InputError,
    LostAnswerError,
    TransportError,
)
from tests.simulator import Simulator
from tests.simulator.call import Call
from tests.support.beats import OLD, connection, drive
from tests.support.wire import raw, wired

VAULTS = "/api/security/azure-key-vaults"
EMPTY = b'{"records": [], "num_records": 0}'


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Simulator]:
    with Simulator(release="9.16.1", svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> t.Iterator[Simulator]:
    shared.ontap.reset()
    shared.ontap.add_vault("vs0", **OLD)
    yield shared
    shared.clear_faults()


@pytest.fixture(autouse=True)
def _once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is real here: a read that would be repeated is not."""
    monkeypatch.setattr(_client, "_TRIES", 1)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_path(ca: trustme.CA, tmp_path: Path) -> str:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


Serve = t.Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(serve: Serve) -> t.Iterator[int]:
    """The port of a server that gives each connection to ``serve`` in a thread; the connection ends with it."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def one(end: socket.socket) -> None:
            with end, contextlib.suppress(OSError):
                serve(end)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    end, _address = server.accept()
                    connections.append(end)
                    threading.Thread(target=one, args=(end,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for end in connections:
                end.close()


def in_tls(context: ssl.SSLContext, serve: Serve) -> Serve:
    def wrapped(end: socket.socket) -> None:
        with context.wrap_socket(end, server_side=True) as inner:
            serve(inner)

    return wrapped


def server_context(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def client(port: int, ca_path: str | None = None, **more: t.Any) -> Client:
    login = {} if "cert_filepath" in more else {"username": "admin", "password": "a-password"}
    given = {"hostname": "127.0.0.1", "port": port, "ca_path": ca_path, "timeout": 1, **login, **more}
    return Client(Connection(**given))


def silent(end: socket.socket) -> None:
    while end.recv(4096):
        pass


def trickling(first: bytes, then: bytes) -> Serve:
    """Sends ``then`` over and over, a piece at a time, always before anybody would call the connection dead."""

    def serve(end: socket.socket) -> None:
        end.recv(4096)
        end.sendall(first)
        while True:
            end.sendall(then)
            time.sleep(0.2)

    return serve


# Nothing takes longer than request_timeout. None of these tests measures it: without an end they would not end.


STALLS = [
    pytest.param(b"", b"H", id="status line"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"x", id="header"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", id="headers"),
    pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="continue"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ", id="body"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b" ", id="body without length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", id="chunks"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0", id="chunk length"),
    pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b" ", id="redirect"),
]


@pytest.mark.parametrize(("first", "then"), STALLS)
def test_an_answer_that_trickles_in_has_an_end(ca: trustme.CA, ca_path: str, first: bytes, then: bytes) -> None:
    with (
        listening(in_tls(server_context(ca), trickling(first, then))) as port,
        client(port, ca_path) as session,
        pytest.raises(TransportError, match="did not answer in full within 1 seconds") as failed,
    ):
        session.get(VAULTS)
    assert "request_timeout" in failed.value.remedy


@pytest.mark.parametrize("speak", [silent, trickling(b"", b"\x16")], ids=["silent", "trickling"])
def test_a_handshake_that_does_not_end_has_an_end(ca_path: str, speak: Serve) -> None:
    with (
        listening(speak) as port,
        client(port, ca_path) as session,
        pytest.raises(TransportError, match="within 1 seconds|TLS") as failed,
    ):
        session.write("DELETE", f"{VAULTS}/u")
    # Before there is a connection, a change has certainly not been sent.
    assert not isinstance(failed.value, LostAnswerError)


@pytest.mark.parametrize(
    "answer", [silent, trickling(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")], ids=["silent", "trickling"]
)
def test_a_proxy_that_stalls_has_an_end(monkeypatch: pytest.MonkeyPatch, answer: Serve) -> None:
    with listening(answer) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        with (
            Client(Connection(hostname="cluster.invalid", username="a", password="b", timeout=1)) as session,
            pytest.raises(TransportError) as failed,
        ):
            session.write("DELETE", f"{VAULTS}/u")
    assert not isinstance(failed.value, LostAnswerError)
    assert "HTTPS_PROXY" in failed.value.text()


@pytest.mark.parametrize("proxy", ["http://", "http://user:word@", "user:word@", "http://[::1", "://"])
def test_a_proxy_without_a_host_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(InputError, match="HTTPS_PROXY has no host") as refused:
        Client(Connection(hostname="192.0.2.1", access_token="t"))
    assert "word" not in refused.value.text()


def test_all_addresses_of_a_name_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    tried: list[float] = []

    def connected(self: t.Any) -> socket.socket:
        tried.append(self.timeout)
        clock[0] += 3
        return socket.socket()

    monkeypatch.setattr(_http.HTTPSConnection, "_new_conn", connected)
    monkeypatch.setattr(_http.socket, "getaddrinfo", lambda *_what: ["IPv6", "IPv4"])
    monkeypatch.setattr(_http.time, "monotonic", lambda: clock[0])
    with _http._Connection("cluster", 443, timeout=10)._new_conn() as connection:
        # Half for each address; for the handshake, what is left of the whole.
        assert (tried, connection.gettimeout()) == ([5], 7)


@pytest.mark.parametrize("kind", ["trickle", "endless"])
def test_a_change_whose_answer_does_not_end_is_settled_by_reading(sim: Simulator, kind: str) -> None:
    sim.fault("PATCH", kind=kind, seconds=0.1)
    login = {**connection(sim), "request_timeout": 1}
    done = drive(sim, {"svm": "vs0", "proxy_port": 81}, login=login)
    assert not done.failed, done.msg
    # Its job is looked for, then its effect.
    assert done.methods == ["GET", "PATCH", "GET", "GET"]
    sim.fault("GET", kind=kind, seconds=0.1)
    failed = drive(sim, {"svm": "vs0", "proxy_port": 82}, login=login)
    assert "did not answer in full within 1 seconds" in failed.msg
    assert not failed.writes


# Nor is anything larger than it may be.


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "MAX_ANSWER", 100_000)


@pytest.mark.usefixtures("small")
def test_a_flood_has_an_end(sim: Simulator) -> None:
    sim.fault("GET", kind="endless", times=None)
    failed = drive(sim, {"svm": "vs0"})
    assert "with more than" in failed.msg
    assert failed.methods == ["GET"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, EMPTY + b" " * 100_000),
        ({"Transfer-Encoding": "chunked"}, b"-1\r\n" + b" " * 100_000),
        ({"Content-Encoding": "gzip"}, gzip.compress(EMPTY + b" " * 10_000_000)),
        ({"Content-Encoding": "deflate"}, zlib.compress(EMPTY + b" " * 10_000_000)),
        ({f"X-{number}": "x" * 1200 for number in range(90)}, EMPTY),
    ],
    ids=["plain", "chunked", "gzip", "deflate", "headers"],
)
def test_an_answer_that_is_too_large_is_refused(headers: dict[str, str], body: bytes) -> None:
    def respond(_call: Call) -> bytes:
        return raw(200, {**headers, "Connection": "close"}, body)

    with wired(respond), client(443) as session:
        with pytest.raises(TransportError, match="with more than"):
            session.get(VAULTS)
        with pytest.raises(LostAnswerError, match="with more than"):
            session.write("DELETE", f"{VAULTS}/u")


@pytest.mark.parametrize("encoding", ["", "gzip", "x-gzip", "deflate", "GZIP"])
def test_packed_answers_are_unpacked(encoding: str) -> None:
    packed = {"": EMPTY, "deflate": zlib.compress(EMPTY)}.get(encoding, gzip.compress(EMPTY))

    def respond(call: Call) -> bytes:
        return raw(200, {"Content-Encoding": encoding, "Content-Length": str(len(packed))}, packed)

    with wired(respond), client(443) as session:
        assert session.records(VAULTS) == []


def test_ten_thousand_records_are_far_from_the_limit() -> None:
    assert _http.MAX_ANSWER >= 10 * 5_000_000


# Only what fails before there is a connection is certain.


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refusing(end: socket.socket) -> None:
    end.recv(4096)
    end.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def test_what_has_not_reached_ontap_is_certain(
    ca: trustme.CA, ca_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with listening(in_tls(server_context(ca), silent)) as port, listening(refusing) as proxy:
        cases: list[tuple[Client, str]] = [
            (client(closed_port()), "no connection to 127.0.0.1"),
            (client(443, hostname="no-such-host.invalid"), "does not resolve"),
            (client(port, str(other)), "not trusted"),
            (client(port, ca_path, hostname="localhost.localdomain"), "127.0.0.1|resolve|trusted"),
        ]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("NO_PROXY", "")
        cases.append((client(443, hostname="cluster.invalid"), "proxy for cluster.invalid.*407"))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
        cases.append((client(443, hostname="cluster.invalid"), "proxy for cluster.invalid"))
        for session, words in cases:
            with session, pytest.raises(TransportError, match=words) as failed:
                session.write("POST", VAULTS, {"name": "x"})
            assert not isinstance(failed.value, LostAnswerError), words


def broken(end: socket.socket) -> None:
    end.recv(4096)


@pytest.mark.parametrize(
    "answer",
    [broken, silent, trickling(b"HTTP/1.1 200", b" "), trickling(b"SSH-2.0\r\n", b"")],
    ids=["closed", "silent", "trickling", "no HTTP"],
)
def test_what_was_sent_and_not_answered_is_unknown(ca: trustme.CA, ca_path: str, answer: Serve) -> None:
    with (
        listening(in_tls(server_context(ca), answer)) as port,
        client(port, ca_path) as session,
        pytest.raises(LostAnswerError),
    ):
        session.write("POST", VAULTS, {"name": "x"})


def test_an_error_that_was_handled_meanwhile_says_nothing_about_the_next(ca: trustme.CA, ca_path: str) -> None:
    """A change that is sent while a refused connection is dealt with may have arrived all the same."""
    with listening(in_tls(server_context(ca), broken)) as port, client(port, ca_path) as session:
        try:
            with client(closed_port()) as other:
                other.get(VAULTS)
        except TransportError:
            with pytest.raises(LostAnswerError):
                session.write("POST", VAULTS, {"name": "x"})


# TLS that fails says why


def old(ca: trustme.CA) -> Serve:
    context = server_context(ca)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return in_tls(context, silent)


def plain(_ca: trustme.CA) -> Serve:
    def serve(end: socket.socket) -> None:
        end.recv(4096)
        end.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    return serve


def demanding(version: ssl.TLSVersion) -> t.Callable[[trustme.CA], Serve]:
    def make(ca: trustme.CA) -> Serve:
        context = server_context(ca)
        context.minimum_version = context.maximum_version = version
        context.verify_mode = ssl.CERT_REQUIRED
        ca.configure_trust(context)

        return in_tls(context, silent)

    return make


TLS = [
    pytest.param(old, False, ("too old", "-supported-protocols"), id="TLS 1.1"),
    pytest.param(plain, False, ("does not speak TLS", "http_port"), id="plain HTTP"),
    pytest.param(demanding(ssl.TLSVersion.TLSv1_2), False, ("client certificate", "cert_filepath"), id="demanded, 1.2"),
    pytest.param(demanding(ssl.TLSVersion.TLSv1_3), False, ("client certificate", "cert_filepath"), id="demanded, 1.3"),
    pytest.param(demanding(ssl.TLSVersion.TLSv1_2), True, ("not accept", "client-ca"), id="refused, 1.2"),
    pytest.param(demanding(ssl.TLSVersion.TLSv1_3), True, ("not accept", "client-ca"), id="refused, 1.3"),
]


@pytest.mark.parametrize(("server", "own", "words"), TLS)
def test_a_failure_of_tls_says_why(
    ca: trustme.CA,
    ca_path: str,
    tmp_path: Path,
    server: t.Callable[[trustme.CA], Serve],
    own: bool,
    words: tuple[str, ...],
) -> None:
    login: dict[str, t.Any] = {}
    if own:
        stranger = trustme.CA().issue_cert("somebody")
        login = {"cert_filepath": str(tmp_path / "some.pem"), "key_filepath": str(tmp_path / "some.key")}
        stranger.cert_chain_pems[0].write_to_path(login["cert_filepath"])
        stranger.private_key_pem.write_to_path(login["key_filepath"])
    with (
        listening(server(ca)) as port,
        client(port, ca_path, timeout=20, **login) as session,
        pytest.raises(TransportError) as failed,
    ):
        session.get(VAULTS)
    for word in words:
        assert word in failed.value.text()
    assert "SSLError" not in failed.value.text()


def test_an_exchange_has_at_least_a_second() -> None:
    with pytest.raises(InputError, match="request_timeout"):
        client(443, timeout=0)
