# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as data: made from what the hosts returned, merged, and taken apart into rows. Pure, no I/O."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from fnmatch import fnmatchcase

from ansible_collections.ontap.security.plugins.module_utils._client import VERSION
from ansible_collections.ontap.security.plugins.module_utils._health import usable
from ansible_collections.ontap.security.plugins.module_utils._vault import SECRETS

SCHEMA = "ontap.security/drift-report"
SCHEMA_VERSION = 2
# From bad to harmless.
SEVERITIES: t.Final = ("critical", "high", "medium", "low")
STATUSES: t.Final = ("ok", "unreachable", "error")
VERDICTS: t.Final = ("in_sync", "missing", "drifted", "unmanaged", "blocked", "error")
# How an entry of the ignore list names the cluster scope, which has no SVM.
CLUSTER_SCOPE = "(cluster)"

Report = dict[str, t.Any]
Mapping = t.Mapping[str, t.Any]
# Host, scope, SVM, configuration, field: what stays the same from one report to the next.
_Key = tuple[str, str, str, str, str]

_HIGH = {
    *("name", "key_id", "client_id", "tenant_id", "authentication_method", "state", "enabled"),
    # Where the secret is sent, and what keeps somebody else from taking it there.
    *("oauth_host", "verify_host", "verify_ip"),
}
_HIGH_UNDESCRIBED = {"oauth_host", "vault_host", "proxy_host"}
_OF_VERDICT = {"missing": "high", "unmanaged": "medium", "blocked": "high", "error": "high", "drifted": "low"}
_NOT_COVERED = "No report covers this host."
_NEVER_ANSWERED = "The host failed or was unreachable before it could be asked."
# What of a module's error is worth keeping. Never more than this: a failed task may hold anything.
_OF_ERROR = ("code", "http_status", "method", "path", "meaning", "remedy")
_LONGEST_TEXT = 2000


class ReportError(Exception):
    """What was given is no drift report, or nothing that one can be made from."""


# --- making


def make(
    looked: t.Mapping[str, Mapping],
    *,
    started: str,
    ended: str,
    health: bool = True,
    clusters: t.Mapping[str, Mapping] | None = None,
    previous: str | Mapping | None = None,
    ignore: t.Any = (),
) -> Report:
    """The report. ``looked`` has for each host what azure_key_vaults returned there, or nothing, and ``health`` says
    whether that is part of it. ``clusters`` has what azure_key_vault_info returned of the clusters themselves, where it
    was asked. ``previous`` is the report before this one."""
    warnings: list[str] = []
    before = _previous(previous, warnings)
    today = _time(started).date()
    if isinstance(ignore, (str, t.Mapping)):
        # What is no list is one entry, which then cannot be understood.
        ignore = [ignore]
    exceptions = [_Exception.of(entry, today) for entry in ignore]
    warnings += [f"Exception {number}: {e.problem}" for number, e in enumerate(exceptions, 1) if e.problem]
    hosts = []
    for name in sorted(looked):
        host = _host(name, looked[name] or {}, health)
        _add_cluster(host, (clusters or {}).get(name) or {}, warnings)
        _judge(host, started, before, exceptions)
        hosts.append(host)
    return _report(hosts, started, ended, warnings, [e.as_result() for e in exceptions], [], health)


def _report(
    hosts: list[dict[str, t.Any]],
    started: str,
    ended: str,
    warnings: list[str],
    exceptions: list[dict[str, t.Any]],
    not_covered: list[str],
    with_health: bool,
) -> Report:
    summary = _summary(hosts)
    with_health = with_health and all(host["health_asked"] for host in hosts)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "collection_version": VERSION,
        "started": started,
        "ended": ended,
        "summary": {
            **summary,
            "health_asked": with_health,
            "not_covered": not_covered,
            "ignore": exceptions,
            "warnings": warnings + _notes(hosts, exceptions, with_health),
        },
        "hosts": hosts,
    }


def _notes(hosts: t.Sequence[Mapping], exceptions: t.Sequence[Mapping], with_health: bool) -> list[str]:
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
        notes.append(f"An exception {' and '.join(stale)}{but}: {patterns}: {_text(entry['reason'])}")
    return notes + [
        f"{host['host']}: nothing is described for this cluster, so nothing was compared"
        for host in hosts
        if not described(host) and host["status"] == "ok"
    ]


