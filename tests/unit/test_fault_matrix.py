# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request that each module makes, times every fault: nothing is lost, denied, or done twice."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.matrix import RELEASES, SCENARIOS, Scenario, applies, cells
from tests.support.wire import WiredCluster


@pytest.mark.parametrize(
    ("release", "scenario"),
    [(release, scenario) for release in RELEASES for scenario in SCENARIOS if applies(scenario, release)],
    ids=lambda value: value.name if isinstance(value, Scenario) else value,
)
def test_every_cell_holds(
    release: str,
    scenario: Scenario,
    record_property: t.Callable[[str, object], None],
) -> None:
    with WiredCluster(release, ("vs0", "vs1", "vs2", "vs3")) as sim:
        made = list(cells(sim, scenario))
    record_property("cells of the fault matrix", len(made))
    broken = [f"{cell}: {promise}" for cell in made for promise in cell.broken()]
    assert not broken, f"{len(broken)} of {len(made)}:\n" + "\n".join(broken)
