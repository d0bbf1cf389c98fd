# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ONTAP's answers look like: what has to be in them, and of which type each known value is. Pure.

The one place where the form of an answer is checked. What has passed can be relied on: a field that is listed here is
of its type, or absent, or null, which ONTAP may send for any value. What is not listed is not looked at.
"""

from __future__ import annotations

import re
import typing as t

# An answer nests four deep.
MAX_DEPTH = 32

Form = t.Union[tuple[type, ...], t.Pattern[str], dict[str, "Form"], list["Form"]]

TEXT = (str,)
NUMBER = (int,)
BOOLEAN = (bool,)
# Integers up to 9.10.1, text later (contract, sub-fields).
CODE = (int, str)
# UUIDs become part of paths, so nothing may be in one that leads to another path.
UUID = re.compile(r"[\w-]+", re.ASCII)
NAMED: dict[str, Form] = {"uuid": TEXT, "name": TEXT}
REPORT: dict[str, Form] = {"code": CODE, "message": TEXT}
# By the type of the option that sets it.
FORMS: t.Final[dict[str, Form]] = {"str": TEXT, "int": NUMBER, "bool": BOOLEAN}

# The fields of each collection's records, also of those that others ``describe``.
RECORDS: t.Final[dict[str, dict[str, Form]]] = {
    "/api/security/key-stores": {
        "uuid": UUID,
        **dict.fromkeys(("type", "location", "scope", "state"), TEXT),
        "enabled": BOOLEAN,
        "svm": NAMED,
        "configuration": NAMED,
        # Up to 9.12.1.
        "keystore": {"uuid": UUID, "type": TEXT, "location": TEXT, "enabled": BOOLEAN, "svm": NAMED},
    },
    "/api/svm/svms": {"uuid": UUID, "name": TEXT, "state": TEXT, "subtype": TEXT},
    "/api/cluster/jobs": {
        "uuid": UUID,
        "state": TEXT,
        "description": TEXT,
        **REPORT,
        "error": {**REPORT, "target": TEXT, "arguments": [REPORT]},
    },
}
# What there is one of, at a path of its own; also what others ``describe_single``.
SINGLE: t.Final[dict[str, dict[str, Form]]] = {
    "/api/cluster": {
        "name": TEXT,
        "uuid": UUID,
        "version": {"full": TEXT, "generation": NUMBER, "major": NUMBER, "minor": NUMBER},
    },
}
_LINKS: dict[str, Form] = {"_links": {"next": {"href": TEXT}}}
_JOB: dict[str, Form] = {"job": {"uuid": UUID}}

# What nobody can do without.
_NEEDED: t.Final[dict[str, tuple[str, ...]]] = {
    "/api/cluster": ("version",),
    "/api/svm/svms": ("uuid", "name"),
    "/api/cluster/jobs": ("uuid",),
}
# The keys of an answer to a write; with a body that has none of them, something else than ONTAP answered.
_AFTER_WRITE = frozenset({"job", "jobs", "records", "num_records", "_links", "error"})


def describe(collection: str, form: dict[str, Form], needed: tuple[str, ...]) -> None:
    """Say what records of a collection look like, and which of their fields nobody can do without.

    For whoever names the path of a resource, so that nothing is read that has no form.
    """
    RECORDS[collection], _NEEDED[collection] = form, needed


def describe_single(path: str, form: dict[str, Form]) -> None:
    """As ``describe``, for what there is one of. Which of its fields an answer has depends on the release."""
    SINGLE[path] = form


def read_fault(
    path: str, query: t.Mapping[str, t.Any] | None, body: t.Mapping[str, t.Any], *, listed: bool = False
) -> str:
    """Why ``body`` cannot be ONTAP's answer to a GET that succeeded, without any value of it; empty when it can.

    ``listed``: the path is that of a collection, known or not.
    """
    query = query or {}
    if str(query.get("return_records")).lower() == "false":
        number: t.Any = body.get("num_records")
        return "" if type(number) in NUMBER and number >= 0 else "num_records is not a number"
    collection, _slash, rest = path.rpartition("/")
    if listed or path in RECORDS:
        if "records" not in body:
            return "records is missing"
        return _records_fault(path, body, [name for name in _NEEDED.get(path, ()) if name not in _left_out(query)])
    if path in SINGLE:
        known = "" if SINGLE[path].keys() & body.keys() else "it has none of the fields that are known"
        return _fault(body, SINGLE[path]) or _missing(body, _NEEDED.get(path, ())) or known
    if rest and collection in RECORDS:
        needed = ("state",) if collection == "/api/cluster/jobs" else _NEEDED.get(collection, ())
        return _fault(body, RECORDS[collection]) or _missing(body, needed)
    return ""


def write_fault(path: str, body: t.Mapping[str, t.Any]) -> str:
    """As ``read_fault``, for the body of an answer to POST, PATCH or DELETE, which may be empty."""
    if body and not _AFTER_WRITE & body.keys():
        return "it has nothing that ONTAP answers a change with"
    fault = _fault(body, _JOB)
    if not fault and body.get("job") is not None:
        fault = _missing(body["job"], ("uuid",)) and "job.uuid is missing"
    if not fault and body.get("records") is not None:
        fault = _records_fault(path, body, ("uuid",))
    return fault


def is_of_record(path: str, name: str) -> bool:
    """Whether ``name`` is a field of the record that ``path`` leads to, and not of the answer around it."""
    return name in RECORDS.get(path.rpartition("/")[0], {})


def too_deep(body: t.Any) -> bool:
    """Whether ``body`` nests deeper than any answer, so that whatever walks through it may run out of stack."""
    level = [body]
    for _depth in range(MAX_DEPTH):
        level = [
            part
            for item in level
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return False
    return True


def _records_fault(path: str, body: t.Mapping[str, t.Any], needed: t.Collection[str]) -> str:
    records, number = body["records"], body.get("num_records")
    if not isinstance(records, list):
        return "records is not a list"
    if number is not None and (type(number) not in NUMBER or number != len(records)):
        return "num_records is not the number of records"
    form = RECORDS.get(path, {"uuid": UUID})
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            return f"records[{index}] is not an object"
        if fault := _fault(record, form) or _missing(record, needed):
            return f"records[{index}].{fault}"
    return _fault(body, _LINKS)


def _left_out(query: t.Mapping[str, t.Any]) -> set[str]:
    """The fields that a query asks not to have, as in ``fields=*,!uuid``."""
    return {name[1:] for name in str(query.get("fields", "")).split(",") if name.startswith("!")}


def _missing(value: t.Mapping[str, t.Any], needed: t.Iterable[str]) -> str:
    return next((f"{name} is missing" for name in needed if value.get(name) is None), "")


def _fault(value: t.Mapping[str, t.Any], form: t.Mapping[str, Form]) -> str:
    """What is wrong in an object, with the name of the field first."""
    for name, inner in value.items():
        expected = form.get(name)
        # Nearly all there is are fields of one type; with 10,000 records the rest of this must not be run for each.
        if expected is None or inner is None or (isinstance(expected, tuple) and type(inner) in expected):
            continue
        if fault := _value_fault(inner, expected):
            return f"{name}{fault}"
    return ""


def _value_fault(value: t.Any, form: Form) -> str:
    """What is wrong with a value, as it stands behind the field's name."""
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return " is not an object"
        return f".{fault}" if (fault := _fault(value, form)) else ""
    if isinstance(form, list):
        if not isinstance(value, list):
            return " is not a list"
        return next((f"[]{fault}" for part in value if (fault := _value_fault(part, form[0]))), "")
    if isinstance(form, re.Pattern):
        return "" if isinstance(value, str) and form.fullmatch(value) else " is not a UUID"
    # Not isinstance: a flag is no number.
    return "" if type(value) in form else f" is not {_WORDS[form]}"


_WORDS: t.Final[dict[tuple[type, ...], str]] = {
    TEXT: "text",
    NUMBER: "a whole number",
    BOOLEAN: "true or false",
    CODE: "a code",
}
