# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbook drift_report over several simulated clusters."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.awx.extra_vars import written
from tests.simulator import Simulator
from tests.support.beats import connection
from tests.support.runner import Ran, ansible_playbook, environment


@dataclass(frozen=True)
class Reported(Ran):
    """A run, and the report that it left."""

    @property
    def files(self) -> Path:
        """The folder with the report."""
        return self.folder / "drift-report"

    @property
    def report(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads((self.files / "drift-report.json").read_text(encoding="utf-8")))

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
    ran = ansible_playbook(
        playbook,
        *("-i", str(inventory), "-e", f"@{folder / 'extravars'}", *arguments),
        folder=folder,
        env=environment(folder, ANSIBLE_SHOW_CUSTOM_STATS="true"),
        secrets=[host["ontap_password"] for host in hosts.values() if "ontap_password" in host],
    )
    return Reported(**vars(ran))
