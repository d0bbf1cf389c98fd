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
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import (
    EVERYTHING,
    Health,
    Queries,
    Resource,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


def _judge(vault: Vault) -> Health:
    # Here, because most runs judge nothing, and Ansible compiles a module anew in every task.
    from ansible_collections.ontap.security.plugins.module_utils._azure.health import health

    return health(vault)


def _complete(reader: Reader, vaults: tuple[Vault, ...], fields: t.Collection[str]) -> tuple[Vault, ...]:
    if "state" in fields:
        from ansible_collections.ontap.security.plugins.module_utils._azure.health import with_volumes

        vaults = with_volumes(reader, vaults)
    # All of the health is wanted, or all that there is.
    if EVERYTHING in fields or set(HEALTH_FIELDS) <= set(fields):
        from ansible_collections.ontap.security.plugins.module_utils._azure.clocks import with_clocks

        vaults = with_clocks(reader, vaults)
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
    judge=_judge,
    complete=_complete,
    besides=_besides,
)
