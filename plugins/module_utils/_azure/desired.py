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
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.steps import (
    CREATE,
    DELETE,
    REKEY,
    RENEW,
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
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._azure.verify import proof_of
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

DEFAULT_CONFIGURATION = "default"

NOTHING_TO_REKEY: t.Final = (
    "There is no internal key to replace: it comes into being with the first encrypted volume of the SVM."
)


@dataclass(frozen=True)
class Desired:
    """What the user wants one configuration to be: only what was given, checked.

    ``values`` are the comparable fields, ``secrets`` the write-only ones, ``flags`` what goes along with credentials.
    ``ambient`` names those that nobody gave but the environment, see ``beside``. ``verify``: whether ONTAP has to reach
    Azure after a create or with a new credential. ``force``: whether it is removed although volumes wait for Azure.
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

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Desired:
        """From module options. Raises ``InputError`` naming the option; nothing has been sent by then."""
        target = Target.of(params)
        given = {name: params[name] for name in FIELDS if params.get(name) is not None}
        ambient = params.get("ambient") or frozenset()
        for name, value in given.items():
            check_value(name, value, f"{name} ({FIELDS[name].environment})" if name in ambient else None)
        present = params.get("state", "present") == "present"
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
        return fields

    @property
    def creates(self) -> bool:
        """Whether a configuration that does not exist is created."""
        return self.present

    @property
    def proof(self) -> Proof | None:
        """How a new credential is tried."""
        return proof_of(unverified=bool(self.flags.get("skip_verification"))) if self.verify else None

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

    def plan(self, current: Vault | None, release: Release | None = None) -> Plan:
        """The plan that turns ``current`` (None: no such configuration) into this.

        ``release`` may be None as long as the record itself proves what the plan needs to know.
        """
        return make_plan(self, current, release)


def _unwrapped(name: str, value: str) -> str:
    """base64 tools break lines; ONTAP wants one."""
    return "".join(value.split()) if name == "client_certificate" else value


def make_plan(desired: Desired, current: Vault | None, release: Release | None = None) -> Plan:
    """The plan that turns ``current`` (None: no such configuration) into ``desired``.

    ``release`` may be None as long as the record itself proves what the plan needs to know.
    """
    if not desired.present:
        return _plan_absent(desired, current)
    return _plan_create(desired, release) if current is None else _plan_update(desired, current, release)


def _plan_absent(desired: Desired, current: Vault | None) -> Plan:
    credentials = _credentials(desired, sent=False)
    if current is None:
        return Plan(credentials=credentials)
    # DELETE on azure-key-vaults disables the enabled configuration; an inactive one goes by its key store
    # (contract, delete enabled and delete inactive).
    path = f"{VAULTS}/{current.uuid}" if current.enabled else f"{KEY_STORES}/{current.uuid}"
    before = view(current.record)
    blockers = []
    if current.clock and current.clock.volumes != NO_VOLUMES and not desired.force:
        what = f"The {AKV.noun} of {desired.target} is not removed"
        blockers.append(not_meanwhile(what, current.clock, "To remove it all the same, set force: true."))
    return Plan(
        steps=(Step(DELETE, "DELETE", path),),
        before=before,
        drift=(Drift("state", "absent", "present", "delete"),),
        blockers=tuple(blockers),
        credentials=credentials,
    )


def _plan_create(desired: Desired, release: Release | None) -> Plan:
    gate = Gate(None, release)
    target = desired.target
    if target.configuration:
        gate.require("configuration", R9_14)
        if target.configuration != DEFAULT_CONFIGURATION:
            gate.blockers.append(
                BlockedError(
                    f"{target} does not exist, and this module does not create inactive configurations",
                    remedy="Leave configuration out to manage the enabled one, or correct the name.",
                )
            )
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
    later: dict[str, t.Any] = {}
    for name, value in {**desired.values, **desired.secrets, **desired.flags}.items():
        item = FIELDS[name]
        gate.require(name, item.since)
        (body if item.create else later)[name] = value
    steps = [Step(CREATE, "POST", VAULTS, body)]
    if later:
        # POST does not take them (contract, post then patch).
        steps.append(Step(SET_VERIFY, "PATCH", f"{VAULTS}/{{uuid}}", later))
    record = _created_record(target, desired)
    return Plan(
        steps=tuple(steps),
        after={**view(record), **dict.fromkeys(desired.secrets, SET)},
        record=record,
        drift=tuple(Drift(name, value, None, "create") for name, value in desired.values.items()),
        blockers=tuple(gate.blockers),
        warnings=_warnings(desired, None),
        credentials=_credentials(desired, sent=True),
        needs_release=gate.needs_release,
    )


def _created_record(target: Target, desired: Desired) -> dict[str, t.Any]:
    record: dict[str, t.Any] = {"scope": target.scope}
    if target.scope != "cluster":
        record["svm"] = target.svm_reference()
    return {**record, **desired.values}


def _plan_update(given: Desired, current: Vault, release: Release | None) -> Plan:
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

    body: dict[str, t.Any] = {}
    steps: list[Step] = []
    for name, value in {**differing, **secrets}.items():
        item = FIELDS[name]
        if name == "name":
            gate.blockers.append(_name_blocked(desired, current))
        elif name == "key_id" and gate.has(REKEY_EXTERNAL):
            if not current.enabled:
                gate.blockers.append(_inactive_key_blocked(current))
            steps.append(Step(REKEY, "POST", f"{VAULTS}/{current.uuid}/rekey-external", {name: value}))
        else:
            gate.require(name, item.since)
            if item.patch and item.patch != item.since:
                gate.require(f"Changing {name}", item.patch, _in_place_remedy(item))
            body[name] = value
    if body:
        _complete_patch(desired, body, gate)
        # First the PATCH: a new key may only be reachable with the new credential.
        shown = any(name in COMPARED for name in body)
        steps.insert(0, Step(UPDATE if shown else RENEW, "PATCH", f"{VAULTS}/{current.uuid}", body))

    changes = {name: value for name, value in {**differing, **body}.items() if name in COMPARED}
    if method:
        changes["authentication_method"] = method
    before = view(current.record)
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
        ),
        credentials=_credentials(desired, sent=bool(sent)),
        needs_release=gate.needs_release,
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
    if any(name in body for name in CREDENTIALS):
        for name, value in desired.flags.items():
            gate.require(name, FIELDS[name].since)
            body[name] = value
    secret = desired.secrets.get("client_secret")
    if secret and "client_secret" not in body and gate.has(PATCH_NEEDS_SECRET_UNTIL) is False:
        body["client_secret"] = secret


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


def _name_blocked(desired: Desired, current: Vault) -> BlockedError:
    way = (
        "create an inactive configuration with the new vault, enable it with PATCH /api/security/key-stores/{uuid}, "
        "and delete the old one when its keys have moved"
        if current.at_least.has(R9_14)
        else "move or decrypt the encrypted volumes that use it, then remove it (state: absent) and create it again"
    )
    return BlockedError(
        f"name of {desired.target} is {current.value('name')} and should be {desired.values['name']}, and ONTAP cannot "
        "change the vault of a configuration in place",
        remedy=f"Correct name, or replace the configuration: {way}.",
    )


def _inactive_key_blocked(current: Vault) -> BlockedError:
    return BlockedError(
        f"configuration {current.configuration} is inactive, and ONTAP rotates only the key of the enabled one",
        remedy="Leave key_id out, or enable the configuration first.",
    )


def _credentials(desired: Desired, *, sent: bool) -> str:
    if not desired.secrets:
        return "none"
    return "sent" if sent else "not_sent"


def _warnings(desired: Desired, current: Vault | None, body: t.Mapping[str, t.Any] | None = None) -> tuple[str, ...]:
    found: list[str] = []
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
