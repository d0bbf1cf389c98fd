# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SVMs of a fleet to another vault: prepared everywhere, one enabled first, the others once that has proved it.

``plan`` says from what the clusters show what each SVM needs, which comes first, or why nothing is sent. ``judge`` says
whether the others follow. ``sum_up`` says what became of each, and what a person has to do. Pure: no input, no output.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import STORE_STATES
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.configurations import (
    Configuration,
    Result,
    best,
    found,
    same,
    some,
    together,
)

# What a run is for: to the vault that is described, back to the one before, or to take the one before away.
MOVE, BACK, TIDY = "move", "back", "tidy"

# What an SVM needs for that. Of ``held`` ones something else has to be mended first.
DONE, SWITCH, REMOVE, HELD = "done", "switch", "remove", "held"

# Why a run stops before anything is sent, and after one SVM has been tried.
BEFORE: t.Final = ("serial", "silent", "nothing", "unnamed", "twice", "missing", "unread")
AFTER_FIRST: t.Final = ("refused", "unproven")


@dataclass(frozen=True)
class Goal:
    """A configuration that an SVM is to have, by its name. The SVM is named as the inventory names it."""

    svm: str
    svm_uuid: str
    configuration: str

    @classmethod
    def of(cls, entry: Result) -> Goal | None:
        """From what move_goals shows of an entry. None where that names no configuration."""
        if not entry.get("configuration"):
            return None
        return cls(str(entry.get("svm") or ""), str(entry.get("svm_uuid") or "").lower(), str(entry["configuration"]))

    def is_of(self, one: Configuration) -> bool:
        """Whether a configuration is of this SVM."""
        if one.scope == "cluster":
            return False
        return one.svm_uuid.lower() == self.svm_uuid if self.svm_uuid else one.svm == self.svm

    def shown(self, records: t.Iterable[Configuration]) -> Goal:
        """The same, with the name and the UUID of the SVM as ONTAP shows them, where it shows any."""
        mine = next((one for one in records if self.is_of(one)), None)
        return replace(self, svm=mine.svm, svm_uuid=mine.svm_uuid.lower()) if mine else self


@dataclass(frozen=True)
class Move:
    """An SVM that is to use another configuration than it does, or does so already.

    ``to`` is the name of the one that it is to use in the end. ``present`` is the one in use, ``there`` the one that
    ``to`` names, where there are such, ``leaving`` are those to remove, ``kept`` the names of those that are not in
    use and stay, since the inventory describes them. ``need`` is one of ``DONE``, ``SWITCH``, ``REMOVE`` and ``HELD``,
    and ``why`` says what holds one. ``volumes`` is the number of encrypted volumes that depend
    on it, None where nobody knows. ``svm`` is its name, as ONTAP shows it where the inventory does not.
    """

    host: str
    goal: Goal
    to: str
    present: Configuration | None = None
    there: Configuration | None = None
    leaving: tuple[Configuration, ...] = ()
    kept: tuple[str, ...] = ()
    need: str = SWITCH
    why: str = ""
    volumes: int | None = None
    svm: str = ""

    @classmethod
    def of(
        cls, host: str, goal: Goal, records: t.Sequence[Configuration], way: str, described: t.Collection[str] = ()
    ) -> Move:
        """From all configurations of the cluster, as they are read with health. ``way`` is what the run is for, and
        ``described`` are the names of all configurations that the inventory describes for this SVM."""
        mine = [one for one in records if goal.is_of(one)]
        present = next((one for one in mine if one.enabled), None)
        others = tuple(one for one in mine if one.name != goal.configuration)
        move = cls(
            host,
            goal,
            goal.configuration,
            present,
            volumes=present.volumes if present else None,
            svm=goal.svm or next((one.svm for one in mine), ""),
        )
        if way == BACK:
            if len(others) != 1:
                names = ", ".join(visible(one.name) for one in others) or "none"
                which = f"It has {names}, beside {visible(goal.configuration)}, and one has to be the one before"
                return replace(move, need=HELD, why=f"{which}. Describe the right one with enabled: true instead.")
            move = replace(move, to=others[0].name)
        there = next((one for one in mine if one.name == move.to), None)
        move = replace(move, there=there)
        if way == TIDY:
            kept = tuple(one.name for one in others if one.name in described)
            return replace(move, kept=kept)._tidied(tuple(one for one in others if one.name not in kept))
        if present is None and not mine:
            return replace(move, need=HELD, why="It has no configuration to move from: create one with apply first.")
        if sum(one.enabled for one in mine) == 1 and there and there.enabled and there.usable is True:
            return replace(move, need=DONE)
        # Where it uses that already and is not well, the switch may have broken off: the module completes that.
        if present and present is not there and _holds(present):
            return replace(move, need=HELD, why=f"What it uses now is not well, and ONTAP needs that: {_ill(present)}")
        return move

    def _tidied(self, others: tuple[Configuration, ...]) -> Move:
        if self.there is None or not self.there.enabled:
            return replace(self, need=HELD, why=f"It does not use {visible(self.to)} yet, so nothing is removed.")
        if self.there.usable is not True or any(one.enabled for one in others):
            return replace(
                self, need=HELD, why=f"Nothing is removed while {visible(self.to)} is not proved: {_ill(self.there)}"
            )
        return replace(self, need=REMOVE, leaving=others) if others else replace(self, need=DONE)

    @property
    def fresh(self) -> bool:
        """Whether the one that it is to use is not in use yet, so that nothing done to that puts anything at risk."""
        return self.there is None or not self.there.enabled

    @property
    def label(self) -> str:
        """Its name in messages."""
        return visible(f"{self.svm or self.goal.svm_uuid} on {self.host}")

    @property
    def target(self) -> dict[str, str]:
        """How azure_key_vaults names the SVM."""
        return {"svm": self.goal.svm} if self.goal.svm else {"svm_uuid": self.goal.svm_uuid}

    @property
    def well(self) -> bool:
        """Whether there is nothing that a person has to do about it."""
        return self.need == DONE and not self.why

    @property
    def depending(self) -> str:
        """What depends on it."""
        return "unknown number of encrypted volumes" if self.volumes is None else f"{self.volumes} encrypted volumes"

    @property
    def line(self) -> str:
        """What is to become of it, for those who approve."""
        now = visible(self.present.name) if self.present else "nothing"
        what = {
            DONE: f"uses {visible(self.to)}",
            SWITCH: f"{now} -> {visible(self.to)}{'' if self.there else ' (to be created)'}"
            if self.fresh
            else f"uses {visible(self.to)}, which is not known to be well; to complete the switch if it broke off",
            REMOVE: f"uses {visible(self.to)}; to remove: {', '.join(visible(one.name) for one in self.leaving)}",
            HELD: "nothing",
        }[self.need]
        if self.kept:
            what += f"; to keep, as described: {', '.join(map(visible, self.kept))}"
        why = f" ({self.why})" if self.why else ""
        return f"{self.label}: {what}; {self.depending}{why}"


