# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A move to another vault over a fleet: prepared everywhere, one SVM first, the others once that has proved it.

The tasks of the role are played here in a few lines, with the modules and the filters in this process: first against
simulated clusters, then against fleets that hypothesis makes up.
"""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ontap.security.plugins.filter.move_entries import move_entries
from ansible_collections.ontap.security.plugins.filter.move_goals import move_goals
from ansible_collections.ontap.security.plugins.filter.move_plan import move_plan
from ansible_collections.ontap.security.plugins.filter.vault_entries import vault_entries
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.configurations import Configuration
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.moving import (
    BACK,
    DONE,
    HELD,
    MOVE,
    REMOVE,
    SWITCH,
    TIDY,
    Goal,
    Move,
)
from tests.simulator import Simulator
from tests.support.beats import CLIENT, OLD, SECRET, drive
from tests.support.moves import BLUE, OTHER_KEY, add_blue, enabled

GOAL = {name: value for name, value in BLUE.items() if name != "client_secret"}


@dataclass
class Ran:
    """What a run of the role comes to."""

    writes: list[tuple[str, str, str]]
    about: list[str]
    first: str
    end: dict[str, t.Any]

    @property
    def failed(self) -> bool:
        return bool(self.end["stop"] or self.summary["hosts_to_do"])

    @property
    def summary(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.end["summary"])

    @property
    def lines(self) -> str:
        return "\n".join(self.end["lines"])


def described(*svms: str, **fields: t.Any) -> list[dict[str, t.Any]]:
    return [{"svm": svm, **GOAL, "enabled": True, **fields} for svm in svms]


def run(
    sims: t.Sequence[Simulator],
    wanted: t.Sequence[list[dict[str, t.Any]]],
    *,
    svms: t.Any = "",
    way: str = MOVE,
    check: bool = False,
    until: str = "",
) -> Ran:
    """The tasks of the role, in their order. ``until`` ends it before the task that registers that name."""
    hosts = {f"cluster{number}": sim for number, sim in enumerate(sims, start=1)}
    hostvars: dict[str, dict[str, t.Any]] = {host: {} for host in hosts}
    entries = {
        host: vault_entries(list(mine), credentials={CLIENT: {"client_secret": SECRET}})
        for host, mine in zip(hosts, wanted)
    }
    writes: list[tuple[str, str, str]] = []
    present = list(hosts)

    def task(host: str, name: str, module: str, **given_: t.Any) -> None:
        done = drive(hosts[host], given_, check=check, module=module)
        writes.extend((host, request["method"], request["path"].split("/")[3]) for request in done.writes)
        hostvars[host][f"__move_vault_{name}"] = {**done.result, "failed": done.failed}

    def send(name: str) -> None:
        for host, mine in now["send"].items():
            vaults = move_entries(entries[host], mine)
            task(host, name, "azure_key_vaults", vaults=vaults, unmanaged="ignore")

    def changed(host: str) -> bool:
        results = (hostvars[host].get(f"__move_vault_{name}", {}) for name in ("first", "others"))
        return not check and any(result.get("changed") for result in results)

    for host in hosts:
        hostvars[host]["__move_vault_wish"] = {"described": move_goals(entries[host]), "svms": svms}
        assert SECRET not in str(hostvars[host])
        task(host, "before", "azure_key_vault_info", health=True, encrypted_volumes=True)
    known = move_plan(hostvars, "look", present, hosts=present, way=way)
    now = json.loads(known)
    about = now["lines"]
    if not check:
        send("prepare")
    known = move_plan(hostvars, "first", present, known=known)
    now = json.loads(known)
    first = now["first"]
    if until != "first":
        send("first")
        if first and not check:
            task(first, "proof", "azure_key_vault_info", health=True)
        known = move_plan(hostvars, "others", present, known=known, check_mode=check)
        now = json.loads(known)
        if until != "others":
            send("others")
    for host in hosts:
        if changed(host):
            task(host, "after", "azure_key_vault_info", health=True)
    assert SECRET not in known
    return Ran(writes, about, first, json.loads(move_plan(hostvars, "end", present, known=known, check_mode=check)))


@pytest.fixture
def fleet() -> t.Iterator[t.Callable[..., list[Simulator]]]:
    """Makes clusters, of each the release and the SVMs that use the vault before."""
    with contextlib.ExitStack() as stack:

        def make(*wanted: tuple[str, t.Sequence[str]]) -> list[Simulator]:
            made = []
            for release, svms in wanted:
                sim = stack.enter_context(Simulator(release=release, svms=("vs0", "vs1", "vs2")))
                for svm in svms:
                    sim.ontap.add_vault(svm, **OLD)
                    sim.ontap.encrypt_volumes(svm)
                made.append(sim)
            return made

        yield make


Fleet = t.Callable[..., list[Simulator]]
NEW_IN_USE = {"default": False, "blue": True}


@pytest.mark.parametrize("release", ["9.14.1", "9.18.1"])
def test_a_move_there_and_back_and_the_end_of_the_way_back(fleet: Fleet, release: str) -> None:
    sims = fleet((release, ["vs0", "vs1"]), (release, ["vs0"]))
    wanted = [described("vs0", "vs1"), described("vs0")]
    before = [sim.snapshot() for sim in sims]
    predicted = run(sims, wanted, check=True)
    assert (predicted.failed, predicted.writes) == (False, [])
    assert [sim.snapshot() for sim in sims] == before
    assert predicted.about[0] == "vs0 on cluster1: default -> blue (to be created); 2 encrypted volumes"
    assert predicted.about[-1] == "First: vs0 on cluster1. Then, once it is proved: vs1 on cluster1, vs0 on cluster2."
    assert predicted.end["lines"] == ["3 SVMs would use the new configuration; 0 had nothing to do."]

    done = run(sims, wanted)
    assert not done.failed, done.end
    # Prepared everywhere before the first is switched, and that before the others.
    assert [(host, method) for host, method, _where in done.writes] == [
        *(("cluster1", "POST"), ("cluster1", "POST"), ("cluster2", "POST")),
        *(("cluster1", "PATCH"), ("cluster1", "PATCH"), ("cluster2", "PATCH")),
    ]
    assert enabled(sims[0]) == enabled(sims[0], "vs1") == enabled(sims[1]) == NEW_IN_USE
    assert done.summary == {
        "way": "move",
        "complete": True,
        "svms": 3,
        "already": 0,
        "changed": 3,
        "failed": 0,
        "unproved": 0,
        "held": 0,
        "left": 0,
        "hosts_to_do": [],
    }

    again = run(sims, wanted)
    assert (again.failed, again.writes, again.summary["already"]) == (False, [], 3)

    back = run(sims, wanted, way=BACK, svms=["vs0"])
    assert (back.failed, len(back.writes)) == (False, 2)
    assert enabled(sims[0]) == {"default": True, "blue": False}
    assert enabled(sims[0], "vs1") == NEW_IN_USE
    assert not run(sims, wanted).failed

    foreseen = run(sims, wanted, way=TIDY, check=True)
    assert "vs0 on cluster1: uses blue; to remove: default; 2 encrypted volumes" in foreseen.about
    assert foreseen.writes == []
    tidied = run(sims, wanted, way=TIDY)
    assert (tidied.failed, [method for _host, method, _where in tidied.writes]) == (False, ["DELETE"] * 3)
    assert enabled(sims[0]) == enabled(sims[1]) == {"blue": True}
    assert run(sims, wanted, way=TIDY).writes == []
    nowhere = run(sims, wanted, way=BACK)
    assert (nowhere.failed, nowhere.writes, nowhere.summary["held"]) == (True, [], 3)


def test_nothing_is_removed_that_could_still_be_needed(fleet: Fleet) -> None:
    """Not before the new one is in use, and not while it is not well."""
    sims = fleet(("9.16.1", ["vs0"]))
    early = run(sims, [described("vs0")], way=TIDY)
    add_blue(sims[0])
    prepared = run(sims, [described("vs0")], way=TIDY)
    assert not run(sims, [described("vs0")]).failed
    sims[0].ontap.set_azure(reachable=False)
    ill = run(sims, [described("vs0")], way=TIDY)
    for ran in (early, prepared, ill):
        assert (ran.failed, ran.writes) == (True, []), ran.end
    assert "Nothing is removed while blue is not proved: azure_unreachable" in ill.lines


def test_a_vault_that_cannot_be_reached_stops_at_one_svm(fleet: Fleet) -> None:
    sims = fleet(("9.16.1", ["vs0", "vs1"]), ("9.16.1", ["vs0"]))
    for sim in sims:
        sim.ontap.refuse("key-stores-patch", 65537605)
    failed = run(sims, [described("vs0", "vs1"), described("vs0")])
    assert (failed.end["stop"], failed.first) == ("refused", "cluster1")
    assert [method for _host, method, _where in failed.writes] == ["POST", "POST", "POST", "PATCH"]
    assert "Enabling blue on vs0 on cluster1, which came first, failed" in failed.end["why"]
    assert "No other SVM has been switched." in failed.end["why"]
    assert enabled(sims[0]) == {"default": True, "blue": False}
    assert (failed.summary["failed"], failed.summary["left"]) == (1, 2)


def test_one_that_is_ill_is_left_out(fleet: Fleet) -> None:
    """ONTAP needs what an SVM uses now for the switch."""
    sims = fleet(("9.16.1", ["vs0", "vs1"]))
    sims[0].ontap.set_azure(valid_secrets=[SECRET, "another"])
    sims[0].ontap.change_vault("vs1", client_secret="another")
    done = run(sims, [described("vs0", "vs1")])
    assert (done.failed, enabled(sims[0]), enabled(sims[0], "vs1")) == (True, {"default": True}, NEW_IN_USE)
    assert "What it uses now is not well, and ONTAP needs that: azure_unreachable" in done.lines
    assert done.summary["held"] == 1


@pytest.mark.parametrize("until", ["first", "others"])
def test_an_interrupted_move_goes_on(fleet: Fleet, until: str) -> None:
    sims = fleet(("9.16.1", ["vs0", "vs1"]), ("9.16.1", ["vs0"]))
    wanted = [described("vs0", "vs1"), described("vs0")]
    broken = run(sims, wanted, until=until)
    assert broken.failed
    assert broken.summary["left"] == (3 if until == "first" else 2)
    on = run(sims, wanted)
    assert not on.failed
    assert [method for _host, method, _where in on.writes] == ["PATCH"] * broken.summary["left"]
    assert enabled(sims[0]) == enabled(sims[0], "vs1") == enabled(sims[1]) == NEW_IN_USE


@pytest.mark.parametrize("volumes", [True, False])
@pytest.mark.parametrize("shown", ["old", "new", "both", "none"])
def test_a_switch_that_broke_off_is_completed(fleet: Fleet, shown: str, volumes: bool) -> None:
    """Whichever ONTAP shows as enabled in between, and also where no volume depends on it."""
    sims = fleet(("9.16.1", ["vs0"]))
    add_blue(sims[0])
    sims[0].ontap.encrypt_volumes("vs0", volumes)
    sims[0].ontap.interrupt_switch("vs0", "blue", shown)
    tidied = run(sims, [described("vs0")], way=TIDY)
    assert (tidied.failed, tidied.writes) == (True, [])
    done = run(sims, [described("vs0")])
    assert not done.failed, done.end
    assert enabled(sims[0]) == NEW_IN_USE


# The states of a key store in which no switch from it begins, and after which none counts as proved.
STATES = ("blocked", "mixed", "svm_kek_rekey", "initializing", "disabling")


@pytest.mark.parametrize("state", STATES)
def test_the_state_of_the_key_store_is_part_of_the_proof(
    fleet: Fleet, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come to that after the switch, while Azure is reached: nobody follows then, and nothing is removed."""
    (sim,) = fleet(("9.16.1", ["vs0", "vs1"]))
    send = drive

    def then(*arguments: t.Any, **given_: t.Any) -> t.Any:
        done = send(*arguments, **given_)
        for uuid, store in done.snapshot["key_stores"].items():
            if (store["configuration"], store["enabled"], store["owner"]) == ("blue", True, "vs0"):
                sim.ontap.set_keystore(uuid, state)
        return done

    monkeypatch.setitem(globals(), "drive", then)
    ran = run([sim], [described("vs0", "vs1")])
    assert (ran.end["stop"], enabled(sim, "vs1")) == ("unproven", {"default": True, "blue": False}), ran.end
    assert state in ran.end["why"]
    for way in (MOVE, TIDY):
        again = run([sim], [described("vs0")], way=way)
        assert (again.failed, again.writes) == (True, []), again.end
        assert state in again.lines


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_switched_from_a_key_store_that_is_not_active(fleet: Fleet, state: str) -> None:
    """ONTAP refuses that (65539212), after all has been prepared."""
    sims = fleet(("9.16.1", ["vs0", "vs1"]))
    stores = sims[0].snapshot()["key_stores"].items()
    sims[0].ontap.set_keystore(next(uuid for uuid, store in stores if store["owner"] == "vs0"), state)
    ran = run(sims, [described("vs0", "vs1")])
    assert (ran.first, enabled(sims[0]), enabled(sims[0], "vs1")) == ("cluster1", {"default": True}, NEW_IN_USE)
    assert f"What it uses now is not well, and ONTAP needs that: {state}" in ran.lines


