# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vaults with several configurations of one SVM: in order, and what is to go only once the new one serves."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import FULL, OLD, SECRET, Outcome, drive
from tests.support.moves import BLUE, OTHER_KEY, OTHER_VAULT, RELEASES, add_blue, enabled, in_use, told

MOVE: list[dict[str, t.Any]] = [
    {"svm": "vs0", "configuration": "default", "state": "absent"},
    {"svm": "vs0", **BLUE, "enabled": True},
]


@pytest.fixture(scope="module", params=RELEASES)
def shared(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=("vs0", "vs1", "vs2")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    shared.reset()
    return in_use(shared)


@pytest.fixture
def newest() -> t.Iterator[Simulator]:
    with Simulator(release="9.18.1", svms=("vs0",)) as simulator:
        yield simulator


def run(sim: Simulator, vaults: list[dict[str, t.Any]], *, check: bool = False, **options: t.Any) -> Outcome:
    return drive(sim, {"vaults": vaults, **options}, check=check, module="azure_key_vaults")


def of(outcome: Outcome, configuration: str, svm: str = "vs0") -> dict[str, t.Any]:
    return next(v for v in outcome.result["vaults"] if (v["svm"], v["configuration"]) == (svm, configuration))


def writes(outcome: Outcome) -> list[tuple[str, str]]:
    return [(request["method"], request["path"].split("/")[3]) for request in outcome.writes]


def test_a_whole_move_in_four_beats(sim: Simulator) -> None:
    before = sim.snapshot()
    move = [MOVE[0], {**MOVE[1], "verify_host": True}]
    predicted, done, repeated, again = (run(sim, move, check=check) for check in (True, False, False, True))
    assert not predicted.failed, predicted.msg
    assert (predicted.changed, predicted.writes, predicted.snapshot) == (True, [], before)
    assert not done.failed, done.msg
    # However the list is ordered: create, change, enable, look whether Azure is reached, remove.
    assert told(done) == [
        ("GET", "azure-key-vaults"),
        ("GET", "svms"),
        ("POST", "azure-key-vaults"),
        ("PATCH", "azure-key-vaults"),
        ("PATCH", "key-stores"),
        ("GET", "azure-key-vaults"),
        ("DELETE", "key-stores"),
    ]
    assert len(done.requests) <= 9
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["summary"] == predicted.result["summary"]
    shape = [
        [(action["method"], action["path"].split("/")[3], action["outcome"]) for action in beat.result["actions"]]
        for beat in (predicted, done)
    ]
    assert shape[0] == shape[1]
    assert enabled(sim) == {"blue": True}
    assert (of(done, "blue")["verdict"], of(done, "default")["verdict"]) == ("missing", "drifted")
    assert [drift["action"] for drift in of(predicted, "default")["drift"]] == ["delete"]
    assert ("enabled", "enable") in [(drift["field"], drift["action"]) for drift in of(predicted, "blue")["drift"]]
    for beat in (repeated, again):
        assert (beat.failed, beat.changed) == (False, False), beat.msg
        assert told(beat) == [("GET", "azure-key-vaults"), ("GET", "key-stores")]
        assert beat.snapshot == done.snapshot
    assert SECRET not in str(done.result)


def test_the_one_before_stays_where_nobody_removes_it(sim: Simulator) -> None:
    done = run(sim, [MOVE[1]])
    assert not done.failed, done.msg
    assert enabled(sim) == {"default": False, "blue": True}
    # It is not in use any more, and that is what the result says.
    assert (of(done, "default")["verdict"], of(done, "default")["enabled"]) == ("unmanaged", False)
    assert of(done, "blue")["enabled"] is True
    kept = [{"svm": "vs0", "configuration": "default", "enabled": False}, MOVE[1]]
    assert not run(sim, kept).changed
    sim.reset()
    in_use(sim)
    predicted, moved = run(sim, kept, check=True), run(sim, kept)
    assert not moved.failed, moved.msg
    assert moved.result["diff"] == predicted.result["diff"]
    assert writes(moved) == [("POST", "azure-key-vaults"), ("PATCH", "key-stores")]


def test_what_nobody_names_goes_last_and_only_when_it_is_not_in_use(sim: Simulator) -> None:
    predicted, done = (run(sim, [MOVE[1]], unmanaged="absent", check=check) for check in (True, False))
    assert not done.failed, done.msg
    assert writes(done) == [("POST", "azure-key-vaults"), ("PATCH", "key-stores"), ("DELETE", "key-stores")]
    assert done.result["diff"] == predicted.result["diff"]
    assert enabled(sim) == {"blue": True}


@pytest.mark.parametrize("there", [True, False])
def test_what_nobody_names_stays_while_no_other_is_to_be_in_use(sim: Simulator, there: bool) -> None:
    """Also where no encrypted volume would keep it: the SVM would be left without a key manager in use."""
    sim.ontap.encrypt_volumes("vs0", False)
    if there:
        add_blue(sim)
    standby = {name: value for name, value in MOVE[1].items() if name != "enabled"}
    for wish in ({}, {"enabled": False}):
        for check in (True, False):
            failed = run(sim, [{**standby, **wish}], unmanaged="absent", check=check)
            assert failed.failed
            assert "it is the one in use, and SVM vs0, configuration blue is not described" in failed.msg
            assert of(failed, "default")["verdict"] == "unmanaged"
            assert "DELETE" not in failed.methods
    assert enabled(sim) == {"default": True, "blue": False}
    # Where nothing is to be left, nothing is.
    done = run(sim, [{"svm": "vs0", "configuration": "blue", "state": "absent"}], unmanaged="absent")
    assert not done.failed, done.msg
    assert enabled(sim) == {}


@pytest.mark.parametrize("move", [MOVE, [MOVE[1]]], ids=["named", "unmanaged"])
def test_a_vault_that_cannot_be_reached_leaves_the_one_before(sim: Simulator, move: list[dict[str, t.Any]]) -> None:
    sim.ontap.set_azure(valid_secrets=["the secret before"])
    sim.ontap.add_vault("vs1", **OLD)
    elsewhere = {"svm": "vs1", "configuration": "default", "proxy_host": "proxy.example.com"}
    failed = run(sim, [*move, elsewhere], unmanaged="absent")
    assert failed.failed
    assert enabled(sim) == {"default": True, "blue": False}
    assert ("DELETE", "key-stores") not in writes(failed)
    blue, default = of(failed, "blue"), of(failed, "default")
    assert blue["error"]["code"] == "65537605"
    assert "It stays inactive" in blue["error"]["msg"]
    # What was not done has a name, and no other SVM is touched by it.
    assert "Not done: to delete the Azure Key Vault configuration of SVM vs0, configuration default" in failed.msg
    assert (default["changed"], default["actions"]) == (False, [])
    assert of(failed, "default", "vs1")["changed"] is True
    assert of(failed, "default", "vs1")["error"] is None


def test_a_failure_on_the_way_stops_what_comes_after(sim: Simulator) -> None:
    """In every turn: what comes before it is done, what comes after it is not, in a prediction as well."""
    green = {"svm": "vs0", **BLUE, "configuration": "green"}
    blocked = {"svm": "vs0", "configuration": "default", "name": "https://third.vault.azure.net/"}
    for check in (True, False):
        failed = run(sim, [MOVE[1], blocked, green], check=check)
        assert failed.failed
        assert of(failed, "green")["error"] is None
        assert of(failed, "default")["verdict"] == "blocked"
        blue = of(failed, "blue")
        assert "Not done: to enable" in blue["error"]["msg"]
        # What was done before is told as it is.
        assert (blue["changed"], blue["enabled"] or False) == (True, False)
        assert [action["method"] for action in blue["actions"]] == ["POST"]
        (diff,) = [diff for diff in failed.result["diff"] if "blue" in diff["before_header"]]
        assert diff["after"]["enabled"] is False
    assert enabled(sim) == {"default": True, "blue": False, "green": False}


def test_nothing_goes_before_the_new_one_is_proved(sim: Simulator) -> None:
    """Also where the new one was enabled by a run before this one."""
    assert not run(sim, [MOVE[1]]).failed
    sim.ontap.set_azure(valid_secrets=["the secret before"])
    for check in (True, False):
        failed = run(sim, MOVE, check=check)
        assert failed.failed
        assert not failed.writes
        assert "SVM vs0, configuration blue has to serve before it goes" in failed.msg
    assert enabled(sim) == {"default": False, "blue": True}
    sim.ontap.set_azure(any_secret=True)
    done = run(sim, MOVE)
    assert not done.failed, done.msg
    assert told(done)[-2:] == [("GET", "azure-key-vaults"), ("DELETE", "key-stores")]
    assert enabled(sim) == {"blue": True}


def test_what_ontap_says_nothing_of_is_no_proof(sim: Simulator) -> None:
    assert not run(sim, [MOVE[1]]).failed
    uuid = next(u for u, s in sim.snapshot()["key_stores"].items() if s["configuration"] == "blue")
    silent = {"uuid": uuid, "enabled": True, "configuration": {"name": "blue"}, "svm": {"name": "vs0"}}
    content = json.dumps({"records": [silent], "num_records": 1})
    sim.fault("GET", "azure-key-vaults", kind="body", content=content, skip=1)
    failed = run(sim, MOVE)
    assert failed.failed
    assert not failed.writes
    assert "does not say whether it reaches Azure" in failed.msg


def test_verify_false_enables_unproved_and_removes_nothing_unproved(sim: Simulator) -> None:
    done = run(sim, [MOVE[0], {**MOVE[1], "verify": False}])
    assert not done.failed, done.msg
    assert len(done.requests) <= 9
    assert enabled(sim) == {"blue": True}


def test_a_switch_that_nobody_waits_for_removes_nothing(sim: Simulator) -> None:
    sim.ontap.durations["key-stores-patch"] = 60
    failed = run(sim, MOVE, wait=False)
    assert failed.failed
    assert "it is not enabled yet" in failed.msg
    assert ("DELETE", "key-stores") not in writes(failed)


def test_an_interrupted_switch_is_completed_before_anything_goes(sim: Simulator) -> None:
    """By the state of the key stores, and before there was one by the code that refuses the removal."""
    add_blue(sim)
    sim.ontap.interrupt_switch("vs0", "blue", "new")
    done = run(sim, MOVE)
    assert not done.failed, done.msg
    assert enabled(sim) == {"blue": True}
    assert ("PATCH", "key-stores") in writes(done)
    assert of(done, "blue")["verdict"] == "drifted"
    assert {"field": "enabled", "desired": True, "actual": "switching", "action": "enable"} in of(done, "blue")["drift"]
    assert not run(sim, MOVE).changed


@pytest.mark.parametrize("policy", ["on_create", "always"])
def test_completing_a_switch_sends_nothing_twice(policy: str) -> None:
    """Where only the refusal of the removal tells of it, after a change of this run."""
    with Simulator(release="9.15.1", svms=("vs0",)) as sim:
        in_use(sim)
        add_blue(sim)
        sim.ontap.interrupt_switch("vs0", "blue", "new")
        changed = {**MOVE[1], "client_id": "dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa", "update_credentials": policy}
        done = run(sim, [MOVE[0], changed])
        assert not done.failed, done.msg
        assert writes(done) == [
            ("PATCH", "azure-key-vaults"),
            ("DELETE", "key-stores"),
            ("PATCH", "key-stores"),
            ("DELETE", "key-stores"),
        ]
        blue = of(done, "blue")
        assert [action["fields"] for action in blue["actions"]] == [["client_id", "client_secret"], ["enabled"]]
        assert [drift["field"] for drift in blue["drift"]] == ["client_id", "enabled"]
        assert (blue["became"], blue["credentials"]) == ("changed", "sent")
        # The diff is that of both.
        (diff,) = [diff for diff in done.result["diff"] if "blue" in diff["before_header"]]
        assert (diff["before"]["client_id"], diff["before"]["enabled"]) == (BLUE["client_id"], "switching")
        assert (diff["after"]["client_id"], diff["after"]["enabled"]) == (changed["client_id"], True)
        assert "client_secret" in diff["after"]


@pytest.mark.parametrize("state", ["mixed", "svm_kek_rekey", "initializing", "blocked", "disabling"])
def test_nothing_goes_while_the_key_store_of_the_new_one_is_not_active(sim: Simulator, state: str) -> None:
    uuid = add_blue(sim)
    assert not run(sim, [MOVE[1]]).failed
    sim.ontap.set_keystore(uuid, state)
    shown = sim.ontap.profile.release not in ("9.14.1", "9.15.1")
    for check in (True, False) if shown else (True,):
        outcome = run(sim, MOVE, check=check)
        # Before 9.16.1 there is no state to see.
        assert outcome.failed is shown, outcome.msg
        assert not outcome.writes
        assert (f"its key store is {state}" in outcome.msg) is shown


def test_nothing_goes_while_the_switch_is_at_work(newest: Simulator) -> None:
    """Also where the new one is shown as enabled from the start."""
    for health in (False, True):
        newest.reset()
        in_use(newest)
        add_blue(newest)
        newest.ontap.interrupt_switch("vs0", "blue", "new")
        newest.ontap.durations["key-stores-patch"] = 60
        failed = run(newest, MOVE, wait=False, health=health)
        assert failed.failed
        assert "is still at work on it" in failed.msg
        assert writes(failed) == [("PATCH", "key-stores")]


def test_one_that_is_created_as_the_one_in_use_is_proved_when_it_is(sim: Simulator) -> None:
    sim.ontap.encrypt_volumes("vs0", False)
    sim.ontap.remove_vault("vs0")
    add_blue(sim)
    swap = [
        {"svm": "vs0", **OLD, "configuration": "default", "enabled": True},
        {"svm": "vs0", "configuration": "blue", "state": "absent"},
    ]
    predicted, done = (run(sim, swap, check=check) for check in (True, False))
    assert not predicted.failed, predicted.msg
    assert not done.failed, done.msg
    assert done.result["diff"] == predicted.result["diff"]
    assert writes(done) == [("POST", "azure-key-vaults"), ("DELETE", "key-stores")]


def test_many_svms_move_in_one_task(sim: Simulator) -> None:
    for svm in ("vs1", "vs2"):
        sim.ontap.encrypt_volumes(svm)
        sim.ontap.add_vault(svm, **OLD)
    moves = [{**entry, "svm": svm} for svm in ("vs0", "vs1", "vs2") for entry in MOVE]
    predicted, done, repeated = (run(sim, moves, check=check) for check in (True, False, False))
    assert not done.failed, done.msg
    assert done.result["diff"] == predicted.result["diff"]
    # The lists are read once, whatever the number of SVMs.
    assert len(done.requests) == 2 + 3 * 4
    assert (repeated.changed, len(repeated.requests)) == (False, 2)


def test_one_svm_that_fails_moves_no_other_back(sim: Simulator) -> None:
    sim.ontap.add_vault("vs1", **OLD)
    sim.ontap.refuse("key-stores-patch", 65536602, times=1)
    moves = [{**entry, "svm": svm} for svm in ("vs0", "vs1") for entry in MOVE]
    failed = run(sim, moves, concurrency=1)
    assert failed.failed
    assert enabled(sim) == {"default": True, "blue": False}
    assert enabled(sim, "vs1") == {"blue": True}
    # The next run goes on from there.
    again = run(sim, moves)
    assert not again.failed, again.msg
    assert enabled(sim) == {"blue": True}


# --- bad input


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (
            [{"configuration": "blue", "enabled": True}, {"configuration": "green", "enabled": True}],
            "configuration green is to be enabled, and so is SVM vs0, configuration blue",
        ),
        ([{"configuration": "blue", "enabled": True}, {"client_id": "x"}], "Give configuration in every entry"),
        ([{"state": "absent"}, {"configuration": "blue", "enabled": True}], "Give configuration in every entry"),
        ([{"configuration": "blue", "enabled": True, "state": "absent"}], "although state is absent"),
        ([{"enabled": True}], "configuration is not given"),
    ],
)
def test_what_cannot_be_meant_together(sim: Simulator, entries: list[dict[str, t.Any]], words: str) -> None:
    for check in (True, False):
        failed = run(sim, [{"svm": "vs0", **entry} for entry in entries], check=check)
        assert failed.failed
        assert not failed.requests
        assert words in failed.msg, failed.msg


