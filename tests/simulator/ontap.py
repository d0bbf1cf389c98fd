# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a simulated cluster, and the scenes that tests and rehearsals set.

Plain Python: no HTTP. Every scene takes the lock, so that tests may call it while the server answers requests, and is
also reachable through ``POST /control/scene``.
"""

from __future__ import annotations

import copy
import functools
import random
import threading
import typing as t
import uuid as uuids

from tests.simulator.approval import Approvals
from tests.simulator.clock import Clock
from tests.simulator.ems import KINDS, Destination, Ems, Event, about
from tests.simulator.errors import OntapError
from tests.simulator.fields import schemas
from tests.simulator.jobs import ENDS, HOLDS, OPERATIONS, Job, JobManager, Plan
from tests.simulator.monitor import Watch
from tests.simulator.profiles import Profile, version
from tests.simulator.records import Azure, KeyStore, Monitor, Node, Owner, Site, Switches

P = t.ParamSpec("P")
R = t.TypeVar("R")

REFUSABLE = (
    *OPERATIONS,
    "list",
    "get",
    "key-stores-list",
    "key-stores-get",
    "key-stores-delete",
    "jobs-list",
    "jobs-get",
    "jobs-patch",
    "volumes-list",
    "key-manager-configs-get",
    "key-manager-configs-patch",
    "key-managers-list",
    "key-ids-list",
    "nodes-list",
    "ems-events-list",
    "ems-destinations-create",
    "ems-destinations-patch",
    "ems-filters-create",
)
EXTERNAL = ("kmip", "akv", "gcp", "aws", "ikp", "barbican")
ROLES = ("admin", "readonly", "none")
SAMPLE_VAULT = "https://mykeyvault.vault.azure.net/"
SAMPLE_KEY = "https://mykeyvault.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"

SCENES: set[str] = set()


def locked(method: t.Callable[t.Concatenate[Ontap, P], R]) -> t.Callable[t.Concatenate[Ontap, P], R]:
    """Let a method run under the lock, with all jobs up to date."""

    @functools.wraps(method)
    def wrapper(self: Ontap, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lock:
            self.jobs.settle()
            return method(self, *args, **kwargs)

    return wrapper


def telling(method: t.Callable[t.Concatenate[Ontap, P], R]) -> t.Callable[t.Concatenate[Ontap, P], R]:
    """Let a scene be one that the cluster notices, and writes into its event log.

    Only those that can begin or end a trouble: to look at ten thousand configurations after each that is added takes
    its time.
    """

    @functools.wraps(method)
    def wrapper(self: Ontap, /, *args: P.args, **kwargs: P.kwargs) -> R:
        result = method(self, *args, **kwargs)
        self.observe()
        return result

    return wrapper


def scene(method: t.Callable[t.Concatenate[Ontap, P], R]) -> t.Callable[t.Concatenate[Ontap, P], R]:
    """Mark a method as a scene: locked, and callable by name through the control interface."""
    SCENES.add(method.__name__)
    return locked(method)


class Durations(dict[str, float]):
    """Seconds that each operation takes; an unknown operation is a KeyError, so that a typing error shows."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(OPERATIONS, 0.0))

    def __setitem__(self, operation: str, seconds: float) -> None:
        if operation not in OPERATIONS:
            raise KeyError(f"{operation!r}: one of {', '.join(OPERATIONS)}")
        super().__setitem__(operation, seconds)


class Refusal(t.NamedTuple):
    """An error with which an operation is answered; ``times`` None: until ``allow`` is called."""

    code: int
    message: str | None
    status: int | None
    times: int | None


class User(t.NamedTuple):
    """A login: ``role`` is admin, readonly or none (which may log in, but do nothing).

    ``paths`` are those that the role is for, with all below them; None: the whole API.
    """

    password: str
    role: str
    paths: tuple[str, ...] | None = None

    def may(self, method: str, path: str) -> bool:
        """Tell whether the login may send a request."""
        if self.role == "none" or (self.role == "readonly" and method not in ("GET", "HEAD", "OPTIONS")):
            return False
        return self.paths is None or any(f"{path}/".startswith(f"{allowed}/") for allowed in self.paths)


