# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated cluster consists of: SVMs, nodes, keystores, and the Azure it talks to."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field


@dataclass
class Owner:
    """Who a key manager belongs to: an SVM, or the cluster itself.

    ``encrypted_volumes``: how many volumes it has that are encrypted one by one. ``nae_volumes``: it has one that is
    encrypted with its aggregate. ``keys_on_admin``: its volume keys are on the admin SVM's key manager, or that number
    of them. ``leaves``: how many keys its next migration leaves behind. ``state`` and ``subtype`` are those of
    svm/svms; ``lif`` is up, down, disabled or none; ``routes`` are written as ``address/length``.
    """

    uuid: str
    name: str
    encrypted_volumes: int = 0
    nae_volumes: bool = False
    keys_on_admin: bool | int = False
    leaves: int = 0
    state: str = "running"
    subtype: str = "default"
    name_servers: tuple[str, ...] = ("192.0.2.53",)
    lif: str = "up"
    routes: tuple[str, ...] = ("0.0.0.0/0",)

    @property
    def encrypted(self) -> bool:
        """Whether it has volumes whose keys are with its key manager."""
        return self.encrypted_volumes > 0

    @property
    def keys_of_admin(self) -> int:
        """How many keys of its volumes are on the admin SVM's key manager. There may be some of deleted volumes."""
        return max(1, self.encrypted_volumes) if self.keys_on_admin is True else int(self.keys_on_admin)

    @property
    def keys_of_its_own(self) -> int:
        """How many keys of its volumes are on its own key manager."""
        return max(0, self.encrypted_volumes - self.keys_of_admin)

    def migrate(self, *, to_admin: bool) -> None:
        """Move its keys to the admin SVM's key manager or away from it, but for those that stay behind."""
        left = min(self.leaves, self.encrypted_volumes)
        self.keys_on_admin = self.encrypted_volumes - left if to_admin else left
        self.leaves = 0


@dataclass
class Node:
    """A node of the cluster: whether it answers, what it is able to do, and whether its KMIP server runs.

    ``state`` is a word for one that is not simply up or down, ``release`` its own where it is not the cluster's.
    """

    uuid: str
    name: str
    reachable: bool = True
    azure_capable: bool = True
    certificate_capable: bool = True
    kmip_server: bool = True
    reaches_azure: bool = True
    state: str = ""
    release: str = ""


@dataclass
class KeyStore:
    """One key manager configuration; those of type ``akv`` are the records of azure-key-vaults.

    ``settings`` are the readable fields that were set, ``secrets`` the others. ``keys_on`` are the UUIDs of the nodes
    that hold the keys; ``internal_key`` counts the internal rekeys.
    """

    uuid: str
    owner: Owner
    configuration: str
    enabled: bool = True
    type: str = "akv"
    state: str = "active"
    settings: dict[str, t.Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    keys_on: set[str] = field(default_factory=set)
    internal_key: int = 1

    @property
    def authentication_method(self) -> str:
        """``certificate`` or ``client_secret``, by the credential that is stored."""
        return "certificate" if "client_certificate" in self.secrets else "client_secret"

    @property
    def credential(self) -> str:
        """The stored secret or certificate; empty when there is none."""
        return self.secrets.get("client_certificate") or self.secrets.get("client_secret", "")

    def set(self, values: t.Mapping[str, t.Any], secret_names: t.Collection[str]) -> None:
        """Store fields; None unsets one. A new credential takes the place of the other kind."""
        for name, value in values.items():
            target = self.secrets if name in secret_names else self.settings
            if value is None:
                target.pop(name, None)
            else:
                target[name] = value
        if values.get("client_secret") is not None:
            self.secrets.pop("client_certificate", None)
        elif values.get("client_certificate") is not None:
            self.secrets.pop("client_secret", None)

    def snapshot(self) -> dict[str, t.Any]:
        """Return everything that is stored, JSON-able; secrets as SHA-256 digests."""
        return {
            "uuid": self.uuid,
            "type": self.type,
            "owner": self.owner.name,
            "configuration": self.configuration,
            "enabled": self.enabled,
            "state": self.state,
            "settings": dict(sorted(self.settings.items())),
            "secrets": {name: digest(value) for name, value in sorted(self.secrets.items())},
            "internal_key": self.internal_key,
        }


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret in hexadecimal: enough to see that it changed."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class Azure:
    """What Azure makes of this cluster: None as a set means that everything is accepted. ``refusal``: what it says to
    all that ask, instead of doing anything."""

    reachable: bool = True
    refusal: str = ""
    valid_secrets: set[str] | None = None
    keys: set[str] | None = None
    verify_on_create: bool = False

    def accepts(self, secret: str) -> bool:
        """Tell whether Azure takes ``secret`` (a client secret, or a certificate in base64)."""
        return self.valid_secrets is None or secret in self.valid_secrets


@dataclass
class Monitor:
    """The health monitor of key managers: minutes between two looks, how often a cloud is asked again, and for each
    type of key manager whether it is looked at, and whether volumes may be taken offline when it cannot be used.

    Reading: no default is documented; these are the published examples.
    """

    polling_interval: int = 15
    retry_count: int = 3
    policy: dict[str, dict[str, bool]] = field(
        default_factory=lambda: {
            kind: {"enabled": True, "manage_volume_offline": True}
            for kind in ("akv", "aws", "gcp", "ikp", "kmip", "okm", "barbican")
        }
    )


@dataclass
class Switches:
    """How the simulator reads what the reference leaves open, and what a cluster may do but rarely does.

    ``require_credential_with_identity``: PATCH of client_id or tenant_id needs a credential (65537517).
    ``refuse_cluster_scope``: POST needs an SVM (2621707). ``job_links``: job answers carry ``_links``.
    ``phantom_page``: the last page links to an empty one. ``jobs_pausable``, ``jobs_cancellable``: see PATCH of a job.
    ``legacy_state_flag``: ``state.cluster_state`` in every release, as the published examples show it.
    ``migrate_names_svm``: the job of a migration names the SVM whose keys are moved; else it names none.
    ``ems_sparse``, ``ems_namespace``, ``ems_prefix``: what the cluster posts to a webhook, see poster.
    ``cloud_is_no_external_manager``: a cluster with cloud key managers alone refuses a polling interval (65537304).
    """

    require_credential_with_identity: bool = False
    refuse_cluster_scope: bool = False
    job_links: bool = True
    phantom_page: bool = False
    jobs_pausable: bool = True
    jobs_cancellable: bool = True
    legacy_state_flag: bool = False
    migrate_names_svm: bool = True
    ems_sparse: bool = False
    ems_namespace: bool = False
    ems_prefix: bool = False
    cloud_is_no_external_manager: bool = False


@dataclass
class Site:
    """Facts about the whole cluster that forbid something: see the scene of the same name."""

    metrocluster: bool = False
    fips: str = ""
    keyed_drives: bool = False
    nse_keys: bool = False
    nae_aggregates: bool = False
    licences: tuple[str, ...] = ("nfs", "ve", "mt_ek_mgmt")
    encrypted_root: bool = False
    effective_version: str = ""
