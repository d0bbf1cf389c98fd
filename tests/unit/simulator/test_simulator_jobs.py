# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: which release answers with one, how they end, what they do at their end, and when they disappear."""

from __future__ import annotations

import threading
import typing as t

import pytest

VAULTS = "/api/security/azure-key-vaults"
JOBS = "/api/cluster/jobs"
KEY_2 = "https://v.vault.azure.net/keys/key2/b8e619fd8f234db3b0b95c59540e2a75"
BODY = {
    "svm": {"name": "vs0"},
    "client_id": "c",
    "tenant_id": "t",
    "name": "https://v.vault.azure.net",
    "key_id": "https://v.vault.azure.net/keys/key1",
    "client_secret": "s",
}


def vault(client: t.Any) -> str:
    """Put a configuration with keys on vs0 and return its path."""
    uuid = client.ontap.add_vault("vs0")
    client.ontap.encrypt_volumes("vs0")
    return f"{VAULTS}/{uuid}"


def job_of(response: t.Any) -> str:
    """Return the path of the job that an answer names."""
    return f"{JOBS}/{response.json()['job']['uuid']}"


@pytest.mark.parametrize(
    ("action", "release", "immediate", "slow"),
    [
        ("restore", "9.7", 202, 202),
        ("restore", "9.13.1", 202, 202),
        ("restore", "9.14.1", 201, 202),
        ("restore", "9.18.1", 201, 202),
        ("rekey-internal", "9.8", 202, 202),
        ("rekey-internal", "9.13.1", 202, 202),
        ("rekey-internal", "9.14.1", 201, 202),
        ("rekey-external", "9.11.1", 202, 202),
        ("rekey-external", "9.14.1", 201, 202),
    ],
)
def test_status_of_actions(cluster: t.Any, action: str, release: str, immediate: int, slow: int) -> None:
    client = cluster(release)
    path = vault(client)
    sent = {"key_id": KEY_2} if action == "rekey-external" else None
    response = client("POST", f"{path}/{action}", json=sent)
    assert (response.status_code, response.headers["Location"]) == (immediate, path)
    job = client.get(job_of(response))
    assert (job["state"], job["code"], job["description"]) == ("success", 0, f"POST {path}/{action}")
    client.ontap.set_duration(action, 60)
    response = client("POST", f"{path}/{action}", json=sent)
    assert response.status_code == slow
    assert client.get(job_of(response))["state"] == "running"
    client.ontap.clock.advance(60)
    assert client.get(job_of(response))["state"] == "success"


# What create, patch and delete answer when they take long.
@pytest.mark.parametrize(
    ("operation", "release", "status"),
    [
        ("create", "9.17.1", 201),
        ("create", "9.18.1", 202),
        ("patch", "9.8", 200),
        ("patch", "9.9.1", 202),
        ("patch", "9.18.1", 202),
        ("delete", "9.16.1", 200),
        ("delete", "9.17.1", 202),
    ],
)
def test_slow_writes(cluster: t.Any, operation: str, release: str, status: int) -> None:
    client = cluster(release)
    client.ontap.set_duration(operation, 2)
    if operation == "create":
        response = client("POST", VAULTS, json=BODY)
    else:
        path = f"{VAULTS}/{client.ontap.add_vault('vs0')}"
        before = client.sim.snapshot()["key_stores"]
        method = operation.upper()
        response = client(method, path, json={"client_secret": "new"} if method == "PATCH" else None)
    assert response.status_code == status
    if status != 202:
        assert "job" not in response.json()
        return
    stores = client.sim.snapshot()["key_stores"]
    assert stores == ({} if operation == "create" else before)
    if operation == "create":
        assert client("GET", response.headers["Location"]).status_code == 404
    client.ontap.clock.advance(2)
    assert client.get(job_of(response))["state"] == "success"
    assert client.sim.snapshot()["key_stores"] != stores
    if operation == "create":
        assert client("GET", response.headers["Location"]).status_code == 200


def test_below_two_seconds_there_is_no_job(newest: t.Any) -> None:
    newest.ontap.set_duration("create", 1.9)
    assert newest("POST", VAULTS, json=BODY).status_code == 201
    assert newest.get(JOBS)["num_records"] == 0


@pytest.mark.parametrize(("release", "status"), [("9.13.1", 202), ("9.14.1", 201)])
def test_return_timeout_waits_for_the_end(cluster: t.Any, release: str, status: int) -> None:
    client = cluster(release)
    path = vault(client)
    client.ontap.set_duration("restore", 0.05)
    response = client("POST", f"{path}/restore?return_timeout=30")
    assert response.status_code == status


