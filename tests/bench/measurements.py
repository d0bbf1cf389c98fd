# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and which targets have to be met. Targets are ratios and counts: machines differ, these do not."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.ontap.security.plugins.filter.render_drift_report import render_drift_report
from tests.bench.rig import SECRET, VAULT, Task, cluster, play
from tests.simulator import Simulator
from tests.support.fleet import drift_report, host_of

MODULE = "ontap.security.azure_key_vault"
MANY = "ontap.security.azure_key_vaults"
HERE, ORDINARY = f"{MODULE}, in process", f"{MODULE}, ordinary"
PING = "ansible.builtin.ping"
VENDOR = "netapp.ontap.na_ontap_rest_info"
SUBSET = "security/azure-key-vaults"
ITEMS = 20
FORKS = 20
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
    """Loops in which there is nothing to do, in Ansible's process and in one of their own, next to the vendor's module
    reading the same records, and to Ansible's that does nothing."""
    ours = {MODULE: {"svm": "{{ item }}", **VAULT, "client_secret": SECRET}, "register": "azure_key_vault"}
    ways: dict[str, Task] = {HERE: ours, ORDINARY: {**ours, "vars": {"ontap_in_process": False}}}
    with cluster(ITEMS) as simulator:
        play(simulator, [{"name": "Look at what it reads", **ways[HERE], "loop": ["svm0"]}])
        (request,) = simulator.requests
        reading = {
            "gather_subset": [SUBSET],
            "parameters": {"svm.name": "{{ item }}", "scope": "svm"},
            "fields": request["query"]["fields"].split(","),
            "hal_linking": False,
        }
        ways[VENDOR] = {VENDOR: reading, "register": "na_ontap_rest_info"}
        ways[PING] = {PING: {}}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            simulator.clear()
            taken = play(simulator, turns(ways, number))
            # The first round fills caches.
            for name in times if number else ():
                times[name] += [taken[f"{name} {first}"] for first in range(0, ITEMS, TURN)]
        agents = [request["headers"].get("user-agent", "") for request in simulator.requests]
    from_us = sum(agent.startswith("ontap.security") for agent in agents)
    requests = {HERE: from_us // 2, ORDINARY: from_us // 2, VENDOR: len(agents) - from_us, PING: 0}
    for name, number in requests.items():
        milliseconds = statistics.median(times[name]) / TURN * 1000
        yield Line(name, f"{milliseconds:.0f} ms an item, {number} requests for {ITEMS}")
    for name, other, target in ((HERE, VENDOR, 0.05), (HERE, PING, 0.08), (ORDINARY, VENDOR, 0.97)):
        # Of neighbours: what else the machine does meanwhile slows both.
        ratio = statistics.median(one / next_to for one, next_to in zip(times[name], times[other]))
        what = f"... {name.rpartition(', ')[2]}, to {other.rpartition('.')[2]}"
        yield Line(what, f"{ratio:.3f}", f"at most {target:.2f}", ratio <= target)


def turns(ways: t.Mapping[str, Task], number: int) -> t.Iterator[Task]:
    """The tasks of a round: loops over a few SVMs, each in another order of the ways, each way in the end over all."""
    # The first task of a play pays for what Ansible loads once.
    yield {"name": "Warm up", PING: {}}
    names = list(ways)
    for first in range(0, ITEMS, TURN):
        loop = [f"svm{svm}" for svm in range(first, first + TURN)]
        number = (number + 1) % len(names)
        for name in names[number:] + names[:number]:
            yield {"name": f"{name} {first}", **ways[name], "loop": loop}
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
    """Reports about fleets of clusters with 20 SVMs each, one in ten of them differing; once, because it takes long."""
    per_host = {}
    for hosts, limit in ((200, 15), (1000, 90)):
        taken, text = fleet(hosts)
        per_host[hosts] = taken / hosts
        what = f"drift report, {hosts:,} clusters of 20 SVMs"
        yield Line(what, f"{taken:.0f} s, {FORKS} forks", f"at most {limit} s", taken <= limit)
        if hosts == 200:
            begin = time.monotonic()
            page = render_drift_report(text, "html")
            drawing = time.monotonic() - begin
            yield Line("... rendering its page", f"{drawing:.1f} s", "at most 1 s", drawing <= 1)
            yield Line("... its page", f"{len(page) / 1e6:.1f} MB", "at most 2 MB", len(page) <= 2e6)
    # Of the largest process so far, which a controller is: those of other measurements are bounded by less.
    gigabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    yield Line("... memory of the controller", f"{gigabytes:.2f} GB", "at most 1.5 GB", gigabytes <= 1.5)
    ratio = per_host[1000] / per_host[200]
    yield Line("... cost of one, 1,000 to 200", f"{ratio:.2f}", "at most 1.2", ratio <= 1.2)
    begin = time.monotonic()
    for name in ("json", "html", "md", "csv", "xml", "prom", "txt"):
        render_drift_report(text, name)
    rendering = time.monotonic() - begin
    yield Line("... rendering it in all formats", f"{rendering:.1f} s", "at most 25 s", rendering <= 25)
    yield Line("... its JSON", f"{len(text) / 1e6:.1f} MB", "at most 50 MB", len(text) <= 50e6)


def fleet(hosts: int) -> tuple[float, str]:
    """The seconds that a report about so many clusters takes, and the report as JSON."""
    with ExitStack() as stack:
        simulators = [stack.enter_context(cluster(20)) for _number in range(10)]
        simulators[0].ontap.change_vault("svm3", client_id="somebody else's")
        # Ansible sees many clusters; a server stands for every tenth of them.
        wanted = {
            f"cluster{number:04}": host_of(
                simulators[number % 10],
                azure_key_vault_svms=[{"svm": f"svm{svm}"} for svm in range(20)],
                azure_key_vault_defaults=VAULT,
            )
            for number in range(hosts)
        }
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            reported = drift_report(wanted, Path(folder), "--forks", str(FORKS))
            taken = time.monotonic() - begin
            summary = reported.report["summary"]
            if summary["configurations"]["total"] != hosts * 20 or summary["verdict"] != "drift":
                raise RuntimeError(f"The report is not about what it is measured for: {summary}")
            return taken, (reported.files / "drift-report.json").read_text(encoding="utf-8")


def demo(_rounds: int) -> t.Iterator[Line]:
    """The demo as ``make demo`` runs it, when everything is installed."""
    begin = time.monotonic()
    subprocess.run([sys.executable, "-m", "tests.demo"], check=True, stdout=subprocess.DEVNULL)
    taken = time.monotonic() - begin
    yield Line("demo", f"{taken:.0f} s", "at most 20 s", taken <= 20)


def whole_cluster(rounds: int) -> t.Iterator[Line]:
    """1,000 SVMs in sync in one task, next to the vendor's module in a loop over 50 of them, scaled to 1,000."""
    svms, looped = 1000, 50
    with cluster(svms) as simulator:
        entries = [{"svm": f"svm{number}", **VAULT, "client_secret": SECRET} for number in range(svms)]
        reading: Task = {"gather_subset": [SUBSET], "parameters": {"svm.name": "{{ item }}"}, "fields": ["*"]}
        tasks: list[Task] = [
            {"name": "warm up", "ansible.builtin.ping": {}},
            {"name": "ping", "ansible.builtin.ping": {}},
            {"name": "all", MANY: {"vaults": entries}},
            {"name": "loop", VENDOR: reading, "loop": [f"svm{number}" for number in range(looped)]},
        ]
        times = []
        for _round in range(max(1, rounds // 2)):
            simulator.clear()
            times.append(play(simulator, tasks))
        requests = sum("ontap.security" in r["headers"].get("user-agent", "") for r in simulator.requests)
    extra = statistics.median(taken["all"] - taken["ping"] for taken in times)
    vendor = statistics.median(taken["loop"] for taken in times) * svms / looped
    ratio = statistics.median(taken["loop"] * svms / looped / taken["all"] for taken in times)
    yield Line(f"{svms} SVMs in sync: requests", str(requests), "1", requests == 1)
    yield Line("... on top of ping", f"{extra:.2f} s", "at most 1.5 s", extra <= 1.5)
    yield Line("... the vendor's loop, scaled", f"{vendor:.0f} s, {ratio:.0f} times", "100 times", ratio >= 100)


def growth(_rounds: int) -> t.Iterator[Line]:
    """Time and memory of azure_key_vaults without Ansible around it, from 10 to 10,000 records in sync."""
    per_record = {}
    for svms in (10, 1000, 10_000):
        with cluster(svms) as simulator:
            seconds, megabytes = alone(simulator, svms)
        per_record[svms] = seconds / svms
        what = f"{svms:,} records in sync"
        target = {"target": "at most 200 MB", "met": megabytes <= 200} if svms == 10_000 else {}
        yield Line(what, f"{seconds:.2f} s, {megabytes:.0f} MB", **t.cast("dict[str, t.Any]", target))
    ratio = per_record[10_000] / per_record[1000]
    yield Line("... cost of one, 10,000 to 1,000", f"{ratio:.2f}", "at most 1.5", ratio <= 1.5)


def alone(simulator: Simulator, svms: int) -> tuple[float, float]:
    """Seconds and megabytes of a process that runs the module's function once."""
    program = (
        "import json, resource, sys, time\n"
        "from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired\n"
        "from ansible_collections.ontap.security.plugins.module_utils._engine.batch import Batch, ensure_all\n"
        "from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client\n"
        "from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection\n"
        "from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Waiting\n"
        "login, vault, svms = json.load(sys.stdin)\n"
        "vaults = [{'svm': f'svm{number}', **vault} for number in range(svms)]\n"
        "params = {'vaults': vaults, 'unmanaged': 'report', 'allow_empty': False, 'concurrency': 4}\n"
        "begin = time.monotonic()\n"
        "with Client(Connection(**login)) as client:\n"
        "    result = ensure_all(client, Batch.of(Desired, params), check_mode=False, waiting=Waiting())\n"
        "assert result['summary']['in_sync'] == svms\n"
        "print(time.monotonic() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    login = {
        "hostname": simulator.host,
        "port": simulator.port,
        "username": simulator.username,
        "password": simulator.password,
        "ca_path": str(simulator.ca_path),
    }
    finished = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([login, {**VAULT, "client_secret": SECRET}, svms]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, megabytes = map(float, finished.stdout.split())
    return seconds, megabytes


def concurrency(_rounds: int) -> t.Iterator[Line]:
    """200 creates, each of which ONTAP takes 200 ms for, one at a time and eight at a time."""
    taken = {}
    for at_a_time in (1, 8):
        with Simulator("9.16.1", [f"svm{number}" for number in range(200)]) as simulator:
            simulator.fault(method="POST", kind="delay", seconds=0.2, times=None)
            entries = [{"svm": svm.name, **VAULT, "client_secret": SECRET} for svm in simulator.ontap.svms]
            begin = time.monotonic()
            play(simulator, [{"name": "create", MANY: {"vaults": entries, "concurrency": at_a_time}}])
            taken[at_a_time] = time.monotonic() - begin
    ratio = taken[1] / taken[8]
    yield Line("200 creates, 8 at a time", f"{taken[8]:.1f} s, {ratio:.1f} times as fast", "5 times", ratio >= 5)


MEASUREMENTS: t.Sequence[t.Callable[[int], t.Iterable[Line]]] = (
    speed,
    budget,
    whole_cluster,
    growth,
    concurrency,
    drift_reports,
    demo,
)
