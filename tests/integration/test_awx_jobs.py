# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of AWX, run by the engine that AWX uses, with the variables and files that the credential types inject."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.filter.merge_drift_reports import merge_drift_reports
from tests.awx import credential_types, extra_vars
from tests.beats import CLIENT, IDENTITY, KEY_2, OLD, TENANT, WRITES, pkcs12, spellings
from tests.simulator import Simulator

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
class Job:
    """One job: how it ended, what it printed, what its set_stats left, and the folder it ran in."""

    status: str
    stdout: str
    artifacts: dict[str, t.Any]
    folder: Path

    @property
    def words(self) -> str:
        return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", self.stdout).split())

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

    def clear(self) -> None:
        for sim in self.clusters.values():
            sim.clear()


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
    fleet.clear()
    tools = Path(sys.executable).parent
    flags = ["--diff", "-vvvvv", *(["--check"] if job_type == "check" else [])]
    finished = subprocess.run(
        [
            str(tools / "ansible-runner"),
            *("run", str(folder), "-p", playbook, "--ident", "job", f"--cmdline={' '.join(flags)}"),
        ],
        # Nothing of this machine's environment: what a job needs comes from its credentials.
        env={"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder / "home"), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    artifacts = folder / "artifacts/job"
    assert (artifacts / "status").exists(), finished.stdout + finished.stderr
    stdout = (artifacts / "stdout").read_text(encoding="utf-8")
    assert "Traceback" not in stdout, stdout
    assert "DEPRECATION" not in stdout, stdout
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").iterdir()]
    stats = [event["event_data"]["artifact_data"] for event in events if event["event"] == "playbook_on_stats"]
    assert_silent(folder, finished.stdout + finished.stderr, (fleet.clusters["c1"].token, *key_lines(fleet)))
    return Job((artifacts / "status").read_text(), stdout, stats[0] if stats else {}, folder)


def key_lines(fleet: Fleet) -> list[str]:
    """What is secret in the file with the private key."""
    return Path(fleet.clusters["c1"].key_path).read_text(encoding="utf-8").splitlines()[1:-1]


def assert_silent(folder: Path, output: str, more: t.Iterable[str]) -> None:
    """No secret in the output, in events, artifacts, reports, or in what Ansible leaves below HOME."""
    secrets = (PASSWORD, SECRET, TOKEN, CERTIFICATE, *more)
    canaries = [spelling for secret in secrets for spelling in spellings(secret)]
    texts = {"output": output}
    for base, _folders, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            # What the credentials were written to, and the environment as ansible-runner itself writes it down.
            if path.parent != folder / "env" and path != folder / "artifacts/job/command":
                texts[str(path)] = path.read_text(encoding="utf-8", errors="replace")
    assert len(texts) > 20
    for where, text in texts.items():
        for canary in canaries:
            assert canary not in text, where


# What is asked for, and what a job of type run then sends.
ROWS: list[tuple[str, dict[str, t.Any], list[str]]] = [
    ("drift_report.yml", {}, []),
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
    assert sorted(TEMPLATES) == sorted(playbook for playbook, _answers, _sent in ROWS)


@pytest.mark.parametrize(("playbook", "answers", "sent"), ROWS, ids=[row[0] for row in ROWS])
def test_job_templates(fleet: Fleet, tmp_path: Path, playbook: str, answers: dict[str, t.Any], sent: list[str]) -> None:
    """Check, then run: the first sends nothing, the second what it should; neither lets a secret out."""
    if "azure_key_vault_rekey_key" in answers:
        answers = {**answers, "azure_key_vault_rekey_key_id": KEY_2}
    before = [sim.snapshot() for sim in fleet.clusters.values()]
    predicted = launch(fleet, tmp_path / "job", playbook, job_type="check", **answers)
    assert predicted.status == "successful", predicted.words
    assert fleet.writes == []
    assert [sim.snapshot() for sim in fleet.clusters.values()] == before
    done = launch(fleet, tmp_path / "job", playbook, job_type=TEMPLATES[playbook]["job_type"], **answers)
    assert done.status == "successful", done.words
    assert len(fleet.writes) == len(sent), fleet.writes
    assert all(write.startswith(prefix) for write, prefix in zip(fleet.writes, sent)), fleet.writes
    if playbook == "apply.yml":
        assert fleet.clusters["c1"].ontap.secret("vs1", "client_secret") == SECRET
        again = launch(fleet, tmp_path / "job", playbook, **answers)
        assert (again.status, fleet.writes) == ("successful", []), again.words


def test_drift_ends_the_job_as_asked(fleet: Fleet, tmp_path: Path) -> None:
    failed = launch(fleet, tmp_path / "job", "drift_report.yml", job_type="check", drift_report_fail_on="drift")
    assert failed.status == "failed"
    # A node lacks keys, which is worse than what differs.
    assert "the drift report's verdict is critical" in failed.words
    summary = failed.artifacts["drift_report_summary"]
    assert (summary["verdict"], summary["configurations"]["drifted"], summary["hosts"]["asked"]) == ("critical", 1, 2)
    assert json.loads(failed.report)["summary"]["verdict"] == "critical"
    # Nothing but the report stays behind, so a job finds the project as it was synchronized.
    kept = {path.name for path in (failed.folder / "project").iterdir()}
    assert kept == {path.name for path in EXAMPLE.iterdir()} | {"drift-report"}


def test_slices_merge(fleet: Fleet, tmp_path: Path) -> None:
    """A sliced job gives each slice a part of the inventory; one that never ran is missed."""
    slices = [
        launch(fleet, tmp_path / name, "drift_report.yml", job_type="check", hosts=[name]) for name in ("c1", "c2")
    ]
    assert [one.status for one in slices] == ["successful"] * 2
    merged = merge_drift_reports([one.report for one in slices], hosts=["c1", "c2", "c3"])
    assert {host["host"]: host["status"] for host in merged["hosts"]} == {"c1": "ok", "c2": "ok", "c3": "error"}
    assert merged["summary"]["configurations"]["drifted"] == 1


@pytest.mark.parametrize("kind", ["certificate", "token"])
def test_other_credentials(fleet: Fleet, tmp_path: Path, kind: str) -> None:
    """Log in to ONTAP with a client certificate or a token, and to Azure with a certificate."""
    sim = fleet.clusters["c1"]
    login = {name: value for name, value in fleet.login.items() if name not in ("username", "password")}
    if kind == "token":
        login |= {"access_token": sim.token}
    else:
        # Pasted without the last line break.
        login |= {
            "client_certificate": Path(sim.cert_path).read_text(encoding="utf-8").strip(),
            "client_key": Path(sim.key_path).read_text(encoding="utf-8").strip(),
        }
    application = {
        "client_id": CLIENT,
        "tenant_id": TENANT,
        "client_certificate": "\n".join(re.findall(".{1,64}", CERTIFICATE)),
    }
    done = launch(fleet, tmp_path / "job", "apply.yml", login=login, application=application, hosts=["c1"])
    assert done.status == "successful", done.words
    assert sim.ontap.secret("vs1", "client_certificate") == CERTIFICATE


BAD: list[tuple[str, dict[str, t.Any], tuple[str, ...]]] = [
    (
        "password and token",
        {"login": {"access_token": TOKEN}},
        ("more than one login", "ONTAP_PASSWORD", "ONTAP_ACCESS_TOKEN"),
    ),
    ("an empty login", {"login": None}, ("no login is given", "ONTAP_USERNAME", "ONTAP_CERT_FILEPATH")),
    ("no CA file", {"login": {"ca_certificate": "not a certificate"}}, ("ca_path (ONTAP_CA_PATH)", "PEM")),
    ("no certificate", {"login": {"password": "", "client_certificate": "nothing"}}, ("ONTAP_CERT_FILEPATH",)),
    ("a word for a boolean", {"login": {"validate_certs": "perhaps"}}, ("validate_certs (ONTAP_VALIDATE_CERTS)",)),
    ("an empty application", {"application": {}}, ("AKV_CLIENT_ID", "AKV_CLIENT_SECRET")),
    (
        "PEM",
        {"application": {"client_certificate": "-----BEGIN X-----"}},
        ("client_certificate (AKV_CLIENT_CERTIFICATE)",),
    ),
    (
        "two credentials",
        {"application": {**APPLICATION, "client_certificate": CERTIFICATE}},
        ("AKV_CLIENT_SECRET", "AKV_CLIENT_CERTIFICATE"),
    ),
]


@pytest.mark.parametrize(("given", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_credentials(fleet: Fleet, tmp_path: Path, given: dict[str, t.Any], words: tuple[str, ...]) -> None:
    sim = fleet.clusters["c1"]
    sim.ontap.remove_vault("vs0")
    sim.ontap.change_vault("vs1", client_id=CLIENT)
    login = {} if given.get("login", {}) is None else {**fleet.login, **given.get("login", {})}
    job = launch(
        fleet,
        tmp_path / "job",
        "apply.yml",
        login=login,
        application=given.get("application", APPLICATION),
        hosts=["c1"],
    )
    assert job.status == "failed"
    assert fleet.writes == []
    for word in words:
        assert word in job.words


def test_an_empty_answer(fleet: Fleet, tmp_path: Path) -> None:
    """The question must be answered, but AWX takes a blank for that."""
    job = launch(
        fleet, tmp_path / "job", "rekey.yml", azure_key_vault_rekey_key="internal", azure_key_vault_rekey_svms=" "
    )
    assert (job.status, fleet.writes) == ("failed", [])
    assert "azure_key_vault_rekey_svms must be a list of SVM names" in job.words
