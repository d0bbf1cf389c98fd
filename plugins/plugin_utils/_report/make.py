# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drift report made from what the hosts returned. Pure."""

from __future__ import annotations

import re
import typing as t
from fnmatch import fnmatchcase

from ansible_collections.ontap.security.plugins.module_utils._azure.table import SECRETS
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import VERSION
from ansible_collections.ontap.security.plugins.plugin_utils._report.expiry import DAYS, count_days, entries_of
from ansible_collections.ontap.security.plugins.plugin_utils._report.judge import Ignored, judge, previous_findings
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    SCHEMA,
    SCHEMA_VERSION,
    SEVERITIES,
    STATUSES,
    VERDICTS,
    Mapping,
    Report,
    described,
    findings_of,
    known_findings,
    plain,
    short_text,
    standings,
    state_of,
    time_of,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.since import KEEP, compared, trend

# What a configuration is about, and all that is kept of it.
_FOUND = ("name", "key_id", "client_id", "tenant_id")
NOT_COVERED = "No report covers this host."
_NEVER_ANSWERED = "The host failed or was unreachable before it could be asked."
# What of a module's error is worth keeping. Never more than this: a failed task may hold anything.
_OF_ERROR = ("code", "message", "http_status", "method", "path", "meaning", "remedy")
# What is worth telling of how a report was made.
_PROVENANCE = ("revision", "limit", "user", "job", "ansible_core")


def make(
    looked: t.Mapping[str, Mapping],
    *,
    started: str,
    ended: str,
    health: bool = True,
    clusters: t.Mapping[str, Mapping] | None = None,
    previous: str | Mapping | None = None,
    ignore: t.Any = (),
    groups: t.Mapping[str, t.Collection[str]] | None = None,
    provenance: Mapping | None = None,
    keep: int = KEEP,
    expiry_days: t.Sequence[int] = DAYS,
) -> Report:
    """The report. ``looked`` has for each host what azure_key_vaults returned there, or nothing, and ``health`` says
    whether that is part of it. ``clusters`` has what azure_key_vault_info returned of the clusters themselves, where it
    was asked. ``previous`` is the report before this one, ``groups`` has the hosts of each inventory
    group, ``provenance`` how the report was made; ``keep`` is how many reports the trend goes back over.
    ``expiry_days`` are the days before an end, see ``expiry``."""
    warnings: list[str] = []
    before = previous_findings(previous, warnings)
    today = time_of(started).date()
    if isinstance(ignore, (str, t.Mapping)):
        # What is no list is one entry, which then cannot be understood.
        ignore = [ignore]
    exceptions = [Ignored.of(entry, today) for entry in ignore]
    warnings += [f"Exception {number}: {e.problem}" for number, e in enumerate(exceptions, 1) if e.problem]
    by_host = groups_by_host(groups)
    hosts = []
    for name in sorted(looked):
        host = host_of(name, looked[name] or {}, health)
        host["groups"] = by_host.get(host["host"], [])
        _add_cluster(host, (clusters or {}).get(name) or {}, warnings)
        count_days(host, today, expiry_days)
        judge(host, started, before, exceptions)
        hosts.append(host)
    return assembled(
        hosts,
        started,
        ended,
        warnings,
        [e.as_result() for e in exceptions],
        [],
        health,
        before=before.report,
        provenance=provenance,
        keep=keep,
    )


def groups_by_host(groups: t.Mapping[str, t.Collection[str]] | None) -> dict[str, list[str]]:
    """The inventory groups of each host, without those that Ansible makes by itself."""
    found: dict[str, list[str]] = {}
    for name in sorted(map(str, set(groups or ()) - {"all", "ungrouped"})):
        for host in (groups or {})[name]:
            found.setdefault(str(host), []).append(name)
    return found


def assembled(
    hosts: list[dict[str, t.Any]],
    started: str,
    ended: str,
    warnings: list[str],
    exceptions: list[dict[str, t.Any]],
    not_covered: list[str],
    with_health: bool,
    *,
    before: Report | None,
    provenance: Mapping | None,
    keep: int,
) -> Report:
    """The report of hosts that have been judged. ``before`` is the report before this one."""
    since_last = compared(hosts, before)
    summary = _summary(hosts)
    with_health = with_health and all(host["health_asked"] for host in hosts)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "collection_version": VERSION,
        "started": started,
        "ended": ended,
        "provenance": {name: _line((provenance or {}).get(name)) for name in _PROVENANCE},
        "summary": {
            **summary,
            "since_last": since_last,
            "trend": trend(before, ended, summary, keep),
            "health_asked": with_health,
            "not_covered": not_covered,
            "ignore": exceptions,
            "warnings": warnings + notes_on(hosts, exceptions, with_health),
        },
        "hosts": hosts,
    }


