# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surveys of AWX hand to the playbooks, with each release of Ansible that reads it in another way."""

from __future__ import annotations

import json
import typing as t
from datetime import date
from pathlib import Path

import pytest
import yaml

from tests.awx.extra_vars import READ_AS, launched, written
from tests.simulator import Simulator
from tests.support import runner
from tests.support.beats import CLIENT, IDENTITY, KEY_2, OLD, TENANT, WRITES, connection
from tests.support.cores import CORES, NEWEST, ROOT, ansible_playbook, each_core, programs
from tests.support.runner import Ran

TEMPLATES: dict[str, dict[str, t.Any]] = {
    template["playbook"].removesuffix(".yml"): template
    for template in yaml.safe_load((ROOT / "roles/awx_setup/vars/awx_job_templates.yml").read_text(encoding="utf-8"))[
        "awx_job_templates"
    ]
}
# As YAML reads none of them without quotes.
SVMS = ("no", "0123")
SECRET = "c4nary-new-secret"
APPLICATION = {"AKV_CLIENT_ID": CLIENT, "AKV_TENANT_ID": TENANT, "AKV_CLIENT_SECRET": SECRET}


@pytest.fixture
def sim() -> t.Iterator[Simulator]:
    """A node lacks all keys, and each SVM's key is another one than the one that is described."""
    with Simulator(release="9.16.1", svms=SVMS) as simulator:
        for svm in SVMS:
            simulator.ontap.add_vault(svm, **{**OLD, "key_id": OLD["key_id"].replace("k1", "k0")})
            simulator.ontap.encrypt_volumes(svm)
            simulator.ontap.lose_keys("node2", svm)
        yield simulator


def run(core: str, sim: Simulator, folder: Path, *playbooks: str, **variables: t.Any) -> Ran:
    """Run playbooks of the collection one after the other, as jobs with the same extra variables."""
    options = {f"ontap_{option}": value for option, value in connection(sim).items() if option != "hostname"}
    options["ansible_host"] = sim.host
    omitted = dict.fromkeys(
        ("key_id", "state", "proxy_port", "verify_host", "client_id"), "{{ nowhere | default(omit) }}"
    )
    described = {
        "azure_key_vault_defaults": {**IDENTITY, "tenant_id": TENANT},
        "azure_key_vault_svms": [{"svm": "no", **omitted}, {"svm": "0123"}],
        "azure_key_vault_cluster": "{{ nowhere | default(omit) }}",
        # In a file of variables nobody puts a date in quotes.
        "drift_report_ignore": [{"reason": "x", "svm": "gone", "expires": date(2099, 12, 31)}],
    }
    (folder / "inventory.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {"cluster1": {**options, **described}}}}), encoding="utf-8"
    )
    (folder / "extravars").write_text(written(variables), encoding="utf-8")
    sim.clear()
    names = [f"ontap.security.{playbook}" for playbook in playbooks]
    return ansible_playbook(
        core, folder, *names, "-i", "inventory.yml", "-e", f"@{folder / 'extravars'}", **APPLICATION
    )


def sent(sim: Simulator) -> list[tuple[str, str]]:
    """What was written, and to which SVM."""
    svms = {store.uuid: store.owner.name for store in sim.ontap.sorted_stores()}
    writes = [request for request in sim.requests if request["method"] in WRITES]
    found = []
    for request in writes:
        uuid, _slash, action = request["path"].partition("/azure-key-vaults/")[2].partition("/")
        found.append((action or request["method"], svms[uuid]))
    return found


@each_core
def test_what_arrives(core: str, tmp_path: Path) -> None:
    """The table that the unit tests go by is what Ansible does."""
    variables = {f"v{number}": text for number, text in enumerate(READ_AS)}
    (tmp_path / "extravars").write_text(written(variables), encoding="utf-8")
    code = (
        "import sys; from ansible.parsing.dataloader import DataLoader\n"
        "found = DataLoader().load_from_file(sys.argv[1]).values()\n"
        "print([value if isinstance(value, str) else repr(value) for value in found])"
    )
    ran = runner.run("python", "-c", code, str(tmp_path / "extravars"), folder=tmp_path, tools=programs(core))
    read = READ_AS if core == "2.16" else READ_AS.values()
    assert ran.stdout.strip() == str([value if isinstance(value, str) else repr(value) for value in read])


ANSWERS: dict[str, dict[str, t.Any]] = {
    "restore": {"azure_key_vault_restore_svms": '"no"\n'},
    "rekey": {"azure_key_vault_rekey_key": "external", "azure_key_vault_rekey_key_id": KEY_2},
    "rotate_secret": {"azure_key_vault_rotate_svms": '["0123"]'},
    "move_vault": {"move_vault_svms": '"no"'},
}
# Tried elsewhere, in test_move_vault: it needs an inventory that says where to go.
ELSEWHERE = ["move_vault"]
# What has to be answered, and has no default.
NEEDED = {"azure_key_vault_rekey_svms": "no,\nno", "azure_key_vault_rekey_key": "internal"}


