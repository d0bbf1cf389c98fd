# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a pure function: what is sent, when, and that applying it leaves nothing to do."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired, make_plan
from ansible_collections.ontap.security.plugins.module_utils._azure.steps import REKEY, RENEW
from ansible_collections.ontap.security.plugins.module_utils._azure.table import COMPARED, CREDENTIALS, FIELDS, SECRETS
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    BlockedError,
    InputError,
    UnsupportedError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release
from tests.support.beats import CERTIFICATE
from tests.support.rows import CHANGED

CANARY = "c4n4ry-secret"
BASE = {
    "svm": "vs0",
    "name": "https://v.vault.azure.net/",
    "key_id": "https://v.vault.azure.net/keys/k/1",
    "client_id": "client1",
    "tenant_id": "tenant1",
}
SECRET = {"client_secret": CANARY}
RELEASES = [Release(9, 7), Release(9, 8), Release(9, 9, 1), *(Release(9, n, 1) for n in range(10, 19))]
R9_12, R9_18 = Release(9, 12, 1), Release(9, 18, 1)


def desired(**params: t.Any) -> Desired:
    return Desired.of(params)


def vault(release: Release = R9_18, **fields: t.Any) -> Vault:
    """The record ONTAP of that release shows."""
    raw: dict[str, t.Any] = {
        "uuid": "u1",
        "scope": "svm",
        "svm": {"name": "vs0", "uuid": "s0"},
        **{name: value for name, value in BASE.items() if name != "svm"},
    }
    if release.has(Release(9, 10, 1)):
        raw["authentication_method"] = "client_secret"
    if release.has(Release(9, 14, 1)):
        raw |= {"enabled": True, "configuration": {"name": "default", "uuid": "u1"}}
    return Vault.of({**raw, **fields})


def plan_for(wanted: Desired, current: Vault | None, release: Release) -> Plan:
    """As the modules do it: the release is given only when asked for."""
    plan = make_plan(wanted, current)
    return make_plan(wanted, current, release) if plan.needs_release else plan


def applied(plan: Plan, current: Vault | None) -> Vault:
    """What ONTAP holds after the plan: the record with the comparable part of each body."""
    raw = dict(current.record) if current else {"uuid": "u1", "scope": "svm", "svm": {"name": "vs0"}}
    for step in plan.steps:
        raw.update({name: value for name, value in step.body.items() if name in COMPARED})
        for credential, method in (("client_secret", "client_secret"), ("client_certificate", "certificate")):
            if credential in step.body and raw.get("authentication_method"):
                raw["authentication_method"] = method
    return Vault.of(raw)


AMBIENT = ("client_id", "tenant_id", "client_secret", "client_certificate")


@given(
    changes=st.dictionaries(st.sampled_from(["client_id", "tenant_id", "proxy_host"]), st.just("other")),
    ambient=st.sets(st.sampled_from(AMBIENT)).map(frozenset),
    credential=st.sampled_from([*CREDENTIALS, None]),
    policy=st.sampled_from(["on_create", "always"]),
    release=st.sampled_from(RELEASES[2:]),
)
def test_the_environment_is_no_wish_to_change_what_exists(
    changes: dict[str, str], ambient: frozenset[str], credential: str | None, policy: str, release: Release
) -> None:
    secrets = {credential: CERTIFICATE if credential == "client_certificate" else CANARY} if credential else {}
    if policy == "always" and not secrets:
        return
    options = {name: value for name, value in {**BASE, **changes}.items() if name != "name"}
    wanted = desired(**options, **secrets, update_credentials=policy, ambient=ambient)
    current = vault(release)
    plan = plan_for(wanted, current, release)
    assert not ambient & {drift.field for drift in plan.drift}
    assert not {"client_id", "tenant_id"} & ambient & {name for step in plan.steps for name in step.body}
    sent = {name for step in plan.steps for name in step.body if name in CREDENTIALS}
    another = "client_id" in ambient and "client_id" in changes
    if another and sent:
        assert not sent & ambient
    if another and policy == "always" and credential in ambient:
        assert "AKV_CLIENT_ID" in str(plan.blockers[0].message)
    # Everything counts for what is created.
    created = make_plan(wanted, None, release)
    assert created.steps[0].body["client_id"] == options["client_id"]


