# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the contract leaves something open, or ONTAP does the unexpected: the modules take either reading."""

from __future__ import annotations

import base64
import html
import json
import typing as t
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.ontap.security.plugins.module_utils._azure.health import health
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from tests.simulator import Simulator
from tests.support.beats import CERTIFICATE, FULL, KEY_2, OLD, Outcome, connection, drive
from tests.support.waits import Waits

RESTORE, REKEY, MANY = "azure_key_vault_restore", "azure_key_vault_rekey", "azure_key_vaults"


@pytest.fixture(scope="module")
def shared() -> t.Iterator[Simulator]:
    with Simulator(release="9.18.1", svms=("vs0", "vs1", "vs2")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    shared.ontap.reset()
    shared.clear_faults()
    shared.ontap.add_vault("vs0", **OLD)
    shared.ontap.encrypt_volumes("vs0")
    return shared


@pytest.fixture
def waits(sim: Simulator) -> Waits:
    return Waits(sim)


def slow(sim: Simulator, waits: Waits, options: t.Mapping[str, t.Any], module: str = "azure_key_vault") -> Outcome:
    login = {**connection(sim), "request_timeout": 5}
    return drive(sim, options, module=module, client=waits.client, login=login)


def svm_uuid(sim: Simulator, name: str = "vs0") -> str:
    return str(sim.ontap.owner(name).uuid)


# Removing what nobody names


@pytest.mark.parametrize("entry", [{"svm": "vs7", **FULL}, {"svm_uuid": "no-such-uuid", **FULL}], ids=["name", "uuid"])
def test_nothing_is_removed_that_a_failed_entry_may_mean(sim: Simulator, entry: dict[str, t.Any]) -> None:
    before = sim.snapshot()
    for check in (True, False):
        outcome = drive(sim, {"vaults": [entry], "unmanaged": "absent"}, check=check, module=MANY)
        assert outcome.failed
        assert not outcome.writes
        assert "Not removed" in outcome.msg
        assert outcome.snapshot == before


def test_a_blocked_entry_is_not_removed_as_a_stranger(sim: Simulator) -> None:
    sim.ontap.add_vault("vs1", **OLD)
    entry = {"svm": "vs0", **FULL, "name": "https://other.vault.azure.net/"}
    outcome = drive(sim, {"vaults": [entry], "unmanaged": "absent"}, module=MANY)
    assert outcome.failed
    # The record that the blocked entry means stays; the one that nobody means goes.
    assert [request["method"] for request in outcome.writes] == ["DELETE"]
    assert [store["owner"] for store in outcome.snapshot["key_stores"].values()] == ["vs0"]


def test_uuids_have_no_case(sim: Simulator) -> None:
    upper = svm_uuid(sim).upper()
    assert drive(sim, {"svm_uuid": upper, **FULL}).methods == ["GET"]
    assert not drive(sim, {"vaults": [{"svm_uuid": upper, **FULL}], "unmanaged": "absent"}, module=MANY).changed
    record = drive(sim, {"svm_uuid": upper}, module="azure_key_vault_info").result["azure_key_vaults"][0]
    assert not drive(sim, {"uuid": record["uuid"].upper()}, module=RESTORE).failed


# Secrets in what ONTAP says

SECRET = 'c4nary/secret+&<5> "x" %'


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        html.escape(SECRET),
        json.dumps(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_no_spelling_of_a_secret_gets_out_of_a_message(sim: Simulator, waits: Waits, spelled: str) -> None:
    options = {"svm": "vs0", "client_secret": SECRET, "update_credentials": "always"}
    sim.ontap.refuse("patch", 262197, f"The value {spelled} is invalid", times=1)
    refused = drive(sim, options)
    assert refused.failed
    sim.ontap.set_duration("patch", 30)
    sim.ontap.plan_job("patch", "failure", 65537540, f"Azure says {spelled} is wrong")
    by_job = slow(sim, waits, options)
    assert by_job.failed
    for outcome in (refused, by_job):
        assert spelled not in json.dumps(outcome.result)
        assert spelled not in outcome.msg
        assert "(hidden)" in outcome.msg


def test_a_certificate_is_hidden_as_it_is_sent(sim: Simulator) -> None:
    wrapped = "\n".join(CERTIFICATE[index : index + 10] for index in range(0, len(CERTIFICATE), 10))
    sim.ontap.refuse("patch", 65537573, f"Bad certificate {CERTIFICATE}", times=1)
    outcome = drive(sim, {"svm": "vs0", "client_certificate": wrapped})
    assert outcome.failed
    assert CERTIFICATE not in json.dumps(outcome.result)


def test_a_very_short_secret_does_not_tear_messages_apart(sim: Simulator) -> None:
    sim.ontap.refuse("patch", 262197, "The value e is invalid here", times=1)
    outcome = drive(sim, {"svm": "vs0", "client_secret": "e", "update_credentials": "always"})
    assert "The value (hidden) is invalid here" in outcome.msg


# Jobs


@pytest.mark.parametrize(
    ("operation", "options"),
    [
        ("patch", {"svm": "vs0", "client_id": "x", "client_secret": "y"}),
        ("rekey-external", {"svm": "vs0", "key_id": KEY_2}),
    ],
)
def test_what_was_accepted_counts_although_the_wait_ran_out(
    sim: Simulator, waits: Waits, operation: str, options: dict[str, t.Any]
) -> None:
    sim.ontap.set_duration(operation, 60)
    failed = slow(sim, waits, {**options, "wait_timeout": 5})
    assert failed.failed
    assert failed.changed
    assert len(failed.result["actions"]) == 1
    assert failed.result["job"] == failed.result["error"]["job"]
    if operation == "patch":
        assert failed.result["credentials"] == "sent"
        assert "second time" in failed.msg


def test_a_failed_job_is_reported_as_it_ended(sim: Simulator, waits: Waits) -> None:
    sim.ontap.set_duration("rekey-external", 30)
    sim.ontap.plan_job("rekey-external", "failure", 65537547, "Migrate first")
    failed = slow(sim, waits, {"svm": "vs0", "key_id": KEY_2})
    for job in (failed.result["job"], failed.result["error"]["job"]):
        assert (job["state"], job["code"], job["message"]) == ("failure", "65537547", "Migrate first")


def test_not_waiting_shows_the_record_as_it_is(sim: Simulator) -> None:
    sim.ontap.set_duration("rekey-external", 60)
    done = drive(sim, {"svm": "vs0", "key_id": KEY_2, "wait": False})
    assert done.changed
    assert done.result["azure_key_vault"]["key_id"] == OLD["key_id"]
    # It goes on: nothing was asked of ONTAP this time, and nothing is claimed.
    again = drive(sim, {"svm": "vs0", "key_id": KEY_2, "wait": False})
    assert not again.changed
    assert not again.writes
    assert again.result["job"]["uuid"] == done.result["job"]["uuid"]


def test_a_login_refused_once_while_polling_does_not_end_the_wait(sim: Simulator, waits: Waits) -> None:
    sim.ontap.set_duration("rekey-external", 30)
    sim.fault(method="GET", path="/cluster/jobs/", kind="error", status=401, code=6691623, times=1)
    assert not slow(sim, waits, {"svm": "vs0", "key_id": KEY_2}).failed


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 400, "code": 262179},
        {"kind": "error", "status": 403, "code": 6},
        {"kind": "error", "status": 401, "code": 6691623},
        {"kind": "html", "status": 403},
        {"kind": "error", "status": 404, "code": 3},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_job_list_that_cannot_be_read_does_not_stop_a_restore(sim: Simulator, fault: dict[str, t.Any]) -> None:
    sim.ontap.lose_keys("node1")
    times = 1 if fault.get("code") == 262179 else None
    sim.fault(method="GET", path="/cluster/jobs", times=times, **fault)
    done = drive(sim, {"svm": "vs0"}, module=RESTORE)
    assert not done.failed, done.msg
    assert done.changed


# Statuses and pages


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_codes_decide_and_not_statuses(sim: Simulator, status: int) -> None:
    sim.ontap.refuse("delete", 65536867, status=status)
    failed = drive(sim, {"svm": "vs0", "state": "absent"})
    assert failed.failed
    assert failed.result["error"]["code"] == "65536867"
    assert failed.methods == ["GET", "DELETE"]
    assert "Could not delete" in failed.msg
    sim.ontap.refuse("rekey-internal", 65537559, status=status)
    explained = drive(sim, {"svm": "vs0", "key": "internal"}, module=REKEY)
    assert (explained.failed, explained.changed, len(explained.writes)) == (False, False, 1)
    sim.ontap.lose_keys("node2")
    sim.ontap.refuse("restore", 65537515, status=status)
    named = drive(sim, {"svm": "vs0"}, module=RESTORE)
    assert "missing on node2" in named.msg
    assert len(named.writes) == 1


def test_only_busy_codes_are_repeated_with_503(sim: Simulator) -> None:
    sim.ontap.refuse("rekey-internal", 65537547, status=503)
    assert len(drive(sim, {"svm": "vs0", "key": "internal"}, module=REKEY).writes) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 400, "code": 6691623},
        {"kind": "error", "status": 401, "code": 6691623},
        {"kind": "error", "status": 404, "code": 3},
        {"kind": "html", "status": 403},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_an_svm_list_that_cannot_be_read_does_not_stop_a_create(sim: Simulator, fault: dict[str, t.Any]) -> None:
    sim.fault(method="GET", path="/svm/svms", times=None, **fault)
    sim.fault(method="GET", path="/security/key-stores", times=None, **fault)
    predicted, done = drive(sim, {"svm": "vs1", **FULL}, check=True), drive(sim, {"svm": "vs1", **FULL})
    assert not predicted.failed, predicted.msg
    assert not done.failed, done.msg


