# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ONTAP cluster that behaves: a real HTTPS server with state, for tests and rehearsals.

``Simulator`` is one; ``python -m tests.simulator`` runs one alone.
"""

from __future__ import annotations

from tests.simulator.profiles import RELEASES
from tests.simulator.server import Simulator

__all__ = ["RELEASES", "Simulator"]