def without_health(hosts: t.Sequence[Mapping], with_health: bool) -> str:
    """In words that nobody asked for health, there or anywhere; empty where it was asked for on all."""
    if with_health:
        return ""
    number = sum(not host["health_asked"] for host in hosts)
    where = "" if number in (0, len(hosts)) else f" on {number} cluster{'' if number == 1 else 's'}"
    return f"health was not asked for{where}"


def _host(name: str, looked: Mapping, health: bool) -> dict[str, t.Any]:
    """One host, not judged yet."""
    host: dict[str, t.Any] = {"host": str(name), "status": "ok", "cluster": None, "release": None, "error": None}
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
    return {"msg": _text(message), **{name: _plain(details.get(name)) for name in _OF_ERROR}}


def _text(value: t.Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " ..."


def _plain(value: t.Any) -> t.Any:
    """The value in JSON's own types: Ansible hands over strings and lists that know more than their content."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, t.Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    # Half a surrogate pair is no text that could be written to a file.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _vault(found: Mapping) -> dict[str, t.Any]:
    """One configuration as azure_key_vaults returns it, with room for the judgement."""
    drift = [
        {
            "field": str(entry.get("field")),
            "desired": None if entry.get("field") in SECRETS else _plain(entry.get("desired")),
            "actual": None if entry.get("field") in SECRETS else _plain(entry.get("actual")),
            "action": _plain(entry.get("action")),
        }
        for entry in found.get("drift") or []
    ]
    undescribed = [
        {"field": str(entry.get("field")), "actual": _plain(entry.get("actual"))}
        for entry in found.get("undescribed") or []
        if entry.get("field") not in SECRETS
    ]
    verdict, health, enabled = str(found.get("verdict")), found.get("health"), found.get("enabled")
    return {
        "scope": _plain(found.get("scope")),
        "svm": _plain(found.get("svm")),
        "configuration": _plain(found.get("configuration")),
        "uuid": _plain(found.get("uuid")),
        "enabled": None if enabled is None else bool(enabled),
        "verdict": verdict if verdict in VERDICTS else "error",
        "severity": None,
        "first_seen": None,
        "ignored": False,
        "ignore": None,
        "changed": bool(found.get("changed")),
        "drift": drift,
        "undescribed": undescribed,
        "actions": _plain(found.get("actions") or []),
        # ONTAP never returns a secret, so nobody can know whether the stored one is the right one.
        "credentials": "not_compared",
        # Nor a version of the key on every release.
        "key_version": _plain(found.get("key_version")),
        "health": _health(health) if isinstance(health, t.Mapping) else None,
        "job": _plain(found.get("job")),
        "error": _error(found) if found.get("error") else None,
    }


def _health(found: Mapping) -> dict[str, t.Any]:
    """What a configuration's health comes to, with room for the judgement."""
    return {
        "verdict": str(found.get("verdict")),
        "reasons": [_text(reason) for reason in found.get("reasons") or []],
        "nodes": [str(node) for node in found.get("nodes") or []],
        "severity": None,
        "first_seen": None,
        "ignored": False,
        "ignore": None,
    }


def _add_cluster(host: dict[str, t.Any], answer: Mapping, warnings: list[str]) -> None:
    cluster = answer.get("cluster")
    if isinstance(cluster, t.Mapping):
        host["cluster"] = {"name": _plain(cluster.get("name")), "uuid": _plain(cluster.get("uuid"))}
        host["release"] = _plain(cluster.get("release"))
    elif answer and not answer.get("skipped"):
        warnings.append(f"{host['host']}: name, UUID and release could not be read: {_error(answer)['msg']}")


# --- judging


def severity_of(name: str, desired: t.Any, actual: t.Any) -> str:
    """How bad it is that a field differs."""
    if desired is not None and actual is not None and _form(desired) == _form(actual):
        return "low"
    return "high" if name in _HIGH else "medium"


def _form(value: t.Any) -> str:
    """What is left when case, blanks, and slashes at the end do not count."""
    return "".join(str(value).casefold().split()).rstrip("/")


@dataclass
class _Exception:
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
    def of(cls, given: t.Any, today: date) -> _Exception:
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

    def covers(self, key: _Key) -> bool:
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
class _Memory:
    """What the report before knew: since when there is what."""

    first_seen: dict[_Key, str] = field(default_factory=dict)
    by_host: dict[str, list[_Key]] = field(default_factory=dict)


def _previous(given: str | Mapping | None, warnings: list[str]) -> _Memory:
    if not given:
        return _Memory()
    memory = _Memory()
    try:
        _remember(load(given), memory)
    except (ReportError, KeyError, TypeError, AttributeError) as exc:
        warnings.append(f"The previous report cannot be used, so every difference counts as new: {exc}")
        return _Memory()
    return memory


def _remember(report: Report, memory: _Memory) -> None:
    """Add what a report knows to what others knew; the oldest counts."""

    def keep(key: _Key, seen: t.Any) -> None:
        if isinstance(seen, str) and seen:
            memory.first_seen[key] = min(seen, memory.first_seen.get(key, seen))
            memory.by_host.setdefault(key[0], []).append(key)

    for host in report["hosts"]:
        for vault in host["vaults"]:
            for name, finding in _findings(vault):
                keep(_key(host["host"], vault, name), finding.get("first_seen"))
        for entry in host.get("remembered") or []:
            keep(_key(host["host"], entry, entry["field"]), entry["first_seen"])


def _key(host: str, where: Mapping, name: str) -> _Key:
    return (host, str(where["scope"]), str(where["svm"] or ""), str(where["configuration"] or ""), name)


def _findings(vault: Mapping) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """What is to be judged in a configuration, by name: its differences, its verdict if that has none, settings that
    nobody described, its health."""
    for drift in vault["drift"]:
        yield drift["field"], drift
    if not vault["drift"] and vault["verdict"] != "in_sync":
        yield vault["verdict"], t.cast("dict[str, t.Any]", vault)
    for setting in vault["undescribed"]:
        yield setting["field"], setting
    well = usable(vault["health"]["verdict"]) if vault["health"] else True
    # ONTAP reports no health of an inactive configuration, and nothing is wrong with that.
    if well is False or (well is None and vault["enabled"] is not False):
        yield "health", vault["health"]


def _judge(host: dict[str, t.Any], now: str, before: _Memory, exceptions: t.Sequence[_Exception]) -> None:
    """Give every finding of a host its severity, its age and its exception."""
    for vault in host["vaults"]:
        for name, finding in _findings(vault):
            key = _key(host["host"], vault, name)
            if name == "health":
                finding["severity"] = "critical" if usable(finding["verdict"]) is False else "high"
            elif "desired" in finding:
                finding["severity"] = severity_of(name, finding["desired"], finding["actual"])
            elif "actual" in finding:
                finding["severity"] = "high" if name in _HIGH_UNDESCRIBED else "medium"
            else:
                finding["severity"] = _OF_VERDICT[vault["verdict"]]
            finding["first_seen"] = min(before.first_seen.get(key, now), now)
            _apply_exceptions(finding, key, exceptions)
        _sum_up(vault)
        for findings in (vault["drift"], vault["undescribed"]):
            findings.sort(key=lambda finding: (SEVERITIES.index(finding["severity"]), finding["field"]))
    _keep_ages(host, before)


def _keep_ages(host: dict[str, t.Any], before: _Memory) -> None:
    """Where nobody could look, nothing has ended: the next report needs the age of what was there."""
    if host["status"] == "ok":
        return
    found = {_key(host["host"], vault, name) for vault in host["vaults"] for name, _finding in _findings(vault)}
    left = sorted(set(before.by_host.get(host["host"], ())) - found)
    if left:
        names = ("scope", "svm", "configuration", "field")
        host["remembered"] = [{**dict(zip(names, key[1:])), "first_seen": before.first_seen[key]} for key in left]


def _apply_exceptions(finding: dict[str, t.Any], key: _Key, exceptions: t.Sequence[_Exception]) -> None:
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


def _sum_up(vault: dict[str, t.Any]) -> None:
    """The configuration as a whole: the worst that is not ignored, and the oldest."""
    findings = [finding for _name, finding in _findings(vault)]
    if not findings:
        return
    live = [finding for finding in findings if not finding["ignored"]]
    worst = [finding["severity"] for finding in live or findings]
    if vault["verdict"] in ("missing", "blocked", "error") and (live or not vault["drift"]):
        worst.append(_OF_VERDICT[vault["verdict"]])
    vault["severity"] = min(worst, key=SEVERITIES.index)
    vault["first_seen"] = min(finding["first_seen"] for finding in live or findings)
    vault["ignored"] = not live


# --- summing up


def described(host: Mapping) -> bool:
    """Whether somebody has said what this cluster should have."""
    return any(vault["verdict"] != "unmanaged" for vault in host["vaults"])


def open_findings(vault: Mapping) -> list[dict[str, t.Any]]:
    """What somebody has to look at: all findings that no exception covers."""
    return [finding for _name, finding in _findings(vault) if not finding["ignored"]]


def state_of(host: Mapping) -> str:
    """One word for a host: its status if it could not be asked, else the worst severity, ``in_sync``, ``nothing``."""
    if host["status"] != "ok":
        return str(host["status"])
    found = [finding["severity"] for vault in host["vaults"] for finding in open_findings(vault)]
    if found:
        return str(min(found, key=SEVERITIES.index))
    return "in_sync" if described(host) else "nothing"


def _summary(hosts: t.Sequence[Mapping]) -> dict[str, t.Any]:
    vaults = [vault for host in hosts for vault in host["vaults"]]
    states = [state_of(host) for host in hosts]
    by_status = {status: sum(host["status"] == status for host in hosts) for status in STATUSES}
    by_verdict = {verdict: sum(vault["verdict"] == verdict for vault in vaults) for verdict in VERDICTS}
    found = [finding["severity"] for vault in vaults for finding in open_findings(vault)]
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
        "severities": severities,
        "ignored": sum(finding["ignored"] for vault in vaults for _name, finding in _findings(vault)),
        "coverage": {
            "hosts": _percent(by_status["ok"], len(hosts)),
            "configurations": _percent(managed, len(vaults)),
        },
    }


