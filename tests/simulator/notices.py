# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of /support/ems: events, filters and destinations.

Codes are those of the ONTAP REST API reference; which of the four for a bad name is meant is a reading.
"""

from __future__ import annotations

import fnmatch
import re
import typing as t
import urllib.parse

from tests.simulator import query
from tests.simulator.call import Answer, Call, Record, load_body
from tests.simulator.ems import KINDS, Destination, Filter, Rule
from tests.simulator.errors import OntapError, invalid, not_found, unexpected
from tests.simulator.fields import SEVERITIES

if t.TYPE_CHECKING:
    from tests.simulator.ontap import Ontap

DESTINATIONS = "/api/support/ems/destinations"
FILTERS = "/api/support/ems/filters"
_NAME = re.compile(r"(?=.{2,64}\Z)[A-Za-z0-9_][A-Za-z0-9_-]*[A-Za-z0-9_]", re.ASCII)


def events(ontap: Ontap, call: Call) -> Answer:
    """GET /support/ems/events. Reading: without order_by they come by node and index, which are their key."""
    schema = ontap.schemas["ems-events"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    away = {node.name for node in ontap.nodes if not node.reachable}
    # Each node keeps its own log.
    found = [event.record() for event in ontap.ems.events if event.node not in away]
    found.sort(key=lambda record: str(record["uuid"]))
    return query.collection(call, schema, found, arguments, phantom_page=ontap.switches.phantom_page)


# --- destinations


def _destination(ontap: Ontap, one: Destination) -> Record:
    record: Record = {
        "uuid": one.name,
        "name": one.name,
        "type": one.type,
        "destination": one.address,
        "system_defined": one.system,
        "filters": [{"name": name} for name in one.filters],
        "_links": {"self": {"href": f"{DESTINATIONS}/{one.name}"}},
    }
    if one.ca:
        record["certificate"] = {"ca": one.ca, "serial_number": one.serial}
    return record


def destinations(ontap: Ontap, call: Call) -> Answer:
    """GET /support/ems/destinations."""
    schema = ontap.schemas["ems-destinations"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    records = [_destination(ontap, ontap.ems.destinations[name]) for name in sorted(ontap.ems.destinations)]
    return query.collection(call, schema, records, arguments)


def destination(ontap: Ontap, call: Call, name: str) -> Answer:
    """GET /support/ems/destinations/{name}: asked for ``connectivity`` it sends an event, and says what came of it."""
    schema = ontap.schemas["ems-destinations"]
    one = _find(ontap.ems.destinations, name)
    record = _destination(ontap, one)
    arguments = call.arguments({"fields"})
    wanted = query.wanted_fields(schema, arguments.text("fields"), default=schema.standard)
    if any(field.startswith("connectivity.") for field in wanted):
        trouble = ontap.try_destination(one) if one.type == "rest_api" else None
        state = "not_supported" if one.type != "rest_api" else "fail" if trouble else "success"
        node = {"uuid": ontap.nodes[0].uuid, "name": ontap.nodes[0].name}
        errors = [{"node": node, "message": {"code": "983171", "message": trouble}}] if trouble else []
        record["connectivity"] = {"state": state, "errors": errors}
    return query.instance(schema, record, arguments)


def create_destination(ontap: Ontap, call: Call) -> Answer:
    """POST /support/ems/destinations."""
    body = _body(call, {"name", "type", "destination", "filters", "certificate"})
    name = _name(body)
    if name in ontap.ems.destinations:
        raise OntapError(1, target="name")
    if body.get("type") not in ("snmp", "email", "syslog", "rest_api"):
        raise invalid("type", body.get("type"))
    one = Destination(name, body["type"], "")
    _set_destination(ontap, one, {"filters": [], **body})
    ontap.ems.destinations[name] = one
    return Answer(201, headers={"Location": f"{DESTINATIONS}/{name}"})


def change_destination(ontap: Ontap, call: Call, name: str) -> Answer:
    """PATCH /support/ems/destinations/{name}; ``filters`` takes the place of the whole list."""
    body = _body(call, {"destination", "filters", "certificate"})
    _set_destination(ontap, _find(ontap.ems.destinations, name), body)
    return Answer()


def delete_destination(ontap: Ontap, call: Call, name: str) -> Answer:
    """DELETE /support/ems/destinations/{name}."""
    call.arguments(())
    one = _find(ontap.ems.destinations, name)
    if one.system:
        raise OntapError(983152)
    del ontap.ems.destinations[one.name]
    return Answer()


def _set_destination(ontap: Ontap, one: Destination, body: Record) -> None:
    address = body.get("destination", one.address)
    if one.type == "rest_api":
        url = urllib.parse.urlsplit(str(address))
        if url.scheme not in ("http", "https"):
            raise OntapError(983129, target="destination")
        if not url.hostname:
            raise OntapError(983130, target="destination")
    names = [_member(item, "filters", "name") for item in body.get("filters", [{"name": n} for n in one.filters])]
    for name in names:
        if name not in ontap.ems.filters:
            raise OntapError(983107, target="filters.name")
    certificate = body.get("certificate") or {}
    if bool(certificate.get("ca")) != bool(certificate.get("serial_number")):
        raise OntapError(983144, target="certificate")
    if certificate.get("ca") and not str(address).startswith("https:"):
        raise OntapError(983145, target="certificate")
    one.address, one.filters = str(address), names
    if certificate.get("ca"):
        one.ca, one.serial = str(certificate["ca"]), str(certificate["serial_number"])


# --- filters


def _filter(one: Filter) -> Record:
    return {
        "uuid": one.name,
        "name": one.name,
        "system_defined": one.system,
        "rules": [_rule(index, rule) for index, rule in enumerate(one.rules, 1)],
        "_links": {"self": {"href": f"{FILTERS}/{one.name}"}},
    }


def _rule(index: int, rule: Rule) -> Record:
    criteria = {"name_pattern": rule.name_pattern, "severities": rule.severities, "snmp_trap_types": "*"}
    parameters = [{"name_pattern": name, "value_pattern": value} for name, value in rule.parameters]
    return {"index": index, "type": rule.type, "message_criteria": criteria, "parameter_criteria": parameters}


def filters(ontap: Ontap, call: Call) -> Answer:
    """GET /support/ems/filters."""
    schema = ontap.schemas["ems-filters"]
    arguments = call.arguments(query.COLLECTION_PARAMETERS, schema)
    records = [_filter(ontap.ems.filters[name]) for name in sorted(ontap.ems.filters)]
    return query.collection(call, schema, records, arguments)


def filter_(ontap: Ontap, call: Call, name: str) -> Answer:
    """GET /support/ems/filters/{name}."""
    one = _find(ontap.ems.filters, name)
    return query.instance(ontap.schemas["ems-filters"], _filter(one), call.arguments({"fields"}))


def create_filter(ontap: Ontap, call: Call) -> Answer:
    """POST /support/ems/filters."""
    body = _body(call, {"name", "rules"})
    name = _name(body)
    if name in ontap.ems.filters:
        raise OntapError(1, target="name")
    ontap.ems.filters[name] = Filter(name, _rules(ontap, body.get("rules", [])))
    return Answer(201, headers={"Location": f"{FILTERS}/{name}"})


def change_filter(ontap: Ontap, call: Call, name: str) -> Answer:
    """PATCH /support/ems/filters/{name}; ``rules`` takes the place of the whole list."""
    body = _body(call, {"rules"})
    one = _find(ontap.ems.filters, name)
    if one.system:
        raise OntapError(983113)
    one.rules = _rules(ontap, body.get("rules", []))
    return Answer()


def delete_filter(ontap: Ontap, call: Call, name: str) -> Answer:
    """DELETE /support/ems/filters/{name}."""
    call.arguments(())
    one = _find(ontap.ems.filters, name)
    if one.system:
        raise OntapError(983113)
    if any(name in destination.filters for destination in ontap.ems.destinations.values()):
        raise OntapError(983124)
    del ontap.ems.filters[one.name]
    return Answer()


def _rules(ontap: Ontap, items: t.Any) -> list[Rule]:
    if not isinstance(items, list):
        raise invalid("rules", items)
    found = []
    for item in sorted(items, key=lambda item: int(_member(item, "rules", "index", 0))):
        criteria = item.get("message_criteria") or {}
        rule = Rule(
            str(_member(item, "rules", "type")),
            str(criteria.get("name_pattern") or "*"),
            str(criteria.get("severities") or "*"),
            [(str(p.get("name_pattern")), str(p.get("value_pattern"))) for p in item.get("parameter_criteria", [])],
        )
        if rule.type not in ("include", "exclude"):
            raise invalid("rules.type", rule.type)
        if rule.parameters and not ontap.profile.since("9.13.1"):
            raise OntapError(983211, target="rules.parameter_criteria")
        _check_rule(ontap, rule)
        found.append(rule)
    return found


def _check_rule(ontap: Ontap, rule: Rule) -> None:
    """A pattern has to match an event that the release knows, and one of a severity that the rule has."""
    severities = set(rule.severities.split(","))
    if not severities <= {*SEVERITIES, "*"}:
        raise invalid("rules.message_criteria.severities", rule.severities)
    kinds = [kind for name, kind in KINDS.items() if fnmatch.fnmatchcase(name, rule.name_pattern)]
    known = [kind for kind in kinds if ontap.profile.since(kind.since)]
    if not known:
        raise OntapError(983101, target="rules.message_criteria.name_pattern")
    if "*" not in severities and rule.name_pattern != "*" and not {kind.severity for kind in known} & severities:
        raise OntapError(983155, target="rules.message_criteria.severities")


# --- what both have


def _body(call: Call, names: set[str]) -> Record:
    call.arguments({"return_records"})
    body = load_body(call.raw_body)
    for name in body:
        if name not in names:
            raise unexpected(name)
    return t.cast("Record", body)


def _name(body: Record) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise OntapError(983179, target="name")
    return name


def _member(item: t.Any, where: str, name: str, default: t.Any = None) -> t.Any:
    if not isinstance(item, dict) or item.get(name, default) is None:
        raise invalid(f"{where}.{name}", None)
    return item.get(name, default)


Thing = t.TypeVar("Thing")


def _find(things: t.Mapping[str, Thing], name: str) -> Thing:
    if name not in things:
        raise not_found()
    return things[name]
