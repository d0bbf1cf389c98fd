# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries over all configurations of a cluster: ONTAP's filters, fields, order and paging, checked."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target, check_svm, check_uuid_alone
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    InputError,
    TransportError,
    UnsupportedError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import shown_name


@dataclass(frozen=True)
class Search:
    """A query over all configurations of a cluster: ONTAP's filters, fields, order and page size, checked.

    ``values`` are fields that are compared here, as everywhere in the collection, and not by ONTAP.
    """

    resource: Resource = field(repr=False)
    filters: t.Mapping[str, str] = field(default_factory=dict)
    values: t.Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    max_records: int | None = None
    return_timeout: int | None = None
    health: bool = False

    @classmethod
    def of(cls, resource: Resource, params: t.Mapping[str, t.Any]) -> Search:
        """From module options. Raises ``InputError`` naming the filter or field; nothing has been sent by then."""
        fields = tuple(params.get("fields") or ())
        for name in fields:
            _check_query_name(resource, "fields", name)
        order_by = tuple(params.get("order_by") or ())
        for entry in order_by:
            name, _blank, direction = entry.partition(" ")
            _check_query_name(resource, "order_by", name)
            if direction not in ("", "asc", "desc"):
                raise InputError(
                    f"order_by has something else than asc or desc behind {name}",
                    remedy="Write a field, with asc or desc behind it if wanted.",
                )
        _check_range("max_records", params.get("max_records"), 1, 10000)
        _check_range("return_timeout", params.get("return_timeout"), 0, 120)
        filters = _filters(resource, params)
        return cls(
            resource,
            filters=filters,
            values=_values(resource, params, filters, fields),
            fields=fields,
            order_by=order_by,
            max_records=params.get("max_records"),
            return_timeout=params.get("return_timeout"),
            health=bool(params.get("health")),
        )

    def matches(self, record: Record) -> bool:
        """Whether a record that matches the filters is wanted. Raises ``TransportError`` when it does not tell."""
        for name, value in self.values.items():
            shown, item = record.value(name), self.resource.fields[name]
            try:
                item.check(shown or "")
            except ValueError as exc:
                raise TransportError(
                    f"ONTAP shows {name} {shown!r} for configuration {record.uuid}, which cannot be compared with "
                    f"{value}: {exc}",
                    remedy="Read all configurations and compare them yourself.",
                ) from exc
            if not item.same(value, shown):
                return False
        return True

    def to_read(self) -> tuple[str, ...]:
        """The fields to ask for, with those that are compared here; none for all that cost ONTAP little."""
        if not (self.fields and self.values):
            return self.fields
        everything = ("*",) if all(name.startswith("!") for name in self.fields) else ()
        return tuple(dict.fromkeys([*everything, *self.fields, *self.values]))

    def query(self) -> dict[str, str | int | bool]:
        """Without ``fields``, which depend on what is wanted."""
        query: dict[str, str | int | bool] = dict(self.filters)
        if self.order_by:
            query["order_by"] = ",".join(self.order_by)
        if self.max_records is not None:
            query["max_records"] = self.max_records
        if self.return_timeout is not None:
            query["return_timeout"] = self.return_timeout
        return query


def _check_query_name(resource: Resource, option: str, name: str) -> None:
    """ONTAP's syntax: a name, ``!name`` to leave it out, ``group.{one,two}`` for several of a group."""
    plain = name[1:] if option == "fields" and name.startswith("!") else name
    group, brace, rest = plain.partition(".{")
    names = [f"{group}.{part.strip()}" for part in rest.rstrip("}").split(",")] if brace else [plain]
    groups = ("*", "**", *resource.queries.groups) if option == "fields" else ()
    for one in names:
        if one in resource.secrets:
            raise InputError(
                f"{option} names {one}, which ONTAP never returns and no query may hold",
                remedy=f"Leave {one} out; {resource.queries.instead}.",
            )
        if one not in resource.queries.names and one not in groups:
            raise InputError(
                f"{option} names '{shown_name(one)}', which is no field of {resource.one}",
                remedy=f"Known are {', '.join(sorted(resource.queries.names))}.",
            )


