# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as OpenMetrics, for node_exporter's textfile collector. Pure.

All are gauges without timestamps, which the collector does not take, so that what reads Prometheus' older text format
reads them as well. Labels are the clusters of the inventory and words of this collection, and nothing that a cluster
says: there are no more series than a fleet has clusters and this collection has words.
"""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.ontap.security.plugins.module_utils._azure.table import FIELDS, UNDESCRIBED
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import (
    SEVERITIES,
    STANDINGS,
    VERDICTS,
    Mapping,
    known_findings,
    time_of,
)

PREFIX = "ontap_security_drift"
# What a finding can be about, beside a health that is not well. Anything else is "other".
_KINDS: t.Final = frozenset({*FIELDS, *UNDESCRIBED, *VERDICTS, "authentication_method", "state", "enabled", "health"})

Labels = tuple[tuple[str, str], ...]
Samples = list[tuple[Labels, int]]


def openmetrics(report: Mapping) -> str:
    """The text."""
    lines = []
    for name, what, samples in _families(report):
        lines += [f"# HELP {PREFIX}_{name} {what}", f"# TYPE {PREFIX}_{name} gauge"]
        lines += [f"{PREFIX}_{name}{_labels(labels)} {int(number)}" for labels, number in samples]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _families(report: Mapping) -> t.Iterator[tuple[str, str, Samples]]:
    summary, hosts = report["summary"], report["hosts"]
    yield "report_info", "What the report was made with.", [((("version", report["collection_version"]),), 1)]
    ended = int(time_of(report["ended"]).timestamp())
    yield "report_timestamp_seconds", "When the report ended; its age is time() less this.", [((), ended)]
    asked, ok = summary["hosts"]["asked"], summary["hosts"]["ok"]
    yield "clusters", "Clusters that were asked.", [((), asked)]
    yield "clusters_not_compared", "Clusters that could not be compared.", [((), asked - ok)]
    compared: Samples = [((("cluster", host["host"]),), host["status"] == "ok") for host in hosts]
    yield "cluster_compared", "Whether a cluster could be compared.", compared
    standings: Samples = [((("standing", name),), summary["standings"][name]) for name in STANDINGS]
    yield "configurations", "Configurations, each once by the worst that is known of it.", standings
    severities: Samples = [((("severity", name),), summary["severities"][name]) for name in SEVERITIES]
    yield "open_findings", "Findings of the fleet that no exception covers, by severity.", severities
    yield (
        "findings",
        "Findings that no exception covers, by cluster, severity and kind; none where there is none.",
        [
            ((("cluster", cluster), ("severity", severity), ("kind", kind)), number)
            for (cluster, severity, kind), number in sorted(_findings(hosts).items())
        ],
    )
    yield "findings_ignored", "Findings that an exception covers.", [((), summary["ignored"])]
    yield "health_asked", "Whether health was asked for on every cluster.", [((), summary["health_asked"])]
    since = summary["since_last"]
    if since:
        counts = {"new": since["new"], "still_open": since["still_open"], "gone": len(since["gone"])}
        counts["not_known"] = since["not_known"]
        changes: Samples = [((("change", name),), number) for name, number in counts.items()]
        yield "findings_since_last", "What has become of the findings of the report before.", changes


def _findings(hosts: t.Iterable[Mapping]) -> Counter[tuple[str, str, str]]:
    return Counter(
        (host["host"], finding["severity"], name if name in _KINDS else "other")
        for host in hosts
        for vault in host["vaults"]
        for name, finding in known_findings(vault)
        if not finding["ignored"]
    )


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return visible(value).replace("\\", "\\\\").replace('"', '\\"')
