# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Azure Key Vault configuration as ONTAP shows it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.clock import Clock
from ansible_collections.ontap.security.plugins.module_utils._azure.table import (
    KEY_VERSIONS,
    R9_7,
    R9_10,
    R9_14,
    SECRETS,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import key_of
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

# What the key stores say of configurations, as the name of something that no record shows, see ``Resource.complete``.
KEY_STORE: t.Final = "key_store"
# The state of a key store whose configuration is being switched to another, or whose switch was interrupted (9.16.1+).
SWITCHING: t.Final = "switching"
# That of one of which nothing is under way and nothing is wrong.
ACTIVE: t.Final = "active"


def clean_record(raw: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """ONTAP's record for people: also without secrets, whatever ONTAP says, and with ``state.available`` on every
    release."""
    record = {name: value for name, value in Record.clean(raw).items() if name not in SECRETS}
    state = record.get("state")
    if isinstance(state, dict) and "cluster_state" in state:
        old = state.pop("cluster_state")
        state.setdefault("available", old)
    return record


@dataclass(frozen=True)
class Vault(Record):
    """One configuration as read.

    ``encrypted_volumes`` is the number of volumes whose keys it keeps, ``store_state`` the state of its key store, and
    ``store_enabled`` whether that says that it is the one in use; None where nobody asked or could be told. Where all
    of the health was asked for, a state that nobody could be told is empty. ``clock`` says how long these have, where
    ONTAP cannot reach Azure and somebody asked.
    """

    encrypted_volumes: int | None = None
    store_state: str | None = None
    store_enabled: bool | None = None
    clock: Clock | None = None

    clean = staticmethod(clean_record)

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

    def switching(self) -> Vault:
        """The same, where ONTAP has refused something because of a switch."""
        return replace(self, store_state=SWITCHING)

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
