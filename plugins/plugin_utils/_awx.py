# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role awx_setup has to know of AWX, from what its modules have returned. Pure, no I/O."""

from __future__ import annotations

import typing as t

Mapping = t.Mapping[str, t.Any]


def refused(compared: t.Iterable[Mapping]) -> list[Mapping]:
    """The comparisons that found a type which is there and has other fields, or could not be made: all that failed."""
    return [one for one in compared if one.get("failed")]


def not_there(done: t.Iterable[Mapping]) -> list[Mapping]:
    """Those without an id of what tasks have registered, alone or in a loop. A task that has not come yet is empty."""
    results = [one for task in done for one in task.get("results", [task]) if one]
    return [one for one in results if "id" not in one]
