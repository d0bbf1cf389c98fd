# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vault_restore and azure_key_vault_rekey: only when needed, never twice, and the outcome is checked."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import FULL, KEY, KEY_2, OLD, Outcome, assert_four_beats, connection, drive, number
from tests.support.waits import Waits

RELEASES = ["9.7", "9.8", "9.9.1", "9.10.1", "9.12.1", "9.13.1", "9.14.1", "9.16.1", "9.18.1"]
RESTORE, REKEY = "azure_key_vault_restore", "azure_key_vault_rekey"
INTERNAL = {"svm": "vs0", "key": "internal"}
EXTERNAL = {"svm": "vs0", "key": "external", "key_id": KEY_2}


@pytest.fixture(scope="module", params=RELEASES)
def shared(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    """A configuration in use: encrypted volumes, all nodes with their keys."""
    shared.ontap.reset()
    shared.clear_faults()
    shared.ontap.add_vault("vs0", **OLD)
    shared.ontap.encrypt_volumes("vs0")
    return shared


@pytest.fixture
def waits(sim: Simulator) -> Waits:
    return Waits(sim)


def release(sim: Simulator) -> tuple[int, ...]:
    return number(str(sim.ontap.profile.release))


def restore(sim: Simulator, *, check: bool = False, client: t.Any = None, **options: t.Any) -> Outcome:
    login = {**connection(sim), "request_timeout": 5} if client else None
    return drive(sim, {"svm": "vs0", **options}, check=check, module=RESTORE, client=client, login=login)


def rekey(sim: Simulator, options: t.Mapping[str, t.Any], *, check: bool = False, client: t.Any = None) -> Outcome:
    login = {**connection(sim), "request_timeout": 5} if client else None
    return drive(sim, options, check=check, module=REKEY, client=client, login=login)


def test_all_nodes_have_their_keys(sim: Simulator) -> None:
    for check in (True, False):
        outcome = restore(sim, check=check)
        assert not outcome.failed, outcome.msg
        assert (outcome.changed, outcome.methods) == (False, ["GET"])
        assert "Every node has its keys" in outcome.msg


def test_a_node_lacks_its_keys(sim: Simulator) -> None:
    sim.ontap.lose_keys("node2")
    before = sim.snapshot()
    beats = [restore(sim, check=check) for check in (True, False, False, True)]
    # Reading, counting volumes, looking for a running job, restore, up to 9.13.1 a poll, reading.
    assert_four_beats(beats, before, requests=5 if release(sim) >= (9, 14) else 6)
    predicted, done = beats[:2]
    assert predicted.result["diff"]["before"]["keys_missing_on"] == ["node2"]
    assert predicted.result["diff"]["after"]["keys_missing_on"] == []
    assert "node2" in predicted.msg
    assert done.result["azure_key_vault"]["state"]["available"] is True
    assert done.result["job"]["state"] == "success"
    assert done.result["credentials"] == "none"
    assert done.msg == "Restored the keys on node2."


def test_no_encrypted_volume_yet(sim: Simulator) -> None:
    """On releases too whose message would be the same for lost keys; and whatever other SVMs have."""
    sim.ontap.encrypt_volumes("vs0", False)
    sim.ontap.encrypt_volumes("vs1")
    for check in (True, False):
        outcome = restore(sim, check=check)
        assert not outcome.failed, outcome.msg
        assert (outcome.changed, outcome.methods) == (False, ["GET", "GET"])
        assert "No encrypted volume exists yet" in outcome.msg


REFUSALS = [
    {"kind": "error", "status": 403, "code": 6},
    {"kind": "error", "status": 400, "code": 6691623},
    {"kind": "error", "status": 401, "code": 6691623},
    {"kind": "error", "status": 404, "code": 3},
    {"kind": "error", "status": 400, "code": 262179},
    {"kind": "html", "status": 403},
]


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: "-".join(map(str, fault.values())))
def test_without_a_look_at_volumes_the_documented_sentence_decides(sim: Simulator, fault: dict[str, t.Any]) -> None:
    sim.fault(method="GET", path="/storage/volumes", times=None, **fault)
    sim.ontap.encrypt_volumes("vs0", False)
    predicted = restore(sim, check=True)
    assert not predicted.failed, predicted.msg
    # Up to 9.8 there is no such sentence, and nodes that may lack keys are taken for such.
    assert predicted.changed == (release(sim) < (9, 9))
    sim.ontap.encrypt_volumes("vs0")
    sim.ontap.lose_keys("node1")
    done = restore(sim)
    assert not done.failed, done.msg
    assert (done.changed, done.msg) == (True, "Restored the keys on node1.")


