# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the modules share: sample values, outcomes, the four beats, and a driver without Ansible."""

from __future__ import annotations

import base64
import html
import importlib
import json
import typing as t
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import OntapError
from tests.simulator import Simulator

CREDENTIALS = {"client_secret", "client_certificate"}
WRITES = {"POST", "PATCH", "DELETE", "PUT"}

VAULT = "https://v.vault.azure.net/"
KEY = "https://v.vault.azure.net/keys/k1/a8e619fd8f234db3b0b95c59540e2a74"
KEY_2 = "https://v.vault.azure.net/keys/k2/b8e619fd8f234db3b0b95c59540e2a75"
CLIENT = "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa"
TENANT = "cccccccc-dddd-cccc-dddd-cccccccccccc"
SECRET = "initial-azure-secret"


def pkcs12(content: bytes) -> str:
    """What begins as a PKCS12 file does, in base64: a sequence with its length, then the version, 3."""
    return base64.b64encode(b"\x30\x82\x04\x00\x02\x01\x03" + content).decode()


def spellings(secret: str) -> set[str]:
    """Every spelling in which some channel may show a secret, or a line of one that has several."""
    found = set()
    for form in {secret, secret.strip(), "".join(secret.split()), *(line for line in secret.split("\n") if line)}:
        raw = form.encode()
        quoted = {quote(form), quote(form, safe=""), quote_plus(form)}
        # Base64 of a part is found whatever stands before it: three alignments, without the edges that depend on it.
        shifted = {base64.b64encode(b"x" * shift + raw).decode()[4:-4] for shift in range(3)}
        escaped = {json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1], repr(form)[1:-1]}
        # Python takes the other quotes where a text holds these, and writes what stands in a text twice.
        escaped |= {form.replace("\\", "\\\\").replace("'", "\\'"), repr(repr(form))[2:-2], ascii(form)[1:-1]}
        found |= {form, html.escape(form), form.encode("unicode_escape").decode(), *quoted, *shifted, *escaped}
    return found


CERTIFICATE = pkcs12(b"no real certificate")
IDENTITY: dict[str, t.Any] = {"name": VAULT, "key_id": KEY, "client_id": CLIENT, "tenant_id": TENANT}
FULL: dict[str, t.Any] = {**IDENTITY, "client_secret": SECRET}
# What a cluster holds before a test changes it.
OLD: dict[str, t.Any] = {**IDENTITY, "client_secret": "the secret before"}


def number(release: str) -> tuple[int, ...]:
    """A release as numbers, to compare it."""
    return tuple(int(part) for part in release.split("."))


@dataclass(frozen=True)
class Outcome:
    """What a task returned, which requests reached the cluster, and the cluster's state afterwards."""

    name: str
    failed: bool
    result: dict[str, t.Any]
    requests: list[dict[str, t.Any]]
    snapshot: dict[str, t.Any]

    @property
    def methods(self) -> list[str]:
        return [request["method"] for request in self.requests]

    @property
    def writes(self) -> list[dict[str, t.Any]]:
        return [request for request in self.requests if request["method"] in WRITES]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def msg(self) -> str:
        return str(self.result.get("msg", ""))


def connection(sim: Simulator) -> dict[str, t.Any]:
    """The connection options for a simulated cluster."""
    return {
        "hostname": sim.host,
        "http_port": sim.port,
        "username": sim.username,
        "password": sim.password,
        "ca_path": str(sim.ca_path),
    }


