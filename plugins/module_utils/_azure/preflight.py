# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would keep configurations from working, judged from what a cluster shows around them. Pure.

A check passes only by what was seen. What could not be seen is unknown.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._azure.around import Around, Record, Seen, part
from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired, in_vault
from ansible_collections.ontap.security.plugins.module_utils._azure.health import health
from ansible_collections.ontap.security.plugins.module_utils._azure.table import FIELDS, R9_14
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import KeyId, host_of
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.record import pick
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    BlockedError,
    InputError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible

PASS: t.Final = "pass"
WARN: t.Final = "warn"
FAIL: t.Final = "fail"
UNKNOWN: t.Final = "unknown"
# The verdict over several is the first of these that one of them has.
WORST_FIRST: t.Final = (FAIL, UNKNOWN, WARN, PASS)

PUBLIC_LOGIN: t.Final = "login.microsoftonline.com"
# Clouds of Azure: how names of vaults end, and the hosts that logins go to.
CLOUDS: t.Final[dict[str, tuple[str, ...]]] = {
    "vault.azure.net": (PUBLIC_LOGIN, "login.microsoft.com", "login.windows.net"),
    "managedhsm.azure.net": (PUBLIC_LOGIN, "login.microsoft.com", "login.windows.net"),
    "vault.azure.cn": ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    "managedhsm.azure.cn": ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    "vault.usgovcloudapi.net": ("login.microsoftonline.us",),
    "managedhsm.usgovcloudapi.net": ("login.microsoftonline.us",),
    "vault.microsoftazure.de": ("login.microsoftonline.de",),
}


@dataclass(frozen=True)
class Check:
    """One check: what was found, and where it did not pass why that matters and what mends it. ``svm`` is None where
    it is about the cluster."""

    check: str
    verdict: str
    found: str
    why: str = ""
    fix: str = ""
    svm: str | None = None

    def as_result(self) -> dict[str, t.Any]:
        passed = self.verdict == PASS
        return {
            "svm": self.svm,
            "check": self.check,
            "verdict": self.verdict,
            "found": self.found,
            "why": None if passed else self.why or None,
            "fix": None if passed else self.fix or None,
        }


def names_of(wanted: t.Sequence[Desired]) -> set[str] | None:
    """The names of the SVMs that are meant, None where not all of them are SVMs that are named."""
    names = {desired.target.svm for desired in wanted}
    return None if None in names or not names else t.cast("set[str]", names)


def missing(wanted: t.Sequence[Desired], vaults: t.Sequence[Vault]) -> list[Desired]:
    """Those that are to be there and are not."""
    return [desired for desired in wanted if desired.present and not _owned(desired, vaults)]


def _owned(desired: Desired, vaults: t.Sequence[Vault]) -> list[Vault]:
    """The configurations of the owner that is meant, those of another name left out."""
    target = desired.target
    if target.scope == "cluster":
        found = [vault for vault in vaults if vault.scope == "cluster"]
    else:
        found = [v for v in vaults if v.svm and v.svm == target.svm or v.svm_uuid and v.svm_uuid == target.svm_uuid]
    try:
        one = pick(found, target)
    except BlockedError:
        return found
    return [one] if one else []


def as_result(found: t.Sequence[Check]) -> dict[str, t.Any]:
    """The module's result."""
    verdicts = [check.verdict for check in found]
    return {
        "changed": False,
        "verdict": worst(verdicts),
        "summary": {verdict: verdicts.count(verdict) for verdict in WORST_FIRST},
        "checks": [check.as_result() for check in found],
        "lines": lines(found),
    }


def checks(wanted: t.Sequence[Desired], around: Around) -> list[Check]:
    """All checks: those of the cluster, then those of each configuration that is to be there."""
    found = [*_of_cluster(around)]
    for desired in wanted:
        if desired.present:
            found += _of_one(desired, around)
    return found


def worst(verdicts: t.Collection[str]) -> str:
    return next((verdict for verdict in WORST_FIRST if verdict in verdicts), PASS)


def lines(found: t.Sequence[Check]) -> list[str]:
    """What did not pass, a line each, the worst first."""
    ordered = sorted(found, key=lambda check: WORST_FIRST.index(check.verdict))
    return [
        visible(
            f"{check.verdict}: {f'SVM {check.svm}, ' if check.svm else ''}{check.check}: {check.found}. "
            + " ".join(f"{part}." if part[-1] not in ".!" else part for part in (check.why, check.fix) if part)
        ).rstrip()
        for check in ordered
        if check.verdict != PASS
    ]


