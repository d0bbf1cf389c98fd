# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as one HTML page that needs nothing but a browser.

Every value goes through ``_text``. In case one ever does not, a content security policy lets the browser run nothing
but the scripts below, which it knows by their hashes, and fetch nothing at all.

Nothing waits for a script, and without any everything can be read: what is long is in ``details``, which a browser
opens by itself and lays out only then. End tags that HTML does without are left out where there may be thousands.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import typing as t
from pathlib import Path

from ansible_collections.ontap.security.plugins.module_utils._ontap.catalogue import explain
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._report import uses, values
from ansible_collections.ontap.security.plugins.plugin_utils._report.formats import counted, facts_since, headline
from ansible_collections.ontap.security.plugins.plugin_utils._report.groups import (
    OF_HEALTH,
    Case,
    Group,
    Unasked,
    advice_for,
    again,
    by_kind,
    codes_in,
    groups,
    unasked,
    words,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    SEVERITIES,
    STANDINGS,
    Mapping,
    standing_of,
    state_of,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import Row, place, rows, shown

_HERE = Path(__file__).parent
STYLE = (_HERE / "page.css").read_text(encoding="utf-8")

SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")

# Runs first, so that what needs scripts has its room when the page is laid out.
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
    "in_sync": ("ok", "\u2713", "as described"),
}
_BANNERS: t.Final = {"in_sync": "ok", "drift": "high", "error": "unknown", "critical": "critical"}
_STANDINGS: t.Final = {"not_compared": "not compared", "health_unknown": "health not asked", "well": "well"}
_VERDICTS: t.Final = {"in_sync": "as described", "drifted": "differs"}
# Up to so many clusters have their names beside their squares, and so many names are worth a list of their own.
_NAMED, _MOST_NAMES = 60, 3
_STANDING_HEAD = '<th scope="col">Verdict<th scope="col">Health<th scope="col">Since'


def _text(value: t.Any) -> str:
    """A value as text of the page, in which nothing is markup and nothing hides."""
    return html.escape(visible(shown(value)))


def _linked(value: str) -> str:
    """A sentence, in which a code of ONTAP leads to what this page says of it."""
    return re.sub(r"\bONTAP code (\d+)\b", r'<a href="#code-\1">ONTAP code \1</a>', _text(value))


