# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all unit tests, and what they have counted, such as the cells of the fault matrix."""

from __future__ import annotations

import collections
import typing as t

from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """Sum up the numbers that tests recorded as properties, whichever process they ran in."""
    counts: collections.Counter[str] = collections.Counter()
    for report in terminalreporter.stats.get("passed", []):
        counts.update({name: value for name, value in report.user_properties if isinstance(value, int)})
    for name, number in sorted(counts.items()):
        terminalreporter.write_line(f"{number} {name} held")
