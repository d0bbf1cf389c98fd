# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vault_info on every release: all that is there, filtered, ordered, paged, counted, judged."""

from __future__ import annotations

import typing as t

import pytest

from tests.beats import KEY, KEY_2, OLD, Outcome, drive, number
from tests.simulator import Simulator

RELEASES = ["9.7", "9.8", "9.9.1", "9.10.1", "9.12.1", "9.14.1", "9.16.1", "9.18.1"]
SVMS = ("vs0", "vs1", "vs2", "vs3")


@pytest.fixture(scope="module", params=RELEASES)
def sim(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=SVMS) as simulator:
        simulator.ontap.add_vault(**OLD)
        for index, svm in enumerate(SVMS[:3]):
            simulator.ontap.add_vault(svm, **{**OLD, "client_id": f"client{index}", "key_id": (KEY, KEY_2)[index % 2]})
        yield simulator


def info(sim: Simulator, **options: t.Any) -> Outcome:
    return drive(sim, options, module="azure_key_vault_info")


def svms(outcome: Outcome) -> list[str]:
    assert not outcome.failed, outcome.msg
    assert outcome.result["num_records"] == len(outcome.result["azure_key_vaults"])
    return [record.get("svm", {}).get("name", "cluster") for record in outcome.result["azure_key_vaults"]]


def release(sim: Simulator) -> tuple[int, ...]:
    return number(str(sim.ontap.profile.release))


def test_everything_is_one_request(sim: Simulator) -> None:
    outcome = info(sim)
    assert sorted(svms(outcome)) == ["cluster", "vs0", "vs1", "vs2"]
    assert outcome.methods == ["GET"]
    assert outcome.changed is False
    for record in outcome.result["azure_key_vaults"]:
        assert {"uuid", "scope", "name", "key_id", "client_id", "tenant_id"} <= set(record)
        assert "_links" not in str(record)
        assert "secret before" not in str(record)
    assert info(sim).result == drive(sim, {}, module="azure_key_vault_info", check=True).result


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"scope": "cluster"}, ["cluster"]),
        ({"scope": "svm"}, ["vs0", "vs1", "vs2"]),
        ({"svm": "vs1"}, ["vs1"]),
        ({"svm": "vs3"}, []),
        ({"filters": {"svm.name": "vs*"}}, ["vs0", "vs1", "vs2"]),
        ({"filters": {"svm.name": ["vs0", "vs2"]}}, ["vs0", "vs2"]),
        ({"filters": {"client_id": "!client1", "scope": "svm"}}, ["vs0", "vs2"]),
        ({"filters": {"key_id": "*/keys/k2*"}}, ["vs1"]),
        ({"filters": {"svm.name": "null"}}, ["cluster"]),
        ({"filters": {"svm.name": None}}, ["cluster"]),
        ({"filters": {"tenant_id": "nobody"}}, []),
    ],
    ids=str,
)
def test_filters(sim: Simulator, options: dict[str, t.Any], found: list[str]) -> None:
    assert sorted(svms(info(sim, **options))) == sorted(found)
    assert info(sim, **options, count_only=True).result["num_records"] == len(found)


def test_uuids_find_one(sim: Simulator) -> None:
    record = info(sim, svm="vs1").result["azure_key_vaults"][0]
    assert svms(info(sim, uuid=record["uuid"])) == ["vs1"]
    assert svms(info(sim, svm_uuid=record["svm"]["uuid"])) == ["vs1"]


def test_order_and_pages(sim: Simulator) -> None:
    outcome = info(sim, filters={"scope": "svm"}, order_by=["svm.name desc"], max_records=1)
    assert svms(outcome) == ["vs2", "vs1", "vs0"]
    assert len(outcome.requests) >= 3
    assert svms(info(sim, order_by=["client_id", "uuid asc"], scope="svm", max_records=2)) == ["vs0", "vs1", "vs2"]
    assert info(sim, count_only=True).result == {"changed": False, "azure_key_vaults": [], "num_records": 4}


def test_fields(sim: Simulator) -> None:
    outcome = info(sim, svm="vs0", fields=["client_id", "svm.{name,uuid}"], return_timeout=30)
    record = outcome.result["azure_key_vaults"][0]
    assert record["client_id"] == "client0"
    assert "tenant_id" not in record
    assert outcome.requests[0]["query"]["return_timeout"] in ("30", ["30"])


