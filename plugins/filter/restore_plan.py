# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whose keys to restore on a cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.restoring import Restoring

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
    - C(condition), a line for each configuration that is not known to be usable, and one that counts the others.
  type: dict
"""


def restore_plan(
    records: t.Sequence[t.Mapping[str, t.Any]],
    svms: t.Sequence[str] | None = None,
    cluster: bool = False,
    force: bool = False,
) -> dict[str, t.Any]:
    """Whose keys to restore, in types that a template can take apart."""
    plan = Restoring.of(records, svms, bool(cluster), bool(force))
    return {
        "to_restore": [one.target for one in plan.to_restore],
        "missing": plan.missing,
        "condition": plan.condition,
    }


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"restore_plan": restore_plan}