def _percent(part: int, whole: int) -> float | None:
    """Never 100 while something is missing."""
    return int(part * 1000 / whole) / 10 if whole else None


# --- reading and writing


def load(given: str | Mapping) -> Report:
    """A report from its JSON text, or from its data. Raises ``ReportError``."""
    if isinstance(given, (str, bytes)):
        try:
            report = json.loads(given)
        except ValueError as exc:
            raise ReportError(f"it is not JSON ({exc})") from None
    else:
        report = _plain(given)
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise ReportError(f"it is no drift report: its schema is not {SCHEMA}")
    if report.get("schema_version") not in (1, SCHEMA_VERSION):
        raise ReportError(
            f"its schema_version is {report.get('schema_version')}; this collection knows 1 to {SCHEMA_VERSION}"
        )
    if not isinstance(report.get("hosts"), list) or not isinstance(report.get("summary"), dict):
        raise ReportError("it is no complete drift report: hosts or summary is missing")
    if report["schema_version"] == 1:
        try:
            _renew(report)
        except (KeyError, TypeError, AttributeError):
            raise ReportError("it is no complete drift report: something in it is missing") from None
    return report


def _renew(report: Report) -> None:
    """Make a report of version 1 one of version 2. Nobody looked at undescribed settings then, and a health that was
    unknown was that of an inactive configuration."""
    report["schema_version"] = 2
    for host in report["hosts"]:
        host["health_asked"] = bool(report["summary"].get("health_asked"))
        for vault in host["vaults"]:
            vault["enabled"] = False if (vault["health"] or {}).get("verdict") == "unknown" else None
            vault["undescribed"] = []
    for entry in report["summary"].get("ignore", []):
        entry["problem"] = ""
    report["summary"].get("configurations", {})["undescribed"] = 0


