# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrating volume keys between the cluster's own key manager and a vault, as a plan. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import view
from ansible_collections.ontap.security.plugins.module_utils._azure.keys import (
    KEY_MANAGERS,
    TO_CLUSTER,
    TO_VAULT,
    Keys,
    Located,
    locate,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.restore import plan_without
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import (
    LOOK_FOR_ITS_JOB,
    WAIT_FOR_IT,
    Kind,
    Plan,
    Step,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import (
    NO_KEYS_TO_MIGRATE,
    NO_SUCH_KEY_MANAGER,
    NOT_CONFIGURED,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    BlockedError,
    InputError,
    OntapError,
    OutcomeError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

# A configuration, with where the keys of its SVM's volumes are.
WITH_KEYS: t.Final = replace(
    AKV,
    record=Located,
    complete=locate,
    besides=lambda record, _release, _foreseen: {"volume_keys": record.get("volume_keys")},
)

NO_VOLUMES: t.Final = "The SVM has no encrypted volume, so there are no keys to migrate."


class _EveryCode(t.Container[str]):
    """ONTAP answers with the failure of a job that ended at once as with a refusal, and keys may have been moved."""

    def __contains__(self, _code: object) -> bool:
        return True


def _kind(direction: str, where: str, left: str) -> Kind:
    """``where`` the keys are brought, ``left`` where those are that were not."""

    def arrived(_step: Step, _before: t.Any, now: Located | None, _release: Release | None) -> bool | None:
        if now is None:
            return False
        pending = now.keys.to_move(direction)
        return None if pending is None else not pending

    def not_arrived(_step: Step, _target: Target, vault: Located) -> OutcomeError:
        return OutcomeError(f"ONTAP reported success, but {_rest(vault.keys, direction, left)}", remedy=_LEFT)

    def name_rest(error: OntapError, vault: Located) -> None:
        if vault.keys.to_move(direction):
            error.message += f"; {_rest(vault.keys, direction, left)}"

    def unsure(_step: Step, vault: Located, _release: Release | None) -> t.Iterator[str]:
        if vault.keys.to_move(direction) is None:
            yield f"Whether keys were left {left} could not be told: {'; '.join(vault.keys.doubts)}."

    return Kind(
        WITH_KEYS,
        f"migrate keys {where} of",
        f"Migrated keys {where} of",
        arrived,
        job=True,
        shared=direction == TO_VAULT,
        missed=not_arrived,
        doubts=unsure,
        raced=(*NOT_CONFIGURED, NO_SUCH_KEY_MANAGER),
        partly=_EveryCode(),
        nothing={NO_KEYS_TO_MIGRATE: "ONTAP says that there are no keys to migrate."},
        rest=name_rest,
        hidden_by="nothing of where keys are",
        then="; it starts another if keys are left then",
        at_last=f"{LOOK_FOR_ITS_JOB} Running the task again is safe: it waits for a migration that goes on, and counts "
        "the keys that are left.",
        meanwhile=WAIT_FOR_IT,
    )


def _rest(keys: Keys, direction: str, where: str) -> str:
    number = keys.left(direction)
    if not number:
        return f"the state of the key store says that keys are still {where}"
    return f"{number} of the SVM's volume keys {'is' if number == 1 else 'are'} still {where}"


_LEFT: t.Final = (
    "See that all nodes are up and the vault can be reached (azure_key_vault_info with health: true), look into the "
    "cluster's EMS log, then run the task again: it migrates what is left."
)

KINDS: t.Final = {
    TO_VAULT: _kind(TO_VAULT, "to the vault", "on the cluster's key manager"),
    TO_CLUSTER: _kind(TO_CLUSTER, "to the cluster's key manager", "in the vault"),
}


@dataclass(frozen=True)
class Migrate:
    """Bring an SVM's volume keys from the cluster's own key manager to its configuration, or back.

    ``force`` does so whether or not there is anything to do, and where nobody can tell.
    """

    target: Target
    direction: str
    force: bool = False
    resource: t.ClassVar[Resource] = WITH_KEYS
    proof: t.ClassVar[None] = None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Migrate:
        """From module options. Raises ``InputError`` naming the option; nothing has been sent by then."""
        target = Target.of(params)
        if target.scope == "cluster" and not target.uuid:
            raise InputError(
                "scope is cluster, but keys are migrated between the cluster's key manager and an SVM's",
                remedy="Give svm (or svm_uuid), the SVM whose keys are to be migrated.",
            )
        return cls(target, params["direction"], params["force"])

    @property
    def shown_by(self) -> dict[str, Release]:
        """No field of a configuration shows where keys are; see ``locate``."""
        return {}

    @property
    def creates(self) -> bool:
        return False

    def plan(
        self, current: Located | None, _release: Release | None = None, _others: t.Sequence[Located] = (), /
    ) -> Plan:
        """The plan, from where the keys are."""
        if current is None or not current.enabled:
            return plan_without(self.target, current, "migrates keys")
        blocker = self._blocker(current)
        if blocker:
            return Plan(before=view(current.record), blockers=(blocker,))
        keys = current.keys
        to_move = keys.to_move(self.direction)
        before = {**view(current.record), **_shown(keys)}
        if not (to_move or self.force):
            note = _cannot_tell(keys) if to_move is None else _nothing(keys, self.direction)
            return Plan(
                before=before,
                after=before,
                record=current.record,
                note=note,
                warnings=(note,) if to_move is None else (),
            )
        after = {**before, **_shown(keys.moved(self.direction))}
        if not to_move:
            after["migration"] = "(forced)"
        source, destination = keys.managers[0], current.uuid
        if self.direction == TO_CLUSTER:
            source, destination = destination, source
        return Plan(
            steps=(Step(KINDS[self.direction], "POST", f"{KEY_MANAGERS}/{source}/migrate", {"uuid": destination}),),
            before=before,
            after=after,
            record={**current.record, "volume_keys": keys.moved(self.direction).as_result()},
            note=self._foreseen(keys),
            done=f"The keys of {self.target} were migrated {_WHERE[self.direction]}.",
            unseen=self.force,
        )

    def _blocker(self, current: Located) -> BlockedError | None:
        """What keeps keys from being migrated, whatever is where."""
        if current.scope == "cluster":
            return BlockedError(
                f"{self.target} is the cluster's own configuration, and keys are migrated between the cluster's key "
                "manager and an SVM's",
                remedy="Give svm (or svm_uuid), the SVM whose keys are to be migrated.",
            )
        managers = current.keys.managers
        if not managers:
            return BlockedError(
                f"the cluster has no key manager of its own to migrate keys {_NO_MANAGER[self.direction][0]}",
                remedy=_NO_MANAGER[self.direction][1],
            )
        if len(managers) > 1:
            return BlockedError(
                f"ONTAP reports {len(managers)} key managers of the cluster as enabled, {' and '.join(managers)}",
                remedy="See which one is in use (security key-manager keystore show), and run the task again when only "
                "one is.",
            )
        return None

    def _foreseen(self, keys: Keys) -> str:
        number = keys.left(self.direction)
        if self.force and not keys.to_move(self.direction):
            return "Forced."
        return f"{number} keys are to be migrated." if number else "Keys are to be migrated."


_WHERE: t.Final = {TO_VAULT: "to the vault", TO_CLUSTER: "to the cluster's key manager"}
_NO_MANAGER: t.Final = {
    TO_VAULT: (
        "from",
        "Without an onboard key manager or KMIP servers of the cluster, no key can be anywhere but in the vault. Check "
        "direction, and that hostname is the cluster that is meant.",
    ),
    TO_CLUSTER: (
        "to",
        "Set one up first, with security key-manager onboard enable or security key-manager external enable, then run "
        "the task again.",
    ),
}


def _shown(keys: Keys) -> dict[str, t.Any]:
    """What the diff has of where keys are."""
    told = {"volume_keys_on_cluster": keys.on_cluster, "volume_keys_in_vault": keys.in_vault}
    return {name: "(unknown)" if number is None else number for name, number in told.items()}


def _nothing(keys: Keys, direction: str) -> str:
    if keys.volumes == 0:
        return NO_VOLUMES
    if direction == TO_VAULT:
        return "The cluster's key manager holds no keys of the SVM's volumes."
    return (
        f"The cluster's key manager holds {keys.on_cluster} keys for the {keys.volumes} encrypted volumes of the SVM."
    )


def _cannot_tell(keys: Keys) -> str:
    some = f" The SVM has {keys.volumes} encrypted volumes." if keys.volumes else ""
    return (
        f"Whether there are keys to migrate cannot be told: {'; '.join(keys.doubts)}.{some} So nothing was migrated; "
        "force: true migrates."
    )
