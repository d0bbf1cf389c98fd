# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a variable that a survey or a person may have set.

A lookup and not a filter, because a variable that is not given and one that cannot be evaluated look alike to a filter,
and the first may mean everybody.
"""

from __future__ import annotations

DOCUMENTATION = r"""
name: answer
short_description: Read a variable that a survey of AWX or a person may have set
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Gives the value of a variable as the type that is meant, whichever way it was written, with every release of
    Ansible.
  - AWX marks each answer as C(!unsafe). Then ansible-core 2.19 and later reads the text as YAML, so V(true) arrives as
    a boolean, V(0123) as the number 83, V(2026-01-01) as a date, and an answer that was left empty as nothing. Before
    that, all of them are texts.
  - A variable counts as not given when there is none, when it is empty or blank, or when it is omitted.
  - Where a text is needed and Ansible has made something else of it, the lookup fails and says how to write it. Only
    C(null) cannot be told from an answer that was left empty.
options:
  _terms:
    description:
      - The name of the variable.
    type: list
    elements: str
    required: true
  type:
    description:
      - V(text) is a text, V(names) a list of names and V(svms) one of the names of SVMs, V(boolean) true or false,
        V(integer) a whole number, V(age) a time such as V(12h), V(choice) one of O(choices), V(choices) a list of them.
      - V(hosts) is a pattern of inventory hosts, V(turns) a list for the keyword C(serial).
      - V(raw) is whatever it is, without what is omitted in it, and with texts for dates.
      - A list can be a list, the same as JSON in a text, or a text with commas, blanks or line breaks. One without
        elements counts as given.
      - In a text, double quotes around a name keep Ansible from reading it as something else.
    type: str
    choices: [text, names, svms, boolean, integer, age, choice, choices, hosts, turns, raw]
    default: text
  choices:
    description:
      - What can be chosen.
    type: list
    elements: str
    default: []
  default:
    description:
      - The value when the variable is not given.
    type: raw
"""

EXAMPLES = r"""
- name: Show which SVMs were chosen in a survey
  ansible.builtin.debug:
    msg: "{{ lookup('ontap.security.answer', 'which_svms', type='svms', default='all') }}"
"""

RETURN = r"""
_raw:
  description: The value.
  type: list
  elements: raw
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.ontap.security.plugins.plugin_utils._answers import AnswerError, answer


class LookupModule(LookupBase):  # type: ignore[misc]
    """What Ansible asks for."""

    def run(
        self, terms: t.Sequence[str], variables: t.Mapping[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[t.Any]:
        """The value of each variable. Raises AnsibleLookupError for one that cannot be taken."""
        self.set_options(var_options=variables, direct=kwargs)
        return [self._answer(name, variables or {}) for name in terms]

    def _answer(self, name: str, variables: t.Mapping[str, t.Any]) -> t.Any:
        # In a list, because alone a value that is omitted cannot be evaluated with every release of Ansible.
        found = self._templar.template([variables[name]]) if name in variables else []
        try:
            value = answer(found[0] if found else None, self.get_option("type"), name, self.get_option("choices"))
        except AnswerError as exc:
            raise AnsibleLookupError(str(exc)) from exc
        return self.get_option("default") if value is None else value
