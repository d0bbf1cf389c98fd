# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are not ONTAP's, and what ONTAP says that is worth more than its status."""

from __future__ import annotations

import inspect
import json
import typing as t

import pytest

from ansible_collections.ontap.security.plugins.doc_fragments import connection as connection_fragment
from ansible_collections.ontap.security.plugins.module_utils._ansible.specs import VAULT
from ansible_collections.ontap.security.plugins.module_utils._azure.table import FIELDS, QUERY_FIELDS, SECRETS
from ansible_collections.ontap.security.plugins.module_utils._ontap import client as _client
from ansible_collections.ontap.security.plugins.module_utils._ontap import transport as _http
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    InputError,
    JobError,
    JobTimeoutError,
    LostAnswerError,
    OntapError,
    TransportError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import RECORDS
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from tests.simulator import Simulator
from tests.simulator.call import Call
from tests.support.beats import FULL, KEY_2, OLD, Outcome, connection, drive
from tests.support.waits import Waits
from tests.support.wire import raw, wired

VAULTS = "/api/security/azure-key-vaults"
INFO, MANY = "azure_key_vault_info", "azure_key_vaults"
REKEY, RESTORE = "azure_key_vault_rekey", "azure_key_vault_restore"


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Simulator]:
    with Simulator(release="9.18.1", svms=("vs0", "vs1", "null")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> t.Iterator[Simulator]:
    shared.ontap.reset()
    shared.ontap.add_vault("vs0", **OLD)
    shared.ontap.encrypt_volumes("vs0")
    yield shared
    shared.clear_faults()


@pytest.fixture
def waits(sim: Simulator) -> Waits:
    return Waits(sim)


def body(content: t.Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def record(**changes: t.Any) -> dict[str, t.Any]:
    """A list of one configuration."""
    return {"records": [{"uuid": "u", "svm": {"name": "vs0", "uuid": "s"}, **changes}], "num_records": 1}


def linked(link: t.Any) -> dict[str, t.Any]:
    return {**record(), "_links": {"next": link}}


def stand_in(respond: t.Callable[[Call], bytes] | bytes) -> t.Any:
    """Every client in this process gets these bytes as its answer."""
    return wired(respond if callable(respond) else lambda _call: respond)


def session(**more: t.Any) -> Client:
    naps: list[float] = []
    given = {"hostname": "cluster", "username": "admin", "password": "a-password", "secrets": ("a-password",), **more}
    client = Client(Connection(**given), sleep=naps.append)
    client.naps = naps  # type: ignore[attr-defined]
    return client


# Reads: nothing is concluded from what is not ONTAP's

TASKS = [
    pytest.param("azure_key_vault", {"svm": "vs0", "state": "absent"}, id="absent"),
    pytest.param("azure_key_vault", {"svm": "vs0", **FULL}, id="present"),
    pytest.param(MANY, {"vaults": [{"svm": "vs0", **FULL}], "unmanaged": "absent"}, id="many"),
    pytest.param(INFO, {}, id="info"),
    pytest.param(REKEY, {"svm": "vs0", "key": "external", "key_id": KEY_2}, id="rekey"),
    pytest.param(RESTORE, {"svm": "vs0"}, id="restore"),
]
NO_LIST: list[t.Any] = [
    *({}, {"status": "ok"}, {"records": None}, {"records": {}}, {"records": "none"}, {"num_records": 0}),
    *({"num_records": 3, "records": []}, {"num_records": "0", "records": []}, {"num_records": False, "records": []}),
    *({"records": [None]}, {"records": ["x"]}, {"records": [[]]}, {"records": [{"scope": "svm"}], "num_records": 1}),
    *({"error": {}}, {"error": "no"}, {"error": {"message": "no code"}}, {"records": [], "error": {"code": "x"}}),
    *("[]", "null", "", "<html>", '{"records": [], "records": []}', '{"num_records": 0, "records": []', "\ufeff"),
    *(record(uuid="../../cluster"), record(uuid=""), record(uuid=5), record(uuid="a b"), record(uuid=None)),
    *(record(svm="vs0"), record(svm=["vs0"]), record(svm={"name": 5}), record(configuration="default")),
    *(record(enabled="true"), record(enabled=1), record(port="443"), record(port=True), record(name=["x"])),
    *(record(state="fine"), record(state=[]), record(state={"available": "yes"}), record(state={"code": [0]})),
    *(record(azure_reachability=True), record(ekmip_reachability={}), record(ekmip_reachability=[None])),
    *(record(ekmip_reachability=[{"node": "n1"}]), record(ekmip_reachability=[{"code": True}])),
    *({**record(), "_links": []}, linked("/api/x"), linked({"href": 5}), linked({"href": ["/api/x"]})),
    *('{"records": [{"uuid": "u", "name": "\\ud800"}]}', '{"records": [{"uuid": "u", "port": NaN}]}'),
    *('{"records": [{"uuid": "u", "port": 1e999}]}', '{"records": [{"uuid": "u", "port": %s}]}' % ("9" * 5000)),
    *("[" * 200_000, '{"records":' + "[" * 200_000, '{"records": [{"uuid": "u", "x": %s}]}' % ("[" * 900 + "]" * 900)),
]


@pytest.mark.parametrize(("module", "options"), TASKS)
@pytest.mark.parametrize("content", NO_LIST, ids=lambda content: body(content)[:50])
def test_nothing_is_concluded_from_what_is_no_list_of_records(
    content: t.Any, module: str, options: dict[str, t.Any], sim: Simulator
) -> None:
    sim.fault("GET", "azure-key-vaults", times=None, kind="body", content=body(content))
    outcome = drive(sim, options, module=module)
    assert outcome.failed, outcome.result
    assert not outcome.changed
    assert "ONTAP's" in outcome.msg
    assert "hostname" in outcome.result["error"]["remedy"]
    # It may be better the next moment, and is asked for again.
    assert outcome.methods == ["GET"] * 4


@pytest.mark.parametrize("content", [b"caf\xe9", b"\xff\xfe{\x00}\x00", b"\xed\xa0\x80"])
def test_what_is_no_utf_8_is_no_answer(content: bytes) -> None:
    answer = raw(200, {"Connection": "close"}, b'{"records": [{"uuid": "u", "name": "%s"}]}' % content)
    with stand_in(answer), pytest.raises(TransportError, match="not ONTAP's JSON"):
        session().records(VAULTS)


def test_what_ontap_may_send_is_an_answer() -> None:
    """Null for any value, numbers and text as codes, unknown fields, characters of every plane, a byte order mark."""
    fine = record(svm=None, port=None, state={"code": 0, "new": [1]}, azure_reachability={"code": "65537549"})
    fine["records"][0].update(new={"x": 5}, name="\U0001f511")
    with stand_in(raw(200, {"Connection": "close"}, b"\xef\xbb\xbf" + json.dumps(fine).encode())):
        assert session().records(VAULTS) == fine["records"]


def test_forms_and_fields_agree() -> None:
    """What is compared, asked for and accepted as an option has its type in the form of a record."""
    types = {"str": (str,), "int": (int,), "bool": (bool,)}
    form = RECORDS[VAULTS]
    for name in FIELDS:
        if name not in SECRETS:
            assert form[name] == types[VAULT[name]["type"]], name
    for name in QUERY_FIELDS:
        inner: t.Any = form
        for part in name.split("."):
            inner = (inner[0] if isinstance(inner, list) else inner)[part]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        *(("/api/cluster", content) for content in ({}, {"version": None}, {"version": "9.16.1"}, {"version": []})),
        ("/api/cluster", {"version": {"generation": "9", "major": 16}}),
        ("/api/cluster", {"version": {"full": 9}}),
        *((f"{VAULTS}/u", content) for content in ({}, {"uuid": None}, {"uuid": "u", "azure_reachability": []})),
        *(("/api/cluster/jobs/j", content) for content in ({}, {"state": None}, {"state": 5})),
        ("/api/cluster/jobs/j", {"state": "running", "code": {}}),
        ("/api/cluster/jobs/j", {"state": "failure", "error": "no"}),
        ("/api/cluster/jobs/j", {"state": "failure", "error": {"arguments": {}}}),
    ],
    ids=str,
)
def test_one_object_has_what_is_needed_of_it(path: str, content: t.Any) -> None:
    with stand_in(raw(200, {"Connection": "close"}, json.dumps(content).encode())):
        with pytest.raises(TransportError, match="not of ONTAP's form"):
            session().get(path)
        if path == "/api/cluster":
            with pytest.raises(TransportError):
                session().release()
        if "/jobs/" in path:
            with pytest.raises(TransportError):
                session().job("j")


