# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can go wrong, as exceptions that know cause and remedy.

OntapError
├── InputError          what the user gave cannot be meant; raised before anything is sent
├── UnsupportedError    the ONTAP release cannot do what is asked; raised before anything is sent
├── BlockedError        the state of the cluster forbids it; raised before anything is sent
├── TransportError      no usable answer: name, port, TLS, time-out, proxy, broken body, not ONTAP's form
│   └── LostAnswerError a write was sent and no answer of ONTAP came: nobody knows yet whether it took effect
├── ApiError            ONTAP answered with an error
├── JobError            ONTAP's job ended without success
├── JobTimeoutError     the job is still running when the time the user gave is over
└── OutcomeError        ONTAP said success, but reading again does not show it
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import APPROVAL_REQUIRED, NOT_AUTHORIZED
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible


def explained(code: str, said: str = "") -> tuple[str, str]:
    """Meaning and remedy of one of ONTAP's codes; empty where the catalogue does not have it. ``said`` is ONTAP's
    message, for what the remedy names of it."""
    # Here, because the catalogue is long, and most runs meet no error.
    from ansible_collections.ontap.security.plugins.module_utils._ontap.catalogue import explain

    known = explain(code)
    if known is None:
        return "", ""
    index = request_index(said) if code == APPROVAL_REQUIRED else None
    return known.meaning, known.remedy if index is None else known.remedy.replace("INDEX", str(index))


def request_index(said: str) -> int | None:
    """The index of the request for approval, for people; None where ONTAP's message does not name it, which is the one
    place that has it (contract, multi-admin verification). Nothing is decided by it."""
    found = re.search(r"\bindex\s+([0-9]{1,18})\b", said, re.ASCII)
    return int(found[1]) if found else None


class OntapError(Exception):
    """Base of all errors of this collection; ``message`` says the cause, ``remedy`` what to do."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        meaning: str = "",
        code: str | None = None,
        ontap_message: str | None = None,
        target: str | None = None,
        http_status: int | None = None,
        method: str | None = None,
        path: str | None = None,
        job: dict[str, t.Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.meaning = meaning
        self.code = code
        self.ontap_message = ontap_message
        self.target = target
        self.http_status = http_status
        self.method = method
        self.path = path
        self.job = job
        self.tried = ""
        self.result: dict[str, t.Any] = {}
        # Seconds after which the other side wants to be asked again, if it said so.
        self.retry_after: float | None = None

    def __copy__(self) -> OntapError:
        """For an error that concerns several configurations, each of which says for itself what was tried."""
        other = type(self).__new__(type(self))
        other.args = self.args
        vars(other).update(vars(self))
        return other

    def text(self) -> str:
        """The whole message for a person: what was tried, what happened, what it means, what to do.

        The only lines in it are those of ``meaning``, where an error stands for several.
        """
        # An error that stands for several has each one's remedy in its meaning.
        remedy = "" if self.remedy in self.meaning else self.remedy
        said = visible(f"{self.tried}: {self.message}" if self.tried else self.message)
        parts = [said, "\n".join(map(visible, self.meaning.split("\n"))), visible(remedy)]
        return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)

    def details(self) -> dict[str, t.Any]:
        """The ``error`` key of a failed result, the same keys for every kind of error."""
        details: dict[str, t.Any] = {
            "code": self.code,
            "message": self.ontap_message if self.ontap_message is not None else self.message,
            "target": self.target,
            "http_status": self.http_status,
            "method": self.method,
            "path": self.path,
            "meaning": self.meaning or None,
            "remedy": self.remedy or None,
        }
        if self.job is not None:
            details["job"] = self.job
        if self.awaits_approval:
            # An error that stands for several has what ONTAP said of each in its meaning.
            said = f"{details['message']} {self.meaning}"
            details.update(approval="required", request_index=request_index(said))
        return details

    @property
    def awaits_approval(self) -> bool:
        """Whether other administrators have to approve the request before ONTAP carries it out."""
        return self.code == APPROVAL_REQUIRED


class InputError(OntapError):
    """A value the user gave cannot be meant; the message names the option, the remedy what to give instead."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)


class UnsupportedError(OntapError):
    """The ONTAP release found lacks what an option needs."""


class BlockedError(OntapError):
    """The wanted state cannot be reached from the present one by any request this module may send."""


class TransportError(OntapError):
    """No usable answer came back; the request certainly changed nothing or was a read.

    ``retry`` is false for what stays wrong however often it is tried: a name, a certificate.
    """

    retry = True


class LostAnswerError(TransportError):
    """A write was sent and no usable answer came back: it may or may not have taken effect."""


class JobError(OntapError):
    """A job ended in failure, was cancelled, or expired."""


class JobTimeoutError(OntapError):
    """The job goes on in ONTAP, but the time the user gave for waiting is over."""


class OutcomeError(OntapError):
    """ONTAP reported success, but the record read afterwards is not as it was asked to be."""


class ApiError(OntapError):
    """ONTAP answered a request with an error.

    ``code`` is always a string, as ONTAP sends it; meaning and remedy come from the catalogue. ``status`` is that of
    success where ONTAP answered with one and an error at once.
    """

    def __init__(
        self, *, method: str, path: str, status: int, code: str, message: str, target: str | None = None
    ) -> None:
        meaning, remedy = explained(code, message)
        if status in (401, 403) and not meaning:
            meaning = "ONTAP did not accept the login or the login's role does not allow the request."
        super().__init__(
            f"{method} {path} was {'refused' if status >= 400 else 'answered with an error'}: {message} "
            f"(HTTP {status}, ONTAP code {code or 'none'})",
            meaning=meaning,
            remedy=remedy or "Look the code up in the EMS log and the REST documentation of the cluster's release.",
            code=code,
            ontap_message=message,
            target=target,
            http_status=status,
            method=method,
            path=path,
        )


def withheld(exc: OntapError) -> bool:
    """Whether a read was refused because the login's role is narrow or the release lacks the path, by ONTAP or by
    something in front of it. ONTAP says so with one code under several statuses (contract, generic codes)."""
    return exc.http_status in (403, 404) or exc.code in NOT_AUTHORIZED
