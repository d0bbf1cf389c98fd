# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules with Ansible around them: no secret in results or logs, and no value of what is refused.

In this process, with stand-ins for the system log and for systemd's journal.
"""

from __future__ import annotations

import importlib
import json
import types
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.ontap.security.plugins.module_utils._ansible.entry import run
from ansible_collections.ontap.security.plugins.module_utils._ansible.options import Spec
from tests.support.beats import CLIENT, FULL, IDENTITY, pkcs12, spellings
from tests.unit.test_documentation import MODULES

# What is awkward about each is how some channel spells it.
SHAPES = {
    "plain": "c4nary~plain",
    "backslashes": "c4na\\ry\\n\\\\x",
    "both quotes": "c4n'ary\"quo'ted",
    "quotes and backslashes": "pa\\ss\"w'ord1",
    "not ASCII": "c4n\u00e4ry\u2028\u20ac\U0001f600",
    "two lines": "c4nary-one\nc4nary-two",
    "percent": "c4nary%s%d%%(x)s",
    "blanks around": "  c4nary in blanks  ",
    "for a template": "c4nary{{ 1 }}{% x %}",
    "for a URL": "c4nary/+=&?#@:%2f",
    "for HTML": "c4nary<&>;",
    "unseen": "c4nary\x1b[31m\u202e\t",
}
CERTIFICATE = pkcs12(b"c4nary" + bytes(range(200)))
WRAPPED = "".join(CERTIFICATE[at : at + 76] + "\n" for at in range(0, len(CERTIFICATE), 76))

LOGIN = {"hostname": "cluster1", "username": "admin"}
# What each module needs besides, so that nothing is refused.
NEEDED: dict[str, dict[str, t.Any]] = {
    "azure_key_vault": {"svm": "vs0", **FULL},
    "azure_key_vaults": {"vaults": [{"svm": "vs0", **FULL}]},
    "azure_key_vault_info": {"filters": {"svm.name": "vs0"}, "fields": ["name", "key_id"], "order_by": ["name"]},
    "azure_key_vault_migrate": {"svm": "vs0", "direction": "to_vault"},
    "azure_key_vault_preflight": {"svm": "vs0"},
    "azure_key_vault_rekey": {"svm": "vs0", "key": "internal"},
    "azure_key_vault_restore": {"svm": "vs0"},
    "key_manager_policy": {"akv": {"enabled": True}},
}
Invoke = t.Callable[..., tuple[dict[str, t.Any], str]]


def spec_of(module: str) -> Spec:
    imported = importlib.import_module(f"ansible_collections.ontap.security.plugins.modules.{module}")
    return t.cast("Spec", imported.argument_spec())


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Runs a module that has nothing to do. Returns its result, and all that the logs were told."""
    told: list[str] = []

    def send(**fields: t.Any) -> None:
        told.extend(f"{name}={value}" for name, value in fields.items())
        # So that the system log is told as well.
        raise OSError

    def openlog(*_arguments: t.Any) -> None:
        pass

    log = types.SimpleNamespace(LOG_USER=8, LOG_INFO=6, openlog=openlog, syslog=lambda _level, text: told.append(text))
    monkeypatch.setattr(basic, "has_journal", True)
    monkeypatch.setattr(basic, "journal", types.SimpleNamespace(send=send), raising=False)
    monkeypatch.setattr(basic, "HAS_SYSLOG", True)
    monkeypatch.setattr(basic, "syslog", log, raising=False)

    def invoke(
        module: str, options: t.Mapping[str, t.Any], environment: t.Mapping[str, str] | None = None
    ) -> tuple[dict[str, t.Any], str]:
        told.clear()
        for name, value in (environment or {}).items():
            monkeypatch.setenv(name, value)
        given = {**options, "_ansible_inject_invocation": True, "_ansible_verbosity": 5}
        with patch_module_args(given), pytest.raises(SystemExit):
            run(spec_of(module), lambda _params, _client, _check: {"changed": False}, caller=module)
        for name in environment or {}:
            monkeypatch.delenv(name)
        return json.loads(capsys.readouterr().out), "\n".join(told)

    return invoke


def assert_silent(secret: str, *said: str) -> None:
    for text in said:
        for spelling in spellings(secret):
            assert spelling not in text, f"{spelling!r} in {text}"


