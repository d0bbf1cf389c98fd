# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request to ONTAP and its answer, free of HTTP."""

from __future__ import annotations

import json
import typing as t
import urllib.parse
from dataclasses import dataclass, field

from tests.simulator.errors import OntapError, invalid, unexpected
from tests.simulator.fields import Field, Schema

if t.TYPE_CHECKING:
    from tests.simulator.jobs import Job
    from tests.simulator.records import Owner

Record = dict[str, t.Any]


@dataclass
class Call:
    """One request: ``parameters`` are the query's pairs in order (None: no equals sign), ``tunnel`` the SVM of the
    X-Dot-SVM headers, ``raw_query`` the query as it was sent."""

    method: str
    path: str
    parameters: list[tuple[str, str | None]] = field(default_factory=list)
    raw_query: str = ""
    raw_body: bytes = b""
    hal: bool = True
    tunnel: Owner | None = None

    def arguments(self, allowed: t.Collection[str], filters: Schema | None = None) -> Arguments:
        """Sort the query into parameters and filters.

        ``allowed`` names the operation's own parameters, ``filters`` the resource whose fields can be filtered by.
        Raises OntapError for whatever the operation does not take (ONTAP REST reference, generic error codes).
        """
        return Arguments.parse(self, {*allowed, "pretty", "ignore_unknown_fields"}, filters)


@dataclass
class Answer:
    """What ONTAP answers: with a ``job``, ``finish`` makes the answer once the job ended or ``wait`` seconds passed."""

    status: int = 200
    body: Record = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    job: Job | None = None
    wait: float = 0
    finish: t.Callable[[], Answer] | None = None


@dataclass
class Arguments:
    """The query of a request, checked: ``given`` parameters as text, and ``filters`` (field, expression)."""

    given: dict[str, str]
    filters: list[tuple[Field, str]]

    @classmethod
    def parse(cls, call: Call, allowed: t.Collection[str], schema: Schema | None) -> Arguments:
        """Check and sort the query of ``call``; see Call.arguments."""
        tolerant = ("ignore_unknown_fields", "true") in call.parameters
        result = cls({}, [])
        seen: set[str] = set()
        for sent_name, value in call.parameters:
            name = "order_by" if sent_name == "$orderBy" else sent_name
            if schema and name in schema.secrets:
                raise OntapError(262202, target=name)
            if value is None:
                raise OntapError(262248, f'The value of "{name}" lacks an assignment operator.', target=name)
            if name in seen:
                raise OntapError(262188, f'The field "{name}" is specified twice.', target=name)
            seen.add(name)
            if name in allowed:
                result.given[name] = value
            elif schema and name in schema.fields:
                result.filters.append(_as_filter(call, schema, name, value))
            elif name in ("query", "query_fields"):
                raise OntapError(262277, target=name)
            elif not tolerant:
                raise unexpected(name)
        return result

    def text(self, name: str) -> str | None:
        """Return a parameter as it was sent, or None."""
        return self.given.get(name)

    def boolean(self, name: str, default: bool) -> bool:
        """Return a parameter that is ``true`` or ``false``."""
        value = self.given.get(name)
        return default if value is None else boolean(name, value)

    def integer(self, name: str, default: int, *, low: int, high: int | None = None) -> int:
        """Return a parameter that is a whole number from ``low`` to ``high``."""
        value = self.given.get(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or int(value) < low or (high is not None and int(value) > high):
            raise invalid(name, value)
        return int(value)

    def return_timeout(self, default: int = 0) -> int:
        """Return the seconds that the caller wants to wait for a job: 0 to 120 (ONTAP REST reference)."""
        return self.integer("return_timeout", default, low=0, high=120)


def boolean(name: str, text: str) -> bool:
    """Return a boolean of a query. Published examples of the official client send ``True``, so case is ignored."""
    if text.lower() not in ("true", "false"):
        raise invalid(name, text)
    return text.lower() == "true"


def _as_filter(call: Call, schema: Schema, name: str, value: str) -> tuple[Field, str]:
    if call.method == "POST":
        raise OntapError(262211, f'POST does not filter: put "{name}" into the body.', target=name)
    if call.method not in ("GET", "HEAD"):
        raise unexpected(name)
    if name not in schema.readable:
        raise OntapError(262250, f'The field "{name}" is not readable and cannot be queried.', target=name)
    return schema.readable[name], value


def parse_query(raw: str) -> list[tuple[str, str | None]]:
    """Split a query string into its pairs, in order; a name without an equals sign has the value None."""
    pairs: list[tuple[str, str | None]] = []
    for part in raw.split("&"):
        if part:
            name, equals, value = part.partition("=")
            decoded = urllib.parse.unquote_plus(value) if equals else None
            pairs.append((urllib.parse.unquote_plus(name), decoded))
    return pairs


def read_body(call: Call, schema: Schema) -> dict[str, t.Any]:
    """Return the fields of a request's body under their dotted names, checked against ``schema``.

    Nested and dotted names mean the same. Raises OntapError for bad JSON, an unknown field, or a value of the wrong
    type; whether the operation may set a field is for the operation to check.
    """
    tolerant = ("ignore_unknown_fields", "true") in call.parameters
    flat: dict[str, t.Any] = {}
    _flatten(load_body(call.raw_body), "", flat, schema)
    for name in list(flat):
        if name not in schema.fields:
            if not tolerant:
                raise unexpected(name)
            del flat[name]
    for name, value in flat.items():
        check_value(schema.fields[name], value)
    return flat


def load_body(raw: bytes) -> t.Any:
    """Return the object that a request's body is; an empty body is an empty one. Raises OntapError."""
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw, object_pairs_hook=_once)
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        raise OntapError(262199, f"Invalid JSON at {where}.", values=(where,)) from exc
    except UnicodeDecodeError as exc:
        raise OntapError(262201) from exc
    if isinstance(body, list):
        raise OntapError(262255)
    if not isinstance(body, dict):
        raise OntapError(262201)
    return body


def _once(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    names = [name for name, _value in pairs]
    for name in names:
        if names.count(name) > 1:
            raise OntapError(262188, f'The field "{name}" is specified twice.', target=name)
    return dict(pairs)


def _flatten(value: dict[str, t.Any], prefix: str, into: dict[str, t.Any], schema: Schema) -> None:
    for key, part in value.items():
        name = prefix + key
        if name in into:
            raise OntapError(262282, f'The property "{name}" is specified twice.', target=name)
        is_object = any(known.startswith(f"{name}.") for known in schema.fields)
        if isinstance(part, dict) and is_object:
            _flatten(part, f"{name}.", into, schema)
        elif is_object:
            # An object given as null is one that is not given.
            if part is not None:
                raise OntapError(262255, target=name) if isinstance(part, list) else invalid(name, part)
        else:
            into[name] = part


_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool}


def check_value(field_: Field, value: t.Any) -> None:
    """Raise OntapError when ``value`` has the wrong type for ``field_`` or is not among its choices.

    Readings: the reference gives no bounds for ports, but no port is outside 0 to 65535; strings are not converted.
    """
    if value is None:
        return
    if isinstance(value, list):
        raise OntapError(262255, f'The value of "{field_.name}" must not be an array.', target=field_.name)
    shown = "(set)" if field_.secret else value
    if not isinstance(value, _TYPES[field_.kind]) or (field_.kind == "integer" and isinstance(value, bool)):
        raise invalid(field_.name, shown)
    if field_.choices and value not in field_.choices:
        raise invalid(field_.name, shown)
    if isinstance(value, int) and not 0 <= value <= 65535:
        raise invalid(field_.name, shown)
