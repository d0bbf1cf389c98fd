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
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import (
    ALREADY_CONFIGURED,
    NAME_TAKEN,
    UNKNOWN_NAME,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    BlockedError,
    InputError,
    OntapError,
    OutcomeError,
    UnsupportedError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Waiting, has_ended
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

# What is counted in the summary: what was found, and what has become of it, of which each configuration has one each.
VERDICTS: t.Final = ("in_sync", "missing", "drifted", "unmanaged", "blocked", "waiting_for_approval", "error")
BECAME: t.Final = ("unchanged", "created", "changed", "removed", "failed")

# UUIDs that comfortably fit into a URL.
_LONGEST_LIST = 50


class Described(Wanted, t.Protocol):
    """What users describe of one configuration in a list of them.

    ``of`` takes an entry and raises ``InputError`` for one that cannot be meant; ``absent`` is that there is none.
    ``undescribed`` are the settings of a configuration that nobody described, and that are worth telling; ``told`` is
    what the result of an entry has of the entry itself.
    ``serves`` is how it is found out that the configuration works, where it is to be the one in use of its scope;
    ``yields`` is whether it is not to be in use, so that it makes room for such a one.
    """

    @property
    def serves(self) -> Proof | None: ...

    @property
    def yields(self) -> bool: ...

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Described: ...

    @classmethod
    def absent(cls, target: Target) -> Described: ...

    @property
    def told(self) -> t.Mapping[str, t.Any]: ...

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
                alike = [other for other in entries if _share_a_scope(desired.target, other.target)]
                _check_beside(desired, [(f"{many}[{seen[other.target]}]", other) for other in alike])
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


def _check_beside(desired: Described, others: t.Iterable[tuple[str, Described]]) -> None:
    """Raises ``InputError`` for an entry that cannot be meant together with another one of the same scope."""
    for name, other in others:
        if desired.serves and other.serves:
            raise InputError(
                f"{desired.target} is to be enabled, and so is {other.target} of {name}",
                remedy="Set enabled: true for one configuration of an SVM; the others are inactive then.",
            )
        if (desired.serves or other.serves) and not (desired.target.configuration and other.target.configuration):
            raise InputError(
                f"{desired.target} is described together with {other.target} of {name}, one of which is to be enabled "
                "and the other one has no name",
                remedy="Give configuration in every entry of an SVM that has one with enabled: true.",
            )


def _share_a_scope(one: Target, other: Target) -> bool:
    return (one.scope, one.svm, one.svm_uuid) == (other.scope, other.svm, other.svm_uuid)


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
    # Whether another one is in use in its place afterwards.
    displaced: bool = False

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that ONTAP has taken."""
        actions = self.result.get("actions", [])
        return frozenset(name for action in actions if action["outcome"] == DONE for name in action["fields"])

    def fail(self, error: OntapError, verdict: str) -> None:
        self.error, self.verdict = error, verdict

    @property
    def parts(self) -> list[_Part]:
        """Its plan, in parts that have their turns among those of its scope."""
        if self.plan.removes:
            return [_Part(_REMOVE, self, self.plan)]
        first = _CREATE if self.current is None else _CHANGE
        if not self.plan.takes_over:
            # One that cannot be carried out, and is to be the one in use, stops nothing but what comes after that.
            return [_Part(_ENABLE if self.desired.serves and self.error else first, self, self.plan)]
        plan = self.plan
        number = next(number for number, step in enumerate(plan.steps) if step.kind.takes_over)
        later = {name for step in plan.steps[number:] for name in step.body}
        known = self.current.record if self.current else {}
        head = replace(
            plan,
            steps=plan.steps[:number],
            after={**plan.after, **{name: plan.before.get(name, False) for name in later}},
            record={**plan.record, **{name: known.get(name, False) for name in later}},
        )
        parts = [_Part(first, self, head)] if number else []
        return [*parts, _Part(_ENABLE, self, replace(plan, steps=plan.steps[number:]))]

    def take(self, result: dict[str, t.Any]) -> None:
        """Add the result of a part to that of the parts before it."""
        before, self.result = self.result, result
        if before:
            changed = bool(before.get("changed")), bool(result.get("changed"))
            self.result = {
                **before,
                **result,
                "actions": [*before["actions"], *result["actions"]],
                "changed": any(changed),
                "credentials": "sent" if before["credentials"] == "sent" else result["credentials"],
                "diff": _one_diff(before["diff"], result["diff"])
                if all(changed)
                else (before if changed[0] else result)["diff"],
                "warnings": list(dict.fromkeys([*before["warnings"], *result["warnings"]])),
            }

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
        if self.error is not None and not self.error.awaits_approval:
            return "failed"
        if not self.result.get("changed"):
            return "unchanged"
        if self.verdict == "missing":
            return "created"
        return "removed" if any(drift.action == "delete" for drift in self.plan.drift) else "changed"

    def as_result(self, *, with_health: bool) -> dict[str, t.Any]:
        target, current, record, resource = self.desired.target, self.current, self.record, self.desired.resource
        svm = {**self.svm, **(record.get("svm") or {})}
        error = None
        if self.error is not None:
            error = {**self.error.details(), "msg": self.error.text()}
        return {
            "scope": "cluster" if (current.scope if current else target.scope) == "cluster" else "svm",
            "svm": svm.get("name") or target.svm,
            "configuration": (record.get("configuration") or {}).get("name") or target.configuration,
            "uuid": self.uuid,
            "enabled": record.get("enabled") is not False and not self.displaced if self.uuid else None,
            "found": {name: current.record.get(name) for name in resource.fields if name in resource.standard}
            if current
            else None,
            "verdict": self.verdict,
            "changed": bool(self.result.get("changed")),
            "became": self.became,
            "drift": [drift.as_result() for drift in self.plan.drift],
            "undescribed": self.desired.undescribed(current),
            **self.desired.told,
            "actions": self.result.get("actions", []),
            "credentials": self.result.get("credentials", self.plan.credentials),
            "job": self.result.get("job") or (self.error.job if self.error else None),
            "error": error,
            **{name: self.result.get(name) or value for name, value in self.besides.items()},
            **({"health": self.health.as_result() if self.health else None} if with_health else {}),
        }


def _one_diff(first: t.Mapping[str, t.Any], then: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The diff of two parts together. What only the second one looks at was so before the first."""
    known = {**first["before"], **first["after"]}
    before = {name: value for name, value in then["before"].items() if name not in known}
    return {
        **then,
        "before": {**before, **first["before"]},
        "after": {**first["after"], **then["after"]},
    }


# The turns of what is done in one scope.
_CREATE, _CHANGE, _ENABLE, _REMOVE = range(4)


class _Part(t.NamedTuple):
    """What is done of an item in one turn."""

    turn: int
    item: _Item
    plan: Plan

    def stop(self, because: str, cause: OntapError | None = None) -> None:
        """Say that it was not done. What was not done because something waits for approval waits for it as well."""
        item = self.item
        purposes = " and to ".join(dict.fromkeys(step.kind.purpose for step in self.plan.steps))
        not_done = f"Not done: to {purposes} {item.desired.target}"
        if item.error is not None:
            item.error.meaning = f"{item.error.meaning} {not_done}.".strip()
            return
        if cause is not None and cause.awaits_approval:
            error, verdict = copy.copy(cause), "waiting_for_approval"
            error.tried, error.result = f"{not_done}, since {because}", {}
        else:
            error, verdict = BlockedError(because, remedy="Mend that first, then run again."), "error"
            error.tried = not_done
        item.fail(error, item.verdict if item.verdict == "unmanaged" else verdict)


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
    seen = _Seen(client, resource, records)
    _match(items, seen)
    records = _look_closer(client, batch, items, records, seen)
    seen = _Seen(client, resource, records)
    for item in items:
        release = _plan(client, item, release, seen)
    _make_room(items, seen, release)
    surroundings = Surroundings(client, resource.store)
    for item in items:
        _check(item, seen, surroundings, check_mode=check_mode)
    _check_created_once(items, surroundings)
    _check_scopes(items, seen)
    strangers = _unmanaged(batch, items, records, seen)
    for item in (*items, *strangers):
        item.besides = resource.besides(item.current.record if item.current else {}, release, ())
    todo = [item for item in (*items, *strangers) if item.plan.changed and item.error is None]
    carrier = _Carrier(client, batch.concurrency, check_mode, waiting, deadline)
    _carry_out_all(carrier, _scopes((*items, *strangers), seen))
    if batch.health:
        _judge(client, batch, (*items, *strangers), records if check_mode or not todo else None)
    result = _result(batch, items, strangers)
    failed = [(item.name, item.error) for item in (*items, *strangers) if item.error is not None]
    failed.sort(key=lambda one: _urgency(one[1]))
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


class _Seen:
    """The records of the cluster, by the scope that a target names, and what else was asked about them."""

    def __init__(self, client: Client, resource: Resource, records: t.Sequence[Record]) -> None:
        self._client = client
        self._resource = resource
        self._sort(records)

    def _sort(self, records: t.Sequence[Record]) -> None:
        self._records = tuple(records)
        self._scopes: dict[tuple[str, str | None], list[Record]] = {}
        for record in records:
            if record.scope == "cluster":
                self._scopes.setdefault(("cluster", None), []).append(record)
            else:
                self._scopes.setdefault(("name", record.svm), []).append(record)
                self._scopes.setdefault(("uuid", record.svm_uuid), []).append(record)

    def of(self, target: Target) -> t.Sequence[Record]:
        """All of a target's scope."""
        if target.svm_uuid:
            return self._scopes.get(("uuid", target.svm_uuid), ())
        return self._scopes.get(("cluster", None) if target.scope == "cluster" else ("name", target.svm), ())

    def beside(self, item: _Item) -> tuple[Record, ...]:
        """Those of the scope of an item that are not its own."""
        own = item.current.uuid if item.current else None
        return tuple(record for record in self.of(item.desired.target) if record.uuid != own)

    def scope(self, item: _Item) -> str:
        """What tells the scope of an item from others, however its target names it."""
        target = item.desired.target
        if target.scope == "cluster":
            return ""
        known = next(iter(self.of(target)), None)
        return str((known and known.svm) or item.svm.get("name") or target.svm or target.svm_uuid)

    @functools.cached_property
    def _asked(self) -> set[str]:
        return set()

    def complete(self, item: _Item, fields: t.Collection[str]) -> None:
        """Have what no record shows of any, which is asked once for all of them, and give it to an item."""
        if not self._asked.issuperset(fields):
            self._asked.update(fields)
            self._sort(self._resource.complete(self._client, self._records, fields))
        own = item.current.uuid if item.current else None
        item.current = next((record for record in self._records if record.uuid == own), None)


def _match(items: t.Sequence[_Item], seen: _Seen) -> None:
    """Give each entry its record. Raises ``InputError`` when two entries turn out to mean the same one."""
    taken: dict[str, _Item] = {}
    for item in items:
        target = item.desired.target
        try:
            item.current = pick(seen.of(target), target)
        except BlockedError as exc:
            item.fail(exc, "blocked")
        if item.current is not None:
            other = taken.setdefault(item.current.uuid, item)
            if other is not item:
                raise _twice(item, other)


def _look_closer(
    client: Client, batch: Batch, items: t.Sequence[_Item], records: tuple[t.Any, ...], seen: _Seen
) -> tuple[t.Any, ...]:
    """The records, with all that ONTAP shows of those that may be removed, in one request if there are any."""
    resource = batch.kind.resource
    # Where another one of the scope is to be in use, none goes before it is.
    spared = {record.uuid for item in items if item.desired.serves for record in seen.of(item.desired.target)}
    mine = {item.current.uuid: EVERYTHING in item.desired.shown_by for item in items if item.current is not None}
    strangers = batch.unmanaged == "absent"
    uuids = [
        record.uuid
        for record in records
        if record.enabled and record.uuid not in spared and mine.get(record.uuid, strangers)
    ]
    if not uuids:
        return records
    found = tuple(record for record in records if record.uuid in uuids)
    if not batch.health:
        query = {"fields": EVERYTHING}
        if len(uuids) <= _LONGEST_LIST:
            query["uuid"] = "|".join(map(literal, uuids))
        found = tuple(record for record in read_all(client, resource, query) if record.uuid in uuids)
    closer = {record.uuid: record for record in resource.complete(client, found, {EVERYTHING})}
    for item in items:
        if item.current is not None:
            item.current = closer.get(item.current.uuid, item.current)
    return tuple(closer.get(record.uuid, record) for record in records)


def _twice(item: _Item, other: _Item) -> InputError:
    return InputError(
        f"{item.name}: {item.desired.target} is the same configuration as {other.desired.target} of {other.name}",
        remedy="Describe each configuration once.",
    )


def _check_created_once(items: t.Sequence[_Item], surroundings: Surroundings) -> None:
    """An SVM without a record may still be meant twice, by name and by UUID."""
    taken: dict[tuple[str, str | None], _Item] = {}
    for item in items:
        if item.current is None and item.desired.creates and item.error is None:
            item.svm = surroundings.svm(item.desired.target)
            uuid = item.svm.get("uuid")
            named = item.desired.target.configuration if item.plan.adds else None
            other = taken.setdefault((uuid, named), item) if uuid else item
            if other is not item:
                raise _twice(item, other)


def _check_scopes(items: t.Sequence[_Item], seen: _Seen) -> None:
    """As ``_check_beside``, for entries that name their SVM in different ways."""
    for scope in _scopes(items, seen).values():
        for number, item in enumerate(scope):
            try:
                _check_beside(item.desired, [(other.name, other.desired) for other in scope[:number]])
            except InputError as exc:
                exc.message = f"{item.name}: {exc.message}"
                raise


def _plan(client: Client, item: _Item, release: Release | None, seen: _Seen) -> Release | None:
    """Plan one entry. Returns the release, if it was needed or known already."""
    if item.error is not None:
        return release
    item.plan = item.desired.plan(item.current, release, seen.beside(item))
    if item.plan.needs_also:
        seen.complete(item, item.plan.needs_also)
        item.plan = item.desired.plan(item.current, release, seen.beside(item))
    if item.plan.needs_release:
        release = client.release()
        item.plan = item.desired.plan(item.current, release, seen.beside(item))
    return release


def _make_room(items: t.Sequence[_Item], seen: _Seen, release: Release | None) -> None:
    """Plan anew what is not to be in use any more, where another one of its scope takes over: by then it is not."""
    for scope in _scopes(items, seen).values():
        if any(item.plan.takes_over for item in scope):
            for item in scope:
                if item.desired.yields and item.current is not None and item.error is None:
                    item.plan = item.desired.plan(_inactive(item.current), release, seen.beside(item))


def _inactive(record: Record) -> Record:
    return replace(record, enabled=False)


def _check(item: _Item, seen: _Seen, surroundings: Surroundings, *, check_mode: bool) -> None:
    """Judge the plan of an entry."""
    if item.error is not None:
        return
    desired, current = item.desired, item.current
    if item.plan.drift:
        item.verdict = "missing" if desired.creates and current is None else "drifted"
    blocked = any(isinstance(error, (BlockedError, UnsupportedError)) for error in item.plan.blockers)
    try:
        if item.plan.blockers:
            raise together(item.plan.blockers)
        if desired.creates and (current is None or item.plan.takes_over):
            in_use = any(record.enabled for record in seen.of(desired.target))
            surroundings.check_plan(desired.target, item.plan, current, in_use=in_use, check_mode=check_mode)
    except OntapError as exc:
        step = item.plan.steps[0].kind.purpose if item.plan.steps else f"change the {desired.resource.noun} of"
        exc.tried = f"Could not {step} {desired.target}"
        # Blocked is a difference that cannot be mended here; an SVM that is not there is a mistake.
        item.fail(exc, "blocked" if blocked or exc.code in (ALREADY_CONFIGURED, NAME_TAKEN) else "error")


def _scopes(items: t.Iterable[_Item], seen: _Seen) -> dict[str, list[_Item]]:
    """The items by their SVM, or the cluster."""
    found: dict[str, list[_Item]] = {}
    for item in items:
        found.setdefault(seen.scope(item), []).append(item)
    return found


def _unmanaged(batch: Batch, items: t.Sequence[_Item], records: t.Sequence[Record], seen: _Seen) -> list[_Item]:
    """The records that no entry names, with the plan to remove them if that is wanted."""
    if batch.unmanaged == "ignore":
        return []
    named = {item.current.uuid for item in items if item.current is not None}
    strangers = []
    scopes = _scopes(items, seen)
    for record in records:
        if record.uuid in named:
            continue
        # Beside others it is meant by its name, whichever of them is in use by the time of its turn.
        target = Target(record.scope, record.svm, None, None if record.enabled else record.configuration)
        item = _Item(batch.kind.absent(target), "", record, verdict="unmanaged")
        neighbours = scopes.get(seen.scope(item), ())
        if neighbours and record.configuration:
            item.desired = batch.kind.absent(replace(target, configuration=record.configuration))
        item.name = f"unmanaged ({item.desired.target})"
        if batch.unmanaged == "absent":
            displaced = any(neighbour.plan.takes_over for neighbour in neighbours)
            item.plan = item.desired.plan(_inactive(record) if displaced else record, None, seen.beside(item))
            reason = _why_spared(record, items) or _why_kept(record, neighbours)
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


def _why_kept(record: Record, neighbours: t.Sequence[_Item]) -> str:
    """Why what is in use stays: others of its SVM are described, and none of them is to be in use in its place."""
    wanted = [neighbour for neighbour in neighbours if neighbour.desired.creates]
    if not record.enabled or not wanted or any(neighbour.desired.serves for neighbour in wanted):
        return ""
    return f"it is the one in use, and {wanted[0].desired.target} is not described as the one to use in its place"


@dataclass
class _Carrier:
    """Carries out plans, a number of scopes at a time, each thread with a session of its own."""

    client: Client
    concurrency: int
    check_mode: bool
    waiting: Waiting
    deadline: float

    def each(self, work: t.Callable[[Client, list[_Item]], None], scopes: t.Sequence[list[_Item]]) -> None:
        """Do something with each scope."""
        sessions: list[Client] = []
        mine = threading.local()

        def act(scope: list[_Item]) -> None:
            if not hasattr(mine, "client"):
                mine.client = self.client.clone()
                sessions.append(mine.client)
            work(mine.client, scope)

        try:
            if scopes:
                with ThreadPoolExecutor(min(self.concurrency, len(scopes))) as pool:
                    try:
                        # Asking for the results raises what no OntapError is: a bug must not be silent.
                        list(pool.map(act, scopes))
                    except BaseException:
                        # A bug, or the end of the task's time: what nobody will hear of is not sent.
                        self.client.stop()
                        raise
        finally:
            for session in sessions:
                session.close()

    def carry(self, client: Client, item: _Item, plan: Plan) -> None:
        """Carry out a part of what an item takes, or all of it."""
        current = item.current
        if current is None and item.uuid:
            # Created by the part before this one.
            current = item.desired.resource.record.of(item.record)
        if current is None and item.result and not self.check_mode:
            # Nobody waits for the job that creates it.
            item.result["warnings"].append("What has to follow the job is left to the next run.")
            return
        try:
            result = carry_out(
                client,
                item.desired,
                plan,
                current,
                check_mode=self.check_mode,
                waiting=self.waiting,
                deadline=self.deadline,
            )
        except OntapError as exc:
            result = exc.result
            item.fail(exc, "waiting_for_approval" if exc.awaits_approval else "error")
        item.take(result)


def _carry_out_all(carrier: _Carrier, scopes: t.Mapping[str, list[_Item]]) -> None:
    """Carry out all plans, of each scope in order: create, change, enable, see that it works, remove.

    Where one fails, what comes after it in its scope is not done, and says so.
    """
    changing = [scope for scope in scopes.values() if any(item.plan.changed for item in scope)]
    carrier.each(functools.partial(_carry_out_scope, carrier), changing)
    for scope in changing:
        if any(item.plan.takes_over and item.error is None and item.record.get("enabled") for item in scope):
            for item in scope:
                item.displaced = not item.desired.serves
    if not carrier.check_mode:
        _verify(carrier.client, [item for scope in changing for item in scope if item.result and not item.plan.removes])
    leaving = [scope for scope in changing if any(item.plan.removes for item in scope)]
    for scope in leaving:
        _stop_removals(scope)
    _stop_unless_served(carrier, leaving)
    carrier.each(functools.partial(_remove, carrier), leaving)


def _carry_out_scope(carrier: _Carrier, client: Client, scope: list[_Item]) -> None:
    """All but what is to go. That is stopped here as well where something fails before it."""
    failed: _Item | None = None
    for part in sorted((part for item in scope for part in item.parts), key=lambda part: part.turn):
        if failed and part.plan.changed and (part.item.error is None or part.item is failed):
            part.stop(_before(failed), failed.error)
        elif failed is None and part.item.error is None and part.plan.changed and part.turn != _REMOVE:
            carrier.carry(client, part.item, part.plan)
        if failed is None and part.item.error is not None and part.turn != _REMOVE:
            failed = part.item


def _before(stopped: _Item) -> str:
    """Why nothing is done after an item with an error."""
    waits = stopped.error is not None and stopped.error.awaits_approval
    return f"{stopped.name} {'waits for approval' if waits else 'failed'} before it"


def _stop_removals(scope: t.Sequence[_Item]) -> None:
    """Say of what is to go that it was not removed, where what was changed before it turned out not to work."""
    failed = next((item for item in scope if item.error is not None and not item.plan.removes), None)
    for item in scope:
        if failed and item.plan.removes and item.error is None:
            item.parts[0].stop(_before(failed), failed.error)


def _stop_unless_served(carrier: _Carrier, scopes: t.Sequence[list[_Item]]) -> None:
    """Say of what is to go where nobody knows that the one in use works that it was not removed."""
    serving = [next((item for item in scope if item.desired.serves), None) for scope in scopes]
    unknown = [item for item in serving if item and item.uuid and not _is_known(item, carrier.check_mode)]
    found: dict[str, t.Any] = {}
    unread: OntapError | None = None
    if unknown:
        resource, proof = unknown[0].desired.resource, unknown[0].desired.serves
        try:
            found = _read_proof(carrier.client, resource, t.cast(Proof, proof), [str(item.uuid) for item in unknown])
        except OntapError as exc:
            unread = exc
    for scope, item in zip(scopes, serving):
        if item is None or item.error is not None:
            continue
        if carrier.check_mode and (item.plan.takes_over or item.current is None):
            # Nothing tells beforehand how it will be.
            continue
        record = item.desired.resource.record.of(item.record)
        why = (
            unread.message
            if unread and item in unknown
            else _why_not_served(carrier.client, item, found.get(record.uuid, record))
        )
        if why:
            for leaving in scope:
                if leaving.plan.removes and leaving.error is None:
                    leaving.parts[0].stop(f"{item.desired.target} has to serve before it goes, and {why}")


def _is_known(item: _Item, check_mode: bool) -> bool:
    """Whether nobody needs to look any more whether one that is to be in use works, or nobody can."""
    if item.error is not None or item.desired.serves is None:
        return True
    return item.plan.takes_over and (check_mode or item.desired.serves.field in item.record)


def _why_not_served(client: Client, item: _Item, now: t.Any) -> str:
    """Why nobody can be sure that the one that is to be in use is, and works; empty when it is."""
    if not now.enabled:
        return "it is not enabled yet"
    job = item.result.get("job")
    if job and not has_ended(job["state"]):
        return f"ONTAP's job {job['uuid']} is still at work on it"
    if item.current is not None and not item.plan.takes_over:
        # With what somebody has asked about it.
        now = replace(item.current, enabled=now.enabled, record=now.record)
    try:
        doubts = t.cast(Proof, item.desired.serves).judge(
            functools.partial(client.clean, free_text=True), "It is enabled", item.current, now
        )
    except OutcomeError as exc:
        return exc.message
    return doubts[0] if doubts else ""


def _remove(carrier: _Carrier, client: Client, scope: list[_Item]) -> None:
    """What is to go, one after the other. Where ONTAP says that a switch is open, it is completed first."""
    serving = next((item for item in scope if item.desired.serves and item.error is None), None)
    for number, item in enumerate(scope, 1):
        if not item.plan.removes or item.error is not None:
            continue
        verdict = item.verdict
        carrier.carry(client, item, item.plan)
        sign = item.desired.resource.signs.get(item.error.code or "") if item.error else None
        if sign and serving and serving.current and not serving.plan.takes_over:
            others = [sign(other.current) for other in scope if other is not serving and other.current]
            now = replace(serving.current, record=serving.record)
            completion = serving.desired.plan(sign(now), None, others).completion
            serving.plan = replace(serving.plan, steps=completion.steps, drift=serving.plan.drift + completion.drift)
            serving.verdict = "drifted"
            carrier.carry(client, serving, completion)
            if serving.error is None:
                item.error, item.verdict = None, verdict
                carrier.carry(client, item, item.plan)
        if item.error is not None:
            for left in scope[number:]:
                if left.plan.removes and left.error is None:
                    left.parts[0].stop(_before(item), item.error)
            return


def _verify(client: Client, items: t.Sequence[_Item]) -> None:
    """Find out whether the credentials that were sent are good, for all of them in one request a page."""
    sent: dict[str, tuple[_Item, Proof]] = {}
    for item in items:
        proof = item.desired.proof
        # One that is in use from now on has been looked at, and of one that is not ONTAP reports nothing.
        inactive = item.plan.takes_over or item.record.get("enabled") is False
        if item.error is None and item.uuid and proof and proof.concerns(item.fields) and not inactive:
            sent[item.uuid] = (item, proof)
    if not sent:
        return
    resource, proof = next((item.desired.resource, proof) for item, proof in sent.values())
    unread: OntapError = OutcomeError(
        "ONTAP does not show that configuration any more",
        remedy="Somebody may have removed it meanwhile: look into the cluster's audit and EMS logs, then run the task "
        "again.",
    )
    found: t.Mapping[str, t.Any] = {}
    try:
        found = _read_proof(client, resource, proof, sent.keys())
    except OntapError as exc:
        unread = exc
    clean = functools.partial(client.clean, free_text=True)
    for uuid, (item, proof) in sent.items():
        after = found.get(uuid)
        if after is None:
            error = copy.copy(unread)
            error.tried = f"Sent the credential of {item.desired.target}, but could not look whether it is accepted"
            item.fail(error, "error")
            continue
        try:
            item.doubts = proof.judge(clean, f"Sent the credential of {item.desired.target}", item.current, after)
        except OutcomeError as exc:
            item.fail(exc, "error")


def _read_proof(client: Client, resource: Resource, proof: Proof, uuids: t.Collection[str]) -> dict[str, t.Any]:
    """The configurations of these UUIDs, or of all where naming them would make too long a URL. They tell nothing on a
    release that does not have the field."""
    silent = {uuid: resource.record.of({"uuid": uuid}) for uuid in uuids}
    release = client.known_release
    if release and not release.has(proof.since):
        return silent
    query = {"fields": resource.to_read([proof.field])}
    if len(uuids) <= _LONGEST_LIST:
        query["uuid"] = "|".join(map(literal, uuids))
    try:
        # Not ``read_all``: there is something to be seen, so an error that there is nothing tells nothing.
        return {record.uuid: record for record in map(resource.record.of, client.records(resource.path, query))}
    except ApiError as exc:
        # The oldest releases do not know the field.
        if exc.code not in UNKNOWN_NAME:
            raise
        return silent


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


def _urgency(error: OntapError) -> int:
    """What nobody knows the outcome of comes first, and last what only waits for somebody."""
    if UNKNOWN in (action["outcome"] for action in error.result.get("actions", ())):
        return 0
    return 2 if error.awaits_approval else 1


def _failure(failed: t.Sequence[tuple[str, OntapError]], number: int, result: dict[str, t.Any]) -> OntapError:
    """One error that lists every failure; its details are those of the first."""
    first = failed[0][1]
    waiting = sum(error.awaits_approval for _name, error in failed)
    said = [f"{len(failed) - waiting} of {number} configurations failed"] if waiting < len(failed) else []
    said += [f"{waiting} of {number} configurations wait for approval"] if waiting else []
    error = BlockedError(
        ", ".join(said),
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
