# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks restore and rekey by their full names, and their modules as tasks, under ansible-playbook."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.awx.extra_vars import written
from tests.beats import KEY, KEY_2, OLD, SECRET, WRITES, assert_four_beats, connection, number
from tests.integration.harness import Task, play
from tests.simulator import Simulator

RESTORE, REKEY = "azure_key_vault_restore", "azure_key_vault_rekey"
# UUID of the configuration of cluster scope.
CLUSTER = "11111111-2222-3333-4444-555555555555"
NEW_SECRET = "the-new-secret-of-the-application"


@dataclass(frozen=True)
class Ran:
    """One run of a playbook: how it ended, what it printed on one line, and what reached the cluster."""

    failed: bool
    output: str
    requests: list[dict[str, t.Any]]

    @property
    def writes(self) -> list[str]:
        return [request["path"].rpartition("/")[2] for request in self.requests if request["method"] in WRITES]

    @property
    def changed(self) -> int:
        return int(re.findall(r"\bchanged=(\d+)", self.output)[-1])


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
    options = connection(sim)
    hosts = {}
    for number_of_host, cluster in enumerate((sim, *others), start=1):
        of_host = {f"ontap_{name}": value for name, value in connection(cluster).items() if name != "username"}
        hosts[f"cluster{number_of_host}"] = {
            "ansible_host": of_host.pop("ontap_hostname"),
            # For other playbooks; ours do not go to the cluster.
            "ansible_connection": "ansible.netcommon.httpapi",
            **of_host,
        }
        cluster.clear()
    # JSON is YAML.
    inventory = folder / "inventory.yml"
    inventory.write_text(json.dumps({"clusters": {"hosts": hosts}}), encoding="utf-8")
    (folder / "extravars").write_text(written({"awx_job_id": 7, **variables}), encoding="utf-8")
    finished = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            name if name.endswith(".yml") else f"ontap.security.{name}",
            *("-i", str(inventory), "-e", f"@{folder / 'extravars'}", *arguments),
        ],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("ONTAP_", "AKV_"))},
            "ANSIBLE_LOCAL_TEMP": str(folder),
            "ANSIBLE_REMOTE_TEMP": str(folder),
            "ANSIBLE_HOME": str(folder),
            "ANSIBLE_NOCOLOR": "true",
            "ONTAP_USERNAME": options["username"],
            **(environment or {}),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    output = finished.stdout + finished.stderr
    assert "Traceback" not in output
    assert "DEPRECATION" not in output, output
    for secret in (options["password"], SECRET, NEW_SECRET):
        assert secret not in output
    # 4 is a play that cannot begin.
    assert finished.returncode in (0, 2, 4), output
    return Ran(finished.returncode != 0, " ".join(output.split()), list(sim.requests))


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
    # One look, and one at the volumes: no module is started where nothing is missing.
    assert len(repeated.requests) == 2, repeated.requests
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
        ({"key": "external", "svms": ["vs0"]}, "azure_key_vault_rekey_key_id: (nothing)"),
        ({"key": "internal", "key_id": KEY_2, "svms": ["vs0"]}, f"azure_key_vault_rekey_key_id: {KEY_2}"),
    ],
    ids=["no SVMs", "no key_id", "contradiction"],
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


@pytest.mark.parametrize("release", ["9.8", "9.10.1", "9.12.1", "9.16.1", "9.18.1"])
def test_four_beats_of_the_modules(release: str) -> None:
    with Simulator(release=release, svms=("vs0",)) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.encrypt_volumes("vs0")
        sim.ontap.lose_keys("node2")
        rows: list[tuple[str, dict[str, t.Any]]] = [(RESTORE, {"svm": "vs0"})]
        if number(release) >= (9, 9):
            # ONTAP 9.8 wants the client secret with another key, which these modules do not take.
            rows.append((REKEY, {"svm": "vs0", "key": "external", "key_id": KEY_2}))
        tasks = [
            Task(options, check=check, module=module, name=module)
            for module, options in rows
            for check in (True, False, False, True)
        ]
        internal = {"svm": "vs0", "key": "internal"}
        tasks += [Task(internal, check=check, module=REKEY, name="internal") for check in (True, False, False)]
        before = sim.snapshot()
        outcomes = play(sim, tasks).outcomes
        for index, _row in enumerate(rows):
            beats = outcomes[4 * index : 4 * index + 4]
            assert_four_beats(beats, before, requests=6)
            before = beats[3].snapshot
        assert outcomes[0].result["diff"]["before"]["keys_missing_on"] == ["node2"]
        predicted, done, again = outcomes[-3:]
        assert not predicted.writes
        assert predicted.snapshot == before
        for outcome in (done, again):
            # No field shows the internal key, so each run replaces it.
            assert outcome.changed, outcome.msg
            assert len(outcome.writes) == 1
            assert outcome.result["diff"] == predicted.result["diff"]
