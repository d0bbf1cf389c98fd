# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook of the oldest ansible-core, of 2.19, which brought its types, and of the newest."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.support.runner import TOOLS, Ran, environment, run

ROOT = Path(__file__).parents[2]
NEWEST = "newest"
# tests/setup.sh makes the others.
CORES: t.Final = {"2.16": ROOT / ".venv-2.16/bin", "2.19": ROOT / ".venv-2.19/bin", NEWEST: TOOLS}

each_core = pytest.mark.parametrize("core", CORES)


def programs(core: str) -> Path:
    """The folder with ansible-playbook of ``core``. Skips the test where there is none."""
    if not (CORES[core] / "ansible-playbook").exists():
        pytest.skip(f"!!! ansible-core {core} is not installed: it has NOT BEEN CHECKED. See tests/setup.sh cores")
    return CORES[core]


def ansible_playbook(core: str, folder: Path, *arguments: str, **more: str) -> Ran:
    """Run it in ``folder``, with ``more`` in its environment: see runner.run."""
    env = environment(folder, ANSIBLE_PIPELINING="true", **more)
    return run("ansible-playbook", *arguments, folder=folder, env=env, tools=programs(core))