def _holds(one: Configuration) -> bool:
    """Whether ONTAP switches from this one to no other. Of the states of a key store it does so only where that is
    active, or where a switch was interrupted, which the new one completes (contract, 65539212)."""
    if one.verdict in STORE_STATES:
        return one.verdict != "switching"
    return one.usable is False


def _ill(one: Configuration) -> str:
    return visible("; ".join((one.verdict, *one.reasons)))


@dataclass(frozen=True)
class Cluster:
    """What an inventory host has to do with the move. ``moves`` is None where it could not be read.

    ``missing`` are SVMs that were named and for which nothing is described, ``twice`` those of which several
    configurations are to be in use, or one by two entries, ``unnamed`` those of which nothing says which one.
    """

    host: str
    moves: tuple[Move, ...] | None
    missing: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, host: str, described: t.Sequence[Result], svms: t.Sequence[str] | None, result: Result, way: str
    ) -> Cluster:
        """``described`` are the entries of the inventory, ``result`` is what azure_key_vault_info returned. ``svms``
        are the names of those that are meant, None of all."""
        goals = [goal for entry in described for goal in [Goal.of(entry)] if goal and entry.get("enabled") is True]
        missing: tuple[str, ...] = ()
        read = found(host, result)
        if svms is not None:
            # One that is described by its UUID has the name that ONTAP shows, which nobody knows where it was not read.
            names = [goal.shown(read or ()).svm for goal in goals]
            missing = tuple(name for name in svms if name not in names) if all(names) or read is not None else ()
            goals = [goal for goal, name in zip(goals, names) if name in svms or (read is None and not name)]
        moves = tuple(Move.of(host, goal, read or (), way, _of_svm(goal, described, read or ())) for goal in goals)
        svms_of = Counter(_svm(goal.shown(read or ())) for goal in goals)
        twice = tuple(svm for svm, number in svms_of.items() if number > 1)
        unnamed = tuple(
            str(entry.get("svm") or entry.get("svm_uuid") or "")
            for entry in described
            if entry.get("enabled") is True and not entry.get("configuration")
        )
        return cls(host, None if read is None and goals else moves, missing, twice, unnamed)


def _svm(goal: Goal) -> str:
    return goal.svm or goal.svm_uuid