def test_the_same_svm_by_name_and_by_uuid(sim: Simulator) -> None:
    uuid = next(svm["uuid"] for svm in sim.snapshot()["svms"] if svm["name"] == "vs0")
    entries = [
        {"svm": "vs0", **BLUE, "enabled": True},
        {"svm_uuid": uuid, **BLUE, "configuration": "green", "enabled": True},
    ]
    for check in (True, False):
        failed = run(sim, entries, check=check)
        assert failed.failed
        assert not failed.writes
        assert "is to be enabled, and so is" in failed.msg
    # One configuration each is one move.
    done = run(sim, [entries[0], {"svm_uuid": uuid, "configuration": "default", "state": "absent"}])
    assert not done.failed, done.msg
    assert enabled(sim) == {"blue": True}


def test_before_9_14_1_one_entry_fails_and_the_others_go_on() -> None:
    with Simulator(release="9.13.1", svms=("vs0", "vs1")) as old:
        in_use(old)
        for check in (True, False):
            outcome = run(old, [*MOVE, {"svm": "vs1", **FULL}], check=check)
            assert outcome.failed
            assert "9.14.1 or later" in outcome.msg
            assert of(outcome, "blue")["verdict"] == "blocked"
        assert enabled(old) == {"default": True}
        assert enabled(old, "vs1") == {"default": True}