def dump(report: Mapping) -> str:
    """JSON in which no template can hide: braces in texts that would begin one are written as escapes."""
    return re.sub(r"\{(?=[{%#])", r"\\u007b", json.dumps(report, indent=1)) + "\n"


# --- merging


def merge(
    reports: t.Sequence[str | Mapping], hosts: t.Sequence[str] | None = None, previous: str | Mapping | None = None
) -> Report:
    """One report from those of several runs, each for a part of the fleet. ``hosts`` are all that should be covered,
    ``previous`` is the merged report before this one.

    Of a host in several parts the latest answer counts, with the earliest ``first_seen``. Raises ``ReportError``.
    """
    warnings: list[str] = []
    before = _previous(previous, warnings)
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
        _remember(part, before)
    missing = sorted(set(map(str, hosts or ())) - set(found))
    for name in missing:
        found[name] = _host(name, {"msg": _NOT_COVERED}, True)
    for name, host in found.items():
        for vault in host["vaults"]:
            _make_older(name, vault, before)
        _keep_ages(host, before)
    return _report(
        [found[name] for name in sorted(found)],
        min(str(part["started"]) for part in parts),
        max(str(part["ended"]) for part in parts),
        warnings + _distinct(warning for part in parts for warning in _warnings(part)),
        _merged_exceptions(parts),
        missing,
        all(part["summary"].get("health_asked") for part in parts),
    )


