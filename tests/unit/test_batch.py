# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vaults: a whole cluster in one task, one read, only the writes that are needed, failures one by one."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ontap.security.plugins.module_utils._engine.batch import BECAME, VERDICTS
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import TransportError
from tests.simulator import Simulator
from tests.support.beats import FULL, IDENTITY, KEY_2, OLD, SECRET, Outcome, connection, drive, number

RELEASES = ["9.7", "9.8", "9.10.1", "9.12.1", "9.14.1", "9.18.1"]
SVMS = tuple(f"vs{index}" for index in range(8))


@pytest.fixture(scope="module", params=RELEASES)
def shared(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=SVMS) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    shared.ontap.reset()
    shared.clear_faults()
    return shared


def release(sim: Simulator) -> tuple[int, ...]:
    return number(str(sim.ontap.profile.release))


def run(sim: Simulator, vaults: list[dict[str, t.Any]], *, check: bool = False, **options: t.Any) -> Outcome:
    return drive(sim, {"vaults": vaults, **options}, check=check, module="azure_key_vaults")


def verdicts(outcome: Outcome) -> dict[str, str]:
    return {vault["svm"] or "cluster": vault["verdict"] for vault in outcome.result["vaults"]}


def became(outcome: Outcome) -> dict[str, int]:
    """What the summary counts of what has become of the configurations."""
    return {word: outcome.result["summary"][word] for word in BECAME if outcome.result["summary"][word]}


def uuid_of(sim: Simulator, svm: str) -> str:
    return str(next(entry["uuid"] for entry in sim.snapshot()["svms"] if entry["name"] == svm))


def mixed(sim: Simulator) -> list[dict[str, t.Any]]:
    """In sync, missing, drifted, to go, gone already, by UUID, and the cluster's own."""
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.add_vault("vs2", **{**OLD, "client_id": "another"} if release(sim) >= (9, 9) else OLD)
    sim.ontap.add_vault("vs3", **OLD)
    return [
        {"svm": "vs0", **FULL},
        {"svm": "vs1", **FULL},
        {"svm": "vs2", **FULL},
        {"svm": "vs3", "state": "absent"},
        {"svm": "vs4", "state": "absent"},
        {"svm_uuid": uuid_of(sim, "vs5"), **FULL},
        {"scope": "cluster", **FULL},
    ]


def test_four_beats(sim: Simulator) -> None:
    entries = mixed(sim)
    before = sim.snapshot()
    predicted = run(sim, entries, check=True)
    assert not predicted.failed, predicted.msg
    assert not predicted.writes
    assert predicted.snapshot == before
    done = run(sim, entries)
    assert not done.failed, done.msg
    assert done.result["diff"] == predicted.result["diff"]
    assert verdicts(done) == verdicts(predicted)
    assert done.result["summary"] == predicted.result["summary"]
    assert [v["changed"] for v in done.result["vaults"]] == [v["changed"] for v in predicted.result["vaults"]]
    # One read, the release where a plan needs it, the SVMs, the writes alone, and one look at what Azure says.
    changes = 5 if release(sim) >= (9, 9) else 4
    assert len(done.writes) == changes
    assert len(done.requests) <= changes + 4
    for beat in (run(sim, entries), run(sim, entries, check=True)):
        assert not beat.changed, beat.result["diff"]
        assert beat.methods == ["GET"]
        assert set(verdicts(beat).values()) == {"in_sync"}
        assert beat.result["diff"] == []


def test_verdicts_and_drift(sim: Simulator) -> None:
    outcome = run(sim, mixed(sim), check=True)
    found = verdicts(outcome)
    assert found["vs0"] == found["vs4"] == "in_sync"
    assert found["vs1"] == found["cluster"] == "missing"
    assert found["vs3"] == "drifted"
    vaults = {vault["svm"]: vault for vault in outcome.result["vaults"]}
    assert [drift["action"] for drift in vaults["vs3"]["drift"]] == ["delete"]
    assert {drift["action"] for drift in vaults["vs1"]["drift"]} == {"create"}
    if release(sim) >= (9, 9):
        assert vaults["vs2"]["drift"] == [
            {"field": "client_id", "desired": FULL["client_id"], "actual": "another", "action": "update"}
        ]
    summary = outcome.result["summary"]
    drifts = {"changed": 1} if release(sim) >= (9, 9) else {}
    assert became(outcome) == {"created": 3, "removed": 1, "unchanged": 3 - len(drifts), **drifts}
    # Each counts once for what was found, and once for what would become of it.
    for words in (VERDICTS, BECAME):
        assert sum(summary[word] for word in words) == len(outcome.result["vaults"])
    assert set(summary) == {*VERDICTS, *BECAME}
    headers = [diff["before_header"] for diff in outcome.result["diff"]]
    assert f"{sim.host}: SVM vs1" in headers
    assert f"{sim.host}: the cluster" in headers


