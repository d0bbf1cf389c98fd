# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML wires, Python decides: playbooks are short, and no file has more filters than plain defaults need."""

from __future__ import annotations

import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml
from jinja2 import nodes

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted(ROOT.glob("playbooks/*.yml"))
# Files of a role are other programs'.
OTHERS = set(ROOT.glob("roles/*/files/*"))
FILES = sorted({*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/**/*.yml")} - OTHERS)
# The connection options of the modules, each with the inventory variable that it has or leaves out: those are the plain
# defaults. Beside them there is one filter for each other thing that a file hands over.
CONNECTION, BESIDE = 9, 8
# What Ansible evaluates without braces.
CONDITIONS = {"that", "when", "failed_when", "changed_when", "until"}


class Loader(yaml.SafeLoader):
    """Also takes what Ansible marks, such as ``!unsafe``, which is no template."""


Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


class Anything(dict[str, t.Any]):
    """Has every filter and test, since only their number is of interest."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> t.Callable[..., None]:
        return lambda *_args: None

    get = __getitem__  # type: ignore[assignment]


def templates(value: t.Any) -> t.Iterator[str]:
    """Every template in what a file holds, also those that need no braces."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from templates(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            bare = key in CONDITIONS
            for one in item if bare and isinstance(item, list) else [item]:
                yield from [f"{{{{ {one} }}}}"] if bare else templates(one)


def filters(value: t.Any) -> list[str]:
    """The names of all filters in it."""
    environment = jinja2.Environment()
    environment.filters = environment.tests = Anything()
    return [
        found.name
        for text in templates(value)
        if "{{" in text or "{%" in text
        for found in environment.parse(text).find_all(nodes.Filter)
    ]


def load(path: Path) -> t.Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_decides_by_filters(path: Path) -> None:
    found = filters(load(path))
    assert len(found) <= CONNECTION + BESIDE, found


def test_the_budget_is_that_of_plain_defaults() -> None:
    blocks = [
        task["module_defaults"]
        for path in ROOT.glob("roles/*/tasks/main.yml")
        for task in load(path)
        if "module_defaults" in task
    ]
    assert blocks
    for block in blocks:
        assert filters(block) == ["default"] * CONNECTION


@pytest.mark.parametrize("path", PLAYBOOKS, ids=name_of)
def test_playbooks_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 40


def test_filters_are_counted() -> None:
    play = {
        "when": "a | length > 0",
        "that": ["b | default(c) | first", True],
        "msg": "d | e",
        "vars": ["{{ f | g(h | i) }}"],
    }
    assert sorted(filters(play)) == ["default", "first", "g", "i", "length"]
