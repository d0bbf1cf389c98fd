# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resource as a value: its fields, and all else that the engine has to know of it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

# What resources share: the collection of all key managers, of whatever type, and the SVMs.
KEY_STORES = "/api/security/key-stores"
SVMS = "/api/svm/svms"


def _text(value: t.Any) -> t.Any:
    return value


@dataclass(frozen=True)
class Check:
    """What a value must be: ``test`` raises ``ValueError`` with the reason, ``remedy`` says what to give instead."""

    test: t.Callable[[t.Any], None]
    remedy: str

    def __call__(self, value: t.Any) -> None:
        self.test(value)


@dataclass(frozen=True)
class Undescribed:
    """That a field is worth telling where it is set and nobody has described it, and how bad that is; but for the
    ``usual`` value, which needs no describing."""

    usual: t.Any = None
    severity: str = "medium"


_ANYTHING: t.Final = Check(lambda _value: None, "")

# All that a record shows, costly or not: the one way to ask for health that every release understands, whatever it has
# of it.
EVERYTHING: t.Final = "**"

# What a field is to a record: shown and compared; never shown; or going along with a request, and no part of it.
STATE: t.Final = "state"
SECRET: t.Final = "secret"
FLAG: t.Final = "flag"


@dataclass(frozen=True)
class Field:
    """One field of a resource that a user can set; the option has the field's name, ``type``, ``choices`` and
    ``aliases``. One that is inside of another is named with dots, as queries name it.

    ``get``, ``post`` and ``patch`` are the first release that has it in that request (None: none has), ``patch_until``
    is the first whose PATCH no longer takes it (contract, fields by release). ``environment`` is the variable that
    stands in for an option that is not given, ``method`` what ONTAP calls logging in with this credential.
    ``canonical`` gives the form two values are compared in, and where there is none ``equal`` compares them; ``check``
    raises ``ValueError`` for a value that cannot be meant. ``severity`` is how bad it is that the field differs.
    """

    name: str
    get: Release | None = None
    post: Release | None = None
    patch: Release | None = None
    patch_until: Release | None = None
    type: str = "str"
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    role: str = STATE
    required: bool = False
    environment: str = ""
    method: str = ""
    canonical: t.Callable[[t.Any], t.Any] = _text
    equal: t.Callable[[t.Any, t.Any], bool] | None = None
    check: Check = _ANYTHING
    severity: str = "medium"
    undescribed: Undescribed | None = None

    @property
    def since(self) -> Release:
        """The first release that has it in any request."""
        return min(release for release in (self.get, self.post, self.patch) if release)

    @property
    def create(self) -> bool:
        """Whether POST takes it."""
        return self.post is not None

    @property
    def secret(self) -> bool:
        return self.role == SECRET

    def same(self, one: t.Any, other: t.Any) -> bool:
        """Whether two values mean the same. A field ONTAP leaves out is unset, which is no value's equal."""
        if one is None or other is None:
            return one is other
        if self.equal is not None:
            return self.equal(one, other)
        return bool(self.canonical(one) == self.canonical(other))


@dataclass(frozen=True)
class Health:
    """A one-word verdict, why, and the nodes concerned.

    ``usable``: whether the configuration can be used. ``keys_missing``: whether a node lacks keys, which a worse
    verdict may hide. Both are None where nobody knows. ``cause`` is a word for why what the keys depend on is out of
    reach, None where it is not; ``remedy`` says what to do about the verdict, empty where there is nothing to do.
    ``clock`` says what comes next, where something does by itself.
    """

    verdict: str
    reasons: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    usable: bool | None = None
    keys_missing: bool | None = None
    cause: str | None = None
    remedy: str = ""
    clock: t.Mapping[str, t.Any] | None = None

    def as_result(self) -> dict[str, t.Any]:
        return {
            "verdict": self.verdict,
            "usable": self.usable,
            "keys_missing": self.keys_missing,
            "cause": self.cause,
            "remedy": self.remedy or None,
            "reasons": list(self.reasons),
            "nodes": list(self.nodes),
            "clock": self.clock,
        }