@pytest.mark.parametrize("check", [True, False])
def test_what_was_found_is_told_whatever_the_run_makes_of_it(sim: Simulator, check: bool) -> None:
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.add_vault("vs2", **OLD)
    outcome = run(sim, [{"svm": "vs0", "state": "absent"}, {"svm": "vs1", **FULL}], check=check)
    found = {vault["svm"]: vault["found"] for vault in outcome.result["vaults"]}
    assert found["vs0"] == found["vs2"]
    assert found["vs1"] is None
    there = {name: OLD[name] for name in ("name", "client_id", "tenant_id")}
    # Of the key some releases show no version.
    assert OLD["key_id"].startswith(found["vs0"].pop("key_id"))
    assert found["vs0"] == there


def test_what_was_created_is_known_by_its_uuid(sim: Simulator) -> None:
    extra = {"verify_host": True} if release(sim) >= (9, 14) else {}
    done = run(sim, [{"svm": svm, **FULL, **extra} for svm in SVMS], concurrency=8)
    assert not done.failed, done.msg
    by_svm = {store["owner"]: uuid for uuid, store in sim.snapshot()["key_stores"].items()}
    assert {vault["svm"]: vault["uuid"] for vault in done.result["vaults"]} == by_svm
    # The list of configurations is read once, whatever is created, and once more to see that Azure takes the secrets:
    # on ONTAP 9.7 in vain, unless its release is known.
    assert [request["method"] for request in done.requests if "azure-key-vaults" in request["path"]].count("GET") == 2


def test_bad_entries_are_all_named_before_anything_is_sent(sim: Simulator) -> None:
    failed = run(
        sim,
        [
            {"svm": "vs0", **FULL},
            {"svm": "vs1", **FULL, "name": "http://v"},
            {**FULL},
            {"svm": "vs0", **FULL},
            {"svm": "vs3", "key_id": "k", "update_credentials": "always", "client_secret": SECRET},
        ],
    )
    assert failed.failed
    assert not failed.requests
    for words in ("vaults[1] (svm vs1)", "vaults[2] (cluster)", "vaults[3] (svm vs0)", "vaults[4] (svm vs3)"):
        assert words in failed.msg
    assert "vaults[0] (svm vs0):" not in failed.msg
    assert "already described by vaults[0]" in failed.msg
    assert SECRET not in failed.msg


@pytest.mark.parametrize("exists", [True, False])
def test_the_same_svm_by_name_and_uuid(sim: Simulator, exists: bool) -> None:
    if exists:
        sim.ontap.add_vault("vs0", **OLD)
    entries = [{"svm": "vs0", **FULL}, {"svm_uuid": uuid_of(sim, "vs0"), **FULL}]
    for check in (True, False):
        failed = run(sim, entries, check=check)
        assert failed.failed
        assert "vaults[1]" in failed.msg
        assert "the same configuration" in failed.msg
        assert not failed.writes


