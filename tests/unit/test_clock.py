# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long volumes have while Azure is out of reach: what is said of it, and what is not done meanwhile."""

from __future__ import annotations

import contextlib
import datetime
import typing as t

import pytest

from ansible_collections.ontap.security.plugins.module_utils._azure.clock import Clock, Happened, Rule, clock_of
from tests.simulator import Simulator
from tests.support.beats import FULL, KEY_2, OLD, Outcome, drive

Cluster = t.Callable[[str], Simulator]
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
MANAGED = Rule(True, True)


@pytest.fixture(scope="module")
def clusters() -> t.Iterator[Cluster]:
    started: dict[str, Simulator] = {}
    with contextlib.ExitStack() as stack:

        def of(release: str) -> Simulator:
            if release not in started:
                started[release] = stack.enter_context(Simulator(release=release, svms=("vs0", "vs1")))
            started[release].reset()
            return started[release]

        yield of


@pytest.fixture
def sim(clusters: Cluster) -> Simulator:
    """A cluster that cannot reach Azure for vs0, which has two encrypted volumes."""
    return away(clusters("9.16.1"))


def away(sim: Simulator, svm: str = "vs0") -> Simulator:
    sim.ontap.add_vault(svm, **OLD)
    sim.ontap.encrypt_volumes(svm)
    sim.ontap.set_azure(reachable=False)
    return sim


def info(sim: Simulator, **options: t.Any) -> Outcome:
    return drive(sim, {"health": True, **options}, module="azure_key_vault_info")


def clock(sim: Simulator, **options: t.Any) -> dict[str, t.Any]:
    (record,) = info(sim, svm="vs0", **options).result["azure_key_vaults"]
    return t.cast("dict[str, t.Any]", record["health"]["clock"])


# --- what the clock says, from events


def at(minute: int, name: str, **about: str) -> Happened:
    said = {"svm": "vs0", "configuration": "default", "vault": FULL["name"], **about}
    return Happened(f"ekmip.akv.{name}", NOON + datetime.timedelta(minutes=minute), **said)


def judged(*log: Happened, number: int | None = 2, rule: Rule = MANAGED, minute: int = 30) -> Clock:
    return clock_of(log, number, rule, NOON + datetime.timedelta(minutes=minute), "vs0")


def minutes(moment: datetime.datetime | None) -> float | None:
    return (moment - NOON).total_seconds() / 60 if moment else None


@pytest.mark.parametrize(
    ("log", "since"),
    [
        ([at(0, "notAvailable")], 0),
        # ONTAP may say it again with each look: the first counts. And the order of the log is that of nodes.
        ([at(15, "notAvailable"), at(0, "notAvailable")], 0),
        ([at(-60, "notAvailable"), at(-30, "available"), at(0, "notAvailable"), at(15, "notAvailable")], 0),
        ([at(0, "notAvailable"), at(15, "keyExpired")], 0),
        # The one that began it has left the log, or there never was one.
        ([at(-60, "notAvailable"), at(-30, "available")], None),
        ([], None),
    ],
)
def test_the_first_event_after_the_last_good_one_is_when_it_began(log: list[Happened], since: int | None) -> None:
    found = judged(*log)
    assert minutes(found.since) == since
    assert minutes(found.offline_at) == (None if since is None else since + 60)
    assert found.volumes == "going_offline"
    assert ("when it did is not known" in found.said) is (since is None)


def test_volumes_that_went_offline_are_until_they_are_back() -> None:
    gone = judged(at(0, "notAvailable"), at(60, "volOffline"), minute=90)
    assert (gone.volumes, minutes(gone.offline_at), minutes(gone.since)) == ("offline", 60, 0)
    assert "went offline at 2026-03-01T13:00:00+00:00" in gone.said
    back = judged(at(-90, "volOffline"), at(-60, "volOnline"), at(0, "notAvailable"))
    assert back.volumes == "going_offline"
    # ONTAP 9.10.1 has no event for that.
    assert judged(at(-90, "volOffline"), at(-60, "available"), at(0, "notAvailable")).volumes == "going_offline"
    # A switch that was thrown too late brings nothing back.
    assert judged(at(0, "volOffline"), rule=Rule(True, False)).volumes == "offline"


