# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the drift report from what the modules returned on every host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.plugin_utils._report.make import make
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import ReportError, dump

DOCUMENTATION = r"""
name: drift_report
short_description: Make a drift report from the results of all hosts
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Judges what M(ontap.security.azure_key_vaults) returned in check mode on each host, and puts it into one report as
    JSON text.
  - A host without a result, or with one that failed, is in the report as V(error) or V(unreachable), never as fine.
  - Settings that nobody described, and health that is unknown or bad, are findings as differences are.
  - The role P(ontap.security.drift_report#role) uses it. It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - For each inventory host the result of M(ontap.security.azure_key_vaults), or an empty dictionary.
    type: dict
    required: true
  started:
    description:
      - When the looking began, in UTC, such as V(2026-01-31T23:59:59Z).
    type: str
    required: true
  ended:
    description:
      - When it ended.
    type: str
    required: true
  health:
    description:
      - Whether O(_input) was asked for with health. Where it was not, the report says so wherever it is read.
    type: bool
    default: true
  clusters:
    description:
      - For each inventory host the result of M(ontap.security.azure_key_vault_info) with the cluster's name, UUID and
        release. Not given when nobody asked for it.
    type: dict
  previous:
    description:
      - The report before this one, as JSON text or as data. Differences that it has keep their C(first_seen).
      - A report that cannot be used leads to a warning in the new one.
    type: raw
  ignore:
    description:
      - Exceptions, each with C(reason), C(expires) (a date; it holds through that day), and the patterns C(host),
        C(svm) and C(field).
      - Patterns are those of file names, V(*) when not given. The C(svm) of the cluster scope is V((cluster\)). A
        C(field) can also be V(unmanaged), V(blocked) or V(health).
      - One that cannot be understood or has expired covers nothing, and the report says so, as it does of one that
        matches nothing.
    type: list
    elements: dict
    default: []
seealso:
  - plugin: ontap.security.render_drift_report
    plugin_type: filter
  - plugin: ontap.security.merge_drift_reports
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Make a report of one cluster
  ansible.builtin.copy:
    content: >-
      {{ {inventory_hostname: found} | ontap.security.drift_report(started=started, ended=now(utc=true).isoformat()) }}
    dest: drift-report.json
    mode: "0640"
"""

RETURN = r"""
_value:
  description: The report as JSON text, which M(ansible.builtin.copy) can write as it is.
  type: str
"""


def drift_report(
    looked: t.Mapping[str, t.Mapping[str, t.Any]],
    started: str,
    ended: str,
    health: bool = True,
    clusters: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
    previous: t.Any = None,
    ignore: t.Any = None,
) -> str:
    """The report as JSON text, with no template hidden in it."""
    try:
        report = make(
            looked,
            started=str(started),
            ended=str(ended),
            health=bool(health),
            clusters=clusters,
            previous=previous,
            ignore=ignore or (),
        )
    except ReportError as exc:
        raise AnsibleFilterError(f"No drift report can be made: {exc}") from exc
    return dump(report)


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"drift_report": drift_report}
