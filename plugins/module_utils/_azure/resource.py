# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure Key Vault configurations of ONTAP, as the resource that the engine manages. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._azure.table import (
    COMPARED,
    FIELDS,
    HEALTH_FIELDS,
    KEY_VERSIONS,
    QUERY_FIELDS,
    STANDARD,
    VAULTS,
    check_value,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import KEY_STORE, Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import (
    EVERYTHING,
    Health,
    Queries,
    Resource,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import (
    IN_USE,
    KEYS_KEEP_FROM_CREATING,
    KEYS_ON_CLUSTER,
    SWITCHING,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


def _judge(vault: Vault) -> Health:
    # Here, because most runs judge nothing, and Ansible compiles a module anew in every task.
    from ansible_collections.ontap.security.plugins.module_utils._azure.health import health

    return health(vault)


def _complete(reader: Reader, vaults: tuple[Vault, ...], fields: t.Collection[str]) -> tuple[Vault, ...]:
    if "state" in fields:
        from ansible_collections.ontap.security.plugins.module_utils._azure.health import with_states, with_volumes

        # All of the health is wanted, or only whether nodes have their keys.
        vaults = with_volumes(reader, with_states(reader, vaults) if set(HEALTH_FIELDS) <= set(fields) else vaults)
    # All of the health is wanted, or all that there is.
    if EVERYTHING in fields or set(HEALTH_FIELDS) <= set(fields):
        from ansible_collections.ontap.security.plugins.module_utils._azure.clocks import with_clocks

        vaults = with_clocks(reader, vaults)
    if KEY_STORE in fields:
        from ansible_collections.ontap.security.plugins.module_utils._azure.key_stores import with_stores

        vaults = with_stores(reader, vaults)
    return vaults


def _besides(
    record: t.Mapping[str, t.Any], release: Release | None, foreseen: t.Collection[str]
) -> dict[str, str | None]:
    if "key_id" in foreseen:
        if release and not release.has(KEY_VERSIONS):
            return {"key_version": "unknown"}
        # ONTAP will show what it is sent.
        release = KEY_VERSIONS
    return {"key_version": Vault.of(record).key_version(release)}


def _bring_over(target: Target) -> str:
    """For a refusal because keys of the SVM's volumes are on the cluster's key manager."""
    if target.scope == "cluster" and not target.uuid:
        return ""
    return (
        f"Bring the keys over with azure_key_vault_migrate ({target.as_options()}, direction: to_vault), which takes "
        "minutes and encrypts no data again. Then run the task again."
    )


def _bring_over_or_decrypt(target: Target) -> str:
    """As above, for a create: there may be nothing yet to bring them to."""
    first = _bring_over(target)
    return first and (
        f"{first} Where that finds no configuration to bring them to, the one way left is to decrypt the volumes "
        "(volume move start -encrypt-destination false), create the configuration, and encrypt them again."
    )


def _bring_back(target: Target) -> str:
    """For a configuration that cannot go because encrypted volumes use it."""
    if target.scope == "cluster" and not target.uuid:
        return ""
    return (
        f"Give the keys to the cluster's own key manager with azure_key_vault_migrate ({target.as_options()}, "
        "direction: to_cluster), decrypt the volumes (volume move start -encrypt-destination false), or delete those "
        "not needed; deleted ones count while in volume recovery-queue show. Then run the task again."
    )


AKV: t.Final = Resource(
    one="an Azure Key Vault configuration",
    key="azure_key_vault",
    many="vaults",
    path=VAULTS,
    store="akv",
    fields=FIELDS,
    compared=COMPARED,
    record=Vault,
    standard=STANDARD,
    options={"azure_reachability": "update_credentials=when_unreachable"},
    health=HEALTH_FIELDS,
    passing=("azure_reachability", "ekmip_reachability"),
    queries=Queries(
        names=QUERY_FIELDS,
        groups=("svm", "configuration", *HEALTH_FIELDS, "ekmip_reachability.node"),
        compared_here={"key_id": "key_id", "vault": "name"},
        instead="authentication_method tells which kind of credential is stored",
        # ONTAP 9.7 has the other one.
        other_spellings={"state.available": "state.cluster_state", "state.cluster_state": "state.available"},
        check=check_value,
    ),
    remedies={
        KEYS_KEEP_FROM_CREATING: _bring_over_or_decrypt,
        KEYS_ON_CLUSTER: _bring_over,
        IN_USE: _bring_back,
    },
    judge=_judge,
    complete=_complete,
    signs=dict.fromkeys(SWITCHING, Vault.switching),
    besides=_besides,
)
