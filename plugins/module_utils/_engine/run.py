# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has happened so far while one configuration is managed, and what looking and writing share."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._azure.table import KEY_VERSIONS
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan, Step
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Vault, fields_to_read, read
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import NO_ENTRY, NOT_CONFIGURED
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError, OntapError
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Job
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

# What became of a request. A check run says ``done`` of what would be sent, since that is what it foresees.
DONE: t.Final = "done"
REFUSED: t.Final = "refused"
UNKNOWN: t.Final = "unknown"


class Wanted(t.Protocol):
    """What a module wants of one configuration; ``_plan`` has the kinds."""

    @property
    def target(self) -> Target: ...

    @property
    def shown_by(self) -> dict[str, Release]: ...

    @property
    def creates(self) -> bool: ...

    @property
    def verify(self) -> bool: ...

    def plan(self, current: Vault | None, release: Release | None = None) -> Plan: ...


@dataclass(frozen=True)
class Waiting:
    """Whether to wait for jobs, and for how many seconds altogether."""

    wait: bool = True
    timeout: float = 600


@dataclass
class Sent:
    """A step that was sent, and the record it was sent for. Until something tells, nobody knows what became of it."""

    step: Step
    before: Vault | None
    outcome: str = UNKNOWN

    def as_action(self) -> dict[str, t.Any]:
        """The entry in ``actions``."""
        return self.step.as_action(self.outcome, self.before.uuid if self.before else None)


@dataclass
class Run:
    """What has happened so far in one call of ``ensure``; it survives a plan that has to be made again."""

    client: Client
    wanted: Wanted
    waiting: Waiting
    check_mode: bool
    deadline: float
    plan: Plan = field(default_factory=Plan)
    before: t.Mapping[str, t.Any] | None = None
    sent: list[Sent] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    known_jobs: frozenset[str] = frozenset()
    job: Job | None = None
    attached: bool = False
    note: str = ""
    # Whether what was written is looked at again here, or whoever asked looks at many at once.
    reads_back: bool = True

    @property
    def target(self) -> Target:
        return self.wanted.target

    def read(self, *also: str) -> tuple[Vault, ...]:
        """The records of the target's scope, with every field that the module looks at, and those named in ``also``."""
        found = read_scope(self.client, self.target, fields_to_read([*self.wanted.shown_by, *also]))
        if "state" not in self.wanted.shown_by:
            return found
        from ansible_collections.ontap.security.plugins.module_utils._azure.health import with_volumes

        return with_volumes(self.client, found)

    def wait_for(self, uuid: str) -> None:
        """Wait for a job within what is left of the time for all jobs together."""

        def seen(job: Job) -> None:
            self.job = job

        self.job = self.client.wait(uuid, max(0.0, self.deadline - self.client.now()), seen)

    def verifies(self, step: Step) -> bool:
        """Whether a step is followed by a look at whether ONTAP reaches Azure."""
        return self.reads_back and self.wanted.verify and step.sends_credential

    @property
    def wrote(self) -> bool:
        """Whether something has changed, or may have."""
        return any(sent.outcome != REFUSED for sent in self.sent)

    def result(self, record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The module's result, with ``record`` as the configuration afterwards."""
        plan = self.plan
        predicted = self.check_mode and not self.attached
        if predicted:
            actions = [step.as_action(DONE) for step in plan.steps]
            sent = plan.credentials == "sent"
        else:
            actions = [sent.as_action() for sent in self.sent]
            sent = any(sent.step.sends_secret and sent.outcome != REFUSED for sent in self.sent)
        wrote = bool(actions) if predicted else self.wrote
        result: dict[str, t.Any] = {
            "changed": wrote or (self.attached and self.waiting.wait),
            "diff": self._diff(plan.after),
            "azure_key_vault": dict(record),
            "actions": actions,
            "credentials": "none" if plan.credentials == "none" else "sent" if sent else "not_sent",
            "warnings": [*plan.warnings, *self.warnings],
        }
        carried_out = not self.check_mode and result["changed"] and (self.job is None or self.job.ended)
        version = self._key_version(record, predicted=predicted)
        if version:
            result["key_version"] = version
        note = self.note or (plan.done if carried_out else "") or plan.note
        if note:
            result["msg"] = note
        if self.job is not None:
            result["job"] = self.job.as_result()
        return result

    def failure(self) -> dict[str, t.Any]:
        """What goes with an error: as ``result``, but nothing is foreseen any more and nothing is said to be done."""
        result = self.result({})
        del result["azure_key_vault"]
        result.pop("msg", None)
        result["changed"] = self.wrote
        if not self.sent:
            # In check mode the actions are those that would be sent, and now none would be.
            result["actions"] = []
            result["credentials"] = "none" if self.plan.credentials == "none" else "not_sent"
        if not self.wrote:
            result["diff"] = self._diff(self.before or {})
        return result

    def _diff(self, after: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        # With the cluster: Ansible prints diffs of many hosts, and does not say whose each is.
        header = f"{self.client.connection.hostname}: {self.target}"
        return {
            "before_header": header,
            "after_header": header,
            "before": dict(self.before or {}),
            "after": dict(after),
        }

    def _key_version(self, record: t.Mapping[str, t.Any], *, predicted: bool) -> str | None:
        release = self.client.known_release
        if predicted and any("key_id" in step.body for step in self.plan.steps):
            if release and not release.has(KEY_VERSIONS):
                return "unknown"
            # ONTAP will show what it is sent.
            release = KEY_VERSIONS
        return Vault.of(record).key_version(release)


class RacedError(Exception):
    """Somebody else changed the configuration between reading and writing; ``error`` is ONTAP's word for it."""

    def __init__(self, error: OntapError) -> None:
        super().__init__(str(error))
        self.error = error


def read_scope(client: Client, target: Target, fields: str) -> tuple[Vault, ...]:
    try:
        return read(client, target, fields=fields)
    except ApiError as exc:
        if exc.code in NOT_CONFIGURED or exc.code == NO_ENTRY:
            return ()
        raise


@contextlib.contextmanager
def trying(what: Step | str, run: Run) -> t.Iterator[None]:
    """Names in every error what was being tried."""
    try:
        yield
    except OntapError as exc:
        if not exc.tried:
            exc.tried = f"Could not {what.kind.purpose if isinstance(what, Step) else what} {run.target}"
        raise