options = st.dictionaries(st.sampled_from(sorted(CHANGED)), st.booleans(), max_size=len(CHANGED)).map(
    lambda chosen: {name: CHANGED[name] for name, wanted in chosen.items() if wanted}
)
policies = st.sampled_from(["on_create", "always", "when_unreachable"])


@given(changes=options, release=st.sampled_from(RELEASES), policy=policies, exists=st.booleans(), secret=st.booleans())
def test_every_plan_keeps_its_promises(
    changes: dict[str, t.Any], release: Release, policy: str, exists: bool, secret: bool
) -> None:
    secrets = SECRET if secret or policy != "on_create" else {}
    wanted = desired(**{**BASE, **changes}, **secrets, update_credentials=policy)
    current = vault(release, azure_reachability={"reachable": True}) if exists else None
    plan = plan_for(wanted, current, release)

    assert not plan.needs_release
    assert plan.changed == bool(plan.steps)
    # A secret is in a body and nowhere else.
    assert CANARY not in repr(plan)
    assert CANARY not in repr(
        (plan.before, plan.after, plan.record, plan.drift, [s.as_action("done") for s in plan.steps])
    )
    if plan.blockers:
        return
    assert (dict(plan.before) != dict(plan.after)) == plan.changed
    for step in plan.steps:
        for name in step.body:
            if name not in ("svm",):
                assert release.has(FIELDS[name].since), f"{name} sent to {release}"
    # Carried out, it leaves nothing to do, except where sending each time is the policy.
    again = plan_for(wanted, applied(plan, current), release)
    assert not again.blockers
    assert again.changed == (policy == "always")
    if policy == "always":
        assert all(name in SECRETS for step in again.steps for name in step.body)


@given(changes=options, release=st.sampled_from(RELEASES))
def test_nothing_given_is_nothing_managed(changes: dict[str, t.Any], release: Release) -> None:
    plan = make_plan(desired(svm="vs0", **SECRET), vault(release, **changes))
    assert not plan.changed
    assert not plan.needs_release
    assert not plan.blockers
    assert plan.credentials == "not_sent"


@pytest.mark.parametrize("release", RELEASES, ids=str)
@pytest.mark.parametrize("name", sorted(CHANGED))
def test_each_field_goes_where_its_release_takes_it(name: str, release: Release) -> None:
    plan = plan_for(desired(svm="vs0", **SECRET, **{name: CHANGED[name]}), vault(release), release)
    item = FIELDS[name]
    patch = item.patch
    assert patch is not None
    if not release.has(patch):
        assert isinstance(plan.blockers[0], UnsupportedError)
        assert str(patch) in plan.blockers[0].text()
        assert str(release) in plan.blockers[0].text()
        assert name in plan.blockers[0].text()
        return
    assert not plan.blockers
    (step,) = plan.steps
    if name == "key_id" and release.has(Release(9, 11, 1)):
        assert (step.method, step.path) == ("POST", "/api/security/azure-key-vaults/u1/rekey-external")
    else:
        assert (step.method, step.path) == ("PATCH", "/api/security/azure-key-vaults/u1")
    assert step.body[name] == CHANGED[name]


def test_the_release_is_asked_for_only_when_the_record_proves_too_little() -> None:
    wanted = desired(svm="vs0", client_id="client2")
    assert not make_plan(wanted, vault(R9_12)).needs_release  # authentication_method proves 9.10.1
    assert make_plan(wanted, vault(Release(9, 8))).needs_release
    assert not make_plan(desired(svm="vs0", port=8443), vault(R9_18)).needs_release  # enabled proves 9.14.1
    assert make_plan(desired(svm="vs0", port=8443), vault(R9_12)).needs_release
    assert make_plan(desired(svm="vs0", key_id=CHANGED["key_id"]), vault(R9_12)).needs_release
    assert not make_plan(desired(svm="vs0", key_id=CHANGED["key_id"]), vault(R9_18)).needs_release
    assert not make_plan(desired(**BASE, **SECRET), None).needs_release
    assert not make_plan(desired(svm="vs0", **SECRET, update_credentials="always"), vault(Release(9, 7))).needs_release


