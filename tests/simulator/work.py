# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an operation is carried out: at once, or as a job, with the status that its release documents."""

from __future__ import annotations

import typing as t

from tests.simulator.call import Answer, Call, Record
from tests.simulator.errors import OntapError
from tests.simulator.jobs import SHORT, Job
from tests.simulator.records import Owner

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap


def perform(
    ontap: Ontap,
    call: Call,
    operation: str,
    effect: t.Callable[[], None],
    done: t.Callable[[], Answer],
    *,
    wait: float,
    owner: Owner,
    location: str = "",
) -> Answer:
    """Carry out create, patch or delete: their answer is ``done()``, or 202 with a job when they take long.

    ``wait`` is the caller's return_timeout in seconds. Only releases that document 202 for the operation have jobs;
    the others do it at once, however long it is set to take.
    """
    forced = ontap.forced.get(operation)
    slow = ontap.durations[operation] >= SHORT and ontap.profile.has_job(operation)
    if slow or forced == 202:
        job = _start(ontap, call, operation, effect, owner)
        return Answer(job=job, wait=wait, finish=lambda: _settled(ontap, job, done, forced, location))
    plan = ontap.jobs.next_plan(operation)
    if plan.state != "success":
        raise OntapError(plan.code or 262145, plan.message)
    effect()
    answer = done()
    answer.status = forced or answer.status
    return answer


def act(
    ontap: Ontap,
    call: Call,
    operation: str,
    effect: t.Callable[[], None],
    *,
    finished: int,
    wait: float,
    owner: Owner,
    location: str,
) -> Answer:
    """Carry out an action that always is a job and always answers with its link.

    ``finished`` is the status when the job ended inside ``wait`` seconds. Reading: where that is 202, as it is in
    releases that document nothing else, a job that failed meanwhile is answered in the same way.
    """
    forced = ontap.forced.get(operation)
    job = _start(ontap, call, operation, effect, owner)

    def linked() -> Answer:
        return Answer(finished, job_link(ontap, job), {"Location": location})

    if finished == 202:
        return Answer(forced or 202, job_link(ontap, job), {"Location": location})
    return Answer(job=job, wait=wait, finish=lambda: _settled(ontap, job, linked, forced, location))


def _start(ontap: Ontap, call: Call, operation: str, effect: t.Callable[[], None], owner: Owner) -> Job:
    of_svm = None if owner is ontap.cluster else owner
    description = f"{call.method} {call.path}"
    duration = ontap.durations[operation]
    return ontap.jobs.start(operation, description, effect, duration, owner=of_svm, node=ontap.nodes[0].name)


def _settled(ontap: Ontap, job: Job, done: t.Callable[[], Answer], forced: int | None, location: str) -> Answer:
    headers = {"Location": location} if location else {}
    if forced is not None:
        return Answer(forced, job_link(ontap, job), headers)
    if job.error is not None:
        raise job.error
    if job.state == "success":
        return done()
    return Answer(202, job_link(ontap, job), headers)


def job_link(ontap: Ontap, job: Job) -> Record:
    """Return the body that points to a job."""
    link: Record = {"uuid": job.uuid}
    if ontap.switches.job_links:
        link["_links"] = {"self": {"href": f"/api/cluster/jobs/{job.uuid}"}}
    return {"job": link}
