# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the keys of an SVM's encrypted volumes are: on the cluster's own key manager, or in the vault.

``Keys`` is pure. ``locate`` reads what no configuration shows.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.health import count_encrypted
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import KEY_STORES
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError, TransportError, withheld
from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import BOOLEAN, NAMED, TEXT, UUID, describe
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import Query, literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

KEY_MANAGERS = "/api/security/key-managers"
NODES = "/api/cluster/nodes"

# ONTAP tells of each key whose it is, and of each key store its state (contract, key-ids and key stores).
SHOWS_USERS: t.Final = Release(9, 12, 1)
SHOWS_STATE: t.Final = Release(9, 16, 1)

# Where keys are to be brought.
TO_VAULT: t.Final = "to_vault"
TO_CLUSTER: t.Final = "to_cluster"

describe(
    KEY_MANAGERS,
    {"uuid": UUID, "scope": TEXT, "svm": NAMED, "onboard": {"enabled": BOOLEAN}, "enabled": BOOLEAN},
    needed=("uuid",),
)
describe(NODES, {"uuid": UUID, "name": TEXT, "state": TEXT}, needed=("uuid",))


@dataclass(frozen=True)
class Keys:
    """Where the volume keys of an SVM are, as far as ONTAP tells; None is what nobody could tell.

    ``managers`` are the UUIDs of the cluster's own key managers that are enabled, of which there should be one.
    ``on_cluster`` is the number of keys that it holds for volumes of the SVM, ``volumes`` that of the SVM's encrypted
    volumes, ``state`` that of the vault's key store. ``doubts`` say why something could not be told.
    """

    managers: tuple[str, ...] = ()
    on_cluster: int | None = None
    volumes: int | None = None
    state: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def in_vault(self) -> int | None:
        """How many volumes have their keys in the vault."""
        if self.on_cluster is None or self.volumes is None:
            return None
        return max(0, self.volumes - self.on_cluster)

    def left(self, direction: str) -> int | None:
        """How many keys are not yet where they are to be brought."""
        return self.on_cluster if direction == TO_VAULT else self.in_vault

    def to_move(self, direction: str) -> bool | None:
        """Whether any are; None when nobody can tell.

        A key store is ``mixed`` while keys of its SVM are on two key managers (contract, key store states), which
        counts where their number is not known, and for the vault also where that is none. Without encrypted volumes
        there is nothing to move; with some, their number alone does not say where their keys are.
        """
        left, mixed = self.left(direction), self.state == "mixed"
        if left or (mixed and (left is None or direction == TO_VAULT)):
            return True
        return None if left is None and self.volumes != 0 else False

    def moved(self, direction: str) -> Keys:
        """As it will be shown when all keys are where they are to be brought. What nobody could tell stays so."""
        if direction == TO_VAULT:
            return replace(self, on_cluster=self.on_cluster and 0)
        if self.on_cluster is None or self.volumes is None:
            return self
        return replace(self, on_cluster=max(self.on_cluster, self.volumes))

    def as_result(self) -> dict[str, t.Any]:
        return {
            "on_cluster": self.on_cluster,
            "in_vault": self.in_vault,
            "encrypted_volumes": self.volumes,
        }


@dataclass(frozen=True)
class Located(Vault):
    """A configuration that knows where the keys of its SVM's volumes are; one that is inactive keeps none."""

    keys: Keys = field(default_factory=Keys)


def locate(reader: Reader, vaults: tuple[Located, ...], _fields: t.Collection[str]) -> tuple[Located, ...]:
    """The configurations, the enabled ones with their ``keys``, which are also in the record. Raises ``OntapError``."""
    return tuple(_located(reader, vault) if vault.enabled and vault.scope == "svm" else vault for vault in vaults)


def _located(reader: Reader, vault: Located) -> Located:
    managers = tuple(
        str(record["uuid"])
        for record in reader.records(KEY_MANAGERS, {"scope": "cluster", "fields": "*"})
        # From 9.16.1 on there may be an inactive one besides.
        if record.get("scope") in (None, "cluster") and record.get("enabled") is not False
    )
    if len(managers) != 1:
        return _with(vault, Keys(managers))
    doubts: list[str] = []
    release = reader.release()
    volumes = _told(doubts, "how many encrypted volumes there are", lambda: count_encrypted(reader, vault))
    on_cluster = state = None
    if not vault.svm:
        doubts.append("ONTAP does not name the SVM")
    elif release.has(SHOWS_USERS):
        whose = "whose keys are on the cluster's key manager"
        on_cluster = _told(doubts, whose, lambda: _count_keys(reader, managers[0], vault.svm or "", doubts))
    else:
        doubts.append(f"ONTAP tells whose keys a key manager holds from {SHOWS_USERS} on, and this is {release}")
    if release.has(SHOWS_STATE):
        state = _told(doubts, "the state of the key store", lambda: _state(reader, vault))
    return _with(vault, Keys(managers, on_cluster, volumes, state, tuple(doubts)))


def _with(vault: Located, keys: Keys) -> Located:
    return replace(vault, keys=keys, record={**vault.record, "volume_keys": keys.as_result()})


_Told = t.TypeVar("_Told")


def _told(doubts: list[str], what: str, ask: t.Callable[[], _Told | None]) -> _Told | None:
    """What ONTAP answers; None, with the reason in ``doubts``, where the login's role or the release keeps it back."""
    try:
        return ask()
    except (ApiError, TransportError) as exc:
        if not withheld(exc) and exc.code not in UNKNOWN_NAME:
            raise
        doubts.append(f"ONTAP did not tell {what} ({exc.message})")
        return None


def _count_keys(reader: Reader, manager: str, svm: str, doubts: list[str]) -> int | None:
    """How many keys of an SVM's volumes a key manager holds, as a node that is up knows it."""
    nodes = reader.records(NODES, {"fields": "name,state"})
    node = next((node["uuid"] for node in nodes if node.get("state") == "up"), None)
    if node is None:
        doubts.append("no node is up that could be asked for keys")
        return None
    path = f"{KEY_MANAGERS}/{manager}/keys/{node}/key-ids"
    query: Query = {"key_user": literal(svm), "key_type": "vek", "return_records": False}
    return int(reader.get(path, query)["num_records"])


def _state(reader: Reader, vault: Located) -> str | None:
    """The state of the configuration's key store, which has the same UUID (contract, key stores)."""
    query = {"svm.name": literal(vault.svm or ""), "enabled": "true", "fields": "state"}
    found = reader.records(KEY_STORES, query)
    return next((record.get("state") for record in found if record.get("uuid") == vault.uuid), None)
