# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as they come in: which of their values are secrets, and which cannot be options at all. Pure, no I/O.

Ansible refuses most of that as well, and shows the values. A misspelt option may hold a secret, and so may a list in
the wrong place: everything here speaks of names and kinds only.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._azure.table import SECRETS
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import kind, shown_name

Spec = dict[str, dict[str, t.Any]]

# Ansible's.
_BOOLEANS: t.Final = frozenset(("y", "yes", "t", "true", "on", "1", "n", "no", "f", "false", "off", "0"))
_LISTS: t.Final = (list, tuple, set)


def read_texts(given: dict[str, t.Any], spec: Spec) -> None:
    """Read in place the dictionaries with options of their own, and lists of these, that came as JSON in a text."""
    for name, option in spec.items():
        if option.get("options") and name in given:
            entries = _read(given[name])
            given[name] = [_read(entry) for entry in entries] if isinstance(entries, list) else entries


def _read(value: t.Any) -> t.Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def secrets(given: t.Mapping[str, t.Any], spec: Spec) -> t.Iterator[str]:
    """All texts in options marked no_log, also in options of options, and in a filter that names a secret field."""
    for name, option in spec.items():
        for value in (given.get(spelled) for spelled in _spelled(name, option)):
            if option.get("no_log"):
                yield from _texts(value)
            elif option.get("options"):
                for entry in value if isinstance(value, _LISTS) else [value]:
                    if isinstance(entry, t.Mapping):
                        yield from secrets(entry, option["options"])
            elif option.get("type") == "dict" and isinstance(value, t.Mapping):
                for field in SECRETS:
                    yield from _texts(value.get(field))


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        value = list(value.values())
    if isinstance(value, _LISTS):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool) and str(value).strip():
        yield str(value)


def _spelled(name: str, option: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    return (name, *option.get("aliases", ()))


def faults(given: t.Mapping[str, t.Any], spec: Spec, where: str = "") -> t.Iterator[InputError]:
    """An error for each name that is no option, and for each value that the option cannot have.

    ``where`` comes before each name, such as ``vaults[0].``.
    """
    known = {spelled: option for name, option in spec.items() for spelled in _spelled(name, option)}
    for name, value in given.items():
        if name in known:
            yield from _faults_of(where + name, value, known[name])
        else:
            yield InputError(
                f"{where}{shown_name(name, known)} is no option here",
                remedy=f"The options of {where.rstrip('.') or 'this module'} are {', '.join(spec)}.",
            )


def _faults_of(path: str, value: t.Any, option: t.Mapping[str, t.Any]) -> t.Iterator[InputError]:
    wanted = "secret" if option.get("no_log") else option.get("type", "str")
    if value is None or wanted == "raw":
        return
    if option.get("options") and wanted == "dict":
        if isinstance(value, t.Mapping):
            yield from faults(value, option["options"], f"{path}.")
        else:
            yield InputError(f"{path} is {kind(value)}, and must be a dictionary", remedy="Give a dictionary.")
        return
    if option.get("options"):
        yield from _faults_of_entries(path, value, option["options"])
        return
    is_one, meant, remedy = _KINDS[wanted]
    if not is_one(value):
        yield InputError(f"{path} is {kind(value)}, and must be {meant}", remedy=remedy)
    elif option.get("choices") and value not in option["choices"]:
        yield InputError(f"value of {path} must be one of: {', '.join(option['choices'])}", remedy="Give one of these.")


def _faults_of_entries(path: str, value: t.Any, spec: Spec) -> t.Iterator[InputError]:
    remedy = (
        "Give a list with a dictionary for each configuration. A list inside the list needs the filter flatten, and a "
        "text from_json or from_yaml."
    )
    if not isinstance(value, _LISTS):
        yield InputError(f"{path} is {kind(value)}, and must be a list of dictionaries", remedy=remedy)
        return
    for index, entry in enumerate(value):
        if isinstance(entry, t.Mapping):
            yield from faults(entry, spec, f"{path}[{index}].")
        else:
            yield InputError(f"{path}[{index}] is {kind(entry)}, and must be a dictionary", remedy=remedy)


def _is_secret(value: t.Any) -> bool:
    return kind(value) == "text"


def _is_text(value: t.Any) -> bool:
    # A number may be meant as the name that it spells; a boolean is what YAML makes of a name such as no.
    return kind(value) in ("text", "a number", "a date")


def _is_path(value: t.Any) -> bool:
    return kind(value) == "text" and not re.search(r"[\r\n]|-----BEGIN", str(value))


def _is_integer(value: t.Any) -> bool:
    if kind(value) == "a number":
        return isinstance(value, int)
    return kind(value) == "text" and re.fullmatch(r"\s*[+-]?[0-9]+\s*", str(value)) is not None


def _is_boolean(value: t.Any) -> bool:
    if kind(value) in ("text", "a number"):
        return str(value).strip().lower() in _BOOLEANS
    return isinstance(value, bool)


def _is_list(value: t.Any) -> bool:
    # Ansible makes a list of a text with commas, and of a number.
    return all(map(_is_text, value)) if isinstance(value, _LISTS) else _is_text(value)


def _is_dictionary(value: t.Any) -> bool:
    # Ansible makes a dictionary of JSON and of key=value.
    return isinstance(_read(value), t.Mapping) or (kind(value) == "text" and "=" in str(value))


_QUOTES: t.Final = "Put quotes around it where it is written, and see what a template or variable makes of it."
_KINDS: t.Final[dict[str, tuple[t.Callable[[t.Any], bool], str, str]]] = {
    "secret": (_is_secret, "text", _QUOTES + " YAML reads 0123456 as the number 42798, and yes as a boolean."),
    "str": (_is_text, "text", _QUOTES),
    "path": (_is_path, "the name of a file, and not what is in it", "Give the path of a file where the module runs."),
    "int": (_is_integer, "a whole number", "Give digits alone."),
    "bool": (_is_boolean, "a boolean", "Give true or false."),
    "list": (_is_list, "a list of texts", "Give a list, without lists or dictionaries in it."),
    "dict": (_is_dictionary, "a dictionary", "Give a dictionary."),
}