@pytest.mark.parametrize("content", [{"records": []}, {"records": [], "num_records": 0}, {"num_records": -1}, {}])
def test_a_count_is_a_number(sim: Simulator, content: t.Any) -> None:
    count = {"count_only": True}
    assert drive(sim, count, module=INFO).result["num_records"] == 1
    answers = {"num_records": 7} if content == {} else content
    sim.fault("GET", times=None, kind="body", content=body(answers))
    outcome = drive(sim, count, module=INFO)
    if answers.get("num_records", -1) >= 0:
        assert outcome.result["num_records"] == answers["num_records"]
    else:
        assert "num_records is not a number" in outcome.msg
    for number in ("true", '"7"', "1.0", "null"):
        sim.clear_faults()
        sim.fault("GET", times=None, kind="body", content=f'{{"num_records": {number}}}')
        assert "num_records is not a number" in drive(sim, count, module=INFO).msg


def test_fields_that_are_left_out_are_not_missed(sim: Simulator) -> None:
    outcome = drive(sim, {"fields": ["*", "!uuid"], "max_records": 1}, module=INFO)
    assert not outcome.failed, outcome.msg
    assert "uuid" not in outcome.result["azure_key_vaults"][0]


# An error is an error under any status


@pytest.mark.parametrize(("module", "options"), TASKS)
def test_an_error_in_a_successful_read_is_an_error(sim: Simulator, module: str, options: dict[str, t.Any]) -> None:
    error = {"error": {"code": "8586226", "message": "Specified UUID not found", "target": "uuid"}}
    for content in (error, {"records": [], "num_records": 0, **error}):
        sim.clear_faults()
        sim.fault("GET", times=None, kind="body", content=body(content))
        outcome = drive(sim, options, module=module)
        assert outcome.failed
        assert outcome.result["error"]["code"] == "8586226"
        assert outcome.result["error"]["http_status"] == 200
        assert "answered with an error" in outcome.msg
        assert outcome.methods == ["GET"]