def assert_taken(secret: str, result: dict[str, t.Any], told: str) -> None:
    assert not result.get("failed"), result
    assert told.count("Invoked with") == 2
    assert_silent(secret, told, json.dumps(result), json.dumps(result, ensure_ascii=False), str(result))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("module", MODULES)
def test_a_login_is_neither_shown_nor_logged(invoke: Invoke, module: str, shape: str) -> None:
    secret = SHAPES[shape]
    for name in ("password", "pass"):
        assert_taken(secret, *invoke(module, {**LOGIN, **NEEDED[module], name: secret}))
    found = secret.strip("\r\n")
    assert_taken(found, *invoke(module, {**LOGIN, **NEEDED[module]}, {"ONTAP_PASSWORD": secret}))
    # A token of other signs is refused.
    for options, environment in (({"access_token": secret}, {}), ({}, {"ONTAP_ACCESS_TOKEN": secret})):
        result, told = invoke(module, {"hostname": "cluster1", **NEEDED[module], **options}, environment)
        assert told.count("Invoked with") == 2
        assert_silent(secret, told, json.dumps(result), str(result))


def ways(name: str, secret: str) -> t.Iterator[tuple[str, dict[str, t.Any], dict[str, str]]]:
    """Every way to give a secret to the two modules that take one."""
    others = {**IDENTITY, "svm": "vs0", "proxy_host": "p", "proxy_username": "u", "client_secret": "another"}
    if name == "client_certificate":
        del others["client_secret"]
    entry = {**others, name: secret}
    yield "azure_key_vault", entry, {}
    yield "azure_key_vaults", {"vaults": [entry, {"svm": "vs1", name: f"{secret}~2"}]}, {}
    yield "azure_key_vaults", {"vaults": [json.dumps(entry)]}, {}
    yield "azure_key_vaults", {"vaults": json.dumps([entry])}, {}
    if name != "proxy_password":
        without = {option: value for option, value in others.items() if option != name}
        yield "azure_key_vault", without, {f"AKV_{name.upper()}": secret}
        yield "azure_key_vaults", {"vaults": [without]}, {f"AKV_{name.upper()}": secret}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["client_secret", "proxy_password"])
def test_a_credential_is_neither_shown_nor_logged(invoke: Invoke, name: str, shape: str) -> None:
    for module, options, environment in ways(name, SHAPES[shape]):
        assert_taken(SHAPES[shape], *invoke(module, {**LOGIN, "password": "pw-of-admin", **options}, environment))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_is_masked_where_another_option_holds_it_as_well(invoke: Invoke, shape: str) -> None:
    secret = SHAPES[shape]
    options = {**LOGIN, "password": secret, "svm": "vs0", "proxy_username": f"user:{secret}", "configuration": secret}
    assert_taken(secret, *invoke("azure_key_vault", options))


def test_a_wrapped_certificate_is_neither_shown_nor_logged(invoke: Invoke) -> None:
    for module, options, environment in ways("client_certificate", WRAPPED):
        assert_taken(WRAPPED, *invoke(module, {**LOGIN, "password": "pw-of-admin", **options}, environment))


def test_the_log_says_what_is_no_secret(invoke: Invoke) -> None:
    entries = {"vaults": [{"svm": "vs0", "client_secret": "7"}, {"svm": "vs1"}]}
    _result, told = invoke("azure_key_vaults", {**LOGIN, "password": "7", **entries})
    assert "hostname=cluster1" in told
    assert "vaults=(2)" in told
    assert "password=NOT_LOGGING_PARAMETER" in told
    # Nothing begins a line of its own, and what will be refused is not logged.
    _result, told = invoke(
        "azure_key_vault", {**LOGIN, "password": "pw-of-admin", "svm": "vs0", "configuration": "a\nb\x1b[1m"}
    )
    assert "configuration=a\\nb\\x1b[1m" in told
    _result, told = invoke(
        "azure_key_vault", {**LOGIN, "password": "pw-of-admin", "svm": "c4nary one", "name": "c4nary"}
    )
    assert "svm=(not usable) " in told
    assert "c4nary" not in told
    _result, told = invoke("azure_key_vault_info", {**LOGIN, "password": "pw-of-admin", "hostname": "c4nary@cluster1"})
    assert "hostname=(not usable) " in told
    assert "c4nary" not in told


