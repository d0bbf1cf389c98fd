# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several configurations of one SVM in single tasks: added inactive, mended, enabled, left, removed."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest

from ansible_collections.ontap.security.plugins.filter.vault_entries import vault_entries
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from tests.simulator import Simulator
from tests.support.beats import FULL, KEY_2, OLD, SECRET, Outcome, assert_four_beats, connection, drive
from tests.support.moves import BLUE, OTHER_KEY, OTHER_VAULT, RELEASES, add_blue, enabled, in_use, told
from tests.support.tasks import Task, perform

STATEFUL = RELEASES[2:]
STORES = "/api/security/key-stores"
Of = t.Callable[[str], Simulator]


@pytest.fixture(scope="module")
def clusters() -> t.Iterator[Of]:
    """One simulated cluster a release, each as it was at the start."""
    started: dict[str, Simulator] = {}
    with contextlib.ExitStack() as stack:

        def of(release: str) -> Simulator:
            if release not in started:
                started[release] = stack.enter_context(Simulator(release=release, svms=("vs0", "vs1")))
            started[release].reset()
            return started[release]

        yield of


@pytest.fixture(params=RELEASES)
def sim(clusters: Of, request: pytest.FixtureRequest) -> Simulator:
    """An SVM with encrypted volumes whose keys are in the vault before."""
    return in_use(clusters(request.param))


@pytest.fixture
def newest(clusters: Of) -> Simulator:
    return in_use(clusters("9.18.1"))


def has_state(sim: Simulator) -> bool:
    return sim.ontap.profile.release in STATEFUL


def beats(sim: Simulator, options: t.Mapping[str, t.Any]) -> list[Outcome]:
    return [drive(sim, {"svm": "vs0", **options}, check=check) for check in (True, False, False, True)]


# --- added, mended, removed: without enabled, nothing is switched


def test_one_that_is_missing_is_added_inactive(sim: Simulator) -> None:
    before = sim.snapshot()
    options = {**BLUE, "oauth_host": "login.example.com"}
    done = beats(sim, options)
    assert_four_beats(done, before, requests=4)
    assert enabled(sim) == {"default": True, "blue": False}
    assert done[1].result["azure_key_vault"]["configuration"]["name"] == "blue"
    assert done[1].result["diff"]["after"]["enabled"] is False
    assert done[1].result["azure_key_vault"]["enabled"] is False
    (post,) = done[1].writes
    assert post["query"]["create_inactive"] == "true"
    assert not done[1].result["warnings"]


def test_an_svm_without_any_can_have_an_inactive_one(sim: Simulator) -> None:
    before = sim.snapshot()
    # The release is asked for, since no record proves it.
    done = beats(sim, {**BLUE, "svm": "vs1", "verify_host": True})
    assert_four_beats(done, before, requests=5)
    assert enabled(sim, "vs1") == {"blue": False}


def test_an_inactive_one_is_mended_in_place(sim: Simulator) -> None:
    add_blue(sim, client_id="before", port=443)
    before = sim.snapshot()
    done = beats(sim, {**BLUE, "port": 8443})
    assert_four_beats(done, before, requests=2)
    assert enabled(sim) == {"default": True, "blue": False}
    assert done[0].result["actions"][0]["fields"] == ["client_id", "client_secret", "port"]


def test_an_inactive_one_is_removed_by_its_key_store(sim: Simulator) -> None:
    uuid = add_blue(sim)
    before = sim.snapshot()
    done = beats(sim, {"configuration": "blue", "state": "absent"})
    assert_four_beats(done, before, requests=2)
    assert [action["path"] for action in done[1].result["actions"]] == [f"{STORES}/{uuid}"]
    assert enabled(sim) == {"default": True}


# --- enabled


def test_one_that_exists_is_switched_to(sim: Simulator) -> None:
    uuid = add_blue(sim)
    before = sim.snapshot()
    wanted = {"configuration": "blue", "enabled": True}
    predicted, done, repeated, again = beats(sim, wanted)
    assert predicted.changed
    assert not predicted.writes
    assert predicted.snapshot == before
    assert predicted.result["diff"]["before"]["enabled"] is False
    # Read, look for a running job, switch, look whether Azure is reached.
    assert told(done) == [
        ("GET", "azure-key-vaults"),
        ("GET", "jobs"),
        ("PATCH", "key-stores"),
        ("GET", "azure-key-vaults"),
    ]
    assert done.result["actions"] == predicted.result["actions"]
    assert done.result["actions"] == [
        {"method": "PATCH", "path": f"{STORES}/{uuid}", "fields": ["enabled"], "outcome": "done"}
    ]
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["azure_key_vault"]["azure_reachability"]["reachable"] is True
    assert done.result["job"]["uuid"]
    # The one that was enabled stays.
    assert enabled(sim) == {"default": False, "blue": True}
    for beat in (repeated, again):
        assert not beat.changed
        # The key stores tell whether a switch was interrupted.
        assert told(beat) == [("GET", "azure-key-vaults"), ("GET", "key-stores")]
        assert beat.snapshot == done.snapshot
        assert ("interrupted" in beat.msg) is not has_state(sim)


