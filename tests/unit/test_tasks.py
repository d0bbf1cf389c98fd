# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as tasks: what Ansible makes of their options and of the environment included, but no playbook."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from tests.simulator import Simulator
from tests.support.beats import (
    CERTIFICATE,
    CLIENT,
    FULL,
    IDENTITY,
    KEY,
    KEY_2,
    OLD,
    SECRET,
    TENANT,
    VAULT,
    assert_four_beats,
    connection,
    number,
)
from tests.support.rows import ROWS, check_row
from tests.support.tasks import Task, four_beats, perform

RESTORE, REKEY = "azure_key_vault_restore", "azure_key_vault_rekey"


@pytest.mark.parametrize("release", ["9.7", "9.9.1", "9.12.1", "9.16.1", "9.18.1"])
def test_four_beats(release: str) -> None:
    with Simulator(release=release, svms=("vs0",)) as sim:
        for row in ROWS:
            if not (row.playbook and row.applies(release)):
                continue
            sim.ontap.reset()
            if row.exists is not None:
                sim.ontap.add_vault("vs0", **row.exists)
            before = sim.snapshot()
            beats = perform(sim, four_beats({"svm": "vs0", **row.options}, row.name))
            assert_four_beats(beats, before, requests=row.requests)
            check_row(row, beats)


@pytest.mark.parametrize("release", ["9.7", "9.12.1", "9.16.1"])
def test_cluster_scope_and_svm_by_uuid(release: str) -> None:
    with Simulator(release=release, svms=("vs0", "vs1")) as sim:
        uuid = next(svm["uuid"] for svm in sim.snapshot()["svms"] if svm["name"] == "vs1")
        rows: list[dict[str, t.Any]] = [
            {"scope": "cluster", **FULL},
            {"svm_uuid": uuid, **FULL},
            {"vserver": "vs0", "vault": VAULT, **{k: v for k, v in FULL.items() if k != "name"}},
            {"scope": "cluster", "state": "absent"},
            {"svm_uuid": uuid, "state": "absent"},
        ]
        initial = sim.snapshot()
        outcomes = perform(sim, [beat for row in rows for beat in four_beats(row, "row")])
        before = initial
        for index in range(len(rows)):
            beats = outcomes[4 * index : 4 * index + 4]
            assert_four_beats(beats, before, requests=4)
            before = beats[3].snapshot
        assert outcomes[1].result["azure_key_vault"]["scope"] == "cluster"
        assert "svm" not in outcomes[1].result["azure_key_vault"]
        assert outcomes[5].result["azure_key_vault"]["svm"] == {"name": "vs1", "uuid": uuid}


@pytest.mark.parametrize("release", ["9.7", "9.8", "9.16.1"])
def test_update_credentials(release: str) -> None:
    """``on_create`` never sends again, ``always`` each time, ``when_unreachable`` only when Azure refuses."""
    with Simulator(release=release, svms=("vs0", "vs1")) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.add_vault("vs1", **OLD)
        new = {"client_secret": "the new secret"}
        on_create, always = {"svm": "vs0", **new}, {"svm": "vs0", **new, "update_credentials": "always"}
        tasks = [Task(on_create), Task(always, check=True), Task(always), Task(always)]
        kept, predicted, first, second = perform(sim, tasks)
        assert (kept.changed, kept.methods, kept.result["credentials"]) == (False, ["GET"], "not_sent")
        assert (predicted.changed, predicted.methods, predicted.result["credentials"]) == (True, ["GET"], "sent")
        assert predicted.result["diff"]["after"]["client_secret"] == "(set)"
        assert "client_secret" not in predicted.result["diff"]["before"]
        for done in (first, second):
            # Then whether Azure takes it, which ONTAP 9.7 does not know to say.
            assert (done.changed, done.methods) == (True, ["GET", "PATCH", *["GET"] * (2 if release == "9.7" else 1)])
            assert done.result["diff"] == predicted.result["diff"]
            assert done.result["actions"][0]["fields"] == ["client_secret"]
        assert sim.ontap.secret("vs0", "client_secret") == "the new secret"
        assert sim.ontap.secret("vs1", "client_secret") == "the secret before"

        unreachable = {"svm": "vs1", **new, "update_credentials": "when_unreachable"}
        if release == "9.7":
            (refused,) = perform(sim, [Task(unreachable)])
            assert refused.failed
            assert "update_credentials=when_unreachable needs ONTAP 9.8" in refused.msg
            assert not refused.writes
            return
        (fine,) = perform(sim, [Task(unreachable)])
        assert (fine.changed, fine.methods, fine.result["credentials"]) == (False, ["GET"], "not_sent")
        sim.ontap.set_azure(valid_secrets=["the new secret"])
        predicted, done, again = perform(sim, [Task(unreachable, check=True), Task(unreachable), Task(unreachable)])
        assert (predicted.changed, predicted.methods) == (True, ["GET"])
        assert (done.changed, done.methods) == (True, ["GET", "PATCH", "GET"])
        assert done.result["diff"] == predicted.result["diff"]
        assert (again.changed, again.methods) == (False, ["GET"])
        # Azure now refuses the new one as well: sending it does not help, and the task says so.
        sim.ontap.set_azure(valid_secrets=["yet another"])
        (failed,) = perform(sim, [Task(unreachable)])
        assert failed.failed
        # From 9.16.1 on ONTAP tries it before it takes it.
        assert ("65537540" if release == "9.16.1" else "cannot reach Azure with it") in failed.msg
        assert failed.changed == (release != "9.16.1")


