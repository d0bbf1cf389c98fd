# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configurations of a fleet of clusters, as a procedure sees them that changes one first and then the others.

Of what azure_key_vault_info and azure_key_vaults return it makes values: who there is, who can prove a change before
the others get it, what a task has sent, and what ONTAP reports of it afterwards. Pure: no input, no output.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible

Result = t.Mapping[str, t.Any]

# What ONTAP reports of the way to Azure. The better one can prove a change to it, and so comes first.
REACHED, UNREACHED, UNREPORTED = "reached", "unreached", "unreported"
_BEST_FIRST: t.Final = (REACHED, UNREACHED, UNREPORTED)


@dataclass(frozen=True)
class Configuration:
    """One configuration of one cluster, as a reading with health shows it. A text is empty where ONTAP shows none.

    ``volumes`` is the number of encrypted volumes that depend on it, None where nobody asked or could be told.
    ``flaw`` is why it cannot be an entry of azure_key_vaults, which would refuse all others with it; empty if it can.
    """

    host: str
    uuid: str
    scope: str
    svm: str
    svm_uuid: str
    name: str
    enabled: bool
    client_id: str
    tenant_id: str
    reach: str
    usable: bool | None
    verdict: str
    reasons: tuple[str, ...]
    volumes: int | None = None
    flaw: str = ""

    @classmethod
    def of(cls, host: str, record: Result) -> Configuration:
        """From a record of azure_key_vault_info with ``health``."""
        svm, health = record.get("svm") or {}, record.get("health") or {}
        # Before 9.14.1 there is no such field, and every configuration is in use.
        enabled = record.get("enabled") is not False
        verdict = str(health.get("verdict") or "unknown")
        if verdict == "azure_unreachable":
            reach = UNREACHED
        else:
            reachable = (record.get("azure_reachability") or {}).get("reachable") is True
            reach = REACHED if enabled and reachable else UNREPORTED
        return cls(
            host=host,
            uuid=str(record.get("uuid") or ""),
            scope=str(record.get("scope") or ("svm" if svm else "cluster")),
            svm=str(svm.get("name") or ""),
            svm_uuid=str(svm.get("uuid") or ""),
            name=str((record.get("configuration") or {}).get("name") or ""),
            enabled=enabled,
            client_id=str(record.get("client_id") or ""),
            tenant_id=str(record.get("tenant_id") or ""),
            reach=reach,
            usable=health.get("usable"),
            verdict=verdict,
            reasons=tuple(map(str, health.get("reasons") or ())),
            volumes=record.get("encrypted_volumes"),
        )

    @property
    def label(self) -> str:
        """Its name in messages."""
        owner = "cluster scope" if self.scope == "cluster" else self.svm or self.svm_uuid
        inactive = "" if self.enabled else f"/{self.name or 'inactive'}"
        return visible(f"{owner}{inactive} on {self.host}")

    @property
    def entry(self) -> dict[str, str]:
        """How azure_key_vaults names it, with the application that it has."""
        of_svm = {"svm": self.svm} if self.svm else {"svm_uuid": self.svm_uuid}
        named = {"configuration": self.name, "client_id": self.client_id, "tenant_id": self.tenant_id}
        return {
            "scope": self.scope,
            **({} if self.scope == "cluster" else of_svm),
            **{name: value for name, value in named.items() if value},
        }


def with_flaws(configurations: t.Sequence[Configuration]) -> tuple[Configuration, ...]:
    """The same, each with what is wrong with its entry where those are the entries of a cluster."""
    flaws: list[str] = []
    targets: list[Target | None] = []
    for one in configurations:
        try:
            target, flaw = Desired.of(one.entry).target, ""
        except InputError as exc:
            target, flaw = None, exc.message
        targets.append(target)
        flaws.append(flaw)
    return tuple(
        replace(one, flaw=flaw or (f"{target} is not the only one of that name" if targets.count(target) > 1 else ""))
        for one, target, flaw in zip(configurations, targets, flaws)
    )


def in_order(configurations: t.Iterable[Configuration]) -> tuple[Configuration, ...]:
    """The same, whatever order a cluster lists them in: its own first, then those of SVMs by name."""
    return tuple(sorted(configurations, key=lambda one: (one.scope, one.svm, one.svm_uuid, one.name, one.uuid)))