def test_one_that_is_missing_is_added_and_then_switched_to(sim: Simulator) -> None:
    wanted = {**BLUE, "enabled": True, "verify_host": True}
    several = drive(sim, {"vaults": [{"svm": "vs0", **wanted}]}, check=True, module="azure_key_vaults")
    drift = [(one["field"], one["action"]) for one in several.result["vaults"][0]["drift"]]
    assert set(drift) > {("name", "create"), ("enabled", "enable")}
    before = sim.snapshot()
    predicted, done, repeated, again = beats(sim, wanted)
    assert (predicted.changed, predicted.writes) == (True, [])
    assert predicted.snapshot == before
    shape = [(action["method"], action["path"].split("/")[3]) for action in predicted.result["actions"]]
    assert shape == [("POST", "azure-key-vaults"), ("PATCH", "azure-key-vaults"), ("PATCH", "key-stores")]
    assert [request["method"] for request in done.writes] == ["POST", "PATCH", "PATCH"]
    assert done.writes[0]["body"]["configuration"] == {"name": "blue"}
    assert "enabled" not in done.writes[0]["body"]
    assert len(done.requests) <= 7
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["credentials"] == predicted.result["credentials"] == "sent"
    assert enabled(sim) == {"default": False, "blue": True}
    assert done.result["azure_key_vault"]["enabled"] is True
    assert done.result["azure_key_vault"]["configuration"]["name"] == "blue"
    for beat in (repeated, again):
        assert (beat.changed, beat.methods, beat.result["actions"]) == (False, ["GET", "GET"], [])
    # And back, which takes nothing but the name.
    back = drive(sim, {"svm": "vs0", "configuration": "default", "enabled": True})
    assert not back.failed, back.msg
    assert enabled(sim) == {"default": True, "blue": False}


def test_an_inactive_one_is_mended_before_it_is_switched_to(sim: Simulator) -> None:
    add_blue(sim, client_id="before")
    predicted, done, *_rest = beats(sim, {**BLUE, "enabled": True})
    assert told(done)[-3:] == [("PATCH", "azure-key-vaults"), ("PATCH", "key-stores"), ("GET", "azure-key-vaults")]
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["credentials"] == "sent"
    assert enabled(sim) == {"default": False, "blue": True}


def test_the_first_of_an_svm_can_be_any(sim: Simulator) -> None:
    """With its name, as an inactive one that is then enabled; default is created enabled, in one request."""
    for name, writes in (("blue", 2), ("default", 1)):
        wanted = {"svm": "vs1", **BLUE, "configuration": name, "enabled": True}
        predicted, done, repeated = (drive(sim, wanted, check=check) for check in (True, False, False))
        assert not done.failed, done.msg
        assert len(done.writes) == writes
        assert done.result["diff"] == predicted.result["diff"]
        assert enabled(sim, "vs1") == {name: True}
        assert (repeated.changed, len(repeated.requests)) == (False, 2)
        sim.ontap.remove_vault("vs1")


def test_default_is_an_enabled_one_as_ever(sim: Simulator) -> None:
    assert not drive(sim, {"svm": "vs0", **FULL, "configuration": "default"}).changed
    done = beats(sim, {"svm": "vs1", **FULL, "configuration": "default"})
    assert enabled(sim, "vs1") == {"default": True}
    assert "create_inactive" not in done[1].writes[0]["query"]


# --- what cannot be


