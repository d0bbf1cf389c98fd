# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One record of a resource as ONTAP shows it, and which of several is meant. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import BlockedError

_R = t.TypeVar("_R", bound="Record")


@dataclass(frozen=True)
class Record:
    """One configuration as read. ``record`` is ONTAP's, cleaned. A resource may have a class of its own for what else
    its records tell."""

    uuid: str
    scope: str
    svm: str | None
    svm_uuid: str | None
    configuration: str | None
    enabled: bool
    record: t.Mapping[str, t.Any] = field(repr=False)

    @classmethod
    def of(cls: type[_R], raw: t.Mapping[str, t.Any]) -> _R:
        record = cls.clean(raw)
        svm = record.get("svm") or {}
        return cls(
            uuid=str(record.get("uuid", "")),
            scope=str(record.get("scope") or ("svm" if svm else "cluster")),
            svm=svm.get("name"),
            svm_uuid=str(svm["uuid"]).lower() if svm.get("uuid") else None,
            configuration=(record.get("configuration") or {}).get("name"),
            # Before 9.14.1 there is no such field, and every configuration is in use.
            enabled=record.get("enabled") is not False,
            record=record,
        )

    @staticmethod
    def clean(raw: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """ONTAP's record for people: no links, codes as strings (integers up to 9.10.1)."""
        return {name: _clean(value) for name, value in raw.items() if name != "_links"}

    def value(self, name: str) -> t.Any:
        """The value of a field that users can set, None when ONTAP left it out."""
        return value_at(self.record, name)


def _clean(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {k: str(v) if k == "code" and v is not None else _clean(v) for k, v in value.items() if k != "_links"}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def value_at(values: t.Mapping[str, t.Any], name: str) -> t.Any:
    """The value of a name, in which dots lead to what is inside of another; None where there is none."""
    value: t.Any = values
    for part in name.split("."):
        value = value.get(part) if isinstance(value, t.Mapping) else None
    return value


def merged(record: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A record with other values; a name with dots is that of a field inside of another."""
    result = dict(record)
    for name, value in values.items():
        head, _dot, rest = name.partition(".")
        result[head] = merged(result.get(head) or {}, {rest: value}) if rest else value
    return result


def pick(records: t.Iterable[_R], target: Target) -> _R | None:
    """The configuration that is meant: the named one, else the enabled one. An inactive one is never a substitute."""
    if target.uuid:
        meant = list(records)
    elif target.configuration:
        meant = [record for record in records if record.configuration == target.configuration]
    else:
        meant = [record for record in records if record.enabled]
    if len(meant) > 1:
        raise BlockedError(
            f"ONTAP reports {len(meant)} matching configurations for {target}",
            remedy="Name the one that is meant with configuration.",
        )
    return meant[0] if meant else None
