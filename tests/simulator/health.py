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

AZURE_UNAVAILABLE = "The Azure Key Vault service cannot be used"
NO_VOLUME_YET = (
    "No volumes created yet for the SVM. Wrapped KEK status will be available after creating encrypted volumes."
)


def health(ontap: Ontap, store: KeyStore) -> Record:
    """Return the health fields of an enabled configuration in the shape of the cluster's release."""
    lacking = nodes_without_keys(ontap, store)
    unreachable = azure_trouble(ontap, store)
    return {
        "state": _report(ontap, ontap.profile.state_flag, lacking, 65537551, _state_message(ontap, lacking)),
        "azure_reachability": _report(ontap, "reachable", unreachable, 65537549, _azure_message(unreachable)),
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
            # Speaks of volumes, and says that something is wrong all the same.
            trouble[node.name] = "KEK not restored. Run restore before bringing volumes online."
    return trouble


def azure_trouble(ontap: Ontap, store: KeyStore, credential: str | None = None) -> dict[str, str]:
    """Return the nodes that cannot use the vault, with the reason; ``credential`` instead of the stored one."""
    if ontap.azure.refusal:
        return {node.name: ontap.azure.refusal for node in ontap.nodes}
    if ontap.azure.keys is not None and store.settings.get("key_id") not in ontap.azure.keys:
        return {node.name: "KeyNotFound: the vault has no such key." for node in ontap.nodes}
    if not ontap.azure.accepts(store.credential if credential is None else credential):
        return {node.name: "Azure refused the credentials of the application." for node in ontap.nodes}
    if not ontap.azure.reachable:
        return {node.name: "The vault does not answer." for node in ontap.nodes}
    return {n.name: "The vault does not answer." for n in ontap.nodes if not (n.reachable and n.reaches_azure)}


def _report(ontap: Ontap, flag: str, trouble: dict[str, str], code: int, message: str) -> Record:
    return {
        flag: not trouble,
        "message": message if trouble else "",
        "code": _code(ontap, code if trouble else 0),
    }


def _reasons(trouble: dict[str, str]) -> str:
    return " ".join(f"Node: {node}. Reason: {reason}" for node, reason in trouble.items())


def _state_message(ontap: Ontap, trouble: dict[str, str]) -> str:
    """The references up to 9.8 show the nodes only, later ones a reason for each."""
    if not ontap.profile.since("9.9.1"):
        return f"AKV key protection is unavailable in following nodes - {', '.join(trouble)}."
    return (
        "Top-level internal key protection key (KEK) is unavailable on the following nodes with the associated "
        f"reasons: {_reasons(trouble)}"
    )


def _azure_message(trouble: dict[str, str]) -> str:
    return f"{AZURE_UNAVAILABLE} on the following nodes: {', '.join(trouble)}. {_reasons(trouble)}"


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
