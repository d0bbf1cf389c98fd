# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down, for each task, its result and what reached the simulated cluster meanwhile."""

from __future__ import annotations

import json
import os
import ssl
import typing as t
import urllib.request

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: witness
type: aggregate
short_description: tells tests what a task did
description: For the tests of this collection only.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "witness"

    def __init__(self) -> None:
        super().__init__()
        self._base = os.environ["WITNESS_URL"]
        self._tls = ssl.create_default_context(cafile=os.environ["WITNESS_CA"])
        self._tls.check_hostname = False

    def _control(self, method: str, path: str) -> t.Any:
        request = urllib.request.Request(self._base + path, method=method)
        # No proxy: tests set HTTPS_PROXY for the module's sake.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._tls)
        )
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def _write(self, result: t.Any, outcome: str) -> None:
        line = {
            "name": result._task.get_name(),
            "outcome": outcome,
            "result": result._result,
            "requests": self._control("GET", "/control/requests"),
            "snapshot": self._control("GET", "/control/snapshot"),
        }
        self._control("DELETE", "/control/requests")
        with open(os.environ["WITNESS_FILE"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write(result, "ok")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write(result, "failed")

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write(result, "unreachable")
