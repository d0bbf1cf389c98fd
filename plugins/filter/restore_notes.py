# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes which restores did not help."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.restoring import dump, load, tried

DOCUMENTATION = r"""
name: restore_notes
short_description: Note which restores of keys did not help
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Makes notes of what M(ontap.security.azure_key_vault_restore) returned, so that events do not lead to the same again
    at once. The role P(ontap.security.restore#role) keeps them.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - The results of a loop over C(to_restore) of P(ontap.security.restore_plan#filter).
    type: list
    elements: dict
    required: true
  notes:
    description:
      - What this filter made the last time.
    type: str
    default: ""
seealso:
  - plugin: ontap.security.restore_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Keep what did not help
  ansible.builtin.copy:
    content: "{{ done.results | ontap.security.restore_notes }}"
    dest: /var/lib/ontap.security/cluster1.restores
    mode: "0600"
"""

RETURN = r"""
_value:
  description: A text for a file, with UUIDs and times.
  type: str
"""


def restore_notes(results: t.Sequence[t.Mapping[str, t.Any]], notes: str = "") -> str:
    """What did not help, as text."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return dump(tried(load(notes, now), results, now))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"restore_notes": restore_notes}
