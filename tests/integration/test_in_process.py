# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task in Ansible's own process and one in a process of its own are the same to a user."""

from __future__ import annotations

import copy
import json
import re
import shutil
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulator import Simulator
from tests.support.beats import FULL, IDENTITY, OLD, SECRET, connection
from tests.support.cores import CORES, NEWEST, ansible_playbook, each_core
from tests.support.tasks import Task, play

NEW = {"svm": "vs0", **FULL}
ALWAYS = {"svm": "vs1", "client_secret": SECRET, "update_credentials": "always"}
# Every kind of task, and of what can be wrong with one. None leaves anything behind that the other way would meet.
TASKS = [
    Task({"svm": "vs1"}, name="nothing to do"),
    Task(ALWAYS, name="a change"),
    Task(ALWAYS, check=True, name="a predicted change"),
    Task(NEW, check=True, name="a predicted create"),
    Task({"vaults": [ALWAYS, {"svm": "vs1"}, NEW]}, module="azure_key_vaults", check=True, name="a list"),
    Task({"filters": {"svm.name": "vs1"}}, module="azure_key_vault_info", name="a reading"),
    Task({"svm": "vs1", "key": "internal"}, module="azure_key_vault_rekey", check=True, name="another module"),
    Task({"svm": "vs1", "user": "admin", "vserver": "vs1"}, name="aliases beside what they stand for"),
    Task({"svm": "vs1", "client_secret": "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa"}, name="a warning"),
    Task({"svm": "vs1", "http_port": "{{ 7 }}", "state": ""}, name="texts that Ansible converts or we drop"),
    Task({**NEW, "svm": "vs9"}, name="ONTAP knows of none"),
    Task({"svm": "vs0", **IDENTITY}, name="lacks what is needed"),
    Task({"svm": "vs1", "client_secert": SECRET}, name="no option"),
    Task({"svm": "vs1", "state": "there"}, name="no choice"),
    Task({"svm": "vs1", "port": "x"}, name="no number"),
    Task({"svm": "vs1", "client_secret": [SECRET]}, name="no text"),
    Task({"vaults": [[{"client_secret": SECRET}]]}, module="azure_key_vaults", name="a list in a list"),
    Task({"filters": f"a b={SECRET}"}, module="azure_key_vault_info", name="what Ansible cannot read"),
    Task({"svm": "vs1", "hostname": ""}, name="lacks an option that the environment could have"),
    Task(ALWAYS, name="not logged", keywords={"no_log": True}),
    Task({"svm": "{{ item }}"}, name="a loop", keywords={"loop": ["vs1", "vs9"]}),
    Task({"svm": "vs9", "name": "{{ 1 }}x"}, name="a try", keywords={"retries": 1, "delay": 0, "until": False}),
    Task({"svm": "vs1"}, name="elsewhere that is here", keywords={"delegate_to": "127.0.0.1", "run_once": True}),
    Task({"svm": "vs1"}, name="bounded", keywords={"timeout": 60, "throttle": 1}),
]


def comparable(result: t.Mapping[str, t.Any]) -> t.Any:
    """A result without the names that ONTAP makes up anew each time."""
    found = copy.deepcopy(dict(result))
    found.pop("job", None)
    return found


# Where releases of Ansible differ: how arguments and results are written, warnings, errors, loops, what is censored.
DIFFERING = (
    "a change",
    "aliases beside what they stand for",
    "no option",
    "what Ansible cannot read",
    "a loop",
    "not logged",
)
FEW = [next(task for task in TASKS if task.name == name) for name in DIFFERING]
# Of each, the task is run twice.
TWICE = ("a loop", "a try")