@pytest.mark.parametrize(
    ("options", "volumes", "said"),
    [
        ({"number": 0}, "none", "No encrypted volume of SVM vs0 depends on it yet"),
        ({"number": 1}, "going_offline", "1 encrypted volume of SVM vs0 go"),
        ({"number": None}, "going_offline", "The encrypted volumes of SVM vs0 go offline"),
        ({"rule": Rule(True, False)}, "kept_online", "manage_volume_offline is false"),
        ({"rule": Rule(None, True)}, "going_offline", "60 minutes after that began"),
        ({"rule": Rule(False, True)}, "unknown", "the health monitor is off for Azure Key Vault"),
        ({"rule": Rule(None, None)}, "unknown", "the settings of the health monitor could not be read"),
        ({"minute": 61}, "unknown", "they were due at 2026-03-01T13:00:00+00:00, and the event log does not say"),
    ],
)
def test_what_becomes_of_volumes(options: dict[str, t.Any], volumes: str, said: str) -> None:
    found = judged(at(0, "notAvailable"), **options)
    assert found.volumes == volumes
    assert said in found.said
    assert found.as_result()["safe_to_reboot"] is False
    assert ("reboots meanwhile" in found.said) is (volumes != "none")


def test_a_log_that_could_not_be_read_is_said() -> None:
    found = clock_of(None, 2, MANAGED, NOON)
    assert (found.volumes, found.since, found.offline_at) == ("going_offline", None, None)
    assert "the event log could not be read" in found.said


@pytest.mark.parametrize(
    ("about", "concerned"),
    [
        ({}, True),
        ({"configuration": ""}, True),
        ({"vault": "https://V.vault.azure.net:443"}, True),
        ({"svm": "vs1"}, False),
        ({"configuration": "second"}, False),
        # One that the SVM had before, under the same name.
        ({"vault": "https://other.vault.azure.net/"}, False),
        ({"svm": ""}, False),
    ],
)
def test_only_events_about_the_configuration_count(about: dict[str, str], concerned: bool) -> None:
    assert at(0, "notAvailable", **about).concerns("vs0", "default", FULL["name"]) is concerned


def test_events_without_a_time_or_parameters_do_no_harm() -> None:
    assert Happened.of({"message": {"name": "ekmip.akv.available"}, "time": "yesterday"}) is None
    bare = Happened.of({"time": "2026-03-01T12:00:00+01:00"})
    assert bare is not None
    assert not bare.concerns("vs0", None, None)


# --- against clusters


@pytest.mark.parametrize("release", ["9.10.1", "9.14.1", "9.15.1", "9.18.1"])
def test_a_volume_goes_offline_and_comes_back(clusters: Cluster, release: str) -> None:
    sim = away(clusters(release))
    counting = clock(sim)
    assert (counting["volumes"], counting["encrypted_volumes"]) == ("going_offline", 2)
    assert counting["since_from"] == "event"
    begun, due = (datetime.datetime.fromisoformat(counting[name]) for name in ("since", "offline_at"))
    assert due - begun == datetime.timedelta(minutes=60)
    sim.ontap.clock.advance(3600)
    gone = clock(sim)
    assert (gone["volumes"], gone["since"], gone["safe_to_reboot"]) == ("offline", counting["since"], False)
    sim.ontap.set_azure(reachable=True)
    assert clock(sim) is None


def test_it_does_not_go_offline_where_that_is_switched_off(sim: Simulator) -> None:
    sim.ontap.set_monitor(manage_volume_offline=False)
    assert clock(sim)["volumes"] == "kept_online"
    sim.ontap.clock.advance(7200)
    assert (clock(sim)["volumes"], clock(sim)["offline_at"]) == ("kept_online", None)
    sim.ontap.set_monitor(manage_volume_offline=True, enabled=False)
    assert clock(sim)["volumes"] == "unknown"


def test_on_the_oldest_releases_the_log_says_nothing_of_it(clusters: Cluster) -> None:
    found = clock(away(clusters("9.8")))
    assert (found["volumes"], found["since"], found["offline_at"]) == ("going_offline", None, None)
    assert "the event log does not say since when" in found["said"]


