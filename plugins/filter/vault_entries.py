# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the list that azure_key_vaults wants from what is written down apart: SVMs, what they share, credentials."""

from __future__ import annotations

import typing as t
from datetime import date

from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.module_utils._ansible.options import faults
from ansible_collections.ontap.security.plugins.module_utils._ansible.specs import VAULT
from ansible_collections.ontap.security.plugins.module_utils._azure.table import CREDENTIALS, SECRETS
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import is_guid
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import kind, shown_name
from ansible_collections.ontap.security.plugins.plugin_utils._answers import (
    AnswerError,
    is_given,
    is_omitted,
    text,
    without_omitted,
)

DOCUMENTATION = r"""
name: vault_entries
short_description: Merge what Azure Key Vault configurations share, and their credentials, into one list
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Makes a list for O(ontap.security.azure_key_vaults#module:vaults) from a list that can be public, and credentials
    that are kept elsewhere.
  - The credential of an entry is its own; where it has none, the one in O(credentials) for its C(client_id), be that
    its own or that of O(defaults); where there is none, the one in O(defaults), unless that is of another C(client_id).
  - What cannot be a list of configurations or a dictionary of credentials is refused, by the names that it has as a
    variable of the roles, such as C(azure_key_vault_svms). No message shows a value, because that may be a secret in
    the wrong place.
  - What is omitted, as in C(default(omit\)), counts as not given, at any depth.
  - An option that is a text, such as C(svm), has to be one. A name that YAML reads as a number, a date, true or false
    needs quotes.
  - It reads and writes nothing.
positional: _input
options:
  _input:
    description:
      - Entries for SVMs.
    type: list
    elements: dict
    required: true
  cluster:
    description:
      - The entry of cluster scope, which comes first in the result. When it is not given or empty, there is none.
    type: dict
    default: {}
  defaults:
    description:
      - Options for all entries. An entry's own options win; an empty string there takes an option away.
    type: dict
    default: {}
  credentials:
    description:
      - A dictionary for each C(client_id), with C(client_secret) or C(client_certificate), and C(proxy_password) where
        there is one.
    type: dict
    default: {}
seealso:
  - module: ontap.security.azure_key_vaults
"""

EXAMPLES = r"""
- name: Keep the list in Git and the secrets in an encrypted file
  ontap.security.azure_key_vaults:
    vaults: >-
      {{ [{'svm': 'vs0'}, {'svm': 'vs1'}]
      | ontap.security.vault_entries(defaults=akv_defaults, credentials=akv_credentials) }}
"""

RETURN = r"""
_value:
  description: The entries with all their options.
  type: list
  elements: dict
"""

Options = t.Mapping[str, t.Any]

# What entries have in common, and that of the cluster: all but what says which SVM is meant.
_SHARED: t.Final = {name: option for name, option in VAULT.items() if name not in ("scope", "svm", "svm_uuid")}
_OF_CREDENTIALS: t.Final = {name: VAULT[name] for name in SECRETS}
# Options and aliases in which a number, a date, true or false is what YAML has made of a text.
TEXTS: t.Final = (
    *("svm", "vserver", "svm_name", "svm_uuid", "configuration", "name", "vault", "key_id", "client_id", "tenant_id"),
    *("proxy_host", "proxy_username", "oauth_host", "vault_host"),
)


def vault_entries(
    svms: t.Sequence[Options],
    cluster: Options | None = None,
    defaults: Options | None = None,
    credentials: t.Mapping[str, Options] | None = None,
) -> list[dict[str, t.Any]]:
    """Merge defaults and credentials into each entry; that of the cluster, if any, comes first."""
    given = {"svms": svms, "cluster": cluster, "defaults": defaults, "credentials": credentials}
    undefined = [name for part, value in given.items() for name in _undefined(value, f"azure_key_vault_{part}")]
    if undefined:
        raise AnsibleFilterError("; ".join(f"{name} is undefined, in whole or in part" for name in undefined))
    svms, cluster, defaults = _given(svms, []), _given(cluster, {}), _given(defaults, {})
    _check(svms, cluster, defaults, credentials)
    known = {str(client_id).lower(): value for client_id, value in _known(credentials)}
    entries: list[tuple[Options, str]] = [
        ({**entry, "scope": "cluster"}, "azure_key_vault_cluster") for entry in [cluster] if entry
    ]
    entries += [(entry, f"azure_key_vault_svms, entry {index}") for index, entry in enumerate(svms)]
    merged = [(_merged(entry, defaults, known), where) for entry, where in entries]
    for entry, where in merged:
        _check_texts(entry, where)
    return [entry for entry, _where in merged]


