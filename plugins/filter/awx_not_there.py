# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what AWX does not have yet."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._awx import not_there

DOCUMENTATION = r"""
name: awx_not_there
short_description: Find what AWX does not have yet
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - The modules of C(awx.awx) name the id of what is there. In check mode there is none of what a run would make, and
    what builds on that would fail. The role P(ontap.security.awx_setup#role) leaves such tasks out.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - What tasks have registered, alone or in a loop. An empty dictionary is a task that has not come yet.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what could not be checked
  ansible.builtin.debug:
    msg: The rest builds on what is not in AWX yet.
  when: "[project, inventory] | ontap.security.awx_not_there != []"
"""

RETURN = r"""
_value:
  description: The results that have no id, a result of each element where a task is a loop.
  type: list
  elements: dict
"""


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"awx_not_there": not_there}
