# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide on AWX names what there is: fields, variables, job templates, options of the set-up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.plugin_utils._answers import AnswerError, answer
from tests.awx import credential_types

PROJECT = Path(__file__).parents[2]
GUIDE = (PROJECT / "docs/docsite/rst/awx.rst").read_text(encoding="utf-8")


def test_fields_and_their_variables() -> None:
    """The tables list each field by its label, with its variable, in the order of the form, and no others."""
    rows = re.findall(r"   \* - (.+)\n     - ``((?:ONTAP|AKV)_[A-Z_]+)``\n", GUIDE)
    expected = []
    for kind in credential_types.load():
        for field in kind["inputs"]["fields"]:
            names = [name for name, text in kind["injectors"]["env"].items() if re.search(rf"\b{field['id']}\b", text)]
            expected += [(field["label"], name) for name in names]
    assert rows == expected


def test_job_templates() -> None:
    templates = yaml.safe_load((PROJECT / "roles/awx_setup/vars/awx_job_templates.yml").read_text(encoding="utf-8"))
    setup = (PROJECT / "roles/awx_setup/tasks/main.yml").read_text(encoding="utf-8")
    setup = setup.replace("{{ __awx_setup_prefix }}", "ONTAP AKV")
    names = {template["name"] for template in templates["awx_job_templates"]}
    workflow = re.findall(r'name: "(ONTAP AKV: [a-z]+, [^"]+)"', setup)
    assert set(re.findall(r"   \* - ``(ONTAP AKV: [^`]+)``\n", GUIDE)) == {*names, *workflow}
    assert set(re.findall(r"``(ONTAP AKV: [^`]+)``", GUIDE)) == {*names, *workflow}


def test_variables_of_the_set_up() -> None:
    specs = yaml.safe_load((PROJECT / "roles/awx_setup/meta/argument_specs.yml").read_text(encoding="utf-8"))
    assert set(re.findall(r"\bawx_setup_\w+", GUIDE)) <= set(specs["argument_specs"]["main"]["options"])


def test_messages() -> None:
    """Those of the roles that the last table quotes."""
    for message, role in (("Not changed: ", "awx_setup"), ("azure_key_vault_rekey_svms must be a list", "rekey")):
        assert f"``{message}" in GUIDE
        assert message in (PROJECT / f"roles/{role}/tasks/main.yml").read_text(encoding="utf-8")
    for message, kind, value in (("ontap_serial is ", "turns", "x"), ("what was written is lost", "svms", False)):
        assert message in GUIDE
        with pytest.raises(AnswerError, match=message):
            answer(value, kind, "ontap_serial")


def test_paths_that_a_login_needs() -> None:
    """All that the modules ask for, and what they write to."""
    files = sorted((PROJECT / "plugins").glob("modul*/**/*.py"))
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    constants = dict(re.findall(r'^([A-Z_]+) = "(/api/[a-z/-]+)"$', code, re.MULTILINE))
    asked = {*constants.values(), *re.findall(r'\("(/api/[a-z/-]+)"', code)}
    # Nothing but a configuration or a key store can be removed, and all other writes are to configurations.
    written = {constants[name] for name in re.findall(r'f"\{([A-Z_]+)\}/', code)}
    rows = dict(re.findall(r"   \* - ``(/api/[a-z/-]+)``\n     - ``(all|readonly)``\n", GUIDE))
    assert set(rows) == asked
    assert {path for path, access in rows.items() if access == "all"} == written