def _of_svm(goal: Goal, described: t.Iterable[Result], records: t.Sequence[Configuration]) -> tuple[str, ...]:
    """The names of all configurations that are described for the SVM of a goal, by its name or its UUID."""
    goals = [one for one in map(Goal.of, described) if one]
    return tuple(one.configuration for one in goals if _svm(one.shown(records)) == _svm(goal.shown(records)))


@dataclass(frozen=True)
class Plan:
    """Who moves, and who first. ``hosts`` are all of the play, also those that nobody could ask.

    ``stop`` is one of ``BEFORE`` and ``AFTER_FIRST``, or empty; ``why`` says it in words. ``failed`` are those that
    could not be prepared.
    """

    way: str
    hosts: tuple[str, ...]
    clusters: tuple[Cluster, ...]
    failed: tuple[str, ...] = ()
    stop: str = ""
    why: str = ""

    @classmethod
    def of(cls, data: Result) -> Plan:
        """From what ``dataclasses.asdict`` made of one, also by way of JSON."""
        clusters = []
        for of_host in data["clusters"]:
            moves = None if of_host["moves"] is None else tuple(map(_move, of_host["moves"]))
            clusters.append(
                Cluster(of_host["host"], moves, *(tuple(of_host[name]) for name in ("missing", "twice", "unnamed")))
            )
        return cls(
            **{
                **data,
                "hosts": tuple(data["hosts"]),
                "clusters": tuple(clusters),
                "failed": tuple(data["failed"]),
            }
        )

    @property
    def moves(self) -> tuple[Move, ...]:
        return tuple(move for cluster in self.clusters for move in cluster.moves or ())

    @property
    def unread(self) -> tuple[str, ...]:
        """Hosts that could not be read, or did not take part."""
        read = {cluster.host for cluster in self.clusters if cluster.moves is not None}
        return tuple(host for host in self.hosts if host not in read)

    @property
    def to_send(self) -> tuple[Move, ...]:
        """Those that something is to be sent for, in their order. None where the run stops."""
        if self.stop:
            return ()
        return tuple(move for move in self.moves if move.need in (SWITCH, REMOVE) and move.label not in self.failed)

    @property
    def to_prepare(self) -> tuple[Move, ...]:
        """Those whose new configuration is created or changed before any is enabled. None on the way back, which needs
        nothing that is not there."""
        if self.way != MOVE:
            return ()
        return tuple(move for move in self.to_send if move.need == SWITCH and move.fresh)

    @property
    def first(self) -> Move | None:
        """The one to enable first: the one in use proves most, and fewest volumes depend on it. One that uses the new
        configuration already and is not well proves nothing."""
        switching = [move for move in self.to_send if move.need == SWITCH]
        switching = [move for move in switching if move.fresh] or switching
        few = sorted(switching, key=lambda move: (move.volumes is None, move.volumes))
        proving = best([move.present for move in few if move.present])
        return next((move for move in few if move.present == proving), None)

    @property
    def others(self) -> tuple[Move, ...]:
        """All that follow the first."""
        first = self.first
        return tuple(move for move in self.to_send if move != first)

    def stopped(self, stop: str, *why: str) -> Plan:
        return replace(self, stop=stop, why=" ".join(why))

    def about(self) -> list[str]:
        """What is to become of each SVM, and in which order, in lines."""
        lines = [move.line for move in self.moves]
        first = self.first
        if first:
            lines.append(f"First: {first.label}. Then, once it is proved: {_names(self.others) or 'none'}.")
        return lines


def _move(data: Result) -> Move:
    def one(of: Result | None) -> Configuration | None:
        return Configuration(**{**of, "reasons": tuple(of["reasons"])}) if of else None

    leaving = tuple(one for one in map(one, data["leaving"]) if one)
    return Move(
        **{
            **data,
            "goal": Goal(**data["goal"]),
            "present": one(data["present"]),
            "there": one(data["there"]),
            "leaving": leaving,
            "kept": tuple(data["kept"]),
        }
    )


def _names(moves: t.Iterable[Move]) -> str:
    return ", ".join(move.label for move in moves)


