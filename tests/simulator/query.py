# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters, ``fields``, ``order_by`` and paging: what every resource of ONTAP's REST API has in common."""

from __future__ import annotations

import datetime
import fnmatch
import re
import typing as t
import urllib.parse

from tests.simulator.call import Answer, Arguments, Call, Record, boolean
from tests.simulator.errors import OntapError, invalid
from tests.simulator.fields import Field, Schema

COLLECTION_PARAMETERS = frozenset(
    {
        "fields",
        "max_records",
        "return_timeout",
        "return_records",
        "order_by",
        "offset",
        "query",
        "query_fields",
        "start.uuid",
        "start.index",
    }
)
CEILING = 10_000


def values(record: t.Any, name: str) -> list[t.Any]:
    """Return the values that ``record`` has for a dotted name: none when unset, several below an array."""
    if name == "":
        return [] if record is None else [record]
    if isinstance(record, list):
        return [value for item in record for value in values(item, name)]
    head, _dot, rest = name.partition(".")
    if not isinstance(record, dict) or head not in record:
        return []
    return values(record[head], rest)


def collection(
    call: Call,
    schema: Schema,
    records: t.Sequence[Record],
    arguments: Arguments,
    *,
    phantom_page: bool = False,
) -> Answer:
    """Answer GET on a collection: filter, sort, cut into pages and shape ``records``.

    ``records`` are complete records in the order of their key. ``phantom_page`` makes the last page carry a link to
    a further, empty one, which ONTAP's documentation allows.
    """
    arguments.return_timeout(15)
    wanted = wanted_fields(schema, arguments.text("fields"), default=frozenset(schema.shown))
    order = parse_order(schema, arguments.text("order_by"))
    limit = min(arguments.integer("max_records", CEILING, low=1), CEILING)
    _check_filters(schema, arguments)
    found = [record for record in records if _matches(record, schema, arguments)]
    if not arguments.boolean("return_records", True):
        # num_records and nothing else (ONTAP REST reference).
        return Answer(body={"num_records": len(found)})
    sort(found, order)
    found, seen = _after_start(found, arguments, by_index=bool(order))
    page, rest = found[:limit], found[limit:]
    body: Record = {
        "records": [shape(record, wanted) for record in page],
        "num_records": len(page),
        "_links": {"self": {"href": self_link(call)}},
    }
    headers = {}
    if rest or (phantom_page and page):
        start = ("start.index", str(seen + len(page))) if order else ("start.uuid", page[-1]["uuid"])
        link = _next_link(call, start)
        body["_links"]["next"] = {"href": link}
        headers["Link"] = f'<{link}>; rel="next"'
    return Answer(body=body, headers=headers)


def instance(schema: Schema, record: Record, arguments: Arguments) -> Answer:
    """Answer GET on one record: without ``fields`` it shows the standard ones (ONTAP REST reference)."""
    return Answer(body=shape(record, wanted_fields(schema, arguments.text("fields"), default=schema.standard)))


def self_link(call: Call) -> str:
    """Return the URL that the caller asked for, as it was sent."""
    return f"{call.path}?{call.raw_query}" if call.raw_query else call.path


def _next_link(call: Call, start: tuple[str, str]) -> str:
    # offset has done its work on the first page.
    kept = [(n, v) for n, v in call.parameters if v is not None and n not in ("start.uuid", "start.index", "offset")]
    return f"{call.path}?{urllib.parse.urlencode([start, *kept])}"


def _after_start(found: list[Record], arguments: Arguments, *, by_index: bool) -> tuple[list[Record], int]:
    # Records keep their key's order, so that pages neither repeat nor skip one when others come and go meanwhile.
    skipped = arguments.integer("start.index", arguments.integer("offset", 0, low=0), low=0)
    start = None if by_index else arguments.text("start.uuid")
    return [record for record in found if start is None or record["uuid"] > start][skipped:], skipped


# --- fields


