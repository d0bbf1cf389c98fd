# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs of what modules have in common."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.ontap.security.plugins.module_utils._ansible.options import Spec
from ansible_collections.ontap.security.plugins.module_utils._azure.table import FIELDS
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Field


def from_around(*names: str) -> str | None:
    """The first of these variables that is set. An empty one is not: AWX injects unset fields so.

    Secrets are often stored with the line break of the file that they came from, which belongs to none.
    """
    return next((value for name in names if (value := os.environ.get(name, "").strip("\r\n"))), None)


def _environment(*names: str, **_kwargs: t.Any) -> str:
    """A fallback to the environment."""
    value = from_around(*names)
    if value is None:
        raise AnsibleFallbackNotFound
    return value


def from_environment(*names: str) -> tuple[t.Callable[..., str], list[str]]:
    """The value of ``fallback`` in an argument spec."""
    return (_environment, list(names))


CONNECTION: t.Final[Spec] = {
    "hostname": {"type": "str", "required": True, "fallback": from_environment("ONTAP_HOSTNAME")},
    "username": {"type": "str", "aliases": ["user"], "fallback": from_environment("ONTAP_USERNAME")},
    "password": {
        "type": "str",
        "aliases": ["pass"],
        "no_log": True,
        "fallback": from_environment("ONTAP_PASSWORD"),
    },
    "access_token": {"type": "str", "no_log": True, "fallback": from_environment("ONTAP_ACCESS_TOKEN")},
    "cert_filepath": {"type": "path", "fallback": from_environment("ONTAP_CERT_FILEPATH")},
    "key_filepath": {"type": "path", "no_log": False, "fallback": from_environment("ONTAP_KEY_FILEPATH")},
    "http_port": {"type": "int", "default": 443, "fallback": from_environment("ONTAP_HTTP_PORT")},
    "validate_certs": {"type": "bool", "default": True, "fallback": from_environment("ONTAP_VALIDATE_CERTS")},
    "ca_path": {"type": "path", "fallback": from_environment("ONTAP_CA_PATH")},
    "request_timeout": {"type": "int", "default": 60, "fallback": from_environment("ONTAP_REQUEST_TIMEOUT")},
}

IDENTITY: t.Final[Spec] = {
    "scope": {"type": "str", "choices": ["svm", "cluster"], "default": "svm"},
    "svm": {"type": "str", "aliases": ["vserver", "svm_name"]},
    "svm_uuid": {"type": "str"},
    "configuration": {"type": "str"},
}

WAITING: t.Final[Spec] = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
}


def _options(*, needed: bool) -> Spec:
    """The fields of a configuration as options: those that a create needs, or the others."""
    return {name: _option(item) for name, item in FIELDS.items() if (item.required or bool(item.method)) is needed}


def _option(item: Field) -> dict[str, t.Any]:
    # Where no_log is not given, Ansible takes some names for those of secrets.
    option: dict[str, t.Any] = {"type": item.type, "no_log": item.secret}
    if item.choices:
        option["choices"] = list(item.choices)
    if item.aliases:
        option["aliases"] = list(item.aliases)
    if item.environment:
        option["fallback"] = from_environment(item.environment)
    return option


# One configuration, as azure_key_vault takes it and azure_key_vaults a list of.
VAULT: t.Final[Spec] = {
    **IDENTITY,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "enabled": {"type": "bool"},
    **_options(needed=True),
    "update_credentials": {
        "type": "str",
        "choices": ["on_create", "always", "when_unreachable"],
        "default": "on_create",
    },
    "verify": {"type": "bool", "default": True},
    "force": {"type": "bool", "default": False},
    "expires": {"type": "str", "no_log": False},
    "key_expires": {"type": "str", "no_log": False},
    **_options(needed=False),
}

# What the modules that act on an existing configuration share.
ACTION: t.Final[Spec] = {**IDENTITY, "uuid": {"type": "str"}, **WAITING}