def test_one_failure_does_not_stop_the_others(sim: Simulator) -> None:
    sim.ontap.add_vault("vs1", **{**OLD, "name": "https://other.vault.azure.net/"})
    sim.ontap.add_vault("vs2", **OLD)
    sim.ontap.encrypt_volumes("vs2")
    entries = [
        {"svm": "vs0", **FULL},
        {"svm": "vs1", **FULL},
        {"svm": "vs2", "state": "absent"},
        {"svm": "vs9", **FULL},
        {"svm": "vs3", **FULL},
    ]
    predicted = run(sim, entries, check=True)
    assert predicted.failed
    assert "2 of 5 configurations failed" in predicted.msg
    done = run(sim, entries)
    assert done.failed
    assert "3 of 5 configurations failed" in done.msg
    for words in ("vaults[1] (svm vs1)", "vaults[2] (svm vs2)", "vaults[3] (svm vs9)", "65536867", "does not exist"):
        assert words in done.msg
    assert verdicts(done) == {"vs0": "missing", "vs1": "blocked", "vs2": "error", "vs9": "error", "vs3": "missing"}
    assert done.changed
    changed = {vault["svm"]: vault["changed"] for vault in done.result["vaults"]}
    assert changed == {"vs0": True, "vs1": False, "vs2": False, "vs9": False, "vs3": True}
    assert became(predicted) == {"created": 2, "removed": 1, "failed": 2}
    assert became(done) == {"created": 2, "failed": 3}
    error = next(vault["error"] for vault in done.result["vaults"] if vault["svm"] == "vs2")
    assert error["code"] == "65536867"
    assert error["remedy"]


def test_an_option_too_new_concerns_its_entry_alone(sim: Simulator) -> None:
    if release(sim) >= (9, 14):
        return
    done = run(sim, [{"svm": "vs0", **FULL}, {"svm": "vs1", **FULL, "port": 8443}, {"svm": "vs2", **FULL}])
    assert done.failed
    assert "1 of 3" in done.msg
    assert "vaults[1] (svm vs1)" in done.msg
    assert "9.14.1" in done.msg
    assert done.msg.count("or upgrade the cluster") == 1
    assert verdicts(done)["vs1"] == "blocked"
    assert len(done.writes) == 2


def health_of(outcome: Outcome) -> dict[str, str | None]:
    return {v["svm"] or "cluster": v["health"] and v["health"]["verdict"] for v in outcome.result["vaults"]}


def test_health_comes_with_the_same_request(sim: Simulator) -> None:
    for svm in ("vs0", "vs1", "vs2"):
        sim.ontap.add_vault(svm, **OLD)
        sim.ontap.encrypt_volumes(svm)
    wanted = [{"svm": "vs0", **FULL}, {"svm": "vs1", **FULL}]
    assert not any("health" in vault for vault in run(sim, wanted).result["vaults"])
    found = run(sim, wanted, health=True)
    assert not found.failed, found.msg
    assert found.methods == ["GET"]
    # Of what nobody names as well.
    assert health_of(found) == {"vs0": "healthy", "vs1": "healthy", "vs2": "healthy"}
    sim.ontap.lose_keys("node2", "vs1")
    sim.ontap.encrypt_volumes("vs2", False)
    lost = run(sim, wanted, health=True, check=True)
    # One more, which counts the encrypted volumes of both.
    assert lost.methods == ["GET", "GET"]
    assert health_of(lost) == {"vs0": "healthy", "vs1": "keys_missing", "vs2": "no_encrypted_volume_yet"}
    assert lost.result["vaults"][1]["health"]["nodes"] == ["node2"]
    assert not lost.changed
    sim.ontap.set_azure(valid_secrets=["another"])
    refused = run(sim, wanted, health=True)
    if release(sim) >= (9, 8):
        assert set(health_of(refused).values()) == {"azure_unreachable"}
    else:
        # That release does not say, and that is said.
        assert "nothing about Azure" in refused.result["vaults"][0]["health"]["reasons"][0]
    # It is no drift, and fails nothing.
    assert not refused.failed
    assert set(verdicts(refused).values()) == {"in_sync", "unmanaged"}


def test_health_is_that_of_the_end(sim: Simulator) -> None:
    entries = mixed(sim)
    sim.ontap.encrypt_volumes("vs0")
    predicted = run(sim, entries, check=True, health=True)
    assert not predicted.failed, predicted.msg
    assert health_of(predicted)["vs1"] is None
    done = run(sim, entries, health=True)
    assert not done.failed, done.msg
    assert done.result["diff"] == predicted.result["diff"]
    assert health_of(done) == {
        "vs0": "healthy",
        "vs1": "no_encrypted_volume_yet",
        "vs2": "no_encrypted_volume_yet",
        "vs3": None,
        "vs4": None,
        "vs5": "no_encrypted_volume_yet",
        # Whose volumes there are cannot be told, and up to 9.8 ONTAP does not say.
        "cluster": "no_encrypted_volume_yet" if release(sim) >= (9, 9) else "keys_missing",
    }
    changes = 5 if release(sim) >= (9, 9) else 4
    # As without health, and in the end a look at all, and at their volumes.
    assert len(done.requests) <= changes + 3 + 2


