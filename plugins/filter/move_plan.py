# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides, turn by turn, which SVM of which cluster moves to another vault, from what the role has registered."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict

from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.plugin_utils._fleet.moving import (
    MOVE,
    REMOVE,
    Cluster,
    Done,
    Move,
    Plan,
    judge,
    plan,
    prepared,
    sum_up,
)
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import dump

DOCUMENTATION = r"""
name: move_plan
short_description: Decide which SVM moves to another vault first, whether the others follow, and what became of all
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - What the role P(ontap.security.move_vault#role) decides with. It makes no sense without the variables that the role
    registers.
  - V(look) says what each SVM needs, or why nothing is done. V(first) leaves out what could not be prepared. V(others)
    judges what became of the first, and says whether the others follow. V(end) sums up.
  - It reads and writes nothing, and sees no secret.
positional: _input, turn
options:
  _input:
    description:
      - C(hostvars). Of each host it reads what the role has registered, C(__move_vault_...), and nothing else.
    type: dict
    required: true
  turn:
    description:
      - What to decide.
    type: str
    choices: [look, first, others, end]
    required: true
  present:
    description:
      - The hosts that are in the play still. Nothing counts that others have registered.
    type: list
    elements: str
    required: true
  hosts:
    description:
      - All hosts of the play. With O(turn=look) only.
    type: list
    elements: str
    default: []
  batch:
    description:
      - The hosts that the play has at a time, which are not all of O(present) where it has C(serial). With O(turn=look)
        only.
    type: list
    elements: str
    default: []
  known:
    description:
      - What the filter returned for the turn before. Not with O(turn=look).
    type: str
  way:
    description:
      - What the run is for, to move, to go back, or to remove what is not in use any more. With O(turn=look) only.
    type: str
    choices: [move, back, tidy]
    default: move
  check_mode:
    description:
      - Whether this is a check run, in which nothing is sent.
    type: bool
    default: false
seealso:
  - plugin: ontap.security.move_vault
    plugin_type: role
"""

EXAMPLES = r"""
- name: Say what each SVM needs
  ansible.builtin.set_fact:
    __move_vault_known: >-
      {{ hostvars | ontap.security.move_plan('look', present=ansible_play_hosts, hosts=ansible_play_hosts_all)
      | string }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - JSON text. C(plan) is for the next turn; C(stop) says in a word why the run stops, and is empty where it does not.
    - Up to V(others) C(send) has for each host what is to be sent, for P(ontap.security.move_entries#filter). With
      V(look) C(lines) say what is to become of each SVM, with V(first) C(first) is the host that comes first.
    - With V(end) C(why) says what to do after a stop, C(lines) what became of all, C(summary) the same in numbers, and
      C(trouble) what went wrong.
  type: str
"""

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]

_WISH: t.Final = "__move_vault_wish"


def move_plan(
    hostvars: HostVars,
    turn: str,
    present: t.Sequence[str],
    hosts: t.Sequence[str] = (),
    batch: t.Sequence[str] = (),
    known: str | None = None,
    way: str = MOVE,
    check_mode: bool = False,
) -> str:
    """What is decided in this turn, as JSON text with no template hidden in it."""
    there = [str(host) for host in present]
    if turn == "look":
        everyone = [str(host) for host in hosts]
        clusters = [_cluster(host, hostvars[host], str(way)) for host in there if _WISH in hostvars[host]]
        silent = [host for host in everyone if _WISH not in hostvars[host]]
        serial = bool(batch) and {str(host) for host in batch} != {*there}
        decided = plan(str(way), everyone, clusters, serial=serial, silent=silent)
        send = _entries(decided.to_prepare, "prepare")
        return dump({"plan": _text(decided), "stop": decided.stop, "send": send, "lines": decided.about()})
    if turn not in ("first", "others", "end") or known is None:
        raise AnsibleFilterError(
            "move_plan knows the turns look, and with what is known from the turn before first, others, end."
        )
    decided = Plan.of(json.loads(json.loads(known)["plan"]))
    if turn == "first":
        ready = prepared(decided, {host: _of(hostvars[host], "prepare") for host in there})
        first = ready.first
        return dump(
            {
                "plan": _text(ready),
                "stop": ready.stop,
                "send": _entries([first] if first else [], "enable"),
                "first": first.host if first else "",
            }
        )
    if turn == "end":
        done = {host: Done(*(_of(hostvars[host], name) for name in _TASKS)) for host in there}
        summary = sum_up(decided, done, check_mode=bool(check_mode))
        return dump(
            {
                "stop": decided.stop,
                "why": summary.why,
                "lines": summary.lines,
                "trouble": list(summary.trouble),
                "summary": summary.numbers,
            }
        )
    of_first = hostvars[decided.first.host] if decided.first and decided.first.host in there else {}
    judged = judge(decided, _of(of_first, "first"), _of(of_first, "proof"), check_mode=bool(check_mode))
    return dump({"plan": _text(judged), "stop": judged.stop, "send": _entries(judged.others, "enable")})


_TASKS: t.Final = ("prepare", "first", "others", "after")


def _of(variables: t.Mapping[str, t.Any], name: str) -> t.Mapping[str, t.Any]:
    """What a task has returned; nothing where it was skipped."""
    registered: t.Mapping[str, t.Any] = variables.get(f"__move_vault_{name}") or {}
    return {} if registered.get("skipped") else registered


def _text(decided: Plan) -> str:
    # As a text in the text: only the next turn reads it, but every host of the fleet reads what is around it.
    return json.dumps(asdict(decided))


def _cluster(host: str, variables: t.Mapping[str, t.Any], way: str) -> Cluster:
    wish = variables[_WISH]
    # A text is no list of names: it stands for all.
    svms = None if isinstance(wish["svms"], str) else [str(name) for name in wish["svms"]]
    return Cluster.of(host, wish["described"], svms, _of(variables, "before"), way)


def _entries(moves: t.Iterable[Move], what: str) -> dict[str, list[dict[str, t.Any]]]:
    """What to send by host: the SVM, the configuration, and what is to be done with it."""
    found: dict[str, list[dict[str, t.Any]]] = {}
    for move in moves:
        of_host = found.setdefault(move.host, [])
        # The one in use is changed by nothing here: a new key for it, say, is not what this run is for.
        of_host.append({**move.target, "configuration": move.to, "do": what if move.fresh else "complete"})
        if move.need == REMOVE:
            of_host += [{**move.target, "configuration": one.name, "do": "remove"} for one in move.leaving]
    return found


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"move_plan": move_plan}
