# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of /cluster and /svm that a client of azure-key-vaults needs: release, nodes, SVMs, jobs."""

from __future__ import annotations

import typing as t

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record
from tests.simulator.errors import OntapError, invalid, not_found
from tests.simulator.records import Node, Owner

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap


def cluster(ontap: Ontap, call: Call) -> Answer:
    """GET /cluster."""
    record: Record = {"name": ontap.cluster.name, "uuid": ontap.cluster.uuid}
    record["version"] = ontap.profile.version_record()
    record["_links"] = {"self": {"href": "/api/cluster"}}
    return query.instance(ontap.schemas["cluster"], record, call.arguments({"fields"}))


def _named(path: str, item: Node | Owner) -> Record:
    named: Record = {"uuid": item.uuid, "name": item.name, "_links": {"self": {"href": f"{path}/{item.uuid}"}}}
    if isinstance(item, Node):
        named["state"] = "up" if item.reachable else "down"
    return named


def _list(ontap: Ontap, call: Call, resource: str, path: str, items: t.Sequence[Node | Owner]) -> Answer:
    schema = ontap.schemas[resource]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    records = [_named(path, item) for item in sorted(items, key=lambda item: item.uuid)]
    return query.collection(call, schema, records, arguments, phantom_page=ontap.switches.phantom_page)


def _one(ontap: Ontap, call: Call, resource: str, path: str, items: t.Sequence[Node | Owner], uuid: str) -> Answer:
    for item in items:
        if item.uuid == uuid:
            return query.instance(ontap.schemas[resource], _named(path, item), call.arguments({"fields"}))
    raise not_found()


def nodes(ontap: Ontap, call: Call) -> Answer:
    """GET /cluster/nodes."""
    return _list(ontap, call, "nodes", "/api/cluster/nodes", ontap.nodes)


def node(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """GET /cluster/nodes/{uuid}."""
    return _one(ontap, call, "nodes", "/api/cluster/nodes", ontap.nodes, uuid)


def _svms(ontap: Ontap, call: Call) -> list[Owner]:
    return [svm for svm in ontap.svms if call.tunnel in (None, svm)]


def svms(ontap: Ontap, call: Call) -> Answer:
    """GET /svm/svms."""
    return _list(ontap, call, "svms", "/api/svm/svms", _svms(ontap, call))


def svm(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """GET /svm/svms/{uuid}."""
    return _one(ontap, call, "svms", "/api/svm/svms", _svms(ontap, call), uuid)


def jobs(ontap: Ontap, call: Call) -> Answer:
    """GET /cluster/jobs."""
    schema = ontap.schemas["jobs"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    records = [job.record() for job in ontap.jobs.all()]
    return query.collection(call, schema, records, arguments, phantom_page=ontap.switches.phantom_page)


def job(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """GET /cluster/jobs/{uuid}: a job that ended 300 s ago is gone."""
    found = ontap.jobs.get(uuid)
    if found is None:
        raise not_found()
    return query.instance(ontap.schemas["jobs"], found.record(), call.arguments({"fields"}))


def change_job(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """PATCH /cluster/jobs/{uuid}?action=pause|resume|cancel.

    Reading: a cancelled job ends as a failure, because the documented states know nothing else.
    """
    found = ontap.jobs.get(uuid)
    if found is None:
        raise not_found()
    action = call.arguments({"action"}).text("action")
    if action is None:
        raise OntapError(262212, target="action")
    if action not in ("pause", "resume", "cancel"):
        raise invalid("action", action)
    if found.ended is not None:
        raise OntapError(458762)
    now = ontap.clock.now()
    if action == "resume":
        if found.state == "running":
            raise OntapError(458771)
        found.resume(now)
    elif action == "pause":
        if not ontap.switches.jobs_pausable:
            raise OntapError(458783)
        if found.state != "running":
            raise OntapError(458776)
        found.hold("paused", now)
    else:
        if not ontap.switches.jobs_cancellable:
            raise OntapError(458784)
        found.end("failure", now, message="The job was cancelled.")
    return Answer()