def test_the_codes_mean_the_same_under_any_status(sim: Simulator) -> None:
    absent = {"svm": "vs0", "state": "absent"}
    for status in (200, 400, 404, 500):
        for code in (65537120, 65537511, 4):
            sim.clear_faults()
            sim.fault("GET", times=None, kind="error", status=status, code=code)
            outcome = drive(sim, absent)
            assert (outcome.failed, outcome.changed, outcome.methods) == (False, False, ["GET"])
    # A busy cluster is asked again.
    sim.clear_faults()
    sim.fault("GET", kind="error", status=200, code=65541)
    assert drive(sim, {"svm": "vs0", **FULL}).methods == ["GET", "GET"]


ERROR = {"error": {"code": "65537504", "message": "Internal error."}}
CHANGES = [
    pytest.param("POST", {"svm": "vs1", **FULL}, id="create"),
    pytest.param("PATCH", {"svm": "vs0", "proxy_port": 81}, id="update"),
    pytest.param("DELETE", {"svm": "vs0", "state": "absent"}, id="delete"),
    pytest.param("POST", {"svm": "vs0", "key_id": KEY_2}, id="rekey"),
]
# To what cannot be seen afterwards.
SECRET = {"svm": "vs0", "client_secret": "x", "update_credentials": "always"}
UNSEEN = [
    pytest.param("azure_key_vault", "PATCH", SECRET, id="secret"),
    pytest.param(REKEY, "POST", {"svm": "vs0", "key": "internal"}, id="internal"),
]


def may_delete(sim: Simulator) -> None:
    """Encrypted volumes would keep the configuration from being removed."""
    sim.ontap.encrypt_volumes("vs0", False)


@pytest.mark.parametrize(("method", "options"), CHANGES)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_and_an_error_at_once_are_settled_by_reading(
    sim: Simulator, method: str, options: dict[str, t.Any], status: int
) -> None:
    may_delete(sim)
    sim.fault(method, "azure-key-vaults", kind="body", status=status, content=body(ERROR), times=None)
    failed = drive(sim, options)
    assert failed.failed
    assert not failed.changed
    assert failed.result["error"]["code"] == "65537504"
    assert "shows no effect" in failed.msg
    sim.clear_faults()
    sim.fault(method, "azure-key-vaults", kind="body", status=status, content=body(ERROR), after=True)
    done = drive(sim, options)
    assert not done.failed, done.msg
    assert done.changed
    assert done.methods.count(method) == 1


@pytest.mark.parametrize(("module", "method", "options"), UNSEEN)
def test_success_and_an_error_at_once_stay_unknown_where_nothing_shows(
    sim: Simulator, module: str, method: str, options: dict[str, t.Any]
) -> None:
    sim.fault(method, "azure-key-vaults", kind="body", content=body(ERROR))
    failed = drive(sim, options, module=module)
    assert failed.failed
    assert failed.methods.count(method) == 1
    assert failed.result["error"]["code"] == "65537504"
    assert "cannot be seen" in failed.msg


def test_a_busy_code_with_success_is_not_repeated() -> None:
    asked: list[str] = []

    def respond(call: Call) -> bytes:
        asked.append(call.method)
        return raw(200, {"Connection": "close"}, b'{"error": {"code": "262160", "message": "busy"}}')

    with stand_in(respond), pytest.raises(LostAnswerError, match="busy"):
        session().write("POST", VAULTS, {})
    assert asked == ["POST"]


