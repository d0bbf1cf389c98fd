# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a survey or a person has answered, as the type that is meant. Pure: no input, no output.

AWX marks every text as ``!unsafe``, and ansible-core 2.19 and later reads such a text as YAML: ``no`` arrives as false,
``0123`` as 83, ``2026-01-01`` as a date, and an empty one, like ``null``, as nothing. What a file of variables holds
without quotes has always been read so. A type takes what fits it, such as a number; for the others the text is lost.
"""

from __future__ import annotations

import json
import re
import typing as t
from datetime import date

# What Ansible puts in the place of a value that is omitted: before 2.19 a text, since then an object.
_OMITTED = re.compile(r"__omit_place_holder__[0-9a-f]{40}")

# What YAML makes of a text, in words.
_READ_AS: t.Final = {bool: "true or false", int: "a number", float: "a number", date: "a date", type(None): "nothing"}
_LOST: t.Final = tuple(_READ_AS)

_TRUE: t.Final = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE: t.Final = frozenset({"false", "f", "no", "n", "off", "0"})


class AnswerError(ValueError):
    """An answer that cannot be taken: which variable, what is wrong with it, and how to write it."""


def is_omitted(value: t.Any) -> bool:
    """Whether this is Ansible's ``omit``."""
    return type(value).__name__ == "_OmitType" or (isinstance(value, str) and bool(_OMITTED.fullmatch(value.strip())))


def without_omitted(value: t.Any) -> t.Any:
    """The same without what is omitted, at any depth: keys of dictionaries, and elements of lists. A value that is
    omitted itself is None."""
    if isinstance(value, t.Mapping):
        return {key: without_omitted(item) for key, item in value.items() if not is_omitted(item)}
    if isinstance(value, (list, tuple)):
        return [without_omitted(item) for item in value if not is_omitted(item)]
    return None if is_omitted(value) else value


def is_given(value: t.Any) -> bool:
    """Whether there is an answer. A list without elements is one: nobody."""
    return not (value is None or is_omitted(value) or (isinstance(value, str) and not _bare(value)))


def kind_of(value: t.Any) -> str:
    """What a value is, for a message that must not show it."""
    words = {str: "text", bool: "boolean", int: "number", float: "number", t.Mapping: "dictionary", list: "list"}
    return next((word for kind, word in words.items() if isinstance(value, kind)), type(value).__name__)


def answer(value: t.Any, kind: str, name: str, choices: t.Sequence[str] = ()) -> t.Any:
    """The value of variable ``name`` as a ``kind`` of ``KINDS``, or None when it is not given.

    Raises AnswerError for one that cannot be taken.
    """
    value = without_omitted(value)
    if not is_given(value):
        return None
    if kind == "choice":
        return _choice(value, name, choices)
    if kind == "choices":
        return [_choice(item, name, choices) for item in names(value, name)]
    return KINDS[kind](value, name)


def text(value: t.Any, name: str) -> str:
    """A text, without blanks or double quotes around it. Raises AnswerError."""
    if isinstance(value, (t.Mapping, list, tuple)):
        raise AnswerError(f"{name} must be a text, and is a {kind_of(value)}.")
    if isinstance(value, _LOST):
        raise AnswerError(f'{_lost(value, name)} Write it in double quotes, as in "0123".')
    found = _bare(str(value))
    if "{{" in found or "{%" in found:
        raise AnswerError(f"{name} holds a template, and nothing in an answer is evaluated.")
    return found


def names(value: t.Any, name: str, what: str = "names") -> list[str]:
    """Names, each once: of a list, the same as JSON, or a text with commas, blanks or line breaks between them.

    Raises AnswerError.
    """
    if isinstance(value, _LOST):
        raise AnswerError(f'{_lost(value, name)} It must be a list of {what} in double quotes, as in ["no", "0123"].')
    if isinstance(value, str):
        words = [_bare(word) for word in re.split(r"[\s,]+", value) if word]
        value = _json(value, name) if value.lstrip().startswith("[") else words
    form = f'{name} must be a list of {what}, as in ["vs0", "vs1"], or a text as in vs0,vs1.'
    if not isinstance(value, (list, tuple)):
        raise AnswerError(form)
    for item in value:
        if isinstance(item, _LOST):
            raise AnswerError(f'{_lost(item, f"An element of {name}")} Write it in double quotes, as in "0123".')
        if not isinstance(item, str) or not re.fullmatch(r"""[^\s,\[\]{}"'`]*\w[^\s,\[\]{}"'`]*""", item.strip()):
            raise AnswerError(f"{form} {_shown(item)} is not the name of anything.")
    return list(dict.fromkeys(str(item).strip() for item in value))