def test_a_clock_set_forward_ends_the_wait(newest: t.Any) -> None:
    path = vault(newest)
    newest.ontap.set_duration("restore", 100)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(newest("POST", f"{path}/restore?return_timeout=120")))
    waiting.start()
    while not newest.ontap.jobs.active("restore"):
        waiting.join(0.01)
    newest.ontap.clock.advance(100)
    waiting.join(30)
    assert [answer.status_code for answer in answers] == [201]


def test_return_timeout_runs_out(newest: t.Any) -> None:
    path = vault(newest)
    newest.ontap.set_duration("patch", 500)
    answers = []
    sent = {"client_secret": "new"}
    url = f"{path}?return_timeout=100"
    waiting = threading.Thread(target=lambda: answers.append(newest("PATCH", url, json=sent)))
    waiting.start()
    while not newest.ontap.jobs.active("patch"):
        waiting.join(0.01)
    newest.ontap.clock.advance(101)
    waiting.join(30)
    assert [answer.status_code for answer in answers] == [202]


def test_an_ended_job_disappears_after_300_seconds(newest: t.Any) -> None:
    path = vault(newest)
    job = job_of(newest("POST", f"{path}/restore"))
    newest.ontap.clock.advance(290)
    assert newest.get(job)["state"] == "success"
    newest.ontap.clock.advance(10)
    response = newest("GET", job)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "4")
    newest.ontap.set_duration("restore", 3600)
    job = job_of(newest("POST", f"{path}/restore"))
    newest.ontap.clock.advance(3000)
    assert newest.get(job)["state"] == "running"


def test_effects_come_at_the_end(newest: t.Any) -> None:
    path = vault(newest)
    newest.ontap.set_duration("rekey-external", 60)
    old = newest.get(path)["key_id"]
    newest("POST", f"{path}/rekey-external", json={"key_id": KEY_2})
    newest.ontap.clock.advance(59)
    assert newest.get(path)["key_id"] == old
    newest.ontap.clock.advance(1)
    assert newest.get(path)["key_id"] == KEY_2


@pytest.mark.parametrize("state", ["failure", "cancelled", "expired"])
def test_planned_ends(newest: t.Any, state: str) -> None:
    path = vault(newest)
    newest.ontap.set_duration("rekey-external", 60)
    newest.ontap.plan_job("rekey-external", state, 65537504, "went wrong")
    before = newest.sim.snapshot()["key_stores"]
    job = job_of(newest("POST", f"{path}/rekey-external", json={"key_id": KEY_2}))
    newest.ontap.clock.advance(60)
    record = newest.get(job)
    assert (record["state"], record["message"], record["code"]) == (state, "went wrong", 65537504)
    if state == "failure":
        assert record["error"] == {"message": "went wrong", "code": "65537504"}
    assert newest.sim.snapshot()["key_stores"] == before
    # Only the one job was planned.
    job = job_of(newest("POST", f"{path}/rekey-external", json={"key_id": KEY_2}))
    newest.ontap.clock.advance(60)
    assert newest.get(job)["state"] == "success"


@pytest.mark.parametrize(("release", "job_answer"), [("9.13.1", True), ("9.14.1", False)])
def test_a_failure_inside_the_wait(cluster: t.Any, release: str, job_answer: bool) -> None:
    client = cluster(release)
    path = vault(client)
    client.ontap.plan_job("restore", "failure", 65537515)
    response = client("POST", f"{path}/restore")
    if job_answer:
        assert response.status_code == 202
        assert client.get(job_of(response))["code"] == 65537515
    else:
        assert (response.status_code, response.json()["error"]["code"]) == (400, "65537515")


def test_a_planned_failure_of_a_write_without_job(newest: t.Any) -> None:
    newest.ontap.plan_job("create", "failure", 65537504)
    assert newest.code("POST", VAULTS, json=BODY) == "65537504"
    assert newest.sim.snapshot()["key_stores"] == {}


@pytest.mark.parametrize("state", ["paused", "queued"])
def test_held_jobs(newest: t.Any, state: str) -> None:
    path = vault(newest)
    newest.ontap.set_duration("restore", 60)
    newest.ontap.plan_job("restore", state)
    job = job_of(newest("POST", f"{path}/restore"))
    newest.ontap.clock.advance(1000)
    assert newest.get(job)["state"] == state
    assert newest("PATCH", f"{job}?action=resume").status_code == 200
    newest.ontap.clock.advance(59)
    assert newest.get(job)["state"] == "running"
    newest.ontap.clock.advance(1)
    assert newest.get(job)["state"] == "success"


