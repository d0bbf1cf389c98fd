# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bad each finding is, how old, and whether somebody has said to leave it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from ansible_collections.ontap.security.plugins.module_utils._azure.table import FIELDS, UNDESCRIBED
from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import usable
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    SEVERITIES,
    Mapping,
    Report,
    ReportError,
    findings_of,
    load,
)

# How an entry of the ignore list names the cluster scope, which has no SVM.
CLUSTER_SCOPE = "(cluster)"

# Host, scope, SVM, configuration, field: what stays the same from one report to the next.
Key = tuple[str, str, str, str, str]

# Of each field that differs.
_SEVERITY = {
    **{name: item.severity for name, item in FIELDS.items()},
    **dict.fromkeys(("authentication_method", "state", "enabled"), "high"),
}
_OF_VERDICT = {
    "missing": "high",
    "unmanaged": "medium",
    "blocked": "high",
    "waiting_for_approval": "medium",
    "error": "high",
    "drifted": "low",
}


def severity_of(name: str, desired: t.Any, actual: t.Any) -> str:
    """How bad it is that a field differs."""
    if desired is not None and actual is not None and _form(desired) == _form(actual):
        return "low"
    return _SEVERITY.get(name, "medium")


def _form(value: t.Any) -> str:
    """What is left when case, blanks, and slashes at the end do not count."""
    return "".join(str(value).casefold().split()).rstrip("/")


@dataclass
class Ignored:
    """An entry of the ignore list, with what has become of it."""

    host: str
    svm: str
    field: str
    reason: str
    expires: str
    expired: bool
    problem: str = ""
    matches: int = 0

    @classmethod
    def of(cls, given: t.Any, today: date) -> Ignored:
        """An entry that cannot be understood ignores nothing; the report says so."""
        entry = given if isinstance(given, t.Mapping) else {}
        unknown = sorted(set(map(str, entry)) - {"host", "svm", "field", "reason", "expires"})
        host, svm, name = (str(entry.get(key) or "*") for key in ("host", "svm", "field"))
        reason, expires = (str(entry.get(key) or "") for key in ("reason", "expires"))
        problem = ""
        expired = True
        if not entry:
            problem = "it is no dictionary with a reason, a date and patterns, and it is not applied"
        elif unknown:
            # Perhaps a pattern with a typing error, without which the others would cover too much.
            problem = f"it has {', '.join(unknown)}, which nobody knows, and it is not applied"
        elif lost := [key for key in ("host", "svm", "field") if not isinstance(entry.get(key), (str, type(None)))]:
            # YAML reads no, 0123 and the like as something else, and no pattern means all.
            problem = f"its {' and '.join(lost)} must be in double quotes, and it is not applied"
        elif not reason.strip():
            problem = "it has no reason and is not applied"
        else:
            try:
                expired = date.fromisoformat(expires[:10]) < today
            except ValueError:
                problem = f"{expires!r} is not a date such as 2026-12-31, and it is not applied"
        return cls(host, svm, name, reason, expires[:10], expired, problem)

    def covers(self, key: Key) -> bool:
        host, scope, svm, _configuration, name = key
        where = CLUSTER_SCOPE if scope == "cluster" else svm
        return fnmatchcase(host, self.host) and fnmatchcase(where, self.svm) and fnmatchcase(name, self.field)

    def as_result(self) -> dict[str, t.Any]:
        return {
            "host": self.host,
            "svm": self.svm,
            "field": self.field,
            "reason": self.reason,
            "expires": self.expires,
            "expired": self.expired,
            "matches": self.matches,
            "problem": self.problem,
        }


@dataclass
class Memory:
    """What the report before knew: since when there is what."""

    first_seen: dict[Key, str] = field(default_factory=dict)
    by_host: dict[str, list[Key]] = field(default_factory=dict)
    report: Report | None = None


def previous_findings(given: str | Mapping | None, warnings: list[str]) -> Memory:
    """What the report before knew; nothing, and a warning in ``warnings``, where it cannot be used."""
    if not given:
        return Memory()
    memory = Memory()
    try:
        memory.report = load(given)
        remember(memory.report, memory)
    except (ReportError, KeyError, TypeError, AttributeError) as exc:
        warnings.append(f"The previous report cannot be used, so every difference counts as new: {exc}")
        return Memory()
    return memory