@pytest.mark.parametrize("release", ["9.14.1", "9.18.1"])
def test_several_configurations(release: str) -> None:
    with Simulator(release=release, svms=("vs0", "vs1")) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.add_vault(
            "vs0", enabled=False, configuration="second", **{**OLD, "name": "https://w.vault.azure.net/"}
        )
        sim.ontap.add_vault("vs1", enabled=False, configuration="second", **OLD)
        tasks = [
            # The enabled one is meant, and it alone.
            *four_beats({"svm": "vs0", "client_id": "other", "client_secret": SECRET}, "enabled"),
            *four_beats({"svm": "vs0", "configuration": "second", "proxy_port": 81}, "second"),
            *four_beats({"svm": "vs0", "configuration": "second", "state": "absent"}, "second goes"),
            # Only an inactive one: there is nothing to remove unless it is named.
            Task({"svm": "vs1", "state": "absent"}),
            Task({"svm": "vs1", "configuration": "default", "enabled": False, **FULL}),
        ]
        initial = sim.snapshot()
        outcomes = perform(sim, tasks)
        assert_four_beats(outcomes[0:4], initial, requests=2)
        assert_four_beats(outcomes[4:8], outcomes[3].snapshot, requests=2)
        assert_four_beats(outcomes[8:12], outcomes[7].snapshot, requests=2)
        assert outcomes[9].writes[0]["path"].startswith("/api/security/key-stores/")
        assert (outcomes[12].failed, outcomes[12].changed) == (False, False)
        assert outcomes[13].failed
        assert "configuration default" in outcomes[13].msg
        assert not outcomes[13].writes


def test_connection_from_the_environment() -> None:
    """All connection options have a fallback, and an empty string is not given."""
    with Simulator(release="9.16.1", svms=("vs0",)) as sim:
        options = connection(sim)
        environment = {
            "ONTAP_HOSTNAME": str(options["hostname"]),
            "ONTAP_HTTP_PORT": str(options["http_port"]),
            "ONTAP_USERNAME": str(options["username"]),
            "ONTAP_PASSWORD": str(options["password"]),
            "ONTAP_CA_PATH": str(options["ca_path"]),
            "ONTAP_ACCESS_TOKEN": "",
            "ONTAP_CERT_FILEPATH": "",
            "ONTAP_KEY_FILEPATH": "",
            "ONTAP_VALIDATE_CERTS": "True",
            "ONTAP_REQUEST_TIMEOUT": "",
            "AKV_CLIENT_ID": "",
            "AKV_TENANT_ID": "",
            "AKV_CLIENT_SECRET": SECRET,
            "AKV_CLIENT_CERTIFICATE": "",
        }
        empty = dict.fromkeys(
            ("hostname", "username", "password", "access_token", "ca_path", "http_port", "validate_certs"), ""
        )
        tasks = [
            Task({"svm": "vs0", **IDENTITY}),
            Task({"svm": "vs0", **IDENTITY, **empty, "svm_uuid": "", "configuration": "", "wait": "", "port": ""}),
            Task({"vaults": [{"svm": "vs0", **IDENTITY, "port": ""}], **empty}, module="azure_key_vaults"),
            Task({"health": "", "uuid": "", **empty}, module="azure_key_vault_info"),
            Task({"svm": "vs0", "uuid": "", "force": "", **empty}, module="azure_key_vault_restore"),
            Task({"svm": "vs0", "key": "internal", "key_id": "", **empty}, check=True, module="azure_key_vault_rekey"),
            # A boolean as AWX injects it, in every module.
            *(
                Task(
                    options,
                    check=True,
                    module=module,
                    environment={"ONTAP_VALIDATE_CERTS": "False", "ONTAP_CA_PATH": ""},
                )
                for module, options in (
                    ("azure_key_vault", {"svm": "vs0", **IDENTITY}),
                    ("azure_key_vaults", {"vaults": [{"svm": "vs0", **IDENTITY}]}),
                    ("azure_key_vault_info", {}),
                    ("azure_key_vault_restore", {"svm": "vs0"}),
                    ("azure_key_vault_rekey", {"svm": "vs0", "key": "internal"}),
                )
            ),
        ]
        created, repeated, *others = perform(
            sim, [replace(task, environment={**environment, **task.environment}) for task in tasks], defaults={}
        )
        for outcome in others:
            assert not outcome.failed, outcome.msg
        assert created.changed, created.msg
        assert sim.ontap.secret("vs0", "client_secret") == SECRET
        assert not repeated.failed, repeated.msg
        assert repeated.methods == ["GET"]