def test_a_next_page_with_nothing_on_it_is_not_asked_for(sim: Simulator) -> None:
    sim.ontap.switch(phantom_page=True)
    assert drive(sim, {"svm": "vs0", **FULL}).methods == ["GET"]
    assert drive(sim, {}, module="azure_key_vault_info").result["num_records"] == 1
    sim.ontap.switch(phantom_page=False)


def test_a_login_refused_with_a_page_names_the_login(sim: Simulator) -> None:
    sim.fault(method="GET", kind="html", status=401, times=None)
    failed = drive(sim, {"svm": "vs0"})
    assert "username and password (ONTAP_USERNAME, ONTAP_PASSWORD)" in failed.msg


def test_a_count_counts_more_than_a_page(sim: Simulator) -> None:
    counted = drive(sim, {"count_only": True, "max_records": 1, "order_by": ["name"]}, module="azure_key_vault_info")
    assert counted.result["num_records"] == 1
    assert counted.requests[0]["query"] == {"return_records": "false"}


# Health


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"state": {"available": True}, "azure_reachability": {"code": 65537549}}, "azure_unreachable"),
        (
            {"state": {"available": True}, "ekmip_reachability": [{"node": {"name": "n1"}, "code": 65537552}]},
            "node_unreachable",
        ),
        ({"state": {"available": False, "message": "Encrypted volumes do not exist yet."}}, "keys_missing"),
        ({"state": {"available": False, "message": "Known only after an encrypted volume is made."}}, "keys_missing"),
        (
            {"state": {"available": False, "message": "This will be\navailable after creating encrypted volumes."}},
            "no_encrypted_volume_yet",
        ),
        ({"state": {"available": False, "message": "Keys of encrypted volumes are missing."}}, "keys_missing"),
        ({"state": {"available": False, "message": ""}}, "keys_missing"),
    ],
)
def test_health_in_other_words(fields: dict[str, t.Any], verdict: str) -> None:
    assert health(Vault.of({"uuid": "u", "scope": "svm", **fields})).verdict == verdict


def test_an_entry_that_is_blocked_sent_nothing(sim: Simulator) -> None:
    sim.ontap.add_key_manager("vs1", "kmip")
    for check in (True, False):
        assert drive(sim, {"svm": "vs1", **FULL}, check=check).result["credentials"] == "not_sent"
