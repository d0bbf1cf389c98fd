# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the four beats on every release, without Ansible around the module's function."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.beats import assert_four_beats, drive
from tests.rows import ROWS, Row, check_row
from tests.simulator import Simulator

RELEASES = ["9.7", "9.8", "9.9.1", *(f"9.{family}.1" for family in range(10, 19))]


@pytest.fixture(scope="module")
def simulators() -> t.Iterator[t.Callable[[str], Simulator]]:
    """One simulated cluster a release, started when the first row wants it."""
    started: dict[str, Simulator] = {}
    with contextlib.ExitStack() as stack:

        def of(release: str) -> Simulator:
            if release not in started:
                started[release] = stack.enter_context(Simulator(release=release, svms=("vs0", "vs1")))
            started[release].ontap.reset()
            return started[release]

        yield of


@pytest.mark.parametrize(
    ("release", "row"),
    [(release, row) for release in RELEASES for row in ROWS if row.applies(release)],
    ids=lambda value: value.name if isinstance(value, Row) else value,
)
def test_four_beats(simulators: t.Callable[[str], Simulator], release: str, row: Row) -> None:
    sim = simulators(release)
    if row.exists is not None:
        sim.ontap.add_vault("vs0", **row.exists)
    before = sim.snapshot()
    options = {"svm": "vs0", **row.options}
    beats = [drive(sim, options, check=check) for check in (True, False, False, True)]
    assert_four_beats(beats, before, requests=row.requests)
    check_row(row, beats)
    if row.sent == ("PATCH",) and "client_secret" not in beats[0].result["actions"][0]["fields"]:
        assert sim.ontap.secret("vs0", "client_secret") in ("the secret before", None)
