# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What measurements stand on: a simulated cluster, and plays whose tasks are timed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path
from xml.etree import ElementTree

from tests.simulator import Simulator

Task = t.Mapping[str, t.Any]

VAULT: dict[str, t.Any] = {
    "name": "https://v.vault.azure.net/",
    "key_id": "https://v.vault.azure.net/keys/k1/a8e619fd8f234db3b0b95c59540e2a74",
    "client_id": "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa",
    "tenant_id": "cccccccc-dddd-cccc-dddd-cccccccccccc",
}
SECRET = "azure-secret-of-the-benchmark"


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
        finished = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(playbook)],
            # The vendor's module has no option for the CA. Not the play's environment: a task with one runs otherwise.
            env={**environment(folder), "REQUESTS_CA_BUNDLE": str(simulator.ca_path)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if finished.returncode != 0:
            raise RuntimeError(f"ansible-playbook ended with status {finished.returncode}:\n{finished.stdout}")
        return seconds(Path(folder))


def environment(folder: str) -> dict[str, str]:
    """This process's environment without what would distort a measurement."""
    # A Python that stores no bytecode compiles every import of every task.
    unwanted = ("PYTHONDONTWRITEBYTECODE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    prefixes = ("ANSIBLE_", "JUNIT_", "AKV_", "ONTAP_")
    kept = {n: v for n, v in os.environ.items() if n.upper() not in unwanted and not n.startswith(prefixes)}
    return {
        **kept,
        "ANSIBLE_HOME": folder,
        "ANSIBLE_LOCAL_TEMP": folder,
        "ANSIBLE_REMOTE_TEMP": folder,
        "ANSIBLE_LOCALHOST_WARNING": "false",
        # Ansible's own stopwatch.
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
        "JUNIT_OUTPUT_DIR": folder,
        "JUNIT_HIDE_TASK_ARGUMENTS": "true",
    }


def seconds(folder: Path) -> dict[str, float]:
    """What the stopwatch says: test cases named ``[host] play: task``."""
    (report,) = folder.glob("*.xml")
    cases = ElementTree.parse(report).iter("testcase")
    return {case.attrib["name"].partition(": ")[2]: float(case.attrib["time"]) for case in cases}
