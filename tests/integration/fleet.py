# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbook drift_report over several simulated clusters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.awx.extra_vars import written
from tests.beats import connection
from tests.simulator import Simulator


@dataclass(frozen=True)
class Reported:
    """One run: its exit status, what it printed, and the folder with the report."""

    status: int
    output: str
    folder: Path

    @property
    def report(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads((self.folder / "drift-report.json").read_text(encoding="utf-8")))

    def host(self, name: str) -> dict[str, t.Any]:
        return next(host for host in self.report["hosts"] if host["host"] == name)


def host_of(sim: Simulator, **variables: t.Any) -> dict[str, t.Any]:
    """Inventory variables of a simulated cluster."""
    return {**{f"ontap_{option}": value for option, value in connection(sim).items()}, **variables}


def drift_report(
    hosts: t.Mapping[str, t.Mapping[str, t.Any]],
    folder: Path,
    *arguments: str,
    playbook: str = "ontap.security.drift_report",
    **variables: t.Any,
) -> Reported:
    """Run it in ``folder``, with extra variables written as AWX writes them."""
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"clusters": {"hosts": hosts}}), encoding="utf-8")
    (folder / "extravars").write_text(written({"awx_job_id": 7, **variables}), encoding="utf-8")
    finished = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            playbook,
            *("-i", str(inventory), "-e", f"@{folder / 'extravars'}", *arguments),
        ],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("ONTAP_", "AKV_"))},
            "ANSIBLE_LOCAL_TEMP": str(folder),
            "ANSIBLE_REMOTE_TEMP": str(folder),
            "ANSIBLE_HOME": str(folder),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    output = finished.stdout + finished.stderr
    assert "Traceback" not in output, output
    assert "DEPRECATION" not in output, output
    return Reported(finished.returncode, output, folder / "drift-report")
