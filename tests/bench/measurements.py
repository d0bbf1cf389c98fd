# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and which targets have to be met. Targets are ratios and counts: machines differ, these do not."""

from __future__ import annotations

import statistics
import tempfile
import time
import typing as t
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.ontap.security.plugins.filter.render_drift_report import render_drift_report
from tests.bench.rig import SECRET, VAULT, Task, cluster, play
from tests.integration.fleet import drift_report, host_of

MODULE = "ontap.security.azure_key_vault"
VENDOR = "netapp.ontap.na_ontap_rest_info"
SUBSET = "security/azure-key-vaults"
ITEMS = 20
# Short, so that a burst of other work on the machine hits both.
TURN = 5


@dataclass(frozen=True)
class Line:
    """One line of the table. Without a target it is only shown."""

    what: str
    value: str
    target: str = ""
    met: bool = True


def speed(rounds: int) -> t.Iterator[Line]:
    """Loops in which there is nothing to do, next to the vendor's module reading the same records."""
    options: dict[str, Task] = {MODULE: {"svm": "{{ item }}", **VAULT, "client_secret": SECRET}}
    with cluster(ITEMS) as simulator:
        play(simulator, [{"name": "Look at what it reads", MODULE: options[MODULE], "loop": ["svm0"]}])
        (request,) = simulator.requests
        options[VENDOR] = {
            "gather_subset": [SUBSET],
            "parameters": {"svm.name": "{{ item }}", "scope": "svm"},
            "fields": request["query"]["fields"].split(","),
            "hal_linking": False,
        }
        times: dict[str, list[float]] = {MODULE: [], VENDOR: []}
        for number in range(rounds + 1):
            simulator.clear()
            taken = play(simulator, turns(options, number))
            # The first round fills caches.
            for name in times if number else ():
                times[name] += [taken[f"{name} {first}"] for first in range(0, ITEMS, TURN)]
        agents = [request["headers"].get("user-agent", "") for request in simulator.requests]
    from_us = sum(agent.startswith("ontap.security") for agent in agents)
    for name, requests in ((MODULE, from_us), (VENDOR, len(agents) - from_us)):
        milliseconds = statistics.median(times[name]) / TURN * 1000
        yield Line(name, f"{milliseconds:.0f} ms an item, {requests} requests for {ITEMS}")
    # Of neighbours: what else the machine does meanwhile slows both.
    ratio = statistics.median(ours / theirs for ours, theirs in zip(times[MODULE], times[VENDOR]))
    yield Line("ratio of the two", f"{ratio:.2f}", "at most 0.90", ratio <= 0.9)


def turns(options: t.Mapping[str, Task], number: int) -> t.Iterator[Task]:
    """The tasks of a round: loops over a few SVMs, of one module and the other in turns, each in the end over all."""
    # The first task of a play pays for what Ansible loads once.
    yield {"name": "Warm up", "ansible.builtin.ping": {}}
    for first in range(0, ITEMS, TURN):
        loop = [f"svm{svm}" for svm in range(first, first + TURN)]
        number += 1
        for module in (MODULE, VENDOR) if number % 2 else (VENDOR, MODULE):
            short = module.rpartition(".")[2]
            yield {"name": f"{module} {first}", module: options[module], "loop": loop, "register": short}
        records = f"na_ontap_rest_info.results | map(attribute='ontap_info') | map(attribute='{SUBSET}')"
        yield {
            "name": "Both did what they are measured for",
            "ansible.builtin.assert": {
                "that": [
                    "azure_key_vault is not changed",
                    f"{records} | map(attribute='num_records') | list == {[1] * TURN}",
                ]
            },
        }


def budget(_rounds: int) -> t.Iterator[Line]:
    """How many requests each kind of work takes."""
    with cluster(3) as simulator:
        simulator.ontap.add_svm("new")
        for what, options, target in (
            ("nothing to do", {"svm": "svm0", **VAULT, "client_secret": SECRET}, 1),
            ("update", {"svm": "svm1", "proxy_type": "http", "proxy_host": "proxy.example.com", "proxy_port": 3128}, 2),
            ("delete", {"svm": "svm2", "state": "absent"}, 2),
            ("create", {"svm": "new", **VAULT, "client_secret": SECRET}, 4),
        ):
            simulator.clear()
            play(simulator, [{"name": what, MODULE: options}])
            sent = [request["method"] for request in simulator.requests]
            exact = what != "create"
            yield Line(
                f"{what}: requests",
                f"{len(sent)} ({', '.join(sent)})",
                f"{'' if exact else 'at most '}{target}",
                len(sent) == target if exact else len(sent) <= target,
            )


def drift_reports(_rounds: int) -> t.Iterator[Line]:
    """A report about 200 clusters with 20 SVMs each, one in ten of them differing; once, because it takes long."""
    hosts, forks = 200, 20
    with ExitStack() as stack:
        simulators = [stack.enter_context(cluster(20)) for _number in range(10)]
        simulators[0].ontap.change_vault("svm3", client_id="somebody else's")
        # Ansible sees 200 clusters; a server stands for every tenth of them.
        wanted = {
            f"cluster{number:03}": host_of(
                simulators[number % 10],
                azure_key_vault_svms=[{"svm": f"svm{svm}"} for svm in range(20)],
                azure_key_vault_defaults=VAULT,
            )
            for number in range(hosts)
        }
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            reported = drift_report(wanted, Path(folder), "--forks", str(forks))
            taken = time.monotonic() - begin
            summary = reported.report["summary"]
            if summary["configurations"]["total"] != hosts * 20 or summary["verdict"] != "drift":
                raise RuntimeError(f"The report is not about what it is measured for: {summary}")
            text = (reported.folder / "drift-report.json").read_text(encoding="utf-8")
    begin = time.monotonic()
    for name in ("json", "html", "md", "csv", "xml"):
        render_drift_report(text, name)
    rendering = time.monotonic() - begin
    what = f"drift report, {hosts} clusters of 20 SVMs, {forks} forks"
    yield Line(what, f"{taken:.0f} s", "under 120 s", taken < 120)
    yield Line("... rendering it in all formats", f"{rendering:.1f} s", "under 5 s", rendering < 5)
    yield Line("... its JSON", f"{len(text) / 1e6:.1f} MB", "under 10 MB", len(text) < 10e6)


MEASUREMENTS: t.Sequence[t.Callable[[int], t.Iterable[Line]]] = (speed, budget, drift_reports)
