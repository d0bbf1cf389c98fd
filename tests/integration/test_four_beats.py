# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vault under ansible-playbook: predict, do, repeat, predict again, for some of each kind of change.

One SVM a row, so that a row cannot lean on another, and one playbook a release.
"""

from __future__ import annotations

import pytest

from tests.simulator import Simulator
from tests.support.beats import assert_four_beats
from tests.support.rows import ROWS, check_row
from tests.support.tasks import Task, four_beats, play

HERE = ("create with proxy", "create with verify", "absent although fully given", "everything at once")


# All other rows and releases are without a playbook, in tests/unit/test_tasks.py and test_module_beats.py.
@pytest.mark.parametrize(
    "release",
    [
        pytest.param("9.7", marks=pytest.mark.thorough),
        pytest.param("9.9.1", marks=pytest.mark.thorough),
        pytest.param("9.12.1", marks=pytest.mark.thorough),
        pytest.param("9.16.1", marks=pytest.mark.thorough),
        "9.18.1",
    ],
)
def test_four_beats(release: str) -> None:
    rows = [row for row in ROWS if row.name in HERE and row.applies(release)]
    with Simulator(release=release, svms=tuple(f"vs{index}" for index in range(len(rows)))) as sim:
        tasks: list[Task] = []
        for index, row in enumerate(rows):
            if row.exists is not None:
                sim.ontap.add_vault(f"vs{index}", **row.exists)
            tasks += four_beats({"svm": f"vs{index}", **row.options}, row.name)
        before = sim.snapshot()
        outcomes = play(sim, tasks).outcomes
        for index, row in enumerate(rows):
            beats = outcomes[4 * index : 4 * index + 4]
            assert_four_beats(beats, before, requests=row.requests)
            check_row(row, beats)
            before = beats[3].snapshot
