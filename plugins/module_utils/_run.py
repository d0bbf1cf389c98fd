# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has happened so far while one configuration is managed, and what looking and writing share."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._client import Client, Job, Release
from ansible_collections.ontap.security.plugins.module_utils._codes import NO_ENTRY, NOT_CONFIGURED
from ansible_collections.ontap.security.plugins.module_utils._errors import ApiError, OntapError
from ansible_collections.ontap.security.plugins.module_utils._plan import Plan, Step
from ansible_collections.ontap.security.plugins.module_utils._vault import Target, Vault, fields_to_read, read


class Wanted(t.Protocol):
    """What a module wants of one configuration; ``_plan`` has the kinds."""

    @property
    def target(self) -> Target: ...

    @property
    def shown_by(self) -> dict[str, Release]: ...

    @property
    def creates(self) -> bool: ...

    def plan(self, current: Vault | None, release: Release | None = None) -> Plan: ...


@dataclass(frozen=True)
class Waiting:
    """Whether to wait for jobs, and for how many seconds altogether."""

    wait: bool = True
    timeout: float = 600


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
    actions: list[dict[str, t.Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    known_jobs: frozenset[str] = frozenset()
    job: Job | None = None
    attached: bool = False
    credentials_sent: bool = False
    note: str = ""
    # Whether a created record is read, or ONTAP's answer to the POST is enough.
    reads_back: bool = True

    @property
    def target(self) -> Target:
        return self.wanted.target

    def read(self) -> tuple[Vault, ...]:
        """The records of the target's scope, with every field that the module looks at."""
        return read_scope(self.client, self.target, fields_to_read(self.wanted.shown_by))

    def wait_for(self, uuid: str) -> None:
        """Wait for a job within what is left of the time for all jobs together."""

        def seen(job: Job) -> None:
            self.job = job

        self.job = self.client.wait(uuid, max(0.0, self.deadline - self.client.now()), seen)

    def result(self, record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The module's result, with ``record`` as the configuration afterwards."""
        plan, target = self.plan, str(self.target)
        predicted = self.check_mode and not self.attached
        actions = [step.as_action() for step in plan.steps] if predicted else self.actions
        sent = plan.credentials == "sent" if predicted else self.credentials_sent
        result: dict[str, t.Any] = {
            "changed": bool(actions) or (self.attached and self.waiting.wait),
            "diff": {
                "before_header": target,
                "after_header": target,
                "before": dict(self.before or {}),
                "after": dict(plan.after),
            },
            "azure_key_vault": dict(record),
            "actions": actions,
            "credentials": "none" if plan.credentials == "none" else "sent" if sent else "not_sent",
            "warnings": [*plan.warnings, *self.warnings],
        }
        carried_out = not self.check_mode and result["changed"] and (self.job is None or self.job.ended)
        note = self.note or (plan.done if carried_out else "") or plan.note
        if note:
            result["msg"] = note
        if self.job is not None:
            result["job"] = self.job.as_result()
        return result


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
            exc.tried = f"Could not {what.purpose if isinstance(what, Step) else what} {run.target}"
        raise
