# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of azure_key_vault as a row for the four beats: what is there, what is wanted, what that may cost."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tests.support.beats import (
    CERTIFICATE,
    CLIENT,
    CREDENTIALS,
    FULL,
    IDENTITY,
    KEY,
    KEY_2,
    OLD,
    SECRET,
    TENANT,
    Outcome,
    number,
)

PROXY = {
    "proxy_type": "http",
    "proxy_host": "proxy.example.com",
    "proxy_port": 3128,
    "proxy_username": "someone",
    "proxy_password": "proxy-password",
}
HOSTS = {"oauth_host": "login.example.com", "vault_host": "vault.example.com", "port": 8443}


@dataclass(frozen=True)
class Row:
    """``exists``: the record the cluster holds before (None: none). ``requests``: what the second beat may take.

    ``sent``: the methods of the predicted actions, where they are the point. ``playbook``: also run under
    ansible-playbook on each release; the rows without it are the same options one by one.
    """

    name: str
    options: t.Mapping[str, t.Any]
    exists: t.Mapping[str, t.Any] | None = None
    since: str = "9.7"
    until: str = "9.99"
    requests: int = 4
    sent: tuple[str, ...] = ()
    playbook: bool = False

    def applies(self, release: str) -> bool:
        return number(self.since) <= number(release) <= number(self.until)


def change(name: str, since: str, before: t.Any, after: t.Any) -> Row:
    """One field that differs. Where the record does not prove the release, asking for it is one request more."""
    exists = {**OLD, **({} if before is None else {name: before})}
    # The secret is there because ONTAP 9.8 wants it in each PATCH; with the later releases it stays at home.
    return Row(name, {**FULL, name: after}, exists, since, requests=3, sent=("PATCH",))


ROWS = [
    Row("create", FULL, sent=("POST",), playbook=True),
    Row("create in another spelling", {**FULL, "name": "https://V.Vault.azure.net"}),
    Row("create with a key in another spelling", {**FULL, "key_id": KEY.replace("/v.", "/V.") + "/"}),
    Row("create without a key version", {**FULL, "key_id": KEY.rsplit("/", 1)[0]}),
    Row("create with proxy", {**FULL, **PROXY}, since="9.8", requests=5, playbook=True),
    Row("create with certificate", {**IDENTITY, "client_certificate": CERTIFICATE}, since="9.10.1", requests=5),
    Row("create with hosts", {**FULL, **HOSTS}, since="9.14.1", requests=5),
    Row(
        "create with verify",
        {**FULL, **HOSTS, "verify_host": True, "verify_ip": False},
        since="9.14.1",
        requests=6,
        sent=("POST", "PATCH"),
        playbook=True,
    ),
    Row("create unverified", {**FULL, "skip_verification": True}, since="9.16.1", requests=5, playbook=True),
    Row("create default", {**FULL, "configuration": "default"}, since="9.14.1", requests=5),
    Row("absent", {"state": "absent"}, OLD, requests=2, sent=("DELETE",)),
    Row("absent although fully given", {**FULL, "state": "absent"}, OLD, requests=2, sent=("DELETE",), playbook=True),
    change("client_id", "9.9.1", "client-before", CLIENT),
    change("tenant_id", "9.9.1", "tenant-before", TENANT),
    change("proxy_type", "9.8", "http", "https"),
    change("proxy_host", "9.8", None, "proxy.example.com"),
    change("proxy_port", "9.8", 3128, 8080),
    change("proxy_username", "9.8", "before", "after"),
    change("oauth_host", "9.14.1", None, "login.example.com"),
    change("vault_host", "9.14.1", "before.example.com", "vault.example.com"),
    change("port", "9.14.1", 443, 8443),
    change("verify_host", "9.14.1", False, True),
    change("verify_ip", "9.14.1", None, False),
    Row("proxy", {**FULL, **PROXY}, OLD, since="9.8", requests=3, sent=("PATCH",), playbook=True),
    Row(
        "application",
        {**FULL, "client_id": "another", "tenant_id": "another"},
        OLD,
        since="9.9.1",
        requests=3,
        sent=("PATCH",),
        playbook=True,
    ),
    Row(
        "hosts",
        {**FULL, **HOSTS, "verify_host": True, "verify_ip": True},
        OLD,
        since="9.14.1",
        requests=2,
        sent=("PATCH",),
        playbook=True,
    ),
    Row(
        "key_id by PATCH",
        {**FULL, "key_id": KEY_2},
        OLD,
        since="9.8",
        until="9.10.1",
        requests=3,
        sent=("PATCH",),
        playbook=True,
    ),
    # Reading, the release where the record does not prove it, looking for a running job, rekey, a poll, reading.
    Row(
        "key_id by rekey",
        {**FULL, "key_id": KEY_2},
        OLD,
        since="9.11.1",
        until="9.13.1",
        requests=6,
        sent=("POST",),
        playbook=True,
    ),
    Row(
        "key_id by rekey and no poll",
        {**FULL, "key_id": KEY_2},
        OLD,
        since="9.14.1",
        requests=4,
        sent=("POST",),
    ),
    Row(
        "everything at once",
        {**FULL, **HOSTS, "key_id": KEY_2, "client_id": "another"},
        OLD,
        since="9.14.1",
        requests=5,
        sent=("PATCH", "POST"),
        playbook=True,
    ),
    Row(
        "certificate instead of secret",
        {"client_certificate": CERTIFICATE},
        OLD,
        since="9.10.1",
        requests=2,
        sent=("PATCH",),
        playbook=True,
    ),
    Row(
        "secret instead of certificate",
        {"client_secret": SECRET},
        {**IDENTITY, "client_certificate": CERTIFICATE},
        since="9.10.1",
        requests=2,
        sent=("PATCH",),
    ),
]


def changes(row: Row) -> set[str]:
    """The options that differ from the record that is there, but for credentials, which no record shows."""
    there = row.exists
    if there is None:
        return set()
    return {name for name, value in row.options.items() if name not in CREDENTIALS and there.get(name) != value}


# Another value of each field that a row changes alone.
CHANGED: dict[str, t.Any] = {
    name: row.options[name] for row in reversed(ROWS) for name in changes(row) - {"state"} if changes(row) == {name}
}


def check_row(row: Row, beats: t.Sequence[Outcome]) -> None:
    """What must hold of a row besides the four beats: the requests predicted, the record afterwards, no secret."""
    if row.sent:
        assert tuple(action["method"] for action in beats[0].result["actions"]) == row.sent
    for beat in beats:
        assert not any(word in str(beat.result) for word in (SECRET, CERTIFICATE, PROXY["proxy_password"]))
    predicted, record = beats[0].result["azure_key_vault"], beats[1].result["azure_key_vault"]
    if row.options.get("state") == "absent":
        assert record == {}
        return
    for name, value in row.options.items():
        if name in predicted and name not in ("name", "key_id"):
            assert record[name] == predicted[name] == value
    assert record["uuid"]
    assert record["svm"]["name"]