@pytest.mark.parametrize("core", CORES)
def test_both_ways_give_the_same(core: str) -> None:
    tasks = TASKS if core == NEWEST else FEW
    with Simulator(release="9.16.1", svms=("vs0", "vs1")) as sim:
        sim.ontap.add_vault("vs1", **OLD)
        both = [
            replace(task, keywords={**task.keywords, "vars": {"ontap_in_process": in_process}})
            for task in tasks
            for in_process in (True, False)
        ]
        told = {"ANSIBLE_INJECT_INVOCATION": "true"}
        played = play(sim, both, arguments=["-vvv", "--diff"], env=told, core=core)
    ways = list(zip(played.outcomes[::2], played.outcomes[1::2]))
    assert len(ways) == len(tasks)
    for here, there in ways:
        assert comparable(here.result) == comparable(there.result), here.name
        assert (here.failed, here.methods) == (there.failed, there.methods), here.name
        assert {"invocation", "results", "censored"} & set(here.result), here.name
        assert SECRET not in str(here.result), here.name
    runs = len(tasks) + sum(task.name in TWICE for task in tasks)
    assert played.printed.count("runs in Ansible's process") == runs
    assert played.printed.count("runs in a process of its own, because ontap_in_process is false") == runs


@each_core
def test_what_ontap_says_is_no_template(core: str, tmp_path: Path) -> None:
    """Not in a later task either. Files are those beside the playbook; and the switch has to be one."""
    with Simulator(release="9.16.1", svms=("vs0",)) as sim:
        sim.ontap.refuse("create", 262197, "{{ 6 * 7 }} is no value")
        module = "ontap.security.azure_key_vault"
        tasks: list[dict[str, t.Any]] = [
            {module: NEW, "ignore_errors": True, "register": "refused"},
            {"ansible.builtin.debug": {"msg": "ONTAP: {{ refused.error.message }}"}},
            {module: NEW, "vars": {"ontap_in_process": "perhaps"}},
        ]
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/ontap.security.ontap": {**connection(sim), "ca_path": "ca.pem"}},
            "tasks": tasks,
        }
        playbook = tmp_path / "plays" / "play.yml"
        playbook.parent.mkdir()
        playbook.write_text(json.dumps([play]))
        shutil.copy(sim.ca_path, playbook.parent / "ca.pem")
        ran = ansible_playbook(core, tmp_path, "-vvv", str(playbook))
        assert [request["method"] for request in sim.requests].count("POST") == 1
    assert ran.failed
    assert ran.output.count("runs in Ansible's process") == 1
    assert "ONTAP: {{ 6 * 7 }} is no value" in ran.output
    assert "ontap_in_process is text, and must be a boolean" in ran.output


README = Path(__file__).parents[2] / "README.md"


def printed(name: str) -> str:
    """What the README says to write into a file."""
    (text,) = re.findall(rf"`{re.escape(name)}`:\n\n```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


def test_the_first_playbook_needs_no_interpreter(tmp_path: Path) -> None:
    """As the README prints it, with another host and CA, from a virtual environment that PATH does not lead to."""
    with Simulator(release="9.16.1", svms=("vs0",)) as sim:
        inventory = printed("inventory.yml").replace("cluster1.example.com", sim.host)
        playbook = printed("akv.yml").replace("/etc/pki/ontap-ca.pem", str(sim.ca_path))
        assert sim.host in inventory
        assert str(sim.ca_path) in playbook
        (tmp_path / "inventory.yml").write_text(inventory)
        (tmp_path / "akv.yml").write_text(playbook)
        exported = {
            "ONTAP_USERNAME": sim.username,
            "ONTAP_PASSWORD": sim.password,
            "AKV_CLIENT_SECRET": SECRET,
            # ONTAP's is 443.
            "ONTAP_HTTP_PORT": str(sim.port),
            "PATH": "/usr/bin:/bin",
        }
        for more, changed in (("--check", 1), ("--diff", 1), ("--diff", 0)):
            ran = ansible_playbook("2.19", tmp_path, "-i", "inventory.yml", "akv.yml", more, **exported)
            assert (ran.failed, ran.changed) == (False, changed), ran.printed
        # What the README names for the ordinary way is what that needs.
        (python,) = re.findall(r"`ansible_python_interpreter: (\".*?\")`", README.read_text(encoding="utf-8"))
        told = json.dumps({"ontap_in_process": False, "ansible_python_interpreter": json.loads(python)})
        ran = ansible_playbook("2.19", tmp_path, "-i", "inventory.yml", "akv.yml", "-e", told, **exported)
        assert not ran.failed, ran.printed
        assert sim.ontap.secret("vs0", "client_secret") == SECRET