# --- the cluster


def _of_cluster(around: Around) -> t.Iterator[Check]:
    yield _release(around)
    yield _nodes(around.nodes)
    yield _metrocluster(around)
    yield _licences(around.licences)
    yield _aggregates(around.aggregates)


def _unseen(check: str, doubt: str, why: str, fix: str = "", svm: str | None = None) -> Check:
    fix = fix or "Let the login read it, as with the role readonly for this path, or look on the cluster"
    return Check(check, UNKNOWN, doubt, why, fix, svm)


def _release(around: Around) -> Check:
    why = "what a configuration can have depends on the release of the oldest node"
    if around.release is None:
        return _unseen("release", "the release could not be read", why, "cluster image show")
    versions = {str(part(node, "version").get("full")) for node in around.nodes.records if part(node, "version")}
    if len(versions) > 1:
        found = f"the nodes run different releases, the oldest {around.release}"
        return Check(
            "release", WARN, found, f"{why}, until the upgrade has ended", "cluster image show-update-progress"
        )
    return Check("release", PASS, f"ONTAP {around.release}")


def _nodes(seen: Seen) -> Check:
    why = "keys are brought to all nodes, and ONTAP refuses most changes while one is away"
    if seen.doubt:
        return _unseen("nodes", seen.doubt, why, "cluster show")
    states = {str(node.get("name") or node.get("uuid")): node.get("state") for node in seen.records}
    away = [f"{name} is {state}" for name, state in states.items() if state not in (None, "up")]
    if away:
        giveback = [name for name, state in states.items() if state in ("taken_over", "waiting_for_giveback")]
        fix = f"storage failover giveback -ofnode {giveback[0]}" if giveback else "cluster show"
        return Check("nodes", FAIL, ", ".join(away), why, fix)
    unsaid = [name for name, state in states.items() if state is None]
    if unsaid or not states:
        return _unseen(
            "nodes", f"ONTAP does not say whether {listed(unsaid) or 'the nodes'} are up", why, "cluster show"
        )
    return Check("nodes", PASS, f"{listed(states)} up")


def _metrocluster(around: Around) -> Check:
    why = "ONTAP has no Azure Key Vault in MetroCluster configurations (65537506)"
    if around.metrocluster_doubt:
        return _unseen("metrocluster", around.metrocluster_doubt, why, "metrocluster show")
    state = around.metrocluster
    if state in ("", "not_configured"):
        return Check("metrocluster", PASS, "not configured")
    if state in ("unknown", "not_reachable"):
        return _unseen("metrocluster", f"ONTAP calls the MetroCluster {state}", why, "metrocluster show")
    fix = "Use the onboard key manager instead: security key-manager onboard enable"
    return Check("metrocluster", FAIL, f"MetroCluster, {state}", why, fix)


def _licences(seen: Seen) -> Check:
    why = (
        "volume encryption needs the licence VE and a key manager of the SVM MT_EK_MGMT, both part of ONTAP One; their "
        "names in REST are not published, so they may be there under others"
    )
    fix = "system license show -package VE,MT_EK_MGMT"
    if seen.doubt:
        return _unseen("licences", seen.doubt, why, fix)
    valid = {str(r.get("name")).lower() for r in seen.records if r.get("state") in (None, "compliant")}
    lacking = [name for name, spellings in _LICENCES.items() if not valid & spellings]
    if lacking:
        return Check("licences", WARN, f"no licence is shown as {listed(lacking)}", why, fix)
    return Check("licences", PASS, listed(_LICENCES))


_LICENCES: t.Final = {
    "VE": {"ve", "volume_encryption"},
    "MT_EK_MGMT": {"mt_ek_mgmt", "mtekm", "mt_ek_management", "mt_ekm"},
}


