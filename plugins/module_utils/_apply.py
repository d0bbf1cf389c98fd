# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries plans out: reads, asks the plan, sends its steps, waits for jobs, settles answers that were lost."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._client import (
    Answer,
    Client,
    Job,
    Release,
    literal,
    withheld,
)
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
from ansible_collections.ontap.security.plugins.module_utils._plan import (
    NOTHING_TO_REKEY,
    Plan,
    Step,
    together,
    too_old,
)
from ansible_collections.ontap.security.plugins.module_utils._vault import (
    COMPARED,
    FIELDS,
    KEY_STORES,
    SVMS,
    VAULTS,
    Health,
    Target,
    Vault,
    fields_to_read,
    health,
    pick,
    read,
)

# Long enough for most jobs, so that they cost no poll; short enough for any request_timeout in use.
_SERVER_WAIT = 15

# Steps that are jobs by nature: their paths take return_timeout on every release, and a second one must not be started.
_LONG = frozenset({"restore", "rekey", "rekey-internal"})


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
class _Run:
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


class _RacedError(Exception):
    """Somebody else changed the configuration between reading and writing; ``error`` is ONTAP's word for it."""

    def __init__(self, error: OntapError) -> None:
        super().__init__(str(error))
        self.error = error


def ensure(client: Client, wanted: Wanted, *, check_mode: bool, waiting: Waiting | None = None) -> dict[str, t.Any]:
    """Do what is wanted of one configuration, or in check mode say what that would take.

    Returns the module's result. Raises ``OntapError``; its ``result`` says what had been done by then.
    """
    waiting = waiting or Waiting()
    run = _Run(client, wanted, waiting, check_mode, deadline=client.now() + waiting.timeout)
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
    run = _Run(client, wanted, waiting, check_mode, deadline=deadline, plan=plan, before=plan.before, reads_back=False)
    return _guarded(run, lambda: _act(run, current))