# What somebody else answers to a change does not tell what became of it

ELSEWHERE: list[dict[str, t.Any]] = [
    *({"kind": "redirect", "location": "https://elsewhere.example/", "status": s} for s in (301, 302, 303, 307, 308)),
    *({"kind": "html", "status": s} for s in (200, 201, 202, 204, 206, 400, 401, 403, 404, 405, 407, 409, 413, 429)),
    *({"kind": "html", "status": s} for s in (451, 500, 502, 503, 504)),
    *({"kind": "status", "status": s} for s in (204, 304, 400, 401, 403, 407, 413, 429, 503)),
    *({"kind": "body", "status": s, "content": '{"error": "unauthorized"}'} for s in (200, 401, 403, 500)),
    *({"kind": "body", "status": s, "content": '{"error": {"message": "no"}}'} for s in (200, 400, 403, 404, 429)),
    *({"kind": "body", "status": s, "content": '{"message": "Forbidden"}'} for s in (200, 202, 403, 503)),
    *({"kind": "body", "content": text} for text in ('{"status": "ok"}', "[]", "null", '{"job": 5}', '{"job": {}}')),
    *({"kind": "body", "content": text} for text in ('{"records": [5]}', '{"records": [{}], "num_records": 1}')),
    {"kind": "body", "status": 202, "content": "{}"},
    {"kind": "body", "status": 202, "content": ""},
]


