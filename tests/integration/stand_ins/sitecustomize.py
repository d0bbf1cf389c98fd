# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the system log and for systemd's journal, which write down what modules tell them.

Python imports this by itself where the folder is in ``PYTHONPATH``. The file is named by ``STAND_IN_LOG``.
"""

from __future__ import annotations

import os
import sys
import types
import typing as t


def note(*texts: t.Any) -> None:
    with open(os.environ["STAND_IN_LOG"], "a", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(f"{text}\n" for text in texts)


def send(**fields: t.Any) -> None:
    note(*(f"{name}={value}" for name, value in fields.items()))
    # Ansible then tells the system log.
    raise OSError


def module(name: str, **members: t.Any) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(members)
    sys.modules[name] = made
    return made


def openlog(*_arguments: t.Any) -> None:
    pass


module("syslog", LOG_USER=8, LOG_INFO=6, openlog=openlog, syslog=lambda _level, text: note(text))
module(
    "systemd",
    journal=module("systemd.journal", send=send, sendv=note),
    daemon=module("systemd.daemon", booted=lambda: True),
)