def test_volumes_that_nobody_could_count_for_another_reason_are_an_error(sim: Simulator) -> None:
    sim.ontap.lose_keys("node1")
    sim.ontap.refuse("volumes-list", 65537504, status=500)
    failed = restore(sim)
    sim.ontap.allow()
    assert failed.failed
    assert not failed.writes
    assert failed.result["error"]["path"] == "/api/storage/volumes"


def test_a_restore_of_the_cluster_scope(sim: Simulator) -> None:
    """Volumes of SVMs do not make keys of the cluster missing, and none at all says that there are none."""
    sim.ontap.add_vault(None, **OLD)
    fresh = drive(sim, {"scope": "cluster"}, module=RESTORE)
    # Up to 9.8 ONTAP says nothing that would tell them apart.
    assert fresh.changed == (release(sim) < (9, 9))
    sim.ontap.encrypt_volumes("vs0", False)
    assert not drive(sim, {"scope": "cluster"}, module=RESTORE).changed
    sim.ontap.encrypt_volumes(None)
    sim.ontap.lose_keys("node2")
    beats = [drive(sim, {"scope": "cluster"}, check=check, module=RESTORE) for check in (True, False, False)]
    assert [beat.changed for beat in beats] == [True, True, False]
    assert beats[1].msg == "Restored the keys on node2."


def test_force_always_restores(sim: Simulator) -> None:
    for _run in range(2):
        predicted, done = restore(sim, check=True, force=True), restore(sim, force=True)
        assert not done.failed, done.msg
        assert predicted.changed
        assert not predicted.writes
        assert done.changed
        assert done.result["diff"] == predicted.result["diff"]
        assert [action["path"].rpartition("/")[2] for action in done.result["actions"]] == ["restore"]


def test_a_restore_that_does_not_reach_every_node_names_them(sim: Simulator) -> None:
    sim.ontap.lose_keys("node2")
    sim.ontap.set_node("node2", reachable=False)
    failed = restore(sim)
    assert failed.failed
    assert failed.result["error"]["code"] == "65537515"
    assert "missing on node2" in failed.msg
    assert "cluster show" in failed.msg


def test_success_that_is_none_is_a_failure(sim: Simulator) -> None:
    """ONTAP says success and a node still lacks its keys."""
    sim.ontap.lose_keys("node2")
    client = after_write(sim, lambda: sim.ontap.lose_keys("node2"))
    failed = restore(sim, client=client)
    assert failed.failed
    assert "still missing on node2" in failed.msg
    assert failed.changed


@pytest.mark.parametrize("module", [RESTORE, REKEY])
def test_without_a_configuration(sim: Simulator, module: str) -> None:
    """In a check run an earlier task may have predicted it, so that is no failure; in a real run it is one."""
    options: dict[str, t.Any] = {"svm": "vs1", **({"key": "internal"} if module == REKEY else {})}
    for certain in ({"svm": "vs9"}, {"svm": None, "uuid": "no-such-uuid"}):
        assert drive(sim, {**options, **certain}, check=True, module=module).failed
    predicted = drive(sim, options, check=True, module=module)
    assert (predicted.failed, predicted.changed) == (False, False)
    assert any("A real run fails unless" in warning for warning in predicted.result["warnings"])
    failed = drive(sim, options, module=module)
    assert failed.failed
    assert "no Azure Key Vault configuration" in failed.msg
    unknown = drive(sim, {**options, "svm": None, "uuid": "no-such-uuid"}, module=module)
    assert unknown.failed
    assert "no-such-uuid" in unknown.msg