def test_a_cluster_that_is_away_keeps_no_other(fleet: Fleet) -> None:
    sims = fleet(("9.16.1", ["vs0"]), ("9.16.1", ["vs0"]))
    sims[0].fault(kind="status", status=503, times=None)
    done = run(sims, [described("vs0"), described("vs0")])
    assert enabled(sims[1]) == NEW_IN_USE
    assert (done.end["stop"], done.summary["hosts_to_do"]) == ("", ["cluster1"])
    assert "Could not be read, so nothing was sent there: cluster1." in done.lines


def test_what_cannot_be_meant(fleet: Fleet) -> None:
    sims = fleet(("9.16.1", ["vs0"]))
    for ran, stop, words in (
        (
            run(sims, [described("vs0")], svms=["vs0", "nowhere"]),
            "missing",
            "of no cluster describes a configuration with enabled",
        ),
        (run(sims, [[{"svm": "vs0", **OLD}]]), "nothing", "says for no SVM which configuration is to be in use"),
    ):
        assert (ran.end["stop"], ran.writes) == (stop, [])
        assert words in ran.end["why"]
        assert ran.end["why"].endswith("Nothing has been changed.")
    with pytest.raises(AnsibleFilterError, match="move_plan knows the turns"):
        move_plan({}, "others", [])


