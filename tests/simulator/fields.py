# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of every resource, and in which releases they can be read, set on create and modified.

Source: the ONTAP REST API reference and the official Python clients, release by release. A field that a release lacks
does not exist there at all: naming it is an error.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from tests.simulator.profiles import Profile

Span = tuple[str, str]
NEWEST = "999.0"


def since(release: str) -> Span:
    """Return the span from ``release`` to the newest one."""
    return (release, NEWEST)


ALWAYS = since("9.7")
SEVERITIES = ("emergency", "alert", "error", "notice", "informational", "debug")


@dataclass(frozen=True)
class Field:
    """A field that holds a value (never an object), with its dotted name.

    ``read``, ``create`` and ``modify`` are the releases that allow it; ``clearable``: null in PATCH unsets it;
    ``expensive``: GET returns it only when it is named.
    """

    name: str
    kind: t.Literal["string", "integer", "boolean", "time"] = "string"
    read: Span | None = ALWAYS
    create: Span | None = None
    modify: Span | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    expensive: bool = False
    clearable: bool = False


def _proxy(name: str, kind: t.Literal["string", "integer"] = "string", choices: tuple[str, ...] = ()) -> Field:
    from_98 = since("9.8")
    return Field(name, kind, read=from_98, create=from_98, modify=from_98, choices=choices, clearable=True)


def _host(name: str, kind: t.Literal["string", "integer"] = "string") -> Field:
    from_914 = since("9.14.1")
    return Field(name, kind, read=from_914, create=from_914, modify=from_914, clearable=True)


def _vault_fields(profile: Profile) -> list[Field]:
    code: t.Literal["string", "integer"] = "integer" if profile.integer_codes else "string"
    state_expensive = profile.state_is_expensive
    return [
        Field("uuid"),
        Field("configuration.uuid", read=since("9.14.1")),
        Field("configuration.name", read=since("9.14.1"), create=since("9.14.1")),
        Field("scope", choices=("svm", "cluster")),
        Field("svm.uuid", create=ALWAYS),
        Field("svm.name", create=ALWAYS),
        Field("client_id", create=ALWAYS, modify=since("9.9.1")),
        Field("tenant_id", create=ALWAYS, modify=since("9.9.1")),
        Field("name", create=ALWAYS),
        Field("key_id", create=ALWAYS, modify=("9.8", "9.10.1")),
        Field("client_secret", read=None, create=ALWAYS, modify=ALWAYS, secret=True),
        Field("client_certificate", read=None, create=since("9.10.1"), modify=since("9.10.1"), secret=True),
        Field("authentication_method", read=since("9.10.1"), choices=("client_secret", "certificate")),
        Field("enabled", "boolean", read=since("9.14.1")),
        _proxy("proxy_type", choices=("http", "https")),
        _proxy("proxy_host"),
        _proxy("proxy_port", "integer"),
        _proxy("proxy_username"),
        Field("proxy_password", read=None, create=since("9.8"), modify=since("9.8"), secret=True, clearable=True),
        _host("oauth_host"),
        _host("port", "integer"),
        _host("vault_host"),
        Field("verify_host", "boolean", read=since("9.14.1"), modify=since("9.14.1")),
        Field("verify_ip", "boolean", read=since("9.14.1"), modify=since("9.14.1")),
        # A flag of the operation, not of the record: readable by name, but nothing ever has it. That is a reading.
        Field("skip_verification", "boolean", read=since("9.16.1"), create=since("9.16.1"), modify=since("9.16.1")),
        Field(f"state.{profile.state_flag}", "boolean", expensive=state_expensive),
        Field("state.message", expensive=state_expensive),
        Field("state.code", code, expensive=state_expensive),
        Field("azure_reachability.reachable", "boolean", read=since("9.8"), expensive=True),
        Field("azure_reachability.message", read=since("9.8"), expensive=True),
        Field("azure_reachability.code", code, read=since("9.8"), expensive=True),
        Field("ekmip_reachability.node.uuid", read=since("9.8"), expensive=True),
        Field("ekmip_reachability.node.name", read=since("9.8"), expensive=True),
        Field("ekmip_reachability.reachable", "boolean", read=since("9.8"), expensive=True),
        Field("ekmip_reachability.message", read=since("9.8"), expensive=True),
        Field("ekmip_reachability.code", code, read=since("9.8"), expensive=True),
    ]