def _undefined(value: t.Any, name: str) -> list[str]:
    """The names of what Ansible could not evaluate. Nothing else may be asked of that: older releases answer with an
    error that shows the value around it, secrets included."""
    if isinstance(value, t.Mapping):
        # A key may be anything, also a secret in the wrong place, so only that of an option is shown.
        return [one for key, item in value.items() for one in _undefined(item, _below(name, key))]
    if isinstance(value, (list, tuple)):
        return [one for index, item in enumerate(value) for one in _undefined(item, f"{name} (entry {index})")]
    is_value = (
        value is None or isinstance(value, (str, bool, int, float)) or not hasattr(type(value), "_undefined_message")
    )
    return [] if is_value else [name]


def _below(name: str, key: t.Any) -> str:
    return f"{name}.{key}" if key in _SHARED or key in ("svm", "svm_uuid", "uuid") else name


def _given(value: t.Any, nothing: t.Any) -> t.Any:
    """The value without what is omitted in it, or ``nothing``."""
    found = without_omitted(value)
    return found if is_given(found) else nothing


def _known(credentials: t.Any) -> t.Iterator[tuple[t.Any, dict[str, t.Any]]]:
    """Each ``client_id`` with its credential, without those of which all is omitted."""
    for client_id, value in (credentials if is_given(credentials) else {}).items():
        credential = without_omitted(value)
        if not is_omitted(value) and (credential or not value):
            yield client_id, _credential(client_id, credential)


def _check_texts(entry: Options, where: str) -> None:
    for name in TEXTS:
        if is_given(entry.get(name)):
            try:
                text(entry[name], f"{name} of {where}")
            except AnswerError as exc:
                raise AnsibleFilterError(str(exc)) from exc


def _check(svms: t.Any, cluster: t.Any, defaults: t.Any, credentials: t.Any) -> None:
    """Refuse what cannot be meant, all at once."""
    wrong: list[str] = []
    for name, value in (("cluster", cluster), ("defaults", defaults), ("credentials", credentials)):
        if is_given(value) and not isinstance(value, t.Mapping):
            wrong.append(f"azure_key_vault_{name} is {kind(value)}, and must be a dictionary")
        elif name != "credentials":
            wrong += _faults(name, value, _SHARED)
    if not isinstance(svms, (list, tuple)):
        wrong.append(f"azure_key_vault_svms is {kind(svms)}, and must be a list of dictionaries")
        svms = []
    for index, entry in enumerate(svms):
        if isinstance(entry, t.Mapping):
            wrong += (f"{text} (entry {index})" for text in _faults("svms", entry, VAULT))
        else:
            wrong.append(f"azure_key_vault_svms: entry {index} is {kind(entry)}, and must be a dictionary")
    if wrong:
        raise AnsibleFilterError(f"{'; '.join(wrong)}.")


def _faults(name: str, options: Options, spec: dict[str, dict[str, t.Any]]) -> list[str]:
    # An empty text takes an option away. Where YAML has read a text as something else, it is said how to write it.
    given = {
        option: value
        for option, value in options.items()
        if value != "" and not (option in TEXTS and isinstance(value, (bool, int, float, date)))
    }
    return [fault.message for fault in faults(given, spec, f"azure_key_vault_{name}.")]


def _credential(client_id: str, value: t.Any) -> dict[str, t.Any]:
    """Check one credential. No message shows any of its values, which may be in the wrong place."""
    whose = f"The credentials of client_id {client_id if is_guid(str(client_id)) else shown_name(client_id)}"
    if not isinstance(value, t.Mapping) or not value or set(value) - set(SECRETS):
        raise AnsibleFilterError(f"{whose} are not a dictionary with some of {', '.join(SECRETS)} in it.")
    wrong = _faults("credentials", value, _OF_CREDENTIALS)
    if wrong:
        raise AnsibleFilterError(f"{whose} cannot be used: {'; '.join(wrong)}.")
    return dict(value.items())


def _merged(entry: Options, defaults: Options, known: t.Mapping[str, Options]) -> dict[str, t.Any]:
    merged = {**defaults, **entry}
    credential = known.get(str(merged.get("client_id") or "").lower(), {})
    # The credential of the defaults is that of their application.
    shared = defaults if _same(merged.get("client_id"), defaults.get("client_id")) else {}
    # The application logs in with a secret or with a certificate: the one from the closest source, never one of each.
    source = next((one for one in (entry, credential, shared) if any(one.get(name) for name in CREDENTIALS)), {})
    for name in CREDENTIALS:
        merged.pop(name, None)
        if source.get(name):
            merged[name] = source[name]
    proxy_password = entry.get("proxy_password") or credential.get("proxy_password") or defaults.get("proxy_password")
    if proxy_password:
        merged["proxy_password"] = proxy_password
    return merged


def _same(one: t.Any, other: t.Any) -> bool:
    return not other or str(one or "").lower() == str(other).lower()


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"vault_entries": vault_entries}
