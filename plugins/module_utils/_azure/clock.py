# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the encrypted volumes of a configuration stay online while ONTAP cannot reach its key in Azure. Pure.

ONTAP's documents say 60 minutes, of a key that cannot be had. Whether a network or a login that fails counts the same
is not said, and is taken as if it did: who is warned for nothing has lost nothing.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._azure.events import moment_of
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import canonical_uri
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import BlockedError

# How long ONTAP waits, whatever its polling interval (supplement of the contract, the rule).
MINUTES: t.Final = 60

_BEGUN, _OVER = "ekmip.akv.notAvailable", "ekmip.akv.available"
_OFFLINE, _ONLINE = "ekmip.akv.volOffline", "ekmip.akv.volOnline"

# What becomes, or has become, of the encrypted volumes.
OFFLINE: t.Final = "offline"
GOING_OFFLINE: t.Final = "going_offline"
KEPT_ONLINE: t.Final = "kept_online"
NO_VOLUMES: t.Final = "none"
UNKNOWN: t.Final = "unknown"

_NO_REBOOT: t.Final = "A node that reboots meanwhile gets no keys, and its encrypted volumes stay offline."


@dataclass(frozen=True)
class Rule:
    """Whether ONTAP takes volumes offline: ``enabled`` and ``manage_volume_offline`` of its health monitor for Azure
    Key Vault. None where nobody can tell, or for ``enabled`` where the release has no such switch."""

    enabled: bool | None
    manages: bool | None


@dataclass(frozen=True)
class Happened:
    """An event of the log about a configuration; what it does not name is empty."""

    name: str
    moment: datetime.datetime
    svm: str
    configuration: str
    vault: str

    @classmethod
    def of(cls, record: t.Mapping[str, t.Any]) -> Happened | None:
        """From a record of the log; None for one without a time that can be read."""
        moment = moment_of(str(record.get("time") or ""))
        if moment is None:
            return None
        said = {str(one.get("name")): str(one.get("value") or "") for one in record.get("parameters") or ()}
        name = str((record.get("message") or {}).get("name") or "")
        return cls(name, moment, said.get("svm", ""), said.get("configName", ""), said.get("name", ""))

    def concerns(self, svm: str | None, configuration: str | None, vault: t.Any) -> bool:
        """Whether it is about this configuration. An SVM may have had others before, with other names or vaults."""
        return (
            self.svm == (svm or "")
            and (not (self.configuration and configuration) or self.configuration == configuration)
            and (not (self.vault and vault) or canonical_uri(self.vault) == canonical_uri(str(vault)))
        )


@dataclass(frozen=True)
class Clock:
    """The clock of one configuration that ONTAP cannot reach Azure for.

    ``since`` is the first event that said so after the last that said the contrary; None where the log has none.
    ``offline_at`` is when the volumes go offline, or have gone; where ``volumes`` is unknown, the earliest that can be.
    ``volumes`` is one of the words above, and ``number`` how many there are, None where nobody can tell. ``said`` is
    all of that in a sentence or two.
    """

    volumes: str
    said: str
    number: int | None = None
    since: datetime.datetime | None = None
    offline_at: datetime.datetime | None = None

    def as_result(self) -> dict[str, t.Any]:
        return {
            "since": shown(self.since),
            "since_from": "event" if self.since else None,
            "encrypted_volumes": self.number,
            "volumes": self.volumes,
            "offline_at": shown(self.offline_at),
            # Nobody gets keys from a vault that is out of reach.
            "safe_to_reboot": False,
            "said": self.said,
        }


def not_meanwhile(what: str, clock: Clock, remedy: str) -> BlockedError:
    """The error for something that has to wait until ONTAP reaches Azure again."""
    return BlockedError(
        f"{what} while Azure cannot be reached: {clock.said}",
        remedy=f"Mend first what keeps ONTAP from Azure: azure_key_vault_info with health: true says what. {remedy}",
    )


def shown(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def clock_of(
    log: t.Sequence[Happened] | None, number: int | None, rule: Rule, now: datetime.datetime, svm: str = ""
) -> Clock:
    """The clock, from the events about the configuration (None: the log could not be read), the number of its encrypted
    volumes, and what the health monitor does. ``now`` is only there to tell what is over."""
    since = _since(log or ())
    gone = _gone_offline(log or ())
    whose = f" of SVM {svm}" if svm else ""
    volumes = "the encrypted volumes" if number is None else f"{number} encrypted volume{'s' * (number != 1)}"
    go, stay = ("goes", "stays") if number == 1 else ("go", "stay")
    begun = f"Azure has not been reached since {shown(since)}" if since else "Azure is not reached"
    if number == 0:
        said = f"{begun}. No encrypted volume{whose} depends on it yet."
        return Clock(NO_VOLUMES, said, number, since)
    if gone:
        back = "They come back by themselves once ONTAP gets the key."
        said = f"{begun}, and {volumes}{whose} went offline at {shown(gone)}. {back}"
        return Clock(OFFLINE, f"{said} {_NO_REBOOT}", number, since, gone)
    if rule.manages is False:
        said = f"{begun}. {_begin(volumes)}{whose} {stay} online, as manage_volume_offline is false on the cluster."
        return Clock(KEPT_ONLINE, f"{said} {_NO_REBOOT}", number, since)
    due = since + datetime.timedelta(minutes=MINUTES) if since else None
    doubt = _doubt(rule, due, now)
    if doubt:
        at = f" at {shown(due)} at the earliest" if due and due > now else ""
        said = f"{begun}. Whether {volumes}{whose} {go} offline{at} is not known: {doubt}."
        return Clock(UNKNOWN, f"{said} {_NO_REBOOT}", number, since, due)
    if due is None:
        why = "the event log could not be read" if log is None else "the event log does not say since when"
        when = f"{MINUTES} minutes after that began; when it did is not known, because {why}"
    else:
        when = f"at {shown(due)}, {MINUTES} minutes after that began, unless ONTAP gets the key before"
    said = f"{begun}. {_begin(volumes)}{whose} {go} offline {when}."
    return Clock(GOING_OFFLINE, f"{said} {_NO_REBOOT}", number, since, due)


def _begin(text: str) -> str:
    return text[0].upper() + text[1:]


def _doubt(rule: Rule, due: datetime.datetime | None, now: datetime.datetime) -> str:
    """Why nobody can tell what becomes of volumes; empty where the rule says it."""
    if rule.manages is None:
        return "the settings of the health monitor could not be read"
    if rule.enabled is False:
        return "the health monitor is off for Azure Key Vault, and ONTAP's documents do not say what that means"
    if due and due < now:
        return f"they were due at {shown(due)}, and the event log does not say that they are"
    return ""


def _since(log: t.Sequence[Happened]) -> datetime.datetime | None:
    over = max((one.moment for one in log if one.name == _OVER), default=None)
    begun = [one.moment for one in log if one.name == _BEGUN and (over is None or one.moment > over)]
    return min(begun, default=None)


def _gone_offline(log: t.Sequence[Happened]) -> datetime.datetime | None:
    # 9.10.1 has no event for volumes that are back.
    back = max((one.moment for one in log if one.name in (_ONLINE, _OVER)), default=None)
    gone = [one.moment for one in log if one.name == _OFFLINE and (back is None or one.moment > back)]
    return max(gone, default=None)