def wanted_fields(schema: Schema, expression: str | None, *, default: frozenset[str]) -> frozenset[str]:
    """Return the names of the fields that an answer shows.

    ``expression`` is the value of ``fields``: a list of names and objects, ``a.{b,c}``, ``!a.b``, ``*`` or ``**``.
    The identity of a record is always part of the answer. Reading: exclusions alone start from the standard fields.
    """
    if expression is None:
        return default | frozenset(schema.identity)
    chosen: set[str] = set()
    excluded: set[str] = set()
    names = _names(expression)
    for name in names:
        if names.count(name) > 1:
            raise OntapError(262222, f'The value "{name}" is listed more than once.', target="fields")
        if name.startswith("!"):
            excluded |= _expand(schema, name[1:])
        else:
            chosen |= _expand(schema, name)
    if excluded and not chosen:
        chosen = set(schema.standard)
    return frozenset((chosen | set(schema.identity)) - excluded)


def _names(expression: str) -> list[str]:
    # A published example ends in a stray double quote, and is meant to work.
    text = expression.replace('"', "").strip()
    if not text:
        raise OntapError(262194, target="fields")
    names: list[str] = []
    depth = 0
    part = ""
    for char in [*text, ","]:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth not in (0, 1):
            raise OntapError(262286, target="fields")
        if char == "," and depth == 0:
            names.append(part.strip())
            part = ""
        else:
            part += char
    if depth:
        raise OntapError(262286, target="fields")
    return [name for part in names for name in _unbrace(part)]


def _unbrace(name: str) -> list[str]:
    match = re.fullmatch(r"(!?[^{}]*)\.\{([^{}]*)\}", name)
    if match:
        return [f"{match[1]}.{part.strip()}" for part in match[2].split(",")]
    if "{" in name:
        raise invalid("fields", name)
    return [name]


def _expand(schema: Schema, name: str) -> set[str]:
    if name == "*":
        return set(schema.standard)
    if name == "**":
        return set(schema.readable)
    if name == "_links" or name.endswith("._links"):
        return set()
    found = {known for known in schema.readable if known == name or known.startswith(f"{name}.")}
    if found:
        return found
    if name in schema.fields:
        raise OntapError(262249, f'The field "{name}" is not readable.', target="fields")
    raise invalid("fields", name)


def shape(record: Record, wanted: frozenset[str]) -> Record:
    """Return ``record`` with the ``wanted`` fields only, and with its links."""
    return t.cast("Record", _shape(record, wanted, ""))


def _shape(value: t.Any, wanted: frozenset[str], name: str) -> t.Any:
    if isinstance(value, list):
        return [_shape(item, wanted, name) for item in value]
    if not isinstance(value, dict):
        return value
    prefix = f"{name}." if name else ""
    result = {}
    for key, part in value.items():
        path = prefix + key
        if key == "_links" or (path in wanted and part is not None):
            result[key] = part
        elif any(field.startswith(f"{path}.") for field in wanted) and isinstance(part, (dict, list)):
            result[key] = _shape(part, wanted, path)
    return result


# --- order_by


def parse_order(schema: Schema, expression: str | None) -> list[tuple[str, bool]]:
    """Return ``order_by`` as pairs of field name and whether it goes down.

    Reading: what is expensive to read cannot be sorted by.
    """
    order = []
    for part in (expression or "").split(","):
        words = part.split()
        if not words:
            continue
        field = schema.readable.get(words[0])
        if field is None or field.expensive:
            message = f'The field "{words[0]}" is not supported in order_by.'
            raise OntapError(262268, message, target="order_by", values=(words[0],))
        if len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise invalid("order_by", part.strip())
        order.append((words[0], words[1:] == ["desc"]))
    return order


def sort(records: list[Record], order: list[tuple[str, bool]]) -> None:
    """Sort ``records`` in place; those without the field come first."""
    for name, down in reversed(order):
        records.sort(key=lambda record: _sort_key(record, name), reverse=down)


def _sort_key(record: Record, name: str) -> tuple[bool, t.Any]:
    found = values(record, name)
    return (bool(found), found[0] if found else 0)


# --- filters


def _matches(record: Record, schema: Schema, arguments: Arguments) -> bool:
    return all(matches(record, field, expression) for field, expression in arguments.filters) and _cross_field(
        record, schema, arguments
    )


