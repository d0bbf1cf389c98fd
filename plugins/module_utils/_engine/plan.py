# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is made of: steps, differences, what the release must have. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._azure.table import COMPARED, CREDENTIALS, FIELDS, SECRETS
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Vault
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import OntapError, UnsupportedError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

SET = "(set)"


def _seen_in_fields(step: Step, vault: Vault | None) -> bool | None:
    """Whether a record has what a step sets; None when no field that ONTAP shows could tell."""
    fields = step.visible
    if not fields:
        return None
    return vault is not None and all(FIELDS[name].same(value, vault.value(name)) for name, value in fields.items())


def _seen_in_existence(step: Step, vault: Vault | None) -> bool | None:
    return vault is not None and _seen_in_fields(step, vault) is not False


def _seen_in_absence(_step: Step, vault: Vault | None) -> bool | None:
    return vault is None


@dataclass(frozen=True)
class Kind:
    """A kind of change: how messages speak of it, and what whoever carries it out has to know.

    ``purpose`` and ``did`` go before the name of what is changed. ``shows`` tells from the record (None: there is none)
    whether a step has taken effect, or None when no record can. ``job``: its path answers with a job on every release,
    and a second one must not be started. ``confirmed``: success counts only once the record shows it.
    ``at_last`` is what a person can do when nobody knows what became of the request.
    """

    purpose: str
    did: str
    shows: t.Callable[[Step, Vault | None], bool | None]
    job: bool = False
    confirmed: bool = False
    at_last: str = (
        "Run the task again when ONTAP answers: it reads what is there first, and sends only what is still missing."
    )
    # ONTAP's codes by which it says that there is nothing to do, and what to say then.
    nothing: t.Mapping[str, str] = field(default_factory=dict)


CREATE: t.Final = Kind(
    "create the Azure Key Vault configuration of",
    "Created the Azure Key Vault configuration of",
    _seen_in_existence,
)
SET_VERIFY: t.Final = Kind(
    "set verify_host and verify_ip of",
    "Set verify_host and verify_ip of",
    _seen_in_fields,
)
UPDATE: t.Final = Kind(
    "update the Azure Key Vault configuration of",
    "Updated the Azure Key Vault configuration of",
    _seen_in_fields,
)
DELETE: t.Final = Kind(
    "delete the Azure Key Vault configuration of",
    "Deleted the Azure Key Vault configuration of",
    _seen_in_absence,
)
REKEY: t.Final = Kind(
    "change the external key of",
    "Changed the external key of",
    _seen_in_fields,
    job=True,
    confirmed=True,
    at_last="Look for its job on the cluster first (job show, and for one that has ended job history show). Running "
    "the task again is safe: it reads which key is in use, and moving to the same key twice does no harm.",
)


@dataclass(frozen=True)
class Step:
    """One request that changes something. ``{uuid}`` in the path stands for a record not created yet."""

    kind: Kind
    method: str
    path: str
    body: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)

    @property
    def visible(self) -> dict[str, t.Any]:
        """What it sets of what ONTAP shows."""
        return {name: value for name, value in self.body.items() if name in COMPARED}

    @property
    def sends_credential(self) -> bool:
        """Whether it carries what ONTAP logs in to Azure with."""
        return any(name in self.body for name in CREDENTIALS)

    @property
    def sends_secret(self) -> bool:
        """Whether it carries anything that ONTAP never shows."""
        return any(name in self.body for name in SECRETS)

    def as_action(self, outcome: str, uuid: str | None = None) -> dict[str, t.Any]:
        """The entry in ``actions``: names of the fields, no values."""
        path = self.path.replace("{uuid}", uuid) if uuid else self.path
        return {"method": self.method, "path": path, "fields": sorted(_leaves(self.body)), "outcome": outcome}


def _leaves(body: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, value in body.items():
        if isinstance(value, dict):
            yield from (f"{name}.{leaf}" for leaf in _leaves(value))
        else:
            yield name


@dataclass(frozen=True)
class Drift:
    """One difference, and what would mend it: create, update, rekey, recreate (not in place), delete, enable."""

    field: str
    desired: t.Any
    actual: t.Any
    action: str

    def as_result(self) -> dict[str, t.Any]:
        return {"field": self.field, "desired": self.desired, "actual": self.actual, "action": self.action}


@dataclass(frozen=True)
class Plan:
    """What will be sent, in order, and what that makes of the record.

    ``before`` and ``after`` are the diff. ``blockers`` are errors to raise before anything is sent. A plan with
    ``needs_release`` is not valid: it must be made again with the cluster's release.
    """

    steps: tuple[Step, ...] = ()
    before: t.Mapping[str, t.Any] = field(default_factory=dict)
    after: t.Mapping[str, t.Any] = field(default_factory=dict)
    record: t.Mapping[str, t.Any] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    blockers: tuple[OntapError, ...] = ()
    warnings: tuple[str, ...] = ()
    credentials: str = "none"
    needs_release: bool = False
    # What is worth saying although nothing is wrong; and what check mode says instead of the blockers, where an
    # earlier task of the same check run may have removed them.
    note: str = ""
    pending: str = ""
    # What to say instead of ``note`` when the steps have been carried out; and whether nothing that ONTAP shows will
    # tell that they have been, so that a plan made afterwards would be the same again.
    done: str = ""
    unseen: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.steps)


def too_old(what: str, since: Release, release: Release, remedy: str = "") -> UnsupportedError:
    """The error for something that the cluster's release does not have, naming the first one that does."""
    return UnsupportedError(
        f"{what} needs ONTAP {since} or later, and this cluster runs ONTAP {release}",
        remedy=remedy or f"Leave {what} out, or upgrade the cluster to ONTAP {since} or later.",
    )


def together(errors: t.Sequence[OntapError]) -> OntapError:
    """One error that says all: fixing one only to meet the next is no way to treat a user."""
    first = errors[0]
    first.message = "; ".join(error.message for error in errors)
    first.remedy = " ".join(dict.fromkeys(error.remedy for error in errors))
    return first


class Gate:
    """Collects what the release must have. Asks for the release only when the record does not prove enough."""

    def __init__(self, proven: Release | None, release: Release | None) -> None:
        self._proven = proven
        self._release = release
        self.needs_release = False
        self.blockers: list[OntapError] = []

    def require(self, what: str, since: Release, remedy: str = "") -> None:
        if self.has(since) is False and self._release is not None:
            self.blockers.append(too_old(what, since, self._release, remedy))

    def has(self, since: Release) -> bool | None:
        """Whether the cluster has a feature; None (and ``needs_release``) when that is not known yet."""
        if self._proven is not None and self._proven.has(since):
            return True
        if self._release is None:
            # Every release this collection talks to is at least 9.7.
            if Release(9, 7).has(since):
                return True
            self.needs_release = True
            return None
        return self._release.has(since)
