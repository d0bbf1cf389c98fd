# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore and rekey as plans: pure functions from the record, as in ``_plan``."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.ontap.security.plugins.module_utils._client import Release
from ansible_collections.ontap.security.plugins.module_utils._codes import NO_INTERNAL_KEY
from ansible_collections.ontap.security.plugins.module_utils._errors import BlockedError, InputError
from ansible_collections.ontap.security.plugins.module_utils._health import health
from ansible_collections.ontap.security.plugins.module_utils._plan import (
    NOTHING_TO_REKEY,
    Desired,
    Gate,
    Kind,
    Plan,
    Step,
    in_vault,
    make_plan,
    view,
)
from ansible_collections.ontap.security.plugins.module_utils._vault import (
    HAS_REKEY_INTERNAL,
    R9_10,
    VAULTS,
    Target,
    Vault,
    check_value,
    one_names_a_version,
)


def _keys_everywhere(_step: Step, vault: Vault | None) -> bool | None:
    return vault is not None and health(vault, "state").verdict != "keys_missing"


def _nowhere(_step: Step, _vault: Vault | None) -> bool | None:
    """No field of ONTAP's shows the internal key."""
    return None


RESTORE: t.Final = Kind(
    "restore the keys of",
    "Restored keys of",
    _keys_everywhere,
    job=True,
    confirmed=True,
)
REKEY_INTERNAL: t.Final = Kind(
    "replace the internal key of",
    "Replaced the internal key of",
    _nowhere,
    job=True,
    at_last="Look for its job on the cluster first (job show, and for one that has ended job history show). Run the "
    "task again only where there is none or it failed: after one that succeeded, another run replaces the key again.",
    nothing={NO_INTERNAL_KEY: NOTHING_TO_REKEY},
)


@dataclass(frozen=True)
class Restore:
    """Restore keys from Azure to the nodes that lack them; ``force`` restores whatever the nodes have."""

    target: Target
    force: bool = False
    verify: t.ClassVar[bool] = False

    @property
    def shown_by(self) -> dict[str, Release]:
        """Only the state tells which nodes lack keys."""
        return {"state": Release(9, 7)}

    @property
    def creates(self) -> bool:
        return False

    def plan(self, current: Vault | None, release: Release | None = None) -> Plan:
        """The plan, from the state the configuration reports."""
        if current is None or not current.enabled:
            return _plan_without(self.target, current, "restores the keys")
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


@dataclass(frozen=True)
class Rekey:
    """Replace the internal key, or move to the external key ``key_id``."""

    target: Target
    key_id: str | None = None
    allow_other_vault: bool = False
    force: bool = False
    verify: t.ClassVar[bool] = False

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
        """The state tells whether there is an internal key at all."""
        return {} if self.key_id else {"state": Release(9, 7)}

    def plan(self, current: Vault | None, release: Release | None = None) -> Plan:
        """The plan: never empty for the internal key of an SVM with encrypted volumes, for no field shows that key."""
        if current is None or not current.enabled:
            return _plan_without(self.target, current, "replaces a key")
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


def _plan_without(target: Target, current: Vault | None, what: str) -> Plan:
    """For an action on a configuration that is not there or not in use."""
    if current is None:
        blocker = BlockedError(
            f"{target} has no Azure Key Vault configuration that is enabled",
            remedy="Check svm, svm_uuid, configuration or uuid, and scope; azure_key_vault creates a configuration.",
        )
        pending = (
            f"{target} has no Azure Key Vault configuration yet, so there is nothing to predict. A real run fails "
            "unless a task before this one creates it."
        )
        return Plan(blockers=(blocker,), pending=pending)
    blocker = BlockedError(
        f"configuration {current.configuration} is inactive, and ONTAP {what} only of the enabled one",
        remedy="Leave configuration or uuid out to mean the enabled one, or enable this one first.",
    )
    return Plan(blockers=(blocker,))