def best(configurations: t.Iterable[Configuration]) -> Configuration | None:
    """The one to change first: that proves most, of an SVM rather than of a cluster. Of several it is the first."""
    fit = (one for one in configurations if not one.flaw)
    return min(fit, key=lambda one: (_BEST_FIRST.index(one.reach), one.scope == "cluster"), default=None)


def found(host: str, result: Result) -> tuple[Configuration, ...] | None:
    """What azure_key_vault_info read. None where it could not read."""
    records = result.get("azure_key_vaults")
    return None if records is None else in_order(Configuration.of(host, record) for record in records)


def same(one: Configuration, read: t.Iterable[Configuration] | None) -> Configuration | None:
    """The configuration as another reading shows it. None where that does not, or failed."""
    return next((other for other in read or () if other.uuid == one.uuid), None)


@dataclass(frozen=True)
class Attempt:
    """What became of the entry that a task had for a configuration. ``message`` says what went wrong."""

    configuration: Configuration
    changed: bool
    message: str = ""


def attempts(configurations: t.Sequence[Configuration], result: Result) -> tuple[Attempt, ...]:
    """From what azure_key_vaults returned for the entries of ``configurations``, in their order.

    A result without ``vaults`` is that of a task that failed as a whole, for one reason.
    """
    vaults = result.get("vaults") or ()
    if len(vaults) < len(configurations):
        message = str(result.get("msg") or "nothing is known of what the task did")
        return tuple(Attempt(one, changed=False, message=message) for one in configurations)
    return tuple(
        Attempt(one, bool(vault.get("changed")), str((vault.get("error") or {}).get("msg") or ""))
        for one, vault in zip(configurations, vaults)
    )


@dataclass(frozen=True)
class Outcome:
    """What became of a configuration.

    ``state`` is ``sent`` (in check mode: would be), ``failed`` or ``left``. ``after`` says of one that was sent what
    ONTAP reports then: ``reached``; ``lost``, where Azure was not known to be out of reach before; ``unreached``, where
    it was; ``unreported``. It is empty of the others, and in check mode.
    """

    configuration: Configuration
    state: str
    after: str = ""

    @property
    def well(self) -> bool:
        return self.state == "sent" and self.after not in ("lost", "unreached")


def outcome(attempt: Attempt, after: Configuration | None, *, check_mode: bool) -> Outcome:
    """Of a configuration that was tried. ``after`` is how it was read then, None where it was not."""
    before = attempt.configuration
    if not attempt.changed:
        return Outcome(before, "failed")
    if check_mode:
        return Outcome(before, "sent")
    reach = after.reach if after else UNREPORTED
    return Outcome(before, "sent", "lost" if reach == UNREACHED and before.reach != UNREACHED else reach)


def counted(configurations: t.Collection[Configuration]) -> str:
    """How many there are, on how many clusters."""
    return f"{len(configurations)} configurations on {len({one.host for one in configurations})} clusters"


def verdicts(configurations: t.Iterable[Configuration]) -> str:
    """How many there are of each verdict, such as ``48 healthy, 2 azure_unreachable``."""
    numbers = Counter(one.verdict for one in configurations)
    return ", ".join(f"{number} {verdict}" for verdict, number in sorted(numbers.items(), key=lambda pair: -pair[1]))


def ills(configurations: t.Iterable[Configuration]) -> list[str]:
    """A line for each thing that is wrong with some of them, and with which."""
    return together(
        (visible("; ".join((one.verdict, *one.reasons))), one.label) for one in configurations if one.usable is not True
    )


def together(about: t.Iterable[tuple[str, str]]) -> list[str]:
    """A line for each text, with all names that it is about before it."""
    names: dict[str, list[str]] = {}
    for text, name in about:
        names.setdefault(text, []).append(name)
    return [f"{', '.join(those)}: {text}" for text, those in names.items()]


def some(names: t.Sequence[str], at_most: int = 5) -> str:
    """The names, but only the number of most of them where there are many."""
    if len(names) <= at_most:
        return ", ".join(names)
    return f"{', '.join(names[:at_most])} and {len(names) - at_most} more"