def test_an_svm_that_has_nothing_to_move_from(fleet: Fleet) -> None:
    held = run(fleet(("9.16.1", [])), [described("vs0")])
    assert (held.failed, held.writes) == (True, [])
    assert "It has no configuration to move from" in held.lines


def by_uuid(sim: Simulator, entry: dict[str, t.Any]) -> dict[str, t.Any]:
    """The same, with the UUID of the SVM in place of its name."""
    uuid = next(svm.uuid for svm in sim.ontap.svms if svm.name == entry["svm"])
    return {"svm_uuid": uuid.upper(), **{name: value for name, value in entry.items() if name != "svm"}}


def test_an_svm_uses_one_configuration(fleet: Fleet) -> None:
    """Of two that are to be in use, one would be enabled after the other. An SVM has a name and a UUID."""
    sims = fleet(("9.16.1", ["vs0", "vs1"]), ("9.16.1", ["vs0"]))
    goal, other = described("vs0"), described("vs0", configuration="green")
    for entries in ([*goal, *other], [*goal, *goal], [*goal, *(by_uuid(sims[0], one) for one in other)]):
        ran = run(sims, [[*entries, *described("vs1")], goal])
        assert (ran.end["stop"], ran.writes) == ("twice", []), ran.end
        assert "azure_key_vault_svms of cluster1 has more than one entry with enabled: true for vs0." in ran.end["why"]
    sims[0].fault(kind="status", status=503, times=None)
    assert run(sims, [[*goal, *other], goal]).end["stop"] == "twice"


