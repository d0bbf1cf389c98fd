# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides, turn by turn, which configuration of which cluster gets a new secret, from what the role has registered."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict

from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.configurations import Configuration
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.rotation import (
    Cluster,
    Done,
    Plan,
    judge,
    plan,
    sum_up,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import dump

DOCUMENTATION = r"""
name: rotation
short_description: Decide which configuration gets a new secret first, whether the others follow, and what became of all
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - What the role P(ontap.security.rotate_secret#role) decides with. It makes no sense without the variables that the
    role registers.
  - V(first) chooses among what the clusters show the one configuration that gets the secret first, or says why none
    does. V(others) judges what became of it, and says whether the others follow. V(end) sums up.
  - It reads and writes nothing, and sees no secret.
positional: _input, turn
options:
  _input:
    description:
      - C(hostvars). Of each host it reads what the role has registered, C(__rotate_secret_...), and nothing else.
    type: dict
    required: true
  turn:
    description:
      - What to decide.
    type: str
    choices: [first, others, end]
    required: true
  present:
    description:
      - The hosts that are in the play still. Nothing counts that others have registered.
    type: list
    elements: str
    required: true
  hosts:
    description:
      - All hosts of the play. With O(turn=first) only.
    type: list
    elements: str
    default: []
  batch:
    description:
      - The hosts that the play has at a time, which are not all of O(present) where it has C(serial). With
        O(turn=first) only. When not given, all are.
    type: list
    elements: str
    default: []
  known:
    description:
      - What the filter returned for the turn before. Not with O(turn=first).
    type: str
  unproven:
    description:
      - Whether to go on where no configuration can prove the secret.
    type: bool
    default: false
  check_mode:
    description:
      - Whether this is a check run, in which nothing is sent.
    type: bool
    default: false
seealso:
  - plugin: ontap.security.rotate_secret
    plugin_type: role
"""

EXAMPLES = r"""
- name: Choose the configuration that comes first
  ansible.builtin.set_fact:
    __rotate_secret_known: >-
      {{ hostvars | ontap.security.rotation('first', present=ansible_play_hosts, hosts=ansible_play_hosts_all)
      | string }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - JSON text. C(plan) is for the next turn; C(stop) says in a word why the run stops, and is empty where it does not.
    - Up to V(others) C(send) has for each host the entries for M(ontap.security.azure_key_vaults), without the secret.
      With V(first) C(lines) say how the configurations are, and C(first) is the one that comes first.
    - With V(end) C(why) says what to do after a stop, C(lines) what became of all, C(summary) the same in numbers, and
      C(trouble) what went wrong.
  type: str
"""

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]

_WISH: t.Final = "__rotate_secret_wish"


def rotation(
    hostvars: HostVars,
    turn: str,
    present: t.Sequence[str],
    hosts: t.Sequence[str] = (),
    batch: t.Sequence[str] = (),
    known: str | None = None,
    unproven: bool = False,
    check_mode: bool = False,
) -> str:
    """What is decided in this turn, as JSON text with no template hidden in it."""
    there = [str(host) for host in present]
    if turn == "first":
        everyone = [str(host) for host in hosts]
        clusters = [_cluster(host, hostvars[host]) for host in there if _WISH in hostvars[host]]
        silent = [host for host in everyone if _WISH not in hostvars[host]]
        serial = bool(batch) and {str(host) for host in batch} != {*there}
        return dump(_first(plan(everyone, clusters, unproven=bool(unproven), serial=serial, silent=silent)))
    if turn not in ("others", "end") or known is None:
        raise AnsibleFilterError(
            "rotation knows the turns first, and with what is known from the turn before others, end."
        )
    decided = Plan.of(json.loads(json.loads(known)["plan"]))
    done = {host: _done(hostvars[host]) for host in there}
    if turn == "end":
        return dump(_end(decided, done, check_mode=bool(check_mode)))
    of_first = hostvars[decided.first.host] if decided.first and decided.first.host in there else {}
    judged = judge(
        decided,
        of_first.get("__rotate_secret_first") or {},
        of_first.get("__rotate_secret_proof") or {},
        unproven=bool(unproven),
        check_mode=bool(check_mode),
    )
    return dump({"plan": _text(judged), "stop": judged.stop, "send": _entries(judged.others)})


def _text(decided: Plan) -> str:
    # As a text in the text: only the next turn reads it, but every host of the fleet reads what is around it.
    return json.dumps(asdict(decided))


def _cluster(host: str, variables: t.Mapping[str, t.Any]) -> Cluster:
    wish = variables[_WISH]
    # A text is no list of names: it stands for all.
    svms = None if isinstance(wish["svms"], str) else [str(name) for name in wish["svms"]]
    result = variables.get("__rotate_secret_before") or {}
    return Cluster.of(host, str(wish["application"]), str(wish["secret"]), svms, result)


def _done(variables: t.Mapping[str, t.Any]) -> Done:
    return Done(*(variables.get(f"__rotate_secret_{name}") or {} for name in ("first", "others", "after")))


def _first(decided: Plan) -> dict[str, t.Any]:
    first = decided.first
    send = {first.host: (first,)} if first and not decided.stop else {}
    return {
        "plan": _text(decided),
        "stop": decided.stop,
        "send": _entries(send),
        "first": asdict(first) if first else {},
        "lines": decided.about(),
    }


def _end(decided: Plan, done: t.Mapping[str, Done], *, check_mode: bool) -> dict[str, t.Any]:
    summary = sum_up(decided, done, check_mode=check_mode)
    return {
        "stop": decided.stop,
        "why": summary.why,
        "lines": summary.lines,
        "trouble": list(summary.trouble),
        "summary": summary.numbers,
    }


def _entries(send: t.Mapping[str, t.Sequence[Configuration]]) -> dict[str, t.Any]:
    # The role looks itself what ONTAP reports of Azure then, and judges by it.
    rule = {"update_credentials": "always", "verify": False}
    return {host: [{**one.entry, **rule} for one in those] for host, those in send.items()}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"rotation": rotation}