@pytest.mark.parametrize("module", [RESTORE, REKEY])
def test_an_inactive_configuration(sim: Simulator, module: str) -> None:
    if release(sim) < (9, 14):
        return
    uuid = sim.ontap.add_vault("vs1", enabled=False, configuration="second", **OLD)
    extra = {"key": "internal"} if module == REKEY else {}
    for options in ({"svm": "vs1", "configuration": "second"}, {"uuid": uuid}):
        for check in (True, False):
            failed = drive(sim, {**options, **extra}, check=check, module=module)
            assert failed.failed
            assert "second is inactive" in failed.msg
            assert not failed.writes


def test_a_configuration_by_uuid(sim: Simulator) -> None:
    uuid = restore(sim).result["azure_key_vault"]["uuid"]
    assert drive(sim, {"uuid": uuid}, module=RESTORE).methods == ["GET"]
    for other in ({"svm": "vs0"}, {"svm_uuid": "u"}, {"configuration": "c"}, {"scope": "cluster"}):
        failed = drive(sim, {"uuid": uuid, **other}, module=RESTORE)
        assert failed.failed
        assert "uuid is given together with" in failed.msg
        assert not failed.requests


def test_rekey_internal(sim: Simulator) -> None:
    predicted, done, again = rekey(sim, INTERNAL, check=True), rekey(sim, INTERNAL), rekey(sim, INTERNAL)
    if release(sim) < (9, 8):
        for outcome in (predicted, done, again):
            assert outcome.failed
            assert "key=internal needs ONTAP 9.8" in outcome.msg
            assert not outcome.writes
        return
    assert not predicted.writes
    assert predicted.result["diff"]["after"]["internal_key"] == "(new)"
    for outcome in (done, again):
        assert not outcome.failed, outcome.msg
        assert outcome.changed
        assert outcome.result["diff"] == predicted.result["diff"]
        assert len(outcome.writes) == 1
    assert done.snapshot != again.snapshot


def test_rekey_internal_without_a_key(sim: Simulator) -> None:
    """Explained, not thrown: also when ONTAP is the one to say so."""
    if release(sim) < (9, 8):
        return
    sim.ontap.encrypt_volumes("vs0", False)
    for check in (True, False):
        outcome = rekey(sim, INTERNAL, check=check)
        assert (outcome.failed, outcome.changed, outcome.methods) == (False, False, ["GET", "GET"])
        assert "first encrypted volume" in outcome.msg
    sim.ontap.encrypt_volumes("vs0")
    sim.ontap.refuse("rekey-internal", 65537559)
    outcome = rekey(sim, INTERNAL)
    sim.ontap.allow()
    assert (outcome.failed, outcome.changed) == (False, False)
    assert "first encrypted volume" in outcome.msg


def test_rekey_external(sim: Simulator) -> None:
    before = sim.snapshot()
    beats = [rekey(sim, EXTERNAL, check=check) for check in (True, False, False, True)]
    if release(sim) < (9, 8):
        assert all("9.8" in beat.msg and not beat.writes for beat in beats)
        return
    if release(sim) < (9, 9):
        # ONTAP 9.8 wants the client secret with it, which the other module takes.
        assert any("client_secret" in warning for warning in beats[0].result["warnings"])
        assert beats[1].result["error"]["code"] == "65537517"
        return
    assert_four_beats(beats, before, requests=6)
    assert beats[1].writes[0]["method"] == ("PATCH" if release(sim) < (9, 11) else "POST")
    assert beats[1].result["azure_key_vault"]["key_id"] in (KEY_2, KEY_2.rpartition("/")[0])
    assert "uses that key already" in beats[2].msg


ANY = KEY.rpartition("/")[0]
OTHER_VERSION = KEY.replace("a8e6", "b8e6")


def with_key(sim: Simulator, key_id: str) -> None:
    sim.ontap.change_vault("vs0", key_id=key_id)


