# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as text: Markdown, CSV, JUnit XML, and a short table for the terminal. Pure, no I/O."""

from __future__ import annotations

import csv
import html
import io
import re
import typing as t
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._report.make import without_health
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    SEVERITIES,
    Mapping,
    open_findings,
    state_of,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import Row, rows, said, shown

# More rows than this nobody reads in a ticket; the other formats have all.
MOST_ROWS = 200
# More clusters and notes than this nobody reads on a terminal.
MOST_LINES = 20
MOST_NOTES = 5

WORDS: t.Final = {
    "in_sync": "in sync",
    "nothing": "nothing described",
    "nothing_described": "nothing described",
    "error": "error",
    "drift": "differences",
    "critical": "critical",
    "waiting_for_approval": "waiting for approval",
}
HEADLINES: t.Final = {
    "in_sync": "Everything is as described",
    "drift": "Some configurations are not as described",
    "unknown": "Everything is as described, but the health of some configurations is unknown",
    "error": "Not every cluster could be compared",
    "critical": "Azure or keys cannot be reached",
}


def headline(report: Mapping) -> str:
    """What the report comes to, in a sentence without its full stop."""
    summary = report["summary"]
    vaults = [vault for host in report["hosts"] for vault in host["vaults"]]
    healthless = all(finding is vault["health"] for vault in vaults for finding in open_findings(vault))
    said = HEADLINES["unknown" if summary["verdict"] == "drift" and healthless else summary["verdict"]]
    if summary["verdict"] == "in_sync" and summary["hosts"]["nothing_described"]:
        said = "Nothing differs, but not every cluster is described"
    elif summary["verdict"] == "in_sync" and summary["ignored"]:
        said = "Everything is as described, but for known exceptions"
    unasked = without_health(report["hosts"], summary["health_asked"])
    return f"{said}, and {unasked}" if unasked else said


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def facts(report: Mapping) -> list[str]:
    """The summary in a few short sentences without full stops."""
    hosts, vaults, found = (report["summary"][name] for name in ("hosts", "configurations", "severities"))
    lines = [
        f"{counted(hosts['asked'], 'cluster')} asked: {hosts['in_sync']} in sync, {hosts['differing']} differing, "
        f"{hosts['unreachable']} unreachable, {hosts['error']} with errors"
        + (f", {hosts['nothing_described']} with nothing described" if hosts["nothing_described"] else ""),
        f"{counted(vaults['total'], 'configuration')}: {vaults['in_sync']} in sync, {vaults['missing']} missing, "
        f"{vaults['drifted']} drifted, {vaults['unmanaged']} unmanaged, {vaults['blocked']} blocked, "
        f"{vaults['error']} with errors"
        + (f", {waiting} waiting for approval" if (waiting := vaults.get("waiting_for_approval")) else "")
        + (f"; {vaults['undescribed']} with undescribed settings" if vaults["undescribed"] else ""),
        "Differences: " + ", ".join(f"{found[severity]} {severity}" for severity in SEVERITIES),
    ]
    if report["summary"]["ignored"]:
        lines[-1] += f"; {report['summary']['ignored']} ignored"
    return lines


# --- Markdown


def _code(value: t.Any) -> str:
    """A value in which nothing is markup, a mention or the end of a cell."""
    text = " ".join(visible(shown(value)).replace("`", "'").split())
    return "`" + text.replace("|", "\\|") + "`" if text else ""