def plan(
    way: str,
    hosts: t.Sequence[str],
    clusters: t.Sequence[Cluster],
    *,
    serial: bool = False,
    silent: t.Sequence[str] = (),
) -> Plan:
    """``clusters`` are those of the ``hosts`` that take part; ``way`` is one of ``MOVE``, ``BACK`` and ``TIDY``.

    ``serial``: the play has only a part of the hosts at a time, of each of which an SVM would come first.
    ``silent`` are those of which nobody knows where they are to go.
    """
    decided = Plan(way, tuple(hosts), tuple(clusters))
    if serial:
        return decided.stopped(
            "serial",
            "The play has serial, so an SVM of each batch of clusters would come first, and a vault that serves no key",
            "would be tried in each. Leave serial out, or run this for each group of clusters with --limit.",
        )
    if silent:
        return decided.stopped(
            "silent",
            f"Nobody knows where SVMs of these clusters are to go, which left the play before: {', '.join(silent)}.",
            "The reasons are above. Correct them, or leave these clusters out with --limit.",
        )
    unnamed = [cluster for cluster in clusters if cluster.unnamed]
    if unnamed:
        return decided.stopped(
            "unnamed",
            *(
                f"azure_key_vault_svms of {cluster.host} has enabled: true without configuration for "
                f"{', '.join(map(visible, cluster.unnamed))}."
                for cluster in unnamed
            ),
            "Give configuration as well: which one is to be enabled.",
        )
    twice = [cluster for cluster in clusters if cluster.twice]
    if twice:
        return decided.stopped(
            "twice",
            *(
                f"azure_key_vault_svms of {cluster.host} has more than one entry with enabled: true for "
                f"{', '.join(map(visible, cluster.twice))}."
                for cluster in twice
            ),
            "An SVM uses one configuration. Leave enabled: true in the entry of that one.",
        )
    # The names may be those of SVMs of several clusters.
    missing = [name for cluster in clusters for name in cluster.missing if all(name in of.missing for of in clusters)]
    if missing:
        return decided.stopped(
            "missing",
            "azure_key_vault_svms of no cluster describes a configuration with enabled: true for",
            f"{', '.join(map(visible, dict.fromkeys(missing)))}. Correct move_vault_svms.",
        )
    if clusters and all(cluster.moves is None for cluster in clusters):
        return decided.stopped("unread", "No cluster could be read; the reasons are above.")
    if not decided.moves and not decided.unread:
        return decided.stopped(
            "nothing",
            "azure_key_vault_svms says for no SVM which configuration is to be in use. Describe the new one beside the",
            "present one, with configuration and enabled: true.",
        )
    return decided


@dataclass(frozen=True)
class Attempt:
    """What became of an SVM for which something was sent. ``message`` says what went wrong."""

    move: Move
    changed: bool
    message: str = ""


def attempts(moves: t.Sequence[Move], result: Result) -> tuple[Attempt, ...]:
    """From what azure_key_vaults returned for ``moves`` of one host, of which each may have several entries."""
    vaults = result.get("vaults")
    if vaults is None:
        message = str(result.get("msg") or "nothing is known of what the task did")
        return tuple(Attempt(move, changed=False, message=message) for move in moves)
    tried = []
    for move in moves:
        mine = [vault for vault in vaults if vault.get("svm") == move.svm]
        errors = [str((vault.get("error") or {}).get("msg") or "") for vault in mine]
        message = next((text for text in errors if text), "" if mine else "nothing is known of what the task did")
        tried.append(Attempt(move, any(vault.get("changed") for vault in mine), message))
    return tuple(tried)


def prepared(decided: Plan, results: t.Mapping[str, Result]) -> Plan:
    """The plan without those that could not be prepared. ``results`` are those of preparing, by host."""
    failed = [
        attempt.move.label
        for host, result in results.items()
        if result
        for attempt in attempts([move for move in decided.to_prepare if move.host == host], result)
        if attempt.message
    ]
    return replace(decided, failed=tuple(failed))


def judge(decided: Plan, sending: Result, proof: Result, *, check_mode: bool) -> Plan:
    """Whether the others follow the first. ``sending`` is the result of enabling it, ``proof`` of reading it then.

    In check mode nothing has been sent and read, and what is foreseen is that it goes well.
    """
    first = decided.first
    if first is None:
        return decided
    (attempt,) = attempts([first], sending)
    if attempt.message:
        return decided.stopped(
            "refused",
            f"Enabling {visible(first.to)} on {first.label}, which came first, failed: {visible(attempt.message)}",
        )
    after = _now(first, found(first.host, proof))
    if check_mode or (after and after.enabled and after.usable is True):
        return decided
    said = _ill(after) if after else visible(str(proof.get("msg") or "ONTAP does not report it any more"))
    return decided.stopped(
        "unproven",
        f"{first.label}, which came first, uses {visible(first.to)} now, and it is not known to be well: {said}.",
        "Mend that, or go back with -e move_vault_back=true.",
    )


