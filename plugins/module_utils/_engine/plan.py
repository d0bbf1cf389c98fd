# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is made of: steps, differences, what the release must have. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import NO_ENTRY, NOT_CONFIGURED
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    OntapError,
    OutcomeError,
    UnsupportedError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

SET = "(set)"

# What ONTAP says when somebody else has removed the record meanwhile.
_GONE: t.Final = NOT_CONFIGURED | {NO_ENTRY}

# ``at_last`` of a job.
LOOK_FOR_ITS_JOB: t.Final = (
    "Look for its job on the cluster first (job show, and for one that has ended job history show)."
)
# ``meanwhile`` of a job that the same task finds again.
WAIT_FOR_IT: t.Final = (
    "It goes on in ONTAP. Run the same task again to wait for it, with a larger wait_timeout; on the cluster: "
    "job show -uuid {uuid}."
)


def seen_in_fields(step: Step, _before: t.Any, now: Record | None, _release: Release | None) -> bool | None:
    """Whether a record has what a step sets; None when no field that ONTAP shows could tell."""
    if not step.visible:
        return None
    fields = step.kind.resource.fields
    return now is not None and all(fields[name].same(value, now.value(name)) for name, value in step.visible.items())


def seen_in_existence(step: Step, before: t.Any, now: Record | None, release: Release | None) -> bool | None:
    return now is not None and seen_in_fields(step, before, now, release) is not False


def seen_in_absence(_step: Step, _before: t.Any, now: Record | None, _release: Release | None) -> bool | None:
    return now is None


@dataclass(frozen=True)
class Kind:
    """A kind of change: how messages speak of it, and what whoever carries it out has to know.

    ``purpose`` and ``did`` go before the name of what is changed. ``shows(step, before, now, release)`` tells from the
    record ``now`` (None: there is none) whether a step has taken effect, or None when no record can; it looks at
    ``before`` only where it matters whether it was so already, and whoever does not ask that leaves it out.

    ``creates``: its path is that of the collection, and ONTAP can answer with the record. ``job``: its path answers
    with a job on every release, and a second one must not be started. ``shared``: its path is the same for other SVMs.
    ``missed(step, target, record)`` is the error for a record that does not show what ONTAP has called done; where
    there is one, success counts only once it does, unless no record can. ``takes_over``: afterwards the record is the
    one in use, and any other of its scope is not.
    """

    resource: Resource = field(repr=False)
    purpose: str
    did: str
    shows: t.Callable[[Step, t.Any, t.Any, Release | None], bool | None]
    creates: bool = False
    job: bool = False
    shared: bool = False
    missed: t.Callable[[Step, Target, t.Any], OutcomeError] | None = None
    takes_over: bool = False
    # How it is found out whether it works, where that is another way than for what else is wanted.
    proof: Proof | None = None
    # Whether what it creates or changes stands beside the one in use: of that ONTAP reports nothing to look for.
    beside: bool = False
    # What goes along in the query.
    query: t.Mapping[str, bool] = field(default_factory=dict)
    # What ``shows`` needs where an answer was lost and no record shows it, see ``Resource.complete``.
    also: t.Collection[str] = ()
    # What else is worth a warning in the record afterwards.
    doubts: t.Callable[[Step, t.Any, Release | None], t.Iterable[str]] = lambda _step, _record, _release: ()
    # ONTAP's codes by which it says that somebody was faster, that a part was done, and that there is nothing to do,
    # with what to say then.
    raced: t.Collection[str] = _GONE
    partly: t.Container[str] = ()
    nothing: t.Mapping[str, str] = field(default_factory=dict)
    # Adds to the error of a job, or of a part that was done, what the record (second) tells of the rest.
    rest: t.Callable[[OntapError, t.Any], None] = lambda _error, _record: None
    # What is left as it was where ONTAP refuses, as a sentence.
    refused: str = ""
    # What the record shows where it cannot show the effect.
    hidden_by: str = "nothing of it"
    # What check mode says of a real run that finds a job at work which does this already.
    then: str = " and starts none"
    # What else to do where ONTAP refuses the request.
    advice: str = ""
    # What a person can do when nobody knows what became of the request, and while its job may still run.
    at_last: str = (
        "Run the task again when ONTAP answers: it reads what is there first, and sends only what is still missing."
    )
    meanwhile: str = (
        "It goes on in ONTAP. Run the task again when it has ended (job show -uuid {uuid}); before that, the same "
        "change might be sent a second time."
    )

    @property
    def confirmed(self) -> bool:
        """Whether success counts only once the record shows it."""
        return self.missed is not None


@dataclass(frozen=True)
class Step:
    """One request that changes something. ``{uuid}`` in the path stands for a record not created yet."""

    kind: Kind
    method: str
    path: str
    body: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)

    @property
    def visible(self) -> dict[str, t.Any]:
        """What it sets of what ONTAP shows."""
        return {name: value for name, value in self.body.items() if name in self.kind.resource.compared}

    @property
    def sends_secret(self) -> bool:
        """Whether it carries anything that ONTAP never shows."""
        return any(name in self.body for name in self.kind.resource.secrets)

    def as_action(self, outcome: str, uuid: str | None = None) -> dict[str, t.Any]:
        """The entry in ``actions``: names of the fields, no values."""
        path = self.path.replace("{uuid}", uuid) if uuid else self.path
        return {"method": self.method, "path": path, "fields": sorted(_leaves(self.body)), "outcome": outcome}


