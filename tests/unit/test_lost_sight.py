# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes that have been lost from sight, or been called refused, one test for each."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.support import wire
from tests.support.beats import FULL, KEY_2, OLD, Outcome, drive
from tests.support.waits import Waits
from tests.support.wire import WiredCluster

INTERNAL = {"svm": "vs0", "key": "internal"}
EXTERNAL = {"svm": "vs0", "key": "external", "key_id": KEY_2}
FORCED = {"svm": "vs0", "force": True}


def act(sim: WiredCluster, module: str, options: dict[str, t.Any]) -> Outcome:
    login = {"username": sim.username, "password": sim.password, "hostname": sim.host, "http_port": sim.port}
    return drive(sim, options, module=module, login=login, client=Waits(sim).client)


def outcomes(found: Outcome) -> list[tuple[str, str]]:
    return [(action["method"], action["outcome"]) for action in found.result["actions"]]


@pytest.mark.parametrize(
    ("module", "options", "operation"),
    [
        ("azure_key_vault_rekey", INTERNAL, "rekey-internal"),
        ("azure_key_vault_rekey", EXTERNAL, "rekey-external"),
        ("azure_key_vault_restore", FORCED, "restore"),
    ],
)
def test_a_job_that_has_failed_is_known_without_waiting(
    monkeypatch: pytest.MonkeyPatch, module: str, options: dict[str, t.Any], operation: str
) -> None:
    answer = wire.answer_of

    def lose(ontap: t.Any, call: t.Any) -> t.Any:
        found = answer(ontap, call)
        if call.method == "POST":
            ontap.clock.advance(10)
            raise ConnectionResetError
        return found

    monkeypatch.setattr(wire, "answer_of", lose)
    with WiredCluster("9.18.1", ("vs0",)) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.encrypt_volumes("vs0")
        sim.ontap.set_duration(operation, 5)
        sim.ontap.plan_job(operation, "failure", 65537547)
        found = act(sim, module, {**options, "wait": False})
    assert found.failed, found.result
    assert "has been replaced" not in found.msg
    assert "ONTAP reported success" not in found.msg


def test_the_job_of_a_patch_after_a_create_is_found() -> None:
    with WiredCluster("9.18.1", ("vs0",)) as sim:
        sim.ontap.set_duration("patch", 30)
        sim.fault("PATCH", kind="reset_after", times=None)
        found = act(sim, "azure_key_vault", {"svm": "vs0", **FULL, "verify_host": True})
    assert [write["method"] for write in found.writes] == ["POST", "PATCH"], "sent once"
    assert outcomes(found) == [("POST", "done"), ("PATCH", "done")], found.msg


def test_a_gateway_s_error_in_json_is_no_refusal_of_ontap_s() -> None:
    content = json.dumps({"error": {"code": 504, "message": "upstream request timeout"}})
    with WiredCluster("9.18.1", ("vs0",)) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.encrypt_volumes("vs0")
        sim.fault("POST", kind="body", after=True, status=504, content=content)
        found = act(sim, "azure_key_vault_rekey", INTERNAL)
    assert outcomes(found) in ([("POST", "done")], [("POST", "unknown")]), found.result
    assert found.result["changed"] or "refused" not in found.msg


@pytest.mark.parametrize("status", [200, 201])
def test_what_is_called_done_before_its_job_fails_is_settled_by_reading(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    answer = wire.answer_of

    def early(ontap: t.Any, call: t.Any) -> t.Any:
        found = answer(ontap, call)
        return (status, *found[1:]) if call.method == "POST" else found

    monkeypatch.setattr(wire, "answer_of", early)
    with WiredCluster("9.18.1", ("vs0",)) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.encrypt_volumes("vs0")
        sim.ontap.lose_keys("node2", "vs0")
        sim.ontap.set_duration("restore", 5)
        sim.ontap.plan_job("restore", "failure", 65537515)
        found = act(sim, "azure_key_vault_restore", {"svm": "vs0"})
    assert (found.failed, found.result["changed"]) == (True, False), found.result
    assert outcomes(found) == [("POST", "refused")]
