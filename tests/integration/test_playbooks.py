# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks restore, restore_by_event and rekey by their full names."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.awx.extra_vars import written
from tests.simulator import Simulator
from tests.support import runner
from tests.support.beats import KEY, KEY_2, OLD, connection
from tests.support.rotations import NEW_SECRET
from tests.support.runner import Ran, ansible_playbook

# UUID of the configuration of cluster scope.
CLUSTER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def sim() -> t.Iterator[Simulator]:
    with Simulator(release="9.16.1", svms=("vs0", "vs1", "vs2")) as simulator:
        for svm, uuid in (("vs0", None), ("vs1", None), (None, CLUSTER)):
            simulator.ontap.add_vault(svm, uuid=uuid, **OLD)
            simulator.ontap.encrypt_volumes(svm)
        simulator.ontap.add_vault("vs2", enabled=False, configuration="spare", **OLD)
        yield simulator


def run(
    sim: Simulator,
    folder: Path,
    name: str,
    *arguments: str,
    environment: t.Mapping[str, str] | None = None,
    others: t.Sequence[Simulator] = (),
    **variables: t.Any,
) -> Ran:
    """Run ``ontap.security.NAME``, or a file NAME.yml: options as inventory variables, but the user in the environment.

    The cluster is ``cluster1``; ``others`` are the next. ``variables`` are extra variables, written as AWX writes them.
    """
    hosts = {}
    clusters: dict[str, Simulator] = {}
    for number_of_host, cluster in enumerate((sim, *others), start=1):
        of_host = {f"ontap_{name}": value for name, value in connection(cluster).items() if name != "username"}
        hosts[f"cluster{number_of_host}"] = {
            "ansible_host": of_host.pop("ontap_hostname"),
            # For other playbooks; ours do not go to the cluster.
            "ansible_connection": "ansible.netcommon.httpapi",
            **of_host,
        }
        # One may stand for several.
        if cluster not in clusters.values():
            clusters[f"cluster{number_of_host}"] = cluster
    # JSON is YAML.
    inventory = folder / "inventory.yml"
    inventory.write_text(json.dumps({"clusters": {"hosts": hosts}}), encoding="utf-8")
    (folder / "extravars").write_text(written({"awx_job_id": 7, **variables}), encoding="utf-8")
    return ansible_playbook(
        name if name.endswith(".yml") else f"ontap.security.{name}",
        *("-i", str(inventory), "-e", f"@{folder / 'extravars'}", *arguments),
        folder=folder,
        env=runner.environment(folder, ONTAP_USERNAME=sim.username, **(environment or {})),
        clusters=clusters,
        secrets=[NEW_SECRET],
    )


def test_restore(sim: Simulator, tmp_path: Path) -> None:
    sim.ontap.lose_keys("node2", "vs0")
    sim.ontap.lose_keys("node1", CLUSTER)
    before = sim.snapshot()
    predicted = run(sim, tmp_path, "restore", "--check", "--diff")
    assert (predicted.failed, predicted.writes, predicted.changed) == (False, [], 1), predicted.output
    assert "node2" in predicted.output
    assert sim.snapshot() == before

    # Every SVM with an enabled configuration: not the inactive one, and the cluster scope only when asked for.
    done = run(sim, tmp_path, "restore", "--limit", "cluster1")
    assert (done.failed, done.writes, done.changed) == (False, ["restore"], 1), done.output
    # What is not well is named, before and after; the cluster scope nobody asked for.
    assert done.output.count("SVM vs0: keys_missing: ") == 1, done.output
    assert done.output.count("cluster scope: keys_missing: ") == 2, done.output
    assert "1 of 3 configurations can be used." in done.output
    assert "2 of 3 configurations can be used." in done.output
    # As a survey asks for them: in a text, with questions left empty.
    repeated = run(
        sim,
        tmp_path,
        "restore",
        azure_key_vault_restore_svms="vs0, vs1",
        azure_key_vault_restore_cluster="",
        azure_key_vault_restore_force="",
        ontap_hosts="",
    )
    assert (repeated.failed, repeated.writes, repeated.changed) == (False, [], 0), repeated.output
    # One look, one at key managers, and one at volumes: no module is started where nothing is missing.
    assert len(repeated.requests) == 3, repeated.requests
    assert "(item=" not in repeated.output
    cluster = run(
        sim,
        tmp_path,
        "restore",
        azure_key_vault_restore_svms=[],
        azure_key_vault_restore_cluster="true",
        ontap_hosts="clusters",
    )
    assert (cluster.failed, cluster.writes, cluster.changed) == (False, ["restore"], 1), cluster.output
    assert all(len(stores) == 3 for stores in sim.snapshot()["keys"].values())


def test_restore_says_what_cannot_be_meant(sim: Simulator, tmp_path: Path) -> None:
    # Nobody, where nothing would be everybody.
    wrong = run(sim, tmp_path, "restore", azure_key_vault_restore_svms=[])
    assert (wrong.failed, wrong.requests) == (True, [])
    assert "must be a list of SVM names" in wrong.output
    unknown = run(
        sim, tmp_path, "restore", azure_key_vault_restore_svms=["vs0", "vs2"], azure_key_vault_restore_force=True
    )
    assert (unknown.failed, unknown.writes) == (True, [])
    assert "no enabled Azure Key Vault configuration for vs2. Nothing has been restored" in unknown.output


