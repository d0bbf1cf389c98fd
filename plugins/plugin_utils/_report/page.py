# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as one HTML page that needs nothing but a browser. Pure, no I/O.

Every value goes through ``_text``. In case one ever does not, a content security policy lets the browser run nothing
but the scripts below, which it knows by their hashes, and fetch nothing at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._report.formats import WORDS, counted, headline
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import SEVERITIES, Mapping, state_of
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import Row, rows, shown

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f6f9; --card: #fff; --line: #d9dfe7; --text: #17202c; --soft: #55606f; --accent: #0b5cad; --hover: #eef3f9;
  --critical: #a3123a; --high: #b23c00; --medium: #7d5a00; --low: #3d5a80; --ok: #1c6b3c; --unknown: #5b5470;
  --critical-bg: #fde4ea; --high-bg: #ffe8db; --medium-bg: #fff2cc; --low-bg: #e3edf8; --ok-bg: #dff3e6;
  --unknown-bg: #e9e6f1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141b; --card: #182029; --line: #303c4a; --text: #e6ebf1; --soft: #a3b0bf; --accent: #7db8f7;
    --hover: #202b37;
    --critical: #ff9db3; --high: #ffb187; --medium: #f0cd6a; --low: #a5c8f0; --ok: #86d9a5; --unknown: #c9bfe6;
    --critical-bg: #4d1425; --high-bg: #4a2410; --medium-bg: #403209; --low-bg: #1e3147; --ok-bg: #143724;
    --unknown-bg: #332c47;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 14px/1.45 system-ui, "Segoe UI", Roboto,
  "Liberation Sans", sans-serif; }
main { max-width: 1440px; margin: 0 auto; padding: 24px; }
h1 { font-size: 22px; margin: 0; }
h2 { font-size: 16px; margin: 0 0 12px; }
p { margin: 0; }
a { color: var(--accent); }
.soft { color: var(--soft); }
header.top { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: baseline; justify-content: space-between;
  margin-bottom: 16px; }
.banner { border-radius: 8px; padding: 14px 18px; font-size: 17px; font-weight: 600; margin-bottom: 16px;
  border-left: 6px solid currentColor; }