def _prose(text: str) -> str:
    """A sentence in which nothing is markup or a mention."""
    plain = html.escape(" ".join(visible(text).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", plain).replace("@", "&#64;").replace("://", "&#58;//")


def markdown(report: Mapping) -> str:
    """For tickets and chat: the summary, the clusters that could not be asked, and what differs."""
    lines = ["# Azure Key Vault drift report", "", f"**{headline(report)}.**", ""]
    lines += [f"- {fact}" for fact in facts(report)]
    lines += [f"- Looked from {report['started']} to {report['ended']}", ""]
    lines += [f"> {_prose(warning)}" for warning in report["summary"]["warnings"]]
    if report["summary"]["warnings"]:
        lines.append("")
    everything = list(rows(report))
    lines += _section("Clusters that could not be compared", _not_asked(everything))
    lines += _section("Differences", _differences([row for row in everything if row.open and row.scope]))
    lines += _section("Ignored", _ignored([row for row in everything if row.ignored]))
    lines += _section("Exceptions that have expired", _expired([row for row in everything if row.expired]))
    return "\n".join(lines).rstrip() + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _table(header: t.Sequence[str], cells: t.Sequence[t.Sequence[str]]) -> list[str]:
    if not cells:
        return []
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in cells[:MOST_ROWS]]
    if len(cells) > MOST_ROWS:
        lines += ["", f"{len(cells) - MOST_ROWS:,} more rows are in the other formats of this report."]
    return lines


def _not_asked(everything: t.Sequence[Row]) -> list[str]:
    found = [row for row in everything if row.status != "ok" and not row.scope]
    cells = [(_code(row.host), row.verdict, _prose(row.note)) for row in found]
    return _table(("cluster", "status", "why"), cells)


def _differences(found: t.Sequence[Row]) -> list[str]:
    ordered = sorted(found, key=lambda row: SEVERITIES.index(row.severity))
    cells = [
        (
            row.severity,
            _code(row.host),
            _code(row.where),
            row.verdict,
            _code(row.field),
            _code(row.desired),
            _code(row.actual),
            row.action,
            row.first_seen[:10],
        )
        for row in ordered
    ]
    header = ("severity", "cluster", "configuration", "verdict", "field", "desired", "actual", "action", "since")
    known = ("unmanaged", "undescribed")
    notes = dict.fromkeys((row.host, row.where, row.note) for row in ordered if row.note and row.verdict not in known)
    said = [f"- {_code(host)} {_code(where)}: {_prose(note)}" for host, where, note in list(notes)[:MOST_ROWS]]
    return _table(header, cells) + (["", *said] if said else [])


def _ignored(found: t.Sequence[Row]) -> list[str]:
    return _table(
        ("cluster", "configuration", "field", "reason", "until"),
        [(_code(r.host), _code(r.where), _code(r.field or r.verdict), _prose(r.reason), r.expires) for r in found],
    )


def _expired(found: t.Sequence[Row]) -> list[str]:
    return _table(
        ("cluster", "configuration", "field", "reason", "expired"),
        [(_code(r.host), _code(r.where), _code(r.field or r.verdict), _prose(r.reason), r.expires) for r in found],
    )


# --- CSV

COLUMNS: t.Final = (
    "host",
    "status",
    "cluster",
    "release",
    "scope",
    "svm",
    "configuration",
    "uuid",
    "verdict",
    "field",
    "desired",
    "actual",
    "severity",
    "action",
    "first_seen",
    "ignored",
    "reason",
    "expires",
    "health",
    "note",
)
# A cell that begins so is a formula to spreadsheets, also behind blanks, also in the wide forms of these characters.
_FORMULA = re.compile(r"^[\s\x00-\x20\u00a0\u200b\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")


def _cell(value: t.Any) -> str:
    text = visible(shown(value))
    return "'" + text if _FORMULA.match(text) else text


def csv_text(report: Mapping) -> str:
    """One row for each field that differs; hosts and configurations without any have one row with an empty field. Notes
    on the report as a whole come last, in rows without a host."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows(report):
        writer.writerow([_cell(getattr(row, column)) for column in COLUMNS])
    for warning in report["summary"]["warnings"]:
        writer.writerow([_cell({"status": "note", "note": warning}.get(column)) for column in COLUMNS])
    return out.getvalue()


# --- JUnit XML


def _attribute(value: t.Any) -> str:
    return quoteattr(visible(shown(value)))


def junit(report: Mapping) -> str:
    """For CI: one suite for each host, one case for each configuration. Notes on the report as a whole are a suite of
    skipped cases, which is where people look for what was not done."""
    by_host: dict[str, dict[str, list[Row]]] = {}
    for row in rows(report):
        name = row.where if row.scope else "asking the cluster"
        by_host.setdefault(row.host, {}).setdefault(name, []).append(row)
    suites = []
    total = [0, 0, 0, 0]
    for host, cases in by_host.items():
        made = [_case(host, name, found) for name, found in cases.items()]
        counts = [len(made), *(sum(kind == one for one, _text in made) for kind in ("failure", "error", "skipped"))]
        total = [before + now for before, now in zip(total, counts)]
        when = _attribute(report["started"])
        suites.append(f"  <testsuite name={_attribute(host)} {_counts(counts)} timestamp={when}>")
        suites += [text for _kind, text in made]
        suites.append("  </testsuite>")
    notes = [_skipped(_case_head("notes", f"note {n}"), w) for n, w in enumerate(report["summary"]["warnings"], 1)]
    if notes:
        counts = [len(notes), 0, 0, len(notes)]
        total = [before + now for before, now in zip(total, counts)]
        when = _attribute(report["started"])
        suites += [f'  <testsuite name="notes" {_counts(counts)} timestamp={when}>', *notes, "  </testsuite>"]
    head = f'<testsuites name="Azure Key Vault drift report" {_counts(total)}>'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>"]) + "\n"


def _counts(numbers: t.Sequence[int]) -> str:
    names = ("tests", "failures", "errors", "skipped")
    return " ".join(f'{name}="{number}"' for name, number in zip(names, numbers))


def _case(host: str, name: str, found: t.Sequence[Row]) -> tuple[str, str]:
    """How the case ended, and its XML."""
    live = [row for row in found if row.open]
    head = _case_head(host, name)
    if any(row.verdict in ("error", "unreachable") for row in live):
        kind = "error"
    elif live:
        kind = "failure"
    elif any(row.ignored for row in found):
        reasons = "; ".join(dict.fromkeys(f"{row.reason} (until {row.expires})" for row in found if row.ignored))
        return "skipped", _skipped(head, reasons)
    elif found[0].verdict == "nothing_described":
        return "skipped", _skipped(head, found[0].note)
    else:
        return "passed", f"{head}/>"
    worst = min((row.severity for row in live), key=SEVERITIES.index)
    message = f"{live[0].verdict} ({worst}): " + (", ".join(row.field for row in live if row.field) or live[0].note)
    text = "\n".join(escape(visible(_line(row))) for row in live)
    body = f"<{kind} type={_attribute(live[0].verdict)} message={_attribute(message)}>{text}</{kind}>"
    return kind, f"{head}>{body}</testcase>"


def _case_head(classname: str, name: str) -> str:
    return f"    <testcase classname={_attribute(classname)} name={_attribute(name)}"


def _skipped(head: str, why: str) -> str:
    return f"{head}><skipped message={_attribute(why)}/></testcase>"


def _line(row: Row) -> str:
    note = f" {row.note}" if row.note else ""
    if not row.field:
        return f"{row.severity}: {row.verdict}{note}"
    mend = f", {row.action}" if row.action else ""
    return (
        f"{row.severity}: {row.field}: desired {shown(row.desired) or 'nothing'}, "
        f"actual {shown(row.actual) or 'nothing'}{mend}, since {row.first_seen}{note}"
    )


# --- terminal


def table(report: Mapping) -> list[str]:
    """A few lines for the terminal: the summary, and the clusters that need somebody."""
    lines = [f"{headline(report)}.", *facts(report)]
    order = ("critical", "unreachable", "error", "high", "medium", "low", "nothing")
    todo = [(order.index(state_of(host)), host) for host in report["hosts"] if state_of(host) in order]
    todo.sort(key=lambda pair: (pair[0], pair[1]["host"]))
    width = min(40, max((len(_short(host["host"], 40)) for _rank, host in todo[:MOST_LINES]), default=0))
    for _rank, host in todo[:MOST_LINES]:
        lines.append(f"{_short(host['host'], 40):{width}}  {state_of(host):11}  {_short(_about(host), 60)}".rstrip())
    if len(todo) > MOST_LINES:
        lines.append(f"... and {len(todo) - MOST_LINES} more")
    notes = report["summary"]["warnings"]
    lines += [f"Note: {_short(note, 110)}" for note in notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        lines.append(f"... and {len(notes) - MOST_NOTES} more notes in the files")
    return lines


def _short(text: str, longest: int) -> str:
    plain = " ".join(visible(text).split())
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."


def _about(host: Mapping) -> str:
    if host["status"] != "ok":
        return said(host["error"])
    if not any(open_findings(vault) for vault in host["vaults"]):
        return "nothing is described"
    counts: dict[str, int] = {}
    for vault in host["vaults"]:
        found = open_findings(vault)
        if found:
            word = vault["verdict"]
            if word == "in_sync" and vault["health"] in found:
                word = vault["health"]["verdict"].replace("unknown", "with unknown health")
            elif word == "in_sync":
                word = "with undescribed settings"
            counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{number} {word}" for word, number in counts.items())
