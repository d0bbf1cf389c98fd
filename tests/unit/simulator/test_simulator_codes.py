# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error code that ONTAP's reference lists for an operation can be met, by its natural cause where it has one."""

from __future__ import annotations

import typing as t

import pytest

VAULTS = "/api/security/azure-key-vaults"
STORES = "/api/security/key-stores"
KEY = "https://v.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"
CERTIFICATE = "MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglcMIIJWDCC"


def table(text: str) -> dict[str, list[int]]:
    """Read lines of "operation: codes", which may go on in the next line."""
    found: dict[str, list[int]] = {}
    for word in text.split():
        if word.endswith(":"):
            codes = found[word[:-1]] = []
        else:
            codes.append(int(word))
    return found


# The codes of the reference's tables, by operation. Those that only old releases have stand apart.
LISTED = table(
    """
    list: 65537549 65537551 65537552
    get: 65537549 65537551 65537552 4
    create: 3735553 3735664 3735665 3735700 52559972 65537500 65537504 65537505 65537506 65537512 65537514
        65537518 65537523 65537526 65537553 65537567 65537573 65537589 65537592 65537593 65537594 65537595
        65538902 65538903 65539704
    patch: 65537120 65537504 65537517 65537540 65537541 65537547 65537573 65537577
    delete: 65536242 65536243 65536817 65536827 65536834 65536867 65536883 65536884 65536924 65537120
        196608080 196608301 196608305
    restore: 65537120 65537515 65537544
    rekey-internal: 65537120 65537547 65537559 65537610 65539436 65539437
    rekey-external: 65537120 65537547 65537610 65539436 65539437
    key-stores-list: 13434920
    key-stores-get: 65539523
    key-stores-patch: 262155 65536203 65536204 65536207 65536212 65536217 65536602 65536856 65536882 65536883 65536884
        65536889 65536890 65536973 65536987 65537527 65537533 65537605 65538908 65538909 65538910 65539200
        65539201 65539205 65539206 65539207 65539212 65539218 65539222 65539416 65539442 65539444 65539513
        65539514 65539515 65539518 65539520 65539534 65539535 65539536 65539538 65539539 65539583 65539585
        65539590 65539591 65539622 65539704 65539837 65539838 65539839 65539840 65539842 65539845
    key-stores-delete: 262155 65538905 65538907 65538908 65539521 65539522 65539593
    migrate: 65536886 65536959 65536968 65537117 65537551 65537552 65537564 65537611 65537720 65537736 65538107
        65539434 65539435
    jobs-get: 4
    jobs-patch: 458762 458773 458771 458776 458783 458784
    """
)
LISTED_97 = table(
    """
    create: 3735553 3735664 3735665 3735700 52559972 65537500 65537503 65537504 65537505 65537506 65537512
        65537514 65537518
    restore: 65537511 65537515
    delete: 65536242 65536817 65536827 65536834 65536867 65536883 65536884 65536924 65537511 196608301
        196608305
    patch: 65537503 65537504 65537511 65537517
    """
)
INTERNAL = {65537504, 65536817, 65536827, 65536834, 65536883, 65536884, 196608301, 65539523, 65536203, 65536204}
INTERNAL |= {65536207, 65536212, 65536217, 65536882, 65536889, 65536890, 65536973, 65537527, 65537533, 65539416}
INTERNAL |= {65539442, 65539444, 65539518, 65539536}
MISSING = {4, 65537120, 65537511, 65538908, 13434920, 65539207}

Scene = t.Callable[[t.Any], None]


class Act(t.NamedTuple):
    """How an operation is called: on which path, with which body and headers."""

    path: str = ""
    body: t.Any = None
    headers: t.Mapping[str, str] = {}


def body(**changes: t.Any) -> dict[str, t.Any]:
    full = {
        "svm": {"name": "vs0"},
        "client_id": "c",
        "tenant_id": "t",
        "name": "https://v.vault.azure.net",
        "key_id": KEY,
        "client_secret": "s",
        **changes,
    }
    return {name: value for name, value in full.items() if value is not None}


