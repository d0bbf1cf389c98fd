# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a job that does already what is wanted, instead of starting a second one, and keeps out of the way of one
that does something else to the same. Only reads."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Step
from ansible_collections.ontap.security.plugins.module_utils._engine.run import Run, may_be_ours, trying
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import BlockedError, JobTimeoutError
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Job, names_request


def attach(run: Run, step: Step, current: t.Any) -> bool:
    """Before a step that is a job: wait for one of its kind that goes on already. True when there was one.

    ``current`` is the record as it was read. Also notes the jobs that are there, so that a job whose name is lost can
    be told from them. Raises ``BlockedError`` where one is at work that puts another record in use.
    """
    # Two of one scope at once would undo each other, and ONTAP documents no refusal of the second.
    everywhere = f"{step.path.rpartition('/')[0]}/*" if step.kind.takes_over else step.path
    with trying(step.kind.purpose, run):
        jobs = run.client.jobs(step.method, everywhere) or []
        if step.kind.takes_over:
            others = [job for job in jobs if not names_request(job.description, step.method, step.path)]
            _check_others(run, step, [job for job in others if not job.ended], current)
            jobs = [job for job in jobs if job not in others]
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


def _check_others(run: Run, step: Step, running: t.Sequence[Job], current: t.Any) -> None:
    """Raises ``BlockedError`` when one of the jobs puts another record of the same scope in use."""
    running = [job for job in running if may_be_ours(job, run.target, current)]
    if not running:
        return
    parent = step.path.rpartition("/")[0]
    # Whose a job is ONTAP may not say; whose the record in its path is, it does.
    for record in run.read():
        for job in running:
            if names_request(job.description, step.method, f"{parent}/{record.uuid}"):
                raise BlockedError(
                    f"job {job.uuid}, which is {job.state}, enables configuration {record.configuration} of the same "
                    "SVM",
                    remedy="Run the task again when it has ended, if this one is still wanted then; on the cluster: "
                    f"job show -uuid {job.uuid}.",
                )
