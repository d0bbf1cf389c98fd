# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a page of what is wrong with one cluster's keys."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._events.diagnosis import diagnose

DOCUMENTATION = r"""
name: diagnosis
short_description: Say what is wrong with a cluster's keys, since when, why, and what to do in which order
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Makes a page in Markdown from one look at a cluster. The role P(ontap.security.diagnose#role) uses it.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - What M(ontap.security.azure_key_vault_info) returned with health and events, also where it failed.
    type: dict
    required: true
  cluster:
    description:
      - The cluster's name in the inventory.
    type: str
    required: true
seealso:
  - module: ontap.security.azure_key_vault_info
"""

EXAMPLES = r"""
- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ (found | ontap.security.diagnosis(cluster=inventory_hostname)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(lines), those of the page. C(well), whether all is; V(null) where nobody knows.
  type: dict
"""


def diagnosis(found: t.Mapping[str, t.Any], cluster: str) -> dict[str, t.Any]:
    """The page, in types that a template can take apart."""
    made = diagnose(str(cluster), found, datetime.datetime.now(datetime.timezone.utc))
    return {"lines": list(made.lines), "well": made.well}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"diagnosis": diagnosis}