def test_the_last_one_cannot_be_disabled(sim: Simulator) -> None:
    add_blue(sim)
    assert not drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": False}).changed
    for check in (True, False):
        failed = drive(sim, {"svm": "vs0", "configuration": "default", "enabled": False}, check=check)
        assert failed.failed
        assert not failed.writes
        for words in ("default is enabled and should not be", "such as blue", "enabled: true", "state: absent"):
            assert words in failed.msg, failed.msg
    # One that is missing is added.
    added = drive(sim, {"svm": "vs0", **BLUE, "configuration": "green", "enabled": False})
    assert not added.failed, added.msg
    assert enabled(sim)["green"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": "absent", "configuration": "blue", "enabled": True}, "enabled is true although state is absent"),
        ({"state": "absent", "configuration": "blue", "enabled": False}, "enabled is false although state is absent"),
        ({"enabled": True}, "enabled is true, but configuration is not given"),
        ({"enabled": False, "configuration": ""}, "enabled is false, but configuration is not given"),
        ({"enabled": True, "configuration": "  "}, "configuration is blank"),
        ({"configuration": " "}, "configuration is blank"),
        # Elsewhere what is empty counts as not given; here the one in use would be removed.
        ({"state": "absent", "configuration": ""}, "configuration is blank"),
        ({"scope": "cluster", "svm": None, "configuration": "blue", "enabled": True}, "scope is cluster"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_sent(
    newest: Simulator, options: dict[str, t.Any], words: str
) -> None:
    given = {name: value for name, value in {"svm": "vs0", **options}.items() if value is not None}
    for check in (True, False):
        (outcome,) = perform(newest, [Task(given, check=check)])
        assert outcome.failed
        assert words in outcome.msg
        assert not outcome.requests


def test_a_name_that_comes_out_empty_removes_nothing_of_a_list(newest: Simulator) -> None:
    newest.ontap.encrypt_volumes("vs0", False)
    add_blue(newest)
    (entry,) = vault_entries([{"svm": "vs0", "configuration": "", "state": "absent"}])
    (outcome,) = perform(newest, [Task({"vaults": [entry]}, module="azure_key_vaults")])
    assert outcome.failed
    assert "vaults[0] (svm vs0): configuration is blank" in outcome.msg
    assert not outcome.requests


@pytest.mark.parametrize("release", ["9.7", "9.8", "9.10.1", "9.12.1", "9.13.1"])
@pytest.mark.parametrize("wish", [True, False])
def test_before_9_14_1_nothing_is_enabled_or_inactive(clusters: Of, release: str, wish: bool) -> None:
    sim = clusters(release)
    for svm in ("vs0", "vs1"):
        for options in ({"enabled": wish}, {}):
            for check in (True, False):
                failed = drive(sim, {"svm": svm, **BLUE, **options}, check=check)
                assert failed.failed
                assert not failed.writes
                assert ("enabled" if options else "configuration") + " needs ONTAP 9.14.1 or later" in failed.msg
        with contextlib.suppress(ValueError):
            sim.ontap.add_vault("vs0", **OLD)


@pytest.mark.parametrize("release", ["9.7", "9.10.1", "9.13.1"])
def test_before_9_14_1_none_is_removed_by_its_name(clusters: Of, release: str) -> None:
    """It is still there afterwards, so this is no success."""
    sim = clusters(release)
    absent = {"svm": "vs0", "configuration": "default", "state": "absent"}
    assert not drive(sim, absent).failed
    sim.ontap.add_vault("vs0", **OLD)
    for check in (True, False):
        for options, module in ((absent, "azure_key_vault"), ({"vaults": [absent]}, "azure_key_vaults")):
            failed = drive(sim, options, check=check, module=module)
            assert failed.failed
            assert not failed.writes
            assert "configuration needs ONTAP 9.14.1 or later" in failed.msg


def test_a_reserved_name_is_said_beforehand(newest: Simulator) -> None:
    newest.ontap.remove_vault("vs0")
    newest.ontap.add_vault("vs0", configuration="green", **OLD)
    for options in ({}, {"enabled": True}, {"enabled": False}):
        for check in (True, False):
            failed = drive(newest, {"svm": "vs0", **BLUE, "configuration": "default", **options}, check=check)
            assert failed.failed
            assert not failed.writes
            assert "ONTAP keeps that name for a configuration that is created as the enabled one" in failed.msg
            assert "Choose another name" in failed.msg
    nothing = drive(newest, {"svm": "vs1", **BLUE, "configuration": "default", "enabled": False}, check=True)
    assert "it is to be inactive" in nothing.msg


def test_a_name_that_another_kind_of_key_manager_has(newest: Simulator) -> None:
    newest.ontap.add_key_manager("vs1", "gcp", configuration="blue")
    for check in (True, False):
        failed = drive(newest, {"svm": "vs1", **BLUE}, check=check)
        assert failed.failed
        assert failed.result["error"]["code"] == "65537589"
        assert "choose another name" in failed.msg


def test_one_may_be_created_by_a_job() -> None:
    with Simulator(release="9.18.1", svms=("vs0", "vs1")) as sim:
        in_use(sim)
        sim.ontap.durations["create"] = 60

        def passing(settings: Connection) -> Client:
            return Client(settings, caller="test", sleep=lambda _seconds: sim.ontap.clock.advance(61))

        done = drive(sim, {"svm": "vs0", **BLUE, "enabled": True}, client=passing)
        assert not done.failed, done.msg
        assert enabled(sim) == {"default": False, "blue": True}


def test_somebody_adds_the_same_in_between(newest: Simulator) -> None:
    """The name is taken by then, and reading again finds that nothing is left to do."""
    newest.ontap.refuse("create", 65537589, times=1)
    looked = drive(newest, {"svm": "vs0", **BLUE}, client=_adding(newest))
    assert not looked.failed, looked.msg
    assert len(looked.writes) == 1
    assert [action["outcome"] for action in looked.result["actions"]] == ["refused"]


def _adding(sim: Simulator) -> t.Callable[[Connection], Client]:
    class Somebody(Client):
        def write(self, *arguments: t.Any, **keywords: t.Any) -> t.Any:
            add_blue(sim)
            return super().write(*arguments, **keywords)

    return lambda settings: Somebody(settings, caller="test", sleep=lambda _seconds: None)


def test_another_kind_of_key_manager_cannot_be_switched_from(newest: Simulator) -> None:
    newest.ontap.add_key_manager("vs1", "gcp")
    for check in (True, False):
        # Nothing is created that could not be enabled.
        failed = drive(newest, {"svm": "vs1", **BLUE, "enabled": True}, check=check)
        assert failed.failed
        assert not failed.writes
        assert "type gcp" in failed.msg
    # Beside it, it may be.
    assert not drive(newest, {"svm": "vs1", **BLUE}, check=True).failed
    add_blue(newest, "vs1")
    predicted = drive(newest, {"svm": "vs1", "configuration": "blue", "enabled": True}, check=True)
    assert "type gcp" in predicted.msg
    done = drive(newest, {"svm": "vs1", "configuration": "blue", "enabled": True})
    assert done.result["error"]["code"] == "65539222"


def test_the_cluster_s_own_has_no_others(newest: Simulator) -> None:
    for check in (True, False):
        failed = drive(newest, {"scope": "cluster", **BLUE}, check=check)
        assert failed.failed
        assert not failed.writes
        assert "on SVMs only" in failed.msg
    # What is there all the same can be removed.
    newest.ontap.add_vault(None, enabled=False, **BLUE)
    assert not drive(newest, {"scope": "cluster", "configuration": "blue", "state": "absent"}).failed


def test_another_vault_is_blocked_with_the_two_options_for_this_svm(sim: Simulator) -> None:
    for options in ({}, {"configuration": "default"}, {"configuration": "default", "enabled": True}):
        for check in (True, False):
            failed = drive(sim, {"svm": "vs0", **FULL, "name": OTHER_VAULT, **options}, check=check)
            assert failed.failed
            assert not failed.writes
            assert "svm: vs0, configuration: other, enabled: true" in failed.msg
            assert "configuration: default, state: absent" in failed.msg
    add_blue(sim, configuration="other")
    again = drive(sim, {"svm": "vs0", "name": OTHER_VAULT}, check=True)
    assert ("configuration: other-2, enabled: true" in again.msg) or not again.failed


def test_what_cannot_be_changed_of_an_inactive_one_is_created_anew(sim: Simulator) -> None:
    add_blue(sim)
    for options in ({"name": "https://third.vault.azure.net/"}, {"key_id": OTHER_KEY.replace("k9", "k8")}):
        failed = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True, **options})
        assert failed.failed
        assert not failed.writes
        assert "svm: vs0, configuration: blue, state: absent" in failed.msg