@pytest.mark.parametrize("release", RELEASES)
def test_a_credential_is_sent_with_what_says_that_nobody_tries_it(release: Release) -> None:
    """Or not at all: also where old releases want one in every PATCH, whatever is changed."""
    wanted = desired(svm="vs0", proxy_port=81, skip_verification=True, **SECRET)
    plan = plan_for(wanted, vault(release, proxy_port=80), release)
    sent = [step.body for step in plan.steps if "client_secret" in step.body]
    assert all("skip_verification" in body for body in sent)
    assert not sent or "skip_verification needs ONTAP 9.16.1" in str([str(one) for one in plan.blockers])


def test_create_sends_what_post_takes_and_patches_the_rest() -> None:
    plan = plan_for(desired(**BASE, **SECRET, verify_host=True, skip_verification=True), None, R9_18)
    post, patch = plan.steps
    assert post.body["svm"] == {"name": "vs0"}
    assert "verify_host" not in post.body
    assert post.body["skip_verification"] is True
    assert (patch.method, patch.body) == ("PATCH", {"verify_host": True})
    assert patch.as_action("done", "u9")["path"].endswith("/u9")
    assert plan.after["client_secret"] == "(set)"
    assert plan.credentials == "sent"


def test_cluster_scope_sends_no_svm() -> None:
    plan = make_plan(desired(scope="cluster", **{k: v for k, v in BASE.items() if k != "svm"}, **SECRET), None)
    assert "svm" not in plan.steps[0].body
    assert plan.after["scope"] == "cluster"


def test_create_names_everything_that_is_missing() -> None:
    plan = make_plan(desired(svm="vs0", client_id="c"), None)
    (blocker,) = plan.blockers
    assert isinstance(blocker, InputError)
    for name in ("name", "key_id", "tenant_id", "client_secret or client_certificate"):
        assert name in blocker.message
    assert "client_id" not in blocker.message


def test_another_vault_is_blocked_with_a_way_out() -> None:
    for release, words in ((R9_18, "inactive configuration"), (R9_12, "state: absent")):
        plan = make_plan(desired(svm="vs0", name="https://other.vault.azure.net/"), vault(release))
        (blocker,) = plan.blockers
        assert isinstance(blocker, BlockedError)
        assert "https://other.vault.azure.net/" in blocker.message
        assert words in blocker.remedy
        assert not plan.steps
        assert plan.drift[0].action == "recreate"


def test_a_credential_goes_with_the_application_it_belongs_to() -> None:
    for name in ("client_id", "tenant_id"):
        plan = plan_for(desired(svm="vs0", **{name: "other"}, **SECRET), vault(), R9_18)
        assert plan.steps[0].body == {name: "other", **SECRET}
        assert plan.credentials == "sent"
        assert not plan.warnings
        alone = plan_for(desired(svm="vs0", **{name: "other"}), vault(), R9_18)
        assert alone.steps[0].body == {name: "other"}
        assert "65537517" in alone.warnings[0]


def test_switching_the_way_to_log_in_is_drift() -> None:
    plan = make_plan(desired(svm="vs0", client_certificate=CERTIFICATE), vault())
    assert plan.steps[0].body == {"client_certificate": CERTIFICATE}
    assert (plan.before["authentication_method"], plan.after["authentication_method"]) == (
        "client_secret",
        "certificate",
    )
    assert not make_plan(desired(svm="vs0", **SECRET), vault()).changed


def test_releases_before_9_9_want_the_secret_in_every_patch() -> None:
    old = vault(Release(9, 8))
    plan = plan_for(desired(svm="vs0", proxy_port=1, **SECRET), old, Release(9, 8))
    assert plan.steps[0].body == {"proxy_port": 1, **SECRET}
    # The documents and the vendor's client of that release disagree, so without it the user is warned and ONTAP asked.
    alone = plan_for(desired(svm="vs0", proxy_port=1), old, Release(9, 8))
    assert alone.steps[0].body == {"proxy_port": 1}
    assert "client_secret" in alone.warnings[0]
    assert not plan_for(desired(svm="vs0", proxy_port=1), vault(Release(9, 9, 1)), Release(9, 9, 1)).warnings


