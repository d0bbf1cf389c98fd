# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which configurations use a vault, a key or an application, whatever is described: what somebody asks who is about to
disable one. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._azure.uris import canonical_uri, key_of
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import Mapping
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import place

FIELDS: t.Final = {"key_id": "Key", "name": "Vault", "client_id": "Application"}


@dataclass(frozen=True)
class Use:
    """A vault, a key with or without a version, or an application, and by cluster the configurations that use it.

    ``strange`` are those among them for which something else is described, or nothing.
    """

    value: str
    hosts: t.Mapping[str, t.Sequence[str]]
    strange: frozenset[tuple[str, str]]

    @property
    def number(self) -> int:
        return sum(map(len, self.hosts.values()))


def uses(report: Mapping, field: str) -> list[Use]:
    """What is used by at least one configuration, by name; the versions of a key are next to each other."""
    found: dict[str, dict[str, list[str]]] = {}
    strange: dict[str, set[tuple[str, str]]] = {}
    for host in report["hosts"]:
        for vault in host["vaults"]:
            value = (vault["found"] or {}).get(field)
            if not value:
                continue
            name = _canonical(field, str(value))
            where = place(vault)
            found.setdefault(name, {}).setdefault(host["host"], []).append(where)
            if vault["verdict"] == "unmanaged" or any(entry["field"] == field for entry in vault["drift"]):
                strange.setdefault(name, set()).add((host["host"], where))
    return [Use(name, hosts, frozenset(strange.get(name, ()))) for name, hosts in sorted(found.items())]


def _canonical(field: str, value: str) -> str:
    """One spelling for what is the same."""
    if field != "key_id":
        return str(canonical_uri(value)) if field == "name" else value.lower()
    key = key_of(value)
    if key is None:
        return value
    return f"{key.vault}/keys/{key.name}" + (f"/{key.version}" if key.version else "")
