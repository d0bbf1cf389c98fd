# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook rotate_secret under ansible-playbook: that its tasks do what is decided, and let no secret out.

What is decided, case by case, is in tests/unit/test_rotation.py.
"""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.integration.test_playbooks import Ran, run
from tests.simulator import Simulator
from tests.support.beats import CLIENT, OLD, TENANT, WRITES
from tests.support.rotations import ALL, NEW_SECRET, OTHER, Clusters, accept, fleets, having, having_each

ROLE = Path(__file__).parents[2] / "roles/rotate_secret"
# What an AWX credential brings along.
APPLICATION = {"AKV_CLIENT_ID": CLIENT, "AKV_TENANT_ID": TENANT, "AKV_CLIENT_SECRET": NEW_SECRET}


@pytest.fixture
def clusters() -> t.Iterator[Clusters]:
    with fleets() as make:
        yield make


def rotate(
    sims: t.Sequence[Simulator],
    folder: Path,
    *arguments: str,
    environment: t.Mapping[str, str] | None = None,
    of_hosts: t.Mapping[str, t.Any] | None = None,
    **variables: t.Any,
) -> Ran:
    """Rotate with the secret of the environment. ``of_hosts`` are inventory variables of a host, or of ``all``."""
    for host, its in (of_hosts or {}).items():
        path = folder / ("group_vars" if host == "all" else "host_vars") / f"{host}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(its), encoding="utf-8")
    return run(
        sims[0],
        folder,
        "rotate_secret",
        *arguments,
        environment={**(APPLICATION if environment is None else environment), "ANSIBLE_SHOW_CUSTOM_STATS": "true"},
        others=sims[1:],
        **variables,
    )


def writes(sims: t.Sequence[Simulator]) -> int:
    return sum(request["method"] in WRITES for sim in sims for request in sim.requests)


def changes(ran: Ran) -> int:
    return sum(map(int, re.findall(r"\bchanged=(\d+)", ran.output)))


def summary(ran: Ran) -> dict[str, t.Any]:
    stats = ran.output.partition("CUSTOM STATS")[2].partition('"azure_key_vault_rotate_summary": ')[2]
    return t.cast("dict[str, t.Any]", json.JSONDecoder().raw_decode(stats)[0])


def test_every_configuration_of_the_application(clusters: Clusters, tmp_path: Path) -> None:
    """Check mode predicts the number of changes and sends nothing. The secret is not in the output at -vvvvv."""
    sims = clusters(("9.16.1", ALL), ("9.16.1", ["vs0"]))
    sims[1].ontap.add_vault("vs1", **{**OLD, "client_id": OTHER})
    accept(sims, NEW_SECRET, OLD["client_secret"])
    before = [sim.snapshot() for sim in sims]
    predicted = rotate(sims, tmp_path, "--check", "--diff")
    assert (predicted.failed, writes(sims)) == (False, 0), predicted.output
    assert [sim.snapshot() for sim in sims] == before
    assert "5 configurations on 2 clusters would get the secret" in predicted.output
    assert predicted.output.count("+ client_secret: (set)") + predicted.output.count('"client_secret": "(set)"') == 5
    # As a survey that is left empty gives them.
    names = ("svms", "client_id", "unproven")
    done = rotate(sims, tmp_path, "--diff", "-vvvvv", **{f"azure_key_vault_rotate_{name}": "" for name in names})
    assert (done.failed, writes(sims)) == (False, 5), done.output
    assert changes(predicted) == changes(done) == 3
    assert having_each(sims) == [sorted(ALL), ["vs0"]]
    assert having(sims[1], OLD["client_secret"]) == ["vs1"]
    assert "does not report whether they reach Azure with it" in done.output
    # The escapes have escapes where Ansible prints JSON.
    for ran in (predicted, done):
        assert re.search(r"vs2/spare\\+x1b\[31m\\+u202e on cluster1\b", ran.output)
        assert summary(ran) == {
            "client_id": CLIENT,
            "clusters": 2,
            "complete": True,
            "configurations": 5,
            "hosts_to_do": [],
            "unreached": 0,
            "unreported": 0 if ran is predicted else 1,
            "without": 0,
        }
    assert not {"\x1b", "\u202e"} & set(predicted.output)


def test_a_wrong_secret_stops_at_one_configuration(clusters: Clusters, tmp_path: Path) -> None:
    """What the inventory says counts: the application, the SVMs, and the credentials, which come before those of the
    environment. That none can prove it would be no obstacle."""
    sims = clusters(("9.10.1", ["vs0"]), ("9.10.1", ["vs0", "vs1"]))
    accept(sims, OLD["client_secret"])
    of_all = {
        "azure_key_vault_rotate_client_id": f" {CLIENT.upper()} ",
        "azure_key_vault_rotate_unproven": True,
        "azure_key_vault_credentials": {CLIENT: {"client_secret": NEW_SECRET}},
    }
    svms = {f"cluster{number}": {"azure_key_vault_rotate_svms": f"vs{number - 1}"} for number in (1, 2)}
    elsewhere = {"AKV_CLIENT_ID": "somebody-else", "AKV_TENANT_ID": "elsewhere", "AKV_CLIENT_SECRET": "wrong"}
    failed = rotate(sims, tmp_path, environment=elsewhere, of_hosts={"all": of_all, **svms})
    assert (failed.failed, writes(sims), having_each(sims)) == (True, 1, [["vs0"], []]), failed.output
    stopped = failed.output.partition("Stop if the secret was not sent to all]")[2]
    assert "vs0 on cluster1 reached Azure before, and with the secret that was sent it does not" in stopped
    assert "No other configuration has been sent the secret in this run. Leave the old secret enabled" in stopped
    assert "Have the secret: vs0 on cluster1." in failed.output
    assert (summary(failed)["complete"], summary(failed)["without"]) == (False, 1)


def test_what_goes_wrong_on_a_cluster_stops_no_other(clusters: Clusters, tmp_path: Path) -> None:
    """One is away, one refuses for one of two, one loses Azure. Only what needs a person is named, and no record."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0"]), ("9.16.1", ["vs0", "vs1"]), ("9.10.1", ["vs2"]))
    sims[0].fault(kind="status", status=503, times=None)
    sims[2].ontap.refuse("patch", 65537540, times=1)
    accept(sims[3:], OLD["client_secret"])
    failed = rotate(sims, tmp_path)
    (missed,) = {"vs0", "vs1"} - set(having(sims[2]))
    (well,) = having(sims[2])
    assert (failed.failed, having_each(sims)) == (True, [[], ["vs0"], [well], ["vs2"]]), failed.output
    assert "3 configurations on 3 clusters have the secret" in failed.output
    assert "Could not be read, so nothing was sent there: cluster1." in failed.output
    trouble = failed.output.partition("[ontap.security.rotate_secret : Show what went wrong]")[2]
    assert re.match(rf'.*?"msg": \[ "{missed} on cluster3: [^"]*65537540', trouble), trouble
    assert f"outcome that the message above names: {missed} on cluster3." in trouble
    assert "vs2 on cluster4: azure_unreachable; " in trouble
    assert "do not reach Azure any more: vs2 on cluster4." in trouble
    assert '"key_id"' not in failed.output
    assert '"verdict"' not in failed.output
    assert "go on with --limit 'cluster1,cluster3,cluster4'" in failed.output
    assert re.findall(r"(cluster\d) : [^:]*\bfailed=1 ", failed.output) == ["cluster1", "cluster3", "cluster4"]
    assert (summary(failed)["complete"], summary(failed)["hosts_to_do"]) == (
        False,
        ["cluster1", "cluster3", "cluster4"],
    )