C = "c4nary~refused"
PRIVATE_KEY = f"-----BEGIN PRIVATE KEY-----\n{C}\n"
# What is given for vaults, and what the message says of it.
LISTS: list[tuple[t.Any, str]] = [
    ([C, C], "vaults[0] is text; vaults[1] is text"),
    (C, "vaults is text"),
    ("vs0,vs1", "vaults is text"),
    (f"svm=vs0 client_secret={C}", "vaults is text"),
    ([f"svm=vs0 client_secret={C}"], "vaults[0] is text"),
    (json.dumps([{"client_secret": C}])[:-2], "vaults is text"),
    (json.dumps({"client_secret": C}), "vaults is a dictionary"),
    (json.dumps([[C]]), "vaults[0] is a list"),
    ([json.dumps([C])], "vaults[0] is a list"),
    (["{" * 9999], "vaults[0] is text"),
    ([f"{{'svm': 'vs0', 'client_secret': '{C}'}}"], "vaults[0] is text"),
    ([5], "vaults[0] is a number"),
    (5, "vaults is a number"),
    (True, "vaults is a boolean"),
    ([None, {"svm": "vs0"}], "vaults[0] is empty"),
    ({"svm": "vs0", "client_secret": C}, "vaults is a dictionary"),
    ([[{"svm": "vs0", "client_secret": C}]], "vaults[0] is a list"),
    ([[[C]]], "vaults[0] is a list"),
    ([{"svm": "vs0", "client_secert": C}], "vaults[0].client_secert is no option"),
    ([{"svm": "vs0", "client_secret": "another", "clientSecret": {"value": C}}], "vaults[0].clientSecret is no option"),
    ([{"svm": "vs0", f"client_secret:{C}": "x"}], "vaults[0].client_secret... is no option"),
    ([{"svm": "vs0", C: "x"}], f"vaults[0].(a name of {len(C)} characters) is no option"),
    ([{"svm": [C]}], "vaults[0].svm is a list"),
    ([{"svm": {"client_secret": C}}], "vaults[0].svm is a dictionary"),
    ([{"svm": False}], "vaults[0].svm is a boolean"),
    ([{"svm": "vs0", "client_secret": [C]}], "vaults[0].client_secret is a list"),
    ([{"svm": "vs0", "client_secret": {C: C}}], "vaults[0].client_secret is a dictionary"),
    ([{"svm": "vs0", "client_secret": 42798}], "vaults[0].client_secret is a number"),
    ([{"svm": "vs0", "proxy_password": [[C]]}], "vaults[0].proxy_password is a list"),
    ([{"svm": "vs0", "proxy_password": True}], "vaults[0].proxy_password is a boolean"),
    ([{"svm": "vs0", "client_certificate": 1.5}], "vaults[0].client_certificate is a number"),
    ([{"svm": "vs0", "port": C}], "vaults[0].port is text"),
    ([{"svm": "vs0", "proxy_port": [C]}], "vaults[0].proxy_port is a list"),
    ([{"svm": "vs0", "verify_ip": C}], "vaults[0].verify_ip is text"),
    ([{"svm": "vs0", "state": C}], "value of vaults[0].state must be one of: present, absent"),
    ([{"svm": "vs0", "scope": C}], "value of vaults[0].scope must be one of: svm, cluster"),
    ([{"svm": "vs0", "port": C}, {"svm": "vs1", "prot": C}], "vaults[0].port is text; vaults[1].prot is no option"),
]
# The same for other options, of azure_key_vault where no module is named.
OPTIONS: list[tuple[dict[str, t.Any], str]] = [
    ({"client_secert": C}, "client_secert is no option"),
    ({"use_rest": {"a": {"b": C}}}, "use_rest is no option"),
    ({"client_secert": C, "port": C}, "port is text; client_secert is no option"),
    ({"state": C}, "value of state must be one of: present, absent"),
    ({"scope": C}, "value of scope must be one of: svm, cluster"),
    ({"proxy_type": C}, "value of proxy_type must be one of: http, https"),
    ({"update_credentials": C}, "value of update_credentials must be one of: on_create, always, when_unreachable"),
    ({"state": [C]}, "state is a list"),
    ({"port": C}, "port is text"),
    ({"port": 1.5}, "port is a number"),
    ({"port": True}, "port is a boolean"),
    ({"http_port": C}, "http_port is text"),
    ({"http_port": "Infinity"}, "http_port is text"),
    ({"request_timeout": {"a": C}}, "request_timeout is a dictionary"),
    ({"wait_timeout": [C]}, "wait_timeout is a list"),
    ({"wait": C}, "wait is text"),
    ({"validate_certs": C}, "validate_certs is text"),
    ({"skip_verification": 2}, "skip_verification is a number"),
    ({"hostname": [C]}, "hostname is a list"),
    ({"svm": {"client_secret": C}}, "svm is a dictionary"),
    ({"svm": True}, "svm is a boolean"),
    ({"client_id": [C]}, "client_id is a list"),
    ({"client_secret": [C]}, "client_secret is a list"),
    ({"client_secret": {"value": C}}, "client_secret is a dictionary"),
    ({"client_secret": 42798}, "client_secret is a number"),
    ({"client_secret": False}, "client_secret is a boolean"),
    ({"client_certificate": [C]}, "client_certificate is a list"),
    ({"proxy_password": 42798}, "proxy_password is a number"),
    ({"password": [C]}, "password is a list"),
    ({"password": {"value": C}}, "password is a dictionary"),
    ({"password": 42798}, "password is a number"),
    ({"pass": 42798}, "pass is a number"),
    ({"access_token": [C]}, "access_token is a list"),
    ({"key_filepath": PRIVATE_KEY}, "key_filepath is text, and must be the name of a file"),
    ({"cert_filepath": PRIVATE_KEY}, "cert_filepath is text, and must be the name of a file"),
    ({"ca_path": "-----BEGIN CERTIFICATE-----"}, "ca_path is text, and must be the name of a file"),
]
INFO: list[tuple[dict[str, t.Any], str]] = [
    ({"filters": [C]}, "filters is a list"),
    ({"filters": C}, "filters is text"),
    ({"filters": f"{{{C}"}, "filters is text"),
    ({"filters": f"a b={C}"}, "cannot read all of the options filters, hostname, password, username"),
    ({"fields": {"a": C}}, "fields is a dictionary"),
    ({"fields": [[C]]}, "fields is a list, and must be a list of texts"),
    ({"order_by": [{C: C}]}, "order_by is a list, and must be a list of texts"),
    ({"max_records": C}, "max_records is text"),
]


