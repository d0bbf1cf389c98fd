# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health monitor's clock: an SVM that gets no key from Azure for 60 minutes is blocked, until it gets one again.

By the texts of the EMS catalogue. Readings: the minutes count from when the trouble begins, and not from the next look
of the monitor; a network or a login that fails counts as a key that cannot be had; one node that gets the key is enough
for the SVM; and without an encrypted volume there is no key that could be missed. A monitor that is off blocks nobody.
"""

from __future__ import annotations

import typing as t

from tests.simulator.health import azure_trouble

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

SECONDS = 3600


class Watch:
    """Since when key managers get no key, and when those were blocked that are, by UUID, in simulated time."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}
        self.blocked: dict[str, float] = {}

    def look(self, ontap: Ontap) -> None:
        """Block what is due, and let go what gets its key again."""
        now = ontap.clock.now()
        flags = ontap.monitor.policy["akv"]
        away = {
            uuid
            for uuid, store in ontap.stores.items()
            if store.type == "akv" and store.enabled and len(azure_trouble(ontap, store)) == len(ontap.nodes)
        }
        self.since = {uuid: self.since.get(uuid, now) for uuid in away}
        for uuid in self.blocked.keys() - away:
            del self.blocked[uuid]
            if uuid in ontap.stores and ontap.stores[uuid].state == "blocked":
                ontap.stores[uuid].state = "active"
        for uuid, moment in self.since.items():
            store = ontap.stores[uuid]
            due = now >= moment + SECONDS and store.owner.encrypted and store.state == "active"
            if due and flags["enabled"] and flags["manage_volume_offline"]:
                store.state = "blocked"
                self.blocked[uuid] = moment + SECONDS
