# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook drift_report over a small fleet: clusters that are well, that differ, and that cannot be asked."""

from __future__ import annotations

import csv
import json
import re
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.beats import FULL, KEY_2, OLD, SECRET
from tests.integration.fleet import Reported, drift_report, host_of
from tests.simulator import Simulator

FILES = [f"drift-report.{name}" for name in ("csv", "html", "json", "md", "xml")]
SCHEMA = Path(__file__).parents[2] / "roles" / "drift_report" / "files" / "drift-report.schema.json"
HOSTILE = "{{ 7 * 7 }}<script>alert(1)</script>"

# A play's variables that let modules run with the Python that runs Ansible.
HERE = {"ansible_python_interpreter": "{{ ansible_playbook_python | quote }}"}

Hosts = dict[str, dict[str, t.Any]]


@pytest.fixture
def sims() -> t.Iterator[tuple[Simulator, Simulator]]:
    with Simulator(release="9.16.1", svms=("vs0", "vs1"), name="prod") as one, Simulator(release="9.11.1") as two:
        for sim in (one, two):
            for svm in ("vs0", "vs1"):
                sim.ontap.add_vault(svm, **OLD)
                sim.ontap.encrypt_volumes(svm)
        yield one, two


@pytest.fixture
def hosts(sims: tuple[Simulator, Simulator]) -> Hosts:
    wanted = {
        "azure_key_vault_svms": [{"svm": "vs0"}, {"svm": "vs1"}],
        "azure_key_vault_defaults": {n: v for n, v in FULL.items() if n != "client_secret"},
        "azure_key_vault_credentials": {FULL["client_id"]: {"client_secret": SECRET}},
    }
    return {f"c{number}": host_of(sim, **wanted) for number, sim in enumerate(sims, 1)}


