# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as text: Markdown, CSV, JUnit XML, a short table for the terminal, and a message. Pure, no I/O."""

from __future__ import annotations

import csv
import html
import io
import re
import typing as t
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._report.groups import by_kind, groups, unasked, words
from ansible_collections.ontap.security.plugins.plugin_utils._report.make import without_health
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    SEVERITIES,
    VERDICTS,
    Mapping,
    open_findings,
    state_of,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import Row, rows, shown

# More rows than this nobody reads in a ticket; the other formats have all.
MOST_ROWS = 200
# More clusters and notes than this nobody reads on a terminal.
MOST_LINES = 20
MOST_NOTES = 5
# What fits into a message.
MOST_MESSAGE = 20
MOST_PLACES = 3

# What the facts name among the counts of configurations, whatever their number.
_COUNTED: t.Final = {"total", "ignored", "undescribed", *VERDICTS}
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
        + "".join(f", {number} {words(name)}" for name, number in vaults.items() if name not in _COUNTED and number)
        + (f"; {vaults['undescribed']} with undescribed settings" if vaults["undescribed"] else ""),
        "Differences: " + ", ".join(f"{found[severity]} {severity}" for severity in SEVERITIES),
    ]
    if report["summary"]["ignored"]:
        lines[-1] += f"; {report['summary']['ignored']} ignored"
    return lines


def facts_since(report: Mapping) -> list[str]:
    """What is open, and what has become of the report before, in short phrases."""
    summary = report["summary"]
    open_rows = [row for row in rows(report) if row.open and row.known]
    clusters = len({row.host for row in open_rows})
    said = [f"{counted(len(open_rows), 'finding')} on {counted(clusters, 'cluster')}"] if open_rows else []
    said += [f"{summary['ignored']:,} ignored"] if summary["ignored"] else []
    since = summary["since_last"]
    if since:
        phrase = f"{since['new']:,} new, {since['still_open']:,} still open, {len(since['gone']):,} gone"
        phrase += f", {since['not_known']:,} where nobody could look" if since["not_known"] else ""
        said.append(f"{phrase} since {since['ended'][:10]}")
    return said


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
    lines += [f"- Since last time: {said}" for said in facts_since(report)[-1:] if report["summary"]["since_last"]]
    lines += [f"- Looked from {report['started']} to {report['ended']}", ""]
    lines += [f"> {_prose(warning)}" for warning in report["summary"]["warnings"]]
    if report["summary"]["warnings"]:
        lines.append("")
    everything = list(rows(report))
    lines += _section("What could not be asked", _not_asked(report))
    differing = [row for row in everything if row.open and row.known]
    lines += _section("Differences", _differences(differing))
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


def _not_asked(report: Mapping) -> list[str]:
    cells = [
        (_prose(one.cause), _code(one.host), _code(one.where), _prose(one.message))
        for same in unasked(report)
        for one in same
    ]
    return _table(("cause", "cluster", "configuration", "what was said"), cells)


def _differences(found: t.Sequence[Row]) -> list[str]:
    ordered = sorted(found, key=lambda row: SEVERITIES.index(row.severity))
    cells = [
        (
            row.severity,
            _code(row.host),
            _code(row.where),
            "as described" if row.verdict == "in_sync" else words(row.verdict),
            words(row.health),
            _code(row.field),
            _code(row.desired),
            _code(row.actual),
            row.action,
            row.first_seen[:10],
        )
        for row in ordered
    ]
    header = (
        "severity",
        "cluster",
        "configuration",
        "verdict",
        "health",
        "field",
        "desired",
        "actual",
        "action",
        "since",
    )
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
    # A configuration can be as described and ill: then its health is the verdict.
    verdict = next((row.verdict for row in live if row.field != "health"), live[0].health)
    message = f"{verdict} ({worst}): " + (", ".join(row.field for row in live if row.field) or live[0].note)
    text = "\n".join(escape(visible(_line(row))) for row in live)
    body = f"<{kind} type={_attribute(verdict)} message={_attribute(message)}>{text}</{kind}>"
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
    if report["summary"]["since_last"]:
        lines += facts_since(report)[-1:]
    order = ("critical", "unreachable", "error", "high", "medium", "low", "nothing")
    todo = [(order.index(state_of(host)), host) for host in report["hosts"] if state_of(host) in order]
    todo.sort(key=lambda pair: (pair[0], pair[1]["host"]))
    width = min(40, max((len(_short(host["host"], 40)) for _rank, host in todo[:MOST_LINES]), default=0))
    for _rank, host in todo[:MOST_LINES]:
        # Why a cluster could not be asked is said in full: what is cut may be the reason.
        about = _why(host) if host["status"] != "ok" else _short(_about(host), 60)
        lines.append(f"{_short(host['host'], 40):{width}}  {state_of(host):11}  {about}".rstrip())
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


def _why(host: Mapping) -> str:
    """Why a cluster could not be asked, the cause first."""
    texts = [one.told for same in unasked({"hosts": [host]}) for one in same]
    return " ".join(visible("; ".join(dict.fromkeys(texts))).split())


def _about(host: Mapping) -> str:
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


# --- message


def message(report: Mapping) -> str:
    """For mail and chat: what the report comes to, what could not be asked, and each kind of trouble, on few lines."""
    summary = report["summary"]
    lines = [f"Azure Key Vault drift report, {report['ended'].replace('T', ' ').replace('Z', ' UTC')}"]
    lines += [f"{headline(report)}.", f"{facts(report)[0]}."]
    lines += [f"{said}." for said in facts_since(report)]
    found = [
        f"not compared: {_short(same[0].cause, 80)} ({_places([one.host for one in same])})" for same in unasked(report)
    ]
    for same in by_kind(groups(row for row in rows(report) if row.open)):
        word = f" ({same[0].kind.word})" if same[0].kind.word else ""
        number = counted(sum(len(group.members) for group in same), "configuration")
        where = _places([group.host for group in same])
        values = {shown(case.actual) for group in same for case in group.cases if case.field not in ("", "health")}
        value = f", found {_short(values.pop(), 100) or 'nothing'}" if len(values) == 1 else ""
        found.append(f"{same[0].severity}: {same[0].kind.title}{word}: {number} ({where}){value}")
    found += [f"Note: {_short(note, 200)}" for note in summary["warnings"]]
    room = MOST_MESSAGE - len(lines)
    if len(found) > room:
        found[room - 1 :] = [f"... and {len(found) - room + 1} more lines in the report"]
    lines += found
    return "\n".join(" ".join(visible(line).split()) for line in lines) + "\n"


def _places(hosts: t.Sequence[str]) -> str:
    names = [_short(name, 40) for name in dict.fromkeys(hosts)]
    return ", ".join(names) if len(names) <= MOST_PLACES else counted(len(names), "cluster")
