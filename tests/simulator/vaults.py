# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of /security/azure-key-vaults.

Rules and codes come from the ONTAP REST API reference; what it leaves open is marked as a reading.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record, read_body
from tests.simulator.errors import OntapError, invalid, not_found
from tests.simulator.fields import Field, Schema
from tests.simulator.health import azure_trouble, health
from tests.simulator.records import KeyStore, Owner
from tests.simulator.work import act, perform

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

PATH = "/api/security/azure-key-vaults"
WRITE_PARAMETERS = frozenset({"continue_on_failure", "serial_records"})
# Reading: the texts of the releases show an example with or without a version, so both forms are valid everywhere.
KEY_ID = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/keys/[A-Za-z0-9-]+(/[0-9A-Fa-f]{32})?/?")
VAULT_NAME = re.compile(r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]+)?/?")
RESERVED_CONFIGURATION = "default"
CREDENTIALS = ("client_secret", "client_certificate")


def link(store: KeyStore) -> str:
    """Return the URL of a configuration."""
    return f"{PATH}/{store.uuid}"


def schema(ontap: Ontap) -> Schema:
    """Return the fields of the resource in the cluster's release."""
    return ontap.schemas["azure-key-vaults"]


def record(ontap: Ontap, store: KeyStore) -> Record:
    """Return the complete record of a configuration; only fields that are set are there, and never a secret."""
    result: Record = {"uuid": store.uuid, "configuration": {"uuid": store.uuid, "name": store.configuration}}
    result["scope"] = "cluster" if ontap.is_cluster_scope(store) else "svm"
    if not ontap.is_cluster_scope(store):
        result["svm"] = {"uuid": store.owner.uuid, "name": store.owner.name}
    for name in ("client_id", "tenant_id", "name", "key_id"):
        result[name] = store.settings.get(name)
    if ontap.profile.hides_key_version and result["key_id"]:
        result["key_id"] = re.sub(r"(/keys/[^/]+)/[^/]+/?$", r"\1", result["key_id"])
    if ontap.profile.since("9.10.1"):
        result["authentication_method"] = store.authentication_method
    if ontap.profile.named_configurations:
        result["enabled"] = store.enabled
    result.update({name: value for name, value in store.settings.items() if name not in result})
    if store.enabled:
        result.update(health(ontap, store))
    result["_links"] = {"self": {"href": link(store)}}
    return result


def visible(ontap: Ontap, call: Call) -> list[KeyStore]:
    """Return the AKV configurations that a caller sees: all, or those of the SVM it tunnels to."""
    return [
        store
        for store in ontap.sorted_stores()
        if store.type == "akv" and (call.tunnel is None or store.owner is call.tunnel)
    ]


def find(ontap: Ontap, call: Call, uuid: str) -> KeyStore:
    """Return the configuration of a path.

    Readings: an unknown UUID is 404 with code 4 in every operation; when a write names a key manager of another type,
    AKV is "not configured".
    """
    for store in visible(ontap, call):
        if store.uuid == uuid:
            return store
    if call.method not in ("GET", "HEAD") and uuid in ontap.stores:
        raise OntapError(ontap.profile.not_configured)
    raise not_found()


def find_enabled(ontap: Ontap, call: Call, uuid: str) -> KeyStore:
    """Return the configuration of a path if it is the enabled one.

    Reading: an inactive configuration counts as "not configured"; it is deleted through key-stores.
    """
    store = find(ontap, call, uuid)
    if not store.enabled:
        raise OntapError(ontap.profile.not_configured)
    return store


def collection(ontap: Ontap, call: Call) -> Answer:
    """GET /security/azure-key-vaults."""
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema(ontap))
    records = [record(ontap, store) for store in visible(ontap, call)]
    return query.collection(call, schema(ontap), records, arguments, phantom_page=ontap.switches.phantom_page)


