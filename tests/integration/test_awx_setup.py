# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook awx_setup and its role, with the real modules of awx.awx, against a simulated AWX; and its data."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.awx import credential_types
from tests.awx.controller import PASSWORD, TOKEN, USERNAME, Controller

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
PROJECT = PLAYBOOKS / "example_project"
FILES = sorted(path.name for path in PROJECT.glob("*.yml"))
REQUIRED = {
    "awx_setup_project_url": "https://git.example.com/ontap.git",
    "awx_setup_image": "registry.example.com/ontap:1",
}
APPLY = "ONTAP AKV: apply"
CREDENTIALS = ["Azure application for ONTAP", "NetApp ONTAP"]

ROLE = PLAYBOOKS.parent / "roles/awx_setup"
TASKS = yaml.safe_load((ROLE / "tasks/main.yml").read_text(encoding="utf-8"))
TEMPLATES = yaml.safe_load((ROLE / "vars/awx_job_templates.yml").read_text(encoding="utf-8"))["awx_job_templates"]


def modules(tasks: t.Iterable[dict[str, t.Any]]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Name and arguments of each task that calls a module of awx.awx."""
    for task in tasks:
        for key, value in task.items():
            if key in ("block", "rescue", "always"):
                yield from modules(value)
            elif key.startswith("awx.awx."):
                yield key, value


def head(playbook: str) -> str:
    """The comment that a playbook starts with."""
    text = (PLAYBOOKS / playbook).read_text(encoding="utf-8")
    return "\n".join(line for line in text.partition("\n- ")[0].splitlines() if line.startswith("#"))


@dataclass(frozen=True)
class Ran:
    """One run of the playbook: how it ended, what it printed on one line, and what would change something in AWX."""

    failed: bool
    output: str
    changed: int
    writes: list[str]


def run(awx: Controller, folder: Path, variables: dict[str, str], *arguments: str, password: bool = False) -> Ran:
    login = (
        {"CONTROLLER_USERNAME": USERNAME, "CONTROLLER_PASSWORD": PASSWORD}
        if password
        else {"CONTROLLER_OAUTH_TOKEN": TOKEN}
    )
    # Those of an inventory count, as everywhere. JSON is YAML.
    inventory = folder / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": {}}, "vars": variables}}), encoding="utf-8")
    awx.clear()
    finished = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "ontap.security.awx_setup",
            *("-i", str(inventory), *arguments),
        ],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("CONTROLLER_", "TOWER_"))},
            **login,
            "CONTROLLER_HOST": awx.url,
            "ANSIBLE_HOME": str(folder),
            "ANSIBLE_LOCAL_TEMP": str(folder),
            "ANSIBLE_REMOTE_TEMP": str(folder),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
            # The modules look there for a login, too.
            "HOME": str(folder),
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
    assert "duplicate mapping key" not in output, output
    assert finished.returncode in (0, 2), output
    changed = re.findall(r"\bchanged=(\d+)", output)
    return Ran(finished.returncode != 0, " ".join(output.split()), int(changed[-1]), awx.writes)


@pytest.fixture
def awx() -> t.Iterator[Controller]:
    """An AWX of which another organization has made use, by the same names."""
    with Controller(FILES) as controller:
        other = controller.add("organizations", name="Other")
        machine = controller.add("credential_types", name="Machine", kind="ssh")
        controller.add("inventories", name="ONTAP AKV", organization=other)
        controller.add("labels", name="ONTAP AKV", organization=other)
        controller.add("projects", name="ONTAP AKV", organization=other)
        for name in CREDENTIALS:
            controller.add("credentials", name=name, organization=other, credential_type=machine)
        yield controller


def test_missing_variables_are_named(awx: Controller, tmp_path: Path) -> None:
    both = run(awx, tmp_path, {"awx_setup_image": ""})
    assert both.failed
    assert "Missing: awx_setup_project_url, awx_setup_image." in both.output
    assert not awx.requests


def test_what_the_nightly_report_cannot_fail_on(awx: Controller, tmp_path: Path) -> None:
    checked = run(awx, tmp_path, {**REQUIRED, "awx_setup_schedule_fail_on": "sometimes"}, "--check")
    assert checked.failed
    assert "awx_setup_schedule_fail_on is" in checked.output
    assert "It is one of none, drift, error, critical. Nothing has been sent to AWX." in checked.output
    assert not awx.requests


# One test, because each run takes its time: check, do, check what somebody has changed, and make a second set after an
# upgrade.
def test_setup(awx: Controller, tmp_path: Path) -> None:
    # AWX does not know the last playbook when it has fetched the project for the first time.
    awx.files.remove("move_vault.yml")
    awx.pushed_later.add("move_vault.yml")
    first = run(awx, tmp_path, REQUIRED, "--check", password=True)
    # Everything up to the inventory, which is all that can be known.
    assert (first.failed, first.changed, first.writes) == (False, 5, []), first.output
    assert "They can be checked once this has run without --check." in first.output

    done = run(awx, tmp_path, REQUIRED)
    assert not done.failed, done.output
    assert "could be checked" not in done.output
    assert_base(awx)
    assert_job_templates(awx)
    assert_schedule(awx)
    assert_workflow(awx)

    secrets = {"username": "ansible", "password": "filled-in-by-hand", "validate_certs": "true"}
    awx.change("credentials", "NetApp ONTAP", organization="Default", inputs=secrets)
    awx.change("job_templates", APPLY, ask_variables_on_launch=True)
    # As an earlier release made it. AWX would refuse to change it.
    for name in CREDENTIALS:
        fields = awx.named("credential_types")[name]["inputs"]["fields"]
        awx.change("credential_types", name, inputs={"fields": [{**fields[0], "help_text": "Older."}, *fields[1:]]})
    drift = run(awx, tmp_path, REQUIRED, "--check")
    # Nothing else: the second run makes nothing anew.
    assert (drift.failed, drift.changed, drift.writes) == (False, 1, []), drift.output
    assert "WARNING" not in drift.output
    assert f"changed: [localhost] => (item={APPLY})" in drift.output
    assert "They can be checked" not in drift.output
    assert "Not changed: NetApp ONTAP, Azure application for ONTAP. This release describes other fields" in drift.output

    # One of the types has been renamed, as the message says.
    number = awx.named("credential_types")[CREDENTIALS[0]]["id"]
    assert ask(awx, "PATCH", f"credential_types/{number}", name="Old")[0] == 200
    before = {resource: awx.named(resource) for resource in SET}
    second = run(awx, tmp_path, {**REQUIRED, "awx_setup_prefix": "Lab"})
    assert not second.failed, second.output
    assert "Not changed: NetApp ONTAP. This release" in second.output
    assert awx.named("credential_types")["NetApp ONTAP"]["inputs"]["fields"][0]["help_text"] == "Older."
    assert_second_set(awx, before)
    # What has been filled in by hand stays, too.
    assert not [write for write in second.writes if write.startswith("PATCH")], second.writes


# What the second set has of its own.
SET = ("projects", "inventories", "labels", "job_templates", "schedules", "workflow_job_templates")


def assert_second_set(awx: Controller, before: dict[str, dict[str, t.Any]]) -> None:
    for resource in SET:
        now = awx.named(resource)
        assert {name: now[name] for name in before[resource]} == before[resource]
        added = sorted(set(now) - set(before[resource]))
        assert added == sorted(name.replace("ONTAP AKV", "Lab") for name in before[resource])
        for name in added:
            for field in {"project", "inventory", "unified_job_template"} & set(now[name]):
                assert (now[name][field] or "Lab").startswith("Lab"), (name, field)
    kinds = {item["id"]: item["name"] for item in awx.named("credential_types").values()}
    for name, template in awx.named("job_templates").items():
        attached = ask(awx, "GET", f"job_templates/{template['id']}/credentials")[1]["results"]
        azure = "Old" if name.startswith("ONTAP AKV") else CREDENTIALS[0]
        assert sorted(kinds[one["credential_type"]] for one in attached) == sorted([azure, "NetApp ONTAP"])


def assert_base(awx: Controller) -> None:
    types = awx.named("credential_types")
    for wanted in credential_types.load():
        assert {**types[wanted["name"]], **wanted} == types[wanted["name"]]
    credentials = awx.named("credentials")
    assert sorted(credentials) == CREDENTIALS
    for name in CREDENTIALS:
        assert (credentials[name]["credential_type"], credentials[name]["inputs"]) == (name, {})
    environment = awx.named("execution_environments")["ONTAP"]
    # Of no organization, so that other organizations can use it.
    assert (environment["image"], environment["organization"]) == (REQUIRED["awx_setup_image"], None)
    project = awx.named("projects")["ONTAP AKV"]
    assert (project["scm_type"], project["scm_url"]) == ("git", REQUIRED["awx_setup_project_url"])
    assert project["scm_update_on_launch"] is True
    source = awx.named("inventory_sources")["ONTAP AKV"]
    assert {**source, "source": "scm", "source_project": "ONTAP AKV", "inventory": "ONTAP AKV"} == source
    assert source["source_path"] == "inventory/hosts.yml"
    assert all(source[field] is True for field in ("overwrite", "overwrite_vars", "update_on_launch"))


def assert_job_templates(awx: Controller) -> None:
    made = awx.named("job_templates")
    assert list(made) == [template["name"] for template in TEMPLATES]
    for template in TEMPLATES:
        refers = {
            "project": "ONTAP AKV",
            "inventory": "ONTAP AKV",
            "execution_environment": "ONTAP",
            "credentials": CREDENTIALS,
            "labels": ["ONTAP AKV"],
        }
        assert {**made[template["name"]], **template, **refers} == made[template["name"]]
        # Slices are for the one who starts a job to ask for.
        assert made[template["name"]]["job_slice_count"] == 1


def assert_schedule(awx: Controller) -> None:
    (schedule,) = awx.named("schedules").values()
    assert (schedule["unified_job_template"], schedule["enabled"]) == ("ONTAP AKV: drift report", True)
    assert schedule["rrule"] == "DTSTART:20260101T030000Z RRULE:FREQ=DAILY;INTERVAL=1"
    assert schedule["extra_data"] == {"drift_report_fail_on": "drift", "drift_report_health": "true"}


def assert_workflow(awx: Controller) -> None:
    (workflow,) = awx.named("workflow_job_templates").values()
    assert (workflow["name"], workflow["labels"], workflow["allow_simultaneous"]) == (
        "ONTAP AKV: report, approve, apply",
        ["ONTAP AKV"],
        False,
    )
    nodes = awx.named("workflow_job_template_nodes")
    approval = "Apply what the report shows?"
    links = ("success_nodes", "failure_nodes", "always_nodes")
    assert {
        name: (node["unified_job_template"], node["job_type"], *(node[link] for link in links))
        for name, node in nodes.items()
    } == {
        "report": ("ONTAP AKV: drift report", None, [], ["approve"], []),
        "approve": (approval, None, ["apply"], [], []),
        "apply": (APPLY, "run", [], [], ["proof"]),
        "proof": ("ONTAP AKV: drift report", None, [], [], []),
    }
    for name, node in nodes.items():
        fail_on = "drift" if name in ("report", "proof") else None
        assert (node["workflow_job_template"], node["extra_data"].get("drift_report_fail_on")) == (
            workflow["name"],
            fail_on,
        )
    assert awx.named("workflow_approval_templates")[approval]["timeout"] == 86400
    assert "Read the report" in awx.named("workflow_approval_templates")[approval]["description"]


def test_every_argument_is_an_option() -> None:
    """Also those of tasks that a run may leave out."""
    calls = list(modules(TASKS))
    names = sorted({name for name, _arguments in calls})
    doc = Path(sys.executable).with_name("ansible-doc")
    shown = subprocess.run([str(doc), "-j", *names], capture_output=True, text=True, check=True, timeout=300)
    known = json.loads(shown.stdout)
    assert len(names) > 8
    for name, arguments in calls:
        assert set(arguments) <= set(known[name]["doc"]["options"]), name
    # And all that is written down for a job template gets there.
    (arguments, *_same) = [arguments for name, arguments in calls if name == "awx.awx.job_template"]
    used = set(re.findall(r"\{\{ item\.(\w+) ", " ".join(map(str, arguments.values()))))
    for template in TEMPLATES:
        assert set(template) == used, template["name"]
        # The name gets another prefix.
        assert all(str(arguments[key]) == f"{{{{ item.{key} }}}}" for key in set(template) - {"name"})


def test_the_nightly_report_fails_on_what_its_survey_offers() -> None:
    choices = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))["__awx_setup_choices"]
    questions = [question for template in TEMPLATES for question in template["survey_spec"]["spec"]]
    (offered,) = [one["choices"] for one in questions if one["variable"] == "drift_report_fail_on"]
    assert choices == offered


def test_the_example_project_has_every_playbook() -> None:
    assert sorted(template["playbook"] for template in TEMPLATES) == FILES
    for name in FILES:
        (play,) = yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))
        assert play["import_playbook"] == f"ontap.security.{name.removesuffix('.yml')}"
        assert (PLAYBOOKS / name).exists()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template["playbook"])
def test_surveys_ask_for_what_the_playbook_knows(template: dict[str, t.Any]) -> None:
    known = set(re.findall(r"\w+", head(template["playbook"])))
    for name in re.findall(r"role: ontap\.security\.(\w+)", (PLAYBOOKS / template["playbook"]).read_text("utf-8")):
        specs = (PLAYBOOKS.parent / f"roles/{name}/meta/argument_specs.yml").read_text(encoding="utf-8")
        options = yaml.safe_load(specs)["argument_specs"]["main"]["options"]
        known |= set(options)
    for question in template["survey_spec"]["spec"]:
        assert question["variable"] in known
        assert question["type"] != "password", "secrets come from credentials"
        # AWX takes an empty answer for one that is not among the choices.
        assert question["required"] or question["type"] != "multiplechoice"


def test_the_survey_offers_what_the_report_can_fail_on() -> None:
    of_role = yaml.safe_load((PLAYBOOKS.parent / "roles/drift_report/vars/main.yml").read_text(encoding="utf-8"))
    (report,) = [template for template in TEMPLATES if template["playbook"] == "drift_report.yml"]
    (question,) = [one for one in report["survey_spec"]["spec"] if one["variable"] == "drift_report_fail_on"]
    assert question["choices"] == list(of_role["__drift_report_failing"])


def ask(awx: Controller, method: str, path: str, **data: t.Any) -> tuple[int, t.Any]:
    request = urllib.request.Request(
        f"{awx.url}/api/v2/{path}/",
        method=method,
        data=json.dumps(data).encode() if data else None,
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


QUESTION = {"question_name": "?", "variable": "known", "type": "multiplechoice", "required": True, "choices": ["a"]}
RULE = "DTSTART:20260101T030000Z RRULE:FREQ=DAILY;INTERVAL=1"


def test_the_simulated_awx_refuses_what_awx_refuses() -> None:
    """Otherwise the test above would prove little."""
    with Controller(["site.yml"]) as awx:
        project = ask(awx, "POST", "projects", name="p", organization=1, scm_type="git", scm_url="u")[1]["id"]
        inventory = ask(awx, "POST", "inventories", name="i", organization=1)[1]["id"]
        template = {"name": "t", "project": project, "playbook": "site.yml", "inventory": inventory}
        # Only when it has been seen to be fetched are the playbooks known.
        assert ask(awx, "POST", "job_templates", **template)[1] == {"playbook": ["Playbook not found for project."]}
        update = ask(awx, "POST", f"projects/{project}/update")[1]["id"]
        assert ask(awx, "GET", f"project_updates/{update}")[1]["finished"]
        job = ask(awx, "POST", "job_templates", **template, survey_enabled=True)[1]["id"]
        survey = {"name": "", "description": "", "spec": [QUESTION]}
        assert ask(awx, "POST", f"job_templates/{job}/survey_spec", **survey)[0] == 200
        workflow = ask(awx, "POST", "workflow_job_templates", name="w", organization=1)[1]["id"]
        node = {"workflow_job_template": workflow, "unified_job_template": job}
        one, two = (ask(awx, "POST", "workflow_job_template_nodes", **node, identifier=x)[1]["id"] for x in "ab")
        assert ask(awx, "POST", f"workflow_job_template_nodes/{one}/success_nodes", id=two)[0] == 204
        schedule = {"name": "s", "unified_job_template": job}
        label = ask(awx, "POST", "labels", name="l", organization=1)[1]["id"]
        refused: list[tuple[str, dict[str, t.Any], str]] = [
            ("labels", {"name": "l", "organization": 1}, "__all__"),
            ("labels", {"name": "m", "organization": 99}, "organization"),
            ("job_templates", {**template, "name": "u", "playbook": "other.yml"}, "playbook"),
            ("job_templates", {**template, "name": "u", "scm_branch": "b"}, "scm_branch"),
            ("job_templates", {**template, "name": "u", "unknown": 1}, "unknown"),
            ("workflow_job_template_nodes", {**node, "identifier": "c", "job_type": "run"}, "job_type"),
            ("workflow_job_template_nodes", {**node, "identifier": "c", "extra_data": {"x": 1}}, "extra_data"),
            (
                "workflow_job_template_nodes",
                {**node, "identifier": "c", "extra_data": {"known": "b"}},
                "variables_needed_to_start",
            ),
            (f"workflow_job_template_nodes/{one}/failure_nodes", {"id": two}, "Error"),
            (f"workflow_job_template_nodes/{two}/always_nodes", {"id": one}, "Error"),
            ("schedules", {**schedule, "rrule": RULE}, "variables_needed_to_start"),
            ("schedules", {**schedule, "rrule": "RRULE:FREQ=DAILY", "extra_data": {"known": "a"}}, "rrule"),
            ("credential_types", {"name": "c", "kind": "cloud", "inputs": {"fields": [{"id": "x"}]}}, "inputs"),
            (f"job_templates/{job}/labels", {"id": project}, "detail"),
            (f"job_templates/{job}/survey_spec", {**survey, "spec": []}, "error"),
            (f"job_templates/{job}/survey_spec", {**survey, "spec": [{**QUESTION, "default": "b"}]}, "error"),
            (f"job_templates/{job}/survey_spec", {**survey, "spec": [{**QUESTION, "type": "choice"}]}, "error"),
            (f"job_templates/{job}/survey_spec", {**survey, "spec": [{**QUESTION, "required": "yes"}]}, "error"),
        ]
        for path, data, field in refused:
            status, answer = ask(awx, "POST", path, **data)
            assert (status, list(answer)) == (400, [field]), (path, data, answer)
        assert ask(awx, "POST", "schedules", **schedule, rrule=RULE, extra_data={"known": "a"})[0] == 201
        assert ask(awx, "POST", f"job_templates/{job}/labels", id=label)[0] == 204


def test_the_simulated_awx_keeps_the_fields_of_credential_types() -> None:
    """Of those that have credentials. Everything else about them may change."""
    fields = [{"id": "x", "label": "X"}]
    with Controller() as awx:
        given = {
            "name": "c",
            "kind": "cloud",
            "inputs": {"fields": fields},
            "injectors": {"env": {"AKV_CLIENT_ID": "{{ x }}"}},
        }
        kind = ask(awx, "POST", "credential_types", **given)[1]["id"]
        path = f"credential_types/{kind}"
        assert ask(awx, "PATCH", path, inputs={"fields": [{"id": "x", "label": "Y"}]})[0] == 200
        assert ask(awx, "PATCH", path, inputs={"fields": fields})[0] == 200
        assert ask(awx, "POST", "credentials", name="n", organization=1, credential_type=kind)[0] == 201
        for changed in ([{"id": "x", "label": "Y"}], [{**fields[0], "help_text": "?"}]):
            status, answer = ask(awx, "PATCH", path, inputs={"fields": changed})
            assert (status, "credential types that are in use" in answer["detail"]) == (403, True)
        # AWX completes the fields before it compares.
        assert ask(awx, "PATCH", path, name="d", description="e", inputs={"fields": fields})[0] == 200
        assert ask(awx, "PATCH", path, injectors={"env": {"AKV_TENANT_ID": "{{ x }}"}})[0] == 200
