# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rekey as a plan. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.clock import not_meanwhile
from ansible_collections.ontap.security.plugins.module_utils._azure.desired import (
    NOTHING_TO_REKEY,
    Desired,
    in_vault,
    make_plan,
    view,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.health import health
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.restore import plan_without
from ansible_collections.ontap.security.plugins.module_utils._azure.steps import NEITHER_SHOWN
from ansible_collections.ontap.security.plugins.module_utils._azure.table import (
    HAS_REKEY_INTERNAL,
    R9_10,
    VAULTS,
    check_value,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import one_names_a_version
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import (
    LOOK_FOR_ITS_JOB,
    Gate,
    Kind,
    Plan,
    Step,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import EVERYTHING, Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import NO_INTERNAL_KEY
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import BlockedError, InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


def _nowhere(_step: Step, _before: t.Any, _now: t.Any, _release: Release | None) -> bool | None:
    """No field of ONTAP's shows the internal key."""
    return None


REKEY_INTERNAL: t.Final = Kind(
    AKV,
    "replace the internal key of",
    "Replaced the internal key of",
    _nowhere,
    job=True,
    hidden_by=NEITHER_SHOWN,
    nothing={NO_INTERNAL_KEY: NOTHING_TO_REKEY},
    at_last=f"{LOOK_FOR_ITS_JOB} Run the task again only where there is none or it failed: after one that succeeded, "
    "another run replaces the key again.",
    meanwhile="Look at job {uuid} first (job show -uuid {uuid}; when it has ended, job history show). While it runs, "
    "the same task waits for it, with a larger wait_timeout. If it has succeeded, running the task again replaces the "
    "key once more.",
)


@dataclass(frozen=True)
class Rekey:
    """Replace the internal key, or move to the external key ``key_id``."""

    target: Target
    key_id: str | None = None
    allow_other_vault: bool = False
    force: bool = False
    resource: t.ClassVar[Resource] = AKV
    proof: t.ClassVar[None] = None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Rekey:
        """From module options. Raises ``InputError`` naming the option; nothing has been sent by then."""
        key, key_id = params["key"], params.get("key_id")
        if key == "external" and not key_id:
            raise InputError("key is external, but key_id is not given", remedy="Give key_id, the key to move to.")
        if key == "internal" and key_id:
            raise InputError(
                "key_id is given although key is internal",
                remedy="Leave key_id out to replace the internal key, or set key: external to move to another key.",
            )
        if key == "internal" and params["force"]:
            raise InputError(
                "force is given although key is internal",
                remedy="Leave force out: the internal key is replaced in every run.",
            )
        if key_id:
            check_value("key_id", key_id)
        return cls(Target.of(params), key_id, params["allow_other_vault"], params["force"])

    @property
    def creates(self) -> bool:
        return False

    @property
    def shown_by(self) -> dict[str, Release]:
        """Whether Azure can be reached; and the state, which tells whether there is an internal key at all."""
        return dict.fromkeys((EVERYTHING,) if self.key_id else (EVERYTHING, "state"), Release(9, 7))

    def plan(self, current: Vault | None, release: Release | None = None, _others: t.Sequence[Vault] = (), /) -> Plan:
        """The plan: never empty for the internal key of an SVM with encrypted volumes, for no field shows that key."""
        if current is None or not current.enabled:
            return plan_without(self.target, current, "replaces a key")
        plan = self._plan(current, release)
        if plan.changed and current.clock and not self.force:
            way = "To move all the same, set force: true." if self.key_id else "ONTAP would wrap the new key there."
            error = not_meanwhile(f"No key of {self.target} is replaced", current.clock, way)
            plan = replace(plan, blockers=(*plan.blockers, error))
        return plan

    def _plan(self, current: Vault, release: Release | None) -> Plan:
        if self.key_id is None:
            return _plan_internal(current, release)
        moves = self.force or _another_version(self.key_id, current, release)
        known = replace(current, record={**current.record, "key_id": None}) if moves else current
        plan = make_plan(Desired(self.target, values={"key_id": self.key_id}), known, release)
        if moves:
            plan = replace(plan, before=view(current.record), unseen=self.force)
        if plan.changed and not self.allow_other_vault and not in_vault(self.key_id, current.value("name")):
            other = BlockedError(
                f"key_id {self.key_id} is a key of another vault than {current.value('name')}, the one that "
                f"{self.target} uses",
                remedy="Correct key_id, or set allow_other_vault: true where the vault has several addresses.",
            )
            plan = replace(plan, blockers=(*plan.blockers, other))
        if plan.changed or plan.blockers or plan.needs_release:
            return replace(plan, done=f"The external key is {self.key_id} now.")
        return replace(plan, note=_in_use(self.key_id, current))


def _another_version(key_id: str, current: Vault, release: Release | None) -> bool:
    """Whether a version of that key is in use where the newest is wanted, or the other way round.

    False where only the release could tell, which is not asked for this.
    """
    if not one_names_a_version(key_id, current.value("key_id")):
        return False
    # ONTAP 9.7 shows versions as well, and cannot change the key.
    return current.shows_key_versions(release) and current.at_least.has(R9_10)


def _in_use(key_id: str, current: Vault) -> str:
    if not one_names_a_version(key_id, current.value("key_id")):
        return "The configuration uses that key already."
    if current.key_version() == "pinned":
        return "The configuration uses that key already, pinned to the version that key_id of the result names."
    return (
        "The configuration uses that key already. ONTAP shows no version of it, so whether it is this version "
        "cannot be told; force: true moves to it in any case."
    )


def _plan_internal(current: Vault, release: Release | None) -> Plan:
    gate = Gate(current.at_least, release)
    gate.require("key=internal", HAS_REKEY_INTERNAL, f"Upgrade the cluster to ONTAP {HAS_REKEY_INTERNAL} or later.")
    before = {**view(current.record), "internal_key": "(present)"}
    if health(current, "state").verdict == "no_encrypted_volume_yet":
        # ONTAP would answer that there is no key yet (contract, fresh state).
        return Plan(before=before, after=before, record=current.record, note=NOTHING_TO_REKEY)
    return Plan(
        steps=(Step(REKEY_INTERNAL, "POST", f"{VAULTS}/{current.uuid}/rekey-internal"),),
        before=before,
        after={**before, "internal_key": "(new)"},
        record=current.record,
        done="The internal key has been replaced.",
        unseen=True,
        blockers=tuple(gate.blockers),
        needs_release=gate.needs_release,
    )
