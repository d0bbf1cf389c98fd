# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a configuration, judged from what ONTAP reports of keys, Azure and nodes.

``health`` is pure. ``with_volumes`` and ``with_states`` read what it needs and no configuration shows.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._azure.causes import cause_of
from ansible_collections.ontap.security.plugins.module_utils._azure.table import R9_14, REACHABILITY, STORE_STATE
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault, verdict_of
from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import STORE_STATES, WORST_FIRST, usable
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import KEY_STORES, Health
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import UNKNOWN_NAME
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError, TransportError, withheld
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader

VOLUMES = "/api/storage/volumes"


# The one sentence that is documented for an SVM without encrypted volumes. It counts where volumes cannot be read, and
# nothing else that is said about them does: a fault may be put in words about volumes as well.
_NO_VOLUME_YET = re.compile(r"\bwill\s+be\s+available\s+after\s+creating\s+encrypted\s+volumes\b", re.I)
# Which nodes: "Node: n1. Reason: ...", and up to 9.8 "... unavailable in following nodes - node1, node2.".
_NODE_REASON = re.compile(r"\bnode:\s*([\w.-]*\w)\.?\s*reason:\s*(.*?)(?=\bnode:|$)", re.I | re.S)
_NODE_LIST = re.compile(r"\bnodes?\s*[-:]\s*([\w.-]*\w(?:\s*,\s*[\w.-]*\w)*)", re.I)


def health(vault: Vault, *of: str) -> Health:
    """The verdict over ``state``, ``azure_reachability``, ``ekmip_reachability`` and the state of the key store
    (``store``), or over those named in ``of``."""
    if not vault.enabled:
        return Health("unknown", ("ONTAP reports no health for an inactive configuration",))
    judges = {"store": _store, "azure_reachability": _azure, "ekmip_reachability": _key_servers, "state": _keys}
    # The worst that is found names the verdict; every finding is a reason.
    found = [finding for name, judge in judges.items() if not of or name in of for finding in judge(vault)]
    worst = min(found, key=lambda finding: WORST_FIRST.index(finding.verdict), default=Health("healthy"))
    verdict = worst.verdict
    return Health(
        verdict,
        tuple(reason for finding in found for reason in finding.reasons),
        tuple(dict.fromkeys(node for finding in found for node in finding.nodes)),
        usable(verdict),
        None if vault.keys_available is None else any(finding.verdict == "keys_missing" for finding in found),
        next((finding.cause for finding in found if finding.cause), None),
        worst.remedy,
        clock=vault.clock.as_result() if vault.clock else None,
    )


def _store(vault: Vault) -> t.Iterator[Health]:
    state = vault.store_state
    if state in STORE_STATES:
        reason, remedy = STORE_STATES[state]
        yield Health(state, (f"{reason} (state {state})",), remedy=remedy)
    elif state == "":
        reason = f"whether the key manager is blocked or being changed could not be told from {KEY_STORES}"
        yield Health("unknown", (reason,), remedy=f"Let the login read {KEY_STORES}, as with the role readonly.")
    elif state not in (None, "active"):
        yield Health("unknown", (f"ONTAP reports the key manager in a state that is not known here, {state}",))


def _azure(vault: Vault) -> t.Iterator[Health]:
    if vault.azure_reachable is False:
        azure = vault.record["azure_reachability"]
        reason = _sentence("Azure cannot be reached or refuses the credential", azure, "reachable")
        cause = cause_of(azure.get("code"), str(azure.get("message") or ""), only_some_nodes=_only_some_nodes(vault))
        yield Health("azure_unreachable", (reason,), cause=cause.name, remedy=cause.remedy)
    elif vault.azure_reachable is None and _could_report(vault):
        yield Health("unknown", ("ONTAP did not report whether it reaches Azure",))
    elif vault.azure_reachable is None:
        yield Health("healthy", (f"ONTAP says nothing about Azure's reachability; it does from {REACHABILITY} on",))


def _only_some_nodes(vault: Vault) -> bool:
    """Whether ONTAP names the nodes that do not reach Azure, and there are others."""
    named = {name for name, _reason in _NODE_REASON.findall(str(vault.record["azure_reachability"].get("message")))}
    return bool(named) and bool(set(_nodes(vault)) - named)


def _nodes(vault: Vault) -> t.Iterator[str]:
    """The names of the nodes, as far as the embedded key servers tell."""
    for entry in vault.record.get("ekmip_reachability") or ():
        if isinstance(entry, dict) and isinstance(entry.get("node"), dict) and entry["node"].get("name"):
            yield str(entry["node"]["name"])


