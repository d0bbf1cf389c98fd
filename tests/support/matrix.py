# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault matrix: every request that each module makes, times every fault, and what has to hold afterwards.

A cell is one run of a module during which one request, or everything from that request on, meets a fault. The requests
come from a run without any, so a request that a module learns to make gets its cells by itself.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tests.support.beats import CLIENT, FULL, KEY_2, OLD, SECRET, WRITES, Outcome, drive, number
from tests.support.waits import Waits
from tests.support.wire import WiredCluster

RELEASES = ("9.7", "9.10.1", "9.14.1", "9.18.1")
LONG = dict.fromkeys(("create", "patch", "delete", "restore", "rekey-internal", "rekey-external", "migrate"), 30.0)


@dataclass(frozen=True)
class Scenario:
    """One thing that a module is asked to do.

    ``exists``: the records before, by SVM. ``slow``: whatever can be a job is one. ``repeats``: another run after a
    success changes again, because nothing shows that there was one. ``on_cluster``: the keys are on the cluster's own
    key manager.
    """

    name: str
    module: str
    options: t.Mapping[str, t.Any]
    exists: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)
    since: str = "9.7"
    slow: bool = False
    encrypted: bool = False
    lost_keys: bool = False
    repeats: bool = False
    on_cluster: bool = False

    def prepare(self, sim: WiredCluster) -> None:
        """Make the cluster what it is before the run."""
        sim.reset()
        for svm, settings in self.exists.items():
            sim.ontap.add_vault(svm, **settings)
        if self.encrypted:
            sim.ontap.encrypt_volumes("vs0")
        if self.on_cluster:
            sim.ontap.add_key_manager(None, "okm")
            sim.ontap.set_svm("vs0", keys_on_admin=True)
        if self.lost_keys:
            sim.ontap.lose_keys("node2")
        if self.slow:
            for operation, seconds in LONG.items():
                sim.ontap.set_duration(operation, seconds)

    def run(self, sim: WiredCluster) -> Outcome:
        """Run the module in time that passes only when it sleeps."""
        login = {name: getattr(sim, name) for name in ("username", "password")}
        # A short request_timeout keeps the server-side wait for jobs, which is real time, at nothing.
        login.update(hostname=sim.host, http_port=sim.port, request_timeout=5)
        cluster = t.cast(t.Any, sim)
        return drive(cluster, self.options, module=self.module, login=login, client=Waits(cluster).client)


VAULT, VAULTS = "azure_key_vault", "azure_key_vaults"
ONE = {"vs0": OLD}
CREDENTIAL = {"svm": "vs0", "client_secret": SECRET, "update_credentials": "always"}
INTERNAL = {"svm": "vs0", "key": "internal"}
EXTERNAL = {"svm": "vs0", "key": "external", "key_id": KEY_2}
UPDATE = {"svm": "vs0", "client_id": CLIENT, "client_secret": SECRET}
OTHER = {**OLD, "client_id": "another"}
MIGRATE = {"svm": "vs0", "direction": "to_vault"}
MANY = {
    "vaults": [
        {"svm": "vs0", **FULL},
        {"svm": "vs1", **FULL},
        {"svm": "vs2", "state": "absent"},
        {"svm": "vs3", **FULL},
    ],
    "concurrency": 1,
}

SCENARIOS = (
    Scenario("create", VAULT, {"svm": "vs0", **FULL}),
    Scenario("create as a job", VAULT, {"svm": "vs0", **FULL}, since="9.18.1", slow=True),
    Scenario("create, then PATCH", VAULT, {"svm": "vs0", **FULL, "verify_host": True}, since="9.14.1"),
    Scenario("update", VAULT, UPDATE, {"vs0": OTHER}, since="9.9.1"),
    Scenario("update as a job", VAULT, UPDATE, {"vs0": OTHER}, since="9.9.1", slow=True),
    Scenario("credential", VAULT, CREDENTIAL, ONE, repeats=True),
    Scenario("credential as a job", VAULT, CREDENTIAL, ONE, since="9.9.1", slow=True, repeats=True),
    Scenario("delete", VAULT, {"svm": "vs0", "state": "absent"}, ONE),
    Scenario("delete as a job", VAULT, {"svm": "vs0", "state": "absent"}, ONE, since="9.17.1", slow=True),
    Scenario("another key", VAULT, {"svm": "vs0", "key_id": KEY_2, "client_secret": SECRET}, ONE, since="9.8"),
    Scenario("many", VAULTS, MANY, {"vs0": OTHER, "vs2": OLD}, since="9.9.1"),
    Scenario("look", "azure_key_vault_info", {"health": True}, ONE, encrypted=True),
    Scenario("restore", "azure_key_vault_restore", {"svm": "vs0"}, ONE, encrypted=True, lost_keys=True),
    Scenario("restore, slow", "azure_key_vault_restore", {"svm": "vs0"}, ONE, "9.7", True, True, True),
    Scenario("rekey internal", "azure_key_vault_rekey", INTERNAL, ONE, "9.8", encrypted=True, repeats=True),
    Scenario("rekey internal, slow", "azure_key_vault_rekey", INTERNAL, ONE, "9.8", True, True, repeats=True),
    Scenario("rekey external", "azure_key_vault_rekey", EXTERNAL, ONE, "9.9.1", encrypted=True),
    Scenario("rekey external, slow", "azure_key_vault_rekey", EXTERNAL, ONE, "9.9.1", True, True),
    # Before, keys are not migrated where one of the reads is withheld.
    Scenario("migrate", "azure_key_vault_migrate", MIGRATE, ONE, "9.16.1", encrypted=True, on_cluster=True),
    Scenario("migrate, slow", "azure_key_vault_migrate", MIGRATE, ONE, "9.16.1", True, True, on_cluster=True),
)


