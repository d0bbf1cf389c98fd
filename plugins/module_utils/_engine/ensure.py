# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one configuration to what is wanted: reads, asks the plan, and has the plan carried out.

Most runs find nothing to do. What only others need is loaded when it is needed, since Ansible compiles a module anew in
every task.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan, Wanted, together, too_old
from ansible_collections.ontap.security.plugins.module_utils._engine.record import pick
from ansible_collections.ontap.security.plugins.module_utils._engine.run import RacedError, Run, trying
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import UNKNOWN_NAME, UNKNOWN_PATH
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError, OntapError
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Waiting

if t.TYPE_CHECKING:
    from ansible_collections.ontap.security.plugins.module_utils._engine.surroundings import Surroundings


def ensure(client: Client, wanted: Wanted, *, check_mode: bool, waiting: Waiting | None = None) -> dict[str, t.Any]:
    """Do what is wanted of one configuration, or in check mode say what that would take.

    Returns the module's result. Raises ``OntapError``; its ``result`` says what had been done by then.
    """
    waiting = waiting or Waiting()
    run = Run(client, wanted, waiting, check_mode, deadline=client.now() + waiting.timeout)
    return _guarded(run, lambda: _ensure_once(run))


def carry_out(
    client: Client,
    wanted: Wanted,
    plan: Plan,
    current: t.Any,
    *,
    check_mode: bool,
    waiting: Waiting,
    deadline: float,
) -> dict[str, t.Any]:
    """As ``ensure``, for a plan that was made from a record read by somebody else, who needs no reading back, except of
    what is in use from then on.

    ``deadline`` is the point in ``client.now()`` at which waiting for jobs ends.
    """
    run = Run(client, wanted, waiting, check_mode, deadline=deadline, reads_back=plan.takes_over, plans=[plan])
    return _guarded(run, lambda: _act(run, plan, current))


def _guarded(run: Run, first: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Look again once when somebody else was faster; put into an error what had been done by then."""
    try:
        try:
            return first()
        except RacedError as raced:
            said = raced.error
        try:
            return _ensure_once(run, said)
        except RacedError as raced:
            raise raced.error from None
    except OntapError as exc:
        remedy = run.resource.remedies.get(exc.code or "")
        exc.remedy = (remedy(run.target) if remedy else "") or exc.remedy
        if exc.job is None and run.job is not None:
            exc.job = run.job.as_result()
        exc.result = run.failure(exc)
        raise


def _ensure_once(run: Run, said: OntapError | None = None) -> dict[str, t.Any]:
    plan, current = _look(run, said)
    return _act(run, plan, current)


def _act(run: Run, plan: Plan, current: t.Any) -> dict[str, t.Any]:
    if not plan.changed:
        return run.result(plan, current.record if current else plan.record)
    # What is created has no job yet.
    jobs = [step for step in plan.steps if step.kind.job and "{uuid}" not in step.path]
    if jobs and not run.attached:
        from ansible_collections.ontap.security.plugins.module_utils._engine.attach import attach

        for step in jobs:
            if attach(run, step, current):
                return _beside_another(run, plan, current)
    if run.check_mode:
        return run.result(plan, plan.record)
    from ansible_collections.ontap.security.plugins.module_utils._engine.carry_out import write

    return write(run, plan, current)


def _beside_another(run: Run, plan: Plan, current: t.Any) -> dict[str, t.Any]:
    """What follows from a job that was at work on the same already."""
    if not run.waiting.wait:
        return run.result(replace(plan, after=plan.before), current.record)
    if run.check_mode:
        return run.result(plan, plan.record)
    # What was another SVM's has done nothing here.
    strange = plan.steps[-1].kind.shared and not run.attached[-1].names_svm
    if strange or not plan.unseen:
        again, now = _look(run)
        if strange or again.changed or run.proof(plan.steps[-1]) is None:
            # What is left is sent after it, never beside it.
            return _act(run, again, now)
        # All is done, and nobody has looked yet whether it works.
    # A plan made again would start a second one.
    from ansible_collections.ontap.security.plugins.module_utils._engine.carry_out import finish

    return finish(run, plan, current)


def _look(run: Run, said: OntapError | None = None) -> tuple[Plan, t.Any]:
    """Read, plan, and raise what stands in the way. Returns the plan and the present configuration.

    ``said`` is the refusal after which this is another look, which may be a sign of more than the records show.
    """
    wanted, resource, noun = run.wanted, run.resource, run.resource.noun
    with trying(f"read the {noun} of", run):
        records = _read(run)
        sign = resource.signs.get(said.code or "") if said else None
        if sign:
            records = tuple(map(sign, records))
        plan, current = _plan(run, records)
        if plan.needs_also:
            plan, current = _plan(run, resource.complete(run.client, records, plan.needs_also))
    run.plans.append(plan)
    if plan.pending and run.check_mode and not run.target.uuid:
        with trying(f"use the {noun} of", run):
            _surroundings(run).check(run.target)
        run.warnings.append(plan.pending)
        return plan, None
    with trying(plan.steps[0].kind.purpose if plan.steps else f"use the {noun} of", run):
        if plan.blockers:
            raise together(plan.blockers)
        if said and plan.removes and _removes_another(run, plan, current):
            said.meaning = (
                f"{said.meaning} Read again, it is in use by now, or another one is, so nothing was removed.".strip()
            )
            raise said
        if wanted.creates and (current is None or plan.takes_over):
            in_use = any(record.enabled for record in records)
            _surroundings(run).check_plan(run.target, plan, current, in_use=in_use, check_mode=run.check_mode)
    return plan, current


def _removes_another(run: Run, plan: Plan, current: t.Any) -> bool:
    """Whether a plan made again would remove another configuration than was meant at first, or one that is in use and
    was not then."""
    (step,), sent = plan.steps, run.sent[-1]
    return step.path != sent.step.path and (current.enabled or current.uuid != sent.before.uuid)


def _plan(run: Run, records: tuple[t.Any, ...]) -> tuple[Plan, t.Any]:
    """The plan, and the record that is meant, of all in the scope."""
    current = pick(records, run.target)
    others = tuple(record for record in records if record is not current)
    plan = run.wanted.plan(current, None, others)
    return (run.wanted.plan(current, run.client.release(), others) if plan.needs_release else plan), current


def _surroundings(run: Run) -> Surroundings:
    from ansible_collections.ontap.security.plugins.module_utils._engine.surroundings import Surroundings

    return Surroundings(run.client, run.resource.store, run.target)


def _read(run: Run) -> tuple[t.Any, ...]:
    """The configurations of the scope as they are now, in one request."""
    try:
        return run.read()
    except ApiError as exc:
        # A release refuses to be asked for what it does not have: name the option instead of ONTAP's message.
        if exc.code not in UNKNOWN_NAME and exc.code != UNKNOWN_PATH:
            raise
        release = run.client.release()
        unknown = [
            too_old(run.resource.options.get(name, name), first, release)
            for name, first in run.wanted.shown_by.items()
            if not release.has(first)
        ]
        if not unknown:
            raise
        raise together(unknown) from None