# --- what goes wrong on the way


def test_a_vault_that_cannot_be_reached_leaves_all_as_it_was(sim: Simulator) -> None:
    sim.ontap.set_azure(valid_secrets=["the secret before"])
    failed = drive(sim, {"svm": "vs0", **BLUE, "enabled": True})
    assert failed.failed
    assert failed.result["error"]["code"] == "65537605"
    assert "It stays inactive, and the one that was enabled before stays enabled." in failed.msg
    assert enabled(sim) == {"default": True, "blue": False}
    # What was done is told.
    assert [action["outcome"] for action in failed.result["actions"]] == ["done", "refused"]
    assert failed.changed
    assert SECRET not in str(failed.result)


def test_a_job_that_fails_leaves_all_as_it_was(sim: Simulator) -> None:
    add_blue(sim)
    sim.ontap.plan_job("key-stores-patch", "failure", 65536602)
    failed = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True})
    assert failed.failed
    assert failed.result["error"]["code"] == "65536602"
    assert "It stays inactive" in failed.msg
    assert not failed.changed
    assert enabled(sim) == {"default": True, "blue": False}


def test_a_vault_that_is_lost_with_the_switch_is_a_failure(sim: Simulator) -> None:
    """Enabled, and nothing denied; how to go back is said."""
    add_blue(sim)
    sim.fault("GET", "azure-key-vaults", kind="body", content=json.dumps(_unreachable(sim)), skip=1)
    failed = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True})
    assert failed.failed
    assert failed.changed
    assert [action["outcome"] for action in failed.result["actions"]] == ["done"]
    assert "cannot reach Azure with it: AADSTS7000222" in failed.msg
    assert "enabled: true" in failed.msg


