# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without auto_restore: true, no rulebook runs anything that changes ONTAP; with it, only what restores keys."""

from __future__ import annotations

import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml

from ansible_collections.ontap.security.plugins.plugin_utils._events.options import polling

ROOT = Path(__file__).parents[2]
RULEBOOKS = sorted(ROOT.glob("extensions/eda/rulebooks/*.yml"))
# What each of these does is in this collection, or on the controller.
HARMLESS = {
    "ontap.security.azure_key_vault_info",
    "ansible.builtin.copy",
    "ansible.builtin.debug",
    "ansible.builtin.fail",
}
KEYWORDS = {"name", "block", "always", "rescue", "vars", "when", "register", "module_defaults", "failed_when"} | {
    "changed_when",
    "check_mode",
    "delegate_to",
    "loop",
    "loop_control",
}
DIAGNOSE = "ontap.security.diagnose"
RESTORE = "ontap.security.restore_by_event"

each_rulebook = pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def actions(path: Path) -> list[dict[str, t.Any]]:
    return [rule["action"] for ruleset in load(path) for rule in ruleset["rules"]]


def run_by(path: Path, **variables: t.Any) -> list[str]:
    """The playbooks that its rules run, one for each rule."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return [environment.from_string(one["run_playbook"]["name"]).render(variables) for one in actions(path)]


def modules(tasks: list[dict[str, t.Any]]) -> set[str]:
    found: set[str] = set()
    for task in tasks:
        for part in ("block", "always", "rescue"):
            found |= modules(task.get(part, []))
        found |= set(task) - KEYWORDS
    return found


@each_rulebook
def test_a_rule_does_nothing_but_run_a_playbook(path: Path) -> None:
    assert [set(one) for one in actions(path)] == [{"run_playbook"}] * 2


@each_rulebook
@pytest.mark.parametrize("given", [None, False, "false", "False", "", "no", "yes", 0, 1, [True], {}], ids=repr)
def test_without_leave_every_rule_only_looks(path: Path, given: t.Any) -> None:
    assert run_by(path, auto_restore=given) == [DIAGNOSE] * 2
    assert run_by(path) == [DIAGNOSE] * 2


@each_rulebook
@pytest.mark.parametrize("given", [True, "true", "True"])
def test_with_leave_one_rule_restores(path: Path, given: t.Any) -> None:
    assert run_by(path, auto_restore=given) == [RESTORE, DIAGNOSE]


def test_what_only_looks_has_nothing_that_changes() -> None:
    (play,) = load(ROOT / "playbooks/diagnose.yml")
    assert play["roles"] == [{"role": DIAGNOSE}]
    assert set(play) <= {"name", "hosts", "gather_facts", "any_errors_fatal", "vars", "roles"}
    assert not load(ROOT / "roles/diagnose/meta/main.yml")["dependencies"]
    assert modules(load(ROOT / "roles/diagnose/tasks/main.yml")) <= HARMLESS
    assert [path.name for path in ROOT.glob("roles/diagnose/tasks/*")] == ["main.yml"]


def test_what_restores_changes_nothing_else() -> None:
    (play,) = load(ROOT / "playbooks/restore_by_event.yml")
    (task,) = play["tasks"]
    assert [one["ansible.builtin.include_role"]["name"] for one in task["block"]] == ["ontap.security.restore"]
    assert [one["ansible.builtin.include_role"]["name"] for one in task["always"]] == [DIAGNOSE]
    found = modules(load(ROOT / "roles/restore/tasks/main.yml"))
    assert {name for name in found - HARMLESS if name.startswith("ontap.")} == {
        "ontap.security.azure_key_vault_restore"
    }


@each_rulebook
def test_what_did_not_help_is_noted_where_logs_are(path: Path) -> None:
    given = [one["run_playbook"].get("extra_vars") for one in actions(path)]
    assert given[1] is None
    folder = jinja2.Environment().from_string(given[0]["azure_key_vault_restore_dir"])
    assert folder.render(ems_state_dir="/var/lib/x") == "/var/lib/x"
    login = {"clusters": ["cluster1"], "username": "u", "password": "p"}
    assert str(Path(folder.render()).expanduser()) == polling(login).state_dir
