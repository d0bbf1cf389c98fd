# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of /security/key-manager-configs: the health monitor of all key managers of the cluster.

Fields, ranges and codes come from the ONTAP REST API reference. Readings: what is out of range is an invalid value;
common criteria mode and its passphrase are taken and do nothing; an SVM has no part in this.
"""

from __future__ import annotations

import typing as t

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record, read_body
from tests.simulator.errors import OntapError, invalid
from tests.simulator.ontap import EXTERNAL

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

PATH = "/api/security/key-manager-configs"
_RANGES = {"health_monitor_polling_interval": (15, 30), "cloud_kms_retry_count": (0, 10)}
_POLICY = "health_monitor_policy."


def show(ontap: Ontap, call: Call) -> Answer:
    """GET /security/key-manager-configs: one object, without a UUID."""
    _check_cluster(call)
    monitor = ontap.monitor
    record: Record = {
        "health_monitor_polling_interval": monitor.polling_interval,
        "cloud_kms_retry_count": monitor.retry_count,
        "health_monitor_policy": {kind: dict(flags) for kind, flags in monitor.policy.items()},
        "cc_mode_enabled": False,
        "_links": {"self": {"href": PATH}},
    }
    return query.instance(ontap.schemas["key-manager-configs"], record, call.arguments({"fields"}))


def change(ontap: Ontap, call: Call) -> Answer:
    """PATCH /security/key-manager-configs: nothing comes back, and there is no job."""
    _check_cluster(call)
    call.arguments(())
    schema = ontap.schemas["key-manager-configs"]
    body = read_body(call, schema)
    if not body:
        raise OntapError(262190)
    for name, value in body.items():
        if not ontap.profile.within(schema.fields[name].modify):
            raise OntapError(262203, target=name)
        _check(ontap, name, value)
    monitor = ontap.monitor
    for name, value in body.items():
        if name == "health_monitor_polling_interval":
            monitor.polling_interval = value
        elif name == "cloud_kms_retry_count":
            monitor.retry_count = value
        elif name.startswith(_POLICY):
            _policy, kind, flag = name.split(".")
            monitor.policy[kind][flag] = value
    return Answer()


def _check_cluster(call: Call) -> None:
    if call.tunnel is not None:
        raise OntapError(6)


def _check(ontap: Ontap, name: str, value: t.Any) -> None:
    if value is None:
        raise invalid(name, value)
    if name in _RANGES and not _RANGES[name][0] <= value <= _RANGES[name][1]:
        raise invalid(name, value)
    if name == "health_monitor_polling_interval":
        if ontap.effective_version_below("9.10.0"):
            raise OntapError(65537303, target=name)
        known = ("kmip",) if ontap.switches.cloud_is_no_external_manager else EXTERNAL
        if not any(store.type in known for store in ontap.stores.values()):
            raise OntapError(65537304, target=name)
    if name == "cloud_kms_retry_count" and ontap.effective_version_below("9.11.0"):
        raise OntapError(65538404, target=name)
    if name.startswith(_POLICY) and ontap.effective_version_below("9.15.0"):
        raise OntapError(65539303, target=name)