def remember(report: Report, memory: Memory) -> None:
    """Add what a report knows to what others knew; the oldest counts."""

    def keep(key: Key, seen: t.Any) -> None:
        if isinstance(seen, str) and seen:
            memory.first_seen[key] = min(seen, memory.first_seen.get(key, seen))
            memory.by_host.setdefault(key[0], []).append(key)

    for host in report["hosts"]:
        for vault in host["vaults"]:
            for name, finding in findings_of(vault):
                keep(key_of(host["host"], vault, name), finding.get("first_seen"))
        for entry in host.get("remembered") or []:
            keep(key_of(host["host"], entry, entry["field"]), entry["first_seen"])


def key_of(host: str, where: Mapping, name: str) -> Key:
    """What stays the same of a finding from one report to the next."""
    return (host, str(where["scope"]), str(where["svm"] or ""), str(where["configuration"] or ""), name)


def judge(host: dict[str, t.Any], now: str, before: Memory, exceptions: t.Sequence[Ignored]) -> None:
    """Give every finding of a host its severity, its age and its exception."""
    for vault in host["vaults"]:
        for name, finding in findings_of(vault):
            key = key_of(host["host"], vault, name)
            if name == "health":
                finding["severity"] = "critical" if usable(finding["verdict"]) is False else "high"
            elif "ends" in finding:
                finding["severity"] = finding["due"]
            elif "desired" in finding:
                finding["severity"] = severity_of(name, finding["desired"], finding["actual"])
            elif "actual" in finding:
                finding["severity"] = UNDESCRIBED[name].severity if name in UNDESCRIBED else "medium"
            else:
                finding["severity"] = _OF_VERDICT.get(vault["verdict"], "high")
            finding["first_seen"] = min(before.first_seen.get(key, now), now)
            clock = finding.get("clock") if name == "health" else None
            if clock and not clock["since"]:
                # Where the cluster cannot tell, this is when somebody saw it first.
                clock.update(since=finding["first_seen"], since_from="report")
            _apply_exceptions(finding, key, exceptions)
        sum_up(vault)
        for findings in (vault["drift"], vault["undescribed"]):
            findings.sort(key=lambda finding: (SEVERITIES.index(finding["severity"]), finding["field"]))
    keep_ages(host, before)


def keep_ages(host: dict[str, t.Any], before: Memory) -> None:
    """Where nobody looked, nothing has ended: the next report needs the age of what was there."""
    found = {key_of(host["host"], vault, name) for vault in host["vaults"] for name, _finding in findings_of(vault)}
    left = sorted(set(before.by_host.get(host["host"], ())) - found)
    if host["status"] == "ok":
        left = [key for key in left if key[4] == "health" and not host["health_asked"]]
    if left:
        names = ("scope", "svm", "configuration", "field")
        host["remembered"] = [{**dict(zip(names, key[1:])), "first_seen": before.first_seen[key]} for key in left]


def _apply_exceptions(finding: dict[str, t.Any], key: Key, exceptions: t.Sequence[Ignored]) -> None:
    finding["ignored"], finding["ignore"] = False, None
    if key[4] == "error":
        return
    covering = [e for e in exceptions if e.covers(key) and not e.problem]
    for one in covering:
        one.matches += 1
    # One that holds comes before one that has expired; the latter is still shown.
    for one in sorted(covering, key=lambda e: e.expired)[:1]:
        finding["ignored"] = not one.expired
        finding["ignore"] = {"reason": one.reason, "expires": one.expires, "expired": one.expired}


def sum_up(vault: dict[str, t.Any]) -> None:
    """The configuration as a whole: the worst that is not ignored, and the oldest."""
    findings = [finding for _name, finding in findings_of(vault)]
    if not findings:
        return
    live = [finding for finding in findings if not finding["ignored"]]
    worst = [finding["severity"] for finding in live or findings]
    if vault["verdict"] in ("missing", "blocked", "waiting_for_approval", "error") and (live or not vault["drift"]):
        worst.append(_OF_VERDICT[vault["verdict"]])
    vault["severity"] = min(worst, key=SEVERITIES.index)
    vault["first_seen"] = min(finding["first_seen"] for finding in live or findings)
    vault["ignored"] = not live