@pytest.mark.thorough
def test_events_restore_their_svm_and_not_again_what_did_not_help(sim: Simulator, tmp_path: Path) -> None:
    sim.ontap.lose_keys("node1")
    sim.ontap.refuse("restore", 65537544, times=1)
    told = {"event": {"cluster": "cluster1", "event": "km.keyretrieve.failed", "svm": "vs1"}}
    given: dict[str, t.Any] = {"azure_key_vault_restore_dir": str(tmp_path), "diagnose_dir": str(tmp_path)}
    failed = run(sim, tmp_path, "restore_by_event", ansible_eda=told, **given)
    assert (failed.failed, failed.writes) == (True, ["restore"]), failed.output
    # The page is there all the same.
    (tmp_path / "cluster1.md").unlink()
    # A veto does not say whose keys are missing: vs0 is as good a guess as vs1, where it did not help.
    told = {"event": {"cluster": "cluster1", "event": "gb.sfo.veto.kmgr.keysmissing", "svm": ""}}
    again = run(sim, tmp_path, "restore_by_event", ansible_eda=told, **given)
    assert (again.failed, again.writes) == (False, ["restore"]), again.output
    assert "SVM vs1: not restored again, because the restore at " in again.output
    page = (tmp_path / "cluster1.md").read_text(encoding="utf-8")
    assert "SVM vs1" in page
    assert "SVM vs0" not in page
    # A person may.
    assert run(sim, tmp_path, "restore", **given).writes == ["restore"]


def test_a_restore_that_fails_shows_the_health_and_goes_on(sim: Simulator, tmp_path: Path) -> None:
    """One SVM's failure does not keep the others from their keys."""
    sim.ontap.lose_keys("node2", "vs0")
    sim.ontap.lose_keys("node2", "vs1")
    sim.ontap.refuse("restore", 65537544, times=1)
    failed = run(sim, tmp_path, "restore")
    assert (failed.failed, failed.writes) == (True, ["restore", "restore"]), failed.output
    assert "nothing to restore from" in failed.output
    before, _title, after = failed.output.partition("Show what is not well after")
    assert "SVM vs1: keys_missing" in before
    assert "SVM vs0: keys_missing" in after
    assert "SVM vs1" not in after


def test_rekey(sim: Simulator, tmp_path: Path) -> None:
    # As the survey of an AWX job template gives it.
    internal = {
        "azure_key_vault_rekey_svms": "vs0,\nvs1\n",
        "azure_key_vault_rekey_key": "internal",
        "azure_key_vault_rekey_key_id": "",
        "azure_key_vault_rekey_wait_timeout": "",
    }
    before = sim.snapshot()
    predicted = run(sim, tmp_path, "rekey", "--check", "--diff", **internal)
    assert (predicted.failed, predicted.writes, predicted.changed) == (False, [], 1), predicted.output
    assert "(new)" in predicted.output
    assert sim.snapshot() == before
    done = run(sim, tmp_path, "rekey", **internal)
    assert (done.failed, done.writes) == (False, ["rekey-internal"] * 2), done.output

    external = {
        "azure_key_vault_rekey_svms": ["vs1"],
        "azure_key_vault_rekey_key": "external",
        "azure_key_vault_rekey_key_id": KEY_2,
        "azure_key_vault_rekey_wait_timeout": "30",
    }
    moved = run(sim, tmp_path, "rekey", **external)
    assert (moved.failed, moved.writes) == (False, ["rekey-external"]), moved.output
    shown = moved.output.partition("Show the keys before")[2]
    assert shown.index(f"{KEY}, version pinned: 1 SVM") < shown.index(f"{KEY_2}, version pinned: 1 SVM")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"key": "internal"}, "azure_key_vault_rekey_svms must be a list of SVM names"),
        # As AWX takes for an answer to a question that must be answered.
        ({"key": "internal", "svms": " "}, "azure_key_vault_rekey_svms must be a list of SVM names"),
        ({"key": "external", "svms": ["vs0"]}, "azure_key_vault_rekey_key_id: (nothing)"),
        ({"key": "internal", "key_id": KEY_2, "svms": ["vs0"]}, f"azure_key_vault_rekey_key_id: {KEY_2}"),
    ],
    ids=["no SVMs", "an empty answer", "no key_id", "contradiction"],
)
def test_rekey_says_what_cannot_be_meant(
    sim: Simulator, tmp_path: Path, variables: dict[str, t.Any], words: str
) -> None:
    failed = run(
        sim, tmp_path, "rekey", **{f"azure_key_vault_rekey_{name}": value for name, value in variables.items()}
    )
    assert (failed.failed, failed.requests) == (True, [])
    assert words in failed.output


def test_rekey_wants_healthy_svms(sim: Simulator, tmp_path: Path) -> None:
    sim.ontap.lose_keys("node2", "vs1")
    internal = {"azure_key_vault_rekey_svms": ["vs0", "vs1"], "azure_key_vault_rekey_key": "internal"}
    failed = run(sim, tmp_path, "rekey", **internal)
    assert (failed.failed, failed.writes) == (True, [])
    assert "vs1 on cluster1: keys are missing" in failed.output
    assert "No key has been replaced" in failed.output
