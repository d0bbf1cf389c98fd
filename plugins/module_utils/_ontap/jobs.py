# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ONTAP's jobs: what one is, which request it belongs to, and why it failed. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import JobError, explained

# ONTAP documents queued, running, paused, success and failure (in prose error); the vendor's client meets the others.
_SUCCESS = "success"
FAILURES = frozenset({"failure", "error", "cancelled", "expired"})


def has_ended(state: str) -> bool:
    """Whether a job in this state is over, however."""
    return state in (_SUCCESS, "gone") or state in FAILURES


@dataclass(frozen=True)
class Job:
    """An ONTAP job. ``state`` is ONTAP's word, or ``gone`` once ONTAP has removed it (300 s after its end).

    ``description`` is as ONTAP has it, to be compared; message and error, which people see, are without secrets.
    """

    uuid: str
    state: str
    message: str = ""
    code: str = "0"
    description: str = ""
    error: t.Mapping[str, t.Any] | None = None
    svm: str | None = None
    svm_uuid: str | None = None

    @property
    def ended(self) -> bool:
        return has_ended(self.state)

    @property
    def names_svm(self) -> bool:
        """Whether ONTAP says for which SVM it is."""
        return self.svm is not None or self.svm_uuid is not None

    def as_result(self) -> dict[str, t.Any]:
        """The ``job`` key of a result."""
        return {
            "uuid": self.uuid,
            "state": self.state,
            "message": self.message,
            "code": self.code,
            "error": dict(self.error) if self.error else None,
        }


@dataclass(frozen=True)
class Waiting:
    """Whether to wait for jobs, and for how many seconds altogether."""

    wait: bool = True
    timeout: float = 600


def with_arguments(message: str, error: t.Mapping[str, t.Any]) -> str:
    """ONTAP's message with the code and the message of each record or value at fault, where it does not name them."""
    arguments = error.get("arguments")
    added = []
    for argument in arguments if isinstance(arguments, list) else ():
        if isinstance(argument, dict):
            code, text = str(argument.get("code") or ""), str(argument.get("message") or "")
            if code != str(error.get("code")) or text not in message:
                added.append(f"{code}: {text}".strip(": "))
    return f"{message} [{'; '.join(added)}]" if added else message


def names_request(description: str, method: str, path: str) -> bool:
    """Whether a job's description names a request. The path of a create is the beginning of every other one; ``*`` in
    a path stands for any one part of it."""
    pattern = r"[^/\s?]+".join(map(re.escape, path.split("*")))
    named = re.search(rf"(?:\b([A-Z]+) +)?{pattern}/?(?=[\s?]|$)", description)
    return named is not None and named[1] in (None, method)


def job_error(job: Job) -> JobError:
    said = with_arguments(job.message or "no message", job.error or {})
    meaning, remedy = explained(job.code, said)
    return JobError(
        f"ONTAP's job {job.uuid} ended in state {job.state}: {said} (ONTAP code {job.code})",
        meaning=meaning,
        remedy=remedy or f"Look at the job on the cluster: job show -uuid {job.uuid}.",
        code=job.code,
        ontap_message=said,
        job=job.as_result(),
    )
