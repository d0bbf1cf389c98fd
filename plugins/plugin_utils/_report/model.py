# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as data: its words, how it is read and written, and what can be asked of it. Pure."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import usable

SCHEMA = "ontap.security/drift-report"
SCHEMA_VERSION = 2
# From bad to harmless.
SEVERITIES: t.Final = ("critical", "high", "medium", "low")
STATUSES: t.Final = ("ok", "unreachable", "error")
VERDICTS: t.Final = ("in_sync", "missing", "drifted", "unmanaged", "blocked", "error")

Report = dict[str, t.Any]
Mapping = t.Mapping[str, t.Any]

_LONGEST_TEXT = 2000


class ReportError(Exception):
    """What was given is no drift report, or nothing that one can be made from."""


def short_text(value: t.Any) -> str:
    """The value as text, cut where it is longer than anybody reads."""
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " ..."


def plain(value: t.Any) -> t.Any:
    """The value in JSON's own types: Ansible hands over strings and lists that know more than their content."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, t.Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    # Half a surrogate pair is no text that could be written to a file.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def findings_of(vault: Mapping) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
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


def described(host: Mapping) -> bool:
    """Whether somebody has said what this cluster should have."""
    return any(vault["verdict"] != "unmanaged" for vault in host["vaults"])


def open_findings(vault: Mapping) -> list[dict[str, t.Any]]:
    """What somebody has to look at: all findings that no exception covers."""
    return [finding for _name, finding in findings_of(vault) if not finding["ignored"]]


def state_of(host: Mapping) -> str:
    """One word for a host: its status if it could not be asked, else the worst severity, ``in_sync``, ``nothing``."""
    if host["status"] != "ok":
        return str(host["status"])
    found = [finding["severity"] for vault in host["vaults"] for finding in open_findings(vault)]
    if found:
        return str(min(found, key=SEVERITIES.index))
    return "in_sync" if described(host) else "nothing"


def load(given: str | Mapping) -> Report:
    """A report from its JSON text, or from its data. Raises ``ReportError``."""
    if isinstance(given, (str, bytes)):
        try:
            report = json.loads(given)
        except ValueError as exc:
            raise ReportError(f"it is not JSON ({exc})") from None
    else:
        report = plain(given)
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


def time_of(text: str) -> datetime:
    """The time in UTC. Raises ``ReportError``."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except ValueError:
        raise ReportError(f"{text!r} is not a time such as 2026-01-31T23:59:59Z") from None