def test_a_cluster_in_good_order_costs_nothing_more(clusters: Cluster) -> None:
    sim = clusters("9.14.1")
    for svm in ("vs0", "vs1"):
        sim.ontap.add_vault(svm, **OLD)
        sim.ontap.encrypt_volumes(svm)
    good = info(sim)
    # The other one tells whether the key stores are blocked.
    assert [path.rpartition("/")[2] for path in (request["path"] for request in good.requests)] == [
        "azure-key-vaults",
        "key-stores",
    ]
    assert [record["health"]["clock"] for record in good.result["azure_key_vaults"]] == [None, None]
    sim.ontap.set_azure(reachable=False)
    bad = info(sim)
    paths = [request["path"] for request in bad.requests]
    assert sorted(paths) == sorted({*paths}), "each once, for all of them"
    assert len(paths) == 5
    assert [record["health"]["clock"]["encrypted_volumes"] for record in bad.result["azure_key_vaults"]] == [2, 2]


def test_where_no_volume_is_in_danger_only_volumes_are_looked_at(sim: Simulator) -> None:
    sim.ontap.encrypt_volumes("vs0", False)
    found = info(sim)
    assert (found.result["azure_key_vaults"][0]["health"]["clock"]["volumes"]) == "none"
    assert not {request["path"] for request in found.requests} & {
        "/api/support/ems/events",
        "/api/security/key-manager-configs",
    }


@pytest.mark.parametrize(
    ("hidden", "volumes", "said"),
    [
        ("/api/support/ems/events", "going_offline", "the event log could not be read"),
        ("/api/security/key-manager-configs", "unknown", "the settings of the health monitor could not be read"),
        ("/api/storage/volumes", "going_offline", "The encrypted volumes of SVM vs0 go offline"),
    ],
)
def test_what_a_login_may_not_see_is_said(sim: Simulator, hidden: str, volumes: str, said: str) -> None:
    paths = ["/api/support/ems/events", "/api/security/key-manager-configs", "/api/storage/volumes"]
    paths.remove(hidden)
    sim.ontap.add_user("narrow", "narrow-password", "readonly", ["/api/security/azure-key-vaults", *paths])
    login = {"hostname": sim.host, "http_port": sim.port, "ca_path": str(sim.ca_path)}
    login.update(username="narrow", password="narrow-password")
    found = drive(sim, {"health": True, "svm": "vs0"}, module="azure_key_vault_info", login=login)
    (record,) = found.result["azure_key_vaults"]
    assert record["health"]["clock"]["volumes"] == volumes
    assert said in record["health"]["clock"]["said"]


def test_a_list_with_health_has_the_clock_too(sim: Simulator) -> None:
    found = drive(sim, {"vaults": [], "health": True}, check=True, module="azure_key_vaults")
    (vault,) = found.result["vaults"]
    assert vault["health"]["clock"]["volumes"] == "going_offline"
    assert vault["health"]["clock"]["encrypted_volumes"] == 2


# --- what is not done meanwhile

REKEYS = [{"key": "internal"}, {"key": "external", "key_id": KEY_2}]


@pytest.mark.parametrize("release", ["9.8", "9.10.1", "9.14.1", "9.18.1"])
@pytest.mark.parametrize("options", REKEYS, ids=["internal", "external"])
def test_no_key_is_replaced_while_azure_is_out_of_reach(
    clusters: Cluster, release: str, options: dict[str, t.Any]
) -> None:
    if release == "9.8" and options["key"] == "external":
        pytest.skip("needs the client secret there")
    sim = away(clusters(release))
    before = sim.snapshot()
    for check in (True, False):
        blocked = drive(sim, {"svm": "vs0", **options}, check=check, module="azure_key_vault_rekey")
        assert blocked.failed
        assert (blocked.changed, blocked.writes, blocked.snapshot) == (False, [], before)
        assert "Azure cannot be reached" in blocked.msg
        assert "2 encrypted volumes of SVM vs0 go offline" in blocked.msg
    sim.ontap.set_azure(reachable=True)
    done = drive(sim, {"svm": "vs0", **options}, module="azure_key_vault_rekey")
    assert (done.failed, done.changed) == (False, True), done.msg