@dataclass(frozen=True)
class Trouble:
    """A fault, whether it matters only to a request that changes something, and whether the network stays away."""

    name: str
    fault: t.Mapping[str, t.Any]
    writes: bool = False
    stays: bool = False

    def concerns(self, request: t.Mapping[str, t.Any]) -> bool:
        """Whether it makes a difference to a request. An empty answer to a PATCH or DELETE is what ONTAP says when all
        is well: where that is a lie, nobody can tell without reading each time."""
        if self.name == "empty answer" and request["method"] in ("PATCH", "DELETE"):
            return False
        return not self.writes or request["method"] in WRITES

    def strike(self, sim: WiredCluster, index: int) -> None:
        """Let the request with this index, and if it stays away all that follow, meet the fault."""
        sim.fault(skip=index, **self.fault)
        if self.stays:
            sim.fault(kind="reset_before", times=None, skip=index)


ELSEWHERE = "https://127.0.0.1:1/elsewhere"

TROUBLES = (
    Trouble("reset before it arrived", {"kind": "reset_before"}),
    Trouble("answer cut off", {"kind": "truncate"}),
    Trouble("garbage", {"kind": "garbage"}),
    Trouble("proxy's page, 502", {"kind": "html"}),
    Trouble("bare 500", {"kind": "status", "status": 500}),
    Trouble("too many requests", {"kind": "retry_after", "status": 429, "seconds": 1}),
    Trouble("internal time-out", {"kind": "error", "status": 500, "code": 65541}),
    Trouble("login refused", {"kind": "error", "status": 401, "code": 6691623}),
    Trouble("not authorized", {"kind": "error", "status": 403, "code": 6}),
    Trouble("redirect", {"kind": "redirect", "location": ELSEWHERE}),
    Trouble("empty answer", {"kind": "empty"}),
    Trouble("network gone", {"kind": "reset_before"}, stays=True),
    Trouble("reset after the effect", {"kind": "reset_after"}, writes=True),
    Trouble("answer cut short", {"kind": "truncate", "valid_length": True}, writes=True),
    Trouble("garbage after the effect", {"kind": "garbage", "after": True}, writes=True),
    Trouble("proxy's page, 504, after the effect", {"kind": "html", "status": 504, "after": True}, writes=True),
    Trouble("proxy's page, 200, after the effect", {"kind": "html", "status": 200, "after": True}, writes=True),
    Trouble("proxy's page, 403, after the effect", {"kind": "html", "status": 403, "after": True}, writes=True),
    Trouble("bare 502 after the effect", {"kind": "status", "status": 502, "after": True}, writes=True),
    Trouble("bare 503", {"kind": "status", "status": 503}, writes=True),
    Trouble("busy", {"kind": "retry_after", "status": 503, "seconds": 1}, writes=True),
    Trouble("locked", {"kind": "error", "status": 500, "code": 2621573}, writes=True),
    Trouble("internal time-out after the effect", {"kind": "error", "code": 65541, "after": True}, writes=True),
    Trouble("internal error after the effect", {"kind": "error", "code": 262145, "after": True}, writes=True),
    Trouble("redirect after the effect", {"kind": "redirect", "location": ELSEWHERE, "after": True}, writes=True),
    Trouble("empty answer after the effect", {"kind": "empty", "after": True}, writes=True),
    Trouble("network gone after the effect", {"kind": "reset_after"}, writes=True, stays=True),
    Trouble("proxy's page after the effect, network gone", {"kind": "html", "after": True}, writes=True, stays=True),
)


def applies(scenario: Scenario, release: str) -> bool:
    """Whether a release can do what a scenario asks."""
    return number(release) >= number(scenario.since)


