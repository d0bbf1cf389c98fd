# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes entries for azure_key_vaults of what is described and what is to be done."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: move_entries
short_description: Make entries for azure_key_vaults of what is described, and of what a move does with it in this turn
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Of the entries that the inventory describes it takes those that the role P(ontap.security.move_vault#role) is to
    send now. V(prepare) leaves out C(enabled), so that a configuration is created beside the one in use. V(enable)
    sends it whole. V(complete) is for the one in use, of which nothing else is sent, so that nothing of it changes.
  - What is not described is named, and nothing else is sent of it.
positional: _input, send
options:
  _input:
    description:
      - The entries, as P(ontap.security.vault_entries#filter) makes them.
    type: list
    elements: dict
    required: true
  send:
    description:
      - What P(ontap.security.move_plan#filter) returns for this host in C(send).
    type: list
    elements: dict
    required: true
seealso:
  - plugin: ontap.security.move_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Do what has been decided
  ontap.security.azure_key_vaults:
    vaults: "{{ described | ontap.security.move_entries(now.send[inventory_hostname]) }}"
"""

RETURN = r"""
_value:
  description: Entries, with secrets where these had any.
  type: list
  elements: dict
"""

_NAMES: t.Final = ("svm", "svm_uuid", "configuration")

Entry = t.Mapping[str, t.Any]


def move_entries(described: t.Sequence[Entry], send: t.Sequence[Entry]) -> list[dict[str, t.Any]]:
    """The entries to send, in the order of ``send``."""
    return [_entry(described, wanted) for wanted in send]


def _entry(described: t.Sequence[Entry], wanted: Entry) -> dict[str, t.Any]:
    named = {name: wanted[name] for name in _NAMES if wanted.get(name)}
    if wanted["do"] == "remove":
        return {**named, "state": "absent"}
    if wanted["do"] == "complete":
        return {**named, "enabled": True}
    of_it = next((dict(entry.items()) for entry in described if _is_about(entry, named)), named)
    if wanted["do"] == "prepare":
        return {name: value for name, value in of_it.items() if name != "enabled"}
    # On the way back it may be described as one that is to go.
    return {**{name: value for name, value in of_it.items() if name != "state"}, "enabled": True}


def _is_about(entry: Entry, named: Entry) -> bool:
    return all(_form(name, entry.get(name)) == _form(name, named.get(name)) for name in _NAMES)


def _form(name: str, value: t.Any) -> str:
    text = str(value or "")
    return text.lower() if name == "svm_uuid" else text


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"move_entries": move_entries}
