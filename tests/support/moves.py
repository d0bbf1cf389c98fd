# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of moves to another vault share: an SVM whose keys are in one vault, and the vault to move to."""

from __future__ import annotations

import typing as t

from tests.simulator import Simulator
from tests.support.beats import FULL, OLD, Outcome

# Those that have several configurations.
RELEASES = ("9.14.1", "9.15.1", "9.16.1", "9.17.1", "9.18.1")
OTHER_VAULT = "https://other.vault.azure.net/"
OTHER_KEY = "https://other.vault.azure.net/keys/k9/c8e619fd8f234db3b0b95c59540e2a76"
# The vault to move to, and the one before.
BLUE: dict[str, t.Any] = {**FULL, "name": OTHER_VAULT, "key_id": OTHER_KEY, "configuration": "blue"}


def in_use(sim: Simulator) -> Simulator:
    sim.ontap.encrypt_volumes("vs0")
    sim.ontap.add_vault("vs0", **OLD)
    return sim


def add_blue(sim: Simulator, svm: str = "vs0", **fields: t.Any) -> str:
    given = {**BLUE, **fields}
    return str(sim.ontap.add_vault(svm, enabled=False, **given))


def enabled(sim: Simulator, svm: str = "vs0") -> dict[str, bool]:
    """The configurations of an SVM by name, and whether each is in use."""
    stores = sim.snapshot()["key_stores"].values()
    return {store["configuration"]: store["enabled"] for store in stores if store["owner"] == svm}


def told(outcome: Outcome) -> list[tuple[str, str]]:
    return [(request["method"], request["path"].split("/")[3]) for request in outcome.requests]