def _prose(value: str) -> str:
    """A sentence of the collection's own, in which code is between backquotes."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", _text(value))


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def page(report: Mapping, digest: str) -> str:
    """The whole page. ``digest`` is the SHA-256 of the JSON report that it is made from."""
    policy = (
        f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(EARLY)} {_hash(SCRIPT)}; "
        "base-uri 'none'; form-action 'none'"
    )
    everything = list(rows(report))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>Azure Key Vault drift report, {_text(report['ended'])}</title>",
        f"<style>{STYLE}</style><script>{EARLY}</script></head><body><main>",
        *_top(report),
        *_unasked(report),
        '<div class="columns"><div>',
        *_trouble(report, everything),
        *_fleet(report),
        "</div><aside>",
        *_tiles(report),
        *_since(report),
        "</aside></div>",
        *_uses(report),
        *_ignored(report, everything),
        *_well(report),
        *_clusters(report),
        *_exceptions(report),
        *_codes(report, everything),
        *_provenance(report, digest),
        f"</main><script>{SCRIPT}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _time(text: str) -> str:
    return _text(text.replace("T", " ").replace("Z", " UTC"))


def _top(report: Mapping) -> t.Iterator[str]:
    summary = report["summary"]
    hosts = summary["hosts"]
    yield '<header class="top"><h1>Azure Key Vault drift report</h1>'
    yield f'<p class="soft">{_time(report["ended"])}</p></header>'
    said = [f"{hosts['ok']:,} of {counted(hosts['asked'], 'cluster')} compared", *facts_since(report)]
    yield f'<div class="banner {_BANNERS[summary["verdict"]]}" role="status">{_text(headline(report))}'
    yield f"<p>{_text('; '.join(said))}.</p></div>"
    if summary["warnings"]:
        least = " open" if len(summary["warnings"]) <= _MOST_NAMES else ""
        yield f'<details class="card notes"{least}><summary>Notes ({len(summary["warnings"]):,})</summary>'
        yield '<ul class="warnings">'
        yield from (f"<li>{_text(warning)}" for warning in summary["warnings"])
        yield "</ul></details>"


# --- what could not be asked


def _unasked(report: Mapping) -> t.Iterator[str]:
    """Before all that differs: of these nobody knows anything."""
    causes = unasked(report)
    if not causes:
        return
    yield '<section class="card alarm" aria-labelledby="unasked"><h2 id="unasked">What could not be asked</h2>'
    for same in causes:
        hosts = list(dict.fromkeys(one.host for one in same))
        names = [f"{one.where} of {one.host}" if one.where else one.host for one in same]
        yield (
            f'<details class="cause" data-t><summary><span class="badge unknown">not compared</span>'
            f"<b>{_text(same[0].cause)}</b> <span>{_names(names)}</span></summary>"
        )
        yield from _said(same)
        yield f"<p>Mend it, then look again, into a folder of its own:</p>{_command(again(hosts))}</details>"
    yield "</section>"


def _said(same: t.Sequence[Unasked]) -> t.Iterator[str]:
    """What each of them said, once where it is the same."""
    messages: dict[str, list[str]] = {}
    for one in same:
        messages.setdefault(one.message, []).append(f"{one.where} of {one.host}" if one.where else one.host)
    for message, names in messages.items():
        yield f"<p><b>{_text(', '.join(names))}</b>: {_linked(message)}</p>"


def _names(names: t.Sequence[str]) -> str:
    """The first of some names, and how many there are."""
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(_name, names[:_MOST_NAMES])) + more


def _name(text: str) -> str:
    """A name, which no line may break at a hyphen."""
    return f'<span class="w">{_text(text)}</span>'


def _command(command: str) -> str:
    """A command, of which lines break only between the arguments."""
    return f'<pre class="copy">{" ".join(map(_name, command.split(" ")))}</pre>'


# --- what differs


def _trouble(report: Mapping, everything: t.Sequence[Row]) -> t.Iterator[str]:
    kinds = by_kind(groups(row for row in everything if row.open))
    hosts = {host["host"]: host for host in report["hosts"]}
    yield '<section class="card trouble" aria-labelledby="trouble"><h2 id="trouble">What needs attention</h2>'
    yield from _controls(report)
    yield '<div id="groups">'
    yield from (line for same in kinds for line in _kind(same, hosts))
    yield "</div>"
    if not kinds:
        yield "<p>Nothing that could be compared needs attention.</p>"
    yield '<p id="none" class="soft" hidden>Nothing matches.</p></section>'


def _controls(report: Mapping) -> t.Iterator[str]:
    """What only scripts can do, and are shown with."""
    names = sorted({name for host in report["hosts"] for name in host["groups"]})
    yield """<div class="controls" role="search">
<div class="wide"><label for="q">Find words anywhere</label><input id="q" type="search" autocomplete="off"></div>
<div><label for="view">View</label><select id="view"><option value="">by cause</option>
<option value="cluster">by cluster</option><option value="key_id">by key</option><option value="name">by vault</option>
<option value="client_id">by application</option></select></div>
<div><label for="severity">Severity</label><select id="severity"><option value="">any</option>"""
    yield from (f"<option>{severity}</option>" for severity in SEVERITIES)
    yield "</select></div>"
    if names:
        yield '<div><label for="group">Inventory group</label><select id="group"><option value="">all</option>'
        yield from (f"<option>{_text(name)}</option>" for name in names)
        yield "</select></div>"
    if report["summary"]["since_last"]:
        yield '<div><label for="new">Age</label><select id="new"><option value="">any</option>'
        yield '<option value="new">only new</option></select></div>'
    yield '<span id="shown" role="status"></span></div>'


def _kind(same: t.Sequence[Group], hosts: t.Mapping[str, Mapping]) -> t.Iterator[str]:
    """One kind of trouble: a line, and below it a group for each cluster."""
    first, number = same[0], sum(len(group.members) for group in same)
    names = list(dict.fromkeys(group.host for group in same))
    new = sum(group.new for group in same)
    fresh = f'<span class="new">{new:,} new</span> ' if new else ""
    word = f" <code>{_text(first.kind.word)}</code>" if first.kind.word else ""
    codes = "".join(f" (ONTAP code {code})" for code in first.kind.codes)
    since = min(group.first_seen for group in same)[:10]
    yield (
        f'<details class="kind"><summary>{_badge(first.severity)}<span class="what"><b>{_text(first.kind.title)}</b>'
        f"{word}{codes}<small>{counted(number, 'configuration')} on {_on(names)}</small></span>"
        f'<span class="when">{fresh}since {_text(since)}</span></summary>'
    )
    yield from (line for group in same for line in _group(group, hosts[group.host]))
    yield "</details>"


def _badge(severity: str) -> str:
    return f'<span class="badge {severity}">{severity}</span>'


def _on(names: t.Sequence[str]) -> str:
    if len(names) == 1:
        return _name(names[0])
    return f"{counted(len(names), 'cluster')}: {_names(names)}"


def _extent(group: Group, host: Mapping) -> str:
    """On how many of the cluster's configurations."""
    number, total = len(group.members), len(host["vaults"])
    noun = "configuration" if any(vault["scope"] == "cluster" for vault in host["vaults"]) else "SVM"
    if number == total and total > 1:
        said = f"all {total:,} {noun}s"
    else:
        said = _name(group.members[0]) if number == 1 else f"{number:,} of {total:,} {noun}s"
    return f"{said} of {_name(group.host)}"


