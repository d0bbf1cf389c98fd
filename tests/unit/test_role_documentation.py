# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's argument specs, defaults and README say agrees, also with the modules."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.module_utils._module import CONNECTION, VAULT
from ansible_collections.ontap.security.plugins.modules.azure_key_vaults import argument_spec

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/azure_key_vault"
PREFIX = "azure_key_vault_"


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


README = (ROLE / "README.md").read_text(encoding="utf-8")
TASKS = (ROLE / "tasks/main.yml").read_text(encoding="utf-8")
OPTIONS: dict[str, t.Any] = load(ROLE / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

# What only some entries have. The scope follows from where an entry stands.
IDENTITY = {"svm", "svm_uuid"}
ENTRIES = {"azure_key_vault_defaults": set(), "azure_key_vault_cluster": set(), "azure_key_vault_svms": IDENTITY}


def test_defaults_are_as_specified() -> None:
    assert load(ROLE / "defaults/main.yml") == {name: option["default"] for name, option in OPTIONS.items()}


def test_every_variable_is_described_and_used() -> None:
    for name, option in OPTIONS.items():
        assert name.startswith(PREFIX)
        assert option["description"], name
        assert "type" in option, name
        assert re.search(rf"\b{name}\b", TASKS), name


def test_readme_lists_the_variables() -> None:
    rows = re.findall(r"^\| `(azure_key_vault_\w+)` \| (\w+) \| `(.*?)` \| \S.* \|$", README, re.MULTILINE)
    assert sorted(rows) == sorted(
        (name, option["type"], option["default"] if option["type"] == "str" else json.dumps(option["default"]))
        for name, option in OPTIONS.items()
    )


def test_the_module_s_options_can_be_reached() -> None:
    module = argument_spec()
    for name in ("unmanaged", "allow_empty", "concurrency", "wait_timeout"):
        option = OPTIONS[PREFIX + name]
        assert (option["type"], option["default"], option.get("choices")) == (
            module[name]["type"],
            module[name]["default"],
            module[name].get("choices"),
        ), name


@pytest.mark.parametrize("variable", ENTRIES)
def test_entries_have_the_module_s_options(variable: str) -> None:
    options = OPTIONS[variable]["options"]
    assert set(options) == set(VAULT) - {"scope"} - IDENTITY | ENTRIES[variable]
    for name, option in options.items():
        assert option["description"], name
        for fact in ("type", "choices", "default"):
            assert option.get(fact) == VAULT[name].get(fact), f"{name}: {fact}"


def connection_variables(text: str) -> set[str]:
    return {name for name in re.findall(r"\bontap_(\w+)", text) if name not in ("hosts", "serial")}


def test_every_connection_option_has_an_inventory_variable() -> None:
    assert connection_variables(TASKS) == set(CONNECTION)
    assert connection_variables(README) == set(CONNECTION)
    (group,) = (block["module_defaults"]["group/ontap.security.ontap"] for block in yaml.safe_load(TASKS))
    for name, value in group.items():
        assert re.search(rf"\bontap_{name}\b", value), name


def test_encrypted_values_pass_the_validation() -> None:
    # See the file: a secret is censored by the module, and nothing else has a reason to.
    assert not re.search(r"^ *no_log:", (ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_role_hides_and_forces_nothing() -> None:
    keys = set(re.findall(r"^ *-? *([\w.]+):", TASKS, re.MULTILINE))
    assert not keys & {"no_log", "check_mode", "ansible.builtin.shell", "ansible.builtin.command"}
    # Facts may be cached in files.
    assert not keys & {"ansible.builtin.set_fact", "cacheable"}