@pytest.mark.thorough
def test_one_cluster_cannot_prove_another_secret(clusters: Clusters, tmp_path: Path) -> None:
    """Whether it is another is told without showing it."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0"]))
    of_host = {"azure_key_vault_credentials": {CLIENT: {"client_secret": "another-secret"}}}
    failed = rotate(sims, tmp_path, "-vvvvv", of_hosts={"cluster2": of_host})
    assert (failed.failed, writes(sims)) == (True, 0), failed.output
    assert "does not have the same secret" in failed.output
    assert "another-secret" not in failed.output


def test_what_cannot_be_meant_for_one_cluster_ends_the_run_for_all(clusters: Clusters, tmp_path: Path) -> None:
    sims = clusters(*[("9.16.1", ["vs0"])] * 4)
    wrong = {
        "cluster1": {"azure_key_vault_rotate_client_id": ""},
        "cluster2": {"azure_key_vault_rotate_client_id": CLIENT, "azure_key_vault_rotate_svms": []},
        "cluster3": {"azure_key_vault_rotate_client_id": CLIENT, "azure_key_vault_rotate_unproven": "perhaps"},
        "cluster4": {"azure_key_vault_rotate_client_id": CLIENT},
    }
    failed = rotate(sims, tmp_path, environment={}, of_hosts=wrong)
    assert (failed.failed, [sim.requests for sim in sims]) == (True, [[]] * 4), failed.output
    assert "AKV_CLIENT_ID, must name the Azure application" in failed.output
    assert "given is nothing" in failed.output
    assert f"given is {CLIENT}. azure_key_vault_rotate_svms, if given, is a list of SVM names that is not empty" in (
        failed.output
    )
    assert "azure_key_vault_rotate_unproven is perhaps. It can be true or false." in failed.output


@pytest.mark.thorough
def test_a_variable_that_cannot_be_evaluated_ends_the_run_for_all(clusters: Clusters, tmp_path: Path) -> None:
    sims = clusters(*[("9.16.1", ["vs0"])] * 2)
    failed = rotate(sims, tmp_path, of_hosts={"cluster2": {"azure_key_vault_rotate_svms": "{{ nowhere }}"}})
    assert (failed.failed, [sim.requests for sim in sims]) == (True, [[]] * 2), failed.output


def as_printed(sims: t.Sequence[Simulator], folder: Path, **keywords: t.Any) -> Ran:
    """Run the play that the role's README gives, with ``keywords`` more."""
    text = (ROLE / "README.md").read_text(encoding="utf-8")
    (printed,) = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.S)[0])
    play = folder / "own.yml"
    play.write_text(json.dumps([{**printed, "hosts": "all", **keywords}]), encoding="utf-8")
    # The inventory is one in which other playbooks find a connection to the cluster.
    local = {"ansible_connection": "local"}
    return run(sims[0], folder, str(play), environment=APPLICATION, others=sims[1:], **local)