def test_a_move_to_another_key_can_be_forced(sim: Simulator) -> None:
    forced = {"svm": "vs0", "key": "external", "key_id": KEY_2, "force": True}
    foreseen = drive(sim, forced, check=True, module="azure_key_vault_rekey")
    assert (foreseen.failed, foreseen.changed, foreseen.writes) == (False, True, [])
    # What ONTAP says is ONTAP's.
    assert drive(sim, forced, module="azure_key_vault_rekey").writes


def test_a_key_that_is_in_use_needs_no_azure(sim: Simulator) -> None:
    options = {"svm": "vs0", "key": "external", "key_id": OLD["key_id"]}
    same = drive(sim, options, module="azure_key_vault_rekey")
    assert (same.failed, same.changed, same.writes) == (False, False, [])


@pytest.mark.parametrize("release", ["9.8", "9.14.1", "9.18.1"])
def test_no_configuration_is_removed_that_volumes_wait_for(clusters: Cluster, release: str) -> None:
    sim = away(clusters(release))
    before = sim.snapshot()
    options = {"svm": "vs0", "state": "absent"}
    lists = {"vaults": [options], "unmanaged": "ignore"}
    for check in (True, False):
        one = drive(sim, options, check=check)
        many = drive(sim, lists, check=check, module="azure_key_vaults")
        others = drive(
            sim, {"vaults": [], "unmanaged": "absent", "allow_empty": True}, check=check, module="azure_key_vaults"
        )
        for blocked in (one, many, others):
            assert blocked.failed
            assert (blocked.changed, blocked.writes, blocked.snapshot) == (False, [], before)
            assert "Azure cannot be reached" in blocked.msg
            assert "2 encrypted volumes of SVM vs0 go offline" in blocked.msg
        assert many.result["vaults"][0]["verdict"] == "blocked"
    for forced in (
        drive(sim, {**options, "force": True}),
        drive(sim, {**lists, "vaults": [{**options, "force": True}]}, module="azure_key_vaults"),
    ):
        # ONTAP has the last word, and refuses while it counts the volumes.
        assert [write["method"] for write in forced.writes] == ["DELETE"]
        assert "65536867" in forced.msg


def test_a_configuration_without_volumes_can_go(clusters: Cluster) -> None:
    """As one that was created with a wrong secret."""
    sim = clusters("9.16.1")
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.add_vault("vs1", **OLD)
    sim.ontap.set_azure(reachable=False)
    for outcome in (
        drive(sim, {"svm": "vs0", "state": "absent"}, check=True),
        drive(sim, {"svm": "vs0", "state": "absent"}),
        drive(sim, {"vaults": [{"svm": "vs1", "state": "absent"}]}, module="azure_key_vaults"),
    ):
        assert (outcome.failed, outcome.changed) == (False, True), outcome.msg


def test_volumes_that_nobody_may_count_are_taken_for_some(sim: Simulator) -> None:
    sim.ontap.encrypt_volumes("vs0", False)
    sim.ontap.add_user("narrow", "narrow-password", "admin", ["/api/security/azure-key-vaults"])
    login = {"hostname": sim.host, "http_port": sim.port, "ca_path": str(sim.ca_path)}
    login.update(username="narrow", password="narrow-password")
    blocked = drive(sim, {"svm": "vs0", "state": "absent"}, login=login)
    assert (blocked.failed, blocked.writes) == (True, [])
    assert "force" in blocked.result["error"]["remedy"]


def test_removing_takes_two_requests_as_ever(clusters: Cluster) -> None:
    sim = clusters("9.16.1")
    sim.ontap.add_vault("vs0", **OLD)
    assert drive(sim, {"svm": "vs0", "state": "absent"}, check=True).methods == ["GET"]
    assert drive(sim, {"svm": "vs0", "state": "absent"}).methods == ["GET", "DELETE"]
    assert drive(sim, {"svm": "vs0", "state": "absent"}).methods == ["GET"]
