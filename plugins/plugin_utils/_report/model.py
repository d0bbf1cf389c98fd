# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as data: its words, how it is read and written, and what can be asked of it. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import usable

SCHEMA = "ontap.security/drift-report"
SCHEMA_VERSION = 3
# From bad to harmless.
SEVERITIES: t.Final = ("critical", "high", "medium", "low")
STATUSES: t.Final = ("ok", "unreachable", "error")
# Those that every report counts. Others, which a later azure_key_vaults may return, are taken as they are.
VERDICTS: t.Final = ("in_sync", "missing", "drifted", "unmanaged", "blocked", "error")
# What can be said of a configuration as a whole, the worst first; each has one of them.
STANDINGS: t.Final = (*SEVERITIES, "not_compared", "ignored", "health_unknown", "well")

# What ends, by the names that findings have: where azure_key_vaults has the day.
ENDING: t.Final = {"expires": "credential", "key_expires": "key"}

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
    nobody described, what ends soon, its health."""
    for drift in vault["drift"]:
        yield drift["field"], drift
    if not vault["drift"] and vault["verdict"] != "in_sync":
        yield vault["verdict"], t.cast("dict[str, t.Any]", vault)
    for setting in vault["undescribed"]:
        yield setting["field"], setting
    # Reports of earlier versions have none.
    for entry in vault.get("expiry") or ():
        if entry["due"]:
            yield entry["field"], entry
    well = usable(vault["health"]["verdict"]) if vault["health"] else True
    # ONTAP reports no health of an inactive configuration, and nothing is wrong with that.
    if well is False or (well is None and vault["enabled"] is not False):
        yield "health", vault["health"]


def known_findings(vault: Mapping) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """The findings, without what seems to differ in a configuration that could not be compared: nobody knows that. What
    is known of its health counts, and what people say of what ends."""
    return (
        pair for pair in findings_of(vault) if vault["verdict"] != "error" or pair[0] == "health" or "ends" in pair[1]
    )


def described(host: Mapping) -> bool:
    """Whether somebody has said what this cluster should have."""
    return any(vault["verdict"] != "unmanaged" for vault in host["vaults"])


def open_findings(vault: Mapping) -> list[dict[str, t.Any]]:
    """What somebody has to look at: all findings that no exception covers."""
    return [finding for _name, finding in findings_of(vault) if not finding["ignored"]]


def standing_of(vault: Mapping) -> str:
    """The worst that is known of a configuration, as one of ``STANDINGS``: nobody knows more of one that could not be
    compared, and one that is as described may still be ill."""
    found = [finding["severity"] for _name, finding in known_findings(vault) if not finding["ignored"]]
    if found:
        return str(min(found, key=SEVERITIES.index))
    if vault["verdict"] == "error":
        return "not_compared"
    if any(True for _finding in findings_of(vault)):
        return "ignored"
    # Of an inactive configuration there is no health to ask for.
    return "health_unknown" if vault["health"] is None and vault["enabled"] is not False else "well"


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
    if report.get("schema_version") not in range(1, SCHEMA_VERSION + 1):
        raise ReportError(
            f"its schema_version is {report.get('schema_version')}; this collection knows 1 to {SCHEMA_VERSION}"
        )
    if not isinstance(report.get("hosts"), list) or not isinstance(report.get("summary"), dict):
        raise ReportError("it is no complete drift report: hosts or summary is missing")
    try:
        for version in range(report["schema_version"], SCHEMA_VERSION):
            _RENEWALS[version](report)
    except (KeyError, TypeError, AttributeError):
        raise ReportError("it is no complete drift report: something in it is missing") from None
    return report


def _from_1_to_2(report: Report) -> None:
    """Nobody looked at undescribed settings then, and an unknown health was that of an inactive configuration."""
    report["schema_version"] = 2
    for host in report["hosts"]:
        host["health_asked"] = bool(report["summary"].get("health_asked"))
        for vault in host["vaults"]:
            vault["enabled"] = False if (vault["health"] or {}).get("verdict") == "unknown" else None
            vault["undescribed"] = []
    for entry in report["summary"].get("ignore", []):
        entry["problem"] = ""
    report["summary"].get("configurations", {})["undescribed"] = 0


def _from_2_to_3(report: Report) -> None:
    """Nobody kept what was found, nor compared a report with the one before it."""
    report["schema_version"] = 3
    report["provenance"] = None
    vaults = [vault for host in report["hosts"] for vault in host["vaults"]]
    for host in report["hosts"]:
        host["groups"] = []
    for thing in (*report["hosts"], *vaults):
        if thing["error"]:
            thing["error"]["message"] = None
    for vault in vaults:
        vault["found"] = None
        for thing in (vault, *vault["drift"], *vault["undescribed"], vault["health"] or {}):
            thing["new"] = False
    report["summary"]["standings"] = standings(vaults)
    report["summary"].update(since_last=None, trend=[])


_RENEWALS: t.Final = {1: _from_1_to_2, 2: _from_2_to_3}


def standings(vaults: t.Sequence[Mapping]) -> dict[str, int]:
    """How many configurations there are of each standing."""
    found = [standing_of(vault) for vault in vaults]
    return {standing: found.count(standing) for standing in STANDINGS}


def dump(report: Mapping) -> str:
    """JSON in which no template can hide: braces in texts that would begin one are written as escapes."""
    return re.sub(r"\{(?=[{%#])", r"\\u007b", json.dumps(report, indent=1)) + "\n"


def digest(given: str | Mapping) -> str:
    """The SHA-256 of a report's JSON text, or of the text that its data would be written as."""
    text = given if isinstance(given, str) else dump(given)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def time_of(text: str) -> datetime:
    """The time in UTC. Raises ``ReportError``."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except ValueError:
        raise ReportError(f"{text!r} is not a time such as 2026-01-31T23:59:59Z") from None
