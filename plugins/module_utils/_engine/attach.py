# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a job that does already what is wanted, instead of starting a second one. Only reads."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Step
from ansible_collections.ontap.security.plugins.module_utils._engine.run import Run, may_be_ours, trying
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import JobTimeoutError


def attach(run: Run, step: Step, current: t.Any) -> bool:
    """Before a step that is a job: wait for one of its kind that goes on already. True when there was one.

    ``current`` is the record as it was read. Also notes the jobs that are there, so that a job whose name is lost can
    be told from them.
    """
    with trying(step.kind.purpose, run):
        jobs = run.client.jobs(step.method, step.path) or []
    run.known_jobs.update(job.uuid for job in jobs)
    running = next(
        (job for job in jobs if not job.ended and (not step.kind.shared or may_be_ours(job, run.target, current))), None
    )
    if running is None:
        return False
    run.jobs.append(running)
    run.attached.append(running)
    if run.check_mode:
        run.warnings.append(
            f"Job {running.uuid}, which is {running.state}, does this already. A real run waits for it{step.kind.then}."
        )
    elif run.waiting.wait:
        with trying(step.kind.purpose, run):
            try:
                run.wait_for(running.uuid)
            except JobTimeoutError as exc:
                exc.remedy = step.kind.meanwhile.format(uuid=running.uuid)
                raise
    return True
