# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ONTAP answers, decoded strictly. Pure."""

from __future__ import annotations

import json
import math
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import too_deep

# Longer numbers are in no answer of ONTAP, and Python takes ages to read very long ones.
_MAX_DIGITS = 40


@dataclass(frozen=True)
class Answer:
    """A successful answer: HTTP status, decoded body (empty if there was none), and the job it names, if any."""

    status: int
    body: dict[str, t.Any]
    location: str = ""

    @property
    def job_uuid(self) -> str | None:
        """Found by ``job.uuid``, whatever the status and with or without ``_links`` (contract, job lifecycle), or where
        there is no body by the header ``Location``."""
        job = self.body.get("job")
        uuid = job.get("uuid") if isinstance(job, dict) else None
        found = re.search(r"/cluster/jobs/([\w-]+)", self.location, re.ASCII)
        return str(uuid) if uuid else found[1] if found else None


def decode(content: bytes) -> dict[str, t.Any] | None:
    """The JSON object in ``content``, or None when it is something else, or what other tools could not take on.

    JSON leaves open what a name means that is given twice, and Python reads what is no JSON at all.
    """
    try:
        body = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_decimal,
        )
        if not isinstance(body, dict) or too_deep(body):
            return None
        if re.search(rb"\\u[dD][89a-fA-F]", content):
            # Half a character is no text: it fails as soon as somebody writes it down.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return body


def _object(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("the number is too long")
    return int(text)


def _decimal(text: str) -> float:
    number = float(text[:_MAX_DIGITS])
    if not math.isfinite(number) or len(text) > _MAX_DIGITS:
        raise ValueError("the number is none")
    return number
