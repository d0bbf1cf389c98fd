# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of /security/key-managers: onboard and KMIP key managers, their key IDs, and the migration of keys.

Rules and codes come from the ONTAP REST API reference; what it leaves open is marked as a reading.
"""

from __future__ import annotations

import hashlib
import typing as t

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record, read_body
from tests.simulator.errors import OntapError, not_found
from tests.simulator.fields import Field, Schema
from tests.simulator.health import azure_trouble
from tests.simulator.records import KeyStore, Owner
from tests.simulator.work import act

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

PATH = "/api/security/key-managers"
TYPES = ("okm", "kmip")


def record(ontap: Ontap, store: KeyStore) -> Record:
    """Return the complete record of an onboard or KMIP key manager.

    Reading: the record of the cluster's own names the admin SVM, which has the cluster's name.
    """
    onboard = store.type == "okm"
    result: Record = {
        "uuid": store.uuid,
        "scope": "cluster" if ontap.is_cluster_scope(store) else "svm",
        "svm": {"uuid": store.owner.uuid, "name": store.owner.name},
        "onboard": {"enabled": onboard},
        "enabled": store.enabled,
        "_links": {"self": {"href": f"{PATH}/{store.uuid}"}},
    }
    if not onboard:
        result["external"] = {"servers": [{"server": "kmip1.example.com:5696"}]}
    return result


def _visible(ontap: Ontap, call: Call) -> list[KeyStore]:
    return [s for s in ontap.sorted_stores() if s.type in TYPES and (call.tunnel is None or s.owner is call.tunnel)]


def collection(ontap: Ontap, call: Call) -> Answer:
    """GET /security/key-managers: those of the cluster's own types, not the cloud's."""
    schema = ontap.schemas["key-managers"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    records = [record(ontap, store) for store in _visible(ontap, call)]
    return query.collection(call, schema, records, arguments, phantom_page=ontap.switches.phantom_page)


def instance(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """GET /security/key-managers/{uuid}."""
    arguments = call.arguments({"fields"})
    for store in _visible(ontap, call):
        if store.uuid == uuid:
            return query.instance(ontap.schemas["key-managers"], record(ontap, store), arguments)
    raise not_found()


# --- key IDs


def key_ids(ontap: Ontap, call: Call, uuid: str, node: str) -> Answer:
    """GET /security/key-managers/{uuid}/keys/{node}/key-ids: the keys of a key manager that a node knows.

    Readings: the UUID of an Azure Key Vault configuration is taken as well, since its type is among those of the keys;
    a node that cannot be reached cannot be asked.
    """
    schema = ontap.schemas["key-ids"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    store = ontap.stores.get(uuid)
    if store is None or (call.tunnel is not None and store.owner is not call.tunnel):
        raise OntapError(65537125, target="security_key_manager.uuid")
    asked = next((found for found in ontap.nodes if found.uuid == node), None)
    if asked is None:
        raise not_found()
    if not asked.reachable:
        raise OntapError(393271)
    return query.collection(call, schema, sorted(_keys(ontap, store), key=lambda key: str(key["uuid"])), arguments)


def _keys(ontap: Ontap, store: KeyStore) -> t.Iterator[Record]:
    """The keys of volumes, and for each SVM with any the key that wraps them."""
    if ontap.is_cluster_scope(store):
        users = [(svm, svm.keys_of_admin) for svm in ontap.svms]
    else:
        users = [(store.owner, store.owner.keys_of_its_own)]
    for svm, number in users:
        for index in range(number):
            yield _key(store, svm, "vek", index)
        if number:
            yield _key(store, svm, "svm_kek", 0)


def _key(store: KeyStore, user: Owner, kind: str, index: int) -> Record:
    key_id = hashlib.sha256(f"{user.uuid} {kind} {index}".encode()).hexdigest()
    return {
        # Not shown: the order of records here follows a UUID.
        "uuid": key_id,
        "key_id": key_id,
        "key_type": kind,
        "key_user": user.name,
        "key_store": "onboard" if store.type == "okm" else "external",
        "key_store_type": store.type,
        "svm": {"uuid": store.owner.uuid, "name": store.owner.name},
        "restored": True,
        "encryption_algorithm": "XTS-AES-256",
    }


# --- migrate


def migrate(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """POST /security/key-managers/{uuid}/migrate: move an SVM's keys between its own and the cluster's key manager."""
    arguments = call.arguments({"return_timeout", "return_records"})
    body = read_body(call, Schema({"uuid": Field("uuid")}, {}, (), ()))
    target = body.get("uuid")
    if not target:
        raise OntapError(262212, target="uuid")
    if target == uuid:
        raise OntapError(65536959, target="uuid")
    pair = [ontap.stores.get(uuid), ontap.stores.get(target)]
    if pair[0] is None or pair[1] is None:
        raise OntapError(65537117, target="uuid")
    source, destination = pair[0], pair[1]
    _check_migrate(ontap, source, destination)
    svm = source.owner if destination.owner is ontap.cluster else destination.owner
    to_admin = destination.owner is ontap.cluster

    def effect() -> None:
        svm.migrate(to_admin=to_admin)
        if not to_admin:
            ontap.fill_keys(destination)

    return act(
        ontap,
        call,
        "migrate",
        effect,
        finished=201 if ontap.profile.action_can_finish else 202,
        wait=arguments.return_timeout(),
        # Reading: the job names the SVM whose keys are moved, whichever key manager the path names.
        owner=svm if ontap.switches.migrate_names_svm else ontap.cluster,
        location=f"{PATH}/{target}",
    )


def _check_migrate(ontap: Ontap, source: KeyStore, destination: KeyStore) -> None:
    if (source.owner is ontap.cluster) is (destination.owner is ontap.cluster):
        # Reading: of the codes listed, this one fits two key managers that no migration is between.
        raise OntapError(65536886)
    if not all(node.reachable for node in ontap.nodes):
        raise OntapError(65536968)
    for store in (source, destination):
        code = {"switching": 65537611, "initializing": 65539434, "disabling": 65539435}.get(ontap.state_of(store))
        if code is not None:
            raise OntapError(code)
        if store.type == "akv" and azure_trouble(ontap, store):
            raise OntapError(65537564)
