# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of AWX, run by the engine that AWX uses, with the variables and files that the credential types inject."""

from __future__ import annotations

import json
import os
import re
import shutil
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.filter.merge_drift_reports import merge_drift_reports
from tests.awx import credential_types, extra_vars
from tests.simulator import Simulator
from tests.support.beats import CLIENT, IDENTITY, KEY_2, OLD, TENANT, WRITES, pkcs12
from tests.support.runner import TOOLS, Ran, complaints, run

PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "playbooks" / "example_project"
TEMPLATES: dict[str, dict[str, t.Any]] = {
    template["playbook"]: template
    for template in yaml.safe_load(
        (PROJECT / "roles/awx_setup/vars/awx_job_templates.yml").read_text(encoding="utf-8")
    )["awx_job_templates"]
}
ONTAP, AZURE = (
    {item["name"]: item for item in credential_types.load()}[name]
    for name in (
        "NetApp ONTAP",
        "Azure application for ONTAP",
    )
)

PASSWORD = 'c4nary/password+"1'
SECRET = 'c4nary~secret/+"2 %'
TOKEN = "c4nary.token.3"
CERTIFICATE = pkcs12(b"c4nary certificate 4 " + b"x" * 80)


@dataclass(frozen=True)
class Job(Ran):
    """One job, and what its set_stats left."""

    artifacts: dict[str, t.Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What it printed, on one line and without its colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.output)

    @property
    def report(self) -> str:
        return (self.folder / "project/drift-report/drift-report.json").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Fleet:
    """Simulated clusters by their names in the inventory."""

    clusters: dict[str, Simulator]

    @property
    def login(self) -> dict[str, str]:
        """The inputs of a credential of type NetApp ONTAP. All clusters have one CA and one password."""
        sim = self.clusters["c1"]
        return {
            "username": sim.username,
            "password": PASSWORD,
            "ca_certificate": "".join(Path(one.ca_path).read_text(encoding="utf-8") for one in self.clusters.values()),
            "validate_certs": "true",
        }

    @property
    def hosts(self) -> dict[str, dict[str, t.Any]]:
        wanted = {
            "azure_key_vault_svms": [{"svm": "vs0"}, {"svm": "vs1"}],
            # Without a credential, which AWX has.
            "azure_key_vault_defaults": IDENTITY,
        }
        return {
            name: {"ansible_host": sim.host, "ontap_http_port": sim.port, **wanted}
            for name, sim in self.clusters.items()
        }

    @property
    def writes(self) -> list[str]:
        """What reached the clusters and was no read, since the last job began."""
        return [
            f"{request['method']} {request['path'].rpartition('/')[2]}"
            for sim in self.clusters.values()
            for request in sim.requests
            if request["method"] in WRITES
        ]


@pytest.fixture
def fleet() -> t.Iterator[Fleet]:
    """Two clusters. On the first an SVM lacks keys on a node, and another has another application."""
    with (
        Simulator(release="9.16.1", svms=("vs0", "vs1"), password=PASSWORD) as one,
        Simulator(release="9.12.1", svms=("vs0", "vs1"), password=PASSWORD) as two,
    ):
        for sim in (one, two):
            for svm in ("vs0", "vs1"):
                sim.ontap.add_vault(svm, **OLD)
                sim.ontap.encrypt_volumes(svm)
        one.ontap.lose_keys("node2", "vs0")
        one.ontap.change_vault("vs1", client_id="dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa")
        yield Fleet({"c1": one, "c2": two})


APPLICATION = {"client_id": CLIENT, "tenant_id": TENANT, "client_secret": SECRET}


