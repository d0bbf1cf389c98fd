# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a cluster that was brought to what is described: the decisions of the role azure_key_vault. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.readings import Mapping, Reading, listed

# What has become of configurations, in the words of a run and of a check run, in the order of the summary.
_WORDS: t.Final = {
    "unchanged": ("in sync", "in sync"),
    "created": ("created", "to create"),
    "changed": ("changed", "to change"),
    "removed": ("removed", "to remove"),
    "restored": ("restored", "to restore"),
    "unmanaged": ("unmanaged", "unmanaged"),
    "undescribed": ("with undescribed settings", "with undescribed settings"),
    "failed": ("failed", "failing"),
}


@dataclass(frozen=True)
class Restored:
    """A configuration whose keys were restored, in check mode would be, and the nodes that lacked them."""

    uuid: str
    nodes: tuple[str, ...]

    @classmethod
    def of(cls, outcome: Mapping) -> Restored:
        """From the result of azure_key_vault_restore for a ``target``."""
        nodes = outcome["diff"]["before"]["keys_missing_on"]
        return cls(str(outcome["item"]["uuid"]), tuple(map(str, nodes)))


@dataclass(frozen=True)
class Applied:
    """What azure_key_vaults returned for a cluster, and what was restored after that."""

    result: Mapping
    restored: tuple[Restored, ...] = ()
    check_mode: bool = False
    vaults: tuple[tuple[Reading, Mapping], ...] = field(init=False)

    def __post_init__(self) -> None:
        vaults = tuple((Reading.of_entry(entry), entry) for entry in self.result.get("vaults") or ())
        object.__setattr__(self, "vaults", vaults)

    @property
    def failure(self) -> str:
        """What the module says has failed; empty where nothing has."""
        failed = "vaults" not in self.result or "error" in self.result
        return str(self.result.get("msg") or "azure_key_vaults has returned nothing.") if failed else ""

    @property
    def in_use(self) -> list[tuple[Reading, Mapping]]:
        """The configurations that are described, are to stay, and are enabled."""
        return [
            (one, entry)
            for one, entry in self.vaults
            if one.enabled and entry["verdict"] != "unmanaged" and not _goes(entry)
        ]

    @property
    def to_restore(self) -> list[Reading]:
        """Those of them whose keys some node lacks, or of which nobody knows, whatever else is wrong.

        Where the health could not be read, the module looks itself, and fails where it cannot either.
        """
        return [one for one, entry in self.in_use if entry.get("health") and one.keys_missing is not False]

    @property
    def unusable(self) -> list[Reading]:
        """Those of them that cannot be used in the end, or of which nobody knows.

        Missing keys that have been restored are missing no longer: the module has looked. What a check run would change
        may be well afterwards.
        """
        restored = {one.uuid for one in self.restored}
        return [
            one
            for one, entry in self.in_use
            if entry.get("health")
            and one.usable is not True
            and not (one.verdict == "keys_missing" and one.uuid in restored)
            and not (self.check_mode and entry["changed"])
        ]

    @property
    def differences(self) -> list[str]:
        """A line for everything that is not as described, and for keys that are not where they should be."""
        lines = []
        for one, entry in self.vaults:
            for drift in entry["drift"]:
                desired, actual = (_shown(drift[name]) for name in ("desired", "actual"))
                lines.append(f"{one.long}: {drift['field']}: desired {desired}, actual {actual}")
            if entry["changed"] and not entry["drift"]:
                lines.append(f"{one.long}: credentials: would be sent again")
        for one, nodes in self._restored():
            lines.append(f"{one.long}: keys: desired on every node, actual missing on {listed(nodes)}")
        return list(map(visible, lines))

    def _restored(self) -> list[tuple[Reading, tuple[str, ...]]]:
        nodes = {one.uuid: one.nodes for one in self.restored}
        return [(one, nodes[one.uuid]) for one, _entry in self.vaults if one.uuid in nodes]

    @property
    def summary(self) -> str:
        """One line: how many are in sync, and the names of all others, with what differed."""
        groups: dict[str, list[str]] = {word: [] for word in _WORDS}
        for one, entry in self.vaults:
            unmanaged = entry["verdict"] == "unmanaged" and entry["became"] == "unchanged"
            what = _listed_fields(entry["drift"]) or "credentials"
            groups["unmanaged" if unmanaged else entry["became"]].append(
                f"{one.short} ({what})" if entry["became"] == "changed" else one.short
            )
            if entry["undescribed"]:
                groups["undescribed"].append(f"{one.short} ({_listed_fields(entry['undescribed'])})")
        groups["restored"] = [one.short for one, _nodes in self._restored()]
        said = [
            f"{len(names)} {_WORDS[word][self.check_mode]}" + ("" if word == "unchanged" else f": {listed(names)}")
            for word, names in groups.items()
            if names
        ]
        return "; ".join(said) or "nothing to manage"


def _goes(entry: Mapping) -> bool:
    """Whether the configuration is there and is not to be: then that is its one difference."""
    return any(drift["action"] == "delete" for drift in entry["drift"])


def _listed_fields(findings: t.Iterable[Mapping]) -> str:
    return listed(dict.fromkeys(visible(str(finding["field"])) for finding in findings))


def _shown(value: t.Any) -> str:
    return "nothing" if value is None else str(value)


def applied(result: Mapping, restoring: Mapping, check_mode: bool) -> Applied:
    """From what the tasks have registered; ``restoring`` is that of a loop over ``to_restore``, or nothing."""
    done = [
        outcome for outcome in restoring.get("results") or () if outcome.get("changed") and not outcome.get("failed")
    ]
    return Applied(result, tuple(map(Restored.of, done)), check_mode)
