# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""When credentials and keys end: from options, from certificates, and through the role's variables."""

from __future__ import annotations

import base64
import builtins
import datetime
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12

from ansible_collections.ontap.security.plugins.filter.vault_entries import vault_entries
from tests.simulator import Simulator
from tests.support.beats import CERTIFICATE, CLIENT, FULL, IDENTITY, KEY, KEY_2, OLD, Outcome, drive

END = datetime.datetime(2031, 5, 17, 12, tzinfo=datetime.timezone.utc)


def certificate(password: bytes | None = None) -> str:
    """A PKCS12 in base64 that ends on END."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "application")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(END - datetime.timedelta(days=365))
        .not_valid_after(END)
        .sign(key, hashes.SHA256())
    )
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    return base64.b64encode(pkcs12.serialize_key_and_certificates(b"a", key, made, None, sealed)).decode()


@pytest.fixture(scope="module")
def running() -> t.Iterator[Simulator]:
    with Simulator(release="9.16.1") as sim:
        yield sim


@pytest.fixture
def sim(running: Simulator) -> Simulator:
    running.reset()
    running.ontap.add_vault("vs0", **OLD)
    return running


def expiry(sim: Simulator, **options: t.Any) -> tuple[dict[str, t.Any], list[str]]:
    entry = {"svm": "vs0", **IDENTITY, **options}
    found = drive(sim, {"vaults": [entry]}, check=True, module="azure_key_vaults")
    assert not found.failed, found.msg
    return found.result["vaults"][0]["expiry"], found.result["warnings"]


def test_what_is_said_is_told_and_neither_sent_nor_compared(sim: Simulator) -> None:
    told, warnings = expiry(sim, expires="2026-12-31", key_expires="2027-06-30T10:00:00Z")
    assert told == {
        "credential": "2026-12-31",
        "credential_from": "expires",
        "key": "2027-06-30",
        "key_from": "expires",
    }
    assert warnings == []
    same = drive(sim, {"svm": "vs0", **FULL, "expires": "2026-12-31", "key_expires": "2027-06-30"})
    assert (same.failed, same.changed, same.methods) == (False, False, ["GET"])
    nothing, _warnings = expiry(sim)
    assert set(nothing.values()) == {None}


def test_what_is_no_entry_has_no_end(sim: Simulator) -> None:
    sim.ontap.add_vault("vs1", **OLD)
    found = drive(sim, {"vaults": [{"svm": "vs0", "state": "absent"}]}, check=True, module="azure_key_vaults")
    assert [vault["expiry"] for vault in found.result["vaults"]] == [None, None]


@pytest.mark.parametrize("name", ["expires", "key_expires"])
@pytest.mark.parametrize("value", ["soon", "31.12.2026", "2026-02-30", "hunter2-secret"])
def test_what_is_no_day_is_refused_and_not_shown(sim: Simulator, name: str, value: str) -> None:
    refused: Outcome = drive(sim, {"svm": "vs0", **IDENTITY, name: value})
    assert (refused.failed, refused.requests) == (True, [])
    assert f"{name} is no day" in refused.msg
    assert value not in refused.msg


@pytest.mark.parametrize("line", [0, 76])
def test_a_certificate_tells_its_own_end(sim: Simulator, line: int) -> None:
    text = certificate()
    if line:
        text = "\n".join(text[at : at + line] for at in range(0, len(text), line))
    told, warnings = expiry(sim, client_certificate=text)
    assert (told["credential"], told["credential_from"]) == ("2031-05-17", "certificate")
    assert warnings == []
    told, warnings = expiry(sim, client_certificate=text, expires="2026-12-31")
    assert told["credential"] == "2031-05-17"
    assert "its own end counts" in warnings[0]


@pytest.mark.parametrize("text", [certificate(b"sealed"), CERTIFICATE], ids=["sealed", "broken"])
def test_a_certificate_that_cannot_be_read_is_said(sim: Simulator, text: str) -> None:
    told, warnings = expiry(sim, client_certificate=text)
    assert told["credential"] is None
    assert "cannot be read without a password" in warnings[0]
    told, warnings = expiry(sim, client_certificate=text, expires="2026-12-31")
    assert (told["credential"], told["credential_from"], warnings) == ("2026-12-31", "expires", [])


def test_without_the_library_that_is_said_by_its_name(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def lacking(name: str, *arguments: t.Any, **more: t.Any) -> t.Any:
        if name.partition(".")[0] == "cryptography":
            raise ImportError(name)
        return known(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    told, warnings = expiry(sim, client_certificate=certificate_of_before)
    assert told["credential"] is None
    assert "the Python library cryptography is not installed" in warnings[0]


certificate_of_before = certificate()


# --- the role's variables

OTHER = "eeeeeeee-bbbb-aaaa-bbbb-aaaaaaaaaaaa"


def merged(entry: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    (found,) = vault_entries([{"svm": "vs0", **entry}], **more)
    return found


@pytest.mark.parametrize(
    ("entry", "defaults", "credentials", "day"),
    [
        # Beside the credential that counts.
        ({"client_id": CLIENT}, {}, {CLIENT: {"client_secret": "s", "expires": "2026-01-01"}}, "2026-01-01"),
        ({"client_id": CLIENT}, {"client_secret": "s", "client_id": CLIENT, "expires": "2026-01-01"}, {}, "2026-01-01"),
        ({"client_id": CLIENT, "client_secret": "s", "expires": "2026-01-01"}, {}, {}, "2026-01-01"),
        # Nobody gives one: that of the application.
        ({"client_id": CLIENT}, {}, {CLIENT: {"expires": "2026-01-01"}}, "2026-01-01"),
        ({}, {"client_id": CLIENT, "expires": "2026-01-01"}, {}, "2026-01-01"),
        ({"client_id": CLIENT}, {}, {CLIENT: {"expires": datetime.date(2026, 1, 1)}}, "2026-01-01"),
        # Of another credential, or another application.
        ({"client_id": CLIENT, "client_secret": "own"}, {}, {CLIENT: {"expires": "2026-01-01"}}, None),
        ({"client_id": OTHER}, {}, {CLIENT: {"expires": "2026-01-01"}}, None),
        ({"client_id": OTHER}, {"client_id": CLIENT, "expires": "2026-01-01"}, {}, None),
    ],
)
def test_a_day_goes_with_its_credential(
    entry: dict[str, t.Any], defaults: dict[str, t.Any], credentials: dict[str, t.Any], day: str | None
) -> None:
    assert merged(entry, defaults=defaults, credentials=credentials).get("expires") == day


def test_the_day_of_a_key_is_that_of_no_other_key() -> None:
    defaults = {"key_id": KEY, "key_expires": "2026-01-01"}
    assert merged({}, defaults=defaults)["key_expires"] == "2026-01-01"
    assert "key_expires" not in merged({"key_id": KEY_2}, defaults=defaults)
    assert merged({"key_id": KEY_2, "key_expires": "2027-01-01"}, defaults=defaults)["key_expires"] == "2027-01-01"


def test_credentials_have_nothing_else() -> None:
    with pytest.raises(AnsibleFilterError, match="client_secret, client_certificate, proxy_password, expires"):
        merged({}, credentials={CLIENT: {"expiry": "2026-01-01"}})