def _aggregates(seen: Seen) -> Check:
    why = "volumes that share the key of their aggregate do not use an SVM's key manager (65539704)"
    fix = "Make new volumes of these SVMs with a key of their own: volume create ... -encrypt-with-aggr-key false"
    if seen.doubt:
        return _unseen("aggregates", seen.doubt, why, "storage aggregate show -fields encrypt-with-aggr-key")
    if seen.records:
        names = listed(str(record.get("name")) for record in seen.records)
        return Check("aggregates", WARN, f"{names} encrypt volumes with a key of their own", why, fix)
    return Check("aggregates", PASS, "none encrypts volumes with a key of its own")


# --- one configuration


@dataclass(frozen=True)
class _One:
    """A configuration that is to be there: what is described, over what is there already."""

    desired: Desired
    around: Around
    svm: str
    current: Vault | None
    values: t.Mapping[str, t.Any] = field(default_factory=dict)


def _of_one(desired: Desired, around: Around) -> t.Iterator[Check]:
    target = desired.target
    if target.scope == "cluster":
        one = _one(desired, around, "")
        yield _scope(around)
        yield from _options(one)
        yield from _azure(one)
        return
    record = next(
        (svm for svm in around.svms.records if (target.svm or target.svm_uuid) in (svm["name"], svm["uuid"])), None
    )
    name = str(record["name"]) if record else target.svm or str(target.svm_uuid)
    one = _one(desired, around, name)
    yield _svm(one, record)
    yield from _options(one)
    yield from _azure(one)
    if record is None and not around.svms.doubt:
        return
    yield _key_manager(one)
    yield _keys(one)
    yield _volumes(one)
    yield _dns(one)
    yield _interfaces(one)
    yield _routes(one)
    yield from _paths(one)


def _one(desired: Desired, around: Around, svm: str) -> _One:
    current = next(iter(_owned(desired, around.vaults)), None)
    shown = {name: current.value(name) for name in _SHOWN if current.value(name)} if current else {}
    return _One(desired, around, svm, current, {**shown, **desired.values})


_SHOWN: t.Final = ("name", "key_id", "oauth_host", "vault_host", "proxy_host", "port")


def _scope(around: Around) -> Check:
    why = (
        "ONTAP documents Azure Key Vault for data SVMs, at cluster scope up to 9.13.1, and later releases may refuse it"
    )
    if around.release is not None and not around.release.has(R9_14):
        return Check("scope", PASS, "cluster scope")
    return Check("scope", WARN, "cluster scope", why, "Give svm, the data SVM whose volumes are to be encrypted")


def _svm(one: _One, record: Record | None) -> Check:
    seen = one.around.svms
    if seen.doubt:
        return _unseen(
            "svm", seen.doubt, "the SVM must be a data SVM that runs", f"vserver show -vserver {one.svm}", one.svm
        )
    if record is None:
        why = "a configuration belongs to a data SVM of this cluster, and the admin SVM is none"
        return Check("svm", FAIL, "there is no such data SVM", why, "vserver show -type data", one.svm)
    state, subtype = record.get("state"), str(record.get("subtype") or "default")
    if subtype.startswith(("dp_", "sync_")):
        why = "it is the copy of another SVM and takes no configuration of its own"
        fix = f"Configure the SVM that it is a copy of: vserver show -vserver {one.svm} -fields subtype"
        return Check("svm", FAIL, f"its subtype is {subtype}", why, fix, one.svm)
    if state is None:
        return _unseen(
            "svm", "ONTAP does not say whether it runs", "it must", f"vserver show -vserver {one.svm}", one.svm
        )
    if state != "running":
        why = "an SVM that does not run has no interface to the vault"
        return Check("svm", FAIL, f"it is {state}", why, f"vserver start -vserver {one.svm}", one.svm)
    return Check("svm", PASS, "a data SVM that runs", svm=one.svm)


def _options(one: _One) -> t.Iterator[Check]:
    """What is wanted, against the release and what is there."""
    svm = one.svm or None
    plan = one.desired.plan(one.current, one.around.release)
    if plan.needs_release:
        yield _unseen("options", "the release could not be read", "options depend on it", "cluster image show", svm)
    blockers = [error for error in plan.blockers if not isinstance(error, InputError)]
    for error in blockers:
        yield Check("options", FAIL, error.message, "ONTAP refuses this", error.remedy, svm)
    if not blockers and not plan.needs_release:
        yield Check("options", PASS, f"ONTAP {one.around.release or ''} takes them".replace("  ", " "), svm=svm)
    lacking = [name for name, item in FIELDS.items() if item.required and not one.values.get(name)]
    if one.current is None and lacking:
        found = f"{listed(lacking)} not given"
        yield Check("given", UNKNOWN, found, "what is not given could not be checked", "Give these as well", svm)
    yield from _uris(one, svm)