def essence(snapshot: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a cluster holds, without UUIDs and jobs."""
    stores = snapshot["key_stores"]
    return {
        "stores": sorted(
            str({name: value for name, value in store.items() if name != "uuid"}) for store in stores.values()
        ),
        "on_cluster": {svm["name"]: int(svm["keys_on_admin"]) for svm in snapshot["svms"]},
        "keys": {node: sorted(stores[uuid]["owner"] for uuid in uuids) for node, uuids in snapshot["keys"].items()},
    }


@dataclass(frozen=True)
class Cell:
    """One cell, what happened in it, and what the next run makes of it."""

    scenario: Scenario
    trouble: Trouble
    request: str
    writes: int
    before: dict[str, t.Any]
    wanted: dict[str, t.Any]
    outcome: Outcome
    next_run: Outcome | None

    def __str__(self) -> str:
        return f"{self.scenario.name}, {self.request}, {self.trouble.name}"

    @property
    def outcomes(self) -> list[str]:
        """What the result says of each request that was sent."""
        return [action["outcome"] for action in self.outcome.result.get("actions", [])]

    def broken(self) -> list[str]:
        """The promises that this cell breaks."""
        result = self.outcome.result
        found = {
            "a failure without a message or a remedy": self.outcome.failed
            and not (self.outcome.msg and result["error"]["remedy"]),
            "the secret is in the result": SECRET in str(result),
        }
        if self.scenario.module != "azure_key_vault_info":
            found.update(self._broken_by_the_result())
            found.update(self._broken_by_the_next_run())
        return [f"{promise}: {self.outcomes}, {self.outcome.msg[:200]}" for promise, broken in found.items() if broken]

    def _broken_by_the_result(self) -> dict[str, bool]:
        outcome, outcomes, changed = self.outcome, self.outcomes, self.outcome.changed
        told = {(action["method"], action["path"].replace("{uuid}", "")) for action in outcome.result["actions"]}
        sent = {(request["method"], request["path"]) for request in outcome.writes}
        holds = essence(outcome.snapshot)
        unknown = "unknown" in outcomes
        alone = len(outcomes) == self.writes == 1
        keys = [store["internal_key"] for store in outcome.snapshot["key_stores"].values()]
        return {
            "sent what it does not tell of": not all(
                any(m == method and path.startswith(p) for m, p in told) for method, path in sent
            ),
            "changed, and said unchanged": holds != self.before and not changed,
            "well, and not what was wanted": not outcome.failed and holds != self.wanted,
            "well, and the last request was not done": not outcome.failed and outcomes[-1:] not in ([], ["done"]),
            "nobody knows, and it is not said first": unknown and not (outcome.failed and self._says_so_first()),
            "nobody knows, and said unchanged": unknown and not changed,
            "said refused, and it took effect": alone and outcomes == ["refused"] and holds != self.before,
            "said done, and it did not take effect": alone and outcomes == ["done"] and holds != self.wanted,
            "the internal key was replaced twice": any(key > 2 for key in keys),
        }

    def _says_so_first(self) -> bool:
        first = self.outcome.msg
        if self.scenario.module == VAULTS:
            # Behind the number of failures comes the first one, with its name.
            first = first.partition("failed. ")[2].partition(": ")[2]
        return "nobody knows" in first[:200]

    def _broken_by_the_next_run(self) -> dict[str, bool]:
        again = self.next_run
        if again is None:
            return {}
        return {
            "the next run fails": again.failed,
            "the next run does not arrive at what was wanted": essence(again.snapshot) != self.wanted,
        }


def _worth_a_fault(requests: t.Sequence[t.Mapping[str, t.Any]]) -> list[int]:
    """Of requests that repeat themselves, such as a job's polls, the first and the last."""
    named = [(request["method"], request["path"]) for request in requests]
    return [
        index
        for index, name in enumerate(named)
        if index in (named.index(name), len(named) - 1 - named[::-1].index(name))
    ]


def cells(sim: WiredCluster, scenario: Scenario) -> t.Iterator[Cell]:
    """Every cell of a scenario on one simulated cluster."""
    scenario.prepare(sim)
    before = essence(sim.snapshot())
    clean = scenario.run(sim)
    assert not clean.failed, clean.msg
    wanted = essence(clean.snapshot)
    for index in _worth_a_fault(clean.requests):
        request = clean.requests[index]
        shown = f"{request['method']} {request['path'].rpartition('/api/')[2]} ({index + 1} of {len(clean.requests)})"
        for trouble in TROUBLES:
            if not trouble.concerns(request):
                continue
            scenario.prepare(sim)
            trouble.strike(sim, index)
            outcome = scenario.run(sim)
            sim.clear_faults()
            # What goes on in the cluster comes to its end before anybody tries again.
            sim.ontap.clock.advance(60)
            outcome = Outcome(outcome.name, outcome.failed, outcome.result, outcome.requests, sim.snapshot())
            again = None
            if not scenario.repeats or (outcome.failed and not outcome.changed):
                again = scenario.run(sim)
            yield Cell(scenario, trouble, shown, len(clean.writes), before, wanted, outcome, again)