def notes_on(hosts: t.Sequence[Mapping], exceptions: t.Sequence[Mapping], with_health: bool) -> list[str]:
    """What is to be said of the report as a whole, and follows from the rest of it."""
    unasked = without_health(hosts, with_health)
    notes = [f"{unasked.capitalize()}, so nobody knows whether Azure and keys can be reached"] if unasked else []
    for entry in exceptions:
        stale = [f"expired on {entry['expires']}"] if entry["expired"] else []
        stale += [] if entry["matches"] else ["matches nothing"]
        if not stale or entry["problem"]:
            continue
        silent = sum(host["status"] != "ok" and fnmatchcase(host["host"], entry["host"]) for host in hosts)
        but = f", but {silent} of its clusters could not be compared" if silent and not entry["matches"] else ""
        patterns = ", ".join(f"{name} {entry[name]}" for name in ("host", "svm", "field"))
        notes.append(f"An exception {' and '.join(stale)}{but}: {patterns}: {short_text(entry['reason'])}")
    return notes + [
        f"{host['host']}: nothing is described for this cluster, so nothing was compared"
        for host in hosts
        if not described(host) and host["status"] == "ok"
    ]


def _line(value: t.Any) -> str | None:
    """A word or two, or nothing."""
    return short_text(" ".join(str(plain(value)).split())) or None if value is not None else None


def without_health(hosts: t.Sequence[Mapping], with_health: bool) -> str:
    """In words that nobody asked for health, there or anywhere; empty where it was asked for on all."""
    if with_health:
        return ""
    number = sum(not host["health_asked"] for host in hosts)
    where = "" if number in (0, len(hosts)) else f" on {number} cluster{'' if number == 1 else 's'}"
    return f"health was not asked for{where}"


def host_of(name: str, looked: Mapping, health: bool) -> dict[str, t.Any]:
    """One host, not judged yet."""
    host: dict[str, t.Any] = {"host": str(name), "groups": [], "status": "ok", "cluster": None, "release": None}
    host["error"] = None
    found = looked.get("vaults") or []
    # Somebody may have asked without it and not know.
    host["health_asked"] = health and all("health" in vault for vault in found)
    vaults = [_vault(vault) for vault in found]
    vaults.sort(key=lambda v: (v["scope"] != "cluster", v["svm"] or "", v["configuration"] or "", v["uuid"] or ""))
    host["vaults"] = vaults
    if not looked:
        host.update(status="error", error=_error({"msg": _NEVER_ANSWERED}))
    elif looked.get("unreachable"):
        host.update(status="unreachable", error=_error(looked))
    elif looked.get("vaults") is None:
        host.update(status="unreachable" if _no_answer(looked.get("error")) else "error", error=_error(looked))
    elif any(vault["verdict"] == "error" for vault in vaults):
        host.update(status="error", error=_error(looked))
    return host


def _no_answer(error: t.Any) -> bool:
    """Whether a module's error says that a request was sent and nobody, or only a proxy, answered."""
    if not isinstance(error, t.Mapping) or not error.get("method") or error.get("code"):
        return False
    return error.get("http_status") in (None, 502, 503, 504)


def _error(result: Mapping) -> dict[str, t.Any]:
    error = result.get("error")
    details = error if isinstance(error, t.Mapping) else {}
    message = details.get("msg") or result.get("msg") or "The task failed without a message."
    return {"msg": short_text(message), **{name: plain(details.get(name)) for name in _OF_ERROR}}