def options_of(spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """All options of a module as Ansible would hand them over: defaults filled in, the others None."""
    unknown = set(given) - set(spec)
    assert not unknown, unknown
    filled = {name: given.get(name, option.get("default")) for name, option in spec.items()}
    for name, option in spec.items():
        if option.get("options") and filled[name]:
            inner, value = option["options"], filled[name]
            filled[name] = (
                [options_of(inner, entry) for entry in value] if isinstance(value, list) else options_of(inner, value)
            )
    return filled


FUNCTIONS = {
    "azure_key_vault": "manage",
    "azure_key_vault_info": "inform",
    "azure_key_vault_migrate": "migrate",
    "azure_key_vault_preflight": "preflight",
    "azure_key_vault_rekey": "rekey",
    "azure_key_vault_restore": "restore",
    "azure_key_vaults": "manage_all",
    "key_manager_policy": "watch",
}


def drive(
    sim: Simulator,
    options: t.Mapping[str, t.Any],
    *,
    check: bool = False,
    module: str = "azure_key_vault",
    login: t.Mapping[str, t.Any] | None = None,
    client: t.Callable[[Connection], Client] | None = None,
) -> Outcome:
    """Run a module's function in this process, over real TLS and without Ansible."""
    imported = importlib.import_module(f"ansible_collections.ontap.security.plugins.modules.{module}")
    function = getattr(imported, FUNCTIONS[module])
    spec = imported.argument_spec()
    sim.clear()
    given = dict(connection(sim) if login is None else login)
    failed = False
    try:
        settings = Connection(
            hostname=given["hostname"],
            port=given["http_port"],
            username=given.get("username"),
            password=given.get("password"),
            access_token=given.get("access_token"),
            ca_path=given.get("ca_path"),
            timeout=given.get("request_timeout", 20),
            secrets=tuple(v for n, v in {**options, **given}.items() if spec[n].get("no_log")),
        )
        with (client or (lambda s: Client(s, caller=module, sleep=lambda _seconds: None)))(settings) as session:
            result = function(options_of(spec, options), session, check)
    except OntapError as exc:
        failed = True
        result = {"msg": exc.text(), "error": exc.details(), **exc.result}
    return Outcome("drive", failed, result, list(sim.requests), sim.snapshot())


def _proofs(done: Outcome) -> int:
    """What it takes to see that Azure accepts a credential: a look after each change that sent one. A created record is
    looked at anyway; ONTAP 9.7 refuses to be asked, and is asked again without."""
    sent = [action["method"] for action in done.result["actions"] if {*action["fields"]} & CREDENTIALS]
    refused = [r for r in done.requests if r["status"] == 400 and "azure_reachability" in r["query"].get("fields", "")]
    return sent.count("PATCH") + len(refused)


def assert_four_beats(
    beats: t.Sequence[Outcome], before: t.Mapping[str, t.Any], *, requests: int, reads_to_predict: int | None = None
) -> None:
    """``before`` is the cluster's state ahead of the first beat, ``requests`` what the second one may take."""
    predicted, done, repeated, again = beats
    for beat in beats:
        assert not beat.failed, f"{beat.name}: {beat.msg}"
    # Predicting only reads, and leaves the cluster as it was.
    assert predicted.changed
    assert not predicted.writes, predicted.writes
    assert predicted.snapshot == before
    if reads_to_predict is not None:
        assert len(predicted.requests) == reads_to_predict, predicted.methods
    # Doing is what was predicted.
    assert done.changed
    assert done.result["diff"] == predicted.result["diff"]
    told = [[(a["method"], a["fields"], a["outcome"]) for a in beat.result["actions"]] for beat in (predicted, done)]
    assert told[0] == told[1]
    assert {outcome for _method, _fields, outcome in told[1]} == {"done"}
    assert done.result["credentials"] == predicted.result["credentials"]
    assert len(done.requests) <= requests + _proofs(done), [(r["method"], r["path"]) for r in done.requests]
    # Repeating takes one look and changes nothing.
    for beat in (repeated, again):
        assert not beat.changed, f"{beat.name}: {beat.result['diff']}"
        assert beat.methods == ["GET"], [(r["method"], r["path"]) for r in beat.requests]
        assert beat.result["actions"] == []
        assert beat.result["diff"]["before"] == beat.result["diff"]["after"]
        assert beat.snapshot == done.snapshot
