# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook rotate_secret: one configuration proves the secret before the rest of the fleet gets it."""

from __future__ import annotations

import contextlib
import json
import re
import typing as t
from pathlib import Path

import pytest

from tests.integration.test_playbooks import NEW_SECRET, Ran, run
from tests.simulator import Simulator
from tests.support.beats import CLIENT, OLD, TENANT, WRITES

OTHER = "dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa"
# What an AWX credential brings along.
APPLICATION = {"AKV_CLIENT_ID": CLIENT, "AKV_TENANT_ID": TENANT, "AKV_CLIENT_SECRET": NEW_SECRET}
# An SVM's name stands for its enabled configuration.
INACTIVE, CLUSTER = "inactive", "cluster"
# A cluster may call it so: an escape sequence, and a sign that turns the direction of writing.
SPARE = "spare\x1b[31m\u202e"
Clusters = t.Callable[..., list[Simulator]]


@pytest.fixture
def clusters() -> t.Iterator[Clusters]:
    """Makes clusters: of each the release, and the configurations that use the application."""
    with contextlib.ExitStack() as stack:

        def make(*wanted: tuple[str, t.Sequence[str]]) -> list[Simulator]:
            made = []
            for release, names in wanted:
                sim = stack.enter_context(Simulator(release=release, svms=("vs0", "vs1", "vs2")))
                for name in names:
                    if name == INACTIVE:
                        sim.ontap.add_vault("vs2", enabled=False, configuration=SPARE, **OLD)
                    else:
                        svm = None if name == CLUSTER else name
                        sim.ontap.add_vault(svm, **OLD)
                        sim.ontap.encrypt_volumes(svm)
                made.append(sim)
            return made

        yield make


def rotate(sims: t.Sequence[Simulator], folder: Path, *arguments: str, **variables: t.Any) -> Ran:
    """Rotate with the secret of the environment; variables without what all of them begin with."""
    environment = {**APPLICATION, "ANSIBLE_SHOW_CUSTOM_STATS": "true"}
    return run(
        sims[0],
        folder,
        "rotate_secret",
        *arguments,
        environment=environment,
        others=sims[1:],
        **{f"azure_key_vault_rotate_{name}": value for name, value in variables.items()},
    )


def having(sim: Simulator, secret: str = NEW_SECRET) -> list[str]:
    """The configurations that log in with it."""
    found = []
    for store in sim.ontap.sorted_stores():
        name = store.owner.name if store.enabled else INACTIVE
        if sim.ontap.secret(store.uuid, "client_secret") == secret:
            found.append(CLUSTER if name not in ("vs0", "vs1", "vs2", INACTIVE) else name)
    return sorted(found)


def fleet(sims: t.Sequence[Simulator]) -> list[list[str]]:
    return [having(sim) for sim in sims]


def writes(sims: t.Sequence[Simulator]) -> int:
    return sum(request["method"] in WRITES for sim in sims for request in sim.requests)


def changes(ran: Ran) -> int:
    return sum(map(int, re.findall(r"\bchanged=(\d+)", ran.output)))


def summary(ran: Ran) -> dict[str, t.Any]:
    stats = ran.output.partition("CUSTOM STATS")[2].partition('"azure_key_vault_rotate_summary": ')[2]
    return t.cast("dict[str, t.Any]", json.JSONDecoder().raw_decode(stats)[0])


def accept(sims: t.Sequence[Simulator], *secrets: str) -> None:
    for sim in sims:
        sim.ontap.set_azure(valid_secrets=secrets)


ALL = ("vs0", "vs1", CLUSTER, INACTIVE)


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
    # As a survey that is left empty gives them.
    done = rotate(sims, tmp_path, "--diff", "-vvvvv", svms="", client_id="", unproven="")
    assert (done.failed, writes(sims)) == (False, 5), done.output
    assert changes(predicted) == changes(done) == 3
    assert fleet(sims) == [sorted(ALL), ["vs0"]]
    assert having(sims[1], OLD["client_secret"]) == ["vs1"]
    assert "does not report whether they reach Azure with it" in done.output
    # The escapes have escapes where Ansible prints JSON.
    assert re.search(r"vs2/spare\\+x1b\[31m\\+u202e on cluster1\.", done.output)
    assert re.search(r"item=vs2/spare\\+x1b\[31m\\+u202e on cluster1\)", predicted.output)
    assert not {"\x1b", "\u202e"} & set(predicted.output)
    assert summary(done) == {
        "client_id": CLIENT,
        "clusters": 2,
        "complete": True,
        "configurations": 5,
        "hosts_to_do": [],
        "unreached": 0,
        "unreported": 1,
        "without": 0,
    }