def _keystore_fields(profile: Profile) -> list[Field]:
    # In these releases the record shows keystore.type, but the documented filter is named type.
    costly = profile.nested_keystore
    return [
        Field("uuid"),
        Field("type", choices=("okm", "kmip", "akv", "gcp", "aws", "ikp", "barbican")),
        Field("location", choices=("onboard", "external"), expensive=costly),
        Field("svm.uuid", expensive=costly),
        Field("svm.name", expensive=costly),
        Field("configuration.uuid", read=since("9.14.1")),
        Field("configuration.name", read=since("9.14.1")),
        Field("enabled", "boolean", read=since("9.14.1"), modify=since("9.14.1")),
        Field("scope", read=since("9.14.1"), choices=("svm", "cluster")),
        Field("state", read=since("9.16.1")),
    ]


def _key_manager_fields(_profile: Profile) -> list[Field]:
    return [
        Field("uuid"),
        Field("scope", choices=("svm", "cluster")),
        Field("svm.uuid"),
        Field("svm.name"),
        Field("onboard.enabled", "boolean"),
        Field("external.servers.server"),
        Field("enabled", "boolean", read=since("9.16.1")),
    ]


def _key_id_fields(_profile: Profile) -> list[Field]:
    # Reading: in 9.11.1, whose reference has the path and none of the fields, nothing but the ID can be asked for.
    from_912, from_914 = since("9.12.1"), since("9.14.1")
    return [
        Field("key_id"),
        Field("key_type", read=from_912, choices=("nse_ak", "aek", "vek", "nek", "svm_kek", "mroot_ak")),
        Field("key_user", read=from_912),
        Field("key_store", read=from_912, choices=("onboard", "external")),
        Field("key_store_type", read=from_912),
        Field("restored", "boolean", read=from_912),
        Field("encryption_algorithm", read=from_912),
        Field("svm.uuid", read=from_914),
        Field("svm.name", read=from_914),
    ]


def _job_fields(_profile: Profile) -> list[Field]:
    return [
        Field("uuid"),
        Field("description"),
        Field("state"),
        Field("message"),
        Field("code", "integer"),
        Field("start_time"),
        Field("end_time"),
        Field("svm.uuid", read=since("9.8")),
        Field("svm.name", read=since("9.8")),
        Field("error.message", read=since("9.9.1")),
        Field("error.code", read=since("9.9.1")),
        Field("node.name", read=since("9.11.1")),
    ]


def _volume_fields(_profile: Profile) -> list[Field]:
    return [
        Field("uuid"),
        Field("name"),
        Field("svm.uuid"),
        Field("svm.name"),
        Field("state", choices=("error", "mixed", "offline", "online")),
        Field("encryption.enabled", "boolean", expensive=True),
        Field("encryption.type", choices=("none", "volume", "aggregate"), expensive=True),
        Field("encryption.state", expensive=True),
    ]


def _config_fields(_profile: Profile) -> list[Field]:
    """Reading: there is no client of 9.11.1, whose effective version is all that the retry count asks for."""
    from_910, from_911, from_915, from_917 = (since(f"9.{family}.1") for family in (10, 11, 15, 17))
    types = {**dict.fromkeys(("akv", "aws", "gcp", "ikp", "kmip", "okm"), from_915), "barbican": from_917}
    return [
        Field("health_monitor_polling_interval", "integer", read=from_910, modify=from_910),
        Field("cloud_kms_retry_count", "integer", read=from_911, modify=from_911),
        Field("cc_mode_enabled", "boolean", read=from_910, modify=from_910),
        Field("passphrase", read=None, modify=from_910, secret=True),
        *(
            Field(f"health_monitor_policy.{kind}.{flag}", "boolean", read=span, modify=span, expensive=True)
            for kind, span in types.items()
            for flag in ("enabled", "manage_volume_offline")
        ),
    ]