@pytest.mark.parametrize("named", ["name", "UUID"])
@pytest.mark.parametrize("fields", [{}, {"enabled": False}, {"state": "present"}], ids=str)
def test_what_the_inventory_describes_is_not_removed(fleet: Fleet, fields: dict[str, t.Any], named: str) -> None:
    (sim,) = fleet(("9.16.1", ["vs0"]))
    add_blue(sim, configuration="standby")
    assert not run([sim], [described("vs0")]).failed
    standby = {"svm": "vs0", **GOAL, "configuration": "standby", **fields}
    wanted = [[*described("vs0"), standby if named == "name" else by_uuid(sim, standby)]]
    line = "vs0 on cluster1: uses blue; to remove: default; to keep, as described: standby; 2 encrypted volumes"
    assert run([sim], wanted, way=TIDY, check=True).about == [line]
    assert not run([sim], wanted, way=TIDY).failed
    assert enabled(sim) == {"blue": True, "standby": False}
    again = run([sim], wanted, way=TIDY)
    assert (again.writes, again.summary["already"]) == ([], 1)
    assert again.about == ["vs0 on cluster1: uses blue; to keep, as described: standby; 2 encrypted volumes"]
    # What is described as absent goes, like what nobody describes.
    gone = [[*described("vs0"), {"svm": "vs0", "configuration": "standby", "state": "absent"}]]
    assert not run([sim], gone, way=TIDY).failed
    assert enabled(sim) == {"blue": True}