def test_the_play_of_the_readme_ends_for_all_too(clusters: Clusters, tmp_path: Path) -> None:
    """Ansible checks the variables of a role before its tasks, and takes out of the play a host that fails in that."""
    sims = clusters(*[("9.16.1", ["vs0"])] * 2)
    of_host = tmp_path / "host_vars/cluster2.yml"
    of_host.parent.mkdir()
    of_host.write_text(json.dumps({"azure_key_vault_rotate_svms": "{{ nowhere }}"}), encoding="utf-8")
    failed = as_printed(sims, tmp_path)
    assert (failed.failed, writes(sims)) == (True, 0), failed.output
    assert "which left the play before: cluster2." in failed.output
    of_host.unlink()
    done = as_printed(sims, tmp_path)
    assert (done.failed, having_each(sims)) == (False, [["vs0"], ["vs0"]]), done.output


@pytest.mark.thorough
def test_a_play_with_serial_sends_nothing(clusters: Clusters, tmp_path: Path) -> None:
    sims = clusters(*[("9.16.1", ["vs0"])] * 2)
    failed = as_printed(sims, tmp_path, serial=1)
    assert (failed.failed, writes(sims)) == (True, 0), failed.output
    assert "The play has serial, so a configuration of each batch of clusters would come first" in failed.output


@pytest.mark.thorough
def test_twice_in_one_run(clusters: Clusters, tmp_path: Path) -> None:
    """A playbook of one's own may import it for one application after the other."""
    sims = clusters(("9.16.1", ["vs0", "vs1"]))
    twice = tmp_path / "twice.yml"
    twice.write_text(json.dumps([{"import_playbook": "ontap.security.rotate_secret"}] * 2), encoding="utf-8")
    done = run(sims[0], tmp_path, str(twice), environment=APPLICATION)
    assert (done.failed, writes(sims)) == (False, 4), done.output
    assert done.output.count("2 configurations on 1 clusters have the secret") == 2
