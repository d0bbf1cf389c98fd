# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges the drift reports of several jobs or slices."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.plugin_utils._report.merge import merge
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import ReportError

DOCUMENTATION = r"""
name: merge_drift_reports
short_description: Merge drift reports of several jobs or slices into one
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Takes JSON reports of the role P(ontap.security.drift_report#role), each for a part of the fleet, and makes one of
    them.
  - Of a host that several parts have, the answer of the part that ended last counts. The age of a difference is the
    oldest that any part knows.
  - Reports of earlier versions of the collection count as well.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - The reports, as JSON text or as data.
    type: list
    elements: raw
    required: true
  hosts:
    description:
      - The names of all hosts that should be covered. One that no part has is in the result with the status V(error),
        and in C(summary.not_covered).
    type: list
    elements: str
    default: []
  previous:
    description:
      - The merged report before this one, as JSON text or as data. Differences that it has keep their C(first_seen).
      - A report that cannot be used leads to a warning in the new one.
    type: raw
seealso:
  - plugin: ontap.security.drift_report
    plugin_type: filter
  - plugin: ontap.security.render_drift_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Merge the reports of two slices, and name the hosts that neither has
  ansible.builtin.copy:
    content: >-
      {{ [lookup('ansible.builtin.file', 'slice1.json'), lookup('ansible.builtin.file', 'slice2.json')]
      | ontap.security.merge_drift_reports(hosts=groups['ontap']) | ontap.security.render_drift_report('html') }}
    dest: drift-report.html
    mode: "0640"
"""

RETURN = r"""
_value:
  description: The report as data.
  type: dict
"""


def merge_drift_reports(
    reports: t.Any, hosts: t.Sequence[str] | None = None, previous: t.Any = None
) -> dict[str, t.Any]:
    """One report as data. ``hosts`` are all that should be covered, ``previous`` is what it replaces."""
    if isinstance(reports, (str, bytes, t.Mapping)) or not isinstance(reports, t.Iterable):
        raise AnsibleFilterError("merge_drift_reports wants a list of drift reports.")
    if isinstance(hosts, str):
        raise AnsibleFilterError("hosts of merge_drift_reports is a list of host names.")
    try:
        return merge(list(reports), hosts, previous)
    except ReportError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"merge_drift_reports": merge_drift_reports}
