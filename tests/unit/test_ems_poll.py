# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source ems_poll: every event once, none lost, whatever becomes of the cluster and of the source."""

from __future__ import annotations

import datetime
import json
import logging
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.ontap.security.plugins.module_utils._ansible.specs import CONNECTION
from ansible_collections.ontap.security.plugins.module_utils._azure.events import event_of, moment_of
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.plugin_utils._events import log, options
from tests.simulator import Simulator
from tests.simulator.profiles import RELEASES
from tests.support.events import SHAPE, login, poll

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)


@pytest.fixture
def sim() -> t.Iterator[Simulator]:
    with Simulator(svms=("vs0",)) as simulator:
        simulator.ontap.add_vault("vs0")
        simulator.ontap.encrypt_volumes("vs0")
        yield simulator


@pytest.fixture
def args(sim: Simulator, tmp_path: Path) -> dict[str, t.Any]:
    return login(sim, state_dir=str(tmp_path / "state"))


def names(events: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    return [event["event"] for event in events]


# --- what an event is


def test_an_event_has_one_shape_and_says_what_is_known(sim: Simulator, args: dict[str, t.Any]) -> None:
    sim.ontap.set_keystore("vs0", "blocked")
    sim.ontap.lose_keys("node2")
    events, _pauses = poll(args)
    assert all(set(event) == SHAPE for event in events)
    assert all(isinstance(value, str) for event in events for value in event.values())
    found = {event["event"]: event for event in events}
    offline = found["ekmip.akv.volOffline"]
    key = "https://mykeyvault.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"
    assert (offline["cluster"], offline["severity"], offline["node"]) == ("cluster1", "alert", "node1")
    assert (offline["svm"], offline["configuration"], offline["key_id"]) == ("vs0", "default", key)
    assert moment_of(offline["time"]) is not None
    assert "volumes of an SVM are offline" in offline["text"]
    # The node is the one that lacks keys; its partner reported it.
    assert (found["km.keyretrieve.failed"]["svm"], found["km.keyretrieve.failed"]["node"]) == ("vs0", "node2")
    assert (found["gb.sfo.veto.kmgr.keysmissing"]["svm"], found["gb.sfo.veto.kmgr.keysmissing"]["node"]) == (
        "",
        "node2",
    )


def test_what_a_record_lacks_is_empty() -> None:
    bare = event_of("c", {"node": {}, "message": {}, "parameters": None, "time": None, "log_message": None})
    assert bare.as_dict() == {**dict.fromkeys(SHAPE, ""), "cluster": "c"}


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_can_be_asked(release: str, tmp_path: Path) -> None:
    with Simulator(release, svms=("vs0",)) as sim:
        sim.ontap.raise_event("gb.sfo.veto.kmgr.keysmissing", node="node1")
        sim.ontap.raise_event("monitor.globalStatus.ok")
        events, _pauses = poll(login(sim, state_dir=str(tmp_path)))
        assert names(events) == ["gb.sfo.veto.kmgr.keysmissing"]
        assert [request["method"] for request in sim.requests] == ["GET"]


# --- once, and none lost


def test_an_event_comes_once_and_a_later_one_with_the_next_look(sim: Simulator, args: dict[str, t.Any]) -> None:
    sim.ontap.set_azure(reachable=False)
    events, pauses = poll(
        {**args, "interval": 30},
        lambda: None,
        lambda: sim.ontap.set_azure(reachable=True),
        lambda: sim.ontap.raise_event("ekmip.akv.keyExpired", "vs0"),
    )
    assert names(events) == ["ekmip.akv.notAvailable", "ekmip.akv.available", "ekmip.akv.keyExpired"]
    assert pauses == [30] * 4
    # From the second look on only what is new, and a little more, is asked for.
    asked = [request["query"].get("time") for request in sim.requests]
    assert asked[0] is None
    assert all(text.startswith(">=20") for text in asked[1:])


def test_a_restart_loses_nothing_and_repeats_nothing(sim: Simulator, args: dict[str, t.Any]) -> None:
    sim.ontap.set_azure(reachable=False)
    assert names(poll(args)[0]) == ["ekmip.akv.notAvailable"]
    # While nobody looks, for longer than a first look reaches back.
    sim.ontap.set_azure(reachable=True)
    sim.ontap.clock.advance(3 * 3600)
    sim.ontap.raise_event("ekmip.akv.keyExpired", "vs0")
    assert names(poll(args)[0]) == ["ekmip.akv.available", "ekmip.akv.keyExpired"]
    assert poll(args)[0] == []
    assert poll({**args, "state_dir": f"{args['state_dir']}-of-somebody-else", "look_back": 60})[0] != []


def test_a_restart_before_the_first_event_is_no_first_look(sim: Simulator, args: dict[str, t.Any]) -> None:
    assert poll({**args, "look_back": 0})[0] == []
    sim.ontap.set_azure(reachable=False)
    assert names(poll({**args, "look_back": 0})[0]) == ["ekmip.akv.notAvailable"]


def test_events_of_a_cluster_that_was_away_come_when_it_is_back(
    sim: Simulator, args: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def away() -> None:
        sim.fault("GET", "ems/events", times=None, kind="reset_before")
        sim.ontap.set_azure(reachable=False)

    events, _pauses = poll(args, away, lambda: None, sim.clear_faults)
    assert names(events) == ["ekmip.akv.notAvailable"]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 2, told
    assert "cluster1 cannot be asked for events" in told[0]
    assert told[1] == "cluster1 can be asked for events again"
    assert sim.password not in caplog.text


def test_one_cluster_that_is_away_hides_no_other(sim: Simulator, args: dict[str, t.Any]) -> None:
    sim.ontap.set_azure(reachable=False)
    gone = {"name": "gone", "hostname": sim.host, "http_port": 1}
    events, _pauses = poll({**args, "clusters": [gone, *args["clusters"]]}, lambda: None)
    assert names(events) == ["ekmip.akv.notAvailable"]


def test_a_login_that_is_refused_is_not_tried_every_minute(sim: Simulator, args: dict[str, t.Any]) -> None:
    _events, pauses = poll({**args, "password": "wrong-password"})
    assert pauses == [900]


def test_an_answer_that_is_not_ontaps_is_no_event(sim: Simulator, args: dict[str, t.Any]) -> None:
    sim.fault("GET", "ems/events", times=None, kind="body", content='{"records": [{"index": "1", "node": {}}]}')
    sim.ontap.set_azure(reachable=False)
    events, _pauses = poll(args, sim.clear_faults)
    assert names(events) == ["ekmip.akv.notAvailable"]


def test_a_state_that_cannot_be_used_is_said_and_begins_anew(
    sim: Simulator, args: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    sim.ontap.set_azure(reachable=False)
    poll(args)
    state = Path(args["state_dir"], "cluster1.json")
    assert state.stat().st_mode & 0o077 == 0
    for content in ("", "{}", "[]", '{"version": 2}', '{"version": 1, "newest": "x", "told": []}', "\udcff"):
        state.write_bytes(content.encode("utf-8", "surrogateescape"))
        caplog.clear()
        assert names(poll(args)[0]) == ["ekmip.akv.notAvailable"], content
        assert "cannot be used" in caplog.text, content
    assert [path.name for path in state.parent.iterdir()] == ["cluster1.json"]


def test_a_state_that_cannot_be_kept_is_said_and_does_not_repeat_events(
    sim: Simulator, args: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    sim.ontap.set_azure(reachable=False)
    folder = Path(args["state_dir"])

    def in_the_way() -> None:
        (folder / "cluster1.json").unlink()
        (folder / "cluster1.json").mkdir()

    events, _pauses = poll(args, in_the_way, lambda: None)
    assert names(events) == ["ekmip.akv.notAvailable"]
    assert "cannot be kept" in caplog.text


# --- the decisions alone


def record(index: int, minutes: float, node: str = "n1") -> dict[str, t.Any]:
    time = (NOW + datetime.timedelta(minutes=minutes)).isoformat()
    return {"node": {"name": node}, "index": index, "time": time, "message": {"name": "x"}}


def sift(look: log.Look | None, *records: dict[str, t.Any], overlap: int = 600) -> tuple[list[int], log.Look]:
    fresh, look = log.sift(look, records, now=NOW, overlap=overlap, look_back=3600)
    return [one["index"] for one in fresh], look


def test_the_oldest_comes_first_and_a_first_look_reaches_back_as_far_as_it_may() -> None:
    fresh, look = sift(None, record(3, -1), record(1, -61), record(2, -59))
    assert fresh == [2, 3]
    assert look.query(600)["time"] == ">=2026-01-31T11:49:00+00:00"


def test_an_event_that_comes_late_from_another_node_is_not_lost() -> None:
    _fresh, look = sift(log.Look(), record(1, -5))
    fresh, look = sift(look, record(1, -5), record(1, -12, "n2"))
    assert fresh == [1]
    # A node that was out of sight for one look does not tell everything again.
    _fresh, look = sift(look)
    assert sift(look, record(1, -5), record(1, -12, "n2"))[0] == []


def test_an_index_that_begins_anew_is_another_event() -> None:
    _fresh, look = sift(log.Look(), record(1, -5))
    assert sift(look, record(1, -4))[0] == [1]


def test_an_event_from_the_future_hides_nothing() -> None:
    fresh, look = sift(log.Look(), record(1, 60 * 24 * 365))
    assert (fresh, look.newest) == ([1], NOW)
    assert sift(look, record(1, 60 * 24 * 365), record(2, -1))[0] == [2]


def test_what_was_told_is_forgotten_when_nobody_asks_for_it_any_more() -> None:
    _fresh, look = sift(log.Look(), record(1, -60), record(2, -1))
    assert {index for _node, index, _time in look.told} == {2}
    assert log.load(look.dump()) == look


def test_a_time_that_is_none_is_told_all_the_same() -> None:
    odd = {**record(1, 0), "time": "yesterday"}
    fresh, look = sift(log.Look(), odd)
    assert fresh == [1]
    assert sift(look, odd)[0] == []


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31T07:00:00-0500", "2026-01-31T12:00:00"]
)
def test_times_are_moments(text: str) -> None:
    assert moment_of(text) == NOW


# --- arguments


def test_connection_options_are_those_of_the_modules() -> None:
    kinds = {"str": str, "path": str, "int": int, "bool": bool}
    assert {name: kinds[spec["type"]] for name, spec in CONNECTION.items()} == options.CONNECTION
    assert all(spec["fallback"][1] == [f"ONTAP_{name.upper()}"] for name, spec in CONNECTION.items())


def test_what_is_not_given_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ONTAP_")]:
        monkeypatch.delenv(name)
    values = {"USERNAME": "reader", "PASSWORD": "from-around\n", "HTTP_PORT": "8443", "VALIDATE_CERTS": "no"}
    for name, value in {**values, "HOSTNAME": "elsewhere"}.items():
        monkeypatch.setenv(f"ONTAP_{name}", value)
    own = {"name": "c2", "hostname": "192.0.2.1", "username": "other", "http_port": ""}
    found = options.polling({"clusters": ["c1", own], "request_timeout": "7"}).connections
    one, two = found["c1"], found["c2"]
    assert (one.hostname, one.username, one.password, one.port) == ("c1", "reader", "from-around", 8443)
    assert (one.validate_certs, one.timeout, one.secrets) == (False, 7, ("from-around",))
    assert (two.hostname, two.username, two.port) == ("192.0.2.1", "other", 8443)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"clusters": []}, "clusters is not a list"),
        ({"clusters": "cluster1"}, "clusters is not a list"),
        ({"clusters": ["all"]}, "names that clusters have"),
        ({"clusters": ["*"]}, "names that clusters have"),
        ({"clusters": ["../c1"]}, "names that clusters have"),
        ({"clusters": ["c1:!c2"]}, "names that clusters have"),
        ({"clusters": [{"hostname": "h"}]}, "names that clusters have"),
        ({"clusters": ["c1", "c1"]}, "c1 twice"),
        ({"clusters": [{"name": "c1", "interval": 5}]}, "does not know interval"),
        ({"intervall": 5}, "does not know intervall"),
        ({"interval": 1}, "5 or more"),
        ({"interval": "soon"}, "interval is not a whole number"),
        ({"interval": True}, "interval is not a whole number"),
        ({"validate_certs": "maybe"}, "validate_certs is neither"),
        ({"password": 12345678}, "password is not a text"),
        ({"access_token": "t" * 20}, "more than one login"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(wrong: dict[str, t.Any], said: str, tmp_path: Path) -> None:
    args = {"clusters": ["c1"], "username": "u", "password": "canary-password", "state_dir": str(tmp_path), **wrong}
    with pytest.raises(InputError, match=said):
        options.polling(args)
    with pytest.raises(ValueError, match=said) as failure:
        poll(args)
    assert "canary-password" not in str(failure.value)
    assert list(tmp_path.iterdir()) == []


def test_the_state_says_nothing_but_how_far(sim: Simulator, args: dict[str, t.Any]) -> None:
    sim.ontap.set_azure(reachable=False)
    poll(args)
    state = json.loads(Path(args["state_dir"], "cluster1.json").read_text(encoding="utf-8"))
    assert set(state) == {"version", "newest", "told"}
    assert [entry[:2] for entry in state["told"]] == [["node1", 1]]