def second(**changes: t.Any) -> Act:
    return Act(f"{VAULTS}?create_inactive=true", body(**changes))


def scene(name: str, *args: t.Any, **keywords: t.Any) -> Scene:
    def run(ontap: t.Any) -> None:
        getattr(ontap, name)(*args, **keywords)

    return run


def both(*scenes: Scene) -> Scene:
    def run(ontap: t.Any) -> None:
        for one in scenes:
            one(ontap)

    return run


def nothing(_ontap: t.Any) -> None:
    return


ENCRYPTED = scene("encrypt_volumes", "vs0")
ON_ADMIN = scene("set_svm", "vs0", keys_on_admin=True)
OLD_NODE = scene("set_site", effective_version="9.13.1")
INACTIVE: t.Any = object()  # put in for the UUID of an inactive configuration

# Natural causes: what the scene is, and what is sent if that matters.
CAUSES: dict[tuple[str, int], tuple[Scene, Act]] = {
    ("get", 4): (nothing, Act(f"{VAULTS}/no-such-uuid")),
    ("create", 3735664): (scene("set_site", fips="key"), Act()),
    ("create", 3735665): (scene("set_site", fips="hash"), Act()),
    ("create", 65537500): (scene("add_key_manager", "vs0", "okm"), Act()),
    ("create", 65537505): (ON_ADMIN, Act()),
    ("create", 65537506): (scene("set_site", metrocluster=True), Act()),
    ("create", 65537512): (scene("set_node", "node2", azure_capable=False), Act()),
    ("create", 65537523): (nothing, Act(VAULTS, body(key_id="https://v.vault.azure.net/secrets/key1"))),
    ("create", 65537526): (
        both(scene("set_azure", verify_on_create=True, valid_secrets=["other"])),
        Act(),
    ),
    ("create", 65537553): (nothing, Act(VAULTS, body(name="https:://mykeyvault"))),
    ("create", 65537567): (nothing, Act(VAULTS, body(client_secret=None))),
    ("create", 65537573): (nothing, Act(VAULTS, body(client_secret=None, client_certificate="no base64"))),
    ("create", 65537589): (
        scene("add_vault", "vs0", enabled=False, configuration="second"),
        second(configuration={"name": "second"}),
    ),
    ("create", 65537592): (OLD_NODE, Act(VAULTS, body(configuration={"name": "second"}))),
    ("create", 65537593): (OLD_NODE, second(configuration={"name": "second"})),
    ("create", 65537594): (nothing, second()),
    ("create", 65537595): (nothing, Act(VAULTS, body(configuration={"name": "second"}))),
    ("create", 65538902): (nothing, second(configuration={"name": "default"})),
    ("create", 65538903): (nothing, second(configuration={"name": ""})),
    ("create", 65539704): (scene("set_svm", "vs0", nae_volumes=True), Act()),
    ("patch", 65537517): (
        scene("switch", require_credential_with_identity=True),
        Act("{vault}", {"client_id": "other"}),
    ),
    ("patch", 65537540): (scene("set_azure", valid_secrets=["right"]), Act("{vault}", {"client_secret": "wrong"})),
    ("patch", 65537541): (nothing, Act("{vault}", {})),
    ("patch", 65537547): (ON_ADMIN, Act()),
    ("patch", 65537573): (nothing, Act("{vault}", {"client_certificate": "bm90IGEgY2VydGlmaWNhdGU="})),
    ("patch", 65537577): (
        scene("set_node", "node1", certificate_capable=False),
        Act("{vault}", {"client_certificate": CERTIFICATE}),
    ),
    ("delete", 65536242): (scene("set_site", keyed_drives=True), Act()),
    ("delete", 65536867): (ENCRYPTED, Act()),
    ("delete", 65536924): (scene("set_site", nse_keys=True), Act()),
    ("delete", 196608080): (scene("set_site", encrypted_root=True), Act()),
    ("delete", 196608305): (scene("set_site", nae_aggregates=True), Act()),
    ("restore", 65537515): (both(ENCRYPTED, scene("set_node", "node1", reachable=False)), Act()),
    ("rekey-internal", 65537559): (nothing, Act()),
    ("key-stores-list", 13434920): (nothing, Act(STORES, None, {"X-Dot-SVM-Name": "no-such-svm"})),
    ("key-stores-patch", 262155): (OLD_NODE, Act()),
    ("key-stores-patch", 65536602): (scene("set_node", "node1", reachable=False), Act()),
    ("key-stores-patch", 65537605): (scene("set_azure", reachable=False), Act()),
    ("key-stores-patch", 65538908): (nothing, Act(f"{STORES}/no-such-uuid", {"enabled": True})),
    ("key-stores-patch", 65538909): (nothing, Act(f"{STORES}/{{inactive}}", {})),
    ("key-stores-patch", 65538910): (nothing, Act(f"{STORES}/{{uuid}}", {"enabled": False})),
    ("key-stores-patch", 65539212): (scene("set_keystore", "vs0", "mixed"), Act()),
    ("key-stores-patch", 65539218): (nothing, Act(f"{STORES}/{{uuid}}", {"enabled": True})),
    ("key-stores-patch", 65539222): (
        both(scene("remove_vault", "vs0"), scene("add_key_manager", "vs0", "kmip")),
        Act(),
    ),
    ("key-stores-patch", 65539704): (scene("set_svm", "vs0", nae_volumes=True), Act()),
    ("key-stores-delete", 262155): (OLD_NODE, Act()),
    ("key-stores-delete", 65538905): (nothing, Act(f"{STORES}/{{uuid}}")),
    ("key-stores-delete", 65538908): (nothing, Act(f"{STORES}/no-such-uuid")),
    ("key-stores-delete", 65539593): (scene("set_keystore", "vs0", "switching"), Act(f"{STORES}/{{uuid}}")),
    ("migrate", 65536959): (nothing, Act("/api/security/key-managers/{uuid}/migrate", {"uuid": "{uuid}"})),
    ("migrate", 65536968): (scene("set_node", "node1", reachable=False), Act()),
    ("migrate", 65537117): (nothing, Act("/api/security/key-managers/{uuid}/migrate", {"uuid": "no-such-uuid"})),
    ("migrate", 65537564): (scene("set_azure", reachable=False), Act()),
    ("jobs-get", 4): (nothing, Act("/api/cluster/jobs/no-such-uuid")),
}
for _name in ("rekey-internal", "rekey-external"):
    CAUSES[(_name, 65537547)] = (both(ENCRYPTED, ON_ADMIN), Act())
