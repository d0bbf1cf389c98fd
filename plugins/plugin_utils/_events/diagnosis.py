# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with one cluster's keys, since when, until when, why, and what to do in which order. Pure.

Rules: the EMS catalogue's texts of the events ``ekmip.akv.*``. ONTAP asks the vault every 15 minutes. After 60 minutes
without an answer it blocks the SVM and takes its encrypted volumes offline; with the next good answer they come back
by themselves. A node that boots without the vault lacks keys until they are restored, and does not get its aggregates
back.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._azure.events import moment_of
from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import usable
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible

Mapping = t.Mapping[str, t.Any]

_MINUTES = 60
# What begins a trouble, and what ends it.
_BEGUN: t.Final = {
    "ekmip.akv.notAvailable": "ekmip.akv.available",
    "ekmip.akv.volOffline": "ekmip.akv.volOnline",
}

# What to do, in the order in which it helps.
_AZURE: t.Final = (
    "Let ONTAP reach and use the vault again: the SVM's route and DNS to the vault, the nodes' management network to "
    "the login host, the application's credential, its rights, and whether the key is enabled. With the next good "
    "answer volumes come online by themselves. Do not restore first."
)
_NODES: t.Final = "Bring the nodes back that are out of reach, or give back what their partners took over."
_RESTORE: t.Final = (
    "Restore keys: ansible-playbook ontap.security.restore --limit {cluster}. Then repeat a refused giveback."
)
_MOUNT: t.Final = "Mount by hand the volumes that are online again and not mounted."
_ROTATE: t.Final = "Give the key in Azure a new version, or move to another key. Data stay in reach meanwhile."
_ASK: t.Final = "Find out what ONTAP did not say: look again, or as a user who may read more."


@dataclass(frozen=True)
class Diagnosis:
    """The page: ``lines`` of Markdown, and whether all is well (None: nobody knows)."""

    lines: tuple[str, ...]
    well: bool | None


def diagnose(cluster: str, found: Mapping, now: datetime.datetime) -> Diagnosis:
    """The page on a cluster, from the result of azure_key_vault_info with health and events, also a failed one."""
    head = [f"# Keys of {visible(cluster)}", "", f"As of {now.strftime('%Y-%m-%d %H:%M')} UTC.", ""]
    if "azure_key_vaults" not in found:
        said = visible(str(found.get("msg") or "nothing was returned"))
        return Diagnosis((*head, f"**The cluster could not be asked, so nothing is known:** {said}"), None)
    events: list[Mapping] | None = found.get("events")
    used = [one for one in found["azure_key_vaults"] if one.get("enabled") is not False]
    ill = [one for one in used if usable(_verdict(one)) is not True]
    lines = [*head, f"{len(used) - len(ill)} of {len(used)} configurations can be used."]
    for one in ill:
        lines += ["", *_section(one, events or [], now)]
    steps = _steps(cluster, ill, events or [])
    if steps:
        lines += ["", "## What to do, in this order", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    lines += ["", "## What the event log says", "", *_log(events)]
    if any(_verdict(one) != "unknown" for one in ill):
        return Diagnosis(tuple(lines), False)
    return Diagnosis(tuple(lines), None if ill else True)


def _verdict(one: Mapping) -> str:
    return str((one.get("health") or {}).get("verdict") or "unknown")


def _names(one: Mapping) -> tuple[str, str]:
    """SVM and configuration; empty where there is none."""
    return str((one.get("svm") or {}).get("name") or ""), str((one.get("configuration") or {}).get("name") or "")


def _section(one: Mapping, events: t.Sequence[Mapping], now: datetime.datetime) -> list[str]:
    svm, configuration = _names(one)
    place = f"SVM {svm}" if one.get("scope") != "cluster" else "Cluster scope"
    lines = [visible(f"## {place}{f', configuration {configuration}' if configuration else ''}: {_verdict(one)}"), ""]
    lines += [f"- {visible(str(reason))}" for reason in (one.get("health") or {}).get("reasons") or ()]
    for key, word in (("key_id", "key"), ("name", "vault")):
        if one.get(key):
            lines.append(f"- {word}: {visible(str(one[key]))}")
    begun = {name: event for name in _BEGUN if (event := _since(svm, configuration, events, name))}
    lines += [f"- since {visible(str(event['time']))}: {name}" for name, event in begun.items()]
    if "ekmip.akv.volOffline" in begun:
        lines.append("- its encrypted volumes are offline")
    elif (event := begun.get("ekmip.akv.notAvailable")) and _verdict(one) == "azure_unreachable":
        lines.append(_deadline(str(event["time"]), now))
    if not begun and _verdict(one) in ("azure_unreachable", "keys_missing"):
        lines.append("- since when: the event log does not say")
    return lines


def _deadline(time: str, now: datetime.datetime) -> str:
    """When volumes go offline, if nothing else happens."""
    moment = moment_of(time)
    if moment is None:
        return f"- its encrypted volumes go offline {_MINUTES} minutes after the last good answer of the vault"
    end = moment + datetime.timedelta(minutes=_MINUTES)
    until = end.strftime("%Y-%m-%d %H:%M")
    if end <= now:
        return f"- **its encrypted volumes should be offline since {until} UTC**, which the event log does not say"
    return (
        f"- **its encrypted volumes go offline at {until} UTC at the latest**, {_MINUTES} minutes after the last good "
        "answer of the vault, which was before the event"
    )


def _since(svm: str, configuration: str, events: t.Sequence[Mapping], name: str) -> Mapping | None:
    """The event that began a trouble which has not ended, the first of those that repeat it."""
    begun: Mapping | None = None
    for event in events:
        # Before ONTAP 9.14.1 records do not say the name of their configuration.
        same = event.get("configuration") in (configuration, "") or not configuration
        if event.get("svm") != svm or not same:
            continue
        if event.get("event") == _BEGUN[name]:
            begun = None
        elif event.get("event") == name and begun is None:
            begun = event
    return begun


def _steps(cluster: str, ill: t.Sequence[Mapping], events: t.Sequence[Mapping]) -> list[str]:
    verdicts = {_verdict(one) for one in ill}
    named = {str(event.get("event")) for event in events}
    offline = any(_since(*_names(one), events, "ekmip.akv.volOffline") for one in ill)
    wanted = (
        (_AZURE, "azure_unreachable" in verdicts or offline),
        (_NODES, "node_unreachable" in verdicts),
        (_RESTORE.format(cluster=visible(cluster)), any(_lacks_keys(one, named) for one in ill)),
        (_MOUNT, any(name.startswith("km.volume.mount.") for name in named)),
        (_ROTATE, "ekmip.akv.keyExpired" in named),
        (_ASK, "unknown" in verdicts),
    )
    return [step for step, is_wanted in wanted if is_wanted]


def _lacks_keys(one: Mapping, named: t.Collection[str]) -> bool:
    """Whether nodes lack keys, which a verdict that is worse hides."""
    known = (one.get("health") or {}).get("keys_missing")
    if known is not None or _verdict(one) == "keys_missing":
        return known is not False
    return any(name == "km.keyretrieve.failed" or name.endswith(".veto.kmgr.keysmissing") for name in named)


def _log(events: t.Sequence[Mapping] | None) -> list[str]:
    if events is None:
        return ["The login may not read it: since when, and what went before, is not known."]
    if not events:
        return ["Nothing about keys."]
    return [
        visible(f"- {event.get('time')} {event.get('severity')} {event.get('text') or event.get('event')}")
        for event in events[-50:]
    ]
