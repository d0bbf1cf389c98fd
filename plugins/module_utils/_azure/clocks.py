# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the clocks of configurations need that ONTAP cannot reach Azure for. Only reads."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._azure.clock import Happened, Rule, clock_of
from ansible_collections.ontap.security.plugins.module_utils._azure.events import EVENTS
from ansible_collections.ontap.security.plugins.module_utils._azure.health import encrypted_volumes
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.record import value_at
from ansible_collections.ontap.security.plugins.module_utils._monitor.policy import CONFIGS, ENABLED, OFFLINE
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import UNKNOWN_NAME, UNKNOWN_PATH
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    OntapError,
    TransportError,
    withheld,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader


def with_clocks(reader: Reader, vaults: t.Sequence[Vault]) -> tuple[Vault, ...]:
    """The configurations, each that ONTAP cannot reach Azure for with its clock.

    Where there are none of these, nothing is asked; else the number of their encrypted volumes is, and where there are
    any, the event log and the settings of the health monitor, each once for all. What the login may not read, or the
    release does not have, leaves something unknown. Raises ``OntapError``.
    """
    ticking = [vault for vault in vaults if vault.enabled and vault.azure_reachable is False]
    if not ticking:
        return tuple(vaults)
    uncounted = [vault for vault in ticking if vault.encrypted_volumes is None]
    numbers = encrypted_volumes(reader, uncounted) if uncounted else {}
    numbers = {vault.uuid: numbers.get(vault.uuid, vault.encrypted_volumes) for vault in ticking}
    in_danger = any(number != 0 for number in numbers.values())
    log = _log(reader) if in_danger else None
    rule = _rule(reader) if in_danger else Rule(None, None)
    now = datetime.datetime.now(datetime.timezone.utc)

    def clock(vault: Vault) -> Vault:
        about = None
        if log is not None:
            identity = (vault.svm, vault.configuration, vault.value("name"))
            about = [one for one in log if one.concerns(*identity)]
        return replace(vault, clock=clock_of(about, numbers[vault.uuid], rule, now, vault.svm or ""))

    return tuple(clock(vault) if vault.uuid in numbers else vault for vault in vaults)


def _log(reader: Reader) -> list[Happened] | None:
    query = {"message.name": "ekmip.akv.*", "fields": "*"}
    try:
        records = reader.records(EVENTS, query)
    except (ApiError, TransportError) as exc:
        if not _not_to_be_had(exc):
            raise
        return None
    return [one for one in map(Happened.of, records) if one is not None]


def _rule(reader: Reader) -> Rule:
    try:
        found = reader.get(CONFIGS, {"fields": "*,health_monitor_policy"})
    except (ApiError, TransportError) as exc:
        if exc.code in UNKNOWN_NAME or exc.code == UNKNOWN_PATH:
            # There is no switch yet, and the rule holds.
            return Rule(None, True)
        if not _not_to_be_had(exc):
            raise
        return Rule(None, None)
    return Rule(value_at(found, ENABLED), value_at(found, OFFLINE))


def _not_to_be_had(exc: OntapError) -> bool:
    return withheld(exc) or exc.code in UNKNOWN_NAME or exc.code == UNKNOWN_PATH
