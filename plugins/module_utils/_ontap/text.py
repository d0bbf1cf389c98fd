# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for people. Pure, no I/O."""

from __future__ import annotations

import datetime
import re
import typing as t


def visible(text: str) -> str:
    """The text, with everything that acts instead of being seen written as an escape such as ``\\x1b``.

    That is what would steer a terminal, begin a line of its own, or turn the direction of writing. A cluster may have
    such signs in its names, and a person has to see them.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def kind(value: t.Any) -> str:
    """What sort of value it is, in words; nothing of the value itself."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, t.Mapping):
        return "a dictionary"
    if isinstance(value, (list, tuple, set)):
        return "a list"
    if isinstance(value, (datetime.date, datetime.time)):
        return "a date"
    # Also what Ansible has decrypted or marked, which need not be Python's own text. What remains is what its templates
    # make of a variable that is not there; to ask that for anything is an error, which shows the value around it.
    return "text" if hasattr(type(value), "encode") else "undefined, in whole or in part"


def shown_name(name: t.Any, known: t.Container[str] = ()) -> str:
    """A name that somebody made up, for a message: as it is where it looks like a name.

    YAML makes a name of ``client_secret:abc`` where the blank is missing, and so the secret a part of it.
    """
    text = str(name)
    if re.fullmatch(r"[A-Za-z_][\w.-]{0,39}", text):
        return text
    begin = re.split(r"\W", text, maxsplit=1)[0]
    return f"{begin}..." if begin in known else f"(a name of {len(text)} characters)"
