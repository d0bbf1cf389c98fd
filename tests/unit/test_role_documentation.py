# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the argument specs and defaults of each role say agrees, also with the modules."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.module_utils._ansible.specs import VAULT
from ansible_collections.ontap.security.plugins.modules.azure_key_vaults import argument_spec

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in ROOT.glob("roles/*"))
ROLE = ROOT / "roles/azure_key_vault"
PREFIX = "azure_key_vault_"

Options = dict[str, dict[str, t.Any]]
# What the variables of a role begin with, where it is not the role's name: they were a playbook's before.
PREFIXES = {
    "rekey": "azure_key_vault_rekey_",
    "restore": "azure_key_vault_restore_",
    "rotate_secret": "azure_key_vault_rotate_",
}

each_role = pytest.mark.parametrize("role", ROLES)


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options_of(role: str) -> Options:
    """Of all entry points together: one that several have means the same in each."""
    options: Options = {}
    for entry_point in load(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"].values():
        for name, option in entry_point["options"].items():
            assert options.setdefault(name, option) == option, name
    return options


def prefix_of(role: str) -> str:
    return PREFIXES.get(role, f"{role}_")


def variables_in(role: str) -> str:
    """What the role does with variables, in its tasks and its own variables."""
    paths = [path for folder in ("tasks", "vars") for path in sorted((ROOT / "roles" / role / folder).glob("*.yml"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


TASKS = (ROLE / "tasks/main.yml").read_text(encoding="utf-8")
OPTIONS = options_of("azure_key_vault")

# What only some entries have. The scope follows from where an entry stands.
IDENTITY = {"svm", "svm_uuid"}
ENTRIES = {"azure_key_vault_defaults": set(), "azure_key_vault_cluster": set(), "azure_key_vault_svms": IDENTITY}


@each_role
def test_defaults_are_as_specified(role: str) -> None:
    defaults = load(ROOT / "roles" / role / "defaults/main.yml")
    of_others = {name: value for name, value in defaults.items() if not name.startswith(prefix_of(role))}
    specified = {name: option["default"] for name, option in options_of(role).items()}
    assert defaults == {**specified, **of_others}
    # A role may read what belongs to the other, with the same defaults.
    assert of_others.items() <= {name: option["default"] for name, option in OPTIONS.items()}.items()


@each_role
def test_every_variable_is_described_and_used(role: str) -> None:
    for name, option in options_of(role).items():
        assert name.startswith(prefix_of(role))
        assert option["description"], name
        assert "type" in option, name
        assert re.search(rf"(?<!__)\b{name}\b", variables_in(role)), name


def test_the_module_s_options_can_be_reached() -> None:
    module = argument_spec()
    for name in ("unmanaged", "allow_empty", "concurrency", "wait_timeout"):
        option = OPTIONS[PREFIX + name]
        assert option["default"] == module[name]["default"], name
        choices = module[name].get("choices", [])
        assert all(f"V({choice})" in str(option["description"]) for choice in choices), name
        for role in ("azure_key_vault", "drift_report"):
            assert not choices or f"choices={choices}" in " ".join(variables_in(role).split()), role


@each_role
def test_ansible_checks_no_answer(role: str) -> None:
    """An empty one is nothing with ansible-core 2.19 and later, which fits neither a list nor choices."""
    for name, option in options_of(role).items():
        assert option["type"] in ("raw", "path", "str"), name
        assert "choices" not in option, name


@each_role
def test_every_answer_goes_through_one_lookup(role: str) -> None:
    """With the default that is documented, and as the type that this has."""
    variables = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "roles" / role).glob("[tv]a*/*.yml"))
    )
    raw = set(ENTRIES) | {"azure_key_vault_credentials"}
    for name, option in options_of(role).items():
        calls = re.findall(rf"lookup\(\s*'ontap\.security\.answer', '{name}'([^)]*)\)", variables)
        # What entries are made of, the filter vault_entries takes as it is.
        assert bool(calls) == (name not in raw), name
        for call in calls:
            kind = (re.findall(r"type='(\w+)'", call) or ["text"])[0]
            assert (kind in ("boolean", "integer")) == isinstance(option["default"], (bool, int)), name
            for default in re.findall(r"default=('.*?'|(?!__)\w+|\[\])", call):
                assert yaml.safe_load(default) == option["default"], name


@pytest.mark.parametrize("variable", ENTRIES)
def test_entries_have_the_module_s_options(variable: str) -> None:
    options = OPTIONS[variable]["options"]
    assert set(options) == set(VAULT) - {"scope"} - IDENTITY | ENTRIES[variable]
    for name, option in options.items():
        assert option["description"], name
        for fact in ("type", "choices", "default"):
            assert option.get(fact) == VAULT[name].get(fact), f"{name}: {fact}"


def test_encrypted_values_pass_the_validation() -> None:
    # See the file: a secret is censored by the module, and nothing else has a reason to.
    assert not re.search(r"^ *no_log:", (ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_role_hides_and_forces_nothing() -> None:
    keys = set(re.findall(r"^ *-? *([\w.]+):", TASKS, re.MULTILINE))
    assert not keys & {"no_log", "check_mode", "ansible.builtin.shell", "ansible.builtin.command"}
    # Facts may be cached in files.
    assert not keys & {"ansible.builtin.set_fact", "cacheable"}


def plays_and_tasks(value: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """All dictionaries in what was read from a YAML file."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from plays_and_tasks(part)


def test_what_runs_here_runs_with_ansibles_python() -> None:
    """Another one that Ansible finds has no requests where Ansible is in a virtual environment."""
    texts = [
        path.read_text(encoding="utf-8") for top in ("roles", "playbooks") for path in ROOT.glob(f"{top}/**/*.yml")
    ]
    for path in ROOT.glob("roles/*/README.md"):
        texts += re.findall(r"^```yaml\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    found = [
        named
        for one in plays_and_tasks([yaml.safe_load(re.sub("!(unsafe|vault) ", "", text)) for text in texts])
        for named in ([one.get("vars", {})] if one.get("connection") == "local" else [one])
        if one.get("connection") == "local" or one.get("ansible_connection") == "local"
    ]
    assert len(found) >= 14
    for named in found:
        assert named["ansible_python_interpreter"] == "{{ ansible_playbook_python | quote }}"
