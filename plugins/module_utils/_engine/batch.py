# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All configurations of a cluster at once: one read, a plan for each entry, then only the writes, side by side."""

from __future__ import annotations

import copy
import functools
import re
import threading
import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._engine.ensure import carry_out
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan, Proof, Wanted, together
from ansible_collections.ontap.security.plugins.module_utils._engine.read import read_all
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record, pick
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import EVERYTHING, Health, Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.run import DONE, UNKNOWN
from ansible_collections.ontap.security.plugins.module_utils._engine.surroundings import Surroundings
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import ALREADY_CONFIGURED, UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    BlockedError,
    InputError,
    OntapError,
    OutcomeError,
    UnsupportedError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Waiting
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

# What is counted in the summary: what was found, and what has become of it, of which each configuration has one each.
VERDICTS: t.Final = ("in_sync", "missing", "drifted", "unmanaged", "blocked", "error")
BECAME: t.Final = ("unchanged", "created", "changed", "removed", "failed")

# UUIDs that comfortably fit into a URL.
_LONGEST_LIST = 50


class Described(Wanted, t.Protocol):
    """What users describe of one configuration in a list of them.

    ``of`` takes an entry and raises ``InputError`` for one that cannot be meant; ``absent`` is that there is none.
    ``undescribed`` are the settings of a configuration that nobody described, and that are worth telling.
    """

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Described: ...

    @classmethod
    def absent(cls, target: Target) -> Described: ...

    def undescribed(self, current: t.Any) -> list[dict[str, t.Any]]: ...


@dataclass(frozen=True)
class Batch:
    """The wanted configurations of one cluster, checked, and what to do with those that nobody wants."""

    kind: type[Described]
    entries: tuple[Described, ...]
    unmanaged: str = "report"
    concurrency: int = 4
    health: bool = False

    @classmethod
    def of(cls, kind: type[Described], params: t.Mapping[str, t.Any]) -> Batch:
        """From module options. Raises one ``InputError`` that names every bad entry; nothing has been sent by then."""
        many = kind.resource.many
        entries: list[Described] = []
        errors: list[InputError] = []
        seen: dict[Target, int] = {}
        for index, entry in enumerate(params[many]):
            try:
                desired = kind.of(entry)
                first = seen.setdefault(desired.target, index)
                if first != index:
                    raise InputError(
                        f"{desired.target} is already described by {many}[{first}]",
                        remedy="Describe each configuration once.",
                    )
                entries.append(desired)
            except InputError as exc:
                exc.message = f"{name_of(many, index, entry)}: {exc.message}"
                errors.append(exc)
        if errors:
            raise together(errors)
        if not 1 <= params["concurrency"] <= 64:
            raise InputError(
                f"concurrency is {params['concurrency']}; it is a number from 1 to 64",
                remedy="Leave it out for 4 requests in flight.",
            )
        if not entries and params["unmanaged"] == "absent" and not params["allow_empty"]:
            raise InputError(
                f"{many} is empty and unmanaged is absent, which would remove every configuration of the cluster",
                remedy="Check where the list comes from; if that is what is meant, set allow_empty: true.",
            )
        return cls(kind, tuple(entries), params["unmanaged"], params["concurrency"], params["health"])


def name_of(many: str, index: int, entry: t.Mapping[str, t.Any]) -> str:
    """How messages name an entry. What cannot be the name of an SVM is not shown: it may be a secret."""
    where = entry.get("svm") or entry.get("svm_uuid")
    if where and not re.fullmatch(r"[\w.-]+", where):
        return f"{many}[{index}]"
    return f"{many}[{index}] (svm {where})" if where else f"{many}[{index}] (cluster)"