def _uris(one: _One, svm: str | None) -> t.Iterator[Check]:
    name, key_id = one.values.get("name"), one.values.get("key_id")
    host = host_of(name)
    if host:
        yield _cloud(one, host, svm)
    if not (host and key_id):
        return
    if in_vault(key_id, name):
        yield Check("key", PASS, "key_id is a key of the vault", svm=svm)
        return
    of_key = host_of(KeyId.parse(key_id).vault) or ""
    other_cloud = _cloud_of(of_key) != _cloud_of(host)
    yield Check(
        "key",
        FAIL if other_cloud else WARN,
        f"key_id is a key of {of_key}, and name is {host}",
        "ONTAP asks the vault of name for the key; that is right only where the vault has several addresses",
        "Correct name or key_id",
        svm,
    )


def _cloud_of(host: str) -> str | None:
    return next((suffix for suffix in CLOUDS if host == suffix or host.endswith(f".{suffix}")), None)


def _cloud(one: _One, host: str, svm: str | None) -> Check:
    """Vault and login host must be of one cloud. ONTAP's own are those of the public one."""
    login = str(one.values.get("oauth_host") or PUBLIC_LOGIN).lower()
    domain = str(one.values.get("vault_host") or "").lower().strip(".")
    suffix = _cloud_of(host)
    fix = "Give oauth_host and vault_host of the cloud that the vault is in (ONTAP 9.14.1 and later)"
    if suffix is None:
        if domain and "oauth_host" in one.values:
            return Check("cloud", PASS, f"{host} with oauth_host {login} and vault_host {domain}, as given", svm=svm)
        why = (
            "which of Azure's clouds it is in cannot be told from its name, and the login host must be of the same one"
        )
        return Check("cloud", WARN, f"the vault is {host}, and logins go to {login}", why, fix, svm)
    if login not in CLOUDS[suffix]:
        why = f"a vault in {suffix} takes logins of {' or '.join(CLOUDS[suffix])}"
        fix = f"Give oauth_host: {CLOUDS[suffix][0]} and vault_host: {suffix} (ONTAP 9.14.1 and later)"
        return Check("cloud", FAIL, f"the vault is {host}, and logins go to {login}", why, fix, svm)
    # ONTAP's own is that of the public cloud.
    of_domain = CLOUDS.get(_cloud_of(domain or "vault.azure.net") or "")
    if of_domain != CLOUDS[suffix]:
        found = f"the vault is {host}, and vault_host is {domain or 'not given, which means vault.azure.net'}"
        verdict = WARN if domain and of_domain is None else FAIL
        return Check("cloud", verdict, found, "they must be of one cloud", f"Give vault_host: {suffix}", svm)
    return Check("cloud", PASS, f"vault {host}, logins go to {login}", svm=svm)


def _azure(one: _One) -> t.Iterator[Check]:
    """Of a configuration that is there already, what ONTAP says of it."""
    if one.current is None:
        return
    svm = one.svm or None
    found = health(one.current)
    why = "; ".join(found.reasons)
    fix = found.remedy or "security key-manager external azure check (advanced)"
    if found.usable:
        yield Check("health", PASS, found.verdict, svm=svm)
    elif found.verdict == "unknown":
        yield Check("health", UNKNOWN, found.verdict, why, fix, svm)
    else:
        yield Check("health", WARN if found.usable is None else FAIL, found.verdict, why, fix, svm)


def _key_manager(one: _One) -> Check:
    seen, svm = one.around.stores, one.svm
    why = "an SVM has one key manager that is enabled, of whatever type (65537500)"
    release = one.around.release
    show = f"security key-manager keystore show -vserver {svm}"
    if release is not None and not release.has(R9_14):
        show = f"security key-manager show-key-store -vserver {svm}"
    others = [r for r in seen.of(svm) if r.get("enabled") is not False and r.get("type") not in (None, "akv")]
    if others:
        kind = str(others[0]["type"])
        fix = _DISABLE.get(kind, show).format(svm=svm)
        return Check("key_manager", FAIL, f"its key manager is {kind}", why, fix, svm)
    if seen.doubt:
        return _unseen("key_manager", seen.doubt, why, show, svm)
    found = "Azure Key Vault" if one.current else "it has none"
    return Check("key_manager", PASS, found, svm=svm)