.banner p { font-size: 14px; font-weight: 400; color: var(--text); }
.cards { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px; margin-bottom: 16px; }
@media (max-width: 900px) { .cards { grid-template-columns: minmax(0, 1fr); } }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; min-width: 0; }
section.card, details.card { margin-bottom: 16px; }
.cards .card { margin: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(84px, 1fr)); gap: 10px 8px; margin: 0; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.figures dt { color: var(--soft); font-size: 12px; line-height: 1.3; }
.figures dd { margin: 0; font-size: 22px; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figures + h2 { margin-top: 16px; }
.nil { color: var(--soft); }
.fleet { display: block; width: 100%; height: auto; }
.fleet rect { stroke-width: 1; }
.fleet text { font: 600 12px system-ui, sans-serif; text-anchor: middle; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; list-style: none; margin: 12px 0 0; padding: 0;
  font-size: 12px; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 6px; }
.key { display: inline-flex; width: 18px; height: 18px; align-items: center; justify-content: center;
  border-radius: 4px; font-weight: 600; font-size: 12px; border: 1px solid currentColor; }
.critical { color: var(--critical); background: var(--critical-bg); fill: var(--critical-bg); stroke: var(--critical); }
.high { color: var(--high); background: var(--high-bg); fill: var(--high-bg); stroke: var(--high); }
.medium { color: var(--medium); background: var(--medium-bg); fill: var(--medium-bg); stroke: var(--medium); }
.low { color: var(--low); background: var(--low-bg); fill: var(--low-bg); stroke: var(--low); }
.ok { color: var(--ok); background: var(--ok-bg); fill: var(--ok-bg); stroke: var(--ok); }
.unknown { color: var(--unknown); background: var(--unknown-bg); fill: var(--unknown-bg); stroke: var(--unknown); }
.fleet text { stroke: none; }
.fleet text.critical { fill: var(--critical); } .fleet text.high { fill: var(--high); }
.fleet text.medium { fill: var(--medium); } .fleet text.low { fill: var(--low); }
.fleet text.ok { fill: var(--ok); } .fleet text.unknown { fill: var(--unknown); }
.fleet rect { cursor: pointer; }
.fleet text { pointer-events: none; }
.badge { display: inline-block; border-radius: 10px; padding: 1px 9px; font-size: 12px; font-weight: 600;
  white-space: nowrap; }
.controls { display: flex; flex-wrap: wrap; gap: 10px 16px; align-items: end; margin-bottom: 12px; }
.controls div { display: grid; gap: 3px; }
.controls label { font-size: 12px; color: var(--soft); }
.controls .wide { flex: 1 1 260px; max-width: 460px; }
input, select, button { font: inherit; color: inherit; }
input, select { background: var(--card); border: 1px solid var(--soft); border-radius: 6px; padding: 6px 9px;
  color: var(--text); min-height: 34px; }
#shown { margin-left: auto; font-size: 13px; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
#rows { table-layout: fixed; min-width: 1040px; }
th, td { text-align: left; vertical-align: top; padding: 7px 9px; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
thead th { font-size: 12px; color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line);
  white-space: nowrap; }
thead button { all: unset; cursor: pointer; border-radius: 3px; color: inherit; font: inherit; }
thead button::after { content: " \\2195"; opacity: .45; }
th[aria-sort="ascending"] button::after { content: " \\2191"; opacity: 1; }
th[aria-sort="descending"] button::after { content: " \\2193"; opacity: 1; }
#rows tbody:hover, details tbody tr:hover { background: var(--hover); }
:focus-visible { outline: 2px solid var(--accent) !important; outline-offset: 2px; }
code { font: 12.5px/1.4 ui-monospace, "Cascadia Mono", "Liberation Mono", Menlo, monospace; }
#rows td { border-bottom: 0; }
#rows tbody { border-bottom: 1px solid var(--line); }
#rows .note td { padding-top: 0; font-size: 12.5px; color: var(--soft); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; font-weight: 600; font-size: 16px; }
details[open] summary { margin-bottom: 12px; }
.warnings { margin: 0; padding-left: 20px; }
.hide { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
footer { color: var(--soft); font-size: 12.5px; }
col.c1 { width: 96px; } col.c2 { width: 11%; } col.c3 { width: 12%; } col.c4 { width: 108px; } col.c5 { width: 132px; }
col.c8 { width: 92px; } col.c9 { width: 104px; }
html:not(.js) .controls, html:not(.js) #more, .js #rows:not(.ready) { display: none; }
#more { margin-top: 12px; border: 1px solid var(--soft); border-radius: 6px; background: var(--card); padding: 6px 14px;
  cursor: pointer; }
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --line: #bbb; --text: #000; --soft: #444; --hover: #fff;
    --critical: #a3123a; --high: #b23c00; --medium: #7d5a00; --low: #3d5a80; --ok: #1c6b3c; --unknown: #5b5470;
    --critical-bg: #fde4ea; --high-bg: #ffe8db; --medium-bg: #fff2cc; --low-bg: #e3edf8; --ok-bg: #dff3e6;
    --unknown-bg: #e9e6f1; }
  @page { size: A4 landscape; margin: 12mm; }
  body { font-size: 10px; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { padding: 0; max-width: none; }
  h1 { font-size: 16px; }
  h2, summary, .banner { font-size: 12px; }
  .banner { padding: 6px 10px; }
  .banner p, .badge, .legend, .figures dt, thead th, #rows .note td, footer { font-size: 9.5px; }
  .controls, #more { display: none; }
  .card { border-color: #bbb; padding: 8px 10px; }
  section.card { break-inside: auto; }
  .cards .card, .banner, tr, #rows tbody { break-inside: avoid; }
  .cards { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }
  .figures dd { font-size: 14px; }
  .scroll { overflow: visible; }
  #rows { min-width: 0; }
  th, td { padding: 3px 5px; }
  code { font-size: 9.5px; }
  thead { display: table-header-group; }
  thead button::after { content: "" !important; }
}
"""

SCRIPT = """
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const table = $("rows");
  // Each finding is a table body of one or two rows.
  const all = Array.from(table.tBodies, (row, order) => ({
    row, order, kind: row.dataset.k, severity: row.dataset.s, text: row.textContent.toLowerCase(),
  }));
  // More at once makes a browser slow. Print shows all that matches.
  const most = 400;
  const state = { text: "", severity: "", kind: "open", limit: most };
  let order = all;
  if (!all.some((one) => one.kind === "open")) state.kind = $("kind").value = "";
  const number = (value) => value.toLocaleString("en");
  const apply = () => {
    const words = state.text.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const one of order) {
      const match = (!state.kind || one.kind === state.kind) && (!state.severity || one.severity === state.severity)
        && words.every((word) => one.text.includes(word));
      if (match) count += 1;
      const hide = !match || count > state.limit;
      if (one.row.hidden !== hide) one.row.hidden = hide;
    }
    $("shown").textContent = `${number(count)} of ${number(all.length)} match`;
    $("none").hidden = count > 0;
    $("more").hidden = count <= state.limit;
    $("more").textContent = `Show all ${number(count)}, not only the first ${number(most)}`;
  };
  const limit = (value) => { state.limit = value; apply(); };
  $("more").addEventListener("click", () => limit(Infinity));
  window.addEventListener("beforeprint", () => limit(Infinity));
  window.addEventListener("afterprint", () => limit(most));
  for (const name of ["text", "severity", "kind"]) {
    $(name).addEventListener("input", () => { state[name] = $(name).value; limit(most); });
  }
  const ranks = { critical: 0, high: 1, medium: 2, low: 3, "": 4 };
  const keys = new Map();
  const key = (one, column) => {
    if (column === 0) return ranks[one.severity];
    const text = (any) => any.row.rows[0].cells[column].textContent.trim().toLowerCase();
    if (!keys.has(column)) keys.set(column, all.map(text));
    return keys.get(column)[one.order];
  };
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  document.querySelectorAll("#rows thead button").forEach((button) => {
    const head = button.parentElement;
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      document.querySelectorAll("#rows thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const column = head.cellIndex;
      order = [...all].sort((a, b) => {
        const one = key(a, column), other = key(b, column);
        const way = column === 0 ? one - other : one === "" || other === "" ? 0 : compare(one, other);
        // What is empty comes last, whatever the direction.
        if (column !== 0 && (one === "") !== (other === "")) return one === "" ? 1 : -1;
        return (down ? -way : way) || a.order - b.order;
      });
      const fragment = document.createDocumentFragment();
      for (const one of order) fragment.append(one.row);
      apply();
      table.append(fragment);
    });
  });
  document.querySelectorAll(".fleet rect").forEach((square) => {
    square.addEventListener("click", () => {
      $("text").value = state.text = square.dataset.h;
      $("kind").value = state.kind = "";
      limit(most);
      $("rows").scrollIntoView();
    });
  });
  apply();
  table.classList.add("ready");
})();
"""

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
