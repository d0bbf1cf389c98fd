# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What health says of everything that can be wrong in a simulated cluster: the table that the guide has."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ontap.security.plugins.module_utils._azure.causes import CAUSES, cause_of
from ansible_collections.ontap.security.plugins.module_utils._azure.health import health as judge
from ansible_collections.ontap.security.plugins.module_utils._azure.health import with_states
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import STORE_STATES, WORST_FIRST, usable
from tests.simulator import Simulator
from tests.simulator.records import Azure, Node
from tests.support.beats import OLD, connection, drive, number

SOURCE = Path(__file__).parents[2] / "docs/sources/health.yml"
TABLE: list[dict[str, t.Any]] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
RELEASES = ["9.7", "9.8", "9.10.1", "9.14.1", "9.16.1", "9.18.1"]
BLOCKED = {"what": "blocked", "scenes": [{"set_keystore": {"vault": "vs0", "state": "blocked"}}], "verdict": "blocked"}


@pytest.fixture(scope="module", params=RELEASES)
def shared(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    """vs0 has a configuration in good order."""
    shared.ontap.reset()
    shared.ontap.add_vault("vs0", **OLD)
    shared.ontap.encrypt_volumes("vs0")
    return shared


def release(sim: Simulator) -> tuple[int, ...]:
    return number(str(sim.ontap.profile.release))


def play_out(sim: Simulator, row: t.Mapping[str, t.Any]) -> None:
    for scene in row["scenes"]:
        for name, arguments in scene.items():
            given = dict(arguments)
            place = [given.pop("node")] if name == "set_node" else []
            getattr(sim.ontap, name)(*place, **given)


def health(sim: Simulator, **options: t.Any) -> dict[str, t.Any]:
    outcome = drive(sim, {"svm": "vs0", "health": True, **options}, module="azure_key_vault_info")
    assert not outcome.failed, outcome.msg
    return t.cast("dict[str, t.Any]", outcome.result["azure_key_vaults"][0]["health"])


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["what"])
def test_what_is_wrong_is_said(sim: Simulator, row: dict[str, t.Any]) -> None:
    if release(sim) < number(row.get("since", "9.7")):
        return
    play_out(sim, row)
    found = health(sim)
    assert (found["verdict"], found["cause"]) == (row["verdict"], row.get("cause"))
    # With two fields named, the same is judged.
    assert health(sim, fields=["name", "enabled"] if release(sim) >= (9, 14) else ["name"]) == found
    # Of the list as well.
    (listed,) = drive(sim, {"vaults": [], "health": True}, module="azure_key_vaults").result["vaults"]
    assert listed["health"] == found
    assert found["usable"] is usable(row["verdict"])
    assert bool(found["remedy"]) is (found["usable"] is not True)
    if "cause" in row:
        assert CAUSES[row["cause"]] in (found["remedy"] if row["verdict"] == "azure_unreachable" else CAUSES.values())


def test_the_table_has_every_verdict_cause_and_fault() -> None:
    assert {row["verdict"] for row in TABLE} == {*WORST_FIRST} - {"unknown"}
    assert {row["cause"] for row in TABLE if "cause" in row} == {*CAUSES}
    broken = str([row["scenes"] for row in TABLE])
    able = {"azure_capable", "certificate_capable"}
    facts = {field.name for field in dataclasses.fields(Node) if field.type == "bool"} - able
    facts |= {field.name for field in dataclasses.fields(Azure)} - {"verify_on_create"}
    assert not {fact for fact in facts if f"'{fact}'" not in broken}
    assert not {state for state in STORE_STATES if f"'{state}'" not in broken}
    assert [row["what"] for row in TABLE if row["verdict"] == "healthy"] == ["Nothing"]


def test_the_state_of_the_key_manager_takes_one_request_more(sim: Simulator) -> None:
    outcome = drive(sim, {"svm": "vs0", "health": True}, module="azure_key_vault_info")
    # Up to 9.13.1 the configuration shows that there is none; on 9.14.1 and 9.15.1 the refusal does.
    assert len(outcome.requests) == (2 if release(sim) >= (9, 14) else 1)
    if release(sim) >= (9, 14):
        asked = outcome.requests[1]
        assert asked["path"] == "/api/security/key-stores"
        assert (asked["query"]["svm.name"], asked["query"]["type"]) == ("vs0", "akv")
        assert asked["status"] == (200 if release(sim) >= (9, 16) else 400)
    # Where only inactive ones are read, there is nothing to ask.
    if release(sim) >= (9, 14):
        uuid = sim.ontap.add_vault("vs1", enabled=False, configuration="spare", **OLD)
        inactive = drive(sim, {"uuid": uuid, "health": True}, module="azure_key_vault_info")
        assert inactive.methods == ["GET"]


def test_a_login_that_sees_no_key_stores_calls_nothing_healthy(sim: Simulator) -> None:
    sim.ontap.add_user("narrow", "password", paths=["/api/security/azure-key-vaults", "/api/storage/volumes"])
    sim.ontap.add_user("wider", "password", paths=["/api/security/azure-key-vaults", "/api/cluster"])
    found = {}
    for user in ("narrow", "wider"):
        login = {**connection(sim), "username": user, "password": "password"}
        outcome = drive(sim, {"svm": "vs0", "health": True}, module="azure_key_vault_info", login=login)
        assert not outcome.failed, outcome.msg
        found[user] = outcome.result["azure_key_vaults"][0]["health"]
    if release(sim) < (9, 14):
        assert {one["verdict"] for one in found.values()} == {"healthy"}
        return
    assert found["narrow"]["verdict"] == "unknown"
    assert "/api/security/key-stores" in found["narrow"]["reasons"][0]
    assert "readonly" in found["narrow"]["remedy"]
    # Where the release is known, so is whether there is a state at all.
    assert found["wider"]["verdict"] == ("unknown" if release(sim) >= (9, 16) else "healthy")
    play_out(sim, BLOCKED)
    assert health(sim)["verdict"] == ("blocked" if release(sim) >= (9, 16) else "keys_missing")


