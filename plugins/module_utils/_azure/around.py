# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What configurations of Azure Key Vault need around them, as a cluster shows it. Only reads.

A dozen requests, or one a page, whatever the number of SVMs. What the login may not see, and what the release does not
have, is a doubt and no answer.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.health import VOLUMES, state_among
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.table import R9_14, STORE_STATE
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.read import read_all
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import KEY_STORES, SVMS
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import NO_ENTRY, UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError, TransportError, withheld
from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import (
    BOOLEAN,
    NAMED,
    NUMBER,
    TEXT,
    UUID,
    describe,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import Query, literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release, release_of

NODES = "/api/cluster/nodes"
METROCLUSTER = "/api/cluster/metrocluster"
LICENCES = "/api/cluster/licensing/licenses"
DNS = "/api/name-services/dns"
INTERFACES = "/api/network/ip/interfaces"
ROUTES = "/api/network/ip/routes"
AGGREGATES = "/api/storage/aggregates"
KEY_MANAGERS = "/api/security/key-managers"
GCP = "/api/security/gcp-kms"

# The collection of key managers of all types, the one that tells whose keys are whose (contract, where keys live).
_HAS_STORES: t.Final = Release(9, 10, 1)
_HAS_GCP: t.Final = Release(9, 9, 1)
_SHOWS_USERS: t.Final = Release(9, 12, 1)

describe(
    NODES,
    {
        "uuid": UUID,
        "name": TEXT,
        "state": TEXT,
        "version": {"full": TEXT, "generation": NUMBER, "major": NUMBER, "minor": NUMBER},
    },
    needed=("uuid",),
)
describe(KEY_MANAGERS, {"uuid": UUID, "scope": TEXT, "svm": NAMED, "enabled": BOOLEAN}, needed=("uuid",))
describe(GCP, {"svm": NAMED, "enabled": BOOLEAN}, needed=())
describe(DNS, {"svm": NAMED, "servers": [TEXT]}, needed=())
describe(
    INTERFACES,
    {
        "name": TEXT,
        "svm": NAMED,
        "ip": {"address": TEXT},
        "enabled": BOOLEAN,
        "state": TEXT,
        "services": [TEXT],
        "location": {"node": NAMED},
    },
    needed=(),
)
describe(ROUTES, {"svm": NAMED, "gateway": TEXT}, needed=())
describe(LICENCES, {"name": TEXT, "state": TEXT}, needed=())

Record = t.Mapping[str, t.Any]


def part(record: Record, name: str) -> Record:
    """What a record has below a name; nothing where that is no object."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Seen:
    """What a collection shows. ``doubt`` says why it could not be read, and then there are no ``records``."""

    records: tuple[Record, ...] = ()
    doubt: str = ""

    def of(self, svm: str) -> tuple[Record, ...]:
        """Those of an SVM, by its name."""
        return tuple(record for record in self.records if part(record, "svm").get("name") == svm)

    @property
    def of_cluster(self) -> tuple[Record, ...]:
        """Those of no SVM."""
        return tuple(r for r in self.records if r.get("scope") == "cluster" or not part(r, "svm").get("name"))


@dataclass(frozen=True)
class Around:
    """All that was seen.

    ``release`` is that of the oldest node, None where nobody can tell. ``metrocluster`` is the state of the
    configuration, empty where there is none. ``own`` are the cluster's own key managers, and ``keys`` the numbers of
    volume keys that these hold, by SVM; None where nobody could tell, for the reason in ``keys_doubt``. ``volumes`` are
    the encrypted ones, None where nothing hangs on them.
    """

    vaults: tuple[Vault, ...] = ()
    release: Release | None = None
    nodes: Seen = Seen()
    svms: Seen = Seen()
    metrocluster: str = ""
    metrocluster_doubt: str = ""
    licences: Seen = Seen()
    dns: Seen = Seen()
    interfaces: Seen = Seen()
    routes: Seen = Seen()
    stores: Seen = Seen()
    own: Seen = Seen()
    keys: t.Mapping[str, int] | None = None
    keys_doubt: str = ""
    aggregates: Seen = Seen()
    volumes: Seen | None = None


def look_around(reader: Reader, vaults: tuple[Vault, ...], svms: t.Collection[str] | None) -> Around:
    """All that a cluster shows around configurations, which have been read with their health.

    ``svms`` are the names of those that are meant, None for more than a filter should name. Raises ``OntapError``.
    """
    only = next(iter(svms)) if svms is not None and len(svms) == 1 else None
    of_svm: Query = {"svm.name": literal(only)} if only else {}
    nodes = _see(reader, NODES, {"fields": "name,uuid,state,version"}, {"fields": "name,uuid,version"})
    release = _release(reader, nodes)
    state, state_doubt = _metrocluster(reader)
    stores = _stores(reader, release, of_svm)
    own = _own(reader, stores, bool(of_svm))
    keys, keys_doubt = _keys(reader, release, nodes, own, only)
    aggregates = _see(reader, AGGREGATES, {"data_encryption.software_encryption_enabled": True, "fields": "name"})
    volumes = _volumes(reader, of_svm, vaults, aggregates, needed=keys is None)
    return Around(
        vaults=tuple(_completed(vault, stores, volumes, release) for vault in vaults),
        release=release,
        nodes=nodes,
        svms=_see(reader, SVMS, {**({"name": literal(only)} if only else {}), "fields": "name,uuid,state,subtype"}),
        metrocluster=state,
        metrocluster_doubt=state_doubt,
        licences=_see(reader, LICENCES, {"fields": "name,state"}),
        dns=_see(reader, DNS, {**of_svm, "fields": "svm.name,svm.uuid,servers"}),
        # Of the nodes as well, whose management network is the other path.
        interfaces=_see(
            reader,
            INTERFACES,
            {"fields": "name,scope,svm.name,svm.uuid,ip.address,enabled,state,services,location.node.name"},
        ),
        routes=_see(reader, ROUTES, {**of_svm, "fields": "scope,svm.name,svm.uuid,destination,gateway"}),
        stores=stores,
        own=own,
        keys=keys,
        keys_doubt=keys_doubt,
        aggregates=aggregates,
        volumes=volumes,
    )


def _see(reader: Reader, path: str, *queries: Query) -> Seen:
    """The first of the queries that the release understands."""
    for query in queries:
        try:
            return Seen(tuple(reader.records(path, query)))
        except (ApiError, TransportError) as exc:
            doubt = _doubt(exc, path)
            if not (isinstance(exc, ApiError) and exc.code in UNKNOWN_NAME):
                break
    return Seen(doubt=doubt)


def _doubt(exc: ApiError | TransportError, path: str) -> str:
    """Why ONTAP does not tell; raises what is no answer at all, or one to the login."""
    if exc.http_status == 401 or not (isinstance(exc, ApiError) or withheld(exc)):
        raise exc
    if isinstance(exc, ApiError) and not withheld(exc):
        return f"{path} could not be read ({exc.ontap_message})"
    return f"the login may not read {path}, or the release does not have it"


def _release(reader: Reader, nodes: Seen) -> Release | None:
    """That of the oldest node, which decides what the cluster can do; where nodes show none, the cluster's."""
    found = []
    for node in nodes.records:
        with contextlib.suppress(TransportError):
            found.append(release_of(node.get("version")))
    if found:
        return min(found)
    try:
        return reader.release()
    except (ApiError, TransportError) as exc:
        _doubt(exc, "/api/cluster")
        return None


def _metrocluster(reader: Reader) -> tuple[str, str]:
    """The state of the configuration, empty where there is none, and why it could not be read."""
    try:
        local = reader.get(METROCLUSTER, {"fields": "local.configuration_state,local.mode"}).get("local")
    except (ApiError, TransportError) as exc:
        # A cluster that is in none may have nothing to show (contract, pre-flight reads).
        if isinstance(exc, ApiError) and exc.code == NO_ENTRY:
            return "", ""
        return "", _doubt(exc, METROCLUSTER)
    return str(local.get("configuration_state") or "") if isinstance(local, dict) else "", ""


def _stores(reader: Reader, release: Release | None, of_svm: Query) -> Seen:
    """All key managers of whatever type but those of this collection, each with ``type`` in the same place."""
    if release is None or release.has(_HAS_STORES):
        fields = "*,svm.name,svm.uuid"
        seen = _see(reader, KEY_STORES, {"fields": fields} if not of_svm else {**of_svm, "fields": fields})
        # Nested up to 9.12.1 (contract, key-stores).
        flat = ({**r, **r["keystore"]} if isinstance(r.get("keystore"), dict) else r for r in seen.records)
        return replace(seen, records=tuple(flat))
    managers = _see(reader, KEY_MANAGERS, {**of_svm, "fields": "*,svm.name,svm.uuid"})
    others = _see(reader, GCP, {**of_svm, "fields": "*"}) if release.has(_HAS_GCP) else Seen()
    found = [
        *({"type": _type_of(record), **record} for record in managers.records),
        *({"type": "gcp", **record} for record in others.records),
    ]
    return Seen(tuple(found), managers.doubt or others.doubt)


def _type_of(manager: Record) -> str:
    onboard = manager.get("onboard")
    return "okm" if isinstance(onboard, dict) and onboard.get("enabled") else "kmip"


def _own(reader: Reader, stores: Seen, narrowed: bool) -> Seen:
    """The cluster's own key managers, by which keys of SVMs may be kept."""
    shown = (
        () if narrowed else tuple(r for r in stores.of_cluster if r.get("type") in ("okm", "kmip") and r.get("uuid"))
    )
    seen = Seen(shown) if shown else _see(reader, KEY_MANAGERS, {"scope": "cluster", "fields": "*"})
    enabled = (record for record in seen.records if record.get("enabled") is not False)
    # An SVM's has its name; the cluster's may have that of the cluster (contract, key-managers).
    return replace(seen, records=tuple(r for r in enabled if r.get("scope") in (None, "cluster")))


def _keys(
    reader: Reader, release: Release | None, nodes: Seen, own: Seen, only: str | None
) -> tuple[dict[str, int] | None, str]:
    """How many volume keys of each SVM the cluster's own key managers hold, and why that cannot be told."""
    if own.doubt:
        return None, own.doubt
    if not own.records:
        return {}, ""
    if release is not None and not release.has(_SHOWS_USERS):
        return None, f"ONTAP tells whose keys a key manager holds from {_SHOWS_USERS} on, and this is {release}"
    node = next((record for record in nodes.records if record.get("state") == "up"), None)
    if node is None:
        return None, nodes.doubt or "no node is up that could be asked for keys"
    counted: Counter[str] = Counter()
    for record in own.records:
        path = "/".join((KEY_MANAGERS, str(record["uuid"]), "keys", str(node["uuid"]), "key-ids"))
        query: Query = {"key_type": "vek", "fields": "key_user", **({"key_user": literal(only)} if only else {})}
        seen = _see(reader, path, query)
        if seen.doubt:
            return None, seen.doubt
        counted.update(str(key.get("key_user") or "") for key in seen.records)
    return counted, ""


def _volumes(
    reader: Reader, of_svm: Query, vaults: t.Sequence[Vault], aggregates: Seen, *, needed: bool
) -> Seen | None:
    """The encrypted volumes, where anything hangs on them: keys that are unavailable, or in nobody's sight, and volumes
    that share their aggregate's key."""
    unclear = any(vault.enabled and vault.keys_available is False for vault in vaults)
    if not (needed or unclear or aggregates.records or aggregates.doubt):
        return None
    query: Query = {**of_svm, "encryption.type": "volume|aggregate", "fields": "svm.name,svm.uuid,encryption.type"}
    return _see(reader, VOLUMES, query)


def _completed(vault: Vault, stores: Seen, volumes: Seen | None, release: Release | None) -> Vault:
    """A configuration with what health needs besides, of what was read anyway."""
    number = None
    # Where a volume names no SVM, it may be anybody's.
    if volumes and not volumes.doubt and vault.svm and not volumes.of_cluster:
        number = sum(part(r, "encryption").get("type") == "volume" for r in volumes.of(vault.svm))
    state = None
    if vault.at_least.has(R9_14) and (release is None or release.has(STORE_STATE)):
        state = state_among(stores.records, vault)
    return replace(vault, encrypted_volumes=number, store_state=state)


def configurations(reader: Reader, svms: t.Collection[str] | None, *, with_health: bool) -> tuple[Vault, ...]:
    """The configurations that there are. Raises ``OntapError``: without them there is nothing to say."""
    query: Query = {"svm.name": literal(next(iter(svms)))} if svms is not None and len(svms) == 1 else {}
    # ** is the one way to ask for health that every release understands, whatever it has of it.
    return read_all(reader, AKV, {**query, "fields": "**" if with_health else "*"})
