# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two values that differ, in parts, so that people see in which. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

# What holds a value together, and where a long one may be broken.
_PIECES = re.compile(r"[^\W_]+|.", re.DOTALL)
_KEY = re.compile(r"(https://)([^/]+)(/keys/)([^/]+)(?:(/)([^/]+))?(/?)", re.ASCII | re.IGNORECASE)
_URI = re.compile(r"(https://)([^/]+)(/?)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A part of a value: its text, what it is, if it has a name, and whether the other value has another one there."""

    text: str
    name: str = ""
    differs: bool = False


def compared(one: str, other: str) -> tuple[list[Part], list[Part]]:
    """Both values in parts, which together are the values to the letter.

    Of Azure's identifiers these are vault, key and version, of which case does not count; of all else, what is between
    a common beginning and a common end.
    """
    mine, others = _named(one), _named(other)
    if mine and others and {part.name for part in mine} & {part.name for part in others} - {""}:
        return _marked(mine, others), _marked(others, mine)
    if not one or not other:
        return mine or [Part(one)][: len(one)], others or [Part(other)][: len(other)]
    return _middle(one, other)


def _named(text: str) -> list[Part]:
    """An identifier of Azure in its parts; nothing where it is none."""
    for pattern, names in ((_KEY, ("", "vault", "", "key", "", "version", "")), (_URI, ("", "vault", ""))):
        match = pattern.fullmatch(text)
        if match:
            return [Part(part, name) for part, name in zip(match.groups(), names) if part]
    return []


def _marked(parts: t.Sequence[Part], others: t.Sequence[Part]) -> list[Part]:
    values = {part.name: part.text.lower() for part in others}
    return [
        Part(part.text, part.name, bool(part.name) and values.get(part.name) != part.text.lower()) for part in parts
    ]


def _middle(one: str, other: str) -> tuple[list[Part], list[Part]]:
    mine, others = _PIECES.findall(one), _PIECES.findall(other)
    most = min(len(mine), len(others))
    begin = next((n for n in range(most) if mine[n] != others[n]), most)
    end = next((n for n in range(most - begin) if mine[-1 - n] != others[-1 - n]), most - begin)

    def parts(pieces: t.Sequence[str]) -> list[Part]:
        whole = len(pieces) - end
        texts = ("".join(pieces[:begin]), "".join(pieces[begin:whole]), "".join(pieces[whole:]))
        return [Part(text, "", differs) for text, differs in zip(texts, (False, True, False)) if text]

    return parts(mine), parts(others)


def said(one: t.Sequence[Part], other: t.Sequence[Part]) -> str:
    """Which of the named parts differ, in words; nothing where none has a name or all differ."""
    names = [part.name for part in (*one, *other) if part.name]
    differing = list(dict.fromkeys(part.name for part in (*one, *other) if part.differs and part.name))
    same = [name for name in dict.fromkeys(names) if name not in differing]
    if not differing:
        return ""
    text = f"{' and '.join(differing)} {'differs' if len(differing) == 1 else 'differ'}".capitalize()
    return f"{text}; {' and '.join(same)} {'is' if len(same) == 1 else 'are'} the same" if same else text