def test_the_application_of_the_environment() -> None:
    """It stands in where nothing is given, as a whole, and nothing of it goes with another application."""
    ambient = {
        "AKV_CLIENT_ID": CLIENT,
        "AKV_TENANT_ID": TENANT,
        "AKV_CLIENT_SECRET": SECRET,
        "AKV_CLIENT_CERTIFICATE": "",
    }
    certificate = {**ambient, "AKV_CLIENT_SECRET": "", "AKV_CLIENT_CERTIFICATE": CERTIFICATE}
    other = {"client_id": "dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa"}
    key = {"name": VAULT, "key_id": KEY}
    many = "azure_key_vaults"
    with Simulator(release="9.16.1", svms=("vs0", "vs1", "vs2")) as sim:
        tasks = [
            Task({"svm": "vs0", **key, "client_id": "", "client_certificate": ""}, environment=ambient),
            Task({"vaults": [{"svm": "vs1", **key}]}, module=many, environment=certificate),
            # Another application, which takes nothing of it, and says so.
            Task({"svm": "vs2", **key, **other}, environment=ambient),
            Task({"vaults": [{"svm": "vs2", **key, **other, "tenant_id": TENANT}]}, module=many, environment=ambient),
            Task({"svm": "vs0", **other, "update_credentials": "always"}, environment=ambient),
            # The same in other letters, with a credential of its own, of the other kind.
            Task({"svm": "vs0", "client_id": CLIENT.upper()}, environment=ambient),
            Task({"svm": "vs2", **key, "client_secret": "its own"}, environment=certificate),
            Task({"svm": "vs0", "update_credentials": "always"}, environment={**certificate, "AKV_CLIENT_SECRET": "x"}),
            # For a removal it does not matter.
            Task({"svm": "vs1", "state": "absent"}, environment={**certificate, "AKV_CLIENT_SECRET": "x"}),
        ]
        outcomes = perform(sim, tasks)
        secret, pkcs12, nothing, nothing_in_a_list, no_secret, same, own, both, absent = outcomes
        assert secret.changed, secret.msg
        assert secret.writes[0]["body"]["client_id"] == CLIENT
        assert sim.ontap.secret("vs0", "client_secret") == SECRET
        assert pkcs12.changed, pkcs12.msg
        assert "client_certificate" in pkcs12.result["vaults"][0]["actions"][0]["fields"]
        assert "needs tenant_id, client_secret or client_certificate" in nothing.msg
        for outcome in (nothing, nothing_in_a_list, no_secret):
            assert (outcome.failed, outcome.writes) == (True, [])
            assert "AKV_CLIENT_ID" in outcome.msg
        assert (same.failed, same.methods) == (False, ["GET"])
        assert own.changed, own.msg
        assert sim.ontap.secret("vs2", "client_secret") == "its own"
        assert (both.failed, both.requests) == (True, [])
        assert "AKV_CLIENT_SECRET, AKV_CLIENT_CERTIFICATE" in both.msg
        assert absent.changed, absent.msg


