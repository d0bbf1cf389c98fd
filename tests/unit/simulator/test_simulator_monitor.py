# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's clock of 60 minutes: volumes go offline without their key, and come back with it."""

from __future__ import annotations

import typing as t

import pytest

from tests.unit.simulator.conftest import Client


def states(client: Client) -> list[str]:
    query = {"svm.name": "vs0", "encryption.type": "volume", "fields": "state"}
    return [volume["state"] for volume in client.get("/api/storage/volumes", params=query)["records"]]


def events(client: Client) -> list[str]:
    records = client.get("/api/support/ems/events", params={"message.name": "ekmip.akv.*", "fields": "*"})["records"]
    return [record["message"]["name"].rpartition(".")[2] for record in records]


@pytest.fixture
def away(newest: Client) -> Client:
    """A cluster whose vault has just gone out of reach."""
    newest.ontap.add_vault("vs0")
    newest.ontap.encrypt_volumes("vs0")
    newest.ontap.set_azure(reachable=False)
    return newest


def test_volumes_go_offline_after_an_hour_and_come_back(away: Client) -> None:
    away.ontap.clock.advance(3590)
    assert (states(away), events(away)) == (["online", "online"], ["notAvailable"])
    away.ontap.clock.advance(10)
    assert (states(away), events(away)) == (["offline", "offline"], ["notAvailable", "volOffline"])
    assert away.ontap.store("vs0").state == "blocked"
    away.ontap.set_azure(reachable=True)
    assert states(away) == ["online", "online"]
    assert sorted(events(away)) == ["available", "notAvailable", "volOffline", "volOnline"]
    # The next hour begins anew.
    away.ontap.set_azure(reachable=False)
    away.ontap.clock.advance(3590)
    assert states(away) == ["online", "online"]


def test_an_event_has_the_time_at_which_they_went(away: Client) -> None:
    away.ontap.clock.advance(10_000)
    begun, gone = (event for event in away.ontap.ems.events if states(away))
    assert gone.moment - begun.moment == pytest.approx(3600, abs=30)


@pytest.mark.parametrize(
    "scene",
    [
        lambda ontap: ontap.set_monitor(manage_volume_offline=False),
        lambda ontap: ontap.set_monitor(enabled=False),
        lambda ontap: ontap.set_node("node1", reaches_azure=True),
        lambda ontap: ontap.encrypt_volumes("vs0", False),
    ],
    ids=["volumes are not managed", "the monitor is off", "a node gets the key", "no volume needs one"],
)
def test_what_keeps_volumes_online(newest: Client, scene: t.Callable[[t.Any], None]) -> None:
    newest.ontap.add_vault("vs0")
    newest.ontap.encrypt_volumes("vs0")
    newest.ontap.set_node("node2", reaches_azure=False)
    scene(newest.ontap)
    if newest.ontap.monitor.policy["akv"] != {"enabled": True, "manage_volume_offline": True}:
        newest.ontap.set_azure(reachable=False)
    newest.ontap.clock.advance(7200)
    assert set(states(newest)) <= {"online"}
    assert newest.ontap.store("vs0").state == "active"
