# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the steps of a plan, waits for their jobs, and finds out what became of those whose answer was lost.

A step counts as unknown from the moment it is sent until an answer, its job or the record tells: whatever breaks on the
way, what was sent is never denied. What is particular to a step is in its ``Kind``.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan, Proof, Step
from ansible_collections.ontap.security.plugins.module_utils._engine.record import merged, pick
from ansible_collections.ontap.security.plugins.module_utils._engine.run import (
    DONE,
    REFUSED,
    UNKNOWN,
    RacedError,
    Run,
    Sent,
    may_be_ours,
    trying,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.answer import Answer
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import ALREADY_CONFIGURED, UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    JobError,
    JobTimeoutError,
    LostAnswerError,
    OntapError,
    OutcomeError,
    TransportError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Job

# Long enough for most jobs, so that they cost no poll; short enough for any request_timeout in use.
_SERVER_WAIT = 15


def write(run: Run, plan: Plan, current: t.Any) -> dict[str, t.Any]:
    """Send the plan's steps in order. Returns the module's result."""
    record: t.Mapping[str, t.Any] = plan.record
    for number, step in enumerate(plan.steps, 1):
        with trying(step.kind.purpose, run), _naming(plan.steps[number:], run):
            try:
                sent, found = _perform(run, step, current, unseen=plan.unseen)
            except (ApiError, JobError) as exc:
                nothing = step.kind.nothing.get(exc.code or "")
                if nothing is None:
                    exc.remedy = " ".join(filter(None, (exc.remedy, step.kind.advice)))
                    raise
                if step.kind.takes_over:
                    current = _in_use_already(run, exc, nothing, follows=step is not plan.steps[-1])
                    record = {**record, **current.record}
                    plan = replace(plan, after={**plan.after, **{name: current.value(name) for name in step.body}})
                if len(plan.steps) > 1:
                    continue
                return run.result(replace(plan, after=plan.before, note=nothing, done=""), record)
            if not run.waiting.wait and run.job is not None and not run.job.ended:
                if step is not plan.steps[-1]:
                    run.warnings.append("wait is false, so what has to follow the job is left to the next run.")
                elif proof := run.proof(step):
                    run.warnings.append(f"wait is false, so {proof.question} was not looked at.")
                # As it is now: what the job will make of it is in the diff.
                return run.result(plan, current.record if current else {})
            seen = _look_afterwards(run, sent, found)
            record = {**merged(record, step.visible), **(seen.record if seen else {})}
            current = seen or current
    return run.result(plan, record)


@contextlib.contextmanager
def _naming(left: t.Sequence[Step], run: Run) -> t.Iterator[None]:
    """Names in an error the steps that would have come after the one that failed."""
    try:
        yield
    except OntapError as exc:
        if left:
            purposes = " and to ".join(dict.fromkeys(step.kind.purpose for step in left))
            _add(exc, f"Not done: to {purposes} {run.target}.")
        raise


def finish(run: Run, plan: Plan, current: t.Any) -> dict[str, t.Any]:
    """As ``write``, where a job that was at work already has done what was to be sent, and nothing sends it again."""
    step = plan.steps[-1]
    # Reading tells nothing where it told nothing before.
    told = step.kind.confirmed and step.kind.shows(step, None, current, run.client.known_release) is not None
    if run.job is not None and run.job.state == "gone" and not told:
        raise OutcomeError(
            f"job {run.job.uuid}, which was at work already, was not seen to its end, and ONTAP does not know it any "
            "more: nobody knows whether it succeeded",
            remedy=step.kind.meanwhile.format(uuid=run.job.uuid),
        )
    seen = _look_afterwards(run, Sent(step, current, plan.unseen), None)
    return run.result(plan, seen.record if seen else plan.record)


def _perform(run: Run, step: Step, current: t.Any, *, unseen: bool) -> tuple[Sent, t.Any]:
    """Send one step and see it through. Returns it, with the record if an answer or a look for a lost one showed it."""
    kind = step.kind
    query: dict[str, int | bool] = {**kind.query, **({"return_timeout": _server_wait(run)} if kind.job else {})}
    if kind.creates and not _looks_afterwards(run, step):
        query["return_records"] = True
    # So that its job is found: a PATCH after a create has no UUID in its path before.
    step = replace(step, path=step.path.replace("{uuid}", current.uuid if current else ""))
    sent = Sent(step, current, unseen)
    run.sent.append(sent)
    for last in (False, True):
        try:
            # Reading cannot settle a lost answer to a step that shows nowhere: a stale connection must not lose it.
            fresh = unseen or (not step.visible and kind.shows(step, None, current, None) is None)
            answer = run.client.write(step.method, step.path, merged({}, step.body) or None, query, fresh=fresh)
        except LostAnswerError as exc:
            found = _settle(run, sent, exc)
            if sent.outcome != REFUSED:
                return sent, found
            if last:
                exc.meaning = "Read again afterwards, the configuration shows no effect of it."
                raise
            sent.outcome = UNKNOWN
        except TransportError:
            # It never reached ONTAP.
            run.sent.remove(sent)
            raise
        except ApiError as exc:
            error = _failed(run, sent, exc)
            if last and isinstance(error, RacedError):
                # The request before this one may have arrived late, and have been what was faster.
                sent.outcome = UNKNOWN
            raise error from exc
        else:
            return sent, _see_through(run, sent, answer)
    raise AssertionError("unreachable: the second round returns or raises")


def _server_wait(run: Run) -> int:
    if not run.waiting.wait:
        return 0
    return max(0, int(min(_SERVER_WAIT, run.waiting.timeout, run.client.connection.timeout - 5)))


def _see_through(run: Run, sent: Sent, answer: Answer) -> t.Any:
    """After ONTAP has taken a step: wait for its job. Returns the record if the answer or a look showed it."""
    kind, uuid = sent.step.kind, answer.job_uuid
    job = Job(uuid=uuid or "", state="running" if answer.status == 202 else "success")
    # 200 and 201 say that it is done; where reading will confirm that, it does, and elsewhere the job is asked.
    told_by_reading = job.ended and kind.confirmed and not sent.unseen
    if uuid is None:
        if not job.ended or (kind.job and not told_by_reading):
            return _settle_without_a_job(run, sent, answer)
        sent.outcome = DONE
        records = answer.body.get("records") if kind.creates else None
        return run.resource.record.of(records[0]) if records else None
    run.jobs.append(job)
    if run.waiting.wait and not told_by_reading:
        try:
            run.wait_for(uuid)
        except JobError as exc:
            raise _failed(run, sent, exc) from exc
        except OntapError as exc:
            raise _not_ended(run, sent, exc) from exc
        if run.jobs[-1].state == "gone":
            _settle_by_reading_alone(run, sent, uuid)
    if run.jobs[-1].ended:
        sent.outcome = DONE
    return None


def _settle_without_a_job(run: Run, sent: Sent, answer: Answer) -> t.Any:
    taken = OutcomeError(
        f"ONTAP answered with HTTP {answer.status} and named no job", method=sent.step.method, path=sent.step.path
    )
    taken.http_status = answer.status
    found = _settle(run, sent, taken)
    if sent.outcome == REFUSED:
        sent.outcome = UNKNOWN
        raise _unknown(run, sent, taken, "Read afterwards, the configuration shows no effect of it yet.")
    return found


def _settle_by_reading_alone(run: Run, sent: Sent, uuid: str) -> None:
    """For a job that ONTAP no longer knows (contract, job lifecycle)."""
    gone = OutcomeError(f"ONTAP no longer knows job {uuid}", method=sent.step.method, path=sent.step.path)
    try:
        shown = _shown(run, sent, _find(run, sent))
    except OntapError as exc:
        raise _unknown(run, sent, gone, f"Reading the configuration failed as well: {exc.message}") from exc
    if shown is None:
        raise _unknown(run, sent, gone, "Nothing else shows whether it succeeded.")
    if not shown:
        sent.outcome = REFUSED
        gone.message += ", and the configuration shows no effect of it"
        gone.remedy = "Look into the cluster's audit and EMS logs, then run the task again."
        raise gone


def _settle(run: Run, sent: Sent, lost: LostAnswerError | OutcomeError) -> t.Any:
    """Find out what became of a step whose answer does not tell: by its job, then by reading.

    Sets the outcome to done, or to refused where nothing has happened and nothing will; leaves it at unknown where
    the step is a job that nobody waits for. Returns the record. Raises ``lost`` where nobody can tell.
    """
    step = sent.step
    try:
        jobs = _jobs_of(run, sent)
        # Those that have ended first: what they say is known without waiting.
        for job in sorted(jobs or (), key=lambda job: not job.ended):
            run.jobs.append(job)
            if run.waiting.wait or job.ended:
                run.wait_for(job.uuid)
        if run.job is not None and jobs and not run.job.ended:
            return None
        record = _find(run, sent)
        shown = _shown(run, sent, record)
    except JobError as exc:
        raise _failed(run, sent, exc) from exc
    except JobTimeoutError as exc:
        raise _not_ended(run, sent, exc) from exc
    except OntapError as exc:
        raise _unknown(run, sent, lost, f"Looking for what became of it failed as well: {exc.message}") from exc
    if shown is None and jobs and run.job is not None:
        shown = True if run.job.state == "success" else None
    if shown is None:
        raise _unknown(run, sent, lost, f"Whether ONTAP took it cannot be seen: it shows {step.kind.hidden_by}.")
    if not shown and jobs is None:
        raise _unknown(
            run,
            sent,
            lost,
            "Read afterwards, the configuration shows no effect of it; but this login may not see jobs, and one may "
            "still be at work.",
        )
    sent.outcome = DONE if shown else REFUSED
    return record


def _shown(run: Run, sent: Sent, record: t.Any) -> bool | None:
    """Whether the record shows the effect of a step, of which nothing else tells; None when it cannot."""
    if sent.step.kind.also and record is not None:
        (record,) = run.resource.complete(run.client, (record,), sent.step.kind.also)
    return sent.step.kind.shows(sent.step, sent.before, record, run.client.known_release)


def _jobs_of(run: Run, sent: Sent) -> list[Job] | None:
    """The jobs that a step whose answer was lost may have become: those that were not there before.

    Only before a step that is a job by nature are the jobs looked at; for others, one that has ended may be older, and
    what it did is seen by reading. None when the login may not see jobs.
    """
    step = sent.step
    jobs = run.client.jobs(step.method, step.path)
    if jobs is None:
        return None
    return [
        job
        for job in jobs
        if job.uuid not in run.known_jobs
        and (step.kind.job or not job.ended)
        and (not step.kind.shared or may_be_ours(job, run.target, sent.before))
    ]


def _find(run: Run, sent: Sent) -> t.Any:
    """The record that a step is about, as it is now; with what tells whether a credential in the step is good."""
    records = _read(run, run.proof(sent.step))
    if sent.before:
        return next((record for record in records if record.uuid == sent.before.uuid), None)
    return pick(records, run.target)


def _read(run: Run, proof: Proof | None) -> tuple[t.Any, ...]:
    release = run.client.known_release
    if proof is None or (release and not release.has(proof.since)):
        return run.read()
    try:
        return run.read(proof.field)
    except ApiError as exc:
        if exc.code not in UNKNOWN_NAME:
            raise
        return run.read()


def _failed(run: Run, sent: Sent, exc: ApiError | JobError) -> Exception:
    """What to raise for a step that ONTAP refused or whose job failed, and what has become of it.

    A job may fail after a part of its work, so the record decides: unchanged, it was refused.
    """
    kind = sent.step.kind
    raced = _raced(run, exc, creates=kind.creates) if exc.code in kind.raced else exc
    part_done = isinstance(exc, JobError) or (exc.code or "") in kind.partly
    if raced is not exc or exc.code in kind.nothing or exc.awaits_approval or not part_done:
        sent.outcome = REFUSED
        if raced is exc and exc.code not in kind.nothing:
            # Elsewhere somebody else has changed something.
            _add(exc, kind.refused)
        return raced
    try:
        record = _find(run, sent)
    except OntapError as unread:
        exc.meaning = f"{exc.meaning} Whether a part of it took effect could not be read: {unread.message}".strip()
        return exc
    shown = _shown(run, sent, record)
    if shown:
        sent.outcome = DONE
    elif shown is False and _same(record, sent.before, run.resource.passing):
        sent.outcome = REFUSED
        _add(exc, kind.refused)
    elif shown is None and isinstance(exc, ApiError):
        # What ONTAP turns down it has not begun; only where more is shown is it looked at twice.
        sent.outcome = REFUSED
        _add(exc, kind.refused)
    if record is not None:
        kind.rest(exc, record)
    return exc


def _add(exc: OntapError, sentence: str) -> None:
    exc.meaning = f"{exc.meaning} {sentence}".strip()


def _same(one: t.Any, other: t.Any, passing: t.Collection[str]) -> bool:
    """Whether two looks at a record show the same; what only one of them asked for does not count."""
    if one is None or other is None:
        return one is other
    asked = (one.record.keys() & other.record.keys()) - set(passing)
    return all(one.record[name] == other.record[name] for name in asked)


def _raced(run: Run, exc: ApiError | JobError, *, creates: bool) -> Exception:
    """What a refusal means that says that somebody else was faster; reading again decides what is left to do."""
    if not creates:
        return RacedError(exc)
    from ansible_collections.ontap.security.plugins.module_utils._engine.surroundings import Surroundings, occupied

    with contextlib.suppress(OntapError):
        if pick(run.read(), run.target) is not None:
            return RacedError(exc)
        if exc.code != ALREADY_CONFIGURED:
            return exc
        kind = Surroundings(run.client, run.resource.store, run.target).occupant(run.target)
        return occupied(run.target, kind) if kind else exc
    return exc


def _unknown(run: Run, sent: Sent, exc: OntapError, why: str) -> OntapError:
    """Turn ``exc`` into the error for a step of which nobody knows what became: that comes before anything else."""
    exc.tried = _nobody_knows(run, sent.step)
    exc.meaning = why
    exc.remedy = sent.step.kind.at_last
    return exc


def _nobody_knows(run: Run, step: Step) -> str:
    return f"The request to {step.kind.purpose} {run.target} was sent, and nobody knows what became of it"


def _not_ended(run: Run, sent: Sent, exc: OntapError) -> OntapError:
    """Turn ``exc`` into the error for a step whose job could not be seen to its end."""
    uuid = run.job.uuid if run.job else ""
    exc.tried = (
        f"The request to {sent.step.kind.purpose} {run.target} was sent, and nobody knows yet what becomes of it: "
        f"job {uuid} was not seen to its end"
    )
    exc.remedy = sent.step.kind.meanwhile.format(uuid=uuid)
    return exc


def _looks_afterwards(run: Run, step: Step) -> bool:
    """Whether the record is read after a step: to confirm it, to try its credential, or for the UUID of a new one."""
    if step.kind.beside:
        return False
    return step.kind.confirmed or run.proof(step) is not None or (step.kind.creates and run.reads_back)


def _look_afterwards(run: Run, sent: Sent, found: t.Any) -> t.Any:
    """Read the record after a step where that is due, and judge it. Returns it; None when it was not looked at."""
    step, kind, proof = sent.step, sent.step.kind, run.proof(sent.step)
    if (kind.creates and found is None) or _looks_afterwards(run, step):
        try:
            record = found or _find(run, sent)
            if kind.confirmed and run.job and run.waiting.wait and not kind.shows(step, None, record, None):
                # Answered 200 or 201 with a job that had not ended after all.
                sent.outcome = UNKNOWN
                run.jobs.append(replace(run.job, state="unknown"))
                run.wait_for(run.job.uuid)
                sent.outcome = DONE
                record = _find(run, sent)
        except JobError as exc:
            raise _failed(run, sent, exc) from exc
        except OntapError as exc:
            if run.job and not run.job.ended:
                raise _not_ended(run, sent, exc) from exc
            exc.tried = f"{kind.did} {run.target}, but could not look at it afterwards"
            raise
        try:
            _confirm(run, step, record)
        except OutcomeError as exc:
            sent.outcome = UNKNOWN
            exc.tried = _nobody_knows(run, step)
            raise
        found = record
    if found is not None:
        run.warnings.extend(kind.doubts(step, found, run.client.known_release))
        if proof:
            clean = functools.partial(run.client.clean, free_text=True)
            run.warnings.extend(proof.judge(clean, f"{kind.did} {run.target}", sent.before, found))
    return found


def _in_use_already(run: Run, said: ApiError | JobError, nothing: str, *, follows: bool) -> t.Any:
    """Read the record that ONTAP says to be the one in use already, and judge it as if it had been enabled here.

    Returns it. That ONTAP shows otherwise is a warning; where something ``follows`` that is meant for the one in use,
    and where there is no such record, ``said`` is raised.
    """
    sent = run.sent[-1]
    kind, proof = sent.step.kind, run.proof(sent.step)
    try:
        record = _find(run, sent)
    except OntapError as exc:
        exc.tried = f"{nothing} Could not look at {run.target} afterwards"
        raise
    if record is None or not kind.shows(sent.step, None, record, run.client.known_release):
        unlike = "Read afterwards, it is not shown as the one that is enabled: ONTAP contradicts itself."
        if record is None or follows:
            _add(said, unlike)
            raise said
        run.warnings.append(f"{nothing} {unlike}")
    elif proof:
        clean = functools.partial(run.client.clean, free_text=True)
        found = f"Found no need to {kind.purpose} {run.target}"
        run.warnings.extend(proof.judge(clean, found, sent.before, record))
    return record


def _confirm(run: Run, step: Step, record: t.Any) -> None:
    """Raises ``OutcomeError`` when the record does not show what ONTAP has said to be done."""
    if record is None:
        raise OutcomeError(
            f"ONTAP reported success, but {run.target} has no such configuration",
            remedy="Somebody may have removed it meanwhile: look into the cluster's audit and EMS logs, then run the "
            "task again.",
            method=step.method,
            path=step.path,
        )
    if step.kind.missed and step.kind.shows(step, None, record, None) is False:
        raise step.kind.missed(step, run.target, record)