def _vault(found: Mapping) -> dict[str, t.Any]:
    """One configuration as azure_key_vaults returns it, with room for the judgement."""
    drift = [
        {
            "field": str(entry.get("field")),
            "desired": None if entry.get("field") in SECRETS else plain(entry.get("desired")),
            "actual": None if entry.get("field") in SECRETS else plain(entry.get("actual")),
            "action": plain(entry.get("action")),
        }
        for entry in found.get("drift") or []
    ]
    undescribed = [
        {"field": str(entry.get("field")), "actual": plain(entry.get("actual"))}
        for entry in found.get("undescribed") or []
        if entry.get("field") not in SECRETS
    ]
    verdict, health, enabled = str(found.get("verdict")), found.get("health"), found.get("enabled")
    return {
        "scope": plain(found.get("scope")),
        "svm": plain(found.get("svm")),
        "configuration": plain(found.get("configuration")),
        "uuid": plain(found.get("uuid")),
        "enabled": None if enabled is None else bool(enabled),
        "found": {name: plain(found["found"].get(name)) for name in _FOUND} if found.get("found") else None,
        "verdict": verdict if re.fullmatch("[a-z_]+", verdict) else "error",
        "severity": None,
        "first_seen": None,
        "new": False,
        "ignored": False,
        "ignore": None,
        "changed": bool(found.get("changed")),
        "drift": drift,
        "undescribed": undescribed,
        "expiry": entries_of(found.get("expiry")),
        "actions": plain(found.get("actions") or []),
        # ONTAP never returns a secret, so nobody can know whether the stored one is the right one.
        "credentials": "not_compared",
        # Nor a version of the key on every release.
        "key_version": plain(found.get("key_version")),
        "health": _health(health) if isinstance(health, t.Mapping) else None,
        "job": plain(found.get("job")),
        "error": _error(found) if found.get("error") else None,
    }


def _health(found: Mapping) -> dict[str, t.Any]:
    """What a configuration's health comes to, with room for the judgement."""
    return {
        "verdict": str(found.get("verdict")),
        "cause": plain(found.get("cause")),
        "remedy": plain(found.get("remedy")),
        "reasons": [short_text(reason) for reason in found.get("reasons") or []],
        "nodes": [str(node) for node in found.get("nodes") or []],
        "clock": plain(found.get("clock")),
        "severity": None,
        "first_seen": None,
        "new": False,
        "ignored": False,
        "ignore": None,
    }


def _add_cluster(host: dict[str, t.Any], answer: Mapping, warnings: list[str]) -> None:
    cluster = answer.get("cluster")
    if isinstance(cluster, t.Mapping):
        host["cluster"] = {"name": plain(cluster.get("name")), "uuid": plain(cluster.get("uuid"))}
        host["release"] = plain(cluster.get("release"))
    elif answer and not answer.get("skipped"):
        warnings.append(f"{host['host']}: name, UUID and release could not be read: {_error(answer)['msg']}")


def _summary(hosts: t.Sequence[Mapping]) -> dict[str, t.Any]:
    vaults = [vault for host in hosts for vault in host["vaults"]]
    states = [state_of(host) for host in hosts]
    by_status = {status: sum(host["status"] == status for host in hosts) for status in STATUSES}
    verdicts = [vault["verdict"] for vault in vaults]
    by_verdict = {verdict: verdicts.count(verdict) for verdict in (*VERDICTS, *sorted(set(verdicts) - set(VERDICTS)))}
    known = [finding for vault in vaults for _name, finding in known_findings(vault)]
    found = [finding["severity"] for finding in known if not finding["ignored"]]
    severities = {severity: found.count(severity) for severity in SEVERITIES}
    managed = len(vaults) - by_verdict["unmanaged"]
    if severities["critical"]:
        verdict = "critical"
    elif by_status["ok"] < len(hosts) or not hosts:
        verdict = "error"
    else:
        verdict = "drift" if found else "in_sync"
    return {
        "verdict": verdict,
        "hosts": {
            "asked": len(hosts),
            **by_status,
            "in_sync": states.count("in_sync"),
            "differing": sum(state in SEVERITIES for state in states),
            "nothing_described": states.count("nothing"),
        },
        "configurations": {
            "total": len(vaults),
            **by_verdict,
            "ignored": sum(bool(vault["ignored"]) for vault in vaults),
            "undescribed": sum(bool(vault["undescribed"]) for vault in vaults),
        },
        "standings": standings(vaults),
        "severities": severities,
        "ignored": sum(finding["ignored"] for vault in vaults for _name, finding in findings_of(vault)),
        "coverage": {
            "hosts": _percent(by_status["ok"], len(hosts)),
            "configurations": _percent(managed, len(vaults)),
        },
    }


def _percent(part: int, whole: int) -> float | None:
    """Never 100 while something is missing."""
    return int(part * 1000 / whole) / 10 if whole else None
