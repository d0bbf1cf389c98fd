# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook drift_report over a small fleet: clusters that are well, that differ, and that cannot be asked."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from tests.simulator import Simulator
from tests.support.beats import FULL, KEY_2, OLD, SECRET
from tests.support.fleet import Reported, drift_report, host_of

FILES = [f"drift-report.{name}" for name in ("csv", "html", "json", "md", "prom", "txt", "xml")]
# Each format takes Ansible two processes to write, and most tests read only this one.
ONLY = {"drift_report_formats": "json", "drift_report_keep": "0"}
ROLE = Path(__file__).parents[2] / "roles" / "drift_report"
SCHEMA = ROLE / "files" / "drift-report.schema.json"
# A connection of Ansible's own that leads nowhere.
NOWHERE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
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
    for path in (path for path in reported.files.rglob("*") if path.is_file()):
        assert SECRET not in path.read_text(encoding="utf-8")
        assert (path.stat().st_mode & 0o777) == 0o640
    for sim in sims:
        assert {request["method"] for request in sim.requests} <= {"GET"}


def names(reported: Reported) -> list[str]:
    """The files of the report itself."""
    return sorted(path.name for path in reported.files.iterdir() if path.is_file())


def test_a_fleet(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    one, two = sims
    one.ontap.change_vault("vs1", client_id=HOSTILE)
    two.ontap.remove_vault("vs0")
    hosts["refused"] = {**hosts["c1"], "ontap_password": "wrong"}
    hosts["gone"] = {**hosts["c1"], "ontap_http_port": 1}
    hosts["mistaken"] = {**hosts["c1"], "azure_key_vault_svms": "{{ nowhere }}"}
    # For other playbooks: this one has the modules run here.
    hosts["remote"] = {**hosts["c1"], **NOWHERE}
    before = [sim.snapshot() for sim in sims]
    reported = drift_report(hosts, tmp_path, "--diff", "-vvv")
    assert reported.status == 0, reported.output
    check(reported, sims)
    assert names(reported) == FILES
    assert {host["host"]: host["status"] for host in reported.report["hosts"]} == {
        "c1": "ok",
        "c2": "ok",
        "refused": "error",
        "gone": "unreachable",
        "mistaken": "error",
        "remote": "ok",
    }
    assert "nowhere" in reported.host("mistaken")["error"]["msg"]
    assert reported.report["summary"]["verdict"] == "error"
    assert reported.report["summary"]["hosts"]["asked"] == 6
    drift = reported.host("c1")["vaults"][1]["drift"]
    assert [(d["field"], d["severity"], d["actual"]) for d in drift] == [("client_id", "high", HOSTILE)]
    assert reported.host("c2")["vaults"][0]["verdict"] == "missing"
    # One look at the configurations, health included.
    assert sum(request["path"].endswith("/azure-key-vaults") for request in two.requests) == 1
    assert reported.host("c1")["vaults"][0]["health"]["verdict"] == "healthy"
    assert reported.report["summary"]["health_asked"]

    first = reported.report
    again = drift_report(hosts, tmp_path, "--check", "--forks", "2", **ONLY)
    check(again, sims)
    assert [sim.snapshot() for sim in sims] == before
    assert again.host("c1") == next(host for host in first["hosts"] if host["host"] == "c1")
    assert again.report["hosts"] == first["hosts"]
    since = again.report["summary"].pop("since_last")
    assert (since["ended"], since["new"], since["gone"]) == (first["ended"], 0, [])
    assert [point["ended"] for point in again.report["summary"]["trend"]] == [again.report["ended"]]


Status = t.Callable[..., int]


@pytest.fixture
def status(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> Status:
    """Runs the playbook, whose first cluster differs in a key, and returns its exit status."""
    sims[0].ontap.change_vault("vs1", key_id=KEY_2)

    def status(fail_on: str, *arguments: str, **variables: t.Any) -> int:
        reported = drift_report(hosts, tmp_path, *arguments, **ONLY, drift_report_fail_on=fail_on, **variables)
        check(reported, sims)
        return reported.status

    return status


def test_drift_ends_a_run(status: Status) -> None:
    assert status("drift", "--check") == 2
    assert status("drift", "--limit", "c2") == 0
    assert status("error") == 0
    excused = {"host": "c1", "field": "key_id", "reason": "being moved", "expires": "2999-12-31"}
    assert status("drift", drift_report_ignore=[excused]) == 0


def test_trouble_ends_a_run(status: Status, sims: tuple[Simulator, Simulator], hosts: Hosts) -> None:
    hosts["c2"]["ontap_http_port"] = 1
    assert status("error") == 2
    assert status("critical") == 0
    sims[0].ontap.set_azure(reachable=False)
    # Nobody asked, which is said; but a run that may end on it asks in any case.
    assert status("error", "--limit", "c1", drift_report_health="false", ontap_hosts="") == 0
    assert status("critical", drift_report_health="false", ontap_hosts="") == 2
    # Whatever else is accepted, and without a word about health: keys out of reach are worse.
    sims[0].ontap.change_vault("vs1", key_id=OLD["key_id"])
    for fail_on in ("drift", "error"):
        assert status(fail_on, "--limit", "c1") == 2


def own_play(folder: Path, **more: t.Any) -> str:
    """The path of a playbook with the role in a play of somebody's own."""
    play = {"name": "Somebody's own", "hosts": "all", "gather_facts": False, "connection": "local", "vars": HERE}
    path = folder / "own.yml"
    path.write_text(json.dumps([{**play, "roles": ["ontap.security.drift_report"], **more}]))
    return str(path)


def test_serial_limit_and_formats(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    # All of the last batch.
    hosts["c3"] = {**hosts["c1"], **NOWHERE}
    reported = drift_report(
        hosts,
        tmp_path,
        playbook=own_play(tmp_path, serial=1),
        drift_report_formats="json,xml",
        drift_report_clusters="true",
    )
    check(reported, sims)
    assert names(reported) == ["drift-report.json", "drift-report.xml"]
    assert reported.output.count("The report is in") == 1
    assert [host["status"] for host in reported.report["hosts"]] == ["ok", "ok", "unreachable"]
    assert reported.host("c1")["cluster"]["name"] == "prod"
    assert reported.host("c1")["release"] == "9.16.1"
    assert reported.host("c2")["vaults"][0]["health"]["verdict"] == "healthy"
    limited = drift_report(hosts, tmp_path, "--limit", "c2", **ONLY, drift_report_dir="elsewhere/deep")
    folder = tmp_path / "elsewhere" / "deep"
    assert [h["host"] for h in json.loads((folder / "drift-report.json").read_text())["hosts"]] == ["c2"]
    assert str(folder) in limited.output


def test_all_formats_tell_the_same(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    sims[0].ontap.change_vault("vs1", key_id=KEY_2)
    reported = drift_report(hosts, tmp_path)
    # Where nothing differs that takes one request, health included.
    assert [request["path"] for request in sims[1].requests] == ["/api/security/azure-key-vaults"]
    assert reported.report["summary"]["health_asked"]
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in reported.files.glob("drift-report.*")}
    for suffix, text in texts.items():
        assert KEY_2 in text or suffix in (".html", ".prom"), suffix
    with (reported.files / "drift-report.csv").open(newline="", encoding="utf-8") as file:
        assert [row["field"] for row in csv.DictReader(file) if row["field"]] == ["key_id"]
    assert ElementTree.fromstring(texts[".xml"]).attrib["failures"] == "1"
    assert KEY_2.rpartition("/")[2] in texts[".html"]


def test_reports_are_kept_and_say_how_they_were_made(
    sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path
) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    revision = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    kept = tmp_path / "drift-report" / "kept"
    kept.mkdir(parents=True)
    for day in (1, 2):
        (kept / f"drift-report-2026-01-0{day}T00:00:00Z.json").write_text("{}", encoding="utf-8")
    (kept / "notes.json").write_text("{}", encoding="utf-8")
    only = {"drift_report_formats": "json,html", "drift_report_keep": "2"}
    reported = drift_report(hosts, tmp_path, "--limit", "c1", "--check", **only)
    assert reported.status == 0, reported.output
    made = reported.report["provenance"]
    assert (made["revision"], made["limit"], made["job"]) == (revision, "c1", "7")
    assert made["ansible_core"].startswith("2.")
    written = (reported.files / "drift-report.json").read_bytes()
    assert hashlib.sha256(written).hexdigest() in (reported.files / "drift-report.html").read_text(encoding="utf-8")
    # Nobody else's file is removed.
    now = f"drift-report-{reported.report['ended']}.json"
    assert sorted(path.name for path in kept.iterdir()) == ["drift-report-2026-01-02T00:00:00Z.json", now, "notes.json"]
    assert (kept / now).read_bytes() == written
    assert [host["groups"] for host in reported.report["hosts"]] == [["clusters"]]


def test_the_summary_for_the_next_job_has_fixed_keys(
    sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path
) -> None:
    reported = drift_report(hosts, tmp_path)
    stats = reported.output.partition("CUSTOM STATS")[2]
    for key in ("drift_report_summary", "verdict", "hosts", "configurations", "severities", "folder", "unreachable"):
        assert f'"{key}"' in stats
    assert '"verdict": "in_sync"' in stats
    # A table, not pages.
    assert len(reported.printed.splitlines()) < 90
    assert not re.search(r"\bchanged=[1-9]", reported.output)


@pytest.mark.parametrize("fatal", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_what_fails_is_in_the_report_of_any_play(
    sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path, fatal: bool
) -> None:
    """Before the role, and in it, where any_errors_fatal would let a failure take the others along."""
    hosts["c1"]["azure_key_vault_svms"] = "{{ nowhere }}"
    hosts["c3"] = {**hosts["c2"], **NOWHERE}
    lost = {}
    if not fatal:
        hosts["c4"] = hosts["c2"]
        hosts["c5"] = {**hosts["c2"], "ansible_host": "{{ nowhere }}"}
        lost = {"c4": "error", "c5": "error"}
    stop = {"name": "Stop one", "ansible.builtin.fail": {"msg": "no"}, "when": "inventory_hostname == 'c4'"}
    playbook = own_play(tmp_path, any_errors_fatal=fatal, pre_tasks=[stop])
    reported = drift_report(hosts, tmp_path, playbook=playbook, **ONLY)
    check(reported, sims)
    assert {host["host"]: host["status"] for host in reported.report["hosts"]} == {
        "c1": "error",
        "c2": "ok",
        "c3": "unreachable",
        **lost,
    }


def test_it_is_written_when_no_host_can_be_asked(hosts: Hosts, tmp_path: Path) -> None:
    bad = {"mistaken": {"azure_key_vault_svms": "{{ nowhere }}"}, "unknown": {"ansible_connection": "unknown"}}
    bad |= {"nameless": {"ontap_hostname": "{{ nowhere }}"}, "nowhere": {"ansible_connection": "{{ nowhere }}"}}
    asked = {name: {**hosts["c1"], "ontap_http_port": 1, **variables} for name, variables in bad.items()}
    reported = drift_report(asked, tmp_path, **ONLY, drift_report_fail_on="error")
    check(reported)
    assert reported.status == 2
    assert {host["host"]: host["status"] for host in reported.report["hosts"]} == {
        "mistaken": "error",
        "unknown": "unreachable",
        "nameless": "error",
        "nowhere": "unreachable",
    }


def test_an_empty_answer_counts_as_not_given(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    for entry, playbook in (("main", "drift_report"), ("merge", "merge_drift_reports")):
        empty = dict.fromkeys(specs[entry]["options"], "")
        reported = drift_report(hosts, tmp_path, playbook=f"ontap.security.{playbook}", **empty)
        check(reported, sims)
        assert reported.status == 0, reported.output
        assert names(reported) == FILES
        # Which is to ask for health.
        assert reported.report["summary"]["health_asked"]
        assert not reported.report["summary"]["warnings"]
        if entry == "merge":
            # There are no parts, so the report of the run before must not be left standing.
            assert reported.report["summary"]["not_covered"] == ["c1", "c2"]
            assert reported.report["summary"]["verdict"] == "error"
            assert "No report below" in reported.output


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("dir", "inventory.json", "which drift_report_dir names"),
        # How each answer is read is held by tests/unit/test_survey_answers.py.
        pytest.param("dir", "inventory.json/below", "which drift_report_dir names", marks=pytest.mark.thorough),
        ("health", "perhaps", "drift_report_health is perhaps. It can be true or false."),
        pytest.param("formats", "json,pdf", "pdf", marks=pytest.mark.thorough),
        ("fail_on", "anything", "drift_report_fail_on is anything. It is one of none, drift, error, critical."),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_asked(
    sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path, variable: str, value: str, words: str
) -> None:
    reported = drift_report(hosts, tmp_path, **{f"drift_report_{variable}": value})
    assert reported.status == 2
    assert words in reported.output
    assert not any(sim.requests for sim in sims)


def test_what_others_may_have_left_behind(hosts: Hosts, tmp_path: Path) -> None:
    """A folder that is shared, a report that is none, exceptions of another form, and names of all sorts."""
    folder = tmp_path / "drift-report"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "drift-report.json").write_text('{"schema": "ontap.security/drift-report", "hosts": 1')
    names = ["it's", 'a "b" c', "\u65e5\u672c", "<b>it</b>|", "a,b", "-e"]
    reported = drift_report(
        dict.fromkeys(names, hosts["c1"]),
        tmp_path,
        *("--check", "--diff", "-vvvvv"),
        drift_report_ignore="host: it's",
    )
    check(reported)
    assert sorted(names) == [host["host"] for host in reported.report["hosts"] if host["status"] == "ok"]
    assert (folder.stat().st_mode & 0o777) == 0o755
    warnings = " ".join(reported.report["summary"]["warnings"])
    assert "The previous report cannot be used" in warnings
    assert "Exception 1: it is no dictionary" in warnings


def test_merging_what_slices_have_found(sims: tuple[Simulator, Simulator], hosts: Hosts, tmp_path: Path) -> None:
    parts = [tmp_path / "parts" / name for name in ("1", "2", "deep/3")]

    def look(part: Path, *names: str) -> None:
        drift_report({name: hosts[name] for name in names}, tmp_path, **ONLY, drift_report_dir=str(part))

    def merged(*arguments: str, **variables: t.Any) -> Reported:
        playbook = "ontap.security.merge_drift_reports"
        # The merged report lies there as well, and is no part.
        reported = drift_report(hosts, tmp_path, *arguments, playbook=playbook, drift_report_parts_dir=".", **variables)
        check(reported, sims)
        return reported

    hosts["c3"] = {**hosts["c1"], "ontap_http_port": 1}
    hosts["c4"] = hosts["c1"]
    sims[0].ontap.change_vault("vs1", key_id=KEY_2)
    look(parts[0], "c1")
    look(parts[1], "c2", "c3")
    look(parts[2], "c4")
    first = merged("--check")
    assert first.status == 0
    assert names(first) == FILES
    statuses = {host["host"]: host["status"] for host in first.report["hosts"]}
    assert statuses == {"c1": "ok", "c2": "ok", "c3": "unreachable", "c4": "ok"}
    assert first.report["summary"]["not_covered"] == []
    assert "4 clusters asked" in first.output
    assert '"verdict": "error"' in first.output.partition("CUSTOM STATS")[2]
    before = {name: first.host(name)["vaults"][1]["first_seen"] for name in ("c1", "c4")}

    # The next night: of one part there is only the old report, a host of the second is in none, and that of the third
    # knows nothing of the night before.
    yesterday = time.time() - 24 * 3600
    os.utime(parts[0] / "drift-report.json", (yesterday, yesterday))
    (parts[1] / "drift-report.json").unlink()
    look(parts[1], "c2")
    path = parts[2] / "drift-report.json"
    path.write_text(path.read_text(encoding="utf-8").replace(before["c4"], "2999-01-01T00:00:00Z"), encoding="utf-8")
    second = merged(**ONLY, drift_report_fail_on="error", ontap_hosts="all:!c3")
    assert second.status == 2
    assert second.report["summary"]["not_covered"] == ["c1"]
    assert [host["host"] for host in second.report["hosts"]] == ["c1", "c2", "c4"]
    assert second.host("c1")["remembered"][0]["first_seen"] == before["c1"]
    assert second.host("c4")["vaults"][1]["first_seen"] == before["c4"]
