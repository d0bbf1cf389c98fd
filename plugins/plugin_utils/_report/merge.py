# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drift report from those of several runs, each for a part of the fleet. Pure."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._report.judge import (
    Memory,
    keep_ages,
    key_of,
    previous_findings,
    remember,
    sum_up,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.make import (
    NOT_COVERED,
    assembled,
    groups_by_host,
    host_of,
    notes_on,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    Mapping,
    Report,
    ReportError,
    findings_of,
    load,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.since import KEEP


def merge(
    reports: t.Sequence[str | Mapping],
    hosts: t.Sequence[str] | None = None,
    previous: str | Mapping | None = None,
    *,
    groups: t.Mapping[str, t.Collection[str]] | None = None,
    provenance: Mapping | None = None,
    keep: int = KEEP,
) -> Report:
    """One report from those of several runs, each for a part of the fleet. ``hosts`` are all that should be covered,
    ``previous`` is the merged report before this one. ``groups``, ``provenance`` and ``keep`` are as for ``make``.

    Of a host in several parts the latest answer counts, with the earliest ``first_seen``. Raises ``ReportError``.
    """
    warnings: list[str] = []
    before = previous_findings(previous, warnings)
    parts = []
    for number, given in enumerate(reports, 1):
        try:
            parts.append(load(given))
        except ReportError as exc:
            raise ReportError(f"Report {number} of {len(reports)} cannot be merged: {exc}") from None
    if not parts:
        raise ReportError("There is no report to merge.")
    parts.sort(key=lambda part: str(part["ended"]))
    found: dict[str, dict[str, t.Any]] = {}
    for part in parts:
        for host in part["hosts"]:
            found[host["host"]] = host
        remember(part, before)
    missing = sorted(set(map(str, hosts or ())) - set(found))
    for name in missing:
        found[name] = host_of(name, {"msg": NOT_COVERED}, True)
    by_host = groups_by_host(groups)
    for name, host in found.items():
        host["groups"] = by_host.get(name, host["groups"])
        for vault in host["vaults"]:
            _make_older(name, vault, before)
        keep_ages(host, before)
    return assembled(
        [found[name] for name in sorted(found)],
        min(str(part["started"]) for part in parts),
        max(str(part["ended"]) for part in parts),
        warnings + _distinct(warning for part in parts for warning in _warnings(part)),
        _merged_exceptions(parts),
        missing,
        all(part["summary"].get("health_asked") for part in parts),
        before=before.report,
        provenance=provenance,
        keep=keep,
    )


def _warnings(part: Report) -> list[str]:
    """What a part says beside the notes that follow from it, which are made anew from the whole."""
    summary = part["summary"]
    notes = notes_on(part["hosts"], summary.get("ignore", []), bool(summary.get("health_asked")))
    return [warning for warning in summary.get("warnings", []) if warning not in notes]


def _make_older(host: str, vault: dict[str, t.Any], before: Memory) -> None:
    for name, finding in findings_of(vault):
        finding["first_seen"] = before.first_seen.get(key_of(host, vault, name), finding["first_seen"])
    sum_up(vault)


def _distinct(items: t.Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _merged_exceptions(parts: t.Sequence[Report]) -> list[dict[str, t.Any]]:
    """Each exception once, with the sum of what it matched."""
    merged: dict[str, dict[str, t.Any]] = {}
    for part in parts:
        for entry in part["summary"].get("ignore", []):
            same = merged.setdefault(json.dumps({**entry, "matches": 0}, sort_keys=True), {**entry, "matches": 0})
            same["matches"] += entry["matches"]
    return list(merged.values())