@pytest.mark.parametrize("fault", ELSEWHERE, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_change_that_somebody_else_answers_is_settled_by_reading(sim: Simulator, fault: dict[str, t.Any]) -> None:
    may_delete(sim)
    for parameter in CHANGES:
        method, options = t.cast("tuple[str, dict[str, t.Any]]", parameter.values)
        sim.fault(method, "azure-key-vaults", after=True, **fault)
        done = drive(sim, options)
        assert not done.failed, done.msg
        assert done.changed
        assert done.methods.count(method) == 1, done.methods
        sim.ontap.reset()
        sim.ontap.add_vault("vs0", **OLD)


@pytest.mark.parametrize("fault", ELSEWHERE, ids=lambda fault: "-".join(map(str, fault.values())))
@pytest.mark.parametrize(("module", "method", "options"), UNSEEN)
def test_a_change_that_somebody_else_answers_is_not_called_refused(
    sim: Simulator, module: str, method: str, options: dict[str, t.Any], fault: dict[str, t.Any]
) -> None:
    sim.fault(method, "azure-key-vaults", after=True, **fault)
    outcome = drive(sim, options, module=module)
    assert outcome.methods.count(method) == 1
    # A rekey is found by its job; for the secret nobody can tell.
    assert outcome.failed == (method == "PATCH")
    if outcome.failed:
        assert "cannot be seen" in outcome.msg


def test_ontap_itself_refuses_with_a_code(sim: Simulator) -> None:
    for status in (400, 401, 403, 404, 409, 413, 500):
        sim.fault("PATCH", kind="error", status=status, code=65537547)
        failed = drive(sim, {"svm": "vs0", "proxy_port": 81})
        assert failed.methods == ["GET", "PATCH"]
        assert "was refused" in failed.msg


def test_a_location_that_is_no_text_is_a_redirect_like_any_other(sim: Simulator) -> None:
    for location in ("/\xff\xfe", "http://[", "", "https://elsewhere.example/" + "x" * 3000):
        sim.fault("GET", kind="redirect", location=location)
        failed = drive(sim, {"svm": "vs0", **FULL})
        assert "was redirected (HTTP 302)" in failed.msg
        assert failed.methods == ["GET"]


# Lists


def pages(*links: t.Any) -> t.Callable[[Call], bytes]:
    """Page after page, each with a record of its own and these links; the last one repeats itself."""
    count = 0

    def respond(_call: Call) -> bytes:
        nonlocal count
        link = links[min(count, len(links) - 1)]
        count += 1
        page = {"records": [{"uuid": f"u{count}"}], "num_records": 1}
        if link is not None:
            page["_links"] = {"next": {"href": link(count) if callable(link) else link}}
        return raw(200, {"Connection": "close"}, json.dumps(page).encode())

    return respond


@pytest.mark.parametrize(
    "link",
    ["@elsewhere.example/api/x", "x", "http://[", "/control/info", "/", "?start=1", "api/x", "https://x.example"],
)
def test_the_login_goes_nowhere_else_with_a_next_page(link: str) -> None:
    with stand_in(pages(link)), pytest.raises(TransportError, match="next page that is not in ONTAP's API"):
        session().records(VAULTS)


def test_a_next_page_on_another_host_is_asked_of_this_one() -> None:
    asked: list[str] = []

    def respond(call: Call) -> bytes:
        asked.append(call.path)
        return page(call)

    page = pages(f"https://elsewhere.example{VAULTS}?start.uuid=1", None)
    with stand_in(respond):
        assert len(session().records(VAULTS)) == 2
    assert asked == [VAULTS, VAULTS]


@pytest.mark.parametrize("first", [pages(f"{VAULTS}?start.uuid=1"), pages(lambda count: f"{VAULTS}?x={count % 3}")])
def test_pages_do_not_lead_in_a_circle(first: t.Callable[[Call], bytes]) -> None:
    with stand_in(first), pytest.raises(TransportError, match="circle"):
        session().records(VAULTS)


def test_pages_that_repeat_themselves_are_a_circle() -> None:
    count = 0

    def respond(_call: Call) -> bytes:
        nonlocal count
        count += 1
        return raw(200, {"Connection": "close"}, json.dumps({**record(), "_links": link(count)}).encode())

    def link(number: int) -> dict[str, t.Any]:
        return {"next": {"href": f"{VAULTS}?start.uuid={number}"}}

    with stand_in(respond), pytest.raises(TransportError, match="circle"):
        session().records(VAULTS)


def test_a_list_has_an_end() -> None:
    with stand_in(pages(lambda count: f"{VAULTS}?start.uuid={count}")):
        with pytest.raises(TransportError, match="1001 pages") as failed:
            session().records(VAULTS)
        assert "max_records" in failed.value.remedy
        slow = session()
        slow.now = iter(range(0, 10**9, 600)).__next__
        with pytest.raises(TransportError, match="no end of them"):
            slow.records(VAULTS)


def test_the_limits_are_documented() -> None:
    text = inspect.getsource(connection_fragment)
    assert (_client._MAX_PAGES, _client._MAX_LISTING) == (1000, 30 * 60)
    assert "for half an hour and 1000 pages at most" in text
    assert f"may have {_http.MAX_ANSWER // 1024**2} MiB" in text


def test_endless_pages_under_a_module(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "_MAX_PAGES", 5)
    sim.fault("GET", times=None, kind="pages")
    failed = drive(sim, {}, module=INFO)
    assert "no end of them" in failed.msg
    assert failed.methods == ["GET"] * 6


def test_a_record_that_moved_to_the_next_page_counts_once() -> None:
    shown = iter([["a", "b"], ["b", "c"], ["d"]])

    def respond(call: Call) -> bytes:
        uuids = next(shown)
        page = {"records": [{"uuid": uuid} for uuid in uuids], "num_records": len(uuids)}
        if uuids != ["d"]:
            page["_links"] = {"next": {"href": f"{VAULTS}?after={uuids[-1]}"}}
        return raw(200, {"Connection": "close"}, json.dumps(page).encode())

    with stand_in(respond):
        assert [found["uuid"] for found in session().records(VAULTS)] == ["a", "b", "c", "d"]


# What ONTAP adds to a message

ARGUMENTS = [{"code": "65537540", "message": "Invalid client secret."}, {"code": 4, "message": "entry doesn't exist"}]
SAID = "One record failed. [65537540: Invalid client secret.; 4: entry doesn't exist]"


@pytest.mark.parametrize(("module", "options"), TASKS[1:3])
def test_the_arguments_of_an_error_are_shown(sim: Simulator, module: str, options: dict[str, t.Any]) -> None:
    content = body({"error": {"code": "262287", "message": "One record failed.", "arguments": ARGUMENTS}})
    sim.ontap.change_vault("vs0", proxy_port=1)
    sim.fault("PATCH", kind="body", status=400, content=content)
    entry = {"svm": "vs0", "proxy_port": 81}
    failed = drive(sim, {"vaults": [entry]} if module == MANY else entry, module=module)
    assert SAID in failed.msg
    error = failed.result["error"] if module != MANY else failed.result["vaults"][0]["error"]
    assert (error["code"], error["message"]) == ("262287", SAID)


def test_the_arguments_of_a_failed_job_are_shown() -> None:
    error = {"code": "262287", "message": "One record failed.", "arguments": ARGUMENTS}
    job = {"uuid": "j", "state": "failure", "code": 262287, "message": "One record failed.", "error": error}
    with (
        stand_in(raw(200, {"Connection": "close"}, json.dumps(job).encode())),
        pytest.raises(JobError) as failed,
    ):
        session().wait("j", 10)
    assert SAID in failed.value.text()
    assert failed.value.details()["message"] == SAID
    assert failed.value.details()["job"]["error"] == error


ODD = [None, [], {}, "x", [5], [None], [{}], [{"code": []}], [{"message": {"a": 1}}], [{"code": "5"}]]


@pytest.mark.parametrize("arguments", ODD, ids=str)
def test_odd_arguments_do_no_harm(arguments: t.Any) -> None:
    error = {"code": "262287", "message": "One record failed.", "arguments": arguments, "target": arguments}
    content = {"error": error}
    with (
        stand_in(raw(400, {"Connection": "close"}, json.dumps(content).encode())),
        pytest.raises(ApiError, match="One record failed."),
    ):
        session().get(VAULTS)


def test_an_argument_that_the_message_holds_is_not_said_twice(sim: Simulator) -> None:
    sim.fault("GET", kind="error", status=400, code=262185, message='Invalid value "x".')
    assert "[" not in drive(sim, {"svm": "vs0", **FULL}).msg
    error = {"code": "262179", "message": 'Unexpected "x".', "arguments": [{"code": "262179", "message": "x"}]}
    sim.fault("PATCH", kind="body", status=400, content=body({"error": error}))
    assert 'Unexpected "x". (HTTP' in drive(sim, {"svm": "vs0", "proxy_port": 81}).msg


# Patience: while a job is polled, and with a login that is refused


def rekey(sim: Simulator, waits: Waits, **more: t.Any) -> Outcome:
    login = {**connection(sim), "request_timeout": 5}
    return drive(sim, {"svm": "vs0", "key_id": KEY_2, **more}, client=waits.client, login=login)


@pytest.mark.parametrize("status", [429, 503])
def test_a_poll_waits_as_long_as_ontap_asks(sim: Simulator, waits: Waits, status: int) -> None:
    sim.ontap.set_duration("rekey-external", 30)
    sim.fault("GET", "/cluster/jobs/", kind="retry_after", status=status, seconds=45)
    done = rekey(sim, waits)
    assert not done.failed, done.msg
    # Once because it was asked to wait, once to see the end.
    assert [request["path"].rpartition("/")[0] for request in done.requests].count("/api/cluster/jobs") == 2
    assert waits.time >= 45


def test_a_poll_waits_no_longer_than_the_user_does(sim: Simulator, waits: Waits) -> None:
    sim.ontap.set_duration("rekey-external", 1000)
    sim.fault("GET", "/cluster/jobs/", kind="retry_after", seconds=3600)
    failed = rekey(sim, waits, wait_timeout=20)
    assert "still running after 20 seconds" in failed.msg
    assert waits.time == 20


NO_SECONDS = ["\xb2", "-5", "1e9", "", " ", "9" * 400, "5.5", "soon", "Wed, 21 Oct 2099 07:28:00 GMT"]


@pytest.mark.parametrize("value", NO_SECONDS)
def test_another_retry_after_is_none(value: str) -> None:
    busy = raw(503, {"Retry-After": value, "Connection": "close"}, b'{"error": {"code": "262160", "message": "busy"}}')
    client = session()
    with stand_in(busy), pytest.raises(ApiError, match="busy"):
        client.get(VAULTS)
    assert len(client.naps) == 3  # type: ignore[attr-defined]
    assert max(client.naps) < 5  # type: ignore[attr-defined]


LOGIN_REFUSED = [
    {"kind": "error", "status": 401, "code": 6691623},
    {"kind": "html", "status": 401},
    {"kind": "status", "status": 401},
]


@pytest.mark.parametrize("fault", LOGIN_REFUSED, ids=lambda fault: fault["kind"])
def test_one_refused_login_is_forgiven_to_every_read(sim: Simulator, waits: Waits, fault: dict[str, t.Any]) -> None:
    """A LIF that moves refuses a good login for a moment. Two in a row are the login's fault, and lock the account."""
    sim.fault("GET", "azure-key-vaults", **fault)
    first = drive(sim, {"svm": "vs0"})
    assert (first.failed, first.methods) == (False, ["GET", "GET"])
    sim.ontap.set_duration("rekey-external", 60)
    sim.fault("GET", "/cluster/jobs/", **fault)
    assert not rekey(sim, waits).failed
    for path in ("azure-key-vaults", "/cluster/jobs/"):
        sim.clear_faults()
        sim.ontap.change_vault("vs0", key_id=OLD["key_id"])
        sim.fault("GET", path, times=None, **fault)
        failed = rekey(sim, waits)
        assert failed.failed
        assert "login" in failed.msg
        assert [request["status"] for request in failed.requests].count(401) == 2
    # Not even with another fault between.
    sim.clear_faults()
    sim.fault("GET", times=1, **fault)
    sim.fault("GET", times=1, kind="reset_before")
    sim.fault("GET", times=1, **fault)
    failed = drive(sim, {"svm": "vs0"})
    assert "login" in failed.msg
    assert failed.methods == ["GET"] * 3


def test_a_change_whose_login_is_refused_is_not_repeated(sim: Simulator) -> None:
    sim.fault("PATCH", kind="error", status=401, code=6691623)
    failed = drive(sim, {"svm": "vs0", "proxy_port": 81})
    assert failed.methods == ["GET", "PATCH"]
    assert "did not accept the login" in failed.msg


def test_two_refusals_are_forgiven_to_a_wait_with_an_answer_between() -> None:
    states = iter([401, "running", 401, "running", 401, 401])

    def respond(_call: Call) -> bytes:
        state = next(states)
        if state == 401:
            return raw(401, {"Connection": "close"}, b'{"error": {"code": "6691623", "message": "no"}}')
        return raw(200, {"Connection": "close"}, b'{"uuid": "j", "state": "%s"}' % str(state).encode())

    with stand_in(respond), pytest.raises(ApiError, match="HTTP 401"):
        session().wait("j", 1000)
    assert list(states) == []


# Secrets: out of what is shown, and not out of what is compared


def as_user(sim: Simulator, password: str) -> dict[str, t.Any]:
    sim.ontap.add_user("operator", password)
    return {**connection(sim), "username": "operator", "password": password, "request_timeout": 5}


@pytest.mark.parametrize("password", ["rekey-internal", "POST /api", "security", "azure-key-vaults"])
def test_a_password_that_is_part_of_a_job_does_not_hide_it(sim: Simulator, waits: Waits, password: str) -> None:
    options = {"svm": "vs0", "key": "internal"}
    sim.ontap.set_duration("rekey-internal", 60)
    login = as_user(sim, password)
    started = drive(sim, {**options, "wait": False}, module=REKEY, login=login)
    again = drive(sim, options, module=REKEY, login=login, client=waits.client)
    assert not again.failed, again.msg
    assert again.writes == []
    assert again.result["job"]["uuid"] == started.result["job"]["uuid"]


@pytest.mark.parametrize("password", ["node1", "Reason", "encrypted volume", "Node"])
def test_a_password_that_is_part_of_the_health_does_not_change_it(sim: Simulator, password: str) -> None:
    sim.ontap.lose_keys("node1")
    expected = drive(sim, {"svm": "vs0", "health": True}, module=INFO).result["azure_key_vaults"][0]["health"]
    outcome = drive(sim, {"svm": "vs0", "health": True}, module=INFO, login=as_user(sim, password))
    (found,) = outcome.result["azure_key_vaults"]
    assert (
        (found["health"]["verdict"], found["health"]["nodes"])
        == (expected["verdict"], expected["nodes"])
        == (
            "keys_missing",
            ["node1"],
        )
    )
    for text in (*found["health"]["reasons"], found["state"]["message"]):
        assert password not in text


CANARY = 'c4nary/"secret\\'


def test_what_ontap_says_of_a_secret_is_not_shown(sim: Simulator) -> None:
    said = f"Azure says {CANARY} is wrong"
    content = record(
        name=OLD["name"],
        key_id=OLD["key_id"],
        client_id=CANARY,
        state={"available": False, "code": "65537551", "message": said},
        azure_reachability={"reachable": False, "code": "65537549", "message": said},
        ekmip_reachability=[{"node": {"name": "n1"}, "reachable": False, "code": "1", "message": said}],
    )
    login = as_user(sim, CANARY)
    for module, options in (
        (INFO, {"health": True}),
        ("azure_key_vault", {"svm": "vs0"}),
        (RESTORE, {"svm": "vs0", "wait_timeout": 0}),
        (MANY, {"vaults": [{"svm": "vs0"}]}),
    ):
        sim.clear_faults()
        sim.fault("GET", "azure-key-vaults", times=None, kind="body", content=body(content))
        result = drive(sim, options, module=module, login=login, check=True).result
        assert f"says {CANARY}" not in str(_strings(result))
        if module == INFO:
            (shown,) = result["azure_key_vaults"]
            # Names stay what they are.
            assert shown["client_id"] == CANARY
            assert shown["state"]["message"] == "Azure says (hidden) is wrong"
            assert len(shown["health"]["reasons"]) == 3
            assert all("says (hidden) is wrong" in reason for reason in shown["health"]["reasons"])


def test_what_ontap_says_of_a_new_secret_is_not_shown(sim: Simulator) -> None:
    sim.ontap.set_azure(reachable=False)
    said = {"azure_reachability": {"reachable": False, "message": f"Azure says {CANARY} is wrong"}}
    (record,) = drive(sim, {}, module=INFO).result["azure_key_vaults"]
    sim.fault("GET", "azure-key-vaults", kind="body", skip=1, content=body({"records": [{**record, **said}]}))
    options = {"svm": "vs0", "client_secret": CANARY, "update_credentials": "always", "skip_verification": True}
    done = drive(sim, options)
    assert any("Azure says (hidden) is wrong" in warning for warning in done.result["warnings"])
    assert CANARY not in str(_strings(done.result))


def _strings(value: t.Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [value] if isinstance(value, str) else []


def test_an_exception_is_without_secrets_also_where_no_module_is() -> None:
    secret = json.dumps(f"no {CANARY}")
    argument = f'[{{"code": "1", "message": {secret}}}]'
    answers = [
        (400, f'{{"error": {{"code": "1", "message": {secret}, "target": {secret}, "arguments": {argument}}}}}'),
        (200, f'{{"error": {{"code": "1", "message": {secret}}}}}'),
    ]
    for status, content in answers:
        with stand_in(raw(status, {"Connection": "close", "Content-Type": CANARY}, content.encode())):
            for call in (lambda c: c.get(VAULTS), lambda c: c.write("POST", VAULTS, {}), lambda c: c.job("j")):
                with pytest.raises(OntapError) as failed:
                    call(session(secrets=(CANARY,)))
                assert CANARY not in f"{failed.value.text()} {failed.value.details()} {failed.value.args}"
    error = f'{{"code": "1", "message": {secret}, "arguments": {argument}}}'
    job = f'{{"state": "failure", "message": {secret}, "error": {error}}}'
    with stand_in(raw(200, {"Connection": "close"}, job.encode())), pytest.raises(JobError) as failed:
        session(secrets=(CANARY,)).wait("j", 5)
    assert CANARY not in f"{failed.value.text()} {_strings(failed.value.details())} {failed.value.args}"
    running = f'{{"state": "running", "message": {secret}}}'
    with stand_in(raw(200, {"Connection": "close"}, running.encode())), pytest.raises(JobTimeoutError) as late:
        session(secrets=(CANARY,)).wait("j", 0)
    assert CANARY not in str(_strings(late.value.details()))


# Values in a query


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        *((plain, plain) for plain in ("vs0", "VS_1", "a.b", "a-b", "0123", "nullify", "annul", "true", "1cd8a442")),
        *((word, f'"{word}"') for word in ("null", "NULL", "Null", "!null", "!vs0", "vs*", "*", "a|b", "<5", ">5")),
        *((word, f'"{word}"') for word in ("<=5", ">=5", "a..b", "..", "a..", "a b", " a", "a ", "a,b", "{a}")),
        *((word, f'"{word}"') for word in ("a=b", "a\\b", "é", "", "a{b", "}a")),
        ('a"b', '{a"b}'),
        ('"vs0"', '{"vs0"}'),
    ],
)
def test_a_value_in_a_query_means_itself(value: str, quoted: str) -> None:
    assert literal(value) == quoted


