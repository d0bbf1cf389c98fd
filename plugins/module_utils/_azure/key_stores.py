# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the key stores say of configurations, which no configuration shows: whether a switch was interrupted."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import KEY_STORES
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError, TransportError, withheld
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader


def with_stores(reader: Reader, vaults: t.Sequence[Vault]) -> tuple[Vault, ...]:
    """The configurations with ``store_state`` and ``store_enabled``, in one request, or for many SVMs one a page.

    A configuration and its key store have the same UUID (contract, same uuid). Both stay None where the login may not
    read key stores, and the state before ONTAP 9.16.1. Raises ``OntapError``.
    """
    if not vaults:
        return ()
    query = {"type": "akv", "fields": "*"}
    owners = {vault.svm_uuid for vault in vaults}
    if len(owners) == 1 and (owner := owners.pop()):
        query["svm.uuid"] = literal(owner)
    try:
        stores = {str(store.get("uuid")).lower(): store for store in reader.records(KEY_STORES, query)}
    except (ApiError, TransportError) as exc:
        if not withheld(exc) and exc.code not in UNKNOWN_NAME:
            raise
        stores = {}
    return tuple(_with_store(vault, stores.get(vault.uuid.lower(), {})) for vault in vaults)


def _with_store(vault: Vault, store: t.Mapping[str, t.Any]) -> Vault:
    state, enabled = store.get("state"), store.get("enabled")
    return replace(
        vault,
        store_state=state if isinstance(state, str) else None,
        store_enabled=enabled if isinstance(enabled, bool) else None,
    )