@pytest.mark.parametrize(
    ("used", "wanted"), [(ANY, KEY), (KEY, ANY), (KEY, OTHER_VERSION)], ids=["pin", "free", "next"]
)
def test_another_version_of_the_same_key(sim: Simulator, used: str, wanted: str) -> None:
    """Moved to where ONTAP shows that it is another. Where only the release would tell, that is not asked for."""
    with_key(sim, used)
    before = sim.snapshot()
    options = {**EXTERNAL, "key_id": wanted}
    if release(sim) < (9, 13) or (release(sim) < (9, 14) and used == ANY):
        if release(sim) < (9, 8) and used == KEY and wanted != ANY:
            # ONTAP 9.7 shows versions, and cannot change the key.
            assert "Changing key_id needs ONTAP 9.8" in rekey(sim, options).msg
            return
        for check in (True, False):
            outcome = rekey(sim, options, check=check)
            assert (outcome.failed, outcome.changed, outcome.methods) == (False, False, ["GET"]), outcome.msg
            pinned = release(sim) < (9, 8) and used == KEY
            assert outcome.result["key_version"] == ("pinned" if pinned else "unknown")
            assert ("pinned to the version" if pinned else "shows no version") in outcome.msg or wanted == ANY
            assert bool(outcome.result["warnings"]) == (wanted != ANY)
        return
    beats = [rekey(sim, options, check=check) for check in (True, False, False, True)]
    # Up to 9.13.1 the release is asked for, and the job polled.
    assert_four_beats(beats, before, requests=4 if release(sim) >= (9, 14) else 6)
    predicted, done, repeated, _again = beats
    assert [action["path"].rpartition("/")[2] for action in predicted.result["actions"]] == ["rekey-external"]
    assert (done.result["diff"]["before"]["key_id"], done.result["diff"]["after"]["key_id"]) == (used, wanted)
    assert done.result["azure_key_vault"]["key_id"] == wanted
    assert {beat.result["key_version"] for beat in (predicted, done)} == {"latest" if wanted == ANY else "pinned"}
    assert "uses that key already" in repeated.msg
    assert not any(beat.result["warnings"] for beat in beats)


def test_another_version_where_ontap_shows_none(sim: Simulator) -> None:
    """Up to 9.12.1 nobody can tell whether the version is in use: the module says so, and force moves to it."""
    if not (9, 11) <= release(sim) < (9, 13):
        return
    options = {**EXTERNAL, "key_id": OTHER_VERSION}
    outcome = rekey(sim, options)
    assert (outcome.failed, outcome.changed) == (False, False)
    assert "shows no version" in outcome.msg
    predicted, done = rekey(sim, {**options, "force": True}, check=True), rekey(sim, {**options, "force": True})
    assert not predicted.writes
    assert predicted.changed
    assert not done.failed, done.msg
    assert len(done.writes) == 1
    assert done.result["diff"] == predicted.result["diff"]
    assert done.result["key_version"] == predicted.result["key_version"] == "unknown"
    assert "now" in done.msg


def test_force_pins_a_version_where_the_record_does_not_tell_the_release(sim: Simulator) -> None:
    if not (9, 13) <= release(sim) < (9, 14):
        return
    with_key(sim, ANY)
    done = rekey(sim, {**EXTERNAL, "key_id": KEY, "force": True})
    assert not done.failed, done.msg
    assert done.result["key_version"] == "pinned"
    repeated = rekey(sim, {**EXTERNAL, "key_id": KEY})
    assert (repeated.changed, repeated.methods, repeated.result["warnings"]) == (False, ["GET"], [])


@pytest.mark.parametrize(("used", "wanted"), [(ANY, KEY), (KEY, ANY)], ids=["pin", "free"])
def test_what_ontap_does_not_show_afterwards_is_said_and_not_repeated(sim: Simulator, used: str, wanted: str) -> None:
    """A cluster that keeps on showing the key as before: one move a run, and a warning."""
    if release(sim) < (9, 14):
        return
    with_key(sim, used)
    done = rekey(sim, {**EXTERNAL, "key_id": wanted}, client=after_write(sim, lambda: with_key(sim, used)))
    assert not done.failed, done.msg
    assert done.changed
    assert len(done.writes) == 1
    (warning,) = done.result["warnings"]
    assert wanted in warning
    assert f"shows {used}." in warning
    assert done.result["key_version"] == ("latest" if used == ANY else "pinned")


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
@pytest.mark.parametrize(("used", "force"), [(ANY, False), (ANY, True), (KEY, True)], ids=["pin", "forced", "same"])
def test_a_lost_move_to_another_version(sim: Simulator, waits: Waits, kind: str, used: str, force: bool) -> None:
    """The same key is shown before and after, which settles nothing: the version or the job does."""
    if release(sim) < (9, 11) or (release(sim) < (9, 14) and not force):
        return
    with_key(sim, used)
    sim.fault(method="POST", kind=kind)
    outcome = act(sim, REKEY, {**EXTERNAL, "key_id": KEY, "force": force}, waits)
    if kind == "reset_before" and (release(sim) < (9, 13) or used == KEY):
        # Nothing shows whether it arrived, so it is neither repeated nor called done.
        assert outcome.failed
        assert "cannot be seen" in outcome.msg
        assert "update_credentials" not in outcome.msg
        assert len(outcome.writes) == 1
        return
    assert not outcome.failed, outcome.msg
    assert outcome.changed
    assert len(outcome.writes) == (2 if kind == "reset_before" else 1)
    assert sim.ontap.store("vs0").settings["key_id"] == KEY


