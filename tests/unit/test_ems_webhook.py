# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source ems_webhook: what ONTAP posts becomes an event, and nothing that anybody sends stops or fills it."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import logging
import socket
import ssl
import threading
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.ontap.security.plugins.module_utils._azure.events import Event, event_of
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.plugin_utils._events import options
from ansible_collections.ontap.security.plugins.plugin_utils._events.notification import (
    LARGEST,
    NotificationError,
    Recent,
    read,
)
from tests.simulator import Simulator
from tests.simulator.server import default_ca
from tests.support.events import SHAPE, Heard, hearing, login, poll, source

SECRET = "a-secret-part-of-the-path"
AKV = {"name": "akv", "rules": [{"index": 1, "type": "include", "message_criteria": {"name_pattern": "*"}}]}


def xml(**elements: str) -> bytes:
    inner = "".join(f"<{name.replace('_', '-')}>{text}</{name.replace('_', '-')}>" for name, text in elements.items())
    return f"<netapp><ems-message-info>{inner}</ems-message-info></netapp>".encode()


OFFLINE = xml(message_name="ekmip.akv.volOffline", severity="alert", event='SVM: "vs0"', node="n1", time="1767225600")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    certificate = default_ca().issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    default_ca().cert_pem.write_to_path(str(folder / "ca.pem"))
    return {"certfile": str(folder / "server.pem"), "ca": str(folder / "ca.pem")}


@pytest.fixture
def args(files: dict[str, str]) -> dict[str, t.Any]:
    return {"clusters": ["cluster1", "cluster2"], "certfile": files["certfile"], "secret": SECRET}


