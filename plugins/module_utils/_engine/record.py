# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One record of a resource as ONTAP shows it, and how it is read."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._azure.table import (
    KEY_VERSIONS,
    R9_7,
    R9_10,
    R9_14,
    SECRETS,
    STANDARD,
    VAULTS,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import key_of
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import BlockedError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


@dataclass(frozen=True)
class Vault:
    """One configuration as read. ``record`` is ONTAP's, cleaned: no links, no secrets, one spelling of the state.

    ``encrypted_volumes`` is the number of volumes whose keys it keeps, None where nobody asked or could be told.
    """

    uuid: str
    scope: str
    svm: str | None
    svm_uuid: str | None
    configuration: str | None
    enabled: bool
    record: t.Mapping[str, t.Any] = field(repr=False)
    encrypted_volumes: int | None = None

    @classmethod
    def of(cls, raw: t.Mapping[str, t.Any]) -> Vault:
        record = clean_record(raw)
        svm = record.get("svm") or {}
        return cls(
            uuid=str(record.get("uuid", "")),
            scope=str(record.get("scope") or ("svm" if svm else "cluster")),
            svm=svm.get("name"),
            svm_uuid=str(svm["uuid"]).lower() if svm.get("uuid") else None,
            configuration=(record.get("configuration") or {}).get("name"),
            # Before 9.14.1 there is no such field, and every configuration is in use.
            enabled=record.get("enabled") is not False,
            record=record,
        )

    def value(self, name: str) -> t.Any:
        """The value of a field in ``FIELDS``, None when ONTAP left it out."""
        return self.record.get(name)

    @property
    def at_least(self) -> Release:
        """The lowest release that can have sent this record; saves asking for the release."""
        if "enabled" in self.record or "configuration" in self.record:
            return R9_14
        return R9_10 if "authentication_method" in self.record else R9_7

    def shows_key_versions(self, release: Release | None = None) -> bool:
        """Whether a version of the key would be seen in this record; False also where nobody can tell.

        ``release`` is the cluster's, if known: that of a record from 9.10.1 to 9.13.1 cannot be told from it.
        """
        key = key_of(self.value("key_id"))
        return bool(key and key.version) or (release or self.at_least).has(KEY_VERSIONS)

    def key_version(self, release: Release | None = None) -> str | None:
        """``pinned`` (ONTAP shows a version), ``latest`` (it shows none where it would: Azure's newest is used) or
        ``unknown``; None without a key."""
        key = key_of(self.value("key_id"))
        if not self.value("key_id"):
            return None
        if key and key.version:
            return "pinned"
        return "latest" if key and self.shows_key_versions(release) else "unknown"

    @property
    def azure_reachable(self) -> bool | None:
        """ONTAP's word on whether Azure accepts the stored credential; None when it says nothing."""
        return verdict_of(self.record.get("azure_reachability"), "reachable")

    @property
    def keys_available(self) -> bool | None:
        """ONTAP's word on whether the keys are on every node; None when it says nothing."""
        return verdict_of(self.record.get("state"), "available")


def verdict_of(entry: t.Any, name: str) -> bool | None:
    """Whether all is well: the boolean says so, and so does the code, which is "0" then. None when neither is there."""
    if not isinstance(entry, dict):
        return None
    code, said = entry.get("code"), entry.get(name)
    said = said if isinstance(said, bool) else None
    if code in (None, ""):
        return said
    return said is not False and code == "0"


def clean_record(raw: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """ONTAP's record for people: no links, no secret whatever ONTAP says, ``state.available`` on every release, codes
    as strings (integers up to 9.10.1)."""
    record = {name: _clean(value) for name, value in raw.items() if name != "_links" and name not in SECRETS}
    state = record.get("state")
    if isinstance(state, dict) and "cluster_state" in state:
        old = state.pop("cluster_state")
        state.setdefault("available", old)
    return record


def _clean(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {k: str(v) if k == "code" and v is not None else _clean(v) for k, v in value.items() if k != "_links"}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def fields_to_read(managed: t.Iterable[str]) -> str:
    """The ``fields`` of a read that must show the ``managed`` fields: the standard ones, and the others by name."""
    return ",".join(["*", *sorted(set(managed) - STANDARD)])


def read(client: Client, target: Target, *, fields: str = "*") -> tuple[Vault, ...]:
    """All configurations of the target's scope, enabled and inactive, in one request (more only if ONTAP pages)."""

    def enough(records: list[dict[str, t.Any]]) -> bool:
        return pick(filter(lambda vault: _belongs(vault, target), map(Vault.of, records)), target) is not None

    query = {**target.query(), "fields": fields}
    found = [Vault.of(raw) for raw in client.records(VAULTS, query, enough=enough)]
    # A second look at what came back: nothing may be changed because a filter was read as a pattern.
    return tuple(vault for vault in found if _belongs(vault, target))


def _belongs(vault: Vault, target: Target) -> bool:
    if target.uuid:
        return vault.uuid.lower() == target.uuid
    if target.scope == "cluster":
        return vault.scope == "cluster"
    if target.svm:
        return vault.svm in (None, target.svm) and vault.scope != "cluster"
    return vault.svm_uuid in (None, target.svm_uuid) and vault.scope != "cluster"


def pick(vaults: t.Iterable[Vault], target: Target) -> Vault | None:
    """The configuration that is meant: the named one, else the enabled one. An inactive one is never a substitute."""
    if target.uuid:
        meant = list(vaults)
    elif target.configuration:
        meant = [vault for vault in vaults if vault.configuration == target.configuration]
    else:
        meant = [vault for vault in vaults if vault.enabled]
    if len(meant) > 1:
        raise BlockedError(
            f"ONTAP reports {len(meant)} matching configurations for {target}",
            remedy="Name the one that is meant with configuration.",
        )
    return meant[0] if meant else None
