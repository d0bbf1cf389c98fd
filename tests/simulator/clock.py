# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's own time, so that rehearsals and tests need not wait for jobs."""

from __future__ import annotations

import datetime
import time


class Clock:
    """Real time plus an offset that only grows.

    Built on the monotonic clock, so that a change of the host's time of day cannot run a job twice or never.
    """

    def __init__(self) -> None:
        self._start = time.time()
        self._monotonic = time.monotonic()
        self._offset = 0.0

    def now(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        return self._start + time.monotonic() - self._monotonic + self._offset

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once.

        Raises ValueError for a negative number: jobs that ended cannot run again.
        """
        if seconds < 0:
            raise ValueError("time only goes forward")
        self._offset += seconds


def timestamp(moment: float) -> str:
    """Return ``moment`` (seconds since the epoch) in the form that ONTAP uses in its answers."""
    return datetime.datetime.fromtimestamp(moment, tz=datetime.timezone.utc).isoformat(timespec="seconds")