def _event_fields(_profile: Profile) -> list[Field]:
    return [
        Field("node.name"),
        Field("node.uuid"),
        Field("index", "integer"),
        Field("time", "time"),
        Field("message.name"),
        Field("message.severity", choices=SEVERITIES),
        Field("log_message"),
        Field("source"),
        Field("parameters.name"),
        Field("parameters.value"),
    ]


def _destination_fields(_profile: Profile) -> list[Field]:
    from_911 = since("9.11.1")
    return [
        Field("name", create=ALWAYS),
        Field("type", create=ALWAYS, choices=("snmp", "email", "syslog", "rest_api")),
        Field("destination", create=ALWAYS, modify=ALWAYS),
        Field("filters.name", create=ALWAYS, modify=ALWAYS),
        Field("certificate.ca", create=ALWAYS, modify=ALWAYS),
        Field("certificate.serial_number", create=ALWAYS, modify=ALWAYS),
        Field("system_defined", "boolean", read=since("9.10.1")),
        Field("connectivity.state", read=from_911, expensive=True),
        Field("connectivity.errors.node.uuid", read=from_911, expensive=True),
        Field("connectivity.errors.node.name", read=from_911, expensive=True),
        Field("connectivity.errors.message.code", read=from_911, expensive=True),
        Field("connectivity.errors.message.message", read=from_911, expensive=True),
    ]


def _filter_fields(_profile: Profile) -> list[Field]:
    from_913 = since("9.13.1")
    return [
        Field("name", create=ALWAYS),
        Field("system_defined", "boolean"),
        Field("rules.index", "integer", create=ALWAYS, modify=ALWAYS),
        Field("rules.type", create=ALWAYS, modify=ALWAYS),
        Field("rules.message_criteria.name_pattern", create=ALWAYS, modify=ALWAYS),
        Field("rules.message_criteria.severities", create=ALWAYS, modify=ALWAYS),
        Field("rules.message_criteria.snmp_trap_types", create=ALWAYS, modify=ALWAYS),
        Field("rules.parameter_criteria.name_pattern", read=from_913, create=from_913, modify=from_913),
        Field("rules.parameter_criteria.value_pattern", read=from_913, create=from_913, modify=from_913),
    ]


def _node_fields(_profile: Profile) -> list[Field]:
    return [
        Field("uuid"),
        Field("name"),
        Field("state", read=since("9.8")),
        Field("version.full"),
        Field("version.generation", "integer"),
        Field("version.major", "integer"),
        Field("version.minor", "integer"),
    ]


def _svm_fields(_profile: Profile) -> list[Field]:
    return [Field("uuid"), Field("name"), Field("state"), Field("subtype"), Field("ipspace.name")]


def _of_svm(*more: Field) -> list[Field]:
    """The fields of what belongs to an SVM."""
    return [Field("uuid"), Field("svm.uuid"), Field("svm.name"), Field("scope", choices=("svm", "cluster")), *more]


def _interface_fields(_profile: Profile) -> list[Field]:
    return _of_svm(
        Field("name"),
        Field("ip.address"),
        Field("ip.netmask"),
        Field("ip.family"),
        Field("enabled", "boolean"),
        Field("state"),
        Field("services"),
        Field("location.node.uuid"),
        Field("location.node.name"),
    )


def _route_fields(_profile: Profile) -> list[Field]:
    return _of_svm(
        Field("destination.address"), Field("destination.netmask"), Field("destination.family"), Field("gateway")
    )


def _cluster_fields(_profile: Profile) -> list[Field]:
    return [
        Field("name"),
        Field("uuid"),
        Field("version.full"),
        Field("version.generation", "integer"),
        Field("version.major", "integer"),
        Field("version.minor", "integer"),
    ]