@pytest.mark.parametrize("lacking", [False, True])
def test_a_forced_restore_attaches_once(sim: Simulator, waits: Waits, lacking: bool) -> None:
    if lacking:
        sim.ontap.lose_keys("node2")
    sim.ontap.set_duration("restore", 60)
    assert act(sim, RESTORE, {"svm": "vs0", "force": True}, waits, wait_timeout=10).failed
    attached = act(sim, RESTORE, {"svm": "vs0", "force": True}, waits)
    assert not attached.failed, attached.msg
    assert not attached.writes
    assert attached.result["azure_key_vault"]["state"]["available"] is True


def test_a_forced_rekey_that_attaches_to_the_job_of_another_key_does_not_call_it_its_own(
    sim: Simulator, waits: Waits
) -> None:
    if release(sim) < (9, 11):
        return
    sim.ontap.set_duration("rekey-external", 60)
    third = KEY_2.replace("k2", "k3")
    assert act(sim, REKEY, {**EXTERNAL, "key_id": third}, waits, wait_timeout=10).failed
    forced = act(sim, REKEY, {**EXTERNAL, "force": True}, waits)
    assert forced.failed
    assert "keys/k3" in forced.msg
    assert not forced.writes


def test_rekey_external_to_another_vault_needs_a_word(sim: Simulator) -> None:
    if release(sim) < (9, 9):
        return
    other = {**EXTERNAL, "key_id": "https://other.vault.azure.net/keys/k"}
    for check in (True, False):
        failed = rekey(sim, other, check=check)
        assert failed.failed
        assert "allow_other_vault" in failed.msg
        assert not failed.writes
    done = rekey(sim, {**other, "allow_other_vault": True})
    assert not done.failed, done.msg
    assert any("another vault" in warning for warning in done.result["warnings"])


@pytest.mark.parametrize("code", [65537547, 65537610, 65539436, 65539437])
def test_refusals_are_explained(sim: Simulator, code: int) -> None:
    if release(sim) < (9, 11):
        return
    for operation, options in (("rekey-external", EXTERNAL), ("rekey-internal", INTERNAL)):
        sim.ontap.refuse(operation, code)
        failed = rekey(sim, options)
        sim.ontap.allow()
        assert failed.failed
        assert failed.result["error"]["code"] == str(code)
        assert failed.result["error"]["meaning"]
        assert failed.result["error"]["remedy"]
        assert not failed.changed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key": "external"}, "key_id is not given"),
        ({"key": "internal", "key_id": KEY}, "key_id is given although key is internal"),
        ({"key": "external", "key_id": "key1"}, "key_id"),
        ({"key": "internal", "wait_timeout": -1}, "wait_timeout"),
    ],
)
def test_bad_input(sim: Simulator, options: dict[str, t.Any], words: str) -> None:
    failed = rekey(sim, {"svm": "vs0", **options})
    assert failed.failed
    assert words in failed.msg
    assert failed.result["error"]["remedy"]
    assert not failed.requests


JOBS = [("restore", RESTORE, {"svm": "vs0"}), ("rekey-internal", REKEY, INTERNAL), ("rekey-external", REKEY, EXTERNAL)]
each_job = pytest.mark.parametrize(("operation", "module", "options"), JOBS, ids=[job[0] for job in JOBS])


def prepared(sim: Simulator, operation: str) -> bool:
    sim.ontap.lose_keys("node2")
    sim.ontap.set_duration(operation, 60)
    since = {"restore": (9, 7), "rekey-internal": (9, 8), "rekey-external": (9, 11)}[operation]
    return release(sim) >= since


