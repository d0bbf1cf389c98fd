# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the steps of a plan, waits for their jobs, and settles answers that were lost.

Apart from ``_apply``, so that the usual run, which finds nothing to do, does not have to load it.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._client import Answer, Client, Job, literal, withheld
from ansible_collections.ontap.security.plugins.module_utils._codes import (
    ALREADY_CONFIGURED,
    NO_ENTRY,
    NO_INTERNAL_KEY,
    NOT_CONFIGURED,
    RESTORE_INCOMPLETE,
    UNKNOWN_NAME,
    explain,
)
from ansible_collections.ontap.security.plugins.module_utils._errors import (
    ApiError,
    BlockedError,
    JobError,
    JobTimeoutError,
    LostAnswerError,
    OntapError,
    OutcomeError,
    TransportError,
)
from ansible_collections.ontap.security.plugins.module_utils._health import Health, health
from ansible_collections.ontap.security.plugins.module_utils._plan import NOTHING_TO_REKEY, Plan, Step
from ansible_collections.ontap.security.plugins.module_utils._run import RacedError, Run, trying
from ansible_collections.ontap.security.plugins.module_utils._vault import (
    COMPARED,
    FIELDS,
    KEY_STORES,
    SVMS,
    VAULTS,
    Target,
    Vault,
    pick,
)

# Long enough for most jobs, so that they cost no poll; short enough for any request_timeout in use.
_SERVER_WAIT = 15

# Steps that are jobs by nature: their paths take return_timeout on every release, and a second one must not be started.
_LONG = frozenset({"restore", "rekey", "rekey-internal"})


class Surroundings:
    """What a create runs into that no record of ours shows: SVMs and other key managers, read when first asked for.

    For one ``target``, or for the whole cluster.
    """

    def __init__(self, client: Client, target: Target | None = None) -> None:
        self._client = client
        self._target = target

    def check(self, target: Target, *, check_mode: bool) -> None:
        """Raises ``BlockedError`` for an SVM that does not exist, and in check mode for one with another key manager.

        In a real run the POST itself finds out about that.
        """
        if target.scope == "cluster":
            return
        if self._svms is not None and not any(_is_svm(svm, target) for svm in self._svms):
            raise BlockedError(
                f"{target} does not exist on {self._client.connection.hostname}",
                remedy="Check svm (or svm_uuid), and that hostname is the cluster that owns the SVM.",
            )
        kind = self.occupant(target) if check_mode else None
        if kind:
            raise _occupied(target, kind)

    def svm(self, target: Target) -> dict[str, t.Any]:
        """Name and UUID of the target's SVM, however it was named; empty for the cluster or when nobody can tell."""
        known = self._svms or () if target.scope == "svm" else ()
        return next((svm for svm in known if _is_svm(svm, target)), {})

    def occupant(self, target: Target) -> str | None:
        """The type of an enabled key manager of another kind on the SVM; None if there is none or nobody can tell."""
        for store in self._stores:
            # Nested up to 9.12.1 (contract, key-stores).
            inner = {**store, **store["keystore"]} if isinstance(store.get("keystore"), dict) else store
            svm = inner.get("svm")
            here = _is_svm(svm, target) if isinstance(svm, dict) and svm else self._target is not None
            if here and inner.get("type") not in (None, "akv") and inner.get("enabled") is not False:
                return str(inner["type"])
        return None

    @functools.cached_property
    def _svms(self) -> list[dict[str, t.Any]] | None:
        query = {"fields": "name,uuid"}
        if self._target and self._target.svm:
            query["name"] = literal(self._target.svm)
        elif self._target:
            query["uuid"] = literal(self._target.svm_uuid or "")
        try:
            return self._client.records(SVMS, query)
        except (ApiError, TransportError) as exc:
            if not withheld(exc):
                raise
            # A login with a narrow role may manage key managers and not see SVMs; then the POST will tell.
            return None

    @functools.cached_property
    def _stores(self) -> list[dict[str, t.Any]]:
        query = self._target.query() if self._target else {}
        try:
            return self._client.records(KEY_STORES, {**query, "fields": "*,svm.name,svm.uuid"})
        except (ApiError, TransportError) as exc:
            if not withheld(exc) and exc.code not in UNKNOWN_NAME:
                raise
            # Before 9.10.1 there is no such collection, and a narrow role may not see it.
            return []