def test_some_svms(clusters: Clusters, tmp_path: Path) -> None:
    sims = clusters(("9.16.1", ALL))
    done = rotate(sims, tmp_path, svms="vs1,\nvs0")
    assert (done.failed, fleet(sims)) == (False, [["vs0", "vs1"]]), done.output


def test_from_the_inventory(clusters: Clusters, tmp_path: Path) -> None:
    """The credentials that the role takes come before those of the environment, which belong to another application."""
    sims = clusters(("9.16.1", ALL))
    done = run(
        sims[0],
        tmp_path,
        "rotate_secret",
        environment={"AKV_CLIENT_ID": "somebody-else", "AKV_TENANT_ID": "elsewhere", "AKV_CLIENT_SECRET": "wrong"},
        azure_key_vault_rotate_client_id=f" {CLIENT.upper()} ",
        azure_key_vault_credentials={CLIENT: {"client_secret": NEW_SECRET}},
    )
    assert (done.failed, fleet(sims)) == (False, [sorted(ALL)]), done.output


def test_a_wrong_secret_stops_at_one_configuration_that_proves_it(clusters: Clusters, tmp_path: Path) -> None:
    """Whatever comes first in the inventory: ONTAP 9.10.1 stores the secret without trying it."""
    sims = clusters(
        # No user, one that is inactive, one of which ONTAP reports nothing, and one with much behind it.
        *(("9.10.1", []), ("9.16.1", [INACTIVE]), ("9.7", ["vs0"]), ("9.10.1", [CLUSTER])),
        *(("9.10.1", ["vs0", "vs1"]), ("9.10.1", ["vs0"])),
    )
    accept(sims, OLD["client_secret"])
    failed = rotate(sims, tmp_path)
    assert (failed.failed, writes(sims), fleet(sims)) == (True, 1, [[], [], [], [], ["vs0"], []]), failed.output
    assert "vs0 on cluster5 reached Azure before, and with the secret that was sent it does not" in failed.output
    assert "No other configuration has been sent the secret in this run. Leave the old secret enabled" in failed.output
    assert "Have the secret: vs0 on cluster5." in failed.output
    assert not summary(failed)["complete"]
    # The way on is the same playbook with the right secret.
    accept(sims, OLD["client_secret"], NEW_SECRET)
    mended = rotate(sims, tmp_path)
    assert not mended.failed, mended.output
    assert all(having(sim, OLD["client_secret"]) == [] for sim in sims)


def test_an_svm_proves_it_before_its_cluster(clusters: Clusters, tmp_path: Path) -> None:
    sims = clusters(("9.10.1", [CLUSTER, "vs1"]), ("9.10.1", ["vs0"]))
    accept(sims, OLD["client_secret"])
    failed = rotate(sims, tmp_path)
    assert (failed.failed, writes(sims), fleet(sims)) == (True, 1, [["vs1"], []]), failed.output


def test_a_wrong_secret_is_refused(clusters: Clusters, tmp_path: Path) -> None:
    """From ONTAP 9.16.1: it tries the secret, so no configuration has it. Nobody else is asked."""
    sims = clusters(*[("9.16.1", ["vs0", "vs1"])] * 3)
    accept(sims, OLD["client_secret"])
    failed = rotate(sims, tmp_path, unproven=True)
    assert (failed.failed, writes(sims), fleet(sims)) == (True, 1, [[], [], []]), failed.output
    assert "Sending the secret to vs0 on cluster1, the first configuration, failed" in failed.output
    assert "65537540" in failed.output.partition("TASK [Stop if the secret was not sent to all]")[2]
    assert "Leave the old secret enabled in Azure" in failed.output
    assert "0 configurations on 0 clusters have the secret" in failed.output
    assert summary(failed)["without"] == 6


