# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What networks, proxies, busy clusters and other people do meanwhile: nothing is lost, nothing done twice."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import FULL, IDENTITY, KEY_2, OLD, SECRET, Outcome, connection, drive
from tests.support.waits import Waits


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Simulator]:
    with Simulator(release="9.16.1", svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> t.Iterator[Simulator]:
    shared.ontap.reset()
    shared.clear_faults()
    yield shared
    shared.clear_faults()


CREATE = {"svm": "vs0", **FULL}
UPDATE = {"svm": "vs0", "proxy_port": 81}
DELETE = {"svm": "vs0", "state": "absent"}
REKEY = {"svm": "vs0", "key_id": KEY_2}
CHANGES = [
    pytest.param("POST", CREATE, id="create"),
    pytest.param("PATCH", UPDATE, id="update"),
    pytest.param("DELETE", DELETE, id="delete"),
    pytest.param("POST", REKEY, id="rekey"),
]


def prepare(sim: Simulator, options: t.Mapping[str, t.Any]) -> None:
    if options is not CREATE:
        sim.ontap.add_vault("vs0", **OLD)


def count(outcome: Outcome, method: str) -> int:
    return outcome.methods.count(method)


def converged(sim: Simulator, options: t.Mapping[str, t.Any]) -> None:
    """The next run finds nothing to do, with one request."""
    sim.clear_faults()
    after = drive(sim, options)
    assert not after.failed, after.msg
    assert (after.changed, after.methods) == (False, ["GET"])


LOST = [
    {"kind": "reset_after"},
    {"kind": "truncate"},
    {"kind": "truncate", "valid_length": True},
    {"kind": "garbage", "after": True},
    {"kind": "html", "after": True},
    {"kind": "html", "after": True, "status": 200},
    {"kind": "status", "after": True, "status": 502},
    {"kind": "status", "after": True, "status": 504},
    {"kind": "error", "after": True, "status": 500, "code": 65541},
]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: "-".join(map(str, fault.values())))
@pytest.mark.parametrize(("method", "options"), CHANGES)
def test_a_write_whose_answer_is_lost_is_settled_by_reading(
    sim: Simulator, method: str, options: dict[str, t.Any], fault: dict[str, t.Any]
) -> None:
    prepare(sim, options)
    sim.fault(method=method, path="azure-key-vaults", **fault)
    done = drive(sim, options)
    assert not done.failed, done.msg
    assert done.changed
    # It had taken effect, so it is not sent again.
    assert count(done, method) == 1
    converged(sim, options)


@pytest.mark.parametrize(("method", "options"), CHANGES)
def test_a_write_that_never_arrived_is_sent_again_once_reading_has_shown_it(
    sim: Simulator, method: str, options: dict[str, t.Any]
) -> None:
    prepare(sim, options)
    sim.fault(method=method, path="azure-key-vaults", kind="reset_before")
    done = drive(sim, options)
    assert not done.failed, done.msg
    assert count(done, method) == 2
    converged(sim, options)


@pytest.mark.parametrize(("method", "options"), CHANGES)
def test_a_write_that_never_arrives_fails_and_says_so(sim: Simulator, method: str, options: dict[str, t.Any]) -> None:
    prepare(sim, options)
    before = sim.snapshot()
    sim.fault(method=method, path="azure-key-vaults", kind="reset_before", times=None)
    failed = drive(sim, options)
    assert failed.failed
    assert "shows no effect" in failed.msg
    assert not failed.changed
    assert failed.snapshot == before
    assert count(failed, method) == 2
    sim.clear_faults()
    assert drive(sim, options).changed
    converged(sim, options)