_DISABLE: t.Final = {
    "kmip": "security key-manager external disable -vserver {svm}",
    "okm": "security key-manager onboard disable -vserver {svm}",
    "gcp": "security key-manager external gcp disable -vserver {svm}",
    "aws": "security key-manager external aws disable -vserver {svm}",
    "ikp": "security key-manager external ikp disable -vserver {svm}",
}


def _keys(one: _One) -> Check:
    around, svm = one.around, one.svm
    why = (
        "while the cluster's key manager holds keys of the SVM, ONTAP refuses a configuration (65537505) or changes of "
        "it (65537547)"
    )
    fix = (
        "azure_key_vault_migrate where there is a configuration, else security key-manager key migrate -from-vserver "
        f"CLUSTER -to-vserver {svm} (advanced)"
    )
    if around.keys is not None:
        number = around.keys.get(svm, 0)
        if number:
            return Check("keys", FAIL, f"the cluster's key manager holds {number} of its volume keys", why, fix, svm)
        return Check("keys", PASS, "the cluster's key manager holds none of its volume keys", svm=svm)
    volumes = around.volumes
    if volumes is not None and not volumes.doubt and not volumes.of(svm) and not volumes.of_cluster:
        return Check("keys", PASS, "it has no encrypted volume", svm=svm)
    look = f"security key-manager key query -vserver CLUSTER, and volume show -vserver {svm} -is-encrypted true"
    return _unseen("keys", around.keys_doubt, why, look, svm)


def _volumes(one: _One) -> Check:
    volumes, svm = one.around.volumes, one.svm
    why = "ONTAP enables no key manager for an SVM with volumes that share the key of their aggregate (65539704)"
    if volumes is None:
        return Check("volumes", PASS, "none shares the key of its aggregate", svm=svm)
    if volumes.doubt:
        return _unseen("volumes", volumes.doubt, why, f"volume show -vserver {svm} -encryption-type aggregate", svm)
    shared = sum(part(r, "encryption").get("type") == "aggregate" for r in volumes.of(svm))
    if shared:
        fix = (
            f"volume move start -vserver {svm} -volume VOLUME -destination-aggregate AGGREGATE "
            "-encrypt-with-aggr-key false"
        )
        return Check("volumes", FAIL, f"{shared} share the key of their aggregate", why, fix, svm)
    return Check("volumes", PASS, "none shares the key of its aggregate", svm=svm)


def _dns(one: _One) -> Check:
    seen, svm = one.around.dns, one.svm
    why = "the SVM itself looks up the vault's name, not the cluster"
    fix = f"vserver services name-service dns create -vserver {svm} -domains DOMAIN -name-servers ADDRESS"
    servers = [str(server) for record in seen.of(svm) for server in record.get("servers") or ()]
    if seen.doubt:
        return _unseen("dns", seen.doubt, why, f"vserver services name-service dns show -vserver {svm}", svm)
    if servers:
        return Check("dns", PASS, f"name servers {listed(servers)}", svm=svm)
    proxy = one.values.get("proxy_host")
    if proxy and _is_address(str(proxy)):
        return Check("dns", WARN, f"no name servers; the proxy is {proxy}", f"{why}; the proxy may do it", fix, svm)
    return Check("dns", FAIL, "no name servers", why, fix, svm)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _interfaces(one: _One) -> Check:
    seen, svm = one.around.interfaces, one.svm
    why = "ONTAP reaches the vault from the SVM's data LIFs"
    show = f"network interface show -vserver {svm}"
    if seen.doubt:
        return _unseen("interfaces", seen.doubt, why, show, svm)
    data = [lif for lif in seen.of(svm) if _carries_data(lif)]
    up = [_shown(lif) for lif in data if lif.get("enabled") is not False and lif.get("state") == "up"]
    if up:
        return Check("interfaces", PASS, f"up: {listed(up)}", svm=svm)
    if not data:
        fix = (
            f"network interface create -vserver {svm} -lif LIF -service-policy default-data-files -home-node NODE "
            "-home-port PORT -address ADDRESS -netmask MASK"
        )
        return Check("interfaces", FAIL, "it has no data LIF", why, fix, svm)
    unsaid = [lif for lif in data if lif.get("state") is None and lif.get("enabled") is not False]
    if unsaid:
        return _unseen("interfaces", f"ONTAP does not say whether {_shown(unsaid[0])} is up", why, show, svm)
    first = data[0]
    fix = f"network interface modify -vserver {svm} -lif {first.get('name')} -status-admin up"
    if first.get("enabled") is not False:
        fix = f"network interface show -vserver {svm} -lif {first.get('name')} -fields curr-port, and network port show"
    return Check("interfaces", FAIL, f"no data LIF is up: {listed(map(_shown, data))}", why, fix, svm)


