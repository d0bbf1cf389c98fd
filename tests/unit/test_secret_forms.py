# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be meant as a secret, whatever option it comes in."""

from __future__ import annotations

import base64
import datetime
import typing as t

import pytest

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired, make_plan
from ansible_collections.ontap.security.plugins.module_utils._azure.table import check_value
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from tests.support.beats import CERTIFICATE, CLIENT, FULL, pkcs12

CANARY = "c4nary"
STAND_INS: list[t.Any] = [
    "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
    "NOT_LOGGING_PARAMETER",
    "NOT_LOGGING_PASSWORD",
    f"{CANARY}********",
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
    "*",
    "*" * 12,
    "\u2022" * 8,
    "\u25cf" * 8,
    "$encrypted$",
    f"$encrypted$UTF8$AESCBC${CANARY}",
    "ENCRYPTED",
    f"__omit_place_holder__{CANARY}",
    "<<Omit>>",
    "omit",
    f"$ANSIBLE_VAULT;1.1;AES256\n{CANARY}",
    f"!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  {CANARY}",
    f"ENC[AES256_GCM,data:{CANARY}]",
    f"{{{{ {CANARY} }}}}",
    f"{{% if {CANARY} %}}{{% endif %}}",
    "${AKV_CLIENT_SECRET}",
    "${{ secrets.AKV_CLIENT_SECRET }}",
    "$(akv.client_secret)",
    f"https://v.vault.azure.net/secrets/{CANARY}/0123456789abcdef0123456789abcdef",
    f"@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/{CANARY})",
    "(set)",
    "(hidden)",
    "(not set)",
    "<redacted>",
    "[MASKED]",
    "(sensitive value)",
    "<client secret>",
    "<your-client-secret>",
    "None",
    "null",
    "undefined",
    "True",
    "false",
    "''",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
    f"['{CANARY}']",
    f'["{CANARY}"]',
    f"{{'value': '{CANARY}'}}",
    f'{{"value": "{CANARY}"}}',
    " (hidden) ",
    [CANARY],
    [],
    {"value": CANARY},
    42798,
    1.5,
    True,
    datetime.date(2026, 1, 1),
]
# What looks a little like one, and may be one that somebody has.
SECRETS = [
    "abc8Q~xYz-0123456789.abcdefghijklmnopqrst",
    "p*ss***word",
    "$ecret",
    "$NAME",
    "changeme",
    "secret",
    "password",
    "not (hidden)",
    "nullify",
    "{braces}",
    "[brackets]",
    "p{{ss}}word",
    'it\'s "quoted" \\ and {{ more }} or less',
    "/not/a/path",
    "0123456",
    "yes",
    "2026-01-01",
    " blanks ",
    "two\nlines",
    "\u00fcml\u00e4\u00fcte",
]


@pytest.mark.parametrize("name", ["client_secret", "proxy_password", "client_certificate"])
@pytest.mark.parametrize("value", STAND_INS, ids=repr)
def test_what_stands_for_a_secret_is_refused(name: str, value: t.Any) -> None:
    with pytest.raises(InputError, match=rf"^{name} is not usable: ") as caught:
        check_value(name, value)
    assert CANARY not in caught.value.text()
    assert caught.value.remedy


@pytest.mark.parametrize("login", ["password", "access_token"])
@pytest.mark.parametrize("value", STAND_INS, ids=repr)
def test_what_stands_for_a_login_is_refused(login: str, value: t.Any) -> None:
    given: dict[str, t.Any] = {"username": "admin" if login == "password" else None, login: value}
    # Nothing at all is another mistake, and so is a token of several words.
    with pytest.raises(InputError, match=f"{login} .ONTAP_{login.upper()}|no login is given|only username") as caught:
        Connection("cluster1", **given)
    assert CANARY not in caught.value.text()


@pytest.mark.parametrize("value", SECRETS)
def test_what_somebody_may_have_as_a_secret_is_taken(value: str) -> None:
    check_value("client_secret", value)
    check_value("proxy_password", value)
    Connection("cluster1", username="admin", password=value)