NEW_KEY = f"{OTHER_KEY.rpartition('/')[0].replace('k9', 'k8')}/d8e619fd8f234db3b0b95c59540e2a77"


@pytest.mark.parametrize("way", [MOVE, TIDY])
@pytest.mark.parametrize("well", [True, False])
def test_the_configuration_in_use_is_not_changed(fleet: Fleet, way: str, well: bool) -> None:
    """A new key or credential for it is another run's, with a plan of its own: here it would come to all at once."""
    sims = fleet(("9.16.1", ["vs0"]), ("9.16.1", ["vs0", "vs1"]))
    assert not run(sims, [described("vs0"), described("vs0")]).failed
    for sim in sims:
        if not well:
            sim.ontap.set_azure(valid_secrets=[SECRET, OLD["client_secret"]])
            sim.ontap.change_vault("vs0", client_secret="of another")
    in_use = described("vs0", key_id=NEW_KEY, update_credentials="always")
    wanted = [in_use, [*in_use, *described("vs1")]]
    ran = run(sims, wanted, way=way)
    expected = {
        # vs1 is new there, and comes first: what is not well with the new one proves nothing of it.
        MOVE: [("cluster2", "POST"), ("cluster2", "PATCH")],
        TIDY: [("cluster1", "DELETE"), ("cluster2", "DELETE")] if well else [],
    }[way]
    assert [(host, method) for host, method, _where in ran.writes] == expected
    assert enabled(sims[0]) == ({"blue": True} if (way, well) == (TIDY, True) else NEW_IN_USE)
    if (way, well) == (MOVE, False):
        assert ran.first == "cluster2"
        assert "uses blue, which is not known to be well; to complete the switch if it broke off" in ran.about[0]
        assert "vs0 on cluster1" in ran.lines


# --- without a cluster


def record(svm: str, name: str, in_use: bool, *, well: bool = True) -> dict[str, t.Any]:
    """What azure_key_vault_info shows of a configuration. The UUID of an SVM is its name twice."""
    return {
        "uuid": f"{svm}-{name}",
        "scope": "svm",
        "svm": {"name": svm, "uuid": f"{svm}-{svm}"},
        "configuration": {"name": name},
        "enabled": in_use,
        "health": {"verdict": "healthy" if well else "azure_unreachable", "usable": well},
        "azure_reachability": {"reachable": well},
    }


def decide(*clusters: t.Any, svms: t.Any = "", way: str = MOVE, **more: t.Any) -> dict[str, t.Any]:
    """What is decided first. Of each cluster the described entries and the records, None where it is not read."""
    hostvars: dict[str, dict[str, t.Any]] = {}
    for number, (entries, records) in enumerate(clusters, start=1):
        before = {"failed": True} if records is None else {"azure_key_vaults": records}
        wish = {"described": move_goals(entries), "svms": svms}
        hostvars[f"c{number}"] = {"__move_vault_wish": wish, "__move_vault_before": before}
    hosts = list(hostvars)
    return t.cast("dict[str, t.Any]", json.loads(move_plan(hostvars, "look", hosts, hosts=hosts, way=way, **more)))


def test_nothing_counts_as_tidy_that_does_not_use_the_new_one_and_is_well_with_it() -> None:
    """Also where there is nothing to remove."""
    for records, need in (
        ([], "nothing; unknown number of encrypted volumes (It does not use blue yet"),
        ([record("vs0", "blue", False)], "nothing; unknown number of encrypted volumes (It does not use blue yet"),
        ([record("vs0", "blue", True, well=False)], "(Nothing is removed while blue is not proved: azure_unreachable"),
        ([record("vs0", "blue", True)], "uses blue; unknown number"),
    ):
        (line,) = decide((described("vs0"), records), way=TIDY)["lines"]
        assert need in line