@dataclass(frozen=True)
class Schema:
    """The fields of one resource in one release.

    ``shown``: what a collection shows without ``fields``. ``identity``: what every answer shows.
    """

    fields: t.Mapping[str, Field]
    readable: t.Mapping[str, Field]
    shown: tuple[str, ...]
    identity: tuple[str, ...]

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the fields that are never returned and must never be in a URL."""
        return frozenset(name for name, field in self.fields.items() if field.secret)

    @property
    def standard(self) -> frozenset[str]:
        """Names of the fields that ``fields=*`` stands for."""
        return frozenset(name for name, field in self.readable.items() if not field.expensive)


def _schema(profile: Profile, fields: list[Field], shown: t.Sequence[str], identity: t.Sequence[str]) -> Schema:
    known = {f.name: f for f in fields if any(profile.within(span) for span in (f.read, f.create, f.modify))}
    readable = {name: field for name, field in known.items() if profile.within(field.read)}
    return Schema(
        known,
        readable,
        tuple(name for name in shown if name in readable),
        tuple(name for name in identity if name in readable),
    )


@functools.cache
def schemas(profile: Profile) -> t.Mapping[str, Schema]:
    """Return the schema of every resource, by the resource's short name.

    Readings: what a collection of azure-key-vaults shows without ``fields`` is not documented; the examples that ask
    for the health alone also show uuid, name and configuration.
    """
    identity = ("uuid", "name", "configuration.uuid", "configuration.name")
    names = [Field("uuid"), Field("name")]
    keystore = ("uuid", "type", "enabled", "configuration.uuid", "configuration.name")
    return {
        "azure-key-vaults": _schema(profile, _vault_fields(profile), (*identity, "svm.uuid", "svm.name"), identity),
        "key-stores": _schema(profile, _keystore_fields(profile), keystore, ("uuid",)),
        "gcp-kms": _schema(profile, _of_svm(), ("uuid", "scope", "svm.uuid", "svm.name"), ("uuid",)),
        "jobs": _schema(profile, _job_fields(profile), ("uuid",), ("uuid",)),
        "cluster": _schema(profile, _cluster_fields(profile), (), ()),
        "svms": _schema(profile, _svm_fields(profile), ("uuid", "name"), ("uuid", "name")),
        "nodes": _schema(profile, _node_fields(profile), ("uuid", "name"), ("uuid", "name")),
        "dns": _schema(profile, _of_svm(Field("domains"), Field("servers")), ("uuid", "svm.name"), ("uuid",)),
        "interfaces": _schema(profile, _interface_fields(profile), ("uuid", "name"), ("uuid", "name")),
        "routes": _schema(profile, _route_fields(profile), ("uuid",), ("uuid",)),
        "licences": _schema(
            profile, [*names, Field("scope"), Field("state")], ("name", "scope", "state"), ("uuid", "name")
        ),
        "aggregates": _schema(
            profile,
            [*names, Field("data_encryption.software_encryption_enabled", "boolean")],
            ("uuid", "name"),
            ("uuid", "name"),
        ),
        "metrocluster": _schema(profile, [Field("local.configuration_state"), Field("local.mode")], (), ()),
        "key-managers": _schema(profile, _key_manager_fields(profile), ("uuid", "scope"), ("uuid",)),
        "key-ids": _schema(profile, _key_id_fields(profile), ("key_id",), ("key_id",)),
        "volumes": _schema(profile, _volume_fields(profile), ("uuid", "name"), ("uuid", "name")),
        "key-manager-configs": _schema(profile, _config_fields(profile), (), ()),
        "ems-events": _schema(profile, _event_fields(profile), ("node.name", "index"), ("node.name", "index")),
        "ems-destinations": _schema(profile, _destination_fields(profile), ("name",), ("name",)),
        "ems-filters": _schema(profile, _filter_fields(profile), ("name",), ("name",)),
    }