def act(sim: Simulator, module: str, options: t.Mapping[str, t.Any], waits: Waits, **more: t.Any) -> Outcome:
    check = more.pop("check", False)
    login = {**connection(sim), "request_timeout": 5}
    return drive(sim, {**options, **more}, check=check, module=module, client=waits.client, login=login)


@each_job
def test_a_long_job_costs_few_polls(
    sim: Simulator, waits: Waits, operation: str, module: str, options: dict[str, t.Any]
) -> None:
    if not prepared(sim, operation):
        return
    done = act(sim, module, options, waits)
    assert not done.failed, done.msg
    assert len([request for request in done.requests if "/cluster/jobs/" in request["path"]]) <= 15


@each_job
def test_the_next_run_attaches(
    sim: Simulator, waits: Waits, operation: str, module: str, options: dict[str, t.Any]
) -> None:
    if not prepared(sim, operation):
        return
    failed = act(sim, module, options, waits, wait_timeout=10)
    assert failed.failed
    uuid = failed.result["error"]["job"]["uuid"]
    assert uuid in failed.msg
    assert len(failed.writes) == 1
    predicted = act(sim, module, options, waits, check=True)
    assert predicted.result["job"]["uuid"] == uuid
    expected = "starts another if" if operation == "rekey-external" else "starts none"
    assert any(uuid in warning and expected in warning for warning in predicted.result["warnings"])
    assert predicted.changed
    assert predicted.result["actions"] == []
    attached = act(sim, module, options, waits)
    assert not attached.failed, attached.msg
    assert attached.changed
    assert not attached.writes
    assert attached.result["job"]["uuid"] == uuid
    assert attached.result["job"]["state"] == "success"


@each_job
def test_an_answer_that_was_lost_is_found_by_its_job(
    sim: Simulator, waits: Waits, operation: str, module: str, options: dict[str, t.Any]
) -> None:
    if not prepared(sim, operation):
        return
    sim.fault(method="POST", kind="reset_after")
    done = act(sim, module, options, waits)
    assert not done.failed, done.msg
    assert done.changed
    assert len(done.writes) == 1
    assert done.result["job"]["state"] == "success"


def test_a_lost_internal_rekey_without_a_job_is_not_repeated(sim: Simulator, waits: Waits) -> None:
    if release(sim) < (9, 8):
        return
    sim.fault(method="POST", kind="reset_before")
    failed = act(sim, REKEY, INTERNAL, waits)
    assert failed.failed
    assert len(failed.writes) == 1
    assert "job history show" in failed.msg


def test_a_configuration_removed_while_its_job_runs(sim: Simulator, waits: Waits) -> None:
    if release(sim) < (9, 11):
        return
    sim.ontap.set_duration("rekey-external", 60)
    original = waits.sleep

    def asleep(seconds: float) -> None:
        if sim.ontap.stores:
            sim.ontap.remove_vault("vs0")
        original(seconds)

    waits.sleep = asleep  # type: ignore[method-assign]
    failed = act(sim, REKEY, EXTERNAL, waits)
    assert failed.failed
    assert failed.result["error"]["remedy"]


def test_a_check_run_of_create_restore_and_rekey(sim: Simulator) -> None:
    assert drive(sim, {"svm": "vs1", **FULL}, check=True).changed
    assert not restore(sim, check=True, svm="vs1").failed
    for options in (INTERNAL, EXTERNAL):
        outcome = rekey(sim, {**options, "svm": "vs1"}, check=True)
        assert (outcome.failed, outcome.changed) == (False, False)


def after_write(sim: Simulator, then: t.Callable[[], t.Any]) -> t.Callable[..., t.Any]:
    """A client right after whose jobs something happens to the cluster."""
    from ansible_collections.ontap.security.plugins.module_utils._ontap.answer import Answer
    from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client

    class Meddled(Client):
        def write(self, *args: t.Any, **kwargs: t.Any) -> Answer:
            answer = super().write(*args, **kwargs)
            sim.ontap.clock.advance(1)
            self.job(answer.job_uuid or "")
            then()
            return answer

    return lambda settings: Meddled(settings, sleep=lambda _seconds: None)
