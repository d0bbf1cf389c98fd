# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event log of a cluster (EMS): which events there are, when keys raise them, and who is told.

Names, severities and parameters are those of the EMS catalogues; the texts are our own, after the catalogue's form.
Readings: an event comes at once, and not with the next look of ONTAP's health monitor; the first node reports what
concerns all of them, a node itself that it lacks keys, and another one that it may not get its aggregates back.
"""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass, field

from tests.simulator.clock import timestamp
from tests.simulator.health import azure_trouble
from tests.simulator.records import KeyStore

if t.TYPE_CHECKING:
    from tests.simulator.call import Record
    from tests.simulator.ontap import Ontap

EVENTS_PATH = "/api/support/ems/events"


@dataclass(frozen=True)
class Kind:
    """An event that a release may know: severity, names of its parameters, and the words before them."""

    severity: str
    parameters: tuple[str, ...]
    words: str
    since: str = "9.7"


# Reading: the catalogues before 9.10.1 were never seen, and are taken to have none of the AKV events.
KINDS: t.Final[dict[str, Kind]] = {
    "ekmip.akv.notAvailable": Kind("alert", ("svm", "configName", "name"), "The key vault is not available.", "9.10.1"),
    "ekmip.akv.available": Kind("notice", ("svm", "configName", "name"), "The key vault is available.", "9.10.1"),
    "ekmip.akv.keyExpired": Kind(
        "error", ("keyId", "svm", "configName", "name"), "The key in the key vault has expired.", "9.10.1"
    ),
    "ekmip.akv.keyVersionChanged": Kind(
        "notice",
        ("svm", "configName", "name", "oldKeyVersion", "newKeyVersion"),
        "The key in the key vault has a new version.",
        "9.10.1",
    ),
    "ekmip.akv.volOffline": Kind(
        "alert", ("svm", "keyId", "name", "configName"), "The encrypted volumes of an SVM are offline.", "9.10.1"
    ),
    # Not in the index of 9.10.1.
    "ekmip.akv.volOnline": Kind(
        "notice", ("svm", "name", "configName", "keyId"), "The encrypted volumes of an SVM are online.", "9.13.1"
    ),
    "gb.sfo.veto.kmgr.keysmissing": Kind("error", ("aggr", "node", "details"), "Giveback refused: keys are missing."),
    "arl.veto.kmgr.keysmissing": Kind("error", ("aggr", "node", "details"), "Relocation refused: keys are missing."),
    "other.veto.kmgr.keysmissing": Kind(
        "error", ("aggr", "dest_node", "op_code", "details"), "Operation refused: keys are missing."
    ),
    "km.keyretrieve.failed": Kind(
        "alert", ("node", "vserver", "vserverId", "vserverUuid"), "A node did not get all keys."
    ),
    "km.restore.invalid.key": Kind(
        "alert", ("keyType", "vserverName", "keyId", "keyServer"), "A restored key is invalid."
    ),
    # One of the many that have nothing to do with keys.
    "monitor.globalStatus.ok": Kind("notice", (), "The system's global status is normal."),
}
# What the catalogue's texts call a parameter.
LABELS = {"svm": "SVM", "configName": "configuration name", "keyId": "key ID", "name": "AKV name", "vserver": "SVM"}


@dataclass(frozen=True)
class Event:
    """One entry of the log; its key is node and index."""

    node: str
    node_uuid: str
    index: int
    moment: float
    name: str
    severity: str
    text: str
    parameters: tuple[tuple[str, str], ...]

    def record(self) -> Record:
        """Return the entry as GET /support/ems/events does; ``uuid`` only keeps the order and is never shown."""
        return {
            "uuid": f"{self.node}:{self.index:09}",
            "node": {"name": self.node, "uuid": self.node_uuid},
            "index": self.index,
            "time": timestamp(self.moment),
            "message": {"name": self.name, "severity": self.severity},
            "log_message": f"{self.name}: {self.text}",
            "source": "keymanager",
            "parameters": [{"name": name, "value": value} for name, value in self.parameters],
            "_links": {"self": {"href": f"{EVENTS_PATH}/{self.node}/{self.index}"}},
        }


@dataclass
class Rule:
    """A rule of a filter: include or exclude what matches a pattern of names, severities and parameters."""

    type: str
    name_pattern: str = "*"
    severities: str = "*"
    parameters: list[tuple[str, str]] = field(default_factory=list)

    def matches(self, event: Event) -> bool:
        severities = self.severities.split(",")
        return (
            fnmatch.fnmatchcase(event.name, self.name_pattern)
            and ("*" in severities or event.severity in severities)
            and all(
                any(fnmatch.fnmatchcase(k, name) and fnmatch.fnmatchcase(v, value) for k, v in event.parameters)
                for name, value in self.parameters
            )
        )


@dataclass
class Filter:
    """Which events go to the destinations that have it."""

    name: str
    rules: list[Rule] = field(default_factory=list)
    system: bool = False

    def includes(self, event: Event) -> bool:
        """The first rule that matches decides; where none does, the event stays out."""
        return next((rule.type == "include" for rule in self.rules if rule.matches(event)), False)


@dataclass
class Destination:
    """Where events are sent: ``ca`` and ``serial`` name the certificate that ONTAP shows there."""

    name: str
    type: str
    address: str
    filters: list[str] = field(default_factory=list)
    ca: str = ""
    serial: str = ""
    system: bool = False


def _system_filters() -> dict[str, Filter]:
    loud = "emergency,alert"
    return {
        "important-events": Filter("important-events", [Rule("include", severities=loud)], True),
        "no-info-debug-events": Filter(
            "no-info-debug-events", [Rule("include", severities=f"{loud},error,notice")], True
        ),
        "default-trap-events": Filter("default-trap-events", [Rule("include", severities=loud)], True),
    }


class Ems:
    """The log of one cluster, its filters and destinations.

    ``deliver`` is called with each destination of type rest_api and each event that it wants; None: nobody listens.
    """

    def __init__(self, deliver: t.Callable[[Destination, Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self.filters = _system_filters()
        self.destinations: dict[str, Destination] = {}
        self.deliver = deliver
        self._trouble: set[tuple[str, str, str]] = set()

    def snapshot(self) -> Record:
        """Return filters and destinations that somebody made, JSON-able; the log is not part of it."""
        return {
            "filters": {
                one.name: [{**vars(rule), "parameters": dict(rule.parameters)} for rule in one.rules]
                for one in self.filters.values()
            },
            "destinations": {
                one.name: {**vars(one), "filters": list(one.filters)} for one in self.destinations.values()
            },
        }

    def append(
        self,
        ontap: Ontap,
        name: str,
        parameters: t.Mapping[str, str],
        node: str | None = None,
        moment: float | None = None,
    ) -> None:
        """Put an event into the log and send it to who wants it; one that the release does not know is no event."""
        kind = KINDS[name]
        if not ontap.profile.since(kind.since):
            return
        reporter = ontap.node(node) if node else ontap.nodes[0]
        pairs = tuple((key, str(parameters.get(key, ""))) for key in kind.parameters)
        index = 1 + max((event.index for event in self.events if event.node == reporter.name), default=0)
        said = ", ".join(f'{LABELS.get(key, key)}: "{value}"' for key, value in pairs)
        text = f"{kind.words} {said}".strip()
        when = ontap.clock.now() if moment is None else moment
        event = Event(reporter.name, reporter.uuid, index, when, name, kind.severity, text, pairs)
        self.events.append(event)
        for destination in self.destinations.values():
            wanted = any(self.filters[one].includes(event) for one in destination.filters)
            if wanted and destination.type == "rest_api" and self.deliver is not None:
                self.deliver(destination, event)

    def observe(self, ontap: Ontap) -> None:
        """Raise what the difference between now and the last look is worth."""
        before, self._trouble = self._trouble, _trouble(ontap)
        for what, uuid, node in sorted(self._trouble - before):
            _raise(ontap, ontap.stores[uuid], what, node)
        for what, uuid, _node in sorted(before - self._trouble):
            if uuid in ontap.stores and ontap.stores[uuid].enabled and what in _OVER:
                self.append(ontap, _OVER[what], about(ontap.stores[uuid]))


# What is over has an event of its own, but for keys.
_BEGUN = {"azure": "ekmip.akv.notAvailable", "blocked": "ekmip.akv.volOffline"}
_OVER = {"azure": "ekmip.akv.available", "blocked": "ekmip.akv.volOnline"}


def about(store: KeyStore) -> dict[str, str]:
    """Return the parameters by which events name a configuration."""
    return {
        "svm": store.owner.name,
        "configName": store.configuration,
        "name": str(store.settings.get("name", "")),
        "keyId": str(store.settings.get("key_id", "")),
    }


def _trouble(ontap: Ontap) -> set[tuple[str, str, str]]:
    found = set()
    for store in ontap.stores.values():
        if store.type != "akv" or not store.enabled:
            continue
        if azure_trouble(ontap, store):
            found.add(("azure", store.uuid, ""))
        if store.state == "blocked":
            found.add(("blocked", store.uuid, ""))
        if store.owner.encrypted:
            found |= {("keys", store.uuid, n.name) for n in ontap.nodes if n.reachable and n.uuid not in store.keys_on}
    return found


def _raise(ontap: Ontap, store: KeyStore, what: str, node: str) -> None:
    ems = ontap.ems
    if what in _BEGUN:
        moment = ontap.watch.blocked.get(store.uuid) if what == "blocked" else None
        ems.append(ontap, _BEGUN[what], about(store), moment=moment)
        return
    owner = store.owner
    number = str(1 + ontap.svms.index(owner)) if owner in ontap.svms else "0"
    lacks = {"node": node, "vserver": owner.name, "vserverId": number, "vserverUuid": owner.uuid}
    ems.append(ontap, "km.keyretrieve.failed", lacks, node)
    partner = next((one.name for one in ontap.nodes if one.name != node and one.reachable), None)
    if partner:
        veto = {"aggr": f"{node}_aggr1", "node": node, "details": f"Keys of {owner.name} are missing on {node}."}
        ems.append(ontap, "gb.sfo.veto.kmgr.keysmissing", veto, partner)
