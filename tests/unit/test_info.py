# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vault_info on every release: all that is there, filtered, ordered, paged, counted, judged."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import KEY, KEY_2, OLD, VAULT, Outcome, connection, drive, number

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


V1, V2 = "a8e619fd8f234db3b0b95c59540e2a74", "b8e619fd8f234db3b0b95c59540e2a75"
ANY_KEY_1 = "https://v.vault.azure.net/keys/key1"
KEYS = {
    "vs0": f"https://V.vault.azure.net:443/keys/Key1/{V1.upper()}",
    "vs1": "https://v.vault.azure.net/keys/key1/",
    "vs2": f"https://v.vault.azure.net/keys/key10/{V1}",
    "vs3": f"https://w.vault.azure.net/keys/key1/{V1}",
}


@pytest.fixture
def keys(sim: Simulator) -> t.Iterator[Simulator]:
    """Keys in every spelling, and one whose name begins with that of another."""
    before = dict(sim.ontap.stores)
    sim.ontap.add_vault("vs3", **OLD)
    old = {svm: sim.ontap.store(svm).settings["key_id"] for svm in KEYS}
    for svm, key_id in KEYS.items():
        name = f"https://{'W' if svm == 'vs3' else 'V'}.vault.azure.net:443"
        sim.ontap.change_vault(svm, key_id=key_id, name=name)
    yield sim
    for svm, key_id in old.items():
        sim.ontap.change_vault(svm, key_id=key_id, name=OLD["name"])
    sim.ontap.remove_vault("vs3")
    assert dict(sim.ontap.stores) == before


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"key_id": "https://v.vault.azure.net/keys/key1"}, ["vs0", "vs1"]),
        ({"key_id": "https://V.VAULT.azure.net:443/keys/KEY1/"}, ["vs0", "vs1"]),
        ({"key_id": f"https://v.vault.azure.net/keys/key1/{V1}"}, ["vs0", "vs1"]),
        # Where no version is shown, nobody can tell that it is another.
        ({"key_id": f"https://v.vault.azure.net/keys/key1/{V2}"}, ["vs1"]),
        ({"key_id": "https://v.vault.azure.net/keys/key10"}, ["vs2"]),
        ({"key_id": "https://v.vault.azure.net/keys/key2"}, []),
        ({"key_id": "https://w.vault.azure.net/keys/key1"}, ["vs3"]),
        ({"vault": "https://w.vault.azure.net/"}, ["vs3"]),
        ({"vault": "https://v.vault.azure.net"}, ["cluster", "vs0", "vs1", "vs2"]),
        ({"vault": "https://v.vault.azure.net", "key_id": "https://w.vault.azure.net/keys/key1"}, []),
        ({"vault": "https://V.vault.azure.net/", "scope": "svm", "order_by": ["svm.name desc"]}, ["vs2", "vs1", "vs0"]),
        ({"vault": "https://v.vault.azure.net", "filters": {"svm.name": ["vs1", "vs3"]}}, ["vs1"]),
        ({"vault": "https://v.vault.azure.net", "svm": "vs1"}, ["vs1"]),
        ({"key_id": "https://v.vault.azure.net/keys/key1", "max_records": 1, "order_by": ["svm.name"]}, ["vs0", "vs1"]),
        ({"key_id": "https://v.vault.azure.net/keys/key1", "health": True}, ["vs0", "vs1"]),
    ],
    ids=str,
)
def test_keys_and_vaults_in_every_spelling(keys: Simulator, options: dict[str, t.Any], found: list[str]) -> None:
    if options.get("key_id", "").endswith(V2) and (9, 8) <= release(keys) < (9, 13):
        found = ["vs0", "vs1"]
    outcome, counted = info(keys, **options), info(keys, **options, count_only=True)
    names = svms(outcome)
    assert (names if "order_by" in options else sorted(names)) == found
    assert (counted.result["num_records"], counted.result["azure_key_vaults"]) == (len(found), [])
    # To count, nothing costly is read.
    assert {request["query"]["fields"] for request in counted.requests if "fields" in request["query"]} <= {
        "key_id",
        "name",
        "key_id,name",
    }
    if "max_records" not in options:
        # Keys that are unavailable make it look for encrypted volumes.
        reads = ["GET", *looks_at_stores(keys), "GET"] if options.get("health") else ["GET"]
        assert (outcome.methods, counted.methods) == (reads, ["GET"])


@pytest.mark.parametrize("fields", [["svm.name"], ["!tenant_id"], ["*"], ["svm", "!client_id"], ["key_id"]], ids=str)
def test_fields_that_lack_what_is_compared(keys: Simulator, fields: list[str]) -> None:
    for more in ({}, {"health": True}):
        outcome = info(keys, vault=VAULT, key_id=ANY_KEY_1, fields=fields, order_by=["svm.name"], **more)
        assert [record["key_id"].lower().split("/")[4] for record in outcome.result["azure_key_vaults"]] == ["key1"] * 2
        for record in outcome.result["azure_key_vaults"]:
            if more and release(keys) < (9, 8):
                # ONTAP 9.7 lacks a part of the health, so all is read there.
                continue
            assert ("client_id" in record) == (fields in (["!tenant_id"], ["*"]))
            assert ("tenant_id" in record) == (fields == ["*"])
            assert ("health" in record) == bool(more)


