# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of ONTAP's log (EMS) that are about keys: their names, and an event as a value. Pure.

Importing this says what the log's records look like, so that nothing is read that has no form.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import NAMED, NUMBER, TEXT, describe
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import Query
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible

EVENTS: t.Final = "/api/support/ems/events"

# What the EMS catalogues of 9.10.1 to 9.18.1 have about the keys of SVMs, as patterns of a query. Other key managers
# and storage pools have events of their own.
NAMES: t.Final = (
    "ekmip.akv.*",
    "*.veto.kmgr.keysmissing",
    "km.keyretrieve.failed",
    "km.restore.invalid.key",
    "km.volume.mount.*",
)

describe(
    EVENTS,
    {
        "node": NAMED,
        "index": NUMBER,
        "time": TEXT,
        "message": {"name": TEXT, "severity": TEXT},
        "log_message": TEXT,
        "parameters": [{"name": TEXT, "value": TEXT}],
    },
    ("node", "index", "time", "message"),
)

# What the catalogues call the same thing in different events, the most telling first.
_SVM = ("svm", "vserver", "vserverName")
_NODE = ("dest_node", "node")
_CONFIGURATION = ("configName",)
_KEY = ("keyId",)
_PLAIN = re.compile(r"[\w.:/@+~ -]{0,512}", re.ASCII)


@dataclass(frozen=True)
class Event:
    """An event as rulebooks and people get it. What is not known is empty.

    ``cluster`` is the name it has here, in the inventory. ``event`` is ONTAP's name for it, such as
    ``ekmip.akv.volOffline``. ``time`` is in ISO 8601. ``node`` is the one that lacks keys where the event says which,
    else the one that reports it. ``text`` is for people.
    """

    cluster: str
    event: str = ""
    severity: str = ""
    time: str = ""
    node: str = ""
    svm: str = ""
    configuration: str = ""
    key_id: str = ""
    text: str = ""

    def as_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def query_since(moment: datetime.datetime | None) -> Query:
    """What to ask the log for: all that it has about keys, or what is not older than ``moment``."""
    query: dict[str, str | int | bool] = {"message.name": "|".join(NAMES), "fields": "*"}
    if moment is not None:
        query["time"] = f">={moment.isoformat(timespec='seconds')}"
    return query


def event_of(cluster: str, record: t.Mapping[str, t.Any]) -> Event:
    """The event that a record of the log is."""
    message, node = record.get("message") or {}, record.get("node") or {}
    parameters = {str(one.get("name")): str(one.get("value") or "") for one in record.get("parameters") or ()}
    return Event(
        cluster=cluster,
        event=plain(str(message.get("name") or "")),
        severity=plain(str(message.get("severity") or "").lower()),
        time=plain(str(record.get("time") or "")),
        node=plain(_first(parameters, _NODE) or str(node.get("name") or "")),
        svm=plain(_first(parameters, _SVM)),
        configuration=plain(_first(parameters, _CONFIGURATION)),
        key_id=plain(_first(parameters, _KEY)),
        text=without_templates(str(record.get("log_message") or "")),
    )


def plain(value: str) -> str:
    """The value, or nothing where it has signs that no name, address or time has.

    Rulebooks hand values on as variables, and Ansible would carry out a template in one.
    """
    return value if _PLAIN.fullmatch(value) else ""


def without_templates(text: str) -> str:
    """Text for people, in which nothing steers a terminal and nothing is a template."""
    return re.sub(r"\{(?=[{%#])", "{ ", visible(text))


def moment_of(time: str) -> datetime.datetime | None:
    """A time in ISO 8601 in UTC; None for what is none."""
    try:
        # Before Python 3.11 there is neither Z nor an offset without a colon.
        found = datetime.datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", re.sub("[Zz]$", "+00:00", time)))
        return (found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)).astimezone(
            datetime.timezone.utc
        )
    except (ValueError, OverflowError):
        return None


def _first(parameters: t.Mapping[str, str], names: t.Iterable[str]) -> str:
    return next((parameters[name] for name in names if parameters.get(name)), "")
