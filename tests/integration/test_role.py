# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role azure_key_vault, by the playbook ontap.security.apply, on one cluster or several at once."""

from __future__ import annotations

import contextlib
import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.simulator import Simulator
from tests.support.beats import CERTIFICATE, CLIENT, IDENTITY, KEY, KEY_2, OLD, WRITES, connection
from tests.support.runner import Ran, ansible_playbook, environment

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "playbooks/example_inventory"
OTHER = "bbbbbbbb-cccc-bbbb-cccc-bbbbbbbbbbbb"
SECRET = "c4nary-secret"
# Others: of an entry, of a proxy, and one in the wrong place.
OWN, PROXY, MISPLACED = "c4nary-own", "c4nary-proxy", "c4nary-misplaced"
PASSWORD = "c4nary-password"

ALL = {
    "azure_key_vault_defaults": IDENTITY,
    "azure_key_vault_svms": [{"svm": "vs0"}, {"svm": "vs1"}],
    "azure_key_vault_credentials": {CLIENT: {"client_secret": SECRET}},
}

Clusters = dict[str, Simulator]
Start = t.Callable[..., Simulator]


def summaries(ran: Ran) -> list[str]:
    """The role's closing lines."""
    return sorted(re.findall(r'"msg": "(cluster\d: \d?[^"]*)"', ran.output))


def writes(ran: Ran) -> dict[str, int]:
    """How many requests that could change something reached each cluster."""
    return {name: sum(method in WRITES for method in methods) for name, methods in ran.methods.items()}


@pytest.fixture
def clusters() -> Clusters:
    return {}


@pytest.fixture
def start(clusters: Clusters) -> t.Iterator[Start]:
    """Starts the next cluster: cluster1, cluster2 and so on."""
    with contextlib.ExitStack() as running:

        def start(release: str = "9.16.1", svms: t.Sequence[str] = ("vs0", "vs1")) -> Simulator:
            name = f"cluster{len(clusters) + 1}"
            clusters[name] = running.enter_context(Simulator(release, tuple(svms), name=name, password=PASSWORD))
            return clusters[name]

        yield start


