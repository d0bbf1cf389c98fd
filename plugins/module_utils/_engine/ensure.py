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
    """As ``ensure``, for a plan that was made from a record read by somebody else, who needs no reading back.

    ``deadline`` is the point in ``client.now()`` at which waiting for jobs ends.
    """
    run = Run(client, wanted, waiting, check_mode, deadline=deadline, reads_back=False, plans=[plan])
    return _guarded(run, lambda: _act(run, plan, current))


def _guarded(run: Run, first: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Look again once when somebody else was faster; put into an error what had been done by then."""
    try:
        try:
            return first()
        except RacedError:
            pass
        try:
            return _ensure_once(run)
        except RacedError as raced:
            raise raced.error from None
    except OntapError as exc:
        if exc.job is None and run.job is not None:
            exc.job = run.job.as_result()
        exc.result = run.failure(exc)
        raise


def _ensure_once(run: Run) -> dict[str, t.Any]:
    plan, current = _look(run)
    return _act(run, plan, current)


def _act(run: Run, plan: Plan, current: t.Any) -> dict[str, t.Any]:
    if not plan.changed:
        return run.result(plan, current.record if current else plan.record)
    if plan.steps[-1].kind.job and not run.attached:
        from ansible_collections.ontap.security.plugins.module_utils._engine.attach import attach

        if attach(run, plan.steps[-1]):
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
    if not plan.unseen:
        return _ensure_once(run)
    # A plan made again would start a second one.
    from ansible_collections.ontap.security.plugins.module_utils._engine.carry_out import finish

    return finish(run, plan, current)


def _look(run: Run) -> tuple[Plan, t.Any]:
    """Read, plan, and raise what stands in the way. Returns the plan and the present configuration."""
    client, wanted, noun = run.client, run.wanted, run.resource.noun
    with trying(f"read the {noun} of", run):
        current = _find(run)
        plan = wanted.plan(current)
        if plan.needs_release:
            plan = wanted.plan(current, client.release())
    run.plans.append(plan)
    if plan.pending and run.check_mode and not run.target.uuid:
        with trying(f"use the {noun} of", run):
            _check_surroundings(run, check_mode=False)
        run.warnings.append(plan.pending)
        return plan, None
    with trying(plan.steps[0].kind.purpose if plan.steps else f"use the {noun} of", run):
        if plan.blockers:
            raise together(plan.blockers)
        if wanted.creates and current is None:
            _check_surroundings(run, check_mode=run.check_mode)
    return plan, current


def _check_surroundings(run: Run, *, check_mode: bool) -> None:
    from ansible_collections.ontap.security.plugins.module_utils._engine.surroundings import Surroundings

    Surroundings(run.client, run.resource.store, run.target).check(run.target, check_mode=check_mode)


def _find(run: Run) -> t.Any:
    """The configuration that is meant, as it is now, in one request. None when there is none."""
    try:
        return pick(run.read(), run.target)
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