for _name, _codes in {
    "rekey-internal": (65537610, 65539436, 65539437),
    "rekey-external": (65537610, 65539436, 65539437),
    "migrate": (65537611, 65539434, 65539435),
}.items():
    for _code, _state in zip(_codes, ("switching", "initializing", "disabling"), strict=True):
        CAUSES[(_name, _code)] = (both(ENCRYPTED, scene("set_keystore", "vs0", _state)), Act())
for _name in ("restore", "rekey-internal", "rekey-external", "delete"):
    _tail = "" if _name == "delete" else f"/{_name}"
    CAUSES[(_name, 65537120)] = (
        ENCRYPTED,
        Act(f"{VAULTS}/{{inactive}}{_tail}", {"key_id": KEY} if _name == "rekey-external" else None),
    )

CALLS: dict[str, tuple[str, Act]] = {
    "list": ("GET", Act(VAULTS)),
    "get": ("GET", Act("{vault}")),
    "create": ("POST", Act(VAULTS, body())),
    "patch": ("PATCH", Act("{vault}", {"client_secret": "new"})),
    "delete": ("DELETE", Act("{vault}")),
    "restore": ("POST", Act("{vault}/restore")),
    "rekey-internal": ("POST", Act("{vault}/rekey-internal")),
    "rekey-external": ("POST", Act("{vault}/rekey-external", {"key_id": KEY})),
    "key-stores-list": ("GET", Act(STORES)),
    "key-stores-get": ("GET", Act(f"{STORES}/{{uuid}}")),
    "key-stores-patch": ("PATCH", Act(f"{STORES}/{{inactive}}", {"enabled": True})),
    "key-stores-delete": ("DELETE", Act(f"{STORES}/{{inactive}}")),
    "migrate": ("POST", Act("/api/security/key-managers/{uuid}/migrate", {"uuid": "{admin}"})),
    "jobs-get": ("GET", Act("/api/cluster/jobs/no-such-uuid")),
    "jobs-patch": ("PATCH", Act("/api/cluster/jobs/no-such-uuid?action=cancel")),
}


