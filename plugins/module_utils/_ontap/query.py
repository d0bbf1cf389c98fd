# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in a query, as ONTAP reads them. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError

Query = t.Mapping[str, t.Union[str, int, bool]]

# Field values in a query are expressions. What is neither made of these characters alone, nor a range or a word with a
# meaning, goes in quotes, which make ONTAP take it literally.
_PLAIN = re.compile(r"(?!null$)(?!.*\.\.)[\w./:@-]+", re.ASCII | re.IGNORECASE)


def literal(value: str) -> str:
    """A query value that ONTAP compares as it stands: in quotes, or in braces where it holds one (contract, query).

    Raises ``InputError`` for what holds both, because neither can be part of itself.
    """
    if _PLAIN.fullmatch(value):
        return value
    if '"' not in value:
        return f'"{value}"'
    if "{" not in value and "}" not in value:
        return f"{{{value}}}"
    raise InputError(
        f"{value!r} holds both quotes and braces, and so cannot be part of a query",
        remedy="Give a UUID instead of the name.",
    )


def query_value(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