def _warnings(part: Report) -> list[str]:
    """What a part says beside the notes that follow from it, which are made anew from the whole."""
    summary = part["summary"]
    notes = _notes(part["hosts"], summary.get("ignore", []), bool(summary.get("health_asked")))
    return [warning for warning in summary.get("warnings", []) if warning not in notes]


def _make_older(host: str, vault: dict[str, t.Any], before: _Memory) -> None:
    for name, finding in _findings(vault):
        finding["first_seen"] = before.first_seen.get(_key(host, vault, name), finding["first_seen"])
    _sum_up(vault)


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


# --- rows


@dataclass(frozen=True)
class Row:
    """One line of a table: a field that differs, or a host or configuration about which there is something else."""

    host: str
    status: str
    cluster: str = ""
    release: str = ""
    scope: str = ""
    svm: str = ""
    configuration: str = ""
    uuid: str = ""
    verdict: str = ""
    field: str = ""
    desired: t.Any = None
    actual: t.Any = None
    severity: str = ""
    action: str = ""
    first_seen: str = ""
    ignored: bool = False
    reason: str = ""
    expires: str = ""
    expired: bool = False
    health: str = ""
    note: str = ""

    @property
    def where(self) -> str:
        """The configuration for people."""
        if not self.scope:
            return ""
        place = "cluster scope" if self.scope == "cluster" else self.svm
        return f"{place} / {self.configuration}" if self.configuration and self.configuration != "default" else place

    @property
    def open(self) -> bool:
        """Whether somebody has to look at it."""
        return bool(self.severity) and not self.ignored


def rows(report: Mapping) -> t.Iterator[Row]:
    """Every host and configuration at least once, in the order of the report."""
    for host in report["hosts"]:
        common = {
            "host": host["host"],
            "status": host["status"],
            "cluster": (host["cluster"] or {}).get("name") or "",
            "release": host["release"] or "",
        }
        if host["status"] != "ok":
            yield Row(**common, verdict=host["status"], severity="high", note=said(host["error"]))
        elif not host["vaults"]:
            yield Row(**common, verdict="nothing_described", note="Nothing is described for this cluster.")
        for vault in host["vaults"]:
            yield from _rows(vault, {**common, "health": "" if host["health_asked"] else "not_asked"})


def _rows(vault: Mapping, common: t.Mapping[str, str]) -> t.Iterator[Row]:
    here: dict[str, t.Any] = {
        **common,
        **{name: vault[name] or "" for name in ("scope", "svm", "configuration", "uuid", "verdict")},
        "health": (vault["health"] or {}).get("verdict") or common["health"],
    }
    error = said(vault["error"])
    findings = list(_findings(vault))
    if not findings:
        yield Row(**here)
    for name, finding in findings:
        ignore = finding["ignore"] or {}
        judged = {
            "severity": finding["severity"],
            "first_seen": finding["first_seen"],
            "ignored": finding["ignored"],
            "reason": ignore.get("reason") or "",
            "expires": ignore.get("expires") or "",
            "expired": bool(ignore.get("expired")),
        }
        if name == "health" and "reasons" in finding:
            note = "; ".join(finding["reasons"])
            yield Row(**here, **judged, field=name, desired="healthy", actual=finding["verdict"], note=note)
        elif "desired" in finding:
            compared = {key: finding[key] for key in ("field", "desired", "actual")}
            yield Row(**here, **judged, **compared, action=finding["action"] or "", note=error)
        elif "actual" in finding:
            compared = {key: finding[key] for key in ("field", "actual")}
            note = "Nobody has described this setting: describe it, or remove it."
            yield Row(**{**here, "verdict": "undescribed"}, **judged, **compared, note=note)
        else:
            yield Row(**here, **judged, note=error or _advice(vault["verdict"]))


def _advice(verdict: str) -> str:
    if verdict == "unmanaged":
        return "No entry describes this configuration: describe it, or remove it."
    return ""


def said(error: Mapping | None) -> str:
    """What an error says, which may be several lines, on one."""
    return " ".join(str((error or {}).get("msg") or "").split("\n"))


def shown(value: t.Any) -> str:
    """A value for people. A field that is not set is nothing, which is not the text 'None'."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except ValueError:
        raise ReportError(f"{text!r} is not a time such as 2026-01-31T23:59:59Z") from None
