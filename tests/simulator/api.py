# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which request goes to which operation, release by release."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from tests.simulator import cluster, configs, keymanagers, keystores, notices, surroundings, vaults, volumes
from tests.simulator.call import Answer, Call
from tests.simulator.ems import EVENTS_PATH
from tests.simulator.errors import OntapError
from tests.simulator.fields import ALWAYS, Span, since
from tests.simulator.ontap import Ontap
from tests.simulator.records import Owner

Operation = t.Callable[..., Answer]


@dataclass(frozen=True)
class Route:
    """A path (``{}`` stands for one part of it), and what its methods do: operation name and function."""

    path: str
    methods: t.Mapping[str, tuple[str, Operation]]
    releases: Span = ALWAYS

    def match(self, path: str) -> list[str] | None:
        """Return the variable parts of ``path``, or None when this is another path."""
        found = re.fullmatch(self.path.replace("{}", "([^/]+)"), path)
        return list(found.groups()) if found else None


# Collections take neither PATCH nor DELETE, nor POST of several records: the reference lists these for none of them.
ROUTES = (
    Route("/api/security/azure-key-vaults", {"GET": ("list", vaults.collection), "POST": ("create", vaults.create)}),
    Route(
        "/api/security/azure-key-vaults/{}",
        {"GET": ("get", vaults.instance), "PATCH": ("patch", vaults.patch), "DELETE": ("delete", vaults.delete)},
    ),
    Route("/api/security/azure-key-vaults/{}/restore", {"POST": ("restore", vaults.restore)}),
    Route(
        "/api/security/azure-key-vaults/{}/rekey-internal",
        {"POST": ("rekey-internal", vaults.rekey_internal)},
        since("9.8"),
    ),
    # The clients of these releases use the underscore; reading: their clusters know both spellings.
    Route(
        "/api/security/azure-key-vaults/{}/rekey_internal",
        {"POST": ("rekey-internal", vaults.rekey_internal)},
        ("9.8", "9.10.1"),
    ),
    Route(
        "/api/security/azure-key-vaults/{}/rekey-external",
        {"POST": ("rekey-external", vaults.rekey_external)},
        since("9.11.1"),
    ),
    Route("/api/security/key-stores", {"GET": ("key-stores-list", keystores.collection)}, since("9.10.1")),
    Route("/api/security/gcp-kms", {"GET": ("", keystores.google)}, since("9.9.1")),
    Route(
        "/api/security/key-stores/{}",
        {
            "GET": ("key-stores-get", keystores.instance),
            "PATCH": ("key-stores-patch", keystores.enable),
            "DELETE": ("key-stores-delete", keystores.delete),
        },
        since("9.14.1"),
    ),
    Route("/api/security/key-managers", {"GET": ("key-managers-list", keymanagers.collection)}),
    Route("/api/security/key-managers/{}", {"GET": ("", keymanagers.instance)}),
    Route(
        "/api/security/key-managers/{}/keys/{}/key-ids", {"GET": ("key-ids-list", keymanagers.key_ids)}, since("9.11.1")
    ),
    Route("/api/security/key-managers/{}/migrate", {"POST": ("migrate", keymanagers.migrate)}),
    Route(
        configs.PATH,
        {"GET": ("key-manager-configs-get", configs.show), "PATCH": ("key-manager-configs-patch", configs.change)},
        since("9.10.1"),
    ),
    Route("/api/cluster", {"GET": ("", cluster.cluster)}),
    Route("/api/cluster/nodes", {"GET": ("nodes-list", cluster.nodes)}),
    Route("/api/cluster/nodes/{}", {"GET": ("", cluster.node)}),
    Route("/api/cluster/jobs", {"GET": ("jobs-list", cluster.jobs)}),
    Route("/api/cluster/jobs/{}", {"GET": ("jobs-get", cluster.job), "PATCH": ("jobs-patch", cluster.change_job)}),
    Route("/api/svm/svms", {"GET": ("", cluster.svms)}),
    Route("/api/svm/svms/{}", {"GET": ("", cluster.svm)}),
    Route("/api/storage/volumes", {"GET": ("volumes-list", volumes.collection)}),
    Route("/api/storage/volumes/{}", {"GET": ("", volumes.instance)}),
    Route(EVENTS_PATH, {"GET": ("ems-events-list", notices.events)}),
    Route(
        notices.DESTINATIONS,
        {"GET": ("", notices.destinations), "POST": ("ems-destinations-create", notices.create_destination)},
    ),
    Route(
        f"{notices.DESTINATIONS}/{{}}",
        {
            "GET": ("", notices.destination),
            "PATCH": ("ems-destinations-patch", notices.change_destination),
            "DELETE": ("", notices.delete_destination),
        },
    ),
    Route(
        notices.FILTERS,
        {"GET": ("", notices.filters), "POST": ("ems-filters-create", notices.create_filter)},
    ),
    Route(
        f"{notices.FILTERS}/{{}}",
        {"GET": ("", notices.filter_), "PATCH": ("", notices.change_filter), "DELETE": ("", notices.delete_filter)},
    ),
    Route("/api/storage/aggregates", {"GET": ("", surroundings.aggregates)}),
    Route("/api/name-services/dns", {"GET": ("", surroundings.dns)}),
    Route("/api/network/ip/interfaces", {"GET": ("", surroundings.interfaces)}),
    Route("/api/network/ip/routes", {"GET": ("", surroundings.routes)}),
    Route("/api/cluster/licensing/licenses", {"GET": ("", surroundings.licences)}),
    # Reading: the first client that has it is that of 9.8.
    Route("/api/cluster/metrocluster", {"GET": ("", surroundings.metrocluster)}, since("9.8")),
)


