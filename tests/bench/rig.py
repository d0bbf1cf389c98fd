# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What measurements stand on: a simulated cluster, and plays whose tasks are timed."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import typing as t
from pathlib import Path
from xml.etree import ElementTree

from tests.simulator import Simulator
from tests.support.runner import ansible_playbook, environment

Task = t.Mapping[str, t.Any]

VAULT: dict[str, t.Any] = {
    "name": "https://v.vault.azure.net/",
    "key_id": "https://v.vault.azure.net/keys/k1/a8e619fd8f234db3b0b95c59540e2a74",
    "client_id": "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa",
    "tenant_id": "cccccccc-dddd-cccc-dddd-cccccccccccc",
}
SECRET = "azure-secret-of-the-benchmark"
# Ansible's own, and what the other collection says of its future is none of our concern.
STOPWATCH = {
    "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
    "JUNIT_HIDE_TASK_ARGUMENTS": "true",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
}


def cluster(svms: int) -> Simulator:
    """A cluster of which every SVM keeps its keys in ``VAULT``. To be used with ``with``."""
    simulator = Simulator("9.16.1", [f"svm{number}" for number in range(svms)])
    for svm in simulator.ontap.svms:
        simulator.ontap.add_vault(svm.name, **VAULT, client_secret=SECRET)
    return simulator


def play(simulator: Simulator, tasks: t.Iterable[Task]) -> dict[str, float]:
    """Run tasks against a simulated cluster in one play. Returns the seconds that each took, by its name."""
    login = {"hostname": simulator.host, "username": simulator.username, "password": simulator.password}
    contents = {
        "name": "Benchmark",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": shlex.quote(sys.executable)},
        "module_defaults": {
            "group/ontap.security.ontap": {**login, "http_port": simulator.port, "ca_path": simulator.ca_path},
            "group/netapp.ontap.netapp_ontap": {**login, "http_port": simulator.port},
        },
        "tasks": list(tasks),
    }
    with tempfile.TemporaryDirectory() as folder:
        # JSON is YAML.
        playbook = Path(folder, "play.yml")
        playbook.write_text(json.dumps([contents]), encoding="utf-8")
        ran = ansible_playbook(
            str(playbook),
            *("-i", "localhost,"),
            folder=Path(folder),
            # The vendor's module has no option for the CA. Not the play's environment: a task with one runs otherwise.
            env=environment(
                Path(folder), **STOPWATCH, JUNIT_OUTPUT_DIR=folder, REQUESTS_CA_BUNDLE=str(simulator.ca_path)
            ),
            secrets=[simulator.password],
        )
        if ran.failed:
            raise RuntimeError(f"ansible-playbook ended with status {ran.status}:\n{ran.printed}")
        return seconds(Path(folder))


def seconds(folder: Path) -> dict[str, float]:
    """What the stopwatch says: test cases named ``[host] play: task``."""
    (report,) = folder.glob("*.xml")
    cases = ElementTree.parse(report).iter("testcase")
    return {case.attrib["name"].partition(": ")[2]: float(case.attrib["time"]) for case in cases}
