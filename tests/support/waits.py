# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for jobs in tests without waiting."""

from __future__ import annotations

from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from tests.simulator import Simulator


class Waits:
    """Time that passes only when the client sleeps, for it and for the cluster."""

    def __init__(self, sim: Simulator) -> None:
        self.sim, self.time, self.naps = sim, 0.0, 0

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.naps += 1
        self.sim.ontap.clock.advance(seconds)

    def client(self, settings: Connection) -> Client:
        """A client that lives in this time."""
        return Client(settings, now=lambda: self.time, sleep=self.sleep)
