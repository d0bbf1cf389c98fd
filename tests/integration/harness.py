# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real modules under ansible-playbook against a simulated cluster, and tells what each task did."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from tests.beats import Outcome, connection
from tests.integration.cores import NEWEST, programs
from tests.simulator import Simulator

HERE = Path(__file__).parent
# What would change a test, and what makes every start of Ansible compile all of it again.
_OURS = ("ONTAP_", "AKV_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Task:
    """One task: options of a module, in check mode or not, with environment variables and keywords of its own."""

    options: t.Mapping[str, t.Any]
    check: bool = False
    module: str = "azure_key_vault"
    environment: t.Mapping[str, str] = field(default_factory=dict)
    name: str = "task"
    keywords: t.Mapping[str, t.Any] = field(default_factory=dict)

    def as_yaml(self) -> dict[str, t.Any]:
        # JSON is YAML; unsafe strings and templates are not wanted in tests.
        return {
            "name": self.name,
            f"ontap.security.{self.module}": dict(self.options),
            "check_mode": self.check,
            "environment": dict(self.environment),
            "ignore_errors": True,
            **self.keywords,
        }


@dataclass(frozen=True)
class Played:
    """One run of ansible-playbook."""

    outcomes: list[Outcome]
    output: str


def play(
    sim: Simulator,
    tasks: t.Sequence[Task],
    *,
    defaults: t.Mapping[str, t.Any] | None = None,
    arguments: t.Sequence[str] = (),
    environment: t.Mapping[str, str] | None = None,
    in_process: bool = True,
    core: str = NEWEST,
) -> Played:
    """Run the tasks in one play. ``defaults`` replace the connection options given by ``module_defaults``.

    Deprecation warnings inside the modules are errors.
    """
    with tempfile.TemporaryDirectory() as folder:
        playbook, witness = Path(folder, "play.yml"), Path(folder, "witness.jsonl")
        playbook.write_text(
            json.dumps(
                [
                    {
                        "hosts": "localhost",
                        "connection": "local",
                        "gather_facts": False,
                        "vars": {
                            "ansible_python_interpreter": "{{ ansible_playbook_python | quote }}",
                            "ontap_in_process": in_process,
                        },
                        "module_defaults": {
                            "group/ontap.security.ontap": dict(connection(sim) if defaults is None else defaults)
                        },
                        "tasks": [task.as_yaml() for task in tasks],
                    }
                ]
            )
        )
        sim.clear()
        finished = subprocess.run(
            [
                str(programs(core) / "ansible-playbook"),
                "-i",
                "localhost,",
                *arguments,
                str(playbook),
            ],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
                "ANSIBLE_LOCAL_TEMP": folder,
                "ANSIBLE_REMOTE_TEMP": folder,
                "ANSIBLE_HOME": folder,
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "PYTHONWARNINGS": "error::DeprecationWarning",
                "WITNESS_URL": sim.url,
                "WITNESS_CA": str(sim.ca_path),
                "WITNESS_FILE": str(witness),
                **(environment or {}),
            },
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
            check=False,
        )
        output = finished.stdout + finished.stderr
        lines = witness.read_text().splitlines() if witness.exists() else []
    outcomes = [
        Outcome(
            name=line["name"],
            failed=line["outcome"] != "ok",
            result=line["result"],
            requests=line["requests"],
            snapshot=line["snapshot"],
        )
        for line in map(json.loads, lines)
    ]
    assert len(outcomes) == len(tasks), output
    for outcome in outcomes:
        assert "Traceback" not in json.dumps(outcome.result), json.dumps(outcome.result, indent=1)
        assert not outcome.result.get("deprecations"), outcome.result
    return Played(outcomes, output)


def four_beats(options: t.Mapping[str, t.Any], name: str) -> list[Task]:
    """Predict, do, repeat, predict again."""
    return [
        Task(options, check=True, name=f"{name}: predict"),
        Task(options, name=f"{name}: do"),
        Task(options, name=f"{name}: repeat"),
        Task(options, check=True, name=f"{name}: predict again"),
    ]