def _uuid_of(sim: Simulator, configuration: str) -> str:
    stores = sim.snapshot()["key_stores"].items()
    return next(str(uuid) for uuid, store in stores if store["configuration"] == configuration)


def _unreachable(sim: Simulator) -> dict[str, t.Any]:
    uuid = _uuid_of(sim, "blue")
    azure = {"reachable": False, "code": "65537549", "message": "AADSTS7000222: expired"}
    record = {"uuid": uuid, "configuration": {"name": "blue"}, "svm": {"name": "vs0"}, "enabled": True}
    return {"records": [{**record, "azure_reachability": azure}], "num_records": 1}


# --- interrupted, under way, lost


@pytest.mark.parametrize("shown", ["old", "new", "both", "none"])
def test_an_interrupted_switch_is_completed_by_the_same_request(sim: Simulator, shown: str) -> None:
    """Whichever of the two says that it is enabled. Before there was a state, one that says so alone is believed."""
    uuid = add_blue(sim)
    sim.ontap.interrupt_switch("vs0", "blue", shown)
    if shown == "new" and not has_state(sim):
        believed = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True})
        assert not believed.changed
        assert "does not show whether a switch to it was interrupted" in believed.msg
        return
    before = sim.snapshot()
    predicted, done, repeated, again = beats(sim, {"configuration": "blue", "enabled": True})
    assert (predicted.changed, predicted.writes) == (True, [])
    assert predicted.snapshot == before
    assert not done.failed, done.msg
    assert [(action["method"], action["path"]) for action in done.result["actions"]] == [("PATCH", f"{STORES}/{uuid}")]
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["diff"]["before"] != done.result["diff"]["after"]
    assert enabled(sim) == {"default": False, "blue": True}
    for beat in (repeated, again):
        assert (beat.changed, len(beat.requests)) == (False, 2)
    if shown == "both":
        assert "several configurations of SVM vs0 as enabled: blue, default" in str(done.result["warnings"])


def test_the_drift_of_an_interrupted_switch(newest: Simulator) -> None:
    add_blue(newest)
    newest.ontap.interrupt_switch("vs0", "blue", "new")
    wanted = {"svm": "vs0", "configuration": "blue", "enabled": True}
    found = drive(newest, {"vaults": [wanted]}, check=True, module="azure_key_vaults").result["vaults"][0]
    assert found["drift"] == [{"field": "enabled", "desired": True, "actual": "switching", "action": "enable"}]
    assert found["verdict"] == "drifted"


def test_back_is_a_way_out_of_an_interrupted_switch(newest: Simulator) -> None:
    add_blue(newest)
    newest.ontap.interrupt_switch("vs0", "blue")
    back = drive(newest, {"svm": "vs0", "configuration": "default", "enabled": True})
    assert not back.failed, back.msg
    assert enabled(newest) == {"default": True, "blue": False}


def test_a_contradiction_is_said_and_nothing_is_sent_for_it(newest: Simulator) -> None:
    """The key stores have a state, and none of them is switching."""
    uuid = add_blue(newest)
    newest.ontap.store("vs0").enabled = False
    newest.ontap.stores[uuid].enabled = True
    stores = {"records": [{"uuid": uuid, "type": "akv", "enabled": False, "state": "active"}], "num_records": 1}
    newest.fault("GET", "key-stores", kind="body", content=json.dumps(stores))
    outcome = drive(newest, {"svm": "vs0", "configuration": "blue", "enabled": True})
    assert not outcome.changed
    assert not outcome.writes
    assert "ONTAP contradicts itself about which configuration of SVM vs0 is enabled" in str(outcome.result["warnings"])


def test_a_login_that_may_not_see_key_stores_is_told_what_it_does_not_know(newest: Simulator) -> None:
    newest.ontap.add_user("narrow", "password", paths=["/api/security/azure-key-vaults", "/api/cluster"])
    login = {**connection(newest), "username": "narrow", "password": "password"}
    outcome = drive(newest, {"svm": "vs0", "configuration": "default", "enabled": True}, login=login)
    assert not outcome.failed, outcome.msg
    assert not outcome.changed
    assert "a login that may read key stores" in outcome.msg