def test_the_environment_moves_no_configuration_to_another_application() -> None:
    """A credential of AWX is there for every configuration of a job, and not all of them are its application's."""
    other = "dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa"
    ambient = {"AKV_CLIENT_ID": CLIENT, "AKV_TENANT_ID": "another", "AKV_CLIENT_SECRET": "of the environment\n"}
    certificate = {**ambient, "AKV_CLIENT_SECRET": "", "AKV_CLIENT_CERTIFICATE": CERTIFICATE}
    many, always = "azure_key_vaults", {"update_credentials": "always"}
    with Simulator(release="9.16.1", svms=("vs0", "vs1")) as sim:
        sim.ontap.add_vault("vs0", **{**OLD, "client_id": other})
        sim.ontap.add_vault("vs1", **OLD)
        tasks = [
            Task({"svm": "vs0", "name": VAULT}, environment=ambient),
            Task({"vaults": [{"svm": "vs0"}, {"svm": "vs1", "client_id": None}]}, module=many, environment=certificate),
            # Something else changes, and the credential stays where it is.
            Task({"svm": "vs0", "verify_host": False}, environment=ambient),
            # Its own secret is for its own application.
            Task({"svm": "vs0", "client_secret": "its own", **always}, environment=ambient),
            Task({"svm": "vs0", **always}, environment=ambient),
            Task({"vaults": [{"svm": "vs0", **always}]}, module=many, environment=ambient),
            Task({"svm": "vs1", **always}, environment=ambient),
            # Asked for, so this one goes over, tenant and secret with it.
            Task({"svm": "vs0", "client_id": CLIENT, "tenant_id": TENANT}, environment=ambient),
        ]
        before = sim.snapshot()
        sync, many_sync, host, own, refused, many_refused, sent, moved = perform(sim, tasks)
        for outcome in (sync, many_sync):
            assert (outcome.failed, outcome.methods) == (False, ["GET"]), outcome.msg
            assert outcome.snapshot == before
        assert [list(request["body"]) for request in host.writes] == [["verify_host"]]
        assert [list(request["body"]) for request in own.writes] == [["client_secret"]]
        for outcome in (refused, many_refused):
            assert (outcome.failed, outcome.writes) == (True, [])
            assert f"belongs to {CLIENT} (AKV_CLIENT_ID), and" in outcome.msg
            assert other in outcome.msg
        assert [list(request["body"]) for request in sent.writes] == [["client_secret"]]
        # Without the line break of the file that it was stored from.
        assert sim.ontap.secret("vs1", "client_secret") == "of the environment"
        assert sorted(moved.writes[0]["body"]) == ["client_id", "client_secret"]
        assert sim.ontap.secret("vs0", "client_secret") == "of the environment"


@pytest.mark.parametrize("kind", ["access_token", "certificate"])
def test_other_logins(kind: str) -> None:
    with Simulator(release="9.16.1", svms=("vs0",)) as sim:
        options = {name: value for name, value in connection(sim).items() if name not in ("username", "password")}
        if kind == "access_token":
            options["access_token"] = sim.token
        else:
            options |= {"cert_filepath": str(sim.cert_path), "key_filepath": str(sim.key_path)}
        outcomes = perform(sim, four_beats({"svm": "vs0", **FULL}, kind), defaults=options)
        assert_four_beats(outcomes, {**outcomes[0].snapshot}, requests=4)
        scheme = {request["headers"].get("authorization") for request in outcomes[1].requests}
        assert scheme == ({"Bearer"} if kind == "access_token" else {None})


def test_the_caller_is_named_and_the_session_kept() -> None:
    with Simulator(release="9.16.1", svms=("vs0",)) as sim:
        created, read = perform(sim, [Task({"svm": "vs0", **FULL}), Task({}, module="azure_key_vault_info")])
        assert len({request["connection"] for request in created.requests}) == 1
        for outcome, module in ((created, "azure_key_vault"), (read, "azure_key_vault_info")):
            for request in outcome.requests:
                assert request["headers"]["user-agent"].startswith("ontap.security/")
                assert module in request["headers"]["x-dot-client-app"]


@pytest.mark.parametrize("release", ["9.8", "9.10.1", "9.12.1", "9.16.1", "9.18.1"])
def test_four_beats_of_restore_and_rekey(release: str) -> None:
    with Simulator(release=release, svms=("vs0",)) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.encrypt_volumes("vs0")
        sim.ontap.lose_keys("node2")
        rows: list[tuple[str, dict[str, t.Any]]] = [(RESTORE, {"svm": "vs0"})]
        if number(release) >= (9, 9):
            # ONTAP 9.8 wants the client secret with another key, which these modules do not take.
            rows.append((REKEY, {"svm": "vs0", "key": "external", "key_id": KEY_2}))
        tasks = [
            Task(options, check=check, module=module, name=module)
            for module, options in rows
            for check in (True, False, False, True)
        ]
        internal = {"svm": "vs0", "key": "internal"}
        tasks += [Task(internal, check=check, module=REKEY, name="internal") for check in (True, False, False)]
        before = sim.snapshot()
        outcomes = perform(sim, tasks)
        for index, _row in enumerate(rows):
            beats = outcomes[4 * index : 4 * index + 4]
            assert_four_beats(beats, before, requests=6)
            before = beats[3].snapshot
        assert outcomes[0].result["diff"]["before"]["keys_missing_on"] == ["node2"]
        predicted, done, again = outcomes[-3:]
        assert not predicted.writes
        assert predicted.snapshot == before
        for outcome in (done, again):
            # No field shows the internal key, so each run replaces it.
            assert outcome.changed, outcome.msg
            assert len(outcome.writes) == 1
            assert outcome.result["diff"] == predicted.result["diff"]
