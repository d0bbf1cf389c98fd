# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the collection at work on simulated clusters: ``make demo``."""

from __future__ import annotations

import signal
import sys

from tests.demo.interruption import Interruption

SIGNALS = (signal.SIGINT, signal.SIGTERM)

if __name__ == "__main__":
    # Before the other imports, which take long enough for somebody to press Ctrl-C meanwhile.
    interruption = Interruption()
    for number in SIGNALS:
        signal.signal(number, interruption.on_signal)

    from tests.demo.story import main

    status = main(interruption)
    # A second Ctrl-C comes too late to stop anything.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(status)