def _group(group: Group, host: Mapping) -> t.Iterator[str]:
    subject = group.kind.word or group.kind.title
    advice = advice_for(group)
    names = "|".join(map(_text, host["groups"]))
    new = " data-n" if group.new else ""
    yield (
        f'<article data-h="{_text(group.host)}" data-s="{group.severity}" data-g="{names}"{new}>'
        f"<h3>{_badge(group.severity)}{_text(subject)} on {_extent(group, host)}</h3>"
    )
    # Where the same configurations differ in several ways, they are named once.
    together = len({case.members for case in group.cases}) == 1
    several = len({case.field for case in group.cases}) > 1
    listed = not several and len(group.cases) > _MOST_NAMES and group.cases[0].field not in ("", "health")
    for case in () if listed else group.cases:
        yield from _case(case, several)
        if not together:
            yield _members(case.rows)
    if listed:
        yield _listed(group)
    elif together:
        yield _members(group.cases[0].rows)
    yield f'<p class="do">{_text(advice.words)}</p>{_command(advice.command)}</article>'


def _case(case: Case, several: bool) -> t.Iterator[str]:
    """The difference inside a value, and what there is to say of it."""
    if case.field and case.field != "health":
        desired, actual = shown(case.desired), shown(case.actual)
        wanted, found = values.compared(visible(desired), visible(actual))
        field = f"<dt>field<dd><code>{_text(case.field)}</code>" if several else ""
        yield (
            f'<dl class="diff">{field}<dt>described<dd>{_value(wanted, desired, "nothing")}'
            f"<dt>found<dd>{_value(found, actual, 'not set')}</dl>"
        )
        where = values.said(wanted, found)
        if where and desired and actual:
            yield f'<p class="soft">{where}.</p>'
    if case.note:
        yield f"<p>{_linked(case.note)}</p>"
    first = case.rows[0]
    if first.reason:
        state = "Exception expired" if first.expired else "Ignored until"
        yield f"<p>{state} {_text(first.expires)}: {_text(first.reason)}</p>"


def _marked(part: values.Part) -> str:
    return f"<mark>{_text(part.text)}</mark>" if part.differs else _text(part.text)


def _listed(group: Group) -> str:
    """Many configurations with a difference of their own each."""
    notes = "".join(f"<p>{_linked(note)}</p>" for note in dict.fromkeys(case.note for case in group.cases) if note)
    lines = []
    for case in group.cases:
        wanted, found = values.compared(visible(shown(case.desired)), visible(shown(case.actual)))
        both = "<br>".join(f"<code>{''.join(map(_marked, parts))}</code>" for parts in (wanted, found))
        lines += [f"<tr><td>{_text(row.where)}<td>{both}{_standing(row)}" for row in case.rows]
    return (
        f'{notes}<details open><summary>{counted(len(group.members), "configuration")}</summary><table class="listed">'
        f'<thead><tr><th scope="col">Configuration<th scope="col">Described, and found{_STANDING_HEAD}</thead><tbody>'
        f"{''.join(lines)}</table></details>"
    )


