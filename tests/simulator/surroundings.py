# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration of Azure Key Vault needs around it: DNS, interfaces, routes, licences, MetroCluster, aggregates.

Readings: the licences of this feature are called ``ve`` and ``mt_ek_mgmt``, since their names in REST are not
published; a cluster that is in no MetroCluster says ``not_configured``; its nodes' management interfaces belong to no
SVM.
"""

from __future__ import annotations

import typing as t
import uuid as uuids

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record
from tests.simulator.records import Owner

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap


def _uuid(*parts: str) -> str:
    # The same in every run, as all UUIDs here are.
    return str(uuids.uuid5(uuids.NAMESPACE_URL, "/".join(parts)))


def _svms(ontap: Ontap, call: Call) -> list[Owner]:
    return [svm for svm in ontap.svms if call.tunnel in (None, svm)]


def _listed(ontap: Ontap, call: Call, resource: str, records: t.Iterable[Record]) -> Answer:
    schema = ontap.schemas[resource]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    found = sorted(records, key=lambda record: str(record["uuid"]))
    return query.collection(call, schema, found, arguments, phantom_page=ontap.switches.phantom_page)


def _of(svm: Owner) -> Record:
    return {"uuid": svm.uuid, "name": svm.name}


def dns(ontap: Ontap, call: Call) -> Answer:
    """GET /name-services/dns: an SVM without name servers has no record."""
    records: t.Iterator[Record] = (
        {
            "uuid": svm.uuid,
            "svm": _of(svm),
            "scope": "svm",
            "domains": ["example.com"],
            "servers": list(svm.name_servers),
        }
        for svm in _svms(ontap, call)
        if svm.name_servers
    )
    return _listed(ontap, call, "dns", records)


def interfaces(ontap: Ontap, call: Call) -> Answer:
    """GET /network/ip/interfaces: one of each SVM, and each node's for management."""

    def records() -> t.Iterator[Record]:
        for number, svm in enumerate(_svms(ontap, call)):
            if svm.lif != "none":
                yield {
                    "uuid": _uuid(svm.uuid, "lif"),
                    "name": f"{svm.name}_data1",
                    "svm": _of(svm),
                    "scope": "svm",
                    "ip": {"address": f"192.0.2.{number % 250 + 1}", "netmask": "24", "family": "ipv4"},
                    "enabled": svm.lif != "disabled",
                    "state": "up" if svm.lif == "up" else "down",
                    "services": ["data_core", "data_nfs"],
                    "location": {"node": {"name": ontap.nodes[0].name, "uuid": ontap.nodes[0].uuid}},
                }
        for number, node in enumerate(ontap.nodes if call.tunnel is None else ()):
            yield {
                "uuid": _uuid(node.uuid, "lif"),
                "name": f"{node.name}_mgmt",
                "scope": "cluster",
                "ip": {"address": f"198.51.100.{number + 1}", "netmask": "24", "family": "ipv4"},
                "enabled": True,
                "state": "up" if node.reachable else "down",
                "services": ["management_core", "management_https"],
                "location": {"node": {"name": node.name, "uuid": node.uuid}},
            }

    return _listed(ontap, call, "interfaces", records())


def routes(ontap: Ontap, call: Call) -> Answer:
    """GET /network/ip/routes: those of each SVM, as ``address/length``."""

    def records() -> t.Iterator[Record]:
        for svm in _svms(ontap, call):
            for route in svm.routes:
                address, _slash, length = route.partition("/")
                family = "ipv6" if ":" in address else "ipv4"
                yield {
                    "uuid": _uuid(svm.uuid, route),
                    "svm": _of(svm),
                    "scope": "svm",
                    "destination": {"address": address, "netmask": length, "family": family},
                    "gateway": "fd00::1" if family == "ipv6" else "192.0.2.254",
                }

    return _listed(ontap, call, "routes", records())


def licences(ontap: Ontap, call: Call) -> Answer:
    """GET /cluster/licensing/licenses: those that there are."""
    names = ontap.site.licences
    records: t.Iterator[Record] = (
        {"uuid": _uuid(name), "name": name, "scope": "cluster", "state": "compliant"} for name in names
    )
    return _listed(ontap, call, "licences", records)


def aggregates(ontap: Ontap, call: Call) -> Answer:
    """GET /storage/aggregates: one of each node."""
    records: t.Iterator[Record] = (
        {
            "uuid": _uuid(node.uuid, "aggregate"),
            "name": f"{node.name}_aggr1",
            "data_encryption": {"software_encryption_enabled": ontap.site.nae_aggregates},
        }
        for node in ontap.nodes
    )
    return _listed(ontap, call, "aggregates", records)


def metrocluster(ontap: Ontap, call: Call) -> Answer:
    """GET /cluster/metrocluster."""
    state = "configured" if ontap.site.metrocluster else "not_configured"
    record: Record = {"local": {"configuration_state": state, "mode": "normal"}}
    return query.instance(ontap.schemas["metrocluster"], record, call.arguments({"fields"}))
