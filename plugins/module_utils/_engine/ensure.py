# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one configuration to what is wanted: reads, asks the plan, and has the plan carried out.

Most runs find nothing to do. What only others need (``_write``) is loaded when it is needed, since Ansible compiles a
module anew in every task.
"""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan, together, too_old
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Vault, pick
from ansible_collections.ontap.security.plugins.module_utils._engine.run import RacedError, Run, Waiting, Wanted, trying
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError, OntapError


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
    current: Vault | None,
    *,
    check_mode: bool,
    waiting: Waiting,
    deadline: float,
) -> dict[str, t.Any]:
    """As ``ensure``, for a plan that was made from a record read by somebody else, who needs no reading back.

    ``deadline`` is the point in ``client.now()`` at which waiting for jobs ends.
    """
    run = Run(client, wanted, waiting, check_mode, deadline=deadline, plan=plan, before=plan.before, reads_back=False)
    return _guarded(run, lambda: _act(run, current))


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
        exc.result = run.failure()
        if exc.job is None and run.job is not None:
            exc.job = run.job.as_result()
        if exc.job is not None:
            exc.result["job"] = exc.job
        raise


def _ensure_once(run: Run) -> dict[str, t.Any]:
    return _act(run, _look(run))


def _act(run: Run, current: Vault | None) -> dict[str, t.Any]:
    if not run.plan.changed:
        return run.result(current.record if current else run.plan.record)
    from ansible_collections.ontap.security.plugins.module_utils._engine.carry_out import write

    return write(run, current, again=_ensure_once)


def _look(run: Run) -> Vault | None:
    """Read, plan, and raise what stands in the way. Returns the present configuration."""
    client, wanted = run.client, run.wanted
    with trying("read the Azure Key Vault configuration of", run):
        current = _find(run)
        plan = wanted.plan(current)
        if plan.needs_release:
            plan = wanted.plan(current, client.release())
    run.plan = plan
    if run.before is None:
        run.before = plan.before
    if plan.pending and run.check_mode and not run.target.uuid:
        with trying("use the Azure Key Vault configuration of", run):
            _check_surroundings(run, check_mode=False)
        run.warnings.append(plan.pending)
        return None
    with trying(plan.steps[0] if plan.steps else "use the Azure Key Vault configuration of", run):
        if plan.blockers:
            raise together(plan.blockers)
        if wanted.creates and current is None:
            _check_surroundings(run, check_mode=run.check_mode)
    return current


def _check_surroundings(run: Run, *, check_mode: bool) -> None:
    from ansible_collections.ontap.security.plugins.module_utils._engine.surroundings import Surroundings

    Surroundings(run.client, run.target).check(run.target, check_mode=check_mode)


def _find(run: Run) -> Vault | None:
    """The configuration that is meant, as it is now, in one request. None when there is none."""
    try:
        return pick(run.read(), run.target)
    except ApiError as exc:
        # A release refuses to be asked for a field it does not have: name the option instead of ONTAP's message.
        if exc.code not in UNKNOWN_NAME:
            raise
        release = run.client.release()
        names = {"azure_reachability": "update_credentials=when_unreachable"}
        unknown = [
            too_old(names.get(name, name), first, release)
            for name, first in run.wanted.shown_by.items()
            if not release.has(first)
        ]
        if not unknown:
            raise
        raise together(unknown) from None