def _carries_data(lif: Record) -> bool:
    services = lif.get("services")
    return not services or any(str(service).startswith("data") for service in services)


def _shown(lif: Record) -> str:
    """A LIF as people know it, such as ``vs0_data1 192.0.2.1 (node1)``."""
    address, node = part(lif, "ip").get("address"), part(part(lif, "location"), "node").get("name")
    return " ".join(str(p) for p in (lif.get("name"), address, f"({node})" if node else None) if p)


def _routes(one: _One) -> Check:
    seen, svm = one.around.routes, one.svm
    why = (
        "without a default route only a vault or proxy in the network of a LIF can be reached, or behind another route"
    )
    fix = f"network route create -vserver {svm} -destination 0.0.0.0/0 -gateway GATEWAY"
    if seen.doubt:
        return _unseen("routes", seen.doubt, why, f"network route show -vserver {svm}", svm)
    found = seen.of(svm)
    default = [route for route in found if _is_default(route.get("destination"))]
    if default:
        return Check("routes", PASS, f"default route by {listed(str(r.get('gateway')) for r in default)}", svm=svm)
    if found:
        return Check("routes", WARN, f"{len(found)} routes, and no default route", why, fix, svm)
    return Check("routes", FAIL, "no route", why, fix, svm)


def _is_default(destination: t.Any) -> bool:
    if isinstance(destination, dict):
        return destination.get("address") in ("0.0.0.0", "::") and str(destination.get("netmask")) in (
            "0",
            "0.0.0.0",
            "::",
        )
    return destination in ("0.0.0.0/0", "::/0")


def _paths(one: _One) -> t.Iterator[Check]:
    """The two paths to Azure, which are different networks. Only a configuration can try them."""
    svm = one.svm
    known = one.current.azure_reachable if one.current and one.current.enabled else None
    proxy = one.values.get("proxy_host")
    by = f" by the proxy {proxy}" if proxy else ""
    vault = host_of(one.values.get("name")) or "the vault"
    login = str(one.values.get("oauth_host") or PUBLIC_LOGIN)
    data = [_shown(lif) for lif in one.around.interfaces.of(svm) if _carries_data(lif)]
    management = [_shown(lif) for lif in one.around.interfaces.of_cluster if _manages_node(lif)]
    port = one.values.get("port") or 443
    ways = (
        ("path_to_vault", f"from the SVM's data LIFs ({listed(data) or 'not seen'}) to {vault}, port {port}{by}"),
        (
            "path_to_login",
            f"from the nodes' management network ({listed(management) or 'not seen'}) to {login}, port 443{by}",
        ),
    )
    for check, way in ways:
        if known:
            yield Check(check, PASS, f"ONTAP reaches Azure: {way}", svm=svm)
            continue
        why = (
            "the two paths are different networks, firewalls often open only one, and nothing tries them before there "
            "is a configuration"
        )
        if known is False:
            why = "ONTAP does not reach Azure, and does not say by which of the two paths, which are different networks"
        fix = f"Open it in the firewalls; then security key-manager external azure check -vserver {svm} (advanced)"
        yield Check(check, UNKNOWN, way, why, fix, svm)


def _manages_node(lif: Record) -> bool:
    services = [str(service) for service in lif.get("services") or ()]
    return any(service.startswith("management") for service in services)


def listed(names: t.Iterable[str]) -> str:
    """Names one behind the other; of many only the first."""
    found = list(names)
    more = f" and {len(found) - 5} more" if len(found) > 6 else ""
    return ", ".join(found[: 5 if more else None]) + more
