# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated cluster without sockets: what a module sends reaches it in this process, and answers can be spoiled.

Everything above the connection is the real thing: requests, urllib3 and Python's HTTP read the bytes that come back.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import typing as t
from unittest import mock

from ansible_collections.ontap.security.plugins.module_utils._ontap import transport as _http
from tests.simulator.api import dispatch
from tests.simulator.call import Answer, Call, parse_query
from tests.simulator.errors import OntapError
from tests.simulator.faults import Fault, Faults
from tests.simulator.ontap import Ontap
from tests.simulator.web import _faulty, _mask, _response

_NULL = os.open(os.devnull, os.O_RDONLY)

Respond = t.Callable[[Call], bytes]


class _Line:
    """A client's end of a connection, on which one request is answered."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._sent = b""

    def sendall(self, data: bytes) -> None:
        self._sent += data

    def makefile(self, *_how: t.Any) -> io.BufferedReader:
        return io.BufferedReader(t.cast(t.Any, io.BytesIO(self._respond(_call(self._sent)))))

    def gettimeout(self) -> float:
        return 20.0

    def settimeout(self, _seconds: float) -> None:
        pass

    def fileno(self) -> int:
        """Always readable, so that a line that is kept counts as dropped, and each request gets its own."""
        return _NULL

    def close(self) -> None:
        pass


def _call(sent: bytes) -> Call:
    head, _blank, body = sent.partition(b"\r\n\r\n")
    method, target, _version = head.split(b"\r\n", 1)[0].decode().split(" ")
    path, _mark, query = target.partition("?")
    return Call(method, path, parse_query(query), query, body, hal=False)


@contextlib.contextmanager
def wired(respond: Respond) -> t.Iterator[None]:
    """Let every client in this process talk to ``respond``, which returns the bytes of an answer."""

    def connect(self: t.Any) -> None:
        self.sock, self.is_verified = _Line(respond), True

    with mock.patch.object(_http._Connection, "connect", connect):
        yield


def answer_of(ontap: Ontap, call: Call) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body with which the cluster answers."""
    with ontap.lock:
        try:
            answer = dispatch(ontap, call, {})
            if answer.finish is not None:
                ontap.settle()
                answer = answer.finish()
        except OntapError as exc:
            answer = Answer(exc.status, exc.body())
    response = _response(call, answer)
    return response.status_code, dict(response.headers), bytes(response.body)


def raw(status: int | str, headers: t.Mapping[str, str], body: bytes) -> bytes:
    """The bytes of an answer; ``headers`` as they are, beyond ASCII in latin-1."""
    lines = [f"HTTP/1.1 {status} Any", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


class WiredCluster:
    """What tests use of a ``Simulator``, for a cluster without sockets: scenes, faults, the log, snapshots.

    Used with ``with``, during which every client in this process talks to it.
    """

    host, port, username, password = "cluster1.example.com", 443, "admin", "rehearsal-password"

    def __init__(self, release: str, svms: t.Sequence[str]) -> None:
        self.ontap = Ontap(release, svms=svms, user=self.username, password=self.password)
        self._faults = Faults()
        self._log: list[dict[str, t.Any]] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> WiredCluster:
        self._stack.enter_context(wired(self._respond))
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    @property
    def requests(self) -> list[dict[str, t.Any]]:
        """The requests so far, oldest first; ``status`` None: there was no answer."""
        return copy.deepcopy(self._log)

    def clear(self) -> None:
        """Empty the log of requests."""
        self._log.clear()

    def snapshot(self) -> dict[str, t.Any]:
        """All persistent state: see Ontap.snapshot."""
        return self.ontap.snapshot()

    def fault(
        self, method: str | None = None, path: str | None = None, times: int | None = 1, **details: t.Any
    ) -> None:
        """Set a fault: see faults.Fault."""
        self._faults.add(Fault(method=method, path=path, times=times, **details))

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._faults.clear()

    def reset(self) -> None:
        """Make everything as it was at the start."""
        self.ontap.reset()
        self.clear()
        self.clear_faults()

    def _respond(self, call: Call) -> bytes:
        body = _mask(json.loads(call.raw_body)) if call.raw_body else None
        entry = {"method": call.method, "path": call.path, "query": dict(call.parameters), "body": body, "status": None}
        self._log.append(entry)
        fault = self._faults.take(call.method, call.path)
        if fault is None:
            status, headers, content = answer_of(self.ontap, call)
        else:
            status, headers, content = self._spoiled(fault, call)
        entry["status"] = status
        return raw(status, headers, content)

    def _spoiled(self, fault: Fault, call: Call) -> tuple[int, dict[str, str], bytes]:
        if fault.after:
            status, headers, content = answer_of(self.ontap, call)
        if fault.kind in ("reset_before", "reset_after"):
            raise ConnectionResetError
        if fault.kind == "truncate":
            if fault.valid_length:
                headers = {name: value for name, value in headers.items() if name != "content-length"}
            return status, headers, content[: len(content) // 2]
        answer = _faulty(fault)
        return answer.status_code, dict(answer.headers), bytes(answer.body)