def test_codes_tell_of_an_interrupted_switch_before_there_was_a_state(clusters: Of) -> None:
    sim = in_use(clusters("9.15.1"))
    add_blue(sim)
    sim.ontap.interrupt_switch("vs0", "blue", "new")
    moved = {**BLUE, "key_id": OTHER_KEY.replace("k9", "k8"), "enabled": True}
    done = drive(sim, {"svm": "vs0", **moved})
    assert not done.failed, done.msg
    assert [(r["method"], r["path"].split("/")[3], r["status"]) for r in done.writes] == [
        ("POST", "azure-key-vaults", 400),
        ("PATCH", "key-stores", 200),
        ("POST", "azure-key-vaults", 201),
    ]
    assert [action["outcome"] for action in done.result["actions"]] == ["refused", "done", "done"]
    assert enabled(sim) == {"default": False, "blue": True}
    assert not drive(sim, {"svm": "vs0", **moved}).changed


def test_the_diff_has_what_was_sent_before_a_switch_was_completed(clusters: Of) -> None:
    sim = in_use(clusters("9.14.1"))
    add_blue(sim)
    sim.ontap.interrupt_switch("vs0", "blue", "new")
    moved = {**BLUE, "client_id": "dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa", "key_id": OTHER_KEY.replace("k9", "k8")}
    done = drive(sim, {"svm": "vs0", **moved, "enabled": True})
    assert not done.failed, done.msg
    assert [action["outcome"] for action in done.result["actions"]] == ["done", "refused", "done", "done"]
    diff = done.result["diff"]
    assert diff["before"]["client_id"] == BLUE["client_id"]
    assert {"client_id": moved["client_id"], "key_id": moved["key_id"]}.items() <= diff["after"].items()
    assert "client_secret" in diff["after"]


def test_a_rekey_of_somebody_who_enables_nothing_is_told_how_to_complete_the_switch(newest: Simulator) -> None:
    add_blue(newest)
    newest.ontap.interrupt_switch("vs0", "blue")
    failed = drive(newest, {"svm": "vs0", "key_id": KEY_2})
    assert failed.failed
    assert failed.result["error"]["code"] == "65537610"
    assert "enabled: true" in failed.msg
    assert len(failed.writes) == 1


class _Meanwhile(Client):
    """Somebody else does something right before the first write."""

    somebody: t.Callable[[], object]

    def write(self, *arguments: t.Any, **keywords: t.Any) -> t.Any:
        self.somebody()
        self.somebody = lambda: None
        return super().write(*arguments, **keywords)


def meanwhile(somebody: t.Callable[[], object]) -> t.Callable[[Connection], Client]:
    def of(settings: Connection) -> Client:
        client = _Meanwhile(settings, caller="test", sleep=lambda _seconds: None)
        client.somebody = somebody
        return client

    return of


def switch(sim: Simulator, uuid: str) -> None:
    for store in sim.ontap.stores.values():
        store.enabled = store.uuid == uuid


def test_enabled_already_is_done_and_looked_at_as_if_it_had_been_enabled_here(sim: Simulator) -> None:
    uuid = add_blue(sim)
    somebody = meanwhile(lambda: switch(sim, uuid))
    outcome = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True}, client=somebody)
    assert not outcome.failed, outcome.msg
    assert not outcome.changed
    assert "enabled already" in outcome.msg
    assert outcome.result["actions"][0]["outcome"] == "refused"
    assert told(outcome)[2:] == [("PATCH", "key-stores"), ("GET", "azure-key-vaults")]
    assert outcome.result["azure_key_vault"]["azure_reachability"]["reachable"] is True
    assert not outcome.result["warnings"]


def test_enabled_already_without_azure_is_a_failure_that_has_changed_nothing(newest: Simulator) -> None:
    uuid = add_blue(newest)
    newest.fault("GET", "azure-key-vaults", kind="body", content=json.dumps(_unreachable(newest)), skip=1)
    somebody = meanwhile(lambda: switch(newest, uuid))
    failed = drive(newest, {"svm": "vs0", "configuration": "blue", "enabled": True}, client=somebody)
    assert failed.failed
    assert not failed.changed
    assert "cannot reach Azure with it: AADSTS7000222" in failed.msg
    assert "Enabled the" not in failed.msg