def _check_filters(schema: Schema, arguments: Arguments) -> None:
    # An expression is wrong whether or not there is a record to compare with.
    for field, expression in arguments.filters:
        if expression == "":
            raise OntapError(262194, f'The expression for "{field.name}" lacks a value.', target=field.name)
        for part in _split(expression):
            _alternative([], field, part)
    _cross_field({}, schema, arguments)


def _cross_field(record: Record, schema: Schema, arguments: Arguments) -> bool:
    """Apply ``query`` to any of ``query_fields`` (ONTAP REST reference: cross-field queries)."""
    expression, names = arguments.text("query"), arguments.text("query_fields")
    if expression is None and names is None:
        return True
    if expression is None or names is None:
        raise OntapError(262273, target="query")
    if not expression or not names:
        raise OntapError(262274 if not expression else 262275, target="query")
    if expression.count('"') % 2:
        raise OntapError(262272, target="query")
    listed = names.split(",")
    if len(set(listed)) != len(listed):
        raise OntapError(262276, target="query_fields")
    for name in listed:
        if name not in schema.readable:
            raise invalid("query_fields", name)
    return any(matches(record, schema.readable[name], expression) for name in listed)


def matches(record: Record, field: Field, expression: str) -> bool:
    """Tell whether a record's field satisfies a filter expression.

    Operators: ``*``, ``|``, ``!``, ``<``, ``>``, ``<=``, ``>=``, ``a..b``, ``null``, ``!null``; quotes or braces make
    them literal (ONTAP REST reference). Reading: text is compared as it is, case included.
    """
    found = values(record, field.name)
    return any(_alternative(found, field, part) for part in _split(expression))


def _split(expression: str) -> list[str]:
    """Split at ``|`` outside quotes and braces."""
    parts, quote = [""], ""
    for char in expression:
        if char == quote:
            quote = ""
        elif not quote and char in '"{':
            quote = '"' if char == '"' else "}"
        if char == "|" and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _alternative(found: list[t.Any], field: Field, part: str) -> bool:
    if part.startswith("!") and len(part) > 1:
        return not _alternative(found, field, part[1:])
    if part == "null":
        return not found
    literal = re.fullmatch(r'"(.*)"|\{(.*)\}', part, re.DOTALL)
    if literal:
        wanted = _typed(field, literal[1] if literal[1] is not None else literal[2])
        return any(value == wanted for value in found)
    if field.kind == "time":
        found = [_moment(field, value) for value in found]
    operator = re.match(r"<=|>=|<|>", part)
    if operator:
        limit = _typed(field, part[operator.end() :])
        return any(_compare(value, operator[0], limit) for value in found)
    if ".." in part and not part.startswith(".."):
        start, _dots, end = part.partition("..")
        low, high = _typed(field, start), _typed(field, end)
        return any(low <= value <= high for value in found)
    if field.kind == "string" and "*" in part:
        pattern = re.compile(fnmatch.translate(part.replace("[", "[[]").replace("?", "[?]")))
        return any(pattern.match(value) for value in found)
    if part == "*":
        return bool(found)
    wanted = _typed(field, part)
    return any(value == wanted for value in found)


def _compare(value: t.Any, operator: str, limit: t.Any) -> bool:
    if operator == "<":
        return bool(value < limit)
    if operator == ">":
        return bool(value > limit)
    return bool(value <= limit) if operator == "<=" else bool(value >= limit)


def _typed(field: Field, text: str) -> t.Any:
    if field.kind == "boolean":
        return boolean(field.name, text)
    if field.kind == "integer":
        if not re.fullmatch(r"-?[0-9]+", text):
            raise invalid(field.name, text)
        return int(text)
    if field.kind == "time":
        return _moment(field, text)
    if field.choices and text not in field.choices:
        raise invalid(field.name, text)
    return text


def _moment(field: Field, text: str) -> datetime.datetime:
    """Return a time; reading: times are compared as moments, so that their offsets do not matter."""
    try:
        return datetime.datetime.fromisoformat(text).astimezone(datetime.timezone.utc)
    except ValueError:
        raise invalid(field.name, text) from None
