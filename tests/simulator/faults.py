# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: what networks, proxies and busy clusters do to requests."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field

KINDS = (
    "status",
    "error",
    "reset_before",
    "reset_after",
    "truncate",
    "garbage",
    "html",
    "delay",
    "retry_after",
    "redirect",
    "empty",
    "body",
    "trickle",
    "endless",
    "pages",
)
# Those that spoil an answer that has been given.
SPOIL = ("reset_after", "truncate", "trickle", "endless", "pages")


@dataclass
class Fault:
    """One fault, for the next ``times`` requests (None: all) whose method and path match, after ``skip`` that do.

    ``path`` is a part of the path. ``after``: the request takes effect first; with the kinds in ``SPOIL`` it always
    does, with the others only when asked.

    - ``status``: that HTTP status without a body. ``error``: that status (default 400) with ONTAP's ``code`` and
      ``message``. ``empty``: 200 without a body
    - ``reset_before``, ``reset_after``: the connection is reset instead of an answer
    - ``truncate``: half of the body, with the Content-Length of the whole or (``valid_length``) of the half
    - ``garbage``: 200 with something that is not JSON. ``html``: a proxy's page with ``status`` (default 502)
    - ``delay``: ``seconds`` of real time before the request is looked at, or with ``after`` before it is answered
    - ``retry_after``: ``status`` (default 503; 429 carries ONTAP's code) with a Retry-After of ``seconds``
    - ``redirect``: 302 to ``location``
    - ``body``: ``status`` (default 200) with ``content`` as it is, and ``headers`` besides or instead of the usual ones
    - ``trickle``: the answer from its first line on, a byte every ``seconds``
    - ``endless``: half of the answer, and then blanks for ever, ``seconds`` apart
    - ``pages``: the answer as a page of a list that never ends: its records get UUIDs that none had before, and there
      is always a next page
    """

    kind: str
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    status: int = 0
    code: int = 262145
    message: str | None = None
    after: bool = False
    seconds: float = 0
    location: str = ""
    valid_length: bool = False
    skip: int = 0
    content: str = ""
    headers: t.Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault {self.kind!r}: one of {', '.join(KINDS)}")
        if self.kind in SPOIL:
            self.after = True

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request meets this fault."""
        return self.method in (None, method) and (self.path is None or self.path in path)


class Faults:
    """The faults that are set, in the order in which they were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set a fault behind those that are set already."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Take all faults back."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first fault for a request, and count it down."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(method, path):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
                    return fault
        return None