def test_enabled_already_is_not_believed_without_a_look(sim: Simulator) -> None:
    add_blue(sim)
    sim.ontap.refuse("key-stores-patch", 65539218)
    outcome = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True})
    assert not outcome.failed, outcome.msg
    assert not outcome.changed
    assert outcome.result["azure_key_vault"]["enabled"] is False
    (warning,) = outcome.result["warnings"]
    assert "enabled already" in warning
    assert "ONTAP contradicts itself" in warning
    # Nor is anything removed for it.
    entries: list[dict[str, t.Any]] = [
        {"configuration": "blue", "enabled": True},
        {"configuration": "default", "state": "absent"},
    ]
    several = {"vaults": [{"svm": "vs0", **entry} for entry in entries]}
    drive(sim, several, module="azure_key_vaults")
    assert enabled(sim) == {"default": True, "blue": False}
    # Nor rotated.
    moved = {**BLUE, "key_id": OTHER_KEY, "client_id": "before", "enabled": True}
    told_so = drive(sim, {"svm": "vs0", **moved})
    assert told_so.result["diff"]["after"]["enabled"] is False


@pytest.mark.parametrize("code", [4, 65537120, 65538908, 65539207])
def test_one_that_somebody_removes_meanwhile_is_absent(newest: Simulator, code: int) -> None:
    add_blue(newest)
    newest.ontap.refuse("key-stores-delete", code)
    somebody = meanwhile(lambda: newest.ontap.remove_vault(_uuid_of(newest, "blue")))
    outcome = drive(newest, {"svm": "vs0", "configuration": "blue", "state": "absent"}, client=somebody)
    assert not outcome.failed, outcome.msg
    assert not outcome.changed
    assert [action["outcome"] for action in outcome.result["actions"]] == ["refused"]
    assert told(outcome)[1:] == [("DELETE", "key-stores"), ("GET", "azure-key-vaults")]
    assert enabled(newest) == {"default": True}


@pytest.mark.parametrize("code", [65538908, 65539207])
def test_a_removal_that_was_refused_once_is_sent_again_as_it_was(newest: Simulator, code: int) -> None:
    uuid = add_blue(newest)
    newest.ontap.refuse("key-stores-delete", code, times=1)
    outcome = drive(newest, {"svm": "vs0", "configuration": "blue", "state": "absent"})
    assert not outcome.failed, outcome.msg
    assert [request["path"] for request in outcome.writes] == [f"{STORES}/{uuid}"] * 2
    assert [action["outcome"] for action in outcome.result["actions"]] == ["refused", "done"]
    add_blue(newest)
    newest.ontap.refuse("key-stores-delete", code)
    failed = drive(newest, {"svm": "vs0", "configuration": "blue", "state": "absent"})
    assert failed.failed
    assert failed.result["error"]["code"] == str(code)
    assert len(failed.writes) == 2


@pytest.mark.parametrize("options", [{"configuration": "blue"}, {}], ids=["named", "the enabled one"])
def test_no_second_look_makes_a_removal_that_of_the_one_in_use(newest: Simulator, options: dict[str, t.Any]) -> None:
    """Blue is switched to in between: it was inactive before, and was not the enabled one that was meant."""
    newest.ontap.encrypt_volumes("vs0", False)
    uuid = add_blue(newest)
    newest.ontap.refuse("key-stores-delete", 65538908, times=1)
    somebody = meanwhile(lambda: switch(newest, uuid))
    failed = drive(newest, {"svm": "vs0", **options, "state": "absent"}, client=somebody)
    assert failed.failed
    assert not failed.changed
    assert "nothing was removed" in failed.msg
    assert len(failed.writes) == 1
    assert enabled(newest) == {"default": False, "blue": True}


def test_an_enabled_one_that_has_become_inactive_is_still_removed(newest: Simulator) -> None:
    newest.ontap.encrypt_volumes("vs0", False)
    uuid = add_blue(newest)
    somebody = meanwhile(lambda: switch(newest, uuid))
    done = drive(newest, {"svm": "vs0", "configuration": "default", "state": "absent"}, client=somebody)
    assert not done.failed, done.msg
    assert enabled(newest) == {"blue": True}


@pytest.mark.parametrize("code", [65538908, 65539207])
def test_one_that_is_removed_before_it_is_switched_to(newest: Simulator, code: int) -> None:
    """The record decides: it is created anew where the task says all that this takes, and nothing is said to stay."""
    for options, works in (({"configuration": "blue"}, False), (BLUE, True)):
        add_blue(newest)
        newest.ontap.refuse("key-stores-patch", code, times=1)
        somebody = meanwhile(lambda: newest.ontap.remove_vault(_uuid_of(newest, "blue")))
        outcome = drive(newest, {"svm": "vs0", **options, "enabled": True}, client=somebody)
        assert outcome.failed is not works, outcome.msg
        assert "stays inactive" not in str(outcome.result)
    assert enabled(newest) == {"default": False, "blue": True}