@dataclass(frozen=True)
class Apply:
    """Runs ``ontap.security.apply`` on all clusters that have been started."""

    clusters: Clusters
    folder: Path

    def __call__(
        self,
        *arguments: str,
        hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
        playbook: str = "ontap.security.apply",
        **variables: t.Any,
    ) -> Ran:
        """``variables`` are those of the group, ``hosts`` those of single clusters."""
        inventory = self.folder / "inventory.yml"
        inventory.write_text(json.dumps(self._inventory(hosts or {}, variables)), encoding="utf-8")
        return ansible_playbook(
            playbook,
            *arguments,
            *("-i", str(inventory)),
            folder=self.folder,
            # An inventory variable comes first.
            env=environment(self.folder, ONTAP_PASSWORD=PASSWORD),
            clusters=self.clusters,
            secrets=(SECRET, OWN, PROXY, MISPLACED),
        )

    def _inventory(self, hosts: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Connection options as inventory variables, but for the password in the environment. JSON is YAML."""
        found = {}
        for name, sim in self.clusters.items():
            options = {f"ontap_{option}": value for option, value in connection(sim).items() if option != "password"}
            found[name] = {"ansible_host": options.pop("ontap_hostname"), **options, **hosts.get(name, {})}
        return {"ontap": {"hosts": found, "vars": dict(variables)}}


@pytest.fixture
def apply(clusters: Clusters, tmp_path: Path) -> Apply:
    return Apply(clusters, tmp_path)


def test_four_beats_on_several_clusters(start: Start, apply: Apply) -> None:
    """Predict, do and repeat; the cluster scope too, and one cluster after the other."""
    old, new = start("9.12.1"), start("9.16.1", ("vs0", "vs1", "vs2", "vs3"))
    for svm in ("vs1", "vs2", "vs3"):
        new.ontap.add_vault(svm, **OLD)
    new.ontap.change_vault("vs1", client_id=OTHER)
    wanted: dict[str, t.Any] = {
        **ALL,
        "azure_key_vault_restore": True,
        "azure_key_vault_verify": True,
        "hosts": {
            "cluster1": {"azure_key_vault_cluster": {"key_id": KEY_2}},
            "cluster2": {"azure_key_vault_svms": [*ALL["azure_key_vault_svms"], {"svm": "vs2", "state": "absent"}]},
        },
    }
    before = [sim.snapshot() for sim in (old, new)]
    predicted = apply("--check", "--diff", **wanted)
    assert not predicted.failed, predicted.output
    assert writes(predicted) == {"cluster1": 0, "cluster2": 0}
    assert summaries(predicted) == [
        "cluster1: 3 to create: cluster scope, vs0, vs1",
        "cluster2: 1 to create: vs0; 1 to change: vs1 (client_id); 1 to remove: vs2; 1 unmanaged: vs3",
    ]
    assert [sim.snapshot() for sim in (old, new)] == before

    done = apply("-e", "ontap_serial=1", **wanted)
    assert not done.failed, done.output
    assert writes(done) == {"cluster1": 3, "cluster2": 3}
    assert summaries(done) == [
        "cluster1: 3 created: cluster scope, vs0, vs1",
        "cluster2: 1 created: vs0; 1 changed: vs1 (client_id); 1 removed: vs2; 1 unmanaged: vs3",
    ]
    assert old.snapshot() != before[0]

    # Restoring and verifying are part of the one look, once there are encrypted volumes whose keys can be seen.
    for sim, more in ((old, [None]), (new, ["vs3"])):
        for svm in ("vs0", "vs1", *more):
            sim.ontap.encrypt_volumes(svm)
    repeated = apply("--diff", **wanted)
    assert (repeated.failed, repeated.changed) == (False, 0), repeated.output
    # One more for the states of key managers, which that release has.
    assert repeated.methods == {"cluster1": ["GET"], "cluster2": ["GET", "GET"]}
    assert summaries(repeated) == ["cluster1: 3 in sync", "cluster2: 3 in sync; 1 unmanaged: vs3"]
    assert "---" not in repeated.output, "there is no diff to show"


def test_what_new_configurations_need_is_looked_at_first(start: Start, apply: Apply) -> None:
    good, lacking = start(), start()
    lacking.ontap.set_svm("vs1", routes=(), name_servers=())
    lacking.ontap.add_vault("vs0", **OLD)
    before = [sim.snapshot() for sim in (good, lacking)]
    for arguments in (["--check"], []):
        ran = apply(*arguments, **ALL, azure_key_vault_preflight=True)
        assert ran.failed
        assert writes(ran) == {"cluster1": 0 if arguments else 2, "cluster2": 0}
        assert "Nothing was sent to cluster2, where new configurations would not work." in ran.output
        assert "fail: SVM vs1, routes: no route." in ran.output
        assert "network route create -vserver vs1" in ran.output
        assert "SVM vs0, routes" not in ran.output
        # What nobody can try is said, and keeps nothing from being made.
        assert "unknown: SVM vs0, path_to_login: " in ran.output
        assert [sim.snapshot() for sim in (good, lacking)][bool(not arguments) :] == before[bool(not arguments) :]
    again = apply(**ALL, azure_key_vault_preflight=True, hosts={"cluster2": {"azure_key_vault_svms": [{"svm": "vs0"}]}})
    assert not again.failed, again.output
    assert again.methods == {"cluster1": ["GET", "GET"], "cluster2": ["GET", "GET"]}


def test_a_check_run_fails_on_drift_and_names_it(start: Start, apply: Apply) -> None:
    drifted, same, ill, partial = start(), start(), start(), start()
    for sim in (drifted, same, ill, partial):
        sim.ontap.add_vault("vs0", **OLD)
        sim.ontap.add_vault("vs1", **OLD)
        sim.ontap.encrypt_volumes("vs1")
    drifted.ontap.change_vault("vs0", client_id=f"{OTHER}\x1b[31m\u202e")
    drifted.ontap.lose_keys("node2", "vs1")
    same.ontap.change_vault("vs0", proxy_host="proxy.elsewhere.example")
    # A run would give it a secret that Azure accepts, and has nothing that helps the other.
    ill.ontap.set_azure(valid_secrets=[SECRET])
    sends = {"svm": "vs0", "update_credentials": "when_unreachable"}
    wanted: dict[str, t.Any] = {
        **ALL,
        "azure_key_vault_fail_on_drift": True,
        "azure_key_vault_restore": True,
        "azure_key_vault_verify": True,
        "hosts": {
            "cluster3": {"azure_key_vault_svms": [sends, {"svm": "vs1"}], "azure_key_vault_fail_on_drift": False},
            "cluster4": {"azure_key_vault_svms": [{"svm": "vs0"}, {"svm": "nowhere"}, {"svm": "vs1"}]},
        },
    }
    found = apply("--check", **wanted)
    assert found.failed
    assert writes(found) == {"cluster1": 0, "cluster2": 0, "cluster3": 0, "cluster4": 0}
    assert "cluster1 is not as described" in found.output
    # What a cluster says can be seen, and does nothing.
    assert re.search(rf"SVM vs0: client_id: desired {CLIENT}, actual {OTHER}\\+x1b\[31m\\+u202e ", found.output)
    assert not {"\x1b", "\u202e"} & set(found.output)
    assert "SVM vs1: keys: desired on every node, actual missing on node2" in found.output
    assert "cluster2 is not" not in found.output
    unusable = "1 of the configurations on cluster3 cannot be used: SVM vs1: azure_unreachable: "
    assert unusable in found.output
    assert set(re.findall(r"configurations on (cluster\d)", found.output)) == {"cluster3"}
    undescribed = "cluster2: 2 in sync; 1 with undescribed settings: vs0 (proxy_host)"
    assert summaries(found) == [
        "cluster1: 1 in sync; 1 to change: vs0 (client_id); 1 to restore: vs1",
        undescribed,
        "cluster3: 1 in sync; 1 to change: vs0 (credentials)",
        "cluster4: 2 in sync; 1 failing: nowhere",
    ]

    # Drift does not concern other runs. The keys of vs1 come back; nobody touches that of cluster3, which is not well.
    mended = apply(**wanted)
    wrote = {"cluster1": 2, "cluster2": 0, "cluster3": 1, "cluster4": 0}
    assert (mended.failed, writes(mended)) == (True, wrote), mended.output
    assert summaries(mended) == [
        "cluster1: 1 in sync; 1 changed: vs0 (client_id); 1 restored: vs1",
        undescribed,
        "cluster3: 1 in sync; 1 changed: vs0 (credentials)",
        "cluster4: 2 in sync; 1 failed: nowhere",
    ]
    # What has failed is said without what is well.
    assert "vaults[1] (svm nowhere): " in mended.output
    assert '"vaults": [' not in mended.output
    assert unusable in mended.output
    assert set(re.findall(r"configurations on (cluster\d)", mended.output)) == {"cluster3"}


def test_credentials_are_found_by_client_id(start: Start, apply: Apply) -> None:
    sim = start(svms=("vs0", "vs1", "vs2", "vs3"))
    third = "dddddddd-eeee-dddd-eeee-dddddddddddd"
    proxy = {"proxy_type": "http", "proxy_host": "p", "proxy_port": 1, "proxy_username": "u"}
    done = apply(
        "-vvvvv",
        "--diff",
        azure_key_vault_defaults=IDENTITY,
        azure_key_vault_svms=[
            {"svm": "vs0"},
            {"svm": "vs1", "client_secret": OWN},
            {"svm": "vs2", "client_id": OTHER, **proxy},
            {"svm": "vs3", "client_id": third},
        ],
        azure_key_vault_credentials={
            CLIENT: {"client_secret": SECRET},
            OTHER: {"client_certificate": CERTIFICATE, "proxy_password": PROXY},
            third: {"client_secret": "{{ kept_elsewhere }}"},
        },
        kept_elsewhere=OWN,
    )
    assert not done.failed, done.output
    assert CERTIFICATE not in done.output
    assert KEY in done.output, "identifiers are shown"
    assert [sim.ontap.secret(svm, "client_secret") for svm in ("vs0", "vs1", "vs3")] == [SECRET, OWN, OWN]
    assert sim.ontap.secret("vs2", "client_certificate") == CERTIFICATE
    assert sim.ontap.secret("vs2", "proxy_password") == PROXY


def test_one_cluster_s_trouble_is_no_other_s(start: Start, apply: Apply) -> None:
    """Each cluster has its own, all in one run; and no message shows a secret, whatever the verbosity."""
    unusable, partial, _old, empty, twice = start(), start(), start("9.10.1"), start(), start()
    unusable.ontap.set_azure(reachable=False, verify_on_create=False)
    partial.ontap.add_vault("vs1", **OLD)
    partial.ontap.encrypt_volumes("vs1")
    partial.ontap.lose_keys("node2", "vs1")
    empty.ontap.add_vault("vs0", **OLD)
    vs0 = {"svm": "vs0"}
    ran = apply(
        "-vvvvv",
        "--diff",
        **{**ALL, "azure_key_vault_verify": True, "azure_key_vault_restore": True},
        hosts={
            "cluster1": {"azure_key_vault_svms": [vs0]},
            "cluster2": {"azure_key_vault_svms": [vs0, {"svm": "nowhere"}, {"svm": "vs1"}]},
            "cluster3": {"azure_key_vault_svms": [vs0, {"svm": "vs1", "verify_host": True}]},
            "cluster4": {"azure_key_vault_svms": []},
            "cluster5": {"azure_key_vault_svms": [vs0, {"svm_uuid": twice.info()["svms"]["vs0"]}]},
        },
    )
    assert ran.failed
    assert summaries(ran) == [
        # Created, and cannot be used: what nobody can decrypt with is not counted as well.
        "cluster1: 1 failed: vs0",
        "cluster2: 1 in sync; 1 created: vs0; 1 restored: vs1; 1 failed: nowhere",
        "cluster3: 1 created: vs0; 1 failed: vs1",
        "cluster4: 1 unmanaged: vs0",
    ]
    assert writes(ran) == {"cluster1": 1, "cluster2": 2, "cluster3": 1, "cluster4": 0, "cluster5": 0}
    # One look, and one at the volumes of what nobody described.
    assert ran.methods["cluster4"] == ["GET", "GET", "GET"]
    for words in (
        "1 of the configurations on cluster1 cannot be used: SVM vs0: azure_unreachable: ",
        "Sent the credential of SVM vs0: ONTAP took the credential, but cannot reach Azure with it",
        "vaults[1] (svm nowhere): ",
        "vaults[1] (svm vs1): ",
        "needs ONTAP 9.14.1 or later",
        "Describe each configuration once.",
    ):
        assert words in ran.output, words
    # The first fails twice: the credential was of no use, and the configuration is not usable.
    recap = re.findall(r"(cluster\d) : ok=\d+ changed=\d+ unreachable=\d+ failed=([1-9])", ran.output)
    assert sorted(recap) == [("cluster1", "2"), ("cluster2", "1"), ("cluster3", "1"), ("cluster5", "1")]


def test_bad_variables_reach_no_cluster(start: Start, apply: Apply) -> None:
    sims = [start() for _number in range(9)]
    for sim in sims:
        sim.ontap.add_vault("vs0", **OLD)
    nothing = {"azure_key_vault_svms": [], "azure_key_vault_unmanaged": "absent"}
    ran = apply(
        "-vvvvv",
        **ALL,
        hosts={
            "cluster1": nothing,
            "cluster2": {**nothing, "azure_key_vault_allow_empty": True},
            "cluster3": {"azure_key_vault_unmanaged": "delete"},
            "cluster4": {"azure_key_vault_svms": [{"svm": "vs0", "secret": MISPLACED}]},
            "cluster5": {"azure_key_vault_credentials": {CLIENT: MISPLACED}},
            "cluster6": {"azure_key_vault_credentials": MISPLACED},
            "cluster7": {"azure_key_vault_svms": [{"svm": "vs0", "client_secret": [MISPLACED], "port": {}}]},
            "cluster8": {"azure_key_vault_svms": [[{"svm": "vs0", "client_secret": MISPLACED}]]},
            "cluster9": {"azure_key_vault_defaults": [MISPLACED], "azure_key_vault_cluster": MISPLACED},
        },
    )
    assert ran.failed
    assert summaries(ran) == ["cluster2: 1 removed: vs0"]
    assert {name: methods for name, methods in ran.methods.items() if methods} == {"cluster2": ["GET", "GET", "DELETE"]}
    for words in (
        "set allow_empty: true",
        "azure_key_vault_unmanaged is delete. It is one of ignore, report, absent.",
        "azure_key_vault_svms.secret is no option here (entry 0)",
        f"The credentials of client_id {CLIENT} are not a dictionary with some of client_secret",
        "azure_key_vault_credentials is text, and must be a dictionary",
        "azure_key_vault_svms.client_secret is a list, and must be text (entry 0)",
        "azure_key_vault_svms: entry 0 is a list, and must be a dictionary",
        "azure_key_vault_defaults is a list, and must be a dictionary",
    ):
        assert words in ran.output, words


def test_variables_of_the_role_itself(start: Start, apply: Apply, tmp_path: Path) -> None:
    """Given with the role instead of in the inventory, twice in a play; what is registered can be used."""
    sim = start()
    playbook = tmp_path / "play.yml"
    role = {"role": "ontap.security.azure_key_vault", **ALL}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python | quote }}"},
        "roles": [role, {**role, "azure_key_vault_concurrency": 1}],
        "post_tasks": [{"ansible.builtin.assert": {"that": "azure_key_vault_result.summary.in_sync == 2"}}],
    }
    playbook.write_text(json.dumps([play]))
    ran = apply("-vvvvv", playbook=str(playbook), azure_key_vault_svms=["not used"])
    assert not ran.failed, ran.output
    assert summaries(ran) == ["cluster1: 2 created: vs0, vs1", "cluster1: 2 in sync"]
    assert sim.ontap.secret("vs1", "client_secret") == SECRET


def test_example_inventory(tmp_path: Path) -> None:
    """The inventory that is shipped works, vault-encrypted secrets included, once it is told where the clusters are."""
    vault_password = tmp_path / "vault-password"
    vault_password.write_text("example")
    login = {"username": "ansible", "password": "replace me"}
    with (
        Simulator("9.12.1", ("vs0", "vs1"), name="cluster1", **login) as old,
        Simulator("9.16.1", ("vs0", "finance", "archive"), name="cluster2", **login) as new,
    ):
        new.ontap.add_vault("archive", **OLD)
        hosts = {
            name: {"ansible_host": sim.host, "ontap_http_port": sim.port, "ontap_ca_path": str(sim.ca_path)}
            for name, sim in (("cluster1", old), ("cluster2", new))
        }
        where = tmp_path / "where.yml"
        where.write_text(json.dumps({"ontap": {"hosts": hosts}}))
        inventories = ["-i", str(EXAMPLE), "-i", str(where), "--vault-password-file", str(vault_password)]
        done = ansible_playbook(
            "ontap.security.apply",
            *inventories,
            "-vvvvv",
            folder=tmp_path,
            clusters={"cluster1": old, "cluster2": new},
        )
        assert not done.failed, done.output
        assert summaries(done) == [
            "cluster1: 3 created: cluster scope, vs0, vs1",
            "cluster2: 2 created: vs0, finance; 1 removed: archive",
        ]
        assert "replace me" not in done.output
        assert new.ontap.secret("finance", "client_secret") == "replace me"