class OneLook(Client):
    """The network goes down after the first look at the configurations."""

    looks = 0

    def records(self, path: str, *arguments: t.Any, **keywords: t.Any) -> list[dict[str, t.Any]]:
        self.looks += path.endswith("azure-key-vaults")
        if self.looks > 1:
            raise TransportError("the network is down")
        return super().records(path, *arguments, **keywords)


def test_health_that_cannot_be_read_takes_nothing_back(sim: Simulator) -> None:
    sim.ontap.add_vault("vs0", **OLD)
    wanted = [{"svm": "vs0", **FULL}, {"svm": "vs1", **FULL, "verify": False}]
    done = drive(sim, {"vaults": wanted, "health": True}, module="azure_key_vaults", client=OneLook)
    assert not done.failed, done.msg
    assert verdicts(done) == {"vs0": "in_sync", "vs1": "missing"}
    assert done.changed
    for vault in done.result["vaults"]:
        assert vault["health"]["verdict"] == "unknown"
        assert vault["health"]["reasons"] == ["the health could not be read: the network is down"]


def test_an_inactive_configuration_has_no_health(sim: Simulator) -> None:
    if release(sim) < (9, 14):
        return
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.encrypt_volumes("vs0")
    sim.ontap.add_vault("vs0", enabled=False, configuration="second", **OLD)
    found = run(sim, [{"svm": "vs0", **FULL}, {"svm": "vs1", "state": "absent"}], health=True)
    shown = [(v["configuration"], v["enabled"], v["health"] and v["health"]["verdict"]) for v in found.result["vaults"]]
    assert shown == [("default", True, "healthy"), (None, None, None), ("second", False, "unknown")]


def test_settings_that_nobody_described_are_told_and_left_alone(sim: Simulator) -> None:
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.add_vault("vs1", **OLD)
    sim.ontap.add_vault("vs2", **OLD)
    wanted = [{"svm": "vs0", **FULL}, {"svm": "vs1", **FULL}]
    assert [vault["undescribed"] for vault in run(sim, wanted).result["vaults"]] == [[], [], []]
    if release(sim) < (9, 8):
        return
    told = {"proxy_type": "http", "proxy_host": "proxy.attacker.example", "proxy_port": 3128}
    if release(sim) >= (9, 14):
        told |= {"oauth_host": "login.attacker.example", "port": 8443}
        sim.ontap.change_vault("vs0", vault_host="vault.azure.net", verify_host=False)
    for svm in ("vs0", "vs2"):
        sim.ontap.change_vault(svm, **told)
    for options in ({}, {"check": True}, {"health": True}):
        found = run(sim, wanted, **options)
        assert not found.changed
        assert not found.writes
        assert set(verdicts(found).values()) == {"in_sync", "unmanaged"}
        first, second, stranger = found.result["vaults"]
        assert {setting["field"]: setting["actual"] for setting in first["undescribed"]} == told
        # One that nobody describes at all is unmanaged, and that says it.
        assert (second["undescribed"], stranger["undescribed"]) == ([], [])
    described = run(sim, [{"svm": "vs0", **FULL, "proxy_host": "proxy.example.com"}], check=True)
    assert [drift["field"] for drift in described.result["vaults"][0]["drift"]] == ["proxy_host"]
    assert "proxy_host" not in str(described.result["vaults"][0]["undescribed"])
    assert run(sim, [{"svm": "vs0", "state": "absent"}], check=True).result["vaults"][0]["undescribed"] == []


