# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of fields against the simulator, the rows of the four beats, the guides and the changelog.

What follows from the table needs no test here. A field that is missing in a place that does not is found by name.
"""

from __future__ import annotations

import importlib
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.module_utils._azure.steps import SET_VERIFY
from ansible_collections.ontap.security.plugins.module_utils._azure.table import (
    FIELDS,
    HEALTH_FIELDS,
    QUERY_FIELDS,
    SECRETS,
    SHOWN,
    UNDESCRIBED,
    VAULTS,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import SECRET, STATE
from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import RECORDS
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release
from ansible_collections.ontap.security.plugins.plugin_utils._report.judge import severity_of
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import SEVERITIES
from tests.simulator import fields as simulated
from tests.simulator.profiles import RELEASES, Profile
from tests.support.rows import CHANGED, ROWS, changes

ROOT = Path(__file__).parents[2]
TYPES = {"string": "str", "integer": "int", "boolean": "bool"}
each_field = pytest.mark.parametrize("name", FIELDS)
NEWEST = simulated.schemas(Profile(RELEASES[-1]))["azure-key-vaults"].fields


def release_of(text: str) -> Release:
    return Release(*map(int, text.split(".")))


def releases(first: Release | None, until: Release | None = None) -> list[str]:
    """Those that have what came with ``first`` and went with ``until``."""
    found = {text: release_of(text) for text in RELEASES} if first else {}
    return [text for text, one in found.items() if first and one.has(first) and not (until and one.has(until))]


def test_the_simulator_has_the_same_fields() -> None:
    settable = {name for name, field in NEWEST.items() if field.create or field.modify}
    # These say which configuration is meant.
    assert settable - {"svm.uuid", "svm.name", "configuration.name"} == set(FIELDS)


@each_field
def test_the_simulator_says_the_same_of_each(name: str) -> None:
    """Type, choices, whether it is secret, and the releases of GET, POST and PATCH."""
    item, field = FIELDS[name], NEWEST[name]
    assert (TYPES[field.kind], field.choices, field.secret) == (item.type, item.choices, item.secret)
    for span, mine in (
        (field.read, releases(item.get)),
        (field.create, releases(item.post)),
        (field.modify, releases(item.patch, item.patch_until)),
    ):
        assert [text for text in RELEASES if Profile(text).within(span)] == mine


@pytest.mark.parametrize("release", RELEASES)
def test_queries_know_what_the_simulator_shows(release: str) -> None:
    # One is the other's older name, and either is tried.
    either = {"state.available", "state.cluster_state"}
    known = {name for name, since in QUERY_FIELDS.items() if release_of(release).has(since)}
    assert known - either == set(simulated.schemas(Profile(release))["azure-key-vaults"].readable) - either
    assert either <= known


@each_field
def test_a_row_of_the_four_beats_has_it(name: str) -> None:
    """Alone where it can be changed in place, and from the first release on that does so."""
    item = FIELDS[name]
    assert any(name in row.options for row in ROWS)
    if item.role == STATE and item.patch:
        found = [row for row in ROWS if changes(row) == {name}]
        assert found, f"tests/rows.py has no row that changes {name} alone"
        assert min(release_of(row.since) for row in found) == item.patch
        assert CHANGED[name] == found[0].options[name]


@each_field
def test_the_changelog_names_it(name: str) -> None:
    paths = [ROOT / "changelogs/changelog.yaml", *ROOT.glob("changelogs/fragments/*.yml")]
    said = " ".join(path.read_text(encoding="utf-8") for path in paths)
    assert f"``{name}``" in said, f"changelogs/fragments does not name {name}"


def documentation(module: str, kind: str) -> t.Any:
    imported = importlib.import_module(f"ansible_collections.ontap.security.plugins.modules.{module}")
    return yaml.safe_load(getattr(imported, kind))


def test_info_says_what_a_query_may_name() -> None:
    found: dict[str, Release] = {}
    for item in documentation("azure_key_vault_info", "DOCUMENTATION")["options"]["filters"]["description"]:
        if since := re.match(r"Fields are|Since ONTAP ([\d.]*\d) also", item):
            found |= dict.fromkeys(re.findall(r"C\(([\w.]+)\)", item), release_of(since[1] or "9.7"))
    assert found == QUERY_FIELDS


def test_the_result_says_what_is_undescribed() -> None:
    said = documentation("azure_key_vaults", "RETURN")["vaults"]["contains"]["undescribed"]["description"][0]
    assert set(re.findall(r"C\((\w+)\)", said)) == set(UNDESCRIBED)
    usual = {name: str(item.usual) for name, item in UNDESCRIBED.items() if item.usual}
    assert re.findall(r"V\(([\w.]+)\)", said) == list(usual.values())
    assert set(re.findall(r"C\((\w+)\)", said.partition("whatever they are")[2])) == set(usual)


@each_field
def test_a_line_makes_sense(name: str) -> None:
    item = FIELDS[name]
    assert item.get or item.role == SECRET
    assert item.post or item.patch
    assert not item.required or item.post
    assert bool(item.method) <= (item.role == SECRET)
    assert {item.severity, item.undescribed.severity if item.undescribed else "low"} <= set(SEVERITIES)
    if item.role == STATE:
        assert severity_of(name, "one", "two") == item.severity
        # What is no state cannot be undescribed, and what may not be the usual is no finding.
        assert item.undescribed is None or item.same(item.undescribed.usual, item.undescribed.usual)


def test_awx_sets_what_stands_in_for_options() -> None:
    types = (ROOT / "roles/awx_setup/vars/awx_credential_types.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\bAKV_\w+", types)) == {item.environment for item in FIELDS.values() if item.environment}


def test_what_comes_after_a_create_is_said() -> None:
    assert re.findall(r"\w+_\w+", SET_VERIFY.purpose) == [name for name, item in FIELDS.items() if not item.create]


def test_no_field_is_in_two_lists() -> None:
    assert set(HEALTH_FIELDS) <= set(SHOWN)
    assert not set(SHOWN) & set(FIELDS)
    assert set(RECORDS[VAULTS]) == set(SHOWN) | set(FIELDS) - set(SECRETS)
