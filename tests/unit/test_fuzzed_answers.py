# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of answers that no ONTAP gives: every module ends with a result or with an error that it explains."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import random
import sys
import typing as t
import zlib
from dataclasses import dataclass

import pytest

from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import OntapError
from tests.simulator.call import Call
from tests.simulator.ontap import Ontap
from tests.support.beats import FULL, FUNCTIONS, KEY_2, OLD, WRITES, options_of
from tests.support.wire import answer_of, raw, wired

RUNS, ANSWERS = 20, 100
VAULT, INFO, MANY = "azure_key_vault", "azure_key_vault_info", "azure_key_vaults"
REKEY, RESTORE, PREFLIGHT = "azure_key_vault_rekey", "azure_key_vault_restore", "azure_key_vault_preflight"
TASKS: list[tuple[str, dict[str, t.Any]]] = [
    (VAULT, {"svm": "vs1", **FULL}),
    (VAULT, {"svm": "vs1", **FULL, "verify_host": True}),
    (VAULT, {"svm": "vs0", "client_id": "another", "client_secret": "new", "update_credentials": "always"}),
    (VAULT, {"svm": "vs0", "client_secret": "new", "update_credentials": "when_unreachable"}),
    (VAULT, {"svm": "vs0", "key_id": KEY_2, "wait_timeout": 30}),
    (VAULT, {"svm": "vs2", "state": "absent"}),
    (VAULT, {"scope": "cluster", **FULL}),
    (INFO, {"health": True, "cluster": True}),
    (INFO, {"count_only": True}),
    (INFO, {"filters": {"state.available": True}, "fields": ["oauth_host"]}),
    (INFO, {"max_records": 1, "order_by": ["name"]}),
    (REKEY, {"svm": "vs0", "key": "internal", "wait_timeout": 30}),
    (REKEY, {"svm": "vs0", "key": "external", "key_id": KEY_2, "wait_timeout": 30}),
    (PREFLIGHT, {"svm": "vs0", **FULL}),
    (PREFLIGHT, {"vaults": [{"svm": "vs0"}, {"svm": "vs1", **FULL}, {"scope": "cluster", **FULL}]}),
    (RESTORE, {"svm": "vs0", "wait_timeout": 30}),
    (RESTORE, {"svm": "vs0", "force": True, "wait_timeout": 30}),
    (MANY, {"vaults": [{"svm": "vs0", "proxy_port": 81}, {"svm": "vs1", **FULL}, {"svm": "vs9", **FULL}]}),
    (MANY, {"vaults": [{"svm": "vs0"}, {"svm_uuid": "no-such"}], "unmanaged": "absent", "concurrency": 1}),
]
RELEASES = ["9.7", "9.10.1", "9.14.1", "9.18.1"]

