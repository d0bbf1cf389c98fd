# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vault_migrate: only where there are keys to move, or somebody insists; never two at once; counted after."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import FULL, KEY_2, OLD, Outcome, connection, drive, number
from tests.support.waits import Waits

RELEASES = ["9.7", "9.10.1", "9.11.1", "9.12.1", "9.13.1", "9.14.1", "9.16.1", "9.18.1"]
MIGRATE = "azure_key_vault_migrate"
TO_VAULT = {"svm": "vs0", "direction": "to_vault"}
TO_CLUSTER = {"svm": "vs0", "direction": "to_cluster"}
DIRECTIONS = [TO_VAULT, TO_CLUSTER]


@pytest.fixture(scope="module", params=RELEASES)
def shared(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    """A configuration of vs0, whose three volumes still have their keys on the onboard key manager, as those of vs1."""
    shared.reset()
    shared.ontap.add_key_manager(None, "okm")
    shared.ontap.add_vault("vs0", **OLD)
    for svm in ("vs0", "vs1"):
        shared.ontap.encrypt_volumes(svm, number=3)
        shared.ontap.set_svm(svm, keys_on_admin=True)
    return shared


@pytest.fixture
def waits(sim: Simulator) -> Waits:
    return Waits(sim)


def release(sim: Simulator) -> tuple[int, ...]:
    return number(str(sim.ontap.profile.release))


def tells(sim: Simulator) -> bool:
    """Whether ONTAP tells whose keys are where."""
    return release(sim) >= (9, 12)


def migrate(sim: Simulator, options: t.Mapping[str, t.Any], *, check: bool = False, client: t.Any = None) -> Outcome:
    login = {**connection(sim), "request_timeout": 5} if client else None
    return drive(sim, options, check=check, module=MIGRATE, client=client, login=login)


def on_cluster(sim: Simulator, svm: str = "vs0") -> int:
    return sim.ontap.owner(svm).keys_of_admin


def prepare(sim: Simulator, options: t.Mapping[str, t.Any]) -> None:
    """Put the keys of vs0 where they are to be brought from."""
    sim.ontap.set_svm("vs0", keys_on_admin=options is TO_VAULT)


def assert_beats(beats: list[Outcome], before: t.Mapping[str, t.Any]) -> None:
    """As the four beats of other modules, but for the number of reads it takes to know where keys are."""
    predicted, done, *others = beats
    for beat in beats:
        assert not beat.failed, beat.msg
    assert (predicted.changed, predicted.writes, predicted.snapshot) == (True, [], before)
    assert (done.changed, len(done.writes)) == (True, 1)
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["actions"] == predicted.result["actions"]
    assert done.result["volume_keys"] == predicted.result["volume_keys"]
    for beat in others:
        assert (beat.changed, beat.writes, beat.result["actions"]) == (False, [], [])
        assert beat.result["diff"]["before"] == beat.result["diff"]["after"]
        assert beat.snapshot == done.snapshot
        # The configuration, key managers, release, volumes, nodes, key IDs, and the key store from 9.16.1 on.
        assert len(beat.requests) <= 7


@pytest.mark.parametrize("kind", ["okm", "kmip"])
@pytest.mark.parametrize("options", DIRECTIONS, ids=lambda options: options["direction"])
def test_four_beats(sim: Simulator, options: dict[str, t.Any], kind: str) -> None:
    if not tells(sim):
        return
    sim.ontap.remove_vault(None)
    manager = sim.ontap.add_key_manager(None, kind)
    vault = sim.ontap.store("vs0").uuid
    prepare(sim, options)
    before = sim.snapshot()
    beats = [migrate(sim, options, check=check) for check in (True, False, False, True)]
    assert_beats(beats, before)
    source = manager if options is TO_VAULT else vault
    assert beats[1].result["actions"] == [
        {
            "method": "POST",
            "path": f"/api/security/key-managers/{source}/migrate",
            "fields": ["uuid"],
            "outcome": "done",
        }
    ]
    assert (on_cluster(sim), on_cluster(sim, "vs1")) == (0 if options is TO_VAULT else 3, 3)
    assert "3 keys" in beats[0].msg
    assert "migrated" in beats[1].msg
    assert beats[1].result["job"]["state"] == "success"
    left = {"on_cluster": 3, "in_vault": 0} if options is TO_CLUSTER else {"on_cluster": 0, "in_vault": 3}
    assert beats[1].result["volume_keys"].items() >= {**left, "encrypted_volumes": 3}.items()
    assert "volume_keys" not in beats[1].result["azure_key_vault"]


@pytest.mark.parametrize("options", DIRECTIONS, ids=lambda options: options["direction"])
def test_where_nothing_can_tell_nothing_is_moved_without_force(sim: Simulator, options: dict[str, t.Any]) -> None:
    if tells(sim):
        # The same where the login may not look.
        sim.ontap.refuse("key-ids-list", 6)
        sim.ontap.refuse("key-stores-list", 6)
    prepare(sim, options)
    for check in (True, False):
        left = migrate(sim, options, check=check)
        assert (left.failed, left.changed, left.writes) == (False, False, []), left.msg
        assert "cannot be told" in left.msg
        assert "3 encrypted volumes" in left.msg
        assert "force: true" in left.msg
        assert ("9.12.1" in left.msg) is not tells(sim)
        assert left.result["warnings"] == [left.msg]
    forced = {**options, "force": True}
    predicted, done = migrate(sim, forced, check=True), migrate(sim, forced)
    assert (predicted.changed, predicted.writes) == (True, [])
    assert (done.failed, done.changed, len(done.writes)) == (False, True, 1), done.msg
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["diff"]["before"] != done.result["diff"]["after"]
    assert on_cluster(sim) == (0 if options is TO_VAULT else 3)
    assert any("could not be told" in warning for warning in done.result["warnings"])


@pytest.mark.parametrize("options", DIRECTIONS, ids=lambda options: options["direction"])
def test_without_encrypted_volumes_there_is_nothing_to_move(sim: Simulator, options: dict[str, t.Any]) -> None:
    """That is certain on every release."""
    sim.ontap.encrypt_volumes("vs0", False)
    sim.ontap.set_svm("vs0", keys_on_admin=False)
    for check in (True, False):
        outcome = migrate(sim, options, check=check)
        assert (outcome.failed, outcome.changed, outcome.writes) == (False, False, []), outcome.msg
        assert "no encrypted volume" in outcome.msg
        assert not outcome.result["warnings"]


def test_a_mixed_key_store_says_that_keys_are_split(sim: Simulator) -> None:
    """From 9.16.1 on, where the login may not read key IDs."""
    if release(sim) < (9, 16):
        return
    sim.ontap.refuse("key-ids-list", 6)
    beats = [migrate(sim, TO_VAULT, check=check) for check in (True, False)]
    assert [(beat.failed, beat.changed) for beat in beats] == [(False, True)] * 2
    assert on_cluster(sim) == 0
    # Active does not say that everything is in the vault.
    after = migrate(sim, TO_VAULT)
    assert (after.changed, "cannot be told" in after.msg) == (False, True)


@pytest.mark.parametrize("options", DIRECTIONS, ids=lambda options: options["direction"])
def test_what_was_left_is_counted_and_is_a_failure(sim: Simulator, options: dict[str, t.Any]) -> None:
    if not tells(sim):
        return
    prepare(sim, options)
    sim.ontap.set_svm("vs0", leaves=1)
    failed = migrate(sim, options)
    assert (failed.failed, failed.changed) == (True, True)
    assert "ONTAP reported success, but 1 of the SVM's volume keys is still" in failed.msg
    done = migrate(sim, options)
    assert (done.failed, done.changed) == (False, True), done.msg


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("left", [3, 1])
def test_a_job_that_failed_on_the_way_names_what_is_left(sim: Simulator, waits: Waits, left: int, seconds: int) -> None:
    """One that ends at once may be answered with its error alone."""
    if not tells(sim):
        return
    sim.ontap.set_duration("migrate", seconds)
    sim.ontap.plan_job("migrate", "failure", 65536968)

    def answered(settings: t.Any) -> t.Any:
        client = waits.client(settings)
        write = client.write

        def moving(*args: t.Any, **keywords: t.Any) -> t.Any:
            sim.ontap.set_svm("vs0", keys_on_admin=left)
            return write(*args, **keywords)

        client.write = moving
        return client

    failed = migrate(sim, TO_VAULT, client=answered)
    assert (failed.failed, failed.changed) == (True, left < 3)
    assert failed.result["error"]["code"] == "65536968"
    assert f"{left} of the SVM's volume keys {'are' if left > 1 else 'is'} still on the cluster" in failed.msg


@pytest.mark.parametrize("options", DIRECTIONS, ids=lambda options: options["direction"])
def test_without_a_key_manager_to_migrate_from_or_to(sim: Simulator, options: dict[str, t.Any]) -> None:
    """Before anything is sent, whatever else is the case. One that is inactive does not count."""
    sim.ontap.remove_vault(None)
    for inactive in (False, True):
        if inactive and release(sim) >= (9, 16):
            sim.ontap.add_key_manager(None, "okm", enabled=False)
        for check in (True, False):
            for force in (True, False):
                failed = migrate(sim, {**options, "force": force}, check=check)
                assert (failed.failed, failed.changed, failed.writes) == (True, False, [])
                assert "the cluster has no key manager of its own" in failed.msg


def test_without_a_configuration(sim: Simulator) -> None:
    options = {**TO_VAULT, "svm": "vs1"}
    predicted = migrate(sim, options, check=True)
    assert (predicted.failed, predicted.changed) == (False, False)
    assert any("A real run fails unless" in warning for warning in predicted.result["warnings"])
    failed = migrate(sim, options)
    assert failed.failed
    assert "no Azure Key Vault configuration" in failed.msg


@pytest.mark.parametrize("given", [{"scope": "cluster"}, {"svm": "vs0", "scope": "cluster"}, {}, {"svm": "vs*"}])
def test_input_that_cannot_be_meant_sends_nothing(sim: Simulator, given: dict[str, t.Any]) -> None:
    failed = migrate(sim, {"direction": "to_vault", **given})
    assert (failed.failed, failed.requests) == (True, [])


def test_a_configuration_of_the_cluster_scope_by_its_uuid(sim: Simulator) -> None:
    uuid = sim.ontap.add_vault("vs1", **OLD)
    sim.ontap.stores[uuid].owner = sim.ontap.cluster
    failed = migrate(sim, {"uuid": uuid, "direction": "to_vault"})
    assert (failed.failed, failed.writes) == (True, [])
    assert "the cluster's own configuration" in failed.msg


@pytest.mark.parametrize("target", ["svm_uuid", "uuid"])
def test_by_a_uuid(sim: Simulator, target: str) -> None:
    if not tells(sim):
        return
    uuid = sim.ontap.store("vs0").uuid if target == "uuid" else sim.ontap.owner("vs0").uuid
    done = migrate(sim, {target: uuid, "direction": "to_vault"})
    assert (done.failed, done.changed, on_cluster(sim)) == (False, True, 0), done.msg


def test_an_inactive_configuration(sim: Simulator) -> None:
    if release(sim) < (9, 14):
        return
    sim.ontap.add_vault("vs0", enabled=False, configuration="second", **OLD)
    failed = migrate(sim, {**TO_VAULT, "configuration": "second"})
    assert (failed.failed, failed.writes) == (True, [])
    assert "second is inactive" in failed.msg


# --- jobs


def test_a_migration_that_goes_on_is_waited_for_and_none_started(sim: Simulator, waits: Waits) -> None:
    if not tells(sim):
        return
    sim.ontap.set_duration("migrate", 60)
    failed = migrate(sim, {**TO_VAULT, "wait_timeout": 10}, client=waits.client)
    assert failed.failed
    uuid = failed.result["error"]["job"]["uuid"]
    assert f"job {uuid}" in failed.msg
    assert "Run the same task again" in failed.msg
    predicted = migrate(sim, TO_VAULT, check=True)
    assert predicted.changed
    assert not predicted.writes
    assert any(uuid in warning for warning in predicted.result["warnings"])
    done = migrate(sim, TO_VAULT, client=waits.client)
    assert (done.failed, done.changed, done.writes) == (False, True, []), done.msg
    assert (done.result["job"]["uuid"], on_cluster(sim)) == (uuid, 0)
    assert not migrate(sim, TO_VAULT).changed


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("force", [True, False])
def test_the_job_of_another_svm_is_not_taken_for_ours(sim: Simulator, waits: Waits, named: bool, force: bool) -> None:
    """Both are on the path of the one key manager of the cluster. Where ONTAP does not say whose it is, ours waits."""
    if not tells(sim):
        return
    sim.ontap.switch(migrate_names_svm=named)
    sim.ontap.add_vault("vs1", **OLD)
    sim.ontap.set_duration("migrate", 60)
    other = migrate(sim, {"svm": "vs1", "direction": "to_vault", "wait": False})
    assert (other.failed, other.changed) == (False, True)
    done = migrate(sim, {**TO_VAULT, "force": force}, client=waits.client)
    assert (done.failed, done.changed, len(done.writes)) == (False, True, 1), done.msg
    assert done.result["job"]["uuid"] != other.result["job"]["uuid"]
    assert on_cluster(sim) == 0


def test_a_lost_answer_is_settled_by_counting(sim: Simulator, waits: Waits) -> None:
    if not tells(sim):
        return
    sim.fault("POST", "migrate", kind="reset_after")
    done = migrate(sim, TO_VAULT, client=waits.client)
    assert (done.failed, done.changed, len(done.writes)) == (False, True, 1), done.msg
    assert on_cluster(sim) == 0


def test_success_on_the_way_is_none_until_the_job_has_ended(sim: Simulator, waits: Waits) -> None:
    """A release that answers 201 before the end: the count shows that, and the job is waited for."""
    if not tells(sim):
        return
    sim.ontap.force_status("migrate", 201)
    sim.ontap.set_duration("migrate", 60)
    done = migrate(sim, TO_VAULT, client=waits.client)
    assert (done.failed, done.changed, on_cluster(sim)) == (False, True, 0), done.msg


@pytest.mark.parametrize("code", [65536968, 65537564, 65537611, 65536886])
def test_refusals_are_explained_and_change_nothing(sim: Simulator, code: int) -> None:
    sim.ontap.refuse("migrate", code)
    failed = migrate(sim, {**TO_VAULT, "force": True})
    sim.ontap.allow()
    assert (failed.failed, failed.changed, failed.result["error"]["code"]) == (True, False, str(code))
    assert failed.result["error"]["remedy"]


def test_a_node_that_is_down_is_not_asked(sim: Simulator) -> None:
    if not tells(sim):
        return
    for node in ("node1", "node2"):
        sim.ontap.set_node(node, reachable=False)
        predicted = migrate(sim, TO_VAULT, check=True)
        sim.ontap.set_node(node, reachable=True)
        assert (predicted.failed, predicted.changed) == (False, True), predicted.msg
    for node in ("node1", "node2"):
        sim.ontap.set_node(node, reachable=False)
    sim.ontap.refuse("key-stores-list", 6)
    left = migrate(sim, TO_VAULT, check=True)
    assert (left.changed, "no node is up" in left.msg) == (False, True)


# --- where other modules send people here


def test_every_refusal_for_keys_in_the_wrong_place_names_the_task(sim: Simulator) -> None:
    if release(sim) >= (9, 10):
        refused = drive(sim, {"svm": "vs0", "client_secret": "new", "update_credentials": "always"})
        assert refused.result["error"]["code"] == "65537547"
        assert "azure_key_vault_migrate (svm: vs0, direction: to_vault)" in refused.msg
        many = [{"svm": "vs0", "client_secret": "new", "update_credentials": "always"}]
        refused = drive(sim, {"vaults": many}, module="azure_key_vaults")
        assert "azure_key_vault_migrate (svm: vs0, direction: to_vault)" in refused.msg
        (entry,) = refused.result["vaults"]
        assert "azure_key_vault_migrate (svm: vs0, direction: to_vault)" in entry["error"]["remedy"]
        for options in ({"key": "internal"}, {"key": "external", "key_id": KEY_2}):
            refused = drive(sim, {"svm": "vs0", **options}, module="azure_key_vault_rekey")
            assert "azure_key_vault_migrate (svm: vs0, direction: to_vault)" in refused.msg
    refused = drive(sim, {"svm": "vs1", **FULL})
    assert refused.result["error"]["code"] == "65537505"
    assert "azure_key_vault_migrate (svm: vs1, direction: to_vault)" in refused.msg
    assert "decrypt" in refused.msg
    sim.ontap.set_svm("vs0", keys_on_admin=False)
    uuid = sim.ontap.owner("vs0").uuid
    refused = drive(sim, {"svm_uuid": uuid, "state": "absent"})
    assert refused.result["error"]["code"] == "65536867"
    assert f"azure_key_vault_migrate (svm_uuid: {uuid}, direction: to_cluster)" in refused.msg


def test_from_the_onboard_key_manager_and_back(sim: Simulator) -> None:
    """What a guide does: after the way back the configuration can go."""
    assert migrate(sim, {**TO_VAULT, "force": True}).changed
    assert drive(sim, {"svm": "vs0", "state": "absent"}).failed
    assert migrate(sim, {**TO_CLUSTER, "force": True}).changed
    gone = drive(sim, {"svm": "vs0", "state": "absent"})
    assert (gone.failed, gone.changed) == (False, True), gone.msg