def _guarded(run: _Run, first: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Look again once when somebody else was faster; put into an error what had been done by then."""
    try:
        try:
            return first()
        except _RacedError:
            pass
        try:
            return _ensure_once(run)
        except _RacedError as raced:
            raise raced.error from None
    except OntapError as exc:
        exc.result = run.result({})
        del exc.result["azure_key_vault"]
        exc.result.pop("msg", None)
        if not run.actions:
            # In check mode the actions are those that would be sent, and now none would be.
            exc.result.update(changed=False, actions=[])
            if exc.result["credentials"] == "sent":
                exc.result["credentials"] = "not_sent"
        if exc.job is None and run.job is not None:
            exc.job = run.job.as_result()
        if exc.job is not None:
            exc.result["job"] = exc.job
        raise


def _ensure_once(run: _Run) -> dict[str, t.Any]:
    return _act(run, _look(run))


def _act(run: _Run, current: Vault | None) -> dict[str, t.Any]:
    plan = run.plan
    if current is not None and _attach(run):
        if not run.waiting.wait:
            run.plan = replace(plan, after=plan.before)
            return run.result(current.record)
        return run.result(plan.record) if plan.unseen or run.check_mode else _ensure_once(run)
    if run.check_mode or not plan.changed:
        return run.result(plan.record if plan.changed or current is None else current.record)
    return run.result(_carry_out(run, current))


def _look(run: _Run) -> Vault | None:
    """Read, plan, and raise what stands in the way. Returns the present configuration."""
    client, wanted = run.client, run.wanted
    with _trying("read the Azure Key Vault configuration of", run):
        current = _find(run)
        plan = wanted.plan(current)
        if plan.needs_release:
            plan = wanted.plan(current, client.release())
    run.plan = plan
    if run.before is None:
        run.before = plan.before
    if plan.pending and run.check_mode and not run.target.uuid:
        with _trying("use the Azure Key Vault configuration of", run):
            Surroundings(client, run.target).check(run.target, check_mode=False)
        run.warnings.append(plan.pending)
        return None
    with _trying(plan.steps[0] if plan.steps else "use the Azure Key Vault configuration of", run):
        if plan.blockers:
            raise together(plan.blockers)
        if wanted.creates and current is None:
            Surroundings(client, run.target).check(run.target, check_mode=run.check_mode)
    return current


def _find(run: _Run) -> Vault | None:
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


def read_scope(client: Client, target: Target, fields: str) -> tuple[Vault, ...]:
    try:
        return read(client, target, fields=fields)
    except ApiError as exc:
        if exc.code in NOT_CONFIGURED or exc.code == NO_ENTRY:
            return ()
        raise


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


def _attach(run: _Run) -> bool:
    """Before a step that is a job: wait for one of its kind that goes on already instead of starting a second.

    True when there was one. Also notes the jobs that are there, so that a job whose name is lost can be told from them.
    """
    step = run.plan.steps[-1] if run.plan.steps else None
    if step is None or step.kind not in _LONG or run.attached:
        return False
    with _trying(step, run):
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
        with _trying(step, run):
            run.wait_for(running.uuid)
    return True


def _carry_out(run: _Run, current: Vault | None) -> t.Mapping[str, t.Any]:
    """Send the plan's steps in order. Returns the record afterwards."""
    plan = run.plan
    record: t.Mapping[str, t.Any] = plan.record
    for step in plan.steps:
        with _trying(step, run):
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


def _perform(run: _Run, step: Step, uuid: str | None) -> Vault | None:
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


def _accepted(run: _Run, step: Step, uuid: str | None) -> None:
    """ONTAP has taken a step: from here on it counts, whatever becomes of waiting."""
    run.actions.append(step.as_action(uuid))
    run.credentials_sent = run.credentials_sent or any(FIELDS[name].secret for name in step.body if name in FIELDS)


def _server_wait(run: _Run) -> int:
    if not run.waiting.wait:
        return 0
    return max(0, int(min(_SERVER_WAIT, run.waiting.timeout, run.client.connection.timeout - 5)))


def _see_job_through(run: _Run, step: Step, answer: Answer) -> None:
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


def _settle(run: _Run, step: Step, uuid: str | None) -> tuple[bool | None, Vault | None]:
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


def _wait_for_lost_job(run: _Run, step: Step) -> bool:
    """The answer that would have named the job is lost: it is the one that was not there before."""
    job = next((job for job in run.client.jobs(step.path) if job.uuid not in run.known_jobs), None)
    if job is None:
        return False
    run.job = job
    if run.waiting.wait:
        run.wait_for(job.uuid)
    return True


def _raced(run: _Run, step: Step, exc: ApiError | JobError) -> Exception:
    """Whether the refusal means that somebody else was faster; then reading again decides what is left to do."""
    if step.kind == "create" and exc.code == ALREADY_CONFIGURED:
        if pick(run.read(), run.target) is not None:
            return _RacedError(exc)
        kind = Surroundings(run.client, run.target).occupant(run.target)
        return _occupied(run.target, kind) if kind else exc
    gone = exc.code in NOT_CONFIGURED or exc.code == NO_ENTRY or (exc.http_status == 404 and not exc.code)
    return _RacedError(exc) if gone and step.kind != "create" else exc


def _named(run: _Run, exc: OntapError) -> OntapError:
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


def _read_back(run: _Run, step: Step) -> Vault:
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


def _read_outcome(run: _Run, step: Step) -> Vault:
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


def _check_reachability(run: _Run, current: Vault | None) -> None:
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


@contextlib.contextmanager
def _trying(what: Step | str, run: _Run) -> t.Iterator[None]:
    """Names in every error what was being tried."""
    try:
        yield
    except OntapError as exc:
        if not exc.tried:
            exc.tried = f"Could not {what.purpose if isinstance(what, Step) else what} {run.target}"
        raise