def _is_svm(svm: t.Mapping[str, t.Any], target: Target) -> bool:
    return (target.svm or target.svm_uuid) in (svm.get("name"), svm.get("uuid"))


def _occupied(target: Target, kind: str) -> BlockedError:
    known = explain(ALREADY_CONFIGURED)
    return BlockedError(
        f"{target} already has an enabled key manager of type {kind}, and only one of any kind can be enabled",
        remedy=known.remedy if known else "",
        code=ALREADY_CONFIGURED,
    )


def write(run: Run, current: Vault | None, again: t.Callable[[Run], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Carry the plan out, or in check mode predict it. ``again`` looks once more after a job that was there already.

    Returns the module's result.
    """
    plan = run.plan
    if current is not None and _attach(run):
        if not run.waiting.wait:
            run.plan = replace(plan, after=plan.before)
            return run.result(current.record)
        return run.result(plan.record) if plan.unseen or run.check_mode else again(run)
    return run.result(plan.record if run.check_mode else _carry_out(run, current))


def _attach(run: Run) -> bool:
    """Before a step that is a job: wait for one of its kind that goes on already instead of starting a second.

    True when there was one. Also notes the jobs that are there, so that a job whose name is lost can be told from them.
    """
    step = run.plan.steps[-1] if run.plan.steps else None
    if step is None or step.kind not in _LONG or run.attached:
        return False
    with trying(step, run):
        jobs = run.client.jobs(step.path)
    run.known_jobs = frozenset(job.uuid for job in jobs)
    running = next((job for job in jobs if not job.ended), None)
    if running is None:
        return False
    run.job = running
    run.attached = True
    if run.check_mode:
        later = (
            "; it starts another if the key is not the wanted one then" if step.kind == "rekey" else " and starts none"
        )
        run.warnings.append(
            f"Job {running.uuid}, which is {running.state}, does this already. A real run waits for it{later}."
        )
    elif run.waiting.wait:
        with trying(step, run):
            run.wait_for(running.uuid)
    return True


def _carry_out(run: Run, current: Vault | None) -> t.Mapping[str, t.Any]:
    """Send the plan's steps in order. Returns the record afterwards."""
    plan = run.plan
    record: t.Mapping[str, t.Any] = plan.record
    for step in plan.steps:
        with trying(step, run):
            uuid = current.uuid if current else None
            try:
                settled = _perform(run, step, uuid)
            except (ApiError, JobError) as exc:
                if step.kind == "rekey-internal" and exc.code == NO_INTERNAL_KEY:
                    run.note, run.plan = NOTHING_TO_REKEY, Plan(before=plan.before, after=plan.before)
                    return record
                raise _named(run, exc) from exc
            if not run.waiting.wait and run.job is not None and not run.job.ended:
                if step is not plan.steps[-1]:
                    run.warnings.append("wait is false, so what has to follow the job is left to the next run.")
                # As it is now: what the job will make of it is in the diff.
                return current.record if current else {}
            if step.kind == "create":
                current = _read_back(run, step) if run.reads_back and settled is None else settled
                if current is None and step is not plan.steps[-1]:
                    # verify_host and verify_ip need its UUID.
                    current = _read_back(run, step)
                record = {**record, **current.record} if current else record
            elif step.kind == "verify":
                record = {**record, **step.body}
            elif step.kind in ("rekey", "restore"):
                record = (settled or _read_outcome(run, step)).record
            elif step.kind == "update":
                _check_reachability(run, current)
            elif step.kind == "delete":
                record = {}
    return record


def _perform(run: Run, step: Step, uuid: str | None) -> Vault | None:
    """Send one step and see it through. Returns the record if ONTAP's answer or settling a lost one showed it."""
    path = step.path.replace("{uuid}", uuid or "")
    query: dict[str, int | bool] = {"return_timeout": _server_wait(run)} if step.kind in _LONG else {}
    if step.kind == "create" and not run.reads_back:
        query["return_records"] = True
    for last in (False, True):
        try:
            # Reading cannot settle a lost answer to a step that shows nowhere: a stale connection must not lose it.
            fresh = step.kind == "rekey-internal" or not any(name in COMPARED for name in step.body)
            answer = run.client.write(step.method, path, dict(step.body) or None, query, fresh=fresh)
            _accepted(run, step, uuid)
            _see_job_through(run, step, answer)
            created = answer.body.get("records") if step.kind == "create" else None
            return Vault.of(created[0]) if created else None
        except LostAnswerError as exc:
            took_effect, vault = _settle(run, step, uuid)
            if took_effect:
                _accepted(run, step, uuid)
                return vault
            if took_effect is None:
                exc.meaning = "Whether ONTAP took it cannot be seen: it shows neither credentials nor the internal key."
                exc.remedy = _UNSEEN[step.kind == "rekey-internal"]
                raise
            if last:
                exc.meaning = "Read again afterwards, the configuration shows no effect of it."
                raise
        except (ApiError, JobError) as exc:
            raise _raced(run, step, exc) from exc
    raise AssertionError("unreachable: the second round returns or raises")


_UNSEEN: t.Final = {
    True: "Look for the job on the cluster (job history show) before running the task again.",
    False: "Run the task again with update_credentials: always; sending the same credential twice is harmless.",
}


def _accepted(run: Run, step: Step, uuid: str | None) -> None:
    """ONTAP has taken a step: from here on it counts, whatever becomes of waiting."""
    run.actions.append(step.as_action(uuid))
    run.credentials_sent = run.credentials_sent or any(FIELDS[name].secret for name in step.body if name in FIELDS)


def _server_wait(run: Run) -> int:
    if not run.waiting.wait:
        return 0
    return max(0, int(min(_SERVER_WAIT, run.waiting.timeout, run.client.connection.timeout - 5)))


def _see_job_through(run: Run, step: Step, answer: Answer) -> None:
    uuid = answer.job_uuid
    if uuid is None:
        return
    run.job = Job(uuid=uuid, state="running" if answer.status == 202 else "success")
    # 200 and 201 say that it is done; where reading can confirm that, it does, and elsewhere the job is asked.
    if run.waiting.wait and (answer.status == 202 or run.plan.unseen):
        try:
            run.wait_for(uuid)
        except JobTimeoutError as exc:
            if step.kind not in _LONG:
                exc.remedy = (
                    f"It goes on in ONTAP. Run the task again when it has ended (job show -uuid {uuid}); before that, "
                    "the same change might be sent a second time."
                )
            raise
        if run.job.state == "gone" and _settle(run, step, None)[0] is False:
            raise OutcomeError(
                f"ONTAP no longer knows job {uuid}, and the configuration shows no effect of it",
                remedy="Look into the cluster's audit and EMS logs, then run the task again.",
                job=run.job.as_result(),
            )


def _settle(run: Run, step: Step, uuid: str | None) -> tuple[bool | None, Vault | None]:
    """Read whether a step has taken effect: True, False, or None when nothing that ONTAP shows can tell."""
    if step.kind == "rekey-internal":
        return (True if _wait_for_lost_job(run, step) else None), None
    vaults = run.read()
    if step.kind == "delete":
        return all(vault.uuid != step.path.rsplit("/", 1)[-1] for vault in vaults), None
    vault = next((v for v in vaults if v.uuid == uuid), None) if uuid else pick(vaults, run.target)
    if vault is None:
        return False, None
    shown = _shows(step, vault)
    if shown is False and step.kind in _LONG and _wait_for_lost_job(run, step):
        vault = pick(run.read(), run.target) or vault
        shown = _shows(step, vault)
    return shown, vault


def _shows(step: Step, vault: Vault) -> bool | None:
    """Whether a record shows the effect of a step; None when no field of it could."""
    if step.kind == "restore":
        return health(vault, "state").verdict != "keys_missing"
    fields = [name for name in step.body if name in COMPARED]
    if not fields:
        return None
    return all(FIELDS[name].same(step.body[name], vault.value(name)) for name in fields)


def _wait_for_lost_job(run: Run, step: Step) -> bool:
    """The answer that would have named the job is lost: it is the one that was not there before."""
    job = next((job for job in run.client.jobs(step.path) if job.uuid not in run.known_jobs), None)
    if job is None:
        return False
    run.job = job
    if run.waiting.wait:
        run.wait_for(job.uuid)
    return True


def _raced(run: Run, step: Step, exc: ApiError | JobError) -> Exception:
    """Whether the refusal means that somebody else was faster; then reading again decides what is left to do."""
    if step.kind == "create" and exc.code == ALREADY_CONFIGURED:
        if pick(run.read(), run.target) is not None:
            return RacedError(exc)
        kind = Surroundings(run.client, run.target).occupant(run.target)
        return _occupied(run.target, kind) if kind else exc
    gone = exc.code in NOT_CONFIGURED or exc.code == NO_ENTRY or (exc.http_status == 404 and not exc.code)
    return RacedError(exc) if gone and step.kind != "create" else exc


def _named(run: Run, exc: OntapError) -> OntapError:
    """A restore that failed on some nodes: say on which, and what to check there."""
    if exc.code == RESTORE_INCOMPLETE:
        vault = pick(run.read(), run.target)
        found = health(vault, "state") if vault else Health("unknown")
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


def _read_back(run: Run, step: Step) -> Vault:
    """The record just created."""
    vault = pick(run.read(), run.target)
    if vault is None:
        raise OutcomeError(
            f"ONTAP accepted the request and shows no configuration for {run.target}",
            remedy="Look into the cluster's EMS log, then run the task again.",
            method=step.method,
            path=step.path,
        )
    return vault


def _read_outcome(run: Run, step: Step) -> Vault:
    """The record after a job; it must show what the job was for."""
    vault = pick(run.read(), run.target)
    if vault and run.job and run.waiting.wait and _shows(step, vault) is False:
        # Answered 200 or 201 with a job that had not ended after all.
        run.wait_for(run.job.uuid)
        vault = pick(run.read(), run.target)
    if vault is None:
        raise OutcomeError(
            f"ONTAP reported success, but {run.target} has no such configuration any more",
            remedy="Somebody removed it meanwhile: look into the cluster's audit log.",
        )
    if _shows(step, vault) is False:
        if step.kind == "restore":
            found = health(vault, "state")
            raise OutcomeError(
                f"ONTAP reported success, but keys are still missing on {', '.join(found.nodes) or 'some nodes'}",
                remedy=_node_checks(found.nodes or ("NODE",)),
            )
        raise OutcomeError(
            f"ONTAP reported success, but key_id of {run.target} is {vault.value('key_id')} and not "
            f"{step.body['key_id']}",
            remedy="Look into the cluster's EMS log before disabling any version of the old key in Azure.",
        )
    return vault


def _check_reachability(run: Run, current: Vault | None) -> None:
    """A credential sent because Azure refused the old one must have helped."""
    if "azure_reachability" not in run.wanted.shown_by or current is None or current.azure_reachable is not False:
        return
    vault = Vault.of(run.client.get(f"{VAULTS}/{current.uuid}", {"fields": "azure_reachability"}))
    if vault.azure_reachable is not True:
        said = (vault.record.get("azure_reachability") or {}).get("message") or "no message"
        raise OutcomeError(
            f"ONTAP took the credential, but still cannot reach Azure with it: {said}",
            remedy="Check in Azure that the secret or certificate belongs to client_id and has not expired, and that "
            "the application may use the vault; and that the SVM reaches the vault and the nodes the login service.",
        )