PFX = base64.b64decode(CERTIFICATE)
PEM = f"-----BEGIN CERTIFICATE-----\n{CANARY}\n-----END CERTIFICATE-----\n"


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (PEM, "PEM"),
        (encoded(PEM.encode()), "PEM in base64"),
        (encoded(CERTIFICATE.encode()), "base64 twice"),
        (encoded(f"{CERTIFICATE[:20]}\n{CERTIFICATE[20:]}\n".encode()), "base64 twice"),
        (f"data:application/x-pkcs12;base64,{CERTIFICATE}", "data: URI"),
        (PFX.hex(), "hexadecimal"),
        (PFX.hex().upper(), "hexadecimal"),
        ("certificates/app.p12", "name of a file"),
        ("app.pfx", "name of a file"),
        ("/etc/pki/app", "name of a file"),
        ("./app", "name of a file"),
        ("../app", "name of a file"),
        ("~/app", "name of a file"),
        ("file:///etc/pki/app", "name of a file"),
        ("C:\\certificates\\app", "name of a file"),
        (CERTIFICATE[:-1], "not base64"),
        (CERTIFICATE + "*", "not base64"),
        (CERTIFICATE.replace("A", "\u0410"), "not base64"),
        (encoded(b"\x30\x82\x04\x00\x02\x01\x03\xfb\xef\xff").replace("/", "_").replace("+", "-"), "not base64"),
        ("0" * 41, "not base64"),
        # A certificate, a key and a text, each without PKCS12 around it.
        (encoded(b"\x30\x82\x04\x00\x30\x82\x02\x00" + b"x" * 80), "does not begin as a PKCS12 file does"),
        (encoded(b"\x30\x82\x04\x00\x02\x01\x00" + b"x" * 80), "does not begin as a PKCS12 file does"),
        (encoded(b"no certificate at all"), "does not begin as a PKCS12 file does"),
        (encoded(b"\x30"), "does not begin as a PKCS12 file does"),
        ("abc8Q~xYz-0123456789.abcdefghijklmnopqrst", "not base64"),
        ("thesecretitself0", "does not begin as a PKCS12 file does"),
    ],
)
def test_what_is_no_pkcs12_in_base64_is_refused_with_the_reason(value: str, reason: str) -> None:
    with pytest.raises(InputError, match=r"^client_certificate is not usable: ") as caught:
        check_value("client_certificate", value)
    assert reason in caught.value.message
    assert CANARY not in caught.value.text()
    assert "base64" in caught.value.remedy


@pytest.mark.parametrize(
    "header", [b"\x30\x82\x0a\x10", b"\x30\x81\xf0", b"\x30\x83\x01\x00\x00", b"\x30\x80", b"\x30\x40"]
)
def test_pkcs12_of_any_length_is_taken(header: bytes) -> None:
    text = encoded(header + b"\x02\x01\x03" + bytes(range(256)))
    check_value("client_certificate", text)
    lines = "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    check_value("client_certificate", f"{lines}\r\n")


def test_a_real_pkcs12_file_is_taken() -> None:
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

    key = ec.generate_private_key(ec.SECP256R1())
    check_value("client_certificate", encoded(serialize_key_and_certificates(b"n", key, None, None, NoEncryption())))


def test_a_credential_that_nobody_has_tried_replaces_none() -> None:
    both = {"svm": "vs0", "client_secret": "s", "update_credentials": "when_unreachable", "skip_verification": True}
    with pytest.raises(InputError, match="when_unreachable together with skip_verification"):
        Desired.of(both)
    for change in ({"skip_verification": False}, {"update_credentials": "always"}, {"state": "absent"}):
        Desired.of({**both, **change})


@pytest.mark.parametrize("secret", [CLIENT, CLIENT.upper(), f" {CLIENT} "])
def test_a_secret_of_the_form_of_an_id_is_a_warning(secret: str) -> None:
    record = {"uuid": "u", "scope": "svm", "svm": {"name": "vs0"}, **FULL, "enabled": True}
    for current in (None, Vault.of(record)):
        plan = make_plan(Desired.of({"svm": "vs0", **FULL, "client_secret": secret}), current)
        assert "client_secret has the form of a GUID" in plan.warnings[0]
        assert secret.strip() not in plan.warnings[0]
        assert not make_plan(Desired.of({"svm": "vs0", **FULL}), current).warnings
    of_certificate = make_plan(
        Desired.of({"svm": "vs0", "client_certificate": pkcs12(b"x")}), Vault.of(record)
    ).warnings
    assert not any("form of a GUID" in text for text in of_certificate)
