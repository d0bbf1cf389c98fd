# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a cluster's event log again and again, with nothing lost and nothing told twice. Pure.

Every look asks for more than is new, because nodes keep logs and clocks of their own, and what has been told already is
left out by its key: node, index and time. How far a log has been read is measured by the cluster's clock alone.
"""

from __future__ import annotations

import datetime
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._azure.events import moment_of, query_since
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import Query

Record = t.Mapping[str, t.Any]
Key = tuple[str, int, str]
_VERSION = 1


class StateError(ValueError):
    """What was kept of earlier looks cannot be used."""


@dataclass(frozen=True)
class Look:
    """How far a log has been read: the newest event's time in UTC (None: there was none yet), and what was told."""

    newest: datetime.datetime | None = None
    told: frozenset[Key] = frozenset()

    def query(self, overlap: int) -> Query:
        """What to ask for next; ``overlap`` in seconds."""
        return query_since(None if self.newest is None else _back(self.newest, overlap))

    def dump(self) -> str:
        """As JSON text, for a file."""
        newest = self.newest.isoformat() if self.newest else None
        return json.dumps({"version": _VERSION, "newest": newest, "told": sorted(self.told)}) + "\n"


def load(text: str) -> Look:
    """What ``dump`` wrote. Raises ``StateError``."""
    try:
        data = json.loads(text)
        if data["version"] != _VERSION:
            raise StateError("it was written by another version of this collection")
        newest = None if data["newest"] is None else moment_of(data["newest"])
        if newest is None and data["newest"] is not None:
            raise StateError("its time is none")
        return Look(newest, frozenset((str(node), int(index), str(time)) for node, index, time in data["told"]))
    except StateError:
        raise
    except (ValueError, TypeError, LookupError) as exc:
        raise StateError("it is not what was written there") from exc


def sift(
    look: Look | None, records: t.Iterable[Record], *, now: datetime.datetime, overlap: int, look_back: int
) -> tuple[list[Record], Look]:
    """The records that nobody has been told of, the oldest first, and how far the log has been read now.

    ``look`` None is the first look ever: it tells what is at most ``look_back`` seconds old. ``now`` keeps an event
    from the future, which a node with a wrong clock may have, from hiding what comes next.
    """
    told = look.told if look else frozenset()
    found = sorted(((moment_of(record["time"]) or now, _key(record), record) for record in records), key=_order)
    fresh = [
        record
        for moment, key, record in found
        if key not in told and (look is not None or moment >= _back(now, look_back))
    ]
    moments = [moment for moment, _key_, _record in found] + ([look.newest] if look and look.newest else [])
    newest = min(max(moments), now) if moments else None
    keys = told | {key for _moment, key, _record in found}
    if newest is not None:
        begin = _back(newest, overlap)
        keys = frozenset(key for key in keys if (moment_of(key[2]) or now) >= begin.replace(microsecond=0))
    return fresh, Look(newest, keys)


def _order(item: tuple[datetime.datetime, Key, Record]) -> tuple[datetime.datetime, Key]:
    return item[0], item[1]


def _key(record: Record) -> Key:
    node = record["node"]
    return str(node.get("name") or node.get("uuid") or ""), record["index"], record["time"]


def _back(moment: datetime.datetime, seconds: int) -> datetime.datetime:
    return moment - datetime.timedelta(seconds=seconds)
