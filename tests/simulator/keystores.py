# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of /security/key-stores.

Rules and codes come from the ONTAP REST API reference; what it leaves open is marked as a reading.
"""

from __future__ import annotations

import typing as t

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record, read_body
from tests.simulator.errors import OntapError, not_found
from tests.simulator.health import azure_trouble
from tests.simulator.ontap import EXTERNAL
from tests.simulator.records import KeyStore
from tests.simulator.work import act

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

PATH = "/api/security/key-stores"
CLOUD = ("akv", "gcp", "aws", "ikp", "barbican")
ADMIN_TYPES = ("okm", "kmip", "akv")


def record(ontap: Ontap, store: KeyStore) -> Record:
    """Return the complete record of a key manager; only an enabled one has a state.

    Reading: so has one that an interrupted switch is about, whether it says that it is enabled or not.
    """
    cluster = ontap.is_cluster_scope(store)
    result: Record = {
        "uuid": store.uuid,
        "type": store.type,
        "location": "external" if store.type in EXTERNAL else "onboard",
        "configuration": {"uuid": store.uuid, "name": store.configuration},
        "enabled": store.enabled,
        "scope": "cluster" if cluster else "svm",
        "_links": {"self": {"href": f"{PATH}/{store.uuid}"}},
    }
    if not cluster:
        result["svm"] = {"uuid": store.owner.uuid, "name": store.owner.name}
    if store.enabled or store.state == "switching":
        result["state"] = ontap.state_of(store)
    return result


def _visible(ontap: Ontap, call: Call) -> list[KeyStore]:
    return [store for store in ontap.sorted_stores() if call.tunnel is None or store.owner is call.tunnel]


def collection(ontap: Ontap, call: Call) -> Answer:
    """GET /security/key-stores."""
    schema = ontap.schemas["key-stores"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    records = [record(ontap, store) for store in _visible(ontap, call)]
    answer = query.collection(call, schema, records, arguments, phantom_page=ontap.switches.phantom_page)
    if ontap.profile.nested_keystore:
        for shown in answer.body.get("records", []):
            _nest(shown)
    return answer


def _nest(shown: Record) -> None:
    """Give a record the form of 9.10.1 to 9.12.1, whose link also ends in the type."""
    kind = shown.pop("type", None)
    if kind:
        shown["keystore"] = {"type": kind}
        shown["_links"] = {"self": {"href": f"{PATH}/{shown['uuid']}/{kind}"}}


def google(ontap: Ontap, call: Call) -> Answer:
    """GET /security/gcp-kms: the little of it that tells which SVM has one."""
    schema = ontap.schemas["gcp-kms"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    records = [record(ontap, store) for store in _visible(ontap, call) if store.type == "gcp"]
    return query.collection(call, schema, records, arguments, phantom_page=ontap.switches.phantom_page)


def instance(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """GET /security/key-stores/{uuid}."""
    arguments = call.arguments({"fields"})
    for store in _visible(ontap, call):
        if store.uuid == uuid:
            return query.instance(ontap.schemas["key-stores"], record(ontap, store), arguments)
    raise not_found()


def _find(ontap: Ontap, call: Call, uuid: str) -> KeyStore:
    for store in _visible(ontap, call):
        if store.uuid == uuid:
            return store
    raise OntapError(65538908, target="uuid")


def enable(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """PATCH /security/key-stores/{uuid} {"enabled": true}: enable a configuration, or switch to it.

    The one that was enabled stays as an inactive configuration. After a switch was interrupted, the same request
    completes it. Readings: so does one that enables another configuration, which is how to go back; while a switch is
    under way, a second one to another configuration is taken as well, since no code is listed that would refuse it.
    """
    schema = ontap.schemas["key-stores"]
    wait = call.arguments({"return_timeout"}, schema).return_timeout()
    body = read_body(call, schema)
    for name in body:
        if not ontap.profile.within(schema.fields[name].modify):
            raise OntapError(262203, f'The field "{name}" is not supported in the body of PATCH.', target=name)
    if ontap.effective_version_below("9.14.0"):
        raise OntapError(262155)
    if body.get("enabled") is None:
        raise OntapError(65538909, target="enabled")
    store = _find(ontap, call, uuid)
    if body["enabled"] is False:
        raise OntapError(65538910, target="enabled")
    old = ontap.enabled_store(store.owner)
    if store.enabled and not ontap.is_switching(store.owner):
        raise OntapError(65539218)
    _check_enable(ontap, store, old)

    def effect() -> None:
        for other in ontap.stores.values():
            if other.owner is store.owner and other is not store and (other.enabled or other.state == "switching"):
                other.enabled, other.state = False, "active"
                other.keys_on.clear()
        store.enabled, store.state = True, "active"
        if store.owner.encrypted:
            ontap.fill_keys(store)

    location = f"{PATH}/{store.uuid}"
    answer = act(ontap, call, "key-stores-patch", effect, finished=200, wait=wait, owner=store.owner, location=location)
    answer.headers.pop("Location", None)
    return answer


def _check_enable(ontap: Ontap, store: KeyStore, old: KeyStore | None) -> None:
    cluster = ontap.is_cluster_scope(store)
    if cluster and ontap.effective_version_below("9.16.1"):
        raise OntapError(65539513)
    if cluster and store.type not in ADMIN_TYPES:
        raise OntapError(65539514)
    if old is not None and old.type != store.type and not cluster:
        raise OntapError(65539222)
    if old is not None and cluster and old.type != store.type and "akv" in (old.type, store.type):
        raise OntapError(65539515)
    if old is not None and old.state not in ("active", "switching"):
        raise OntapError(65539212)
    if not all(node.reachable for node in ontap.nodes):
        raise OntapError(65536602)
    if store.owner.nae_volumes:
        raise OntapError(65539704)
    if store.type in CLOUD and azure_trouble(ontap, store):
        raise OntapError(65537605)


def delete(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """DELETE /security/key-stores/{uuid}: remove an inactive AKV configuration (from 9.17.1 Barbican ones as well)."""
    call.arguments(())
    if ontap.effective_version_below("9.14.0"):
        raise OntapError(262155)
    store = _find(ontap, call, uuid)
    if ontap.is_switching(store.owner):
        raise OntapError(65539593)
    if store.enabled:
        raise OntapError(65538905)
    if ontap.is_cluster_scope(store):
        if ontap.effective_version_below("9.16.1"):
            raise OntapError(65539521)
        if store.type not in ADMIN_TYPES:
            raise OntapError(65539522)
    if store.type not in (("akv", "barbican") if ontap.profile.since("9.17.1") else ("akv",)):
        raise OntapError(65538907)
    del ontap.stores[store.uuid]
    return Answer()
