# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries plans out: reads, asks the plan, sends its steps, waits for jobs, settles answers that were lost."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._client import Answer, Client, Job, literal
from ansible_collections.ontap.security.plugins.module_utils._codes import (
    ALREADY_CONFIGURED,
    NO_ENTRY,
    NOT_CONFIGURED,
    UNKNOWN_NAME,
    explain,
)
from ansible_collections.ontap.security.plugins.module_utils._errors import (
    ApiError,
    BlockedError,
    JobError,
    LostAnswerError,
    OntapError,
    OutcomeError,
)
from ansible_collections.ontap.security.plugins.module_utils._plan import (
    Desired,
    Plan,
    Step,
    make_plan,
    together,
    too_old,
)
from ansible_collections.ontap.security.plugins.module_utils._vault import (
    COMPARED,
    FIELDS,
    KEY_STORES,
    REACHABILITY,
    SVMS,
    VAULTS,
    Target,
    Vault,
    fields_to_read,
    pick,
    read,
)

# Long enough for most jobs, so that they cost no poll; short enough for any request_timeout in use.
_SERVER_WAIT = 15


@dataclass(frozen=True)
class Waiting:
    """Whether to wait for jobs, and for how many seconds altogether."""

    wait: bool = True
    timeout: float = 600


@dataclass
class _Run:
    """What has happened so far in one call of ``ensure``; it survives a plan that has to be made again."""

    client: Client
    desired: Desired
    waiting: Waiting
    check_mode: bool
    plan: Plan = field(default_factory=Plan)
    before: t.Mapping[str, t.Any] | None = None
    actions: list[dict[str, t.Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    job: Job | None = None
    attached: bool = False
    credentials_sent: bool = False

    def result(self, record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The module's result, with ``record`` as the configuration afterwards."""
        plan, target = self.plan, str(self.desired.target)
        actions = [step.as_action() for step in plan.steps] if self.check_mode else self.actions
        sent = plan.credentials == "sent" if self.check_mode else self.credentials_sent
        result: dict[str, t.Any] = {
            "changed": bool(actions) or self.attached,
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
        if self.job is not None:
            result["job"] = self.job.as_result()
        return result


class _RacedError(Exception):
    """Somebody else changed the configuration between reading and writing; ``error`` is ONTAP's word for it."""

    def __init__(self, error: OntapError) -> None:
        super().__init__(str(error))
        self.error = error


def ensure(client: Client, desired: Desired, *, check_mode: bool, waiting: Waiting | None = None) -> dict[str, t.Any]:
    """Bring one configuration into the desired state, or in check mode say what that would take.

    Returns the module's result. Raises ``OntapError``; its ``result`` says what had been done by then.
    """
    run = _Run(client, desired, waiting or Waiting(), check_mode)
    try:
        try:
            return _ensure_once(run)
        except _RacedError:
            pass
        try:
            return _ensure_once(run)
        except _RacedError as raced:
            raise raced.error from None
    except OntapError as exc:
        exc.result = run.result({})
        del exc.result["azure_key_vault"]
        if not run.actions:
            # In check mode the actions are those that would be sent, and now none would be.
            exc.result.update(changed=False, actions=[])
        if exc.job is None and run.job is not None:
            exc.job = run.job.as_result()
        raise


def _ensure_once(run: _Run) -> dict[str, t.Any]:
    current = _look(run)
    plan = run.plan
    if current is not None and _attach(run, current):
        return _ensure_once(run) if run.waiting.wait else run.result(plan.record)
    if run.check_mode or not plan.changed:
        return run.result(plan.record if plan.changed or current is None else current.record)
    return run.result(_carry_out(run, current))


def _look(run: _Run) -> Vault | None:
    """Read, plan, and raise what stands in the way. Returns the present configuration."""
    client, desired = run.client, run.desired
    with _trying("read", run):
        current = find(client, desired)
        plan = make_plan(desired, current)
        if plan.needs_release:
            plan = make_plan(desired, current, client.release())
    run.plan = plan
    if run.before is None:
        run.before = plan.before
    with _trying(plan.steps[0] if plan.steps else "change", run):
        if plan.blockers:
            raise together(plan.blockers)
        if desired.present and current is None:
            _check_create(client, desired.target, check_mode=run.check_mode)
    return current


def find(client: Client, desired: Desired) -> Vault | None:
    """The configuration that is meant, as it is now, in one request. None when there is none."""
    target = desired.target
    if not desired.present:
        return pick(_read(client, target, "*"), target)
    managed = [name for name in COMPARED if name in desired.values]
    since = {name: FIELDS[name].since for name in managed}
    if desired.update_credentials == "when_unreachable":
        managed.append("azure_reachability")
        since["azure_reachability"] = REACHABILITY
    fields = fields_to_read(managed)
    try:
        return pick(_read(client, target, fields), target)
    except ApiError as exc:
        # A release refuses to be asked for a field it does not have: name the option instead of ONTAP's message.
        if exc.code not in UNKNOWN_NAME or fields == "*":
            raise
        release = client.release()
        names = {"azure_reachability": "update_credentials=when_unreachable"}
        unknown = [
            too_old(names.get(name, name), first, release) for name, first in since.items() if not release.has(first)
        ]
        if not unknown:
            raise
        raise together(unknown) from None


def _read(client: Client, target: Target, fields: str) -> tuple[Vault, ...]:
    try:
        return read(client, target, fields=fields)
    except ApiError as exc:
        if exc.code in NOT_CONFIGURED or exc.code == NO_ENTRY:
            return ()
        raise


def _check_create(client: Client, target: Target, *, check_mode: bool) -> None:
    """What a create runs into that no record of ours shows. Raises ``BlockedError``.

    In a real run the POST itself finds out about another key manager; check mode has to look.
    """
    if target.scope == "cluster":
        return
    query = {"name": literal(target.svm)} if target.svm else {"uuid": literal(target.svm_uuid or "")}
    try:
        svms = client.records(SVMS, {**query, "fields": "name,uuid"})
    except ApiError as exc:
        if exc.http_status != 403:
            raise
        # A login with a narrow role may manage key managers and not see SVMs; then the POST will tell.
        return
    wanted = target.svm or target.svm_uuid
    if not any(wanted in (svm.get("name"), svm.get("uuid")) for svm in svms):
        raise BlockedError(
            f"{target} does not exist on {client.connection.hostname}",
            remedy="Check svm (or svm_uuid), and that hostname is the cluster that owns the SVM.",
        )
    if check_mode:
        kind = _other_key_manager(client, target)
        if kind:
            raise _occupied(target, kind)


def _other_key_manager(client: Client, target: Target) -> str | None:
    """The type of an enabled key manager of another kind on the SVM; None if there is none or nobody can tell."""
    query = target.query()
    try:
        stores = client.records(KEY_STORES, {**query, "fields": "*"})
    except ApiError:
        # Before 9.10.1 there is no such collection, and a narrow role may not see it.
        return None
    for store in stores:
        # Nested up to 9.12.1 (contract, key-stores).
        inner = store.get("keystore")
        kind = (inner if isinstance(inner, dict) else store).get("type")
        enabled = (inner if isinstance(inner, dict) else store).get("enabled", store.get("enabled"))
        if kind and kind != "akv" and enabled is not False:
            return str(kind)
    return None


def _occupied(target: Target, kind: str) -> BlockedError:
    known = explain(ALREADY_CONFIGURED)
    return BlockedError(
        f"{target} already has an enabled key manager of type {kind}, and only one of any kind can be enabled",
        remedy=known.remedy if known else "",
        code=ALREADY_CONFIGURED,
    )


def _attach(run: _Run, current: Vault) -> bool:
    """Before a rekey: wait for one that is running already instead of starting a second.

    True when there was one and the world has to be looked at again.
    """
    if run.attached or not any(step.kind == "rekey" for step in run.plan.steps):
        return False
    with _trying("read", run):
        job = run.client.running_job(current.uuid, "rekey-external")
    if job is None:
        return False
    run.job = job
    if run.check_mode:
        run.warnings.append(f"Job {job.uuid} is moving {run.desired.target} to another key; a real run waits for it.")
        return False
    run.attached = True
    if run.waiting.wait:
        with _trying("wait for the running rekey of", run):
            run.job = run.client.wait(job.uuid, run.waiting.timeout)
    return True


def _carry_out(run: _Run, current: Vault | None) -> t.Mapping[str, t.Any]:
    """Send the plan's steps in order. Returns the record afterwards."""
    plan = run.plan
    record: t.Mapping[str, t.Any] = plan.record
    for step in plan.steps:
        with _trying(step, run):
            uuid = current.uuid if current else None
            settled = _perform(run, step, uuid)
            run.actions.append(step.as_action(uuid))
            run.credentials_sent = run.credentials_sent or any(FIELDS[n].secret for n in step.body if n in FIELDS)
            if not run.waiting.wait and run.job is not None and not run.job.ended:
                if step is not plan.steps[-1]:
                    run.warnings.append("wait is false, so what has to follow the job is left to the next run.")
                return record
            if step.kind == "create":
                current = settled or _read_back(run, step)
                record = current.record
            elif step.kind == "verify":
                record = {**record, **step.body}
            elif step.kind == "rekey":
                record = (settled or _read_rekeyed(run, step)).record
            elif step.kind == "update":
                _check_reachability(run, step, current)
    return record if run.desired.present else {}


def _perform(run: _Run, step: Step, uuid: str | None) -> Vault | None:
    """Send one step and see it through. Returns the record if settling a lost answer had to read it."""
    path = step.path.replace("{uuid}", uuid or "")
    query = {"return_timeout": _server_wait(run)} if step.kind == "rekey" else None
    for last in (False, True):
        try:
            answer = run.client.write(step.method, path, dict(step.body) or None, query)
            _see_job_through(run, step, answer)
            return None
        except LostAnswerError as exc:
            took_effect, vault = _settle(run, step, uuid)
            if took_effect:
                return vault
            if took_effect is None:
                exc.meaning = "Whether ONTAP took it cannot be seen: it never shows a credential."
                exc.remedy = (
                    "Run the task again with update_credentials: always; sending the same credential twice is harmless."
                )
                raise
            if last:
                exc.meaning = "Read again afterwards, the configuration shows no effect of it."
                raise
        except (ApiError, JobError) as exc:
            raise _raced(run, step, exc) from exc
    raise AssertionError("unreachable: the second round returns or raises")


def _server_wait(run: _Run) -> int:
    if not run.waiting.wait:
        return 0
    return max(0, int(min(_SERVER_WAIT, run.waiting.timeout, run.client.connection.timeout - 5)))


def _see_job_through(run: _Run, step: Step, answer: Answer) -> None:
    uuid = answer.job_uuid
    if uuid is None:
        return
    run.job = Job(uuid=uuid, state="running" if answer.status == 202 else "success")
    if answer.status == 202 and run.waiting.wait:
        run.job = run.client.wait(uuid, run.waiting.timeout)
        if run.job.state == "gone" and not _settle(run, step, None)[0]:
            raise OutcomeError(
                f"ONTAP no longer knows job {uuid}, and the configuration shows no effect of it",
                remedy="Look into the cluster's audit and EMS logs, then run the task again.",
                job=run.job.as_result(),
            )


def _settle(run: _Run, step: Step, uuid: str | None) -> tuple[bool | None, Vault | None]:
    """Read whether a step has taken effect: True, False, or None when no field that ONTAP shows can tell."""
    target = run.desired.target
    with _trying("read", run):
        vaults = _read(run.client, target, fields_to_read(name for name in step.body if name in COMPARED))
    if step.kind == "delete":
        path_uuid = step.path.rsplit("/", 1)[-1]
        return all(vault.uuid != path_uuid for vault in vaults), None
    vault = next((v for v in vaults if v.uuid == uuid), None) if uuid else pick(vaults, target)
    if vault is None:
        return False, None
    shown = [name for name in step.body if name in COMPARED]
    if any(not FIELDS[name].same(step.body[name], vault.value(name)) for name in shown):
        if step.kind == "rekey":
            _wait_for_lost_job(run, vault)
            with _trying("read", run):
                vault = pick(_read(run.client, target, "*"), target) or vault
            return FIELDS["key_id"].same(step.body["key_id"], vault.value("key_id")), vault
        return False, vault
    return (True if shown else None), vault


def _wait_for_lost_job(run: _Run, vault: Vault) -> None:
    """The answer that would have named the job is lost: find the job by what it does."""
    job = run.client.running_job(vault.uuid, "rekey-external")
    if job is not None:
        run.job = run.client.wait(job.uuid, run.waiting.timeout) if run.waiting.wait else job


def _raced(run: _Run, step: Step, exc: ApiError | JobError) -> Exception:
    """Whether the refusal means that somebody else was faster; then reading again decides what is left to do."""
    if step.kind == "create" and exc.code == ALREADY_CONFIGURED:
        target = run.desired.target
        with _trying("read", run):
            if pick(_read(run.client, target, "*"), target) is not None:
                return _RacedError(exc)
            kind = _other_key_manager(run.client, target)
        return _occupied(target, kind) if kind else exc
    gone = exc.code in NOT_CONFIGURED or exc.http_status == 404
    return _RacedError(exc) if gone and step.kind != "create" else exc


def _read_back(run: _Run, step: Step) -> Vault:
    """The record just created."""
    target = run.desired.target
    managed = [name for name in run.desired.values if name in COMPARED]
    vault = pick(_read(run.client, target, fields_to_read(managed)), target)
    if vault is None:
        raise OutcomeError(
            f"ONTAP accepted the request and shows no configuration for {target}",
            remedy="Look into the cluster's EMS log, then run the task again.",
            method=step.method,
            path=step.path,
        )
    return vault


def _read_rekeyed(run: _Run, step: Step) -> Vault:
    """The record after a rekey; its key must be the wanted one."""
    target = run.desired.target
    wanted = step.body["key_id"]

    def shown() -> Vault | None:
        return pick(_read(run.client, target, "*"), target)

    vault = shown()
    if vault and run.job and not FIELDS["key_id"].same(wanted, vault.value("key_id")) and run.waiting.wait:
        # Answered 200 or 201 with a job that had not ended after all.
        run.job = run.client.wait(run.job.uuid, run.waiting.timeout)
        vault = shown()
    if vault is None or not FIELDS["key_id"].same(wanted, vault.value("key_id")):
        raise OutcomeError(
            f"ONTAP reported success, but key_id of {target} is {vault.value('key_id') if vault else 'gone'} "
            f"and not {wanted}",
            remedy="Look into the cluster's EMS log before disabling any version of the old key in Azure.",
        )
    return vault


def _check_reachability(run: _Run, step: Step, current: Vault | None) -> None:
    """A credential sent because Azure refused the old one must have helped."""
    if run.desired.update_credentials != "when_unreachable" or current is None or current.azure_reachable is not False:
        return
    raw = run.client.get(f"{VAULTS}/{current.uuid}", {"fields": "azure_reachability"})
    vault = Vault.of(raw)
    if vault.azure_reachable is not True:
        said = (vault.record.get("azure_reachability") or {}).get("message") or "no message"
        raise OutcomeError(
            f"ONTAP took the credential, but still cannot reach Azure with it: {said}",
            remedy="Check in Azure that the secret or certificate belongs to client_id and has not expired, and that "
            "the application may use the vault; and that the SVM reaches the vault and the nodes the login service.",
        )


@contextlib.contextmanager
def _trying(step: Step | str, run: _Run) -> t.Iterator[None]:
    """Names in every error what was being tried."""
    try:
        yield
    except OntapError as exc:
        if not exc.tried:
            what = step.purpose if isinstance(step, Step) else step
            exc.tried = f"Could not {what} the Azure Key Vault configuration of {run.desired.target}"
        raise