def test_the_version_of_a_key_is_said_of_each_record(keys: Simulator) -> None:
    versions = {r["svm"]["name"]: r["key_version"] for r in info(keys, scope="svm").result["azure_key_vaults"]}
    hidden, told = (9, 8) <= release(keys) < (9, 13), release(keys) >= (9, 14)
    assert versions == {
        **dict.fromkeys(KEYS, "unknown" if hidden else "pinned"),
        "vs1": "latest" if told else "unknown",
    }
    (without,) = info(keys, svm="vs1", fields=["client_id"]).result["azure_key_vaults"]
    assert "key_version" not in without


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key_id": "https://v.vault.azure.net/keys/key1*"}, "key_id is not usable"),
        ({"key_id": "key1"}, "key_id is not usable"),
        ({"vault": "https://v.vault.azure.net/keys/key1"}, "vault is not usable"),
        ({"vault": "v.vault.azure.net"}, "vault is not usable"),
        ({"key_id": KEY, "filters": {"key_id": "*"}}, "key_id is given, and filters gives key_id"),
        ({"vault": VAULT, "filters": {"name": "*"}}, "vault is given, and filters gives name"),
        ({"key_id": KEY, "fields": ["*", "!key_id"]}, "fields leaves out key_id"),
    ],
    ids=str,
)
def test_a_key_or_vault_that_cannot_be_meant(sim: Simulator, options: dict[str, t.Any], words: str) -> None:
    for count_only in (False, True):
        failed = info(sim, **options, count_only=count_only)
        assert failed.failed
        assert words in failed.msg
        assert failed.result["error"]["remedy"]
        assert not failed.requests


def test_a_key_that_cannot_be_compared_is_not_passed_over(sim: Simulator) -> None:
    """Whoever is about to disable a key must not hear that nobody uses it, because one could not be read."""
    key_id = sim.ontap.store("vs0").settings["key_id"]
    sim.ontap.change_vault("vs0", key_id="https://v.vault.azure.net/secrets/k1")
    failed = info(sim, key_id=KEY)
    sim.ontap.change_vault("vs0", key_id=key_id)
    assert failed.failed
    assert "secrets/k1" in failed.msg


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


def looks_at_stores(sim: Simulator) -> list[str]:
    """The request that health takes for the states of key stores. Before 9.16.1 there are none, which is known from
    the configuration up to 9.13.1."""
    return ["GET"] if release(sim) >= (9, 14) else []


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


def test_health_takes_a_request_more_where_keys_are_unavailable(sim: Simulator) -> None:
    """One for a single SVM, one for several and the cluster's own, and none where all is well."""
    stores = looks_at_stores(sim)
    assert info(sim, svm="vs0", health=True).methods == ["GET", *stores, "GET"]
    assert info(sim, scope="svm", health=True).methods == ["GET", *stores, "GET"]
    assert info(sim, health=True).methods == ["GET", *stores, "GET"]
    assert info(sim, health=True, fields=["name"], svm="vs0").requests[-1]["query"]["svm.name"] == "vs0"
    sim.ontap.encrypt_volumes("vs0")
    assert info(sim, svm="vs0", health=True).methods == ["GET", *stores]
    sim.ontap.encrypt_volumes("vs0", False)
    assert info(sim).methods == ["GET"]


def verdicts(sim: Simulator, **options: t.Any) -> dict[str, str]:
    outcome = info(sim, health=True, **options)
    assert not outcome.failed, outcome.msg
    return {
        record.get("svm", {}).get("name", "cluster"): record["health"]["verdict"]
        for record in outcome.result["azure_key_vaults"]
    }


def test_health_of_many_tells_their_volumes_apart(sim: Simulator) -> None:
    """Also where the login sees no volumes: then up to 9.8 nothing tells them apart, and nobody is called well."""
    sim.ontap.encrypt_volumes("vs1", number=5)
    sim.ontap.lose_keys("node2", "vs1")
    paths = ["/api/security/azure-key-vaults", "/api/security/key-stores"]
    sim.ontap.add_user("narrow", "password", paths=paths)
    fresh = "no_encrypted_volume_yet"
    wanted = {"vs0": fresh, "vs1": "keys_missing", "vs2": fresh}
    try:
        assert verdicts(sim, scope="svm") == wanted
        assert verdicts(sim, scope="svm", fields=["name"]) == wanted
        login = {**connection(sim), "username": "narrow", "password": "password"}
        narrow = drive(sim, {"scope": "svm", "health": True}, module="azure_key_vault_info", login=login)
        assert not narrow.failed, narrow.msg
        judged = {r["svm"]["name"]: r["health"] for r in narrow.result["azure_key_vaults"]}
        unclear = "keys_missing" if release(sim) < (9, 9) else fresh
        assert {name: health["verdict"] for name, health in judged.items()} == {
            "vs0": unclear,
            "vs1": "keys_missing",
            "vs2": unclear,
        }
        assert "whether encrypted volumes need them could not be told" in judged["vs1"]["reasons"][-1]
    finally:
        sim.ontap.encrypt_volumes("vs1", False)


def test_health_when_all_is_well(scene: Simulator) -> None:
    assert judged(scene)["verdict"] == "healthy"
    assert judged(scene, fields=["name"])["verdict"] == "healthy"
    # Unless asked for, health costs nothing.
    assert "azure_reachability" not in info(scene, svm="vs0").result["azure_key_vaults"][0]
    # A field that is named twice is refused by ONTAP.
    assert judged(scene, fields=["state", "svm"])["verdict"] == "healthy"


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
