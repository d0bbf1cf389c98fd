# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the result says of each request that was sent: done, refused, or unknown, and then that before anything else."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from tests.simulator import Simulator
from tests.support.beats import FULL, KEY_2, OLD, SECRET, Outcome, connection, drive
from tests.support.waits import Waits

VAULT, VAULTS = "azure_key_vault", "azure_key_vaults"
RESTORE, REKEY = "azure_key_vault_restore", "azure_key_vault_rekey"
CREATE = {"svm": "vs0", **FULL}
UPDATE = {"svm": "vs0", "proxy_port": 81}
CREDENTIAL = {"svm": "vs0", "client_secret": SECRET, "update_credentials": "always"}
DELETE = {"svm": "vs0", "state": "absent"}
INTERNAL = {"svm": "vs0", "key": "internal"}
EXTERNAL = {"svm": "vs0", "key": "external", "key_id": KEY_2}


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Simulator]:
    with Simulator(release="9.18.1", svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> t.Iterator[Simulator]:
    shared.reset()
    yield shared
    shared.reset()


@pytest.fixture
def waits(sim: Simulator) -> Waits:
    return Waits(sim)


def act(sim: Simulator, waits: Waits, options: t.Mapping[str, t.Any], module: str = VAULT, **more: t.Any) -> Outcome:
    login = {**connection(sim), "request_timeout": 5}
    return drive(sim, {**options, **more}, module=module, client=waits.client, login=login)


def outcomes(outcome: Outcome) -> list[str]:
    return [action["outcome"] for action in outcome.result["actions"]]


def in_use(sim: Simulator) -> None:
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.encrypt_volumes("vs0")


LOST = [
    pytest.param(VAULT, CREATE, "create the Azure Key Vault configuration of SVM vs0", id="create"),
    pytest.param(VAULT, UPDATE, "update the Azure Key Vault configuration of SVM vs0", id="update"),
    pytest.param(VAULT, CREDENTIAL, "update the Azure Key Vault configuration of SVM vs0", id="credential"),
    pytest.param(VAULT, DELETE, "delete the Azure Key Vault configuration of SVM vs0", id="delete"),
    pytest.param(VAULT, {"svm": "vs0", "key_id": KEY_2}, "change the external key of SVM vs0", id="key"),
    pytest.param(RESTORE, {"svm": "vs0"}, "restore the keys of SVM vs0", id="restore"),
    pytest.param(REKEY, INTERNAL, "replace the internal key of SVM vs0", id="internal"),
    pytest.param(REKEY, EXTERNAL, "change the external key of SVM vs0", id="external"),
]


@pytest.mark.parametrize(("module", "options", "purpose"), LOST)
@pytest.mark.parametrize("arrived", [True, False])
def test_a_read_that_fails_never_replaces_the_word_about_the_write(
    sim: Simulator, waits: Waits, module: str, options: dict[str, t.Any], purpose: str, arrived: bool
) -> None:
    if options is not CREATE:
        sim.ontap.add_vault("vs0", **OLD)
    if module != VAULT:
        sim.ontap.encrypt_volumes("vs0")
        sim.ontap.lose_keys("node2")
    for method in ("POST", "PATCH", "DELETE"):
        sim.fault(method, kind="reset_after" if arrived else "reset_before")
    # The reads before the write are well; everything behind it is not.
    read = 1 + (module != VAULT or "key_id" in options) + (module == RESTORE or options is INTERNAL)
    sim.fault("GET", times=None, kind="reset_before", skip=read)
    failed = act(sim, waits, options, module)
    assert failed.failed
    assert failed.changed
    assert outcomes(failed) == ["unknown"]
    assert failed.msg.startswith(f"The request to {purpose} was sent, and nobody knows what became of it: ")
    assert "failed as well" in failed.msg
    assert len(failed.writes) == 1
    assert failed.result["error"]["method"] == failed.writes[0]["method"]
    assert failed.result["error"]["remedy"]
    if "client_secret" in failed.result["actions"][0]["fields"]:
        assert failed.result["credentials"] == "sent"


def test_an_entry_of_many_says_it_for_itself_and_comes_first(sim: Simulator) -> None:
    sim.ontap.add_vault("vs1", **{**OLD, "name": "https://other.vault.azure.net/"})
    sim.fault("POST", kind="reset_after")
    sim.fault("GET", times=None, kind="reset_before", skip=2)
    failed = drive(sim, {"vaults": [{"svm": "vs1", **FULL}, CREATE]}, module=VAULTS)
    blocked, lost = failed.result["vaults"]
    assert failed.changed
    assert (blocked["verdict"], blocked["actions"]) == ("blocked", [])
    assert (lost["verdict"], lost["changed"]) == ("error", True)
    assert [action["outcome"] for action in lost["actions"]] == ["unknown"]
    assert lost["error"]["msg"].startswith("The request to create")
    assert failed.msg.index("nobody knows") < failed.msg.index("other.vault.azure.net")


@pytest.mark.parametrize(
    ("operation", "method", "options"),
    [("create", "POST", CREATE), ("patch", "PATCH", UPDATE), ("delete", "DELETE", DELETE)],
)
@pytest.mark.parametrize("times", [1, None])
def test_the_job_of_a_lost_answer_is_waited_for(
    sim: Simulator, waits: Waits, operation: str, method: str, options: dict[str, t.Any], times: int | None
) -> None:
    """A read that comes while the job runs sees no effect, which is no reason to send the change again."""
    if options is not CREATE:
        sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.set_duration(operation, 30)
    sim.fault(method, kind="reset_after", times=times)
    done = act(sim, waits, options)
    assert not done.failed, done.msg
    assert [request["method"] for request in done.writes] == [method]
    assert done.result["job"]["state"] == "success"
    assert outcomes(done) == ["done"]


def test_the_job_of_a_lost_credential_tells_what_no_field_shows(sim: Simulator, waits: Waits) -> None:
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.set_duration("patch", 30)
    sim.fault("PATCH", kind="reset_after")
    done = act(sim, waits, CREDENTIAL)
    assert not done.failed, done.msg
    assert len(done.writes) == 1
    assert outcomes(done) == ["done"]


def test_another_create_at_work_is_not_taken_for_this_one(sim: Simulator, waits: Waits) -> None:
    """Each create has the same path; the job says for which SVM it is."""
    sim.ontap.set_duration("create", 3000)
    assert act(sim, waits, {**CREATE, "svm": "vs1"}, wait=False).changed
    sim.ontap.set_duration("create", 0)
    sim.fault("POST", kind="reset_after")
    done = act(sim, waits, CREATE)
    assert not done.failed, done.msg
    assert len(done.writes) == 1
    assert "job" not in done.result


@pytest.mark.parametrize("options", [CREATE, UPDATE], ids=["create", "update"])
def test_where_jobs_may_not_be_seen_no_effect_is_not_taken_for_none(
    sim: Simulator, waits: Waits, options: dict[str, t.Any]
) -> None:
    if options is UPDATE:
        sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.refuse("jobs-list", 6, status=403)
    sim.fault("POST" if options is CREATE else "PATCH", kind="reset_before")
    failed = act(sim, waits, options)
    assert failed.failed
    assert len(failed.writes) == 1
    assert outcomes(failed) == ["unknown"]
    assert "may not see jobs" in failed.msg


@pytest.mark.parametrize("polls", [{"kind": "reset_before"}, {"kind": "error", "status": 403, "code": 6}])
def test_an_internal_rekey_whose_job_was_lost_from_sight(sim: Simulator, waits: Waits, polls: dict[str, t.Any]) -> None:
    """By the time of the next run the job may have ended, and that run would replace the key once more."""
    in_use(sim)
    sim.ontap.set_duration("rekey-internal", 60)
    sim.fault("GET", "/cluster/jobs/", times=None, **polls)
    failed = act(sim, waits, INTERNAL, REKEY, wait_timeout=20)
    uuid = failed.result["job"]["uuid"]
    assert failed.failed
    assert outcomes(failed) == ["unknown"]
    assert failed.msg.startswith("The request to replace the internal key of SVM vs0 was sent, and nobody knows yet")
    assert f"Look at job {uuid} first" in failed.msg
    assert "Run the same task again" not in failed.msg
    assert "once more" in failed.msg


def test_an_internal_rekey_of_which_ontap_says_nothing_is_not_done(sim: Simulator, waits: Waits) -> None:
    in_use(sim)
    sim.fault("POST", kind="empty")
    failed = act(sim, waits, INTERNAL, REKEY)
    assert failed.failed
    assert outcomes(failed) == ["unknown"]
    assert "named no job" in failed.msg
    # With a job that was not there before, it is that one.
    sim.fault("POST", kind="empty", after=True)
    done = act(sim, waits, INTERNAL, REKEY)
    assert not done.failed, done.msg
    assert done.result["job"]["state"] == "success"


@pytest.mark.parametrize("module", [RESTORE, REKEY])
def test_an_accepted_request_without_job_or_effect_is_unknown(sim: Simulator, waits: Waits, module: str) -> None:
    in_use(sim)
    sim.ontap.lose_keys("node2")
    sim.fault("POST", kind="status", status=202)
    failed = act(sim, waits, EXTERNAL if module == REKEY else {"svm": "vs0"}, module)
    assert failed.failed
    assert outcomes(failed) == ["unknown"]
    assert "HTTP 202 and named no job" in failed.msg


@pytest.mark.parametrize(
    ("operation", "options"),
    [("create", CREATE), ("patch", UPDATE), ("delete", DELETE), ("rekey-external", {"svm": "vs0", "key_id": KEY_2})],
)
def test_a_job_that_failed_without_a_trace_has_changed_nothing(
    sim: Simulator, waits: Waits, operation: str, options: dict[str, t.Any]
) -> None:
    if options is not CREATE:
        sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.set_duration(operation, 30)
    sim.ontap.plan_job(operation, "failure", 65537504)
    failed = act(sim, waits, options)
    assert failed.failed
    assert failed.result["error"]["code"] == "65537504"
    assert outcomes(failed) == ["refused"]
    assert not failed.changed
    assert failed.result["diff"]["before"] == failed.result["diff"]["after"]


def test_a_job_that_failed_and_nothing_can_tell(sim: Simulator, waits: Waits) -> None:
    in_use(sim)
    sim.ontap.set_duration("rekey-internal", 30)
    sim.ontap.plan_job("rekey-internal", "failure", 65537504)
    failed = act(sim, waits, INTERNAL, REKEY)
    assert failed.failed
    assert outcomes(failed) == ["unknown"]
    assert failed.changed


def test_a_restore_that_reached_one_of_two_nodes_has_changed_something(sim: Simulator, waits: Waits) -> None:
    in_use(sim)
    sim.ontap.lose_keys("node1")
    sim.ontap.lose_keys("node2")
    sim.ontap.set_duration("restore", 30)
    sim.ontap.plan_job("restore", "failure", 65537515)
    original = waits.sleep

    def sleep(seconds: float) -> None:
        original(seconds)
        store = sim.ontap.store("vs0")
        store.keys_on.add(sim.ontap.node("node1").uuid)

    waits.sleep = sleep  # type: ignore[method-assign]
    failed = act(sim, waits, {"svm": "vs0"}, RESTORE)
    assert failed.failed
    assert failed.changed
    assert outcomes(failed) == ["unknown"]
    assert "still missing on node2" in failed.msg


def test_of_two_creates_at_once_one_has_changed_nothing(sim: Simulator, waits: Waits) -> None:
    """Both are taken as jobs; the second job finds the configuration of the first."""
    sim.ontap.set_duration("create", 30)
    original = waits.sleep

    def sleep(seconds: float) -> None:
        if not sim.ontap.stores:
            sim.ontap.add_vault("vs0", **OLD)
        original(seconds)

    waits.sleep = sleep  # type: ignore[method-assign]
    second = act(sim, waits, CREATE)
    assert not second.failed, second.msg
    assert not second.changed
    assert outcomes(second) == ["refused"]
    assert second.result["azure_key_vault"]["uuid"]


def test_a_job_nobody_waits_for_is_not_said_to_be_done(sim: Simulator, waits: Waits) -> None:
    in_use(sim)
    sim.ontap.set_duration("rekey-external", 60)
    started = act(sim, waits, EXTERNAL, REKEY, wait=False)
    assert (started.failed, started.changed) == (False, True)
    assert outcomes(started) == ["unknown"]


def test_what_never_left_is_not_said_to_be_sent(sim: Simulator) -> None:
    login = {**connection(sim), "hostname": "no-such-host.invalid"}
    failed = drive(sim, CREATE, login=login)
    assert failed.failed
    assert (failed.changed, failed.result["actions"]) == (False, [])


def test_an_error_afterwards_says_what_was_done(sim: Simulator, waits: Waits) -> None:
    sim.fault("GET", times=None, kind="reset_before", skip=2)
    failed = act(sim, waits, CREATE)
    assert failed.failed
    assert failed.changed
    assert outcomes(failed) == ["done"]
    assert failed.msg.startswith("Created the Azure Key Vault configuration of SVM vs0, but could not look at it")


# --- whether Azure takes the credential

WRONG = {"valid_secrets": ["another secret"]}


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("options", [CREATE, CREDENTIAL], ids=["create", "credential"])
def test_a_credential_that_azure_refuses_is_a_failure(options: dict[str, t.Any], many: bool) -> None:
    # From 9.16.1 on ONTAP itself tries the credential of a PATCH.
    with Simulator(release="9.14.1", svms=("vs0",)) as sim:
        if options is not CREATE:
            sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.set_azure(**WRONG)
        failed = drive(sim, {"vaults": [options]} if many else options, module=VAULTS if many else VAULT)
    assert failed.failed
    assert failed.changed
    assert "cannot reach Azure with it" in failed.msg
    assert outcomes(failed) == ["done"]
    assert "Could not" not in failed.msg
    entry = failed.result["vaults"][0] if many else failed.result
    assert entry["error"]["code"] == "65537549"
    assert entry["changed"]
    looks = [request for request in failed.requests if "azure_reachability" in request["query"].get("fields", "")]
    assert len(looks) == 1


@pytest.mark.parametrize("many", [False, True])
def test_who_does_not_want_to_know_is_not_told(sim: Simulator, many: bool) -> None:
    sim.ontap.set_azure(**WRONG)
    options = {**CREATE, "verify": False}
    done = drive(sim, {"vaults": [options]} if many else options, module=VAULTS if many else VAULT)
    assert not done.failed, done.msg
    assert not any("azure_reachability" in request["query"].get("fields", "") for request in done.requests)


@pytest.mark.parametrize("many", [False, True])
def test_a_credential_sent_unverified_is_only_warned_of(sim: Simulator, many: bool) -> None:
    sim.ontap.set_azure(**WRONG)
    options = {**CREATE, "skip_verification": True}
    done = drive(sim, {"vaults": [options]} if many else options, module=VAULTS if many else VAULT)
    assert not done.failed, done.msg
    assert any("does not reach Azure" in warning for warning in done.result["warnings"])


@pytest.mark.parametrize("many", [False, True])
def test_a_release_that_does_not_say_is_warned_of(many: bool) -> None:
    with Simulator(release="9.7", svms=("vs0",)) as old:
        done = drive(old, {"vaults": [CREATE]} if many else CREATE, module=VAULTS if many else VAULT)
    assert not done.failed, done.msg
    assert any("does not say whether it reaches Azure" in warning for warning in done.result["warnings"])
    assert len(done.requests) <= 5


@pytest.mark.parametrize("many", [False, True])
def test_a_look_at_azure_that_fails_does_not_hide_what_was_done(sim: Simulator, many: bool) -> None:
    sim.fault("GET", times=None, kind="reset_before", skip=2)
    failed = drive(sim, {"vaults": [CREATE]} if many else CREATE, module=VAULTS if many else VAULT)
    assert failed.failed
    assert failed.changed
    assert outcomes(failed) == ["done"]


class GoneAfterwards(Client):
    """Finds nothing any more after the first look at the configurations."""

    looks = 0

    def records(self, path: str, *arguments: t.Any, **keywords: t.Any) -> list[dict[str, t.Any]]:
        self.looks += path.endswith("azure-key-vaults")
        return super().records(path, *arguments, **keywords) if self.looks < 2 else []


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("code", [4, 65537511, 65537120, None])
def test_that_there_is_nothing_proves_no_credential(sim: Simulator, many: bool, code: int | None) -> None:
    """ONTAP says of what has just been changed that it is not configured, with an error or with an empty list."""
    in_use(sim)
    if code:
        sim.fault("GET", "azure-key-vaults", kind="error", status=404, code=code, times=None, skip=1)
    failed = drive(
        sim,
        {"vaults": [CREDENTIAL]} if many else CREDENTIAL,
        module=VAULTS if many else VAULT,
        client=Client if code else GoneAfterwards,
    )
    assert failed.failed
    assert failed.changed
    said = "could not look whether it is accepted" if many else "has no such configuration"
    assert said in failed.msg