# Nobody would ask for all of these in a survey, but somebody may for any.
OPEN = {
    variable: ""
    for role in ("azure_key_vault", "drift_report")
    for variable in yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))[
        "argument_specs"
    ]["main"]["options"]
    # The inventory has them here.
    if variable not in ("azure_key_vault_defaults", "azure_key_vault_svms", "drift_report_ignore")
}


def test_there_is_an_answer_to_every_optional_question() -> None:
    for name, template in TEMPLATES.items():
        for question in template["survey_spec"]["spec"]:
            if not question["required"]:
                assert question["variable"] in ANSWERS[name]
            assert question["required"] or question["type"] != "multiplechoice"


@pytest.mark.parametrize(
    ("core", "questions"),
    [
        *[(core, questions) for questions in ("answered", "empty") for core in CORES][:-1],
        *(pytest.param(core, "omitted", marks=pytest.mark.thorough) for core in CORES),
    ],
)
def test_every_job_template(core: str, questions: str, sim: Simulator, tmp_path: Path) -> None:
    """One after the other in one run, because starts take long. Those without an optional question run once.

    With the newest, test_awx_jobs leaves all questions empty.
    """
    order = ["restore", "rekey", "rotate_secret"]
    if questions == "answered":
        order += ["apply", "drift_report", "diagnose"]
        assert sorted(order + ELSEWHERE) == sorted(TEMPLATES)
    variables: dict[str, t.Any] = {}
    for name in order:
        variables |= launched(TEMPLATES[name], {}, empty=questions == "empty")
    variables |= NEEDED
    if questions == "answered":
        variables |= {name: value for answers in ANSWERS.values() for name, value in answers.items()}
        # Each format of a report takes Ansible two processes to write.
        few = {"drift_report_formats": "json"}
        variables = {**OPEN, **few, "ontap_hosts": "", "ontap_hostname": "", **variables}
    ran = run(core, sim, tmp_path, *order, **variables)
    assert not ran.failed, ran.output
    if questions == "answered":
        # The secret, and then by apply what is described: an option that is omitted does not take away the default.
        expected = [("restore", "no"), ("rekey-external", "no"), ("PATCH", "0123")]
        expected += [("rekey-external", "no"), ("rekey-external", "0123")]
        report = json.loads((tmp_path / "drift-report/drift-report.json").read_text(encoding="utf-8"))
        assert [vault["drift"] for host in report["hosts"] for vault in host["vaults"]] == [[]] * len(SVMS)
        assert [one["expires"] for one in report["summary"]["ignore"]] == ["2099-12-31"]
    else:
        expected = [("rekey-internal", "no"), *((action, svm) for action in ("restore", "PATCH") for svm in SVMS)]
    assert sorted(sent(sim)) == sorted(expected)


@each_core
def test_one_name_that_yaml_reads_as_something_else(core: str, sim: Simulator, tmp_path: Path) -> None:
    """Where the text is there it is a name; where it is lost, nobody's keys are restored."""
    variables = launched(TEMPLATES["restore"], {"azure_key_vault_restore_svms": "no"}, empty=True)
    ran = run(core, sim, tmp_path, "restore", **variables)
    if core == "2.16":
        assert (ran.status, sent(sim)) == (0, [("restore", "no")]), ran.output
        return
    assert (ran.status, sim.requests) == (2, []), ran.output
    assert "azure_key_vault_restore_svms is false: Ansible has read it as true or false" in ran.output
    assert 'It must be a list of SVM names in double quotes, as in ["no", "0123"].' in ran.output.replace('\\"', '"')


def test_a_delegated_role_goes_to_the_cluster_of_the_inventory(sim: Simulator, tmp_path: Path) -> None:
    """Within it, ansible_host is that of the delegate, where the inventory host has none of its own."""
    options = {f"ontap_{option}": value for option, value in connection(sim).items() if option != "hostname"}
    described = {"azure_key_vault_svms": [{"svm": svm} for svm in SVMS]}
    jump = {"ansible_host": "jump.invalid", "ansible_connection": "local"}
    local = {"ansible_python_interpreter": "{{ ansible_playbook_python | quote }}"}
    hosts = {sim.host: {**options, **described}, "jump": jump}
    inventory = {"all": {"hosts": hosts, "vars": local}}
    (tmp_path / "inventory.yml").write_text(json.dumps(inventory), encoding="utf-8")
    role = {"name": "ontap.security.azure_key_vault", "apply": {"delegate_to": "jump"}}
    plays = [
        {"tasks": [{"ansible.builtin.include_role": role}]},
        {
            "roles": [
                {"role": f"ontap.security.{name}", "delegate_to": "jump"}
                for name in ("azure_key_vault", "drift_report")
            ]
        },
    ]
    play = [{"hosts": sim.host, "gather_facts": False, **one} for one in plays]
    (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    sim.clear()
    ran = ansible_playbook(NEWEST, tmp_path, "play.yml", "-i", "inventory.yml", "--check")
    assert (ran.status, [request["method"] for request in sim.requests]) == (0, ["GET"] * 5), ran.output
    assert ran.output.count(f"{sim.host}: 2 in sync") == 2
    report = json.loads((tmp_path / "drift-report/drift-report.json").read_text(encoding="utf-8"))
    assert [host["status"] for host in report["hosts"]] == ["ok"]