def provoke(client: t.Any, operation: str, code: int, causes: t.Mapping[tuple[str, int], tuple[Scene, Act]]) -> t.Any:
    """Set the scene for a code, carry out the operation and return the response."""
    ids = {"uuid": "", "inactive": "", "admin": ""}
    if operation != "create":
        ids["uuid"] = client.ontap.add_vault("vs0")
        ids["admin"] = client.ontap.add_key_manager(None, "kmip")
        if client.ontap.profile.named_configurations:
            ids["inactive"] = client.ontap.add_vault("vs0", enabled=False, configuration="other")
    method, usual = CALLS[operation]
    cause = causes.get((operation, code))
    if cause is None:
        client.ontap.refuse(operation, code)
    else:
        cause[0](client.ontap)
    act = cause[1] if cause and cause[1].path else usual
    names = {**ids, "vault": f"{VAULTS}/{ids['uuid']}"}
    sent = act.body
    if isinstance(sent, dict) and "uuid" in sent:
        sent = {"uuid": sent["uuid"].format(**names)}
    return client(method, act.path.format(**names), json=sent, headers=dict(act.headers))


def check(response: t.Any, code: int) -> None:
    error = response.json()["error"]
    assert error["code"] == str(code)
    assert error["message"]
    if code in INTERNAL:
        assert response.status_code == 500
    elif code in MISSING:
        assert response.status_code == 404
    else:
        assert response.status_code == 400


@pytest.mark.parametrize(("operation", "code"), [(name, code) for name, codes in LISTED.items() for code in codes])
def test_every_listed_code(newest: t.Any, operation: str, code: int) -> None:
    check(provoke(newest, operation, code, CAUSES), code)


OLD_CAUSES: dict[tuple[str, int], tuple[Scene, Act]] = {
    **CAUSES,
    ("patch", 65537517): (nothing, Act("{vault}", {})),
}


@pytest.mark.parametrize(("operation", "code"), [(name, code) for name, codes in LISTED_97.items() for code in codes])
def test_every_code_of_97(cluster: t.Any, operation: str, code: int) -> None:
    client = cluster("9.7")
    response = provoke(client, operation, code, OLD_CAUSES)
    if (operation, code) == ("restore", 65537515):
        # In 9.7 every restore answers 202, so the job has the code.
        assert response.status_code == 202
        job = client.get(f"/api/cluster/jobs/{response.json()['job']['uuid']}")
        assert (job["state"], job["code"]) == ("failure", code)
    else:
        check(response, code)


@pytest.mark.parametrize(
    ("action", "prepare", "code"),
    [
        ("cancel", "end_job", "458762"),
        ("resume", None, "458771"),
        ("pause", "hold_job", "458776"),
        ("pause", "jobs_pausable", "458783"),
        ("cancel", "jobs_cancellable", "458784"),
    ],
)
def test_codes_of_job_changes(newest: t.Any, action: str, prepare: str | None, code: str) -> None:
    uuid = newest.ontap.add_vault("vs0")
    newest.ontap.set_duration("restore", 60)
    job = newest("POST", f"{VAULTS}/{uuid}/restore").json()["job"]["uuid"]
    if prepare in ("end_job", "hold_job"):
        getattr(newest.ontap, prepare)(job)
    elif prepare:
        newest.ontap.switch(**{prepare: False})
    assert newest.code("PATCH", f"/api/cluster/jobs/{job}?action={action}") == code


