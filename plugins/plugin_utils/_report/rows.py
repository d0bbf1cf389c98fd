# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as rows: one for each thing to say. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.plugin_utils._report.model import ENDING, Mapping, findings_of

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
    new: bool = False
    ignored: bool = False
    reason: str = ""
    expires: str = ""
    expired: bool = False
    health: str = ""
    note: str = ""
    credential_expires: str = ""
    key_expires: str = ""
    clock: str = ""

    @property
    def where(self) -> str:
        """The configuration for people."""
        return place({"scope": self.scope, "svm": self.svm, "configuration": self.configuration})

    @property
    def known(self) -> bool:
        """Whether it is about a configuration, and not about one of which nobody knows anything."""
        return bool(self.scope) and (self.verdict != "error" or self.field == "health")

    @property
    def open(self) -> bool:
        """Whether somebody has to look at it."""
        return bool(self.severity) and not self.ignored


def place(vault: Mapping) -> str:
    """A configuration for people: its SVM, and its name where that is not the usual one."""
    if not vault["scope"]:
        return ""
    where = "cluster scope" if vault["scope"] == "cluster" else str(vault["svm"] or "")
    name = vault["configuration"]
    return f"{where} / {name}" if name and name != "default" else where


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
        "clock": ((vault["health"] or {}).get("clock") or {}).get("said") or "",
    }
    ends = {entry["field"]: entry["ends"] for entry in vault.get("expiry") or ()}
    here.update(credential_expires=ends.get("expires", ""), key_expires=ends.get("key_expires", ""))
    error = said(vault["error"])
    findings = list(findings_of(vault))
    if not findings:
        yield Row(**here)
    for name, finding in findings:
        ignore = finding["ignore"] or {}
        judged = {
            "severity": finding["severity"],
            "first_seen": finding["first_seen"],
            "new": finding["new"],
            "ignored": finding["ignored"],
            "reason": ignore.get("reason") or "",
            "expires": ignore.get("expires") or "",
            "expired": bool(ignore.get("expired")),
        }
        if name == "health" and "reasons" in finding:
            note = "; ".join(finding["reasons"])
            yield Row(**here, **judged, field=name, desired="healthy", actual=finding["verdict"], note=note)
        elif "ends" in finding:
            yield Row(
                **{**here, "verdict": "expiring"}, **judged, field=name, actual=finding["ends"], note=told(finding)
            )
        elif "desired" in finding:
            compared = {key: finding[key] for key in ("field", "desired", "actual")}
            yield Row(**here, **judged, **compared, action=finding["action"] or "", note=error)
        elif "actual" in finding:
            compared = {key: finding[key] for key in ("field", "actual")}
            note = "Nobody has described this setting: describe it, or remove it."
            yield Row(**{**here, "verdict": "undescribed"}, **judged, **compared, note=note)
        else:
            yield Row(**here, **judged, note=error or _advice(vault["verdict"]))


def told(entry: Mapping) -> str:
    """What is to be said of something that ends, in a sentence."""
    what = ENDING[entry["field"]]
    left, ends = entry["days_left"], entry["ends"]
    if left < 0:
        return f"The {what} has ended on {ends}."
    return f"The {what} ends on {ends}, in {left} day{'' if left == 1 else 's'}."


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