def _standing(row: Row) -> str:
    """The cells of a configuration's verdict and its health, which are two things, and of its age."""
    mark = ' <span class="new">new</span>' if row.new else ""
    return (
        f"<td>{_text(_VERDICTS.get(row.verdict, words(row.verdict)))}<td>{_health(row.health)}"
        f"<td>{_text(row.first_seen[:10])}{mark}"
    )


def _value(parts: t.Sequence[values.Part], text: str, nothing: str) -> str:
    """A value with its parts; what differs is marked and underlined, and its text is the value to the letter."""
    if not text:
        return f'<span class="soft">{nothing}</span>'
    inside = [f'<span data-p="{part.name}">{_marked(part)}</span>' if part.name else _marked(part) for part in parts]
    # A line may break before a part that has a name, and nowhere else.
    return f'<code class="copy">{"".join(inside).replace("/<span", "/<wbr><span")}</code>'


def _members(found: t.Sequence[Row]) -> str:
    """The configurations of a group."""
    lines = [f"<tr><td>{_text(row.where)}{_standing(row)}" for row in found]
    table = (
        f'<table class="members"><thead><tr><th scope="col">Configuration{_STANDING_HEAD}</thead><tbody>'
        f"{''.join(lines)}</table>"
    )
    if len(found) <= _MOST_NAMES:
        return table
    return f"<details><summary>{counted(len(found), 'configuration')}</summary>{table}</details>"


def _health(verdict: str) -> str:
    if verdict in OF_HEALTH and verdict != "unknown":
        return f'<span class="badge critical">{words(verdict)}</span>'
    return _text(words(verdict) or "none")


# --- beside it


def _tiles(report: Mapping) -> t.Iterator[str]:
    """Each configuration once, by the worst that is known of it."""
    summary = report["summary"]
    found = summary["standings"]
    yield '<section class="card" aria-labelledby="tiles"><h2 id="tiles">Configurations, by the worst known of each</h2>'
    yield '<dl class="figures">'
    for name in STANDINGS:
        if found[name] or name in ("critical", "high", "medium", "low", "well"):
            yield _figure(_STANDINGS.get(name, name), found[name])
    covered = summary["coverage"]["configurations"]
    yield _figure("described", "\u2013" if covered is None else f"{covered:g}\u202f%")
    yield "</dl></section>"


def _figure(name: str, value: int | str) -> str:
    number = f"{value:,}" if isinstance(value, int) else value
    nil = ' class="nil"' if value == 0 else ""
    return f"<div><dt>{name}</dt><dd{nil}>{number}</dd></div>"


def _since(report: Mapping) -> t.Iterator[str]:
    since = report["summary"]["since_last"]
    if not since:
        return
    yield '<section class="card" aria-labelledby="since"><h2 id="since">Since last time</h2>'
    yield f'<p class="soft">{_time(since["ended"])}</p><dl class="figures">'
    for name, number in (("new", since["new"]), ("still open", since["still_open"]), ("gone", len(since["gone"]))):
        yield _figure(name, number)
    if since["not_known"]:
        yield _figure("nobody looked", since["not_known"])
    yield "</dl>"
    yield from _trend(report["summary"]["trend"])
    if since["gone"]:
        yield "<details><summary>What is gone</summary><ul>"
        by_host: dict[tuple[str, str], list[str]] = {}
        for entry in since["gone"]:
            by_host.setdefault((entry["host"], entry["field"]), []).append(place(entry))
        for (host, field), names in by_host.items():
            yield f"<li data-t>{_text(host)}: {_text(field)} on {_text(', '.join(names))}"
        yield "</ul></details>"
    yield "</section>"


def _trend(points: t.Sequence[Mapping]) -> t.Iterator[str]:
    """A bar for each report that is kept, the last on the right."""
    if len(points) < 2:
        return
    width, height, room = 280, 56, 280 / max(len(points), 14)
    most = max(sum(point[severity] for severity in SEVERITIES) for point in points) or 1
    totals = [sum(point[severity] for severity in SEVERITIES) for point in points]
    said = (
        f"Open findings in the last {len(points)} reports: {totals[0]:,} on {points[0]['ended'][:10]}, "
        f"at most {max(totals):,}, now {totals[-1]:,}"
    )
    yield f'<svg class="trend" viewBox="0 0 {width} {height + 2}" role="img" aria-label="{_text(said)}">'
    below = [0.0] * len(points)
    for severity in SEVERITIES:
        path = ""
        for number, point in enumerate(points):
            tall = point[severity] * height / most
            if tall:
                x, y = width - (len(points) - number) * room, height - below[number]
                path += f"M{x:.1f} {y:.1f}h{room * 0.8:.1f}v{-tall:.1f}h{-room * 0.8:.1f}z"
                below[number] += tall
        if path:
            yield f'<path class="{severity}" d="{path}"/>'
    yield f'<path class="axis" d="M0 {height + 1}h{width}"/></svg><p class="soft">{_text(said)}.</p>'