@dataclass
class _Item:
    """One configuration on its way: an entry of the list, or a record that no entry names (``index`` is None)."""

    desired: Described
    name: str
    current: Record | None = None
    plan: Plan = field(default_factory=Plan)
    verdict: str = "in_sync"
    error: OntapError | None = None
    result: dict[str, t.Any] = field(default_factory=dict)
    svm: t.Mapping[str, t.Any] = field(default_factory=dict)
    besides: t.Mapping[str, t.Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    health: Health | None = None

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that ONTAP has taken."""
        actions = self.result.get("actions", [])
        return frozenset(name for action in actions if action["outcome"] == DONE for name in action["fields"])

    def fail(self, error: OntapError, verdict: str) -> None:
        self.error, self.verdict = error, verdict

    @property
    def record(self) -> t.Mapping[str, t.Any]:
        """The configuration as it is known in the end; empty when there is none."""
        return self.result.get(self.desired.resource.key) or (self.current.record if self.current else {})

    @property
    def uuid(self) -> str | None:
        return self.record.get("uuid") or (self.current.uuid if self.current else None)

    @property
    def became(self) -> str:
        """What has become of the configuration, in check mode what would: one of ``BECAME``."""
        if self.error is not None:
            return "failed"
        if not self.result.get("changed"):
            return "unchanged"
        if self.verdict == "missing":
            return "created"
        return "removed" if any(drift.action == "delete" for drift in self.plan.drift) else "changed"

    def as_result(self, *, with_health: bool) -> dict[str, t.Any]:
        target, current, record = self.desired.target, self.current, self.record
        svm = {**self.svm, **(record.get("svm") or {})}
        error = None
        if self.error is not None:
            error = {**self.error.details(), "msg": self.error.text()}
        return {
            "scope": "cluster" if (current.scope if current else target.scope) == "cluster" else "svm",
            "svm": svm.get("name") or target.svm,
            "configuration": (record.get("configuration") or {}).get("name") or target.configuration,
            "uuid": self.uuid,
            "enabled": record.get("enabled") is not False if self.uuid else None,
            "verdict": self.verdict,
            "changed": bool(self.result.get("changed")),
            "became": self.became,
            "drift": [drift.as_result() for drift in self.plan.drift],
            "undescribed": self.desired.undescribed(current),
            "actions": self.result.get("actions", []),
            "credentials": self.result.get("credentials", self.plan.credentials),
            "job": self.result.get("job") or (self.error.job if self.error else None),
            "error": error,
            **{name: self.result.get(name) or value for name, value in self.besides.items()},
            **({"health": self.health.as_result() if self.health else None} if with_health else {}),
        }


def ensure_all(client: Client, batch: Batch, *, check_mode: bool, waiting: Waiting) -> dict[str, t.Any]:
    """Bring every configuration into its desired state, or in check mode say what that would take.

    Returns the module's result. One that fails does not stop the others; then a ``BlockedError`` lists every failure,
    and its ``result`` is the whole result.
    """
    deadline = client.now() + waiting.timeout
    resource = batch.kind.resource
    items = [
        _Item(desired, name_of(resource.many, index, _words(desired))) for index, desired in enumerate(batch.entries)
    ]
    if not items and batch.unmanaged == "ignore":
        return _result(batch, items, [])
    try:
        records, release = _read_all(client, batch)
    except OntapError as exc:
        # Without the list: an empty list would say that there is nothing.
        exc.result = {"changed": False, "actions": []}
        raise
    _match(items, records)
    records = _look_closer(client, batch, items, records)
    surroundings = Surroundings(client, resource.store)
    for item in items:
        release = _plan(client, item, release, surroundings, check_mode=check_mode)
    _check_created_once(items, surroundings)
    strangers = _unmanaged(batch, items, records)
    for item in (*items, *strangers):
        item.besides = resource.besides(item.current.record if item.current else {}, release, ())
    todo = [item for item in (*items, *strangers) if item.plan.changed and item.error is None]
    _carry_out_all(client, todo, batch.concurrency, check_mode=check_mode, waiting=waiting, deadline=deadline)
    if not check_mode:
        _verify(client, todo)
    if batch.health:
        _judge(client, batch, (*items, *strangers), records if check_mode or not todo else None)
    result = _result(batch, items, strangers)
    failed = [(item.name, item.error) for item in (*items, *strangers) if item.error is not None]
    # What nobody knows the outcome of comes first.
    failed.sort(key=lambda one: UNKNOWN not in (action["outcome"] for action in one[1].result.get("actions", ())))
    if failed:
        raise _failure(failed, len(items) + len(strangers), result)
    return result


def _words(desired: Described) -> dict[str, t.Any]:
    return {"svm": desired.target.svm, "svm_uuid": desired.target.svm_uuid}


def _read_all(client: Client, batch: Batch) -> tuple[tuple[t.Any, ...], Release | None]:
    """All records of the cluster with every field that some entry manages, one request a page."""
    resource = batch.kind.resource
    shown: dict[str, Release] = {}
    for entry in batch.entries:
        shown.update(entry.shown_by)
    # What is costly is looked at later, of those that it is wanted of.
    shown.pop(EVERYTHING, None)
    try:
        # ** is the one way to ask for health that every release understands, whatever it has of it.
        return read_all(client, resource, {"fields": "**" if batch.health else resource.to_read(shown)}), None
    except ApiError as exc:
        if exc.code not in UNKNOWN_NAME:
            raise
    # An entry wants what this release does not have; the plan of that entry will say so, and the others go on.
    release = client.release()
    known = [name for name, since in shown.items() if release.has(since)]
    return read_all(client, resource, {"fields": resource.to_read(known)}), release


def _match(items: t.Sequence[_Item], records: t.Sequence[Record]) -> None:
    """Give each entry its record. Raises ``InputError`` when two entries turn out to mean the same one."""
    scopes: dict[tuple[str, str | None], list[Record]] = {}
    for record in records:
        if record.scope == "cluster":
            scopes.setdefault(("cluster", None), []).append(record)
        else:
            scopes.setdefault(("name", record.svm), []).append(record)
            scopes.setdefault(("uuid", record.svm_uuid), []).append(record)
    taken: dict[str, _Item] = {}
    for item in items:
        target = item.desired.target
        key = ("cluster", None) if target.scope == "cluster" else ("name", target.svm)
        if target.svm_uuid:
            key = ("uuid", target.svm_uuid)
        try:
            item.current = pick(scopes.get(key, ()), target)
        except BlockedError as exc:
            item.fail(exc, "blocked")
        if item.current is not None:
            other = taken.setdefault(item.current.uuid, item)
            if other is not item:
                raise _twice(item, other)


def _look_closer(
    client: Client, batch: Batch, items: t.Sequence[_Item], records: tuple[t.Any, ...]
) -> tuple[t.Any, ...]:
    """The records, with all that ONTAP shows of those that may be removed, in one request if there are any."""
    resource = batch.kind.resource
    mine = {item.current.uuid: EVERYTHING in item.desired.shown_by for item in items if item.current is not None}
    strangers = batch.unmanaged == "absent"
    uuids = [record.uuid for record in records if record.enabled and mine.get(record.uuid, strangers)]
    if not uuids:
        return records
    found = tuple(record for record in records if record.uuid in uuids)
    if not batch.health:
        query = {"fields": EVERYTHING}
        if len(uuids) <= _LONGEST_LIST:
            query["uuid"] = "|".join(map(literal, uuids))
        found = tuple(record for record in read_all(client, resource, query) if record.uuid in uuids)
    seen = {record.uuid: record for record in resource.complete(client, found, {EVERYTHING})}
    for item in items:
        if item.current is not None:
            item.current = seen.get(item.current.uuid, item.current)
    return tuple(seen.get(record.uuid, record) for record in records)


def _twice(item: _Item, other: _Item) -> InputError:
    return InputError(
        f"{item.name}: {item.desired.target} is the same configuration as {other.desired.target} of {other.name}",
        remedy="Describe each configuration once.",
    )


def _check_created_once(items: t.Sequence[_Item], surroundings: Surroundings) -> None:
    """An SVM without a record may still be meant twice, by name and by UUID."""
    taken: dict[str, _Item] = {}
    for item in items:
        if item.current is None and item.desired.creates and item.error is None:
            item.svm = surroundings.svm(item.desired.target)
            uuid = item.svm.get("uuid")
            other = taken.setdefault(uuid, item) if uuid else item
            if other is not item:
                raise _twice(item, other)


def _plan(
    client: Client, item: _Item, release: Release | None, surroundings: Surroundings, *, check_mode: bool
) -> Release | None:
    """Plan one entry and judge it. Returns the release, if it was needed or known already."""
    if item.error is not None:
        return release
    desired, current = item.desired, item.current
    item.plan = desired.plan(current, release)
    if item.plan.needs_release:
        release = client.release()
        item.plan = desired.plan(current, release)
    if item.plan.drift:
        item.verdict = "missing" if desired.creates and current is None else "drifted"
    blocked = any(isinstance(error, (BlockedError, UnsupportedError)) for error in item.plan.blockers)
    try:
        if item.plan.blockers:
            raise together(item.plan.blockers)
        if desired.creates and current is None:
            surroundings.check(desired.target, check_mode=check_mode)
    except OntapError as exc:
        step = item.plan.steps[0].kind.purpose if item.plan.steps else f"change the {desired.resource.noun} of"
        exc.tried = f"Could not {step} {desired.target}"
        # Blocked is a difference that cannot be mended here; an SVM that is not there is a mistake.
        item.fail(exc, "blocked" if blocked or exc.code == ALREADY_CONFIGURED else "error")
    return release


def _unmanaged(batch: Batch, items: t.Sequence[_Item], records: t.Sequence[Record]) -> list[_Item]:
    """The records that no entry names, with the plan to remove them if that is wanted."""
    if batch.unmanaged == "ignore":
        return []
    named = {item.current.uuid for item in items if item.current is not None}
    strangers = []
    for record in records:
        if record.uuid in named:
            continue
        target = Target(record.scope, record.svm, None, None if record.enabled else record.configuration)
        desired = batch.kind.absent(target)
        item = _Item(desired, f"unmanaged ({target})", record, verdict="unmanaged")
        if batch.unmanaged == "absent":
            item.plan = desired.plan(record)
            reason = _why_spared(record, items)
            if item.plan.blockers:
                item.fail(together(item.plan.blockers), "unmanaged")
            if reason:
                item.fail(
                    BlockedError(f"Not removed: {reason}", remedy="Mend that first, then run again."), "unmanaged"
                )
        strangers.append(item)
    return strangers


def _why_spared(record: Record, items: t.Sequence[_Item]) -> str:
    """Why nobody can be sure that no entry means this record; then it must not be removed."""
    if record.scope != "cluster" and not (record.svm and record.svm_uuid):
        return "ONTAP does not say which SVM it belongs to"
    failed = next((item.name for item in items if item.error is not None and item.current is None), None)
    return f"{failed} failed, and could be meant for it" if failed else ""


def _carry_out_all(
    client: Client,
    items: t.Sequence[_Item],
    concurrency: int,
    *,
    check_mode: bool,
    waiting: Waiting,
    deadline: float,
) -> None:
    """Carry out the plans, ``concurrency`` at a time, each thread with a session of its own."""
    sessions: list[Client] = []
    mine = threading.local()

    def carry(item: _Item) -> None:
        if not hasattr(mine, "client"):
            mine.client = client.clone()
            sessions.append(mine.client)
        try:
            item.result = carry_out(
                mine.client,
                item.desired,
                item.plan,
                item.current,
                check_mode=check_mode,
                waiting=waiting,
                deadline=deadline,
            )
        except OntapError as exc:
            item.result = exc.result
            item.fail(exc, "error")

    try:
        if items:
            with ThreadPoolExecutor(min(concurrency, len(items))) as pool:
                # Asking for the results raises what no OntapError is: a bug must not be silent.
                list(pool.map(carry, items))
    finally:
        for session in sessions:
            session.close()


def _verify(client: Client, items: t.Sequence[_Item]) -> None:
    """Find out whether the credentials that were sent are good, for all of them in one request a page."""
    sent: dict[str, tuple[_Item, Proof]] = {}
    for item in items:
        proof = item.desired.proof
        if item.error is None and item.uuid and proof and proof.concerns(item.fields):
            sent[item.uuid] = (item, proof)
    if not sent:
        return
    resource, proof = items[0].desired.resource, next(iter(sent.values()))[1]
    try:
        found = _read_proof(client, resource, proof, sent.keys())
    except OntapError as exc:
        for item, _proof in sent.values():
            error = copy.copy(exc)
            error.tried = f"Sent the credential of {item.desired.target}, but could not look whether it is accepted"
            item.fail(error, "error")
        return
    clean = functools.partial(client.clean, free_text=True)
    for uuid, (item, proof) in sent.items():
        after = found.get(uuid) or resource.record.of({"uuid": uuid})
        try:
            item.doubts = proof.judge(clean, f"Sent the credential of {item.desired.target}", item.current, after)
        except OutcomeError as exc:
            item.fail(exc, "error")


def _read_proof(client: Client, resource: Resource, proof: Proof, uuids: t.Collection[str]) -> dict[str, t.Any]:
    """The configurations of these UUIDs, or of all where naming them would make too long a URL."""
    release = client.known_release
    if release and not release.has(proof.since):
        return {}
    query = {"fields": resource.to_read([proof.field])}
    if len(uuids) <= _LONGEST_LIST:
        query["uuid"] = "|".join(map(literal, uuids))
    try:
        return {record.uuid: record for record in read_all(client, resource, query)}
    except ApiError as exc:
        # The oldest releases do not know the field.
        if exc.code not in UNKNOWN_NAME:
            raise
        return {}


def _judge(client: Client, batch: Batch, items: t.Sequence[_Item], records: tuple[t.Any, ...] | None) -> None:
    """Give every configuration its health, from ``records``, or where these are None from a look at what was made.

    What went wrong with looking is said in place of the health: it takes nothing back of what has been done.
    """
    resource = batch.kind.resource
    found: dict[str | None, Health] = {}
    unread = None
    try:
        if records is None:
            records, _release = _read_all(client, replace(batch, entries=()))
        found = {record.uuid: resource.judge(record) for record in resource.complete(client, records, resource.health)}
    except OntapError as exc:
        unread = Health("unknown", (f"the health could not be read: {exc.message}",))
    for item in items:
        item.health = found.get(item.uuid, unread) if item.uuid else None


def _result(batch: Batch, items: t.Sequence[_Item], strangers: t.Sequence[_Item]) -> dict[str, t.Any]:
    everything = [*items, *strangers]
    shown = [item.as_result(with_health=batch.health) for item in everything]
    verdicts = Counter(item.verdict for item in everything)
    became = Counter(item.became for item in everything)
    return {
        "changed": any(one["changed"] for one in shown),
        "diff": [item.result["diff"] for item in everything if item.result.get("changed")],
        "summary": {word: verdicts[word] for word in VERDICTS} | {word: became[word] for word in BECAME},
        batch.kind.resource.many: shown,
        "actions": [action for one in shown for action in one["actions"]],
        "warnings": _warnings(everything),
    }


def _warnings(items: t.Sequence[_Item]) -> list[str]:
    """Each warning once, with the names of all that it is about."""
    names: dict[str, list[str]] = {}
    for item in items:
        for text in (*(item.result.get("warnings") or item.plan.warnings), *item.doubts):
            names.setdefault(text, []).append(item.name)
    return [f"{', '.join(about)}: {text}" for text, about in names.items()]


def _failure(failed: t.Sequence[tuple[str, OntapError]], number: int, result: dict[str, t.Any]) -> OntapError:
    """One error that lists every failure; its details are those of the first."""
    first = failed[0][1]
    error = BlockedError(
        f"{len(failed)} of {number} configurations failed",
        meaning="\n".join(f"{name}: {exc.text()}" for name, exc in failed),
        remedy=first.remedy,
        code=first.code,
        target=first.target,
        http_status=first.http_status,
        method=first.method,
        path=first.path,
        job=first.job,
    )
    error.result = result
    return error
