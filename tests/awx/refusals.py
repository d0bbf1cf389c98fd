# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How AWX turns a request down."""

from __future__ import annotations

import typing as t


class Refused(Exception):
    """A request that AWX does not carry out."""

    def __init__(self, status: int, answer: t.Any) -> None:
        super().__init__(status, answer)
        self.status, self.answer = status, answer


def refuse(field: str, text: str, status: int = 400) -> t.NoReturn:
    """Refuse as AWX words it: a list of errors for each field, or one text for what is no matter of fields."""
    raise Refused(status, {field: [text] if status == 400 else text})


NOT_FOUND: t.Final = ("detail", "Not found.", 404)