def _leaves(body: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, value in body.items():
        if isinstance(value, dict):
            yield from (f"{name}.{leaf}" for leaf in _leaves(value))
        else:
            yield name


@dataclass(frozen=True)
class Drift:
    """One difference, and what would mend it: create, update, rekey, recreate (not in place), delete, enable."""

    field: str
    desired: t.Any
    actual: t.Any
    action: str

    def as_result(self) -> dict[str, t.Any]:
        return {"field": self.field, "desired": self.desired, "actual": self.actual, "action": self.action}


@dataclass(frozen=True)
class Plan:
    """What will be sent, in order, and what that makes of the record.

    ``before`` and ``after`` are the diff. ``blockers`` are errors to raise before anything is sent. A plan with
    ``needs_release`` is not valid: it must be made again with the cluster's release. Neither is one with ``needs_also``
    that was made from records without that, see ``Resource.complete``; where nobody can tell, it stands.
    """

    steps: tuple[Step, ...] = ()
    before: t.Mapping[str, t.Any] = field(default_factory=dict)
    after: t.Mapping[str, t.Any] = field(default_factory=dict)
    record: t.Mapping[str, t.Any] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    blockers: tuple[OntapError, ...] = ()
    warnings: tuple[str, ...] = ()
    credentials: str = "none"
    needs_release: bool = False
    needs_also: tuple[str, ...] = ()
    # What is worth saying although nothing is wrong; and what check mode says instead of the blockers, where an
    # earlier task of the same check run may have removed them.
    note: str = ""
    pending: str = ""
    # What to say instead of ``note`` when the steps have been carried out; and whether nothing that ONTAP shows will
    # tell that they have been, so that a plan made afterwards would be the same again.
    done: str = ""
    unseen: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.steps)

    @property
    def takes_over(self) -> bool:
        """Whether the record is the one in use afterwards, in place of another."""
        return any(step.kind.takes_over for step in self.steps)

    @property
    def completion(self) -> Plan:
        """Of it what makes the record the one in use, and nothing else."""
        steps = tuple(step for step in self.steps if step.kind.takes_over)
        fields = {name: value for step in steps for name, value in step.body.items()}
        return replace(
            self,
            steps=steps,
            after={**self.before, **fields},
            drift=tuple(drift for drift in self.drift if drift.field in fields),
            blockers=(),
            record={**self.record, **fields},
        )

    @property
    def removes(self) -> bool:
        """Whether there is no such record afterwards."""
        return any(step.method == "DELETE" for step in self.steps)

    @property
    def adds(self) -> bool:
        """Whether it creates a record beside the one in use."""
        return any(step.kind.creates and step.kind.beside for step in self.steps)


@dataclass(frozen=True)
class Proof:
    """How it is found out whether what was sent works: a credential, or a configuration that is in use from then on.

    ``question`` is what is looked at, in words. ``of`` are the fields that are tried, ``field`` is the one that tells,
    which ONTAP has ``since`` a release.
    ``judge(clean, did, before, after)`` returns warnings, or raises ``OutcomeError`` for what does not work; ``did``
    says what was done, and ``clean`` takes secrets out of ONTAP's words.
    """

    question: str
    of: t.Collection[str]
    field: str
    since: Release
    judge: t.Callable[[t.Callable[[str], str], str, t.Any, t.Any], tuple[str, ...]]

    def concerns(self, names: t.Collection[str]) -> bool:
        """Whether there is something to try among fields that were sent."""
        return any(name in names for name in self.of)


class Wanted(t.Protocol):
    """What a module wants of one configuration.

    ``shown_by`` are the fields that a read must show, with the first release that has each; ``creates``: whether a
    configuration that does not exist is created; ``proof``: how a new credential is tried, None where it is not.
    ``plan`` takes the record that is meant (None: there is none), the release where it is known, and the other records
    of the same scope.
    """

    resource: t.ClassVar[Resource]

    @property
    def target(self) -> Target: ...

    @property
    def shown_by(self) -> dict[str, Release]: ...

    @property
    def creates(self) -> bool: ...

    @property
    def proof(self) -> Proof | None: ...

    def plan(self, current: t.Any, release: Release | None = None, others: t.Sequence[t.Any] = (), /) -> Plan: ...


def too_old(what: str, since: Release, release: Release, remedy: str = "") -> UnsupportedError:
    """The error for something that the cluster's release does not have, naming the first one that does."""
    return UnsupportedError(
        f"{what} needs ONTAP {since} or later, and this cluster runs ONTAP {release}",
        remedy=remedy or f"Leave {what} out, or upgrade the cluster to ONTAP {since} or later.",
    )


def together(errors: t.Sequence[OntapError]) -> OntapError:
    """One error that says all: fixing one only to meet the next is no way to treat a user."""
    first = errors[0]
    first.message = "; ".join(error.message for error in errors)
    first.remedy = " ".join(dict.fromkeys(error.remedy for error in errors))
    return first


class Gate:
    """Collects what the release must have. Asks for the release only when the record does not prove enough."""

    def __init__(self, proven: Release | None, release: Release | None) -> None:
        self._proven = proven
        self._release = release
        self.needs_release = False
        self.blockers: list[OntapError] = []

    def require(self, what: str, since: Release, remedy: str = "") -> None:
        if self.has(since) is False and self._release is not None:
            self.blockers.append(too_old(what, since, self._release, remedy))

    def has(self, since: Release) -> bool | None:
        """Whether the cluster has a feature; None (and ``needs_release``) when that is not known yet."""
        if self._proven is not None and self._proven.has(since):
            return True
        if self._release is None:
            # Every release this collection talks to is at least 9.7.
            if Release(9, 7).has(since):
                return True
            self.needs_release = True
            return None
        return self._release.has(since)
