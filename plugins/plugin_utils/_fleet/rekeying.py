# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the keys of SVMs may be replaced, from one look at all of them: the decisions of the role rekey."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.readings import (
    Mapping,
    Reading,
    condition_of,
    listed,
)


@dataclass(frozen=True)
class Rekeying:
    """The named SVMs, and their configurations in use, each with the key that it uses."""

    svms: tuple[str, ...]
    found: tuple[tuple[Reading, str], ...]

    @classmethod
    def of(cls, records: t.Iterable[Mapping], svms: t.Sequence[str]) -> Rekeying:
        """From the records of azure_key_vault_info."""
        found = [(Reading.of_record(record), _key_of(record)) for record in records]
        return cls(tuple(svms), tuple((one, key) for one, key in found if one.enabled and one.svm in svms))

    @property
    def missing(self) -> list[str]:
        """The SVMs that have no configuration in use."""
        there = {one.svm for one, _key in self.found}
        return [svm for svm in self.svms if svm not in there]

    @property
    def ill(self) -> list[Reading]:
        """What is not known to be usable: no key is replaced beside that."""
        return [one for one, _key in self.found if one.usable is not True]

    @property
    def condition(self) -> list[str]:
        """Which keys are in use, by whom where that differs, what needs a person, and how many can be used."""
        users: dict[str, list[str]] = {}
        for one, key in self.found:
            users.setdefault(key, []).append(one.short)
        several = len(users) > 1
        keys = [f"{key}: {listed(names) if several else _counted(names)}" for key, names in users.items()]
        return [*keys, *condition_of([one for one, _key in self.found])]


def _counted(names: t.Sequence[str]) -> str:
    return "1 SVM" if len(names) == 1 else f"{len(names)} SVMs"


def _key_of(record: Mapping) -> str:
    return visible(f"{record.get('key_id')}, version {record.get('key_version')}")
