# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore as a plan. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import view
from ansible_collections.ontap.security.plugins.module_utils._azure.health import health
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.table import VAULTS
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import WAIT_FOR_IT, Kind, Plan, Step
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import RESTORE_INCOMPLETE
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import BlockedError, OntapError, OutcomeError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


def _keys_everywhere(_step: Step, _before: t.Any, now: Vault | None, _release: Release | None) -> bool | None:
    return now is not None and health(now, "state").verdict != "keys_missing"


def _still_missing(_step: Step, _target: Target, vault: Vault) -> OutcomeError:
    nodes = health(vault, "state").nodes
    return OutcomeError(
        f"ONTAP reported success, but keys are still missing on {', '.join(nodes) or 'some nodes'}",
        remedy=_node_checks(nodes or ("NODE",)),
    )


def _name_nodes(error: OntapError, vault: Vault) -> None:
    """Say on which nodes a restore failed, and what to check there."""
    nodes = health(vault, "state").nodes
    if error.code == RESTORE_INCOMPLETE and nodes:
        error.message += f"; keys are still missing on {', '.join(nodes)}"
        error.remedy = _node_checks(nodes)


def _node_checks(nodes: t.Sequence[str]) -> str:
    names = ", ".join(nodes)
    return (
        f"On {names}: check that the node is healthy (cluster show), that it reaches the Azure login service from its "
        "management network and the SVM's LIFs there reach the vault (security key-manager external azure check "
        f"-node {nodes[0]}), then run the task again."
    )


RESTORE: t.Final = Kind(
    AKV,
    "restore the keys of",
    "Restored keys of",
    _keys_everywhere,
    job=True,
    missed=_still_missing,
    partly=(RESTORE_INCOMPLETE,),
    rest=_name_nodes,
    meanwhile=WAIT_FOR_IT,
)


@dataclass(frozen=True)
class Restore:
    """Restore keys from Azure to the nodes that lack them; ``force`` restores whatever the nodes have."""

    target: Target
    force: bool = False
    resource: t.ClassVar[Resource] = AKV
    proof: t.ClassVar[None] = None

    @property
    def shown_by(self) -> dict[str, Release]:
        """Only the state tells which nodes lack keys."""
        return {"state": Release(9, 7)}

    @property
    def creates(self) -> bool:
        return False

    def plan(self, current: Vault | None, release: Release | None = None, _others: t.Sequence[Vault] = (), /) -> Plan:
        """The plan, from the state the configuration reports."""
        if current is None or not current.enabled:
            return plan_without(self.target, current, "restores the keys")
        found = health(current, "state")
        lacking = found.verdict == "keys_missing"
        before = {**view(current.record), "keys_missing_on": list(found.nodes) if lacking else []}
        if not (lacking or self.force):
            return Plan(before=before, after=before, record=current.record, note=_NOTHING_TO_RESTORE[found.verdict])
        after = {**before, "keys_missing_on": []}
        if not lacking:
            after["restore"] = "(forced)"
        where = f" on {', '.join(found.nodes)}" if lacking and found.nodes else ""
        return Plan(
            steps=(Step(RESTORE, "POST", f"{VAULTS}/{current.uuid}/restore"),),
            before=before,
            after=after,
            record={**current.record, "state": {"available": True, "code": "0", "message": ""}},
            note=f"Keys are missing{where}." if lacking else f"Forced. {_NOTHING_TO_RESTORE[found.verdict]}",
            done=f"Restored the keys{where}.",
            unseen=self.force,
        )


_NOTHING_TO_RESTORE: t.Final = {
    "healthy": "Every node has its keys.",
    "no_encrypted_volume_yet": "No encrypted volume exists yet, so there are no keys to restore.",
    "unknown": "ONTAP does not say whether the nodes have their keys, so nothing was restored; force: true restores.",
}


def plan_without(target: Target, current: Vault | None, what: str) -> Plan:
    """For an action on a configuration that is not there or not in use."""
    if current is None:
        blocker = BlockedError(
            f"{target} has no {AKV.noun} that is enabled",
            remedy="Check svm, svm_uuid, configuration or uuid, and scope; azure_key_vault creates a configuration.",
        )
        pending = (
            f"{target} has no {AKV.noun} yet, so there is nothing to predict. A real run fails "
            "unless a task before this one creates it."
        )
        return Plan(blockers=(blocker,), pending=pending)
    blocker = BlockedError(
        f"configuration {current.configuration} is inactive, and ONTAP {what} only of the enabled one",
        remedy="Leave configuration or uuid out to mean the enabled one, or enable this one first: azure_key_vault "
        "with configuration and enabled: true.",
    )
    return Plan(blockers=(blocker,))