def dispatch(ontap: Ontap, call: Call, headers: t.Mapping[str, str]) -> Answer:
    """Carry out a request; ``headers`` (lower case) may name an SVM to tunnel to. Raises OntapError."""
    path = resolve(call.path)
    for route in ROUTES:
        parts = route.match(path)
        if parts is not None and ontap.profile.within(route.releases):
            break
    else:
        # Reading: the tables have no code for a path that the release does not know; clusters say 3 with 404.
        raise OntapError(3, "API not found", status=404)
    if call.method == "OPTIONS":
        return Answer(headers={"Allow": ", ".join([*route.methods, "HEAD", "OPTIONS"])})
    method = "GET" if call.method == "HEAD" else call.method
    if method not in route.methods:
        raise OntapError(3, f"{call.method} is not supported for {path}.")
    # The official client sends an empty object with DELETE, so that counts as no body.
    if method in ("GET", "DELETE") and call.raw_body.strip() not in (b"", b"{}"):
        raise OntapError(262198)
    operation, function = route.methods[method]
    ontap.jobs.settle()
    if ontap.watch.since:
        # Time may have passed. Where nothing is amiss, ten thousand configurations are not looked at for each request.
        ontap.observe()
    ontap.check_refused(operation)
    ontap.approvals.check(operation, call, ontap.clock.now())
    call.tunnel = tunnel(ontap, headers, 13434920 if operation == "key-stores-list" else 2621462)
    answer = function(ontap, call, *parts)
    if method != "GET":
        ontap.observe()
    return answer


def tunnel(ontap: Ontap, headers: t.Mapping[str, str], code: int) -> Owner | None:
    """Return the SVM that X-Dot-SVM-Name or X-Dot-SVM-UUID name; ``code`` is the error for an unknown one."""
    name, uuid = headers.get("x-dot-svm-name"), headers.get("x-dot-svm-uuid")
    if name is None and uuid is None:
        return None
    found = [svm for svm in ontap.svms if name == svm.name or uuid == svm.uuid]
    if not found:
        raise OntapError(code)
    if name not in (None, found[0].name) or uuid not in (None, found[0].uuid):
        raise OntapError(2621706)
    return found[0]


def resolve(path: str) -> str:
    """Remove dots from a path as RFC 3986 says, and a slash at its end."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1] or [""]
        elif part != ".":
            parts.append(part)
    return "/".join(parts).rstrip("/") or "/"