class Stores:
    """A cluster that shows these key stores."""

    known_release = None

    def __init__(self, *records: dict[str, t.Any]) -> None:
        self.found = list(records)

    def records(self, _path: str, _query: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        return self.found


def vault(uuid: str, svm: str | None, *, enabled: bool = True) -> Vault:
    owner = {"svm": {"name": svm, "uuid": f"{svm}-1"}, "scope": "svm"} if svm else {"scope": "cluster"}
    return Vault.of({"uuid": uuid, "enabled": enabled, **owner})


@pytest.mark.parametrize(
    ("stores", "states"),
    [
        ([{"uuid": "A", "state": "active"}, {"uuid": "b", "state": "mixed"}], ["active", "mixed"]),
        # Of one that is not listed, or without a state, nothing is known.
        ([{"uuid": "a"}, {"uuid": "c", "state": "active"}], ["", ""]),
        # Which of the two is in use in an interrupted switch is not documented.
        (
            [{"uuid": "a", "state": "active"}, {"uuid": "c", "state": "switching", "svm": {"uuid": "vs0-1"}}],
            "switching",
        ),
        ([{"uuid": "a"}, {"uuid": "c", "state": "switching", "svm": {"uuid": "VS0-1"}}], "switching"),
        ([{"uuid": "a", "state": "blocked"}, {"uuid": "c", "state": "switching", "svm": {"uuid": "vs0-1"}}], "blocked"),
        ([{"uuid": "a", "state": "active"}, {"uuid": "c", "state": "switching", "svm": {"uuid": "other"}}], "active"),
        ([{"uuid": "a", "state": "active"}, {"uuid": "c", "state": "switching"}], "active"),
    ],
)
def test_states_of_key_stores_are_told_apart(stores: list[dict[str, t.Any]], states: list[str] | str) -> None:
    found = with_states(t.cast(t.Any, Stores(*stores)), (vault("a", "vs0"), vault("b", "vs1")))
    assert [one.store_state for one in found][: 1 if isinstance(states, str) else 2] == (
        [states] if isinstance(states, str) else states
    )


def test_a_switch_of_the_cluster_s_own_key_manager() -> None:
    stores = Stores({"uuid": "a", "state": "active"}, {"uuid": "c", "state": "switching"})
    (found,) = with_states(t.cast(t.Any, stores), (vault("a", None),))
    assert found.store_state == "switching"


ALL_WELL = {
    "enabled": True,
    "state": {"available": True, "code": "0"},
    "azure_reachability": {"reachable": True, "code": "0"},
    "ekmip_reachability": [{"node": {"name": "n1"}, "reachable": True}],
}


@pytest.mark.parametrize("state", ["", "paused", "unknown"])
def test_a_state_that_nobody_knows_is_not_well(state: str) -> None:
    assert judge(replace(Vault.of({"uuid": "a", **ALL_WELL}), store_state=state)).verdict == "unknown"
    assert judge(replace(Vault.of({"uuid": "a", **ALL_WELL}), store_state="active")).verdict == "healthy"


@pytest.mark.parametrize(
    ("code", "message", "cause", "words"),
    [
        ("65537540", "", "credential", "new secret"),
        ("65537573", "AADSTS90033", "credential", "new secret"),
        ("65537605", "", "network", "two paths"),
        ("65537549", "AADSTS7000222: expired", "credential", "The secret has expired."),
        ("65537549", "AADSTS7000215", "credential", "ID in place of its value"),
        (None, "AADSTS700027: client assertion", "credential", "certificate"),
        ("65537549", "AADSTS90002: no tenant", "tenant", "no such tenant"),
        ("65537549", "AADSTS90038", "tenant", "different clouds"),
        ("65537549", "AADSTS53003", "permission", "policy"),
        ("65537549", "AADSTS650057", "permission", "consent"),
        ("65537549", "AADSTS90055", "busy", "throttles"),
        # Of several codes, the one that is known.
        ("65537549", "AADSTS1: AADSTS700016", "tenant", "does not have this application"),
        ("65537549", "AADSTS999999", "unknown", "AADSTS999999"),
        ("65537549", "HTTP 403", "permission", "wrapKey"),
        ("65537549", "status code: 429", "busy", "wait some minutes"),
        ("65537549", "ForbiddenByRbac", "permission", "wrapKey"),
        ("65537549", "ForbiddenByFirewall", "network", "firewall"),
        ("65537549", "KeyNotFound", "key", "deleted"),
        ("65537549", "Could not resolve host: v.vault.azure.net", "network", "DNS"),
        ("65537549", "Operation timed out", "network", "two paths"),
        ("65537549", "The Azure Key Vault service is unreachable.", "unknown", "in this order"),
        ("65537549", "", "unknown", "in this order"),
    ],
)
def test_causes(code: str | None, message: str, cause: str, words: str) -> None:
    found = cause_of(code, message)
    assert (found.name, found.remedy.endswith(CAUSES[cause])) == (cause, True)
    assert words in found.remedy


@given(text=st.text())
def test_whatever_azure_says_the_verdict_is_the_same(text: str) -> None:
    azure = {"reachable": False, "code": "65537549", "message": text}
    found = judge(Vault.of({"uuid": "a", **ALL_WELL, "azure_reachability": azure}))
    assert (found.verdict, found.usable) == ("azure_unreachable", False)
    assert found.cause in CAUSES
