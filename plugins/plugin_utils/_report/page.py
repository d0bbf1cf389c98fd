# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as one HTML page that needs nothing but a browser.

Every value goes through ``_text``. In case one ever does not, a content security policy lets the browser run nothing
but the scripts below, which it knows by their hashes, and fetch nothing at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
import typing as t
from pathlib import Path

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._report.formats import WORDS, counted, headline
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import SEVERITIES, Mapping, state_of
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import Row, rows, shown

_HERE = Path(__file__).parent
STYLE = (_HERE / "page.css").read_text(encoding="utf-8")

SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")

# Runs before the table is there, which is then not laid out twice. Without scripts, the page shows everything.
EARLY = 'document.documentElement.classList.add("js");'

# The state of a cluster: its colour, a sign for those to whom colours say nothing, and words.
_STATES: t.Final[dict[str, tuple[str, str, str]]] = {
    "critical": ("critical", "!", "critical"),
    "high": ("high", "\u2260", "high"),
    "medium": ("medium", "\u2260", "medium"),
    "low": ("low", "\u2260", "low"),
    "unreachable": ("unknown", "?", "unreachable"),
    "error": ("unknown", "\u00d7", "error"),
    "nothing": ("unknown", "\u2013", "nothing described"),
    "in_sync": ("ok", "\u2713", "in sync"),
}
_BANNERS: t.Final = {"in_sync": "ok", "drift": "high", "error": "unknown", "critical": "critical"}
_COLUMNS: t.Final = (
    "Severity",
    "Cluster",
    "Configuration",
    "Verdict",
    "Field",
    "Desired",
    "Actual",
    "Action",
    "Since",
)
_SIDE, _STEP = 22, 26
# How many squares to a line, for fleets up to a size.
_LINES: t.Final = ((80, 20), (400, 32), (10**9, 48))


def _text(value: t.Any) -> str:
    """A value as text of the page, in which nothing is markup and nothing hides."""
    return html.escape(visible(shown(value)))


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def page(report: Mapping) -> str:
    """The whole page."""
    policy = (
        f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(EARLY)} {_hash(SCRIPT)}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>Azure Key Vault drift report, {_text(report['ended'])}</title>",
        f"<style>{STYLE}</style><script>{EARLY}</script></head><body><main>",
        *_top(report),
        '<div class="cards">',
        *_fleet(report),
        *_figures(report),
        "</div>",
        *_warnings(report),
        *_rows(list(rows(report))),
        *_clusters(report),
        *_exceptions(report),
        f"<footer><p>Written by the collection ontap.security {_text(report['collection_version'])}. Looked from "
        f"{_time(report['started'])} to {_time(report['ended'])}. ONTAP never returns secrets, so credentials are "
        "not compared.</p></footer>",
        f"</main><script>{SCRIPT}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _time(text: str) -> str:
    return _text(text.replace("T", " ").replace("Z", " UTC"))


def _top(report: Mapping) -> t.Iterator[str]:
    summary = report["summary"]
    hosts, found = summary["hosts"], summary["severities"]
    yield '<header class="top"><h1>Azure Key Vault drift report</h1>'
    yield f'<p class="soft">{_time(report["ended"])}</p></header>'
    differences = sum(found.values())
    said = [f"{hosts['ok']:,} of {counted(hosts['asked'], 'cluster')} compared"]
    said.append(
        f"{counted(differences, 'difference')} on {counted(hosts['differing'], 'cluster')}" if differences else ""
    )
    said.append(f"{summary['ignored']:,} ignored" if summary["ignored"] else "")
    yield f'<div class="banner {_BANNERS[summary["verdict"]]}" role="status">{_text(headline(report))}'
    yield f"<p>{_text(', '.join(part for part in said if part))}.</p></div>"