def test_pause_and_cancel(newest: t.Any) -> None:
    path = vault(newest)
    newest.ontap.set_duration("restore", 60)
    job = job_of(newest("POST", f"{path}/restore"))
    newest.ontap.clock.advance(30)
    assert newest("PATCH", f"{job}?action=pause").status_code == 200
    assert newest.get(job)["state"] == "paused"
    assert newest("PATCH", f"{job}?action=cancel").status_code == 200
    assert newest.get(job)["state"] == "failure"
    assert newest.code("PATCH", f"{job}?action=stop") == "262197"
    assert newest.code("PATCH", job) == "262212"


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("operation", ["restore", "create", "patch", "delete"])
def test_forced_status(newest: t.Any, operation: str, status: int) -> None:
    path = "" if operation == "create" else f"{VAULTS}/{newest.ontap.add_vault('vs0')}"
    newest.ontap.force_status(operation, status)
    method, url, sent = {
        "restore": ("POST", f"{path}/restore", None),
        "create": ("POST", VAULTS, BODY),
        "patch": ("PATCH", path, {"client_secret": "new"}),
        "delete": ("DELETE", path, None),
    }[operation]
    response = newest(method, url, json=sent)
    assert response.status_code == status
    assert ("job" in response.json()) is (operation == "restore" or status == 202)
    newest.ontap.force_status(operation, None)
    assert newest.ontap.forced == {}


def test_answers_without_links(newest: t.Any) -> None:
    path = vault(newest)
    newest.ontap.switch(job_links=False)
    assert newest("POST", f"{path}/restore").json()["job"].keys() == {"uuid"}


def test_job_record(cluster: t.Any) -> None:
    newer = {"svm": "9.8", "error": "9.9.1", "node": "9.11.1"}
    for release in ("9.7", "9.8", "9.10.1", "9.11.1"):
        client = cluster(release)
        path = vault(client)
        client.ontap.plan_job("restore", "failure", 65537515)
        job = client.get(job_of(client("POST", f"{path}/restore")))
        old = {"uuid", "description", "state", "message", "code", "start_time", "end_time", "_links"}
        number = int(release.split(".")[1])
        assert job.keys() == old | {name for name, first in newer.items() if number >= int(first.split(".")[1])}
    (listed,) = client.get(f"{JOBS}?state=failure&fields=state,svm.name")["records"]
    assert (listed["state"], listed["svm"]) == ("failure", {"name": "vs0"})


def test_a_job_of_the_cluster_has_no_svm(newest: t.Any) -> None:
    uuid = newest.ontap.add_vault(None)
    assert "svm" not in newest.get(job_of(newest("POST", f"{VAULTS}/{uuid}/restore")))


def test_two_creates_at_once(newest: t.Any) -> None:
    newest.ontap.set_duration("create", 10)
    jobs = [job_of(newest("POST", VAULTS, json=BODY)) for _again in range(2)]
    newest.ontap.clock.advance(10)
    records = [newest.get(job) for job in jobs]
    assert [(record["state"], record["code"]) for record in records] == [("success", 0), ("failure", 65537500)]
    assert len(newest.sim.snapshot()["key_stores"]) == 1


def test_scenes_on_running_jobs(newest: t.Any) -> None:
    path = vault(newest)
    newest.ontap.set_duration("restore", 60)
    job = job_of(newest("POST", f"{path}/restore"))
    uuid = job.rpartition("/")[2]
    newest.ontap.hold_job(uuid)
    assert newest.get(job)["state"] == "paused"
    newest.ontap.resume_job(uuid)
    assert newest.get(job)["state"] == "running"
    newest.ontap.end_job(uuid, "success")
    assert newest.get(job)["state"] == "success"
    with pytest.raises(KeyError):
        newest.ontap.end_job("no-such-uuid")


def test_typing_errors_show(newest: t.Any) -> None:
    with pytest.raises(KeyError):
        newest.ontap.durations["rekey_external"] = 60
    with pytest.raises(ValueError, match="operation"):
        newest.ontap.refuse("make", 1)
    with pytest.raises(ValueError, match="restore"):
        newest.ontap.plan_job("restore", "broken")
    with pytest.raises(ValueError, match="forward"):
        newest.ontap.clock.advance(-1)
    with pytest.raises(ValueError, match="metrocluster"):
        newest.ontap.set_site(metro_cluster=True)