def test_what_cannot_be_quoted_is_refused() -> None:
    for value in ('a"{b', '"}', '{"}'):
        with pytest.raises(InputError, match="quotes and braces"):
            literal(value)


NAMES = ["null", "!null", "a|b", "a*", "a..b", '"quoted"', "{braces}", "a, b", " blanks ", 'say "x"', "<b>", "a\\b"]


def test_a_configuration_is_found_whatever_its_name(sim: Simulator) -> None:
    for name in NAMES:
        sim.ontap.add_vault("vs0", enabled=False, configuration=name, **OLD)
    for name in NAMES:
        outcome = drive(sim, {"configuration": name}, module=INFO)
        assert [found["configuration"]["name"] for found in outcome.result["azure_key_vaults"]] == [name], outcome.msg


def test_an_svm_named_null_is_managed_like_any_other(sim: Simulator) -> None:
    sim.ontap.add_vault(None, **OLD)
    before = sim.snapshot()
    options = {"svm": "null", **FULL}
    assert drive(sim, options, check=True).changed
    assert sim.snapshot() == before
    created = drive(sim, options)
    assert created.changed, created.msg
    assert created.result["azure_key_vault"]["svm"]["name"] == "null"
    for again in (drive(sim, options), drive(sim, options, check=True)):
        assert (again.failed, again.changed, again.methods) == (False, False, ["GET"])
    found = drive(sim, {"svm": "null"}, module=INFO).result["azure_key_vaults"]
    assert [one["svm"]["name"] for one in found] == ["null"]
    assert drive(sim, {"svm": "null", "state": "absent"}).changed
    assert len(sim.snapshot()["key_stores"]) == 2