def test_svms_of_several_clusters_are_named_in_one_run() -> None:
    """By the names that ONTAP shows, also where the inventory has a UUID."""
    of_uuid = [{"svm_uuid": "VS5-vs5", "configuration": "blue", "enabled": True}]
    one = (described("vs0", "vs1"), [record("vs0", "default", True), record("vs1", "default", True)])
    two = (of_uuid, [record("vs5", "default", True)])
    both = decide(one, two, svms=["vs0", "vs5"])
    assert (both["stop"], len(both["send"]["c1"]), both["send"]["c2"][0]["svm_uuid"]) == ("", 1, "vs5-vs5")
    assert decide(one, two, svms=["vs0", "nowhere"])["stop"] == "missing"
    assert list(decide(one, two, svms=["vs5"])["send"]) == ["c2"]
    # That may be of the cluster which could not be read.
    assert decide(one, (of_uuid, None), svms=["vs0", "vs5"])["stop"] == ""


def test_the_way_back_leads_to_what_the_inventory_wants_gone() -> None:
    entries = [*described("vs0"), {"svm": "vs0", "configuration": "default", "state": "absent"}]
    enable = {"svm": "vs0", "configuration": "default", "do": "enable"}
    assert move_entries(entries, [enable]) == [{"svm": "vs0", "configuration": "default", "enabled": True}]


def test_what_says_not_which_one_is_to_be_enabled() -> None:
    """azure_key_vaults refuses that too."""
    entries = [{"svm": "vs1", "enabled": True}, *described("vs0")]
    ran = decide((entries, [record("vs0", "default", True)]))
    assert (ran["stop"], ran["send"]) == ("unnamed", {})
    assert "enabled: true without configuration for vs1." in json.loads(ran["plan"])["why"]


@pytest.mark.parametrize(
    ("more", "stop"),
    [
        ({"batch": ["c2"]}, "serial"),
        ({"batch": ["c1", "c2"]}, ""),
        ({"hosts": ["c1", "c2", "c3"]}, "silent"),
    ],
)
def test_a_play_that_has_not_all_of_its_clusters(more: dict[str, t.Any], stop: str) -> None:
    """Of each batch an SVM would come first; and one whose variables cannot be evaluated has left the play."""
    wish = {"described": move_goals(described("vs0")), "svms": ""}
    read = {"azure_key_vaults": [record("vs0", "default", True)]}
    hostvars: dict[str, dict[str, t.Any]] = {
        "c1": {"__move_vault_wish": wish, "__move_vault_before": read},
        "c2": {"__move_vault_wish": wish, "__move_vault_before": read},
        "c3": {},
    }
    ran = json.loads(move_plan(hostvars, "look", ["c1", "c2"], **{"hosts": ["c1", "c2"], **more}))
    assert (ran["stop"], list(ran["send"])) == (stop, [] if stop else ["c1", "c2"])


# --- fleets that hypothesis makes up

names = st.sampled_from(["default", "blue", "green"])


def one(name: str, enabled_: bool, usable: bool | None) -> Configuration:
    reach = "reached" if usable else "unreached"
    well = "healthy" if usable else "azure_unreachable"
    return Configuration("c1", name, "svm", "vs0", "", name, enabled_, "", "", reach, usable, well, ())


@st.composite
def svms(draw: st.DrawFn) -> list[Configuration]:
    """The configurations of an SVM, of which at most one is in use."""
    there = draw(st.lists(names, unique=True))
    in_use = draw(st.sampled_from([*there, ""]))
    return [one(name, name == in_use, draw(st.sampled_from([True, False, None]))) for name in there]


@given(records=svms(), way=st.sampled_from([MOVE, BACK, TIDY]))
def test_what_an_svm_needs(records: list[Configuration], way: str) -> None:
    move = Move.of("c1", Goal("vs0", "", "blue"), records, way)
    in_use = next((record for record in records if record.enabled), None)
    if move.need == REMOVE:
        # Only what is not in use, and only while what is in use is the goal and is well.
        assert way == TIDY
        assert in_use
        assert (in_use.name, in_use.usable) == ("blue", True)
        assert move.leaving
        assert in_use not in move.leaving
    if move.need == SWITCH:
        assert way != TIDY
        assert in_use is None or in_use.usable is not (in_use.name == move.to)
    if move.need == DONE and way == MOVE:
        assert in_use
        assert (in_use.name, in_use.usable) == ("blue", True)
    if move.need == HELD:
        assert move.why
    if way == BACK and move.need != HELD:
        assert move.to != "blue"
    assert move.line
