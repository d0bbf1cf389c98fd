# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a configuration, judged from what ONTAP reports of keys, Azure and nodes."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.ontap.security.plugins.module_utils._vault import HEALTH_FIELDS, Vault, verdict_of


@dataclass(frozen=True)
class Health:
    """A one-word verdict, why, and the nodes concerned.

    ``healthy``; ``no_encrypted_volume_yet`` (nothing is wrong: ONTAP knows no key state before the first encrypted
    volume); ``keys_missing``; ``azure_unreachable``; ``node_unreachable``; ``unknown``.
    """

    verdict: str
    reasons: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    def as_result(self) -> dict[str, t.Any]:
        return {"verdict": self.verdict, "reasons": list(self.reasons), "nodes": list(self.nodes)}


# The state's code is the same for both cases, and no other field tells them apart: ONTAP explains an unavailable key
# only in this field's text, "Node: n1. Reason: No volumes created yet ...; will be available after creating encrypted
# volumes." The older form is "... unavailable in following nodes - node1, node2.".
_NO_VOLUME = re.compile(
    r"\b(?:no|without) (?:encrypted )?volumes?\b|\bvolumes? (?:do|does|did) not exist\b"
    r"|\b(?:after|until|before) [^.]*\bvolumes?\b",
    re.I,
)
_NODE_REASON = re.compile(r"\bnode:\s*([\w.-]*\w)\.?\s*reason:\s*(.*?)(?=\bnode:|$)", re.I | re.S)
_NODE_LIST = re.compile(r"\bnodes?\s*[-:]\s*([\w.-]*\w(?:\s*,\s*[\w.-]*\w)*)", re.I)


def health(vault: Vault, *of: str) -> Health:
    """The verdict over ``state``, ``azure_reachability`` and ``ekmip_reachability``, or over those named in ``of``."""
    if of:
        vault = replace(vault, record={k: v for k, v in vault.record.items() if k in of or k not in HEALTH_FIELDS})
    if not vault.enabled:
        return Health("unknown", ("ONTAP reports no health for an inactive configuration",))
    # The worst that is found names the verdict; every finding is a reason.
    found: dict[str, list[str]] = {}
    nodes: dict[str, None] = {}
    if vault.azure_reachable is False:
        azure = vault.record["azure_reachability"]
        found["azure_unreachable"] = [_sentence("Azure cannot be reached or refuses the credential", azure)]
    for entry in vault.record.get("ekmip_reachability") or []:
        if verdict_of(entry, "reachable") is False:
            node = str((entry.get("node") or {}).get("name") or (entry.get("node") or {}).get("uuid") or "a node")
            nodes[node] = None
            found.setdefault("node_unreachable", []).append(
                _sentence(f"the embedded key server of node {node} cannot be reached", entry)
            )
    state = vault.record.get("state")
    state = state if isinstance(state, dict) else {}
    available = verdict_of(state, "available")
    if available is False:
        verdict, lacking = _lacking(str(state.get("message") or ""))
        nodes.update(dict.fromkeys(lacking))
        found[verdict] = [
            _sentence("the keys are not on every node", state)
            if verdict == "keys_missing"
            else "no encrypted volume exists yet; ONTAP reports the keys once there is one"
        ]
    for verdict in ("azure_unreachable", "node_unreachable", "keys_missing", "no_encrypted_volume_yet"):
        if verdict in found:
            return Health(verdict, tuple(reason for reasons in found.values() for reason in reasons), tuple(nodes))
    if available is None:
        return Health("unknown", ("ONTAP did not report the state of the keys",))
    if vault.azure_reachable is None:
        return Health("healthy", ("ONTAP reports the keys as available and says nothing about Azure's reachability",))
    return Health("healthy")


def _lacking(message: str) -> tuple[str, list[str]]:
    """Verdict and nodes for an unavailable state."""
    reasons = _NODE_REASON.findall(message)
    if reasons:
        missing = [node for node, reason in reasons if not _NO_VOLUME.search(reason)]
        return (
            ("keys_missing", missing) if missing else ("no_encrypted_volume_yet", [node for node, _reason in reasons])
        )
    listed = _NODE_LIST.search(message)
    names = re.split(r"\s*,\s*", listed[1]) if listed else []
    return ("no_encrypted_volume_yet" if _NO_VOLUME.search(message) else "keys_missing"), names


def _sentence(what: str, entry: t.Mapping[str, t.Any]) -> str:
    said = str(entry.get("message") or "").strip()
    code = entry.get("code")
    tail = f" (ONTAP code {code})" if code not in (None, "0", "") else ""
    return f"{what}{tail}: {said}" if said else f"{what}{tail}"