def _fleet(report: Mapping) -> t.Iterator[str]:
    """A square for each cluster, together by inventory group."""
    hosts = report["hosts"]
    states = [state_of(host) for host in hosts]
    counts = {state: states.count(state) for state in _STATES if state in states}
    yield '<section class="card" aria-labelledby="fleet"><h2 id="fleet">The fleet, a square for each cluster</h2>'
    named = " named" if len(hosts) <= _NAMED else ""
    for name, members in _by_group(hosts):
        yield f"<h3>{_text(name)}</h3>" if name else ""
        yield f'<ul class="fleet{named}">'
        for number in members:
            colour, sign, said = _STATES[states[number]]
            host = _text(hosts[number]["host"])
            yield (
                f'<li><a href="#h-{number}" data-h="{host}" title="{host}: {said}" aria-label="{host}: {said}">'
                f'<span class="key {colour}" aria-hidden="true">{sign}</span><span class="name">{host}</span></a>'
            )
        yield "</ul>"
    yield '<ul class="legend">'
    for state, number in counts.items():
        colour, sign, said = _STATES[state]
        yield f'<li><span class="key {colour}" aria-hidden="true">{sign}</span>{number:,} {said}'
    yield "</ul></section>"


def _by_group(hosts: t.Sequence[Mapping]) -> list[tuple[str, list[int]]]:
    """The clusters by group: each in the largest of its groups that does not have them all."""
    size: dict[str, int] = {}
    for host in hosts:
        for name in host["groups"]:
            size[name] = size.get(name, 0) + 1
    found: dict[str, list[int]] = {}
    for number, host in enumerate(hosts):
        names = [name for name in host["groups"] if size[name] < len(hosts)]
        found.setdefault(min(names, key=lambda name: (-size[name], name), default=""), []).append(number)
    return [(name or ("in no group" if len(found) > 1 else ""), found[name]) for name in sorted(found)]


# --- below


def _uses(report: Mapping) -> t.Iterator[str]:
    yield '<section class="card" id="uses" aria-labelledby="used">'
    yield '<h2 id="used">Keys, vaults and applications in use</h2>'
    yield (
        '<p class="soft">What the clusters have, whatever is described: who is about to disable a key sees who still '
        "uses it. \u2260 is where something else, or nothing, is described.</p>"
    )
    for field, noun in uses.FIELDS.items():
        yield f'<div data-u="{field}"><h3>By {noun.lower()}</h3>'
        found = uses.uses(report, field)
        yield "" if found else '<p class="soft">None is known.</p>'
        for use in found:
            parts = values.compared(use.value, use.value)[0]
            yield (
                f'<details class="use" data-t><summary>{_value(parts, use.value, "")}<small>'
                f"{counted(use.number, 'configuration')} on {counted(use.clusters, 'cluster')}</small></summary>"
            )
            for version, hosts in use.versions.items():
                yield f"<p>version <code>{_text(version)}</code></p><dl>" if version else "<dl>"
                for host, names in hosts.items():
                    marked = [_text(name) + (" \u2260" if (host, name) in use.strange else "") for name in names]
                    yield f"<dt>{_text(host)}<dd>{', <wbr>'.join(marked)}"
                yield "</dl>"
            yield "</details>"
        yield "</div>"
    yield "</section>"


def _ignored(report: Mapping, everything: t.Sequence[Row]) -> t.Iterator[str]:
    found = groups(row for row in everything if row.ignored)
    if not found:
        return
    hosts = {host["host"]: host for host in report["hosts"]}
    number = report["summary"]["ignored"]
    yield f'<details class="card"><summary>What is ignored ({number:,})</summary><div id="ignored">'
    yield from (line for same in by_kind(found) for line in _kind(same, hosts))
    yield "</div></details>"