def instance(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """GET /security/azure-key-vaults/{uuid}."""
    arguments = call.arguments({"fields"}, None)
    return query.instance(schema(ontap), record(ontap, find(ontap, call, uuid)), arguments)


# --- create


def create(ontap: Ontap, call: Call) -> Answer:
    """POST /security/azure-key-vaults."""
    allowed = {"return_records", *WRITE_PARAMETERS}
    if ontap.profile.named_configurations:
        allowed.add("create_inactive")
    if ontap.profile.has_return_timeout("create"):
        allowed.add("return_timeout")
    arguments = call.arguments(allowed, schema(ontap))
    return_records = arguments.boolean("return_records", False)
    inactive = arguments.boolean("create_inactive", False)
    body = read_body(call, schema(ontap))
    for name in body:
        if not ontap.profile.within(schema(ontap).fields[name].create):
            raise OntapError(262196, f'The field "{name}" cannot be set in this operation.', target=name)
    fields = {name: value for name, value in body.items() if value is not None}

    owner = _owner(ontap, call, fields)
    _check_required(ontap, fields)
    configuration = _configuration(ontap, owner, fields, inactive)
    _check_formats(ontap, fields)
    _check_cluster(ontap, owner)
    if not inactive and ontap.enabled_store(owner):
        raise OntapError(65537500)

    store = KeyStore(ontap.new_uuid(), owner, configuration, enabled=not inactive)
    own = {n: v for n, v in fields.items() if n.partition(".")[0] not in ("svm", "configuration", "skip_verification")}
    store.set(own, schema(ontap).secrets)
    if ontap.azure.verify_on_create and azure_trouble(ontap, store):
        # Reading: of the codes listed for POST this one fits; whether POST tries the credentials is not documented.
        raise OntapError(65537526 if ontap.profile.since("9.10.1") else 65537514)

    def effect() -> None:
        if store.enabled and ontap.enabled_store(owner):
            raise OntapError(65537500)
        ontap.add_store(store)

    def done() -> Answer:
        body = {"num_records": 1, "records": [_created(ontap, store)]} if return_records else {}
        return Answer(201, body, {"Location": link(store)})

    wait = arguments.return_timeout()
    return perform(ontap, call, "create", effect, done, wait=wait, owner=owner, location=link(store))


def _created(ontap: Ontap, store: KeyStore) -> Record:
    """Return the record that POST shows: an enabled one with its SVM, an inactive one with its name, as published."""
    wanted = {"uuid", "client_id", "tenant_id", "name", "key_id"}
    wanted |= {"svm.uuid", "svm.name"} if store.enabled else {"configuration.name"}
    return query.shape(record(ontap, store), frozenset(wanted))


def _owner(ontap: Ontap, call: Call, fields: t.Mapping[str, t.Any]) -> Owner:
    """Return for whom POST is meant: the body's SVM, that of the tunnel, or without both the cluster.

    Reading: the published examples create at cluster scope, though the property list calls the SVM required.
    """
    by_uuid, by_name = fields.get("svm.uuid"), fields.get("svm.name")
    found = [svm for svm in ontap.svms if svm.uuid == by_uuid or svm.name == by_name]
    for svm in found:
        if by_uuid not in (None, svm.uuid) or by_name not in (None, svm.name):
            raise OntapError(2621706, target="svm")
    if (by_uuid or by_name) and not found:
        raise OntapError(2621462, target="svm.uuid" if by_uuid else "svm.name")
    if found and call.tunnel not in (None, found[0]):
        raise OntapError(2621706, target="svm")
    if found:
        return found[0]
    if call.tunnel is None and ontap.switches.refuse_cluster_scope:
        raise OntapError(2621707, target="svm")
    return call.tunnel or ontap.cluster


def _missing(name: str) -> OntapError:
    return OntapError(262212, f'The request lacks a value for "{name}".', target=name, values=(name,))


def _check_required(ontap: Ontap, fields: t.Mapping[str, t.Any]) -> None:
    for name in ("client_id", "tenant_id", "key_id", "name"):
        if name not in fields:
            raise _missing(name)
    given = [name for name in CREDENTIALS if fields.get(name)]
    if not given:
        raise OntapError(65537567) if ontap.profile.since("9.10.1") else _missing("client_secret")
    _check_one_credential(fields)


def _check_one_credential(fields: t.Mapping[str, t.Any]) -> None:
    # Reading: a record has one method of authentication, so both credentials at once contradict each other.
    if all(fields.get(name) is not None for name in CREDENTIALS):
        raise OntapError(262186, target="client_certificate")


def _configuration(ontap: Ontap, owner: Owner, fields: t.Mapping[str, t.Any], inactive: bool) -> str:
    """Return the name of the new configuration: the enabled one is always "default".

    Reading: "default" is also the name that is reserved.
    """
    name = fields.get("configuration.name")
    old_node = ontap.effective_version_below("9.14.0")
    if inactive and old_node:
        raise OntapError(65537593, target="create_inactive")
    if name is not None and old_node:
        raise OntapError(65537592, target="configuration.name")
    if not inactive:
        if name is not None:
            raise OntapError(65537595, target="configuration.name")
        name = RESERVED_CONFIGURATION
    elif name is None:
        raise OntapError(65537594, target="configuration.name")
    elif name == "":
        raise OntapError(65538903, target="configuration.name")
    elif name == RESERVED_CONFIGURATION:
        raise OntapError(65538902, target="configuration.name")
    # Reading: "default" is taken as well when it is that of a configuration which a switch made inactive.
    taken = {s.configuration for s in ontap.stores.values() if s.owner is owner and (inactive or not s.enabled)}
    if name in taken:
        raise OntapError(65537589, target="configuration.name")
    return str(name)


def _check_formats(ontap: Ontap, fields: t.Mapping[str, t.Any]) -> None:
    """Check what releases check: the form of ``key_id`` from 9.10.1, of ``name`` from 9.18.1."""
    key_id, name = fields.get("key_id"), fields.get("name")
    if ontap.profile.since("9.10.1") and key_id is not None and not KEY_ID.fullmatch(key_id):
        raise OntapError(65537523, target="key_id")
    if ontap.profile.since("9.18.1") and name is not None and not VAULT_NAME.fullmatch(name):
        raise OntapError(65537553, target="name")
    _check_certificate(fields)


def _check_certificate(fields: t.Mapping[str, t.Any]) -> None:
    """Refuse what is not base64 of something that begins like a PKCS12 file: a DER sequence."""
    certificate = fields.get("client_certificate")
    if certificate is None:
        return
    try:
        content = base64.b64decode(certificate, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(b"\x30"):
        raise OntapError(65537573, target="client_certificate")


def _check_cluster(ontap: Ontap, owner: Owner) -> None:
    if ontap.site.metrocluster:
        raise OntapError(65537506)
    if not all(node.azure_capable for node in ontap.nodes):
        raise OntapError(65537512)
    if ontap.site.fips:
        raise OntapError(3735665 if ontap.site.fips == "hash" else 3735664)
    if owner.keys_on_admin:
        raise OntapError(65537505)
    if owner.nae_volumes and ontap.profile.since("9.18.1"):
        raise OntapError(65539704)


# --- patch


def patch(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """PATCH /security/azure-key-vaults/{uuid}."""
    allowed = {"return_timeout"} if ontap.profile.has_return_timeout("patch") else set()
    arguments = call.arguments({*allowed, *WRITE_PARAMETERS}, schema(ontap))
    store = find(ontap, call, uuid)
    fields = read_body(call, schema(ontap))
    for name, value in fields.items():
        field = schema(ontap).fields[name]
        if not ontap.profile.within(field.modify):
            raise OntapError(262203, f'The field "{name}" is not supported in the body of PATCH.', target=name)
        if value is None and not field.clearable:
            raise invalid(name, None)
    verify = not fields.pop("skip_verification", False)
    _check_patch(ontap, store, fields)
    if verify and ontap.profile.checks_new_credentials:
        _check_new_credential(ontap, store, fields)

    def effect() -> None:
        store.set(fields, schema(ontap).secrets)

    wait = arguments.return_timeout()
    return perform(ontap, call, "patch", effect, Answer, wait=wait, owner=store.owner, location=link(store))


def _check_patch(ontap: Ontap, store: KeyStore, fields: t.Mapping[str, t.Any]) -> None:
    credential = any(fields.get(name) for name in CREDENTIALS)
    if not ontap.profile.since("9.9.1") and not credential:
        raise OntapError(65537517, target="client_secret")
    if not fields:
        # Reading: 65537541 is first listed for 9.10.1.
        raise OntapError(65537541 if ontap.profile.since("9.10.1") else 262190)
    identity = fields.keys() & {"client_id", "tenant_id"}
    if ontap.switches.require_credential_with_identity and identity and not credential:
        raise OntapError(65537517, target="client_secret")
    _check_one_credential(fields)
    if fields.get("client_secret") == "":
        raise OntapError(65537540, target="client_secret")
    _check_formats(ontap, fields)
    if fields.get("client_certificate") and not all(node.certificate_capable for node in ontap.nodes):
        raise OntapError(65537577, target="client_certificate")
    if store.owner.keys_on_admin and ontap.profile.since("9.10.1"):
        raise OntapError(65537547)


def _check_new_credential(ontap: Ontap, store: KeyStore, fields: t.Mapping[str, t.Any]) -> None:
    """Try new credentials at Azure. Reading: when Azure cannot be reached they count as wrong."""
    for name, code in (("client_secret", 65537540), ("client_certificate", 65537573)):
        value = fields.get(name)
        if value is not None and azure_trouble(ontap, store, value):
            raise OntapError(code, target=name)


# --- delete and actions


def delete(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """DELETE /security/azure-key-vaults/{uuid}."""
    allowed = {"return_timeout"} if ontap.profile.has_return_timeout("delete") else set()
    arguments = call.arguments({*allowed, *WRITE_PARAMETERS}, schema(ontap))
    store = find_enabled(ontap, call, uuid)
    reasons = {
        # Keys that were migrated to the admin SVM's key manager are not on this one.
        65536867: store.owner.keys_of_its_own > 0,
        65536242: ontap.site.keyed_drives,
        65536924: ontap.site.nse_keys,
        # Not in the tables of the releases before.
        196608080: ontap.site.encrypted_root and ontap.profile.since("9.12.1"),
        196608305: ontap.site.nae_aggregates,
    }
    for code, applies in reasons.items():
        if applies:
            raise OntapError(code)

    def effect() -> None:
        ontap.stores.pop(store.uuid, None)

    wait = arguments.return_timeout()
    return perform(ontap, call, "delete", effect, Answer, wait=wait, owner=store.owner)


def restore(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """POST /security/azure-key-vaults/{uuid}/restore: copy the keys from the vault back to the nodes.

    Reading: with nothing to restore it succeeds.
    """

    def effect(store: KeyStore) -> None:
        if azure_trouble(ontap, store) or not all(node.reachable for node in ontap.nodes):
            raise OntapError(65537515)
        if store.owner.encrypted:
            ontap.fill_keys(store)

    return _action(ontap, call, uuid, "restore", effect)


def rekey_internal(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """POST /security/azure-key-vaults/{uuid}/rekey-internal: replace the internal top-level key."""

    def check(store: KeyStore) -> None:
        _check_rekey(ontap, store)
        if not store.owner.encrypted:
            raise OntapError(65537559)

    def effect(store: KeyStore) -> None:
        _need_azure(ontap, store)
        store.internal_key += 1

    return _action(ontap, call, uuid, "rekey-internal", effect, check)


def rekey_external(ontap: Ontap, call: Call, uuid: str) -> Answer:
    """POST /security/azure-key-vaults/{uuid}/rekey-external: wrap the keys with another AKV key.

    Readings: naming the current key succeeds; a malformed key_id has the code that POST gives it; up to 9.13.1 the
    body may name the SVM, as the schema of those releases has it.
    """
    fields = [Field("key_id")]
    if not ontap.profile.since("9.14.1"):
        fields += [Field("svm.uuid"), Field("svm.name"), Field("scope", choices=("svm", "cluster"))]
    body = read_body(call, Schema({field.name: field for field in fields}, {}, (), ()))
    key_id = body.get("key_id")

    def check(store: KeyStore) -> None:
        if not key_id:
            raise _missing("key_id")
        _check_formats(ontap, {"key_id": key_id})
        _check_rekey(ontap, store)

    def effect(store: KeyStore) -> None:
        _need_azure(ontap, store)
        if ontap.azure.keys is not None and key_id not in ontap.azure.keys:
            # Reading: no code is listed for a key that Azure does not have.
            raise OntapError(65537549, "Azure Key Vault has no such key.")
        store.settings["key_id"] = key_id

    return _action(ontap, call, uuid, "rekey-external", effect, check)


def _action(
    ontap: Ontap,
    call: Call,
    uuid: str,
    operation: str,
    effect: t.Callable[[KeyStore], None],
    check: t.Callable[[KeyStore], None] | None = None,
) -> Answer:
    arguments = call.arguments({"return_timeout", "return_records", *WRITE_PARAMETERS}, schema(ontap))
    arguments.boolean("return_records", False)
    wait = arguments.return_timeout()
    store = find_enabled(ontap, call, uuid)
    if check is not None:
        check(store)
    if operation != "rekey-external":
        # These take no fields; an empty object, as the official client sends it, is fine.
        read_body(call, Schema({}, {}, (), ()))
    return act(
        ontap,
        call,
        operation,
        lambda: effect(store),
        finished=201 if ontap.profile.action_can_finish else 202,
        wait=wait,
        owner=store.owner,
        location=link(store),
    )


def _check_rekey(ontap: Ontap, store: KeyStore) -> None:
    if store.owner.keys_on_admin:
        raise OntapError(65537547)
    # Readings: the codes are listed for 9.18. Switches exist since 9.14.1, and before there was a state this code was
    # what told of one; the other states exist since 9.16.1.
    if ontap.is_switching(store.owner):
        raise OntapError(65537610)
    if ontap.profile.since("9.16.1"):
        code = {"initializing": 65539436, "disabling": 65539437}.get(ontap.state_of(store))
        if code is not None:
            raise OntapError(code)


def _need_azure(ontap: Ontap, store: KeyStore) -> None:
    # Reading: no code is listed for a rekey that cannot reach the vault; this one says just that.
    if azure_trouble(ontap, store):
        raise OntapError(65537549)