# What a value, a body, a header, a status or a whole answer may turn out to be.
VALUES: list[t.Any] = [
    *(None, True, False, 0, 1, -1, 3.5, 10**30, [], {}, [None], [[]], [{}], {"": None}, {"uuid": []}, {"name": {}}),
    *("", " ", "0", "null", "x" * 9000, "\x00", "\x1b[31m", "../..", "é", "\ud800"),
    *({"error": {}}, {"code": "4", "message": "x"}),
]
BODIES: list[bytes] = [
    *(b"", b" ", b"null", b"true", b"5", b'"text"', b"[]", b"{}", b"[{}]", b"{"),
    *(b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"),
    *(b'{"status":"ok"}', b'{"records":null}', b'{"records":{}}', b'{"records":[5]}', b'{"num_records":-1}'),
    *(b'{"num_records":3,"records":[]}', b'{"num_records":true}', b'{"num_records":1e999}'),
    *(b'{"error":{}}', b'{"error":[]}', b'{"error":"no"}', b'{"error":null}', b'{"error":{"code":[],"message":{}}}'),
    b'{"error":{"code":"4","message":"entry","target":{},"arguments":[5,{"code":{}},{"message":[]}]}}',
    *(b'{"error":{"code":6691623,"message":null,"arguments":"x"}}', b'{"records":[],"records":[],"num_records":0}'),
    *(b'{"records":[NaN],"num_records":1}', b'{"records":[],"num_records":' + b"9" * 9000 + b"}"),
    *(b'{"records":[{"name":"caf\xe9","uuid":"u"}]}', b'{"records":[{"uuid":"u","name":"\\ud800"}]}'),
    *(b'{"records":[{"uuid":"../cluster","name":"n"}]}', b'{"job":{"uuid":"a/../b"}}', b'{"job":{"uuid":"u"}}'),
    *(b"[" * 200_000, b'{"records":' + b"[" * 200_000, b'{"a":' * 200_000, b'{"records":[' * 400 + b"]}" * 400),
    *(b'{"job":5}', b'{"job":{}}', b'{"job":{"uuid":5}}', b'{"records":[],"_links":[]}'),
    b'{"records":[],"_links":{"next":{"href":"@elsewhere.example/api/"}}}',
    *(b'{"records":[],"_links":{"next":{"href":"%s"}}}' % link for link in (b"http://[x", b"/api/\\u0000", b"/api/?x")),
    *(b"<html>" + bytes(range(256)), b"\x1f\x8b\x08garbage", gzip.compress(b"\0" * 100_000), b"\x00" * 5000),
]
HEADERS: list[tuple[str, str]] = [
    *(("Content-Type", value) for value in ("", "text/html; charset", "a/b; charset=no-such", "\xff/\x1b")),
    *(("Content-Encoding", value) for value in ("gzip", "deflate", "br", "x", "gzip, gzip", "\xb2")),
    *(("Content-Length", value) for value in ("0", "7", "-1", "many", "99999999999999999999", "5, 6", "")),
    *(("Transfer-Encoding", value) for value in ("chunked", "x", "gzip, chunked")),
    *(("Location", value) for value in ("", "\xff\xfe", "http://[", "/api/cluster/jobs/\xe9", "x" * 70_000)),
    *(("Retry-After", value) for value in ("\xb2", "-1", "1e9", "5", "Wed, 21 Oct 2099 07:28:00 GMT", "9" * 400)),
    *(("Set-Cookie", value) for value in ("a=b; expires=never; max-age=x", "=;=;", "\xff=\xff; domain=[")),
    *(("Connection", "x"), ("Link", "<"), ("Bad header", "x"), ("Trailer", "x"), ("WWW-Authenticate", "\xff")),
]
STATUSES: list[int | str] = [
    *(100, 101, 103, 200, 200, 200, 201, 202, 204, 205, 206, 226, 300, 301, 302, 304, 307, 399, 400, 401, 401, 403),
    *(404, 404, 407, 409, 413, 417, 429, 451, 499, 500, 502, 503, 504, 599, 600, 999, 20, 1000, "OK", ""),
]
GOOD = b"HTTP/1.1 200 OK\r\n"
LINES: list[bytes] = [
    *(b"", b"\r\n", b"HTTP/1.1", b"HTTP/1.1 200", b"HTTP/9.9 200 OK\r\n\r\n", b"ICY 200 OK\r\n\r\n", b"SSH-2.0-x\r\n"),
    *(GOOD + b"A: b\r\n" * 200 + b"\r\n{}", GOOD + b"x" * 70_000, GOOD + b"no colon\r\n\r\n{}", b"\x15\x03\x01\x00"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n" * 50, b"HTTP/1.1 200 \xff\r\n\r\n{}"),
    *(GOOD + b"Transfer-Encoding: chunked\r\n\r\n" + end for end in (b"", b"zz\r\n", b"-1\r\n{}", b"ffff\r\n{")),
]


@dataclass
class Spoiler:
    """Gives the cluster's answers, and from a certain one on something else: once, or always when the same is asked."""

    ontap: Ontap
    random: random.Random
    after: int
    always: bool
    spoiled: int = 0
    asked: str = ""
    how: int = 0
    wrote: bool = False

    def __call__(self, call: Call) -> bytes:
        status, headers, body = answer_of(self.ontap, call)
        self.wrote = self.wrote or call.method in WRITES
        self.after -= 1
        wanted = f"{call.method} {call.path}"
        if self.after == 0:
            self.asked, self.how = wanted, self.random.randrange(2**32)
        if not self.asked or (self.spoiled and not (self.always and wanted == self.asked)):
            return raw(status, headers, body)
        self.spoiled += 1
        return spoil(random.Random(self.how), status, headers, body)


def spoil(choice: random.Random, status: int, headers: dict[str, str], body: bytes) -> bytes:
    """An answer made worse in one of many ways."""
    kind = choice.random()
    if kind < 0.4:
        changed = json.dumps(changed_somewhere(choice, json.loads(body or b"{}"))).encode()
        return raw(status, {**headers, "content-length": str(len(changed))}, changed)
    if kind < 0.65:
        body = choice.choice([*BODIES, cut(choice, body), flipped(choice, body), body.decode().encode("utf-16")])
        status_line = status if choice.random() < 0.5 else choice.choice(STATUSES)
        return raw(status_line, {**headers, "content-length": str(len(body))}, body)
    if kind < 0.85:
        name, value = choice.choice(HEADERS)
        kept = {key: text for key, text in headers.items() if key != name.lower()}
        if name == "Content-Encoding":
            body = choice.choice([body, gzip.compress(body), zlib.compress(body), gzip.compress(body)[:-9]])
            kept["content-length"] = str(len(body))
        return raw(status, {**kept, name: value}, body)
    if kind < 0.95:
        return raw(choice.choice(STATUSES), headers, body)
    return choice.choice([*LINES, raw(status, headers, body)[: choice.randrange(200)]])


def changed_somewhere(choice: random.Random, value: t.Any) -> t.Any:
    """A value with one of its parts replaced, removed, doubled or wrapped."""
    if not isinstance(value, (dict, list)) or not value or choice.random() < 0.15:
        return choice.choice([*VALUES, [value], {"records": value}])
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = choice.choice(keys)
    copy = value.copy()
    if choice.random() < 0.15:
        del copy[key]
    elif isinstance(copy, list) and choice.random() < 0.2:
        copy.append(copy[key])
    else:
        copy[key] = changed_somewhere(choice, copy[key])
    return copy


def cut(choice: random.Random, body: bytes) -> bytes:
    return body[: choice.randrange(len(body) + 1)]


def flipped(choice: random.Random, body: bytes) -> bytes:
    changed = bytearray(body or b"x")
    for _time in range(choice.randrange(1, 9)):
        changed[choice.randrange(len(changed))] = choice.randrange(256)
    return bytes(changed)


def run(task: tuple[str, dict[str, t.Any]], spoiler: Spoiler, *, check: bool) -> dict[str, t.Any]:
    """What Ansible would print. Time passes only while the client sleeps."""
    module, options = task
    imported = importlib.import_module(f"ansible_collections.ontap.security.plugins.modules.{module}")
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        spoiler.ontap.clock.advance(seconds)

    settings = Connection(hostname="cluster", username="admin", password="a-password", secrets=("a-password",))
    with wired(spoiler), Client(settings, now=lambda: now, sleep=sleep) as client:
        try:
            result = getattr(imported, FUNCTIONS[module])(options_of(imported.argument_spec(), options), client, check)
        except OntapError as exc:
            result = {"msg": exc.text(), "error": exc.details(), **exc.result}
    return t.cast("dict[str, t.Any]", result)


@pytest.mark.parametrize("seed", range(RUNS))
def test_no_answer_ends_in_a_traceback(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    choice = random.Random(seed)
    answers = runs = 0
    while answers < ANSWERS:
        release, task, check = choice.choice(RELEASES), choice.choice(TASKS), choice.random() < 0.3
        ontap = Ontap(release, name="cluster", svms=("vs0", "vs1", "vs2"), nodes=("n1", "n2"), user="u", password="p")
        for svm in ("vs0", "vs2"):
            ontap.add_vault(svm, **OLD)
        ontap.encrypt_volumes("vs0")
        if choice.random() < 0.5:
            ontap.lose_keys("n1")
        if choice.random() < 0.5:
            ontap.set_azure(reachable=False)
        for operation in ("rekey-external", "restore", "patch"):
            ontap.set_duration(operation, choice.choice([0, 0, 20]))
        spoiler = Spoiler(ontap, choice, after=choice.choice((1, 1, 1, 2, 2, 3, 4)), always=choice.random() < 0.7)
        result = run(task, spoiler, check=check)
        # It can be printed, it says what to do, and check mode has sent nothing.
        json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
        assert "error" not in result or result["error"]["remedy"], result
        assert not (check and spoiler.wrote)
        assert "a-password" not in str(result)
        assert base64.b64encode(b"admin:a-password").decode() not in str(result)
        answers += spoiler.spoiled > 0
        runs += 1
    with capsys.disabled():
        print(f"\nseed {seed}: {answers} fuzzed answers in {runs} runs, no traceback", file=sys.stderr)