def test_unmanaged(sim: Simulator) -> None:
    for svm in ("vs0", "vs1", "vs2"):
        sim.ontap.add_vault(svm, **OLD)
    wanted = [{"svm": "vs0", **FULL}]
    reported = run(sim, wanted)
    assert not reported.changed
    assert reported.methods == ["GET"]
    assert verdicts(reported) == {"vs0": "in_sync", "vs1": "unmanaged", "vs2": "unmanaged"}
    assert became(reported) == {"unchanged": 3}
    assert len(run(sim, wanted, unmanaged="ignore").result["vaults"]) == 1
    predicted, done = run(sim, wanted, unmanaged="absent", check=True), run(sim, wanted, unmanaged="absent")
    assert not predicted.writes
    assert predicted.changed
    assert [vault["actions"] for vault in predicted.result["vaults"]][0] == []
    assert {action["method"] for action in predicted.result["actions"]} == {"DELETE"}
    assert [request["method"] for request in done.writes] == ["DELETE", "DELETE"]
    assert became(predicted) == became(done) == {"unchanged": 1, "removed": 2}
    assert done.result["diff"] == predicted.result["diff"]
    assert run(sim, wanted, unmanaged="absent").methods == ["GET"]


def test_inactive_configurations_nobody_names_are_unmanaged(sim: Simulator) -> None:
    if release(sim) < (9, 14):
        return
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.add_vault("vs0", enabled=False, configuration="second", **OLD)
    reported = run(sim, [{"svm": "vs0", **FULL}])
    assert [(v["configuration"], v["verdict"]) for v in reported.result["vaults"]] == [
        ("default", "in_sync"),
        ("second", "unmanaged"),
    ]
    done = run(sim, [{"svm": "vs0", **FULL}], unmanaged="absent")
    assert [request["path"].split("/")[3] for request in done.writes] == ["key-stores"]


def test_an_empty_list(sim: Simulator) -> None:
    sim.ontap.add_vault("vs0", **OLD)
    assert verdicts(run(sim, [])) == {"vs0": "unmanaged"}
    assert not run(sim, [], unmanaged="ignore").requests
    for check in (True, False):
        failed = run(sim, [], unmanaged="absent", check=check)
        assert failed.failed
        assert "allow_empty" in failed.msg
        assert not failed.requests
    assert len(run(sim, [], unmanaged="absent", allow_empty=True).writes) == 1


def test_credentials_by_policy(sim: Simulator) -> None:
    for svm in ("vs0", "vs1"):
        sim.ontap.add_vault(svm, **OLD)
    entries = [
        {"svm": "vs0", "client_secret": SECRET, "update_credentials": "always"},
        {"svm": "vs1", "client_secret": SECRET},
    ]
    done = run(sim, entries)
    assert [vault["credentials"] for vault in done.result["vaults"]] == ["sent", "not_sent"]
    assert [vault["verdict"] for vault in done.result["vaults"]] == ["in_sync", "in_sync"]
    assert sim.ontap.secret("vs0", "client_secret") == SECRET
    assert sim.ontap.secret("vs1", "client_secret") == "the secret before"
    assert SECRET not in str(done.result)


def test_pages_and_concurrency(sim: Simulator) -> None:
    if release(sim) < (9, 11):
        return
    for svm in SVMS:
        sim.ontap.add_vault(svm, **OLD)
    entries = [{"svm": svm, **FULL, "key_id": KEY_2} for svm in SVMS]
    done = run(sim, entries, concurrency=8)
    assert not done.failed, done.msg
    assert len(done.writes) == 8
    assert 1 < len({request["connection"] for request in done.writes}) <= 8
    for bad in (0, 65):
        assert "concurrency" in run(sim, entries, concurrency=bad).msg


def test_an_unreadable_cluster_is_one_error(sim: Simulator) -> None:
    login = {**connection(sim), "password": "wrong"}
    failed = drive(sim, {"vaults": [{"svm": "vs0", **FULL}]}, module="azure_key_vaults", login=login)
    assert failed.failed
    assert "did not accept the login" in failed.msg


def test_what_is_missing_to_create_is_per_entry(sim: Simulator) -> None:
    done = run(sim, [{"svm": "vs0", **IDENTITY}, {"svm": "vs1", **FULL}])
    assert done.failed
    assert "vaults[0] (svm vs0)" in done.msg
    assert len(done.writes) == 1
