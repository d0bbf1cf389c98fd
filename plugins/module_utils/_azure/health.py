# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a configuration, judged from what ONTAP reports of keys, Azure and nodes.

``health`` is pure. ``with_volumes`` reads the one thing that it needs and no configuration shows.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._azure.table import REACHABILITY
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault, verdict_of
from ansible_collections.ontap.security.plugins.module_utils._azure.verdicts import WORST_FIRST, usable
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Health
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
    """The verdict over ``state``, ``azure_reachability`` and ``ekmip_reachability``, or over those named in ``of``."""
    if not vault.enabled:
        return Health("unknown", ("ONTAP reports no health for an inactive configuration",))
    judges = {"azure_reachability": _azure, "ekmip_reachability": _key_servers, "state": _keys}
    # The worst that is found names the verdict; every finding is a reason.
    found = [finding for name, judge in judges.items() if not of or name in of for finding in judge(vault)]
    verdict = min((finding.verdict for finding in found), key=WORST_FIRST.index, default="healthy")
    return Health(
        verdict,
        tuple(reason for finding in found for reason in finding.reasons),
        tuple(dict.fromkeys(node for finding in found for node in finding.nodes)),
        usable(verdict),
        None if vault.keys_available is None else any(finding.verdict == "keys_missing" for finding in found),
    )


def _azure(vault: Vault) -> t.Iterator[Health]:
    if vault.azure_reachable is False:
        azure = vault.record["azure_reachability"]
        reason = _sentence("Azure cannot be reached or refuses the credential", azure, "reachable")
        yield Health("azure_unreachable", (reason,))
    elif vault.azure_reachable is None and _could_report(vault):
        yield Health("unknown", ("ONTAP did not report whether it reaches Azure",))
    elif vault.azure_reachable is None:
        yield Health("healthy", (f"ONTAP says nothing about Azure's reachability; it does from {REACHABILITY} on",))


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
            yield Health("node_unreachable", (reason,), (name,))
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
    yield Health("keys_missing", (reason,), nodes if number is not None else lacking or nodes)


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