def assert_refused(words: str, result: dict[str, t.Any], told: str) -> None:
    assert result["failed"]
    for part in words.split("; "):
        assert part in result["msg"], result["msg"]
    # Nothing of what was given, in whatever part of the result, and nothing in the logs.
    assert result["invocation"] == {"module_args": {}}
    assert "c4nary" not in json.dumps(result)
    assert "42798" not in json.dumps(result).replace("reads 0123456 as the number 42798", "")
    assert not told
    assert "Traceback" not in json.dumps(result)


@pytest.mark.parametrize(("vaults", "words"), LISTS, ids=lambda value: repr(value)[:60])
def test_a_list_of_the_wrong_kind(invoke: Invoke, vaults: t.Any, words: str) -> None:
    assert_refused(words, *invoke("azure_key_vaults", {**LOGIN, "password": C, "vaults": vaults}))


@pytest.mark.parametrize(("given", "words"), OPTIONS, ids=lambda value: repr(value)[:60])
def test_an_option_of_the_wrong_kind(invoke: Invoke, given: dict[str, t.Any], words: str) -> None:
    options = {**LOGIN, "password": C, "svm": "vs0", **IDENTITY, "client_secret": C, **given}
    assert_refused(words, *invoke("azure_key_vault", options))


@pytest.mark.parametrize(("given", "words"), INFO, ids=lambda value: repr(value)[:60])
def test_a_query_of_the_wrong_kind(invoke: Invoke, given: dict[str, t.Any], words: str) -> None:
    assert_refused(words, *invoke("azure_key_vault_info", {**LOGIN, "password": C, **given}))


@pytest.mark.parametrize(
    ("variable", "value", "option"),
    [
        ("ONTAP_HTTP_PORT", C, "http_port"),
        ("ONTAP_VALIDATE_CERTS", C, "validate_certs"),
        ("ONTAP_REQUEST_TIMEOUT", C, "request_timeout"),
        ("ONTAP_KEY_FILEPATH", PRIVATE_KEY, "key_filepath"),
    ],
)
def test_an_environment_of_the_wrong_kind(invoke: Invoke, variable: str, value: str, option: str) -> None:
    for module in MODULES:
        words = f"{option} is text; From the environment come; {option} ({variable})"
        assert_refused(words, *invoke(module, {**LOGIN, "password": C, **NEEDED[module]}, {variable: value}))