@dataclass(frozen=True)
class Queries:
    """What a query over all records of a resource may name.

    ``names`` has everything with the first release that knows it, ``groups`` what fields may name besides.
    ``compared_here`` are options that ONTAP cannot filter by, with the field that each is compared with here.
    ``instead`` says what to ask for instead of secrets, ``other_spellings`` what a name is on other releases.
    ``check(name, value, option)`` raises ``InputError`` for what cannot be a value of a field.
    """

    names: t.Mapping[str, Release]
    groups: t.Collection[str] = ()
    compared_here: t.Mapping[str, str] = field(default_factory=dict)
    instead: str = ""
    other_spellings: t.Mapping[str, str] = field(default_factory=dict)
    check: t.Callable[[str, t.Any, str], None] = lambda _name, _value, _option: None


@dataclass(frozen=True)
class Resource:
    """A kind of configuration that ONTAP keeps for the cluster and its SVMs, and that users describe.

    ``one`` is what messages call one of them, with its article; ``key`` the name of one in a result, ``many`` that of a
    list, also as an option. ``path`` is its collection, ``store`` its type among the key managers, of which an SVM can
    have one enabled. ``single``: the cluster has one and no more, which has no UUID and is no member of a collection.

    ``compared`` are the fields that are state of a record, neither secret nor a flag that goes along with one.
    ``standard`` are those that ONTAP returns unasked; others are asked for by name when a user manages them, because
    the documents do not say that ``fields=*`` returns what was never set. ``health`` are the fields that ``judge``
    looks at, and ``passing`` those that come and go without anybody's doing. ``options`` tells by which option a user
    knows a field that is none to set.

    ``complete(reader, records, fields)`` adds to records what ``fields`` need to be judged and no record shows.
    ``remedies`` say for some of ONTAP's codes what to do about one target, instead of the words for all
    (or, where they return nothing, these).
    ``signs`` are codes with which ONTAP refuses a change and tells something of all records of the scope, each with
    what makes a record that knows it.
    ``besides(record, release, foreseen)`` is what a result says of a record besides; ``foreseen`` are the fields that
    are to be sent in a check run.
    """

    one: str
    key: str
    many: str
    path: str
    store: str
    fields: t.Mapping[str, Field]
    compared: t.Collection[str]
    record: type[Record] = Record
    single: bool = False
    standard: t.Collection[str] = ()
    options: t.Mapping[str, str] = field(default_factory=dict)
    health: t.Collection[str] = ()
    passing: t.Collection[str] = ()
    queries: Queries = Queries({})
    remedies: t.Mapping[str, t.Callable[[Target], str]] = field(default_factory=dict)
    judge: t.Callable[[t.Any], Health] = lambda _record: Health("unknown")
    complete: t.Callable[[Reader, tuple[t.Any, ...], t.Collection[str]], tuple[t.Any, ...]] = (
        lambda _reader, records, _fields: records
    )
    signs: t.Mapping[str, t.Callable[[t.Any], t.Any]] = field(default_factory=dict)
    besides: t.Callable[[t.Mapping[str, t.Any], Release | None, t.Collection[str]], dict[str, t.Any]] = (
        lambda _record, _release, _foreseen: {}
    )

    @property
    def noun(self) -> str:
        return self.one.partition(" ")[2]

    @property
    def secrets(self) -> tuple[str, ...]:
        """The fields that ONTAP never shows."""
        return tuple(name for name, item in self.fields.items() if item.secret)

    def to_read(self, managed: t.Iterable[str]) -> str:
        """The ``fields`` of a read that must show the ``managed`` fields."""
        managed = frozenset(managed)
        if EVERYTHING in managed:
            return EVERYTHING
        return ",".join(["*", *sorted(managed - set(self.standard))])
