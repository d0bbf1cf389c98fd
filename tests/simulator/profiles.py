# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the ONTAP releases, apart from the fields (see fields.py).

Every rule here comes from the ONTAP REST API reference of the release, or from the official Python client of that
release where the reference is silent.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

RELEASES = (
    "9.7",
    "9.8",
    "9.9.1",
    "9.10.1",
    "9.11.1",
    "9.12.1",
    "9.13.1",
    "9.14.1",
    "9.15.1",
    "9.16.1",
    "9.17.1",
    "9.18.1",
)


@functools.cache
def version(release: str) -> tuple[int, int, int]:
    """Return a release such as ``9.10.1`` as numbers that compare: (9, 10, 1). A missing third part is 0.

    Raises ValueError when ``release`` is not a version.
    """
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", release):
        raise ValueError(f"not an ONTAP release: {release!r}")
    parts = [int(part) for part in release.split(".")]
    return (parts[0], parts[1], parts[2] if len(parts) == 3 else 0)


@dataclass(frozen=True)
class Profile:
    """One release of ONTAP: ask it what that release can do.

    ``legacy_state_flag``: ``state.cluster_state`` in every release, as the examples of later references still show it.
    Raises ValueError for a release that is not in RELEASES.
    """

    release: str
    legacy_state_flag: bool = False

    def __post_init__(self) -> None:
        if self.release not in RELEASES:
            raise ValueError(f"unknown ONTAP release {self.release!r}: one of {', '.join(RELEASES)}")

    def since(self, release: str) -> bool:
        """Tell whether this release is ``release`` or newer."""
        return version(self.release) >= version(release)

    def within(self, span: tuple[str, str] | None) -> bool:
        """Tell whether this release is in ``span``: first and last release, both included. None: in no release."""
        return span is not None and self.since(span[0]) and version(self.release) <= version(span[1])

    @property
    def state_flag(self) -> str:
        """Name of the boolean below ``state``."""
        return "available" if self.since("9.9.1") and not self.legacy_state_flag else "cluster_state"

    @property
    def state_is_expensive(self) -> bool:
        """Whether ``state`` must be asked for by name; in 9.7 it was an ordinary property."""
        return self.since("9.8")

    @property
    def integer_codes(self) -> bool:
        """Whether the health codes are numbers; they are strings in later releases.

        Reading: no client was published for 9.11.1, so it is taken to be as 9.12.1.
        """
        return not self.since("9.11.1")

    @property
    def hides_key_version(self) -> bool:
        """Whether GET leaves the version out of ``key_id``, as the examples of 9.8 to 9.12.1 do."""
        return self.within(("9.8", "9.12.1"))

    @property
    def not_configured(self) -> int:
        """The code for "there is no AKV here".

        Reading: replaced no later than 9.10.1; 9.9.1 is taken to be as 9.8.
        """
        return 65537120 if self.since("9.10.1") else 65537511

    @property
    def named_configurations(self) -> bool:
        """Whether an SVM can hold named, inactive configurations (and key-stores can be changed)."""
        return self.since("9.14.1")

    @property
    def nested_keystore(self) -> bool:
        """Whether key-stores wrap ``type`` in an object named ``keystore``."""
        return self.within(("9.10.1", "9.12.1"))

    @property
    def bearer_login(self) -> bool:
        """Whether OAuth 2.0 bearer tokens are accepted."""
        return self.since("9.14.1")

    @property
    def checks_new_credentials(self) -> bool:
        """Whether PATCH tries new credentials before it stores them (``skip_verification`` switches that off)."""
        return self.since("9.16.1")

    @property
    def action_can_finish(self) -> bool:
        """Whether restore and rekey answer 201 when the job ended inside ``return_timeout``; 202 always before."""
        return self.since("9.14.1")

    def has_job(self, operation: str) -> bool:
        """Tell whether a slow ``operation`` (create, patch or delete) may answer 202 with a job.

        Readings: the release in which create and delete began to do so is not documented exactly; the first whose
        reference shows it is taken.
        """
        first = {"create": "9.18.1", "patch": "9.9.1", "delete": "9.17.1"}
        return self.since(first[operation])

    def has_return_timeout(self, operation: str) -> bool:
        """Tell whether create, patch or delete take ``return_timeout``; the reference ties it to the job answer."""
        return self.has_job(operation)

    def version_record(self) -> dict[str, object]:
        """Return the ``version`` object of GET /cluster: 9.10.1 is generation 9, major 10, minor 1."""
        generation, major, minor = version(self.release)
        return {
            "full": f"NetApp Release {self.release}: Mon Jan 01 00:00:00 UTC 2024",
            "generation": generation,
            "major": major,
            "minor": minor,
        }
