# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has become of the report before: what is new, still open, gone, and what nobody can tell. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._report.judge import Key, key_of
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    SEVERITIES,
    Mapping,
    Report,
    findings_of,
    known_findings,
)

# Over how many reports a trend goes back: about three months of nights.
KEEP = 90

_Found = dict[Key, dict[str, t.Any]]


def compared(hosts: t.Sequence[dict[str, t.Any]], before: Report | None) -> dict[str, t.Any] | None:
    """Mark what is new in the hosts, and say what has become of the report before; None where there is none.

    Gone is what was open and is not found any more. Where nobody looked this time, because a cluster did not answer, is
    not in the report or was not asked for health, nothing is gone: that is ``not_known``.
    """
    now, then = _findings(hosts), _findings(before["hosts"] if before else ())
    known = then.keys() | _remembered(before["hosts"] if before else ())
    for vault in (vault for host in hosts for vault in host["vaults"]):
        for _name, finding in findings_of(vault):
            finding["new"] = False
    for key, finding in now.items():
        finding["new"] = before is not None and key not in known and not finding["ignored"]
    for vault in (vault for host in hosts for vault in host["vaults"]):
        vault["new"] = any(finding["new"] for _name, finding in findings_of(vault))
    if before is None:
        return None
    looked = {host["host"]: host for host in hosts}
    left = {key: finding for key, finding in then.items() if key not in now and not finding["ignored"]}
    gone = [(key, finding) for key, finding in left.items() if _looked_at(key, looked.get(key[0]))]
    live = [finding for finding in now.values() if not finding["ignored"]]
    new = sum(finding["new"] for finding in live)
    names = ("host", "scope", "svm", "configuration", "field")
    return {
        "ended": before["ended"],
        "new": new,
        "still_open": len(live) - new,
        "gone": [
            {**dict(zip(names, key)), "severity": finding["severity"], "first_seen": finding["first_seen"]}
            for key, finding in sorted(gone, key=lambda pair: pair[0])
        ],
        "not_known": len(left) - len(gone),
    }


def _findings(hosts: t.Iterable[Mapping]) -> _Found:
    """What was found, without the configurations of which nobody knows anything."""
    return {
        key_of(host["host"], vault, name): finding
        for host in hosts
        for vault in host["vaults"]
        for name, finding in known_findings(vault)
    }


def _remembered(hosts: t.Iterable[Mapping]) -> set[Key]:
    return {key_of(host["host"], entry, entry["field"]) for host in hosts for entry in host.get("remembered") or ()}


def _looked_at(key: Key, host: Mapping | None) -> bool:
    """Whether somebody looked this time at what the key names."""
    if host is None or host["status"] != "ok":
        return False
    return key[4] != "health" or bool(host["health_asked"])


def trend(before: Report | None, ended: str, summary: Mapping, keep: int) -> list[dict[str, t.Any]]:
    """What the reports came to, this one last, over at most ``keep`` of them."""
    points: list[dict[str, t.Any]] = []
    if before is not None:
        points = before["summary"]["trend"] or [_point(before["ended"], before["summary"])]
    return [*points, _point(ended, summary)][-max(1, keep) :]


def _point(ended: str, summary: Mapping) -> dict[str, t.Any]:
    found, hosts = summary["severities"], summary["hosts"]
    return {
        "ended": ended,
        **{severity: found[severity] for severity in SEVERITIES},
        "not_compared": hosts["asked"] - hosts["ok"],
        "asked": hosts["asked"],
    }
