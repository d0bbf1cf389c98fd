# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which credential types AWX is to have."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._awx import refused

DOCUMENTATION = r"""
name: awx_types
short_description: Say which credential types can be made or changed in AWX
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - AWX lets nobody change the fields of a credential type that has credentials. The role
    P(ontap.security.awx_setup#role) leaves such a type as it is.
  - It reads and writes nothing.
positional: _input, compared
options:
  _input:
    description:
      - The credential types, each with C(name).
    type: list
    elements: dict
    required: true
  compared:
    description:
      - What was registered of a loop over them with C(awx.awx.credential_type) in check mode, which failed where fields
        differ.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which credential types have other fields
  ansible.builtin.debug:
    msg: "{{ (awx_credential_types | ontap.security.awx_types(compared.results)).refused }}"
"""

RETURN = r"""
_value:
  description:
    - C(to_make), the credential types to make or change. C(refused), the names of the others. C(unknown), the names of
      those of them that AWX could not be asked about.
  type: dict
"""


def awx_types(
    types: t.Sequence[t.Mapping[str, t.Any]], compared: t.Sequence[t.Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """Which credential types to make, in types that a template can take apart."""
    found = refused(compared)
    names = [one["item"]["name"] for one in found]
    return {
        "to_make": [one for one in types if one["name"] not in names],
        "refused": names,
        "unknown": [one["item"]["name"] for one in found if "id" not in one],
    }


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"awx_types": awx_types}
