# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health monitor of key managers: its settings as a resource, what is wanted of them, and the plan. Pure.

The cluster has one, for the key managers of all SVMs. Common criteria mode and its passphrase, which ONTAP keeps in the
same place, are neither read out nor written (supplement of the contract, key-manager-configs).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Drift, Kind, Plan, Step, seen_in_fields
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record, merged, value_at
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Check, Field, Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import BOOLEAN, NUMBER, describe_single
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

CONFIGS: t.Final = "/api/security/key-manager-configs"

INTERVAL: t.Final = "health_monitor_polling_interval"
RETRIES: t.Final = "cloud_kms_retry_count"
ENABLED: t.Final = "health_monitor_policy.akv.enabled"
OFFLINE: t.Final = "health_monitor_policy.akv.manage_volume_offline"

_R9_10 = Release(9, 10, 1)
_R9_11 = Release(9, 11, 1)
# The first release in which somebody can say that volumes are to stay online.
HAS_POLICY: t.Final = Release(9, 15, 1)


def _between(low: int, high: int, unit: str) -> Check:
    def check(value: int) -> None:
        if not low <= value <= high:
            raise ValueError(f"it is {unit} from {low} to {high}")

    return Check(check, f"Give a number from {low} to {high}.")


FIELDS: t.Final[dict[str, Field]] = {
    item.name: item
    for item in (
        Field(INTERVAL, get=_R9_10, patch=_R9_10, type="int", check=_between(15, 30, "a number of minutes")),
        Field(RETRIES, get=_R9_11, patch=_R9_11, type="int", check=_between(0, 10, "a number")),
        Field(ENABLED, get=HAS_POLICY, patch=HAS_POLICY, type="bool"),
        Field(OFFLINE, get=HAS_POLICY, patch=HAS_POLICY, type="bool"),
    )
}

# By which option, in which dictionary, a user knows a field.
OPTIONS: t.Final[dict[str, str]] = {
    INTERVAL: "polling_interval",
    RETRIES: "retry_count",
    ENABLED: "akv.enabled",
    OFFLINE: "akv.manage_volume_offline",
}

# What is shown of ONTAP's answer: also the flags of other types of key managers.
_SHOWN: t.Final = (INTERVAL, RETRIES, "health_monitor_policy")

describe_single(
    CONFIGS,
    {
        INTERVAL: NUMBER,
        RETRIES: NUMBER,
        "health_monitor_policy": {"akv": {"enabled": BOOLEAN, "manage_volume_offline": BOOLEAN}},
    },
)


class Settings(Record):
    """The settings of the monitor as ONTAP shows them."""

    @staticmethod
    def clean(raw: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        return {name: value for name, value in Record.clean(raw).items() if name in _SHOWN}


MONITOR: t.Final = Resource(
    one="a health monitor policy",
    key="key_manager_policy",
    many="policies",
    path=CONFIGS,
    store="",
    fields=FIELDS,
    compared=tuple(FIELDS),
    record=Settings,
    single=True,
    options=OPTIONS,
)

_SET: t.Final = Kind(
    MONITOR,
    f"set the {MONITOR.noun} of",
    f"Set the {MONITOR.noun} of",
    seen_in_fields,
)


@dataclass(frozen=True)
class Policy:
    """What the user wants the health monitor to do: only what was given, checked."""

    resource: t.ClassVar[Resource] = MONITOR
    proof: t.ClassVar[None] = None
    values: t.Mapping[str, t.Any] = field(default_factory=dict)

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Policy:
        """From module options. Raises ``InputError`` naming the option; nothing has been sent by then."""
        given = {name: value_at(params, option) for name, option in OPTIONS.items()}
        values = {name: value for name, value in given.items() if value is not None}
        for name, value in values.items():
            try:
                FIELDS[name].check(value)
            except ValueError as exc:
                raise InputError(
                    f"{OPTIONS[name]} is {value}; {exc}",
                    remedy=f"{FIELDS[name].check.remedy} Left out, it stays as it is.",
                ) from exc
        return cls(values)

    @property
    def target(self) -> Target:
        return Target(scope="cluster")

    @property
    def shown_by(self) -> dict[str, Release]:
        """Where nothing is wanted, a field that all releases have which know the monitor."""
        return {name: FIELDS[name].since for name in self.values or (INTERVAL,)}

    @property
    def creates(self) -> bool:
        return False

    def plan(self, current: Settings, _release: Release | None = None, _others: t.Sequence[Settings] = ()) -> Plan:
        """The plan that turns ``current`` into this. It needs no release: reading has shown that the fields exist."""
        differing = {
            name: value for name, value in self.values.items() if not FIELDS[name].same(value, current.value(name))
        }
        after = merged(current.record, differing)
        return Plan(
            steps=(Step(_SET, "PATCH", CONFIGS, differing),) if differing else (),
            before=current.record,
            after=after,
            record=after,
            drift=tuple(Drift(name, value, current.value(name), "update") for name, value in differing.items()),
        )
