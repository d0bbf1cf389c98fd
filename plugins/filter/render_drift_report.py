# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a drift report for people, spreadsheets and pipelines."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.plugin_utils._report.formats import (
    csv_text,
    junit,
    markdown,
    message,
    table,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.metrics import openmetrics
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import ReportError, digest, dump, load
from ansible_collections.ontap.security.plugins.plugin_utils._report.page import page

DOCUMENTATION = r"""
name: render_drift_report
short_description: Render a drift report as HTML, Markdown, CSV, JUnit XML, OpenMetrics, a message or JSON
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Makes a text of a report as P(ontap.security.drift_report#filter) or P(ontap.security.merge_drift_reports#filter)
    return it.
  - All formats come from the same data, in the same order. What clusters say in it is harmless in each of them.
  - It reads and writes nothing.
positional: _input, format
options:
  _input:
    description:
      - The report, as JSON text or as data.
    type: raw
    required: true
  format:
    description:
      - V(html) is one page that needs no network, V(md) is Markdown, V(xml) is JUnit XML.
      - V(prom) is OpenMetrics, V(txt) a message of at most 20 lines, V(text) a short table for a terminal.
    type: str
    choices: [json, html, md, csv, xml, prom, txt, text]
    required: true
seealso:
  - plugin: ontap.security.drift_report
    plugin_type: filter
  - plugin: ontap.security.merge_drift_reports
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what an earlier report found
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'drift-report.json') | ontap.security.render_drift_report('text') }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

# Each takes the report, and what it was given as.
RENDERERS: t.Final[dict[str, t.Callable[[t.Mapping[str, t.Any], t.Any], str]]] = {
    "json": lambda report, _given: dump(report),
    "html": lambda report, given: page(report, digest(given)),
    "md": lambda report, _given: markdown(report),
    "csv": lambda report, _given: csv_text(report),
    "xml": lambda report, _given: junit(report),
    "prom": lambda report, _given: openmetrics(report),
    "txt": lambda report, _given: message(report),
    "text": lambda report, _given: "\n".join(table(report)),
}


def render_drift_report(report: t.Any, format: str) -> str:  # noqa: A002 - what users write
    """The report in one of the formats."""
    if format not in RENDERERS:
        raise AnsibleFilterError(f"render_drift_report knows {', '.join(RENDERERS)}, not {format}.")
    try:
        return RENDERERS[format](load(report), report)
    except (ReportError, KeyError, TypeError) as exc:
        raise AnsibleFilterError(f"The drift report cannot be rendered: {exc}") from exc


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"render_drift_report": render_drift_report}
