# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the steps of a plan, waits for their jobs, and finds out what became of those whose answer was lost.

A step counts as unknown from the moment it is sent until an answer, its job or the record tells: whatever breaks on the
way, what was sent is never denied. Apart from ``_apply``, so that the usual run, which finds nothing to do, does not
have to load it.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import unlike_asked
from ansible_collections.ontap.security.plugins.module_utils._azure.health import health
from ansible_collections.ontap.security.plugins.module_utils._azure.table import HEALTH_FIELDS, REACHABILITY
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import one_names_a_version
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import CREATE, DELETE, Plan, Step
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Vault, pick
from ansible_collections.ontap.security.plugins.module_utils._engine.run import (
    DONE,
    REFUSED,
    UNKNOWN,
    RacedError,
    Run,
    Sent,
    trying,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.surroundings import Surroundings, occupied
from ansible_collections.ontap.security.plugins.module_utils._ontap.answer import Answer
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import (
    ALREADY_CONFIGURED,
    NO_ENTRY,
    NOT_CONFIGURED,
    RESTORE_INCOMPLETE,
    UNKNOWN_NAME,
)
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

_REACHABILITY = "azure_reachability"


def write(run: Run, current: Vault | None, again: t.Callable[[Run], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Carry the plan out, or in check mode predict it. ``again`` looks once more after a job that was there already.

    Returns the module's result.
    """
    plan = run.plan
    if current is not None and _attach(run):
        if not run.waiting.wait:
            run.plan = replace(plan, after=plan.before)
            return run.result(current.record)
        if run.check_mode:
            return run.result(plan.record)
        if not plan.unseen:
            return again(run)
        if run.job is not None and run.job.state == "gone" and not plan.steps[-1].kind.confirmed:
            raise OutcomeError(
                f"job {run.job.uuid}, which was at work already, was not seen to its end, and ONTAP does not know it "
                "any more: nobody knows whether it succeeded",
                remedy=_while_it_runs(plan.steps[-1], run.job.uuid),
            )
        # A plan made again would start a second one.
        seen = _look_afterwards(run, Sent(plan.steps[-1], current), None)
        return run.result(seen.record if seen else plan.record)
    return run.result(plan.record if run.check_mode else _carry_out(run, current))


def _attach(run: Run) -> bool:
    """Before a step that is a job: wait for one of its kind that goes on already instead of starting a second.

    True when there was one. Also notes the jobs that are there, so that a job whose name is lost can be told from them.
    """
    step = run.plan.steps[-1] if run.plan.steps else None
    if step is None or not step.kind.job or run.attached:
        return False
    with trying(step, run):
        jobs = run.client.jobs(step.method, step.path) or []
    run.known_jobs = frozenset(job.uuid for job in jobs)
    running = next((job for job in jobs if not job.ended), None)
    if running is None:
        return False
    run.job = running
    run.attached = True
    if run.check_mode:
        later = "; it starts another if the key is not the wanted one then" if step.body else " and starts none"
        run.warnings.append(
            f"Job {running.uuid}, which is {running.state}, does this already. A real run waits for it{later}."
        )
    elif run.waiting.wait:
        with trying(step, run):
            try:
                run.wait_for(running.uuid)
            except JobTimeoutError as exc:
                exc.remedy = _while_it_runs(step, running.uuid)
                raise
    return True


def _carry_out(run: Run, current: Vault | None) -> t.Mapping[str, t.Any]:
    """Send the plan's steps in order. Returns the record afterwards."""
    plan = run.plan
    record: t.Mapping[str, t.Any] = plan.record
    for step in plan.steps:
        with trying(step, run):
            try:
                sent, found = _perform(run, step, current)
            except (ApiError, JobError) as exc:
                nothing = step.kind.nothing.get(exc.code or "")
                if nothing is None:
                    raise
                run.note, run.plan = nothing, Plan(before=plan.before, after=plan.before)
                return record
            if not run.waiting.wait and run.job is not None and not run.job.ended:
                if step is not plan.steps[-1]:
                    run.warnings.append("wait is false, so what has to follow the job is left to the next run.")
                elif run.verifies(step):
                    run.warnings.append("wait is false, so whether ONTAP reaches Azure was not looked at.")
                # As it is now: what the job will make of it is in the diff.
                return current.record if current else {}
            seen = _look_afterwards(run, sent, found)
            if step.kind is DELETE:
                return {}
            record = {**record, **step.visible, **(seen.record if seen else {})}
            current = seen or current
    return record


def _perform(run: Run, step: Step, current: Vault | None) -> tuple[Sent, Vault | None]:
    """Send one step and see it through. Returns it, with the record if an answer or a look for a lost one showed it."""
    uuid = current.uuid if current else None
    path = step.path.replace("{uuid}", uuid or "")
    query: dict[str, int | bool] = {"return_timeout": _server_wait(run)} if step.kind.job else {}
    if step.kind is CREATE and not _looks_afterwards(run, step):
        query["return_records"] = True
    # So that its job is found: a PATCH after a create has no UUID in its path before.
    step = replace(step, path=path)
    sent = Sent(step, current)
    run.sent.append(sent)
    for last in (False, True):
        try:
            # Reading cannot settle a lost answer to a step that shows nowhere: a stale connection must not lose it.
            fresh = run.plan.unseen or (not step.visible and step.kind.shows(step, current) is None)
            answer = run.client.write(step.method, path, dict(step.body) or None, query, fresh=fresh)
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


def _see_through(run: Run, sent: Sent, answer: Answer) -> Vault | None:
    """After ONTAP has taken a step: wait for its job. Returns the record if the answer or a look showed it."""
    step, uuid = sent.step, answer.job_uuid
    told_by_job_alone = step.kind.job and (run.plan.unseen or not step.kind.confirmed)
    if uuid is None:
        if answer.status == 202 or told_by_job_alone:
            return _settle_without_a_job(run, sent, answer)
        sent.outcome = DONE
        records = answer.body.get("records") if step.kind is CREATE else None
        return Vault.of(records[0]) if records else None
    run.job = Job(uuid=uuid, state="running" if answer.status == 202 else "success")
    # 200 and 201 say that it is done; where reading will confirm that, it does, and elsewhere the job is asked.
    if run.waiting.wait and (answer.status == 202 or run.plan.unseen or not step.kind.confirmed):
        try:
            run.wait_for(uuid)
        except JobError as exc:
            raise _failed(run, sent, exc) from exc
        except OntapError as exc:
            raise _not_ended(run, sent, exc) from exc
        if run.job.state == "gone":
            _settle_by_reading_alone(run, sent, uuid)
    if run.job.ended:
        sent.outcome = DONE
    return None


def _settle_without_a_job(run: Run, sent: Sent, answer: Answer) -> Vault | None:
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


def _settle(run: Run, sent: Sent, lost: LostAnswerError | OutcomeError) -> Vault | None:
    """Find out what became of a step whose answer does not tell: by its job, then by reading.

    Sets the outcome to done, or to refused where nothing has happened and nothing will; leaves it at unknown where
    the step is a job that nobody waits for. Returns the record. Raises ``lost`` where nobody can tell.
    """
    step = sent.step
    try:
        jobs = _jobs_of(run, step)
        # Those that have ended first: what they say is known without waiting.
        for job in sorted(jobs or (), key=lambda job: not job.ended):
            run.job = job
            if run.waiting.wait or job.ended:
                run.wait_for(job.uuid)
        if run.job is not None and jobs and not run.job.ended:
            return None
        vault = _find(run, sent)
    except JobError as exc:
        raise _failed(run, sent, exc) from exc
    except JobTimeoutError as exc:
        raise _not_ended(run, sent, exc) from exc
    except OntapError as exc:
        raise _unknown(run, sent, lost, f"Looking for what became of it failed as well: {exc.message}") from exc
    shown = _shown(run, sent, vault)
    if shown is None and jobs and run.job is not None:
        shown = True if run.job.state == "success" else None
    if shown is None:
        what = "the same key as before" if "key_id" in step.body else "neither credentials nor the internal key"
        raise _unknown(run, sent, lost, f"Whether ONTAP took it cannot be seen: it shows {what}.")
    if not shown and jobs is None:
        raise _unknown(
            run,
            sent,
            lost,
            "Read afterwards, the configuration shows no effect of it; but this login may not see jobs, and one may "
            "still be at work.",
        )
    sent.outcome = DONE if shown else REFUSED
    return vault


def _shown(run: Run, sent: Sent, vault: Vault | None) -> bool | None:
    """Whether the record shows the effect of a step; None when it cannot."""
    step, before = sent.step, sent.before
    shown = step.kind.shows(step, vault)
    if shown and vault and before and "key_id" in step.body and vault.value("key_id") == before.value("key_id"):
        # The same key as before, in another version that would be seen, or in one that nothing shows.
        moved = one_names_a_version(step.body["key_id"], vault.value("key_id"))
        return False if moved and vault.shows_key_versions(run.client.known_release) else None
    return shown


def _jobs_of(run: Run, step: Step) -> list[Job] | None:
    """The jobs that a step whose answer was lost may have become: those that were not there before.

    Only before a step that is a job by nature are the jobs looked at; for others, one that has ended may be older, and
    what it did is seen by reading. None when the login may not see jobs.
    """
    jobs = run.client.jobs(step.method, step.path)
    if jobs is None:
        return None
    mine = (None, run.target.svm or run.target.svm_uuid) if run.target.scope == "svm" else None
    return [
        job
        for job in jobs
        if job.uuid not in run.known_jobs
        and (step.kind.job or not job.ended)
        and (mine is None or step.kind is not CREATE or job.svm in mine or job.svm_uuid in mine[1:])
    ]


def _find(run: Run, sent: Sent) -> Vault | None:
    """The record that a step is about, as it is now; with Azure's reachability where the step is judged by it."""
    vaults = _read(run, sent.step)
    if sent.before:
        return next((vault for vault in vaults if vault.uuid == sent.before.uuid), None)
    return pick(vaults, run.target)


def _read(run: Run, step: Step) -> tuple[Vault, ...]:
    release = run.client.known_release
    if not run.verifies(step) or (release and not release.has(REACHABILITY)):
        return run.read()
    try:
        return run.read(_REACHABILITY)
    except ApiError as exc:
        if exc.code not in UNKNOWN_NAME:
            raise
        return run.read()


def _failed(run: Run, sent: Sent, exc: ApiError | JobError) -> Exception:
    """What to raise for a step that ONTAP refused or whose job failed, and what has become of it.

    A job may fail after a part of its work, so the record decides: unchanged, it was refused.
    """
    raced = _raced(run, sent.step, exc)
    if raced is not exc or exc.code in sent.step.kind.nothing:
        sent.outcome = REFUSED
        return raced
    if isinstance(exc, ApiError) and exc.code != RESTORE_INCOMPLETE:
        sent.outcome = REFUSED
        return exc
    try:
        vault = _find(run, sent)
    except OntapError as unread:
        exc.meaning = f"{exc.meaning} Whether a part of it took effect could not be read: {unread.message}".strip()
        return exc
    shown = _shown(run, sent, vault)
    if shown:
        sent.outcome = DONE
    elif shown is False and _same(vault, sent.before):
        sent.outcome = REFUSED
    return _named(exc, vault)


def _same(one: Vault | None, other: Vault | None) -> bool:
    """Whether two looks at a record show the same; what only one of them asked for does not count."""
    if one is None or other is None:
        return one is other
    asked = (one.record.keys() & other.record.keys()) - set(HEALTH_FIELDS) | {"state"}
    return all(one.record.get(name) == other.record.get(name) for name in asked)


def _raced(run: Run, step: Step, exc: ApiError | JobError) -> Exception:
    """Whether the refusal means that somebody else was faster; then reading again decides what is left to do."""
    if step.kind is CREATE and exc.code == ALREADY_CONFIGURED:
        with contextlib.suppress(OntapError):
            if pick(run.read(), run.target) is not None:
                return RacedError(exc)
            kind = Surroundings(run.client, run.target).occupant(run.target)
            return occupied(run.target, kind) if kind else exc
    gone = exc.code in NOT_CONFIGURED or exc.code == NO_ENTRY or (exc.http_status == 404 and not exc.code)
    return RacedError(exc) if gone and step.kind is not CREATE else exc


def _named(exc: ApiError | JobError, vault: Vault | None) -> OntapError:
    """A restore that failed on some nodes: say on which, and what to check there."""
    if exc.code == RESTORE_INCOMPLETE and vault is not None:
        found = health(vault, "state")
        if found.nodes:
            exc.message += f"; keys are still missing on {', '.join(found.nodes)}"
            exc.remedy = _node_checks(found.nodes)
    return exc


def _node_checks(nodes: t.Sequence[str]) -> str:
    names = ", ".join(nodes)
    return (
        f"On {names}: check that the node is healthy (cluster show), that it reaches the Azure login service from its "
        "management network and the SVM's LIFs there reach the vault (security key-manager external azure check "
        f"-node {nodes[0]}), then run the task again."
    )


def _unknown(run: Run, sent: Sent, exc: OntapError, why: str) -> OntapError:
    """Turn ``exc`` into the error for a step of which nobody knows what became: that comes before anything else."""
    exc.tried = _nobody_knows(run, sent.step)
    exc.meaning = why
    exc.remedy = sent.step.kind.at_last
    if sent.step.sends_secret and not sent.step.visible:
        exc.remedy = (
            "Run the task again with update_credentials: always; sending the same credential twice is harmless."
        )
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
    exc.remedy = _while_it_runs(sent.step, uuid)
    return exc


def _while_it_runs(step: Step, uuid: str) -> str:
    """What is safe while a job may run, or may have ended unseen."""
    if not step.kind.job:
        return (
            f"It goes on in ONTAP. Run the task again when it has ended (job show -uuid {uuid}); before that, the same "
            "change might be sent a second time."
        )
    if step.kind.confirmed:
        return (
            "It goes on in ONTAP. Run the same task again to wait for it, with a larger wait_timeout; on the cluster: "
            f"job show -uuid {uuid}."
        )
    return (
        f"Look at job {uuid} first (job show -uuid {uuid}; when it has ended, job history show). While it runs, the "
        "same task waits for it, with a larger wait_timeout. If it has succeeded, running the task again replaces the "
        "key once more."
    )


def _looks_afterwards(run: Run, step: Step) -> bool:
    """Whether the record is read after a step: to confirm it, for its UUID, or for Azure's reachability."""
    return step.kind.confirmed or run.verifies(step) or (step.kind is CREATE and run.reads_back)


def _look_afterwards(run: Run, sent: Sent, found: Vault | None) -> Vault | None:
    """Read the record after a step where that is due, and judge it. Returns it; None when it was not looked at."""
    step = sent.step
    if step.kind is CREATE and found is None or _looks_afterwards(run, step):
        try:
            vault = found or _find(run, sent)
            if step.kind.confirmed and run.job and run.waiting.wait and not step.kind.shows(step, vault):
                # Answered 200 or 201 with a job that had not ended after all.
                sent.outcome, run.job = UNKNOWN, replace(run.job, state="unknown")
                run.wait_for(run.job.uuid)
                sent.outcome = DONE
                vault = _find(run, sent)
        except JobError as exc:
            raise _failed(run, sent, exc) from exc
        except OntapError as exc:
            if run.job and not run.job.ended:
                raise _not_ended(run, sent, exc) from exc
            exc.tried = f"{step.kind.did} {run.target}, but could not look at it afterwards"
            raise
        try:
            _confirm(run, step, vault)
        except OutcomeError as exc:
            sent.outcome = UNKNOWN
            exc.tried = _nobody_knows(run, step)
            raise
        found = vault
    if found is not None:
        run.warnings += unlike_asked(step, found, run.client.known_release)
    if found is not None and run.verifies(step):
        unverified = bool(step.body.get("skip_verification"))
        run.warnings += azure_refuses(
            run.client, f"{step.kind.did} {run.target}", sent.before, found, unverified=unverified
        )
    return found


def _confirm(run: Run, step: Step, vault: Vault | None) -> None:
    """Raises ``OutcomeError`` when the record does not show what ONTAP has said to be done."""
    if vault is None:
        raise OutcomeError(
            f"ONTAP reported success, but {run.target} has no such configuration",
            remedy="Somebody may have removed it meanwhile: look into the cluster's audit and EMS logs, then run the "
            "task again.",
            method=step.method,
            path=step.path,
        )
    if not step.kind.confirmed or step.kind.shows(step, vault):
        return
    if "key_id" in step.body:
        raise OutcomeError(
            f"ONTAP reported success, but key_id of {run.target} is {vault.value('key_id')} and not "
            f"{step.body['key_id']}",
            remedy="Look into the cluster's EMS log before disabling any version of the old key in Azure.",
        )
    found = health(vault, "state")
    raise OutcomeError(
        f"ONTAP reported success, but keys are still missing on {', '.join(found.nodes) or 'some nodes'}",
        remedy=_node_checks(found.nodes or ("NODE",)),
    )


def azure_refuses(client: Client, did: str, before: Vault | None, after: Vault, *, unverified: bool) -> tuple[str, ...]:
    """Judge a credential that was sent by what ONTAP says of Azure afterwards. Returns warnings.

    ``did`` says what was done. Raises ``OutcomeError`` when ONTAP does not reach Azure with the credential; one that
    was sent ``unverified`` on purpose is only warned of.
    """
    if after.azure_reachable or not after.enabled:
        return ()
    entry = after.record.get(_REACHABILITY) or {}
    said = client.clean(entry.get("message") or "no message", free_text=True)
    if after.azure_reachable is None and not (before is not None and before.azure_reachable is False):
        return ("ONTAP does not say whether it reaches Azure with the credential that was sent.",)
    if unverified:
        return (f"ONTAP does not reach Azure with the credential that was sent unverified: {said}",)
    error = OutcomeError(
        f"ONTAP took the credential, but cannot reach Azure with it: {said}",
        remedy="Check in Azure that the secret or certificate belongs to client_id and has not expired, and that "
        "the application may use the vault; and that the SVM reaches the vault and the nodes the login service. "
        "Then run the task again with update_credentials: when_unreachable; verify: false leaves the check out.",
        code=entry.get("code"),
    )
    error.tried = did
    raise error
