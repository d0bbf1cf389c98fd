# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why ONTAP does not reach Azure, as far as it says, and what to do. Pure.

This is help for people, and nothing is decided by it: ONTAP has one code for all of it, and what Azure has answered is
at most in the message. Microsoft asks not to rely on the codes in there, since they change.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import CLOUD_UNREACHABLE, CREDENTIAL_REFUSED


@dataclass(frozen=True)
class Cause:
    """One of ``CAUSES``, what is known of it in particular, if anything, and what to do."""

    name: str
    detail: str = ""

    @property
    def remedy(self) -> str:
        return f"{self.detail[0].upper()}{self.detail[1:]}. {CAUSES[self.name]}" if self.detail else CAUSES[self.name]


CAUSES: t.Final[dict[str, str]] = {
    "credential": "Give the application a new secret or certificate in Entra, then send it with azure_key_vault and "
    "update_credentials: when_unreachable.",
    "permission": "In Azure, see that the application and its service principal are enabled, that no Conditional "
    "Access policy blocks the nodes' management addresses, and that the application has get, encrypt, decrypt, wrapKey "
    "and unwrapKey on the key: by the role Key Vault Crypto Service Encryption User, or by an access policy, which "
    "counts only while the vault does not use roles. A new role takes some minutes to act.",
    "key": "In Azure, see that the key of key_id and its version are there and enabled: enable it, or recover it (az "
    "keyvault key recover) where it was deleted. Do not delete keys that ONTAP has used.",
    "tenant": "Compare client_id and tenant_id with the application's in Entra, and name, oauth_host and vault_host "
    "with the cloud of the vault, then change what differs with azure_key_vault.",
    "network": "There are two paths: the SVM's data LIFs reach the vault, with the SVM's DNS and routes, and the "
    "nodes' management network reaches the login host, both on port 443 or by the proxy. Open the one that is closed, "
    "also in the vault's own firewall. azure_key_vault_preflight checks what ONTAP shows of them; on the cluster, "
    "security key-manager external azure check -vserver SVM (advanced) tells for each node.",
    "busy": "Azure is out of order or overloaded: wait some minutes and look again, with fewer readings of health at a "
    "time.",
    "unknown": "Look in this order: has the secret or certificate expired; is the key enabled, and may client_id use "
    "it; do the SVM's data LIFs reach the vault and the nodes' management network the login host; are client_id and "
    "tenant_id right. On the cluster, security key-manager external azure check -vserver SVM (advanced) tells for each "
    "node.",
}

# ONTAP's codes that name a cause. 65537549, the usual one, names none.
_ONTAP: t.Final[dict[str, str]] = {**dict.fromkeys(CREDENTIAL_REFUSED, "credential"), CLOUD_UNREACHABLE: "network"}

# What Entra's codes mean (Microsoft's reference of error codes), as far as ONTAP's way of logging in can bring them up.
_ENTRA: t.Final[dict[str, Cause]] = {
    code: Cause(name, detail)
    for name, detail, codes in (
        ("credential", "the secret is wrong; often it is the secret's ID in place of its value", "7000215 70002"),
        ("credential", "the secret has expired", "7000222"),
        ("credential", "no credential reached Entra", "7000216 7000218"),
        ("credential", "the certificate is not one of the application's, or has expired", "700024 700027 700030 50012"),
        ("credential", "the application is registered as a public client, which has no credential", "700025"),
        ("permission", "the application is disabled", "70001 7000112"),
        ("permission", "a policy of the tenant blocks the login", "53003 530032"),
        ("permission", "the application lacks a permission or consent", "65001 650056 650057"),
        ("tenant", "the tenant does not have this application", "700011 700016 7000229"),
        ("tenant", "there is no such tenant in this cloud", "90002 900023"),
        ("tenant", "vault and login host belong to different clouds", "90038 900382 900432"),
        ("tenant", "the tenant does not know this vault's service", "500011"),
        ("tenant", "the tenant does not have this account", "50034"),
        ("busy", "Entra is not available", "90006 90012 90024 90033 90090"),
        ("busy", "Entra throttles the tenant", "90055"),
    )
    for code in codes.split()
}

# What the vault answers itself, in its own codes or as an HTTP status.
_VAULT: t.Final[tuple[tuple[str, Cause], ...]] = (
    (r"ForbiddenByFirewall|ForbiddenByConnection", Cause("network", "the vault's firewall turns the address away")),
    (r"KeyDisabled|Operation \w+ is not allowed on a disabled key", Cause("key", "the key is disabled")),
    (r"KeyNotFound|ObjectIsDeletedButRecoverable", Cause("key", "the key is not there, or was deleted")),
    (r"KeyOperationForbidden|KeyNotYetValid|KeyExpired", Cause("key", "the key does not permit this")),
    (r"AKV10032", Cause("tenant", "the vault belongs to another tenant")),
    (r"ForbiddenBy\w+|AccessDenied|Forbidden|(?:HTTP|status)(?: code)?[: ]+403", Cause("permission")),
    (r"Throttled|TooManyRequests|(?:HTTP|status)(?: code)?[: ]+(?:429|5\d\d)", Cause("busy")),
)
_NETWORK: t.Final = re.compile(
    r"timed? ?out|could not resolve|resolve host|no route to host|network is unreachable|connection (?:refused|reset)"
    r"|failed to connect",
    re.I,
)


def cause_of(code: str | None, message: str, *, only_some_nodes: bool = False) -> Cause:
    """The cause by ONTAP's code, else by what Azure's codes in the message are known to mean.

    ``only_some_nodes``: others do reach Azure, with the same credential and key.
    """
    if code in _ONTAP:
        return Cause(_ONTAP[str(code)])
    said = re.findall(r"AADSTS(\d+)", message)
    known = [_ENTRA[one] for one in said if one in _ENTRA]
    if known:
        return known[0]
    if said:
        return Cause("unknown", f"Entra refused the login with AADSTS{said[0]}")
    for pattern, cause in _VAULT:
        if re.search(rf"\b(?:{pattern})\b", message):
            return cause
    if only_some_nodes:
        return Cause("network", "other nodes do reach Azure, with the same credential and key")
    return Cause("network" if _NETWORK.search(message) else "unknown")
