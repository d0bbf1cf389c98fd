# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has happened so far while one configuration is managed, and what looking and writing share."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import SET, Plan, Proof, Step, Wanted
from ansible_collections.ontap.security.plugins.module_utils._engine.read import read
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import OntapError
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Job, Waiting

# What became of a request. A check run says ``done`` of what would be sent, since that is what it foresees.
DONE: t.Final = "done"
REFUSED: t.Final = "refused"
UNKNOWN: t.Final = "unknown"


@dataclass
class Sent:
    """A step that was sent, and the record it was sent for. Until something tells, nobody knows what became of it.

    ``unseen``: nothing that ONTAP shows will, see ``Plan``.
    """

    step: Step
    before: t.Any
    unseen: bool = False
    outcome: str = UNKNOWN

    def as_action(self) -> dict[str, t.Any]:
        """The entry in ``actions``."""
        return self.step.as_action(self.outcome, self.before.uuid if self.before else None)


@dataclass(frozen=True)
class Run:
    """One call of ``ensure``, which survives a plan that has to be made again: what was asked, and what has happened.

    The lists only grow: ``plans`` are those that were made, ``sent`` what was sent of them, ``jobs`` what was seen of
    jobs. ``known_jobs`` are those that were there already, ``attached`` those of them that were at work on the same.
    """

    client: Client
    wanted: Wanted
    waiting: Waiting
    check_mode: bool
    deadline: float
    # Whether what was written is looked at again here, or whoever asked looks at many at once.
    reads_back: bool = True
    plans: list[Plan] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    known_jobs: set[str] = field(default_factory=set)
    attached: list[Job] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return self.wanted.target

    @property
    def resource(self) -> Resource:
        return self.wanted.resource

    @property
    def job(self) -> Job | None:
        """The last job that was seen, as it was then."""
        return self.jobs[-1] if self.jobs else None

    def read(self, *also: str) -> tuple[t.Any, ...]:
        """The records of the target's scope, with every field that the module looks at, and those named in ``also``."""
        return read(self.client, self.resource, self.target, (*self.wanted.shown_by, *also))

    def wait_for(self, uuid: str) -> None:
        """Wait for a job within what is left of the time for all jobs together."""
        self.jobs.append(self.client.wait(uuid, max(0.0, self.deadline - self.client.now()), self.jobs.append))

    def proof(self, step: Step) -> Proof | None:
        """How it is found out whether what a step sends works; None where there is nothing to try or nobody asks."""
        proof = self.wanted.proof if self.reads_back and not step.kind.beside else None
        proof = proof and (step.kind.proof or proof)
        return proof if proof and proof.concerns(step.body) else None

    @property
    def wrote(self) -> bool:
        """Whether something has changed, or may have."""
        return any(sent.outcome != REFUSED for sent in self.sent)

    def result(self, plan: Plan, record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The module's result for a plan that was carried out, with ``record`` as the configuration afterwards."""
        foreseen = plan.steps if self.check_mode and not self.attached else ()
        changed = bool(foreseen) or self.wrote or bool(self.attached and self.waiting.wait)
        carried_out = changed and not self.check_mode and (self.job is None or self.job.ended)
        names = {name for step in foreseen for name in step.body}
        besides = self.resource.besides(record, self.client.known_release, names)
        note = (plan.done if carried_out else "") or plan.note
        return {
            **self._common(plan, foreseen),
            "changed": changed,
            "diff": self._diff(plan.after),
            # What is said besides is not said twice.
            self.resource.key: {name: value for name, value in record.items() if name not in besides},
            **{name: value for name, value in besides.items() if value is not None},
            **({"msg": note} if note else {}),
        }

    def failure(self, exc: OntapError) -> dict[str, t.Any]:
        """What goes with an error: as ``result``, but nothing is foreseen any more and nothing is said to be done."""
        plan = self.plans[-1] if self.plans else Plan()
        job = {"job": exc.job} if exc.job is not None else {}
        return {
            **self._common(plan, ()),
            "changed": self.wrote,
            "diff": self._diff(plan.after if self.wrote else self._before),
            **job,
        }

    def _common(self, plan: Plan, foreseen: t.Sequence[Step]) -> dict[str, t.Any]:
        sent = any(sent.step.sends_secret and sent.outcome != REFUSED for sent in self.sent)
        sent = sent or bool(foreseen and plan.credentials == "sent")
        return {
            "actions": [step.as_action(DONE) for step in foreseen] or [one.as_action() for one in self.sent],
            "credentials": "none" if plan.credentials == "none" else "sent" if sent else "not_sent",
            "warnings": [*plan.warnings, *self.warnings],
            **({"job": self.job.as_result()} if self.job is not None else {}),
        }

    @property
    def _before(self) -> t.Mapping[str, t.Any]:
        return self.plans[0].before if self.plans else {}

    def _diff(self, after: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        # With the cluster: Ansible prints diffs of many hosts, and does not say whose each is.
        header = f"{self.client.connection.hostname}: {self.target}"
        # What was sent for a plan that had to be made again, and that no record shows.
        sent = [one.step for one in self.sent if one.outcome == DONE and one.step.sends_secret]
        secrets = {name: SET for step in sent for name in step.body if name in self.resource.secrets}
        after = {**secrets, **after} if after else after
        return {"before_header": header, "after_header": header, "before": dict(self._before), "after": dict(after)}


def may_be_ours(job: Job, target: Target, record: t.Any) -> bool:
    """Whether a job on a path that SVMs share can be one for this target, whose ``record`` (None: there is none) was
    read before. ONTAP may name no SVM with it (contract, job lifecycle)."""
    name = target.svm or (record.svm if record else None)
    uuid = target.svm_uuid or (record.svm_uuid if record else None)
    if name and job.svm:
        return bool(job.svm == name)
    return not (uuid and job.svm_uuid) or bool(job.svm_uuid == uuid)


class RacedError(Exception):
    """Somebody else changed the configuration between reading and writing; ``error`` is ONTAP's word for it."""

    def __init__(self, error: OntapError) -> None:
        super().__init__(str(error))
        self.error = error


@contextlib.contextmanager
def trying(purpose: str, run: Run) -> t.Iterator[None]:
    """Names in every error what was being tried."""
    try:
        yield
    except OntapError as exc:
        if not exc.tried:
            exc.tried = f"Could not {purpose} {run.target}"
        raise