def test_a_refusal_counts_down_and_is_taken_back(newest: t.Any) -> None:
    newest.ontap.refuse("list", 65541, times=2)
    assert [newest.code("GET", VAULTS) for _again in range(3)] == ["65541", "65541", ""]
    newest.ontap.refuse("list", 8, "busy", status=503)
    response = newest("GET", VAULTS)
    assert (response.status_code, response.json()["error"]) == (503, {"message": "busy", "code": "8"})
    newest.ontap.allow("list")
    assert newest.code("GET", VAULTS) == ""


@pytest.mark.parametrize(
    ("scene_", "sent", "code"),
    [
        (nothing, {"svm": {"name": "no-such-svm"}}, "2621462"),
        (nothing, {"svm": {"name": "vs0", "uuid": "not-that-of-vs0"}}, "2621706"),
        (scene("switch", refuse_cluster_scope=True), {"svm": None}, "2621707"),
        (nothing, {"client_id": None}, "262212"),
        (nothing, {"tenant_id": None}, "262212"),
        (nothing, {"name": None}, "262212"),
        (nothing, {"key_id": None}, "262212"),
        (nothing, {"client_certificate": CERTIFICATE}, "262186"),
        (nothing, {"port": "443"}, "262197"),
        (nothing, {"port": 70000}, "262197"),
        (nothing, {"proxy_type": "socks"}, "262197"),
        (nothing, {"svm": "vs0"}, "262197"),
        (nothing, {"svm": ["vs0"]}, "262255"),
        (nothing, {"name": ["a"]}, "262255"),
        (nothing, {"svm.name": "vs0"}, "262282"),
    ],
)
def test_what_create_refuses(newest: t.Any, scene_: Scene, sent: dict[str, t.Any], code: str) -> None:
    scene_(newest.ontap)
    assert newest.code("POST", VAULTS, json=body(**sent)) == code
    assert newest.sim.snapshot()["key_stores"] == {}


@pytest.mark.parametrize(("release", "code"), [("9.7", "65537511"), ("9.9.1", "65537511"), ("9.10.1", "65537120")])
def test_not_configured(cluster: t.Any, release: str, code: str) -> None:
    client = cluster(release)
    path = f"{VAULTS}/{client.ontap.add_key_manager('vs0', 'kmip')}"
    assert client.code("DELETE", path) == client.code("POST", f"{path}/restore") == code
    assert client.code("PATCH", path, json={"client_secret": "new"}) == code
    assert client.code("GET", path) == "4"


def test_before_9101_a_missing_secret_is_a_missing_value(cluster: t.Any) -> None:
    assert cluster("9.9.1").code("POST", VAULTS, json=body(client_secret=None)) == "262212"


@pytest.mark.parametrize(("release", "code"), [("9.8", "65537517"), ("9.9.1", "262190"), ("9.10.1", "65537541")])
def test_empty_patch(cluster: t.Any, release: str, code: str) -> None:
    client = cluster(release)
    assert client.code("PATCH", f"{VAULTS}/{client.ontap.add_vault('vs0')}", json={}) == code


def test_patch_with_a_wrong_value_changes_nothing(newest: t.Any) -> None:
    uuid = newest.ontap.add_vault("vs0")
    before = newest.sim.snapshot()
    for sent in ({"client_id": None}, {"client_secret": ""}, {"proxy_port": True}, {"client_id": "x", "uuid": "y"}):
        assert newest.code("PATCH", f"{VAULTS}/{uuid}", json=sent)
    assert newest.sim.snapshot() == before