def trusting(login_with: tuple[str, str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    default_ca().configure_trust(context)
    if login_with:
        context.load_cert_chain(*login_with)
    return context


def post(
    heard: Heard, body: bytes, path: str = f"/ontap/{SECRET}/cluster1", method: str = "POST", **headers: str
) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", heard.port, timeout=30, context=trusting())
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


# --- what a notification says


@pytest.mark.parametrize("switches", [{}, {"ems_namespace": True}, {"ems_prefix": True}, {"ems_sparse": True}], ids=str)
def test_what_a_cluster_posts_is_told_as_the_log_tells_it(
    args: dict[str, t.Any], switches: dict[str, bool], tmp_path: Path
) -> None:
    with Simulator(svms=("vs0",)) as sim, hearing(args) as heard:
        sim.ontap.switch(**switches)
        sim.ontap.add_vault("vs0")
        address = f"https://127.0.0.1:{heard.port}/ontap/{SECRET}/cluster1"
        assert wire(sim, address) == []
        sim.ontap.set_keystore("vs0", "blocked")
        told = heard.next()
        (read_by_rest,), _pauses = poll(login(sim, state_dir=str(tmp_path)))
    assert set(told) == set(read_by_rest) == SHAPE
    same = {"cluster", "severity", "svm", "configuration", "key_id"}
    if not switches.get("ems_sparse"):
        same |= {"event", "node", "time"}
    assert {name: told[name] for name in same} == {name: read_by_rest[name] for name in same}
    # Where ONTAP says no name, none is guessed from words.
    assert bool(told["event"]) == ("event" in same)
    assert told["text"] in read_by_rest["text"]


def wire(sim: Simulator, address: str, **more: t.Any) -> list[t.Any]:
    """Tell a cluster where to post all its events; returns what went wrong when it tried."""
    import requests

    body = {"name": "eda", "type": "rest_api", "destination": address, "filters": [{"name": "akv"}], **more}
    with requests.Session() as session:
        session.trust_env, session.verify, session.auth = False, sim.ca_path, (sim.username, sim.password)
        assert session.post(f"{sim.url}/api/support/ems/filters", json=AKV, timeout=30).status_code == 201
        assert session.post(f"{sim.url}/api/support/ems/destinations", json=body, timeout=30).status_code == 201
        return [status for _name, status in sim.posts if status != 200]


@pytest.mark.parametrize(
    "body",
    [
        OFFLINE,
        OFFLINE.decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="ISO-8859-1"?>' + OFFLINE,
        OFFLINE.replace(b"ems-message-info", b"ems_message_info").replace(b"message-name", b"MessageName"),
        OFFLINE.replace(b"<netapp>", b"<a:netapp xmlns:a='urn:x' version='1.0'>").replace(b"</netapp>", b"</a:netapp>"),
        b"<wrapped>" + OFFLINE + b"</wrapped>",
        OFFLINE.replace(b"alert", b"EMS_ALERT"),
        OFFLINE.replace(b"<message-name>ekmip.akv.volOffline</message-name>", b"").replace(
            b"SVM:", b"ekmip.akv.volOffline: SVM:"
        ),
        OFFLINE.replace(b'SVM: "vs0"', b'<![CDATA[SVM: "vs0"]]>'),
        OFFLINE.replace(b"</netapp>", b"<message-name>another.event</message-name></netapp>"),
    ],
    ids=range(10),
)
def test_whatever_the_form_the_event_is_the_same(body: bytes) -> None:
    event = read("cluster1", body)
    wanted = ("cluster1", "ekmip.akv.volOffline", "alert", "2026-01-01T00:00:00+00:00", "n1", "vs0", "", "")
    assert tuple(event.as_dict().values())[:-1] == wanted


def test_what_is_not_there_is_empty_and_still_an_event() -> None:
    assert read("c", b"<x/>") == Event("c")
    assert read("c", b"<netapp><ems-message-info><event/></ems-message-info></netapp>") == Event("c")


@pytest.mark.parametrize(
    "value", ["{{ lookup('pipe', 'id') }}", "{% raw %}", "vs0\nall", "a" * 513, "vs0,all", "$(id)", "\u202evs0"]
)
def test_no_template_and_no_pattern_of_hosts_comes_through(value: str) -> None:
    by_xml = read("c", xml(svm=value, node=value, event=value)).as_dict()
    parameters = [{"name": name, "value": value} for name in ("svm", "node", "configName", "keyId")]
    by_rest = event_of("c", {"parameters": parameters, "log_message": value, "message": {"name": value}}).as_dict()
    for event in (by_xml, by_rest):
        assert {event[name] for name in SHAPE - {"cluster", "text", "severity", "time"}} == {""}
        assert not {"{{", "{%", "{#", "\n", "\u202e"} & {event["text"][i : i + n] for n in (1, 2) for i in range(600)}


# --- who may send


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/ontap/{SECRET}/cluster1", 200),
        (f"/ontap/{SECRET}/cluster2?x=1", 200),
        (f"/ontap/{SECRET}/cluster3", 404),
        (f"/ontap/{SECRET}/", 404),
        (f"/ontap/{SECRET}/all", 404),
        (f"/ontap/{SECRET[:-1]}/cluster1", 404),
        ("/ontap/cluster1", 404),
        ("/", 404),
        (f"/ontap/{SECRET}/../{SECRET}/%63luster1", 404),
        ("/ontap/%C3%A9%ff/cluster1", 404),
    ],
)
def test_only_who_knows_the_path_is_heard(
    args: dict[str, t.Any], path: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with hearing(args) as heard:
        assert post(heard, OFFLINE, path) == status
        assert post(heard, xml(message_name="the.last"), f"/ontap/{SECRET}/cluster1") == 200
        told = [heard.next()["event"]]
        if status == 200:
            told.append(heard.next()["event"])
    assert told == ["ekmip.akv.volOffline"] * (status == 200) + ["the.last"]
    assert SECRET not in caplog.text


def test_other_methods_are_no_notifications(args: dict[str, t.Any]) -> None:
    with hearing(args) as heard:
        assert [post(heard, OFFLINE, method=method) for method in ("GET", "PUT", "DELETE")] == [405] * 3


def test_a_certificate_is_asked_for_where_a_ca_is_given(args: dict[str, t.Any], files: dict[str, str]) -> None:
    del args["secret"]
    pair = {"ca": "trustme", "serial_number": "1"}
    with Simulator(svms=("vs0",)) as sim, hearing({**args, "cafile": files["ca"]}) as heard:
        with pytest.raises(OSError, match="(?i)certificate|reset|closed|eof|broken"):
            post(heard, OFFLINE, "/ontap/cluster1")
        sim.ontap.add_vault("vs0")
        wire(sim, f"https://127.0.0.1:{heard.port}/ontap/cluster1", certificate=pair)
        sim.ontap.raise_event("ekmip.akv.keyExpired", "vs0")
        assert heard.next()["event"] == "ekmip.akv.keyExpired"


def test_a_certificate_of_another_authority_is_refused(args: dict[str, t.Any], tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with Simulator(svms=("vs0",)) as sim, hearing({**args, "cafile": str(tmp_path / "other.pem")}) as heard:
        # From TLS 1.3 on the client only learns of it when it reads.
        assert answer(heard, OFFLINE, trusting((sim.cert_path, sim.key_path))) == b""
        assert heard.told.empty()


# --- repetitions and floods


def test_a_flood_is_told_once_and_what_is_over_may_begin_again(args: dict[str, t.Any]) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", 0, timeout=30, context=trusting())
    with hearing(args) as heard:
        connection.port = heard.port
        path = f"/ontap/{SECRET}/cluster1"
        for number in range(1000):
            connection.request("POST", path, OFFLINE.replace(b"1767225600", str(1767225600 + number).encode()))
            assert connection.getresponse().read() == b"<result>OK</result>"
        connection.close()
        for name in ("ekmip.akv.volOnline", "ekmip.akv.volOffline", "the.last"):
            assert post(heard, OFFLINE.replace(b"ekmip.akv.volOffline", name.encode())) == 200
        told = [heard.next()["event"] for _number in range(4)]
    assert told == ["ekmip.akv.volOffline", "ekmip.akv.volOnline", "ekmip.akv.volOffline", "the.last"]


def admitted(recent: Recent, events: t.Iterable[Event], now: float = 0.0) -> list[Event]:
    return [event for one in events if (event := recent.admit(one, now)) is not None]


def test_a_repetition_is_the_same_event_about_the_same_thing_in_the_window() -> None:
    recent, event = Recent(300), Event("c", "e", svm="vs0", text="a")
    assert admitted(recent, [event, Event("c", "e", svm="vs0", text="b", time="t")]) == [event]
    others = [Event("d", "e", svm="vs0"), Event("c", "f", svm="vs0"), Event("c", "e", svm="vs1")]
    assert admitted(recent, others, 299) == others
    assert admitted(recent, [event], 299) == []
    assert admitted(recent, [event], 300) == [event]
    assert admitted(Recent(0), [event, event]) == [event, event]


def test_without_a_name_only_the_cluster_counts() -> None:
    recent = Recent(300)
    assert len(admitted(recent, [Event("c", text=str(number)) for number in range(1000)])) == 1
    assert len(admitted(recent, [Event("d", text="1")])) == 1


def test_a_cluster_that_tells_too_much_is_told_of_in_one_event() -> None:
    recent = Recent(300)
    found = admitted(recent, [Event("c", f"e.{number}") for number in range(1000)])
    assert len(found) == 101
    assert (found[-1].event, found[-1].cluster) == ("", "c")
    assert "More than 100" in found[-1].text
    assert admitted(recent, [Event("d", "e.1")]) == [Event("d", "e.1")]
    assert len(admitted(recent, [Event("c", "e.1")], 300)) == 1


# --- what is hostile

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<netapp><event>&b;</event></netapp>"
)
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><netapp><event>&f;</event></netapp>'
HOSTILE = {
    "bomb": BOMB,
    "file": FILE,
    "elsewhere": b'<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd"><netapp/>',
    "undeclared": b"<netapp><event>&nothing;</event></netapp>",
    "empty": b"",
    "json": b'{"event": "x"}',
    "cut": OFFLINE[:-5],
    "two": OFFLINE + OFFLINE,
    "bytes": bytes(range(256)),
    "wrong encoding": b'<?xml version="1.0" encoding="UTF-8"?><netapp><event>\xff\xfe</event></netapp>',
    "no encoding": b'<?xml version="1.0" encoding="no-such-thing"?><netapp/>',
    "wide encoding": b'<?xml version="1.0" encoding="utf-7"?><netapp/>',
    "packed": gzip.compress(OFFLINE),
    "control": b"<netapp><event>\x00\x1b[2J</event></netapp>",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_notification_is_said_and_survived(
    args: dict[str, t.Any], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotificationError):
        read("cluster1", HOSTILE[kind])
    with hearing(args) as heard:
        headers = {"Content-Encoding": "gzip"} if kind == "packed" else {}
        # Whatever else ONTAP would do with another answer: nobody knows.
        assert [post(heard, HOSTILE[kind], **headers) for _time in range(3)] == [200] * 3
        assert post(heard, OFFLINE) == 200
        assert heard.next()["event"] == "ekmip.akv.volOffline"
        assert heard.told.empty()
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1, told
    assert "cluster1 cannot be read" in told[0]


def test_deep_and_wide_documents_are_only_read() -> None:
    assert read("c", b"<a>" * 9000 + b"</a>" * 9000) == Event("c")
    assert read("c", b"<a>" + b"<b/>" * 16000 + b"</a>") == Event("c")
    with pytest.raises(NotificationError, match="64 KiB"):
        read("c", b"<a/>".ljust(LARGEST + 1))


def raw(heard: Heard, content: bytes, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """A connection on which something has been sent. Raises ``OSError`` where there is no place for one."""
    plain = socket.create_connection(("127.0.0.1", heard.port), 8)
    try:
        wrapped = (context or trusting()).wrap_socket(plain, server_hostname="127.0.0.1")
    except OSError:
        plain.close()
        raise
    try:
        wrapped.sendall(content)
    except OSError:
        wrapped.close()
        raise
    return wrapped


def answer(heard: Heard, content: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """The status of the answer; nothing where the connection was ended without one."""
    try:
        with raw(heard, content, context) as connection:
            return status(connection)
    except OSError:
        return b""


def head(*lines: str) -> bytes:
    return "\r\n".join([f"POST /ontap/{SECRET}/cluster1 HTTP/1.1", "Host: h", *lines, "", ""]).encode()


def status(connection: ssl.SSLSocket) -> bytes:
    try:
        return connection.recv(100)[9:12]
    except TimeoutError:
        return b"still open"
    except OSError:
        return b""


def test_what_is_too_long_is_refused(args: dict[str, t.Any]) -> None:
    with hearing(args) as heard:
        with raw(heard, head(f"Content-Length: {1 << 30}")) as announced:
            assert status(announced) == b"413"
        with raw(heard, head("Transfer-Encoding: chunked")) as endless:
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            # It ends, however much there is to come; how much gets through until then depends on the machine.
            with contextlib.suppress(OSError):
                while True:
                    endless.sendall(chunk)
        assert post(heard, OFFLINE) == 200
        assert heard.next()["event"] == "ekmip.akv.volOffline"


@pytest.mark.parametrize(
    ("content", "limits"),
    [
        (head("Content-Length: 100") + b"<netapp>", {"_BODY": 0.3}),
        (b"POST /ontap", {"_CONNECTION": 0.3}),
        (b"", {"_CONNECTION": 0.3}),
    ],
    ids=["body", "head", "nothing"],
)
def test_slow_senders_are_cut_off_and_hold_up_nobody(
    args: dict[str, t.Any], content: bytes, limits: dict[str, float]
) -> None:
    with hearing(args, **limits) as heard, contextlib.ExitStack() as held:
        slow = [held.enter_context(raw(heard, content)) for _number in range(10)]
        assert post(heard, OFFLINE) == 200
        assert heard.next()["event"] == "ekmip.akv.volOffline"
        assert {status(connection) for connection in slow} <= {b"408", b""}


def test_there_is_a_place_for_so_many_and_no_more(args: dict[str, t.Any]) -> None:
    whole = head(f"Content-Length: {len(OFFLINE)}") + OFFLINE
    with hearing(args, _CONNECTIONS=5) as heard:
        held = [raw(heard, b"POST") for _number in range(5)]
        assert answer(heard, whole) == b""
        for connection in held:
            connection.close()
        # The places are free as soon as the server has noticed.
        while answer(heard, whole) != b"200":
            pass
        assert heard.next()["event"] == "ekmip.akv.volOffline"


def test_requests_that_are_no_http_are_survived_in_silence(
    args: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    with hearing(args) as heard:
        for content in (
            b"\x00\x01\x02\r\n\r\n",
            b"GET " + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
            head("Content-Length: many"),
            head("Transfer-Encoding: chunked") + b"zz\r\n",
            head(*(f"X-{number}: y" for number in range(1000))),
        ):
            assert answer(heard, content) in (b"400", b"431", b"413", b"")
        assert post(heard, OFFLINE) == 200
    assert "Traceback" not in caplog.text
    assert len(caplog.records) < 10


def test_a_rulebook_that_is_busy_holds_up_no_answer(args: dict[str, t.Any]) -> None:
    with hearing(args) as heard:
        waits = threading.Event()

        async def put(_event: t.Any) -> None:
            import asyncio

            waits.set()
            await asyncio.sleep(3600)

        heard.put = put  # type: ignore[method-assign]
        assert [post(heard, xml(message_name=f"e.{number}")) for number in range(5)] == [200] * 5
        assert waits.wait(30)


# --- arguments


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"secret": None}, "cafile or secret"),
        ({"secret": "short"}, "16 to 200"),
        ({"secret": "with/a/slash/in/between"}, "16 to 200"),
        ({"certfile": None}, "needs certfile"),
        ({"clusters": []}, "clusters is not a list"),
        ({"clusters": ["*"]}, "names that clusters have"),
        ({"port": 70000}, "port is 70000"),
        ({"window": -1}, "window is -1"),
        ({"token": "x"}, "does not know token"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    wrong: dict[str, t.Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONTAP_EMS_SECRET", raising=False)
    args = {"clusters": ["c1"], "certfile": "f.pem", "secret": SECRET, **wrong}
    with pytest.raises(InputError, match=said) as failure:
        options.receiving(args)
    assert SECRET not in failure.value.text()


def test_the_secret_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONTAP_EMS_SECRET", f"{SECRET}\n")
    assert options.receiving({"clusters": ["c1"], "certfile": "f"}).secret == SECRET


@pytest.mark.parametrize("name", ["certfile", "keyfile", "cafile"])
def test_files_that_cannot_be_used_are_named(args: dict[str, t.Any], name: str, tmp_path: Path) -> None:
    import asyncio

    (tmp_path / "bad.pem").write_text("nothing")
    for path in ("/no/such/file", str(tmp_path / "bad.pem")):
        with pytest.raises(ValueError, match=name):
            asyncio.run(source("ems_webhook").main(asyncio.Queue(), {**args, name: path}))