def test_what_is_missing_is_named_and_nothing_else(invoke: Invoke) -> None:
    assert_refused("missing required arguments: vaults", *invoke("azure_key_vaults", {**LOGIN, "password": C}))


def test_what_ansible_understands_is_taken(invoke: Invoke) -> None:
    """A number in a text, a word for a boolean, a list in a text: as ever."""
    options = {"http_port": " 443 ", "validate_certs": "No", "request_timeout": "60"}
    given = {"filters": "svm.name=vs0", "fields": "name,key_id", "order_by": "name", "max_records": "5"}
    result, _told = invoke("azure_key_vault_info", {**LOGIN, "password": "pw-of-admin", **options, **given})
    taken = result["invocation"]["module_args"]
    assert (taken["http_port"], taken["validate_certs"], taken["max_records"]) == (443, False, 5)
    assert (taken["filters"], taken["fields"]) == ({"svm.name": "vs0"}, ["name", "key_id"])
    result, _told = invoke(
        "azure_key_vault", {**LOGIN, "password": "pw-of-admin", "svm": 5, "proxy_username": 7, "wait": 0}
    )
    taken = result["invocation"]["module_args"]
    assert (taken["svm"], taken["proxy_username"], taken["wait"]) == ("5", "7", False)


def test_entries_in_a_text_are_as_any(invoke: Invoke) -> None:
    """Also in that what is empty is not given, and that the environment belongs to one application."""
    entry = {"svm": "vs0", "client_id": "another", "tenant_id": "", "proxy_host": None}
    environment = {"AKV_CLIENT_ID": "one", "AKV_TENANT_ID": "its tenant", "AKV_CLIENT_SECRET": "its secret"}
    for vaults in ([entry], [json.dumps(entry)], json.dumps([entry])):
        result, _told = invoke("azure_key_vaults", {**LOGIN, "password": "pw-of-admin", "vaults": vaults}, environment)
        (taken,) = result["invocation"]["module_args"]["vaults"]
        assert (taken["client_id"], taken["tenant_id"], taken["client_secret"]) == ("another", None, None)


AROUND = {"AKV_CLIENT_ID": "one", "AKV_TENANT_ID": "its tenant", "AKV_CLIENT_SECRET": "its secret"}


@pytest.mark.parametrize(
    ("given", "environment", "taken", "ambient"),
    [
        ({}, AROUND, ("one", "its tenant", "its secret", None), {"client_id", "tenant_id", "client_secret"}),
        # The table's equality: of GUIDs the case does not count.
        (
            {"client_id": CLIENT.upper()},
            {**AROUND, "AKV_CLIENT_ID": CLIENT},
            (CLIENT.upper(), "its tenant", "its secret", None),
            {"tenant_id", "client_secret"},
        ),
        ({"client_id": "ONE"}, AROUND, ("ONE", None, None, None), set()),
        ({"client_id": "another"}, AROUND, ("another", None, None, None), set()),
        ({"client_id": "another", "client_secret": "own"}, AROUND, ("another", None, "own", None), set()),
        (
            {"client_certificate": CERTIFICATE},
            AROUND,
            ("one", "its tenant", None, CERTIFICATE),
            {"client_id", "tenant_id"},
        ),
        ({"client_secret": ""}, {"AKV_CLIENT_SECRET": "anybody's"}, (None, None, "anybody's", None), {"client_secret"}),
    ],
)
def test_the_modules_take_of_the_environment_what_counts(
    given: dict[str, t.Any],
    environment: dict[str, str],
    taken: tuple[t.Any, ...],
    ambient: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Alone and in a list, and functions are told what comes from there."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    seen: list[t.Mapping[str, t.Any]] = []

    def function(params: t.Mapping[str, t.Any], _client: t.Any, _check_mode: bool) -> dict[str, t.Any]:
        seen.extend(params.get("vaults", [params]))
        return {"changed": False}

    entry = {"svm": "vs0", **given}
    for module, options in (("azure_key_vault", entry), ("azure_key_vaults", {"vaults": [entry, entry]})):
        with patch_module_args({**LOGIN, "password": "pw-of-admin", **options}), pytest.raises(SystemExit):
            run(spec_of(module), function, caller=module)
        assert "failed" not in capsys.readouterr().out
    assert len(seen) == 3
    for params in seen:
        assert (
            tuple(params[name] for name in ("client_id", "tenant_id", "client_secret", "client_certificate")) == taken
        )
        assert params["ambient"] == ambient
