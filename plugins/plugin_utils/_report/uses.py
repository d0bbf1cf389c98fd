# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which configurations use a vault, a key or an application, whatever is described: what somebody asks who is about to
disable one. Pure."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._azure.uris import canonical_uri, key_of
from ansible_collections.ontap.security.plugins.plugin_utils._report.model import Mapping
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import place

FIELDS: t.Final = {"key_id": "Key", "name": "Vault", "client_id": "Application"}


@dataclass(frozen=True)
class Use:
    """A vault, a key or an application, and the configurations that use it: by version of the key, which is empty where
    there is none or nobody knows it, and then by cluster.

    ``strange`` are those among them, by cluster and name, for which something else is described, or nothing.
    """

    value: str
    versions: t.Mapping[str, t.Mapping[str, t.Sequence[str]]]
    strange: frozenset[tuple[str, str]]

    @property
    def number(self) -> int:
        return sum(len(names) for hosts in self.versions.values() for names in hosts.values())

    @property
    def clusters(self) -> int:
        return len({host for hosts in self.versions.values() for host in hosts})


def uses(report: Mapping, field: str) -> list[Use]:
    """What is used by at least one configuration, by name."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    strange: dict[str, set[tuple[str, str]]] = {}
    for host in report["hosts"]:
        for vault in host["vaults"]:
            value = (vault["found"] or {}).get(field)
            if not value:
                continue
            name, version = _canonical(field, str(value))
            where = place(vault)
            found.setdefault(name, {}).setdefault(version, {}).setdefault(host["host"], []).append(where)
            if vault["verdict"] == "unmanaged" or any(entry["field"] == field for entry in vault["drift"]):
                strange.setdefault(name, set()).add((host["host"], where))
    return [
        Use(name, dict(sorted(versions.items())), frozenset(strange.get(name, ())))
        for name, versions in sorted(found.items())
    ]


@functools.lru_cache(maxsize=10_000)
def _canonical(field: str, value: str) -> tuple[str, str]:
    """One spelling for what is the same, and the version of a key."""
    key = key_of(value) if field == "key_id" else None
    if key is not None:
        return f"{key.vault}/keys/{key.name}", key.version or ""
    return str(canonical_uri(value)) if field == "name" else value.lower() if field == "client_id" else value, ""
