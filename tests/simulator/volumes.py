# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of /storage/volumes that tells which SVM has encrypted volumes, how many, and whether they are online.

Those of an SVM whose key manager is blocked are not. Every SVM has a plain root volume. Readings: the volumes that the
cluster's own key manager protects show with the cluster's name in the place of an SVM's; the encryption fields are
those that all releases have in common.
"""

from __future__ import annotations

import typing as t
import uuid as uuids

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record
from tests.simulator.errors import not_found
from tests.simulator.records import Owner

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

PATH = "/api/storage/volumes"


def _volumes(ontap: Ontap, owner: Owner, *, root: bool) -> t.Iterator[Record]:
    store = ontap.enabled_store(owner)
    keyed = "offline" if store is not None and store.state == "blocked" else "online"
    if root:
        yield _record(owner, f"{owner.name}_root", "none")
    for number in range(1, owner.encrypted_volumes + 1):
        yield _record(owner, f"{owner.name}_data{number}", "volume", keyed)
    if owner.nae_volumes:
        yield _record(owner, f"{owner.name}_nae", "aggregate")


def _record(owner: Owner, name: str, encryption: str, state: str = "online") -> Record:
    # The same in every run, as all UUIDs here are.
    uuid = str(uuids.uuid5(uuids.UUID(owner.uuid), name))
    encrypted = encryption != "none"
    return {
        "uuid": uuid,
        "name": name,
        "state": state,
        "svm": {"uuid": owner.uuid, "name": owner.name},
        "encryption": {
            "enabled": encrypted,
            "type": encryption,
            "state": "encrypted" if encrypted else "unencrypted",
        },
        "_links": {"self": {"href": f"{PATH}/{uuid}"}},
    }


def _visible(ontap: Ontap, call: Call) -> list[Record]:
    owners = [svm for svm in ontap.svms if call.tunnel in (None, svm)]
    found = [record for svm in owners for record in _volumes(ontap, svm, root=True)]
    if call.tunnel is None:
        found += _volumes(ontap, ontap.cluster, root=False)
    return sorted(found, key=lambda record: str(record["uuid"]))


def collection(ontap: Ontap, call: Call) -> Answer:
    """GET /storage/volumes."""
    schema = ontap.schemas["volumes"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    return query.collection(call, schema, _visible(ontap, call), arguments, phantom_page=ontap.switches.phantom_page)


def instance(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """GET /storage/volumes/{uuid}."""
    for record in _visible(ontap, call):
        if record["uuid"] == uuid:
            return query.instance(ontap.schemas["volumes"], record, call.arguments({"fields"}))
    raise not_found()