def _svms(value: t.Any, name: str) -> list[str]:
    return names(value, name, "SVM names")


def _boolean(value: t.Any, name: str) -> bool:
    word = _bare(str(value)).lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise AnswerError(f"{name} is {_shown(value)}. It can be true or false.")


def _integer(value: t.Any, name: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch("0|-?[1-9][0-9]*", _bare(value)):
        return int(_bare(value))
    raise AnswerError(f"{name} is {_shown(value)}. It is a whole number, such as 600.")


def _age(value: t.Any, name: str) -> str:
    """Seconds, or a number with a unit behind it."""
    found = _bare(str(value))
    if re.fullmatch("[1-9][0-9]*[smhdw]?", found):
        return found
    raise AnswerError(f"{name} is {_shown(value)}. It is an age such as 90m, 12h or 2d.")


def _choice(value: t.Any, name: str, choices: t.Sequence[str]) -> str:
    found = text(value, name)
    if found in choices:
        return found
    raise AnswerError(f"{name} is {found}. It is one of {', '.join(choices)}.")


def _hosts(value: t.Any, name: str) -> str:
    """A pattern of inventory hosts, made of several where there is a list."""
    if isinstance(value, str) and value.lstrip().startswith('["'):
        value = _json(value, name)
    found = [text(item, name) for item in (value if isinstance(value, (list, tuple)) else [value])]
    if found and all(found):
        return ",".join(found)
    raise AnswerError(f"{name} is {_shown(value)}, which names no host. Leave it out to mean all.")


def _turns(value: t.Any, name: str) -> list[str]:
    """What the keyword ``serial`` takes."""
    found = _json(value, name) if isinstance(value, str) and value.lstrip().startswith("[") else value
    found = [_bare(str(item)) for item in (found if isinstance(found, (list, tuple)) else [found])]
    if found and all(re.fullmatch("[1-9][0-9]*%?", item) for item in found):
        return found
    raise AnswerError(
        f"{name} is {_shown(value)}. It is how many clusters at a time: a number from 1, a percentage from 1%, or a "
        "list of these. Nothing has been sent to any cluster."
    )


def _raw(value: t.Any, name: str) -> t.Any:
    """With texts for dates, because Ansible before 2.19 makes one text of a list that holds a date."""
    if isinstance(value, t.Mapping):
        return {key: _raw(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_raw(item, name) for item in value]
    return value.isoformat() if isinstance(value, date) else value


# Besides these there are choice and choices.
KINDS: t.Final[dict[str, t.Callable[[t.Any, str], t.Any]]] = {
    "text": text,
    "names": names,
    "svms": _svms,
    "boolean": _boolean,
    "integer": _integer,
    "age": _age,
    "hosts": _hosts,
    "turns": _turns,
    "raw": _raw,
}


def _bare(value: str) -> str:
    """Without the blanks around it, and without the double quotes that keep Ansible from reading something else."""
    found = re.fullmatch(r'\s*"([^"]*)"\s*', value)
    return (found[1] if found else value).strip()


def _json(value: str, name: str) -> list[t.Any]:
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if isinstance(found, list):
        return found
    raise AnswerError(f'{name} is {value}, which is no JSON. Write each name in double quotes, as in ["vs0", "vs1"].')


def _lost(value: t.Any, name: str) -> str:
    words = next(words for kind, words in _READ_AS.items() if isinstance(value, kind))
    return f"{name} is {_shown(value)}: Ansible has read it as {words}, and what was written is lost."


def _shown(value: t.Any) -> str:
    """The value as a message names it: as JSON, unless it is a text."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