def check(reported: Reported, sims: t.Iterable[Simulator] = ()) -> None:
    """What holds for every run."""
    jsonschema.validate(reported.report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    for path in reported.folder.iterdir():
        assert SECRET not in path.read_text(encoding="utf-8")
        assert (path.stat().st_mode & 0o777) == 0o640
    assert SECRET not in reported.output
    for sim in sims:
        assert {request["method"] for request in sim.requests} <= {"GET"}


def test_a_fleet(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    one, two = sims
    one.ontap.change_vault("vs1", client_id=HOSTILE)
    two.ontap.remove_vault("vs0")
    hosts["refused"] = {**hosts["c1"], "ontap_password": "wrong"}
    hosts["gone"] = {**hosts["c1"], "ontap_http_port": 1}
    hosts["mistaken"] = {**hosts["c1"], "azure_key_vault_svms": "{{ nowhere }}"}
    hosts["remote"] = {
        **hosts["c1"],
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
    }
    before = [sim.snapshot() for sim in sims]
    reported = drift_report(hosts, tmp_path, "--diff", "-vvv")
    assert reported.status == 0, reported.output
    check(reported, sims)
    assert sorted(path.name for path in reported.folder.iterdir()) == FILES
    assert {host["host"]: host["status"] for host in reported.report["hosts"]} == {
        "c1": "ok",
        "c2": "ok",
        "refused": "error",
        "gone": "unreachable",
        "mistaken": "error",
        "remote": "unreachable",
    }
    assert "nowhere" in reported.host("mistaken")["error"]["msg"]
    assert reported.report["summary"]["verdict"] == "error"
    assert reported.report["summary"]["hosts"]["asked"] == 6
    drift = reported.host("c1")["vaults"][1]["drift"]
    assert [(d["field"], d["severity"], d["actual"]) for d in drift] == [("client_id", "high", HOSTILE)]
    assert reported.host("c2")["vaults"][0]["verdict"] == "missing"
    # One look at the configurations, because nobody asked for health.
    assert sum(request["path"].endswith("/azure-key-vaults") for request in two.requests) == 1

    first = reported.report
    again = drift_report(hosts, tmp_path, "--check", "--forks", "2")
    check(again, sims)
    assert [sim.snapshot() for sim in sims] == before
    assert again.host("c1") == next(host for host in first["hosts"] if host["host"] == "c1")
    assert {**again.report, "started": 0, "ended": 0} == {**first, "started": 0, "ended": 0}


def test_what_ends_a_run(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    def status(fail_on: str, *arguments: str, **variables: t.Any) -> int:
        reported = drift_report(hosts, tmp_path, *arguments, drift_report_fail_on=fail_on, **variables)
        check(reported, sims)
        return reported.status

    assert status("drift") == 0
    sims[0].ontap.change_vault("vs1", key_id=KEY_2)
    assert status("drift", "--check") == 2
    assert status("drift", "--limit", "c2") == 0
    assert status("error") == 0
    excused = {"host": "c1", "field": "key_id", "reason": "being moved", "expires": "2999-12-31"}
    assert status("drift", drift_report_ignore=[excused]) == 0
    hosts["c2"]["ontap_http_port"] = 1
    assert status("error") == 2
    assert status("critical") == 0
    sims[0].ontap.set_azure(reachable=False)
    assert status("critical") == 2


def test_serial_limit_and_formats(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    hosts["c3"] = {**hosts["c1"], "ontap_http_port": 1}
    playbook = tmp_path / "serial.yml"
    playbook.write_text(
        json.dumps(
            [
                {
                    "name": "One after the other",
                    "hosts": "all",
                    "serial": 1,
                    "gather_facts": False,
                    "connection": "local",
                    "vars": HERE,
                    "roles": ["ontap.security.drift_report"],
                }
            ]
        )
    )
    reported = drift_report(
        hosts, tmp_path, playbook=str(playbook), drift_report_formats=["json", "xml"], drift_report_health=True
    )
    check(reported, sims)
    assert sorted(path.name for path in reported.folder.iterdir()) == ["drift-report.json", "drift-report.xml"]
    assert reported.output.count("The report is in") == 1
    assert [host["status"] for host in reported.report["hosts"]] == ["ok", "ok", "unreachable"]
    assert reported.host("c1")["cluster"]["name"] == "prod"
    assert reported.host("c1")["release"] == "9.16.1"
    assert reported.host("c2")["vaults"][0]["health"]["verdict"] == "healthy"
    limited = drift_report(hosts, tmp_path, "--limit", "c2", drift_report_dir="elsewhere/deep")
    folder = tmp_path / "elsewhere" / "deep"
    assert [h["host"] for h in json.loads((folder / "drift-report.json").read_text())["hosts"]] == ["c2"]
    assert str(folder) in limited.output


def test_all_formats_tell_the_same(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    sims[0].ontap.change_vault("vs1", key_id=KEY_2)
    reported = drift_report(hosts, tmp_path)
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in reported.folder.iterdir()}
    for suffix, text in texts.items():
        assert KEY_2 in text or suffix == ".html", suffix
    with (reported.folder / "drift-report.csv").open(newline="", encoding="utf-8") as file:
        assert [row["field"] for row in csv.DictReader(file) if row["field"]] == ["key_id"]
    assert ElementTree.fromstring(texts[".xml"]).attrib["failures"] == "1"
    assert KEY_2.rpartition("/")[2] in texts[".html"]


def test_the_summary_for_the_next_job_has_fixed_keys(
    sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path
) -> None:
    reported = drift_report(hosts, tmp_path)
    stats = reported.output.partition("CUSTOM STATS")[2]
    for key in ("drift_report_summary", "verdict", "hosts", "configurations", "severities", "folder", "unreachable"):
        assert f'"{key}"' in stats
    assert '"verdict": "in_sync"' in stats
    # A table, not pages.
    assert len(reported.output.splitlines()) < 80
    assert not re.search(r"\bchanged=[1-9]", reported.output)


def test_what_fails_before_the_role_is_in_the_report(
    sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path
) -> None:
    playbook = tmp_path / "own.yml"
    stop = {"name": "Stop one", "ansible.builtin.fail": {"msg": "no"}, "when": "inventory_hostname == 'c2'"}
    play = {
        "name": "A play of somebody's own",
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars": HERE,
        "pre_tasks": [stop],
        "roles": ["ontap.security.drift_report"],
    }
    playbook.write_text(json.dumps([play]))
    reported = drift_report(hosts, tmp_path, playbook=str(playbook))
    check(reported, sims)
    assert [host["status"] for host in reported.report["hosts"]] == ["ok", "error"]