def _check_range(option: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(
            f"{option} is {value}; it is a number from {low} to {high}",
            remedy=f"Leave {option} out for ONTAP's default, or give a number in that range.",
        )


def _filters(resource: Resource, params: t.Mapping[str, t.Any]) -> dict[str, str]:
    check_svm(params.get("svm"))
    if params.get("uuid"):
        check_uuid_alone(params)
    if params.get("scope") == "cluster" or (params.get("svm") and params.get("svm_uuid")):
        Target.of(params)
    filters: dict[str, str] = {}
    for option, name in (
        ("scope", "scope"),
        ("svm", "svm.name"),
        ("svm_uuid", "svm.uuid"),
        ("configuration", "configuration.name"),
        ("uuid", "uuid"),
    ):
        if params.get(option):
            filters[name] = literal(params[option].lower() if name.endswith("uuid") else params[option])
    for name, value in (params.get("filters") or {}).items():
        _check_query_name(resource, "filters", name)
        if name in filters:
            raise InputError(f"filters and an option of its own both give {name}", remedy="Give it once.")
        filters[name] = _filter_value(value)
    return filters


def _values(
    resource: Resource, params: t.Mapping[str, t.Any], filters: t.Mapping[str, str], fields: t.Sequence[str]
) -> dict[str, str]:
    values: dict[str, str] = {}
    for option, name in resource.queries.compared_here.items():
        if not params.get(option):
            continue
        resource.queries.check(name, params[option], option)
        if name in filters:
            raise InputError(
                f"{option} is given, and filters gives {name}",
                remedy=f"Leave {name} out of filters: {option} finds every spelling.",
            )
        if f"!{name}" in fields:
            raise InputError(
                f"{option} is given, and fields leaves out {name}, which it is compared with",
                remedy=f"Leave !{name} out of fields.",
            )
        values[name] = params[option]
    return values


def _filter_value(value: t.Any) -> str:
    """YAML's values in ONTAP's words; a list means any of them. Text goes as it is, operators included."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        return "|".join(_filter_value(item) for item in value)
    return str(value)


def search(reader: Reader, wanted: Search) -> tuple[t.Any, ...]:
    """All configurations that match, every page of them. Raises ``UnsupportedError`` for what the release lacks."""
    resource = wanted.resource
    if wanted.health:
        # With no fields given, ** is the one spelling that every release understands.
        # Named twice, ONTAP would refuse; scope and SVM tell what the health is about.
        named = dict.fromkeys((*wanted.to_read(), "scope", "svm", *resource.health))
        fields = ",".join(named) if wanted.fields else "**"
    else:
        fields = ",".join(wanted.to_read()) or "*"
    query = {**wanted.query(), "fields": fields}
    found = map(resource.record.of, _ask(lambda q: reader.records(resource.path, q), reader, wanted, query))
    return tuple(record for record in found if wanted.matches(record))


def count(reader: Reader, wanted: Search) -> int:
    """The number of configurations that match, without reading them unless they have to be compared here."""
    if wanted.values:
        return len(search(reader, replace(wanted, fields=tuple(wanted.values), order_by=(), health=False)))
    query = {**wanted.query(), "return_records": False}
    for shaping in ("order_by", "max_records"):
        query.pop(shaping, None)
    number: int = _ask(lambda q: reader.get(wanted.resource.path, q), reader, wanted, query)["num_records"]
    return number


_Asked = t.TypeVar("_Asked")


def _ask(
    ask: t.Callable[[dict[str, str | int | bool]], _Asked],
    reader: Reader,
    wanted: Search,
    query: dict[str, str | int | bool],
) -> _Asked:
    """Ask; where ONTAP does not know a name, try the older spelling, then say which release knows it."""
    try:
        return ask(query)
    except ApiError as exc:
        if exc.code not in UNKNOWN_NAME:
            raise
        refused = exc
    respelled = _respelled(wanted.resource, query)
    if respelled != query:
        try:
            return ask(respelled)
        except ApiError as exc:
            if exc.code not in UNKNOWN_NAME:
                raise
    release = reader.release()
    for option, names in (("filters", wanted.filters), ("fields", wanted.fields), ("order_by", wanted.order_by)):
        for name in names:
            since = wanted.resource.queries.names.get(name.partition(" ")[0])
            if since and not release.has(since):
                raise UnsupportedError(
                    f"{option} names {name}, which needs ONTAP {since} or later, and this cluster runs ONTAP {release}",
                    remedy=f"Leave {name} out on this cluster.",
                ) from None
    raise refused


def _respelled(resource: Resource, query: t.Mapping[str, str | int | bool]) -> dict[str, str | int | bool]:
    """The query in the other spellings; health by name is ``**`` where a part is missing."""
    swap = resource.queries.other_spellings
    pattern = re.compile("|".join(map(re.escape, swap)) or "(?!)")
    respelled: dict[str, str | int | bool] = {}
    for name, value in query.items():
        if name in ("fields", "order_by") and isinstance(value, str):
            value = pattern.sub(lambda match: swap[match[0]], value)
            if name == "fields" and set(resource.health) <= set(value.split(",")):
                value = "**"
        respelled[swap.get(name, name)] = value
    return respelled
