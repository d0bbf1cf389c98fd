# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three health fields of an AKV configuration: state, azure_reachability, ekmip_reachability.

An SVM without encrypted volumes has no wrapped key yet, so its state is "unavailable" without anything being wrong
(ONTAP REST reference). Inactive configurations have no health at all.
"""

from __future__ import annotations

import typing as t

from tests.simulator.call import Record
from tests.simulator.records import KeyStore, Node

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

KEY_UNAVAILABLE = "The top-level internal key encryption key is unavailable"
AZURE_UNAVAILABLE = "The Azure Key Vault service cannot be used"
NO_VOLUME_YET = "No encrypted volume has been created for the SVM; the status is known once there is one."


def health(ontap: Ontap, store: KeyStore) -> Record:
    """Return the health fields of an enabled configuration in the shape of the cluster's release."""
    lacking = nodes_without_keys(ontap, store)
    unreachable = azure_trouble(ontap, store)
    return {
        "state": _report(ontap, ontap.profile.state_flag, lacking, 65537551, KEY_UNAVAILABLE),
        "azure_reachability": _report(ontap, "reachable", unreachable, 65537549, AZURE_UNAVAILABLE),
        "ekmip_reachability": [_kmip(ontap, node) for node in ontap.nodes],
    }


def nodes_without_keys(ontap: Ontap, store: KeyStore) -> dict[str, str]:
    """Return the nodes on which the wrapped internal key is unavailable, with the reason."""
    if not store.owner.encrypted:
        return {node.name: NO_VOLUME_YET for node in ontap.nodes}
    if store.state == "blocked":
        return {node.name: "The keystore is blocked." for node in ontap.nodes}
    trouble = {}
    for node in ontap.nodes:
        if not node.reachable:
            trouble[node.name] = "The node is out of quorum."
        elif node.uuid not in store.keys_on:
            trouble[node.name] = "The key is not restored on this node."
    return trouble


def azure_trouble(ontap: Ontap, store: KeyStore, credential: str | None = None) -> dict[str, str]:
    """Return the nodes that cannot use the vault, with the reason; ``credential`` instead of the stored one."""
    if not ontap.azure.accepts(store.credential if credential is None else credential):
        return {node.name: "Azure refused the credentials of the application." for node in ontap.nodes}
    if not ontap.azure.reachable:
        return {node.name: "The vault does not answer." for node in ontap.nodes}
    return {n.name: "The vault does not answer." for n in ontap.nodes if not (n.reachable and n.reaches_azure)}


def _report(ontap: Ontap, flag: str, trouble: dict[str, str], code: int, what: str) -> Record:
    reasons = " ".join(f"Node: {node}. Reason: {reason}" for node, reason in trouble.items())
    message = f"{what} on the following nodes: {', '.join(trouble)}. {reasons}" if trouble else ""
    return {flag: not trouble, "message": message, "code": _code(ontap, code if trouble else 0)}


def _kmip(ontap: Ontap, node: Node) -> Record:
    works = node.reachable and node.kmip_server
    return {
        "node": {
            "uuid": node.uuid,
            "name": node.name,
            "_links": {"self": {"href": f"/api/cluster/nodes/{node.uuid}"}},
        },
        "reachable": works,
        "message": "" if works else f"The embedded KMIP server status is not available on node {node.name}.",
        "code": _code(ontap, 0 if works else 65537552),
    }


def _code(ontap: Ontap, code: int) -> int | str:
    return code if ontap.profile.integer_codes else str(code)
