# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whether the keys of SVMs may be replaced."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.rekeying import Rekeying

DOCUMENTATION = r"""
name: rekey_plan
short_description: Say whether the keys of SVMs may be replaced
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Finds what speaks against replacing keys, from one look at the SVMs. The role P(ontap.security.rekey#role) goes by
    it.
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
      - Names of the SVMs.
    type: list
    elements: str
    required: true
seealso:
  - module: ontap.security.azure_key_vault_rekey
"""

EXAMPLES = r"""
- name: Stop if a key cannot be replaced safely
  ansible.builtin.assert:
    that: (found.azure_key_vaults | ontap.security.rekey_plan(svms=['vs0', 'vs1'])).ill == []
"""

RETURN = r"""
_value:
  description:
    - C(missing), the SVMs without an enabled configuration. C(ill), those that are not known to be usable.
    - C(condition), a line for each key in use, one for each SVM in C(ill) with what is wrong, and one that counts the
      others.
  type: dict
"""


def rekey_plan(records: t.Sequence[t.Mapping[str, t.Any]], svms: t.Sequence[str]) -> dict[str, t.Any]:
    """What speaks against replacing keys, in types that a template can take apart."""
    plan = Rekeying.of(records, svms)
    return {"missing": plan.missing, "ill": [one.short for one in plan.ill], "condition": plan.condition}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"rekey_plan": rekey_plan}
