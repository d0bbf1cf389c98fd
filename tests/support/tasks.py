# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real modules against a simulated cluster, and tells what each task did.

``play`` runs them under ansible-playbook. ``perform`` runs them in this process, which takes milliseconds: what Ansible
does inside a module is the same, so it is for what a module makes of its options, its environment and the cluster.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import tempfile
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from tests.simulator import Simulator
from tests.support.beats import Outcome, connection
from tests.support.cores import NEWEST, programs
from tests.support.runner import Ran, ansible_playbook, environment

CALLBACKS = Path(__file__).parent / "callback_plugins"


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


def play(
    sim: Simulator,
    tasks: t.Sequence[Task],
    *,
    defaults: t.Mapping[str, t.Any] | None = None,
    arguments: t.Sequence[str] = (),
    env: t.Mapping[str, str] | None = None,
    secrets: t.Iterable[str] = (),
    in_process: bool = True,
    core: str = NEWEST,
) -> Ran:
    """Run the tasks in one play. ``defaults`` replace the connection options given by ``module_defaults``.

    Deprecation warnings inside the modules are errors.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        playbook, witness = folder / "play.yml", folder / "witness.jsonl"
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
        watched = {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "PYTHONWARNINGS": "error::DeprecationWarning",
            "WITNESS_URL": sim.url,
            "WITNESS_CA": str(sim.ca_path),
            "WITNESS_FILE": str(witness),
            **(env or {}),
        }
        sim.clear()
        ran = ansible_playbook(
            str(playbook),
            *("-i", "localhost,", *arguments),
            folder=folder,
            env=environment(folder, **watched),
            secrets=[sim.password, *secrets],
            tools=programs(core),
        )
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
    assert len(outcomes) == len(tasks), ran.printed
    for outcome in outcomes:
        assert "Traceback" not in json.dumps(outcome.result), json.dumps(outcome.result, indent=1)
        assert not outcome.result.get("deprecations"), outcome.result
    return replace(ran, outcomes=outcomes)


def perform(sim: Simulator, tasks: t.Iterable[Task], *, defaults: t.Mapping[str, t.Any] | None = None) -> list[Outcome]:
    """Run the tasks one after the other in this process, each with its environment and nothing of anybody else's."""
    login = connection(sim) if defaults is None else defaults
    return [_perform(sim, task, login) for task in tasks]


def _perform(sim: Simulator, task: Task, login: t.Mapping[str, t.Any]) -> Outcome:
    module = importlib.import_module(f"ansible_collections.ontap.security.plugins.modules.{task.module}")
    given = {**login, **task.options, "_ansible_check_mode": task.check, "_ansible_verbosity": 5}
    warnings: list[str] = []
    sim.clear()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
        around = {**environment(Path(folder)), **task.environment}
        with (
            mock.patch.dict(os.environ, around, clear=True),
            # In a process of its own they would come back in the result.
            mock.patch.object(AnsibleModule, "warn", lambda _self, text: warnings.append(text)),
            # Nobody waits before something is tried again.
            mock.patch.dict(Client.__init__.__kwdefaults__, sleep=lambda _seconds: None),
            patch_module_args(given),
            contextlib.suppress(SystemExit),
        ):
            module.main()
    assert "Traceback" not in printed.getvalue(), printed.getvalue()
    result = json.loads(printed.getvalue())
    result.setdefault("warnings", []).extend(warnings)
    assert not result.get("deprecations"), result
    return Outcome(task.name, bool(result.get("failed")), result, list(sim.requests), sim.snapshot())


def four_beats(options: t.Mapping[str, t.Any], name: str) -> list[Task]:
    """Predict, do, repeat, predict again."""
    return [
        Task(options, check=True, name=f"{name}: predict"),
        Task(options, name=f"{name}: do"),
        Task(options, name=f"{name}: repeat"),
        Task(options, check=True, name=f"{name}: predict again"),
    ]