@pytest.mark.parametrize(
    ("reachable", "sent"), [(True, False), (False, True), (None, False)], ids=["fine", "refused", "not said"]
)
def test_when_unreachable(reachable: bool | None, sent: bool) -> None:
    current = vault(azure_reachability={"reachable": reachable})
    plan = plan_for(desired(svm="vs0", **SECRET, update_credentials="when_unreachable"), current, R9_18)
    assert plan.changed is sent
    assert plan.credentials == ("sent" if sent else "not_sent")


@pytest.mark.parametrize("policy", ["always", "when_unreachable"])
def test_a_policy_without_a_credential_is_a_mistake(policy: str) -> None:
    with pytest.raises(InputError, match="update_credentials"):
        desired(svm="vs0", update_credentials=policy)
    desired(svm="vs0", update_credentials=policy, state="absent")


def test_two_credentials_are_refused_without_showing_them() -> None:
    with pytest.raises(InputError, match="client_secret and client_certificate") as caught:
        desired(svm="vs0", client_secret=CANARY, client_certificate=CERTIFICATE)
    assert CANARY not in caught.value.text()
    with pytest.raises(InputError, match="PKCS12") as caught:
        desired(svm="vs0", client_certificate=f"-----BEGIN {CANARY}")
    assert CANARY not in caught.value.text()


def test_a_wrapped_certificate_is_unwrapped() -> None:
    wrapped = f"{CERTIFICATE[:8]}\n{CERTIFICATE[8:]}\n"
    assert desired(svm="vs0", client_certificate=wrapped).secrets == {"client_certificate": CERTIFICATE}


def test_a_key_of_another_vault_is_a_warning() -> None:
    plan = make_plan(desired(**{**BASE, "key_id": "https://hsm.managedhsm.azure.net/keys/k"}, **SECRET), None)
    assert "another vault" in plan.warnings[0]
    assert not plan.blockers
    assert not make_plan(desired(**BASE, **SECRET), None).warnings


def test_an_inactive_configuration_is_managed_only_by_name() -> None:
    inactive = vault(enabled=False, configuration={"name": "second"})
    plan = make_plan(desired(svm="vs0", configuration="second", state="absent"), inactive)
    assert plan.steps[0].path == "/api/security/key-stores/u1"
    plan = make_plan(desired(svm="vs0", configuration="second", key_id=CHANGED["key_id"]), inactive)
    assert isinstance(plan.blockers[0], BlockedError)
    plan = plan_for(desired(**BASE, configuration="third", **SECRET), None, R9_18)
    assert not plan.blockers
    assert plan.steps[0].body["configuration"] == {"name": "third"}
    assert plan.after["enabled"] is False
    plan = plan_for(desired(**BASE, configuration="third", **SECRET), None, R9_12)
    assert isinstance(plan.blockers[0], UnsupportedError)
    plan = plan_for(desired(**BASE, configuration="default", **SECRET), None, R9_18)
    assert not plan.blockers
    assert "configuration" not in plan.steps[0].body
    plan = plan_for(desired(**BASE, configuration="default", **SECRET), None, R9_12)
    assert isinstance(plan.blockers[0], UnsupportedError)


def test_absent_is_one_delete_or_nothing() -> None:
    assert not make_plan(desired(svm="vs0", state="absent", **SECRET), None).changed
    plan = make_plan(desired(svm="vs0", state="absent"), vault())
    assert [(s.method, s.path) for s in plan.steps] == [("DELETE", "/api/security/azure-key-vaults/u1")]
    assert plan.after == {}


def test_the_new_key_comes_after_the_new_credential() -> None:
    plan = make_plan(desired(svm="vs0", key_id=CHANGED["key_id"], **SECRET, update_credentials="always"), vault())
    assert [step.kind for step in plan.steps] == [RENEW, REKEY]
    assert "key_id" not in plan.steps[0].body


def test_every_credential_has_a_method() -> None:
    assert set(CREDENTIALS) < set(SECRETS)
