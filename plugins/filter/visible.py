# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes text of a cluster's fit for a terminal or a log."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible

DOCUMENTATION = r"""
name: visible
short_description: Write what steers a terminal as escapes that can be seen
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Names and messages that a cluster returns may hold escape sequences, line breaks, or signs that turn the direction
    of writing. Modules return them as they are, and Ansible prints a label or the message of a failure as it is.
  - This filter writes such signs as escapes, such as C(\x1b), and leaves all else.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - The text. Anything else is made one.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Name each SVM
  ansible.builtin.debug:
    msg: "{{ item.health.verdict }}"
  loop: "{{ found.azure_key_vaults }}"
  loop_control:
    label: "{{ item.svm.name | default('cluster scope') | ontap.security.visible }}"
"""

RETURN = r"""
_value:
  description: The text in which everything can be seen.
  type: str
"""


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"visible": lambda value: visible(str(value))}