def test_a_move_needs_nothing_but_the_name_where_all_is_there(sim: Simulator) -> None:
    add_blue(sim)
    done = run(sim, [MOVE[0], {"svm": "vs0", "configuration": "blue", "enabled": True}])
    assert not done.failed, done.msg
    assert told(done) == [
        ("GET", "azure-key-vaults"),
        ("GET", "jobs"),
        ("PATCH", "key-stores"),
        ("GET", "azure-key-vaults"),
        ("DELETE", "key-stores"),
    ]


def test_the_remedy_of_another_vault_is_carried_out_as_it_stands(sim: Simulator) -> None:
    blocked = run(sim, [{"svm": "vs0", **FULL, "name": OTHER_VAULT, "key_id": OTHER_KEY}])
    assert of(blocked, "default")["verdict"] == "blocked"
    assert "svm: vs0, configuration: other, enabled: true" in blocked.msg
    done = run(sim, [{"svm": "vs0", **BLUE, "configuration": "other", "enabled": True}])
    assert not done.failed, done.msg
    assert enabled(sim) == {"default": False, "other": True}


def test_the_order_is_kept_across_entries(sim: Simulator) -> None:
    """What is created comes first, and what is in use is changed before another one takes its place."""
    entries = [
        {"svm": "vs0", "configuration": "green", "state": "absent"},
        {"svm": "vs0", "configuration": "default", "proxy_host": "proxy.example.com", "enabled": False},
        {"svm": "vs0", **BLUE, "enabled": True, "verify_ip": True},
    ]
    sim.ontap.add_vault("vs0", enabled=False, **{**BLUE, "configuration": "green"})
    predicted, done = run(sim, entries, check=True), run(sim, entries)
    assert not done.failed, done.msg
    assert [
        (request["method"], request["path"].split("/")[3], sorted(request["body"] or ())) for request in done.writes
    ] == [
        (
            "POST",
            "azure-key-vaults",
            ["client_id", "client_secret", "configuration", "key_id", "name", "svm", "tenant_id"],
        ),
        ("PATCH", "azure-key-vaults", ["verify_ip"]),
        ("PATCH", "azure-key-vaults", ["proxy_host"]),
        ("PATCH", "key-stores", ["enabled"]),
        ("DELETE", "key-stores", []),
    ]
    assert done.result["diff"] == predicted.result["diff"]
    assert of(done, "blue")["credentials"] == of(predicted, "blue")["credentials"] == "sent"
    assert [len(of(beat, "blue")["actions"]) for beat in (predicted, done)] == [3, 3]
    assert enabled(sim) == {"default": False, "blue": True}
    assert not run(sim, entries).changed