def _well(report: Mapping) -> t.Iterator[str]:
    found: dict[str, dict[str, list[str]]] = {}
    for host in report["hosts"]:
        for vault in host["vaults"]:
            if standing_of(vault) in ("well", "health_unknown"):
                verdict = (vault["health"] or {}).get("verdict") or "not_asked"
                inactive = vault["enabled"] is False
                health = "inactive, no health" if inactive else f"health {words(verdict)}"
                found.setdefault(host["host"], {}).setdefault(health, []).append(place(vault))
    number = sum(len(names) for kinds in found.values() for names in kinds.values())
    yield f'<details class="card"><summary>What is as described ({number:,})</summary>'
    for name, kinds in found.items():
        for health, names in kinds.items():
            kind = "" if health == "health healthy" else f' <span class="badge unknown">{_text(health)}</span>'
            yield f"<p data-t><b>{_text(name)}</b>{kind} {_text(', '.join(names))}</p>"
    yield "</details>"


def _clusters(report: Mapping) -> t.Iterator[str]:
    yield '<details class="card"><summary>Clusters</summary>'
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Clusters"><table><thead><tr>'
    for name in ("Host", "State", "Groups", "Cluster", "UUID", "ONTAP"):
        yield f'<th scope="col">{name}</th>'
    yield '<th scope="col" class="number">Configurations</th></tr></thead><tbody>'
    for number, host in enumerate(report["hosts"]):
        colour, _sign, said = _STATES[state_of(host)]
        cluster = host["cluster"] or {}
        yield (
            f'<tr id="h-{number}"><td>{_text(host["host"])}<td><span class="badge {colour}">{said}</span>'
            f"<td>{_text(', '.join(host['groups']))}<td>{_text(cluster.get('name'))}"
            f"<td><code>{_text(cluster.get('uuid'))}</code>"
            f'<td>{_text(host["release"])}<td class="number">{len(host["vaults"]):,}'
        )
    yield "</tbody></table></div></details>"


def _exceptions(report: Mapping) -> t.Iterator[str]:
    entries = report["summary"]["ignore"]
    if not entries:
        return
    yield '<details class="card"><summary>Exceptions</summary>'
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Exceptions"><table><thead><tr>'
    for name in ("Host", "SVM", "Field", "Reason", "Until", "State"):
        yield f'<th scope="col">{name}</th>'
    yield '<th scope="col" class="number">Matches</th></tr></thead><tbody>'
    for entry in entries:
        state = (
            '<span class="badge high">expired</span>' if entry["expired"] else '<span class="badge ok">in force</span>'
        )
        cells = "".join(f"<td>{_text(entry[name])}" for name in ("host", "svm", "field", "reason", "expires"))
        yield f'<tr>{cells}<td>{state}<td class="number">{entry["matches"]:,}'
    yield "</tbody></table></div></details>"


def _codes(report: Mapping, everything: t.Sequence[Row]) -> t.Iterator[str]:
    """What the codes in this report mean."""
    said = [row.note for row in everything] + [one.message for same in unasked(report) for one in same]
    codes = sorted({code for text in dict.fromkeys(said) for code in codes_in(text)}, key=int)
    if not codes:
        return
    yield '<details class="card codes" open><summary>What the codes of ONTAP mean</summary><dl>'
    for code in codes:
        known = explain(code)
        meaning = f"{_prose(known.meaning)} {_prose(known.remedy)}" if known else "ONTAP does not document this code."
        yield f'<dt id="code-{code}">{code}<dd>{meaning}'
    yield "</dl></details>"


def _provenance(report: Mapping, digest: str) -> t.Iterator[str]:
    made = report["provenance"] or {}
    lines = {
        "Looked": f"from {report['started']} to {report['ended']}",
        "Inventory's revision": made.get("revision") or "not known: no Git checkout",
        "Limit": made.get("limit") or "none",
        "Run by": made.get("user") or "not known",
        "AWX job": made.get("job"),
        "Made by": f"ontap.security {report['collection_version']}"
        + (f", ansible-core {made['ansible_core']}" if made.get("ansible_core") else ""),
        "SHA-256 of the JSON report": digest,
    }
    yield '<section class="card" aria-labelledby="made"><h2 id="made">How this report was made</h2><dl class="made">'
    yield from (f"<dt>{name}<dd>{_text(value)}" for name, value in lines.items() if value)
    yield '</dl><p class="soft">ONTAP never returns secrets, so credentials are not compared.</p></section>'