def _could_report(vault: Vault) -> bool:
    """Whether the record is of a release that reports on Azure and key servers: then silence is no good news."""
    known = ("azure_reachability", "ekmip_reachability")
    return vault.at_least.has(REACHABILITY) or any(name in vault.record for name in known)


def _key_servers(vault: Vault) -> t.Iterator[Health]:
    listed = vault.record.get("ekmip_reachability")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    if not entries and _could_report(vault):
        yield Health("unknown", ("ONTAP did not report whether the nodes reach their embedded key servers",))
    for entry in entries:
        reachable = verdict_of(entry, "reachable")
        node = entry.get("node")
        names = node if isinstance(node, dict) else {}
        name = str(names.get("name") or names.get("uuid") or "a node")
        if reachable is False:
            reason = _sentence(f"the embedded key server of node {name} cannot be reached", entry, "reachable")
            yield Health("node_unreachable", (reason,), (name,), remedy=_BRING_UP)
        elif reachable is None:
            reason = f"ONTAP did not report whether the embedded key server of node {name} can be reached"
            yield Health("unknown", (reason,), (name,))


def _keys(vault: Vault) -> t.Iterator[Health]:
    if vault.keys_available is None:
        yield Health("unknown", ("ONTAP did not report the state of the keys",))
    if vault.keys_available is not False:
        return
    state, number = vault.record["state"], vault.encrypted_volumes
    message = str(state.get("message") or "")
    listed = _NODE_LIST.search(message)
    reasons = _NODE_REASON.findall(message) or [
        (name, message) for name in (re.split(r"\s*,\s*", listed[1]) if listed else ())
    ]
    nodes = tuple(name for name, _reason in reasons)
    lacking = tuple(name for name, reason in reasons if not _NO_VOLUME_YET.search(reason))
    if _is_open(vault) and (number == 0 if number is not None else not lacking and _NO_VOLUME_YET.search(message)):
        reason = "no encrypted volume exists yet; ONTAP reports the keys once there is one"
        yield Health("no_encrypted_volume_yet", (reason,), nodes)
        return
    reason = _sentence("the keys are not on every node", state, "available")
    if _is_open(vault) and number is None:
        reason += " (whether encrypted volumes need them could not be told)"
    yield Health("keys_missing", (reason,), nodes if number is not None else lacking or nodes, remedy=_RESTORE)


_BRING_UP: t.Final = (
    "Bring the node up and into quorum (cluster show), and wait some minutes. If it stays, security key-manager "
    "external azure check -vserver SVM (advanced) tells more."
)
_RESTORE: t.Final = "Run azure_key_vault_restore. Do not reboot nodes before that."


def _is_open(vault: Vault) -> bool:
    """Whether the keys may be unavailable for want of encrypted volumes: then ONTAP says so plainly, and does not call
    them available with a code that says otherwise."""
    return vault.keys_available is False and vault.record["state"].get("available") is not True


def _sentence(what: str, entry: t.Mapping[str, t.Any], flag: str) -> str:
    said = str(entry.get("message") or "").strip()
    code = entry.get("code")
    denied = f", although {flag} is true" if entry.get(flag) is True else ""
    tail = f" (ONTAP code {code}{denied})" if code not in (None, "0", "") else ""
    return f"{what}{tail}: {said}" if said else f"{what}{tail}"


def with_volumes(reader: Reader, vaults: t.Sequence[Vault]) -> tuple[Vault, ...]:
    """The configurations, each whose keys ONTAP reports as unavailable with the number of its encrypted volumes.

    Where there are none of these, nothing is asked; else one request, or for several of them one a page. The number
    stays None where the login may not read volumes, and where nobody knows whose they would be. Raises ``OntapError``.
    """
    named = [vault for vault in vaults if vault.scope == "cluster" or vault.svm or vault.svm_uuid]
    unclear = [vault for vault in named if vault.enabled and _is_open(vault)]
    numbers = encrypted_volumes(reader, unclear)
    return tuple(replace(vault, encrypted_volumes=numbers.get(vault.uuid)) for vault in vaults)


def encrypted_volumes(reader: Reader, vaults: t.Sequence[Vault]) -> dict[str, int | None]:
    """How many encrypted volumes there are, by the UUID of the configuration that keeps their keys; without those of
    which nobody can tell."""
    try:
        return _numbers(reader, vaults)
    except (ApiError, TransportError) as exc:
        if not withheld(exc) and exc.code not in UNKNOWN_NAME:
            raise
        return {}


