# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose keys to restore on a cluster, from one look at all of its configurations: the decisions of the role restore."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.readings import (
    CLUSTER,
    Mapping,
    Reading,
    condition_of,
)

# After a restore that did not help: for so long, events lead to no other.
PAUSE: t.Final = datetime.timedelta(hours=1)

# When which configuration was restored in vain, by its UUID.
Vain = t.Mapping[str, datetime.datetime]


@dataclass(frozen=True)
class Restoring:
    """The configurations in use on a cluster, and which of them are asked for: SVMs by name, or all of them."""

    found: tuple[Reading, ...]
    svms: tuple[str, ...] | None = None
    cluster: bool = False
    force: bool = False
    vain: Vain = field(default_factory=dict)

    @classmethod
    def of(cls, records: t.Iterable[Mapping], svms: t.Sequence[str] | None, cluster: bool, force: bool) -> Restoring:
        """From the records of azure_key_vault_info."""
        found = [one for one in map(Reading.of_record, records) if one.enabled]
        return cls(tuple(found), None if svms is None else tuple(svms), cluster, force)

    def by_events(self, told: t.Iterable[str], vain: Vain) -> Restoring:
        """The same where events have led here: about the SVMs they name, without what was lately restored in vain.

        An event that names no SVM, or one that has no configuration in use, may be about any.
        """
        named = tuple(told)
        there = {one.svm for one in self.found if one.scope != "cluster"}
        known = bool(named) and there.issuperset(named)
        return dataclasses.replace(self, svms=named if known else self.svms, vain=vain)

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
        return [one for one in self._lacking if str(one.uuid or "") not in self.vain]

    @property
    def held(self) -> list[str]:
        """What would be restored, had it not been so in vain: a line each."""
        return [
            f"{one.long}: not restored again, because the restore at {at:%Y-%m-%d %H:%M} UTC did not help. Events"
            f" lead to the next one from {at + PAUSE:%Y-%m-%d %H:%M} UTC on."
            for one in self._lacking
            for at in [self.vain.get(str(one.uuid or ""))]
            if at
        ]

    @property
    def _lacking(self) -> list[Reading]:
        return [one for one in self.found if self._asked_for(one) and (self.force or one.keys_missing is not False)]

    def _asked_for(self, one: Reading) -> bool:
        if one.scope == "cluster":
            return self.cluster
        return self.svms is None or one.svm in self.svms

    @property
    def condition(self) -> list[str]:
        """What needs a person, a line each, and how many can be used."""
        return condition_of(self.found)


def told_svms(events: Mapping, cluster: str) -> list[str]:
    """The SVMs that a cluster's events name, from what ansible-rulebook gives a playbook as ``ansible_eda``: one
    ``event``, or ``events`` by numbers. Of an event that names none there is an empty text."""
    found = [events["event"]] if events.get("event") else list((events.get("events") or {}).values())
    return list(dict.fromkeys(str(one.get("svm") or "") for one in found if one.get("cluster") == cluster))


def load(notes: str, now: datetime.datetime) -> dict[str, datetime.datetime]:
    """What ``dump`` wrote, as far as it still counts. Notes that cannot be read are none: a restore does no harm."""
    try:
        found = {str(uuid): datetime.datetime.fromisoformat(at) for uuid, at in json.loads(notes).items()}
        return {uuid: at for uuid, at in found.items() if datetime.timedelta() <= now - at < PAUSE}
    except (ValueError, TypeError, AttributeError):
        return {}


def dump(vain: Vain) -> str:
    """As JSON text, for a file."""
    return json.dumps({uuid: at.isoformat() for uuid, at in vain.items()}, sort_keys=True) + "\n"


def tried(vain: Vain, results: t.Iterable[Mapping], now: datetime.datetime) -> dict[str, datetime.datetime]:
    """What was restored in vain, after the results of azure_key_vault_restore, which succeeds only when no node lacks
    keys any more. Where nothing was sent, nothing was tried."""
    found = dict(vain)
    for result in results:
        uuid = str(result["item"]["uuid"])
        if not result.get("failed"):
            found.pop(uuid, None)
        elif result.get("actions"):
            found[uuid] = now
    return found
