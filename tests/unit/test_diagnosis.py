# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page for a person at three in the morning, from what the real module reads of a simulated cluster."""

from __future__ import annotations

import datetime
import re
import typing as t

import pytest

from ansible_collections.ontap.security.plugins.plugin_utils._events.diagnosis import Diagnosis, diagnose
from tests.simulator import Simulator
from tests.simulator.profiles import RELEASES
from tests.support.beats import connection
from tests.support.events import SHAPE
from tests.support.tasks import Task, perform

INFO = "azure_key_vault_info"
LOOK = Task({"health": True, "events": 24}, module=INFO)


@pytest.fixture
def sim() -> t.Iterator[Simulator]:
    with Simulator() as simulator:
        for svm in ("vs0", "vs1"):
            simulator.ontap.add_vault(svm)
            simulator.ontap.encrypt_volumes(svm)
        yield simulator


def page(sim: Simulator) -> Diagnosis:
    (outcome,) = perform(sim, [LOOK])
    assert set(outcome.methods) == {"GET"}
    now = datetime.datetime.fromtimestamp(sim.ontap.clock.now(), tz=datetime.timezone.utc)
    return diagnose("cluster1", outcome.result, now)


def steps(found: Diagnosis) -> list[str]:
    """What to do, each by its first words."""
    return [" ".join(line.split()[1:4]) for line in found.lines if re.match(r"[0-9]+\. ", line)]


def test_where_all_is_well_there_is_nothing_to_do(sim: Simulator) -> None:
    found = page(sim)
    assert found.well is True
    assert "2 of 2 configurations can be used." in found.lines
    assert found.lines[-1] == "Nothing about keys."
    assert steps(found) == []


def test_azure_out_of_reach_has_a_beginning_an_end_and_an_order(sim: Simulator) -> None:
    sim.ontap.set_azure(reachable=False)
    sim.ontap.clock.advance(600)
    # A repetition is no new beginning.
    sim.ontap.raise_event("ekmip.akv.notAvailable", "vs0")
    sim.ontap.lose_keys("node2", "vs1")
    found = page(sim)
    assert found.well is False
    (outcome,) = perform(sim, [LOOK])
    first = next(event for event in outcome.result["events"] if event["svm"] == "vs0")
    text = "\n".join(found.lines)
    of_vs0 = text.partition("## SVM vs0")[2].partition("##")[0]
    assert f"- since {first['time']}: ekmip.akv.notAvailable" in of_vs0
    until = datetime.datetime.fromisoformat(first["time"]) + datetime.timedelta(hours=1)
    assert f"go offline at {until:%Y-%m-%d %H:%M} UTC at the latest" in text
    assert "## SVM vs0, configuration default: azure_unreachable" in found.lines
    assert "65537549" in text
    # In this order: what is restored from needs to be there.
    assert steps(found) == ["Let ONTAP reach", "Restore keys: ansible-playbook"]
    sim.ontap.clock.advance(3600)
    assert "- its encrypted volumes are offline" in page(sim).lines


def test_what_is_over_has_no_beginning_any_more(sim: Simulator) -> None:
    sim.ontap.set_azure(reachable=False)
    sim.ontap.set_azure(reachable=True)
    found = page(sim)
    assert found.well is True
    assert not [line for line in found.lines if line.startswith("- since")]
    # What was is told all the same.
    assert sum("ekmip.akv." in line for line in found.lines) == 4


def test_what_has_begun_again_began_the_second_time(sim: Simulator) -> None:
    sim.ontap.set_azure(reachable=False)
    sim.ontap.set_azure(reachable=True)
    sim.ontap.clock.advance(600)
    sim.ontap.set_azure(reachable=False)
    (outcome,) = perform(sim, [LOOK])
    times = [event["time"] for event in outcome.result["events"] if event["event"] == "ekmip.akv.notAvailable"]
    assert len(set(times)) == 2
    since = [line for line in page(sim).lines if line.startswith("- since")]
    assert since == [f"- since {max(times)}: ekmip.akv.notAvailable"] * 2


