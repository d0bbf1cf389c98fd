# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A notification that ONTAP posts, as an event. Pure.

All that is known of the body is that it is XML; no form of it is published. A receiver in production reads
``severity`` and ``event`` of ``netapp/ems-message-info``; ONTAPI's object of that name has ``message-name``, ``node``
and ``time`` as well. So elements are known by their local names, wherever they are, and whatever is missing is empty.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t
from xml.parsers import expat

from ansible_collections.ontap.security.plugins.module_utils._azure.events import Event, plain, without_templates

# Bytes. A notification is one event; those that are known have less than 1 KiB.
LARGEST: t.Final = 64 * 1024

# Local names in lower case without their dashes; the first of them that has text counts.
_ELEMENTS: t.Final[dict[str, tuple[str, ...]]] = {
    "event": ("messagename",),
    "severity": ("severity", "emsseverity"),
    "time": ("time",),
    "node": ("node",),
    "svm": ("svm", "vserver"),
    "configuration": ("configname",),
    "key_id": ("keyid",),
    "text": ("event",),
}
# The log writes an event's name before its text, and the catalogue's texts name what they are about in this way.
_NAME_FIRST = re.compile(r"\s*([A-Za-z]\w*(?:\.\w+)+):\s", re.ASCII)
_IN_TEXT: t.Final = {
    "svm": re.compile(r'\bSVM:\s*"([^"]*)"'),
    "configuration": re.compile(r'\bconfiguration name:\s*"([^"]*)"', re.IGNORECASE),
    "key_id": re.compile(r'\bkey ID:\s*"([^"]*)"', re.IGNORECASE),
}


class NotificationError(ValueError):
    """The body is no notification; the message says why, with nothing of it."""


def read(cluster: str, body: bytes) -> Event:
    """The event that ``body`` tells of; without a name where it has none. Raises ``NotificationError``."""
    if len(body) > LARGEST:
        raise NotificationError(f"it has more than {LARGEST // 1024} KiB")
    texts = _texts(body)
    found = {
        name: next((texts[element] for element in elements if texts.get(element)), "")
        for name, elements in _ELEMENTS.items()
    }
    if named := _NAME_FIRST.match(found["text"]):
        found["event"] = found["event"] or named[1]
    for name, pattern in _IN_TEXT.items():
        if not found[name] and (match := pattern.search(found["text"])):
            found[name] = match[1]
    found["severity"] = found["severity"].rpartition("_")[2].lower()
    found["time"] = _time(found["time"])
    text = without_templates(found.pop("text"))
    return Event(cluster, text=text, **{name: plain(value) for name, value in found.items()})


def _texts(body: bytes) -> dict[str, str]:
    """The text of each element that has some and is known, by its local name; of several the first."""
    known = {element for elements in _ELEMENTS.values() for element in elements}
    found: dict[str, str] = {}
    # What begins and has not ended yet, and of the innermost the text so far.
    path: list[str] = []
    text: list[str] = []

    def start(name: str, _attributes: t.Mapping[str, str]) -> None:
        path.append(re.sub("[-_]", "", name.rpartition(":")[2]).lower())
        text.clear()

    def end(_name: str) -> None:
        element, said = path.pop(), "".join(text).strip()
        if element in known and said:
            found.setdefault(element, said)
        text.clear()

    def refuse(*_declared: t.Any) -> t.NoReturn:
        raise NotificationError("it has a document type or declares entities")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as exc:
        raise NotificationError(f"it is not XML ({expat.ErrorString(exc.code)})") from exc
    except (LookupError, ValueError) as exc:
        if isinstance(exc, NotificationError):
            raise
        # An encoding that Python does not know, or that is of no use to the parser.
        raise NotificationError("it is not XML (its encoding is not known)") from exc
    return found


def _time(text: str) -> str:
    """In ISO 8601 where it is ONTAPI's, seconds since the epoch."""
    if not re.fullmatch(r"[0-9]{9,11}", text, re.ASCII):
        return text
    return datetime.datetime.fromtimestamp(int(text), tz=datetime.timezone.utc).isoformat()


# What ends a trouble lets it be told again.
_OPPOSITES: t.Final = {
    "ekmip.akv.notAvailable": "ekmip.akv.available",
    "ekmip.akv.available": "ekmip.akv.notAvailable",
    "ekmip.akv.volOffline": "ekmip.akv.volOnline",
    "ekmip.akv.volOnline": "ekmip.akv.volOffline",
}
# Different notifications of a cluster in one window. More of them are no news but that there is something.
_MOST = 100


class Recent:
    """Which notifications are repetitions: those of the same event about the same thing within ``window`` seconds."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._told: dict[Event, float] = {}

    def admit(self, event: Event, now: float) -> Event | None:
        """The event, if it is none; or, where a cluster tells too much, one without a name in the place of many.

        ``now`` is in seconds of a clock that never goes back.
        """
        self._told = {one: moment for one, moment in self._told.items() if now - moment < self._window}
        if event.event in _OPPOSITES:
            self._told.pop(_subject(dataclasses.replace(event, event=_OPPOSITES[event.event])), None)
        if sum(one.cluster == event.cluster for one in self._told) >= _MOST:
            event = Event(
                event.cluster, text=f"More than {_MOST} different notifications came in {self._window} seconds."
            )
        subject = _subject(event)
        if subject in self._told:
            return None
        self._told[subject] = now
        return event


def _subject(event: Event) -> Event:
    """What makes a repetition: all but when, how bad and in which words. Without a name only the cluster counts."""
    if not event.event:
        return Event(event.cluster)
    return dataclasses.replace(event, severity="", time="", text="")
