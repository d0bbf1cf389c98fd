# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ONTAP's releases, and this collection's own version. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import TransportError

VERSION = "0.1.0"


@dataclass(frozen=True, order=True)
class Release:
    """An ONTAP release such as 9.12.1. Features come with a family (9.12), so ``has`` ignores the last number."""

    generation: int
    major: int
    minor: int = 0

    def __str__(self) -> str:
        base = f"{self.generation}.{self.major}"
        return f"{base}.{self.minor}" if self.minor else base

    def has(self, since: Release) -> bool:
        """Whether this release is of the family of ``since`` or a later one."""
        return (self.generation, self.major) >= (since.generation, since.major)


def release_of(version: t.Any) -> Release:
    if isinstance(version, dict):
        try:
            return Release(int(version["generation"]), int(version["major"]), int(version.get("minor") or 0))
        except (KeyError, TypeError, ValueError):
            match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", str(version.get("full", "")))
            if match:
                return Release(int(match[1]), int(match[2]), int(match[3] or 0))
    raise TransportError(
        "GET /api/cluster names no ONTAP release", remedy="Check that hostname is an ONTAP cluster's management LIF."
    )