def test_volumes_that_are_offline_are_not_counted_down(sim: Simulator) -> None:
    sim.ontap.set_azure(reachable=False)
    sim.ontap.set_keystore("vs0", "blocked")
    text = "\n".join(page(sim).lines)
    vs0 = text.partition("## SVM vs0")[2].partition("## SVM vs1")[0]
    assert "its encrypted volumes are offline" in vs0
    assert "go offline at" not in vs0


def test_missing_keys_are_restored_after_azure_is_back(sim: Simulator) -> None:
    sim.ontap.lose_keys("node2")
    found = page(sim)
    assert steps(found) == ["Restore keys: ansible-playbook"]
    assert any("--limit cluster1" in line for line in found.lines)
    sim.ontap.set_node("node1", reachable=False)
    assert steps(page(sim))[0] == "Let ONTAP reach"


def test_an_expired_key_and_volumes_that_are_not_mounted_are_steps_of_their_own(sim: Simulator) -> None:
    sim.ontap.raise_event("ekmip.akv.keyExpired", "vs0")
    found = page(sim)
    assert (found.well, steps(found)) == (True, ["Give the key"])


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_has_a_page(release: str) -> None:
    with Simulator(release, svms=("vs0",)) as sim:
        sim.ontap.add_vault("vs0")
        sim.ontap.encrypt_volumes("vs0")
        sim.ontap.lose_keys("node1")
        assert "Restore keys: ansible-playbook" in steps(page(sim))


def test_a_log_that_may_not_be_read_is_said_and_hides_nothing(sim: Simulator) -> None:
    sim.ontap.add_user("narrow", "narrow-password", paths=["/api/security", "/api/storage", "/api/cluster"])
    sim.ontap.set_azure(reachable=False)
    login = {**connection(sim), "username": "narrow", "password": "narrow-password"}
    (outcome,) = perform(sim, [LOOK], defaults=login)
    assert not outcome.failed
    assert outcome.result["events"] is None
    found = diagnose("cluster1", outcome.result, datetime.datetime.now(datetime.timezone.utc))
    assert found.well is False
    assert "- since when: the event log does not say" in found.lines
    assert found.lines[-1].startswith("The login may not read it")


def test_a_cluster_that_cannot_be_asked_is_never_well(sim: Simulator) -> None:
    (outcome,) = perform(sim, [LOOK], defaults={**connection(sim), "password": "wrong-password"})
    assert outcome.failed
    found = diagnose("cluster1", outcome.result, datetime.datetime.now(datetime.timezone.utc))
    assert found.well is None
    assert "nothing is known" in found.lines[-1]


def test_what_steers_a_terminal_is_seen() -> None:
    record = {"svm": {"name": "vs\x1b[2J"}, "health": {"verdict": "keys_missing", "reasons": ["a\nb"]}}
    found = diagnose("c", {"azure_key_vaults": [record], "events": []}, datetime.datetime.now(datetime.timezone.utc))
    assert all(line.isprintable() for line in found.lines)


# --- what the module adds


def test_events_come_with_the_module_and_only_when_asked_for(sim: Simulator) -> None:
    sim.ontap.raise_event("ekmip.akv.keyExpired", "vs0")
    sim.ontap.raise_event("monitor.globalStatus.ok")
    sim.ontap.raise_event("ekmip.akv.available", "vs1", node="node2")
    without, with_events, in_check_mode = perform(
        sim, [Task({}, module=INFO), Task({"events": 1}, module=INFO), Task({"events": 1}, module=INFO, check=True)]
    )
    assert "events" not in without.result
    assert [event["event"] for event in with_events.result["events"]] == [
        "ekmip.akv.keyExpired",
        "ekmip.akv.available",
    ]
    assert all(set(event) == SHAPE for event in with_events.result["events"])
    assert in_check_mode.result["events"] == with_events.result["events"]
    assert (len(without.requests), len(with_events.requests)) == (1, 2)
    sim.ontap.clock.advance(0)
    (old,) = perform(sim, [Task({"events": 8784}, module=INFO)])
    assert len(old.result["events"]) == 2
    for wrong in (-1, 8785):
        (refused,) = perform(sim, [Task({"events": wrong}, module=INFO)])
        assert refused.failed
        assert refused.requests == []