class Ontap:
    """A cluster: its SVMs, nodes, key managers and jobs.

    ``release`` is one of profiles.RELEASES; UUIDs follow from ``name``, so that a rehearsal repeats itself.
    """

    def __init__(
        self,
        release: str = "9.16.1",
        *,
        name: str = "cluster1",
        svms: t.Sequence[str] = ("vs0", "vs1"),
        nodes: t.Sequence[str] = ("node1", "node2"),
        user: str = "admin",
        password: str = "",
    ) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self._initial = (release, name, tuple(svms), tuple(nodes), user, password)
        # Who posts events: see Simulator. Returns what went wrong, and with ``now`` tries it at once.
        self.post: t.Callable[[Destination, Event, bool], str] | None = None
        self._set_up()

    def _set_up(self) -> None:
        release, name, svms, nodes, user, password = self._initial
        self.profile = Profile(release)
        self.schemas = schemas(self.profile)
        self._random = random.Random(name)
        self.cluster = Owner(self.new_uuid(), name)
        self.nodes = [Node(self.new_uuid(), node) for node in nodes]
        self.svms = [Owner(self.new_uuid(), svm) for svm in svms]
        self.stores: dict[str, KeyStore] = {}
        self.jobs = JobManager(self.clock, self.new_uuid)
        self.durations = Durations()
        self.azure = Azure()
        self.site = Site()
        self.monitor = Monitor()
        self.watch = Watch()
        self.switches = Switches()
        self.users = {user: User(password, "admin")}
        self.refusals: dict[str, Refusal] = {}
        self.approvals = Approvals()
        self.forced: dict[str, int] = {}
        self.ems = Ems(self._deliver)

    # --- what the operations ask

    def new_uuid(self) -> str:
        """Return the next UUID."""
        return str(uuids.UUID(int=self._random.getrandbits(128), version=4))

    def settle(self) -> None:
        """Let every job that is due end."""
        with self.lock:
            self.jobs.settle()
            self.observe()

    def observe(self) -> None:
        """Let the health monitor look at the key managers, and write into the event log what is worth it."""
        self.watch.look(self)
        self.ems.observe(self)

    def owner(self, svm: str | None) -> Owner:
        """Return the SVM of that name or UUID; None stands for the cluster. KeyError when there is none."""
        if svm is None:
            return self.cluster
        for owner in self.svms:
            if svm in (owner.name, owner.uuid):
                return owner
        raise KeyError(f"no SVM {svm!r}")

    def node(self, name: str) -> Node:
        """Return a node by name or UUID; KeyError when there is none."""
        for node in self.nodes:
            if name in (node.name, node.uuid):
                return node
        raise KeyError(f"no node {name!r}")

    def store(self, which: str | None) -> KeyStore:
        """Return a key manager by UUID, or the enabled one of an SVM (name or UUID; None: of the cluster)."""
        if which is not None and which in self.stores:
            return self.stores[which]
        found = self.enabled_store(self.owner(which))
        if found is None:
            raise KeyError(f"{which!r} has no enabled key manager")
        return found

    def enabled_store(self, owner: Owner) -> KeyStore | None:
        """Return the one enabled key manager of an SVM or of the cluster, of whatever type."""
        return next((s for s in self.stores.values() if s.owner is owner and s.enabled), None)

    def sorted_stores(self) -> list[KeyStore]:
        """Return all key managers in the order of their UUIDs."""
        return sorted(self.stores.values(), key=lambda store: store.uuid)

    def state_of(self, store: KeyStore) -> str:
        """Return the state of an enabled key manager: ``switching`` also while another one is being enabled, and after
        that was interrupted.

        Reading: ``mixed`` as long as any keys of the SVM's volumes are on the admin SVM's key manager, and be it all.
        """
        if self.is_switching(store.owner):
            return "switching"
        return "mixed" if store.state == "active" and store.owner.keys_of_admin else store.state

    def is_switching(self, owner: Owner) -> bool:
        """Tell whether a switch between key managers of an SVM or of the cluster is under way or was interrupted."""
        jobs = self.jobs.active("key-stores-patch")
        return any((job.owner or self.cluster) is owner for job in jobs) or any(
            store.owner is owner and store.state == "switching" for store in self.stores.values()
        )

    def is_cluster_scope(self, store: KeyStore) -> bool:
        """Tell whether a key manager belongs to the cluster and not to an SVM."""
        return store.owner is self.cluster

    def effective_version_below(self, release: str) -> bool:
        """Tell whether the effective cluster version, that of the oldest node, is below ``release``."""
        return version(self.site.effective_version or self.profile.release) < version(release)

    def fill_keys(self, store: KeyStore) -> None:
        """Put the keys on all nodes that can be reached."""
        store.keys_on |= {node.uuid for node in self.nodes if node.reachable}

    def check_refused(self, operation: str) -> None:
        """Raise the error that was set for an operation by ``refuse``."""
        refusal = self.refusals.get(operation)
        if refusal is None:
            return
        if refusal.times is not None:
            self.refusals[operation] = refusal._replace(times=refusal.times - 1)
            if refusal.times <= 1:
                del self.refusals[operation]
        raise OntapError(refusal.code, refusal.message, status=refusal.status)

    def _deliver(self, destination: Destination, event: Event) -> None:
        if self.post is not None:
            self.post(destination, event, False)

    def try_destination(self, destination: Destination) -> str:
        """Send an event that only tries a destination; returns what went wrong. Reading: it has no name."""
        node = self.nodes[0]
        event = Event(node.name, node.uuid, 0, self.clock.now(), "", "notice", "This event only tries the way.", ())
        return self.post(destination, event, True) if self.post else "Nobody posts."

    # --- for tests

    @locked
    def snapshot(self) -> dict[str, t.Any]:
        """Return all persistent state, JSON-able: two snapshots are equal when nothing changed in between."""
        return {
            "svms": [_plain(vars(svm)) for svm in self.svms],
            "nodes": [_plain(vars(node)) for node in self.nodes],
            "key_stores": {store.uuid: store.snapshot() for store in self.sorted_stores()},
            "keys": {
                node.name: [store.uuid for store in self.sorted_stores() if node.uuid in store.keys_on]
                for node in self.nodes
            },
            "jobs": self.jobs.snapshot(),
            "approvals": self.approvals.snapshot(),
            "ems": self.ems.snapshot(),
            "monitor": copy.deepcopy(vars(self.monitor)),
        }

    @locked
    def secret(self, vault: str | None, name: str) -> str | None:
        """Return a stored secret in clear (client_secret, client_certificate or proxy_password), None when unset."""
        return self.store(vault).secrets.get(name)

    @scene
    def reset(self) -> None:
        """Make the cluster as it was when it started, with the same UUIDs."""
        self._set_up()

    # --- scenes: SVMs and nodes

    @scene
    def add_svm(self, name: str, uuid: str | None = None) -> str:
        """Add an SVM and return its UUID."""
        self.svms.append(Owner(uuid or self.new_uuid(), name))
        return self.svms[-1].uuid

    @scene
    def remove_svm(self, svm: str) -> None:
        """Remove an SVM with its key managers."""
        owner = self.owner(svm)
        self.svms.remove(owner)
        self.stores = {uuid: store for uuid, store in self.stores.items() if store.owner is not owner}

    @scene
    @telling
    def encrypt_volumes(self, svm: str | None = None, encrypted: bool = True, number: int = 2) -> None:
        """Give an SVM (None: the cluster) a number of encrypted volumes, or take them away.

        Its enabled key manager then has keys on every node that can be reached, or on none.
        """
        owner = self.owner(svm)
        owner.encrypted_volumes = number if encrypted else 0
        for store in self.stores.values():
            if store.owner is owner:
                store.keys_on.clear()
                if encrypted and store.enabled:
                    self.fill_keys(store)

    @scene
    def set_svm(self, /, svm: str, **facts: t.Any) -> None:
        """Set ``nae_volumes`` (65539704) or ``keys_on_admin`` (65537505, 65537547) of an SVM, with ``leaves`` how
        many keys its next migration leaves where they are, and what it has around it: ``state``, ``subtype``, ``lif``,
        ``name_servers``, ``routes``, see records.Owner."""
        _assign(self.owner(svm), facts)

    @scene
    @telling
    def set_node(self, /, node: str, **facts: bool | str) -> None:
        """Set facts about a node: ``reachable``, ``azure_capable`` (65537512), ``certificate_capable`` (65537577),
        ``kmip_server`` (65537552), ``reaches_azure`` (65537549), ``state``, ``release``."""
        _assign(self.node(node), facts)

    @scene
    @telling
    def lose_keys(self, node: str, vault: str | None = None) -> None:
        """Let a node lose the keys of one key manager (its UUID or SVM), or of all."""
        lost = self.node(node).uuid
        for store in self.stores.values() if vault is None else [self.store(vault)]:
            store.keys_on.discard(lost)

    @scene
    @telling
    def replace_node(self, node: str) -> str:
        """Replace a node by a new one of the same name, without keys; returns the new UUID."""
        old = self.node(node)
        self.lose_keys(node)
        self.nodes[self.nodes.index(old)] = Node(self.new_uuid(), old.name)
        return self.node(node).uuid

    # --- scenes: key managers

    @scene
    def add_vault(
        self,
        /,
        svm: str | None = None,
        *,
        enabled: bool = True,
        configuration: str | None = None,
        uuid: str | None = None,
        **fields: t.Any,
    ) -> str:
        """Put an AKV configuration on an SVM (None: cluster scope) and return its UUID.

        ``fields`` are fields of azure-key-vaults; what a record always has is filled in. ``configuration`` is its
        name, without which an enabled one is "default" and an inactive one "inactive".
        """
        given = {
            "name": SAMPLE_VAULT,
            "key_id": SAMPLE_KEY,
            "client_id": "client1",
            "tenant_id": "tenant1",
            **({} if "client_certificate" in fields else {"client_secret": "rehearsal-secret"}),
            **fields,
        }
        name = configuration or ("default" if enabled else "inactive")
        store = KeyStore(uuid or self.new_uuid(), self.owner(svm), name, enabled)
        self.add_store(store)
        self._set_fields(store, given)
        return store.uuid

    @scene
    @telling
    def change_vault(self, /, vault: str | None, **fields: t.Any) -> None:
        """Change fields of an AKV configuration (UUID or SVM) as somebody else might; None unsets one."""
        self._set_fields(self.store(vault), fields)

    @scene
    def remove_vault(self, vault: str | None) -> None:
        """Remove a key manager (UUID or SVM) as somebody else might."""
        del self.stores[self.store(vault).uuid]

    @scene
    def add_key_manager(
        self, svm: str | None = None, kind: str = "okm", *, enabled: bool = True, configuration: str = "default"
    ) -> str:
        """Put a key manager of another type (okm, kmip, gcp …) on an SVM (None: the cluster); returns its UUID."""
        store = KeyStore(self.new_uuid(), self.owner(svm), configuration, enabled, kind)
        self.add_store(store)
        return store.uuid

    @scene
    @telling
    def set_keystore(self, vault: str | None, state: str) -> None:
        """Set the state of a key manager: active, mixed, svm_kek_rekey, blocked, switching, initializing, disabling."""
        self.store(vault).state = state

    @scene
    def interrupt_switch(self, svm: str, to: str, shown: str = "old") -> None:
        """Break a switch of an SVM off: from its enabled configuration to ``to`` (a UUID, or a configuration's name).

        Which of the two says in between that it is enabled is not documented: ``shown`` is old, new, both or none.
        """
        if shown not in ("old", "new", "both", "none"):
            raise ValueError(f"shown {shown!r}: old, new, both or none")
        old = self.store(svm)
        new = next(s for s in self.stores.values() if s.owner is old.owner and to in (s.uuid, s.configuration))
        old.enabled, new.enabled = shown in ("old", "both"), shown in ("new", "both")
        old.state = new.state = "switching"

    def add_store(self, store: KeyStore) -> None:
        """Add a key manager; an enabled one of an owner with encrypted volumes has its keys on the nodes."""
        if store.enabled and self.enabled_store(store.owner):
            raise ValueError(f"{store.owner.name} has an enabled key manager already")
        self.stores[store.uuid] = store
        if store.enabled and store.owner.encrypted:
            self.fill_keys(store)

    def _set_fields(self, store: KeyStore, fields: t.Mapping[str, t.Any]) -> None:
        schema = self.schemas["azure-key-vaults"]
        for name in fields:
            if name not in schema.fields:
                raise ValueError(f"ONTAP {self.profile.release} has no field {name!r}")
        store.set(fields, schema.secrets)

    # --- scenes: events

    @scene
    def raise_event(self, /, name: str, vault: str | None = None, node: str | None = None, **parameters: str) -> None:
        """Put an event of ems.KINDS into the log: about a key manager (UUID or SVM), with parameters of its own."""
        if name not in KINDS:
            raise ValueError(f"event {name!r}: one of {', '.join(KINDS)}")
        self.ems.append(self, name, {**(about(self.store(vault)) if vault else {}), **parameters}, node)

    # --- scenes: what surrounds the cluster

    @scene
    @telling
    def set_azure(
        self,
        *,
        reachable: bool | None = None,
        refusal: str | None = None,
        valid_secrets: t.Iterable[str] | None = None,
        any_secret: bool = False,
        keys: t.Iterable[str] | None = None,
        verify_on_create: bool | None = None,
    ) -> None:
        """Set what Azure does: whether it is reachable, with which words it refuses everything (none: it does not),
        which secrets and keys it accepts (``any_secret``: all again), and whether POST tries the credentials first,
        which is not documented."""
        if reachable is not None:
            self.azure.reachable = reachable
        if refusal is not None:
            self.azure.refusal = refusal
        if valid_secrets is not None or any_secret:
            self.azure.valid_secrets = None if any_secret else set(valid_secrets or ())
        if keys is not None:
            self.azure.keys = set(keys)
        if verify_on_create is not None:
            self.azure.verify_on_create = verify_on_create

    @scene
    def set_site(self, /, **facts: t.Any) -> None:
        """Set facts about the cluster: ``metrocluster`` (65537506), ``fips`` ("key" 3735664 or "hash" 3735665),
        ``keyed_drives`` (65536242), ``nse_keys`` (65536924), ``nae_aggregates`` (196608305), ``encrypted_root``
        (196608080), ``effective_version`` (a release below 9.14: 65537592, 65537593, 262155), ``licences``."""
        _assign(self.site, facts)

    @scene
    def set_monitor(
        self,
        *,
        polling_interval: int | None = None,
        retry_count: int | None = None,
        kind: str = "akv",
        enabled: bool | None = None,
        manage_volume_offline: bool | None = None,
    ) -> None:
        """Set the health monitor as somebody else might; ``kind`` is the type of key manager that flags are for."""
        policy = {"enabled": enabled, "manage_volume_offline": manage_volume_offline}
        self.monitor.policy[kind].update({name: flag for name, flag in policy.items() if flag is not None})
        if polling_interval is not None:
            self.monitor.polling_interval = polling_interval
        if retry_count is not None:
            self.monitor.retry_count = retry_count

    @scene
    def switch(self, /, **switches: bool) -> None:
        """Set switches: see records.Switches."""
        _assign(self.switches, switches)
        self.profile = Profile(self.profile.release, self.switches.legacy_state_flag)
        self.schemas = schemas(self.profile)

    @scene
    def add_user(self, name: str, password: str, role: str = "admin", paths: t.Iterable[str] | None = None) -> None:
        """Add a login; ``role``: admin, readonly (reads only) or none (nothing); ``paths`` narrow it to a part of the
        API, as a REST role does."""
        if role not in ROLES:
            raise ValueError(f"role {role!r}: one of {', '.join(ROLES)}")
        self.users[name] = User(password, role, None if paths is None else tuple(paths))

    # --- scenes: how operations go

    @scene
    def refuse(
        self,
        operation: str,
        code: int,
        message: str | None = None,
        *,
        status: int | None = None,
        times: int | None = None,
    ) -> None:
        """Answer an operation with an error at once, ``times`` times or until ``allow``: any code of ONTAP."""
        if operation not in REFUSABLE:
            raise ValueError(f"operation {operation!r}: one of {', '.join(REFUSABLE)}")
        self.refusals[operation] = Refusal(int(code), message, status, times)

    @scene
    def allow(self, operation: str | None = None) -> None:
        """Take back ``refuse``, for one operation or for all."""
        for name in [operation] if operation else list(self.refusals):
            self.refusals.pop(name, None)

    @scene
    def require_approval(self, operation: str, *, status: int | None = None) -> None:
        """Protect an operation by multi-admin verification: it is answered with 262325 until ``approve``."""
        if not self.profile.since("9.11.1"):
            raise ValueError(f"ONTAP {self.profile.release} has no multi-admin verification")
        if operation not in REFUSABLE:
            raise ValueError(f"operation {operation!r}: one of {', '.join(REFUSABLE)}")
        self.approvals.protected[operation] = status

    @scene
    def approve(self, index: int) -> None:
        """Approve a request as other administrators would: the same request is carried out when it comes again."""
        self.approvals.approve(index, self.clock.now())

    @scene
    def set_duration(self, operation: str, seconds: float) -> None:
        """Let an operation take that long; from 2 s on it becomes a job where its release has one."""
        self.durations[operation] = seconds

    @scene
    def force_status(self, operation: str, status: int | None) -> None:
        """Answer an operation with 200, 201 or 202 (which makes a job); None: as the release does."""
        if status is None:
            self.forced.pop(operation, None)
        else:
            self.forced[operation] = status

    @scene
    def plan_job(
        self, operation: str, state: str = "failure", code: int = 0, message: str | None = None, times: int = 1
    ) -> None:
        """Decide how the next jobs of an operation go: an end (failure with a code, cancelled, expired) or a hold
        (paused, queued). An operation that answers without a job gives a planned failure as its answer."""
        if operation not in OPERATIONS or state not in (*ENDS, *HOLDS):
            raise ValueError(f"{operation!r} {state!r}: {', '.join(OPERATIONS)}; {', '.join((*ENDS, *HOLDS))}")
        self.jobs.plan(operation, Plan(state, int(code), message), times)

    @scene
    def hold_job(self, uuid: str, state: str = "paused") -> None:
        """Stop a running job: paused or queued."""
        self._job(uuid).hold(state, self.clock.now())

    @scene
    def resume_job(self, uuid: str) -> None:
        """Let a held job go on."""
        self._job(uuid).resume(self.clock.now())

    @scene
    def end_job(self, uuid: str, state: str = "failure", code: int = 0, message: str | None = None) -> None:
        """End a job now; unless ``state`` is success it takes no effect."""
        job = self._job(uuid)
        job.plan, job.due = Plan(state, int(code), message), self.clock.now()
        job.run_out()

    def _job(self, uuid: str) -> Job:
        job = self.jobs.get(uuid)
        if job is None:
            raise KeyError(f"no job {uuid!r}")
        return job


def _assign(target: object, facts: t.Mapping[str, t.Any]) -> None:
    for name, value in facts.items():
        if name not in vars(target):
            raise ValueError(f"{name!r}: one of {', '.join(vars(target))}")
        setattr(target, name, value)


def _plain(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The same in JSON's own types."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
