# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do: a pure function from desired state, current record and release to a plan. No I/O.

``changed``, the diff, check mode's prediction and the request bodies all come from one ``Plan``, so they cannot differ.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.clock import NO_VOLUMES, not_meanwhile
from ansible_collections.ontap.security.plugins.module_utils._azure.credentials import Holder, Source, resolve
from ansible_collections.ontap.security.plugins.module_utils._azure.expiry import Expiry
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.steps import (
    ADD,
    COMPLETE,
    CREATE,
    DELETE,
    DISCARD,
    ENABLE,
    MEND,
    REKEY,
    REKEY_ONCE_SWITCHED,
    RENEW,
    RENEW_INACTIVE,
    SET_VERIFY,
    UPDATE,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.table import (
    AUTHENTICATION_METHODS,
    COMPARED,
    CREDENTIALS,
    FIELDS,
    FLAGS,
    PATCH_NEEDS_SECRET_UNTIL,
    R9_7,
    R9_14,
    REACHABILITY,
    REKEY_EXTERNAL,
    SECRETS,
    SHOWN,
    UNDESCRIBED,
    VAULTS,
    check_value,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import (
    KeyId,
    is_guid,
    key_of,
    one_names_a_version,
    vault_uri,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import KEY_STORE, SWITCHING, Vault
from ansible_collections.ontap.security.plugins.module_utils._azure.verify import SERVES, proof_of
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import SET, Drift, Gate, Plan, Proof, Step
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import (
    EVERYTHING,
    KEY_STORES,
    Field,
    Resource,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import BlockedError, InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

# The one that is created as the enabled one has this name, and no other may be created with it (contract, reserved).
DEFAULT_CONFIGURATION = "default"

NOTHING_TO_REKEY: t.Final = (
    "There is no internal key to replace: it comes into being with the first encrypted volume of the SVM."
)


@dataclass(frozen=True)
class Desired:
    """What the user wants one configuration to be: only what was given, checked.

    ``values`` are the comparable fields, ``secrets`` the write-only ones, ``flags`` what goes along with credentials.
    ``ambient`` names those that nobody gave but the environment, see ``beside``. ``verify``: whether ONTAP has to reach
    Azure after a create or with a new credential. ``enabled``: whether it is the one of its SVM that is in use, None
    where that is nobody's wish. ``force``: whether it is removed although volumes wait for Azure.
    ``expiry`` is when credential and key end.
    """

    resource: t.ClassVar[Resource] = AKV
    target: Target
    present: bool = True
    values: t.Mapping[str, t.Any] = field(default_factory=dict)
    secrets: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    flags: t.Mapping[str, bool] = field(default_factory=dict)
    update_credentials: str = "on_create"
    ambient: frozenset[str] = frozenset()
    verify: bool = True
    force: bool = False
    expiry: Expiry = Expiry()
    enabled: bool | None = None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Desired:
        """From module options. Raises ``InputError`` naming the option; nothing has been sent by then."""
        target = Target.of(params)
        given = {name: params[name] for name in FIELDS if params.get(name) is not None}
        ambient = params.get("ambient") or frozenset()
        for name, value in given.items():
            check_value(name, value, f"{name} ({FIELDS[name].environment})" if name in ambient else None)
        present = params.get("state", "present") == "present"
        enabled = params.get("enabled")
        _check_configuration(target, enabled, present=present)
        if present and all(name in given for name in CREDENTIALS):
            raise InputError(
                "client_secret and client_certificate are both given",
                remedy="Give the one the Azure application logs in with. They may also come from the environment "
                "(AKV_CLIENT_SECRET, AKV_CLIENT_CERTIFICATE).",
            )
        policy = params.get("update_credentials") or "on_create"
        secrets = {name: _unwrapped(name, given[name]) for name in SECRETS if name in given}
        if present and policy != "on_create" and not secrets:
            raise InputError(
                f"update_credentials is {policy}, but there is no credential to send",
                remedy="Give client_secret (AKV_CLIENT_SECRET), client_certificate (AKV_CLIENT_CERTIFICATE) or "
                "proxy_password. The environment counts only where AKV_CLIENT_ID is not set, or is the same client_id.",
            )
        if present and policy == "when_unreachable" and given.get("skip_verification"):
            raise InputError(
                "update_credentials is when_unreachable together with skip_verification: true",
                remedy="Leave skip_verification out: a credential that nobody has tried must not replace the stored "
                "one because Azure cannot be reached for a while.",
            )
        return cls(
            target=target,
            present=present,
            values={name: given[name] for name in COMPARED if name in given},
            secrets=secrets,
            flags={name: given[name] for name in FLAGS if name in given},
            update_credentials=policy,
            ambient=frozenset(name for name in ambient if name in given),
            verify=params.get("verify") is not False,
            force=bool(params.get("force")),
            expiry=Expiry.of({**params, **dict.fromkeys(ambient)}) if present else Expiry(),
            enabled=enabled,
        )

    @classmethod
    def absent(cls, target: Target) -> Desired:
        """That a configuration is not there."""
        return cls(target, present=False)

    def beside(self, current: Vault) -> Desired:
        """What of it counts for a configuration that exists."""
        given = {**self.values, **self.secrets}
        sources = (
            Source.own({name: value for name, value in given.items() if name not in self.ambient}),
            Source.environment({name: value for name, value in given.items() if name in self.ambient}),
        )
        left_out = self.ambient - resolve(sources, Holder(current.value("client_id"))).ambient
        return replace(
            self,
            values={name: value for name, value in self.values.items() if name not in left_out},
            secrets={name: value for name, value in self.secrets.items() if name not in left_out},
        )

    @property
    def shown_by(self) -> dict[str, Release]:
        """The fields that a read must show, with the first release that has each."""
        if not self.present:
            # Also whether Azure can be reached.
            return {EVERYTHING: R9_7}
        fields = {name: FIELDS[name].since for name in self.values}
        if self.update_credentials == "when_unreachable":
            fields["azure_reachability"] = REACHABILITY
        if self.enabled is not None:
            fields["enabled"] = SHOWN["enabled"][1]
        return fields

    @property
    def creates(self) -> bool:
        """Whether a configuration that does not exist is created."""
        return self.present

    @property
    def told(self) -> dict[str, t.Any]:
        """What is told of it beside what ONTAP shows."""
        return {"expiry": self.expiry.as_result() if self.present else None}

    @property
    def proof(self) -> Proof | None:
        """How a new credential is tried."""
        return proof_of(unverified=bool(self.flags.get("skip_verification"))) if self.verify else None

    @property
    def serves(self) -> Proof | None:
        """How it is found out that it works, where it is meant to be the one in use."""
        return SERVES if self.enabled else None

    @property
    def yields(self) -> bool:
        """Whether it is not to be in use."""
        return not self.present or self.enabled is False

    def undescribed(self, current: Vault | None) -> list[dict[str, t.Any]]:
        """The settings of a configuration that are set although nobody described them, each with ``field`` and
        ``actual``. They are nobody's to change, and somebody's to know."""
        if current is None or not self.present:
            return []
        return [
            {"field": name, "actual": current.value(name)}
            for name, undescribed in UNDESCRIBED.items()
            # What is unset may be shown as nothing, an empty text or 0.
            if current.value(name)
            and name not in self.values
            and not FIELDS[name].same(current.value(name), undescribed.usual)
        ]

    def plan(self, current: Vault | None, release: Release | None = None, others: t.Sequence[Vault] = (), /) -> Plan:
        """The plan that turns ``current`` (None: no such configuration) into this, see ``make_plan``."""
        return make_plan(self, current, release, others)


def _unwrapped(name: str, value: str) -> str:
    """base64 tools break lines; ONTAP wants one."""
    return "".join(value.split()) if name == "client_certificate" else value


def _check_configuration(target: Target, enabled: bool | None, *, present: bool) -> None:
    """Raises ``InputError`` where it cannot be meant which of several configurations is to be in use."""
    if enabled is None:
        return
    if not present:
        raise InputError(
            f"enabled is {str(enabled).lower()} although state is absent",
            remedy="Leave enabled out: what is to be removed is neither enabled nor kept.",
        )
    if target.scope == "cluster":
        raise InputError(
            "enabled is given although scope is cluster",
            remedy="Leave enabled out: ONTAP keeps several Azure Key Vault configurations on SVMs only.",
        )
    if not target.configuration:
        raise InputError(
            f"enabled is {str(enabled).lower()}, but configuration is not given",
            remedy="Give configuration, the name of the one that is to be enabled or to stay inactive.",
        )


def make_plan(
    desired: Desired, current: Vault | None, release: Release | None = None, others: t.Sequence[Vault] = ()
) -> Plan:
    """The plan that turns ``current`` (None: no such configuration) into ``desired``.

    ``release`` may be None as long as the record itself proves what the plan needs to know. ``others`` are the other
    configurations of the same SVM or cluster, as they are or as they will be by then.
    """
    if not desired.present:
        return _plan_absent(desired, current, release, others)
    if current is None:
        return _plan_create(desired, release, others)
    return _plan_update(desired, current, release, others)


def _plan_absent(desired: Desired, current: Vault | None, release: Release | None, others: t.Sequence[Vault]) -> Plan:
    credentials = _credentials(desired, sent=False)
    if current is None:
        gate = Gate(max((other.at_least for other in others), default=None), release)
        if desired.target.configuration and others:
            # What is there has no name before that, and may be the one that is meant.
            gate.require("configuration", R9_14)
        return Plan(credentials=credentials, blockers=tuple(gate.blockers), needs_release=gate.needs_release)
    # DELETE on azure-key-vaults disables the enabled configuration; an inactive one goes by its key store, which
    # refuses to remove an enabled one (contract, delete enabled and delete inactive).
    if current.enabled and not any(other.enabled for other in others):
        step = Step(DELETE, "DELETE", f"{VAULTS}/{current.uuid}")
    else:
        step = Step(DISCARD, "DELETE", f"{KEY_STORES}/{current.uuid}")
    before = view(current.record)
    blockers = []
    if current.enabled and current.clock and current.clock.volumes != NO_VOLUMES and not desired.force:
        what = f"The {AKV.noun} of {desired.target} is not removed"
        blockers.append(not_meanwhile(what, current.clock, "To remove it all the same, set force: true."))
    return Plan(
        steps=(step,),
        before=before,
        drift=(Drift("state", "absent", "present", "delete"),),
        blockers=tuple(blockers),
        credentials=credentials,
    )


def _plan_create(desired: Desired, release: Release | None, others: t.Sequence[Vault]) -> Plan:
    gate = Gate(max((other.at_least for other in others), default=None), release)
    target = desired.target
    if target.configuration:
        gate.require("configuration", R9_14)
    inactive = target.configuration not in (None, DEFAULT_CONFIGURATION)
    blocked = _not_to_be_created(desired, others)
    if blocked is not None:
        gate.blockers.append(blocked)
    if desired.update_credentials == "when_unreachable":
        _require_reachability(gate)
    missing = [name for name, item in FIELDS.items() if item.required and name not in desired.values]
    if not any(name in desired.secrets for name in CREDENTIALS):
        missing.append("client_secret or client_certificate")
    if missing:
        gate.blockers.append(
            InputError(
                f"{target} has no {AKV.noun} yet, and creating one needs {', '.join(missing)}",
                remedy="Give these options as well, or check svm, svm_uuid and scope. The application can come from "
                "the environment (AKV_CLIENT_ID, AKV_TENANT_ID, AKV_CLIENT_SECRET or AKV_CLIENT_CERTIFICATE), which "
                "counts only where client_id is not given, or is the same.",
            )
        )
    body: dict[str, t.Any] = {} if target.scope == "cluster" else {"svm": target.svm_reference()}
    if inactive:
        body["configuration"] = {"name": target.configuration}
    later: dict[str, t.Any] = {}
    for name, value in {**desired.values, **desired.secrets, **desired.flags}.items():
        item = FIELDS[name]
        gate.require(name, item.since)
        (body if item.create else later)[name] = value
    steps = [Step(ADD if inactive else CREATE, "POST", VAULTS, body)]
    if later:
        # POST does not take them (contract, post then patch).
        steps.append(Step(SET_VERIFY, "PATCH", f"{VAULTS}/{{uuid}}", later))
    drift = [Drift(name, value, None, "create") for name, value in desired.values.items()]
    if desired.enabled is not None:
        drift.append(Drift("enabled", desired.enabled, None, "enable" if desired.enabled else "create"))
    if inactive and desired.enabled:
        steps.append(Step(ENABLE, "PATCH", f"{KEY_STORES}/{{uuid}}", {"enabled": True}))
    record = _created_record(target, desired, inactive=inactive)
    used = {"enabled": record["enabled"]} if "enabled" in record else {}
    return Plan(
        steps=tuple(steps),
        after={**view(record), **used, **dict.fromkeys(desired.secrets, SET)},
        record=record,
        drift=tuple(drift),
        blockers=tuple(gate.blockers),
        warnings=_warnings(desired, None),
        credentials=_credentials(desired, sent=True),
        needs_release=gate.needs_release,
    )


def _not_to_be_created(desired: Desired, others: t.Sequence[Vault]) -> BlockedError | None:
    """Why ONTAP would not create a configuration of that name as it is wanted."""
    target = desired.target
    if target.configuration in (None, DEFAULT_CONFIGURATION):
        enabled = next((other for other in others if other.enabled), None)
        if target.configuration is None or (enabled is None and desired.enabled is not False):
            return None
        why = f"which {enabled.configuration} is" if enabled else "and it is to be inactive"
        return BlockedError(
            f"{target} does not exist, and ONTAP keeps that name for a configuration that is created as the enabled "
            f"one, {why}",
            remedy="Choose another name for configuration, or leave it out to mean the enabled one.",
        )
    if target.scope == "cluster":
        return BlockedError(
            f"{target} does not exist, and ONTAP keeps several Azure Key Vault configurations on SVMs only",
            remedy="Leave configuration out for the cluster's own, correct its name, or give svm.",
        )
    return None


def _created_record(target: Target, desired: Desired, *, inactive: bool) -> dict[str, t.Any]:
    record: dict[str, t.Any] = {"scope": target.scope}
    if target.scope != "cluster":
        record["svm"] = target.svm_reference()
    if inactive or desired.enabled is not None:
        record["configuration"] = {"name": target.configuration}
        record["enabled"] = bool(desired.enabled)
    return {**record, **desired.values}


@dataclass(frozen=True)
class _Use:
    """What it takes to have a configuration in use, or not: parts of a plan, see ``Plan``."""

    steps: tuple[Step, ...] = ()
    drift: tuple[Drift, ...] = ()
    blockers: tuple[BlockedError, ...] = ()
    warnings: tuple[str, ...] = ()
    needs_also: tuple[str, ...] = ()
    note: str = ""

    @property
    def before(self) -> dict[str, t.Any]:
        return {"enabled": self.drift[0].actual} if self.steps else {}

    @property
    def after(self) -> dict[str, t.Any]:
        return {"enabled": True} if self.steps else {}


def _use(desired: Desired, current: Vault, others: t.Sequence[Vault]) -> _Use:
    """What it takes to have ``current`` in use, or not.

    Which one ONTAP shows as enabled while a switch is open is not documented, so no flag alone proves one to be in use:
    the key stores tell from 9.16.1 on by their state, and before it only where they contradict the configurations.
    """
    if desired.enabled is None:
        return _Use()
    everyone = (current, *others)
    warnings = _contradictions(desired.target, everyone)
    if not desired.enabled:
        if not current.enabled or any(other.enabled for other in others):
            return _Use(warnings=warnings)
        drift = Drift("enabled", False, True, "enable")
        return _Use(drift=(drift,), blockers=(_last_one_blocked(desired, current, others),), warnings=warnings)
    states = {one.store_state for one in everyone if one.store_state}
    if not current.enabled:
        actual: t.Any = False
    elif SWITCHING in states or (warnings and not states):
        actual = SWITCHING
    else:
        untold = current.store_state is None
        note = (
            "ONTAP does not show whether a switch to it was interrupted; it does from 9.16.1 on to a login that may "
            "read key stores."
        )
        asked = current.store_enabled is not None
        return _Use(
            warnings=warnings,
            needs_also=(KEY_STORE,) if untold and not asked else (),
            note=note if untold else "",
        )
    step = Step(COMPLETE if actual == SWITCHING else ENABLE, "PATCH", f"{KEY_STORES}/{current.uuid}", {"enabled": True})
    return _Use((step,), (Drift("enabled", True, actual, "enable"),), warnings=warnings)


def _contradictions(target: Target, everyone: t.Sequence[Vault]) -> tuple[str, ...]:
    """What ONTAP says of which configuration is in use that cannot all be true, as warnings."""
    enabled = sorted(str(one.configuration) for one in everyone if one.enabled)
    where = replace(target, configuration=None)
    if len(enabled) > 1:
        return (f"ONTAP shows several configurations of {where} as enabled: {', '.join(enabled)}.",)
    apart = sorted(str(one.configuration) for one in everyone if one.store_enabled not in (None, one.enabled))
    if apart:
        return (
            f"ONTAP contradicts itself about which configuration of {where} is enabled: key stores and configurations "
            f"differ in {', '.join(apart)}.",
        )
    return ()


def _last_one_blocked(desired: Desired, current: Vault, others: t.Sequence[Vault]) -> BlockedError:
    names = [one.configuration for one in others if one.configuration]
    instead = f", such as {', '.join(names)}" if names else ""
    return BlockedError(
        f"{desired.target} is enabled and should not be, and ONTAP does not disable a configuration, it only enables "
        "another one in its place",
        remedy=f"Enable another configuration{instead} with configuration and enabled: true, after which this one is "
        "inactive; or remove this one with state: absent, once no encrypted volume uses it.",
    )


def _plan_update(given: Desired, current: Vault, release: Release | None, others: t.Sequence[Vault]) -> Plan:
    gate = Gate(current.at_least, release)
    desired = given.beside(current)
    differing = {
        name: value for name, value in desired.values.items() if not FIELDS[name].same(value, current.value(name))
    }
    drift = [Drift(name, value, current.value(name), _mend(name, gate)) for name, value in differing.items()]
    secrets = _secrets_to_send(desired, current, differing, gate)
    if given.update_credentials != "on_create" and given.secrets and not desired.secrets:
        gate.blockers.append(_another_application(given, current))
    method = _method_change(secrets, current)
    if method:
        drift.append(Drift("authentication_method", method, current.value("authentication_method"), "update"))

    use = _use(desired, current, others)
    gate.blockers.extend(use.blockers)
    drift.extend(use.drift)
    body: dict[str, t.Any] = {}
    steps: list[Step] = [*use.steps]
    for name, value in {**differing, **secrets}.items():
        item = FIELDS[name]
        if name == "name":
            gate.blockers.append(_name_blocked(desired, current, others))
        elif name == "key_id" and gate.has(REKEY_EXTERNAL):
            if not current.enabled:
                gate.blockers.append(_inactive_key_blocked(desired, current))
            kind = REKEY_ONCE_SWITCHED if desired.enabled else REKEY
            steps.append(Step(kind, "POST", f"{VAULTS}/{current.uuid}/rekey-external", {name: value}))
        else:
            gate.require(name, item.since)
            if item.patch and item.patch != item.since:
                gate.require(f"Changing {name}", item.patch, _in_place_remedy(item))
            body[name] = value
    if body:
        _complete_patch(desired, body, gate)
        # First the PATCH: a new key, or a vault to be used, may only be reachable with the new credential.
        shown = any(name in COMPARED for name in body)
        kinds = (UPDATE, RENEW) if current.enabled else (MEND, RENEW_INACTIVE)
        steps.insert(0, Step(kinds[0] if shown else kinds[1], "PATCH", f"{VAULTS}/{current.uuid}", body))

    changes = {name: value for name, value in {**differing, **body}.items() if name in COMPARED}
    if method:
        changes["authentication_method"] = method
    before = {**view(current.record), **use.before}
    changes.update(use.after)
    sent = [name for name in SECRETS if name in body]
    return Plan(
        steps=tuple(steps),
        before=before,
        after={**before, **changes, **dict.fromkeys(sent, SET)},
        record={**current.record, **changes},
        drift=tuple(drift),
        blockers=tuple(gate.blockers),
        warnings=(
            *_warnings(desired, current, body),
            *_version_not_shown(desired.values.get("key_id"), current, release),
            *_secret_missing(body, gate),
            *use.warnings,
        ),
        credentials=_credentials(desired, sent=bool(sent)),
        needs_release=gate.needs_release,
        needs_also=use.needs_also,
        note="" if steps else use.note,
    )


def _mend(name: str, gate: Gate) -> str:
    if name == "name":
        return "recreate"
    return "rekey" if name == "key_id" and gate.has(REKEY_EXTERNAL) else "update"


def _method_change(secrets: t.Mapping[str, str], current: Vault) -> str | None:
    """The authentication method these credentials imply, when ONTAP reports another one (9.10.1 and later)."""
    reported = current.value("authentication_method")
    for name in CREDENTIALS:
        if name in secrets and reported and reported != AUTHENTICATION_METHODS[name]:
            return AUTHENTICATION_METHODS[name]
    return None


def _secrets_to_send(desired: Desired, current: Vault, differing: t.Mapping[str, t.Any], gate: Gate) -> dict[str, str]:
    """What the policy and the other changes call for.

    Whatever the policy, a credential goes along with the identity it belongs to: a secret stored for another
    application, or for another way to log in, cannot be the right one.
    """
    policy = desired.update_credentials
    if policy == "always":
        return dict(desired.secrets)
    if policy == "when_unreachable":
        if current.azure_reachable is None and current.enabled:
            _require_reachability(gate)
        if current.azure_reachable is False:
            return dict(desired.secrets)
    chosen: list[str] = []
    given = {name: value for name, value in desired.secrets.items() if name not in desired.ambient}
    if "client_id" in differing or "tenant_id" in differing or _method_change(given, current):
        chosen += CREDENTIALS
    if "proxy_host" in differing or "proxy_username" in differing:
        chosen.append("proxy_password")
    return {name: desired.secrets[name] for name in chosen if name in desired.secrets}


def _require_reachability(gate: Gate) -> None:
    gate.require("update_credentials=when_unreachable", REACHABILITY)


def _complete_patch(desired: Desired, body: dict[str, t.Any], gate: Gate) -> None:
    """What a PATCH must carry besides the changes themselves."""
    secret = desired.secrets.get("client_secret")
    if secret and "client_secret" not in body and gate.has(PATCH_NEEDS_SECRET_UNTIL) is False:
        body["client_secret"] = secret
    # Also with a credential that only completes it: what says that nobody need try it has to be sent, or be refused.
    if any(name in body for name in CREDENTIALS):
        for name, value in desired.flags.items():
            gate.require(name, FIELDS[name].since)
            body[name] = value


def _secret_missing(body: t.Mapping[str, t.Any], gate: Gate) -> t.Iterator[str]:
    if body and "client_secret" not in body and gate.has(PATCH_NEEDS_SECRET_UNTIL) is False:
        yield (
            f"{', '.join(sorted(body))} will change and client_secret is not given, which this release of ONTAP "
            "documents as required in every change: it may refuse (65537517). Give client_secret (AKV_CLIENT_SECRET)."
        )


def _another_application(given: Desired, current: Vault) -> InputError:
    return InputError(
        f"update_credentials is {given.update_credentials}, but the credential in the environment belongs to "
        f"{given.values['client_id']} (AKV_CLIENT_ID), and {given.target} uses {current.value('client_id')}",
        remedy="Give client_secret or client_certificate of that application, or client_id as well to change it.",
    )


def _in_place_remedy(item: Field) -> str:
    return (
        f"Keep the present {item.name}, upgrade the cluster to ONTAP {item.patch} or later, or remove the "
        "configuration (state: absent, once no encrypted volume uses it) and create it again."
    )


def _name_blocked(desired: Desired, current: Vault, others: t.Sequence[Vault]) -> BlockedError:
    return BlockedError(
        f"name of {desired.target} is {current.value('name')} and should be {desired.values['name']}, and ONTAP cannot "
        "change the vault of a configuration in place",
        remedy=f"Correct name, or {_way_to_another_vault(desired, current, others)}",
    )


def _way_to_another_vault(desired: Desired, current: Vault, others: t.Sequence[Vault]) -> str:
    """The rest of a sentence that tells how to get to the vault that is wanted."""
    if not current.enabled:
        return f"create it anew: {_anew(desired, current)}"
    if current.scope == "cluster" or not current.at_least.has(R9_14):
        return (
            "replace the configuration: move or decrypt the encrypted volumes that use it, then remove it (state: "
            "absent) and create it again."
        )
    taken = {one.configuration for one in (current, *others)}
    name = _free_name(str(desired.values["name"]), taken)
    return (
        "move to that vault while the volumes stay online: run the same task with all that a create needs and "
        f"{_where(desired.target)}, configuration: {name}, enabled: true. It creates an inactive configuration with "
        f"the new vault and switches to it; {current.configuration} stays as an inactive one. Remove that later with "
        f"configuration: {current.configuration}, state: absent."
    )


def _where(target: Target) -> str:
    return f"svm: {target.svm}" if target.svm else f"svm_uuid: {target.svm_uuid}"


def _free_name(vault: str, taken: t.Collection[str | None]) -> str:
    """A name for a configuration with a vault: that of the vault, with a number where another one has it."""
    name = vault_uri(vault).partition("://")[2].partition(".")[0]
    numbered = (f"{name}-{number}" if number > 1 else name for number in range(1, len(taken) + 3))
    return next(one for one in numbered if one not in taken and one != DEFAULT_CONFIGURATION)


def _anew(desired: Desired, current: Vault) -> str:
    return (
        f"it is inactive, so {_where(desired.target)}, configuration: {current.configuration}, state: absent removes "
        "it without touching any volume; then run this task again."
    )


def _inactive_key_blocked(desired: Desired, current: Vault) -> BlockedError:
    return BlockedError(
        f"configuration {current.configuration} is inactive, and ONTAP rotates only the key of the enabled one",
        remedy=f"Leave key_id out, or create it anew: {_anew(desired, current)}",
    )


def _credentials(desired: Desired, *, sent: bool) -> str:
    if not desired.secrets:
        return "none"
    return "sent" if sent else "not_sent"


def _warnings(desired: Desired, current: Vault | None, body: t.Mapping[str, t.Any] | None = None) -> tuple[str, ...]:
    found: list[str] = list(desired.expiry.doubts)
    if is_guid(desired.secrets.get("client_secret", "").strip()):
        found.append(
            "client_secret has the form of a GUID, as the ID of a secret has, and as the secrets that Azure makes have "
            "not. The portal shows the ID beside the secret's value, and the value only while the secret is new."
        )
    key_id = desired.values.get("key_id")
    name = desired.values.get("name") or (current.value("name") if current else None)
    if key_id and name and not in_vault(key_id, name):
        found.append(
            f"key_id {key_id} is a key of another vault than name {name}; that is right only where the vault "
            "has several addresses, as with private links."
        )
    changed = [option for option in ("client_id", "tenant_id") if body and option in body]
    if changed and body and not any(option in body for option in CREDENTIALS):
        found.append(
            f"{' and '.join(changed)} will change and no credential is given: ONTAP keeps the stored one, which "
            "belongs to the old application, or refuses the change (65537517). Give client_secret or "
            "client_certificate."
        )
    return tuple(found)


def _version_not_shown(key_id: str | None, current: Vault, release: Release | None) -> t.Iterator[str]:
    """That a version is wanted and none is shown. Without the key in it, so that many configurations say the same."""
    key = key_of(key_id)
    if not (key and key.version and one_names_a_version(key_id, current.value("key_id"))):
        return
    if current.key_version(release) == "latest":
        yield (
            "key_id names a version, and ONTAP shows that key without one: it uses the newest version in Azure, "
            "whichever that is, and takes up a new one by itself. azure_key_vault_rekey with key: external and this "
            "key_id moves to that version. Leave the version out of key_id if the newest is what is meant."
        )
    else:
        yield (
            "key_id names a version, and ONTAP shows none of that key. Releases before 9.13.1 never show one, so "
            "whether it is this version cannot be told; from 9.9.1 on azure_key_vault_rekey with force: true moves to "
            "it in any case. Leave the version out of key_id if any will do."
        )


def in_vault(key_id: str, name: t.Any) -> bool:
    try:
        return KeyId.parse(key_id).vault == vault_uri(str(name))
    except ValueError:
        # What ONTAP holds may be older than the forms checked here; that is not this option's fault.
        return True


def view(record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The flat part of a record that belongs into a diff: what identifies it and what can be managed."""
    view: dict[str, t.Any] = {"scope": record.get("scope")}
    svm = record.get("svm")
    if isinstance(svm, dict):
        view["svm"] = svm.get("name") or svm.get("uuid")
    configuration = record.get("configuration")
    if isinstance(configuration, dict) and configuration.get("name"):
        view["configuration"] = configuration["name"]
    for name in (*COMPARED, "authentication_method"):
        if record.get(name) is not None:
            view[name] = record[name]
    return view
