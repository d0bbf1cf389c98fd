# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration of one cluster as the modules have read it, and what people are told of it. Pure, no I/O."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible

Mapping = t.Mapping[str, t.Any]
CLUSTER: t.Final = "cluster scope"


@dataclass(frozen=True)
class Reading:
    """Which configuration it is, whether it is in use, and its health. What was not asked for is unknown."""

    scope: str
    svm: str | None
    uuid: str | None
    name: str | None = None
    enabled: bool = True
    usable: bool | None = None
    keys_missing: bool | None = None
    verdict: str = "unknown"
    reasons: tuple[str, ...] = ()

    @classmethod
    def of_entry(cls, entry: Mapping) -> Reading:
        """From an entry of ``vaults`` of azure_key_vaults."""
        return cls._of(entry, entry.get("svm"), entry.get("configuration"), bool(entry.get("enabled")))

    @classmethod
    def of_record(cls, record: Mapping) -> Reading:
        """From a record of azure_key_vault_info. Before ONTAP 9.14.1 there is no ``enabled``, and each one is."""
        svm, name = record.get("svm") or {}, record.get("configuration") or {}
        return cls._of(record, svm.get("name"), name.get("name"), record.get("enabled") is not False)

    @classmethod
    def _of(cls, found: Mapping, svm: str | None, name: str | None, enabled: bool) -> Reading:
        health = found.get("health") or {}
        return cls(
            scope="cluster" if found.get("scope") == "cluster" else "svm",
            # As they are: Ansible marks what comes from a cluster, so that nothing in it is taken for a template.
            svm=svm,
            uuid=found.get("uuid"),
            name=name,
            enabled=enabled,
            usable=health.get("usable"),
            keys_missing=health.get("keys_missing"),
            verdict=str(health.get("verdict") or "unknown"),
            reasons=tuple(map(str, health.get("reasons") or ())),
        )

    @property
    def short(self) -> str:
        """The name in a list, such as ``vs0``, ``vs0/spare`` or ``cluster scope``."""
        place = CLUSTER if self.scope == "cluster" else str(self.svm or self.uuid or "an SVM without a name")
        return visible(f"{place}/{self.name}" if self.name and self.name != "default" else place)

    @property
    def long(self) -> str:
        """The name that begins a line, such as ``SVM vs0``."""
        return self.short if self.scope == "cluster" else f"SVM {self.short}"

    @property
    def condition(self) -> str:
        """The health in a line: the verdict and what led to it."""
        return visible(f"{self.verdict}: {'; '.join(self.reasons)}" if self.reasons else self.verdict)

    @property
    def target(self) -> dict[str, t.Any]:
        """The options of a module that say which one is meant. Before ansible-core 2.19 an item of a loop is a template
        again, so there is no text in it that was made here of what a cluster says."""
        return {"scope": self.scope, "svm": self.svm or "", "uuid": self.uuid or ""}


def listed(names: t.Iterable[str]) -> str:
    """Names one behind the other."""
    return ", ".join(names)


def condition_of(found: t.Sequence[Reading]) -> list[str]:
    """What needs a person, a line each, and how many can be used."""
    ill = [f"{one.long}: {one.condition}" for one in found if one.usable is not True]
    return [*ill, f"{len(found) - len(ill)} of {len(found)} configurations can be used."]
