# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-admin verification: a write that other administrators have to approve is not repeated, not called a change, and
completed by the same task once they have."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import CLIENT, FULL, KEY_2, OLD, SECRET, Outcome, drive

CREDENTIAL = {"client_secret": SECRET, "update_credentials": "always"}
# What is sent, by the operation that is protected.
TASKS: dict[str, tuple[str, dict[str, t.Any]]] = {
    "create": ("azure_key_vault", {"svm": "vs0", **FULL}),
    "patch": ("azure_key_vault", {"svm": "vs1", "client_id": CLIENT, "client_secret": SECRET}),
    "delete": ("azure_key_vault", {"svm": "vs1", "state": "absent"}),
    "rekey-external": ("azure_key_vault_rekey", {"svm": "vs1", "key": "external", "key_id": KEY_2}),
    "rekey-internal": ("azure_key_vault_rekey", {"svm": "vs2", "key": "internal"}),
    "restore": ("azure_key_vault_restore", {"svm": "vs2"}),
}


@pytest.fixture(scope="module", params=["9.12.1", "9.18.1"])
def shared(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=("vs0", "vs1", "vs2", "vs3")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    """vs0 has no configuration, vs1 another application's, and on vs2 node1 lacks the keys."""
    shared.reset()
    for svm in ("vs1", "vs2"):
        shared.ontap.add_vault(svm, **{**OLD, "client_id": "another"})
    shared.ontap.encrypt_volumes("vs2")
    shared.ontap.lose_keys("node1", "vs2")
    return shared


def assert_waiting(outcome: Outcome, index: int) -> None:
    assert outcome.failed
    assert not outcome.changed
    error = outcome.result["error"]
    assert (error["code"], error["approval"], error["request_index"]) == ("262325", "required", index)
    assert [action["outcome"] for action in outcome.result["actions"]] == ["refused"]
    assert len(outcome.writes) == 1
    assert f"request approve -index {index}" in outcome.msg
    assert "run the same task again" in outcome.msg


@pytest.mark.parametrize("operation", TASKS)
def test_the_same_task_completes_it_once_approved(sim: Simulator, operation: str) -> None:
    module, options = TASKS[operation]
    sim.ontap.require_approval(operation)
    predicted = drive(sim, options, module=module, check=True)
    assert (predicted.failed, predicted.changed, predicted.writes) == (False, True, [])
    before = sim.snapshot()["key_stores"]
    for _run in range(2):
        waiting = drive(sim, options, module=module)
        assert_waiting(waiting, 1)
        assert waiting.result["diff"]["before"] == waiting.result["diff"]["after"]
        assert waiting.snapshot["key_stores"] == before
    sim.ontap.approve(1)
    done = drive(sim, options, module=module)
    assert not done.failed, done.msg
    assert done.changed
    assert done.result["diff"] == predicted.result["diff"]


@pytest.mark.parametrize("status", [200, 202, 400, 401, 403, 409, 429, 500, 503, 504])
def test_whatever_status_ontap_answers_with(sim: Simulator, status: int) -> None:
    """None is documented; 429 and 503 would be tried again, 401 called a bad login, success an answer lost."""
    sim.ontap.require_approval("patch", status=status)
    assert_waiting(drive(sim, TASKS["patch"][1]), 1)


def test_a_message_without_an_index_says_as_much(sim: Simulator) -> None:
    """Nothing is decided by what the message says."""
    sim.ontap.refuse("patch", 262325, "Wait for the others, index what.")
    failed = drive(sim, TASKS["patch"][1])
    assert (failed.result["error"]["approval"], failed.result["error"]["request_index"]) == ("required", None)
    sim.ontap.refuse("patch", 65537504, "The request (index 3) requires approval.")
    failed = drive(sim, TASKS["patch"][1])
    assert "approval" not in failed.result["error"]


def test_a_job_that_ends_so(sim: Simulator) -> None:
    sim.ontap.plan_job("rekey-external", "failure", 262325, "The security request (index 7) requires approval.")
    failed = drive(sim, TASKS["rekey-external"][1], module="azure_key_vault_rekey")
    assert (failed.changed, failed.result["error"]["request_index"]) == (False, 7)


def test_what_was_done_before_is_said(sim: Simulator) -> None:
    """Of two requests the second is held back: the first has changed something."""
    if not sim.ontap.profile.since("9.14.1"):
        return
    sim.ontap.require_approval("patch")
    failed = drive(sim, {**TASKS["create"][1], "verify_host": True})
    assert (failed.failed, failed.changed) == (True, True)
    assert [action["outcome"] for action in failed.result["actions"]] == ["done", "refused"]
    assert failed.result["error"]["approval"] == "required"


@pytest.mark.parametrize("operation", ["create", "key-stores-patch", "key-stores-delete"])
def test_what_depends_on_it_waits_as_well(sim: Simulator, operation: str) -> None:
    if sim.ontap.profile.release == "9.12.1":
        pytest.skip("has one configuration an SVM")
    sim.ontap.require_approval(operation)
    sim.ontap.add_vault("vs3", **OLD)
    vaults = [
        {"svm": "vs3", **FULL, "configuration": "blue", "enabled": True},
        {"svm": "vs3", "configuration": "default", "state": "absent"},
    ]
    waiting = drive(sim, {"vaults": vaults}, module="azure_key_vaults")
    assert waiting.failed
    assert (waiting.result["error"]["approval"], waiting.result["error"]["request_index"]) == ("required", 1)
    assert "configurations failed" not in waiting.msg
    default = waiting.result["vaults"][1]
    assert (default["verdict"], default["became"], default["error"]["request_index"]) == (
        "waiting_for_approval",
        "unchanged",
        1,
    )
    if operation != "key-stores-delete":
        assert "Not done: to delete the Azure Key Vault configuration of SVM vs3, configuration default" in waiting.msg
        assert "vaults[0] (svm vs3) waits for approval before it" in waiting.msg
        assert default["actions"] == []


def test_among_many_each_has_a_verdict_of_its_own(sim: Simulator) -> None:
    sim.ontap.require_approval("patch")
    sim.ontap.require_approval("delete")
    sim.ontap.refuse("create", 65537504)
    vaults = [
        {"svm": "vs1", "client_id": CLIENT, "client_secret": SECRET},
        {"svm": "vs2", **CREDENTIAL},
        {"svm": "vs3", "state": "absent"},
    ]
    sim.ontap.add_vault("vs3", **OLD)
    options = {"vaults": vaults, "concurrency": 1}
    waiting = drive(sim, options, module="azure_key_vaults")
    assert (waiting.failed, waiting.changed) == (True, False)
    shown = [(vault["verdict"], vault["error"]["request_index"]) for vault in waiting.result["vaults"]]
    assert shown == [("waiting_for_approval", 1), ("waiting_for_approval", 2), ("waiting_for_approval", 3)]
    assert waiting.result["summary"]["waiting_for_approval"] == 3
    assert waiting.msg.startswith("3 of 3 configurations wait for approval")
    assert waiting.result["error"]["approval"] == "required"
    mixed = drive(sim, {"vaults": [*vaults, {"svm": "vs0", **FULL}], "concurrency": 1}, module="azure_key_vaults")
    # What failed comes before what only waits.
    assert mixed.msg.startswith("1 of 4 configurations failed, 3 of 4 configurations wait for approval")
    assert mixed.result["error"]["code"] == "65537504"
    sim.ontap.allow()
    for index in (1, 2, 3):
        sim.ontap.approve(index)
    done = drive(sim, options, module="azure_key_vaults")
    assert (done.failed, done.changed) == (False, True), done.msg
    assert done.result["summary"]["waiting_for_approval"] == 0
