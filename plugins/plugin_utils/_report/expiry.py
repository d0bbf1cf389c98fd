# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends: credentials and keys by the days that are left, and volumes that wait for Azure. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from datetime import date

from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    ENDING,
    Mapping,
    Report,
    ReportError,
    plain,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import place

# Up to so many days before the end it is a finding, for each severity.
DAYS: t.Final = (60, 30, 7)
_SEVERITIES: t.Final = ("low", "medium", "high")
_TIME: t.Final = re.compile(r"[0-9:T+.Z-]{10,40}", re.ASCII)


def days_of(given: t.Any) -> tuple[int, ...]:
    """Days for low, medium and high, from a list or from a text with commas. Raises ``ReportError``."""
    parts = given.replace(",", " ").split() if isinstance(given, str) else given
    try:
        days = tuple(int(str(part)) for part in parts)
    except (TypeError, ValueError):
        days = ()
    if len(days) != len(DAYS) or list(days) != sorted(days, reverse=True) or min(days) < 0:
        raise ReportError("the days before an end must be three whole numbers, the largest first, such as 60, 30, 7")
    return days


def entries_of(found: t.Any) -> list[dict[str, t.Any]]:
    """What azure_key_vaults says of what ends, with room for the judgement."""
    given = found if isinstance(found, t.Mapping) else {}
    return [
        {
            "field": name,
            "ends": str(given[what]),
            "from": plain(given.get(f"{what}_from")),
            "days_left": None,
            "due": None,
            "severity": None,
            "first_seen": None,
            "new": False,
            "ignored": False,
            "ignore": None,
        }
        for name, what in ENDING.items()
        if _is_day(given.get(what))
    ]


def _is_day(value: t.Any) -> bool:
    try:
        return bool(date.fromisoformat(str(value)))
    except ValueError:
        return False


def count_days(host: Mapping, today: date, days: t.Sequence[int]) -> None:
    """Say of everything that ends how many days are left, and how bad that is."""
    for entry in (entry for vault in host["vaults"] for entry in vault["expiry"]):
        left = (date.fromisoformat(entry["ends"]) - today).days
        entry["days_left"] = left
        entry["due"] = "critical" if left < 0 else None
        for severity, most in zip(_SEVERITIES, days):
            if 0 <= left <= most:
                entry["due"] = severity


@dataclass(frozen=True)
class End:
    """Something that ends on a day, and what it ends for: clusters, with the names of their configurations."""

    ends: str
    days_left: int
    what: str
    whose: str
    severity: str
    where: t.Mapping[str, t.Sequence[str]]


def next_ends(report: Report | Mapping) -> list[End]:
    """What ends, the next first: each credential by its application, and each key, once for all that use it."""
    found: dict[tuple[str, int, str, str, str], dict[str, list[str]]] = {}
    for host in report["hosts"]:
        for vault in host["vaults"]:
            for entry in vault.get("expiry") or ():
                what = ENDING[entry["field"]]
                whose = (vault["found"] or {}).get("client_id" if what == "credential" else "key_id") or ""
                key = (entry["ends"], entry["days_left"], what, str(whose), entry["due"] or "")
                found.setdefault(key, {}).setdefault(host["host"], []).append(place(vault))
    return [End(*key, where=where) for key, where in sorted(found.items())]


@dataclass(frozen=True)
class Waiting:
    """A configuration whose volumes wait for Azure, see ``clock`` of azure_key_vault_info."""

    host: str
    where: str
    volumes: str
    offline_at: str
    said: str


def waiting(report: Report | Mapping) -> list[Waiting]:
    """The configurations that Azure is out of reach for, those whose volumes are offline first, then by time."""
    order = ("offline", "going_offline", "unknown", "kept_online", "none")
    found = [
        Waiting(host["host"], place(vault), str(clock["volumes"]), str(clock["offline_at"] or ""), str(clock["said"]))
        for host in report["hosts"]
        for vault in host["vaults"]
        if (clock := (vault["health"] or {}).get("clock"))
    ]
    rank = {word: number for number, word in enumerate(order)}
    return sorted(found, key=lambda one: (rank.get(one.volumes, 2), one.offline_at or "~", one.host, one.where))


def urgent(report: Report | Mapping) -> str:
    """What is offline and what goes offline next, for a headline; empty where nothing waits. Without names, which a
    headline would have to make harmless."""
    found = waiting(report)
    offline = sum(one.volumes == "offline" for one in found)
    going = [one for one in found if one.volumes == "going_offline"]
    said = [f"encrypted volumes of {_configurations(offline)} are offline"] if offline else []
    if going:
        times = [one.offline_at for one in going if _TIME.fullmatch(one.offline_at)]
        first = f", the first at {min(times)}" if times else ""
        said.append(f"encrypted volumes of {_configurations(len(going))} go offline{first}")
    return "; ".join([*said, "do not reboot nodes there"]) if said else ""


def _configurations(number: int) -> str:
    return f"{number:,} configuration{'' if number == 1 else 's'}"
