# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook of the oldest ansible-core, of 2.19, which brought its types, and of the newest."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEWEST = "newest"
# tests/setup.sh makes the others.
CORES: t.Final = {"2.16": ROOT / ".venv-2.16/bin", "2.19": ROOT / ".venv-2.19/bin", NEWEST: Path(sys.executable).parent}

each_core = pytest.mark.parametrize("core", CORES)


def programs(core: str) -> Path:
    """The folder with ansible-playbook of ``core``. Skips the test where there is none."""
    if not (CORES[core] / "ansible-playbook").exists():
        pytest.skip(f"!!! ansible-core {core} is not installed: it has NOT BEEN CHECKED. See tests/setup.sh cores")
    return CORES[core]


def ansible_playbook(core: str, folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run it in ``folder``, for all it writes. Returns its status, and what it printed on one line."""
    finished = subprocess.run(
        [str(programs(core) / "ansible-playbook"), *arguments],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("ONTAP_", "AKV_"))},
            "ANSIBLE_LOCAL_TEMP": str(folder),
            "ANSIBLE_REMOTE_TEMP": str(folder),
            "ANSIBLE_HOME": str(folder),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=280,
        check=False,
    )
    output = finished.stdout + finished.stderr
    assert "Traceback" not in output, output
    assert "DEPRECATION" not in output, output
    return finished.returncode, " ".join(output.replace("\\n", " ").replace('\\"', '"').split())
