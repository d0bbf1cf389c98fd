# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: they end when the clock says so, take effect at their end, and disappear after a while."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tests.simulator.clock import Clock, timestamp
from tests.simulator.errors import OntapError, text

if t.TYPE_CHECKING:
    from tests.simulator.records import Owner

RETENTION = 300.0  # seconds that a job which ended can still be asked for (ONTAP REST reference)
SHORT = 2.0  # operations below about two seconds answer without a job (ONTAP REST reference)

OPERATIONS = ("create", "patch", "delete", "restore", "rekey-internal", "rekey-external", "key-stores-patch", "migrate")
ENDS = ("success", "failure", "cancelled", "expired")
HOLDS = ("paused", "queued")


@dataclass
class Plan:
    """How a job that is not yet started shall go: a state out of ENDS or HOLDS, and the error of a failure."""

    state: str = "success"
    code: int = 0
    message: str | None = None


@dataclass
class Job:
    """One job. ``due`` is when it ends, ``left`` the seconds it still needs once it is held."""

    uuid: str
    operation: str
    description: str
    owner: Owner | None
    node: str
    started: float
    due: float
    effect: t.Callable[[], None]
    plan: Plan
    state: str = "running"
    message: str = "in progress"
    code: int = 0
    ended: float | None = None
    left: float = 0

    def hold(self, state: str, now: float) -> None:
        """Stop the job's progress: paused or queued."""
        self.state, self.left = state, max(0.0, self.due - now)

    def resume(self, now: float) -> None:
        """Let a held job go on."""
        self.state, self.due = "running", now + self.left

    def end(self, state: str, moment: float, code: int = 0, message: str | None = None) -> None:
        """Bring the job to its end; every state but success is a failure of some kind and takes a message."""
        self.state, self.ended, self.code = state, moment, code
        if message is None:
            message = "success" if state == "success" else text(code) if code else f"The job was {state}."
        self.message = message

    def run_out(self) -> None:
        """End the job as planned at the time it is due; a failed job has no effect."""
        if self.plan.state != "success":
            self.end(self.plan.state, self.due, self.plan.code, self.plan.message)
            return
        try:
            self.effect()
        except OntapError as exc:
            self.end("failure", self.due, exc.code, exc.message)
        else:
            self.end("success", self.due)

    @property
    def error(self) -> OntapError | None:
        """The error of a job that failed."""
        return OntapError(self.code or 262145, self.message) if self.state == "failure" else None

    def record(self) -> dict[str, t.Any]:
        """Return the complete record of GET /cluster/jobs: ``code`` a number, the code of ``error`` a string."""
        href = f"/api/cluster/jobs/{self.uuid}"
        record: dict[str, t.Any] = {
            "uuid": self.uuid,
            "description": self.description,
            "state": self.state,
            "message": self.message,
            "code": self.code,
            "start_time": timestamp(self.started),
            "node": {"name": self.node},
            "_links": {"self": {"href": href}},
        }
        if self.ended is not None:
            record["end_time"] = timestamp(self.ended)
        if self.state == "failure":
            record["error"] = {"message": self.message, "code": str(self.code)}
        if self.owner is not None:
            record["svm"] = {"name": self.owner.name, "uuid": self.owner.uuid}
        return record


class JobManager:
    """All jobs of a cluster."""

    def __init__(self, clock: Clock, new_uuid: t.Callable[[], str]) -> None:
        self._clock = clock
        self._new_uuid = new_uuid
        self._jobs: dict[str, Job] = {}
        self._plans: dict[str, list[Plan]] = {}

    def plan(self, operation: str, plan: Plan, times: int) -> None:
        """Decide how the next ``times`` jobs of ``operation`` go."""
        self._plans.setdefault(operation, []).extend([plan] * times)

    def next_plan(self, operation: str) -> Plan:
        """Return the plan for the job that starts now."""
        waiting = self._plans.get(operation)
        return waiting.pop(0) if waiting else Plan()

    def start(
        self,
        operation: str,
        description: str,
        effect: t.Callable[[], None],
        duration: float,
        *,
        owner: Owner | None,
        node: str,
    ) -> Job:
        """Start a job that takes ``duration`` seconds; ``effect`` runs at its end and may raise OntapError."""
        now = self._clock.now()
        plan = self.next_plan(operation)
        job = Job(self._new_uuid(), operation, description, owner, node, now, now + duration, effect, plan)
        if plan.state in HOLDS:
            job.hold(plan.state, now)
            job.plan = Plan()
        self._jobs[job.uuid] = job
        self.settle()
        return job

    def settle(self) -> None:
        """Bring everything up to the clock: end what is due, forget what ended long ago."""
        now = self._clock.now()
        running = [job for job in self._jobs.values() if job.state == "running"]
        for job in sorted(running, key=lambda job: job.due):
            if job.due <= now:
                job.run_out()
        for uuid, job in list(self._jobs.items()):
            if job.ended is not None and job.ended + RETENTION <= now:
                del self._jobs[uuid]

    def all(self) -> list[Job]:
        """Return the jobs in the order of their UUIDs, as a collection does."""
        return sorted(self._jobs.values(), key=lambda job: job.uuid)

    def get(self, uuid: str) -> Job | None:
        """Return a job, or None when there is none or it has disappeared."""
        return self._jobs.get(uuid)

    def active(self, operation: str) -> list[Job]:
        """Return the jobs of ``operation`` that have not ended."""
        return [job for job in self._jobs.values() if job.operation == operation and job.ended is None]

    def snapshot(self) -> list[dict[str, t.Any]]:
        """Return what is known about the jobs, without times."""
        names = ("uuid", "operation", "description", "state", "code", "message")
        return [{name: getattr(job, name) for name in names} for job in self.all()]
