# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose keys to restore on a cluster, from one look at all of its configurations: the decisions of the role restore."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.readings import (
    CLUSTER,
    Mapping,
    Reading,
    condition_of,
)


@dataclass(frozen=True)
class Restoring:
    """The configurations in use on a cluster, and which of them are asked for: SVMs by name, or all of them."""

    found: tuple[Reading, ...]
    svms: tuple[str, ...] | None = None
    cluster: bool = False
    force: bool = False

    @classmethod
    def of(cls, records: t.Iterable[Mapping], svms: t.Sequence[str] | None, cluster: bool, force: bool) -> Restoring:
        """From the records of azure_key_vault_info."""
        found = [one for one in map(Reading.of_record, records) if one.enabled]
        return cls(tuple(found), None if svms is None else tuple(svms), cluster, force)

    @property
    def missing(self) -> list[str]:
        """What is asked for and has no configuration in use."""
        there = {one.svm for one in self.found if one.scope != "cluster"}
        lacking = [svm for svm in self.svms or () if svm not in there]
        if self.cluster and not any(one.scope == "cluster" for one in self.found):
            lacking.append(f"the {CLUSTER}")
        return lacking

    @property
    def to_restore(self) -> list[Reading]:
        """What is asked for and is not known to have its keys on every node; when forced, all that is asked for."""
        return [one for one in self.found if self._asked_for(one) and (self.force or one.keys_missing is not False)]

    def _asked_for(self, one: Reading) -> bool:
        if one.scope == "cluster":
            return self.cluster
        return self.svms is None or one.svm in self.svms

    @property
    def condition(self) -> list[str]:
        """What needs a person, a line each, and how many can be used."""
        return condition_of(self.found)