def _fleet(report: Mapping) -> t.Iterator[str]:
    """A square for each cluster."""
    hosts = report["hosts"]
    states = [state_of(host) for host in hosts]
    per_line = min(number for size, number in _LINES if len(hosts) <= size)
    height = -(-len(hosts) // per_line) * _STEP
    counts = {state: states.count(state) for state in _STATES if state in states}
    summary = ", ".join(f"{number} {_STATES[state][2]}" for state, number in counts.items()) or "none"
    yield '<section class="card" aria-labelledby="fleet"><h2 id="fleet">The fleet, a square for each cluster</h2>'
    box = f"0 0 {per_line * _STEP} {max(height, 1)}"
    yield f'<svg class="fleet" viewBox="{box}" role="img" aria-label="Clusters: {summary}">'
    for number, (host, state) in enumerate(zip(hosts, states)):
        colour, sign, words = _STATES[state]
        x, y = number % per_line * _STEP + 1, number // per_line * _STEP + 1
        name = _text(host["host"])
        yield (
            f'<rect class="{colour}" x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" rx="4" data-h="{name}">'
            f"<title>{name}: {words}</title></rect>"
            f'<text class="{colour}" x="{x + _SIDE / 2:g}" y="{y + 15.5:g}">{sign}</text>'
        )
    yield '</svg><ul class="legend">'
    for state, number in counts.items():
        colour, sign, words = _STATES[state]
        yield f'<li><span class="key {colour}" aria-hidden="true">{sign}</span>{number:,} {words}</li>'
    yield "</ul></section>"


def _figures(report: Mapping) -> t.Iterator[str]:
    summary = report["summary"]
    yield '<section class="card" aria-labelledby="differences"><h2 id="differences">Differences by severity</h2>'
    yield '<dl class="figures">'
    yield from (_figure(name, summary["severities"][name]) for name in SEVERITIES)
    yield "</dl><h2>Configurations</h2>"
    yield '<dl class="figures">'
    for name in ("in_sync", "drifted", "missing", "unmanaged", "blocked", "error"):
        yield _figure(WORDS.get(name, name), summary["configurations"][name])
    # Few clusters know it, and reports from before had no such number.
    if waiting := summary["configurations"].get("waiting_for_approval"):
        yield _figure(WORDS["waiting_for_approval"], waiting)
    covered = summary["coverage"]["configurations"]
    yield _figure("described", "\u2013" if covered is None else f"{covered:g}\u202f%")
    yield "</dl></section>"


def _figure(name: str, value: int | str) -> str:
    number = f"{value:,}" if isinstance(value, int) else value
    nil = ' class="nil"' if value == 0 else ""
    return f"<div><dt>{name}</dt><dd{nil}>{number}</dd></div>"


def _warnings(report: Mapping) -> t.Iterator[str]:
    if report["summary"]["warnings"]:
        yield '<section class="card" aria-labelledby="notes"><h2 id="notes">Notes</h2><ul class="warnings">'
        yield from (f"<li>{_text(warning)}</li>" for warning in report["summary"]["warnings"])
        yield "</ul></section>"


def _rows(found: t.Sequence[Row]) -> t.Iterator[str]:
    order = {severity: rank for rank, severity in enumerate((*SEVERITIES, ""))}
    yield """<section class="card" aria-labelledby="all"><h2 id="all">Configurations, field by field</h2>
<div class="controls" role="search">
<div class="wide"><label for="text">Find words in any column</label>
<input id="text" type="search" autocomplete="off"></div>
<div><label for="kind">Show</label><select id="kind"><option value="open">what needs attention</option>
<option value="ignored">what is ignored</option><option value="sync">what is in sync</option>
<option value="">everything</option></select></div>
<div><label for="severity">Severity</label><select id="severity"><option value="">any</option>"""
    yield from (f"<option>{severity}</option>" for severity in SEVERITIES)
    yield '</select></div><span id="shown" role="status"></span></div>'
    yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="all"><table id="rows"><colgroup>'
    yield "".join(f'<col class="c{number}">' for number in range(1, len(_COLUMNS) + 1)) + "</colgroup>"
    yield "<thead><tr>"
    yield from (f'<th scope="col"><button type="button">{name}</button></th>' for name in _COLUMNS)
    yield "</tr></thead>"
    # The worst first; what is alike stays in the order of the report.
    yield from map(_row, sorted(found, key=lambda row: (not row.open, order[row.severity])))
    yield '</table></div><p id="none" class="soft" hidden>Nothing matches.</p>'
    yield '<button type="button" id="more" hidden></button></section>'


def _row(row: Row) -> str:
    kind = "open" if row.open else "ignored" if row.ignored else "sync"
    colour = "unknown" if row.status != "ok" and not row.scope else row.severity
    badge = f'<span class="badge {colour}">{row.severity}</span>' if row.severity else ""
    cluster = _text(row.host)
    if row.cluster and row.cluster != row.host:
        cluster += f' <span class="soft">({_text(row.cluster)})</span>'
    notes = [_text(row.note)] if row.note else []
    if row.reason:
        state = "Exception expired" if row.expired else "Ignored until"
        notes.append(f"{state} {_text(row.expires)}: {_text(row.reason)}")
    desired, actual = (f"<code>{_text(value)}</code>" if shown(value) else "" for value in (row.desired, row.actual))
    if row.field and row.actual is None:
        actual = '<span class="soft">not set</span>'
    said = f'<tr class="note"><td></td><td colspan="8">{"<br>".join(notes)}</td></tr>' if notes else ""
    return (
        f'<tbody data-k="{kind}" data-s="{row.severity}"><tr><td>{badge}</td><td>{cluster}</td>'
        f"<td>{_text(row.where)}</td><td>{_text(WORDS.get(row.verdict, row.verdict))}</td><td>{_text(row.field)}</td>"
        f"<td>{desired}</td><td>{actual}</td><td>{_text(row.action)}</td><td>{_text(row.first_seen[:10])}</td></tr>"
        f"{said}</tbody>"
    )


def _clusters(report: Mapping) -> t.Iterator[str]:
    yield '<details class="card"><summary>Clusters</summary><div class="scroll"><table><thead><tr>'
    for name in ("Host", "State", "Cluster", "UUID", "ONTAP"):
        yield f'<th scope="col">{name}</th>'
    yield '<th scope="col" class="number">Configurations</th></tr></thead><tbody>'
    for host in report["hosts"]:
        colour, _sign, words = _STATES[state_of(host)]
        cluster = host["cluster"] or {}
        yield (
            f'<tr><td>{_text(host["host"])}</td><td><span class="badge {colour}">{words}</span></td>'
            f"<td>{_text(cluster.get('name'))}</td><td><code>{_text(cluster.get('uuid'))}</code></td>"
            f'<td>{_text(host["release"])}</td><td class="number">{len(host["vaults"]):,}</td></tr>'
        )
    yield "</tbody></table></div></details>"


def _exceptions(report: Mapping) -> t.Iterator[str]:
    entries = report["summary"]["ignore"]
    if not entries:
        return
    yield '<details class="card"><summary>Exceptions</summary><div class="scroll"><table><thead><tr>'
    for name in ("Host", "SVM", "Field", "Reason", "Until", "State"):
        yield f'<th scope="col">{name}</th>'
    yield '<th scope="col" class="number">Matches</th></tr></thead><tbody>'
    for entry in entries:
        state = (
            '<span class="badge high">expired</span>' if entry["expired"] else '<span class="badge ok">in force</span>'
        )
        cells = "".join(f"<td>{_text(entry[name])}</td>" for name in ("host", "svm", "field", "reason", "expires"))
        yield f'<tr>{cells}<td>{state}</td><td class="number">{entry["matches"]:,}</td></tr>'
    yield "</tbody></table></div></details>"