@pytest.mark.parametrize(("release", "names"), [("9.7", ["vs0", "vs1"]), ("9.16.1", [INACTIVE])])
def test_nothing_can_prove_it(clusters: Clusters, tmp_path: Path, release: str, names: list[str]) -> None:
    sims = clusters((release, names), (release, names))
    failed = rotate(sims, tmp_path)
    assert (failed.failed, writes(sims)) == (True, 0), failed.output
    assert "No configuration can prove the secret" in failed.output
    assert "Nothing has been sent in this run" in failed.output
    if release == "9.7":
        assert rotate(sims, tmp_path, "--check").failed
    daring = rotate(sims, tmp_path, unproven="true")
    assert (daring.failed, fleet(sims)) == (False, [names, names]), daring.output
    assert summary(daring)["unreported"] == 2 * len(names)


@pytest.mark.parametrize("away", [0, pytest.param(1, marks=pytest.mark.thorough)])
def test_a_cluster_that_is_away(clusters: Clusters, tmp_path: Path, away: int) -> None:
    """It keeps no other from the secret, and the run fails and says how to go on."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0"]))
    sims[away].fault(kind="status", status=503, times=None)
    failed = rotate(sims, tmp_path)
    name = f"cluster{away + 1}"
    assert (failed.failed, writes(sims)) == (True, 1), failed.output
    assert having(sims[1 - away]) == ["vs0"]
    assert "1 configurations on 1 clusters have the secret" in failed.output
    assert f"Could not be read, so nothing was sent there: {name}." in failed.output
    assert f"go on with --limit '{name}'" in failed.output
    assert (summary(failed)["complete"], summary(failed)["hosts_to_do"]) == (False, [name])
    if away == 0:
        sims[away].clear_faults()
        done = rotate(sims, tmp_path, "--limit", name)
        assert (done.failed, fleet(sims)) == (False, [["vs0"], ["vs0"]]), done.output


def test_one_of_the_others_fails(clusters: Clusters, tmp_path: Path) -> None:
    """The rest get the secret all the same, and the summary tells them apart."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0", "vs1"]), ("9.16.1", ["vs0"]))
    sims[1].ontap.refuse("patch", 65537540, times=1)
    failed = rotate(sims, tmp_path)
    assert (failed.failed, fleet(sims)) == (True, [["vs0"], ["vs1"], ["vs0"]]), failed.output
    assert "3 configurations on 3 clusters have the secret" in failed.output
    assert "Sending failed, for the reason and with the outcome that the message above names: vs0 on cluster2." in (
        failed.output
    )
    assert summary(failed)["hosts_to_do"] == ["cluster2"]


def test_nobody_uses_the_application(clusters: Clusters, tmp_path: Path) -> None:
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", []))
    for arguments in ((), ("--check",)):
        failed = rotate(sims, tmp_path, *arguments, client_id=OTHER)
        assert (failed.failed, writes(sims)) == (True, 0), failed.output
        assert f"No configuration uses the application {OTHER}" in failed.output
        assert (summary(failed)["configurations"], summary(failed)["complete"]) == (0, False)


