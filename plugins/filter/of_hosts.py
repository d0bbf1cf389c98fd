# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers what the hosts of a play have."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: of_hosts
short_description: Gather a variable of several hosts
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Gives the value that a variable, such as one that was registered, has on each of several hosts.
  - It reads and writes nothing.
positional: _input, hosts, variable
options:
  _input:
    description:
      - The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description:
      - The names of the hosts.
    type: list
    elements: str
    required: true
  variable:
    description:
      - The name of the variable.
    type: str
    required: true
  default:
    description:
      - The value of a host that does not have the variable.
    type: raw
    default: {}
"""

EXAMPLES = r"""
- name: Make a report of all hosts
  ansible.builtin.set_fact:
    report: >-
      {{ hostvars | ontap.security.of_hosts(ansible_play_hosts_all, 'found')
      | ontap.security.drift_report(started=started, ended=now(utc=true).isoformat()) }}
  run_once: true
"""

RETURN = r"""
_value:
  description: The value of each host by its name.
  type: dict
"""


def of_hosts(
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]], hosts: t.Sequence[str], variable: str, default: t.Any = None
) -> dict[str, t.Any]:
    """The variable of each host. What cannot be evaluated is an error only where it is that variable."""
    nothing = {} if default is None else default
    return {host: hostvars[host].get(variable, nothing) for host in hosts}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"of_hosts": of_hosts}