def test_the_state_has_one_name(sim: Simulator) -> None:
    """``state.cluster_state`` on 9.7, ``state.available`` later: both spellings find it on every release."""
    for name in ("state.available", "state.cluster_state"):
        outcome = info(sim, filters={name: False}, fields=[name])
        assert len(svms(outcome)) == 4
        assert all(record["state"]["available"] is False for record in outcome.result["azure_key_vaults"])
        assert info(sim, filters={name: True}).result["num_records"] == 0


@pytest.mark.parametrize(
    ("options", "since"),
    [
        ({"filters": {"authentication_method": "client_secret"}}, "9.10.1"),
        ({"filters": {"enabled": True}}, "9.14.1"),
        ({"configuration": "default"}, "9.14.1"),
        ({"fields": ["oauth_host"]}, "9.14.1"),
        ({"order_by": ["port"]}, "9.14.1"),
        ({"filters": {"azure_reachability.reachable": True}}, "9.8"),
    ],
    ids=str,
)
def test_what_the_release_lacks_is_named(sim: Simulator, options: dict[str, t.Any], since: str) -> None:
    outcome = info(sim, **options)
    if release(sim) >= number(since):
        assert not outcome.failed, outcome.msg
        return
    assert outcome.failed
    assert since in outcome.msg
    assert str(sim.ontap.profile.release) in outcome.msg


def judged(sim: Simulator, svm: str = "vs0", **options: t.Any) -> dict[str, t.Any]:
    outcome = info(sim, svm=svm, health=True, **options)
    assert not outcome.failed, outcome.msg
    (record,) = outcome.result["azure_key_vaults"]
    if "state" in record:
        assert isinstance(record["state"]["available"], bool)
        assert isinstance(record["state"]["code"], str)
    return t.cast("dict[str, t.Any]", record["health"])


@pytest.fixture
def scene(sim: Simulator) -> t.Iterator[Simulator]:
    sim.ontap.encrypt_volumes("vs0")
    yield sim
    sim.ontap.encrypt_volumes("vs0", False)
    sim.ontap.set_azure(reachable=True, any_secret=True)
    for node in ("node1", "node2"):
        sim.ontap.set_node(node, reachable=True, kmip_server=True)


def test_health_of_a_fresh_configuration(sim: Simulator) -> None:
    health = judged(sim)
    assert health["verdict"] == "no_encrypted_volume_yet"
    assert health["nodes"] == ["node1", "node2"]


def test_health_when_all_is_well(scene: Simulator) -> None:
    assert judged(scene)["verdict"] == "healthy"
    assert judged(scene, fields=["name"])["verdict"] == "healthy"
    # Unless asked for, health costs nothing.
    assert "azure_reachability" not in info(scene, svm="vs0").result["azure_key_vaults"][0]


def test_health_when_a_node_lacks_its_keys(scene: Simulator) -> None:
    scene.ontap.lose_keys("node2")
    health = judged(scene)
    assert (health["verdict"], health["nodes"]) == ("keys_missing", ["node2"])
    assert health["reasons"]


def test_health_when_azure_is_away(scene: Simulator) -> None:
    scene.ontap.set_azure(reachable=False)
    if release(scene) < (9, 8):
        # ONTAP 9.7 does not say.
        assert judged(scene)["verdict"] == "healthy"
        assert "nothing about Azure" in judged(scene)["reasons"][0]
        return
    assert judged(scene)["verdict"] == "azure_unreachable"


def test_health_when_a_node_is_away(scene: Simulator) -> None:
    if release(scene) < (9, 8):
        return
    scene.ontap.set_node("node1", kmip_server=False)
    health = judged(scene)
    assert (health["verdict"], health["nodes"]) == ("node_unreachable", ["node1"])
    # A node that is down cannot reach Azure either; the worse of the two is the verdict, and both are reasons.
    scene.ontap.set_node("node1", reachable=False)
    health = judged(scene)
    assert (health["verdict"], health["nodes"]) == ("azure_unreachable", ["node1"])
    assert len(health["reasons"]) >= 2


def test_inactive_configurations_have_no_health(sim: Simulator) -> None:
    if release(sim) < (9, 14):
        return
    uuid = sim.ontap.add_vault("vs3", enabled=False, configuration="second", **OLD)
    health = judged(sim, "vs3")
    sim.ontap.remove_vault(uuid)
    assert health["verdict"] == "unknown"
    assert "inactive" in health["reasons"][0]
