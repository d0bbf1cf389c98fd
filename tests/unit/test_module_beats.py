# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the four beats on every release, without Ansible around the module's function."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import FULL, IDENTITY, KEY, OLD, assert_four_beats, drive, number
from tests.support.rows import ROWS, Row, check_row

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


ANY = KEY.rpartition("/")[0]


def version_shown(release: str, key_id: str) -> str:
    """What a configuration with that key shows of its version, and proves of the release."""
    if number(release) < (9, 8):
        return "pinned" if key_id == KEY else "unknown"
    if number(release) < (9, 13):
        return "unknown"
    if key_id == KEY:
        return "pinned"
    return "latest" if number(release) >= (9, 14) else "unknown"


@pytest.mark.parametrize(("used", "wanted"), [(ANY, KEY), (KEY, ANY), (KEY, KEY), (ANY, ANY)])
@pytest.mark.parametrize("release", RELEASES)
def test_a_version_that_one_side_names_is_shown_and_no_drift(
    simulators: t.Callable[[str], Simulator], release: str, used: str, wanted: str
) -> None:
    sim = simulators(release)
    for svm in ("vs0", "vs1"):
        sim.ontap.add_vault(svm, **{**OLD, "key_id": used})
    expected = version_shown(release, used)
    options = {**IDENTITY, "key_id": wanted}
    for check in (True, False):
        outcome = drive(sim, {"svm": "vs0", **options}, check=check)
        assert (outcome.failed, outcome.changed, outcome.methods) == (False, False, ["GET"]), outcome.msg
        assert outcome.result["key_version"] == expected
        warned = wanted == KEY and expected != "pinned"
        assert len(outcome.result["warnings"]) == warned
        if warned:
            assert ("newest version" if expected == "latest" else "never show one") in outcome.result["warnings"][0]
            assert "azure_key_vault_rekey" in outcome.result["warnings"][0]
        several = drive(
            sim, {"vaults": [{"svm": svm, **options} for svm in ("vs0", "vs1")]}, check=check, module="azure_key_vaults"
        )
        assert (several.failed, several.changed, several.methods) == (False, False, ["GET"]), several.msg
        assert [(vault["verdict"], vault["key_version"]) for vault in several.result["vaults"]] == [
            ("in_sync", expected)
        ] * 2
        # One line, however many configurations it is about.
        names = "vaults[0] (svm vs0), vaults[1] (svm vs1): "
        assert several.result["warnings"] == [names + text for text in outcome.result["warnings"]]


@pytest.mark.parametrize("key_id", [KEY, ANY])
@pytest.mark.parametrize("release", RELEASES)
def test_the_version_after_a_create(simulators: t.Callable[[str], Simulator], release: str, key_id: str) -> None:
    sim = simulators(release)
    options = {"svm": "vs0", **FULL, "key_id": key_id}
    # Nothing is there yet that could show what this release shows.
    assert drive(sim, options, check=True).result["key_version"] == ("pinned" if key_id == KEY else "latest")
    assert drive(sim, options).result["key_version"] == version_shown(release, key_id)
    gone = drive(sim, {"svm": "vs0", "state": "absent"})
    assert "key_version" not in gone.result
    entry = {"svm": "vs9", "state": "absent"}
    (nothing,) = drive(sim, {"vaults": [entry]}, module="azure_key_vaults").result["vaults"]
    assert nothing["key_version"] is None
