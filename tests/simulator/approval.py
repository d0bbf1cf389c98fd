# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-admin verification (9.11.1 and later): operations that other administrators have to approve first.

Readings: which commands can be protected differs by release, so here any operation can be; the HTTP status of 262325 is
not documented, so the scene sets it; a request that is repeated while it waits keeps its index.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field

from tests.simulator.errors import OntapError

if t.TYPE_CHECKING:
    from tests.simulator.call import Call

CODE = 262325
EXPIRY = 3600.0  # seconds that an approval may be used for, the default of clusters (ONTAP guide)


@dataclass
class Request:
    """A request that waits for approval, or had it. Which one it is tells the request itself, down to its body."""

    index: int
    operation: str
    digest: str
    state: str = "pending"
    approved_at: float = 0


@dataclass
class Approvals:
    """The protected operations, with the status of their refusal, and all requests for approval."""

    protected: dict[str, int | None] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def check(self, operation: str, call: Call, now: float) -> None:
        """Let an approved request pass, once; make a request for approval of any other. Raises OntapError."""
        if operation not in self.protected:
            return
        digest = hashlib.sha256(f"{call.method} {call.path}\n".encode() + call.raw_body).hexdigest()
        for request in self.requests:
            if request.state == "approved" and request.approved_at + EXPIRY <= now:
                request.state = "expired"
        known = next((r for r in self.requests if r.digest == digest and r.state in ("pending", "approved")), None)
        if known is not None and known.state == "approved":
            known.state = "executed"
            return
        if known is None:
            known = Request(len(self.requests) + 1, operation, digest)
            self.requests.append(known)
        message = f"The security multi-admin-verify request (index {known.index}) requires approval."
        raise OntapError(CODE, message, status=self.protected[operation])

    def approve(self, index: int, now: float) -> None:
        """Approve a request that waits. KeyError when there is none."""
        for request in self.requests:
            if request.index == index and request.state == "pending":
                request.state, request.approved_at = "approved", now
                return
        raise KeyError(f"no request {index} that waits for approval")

    def snapshot(self) -> list[dict[str, t.Any]]:
        """Return the requests, JSON-able."""
        return [{"index": r.index, "operation": r.operation, "state": r.state} for r in self.requests]
