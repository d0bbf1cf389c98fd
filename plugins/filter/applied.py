# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what azure_key_vaults has returned for a cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._fleet import applying

DOCUMENTATION = r"""
name: applied
short_description: Judge what became of the Azure Key Vault configurations of a cluster
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Says what the result of M(ontap.security.azure_key_vaults) comes to. The role P(ontap.security.azure_key_vault#role)
    goes by it.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - The result of M(ontap.security.azure_key_vaults).
    type: dict
    required: true
  restoring:
    description:
      - What was registered of a loop over C(to_restore) with M(ontap.security.azure_key_vault_restore). Not given where
        there was none.
    type: dict
    default: {}
  check_mode:
    description:
      - Whether the result is that of a check run, which says what would be.
    type: bool
    default: false
seealso:
  - module: ontap.security.azure_key_vaults
"""

EXAMPLES = r"""
- name: Sum up
  ansible.builtin.debug:
    msg: "{{ inventory_hostname }}: {{ (result | ontap.security.applied(check_mode=ansible_check_mode)).summary }}"
"""

RETURN = r"""
_value:
  description:
    - C(failure), what has failed, as the module says it; empty where nothing has.
    - C(to_restore), the configurations in use whose keys some node lacks, or of which nobody knows, each with C(scope),
      C(svm) and C(uuid). C(unusable), a line for each one in use that cannot be used in the end, or of which nobody
      knows.
    - C(differences), a line for each difference. C(summary), one line that counts what is in sync and names the rest.
  type: dict
"""


def applied(
    result: t.Mapping[str, t.Any], restoring: t.Mapping[str, t.Any] | None = None, check_mode: bool = False
) -> dict[str, t.Any]:
    """What the result comes to, in types that a template can take apart."""
    found = applying.applied(result, restoring or {}, bool(check_mode))
    return {
        "failure": found.failure,
        "to_restore": [one.target for one in found.to_restore],
        "unusable": [f"{one.long}: {one.condition}" for one in found.unusable],
        "differences": found.differences,
        "summary": found.summary,
    }


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"applied": applied}