@pytest.mark.parametrize("code", [65538908, 65539207])
def test_a_switch_that_is_refused_twice_is_refused(newest: Simulator, code: int) -> None:
    add_blue(newest)
    newest.ontap.refuse("key-stores-patch", code)
    failed = drive(newest, {"svm": "vs0", "configuration": "blue", "enabled": True})
    assert failed.failed
    assert failed.result["error"]["code"] == str(code)
    assert "stays inactive" not in failed.msg
    assert len(failed.writes) == 2


def test_a_switch_that_runs_is_waited_for_and_no_second_one_is_started(sim: Simulator) -> None:
    uuid = add_blue(sim)
    sim.ontap.durations["key-stores-patch"] = 60
    first = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True, "wait": False})
    assert not first.failed, first.msg
    assert [action["outcome"] for action in first.result["actions"]] == ["unknown"]
    assert "whether ONTAP reaches Azure was not looked at" in str(first.result["warnings"])
    job = first.result["job"]["uuid"]
    predicted = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True}, check=True)
    assert f"Job {job}" in str(predicted.result["warnings"])

    def passing(settings: Connection) -> Client:
        return Client(settings, caller="test", sleep=lambda _seconds: sim.ontap.clock.advance(61))

    second = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True}, client=passing)
    assert not second.failed, second.msg
    assert second.changed
    assert not second.writes
    assert second.result["job"]["uuid"] == job
    # It is proved as if it had been started here.
    assert second.result["azure_key_vault"]["azure_reachability"]["reachable"] is True
    assert enabled(sim) == {"default": False, "blue": True}
    assert sim.snapshot()["key_stores"][uuid]["enabled"] is True


@pytest.mark.parametrize("wanted", ["default", "green"])
def test_no_second_switch_is_started_beside_one_to_another(sim: Simulator, wanted: str) -> None:
    """Neither back nor to a third."""
    add_blue(sim)
    add_blue(sim, configuration="green")
    sim.ontap.durations["key-stores-patch"] = 60
    first = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True, "wait": False})
    options = {"svm": "vs0", "configuration": wanted, "enabled": True}
    if wanted == "default":
        # Until ONTAP shows that it is not the one in use any more, there is nothing to switch to.
        sim.ontap.store("vs0").enabled = False
    for check in (True, False):
        failed = drive(sim, options, check=check)
        assert failed.failed
        assert not failed.writes
        assert f"job {first.result['job']['uuid']}, which is running, enables configuration blue" in failed.msg
    # Another SVM is not kept from it.
    sim.ontap.add_vault("vs1", **OLD)
    add_blue(sim, "vs1")
    other = drive(sim, {"svm": "vs1", "configuration": "blue", "enabled": True, "wait": False})
    assert not other.failed, other.msg
    assert len(other.writes) == 1
    sim.ontap.clock.advance(61)
    assert not drive(sim, {**options, "wait": False}).failed


def test_a_wait_that_is_over_names_the_job(newest: Simulator) -> None:
    add_blue(newest)
    newest.ontap.durations["key-stores-patch"] = 60
    failed = drive(newest, {"svm": "vs0", "configuration": "blue", "enabled": True, "wait_timeout": 0})
    assert failed.failed
    assert [action["outcome"] for action in failed.result["actions"]] == ["unknown"]
    assert failed.result["job"]["uuid"] in failed.msg
    assert "Run the same task again to wait for it" in failed.msg


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_lost_answer_is_settled(sim: Simulator, kind: str) -> None:
    add_blue(sim)
    sim.fault("PATCH", "key-stores", kind=kind)
    done = drive(sim, {"svm": "vs0", "configuration": "blue", "enabled": True})
    assert not done.failed, done.msg
    assert {action["outcome"] for action in done.result["actions"]} == {"done"}
    assert enabled(sim) == {"default": False, "blue": True}


def test_a_lost_answer_of_a_switch_that_broke_off_is_no_success(newest: Simulator) -> None:
    """The configuration says that it is enabled; its key store says that the switch is open."""
    add_blue(newest)
    newest.ontap.interrupt_switch("vs0", "blue", "new")
    newest.fault("PATCH", "key-stores", kind="reset_before", times=None)
    failed = drive(newest, {"svm": "vs0", "configuration": "blue", "enabled": True})
    assert failed.failed
    assert enabled(newest) == {"default": False, "blue": True}
    assert newest.snapshot()["key_stores"][newest.ontap.store("vs0").uuid]["state"] == "switching"