def test_a_lost_credential_cannot_be_seen_and_is_not_repeated(sim: Simulator) -> None:
    prepare(sim, UPDATE)
    sim.fault(method="PATCH", kind="reset_after")
    failed = drive(sim, {"svm": "vs0", "client_secret": SECRET, "update_credentials": "always"})
    assert failed.failed
    assert count(failed, "PATCH") == 1
    assert "shows neither credentials" in failed.msg
    # Along with a field that ONTAP shows, it can.
    sim.fault(method="PATCH", kind="reset_after")
    done = drive(sim, {"svm": "vs0", "client_id": "another", "client_secret": SECRET, "update_credentials": "always"})
    assert not done.failed
    assert count(done, "PATCH") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_before"},
        {"kind": "truncate"},
        {"kind": "truncate", "valid_length": True},
        {"kind": "garbage"},
        {"kind": "html"},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 504},
        {"kind": "retry_after", "status": 429, "seconds": 1},
        {"kind": "retry_after", "status": 503, "seconds": 1},
        {"kind": "error", "status": 429, "code": 262160},
        {"kind": "error", "status": 500, "code": 65541},
        {"kind": "error", "status": 500, "code": 2621573},
        {"kind": "empty"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_reads_are_repeated(sim: Simulator, fault: dict[str, t.Any]) -> None:
    prepare(sim, UPDATE)
    sim.fault(method="GET", times=3, **fault)
    done = drive(sim, {"svm": "vs0"})
    assert not done.failed, done.msg
    assert done.methods == ["GET"] * 4
    sim.fault(method="GET", times=None, **fault)
    failed = drive(sim, UPDATE)
    assert failed.failed
    assert failed.methods == ["GET"] * 4
    assert failed.result["error"]["path"] == "/api/security/azure-key-vaults"
    assert failed.result["error"]["remedy"]


def test_a_busy_cluster_is_asked_again_since_it_did_nothing(sim: Simulator) -> None:
    prepare(sim, UPDATE)
    for fault in (
        {"kind": "retry_after", "status": 429, "seconds": 1},
        {"kind": "error", "status": 503, "code": 8},
        {"kind": "error", "status": 429, "code": 262160},
    ):
        sim.fault(method="PATCH", **fault)
    done = drive(sim, UPDATE)
    assert not done.failed, done.msg
    assert done.methods == ["GET", "PATCH", "PATCH", "PATCH", "PATCH"]


def test_redirects_are_not_followed(sim: Simulator) -> None:
    prepare(sim, UPDATE)
    for method in ("GET", "PATCH"):
        sim.fault(method=method, kind="redirect", location=f"{sim.url}/elsewhere", times=None)
        failed = drive(sim, UPDATE)
        assert failed.failed
        assert "redirected" in failed.msg
        assert not any("elsewhere" in request["path"] for request in failed.requests)
        sim.clear_faults()


def test_somebody_else_creates_the_same_meanwhile(sim: Simulator) -> None:
    """The POST is refused with 65537500; reading again shows that everything is as wanted."""
    client = meddling(sim, "POST", lambda: sim.ontap.add_vault("vs0", **OLD))
    done = drive(sim, CREATE, client=client)
    assert not done.failed, done.msg
    assert not done.changed
    assert done.result["azure_key_vault"]["uuid"]
    converged(sim, CREATE)


def test_somebody_else_creates_something_else_meanwhile(sim: Simulator) -> None:
    client = meddling(sim, "POST", lambda: sim.ontap.add_vault("vs0", **{**OLD, "client_id": "theirs"}))
    done = drive(sim, CREATE, client=client)
    assert not done.failed, done.msg
    actions = [(action["method"], action["outcome"]) for action in done.result["actions"]]
    assert actions == [("POST", "refused"), ("PATCH", "done")]
    converged(sim, CREATE)


def test_another_kind_of_key_manager_is_in_the_way(sim: Simulator) -> None:
    sim.ontap.add_key_manager("vs0", "kmip")
    predicted, failed = drive(sim, CREATE, check=True), drive(sim, CREATE)
    for outcome in (predicted, failed):
        assert outcome.failed
        assert "kmip" in outcome.msg
        assert outcome.result["error"]["code"] == "65537500"
        assert not outcome.changed
    assert not predicted.writes


@pytest.mark.parametrize("options", [UPDATE, REKEY], ids=["update", "rekey"])
def test_somebody_else_removes_it_meanwhile(sim: Simulator, options: dict[str, t.Any]) -> None:
    prepare(sim, options)
    method = "PATCH" if options is UPDATE else "POST"
    client = meddling(sim, method, lambda: sim.ontap.remove_vault("vs0"))
    failed = drive(sim, options, client=client)
    assert failed.failed
    # Planned again, it has become a create, and for that there is too little.
    assert "no Azure Key Vault configuration yet" in failed.msg
    assert "client_secret" in failed.msg


def test_removing_what_somebody_else_removes_meanwhile_is_fine(sim: Simulator) -> None:
    prepare(sim, DELETE)
    done = drive(sim, DELETE, client=meddling(sim, "DELETE", lambda: sim.ontap.remove_vault("vs0")))
    assert not done.failed, done.msg
    assert not done.changed


@pytest.mark.parametrize("code", [65536867, 65536924, 65536242, 196608080, 196608305, 65536817])
def test_a_refusal_to_remove_is_explained(sim: Simulator, code: int) -> None:
    prepare(sim, DELETE)
    sim.ontap.refuse("delete", code)
    before = sim.snapshot()
    failed = drive(sim, DELETE)
    sim.ontap.allow()
    assert failed.failed
    assert not failed.changed
    assert failed.snapshot == before
    error = failed.result["error"]
    assert error["code"] == str(code)
    assert error["meaning"] in failed.msg
    assert error["remedy"] in failed.msg
    assert error["method"] == "DELETE"
    assert "Could not delete the Azure Key Vault configuration of SVM vs0" in failed.msg


def test_encrypted_volumes_keep_their_key_manager(sim: Simulator) -> None:
    prepare(sim, DELETE)
    sim.ontap.encrypt_volumes("vs0")
    failed = drive(sim, DELETE)
    assert failed.result["error"]["code"] == "65536867"


def test_a_failed_second_step_tells_of_the_first(sim: Simulator) -> None:
    """The create stands when the PATCH behind it is refused, the result says so, and the next run finishes."""
    options = {**CREATE, "verify_host": True}
    sim.ontap.refuse("patch", 65537504, times=1)
    failed = drive(sim, options)
    assert failed.failed
    assert failed.changed
    actions = [(action["method"], action["outcome"]) for action in failed.result["actions"]]
    assert actions == [("POST", "done"), ("PATCH", "refused")]
    assert "verify_host" in failed.msg
    again = drive(sim, options)
    assert [action["fields"] for action in again.result["actions"]] == [["verify_host"]]
    converged(sim, options)


def meddling(sim: Simulator, method: str, meddle: t.Callable[[], t.Any]) -> t.Callable[..., t.Any]:
    """A client during whose first write somebody else is faster."""
    from ansible_collections.ontap.security.plugins.module_utils._ontap.answer import Answer
    from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client

    class Meddled(Client):
        done = False

        def write(self, verb: str, *args: t.Any, **kwargs: t.Any) -> Answer:
            if verb == method and not self.done:
                self.done = True
                meddle()
            return super().write(verb, *args, **kwargs)

    return lambda settings: Meddled(settings, sleep=lambda _seconds: None)


@pytest.fixture
def waits(sim: Simulator) -> Waits:
    return Waits(sim)


def rekey(sim: Simulator, waits: Waits, **more: t.Any) -> Outcome:
    # A short request_timeout keeps the server-side wait, which is real time, at nothing.
    return drive(sim, {**REKEY, **more}, client=waits.client, login={**connection(sim), "request_timeout": 5})


def test_a_job_of_a_minute_costs_at_most_15_polls(sim: Simulator, waits: Waits) -> None:
    prepare(sim, REKEY)
    sim.ontap.set_duration("rekey-external", 60)
    done = rekey(sim, waits)
    assert not done.failed, done.msg
    assert done.result["job"]["state"] == "success"
    polls = [request for request in done.requests if "/cluster/jobs/" in request["path"]]
    assert 2 < len(polls) <= 15


def test_a_wait_that_runs_out_names_the_job_and_the_next_run_attaches_to_it(sim: Simulator, waits: Waits) -> None:
    prepare(sim, REKEY)
    sim.ontap.set_duration("rekey-external", 60)
    failed = rekey(sim, waits, wait_timeout=10)
    assert failed.failed
    uuid = failed.result["error"]["job"]["uuid"]
    assert uuid in failed.msg
    assert "wait_timeout" in failed.msg
    predicted = drive(sim, REKEY, check=True)
    assert predicted.changed
    assert predicted.result["job"]["uuid"] == uuid
    assert any(uuid in warning for warning in predicted.result["warnings"])
    attached = rekey(sim, waits)
    assert not attached.failed, attached.msg
    assert attached.changed
    assert attached.writes == []
    assert attached.result["job"]["uuid"] == uuid
    assert attached.result["diff"]["before"]["key_id"] != attached.result["diff"]["after"]["key_id"] == KEY_2
    converged(sim, REKEY)


def test_not_waiting_returns_the_job(sim: Simulator, waits: Waits) -> None:
    prepare(sim, REKEY)
    sim.ontap.set_duration("rekey-external", 60)
    done = rekey(sim, waits, wait=False)
    assert (done.failed, done.changed) == (False, True)
    assert done.result["job"]["state"] == "running"
    again = rekey(sim, waits, wait=False)
    assert again.writes == []
    assert again.result["job"]["uuid"] == done.result["job"]["uuid"]


@pytest.mark.parametrize("state", ["failure", "cancelled", "expired"])
def test_a_job_that_does_not_succeed_is_a_failure(sim: Simulator, waits: Waits, state: str) -> None:
    prepare(sim, REKEY)
    sim.ontap.set_duration("rekey-external", 60)
    sim.ontap.plan_job("rekey-external", state, 65537547, "Migrate first")
    failed = rekey(sim, waits)
    assert failed.failed
    assert state in failed.msg
    assert failed.result["error"]["job"]["state"] == state
    if state == "failure":
        assert failed.result["error"]["code"] == "65537547"
        assert failed.result["error"]["meaning"]


def test_faults_while_polling_do_not_end_the_wait(sim: Simulator, waits: Waits) -> None:
    prepare(sim, REKEY)
    sim.ontap.set_duration("rekey-external", 60)
    sim.fault(method="GET", path="/cluster/jobs/", kind="reset_before", times=6)
    done = rekey(sim, waits)
    assert not done.failed, done.msg


def test_a_job_that_is_gone_is_settled_by_reading(sim: Simulator, waits: Waits) -> None:
    prepare(sim, REKEY)
    sim.ontap.set_duration("rekey-external", 60)
    original = waits.sleep

    def asleep(seconds: float) -> None:
        original(seconds + 400)

    waits.sleep = asleep  # type: ignore[method-assign]
    done = rekey(sim, waits)
    assert not done.failed, done.msg
    assert done.result["job"]["state"] == "gone"
    converged(sim, REKEY)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_job_counts_whatever_the_status_and_without_links(sim: Simulator, waits: Waits, status: int) -> None:
    prepare(sim, REKEY)
    sim.ontap.force_status("rekey-external", status)
    done = rekey(sim, waits)
    assert not done.failed, done.msg
    assert done.result["job"]["state"] == "success"
    converged(sim, REKEY)


@pytest.mark.parametrize(
    ("operation", "options"),
    [("create", CREATE), ("patch", UPDATE), ("delete", DELETE)],
    ids=["create", "update", "delete"],
)
def test_a_write_that_becomes_a_job_is_waited_for(
    waits: Waits, operation: str, options: dict[str, t.Any], sim: Simulator
) -> None:
    prepare(sim, options)
    sim.ontap.set_duration(operation, 30)
    sim.ontap.force_status(operation, 202)
    done = drive(sim, options, client=waits.client)
    assert not done.failed, done.msg
    assert done.result["job"]["state"] == "success"
    converged(sim, options)


def test_an_svm_that_does_not_exist_is_named_in_both_modes(sim: Simulator) -> None:
    for check in (True, False):
        failed = drive(sim, {"svm": "vs9", **FULL}, check=check)
        assert failed.failed
        assert "SVM vs9 does not exist" in failed.msg
        assert not failed.writes
    assert not drive(sim, {"svm": "vs9", "state": "absent"}).changed


def test_a_pattern_is_no_svm(sim: Simulator) -> None:
    prepare(sim, UPDATE)
    for svm in ("vs*", "vs0|vs1", "!vs1", "vs0 ", "*"):
        for options in ({"state": "absent"}, FULL):
            failed = drive(sim, {"svm": svm, **options})
            assert "is not the name of an SVM" in failed.msg
            assert not failed.requests


def test_a_login_that_may_only_read(sim: Simulator) -> None:
    sim.ontap.add_user("auditor", "auditor-password", "readonly")
    login = {**connection(sim), "username": "auditor", "password": "auditor-password"}
    assert drive(sim, CREATE, check=True, login=login).changed
    failed = drive(sim, CREATE, login=login)
    assert failed.failed
    assert failed.result["error"]["http_status"] in (401, 403)
    assert failed.result["error"]["remedy"]


def test_what_is_missing_to_create_is_named(sim: Simulator) -> None:
    failed = drive(sim, {"svm": "vs0", **IDENTITY})
    assert "client_secret or client_certificate" in failed.msg
    assert not failed.writes


def test_a_secret_that_ontap_quotes_is_hidden(sim: Simulator) -> None:
    """ONTAP may repeat a bad value in its message; it does not get further than that."""
    prepare(sim, UPDATE)
    secret = 'can"ary/+ secret'
    sim.ontap.refuse("patch", 262197, f'The value "{secret}" is invalid for field "client_secret"')
    failed = drive(sim, {"svm": "vs0", "client_secret": secret, "update_credentials": "always"})
    sim.ontap.allow()
    assert failed.failed
    assert secret not in str(failed.result)
    assert "(hidden)" in failed.msg
