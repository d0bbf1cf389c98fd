# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX takes the credential types that the collection ships, and makes of them what the modules read."""

from __future__ import annotations

import copy
import re
import stat
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.ontap.security.plugins.modules import azure_key_vault
from tests.awx.credential_types import FALLBACKS, Unsafe, inject, load, problems

ONTAP, AZURE = load()

# Where a cluster is and how long to wait is for the inventory to say. All others are about logging in.
NO_LOGIN = {"ONTAP_HTTP_PORT", "ONTAP_REQUEST_TIMEOUT"}

each_type = pytest.mark.parametrize("shipped", [ONTAP, AZURE], ids=lambda shipped: shipped["name"])


@each_type
def test_awx_takes_it(shipped: dict[str, t.Any]) -> None:
    assert problems(shipped) == []


def strings(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@each_type
def test_ansible_hands_templates_over_unrendered(shipped: dict[str, t.Any]) -> None:
    for text in strings(shipped):
        assert isinstance(text, Unsafe) == ("{{" in text), text
        # What infra.aap_configuration would take for a template that somebody has masked.
        assert "{  {" not in text
        assert "{  %" not in text


def test_every_login_of_the_modules_can_come_from_awx() -> None:
    injected = [name for shipped in (ONTAP, AZURE) for name in shipped["injectors"]["env"]]
    assert sorted(injected) == sorted(FALLBACKS - NO_LOGIN)


def test_its_variables_are_the_documented_ones() -> None:
    texts = [ModuleDocFragment.DOCUMENTATION, azure_key_vault.DOCUMENTATION]
    documented = set(re.findall(r"variable E\((\w+)\) is used", "".join(texts)))
    assert documented == FALLBACKS
    assert {*ONTAP["injectors"]["env"], *AZURE["injectors"]["env"]} == documented - NO_LOGIN


def test_what_is_secret_in_the_modules_is_secret_in_awx() -> None:
    def secrets(shipped: dict[str, t.Any]) -> set[str]:
        return {field["id"] for field in shipped["inputs"]["fields"] if field.get("secret")}

    # The module gets paths, the credential holds what is in the files.
    assert secrets(ONTAP) == {"password", "access_token", "client_certificate", "client_key"}
    assert secrets(AZURE) == {"client_secret", "client_certificate"}


def test_fields_keep_their_order() -> None:
    # Forms show them so.
    assert [field["id"] for field in ONTAP["inputs"]["fields"]] == [
        "hostname",
        "username",
        "password",
        "access_token",
        "client_certificate",
        "client_key",
        "ca_certificate",
        "validate_certs",
    ]
    assert [field["id"] for field in AZURE["inputs"]["fields"]] == [
        "client_id",
        "tenant_id",
        "client_secret",
        "client_certificate",
    ]


REMOVED = object()


@dataclass(frozen=True)
class Mutation:
    """One change to the ONTAP type, and what is wrong with it then. ``path`` names keys and positions."""

    path: str
    value: object
    problem: str

    def __str__(self) -> str:
        return self.problem

    def apply(self) -> dict[str, t.Any]:
        mutated = copy.deepcopy(ONTAP)
        *parents, last = (int(key) if key.isdigit() else key for key in self.path.split("/"))
        at: t.Any = mutated
        for key in parents:
            at = at[key] if isinstance(at, list) else at.setdefault(key, {})
        if self.value is REMOVED:
            del at[last]
        else:
            at[last] = self.value
        return mutated


HOSTNAME, PASSWORD, VALIDATE = "inputs/fields/0", "inputs/fields/2", "inputs/fields/7"

MUTATIONS = [
    # The type itself.
    Mutation("managed", True, "managed is no option of awx.awx.credential_type"),
    Mutation("name", "", "the name is empty"),
    Mutation("name", REMOVED, "the name is empty"),
    Mutation("kind", "external", "kind is neither cloud nor net"),
    Mutation("kind", REMOVED, "kind is neither cloud nor net"),
    Mutation("inputs/metadata", [], "inputs: metadata is not for custom types"),
    Mutation("inputs/dependencies", {}, "inputs: dependencies is not for custom types"),
    Mutation("inputs/required", "hostname", "required is no list"),
    Mutation("inputs/required", ["host"], "required: host is no field"),
    # Its fields.
    Mutation(f"{HOSTNAME}/no_log", True, "field hostname: no_log is unknown"),
    Mutation(f"{HOSTNAME}/id", REMOVED, "field None: id is missing"),
    Mutation(f"{HOSTNAME}/label", REMOVED, "field hostname: label is missing"),
    Mutation(f"{HOSTNAME}/label", 1, "field hostname: label is no string"),
    Mutation(f"{HOSTNAME}/help_text", ["a", "b"], "field hostname: help_text is no string"),
    Mutation(f"{HOSTNAME}/multiline", "yes", "field hostname: multiline is no boolean"),
    Mutation(f"{PASSWORD}/secret", "true", "field password: secret is no boolean"),
    Mutation(f"{PASSWORD}/ask_at_runtime", True, "field password: ask_at_runtime is not for custom types"),
    Mutation(f"{HOSTNAME}/format", "ipv4", "field hostname: format ipv4 is unknown"),
    Mutation(f"{HOSTNAME}/id", "host-name", "field host-name: the id is no name of a variable"),
    Mutation(f"{HOSTNAME}/id", "1st", "field 1st: the id is no name of a variable"),
    Mutation(f"{HOSTNAME}/id", "tower", "field tower: the id is AWX's own"),
    Mutation(f"{HOSTNAME}/id", "not", "field not: the id means something else in a template"),
    Mutation(f"{HOSTNAME}/id", "true", "field true: the id means something else in a template"),
    Mutation(f"{HOSTNAME}/id", "self", "field self: the id means something else in a template"),
    Mutation(f"{HOSTNAME}/id", "username", "field username: the id is used twice"),
    Mutation(f"{HOSTNAME}/type", "integer", "field hostname: type integer is unknown"),
    Mutation(f"{VALIDATE}/type", "boolean", "field validate_certs: choices is for strings only"),
    Mutation(f"{PASSWORD}/type", "boolean", "field password: secret is for strings only"),
    Mutation("inputs/fields/4/type", "boolean", "field client_certificate: multiline is for strings only"),
    Mutation(
        HOSTNAME, {"id": "x", "label": "x", "type": "boolean", "format": "url"}, "field x: format is for strings only"
    ),
    Mutation(f"{HOSTNAME}/default", 1, "field hostname: the default is no string"),
    Mutation(f"{VALIDATE}/default", True, "field validate_certs: the default is no string"),
    Mutation(
        HOSTNAME, {"id": "x", "label": "x", "type": "boolean", "default": "no"}, "field x: the default is no boolean"
    ),
    Mutation(f"{VALIDATE}/choices", [], "field validate_certs: choices are no list of strings"),
    Mutation(f"{VALIDATE}/choices", "true", "field validate_certs: choices are no list of strings"),
    Mutation(f"{VALIDATE}/choices", [True, False], "field validate_certs: choices are no list of strings"),
    Mutation(f"{VALIDATE}/choices", ["true", "true"], "field validate_certs: a choice is there twice"),
    Mutation(f"{VALIDATE}/default", "maybe", "field validate_certs: the default is no choice"),
    Mutation(
        f"{VALIDATE}/choices",
        ["false", "true"],
        "field validate_certs: the default is not the first choice, which an emptied field gets",
    ),
    # Its injectors.
    Mutation("injectors/vars", {}, "injectors: vars is unknown"),
    Mutation("injectors/env/ONTAP-HOSTNAME", "", "env ONTAP-HOSTNAME: no name of a variable"),
    Mutation("injectors/env/ANSIBLE_CONFIG", "", "env ANSIBLE_CONFIG: AWX keeps configuration of Ansible to itself"),
    Mutation("injectors/env/PYTHONPATH", "", "env PYTHONPATH: AWX sets it itself"),
    Mutation("injectors/env/ONTAP_HOST", "", "env ONTAP_HOST: no module falls back to it"),
    Mutation("injectors/env/ONTAP_HOSTNAME", 1, "env ONTAP_HOSTNAME: the template is no string"),
    Mutation("injectors/env/ONTAP_HOSTNAME", "ü", "env ONTAP_HOSTNAME: the template is not ASCII"),
    Mutation("injectors/file/ca", "", "file ca: the key is neither template nor template.<label>"),
    Mutation("injectors/file/template.1", "", "file template.1: the key is neither template nor template.<label>"),
    Mutation("injectors/file/template.client_key", None, "file template.client_key: the template is no string"),
    Mutation("injectors/file/template", "", "file: template stands beside template.<label>"),
    Mutation("injectors/extra_vars/ontap-user", "", "extra_vars ontap-user: no name of a variable"),
    Mutation("injectors/extra_vars/ontap", {"port": [443]}, "extra_vars ontap: a template is no string"),
    # Their templates.
    Mutation(
        "injectors/env/ONTAP_HOSTNAME",
        "{{ host }}",
        "env ONTAP_HOSTNAME: does not render: 'host' is undefined",
    ),
    Mutation(
        "injectors/env/ONTAP_HOSTNAME",
        "{{ hostname",
        "env ONTAP_HOSTNAME: does not render: unexpected end of template, expected 'end of print statement'.",
    ),
    Mutation(
        "injectors/env/ONTAP_HOSTNAME",
        "{{ hostname.__class__.__mro__ }}",
        "env ONTAP_HOSTNAME: does not render: access to attribute '__class__' of 'str' object is unsafe.",
    ),
    Mutation(
        "injectors/env/ONTAP_CA_PATH",
        "{{ tower.filename }}",
        "env ONTAP_CA_PATH: does not render: tower, or tower.filename where files have labels, has no value of its own",
    ),
    Mutation(
        "injectors/env/ONTAP_CA_PATH",
        "{{ tower }}",
        "env ONTAP_CA_PATH: does not render: tower, or tower.filename where files have labels, has no value of its own",
    ),
    Mutation(
        "injectors/file/template.ca_certificate",
        REMOVED,
        "env ONTAP_CA_PATH: does not render: 'tests.awx.credential_types._Container object' has no attribute "
        "'ca_certificate'",
    ),
    Mutation(
        "injectors/extra_vars/ontap",
        {"users": ["{{ user }}"]},
        "extra_vars ontap: does not render: 'user' is undefined",
    ),
    Mutation(
        "injectors/env/ONTAP_CA_PATH",
        "{{ tower.filename.ca_certificate }}",
        "env ONTAP_CA_PATH: is 'EXAMPLE_FILENAME' without any input, but only an empty variable counts as not set",
    ),
    Mutation(
        VALIDATE,
        {"id": "validate_certs", "label": "Check certificates", "type": "boolean", "default": True},
        "env ONTAP_VALIDATE_CERTS: is 'False' without any input, but only an empty variable counts as not set",
    ),
    # What becomes of the fields.
    Mutation("injectors/extra_vars/ontap", {"login": ["{{ password }}"]}, "extra_vars ontap: password is a secret"),
    Mutation("injectors/env/ONTAP_USERNAME", REMOVED, "field username: no injector uses it"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_awx_would_not_take(mutation: Mutation) -> None:
    assert mutation.problem in problems(mutation.apply())


def test_extra_vars_may_hold_what_is_no_secret() -> None:
    mutation = Mutation("injectors/extra_vars/ontap", {"users": ["{{ username }}"]}, "")
    assert problems(mutation.apply()) == []


def test_one_file_needs_no_label() -> None:
    one = yaml.safe_load(
        """
        name: One file
        kind: net
        inputs: {fields: [{id: ca, label: CA}]}
        injectors:
          file: {template: "{{ ca }}"}
          env: {ONTAP_CA_PATH: "{{ tower.filename if ca else '' }}"}
        """
    )
    assert problems(one) == []
    one["injectors"]["env"]["ONTAP_CA_PATH"] = "{{ tower.filename.ca }}"
    assert problems(one) == ["env ONTAP_CA_PATH: does not render: 'str object' has no attribute 'ca'"]


@each_type
def test_an_empty_credential_gives_only_empty_variables(shipped: dict[str, t.Any], tmp_path: Path) -> None:
    for inputs in ({}, {field["id"]: "" for field in shipped["inputs"]["fields"]}):
        injected = inject(shipped, inputs, tmp_path)
        assert injected.environment == dict.fromkeys(shipped["injectors"]["env"], "")
        # The files are there nevertheless.
        assert set(injected.files) == set(shipped["injectors"].get("file", {}))
        assert all(path.read_bytes() == b"" for path in injected.files.values())


def test_a_full_ontap_credential(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nclient\n-----END CERTIFICATE-----\n"
    injected = inject(
        ONTAP,
        {
            "hostname": "cluster1.example.com",
            "username": "admin",
            "password": "pässwörd {{ not a template }} '\"\\",
            "access_token": "token",
            "client_certificate": pem,
            "client_key": "key\n",
            "ca_certificate": pem * 2,
            "validate_certs": "false",
        },
        tmp_path,
    )
    files = injected.files
    assert injected.environment == {
        "ONTAP_HOSTNAME": "cluster1.example.com",
        "ONTAP_USERNAME": "admin",
        "ONTAP_PASSWORD": "pässwörd {{ not a template }} '\"\\",
        "ONTAP_ACCESS_TOKEN": "token",
        "ONTAP_CERT_FILEPATH": str(files["template.client_certificate"]),
        "ONTAP_KEY_FILEPATH": str(files["template.client_key"]),
        "ONTAP_CA_PATH": str(files["template.ca_certificate"]),
        "ONTAP_VALIDATE_CERTS": "false",
    }
    assert {key: path.read_text() for key, path in files.items()} == {
        "template.client_certificate": pem,
        "template.client_key": "key\n",
        "template.ca_certificate": pem * 2,
    }
    for path in files.values():
        assert path.parent == tmp_path / "env"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_azure_credential(tmp_path: Path) -> None:
    inputs = {"client_id": "a", "tenant_id": "b", "client_secret": "c", "client_certificate": "ZGRk\nZGRk\n"}
    injected = inject(AZURE, inputs, tmp_path)
    assert injected.environment == {
        "AKV_CLIENT_ID": "a",
        "AKV_TENANT_ID": "b",
        "AKV_CLIENT_SECRET": "c",
        "AKV_CLIENT_CERTIFICATE": "ZGRk\nZGRk\n",
    }
    assert injected.files == {}


def test_one_kind_of_login_leaves_the_others_empty(tmp_path: Path) -> None:
    injected = inject(ONTAP, {"client_certificate": "cert", "client_key": "key", "validate_certs": "true"}, tmp_path)
    assert {name for name, value in injected.environment.items() if value} == {
        "ONTAP_CERT_FILEPATH",
        "ONTAP_KEY_FILEPATH",
        "ONTAP_VALIDATE_CERTS",
    }


def test_rendering_is_awx_s(tmp_path: Path) -> None:
    # None of it is in the types that are shipped, so that only this can tell whether the renderer is right.
    credential_type = yaml.safe_load(
        """
        inputs:
          fields:
            - {id: key, label: Key, format: ssh_private_key}
            - {id: flag, label: Flag, type: boolean}
            - {id: other, label: Other flag, type: boolean}
            - {id: choice, label: Choice, default: a proposal}
        injectors:
          file: {template: "{{ key }}"}
          env:
            PATH_OF_KEY: "{{ tower.filename }}"
            FLAGS: "{{ flag }} {{ other }} {{ flag is sameas true }}"
            CHOICE: "<{{ choice }}> {{ choice is defined }}"
        """
    )
    for key, content in (("pem", "pem\n"), ("pem\n", "pem\n"), ("", "")):
        for choice in ({}, {"choice": ""}):
            injected = inject(credential_type, {"key": key, "flag": True, **choice}, tmp_path)
            assert injected.files["template"].read_text() == content
            assert injected.environment == {
                "PATH_OF_KEY": str(injected.files["template"]),
                "FLAGS": "True False True",
                "CHOICE": "<> False",
            }


def test_mistakes_in_tests_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="user_name"):
        inject(ONTAP, {"user_name": "admin"}, tmp_path)
    with pytest.raises(ValueError, match="extra_vars"):
        inject(Mutation("injectors/extra_vars/ontap", "", "").apply(), {}, tmp_path)
