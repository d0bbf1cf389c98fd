# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whose keys to restore on a cluster."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.restoring import Restoring, load, told_svms

DOCUMENTATION = r"""
name: restore_plan
short_description: Say whose keys to restore on a cluster
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Finds the configurations whose keys some node lacks, or of which nobody knows, from one look at all of the cluster.
    The role P(ontap.security.restore#role) goes by it.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - What M(ontap.security.azure_key_vault_info) returns as C(azure_key_vaults), with health.
    type: list
    elements: dict
    required: true
  svms:
    description:
      - Names of SVMs. When not given, every SVM that has an enabled configuration.
    type: list
    elements: str
  cluster:
    description:
      - Whether the cluster's own keys count, too.
    type: bool
    default: false
  force:
    description:
      - Whether to restore even if no node is known to lack keys.
    type: bool
    default: false
  events:
    description:
      - What has led here, as ansible-rulebook gives it in C(ansible_eda). Then O(svms) are those that the cluster's
        events name. Where one names none, or one that has no enabled configuration, it is as when nothing is given.
    type: dict
  host:
    description:
      - The cluster's name in the inventory, by which O(events) know it.
    type: str
  notes:
    description:
      - With O(events), what P(ontap.security.restore_notes#filter) made earlier. What was restored in vain within the
        last hour is not restored again.
    type: str
    default: ""
seealso:
  - module: ontap.security.azure_key_vault_restore
"""

EXAMPLES = r"""
- name: Restore the keys of every SVM that lacks some
  ontap.security.azure_key_vault_restore:
    svm: "{{ item.svm }}"
  loop: "{{ (found.azure_key_vaults | ontap.security.restore_plan).to_restore }}"
  loop_control:
    label: "{{ item.svm | ontap.security.visible }}"
"""

RETURN = r"""
_value:
  description:
    - C(to_restore), a list of dictionaries with C(scope), C(svm) and C(uuid). C(missing), what is asked for
      and has no enabled configuration.
    - C(held), a line for each configuration that is not restored because it was lately, in vain.
    - C(condition), a line for each configuration that is not known to be usable, and one that counts the others.
  type: dict
"""


def restore_plan(
    records: t.Sequence[t.Mapping[str, t.Any]],
    svms: t.Sequence[str] | None = None,
    cluster: bool = False,
    force: bool = False,
    events: t.Mapping[str, t.Any] | None = None,
    host: str = "",
    notes: str = "",
) -> dict[str, t.Any]:
    """Whose keys to restore, in types that a template can take apart."""
    plan = Restoring.of(records, svms, bool(cluster), bool(force))
    if events:
        now = datetime.datetime.now(datetime.timezone.utc)
        plan = plan.by_events(told_svms(events, host), load(notes, now))
    return {
        "to_restore": [one.target for one in plan.to_restore],
        "missing": plan.missing,
        "held": plan.held,
        "condition": plan.condition,
    }


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"restore_plan": restore_plan}