def test_two_svms_that_are_named_in_two_ways_before_either_has_any(sim: Simulator) -> None:
    uuid = next(svm["uuid"] for svm in sim.snapshot()["svms"] if svm["name"] == "vs1")
    entries = [
        {"svm": "vs1", **BLUE, "enabled": True},
        {"svm_uuid": uuid, **BLUE, "configuration": "green", "enabled": True},
    ]
    failed = run(sim, entries)
    assert failed.failed
    assert not failed.writes
    assert "is to be enabled, and so is" in failed.msg


def test_a_credential_that_turns_out_not_to_work_keeps_what_was_to_go(sim: Simulator) -> None:
    """Of the one in use: it was sent, and ONTAP does not reach Azure with it."""
    add_blue(sim, configuration="green")
    wrong = {"client_secret": "another secret", "update_credentials": "always"}
    if sim.ontap.profile.release not in ("9.14.1", "9.15.1"):
        wrong["skip_verification"] = False
    sim.ontap.set_azure(valid_secrets=["the secret before"])
    entries = [
        {"svm": "vs0", "configuration": "default", **wrong},
        {"svm": "vs0", "configuration": "green", "state": "absent"},
    ]
    failed = run(sim, entries)
    assert failed.failed
    assert "Not done: to delete" in of(failed, "green")["error"]["msg"]
    assert enabled(sim) == {"default": True, "green": False}


def test_nothing_follows_a_create_that_nobody_waits_for(sim: Simulator) -> None:
    if sim.ontap.profile.release != "9.18.1":
        return
    sim.ontap.durations["create"] = 60
    failed = run(sim, MOVE, wait=False)
    assert failed.failed
    assert writes(failed) == [("POST", "azure-key-vaults")]
    assert "left to the next run" in str(failed.result["warnings"])
    assert "has to serve before it goes" in of(failed, "default")["error"]["msg"]