def with_states(reader: Reader, vaults: t.Sequence[Vault]) -> tuple[Vault, ...]:
    """The configurations, those in use each with the state of its key store.

    Up to ONTAP 9.13.1, and where none is in use, nothing is asked; else one request, or one a page. Before 9.16.1 there
    is no state, which the refusal of this request tells where nobody knows the release. Raises ``OntapError``.
    """
    known = reader.known_release
    if (known and not known.has(STORE_STATE)) or not any(v.enabled and v.at_least.has(R9_14) for v in vaults):
        return tuple(vaults)
    svms = {vault.svm for vault in vaults}
    query = {"type": "akv", "fields": "enabled,state,svm.name,svm.uuid"}
    if len(svms) == 1 and None not in svms:
        query["svm.name"] = literal(next(iter(svms)) or "")
    try:
        stores = reader.records(KEY_STORES, query)
    except (ApiError, TransportError) as exc:
        if exc.code in UNKNOWN_NAME:
            return tuple(vaults)
        if not withheld(exc):
            raise
        return tuple(vaults) if _has_no_states(reader) else tuple(replace(v, store_state="") for v in vaults)
    return tuple(replace(vault, store_state=state_among(stores, vault)) for vault in vaults)


def _has_no_states(reader: Reader) -> bool:
    """Whether the release is known to have no states of key stores. False also where nobody can tell."""
    try:
        return not reader.release().has(STORE_STATE)
    except (ApiError, TransportError) as exc:
        if not withheld(exc):
            raise
        return False


def state_among(stores: t.Sequence[t.Mapping[str, t.Any]], vault: Vault) -> str:
    """The state of a configuration's key store; empty where ONTAP does not show it.

    Which of two is in use while a switch is interrupted is not documented, so a switch of one is a switch of both.
    """
    own = next((store for store in stores if str(store.get("uuid", "")).lower() == vault.uuid.lower()), {})
    switched = any(store.get("state") == "switching" and _shares_svm(store, vault) for store in stores)
    return "switching" if switched and own.get("state") in (None, "active") else str(own.get("state") or "")


def _shares_svm(store: t.Mapping[str, t.Any], vault: Vault) -> bool:
    svm = store.get("svm") or {}
    if vault.scope == "cluster":
        return not svm
    return str(svm.get("uuid") or "").lower() == vault.svm_uuid if vault.svm_uuid else svm.get("name") == vault.svm


# Which volumes may be encrypted with keys of a scope: those that share their aggregate's are never an SVM's.
_OF_SVM, _OF_CLUSTER = "volume", "volume|aggregate"


def _numbers(reader: Reader, unclear: t.Sequence[Vault]) -> dict[str, int | None]:
    """How many encrypted volumes there are, by the UUID of the configuration that keeps their keys.

    Of the cluster's own keys only none at all is a number: those that there are may be of SVMs with a key manager of
    their own.
    """
    if not unclear:
        return {}
    if len({(vault.scope, vault.svm_uuid or vault.svm) for vault in unclear}) == 1:
        number = count_encrypted(reader, unclear[0])
        return {vault.uuid: number if vault.scope != "cluster" or not number else None for vault in unclear}
    query = {"encryption.type": _OF_CLUSTER, "fields": "svm.name,svm.uuid,encryption.type"}
    records = reader.records(VOLUMES, query)
    counted: Counter[tuple[str, str]] = Counter()
    for record in records:
        svm, encryption = (record[key] if isinstance(record.get(key), dict) else {} for key in ("svm", "encryption"))
        if not svm.get("uuid") and not svm.get("name"):
            # Whose it is cannot be told, and it may be anybody's.
            return {}
        if encryption.get("type") != "aggregate":
            counted.update((("uuid", str(svm.get("uuid") or "").lower()), ("name", str(svm.get("name") or ""))))
    found: dict[str, int | None] = {}
    for vault in unclear:
        if vault.scope == "cluster":
            found[vault.uuid] = None if records else 0
        else:
            found[vault.uuid] = max(counted["uuid", vault.svm_uuid or ""], counted["name", vault.svm or ""])
    return found


def count_encrypted(reader: Reader, vault: Vault) -> int:
    """The number of encrypted volumes in the scope of a configuration. Raises ``OntapError``."""
    query: dict[str, str | bool] = {"encryption.type": _OF_CLUSTER, "return_records": False}
    if vault.scope != "cluster":
        query["encryption.type"] = _OF_SVM
        name = "svm.name" if vault.svm else "svm.uuid"
        query[name] = literal(vault.svm or vault.svm_uuid or "")
    number = reader.get(VOLUMES, query).get("num_records")
    if not isinstance(number, int):
        raise TransportError(f"GET {VOLUMES} answered without num_records", method="GET", path=VOLUMES)
    return number
