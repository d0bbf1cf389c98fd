# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends the demo early, in good order."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import typing as t

# Seconds after which a process that was asked to end, and has not, is ended.
PATIENCE = 10


class Interruption:
    """Remembers that somebody asked the demo to stop, and stops what is running.

    The signal handler raises nothing, so there is no moment at which it could lose a process just started. Whoever
    carries the demo on looks at ``signal`` before each step.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def on_signal(self, number: int, _frame: object) -> None:
        """Ask the running process to end, once however often the signal comes."""
        if self.signal is None:
            self.signal = number
            self._send(signal.SIGTERM)

    def run(self, command: t.Sequence[str], **options: t.Any) -> int:
        """Run a command to its end, and that of all that it has started; returns its exit status."""
        # A process group of its own, so that Ctrl-C reaches only the demo. Ansible's workers leave it for groups of
        # their own, but they inherit the pipe, which ends with the last of them.
        reader, writer = os.pipe()
        options |= {"stdin": subprocess.DEVNULL, "start_new_session": True, "pass_fds": [writer]}
        with open(reader, "rb") as pipe, subprocess.Popen(command, **options) as self._process:
            os.close(writer)
            asked = self.signal is not None
            if asked:
                self._send(signal.SIGTERM)
            while True:
                try:
                    status = self._process.wait(PATIENCE)
                    break
                except subprocess.TimeoutExpired:
                    if asked:
                        self._send(signal.SIGKILL)
                    asked = self.signal is not None
            select.select([pipe], [], [], PATIENCE)
        return status

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