def test_azure_was_out_of_reach_before(clusters: Clusters, tmp_path: Path) -> None:
    """Where another can prove the secret, it does. Where none can, the message does not blame the secret."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.10.1", ["vs1"]))
    sims[0].ontap.set_azure(reachable=False)
    accept(sims[1:], OLD["client_secret"])
    first = rotate(sims, tmp_path)
    assert (first.failed, fleet(sims)) == (True, [[], ["vs1"]]), first.output
    assert "vs1 on cluster2 reached Azure before" in first.output
    # Now neither reaches it, and of both of them the first in the inventory comes first.
    alone = clusters(("9.10.1", ["vs0", "vs1"]))
    alone[0].ontap.set_azure(reachable=False)
    unclear = rotate(alone, tmp_path)
    assert (unclear.failed, fleet(alone)) == (True, [["vs0"]]), unclear.output
    assert "vs0 on cluster1 does not reach Azure with the secret that was sent, and did not before either" in (
        unclear.output
    )
    daring = rotate(alone, tmp_path, unproven=True)
    assert (daring.failed, fleet(alone)) == (True, [["vs0", "vs1"]]), daring.output
    assert "do not reach Azure, as they did not before: vs0 on cluster1, vs1 on cluster1." in daring.output
    assert (summary(daring)["unreached"], summary(daring)["complete"]) == (2, False)


@pytest.mark.thorough
def test_an_expired_secret(clusters: Clusters, tmp_path: Path) -> None:
    """No configuration reaches Azure any more; the first proves the new secret all the same."""
    sims = clusters(("9.10.1", ["vs0", "vs1"]), ("9.10.1", ["vs0"]))
    accept(sims, NEW_SECRET)
    done = rotate(sims, tmp_path)
    assert (done.failed, fleet(sims)) == (False, [["vs0", "vs1"], ["vs0"]]), done.output
    assert summary(done)["complete"]


def test_one_of_the_others_loses_azure(clusters: Clusters, tmp_path: Path) -> None:
    sims = clusters(("9.10.1", ["vs0"]), ("9.10.1", ["vs0"]))
    accept(sims[1:], OLD["client_secret"])
    failed = rotate(sims, tmp_path)
    assert (failed.failed, fleet(sims)) == (True, [["vs0"], ["vs0"]]), failed.output
    assert "do not reach Azure any more: vs0 on cluster2." in failed.output
    assert summary(failed)["hosts_to_do"] == ["cluster2"]


@pytest.mark.parametrize(
    ("of_host", "words"),
    [
        ({"azure_key_vault_credentials": {CLIENT: {"client_secret": "another-secret"}}}, "the same secret"),
        pytest.param(
            {"azure_key_vault_rotate_client_id": OTHER},
            "different applications for different clusters",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_one_cluster_cannot_prove_another_secret(
    clusters: Clusters, tmp_path: Path, of_host: dict[str, t.Any], words: str
) -> None:
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0"]))
    variables = tmp_path / "host_vars"
    variables.mkdir()
    (variables / "cluster2.yml").write_text(json.dumps(of_host), encoding="utf-8")
    failed = rotate(sims, tmp_path, "-vvvvv")
    assert (failed.failed, writes(sims)) == (True, 0), failed.output
    assert words in failed.output
    assert "another-secret" not in failed.output


@pytest.mark.thorough
def test_twice_in_one_run(clusters: Clusters, tmp_path: Path) -> None:
    """A playbook of one's own may import it for one application after the other."""
    sims = clusters(("9.16.1", ["vs0", "vs1"]))
    twice = tmp_path / "twice.yml"
    twice.write_text(json.dumps([{"import_playbook": "ontap.security.rotate_secret"}] * 2), encoding="utf-8")
    done = run(sims[0], tmp_path, str(twice), environment=APPLICATION)
    assert (done.failed, writes(sims)) == (False, 4), done.output
    assert done.output.count("2 configurations on 1 clusters have the secret") == 2


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "AKV_CLIENT_ID, must name the Azure application"),
        pytest.param(
            {"client_id": CLIENT, "svms": []},
            "a list of SVM names that is not empty",
            marks=pytest.mark.thorough,
        ),
        (
            {"client_id": CLIENT, "unproven": "perhaps"},
            "azure_key_vault_rotate_unproven is perhaps. It can be true or false.",
        ),
        ({"client_id": CLIENT, "svms": ["vs0", "nowhere"]}, "nowhere on cluster1 has no Azure Key Vault configuration"),
        ({"client_id": CLIENT}, "AKV_CLIENT_SECRET"),
    ],
    ids=["no application", "an empty list", "no boolean", "an SVM without it", "no secret"],
)
def test_what_cannot_be_meant(clusters: Clusters, tmp_path: Path, variables: dict[str, t.Any], words: str) -> None:
    sims = clusters(("9.16.1", ["vs0"]))
    failed = run(
        sims[0],
        tmp_path,
        "rotate_secret",
        **{f"azure_key_vault_rotate_{name}": value for name, value in variables.items()},
    )
    assert (failed.failed, failed.writes) == (True, [])
    assert words in failed.output
