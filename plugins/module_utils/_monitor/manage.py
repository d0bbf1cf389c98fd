# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the health monitor of key managers to what is wanted, and foresees in check mode what ONTAP would refuse."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._engine.ensure import ensure
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import KEY_STORES
from ansible_collections.ontap.security.plugins.module_utils._monitor.policy import INTERVAL, OPTIONS, Policy
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import NO_EXTERNAL_MANAGER, UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    BlockedError,
    TransportError,
    explained,
    withheld,
)


def manage(client: Client, wanted: Policy, *, check_mode: bool) -> dict[str, t.Any]:
    """Returns the module's result. Raises ``OntapError``; its ``result`` says what had been done by then."""
    result = ensure(client, wanted, check_mode=check_mode)
    # A real run hears it from ONTAP.
    if check_mode and INTERVAL in _sent(result) and not _has_external_manager(client):
        _meaning, remedy = explained(NO_EXTERNAL_MANAGER)
        error = BlockedError(
            f"{OPTIONS[INTERVAL]} cannot be set: no key manager of the cluster is an external one",
            remedy=remedy,
            code=NO_EXTERNAL_MANAGER,
        )
        error.tried = f"Could not set the {wanted.resource.noun} of {wanted.target}"
        diff = {**result["diff"], "after": result["diff"]["before"]}
        error.result = {**result, "changed": False, "actions": [], "diff": diff}
        del error.result[wanted.resource.key]
        raise error
    return result


def _sent(result: t.Mapping[str, t.Any]) -> set[str]:
    return {name for action in result["actions"] for name in action["fields"]}


def _has_external_manager(client: Client) -> bool:
    """Whether a key manager outside of the cluster is configured, of any type: no document says whether one in a cloud
    counts, so it does. True also where the login may not see key managers."""
    query: dict[str, str | bool] = {"location": "external", "return_records": False}
    try:
        number = client.get(KEY_STORES, query).get("num_records")
    except (ApiError, TransportError) as exc:
        if not withheld(exc) and exc.code not in UNKNOWN_NAME:
            raise
        return True
    return bool(number)