def _now(move: Move, read: t.Iterable[Configuration] | None) -> Configuration | None:
    """The configuration that a move leads to, as another reading shows it."""
    if move.there:
        return same(move.there, read)
    return next((one for one in read or () if move.goal.is_of(one) and one.name == move.to), None)


@dataclass(frozen=True)
class Done:
    """What the tasks of a host returned."""

    prepare: Result = field(default_factory=dict)
    first: Result = field(default_factory=dict)
    others: Result = field(default_factory=dict)
    after: Result = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What became of each SVM. ``lines`` are for people, ``numbers`` for programs."""

    decided: Plan
    sent: tuple[Move, ...]
    failed: tuple[Move, ...]
    unproved: tuple[tuple[Move, str], ...]
    left: tuple[Move, ...]
    trouble: tuple[str, ...]
    check_mode: bool

    @property
    def to_do(self) -> tuple[str, ...]:
        """The hosts that a person has to look at."""
        held = [move for move in self.decided.moves if move.need == HELD or (move.need == DONE and not move.well)]
        ill = {move.host for move in (*self.failed, *self.left, *held)} | {move.host for move, _why in self.unproved}
        return tuple(host for host in self.decided.hosts if host in ill or host in self.decided.unread)

    @property
    def why(self) -> str:
        """Why the run stopped, and what has not been sent. Empty where it did not stop."""
        if not self.decided.stop:
            return ""
        after = "Nothing has been changed." if self.decided.stop in BEFORE else "No other SVM has been switched."
        return f"{self.decided.why} {after}"

    @property
    def numbers(self) -> dict[str, t.Any]:
        moves = self.decided.moves
        return {
            "way": self.decided.way,
            "complete": not self.decided.stop and not self.to_do,
            "svms": len(moves),
            "already": sum(move.well for move in moves),
            "changed": len(self.sent),
            "failed": len(self.failed),
            "unproved": len(self.unproved),
            "held": sum(move.need == HELD for move in moves),
            "left": len(self.left),
            "hosts_to_do": list(self.to_do),
        }

    @property
    def lines(self) -> list[str]:
        """Whatever needs a person by name, of all else the number."""
        what = {
            MOVE: ("use the new configuration", "would use the new configuration"),
            BACK: ("use the configuration before again", "would use the configuration before again"),
            TIDY: ("have lost what they do not use", "would lose what they do not use"),
        }[self.decided.way][self.check_mode]
        done = [move for move in self.decided.moves if move.well]
        lines = [f"{len(self.sent)} SVMs {what}; {len(done)} had nothing to do."]
        for moves, heading in (
            (self.failed, "Failed, for the reason that the message above names"),
            (self.left, "Not done in this run"),
        ):
            if moves:
                lines.append(f"{heading}: {some([move.label for move in moves])}.")
        lines += together(
            (f"uses {visible(move.to)}, and it is not known to be well: {why}", move.label)
            for move, why in self.unproved
        )
        lines += together((move.why, move.label) for move in self.decided.moves if move.why)
        if self.decided.unread:
            lines.append(f"Could not be read, so nothing was sent there: {', '.join(self.decided.unread)}.")
        return lines


def sum_up(decided: Plan, done: t.Mapping[str, Done], *, check_mode: bool) -> Summary:
    """What became of each SVM. ``done`` is by host."""
    tried: dict[Move, Attempt] = {}
    whole = replace(decided, stop="", failed=())
    first = replace(decided, stop="").first
    for host, of_host in done.items():
        prepares = [move for move in whole.to_prepare if move.host == host]
        tried.update((one.move, one) for one in attempts(prepares, of_host.prepare) if one.message and of_host.prepare)
        if decided.stop in BEFORE:
            continue
        if first is not None and first.host == host and of_host.first:
            tried.update((one.move, one) for one in attempts([first], of_host.first))
        follow = [move for move in decided.others if move.host == host]
        if follow and of_host.others:
            tried.update((one.move, one) for one in attempts(follow, of_host.others))
    sent, failed, left, unproved = [], [], [], []
    for move in whole.to_send:
        attempt = tried.get(move)
        if attempt is None:
            left.append(move)
        elif attempt.message:
            failed.append(move)
        else:
            sent.append(move)
            if not check_mode:
                of_host = done[move.host]
                # Where nothing was changed, nothing is read again.
                after = _now(move, found(move.host, of_host.after)) if of_host.after else move.there
                if after is None or not after.enabled or after.usable is not True:
                    unproved.append((move, _ill(after) if after else "it could not be read"))
    trouble = together((visible(one.message), one.move.label) for one in tried.values() if one.message)
    return Summary(decided, tuple(sent), tuple(failed), tuple(unproved), tuple(left), tuple(trouble), check_mode)