def launch(
    fleet: Fleet,
    folder: Path,
    playbook: str,
    *,
    job_type: str = "run",
    login: t.Mapping[str, str] | None = None,
    application: t.Mapping[str, str] | None = None,
    hosts: t.Collection[str] = ("c1", "c2"),
    **answers: t.Any,
) -> Job:
    """Run a job as AWX does, with ``--diff`` and verbosity 5, and see that no secret is in anything that it leaves.

    Questions that have no answer are left as a browser shows them.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EXAMPLE, folder / "project")
    environment: dict[str, str] = {}
    for kind, inputs in (
        (ONTAP, fleet.login if login is None else login),
        (AZURE, APPLICATION if application is None else application),
    ):
        environment |= credential_types.inject(kind, inputs, folder).environment
    (folder / "inventory").mkdir()
    (folder / "inventory/hosts.json").write_text(
        json.dumps({"ontap": {"hosts": {name: fleet.hosts[name] for name in hosts}}}), encoding="utf-8"
    )
    for name, content in (
        ("envvars", json.dumps(environment)),
        ("extravars", extra_vars.written(extra_vars.launched(TEMPLATES[playbook], answers, empty=True))),
        ("settings", json.dumps({"process_isolation": False})),
    ):
        (folder / "env" / name).write_text(content, encoding="utf-8")
    flags = ["--diff", "-vvvvv", *(["--check"] if job_type == "check" else [])]
    secrets = (PASSWORD, SECRET, TOKEN, CERTIFICATE, fleet.clusters["c1"].token, *key_lines(fleet))
    ran = run(
        "ansible-runner",
        *("run", str(folder), "-p", playbook, "--ident", "job", f"--cmdline={' '.join(flags)}"),
        folder=folder,
        # Nothing of this machine's environment: what a job needs comes from its credentials.
        env={"PATH": f"{TOOLS}:{os.environ['PATH']}", "HOME": str(folder / "home"), "LANG": "C.UTF-8"},
        clusters=fleet.clusters,
        secrets=secrets,
    )
    artifacts = folder / "artifacts/job"
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").iterdir()]
    stats = [event["event_data"]["artifact_data"] for event in events if event["event"] == "playbook_on_stats"]
    assert (artifacts / "status").read_text() == ("failed" if ran.failed else "successful")
    assert_silent(folder, secrets)
    return Job(**vars(ran), artifacts=stats[0] if stats else {})


def key_lines(fleet: Fleet) -> list[str]:
    """What is secret in the file with the private key."""
    return Path(fleet.clusters["c1"].key_path).read_text(encoding="utf-8").splitlines()[1:-1]


def assert_silent(folder: Path, secrets: t.Collection[str]) -> None:
    """No secret in events, artifacts, reports, or in what Ansible leaves below HOME."""
    found = 0
    for base, _folders, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            # What the credentials were written to, and the environment as ansible-runner itself writes it down.
            if path.parent != folder / "env" and path != folder / "artifacts/job/command":
                found += 1
                assert not complaints(path.read_text(encoding="utf-8", errors="replace"), secrets), path
    assert found >= 20


# What is asked for, and what a job of type run then sends.
ROWS: list[tuple[str, dict[str, t.Any], list[str]]] = [
    ("drift_report.yml", {}, []),
    ("diagnose.yml", {}, []),
    ("apply.yml", {}, ["PATCH"]),
    ("restore.yml", {}, ["POST restore"]),
    (
        "rekey.yml",
        {"azure_key_vault_rekey_svms": "vs1\n", "azure_key_vault_rekey_key": "external"},
        ["POST rekey-external"] * 2,
    ),
    ("rotate_secret.yml", {}, ["PATCH"] * 3),
]


def test_there_is_a_row_for_every_job_template() -> None:
    # test_move_vault has the inventory that this one needs, and answers as a survey gives them.
    elsewhere = ["move_vault.yml"]
    assert sorted(TEMPLATES) == sorted([*elsewhere, *(playbook for playbook, _answers, _sent in ROWS)])


@pytest.mark.parametrize(("playbook", "answers", "sent"), ROWS, ids=[row[0] for row in ROWS])
def test_job_templates(fleet: Fleet, tmp_path: Path, playbook: str, answers: dict[str, t.Any], sent: list[str]) -> None:
    """Check, then run: the first sends nothing, the second what it should; neither lets a secret out."""
    if "azure_key_vault_rekey_key" in answers:
        answers = {**answers, "azure_key_vault_rekey_key_id": KEY_2}
    before = [sim.snapshot() for sim in fleet.clusters.values()]
    predicted = launch(fleet, tmp_path / "job", playbook, job_type="check", **answers)
    assert not predicted.failed, predicted.words
    assert fleet.writes == []
    assert [sim.snapshot() for sim in fleet.clusters.values()] == before
    if TEMPLATES[playbook]["job_type"] == "check":
        # There is no other kind of job of it.
        assert sent == []
        return
    done = launch(fleet, tmp_path / "job", playbook, **answers)
    assert not done.failed, done.words
    assert len(fleet.writes) == len(sent), fleet.writes
    assert all(write.startswith(prefix) for write, prefix in zip(fleet.writes, sent)), fleet.writes
    if playbook == "apply.yml":
        assert fleet.clusters["c1"].ontap.secret("vs1", "client_secret") == SECRET
        again = launch(fleet, tmp_path / "job", playbook, **answers)
        assert (again.failed, fleet.writes) == (False, []), again.words


def test_drift_ends_the_job_as_asked(fleet: Fleet, tmp_path: Path) -> None:
    failed = launch(fleet, tmp_path / "job", "drift_report.yml", job_type="check", drift_report_fail_on="drift")
    assert failed.failed
    # A node lacks keys, which is worse than what differs.
    assert "the drift report's verdict is critical" in failed.words
    summary = failed.artifacts["drift_report_summary"]
    assert (summary["verdict"], summary["configurations"]["drifted"], summary["hosts"]["asked"]) == ("critical", 1, 2)
    assert json.loads(failed.report)["summary"]["verdict"] == "critical"
    # Nothing but the report stays behind, so a job finds the project as it was synchronized.
    kept = {path.name for path in (failed.folder / "project").iterdir()}
    assert kept == {path.name for path in EXAMPLE.iterdir()} | {"drift-report"}


@pytest.mark.thorough
def test_slices_merge(fleet: Fleet, tmp_path: Path) -> None:
    """A sliced job gives each slice a part of the inventory; one that never ran is missed."""
    slices = [
        launch(fleet, tmp_path / name, "drift_report.yml", job_type="check", hosts=[name]) for name in ("c1", "c2")
    ]
    assert [one.failed for one in slices] == [False] * 2
    merged = merge_drift_reports([one.report for one in slices], hosts=["c1", "c2", "c3"])
    assert {host["host"]: host["status"] for host in merged["hosts"]} == {"c1": "ok", "c2": "ok", "c3": "error"}
    assert merged["summary"]["configurations"]["drifted"] == 1


def test_other_credentials(fleet: Fleet, tmp_path: Path) -> None:
    """Log in to ONTAP and to Azure with certificates, which come as files and as lines."""
    sim = fleet.clusters["c1"]
    login = {name: value for name, value in fleet.login.items() if name not in ("username", "password")}
    # Pasted without the last line break.
    login["client_certificate"] = Path(sim.cert_path).read_text(encoding="utf-8").strip()
    login["client_key"] = Path(sim.key_path).read_text(encoding="utf-8").strip()
    lines = "\n".join(re.findall(".{1,64}", CERTIFICATE))
    application = {"client_id": CLIENT, "tenant_id": TENANT, "client_certificate": lines}
    done = launch(fleet, tmp_path / "job", "apply.yml", login=login, application=application, hosts=["c1"])
    assert not done.failed, done.words
    assert sim.ontap.secret("vs1", "client_certificate") == CERTIFICATE


# All other mistakes are in tests/unit/test_awx_logins.py.
def test_bad_credentials(fleet: Fleet, tmp_path: Path) -> None:
    login = {**fleet.login, "access_token": TOKEN}
    job = launch(fleet, tmp_path / "job", "apply.yml", login=login, hosts=["c1"])
    assert (job.failed, fleet.writes) == (True, [])
    for word in ("more than one login", "ONTAP_PASSWORD", "ONTAP_ACCESS_TOKEN"):
        assert word in job.words
