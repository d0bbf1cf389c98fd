# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says of described configurations which there are to be and which are to be in use, without their secrets."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: move_goals
short_description: Say of described configurations which are to be in use and which to stay, and nothing else of them
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Takes of each entry that is not to be absent what names the SVM and the configuration, and whether it is to be in
    use. So no secret gets into a fact of the role P(ontap.security.move_vault#role).
positional: _input
options:
  _input:
    description:
      - The entries, as P(ontap.security.vault_entries#filter) makes them.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: ontap.security.move_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Say where the SVMs are to go
  ansible.builtin.debug:
    msg: "{{ azure_key_vault_svms | ontap.security.vault_entries | ontap.security.move_goals }}"
"""

RETURN = r"""
_value:
  description: Dictionaries with C(svm) or C(svm_uuid), C(configuration) and, where it is true, C(enabled).
  type: list
  elements: dict
"""

_SHOWN: t.Final = ("svm", "svm_uuid", "configuration", "enabled")


def move_goals(described: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """What the entries describe as present, in their order."""
    present = [entry for entry in described if entry.get("state") != "absent"]
    return [{name: entry[name] for name in _SHOWN if entry.get(name)} for entry in present]


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"move_goals": move_goals}
