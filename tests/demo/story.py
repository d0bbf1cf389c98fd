# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's chapters, and the one who tells them."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
import typing as t
from pathlib import Path

from tests.demo.interruption import Interruption
from tests.demo.stage import HERE, PROJECT, WIDTH, Failed, Stage, Stopped, expect, shown

APPLY = "ontap.security.apply"
# The cluster's own configuration and those of vs0 and vs1, on two clusters.
CONFIGURATIONS = 6
# Configurations and encrypted volumes on either cluster; key stores on that with ONTAP 9.14.1 or later.
HEALTH_REQUESTS = 5
IN_SYNC = ["cluster1: 3 in sync", "cluster2: 3 in sync"]


def preview(stage: Stage) -> None:
    run = stage.play(APPLY, "--check", "--diff")
    expect(
        run.messages() == [f"{name}: 3 to create: cluster scope, vs0, vs1" for name in ("cluster1", "cluster2")],
        "All configurations should be missing.",
        run,
    )
    expect(not run.writes, "Check mode should only read.", run)
    stage.show(run.messages())
    stage.say(
        f"""{CONFIGURATIONS} configurations would be created: the clusters' own and those of their SVMs. For vs0, on
        either cluster, that would be:"""
    )
    stage.show(run.diff("SVM vs0"))
    stage.say(f"Requests that reached the clusters: {run.count}. Looking changes nothing.")


def apply(stage: Stage) -> None:
    run = stage.play(APPLY)
    expect(
        run.messages() == [f"{name}: 3 created: cluster scope, vs0, vs1" for name in ("cluster1", "cluster2")],
        "All configurations should be created.",
        run,
    )
    expect(len(run.writes) == CONFIGURATIONS, "Each configuration should take one write.", run)
    stage.show(run.messages())
    stage.say(
        f"""The {CONFIGURATIONS} configurations are there, and their health has been verified. Requests: {run.count},
        one write for each configuration."""
    )


def repeat(stage: Stage) -> None:
    run = stage.play(APPLY)
    expect(not run.changed and run.messages() == IN_SYNC, "The second run should change nothing.", run)
    expect(len(run.requests) == HEALTH_REQUESTS, "cluster1 should take two requests, and cluster2 three.", run)
    stage.show(run.messages())
    stage.say(
        f"""Nothing to do. To know that took one request for each cluster, and one more that its health is well: this
        counts encrypted volumes, because ONTAP reports no keys before there are any. From 9.14.1 on the
        key stores are asked as well, which tell of a switch that broke off. Requests: {run.count}."""
    )


def drift(stage: Stage) -> None:
    cluster = stage.clusters[0]
    uuid = cluster.ontap.store("vs0").uuid
    stage.say("Somebody sends this to cluster1, past Ansible:")
    stage.patch(
        cluster,
        f"/api/security/azure-key-vaults/{uuid}",
        {"client_id": "eeeeeeee-ffff-eeee-ffff-eeeeeeeeeeee", "proxy_host": "proxy.elsewhere.example"},
    )
    stage.say("Would anybody notice? Check mode does:")
    run = stage.play(APPLY, "--check", "--diff")
    expect(
        run.messages() == ["cluster1: 2 in sync; 1 to change: vs0 (client_id, proxy_host)", IN_SYNC[1]],
        "Exactly one configuration of cluster1 should differ.",
        run,
    )
    expect(not run.writes, "Check mode should only read.", run)
    stage.show(run.messages())
    stage.show(run.diff("SVM vs0"))
    stage.say(
        f"""One of {CONFIGURATIONS} configurations differs. The secret would be sent along, because it belongs to the
        client_id; its value is never shown. Requests: {run.count}."""
    )


def mend(stage: Stage) -> None:
    run = stage.play(APPLY)
    expect(
        run.messages() == ["cluster1: 2 in sync; 1 changed: vs0 (client_id, proxy_host)", IN_SYNC[1]],
        "Exactly one configuration of cluster1 should be changed.",
        run,
    )
    expect(len(run.writes) == 1, "That should take one write.", run)
    (write,) = run.writes
    stage.show([f"{write['method']} {write['path']}", f"      fields: {', '.join(sorted(write['body']))}"])
    again = stage.play(APPLY, "--check")
    expect(again.messages() == IN_SYNC, "Nothing should be left to do.", again)
    stage.say("Mended: one write, with what differed and the secret. Check mode finds nothing more to do.")


def health(stage: Stage) -> None:
    for cluster in stage.clusters:
        cluster.ontap.encrypt_volumes()
        cluster.ontap.encrypt_volumes("vs0")
    stage.clusters[1].ontap.lose_keys("node2", "vs0")
    stage.say("The clusters and their vs0 have got encrypted volumes. Then node2 of cluster2 has lost the keys of vs0.")
    run = stage.play("health.yml")
    messages = run.messages()
    expect(len(messages) == CONFIGURATIONS, "There should be a verdict on each configuration.", run)
    expect(sum("keys_missing" in message for message in messages) == 1, "One should lack keys.", run)
    expect(len(run.requests) == HEALTH_REQUESTS, "cluster1 should be asked twice, and cluster2 thrice.", run)
    for message in messages:
        stage.show(textwrap.wrap(message, WIDTH, subsequent_indent=" " * 10))
    stage.say(
        f"""Requests: {run.count}, for each cluster one for the health of all, and one that counts encrypted volumes,
        because there are keys that are not there, and on cluster2 one for its key stores."""
    )


def restore(stage: Stage) -> None:
    predicted = stage.play("ontap.security.restore", "--check", "--diff")
    expect(not predicted.writes, "Check mode should only read.", predicted)
    expect(len(predicted.changed) == 1, "One configuration should want its keys.", predicted)
    stage.show(predicted.diff("SVM vs0"))
    run = stage.play("ontap.security.restore")
    expect(len(run.writes) == 1, "Restoring should take one write.", run)
    again = stage.play("ontap.security.restore")
    expect(not again.changed and not again.writes, "Nothing should be left to restore.", again)
    stage.say(
        f"""Check mode named the node, and the keys are back on it: {run.count}. Once more, and there is nothing to do:
        {again.count}."""
    )


def rekey(stage: Stage) -> None:
    svms = '{"azure_key_vault_rekey_svms": ["vs0"]}'
    internal = stage.play("ontap.security.rekey", "-e", svms, "-e", "azure_key_vault_rekey_key=internal")
    expect(len(internal.writes) == len(stage.clusters), "Each vs0 should get a new internal key.", internal)
    key = "https://mykeyvault.vault.azure.net/keys/key2/b8e619fd8f234db3b0b95c59540e2a75"
    options = ("-e", svms, "-e", "azure_key_vault_rekey_key=external", "-e", f"azure_key_vault_rekey_key_id={key}")
    external = stage.play("ontap.security.rekey", *options)
    expect(len(external.writes) == len(stage.clusters), "Each vs0 should move to the other key.", external)
    again = stage.play("ontap.security.rekey", *options)
    expect(not again.changed and not again.writes, "The second run should change nothing.", again)
    stage.say(
        f"""Each vs0 has a new internal key ({internal.count}), and then another key in Azure ({external.count}). Asked
        for that key again, nothing is done: {again.count}."""
    )


def report(stage: Stage) -> None:
    folder = stage.folder / "drift-report"
    run = stage.play("ontap.security.drift_report", "-e", f"drift_report_dir={folder}")
    expect(not run.writes, "A report should only read.", run)
    expect((folder / "drift-report.html").is_file(), "There should be a page.", run)
    stage.say(
        f"""vs0 now uses another key than the inventory says, and the report names that, cluster by cluster. For people:
        {shown(folder / "drift-report.html")}. For pipelines: JSON, Markdown, CSV, JUnit XML and metrics beside it.
        Requests: {run.count}."""
    )


def move(stage: Stage) -> None:
    cluster = stage.clusters[1]
    west = {
        "svm": "vs0",
        "configuration": "west",
        "enabled": True,
        "name": "https://myvault-west.vault.azure.net/",
        "key_id": "https://myvault-west.vault.azure.net/keys/key1",
    }
    svms = json.dumps({"azure_key_vault_svms": [west]})
    # Several configurations of one SVM are what ONTAP has from 9.14.1 on.
    run = stage.play("ontap.security.move_vault", "--limit", "cluster2", "-e", svms)
    expect(
        [(write["method"], write["path"].split("/")[3]) for write in run.writes]
        == [("POST", "azure-key-vaults"), ("PATCH", "key-stores")],
        "One configuration should be created, inactive, and then switched to.",
        run,
    )
    store = cluster.ontap.store("vs0")
    expect(store.configuration == "west", "vs0 should use the vault in the west.", run)
    offline = [event for event in cluster.ontap.ems.events if event.name == "ekmip.akv.volOffline"]
    expect(not offline and store.state == "active", "The encrypted volume should have stayed online.", run)
    stage.say(
        f"""On cluster2, vs0 uses another vault now: one write created the configuration beside the one in use, another
        switched to it, and its encrypted volume stayed online. The configuration before is kept as the way back.
        Requests: {run.count}."""
    )


CHAPTERS: t.Sequence[tuple[str, t.Callable[[Stage], None]]] = (
    ("Look before you act", preview),
    ("Create what is missing", apply),
    ("Do it again", repeat),
    ("A change behind our back", drift),
    ("Mend it", mend),
    ("Are the keys where they should be?", health),
    ("Restore what a node has lost", restore),
    ("Change the keys", rekey),
    ("One page for the whole fleet", report),
    ("Move to another vault while volumes stay online", move),
)


def tell(stage: Stage) -> None:
    """Tell all chapters. Raises ``Failed`` or ``Stopped``."""
    stage.title("Azure Key Vault for ONTAP: two simulated clusters, real playbooks")
    for cluster in stage.clusters:
        stage.line(f"{cluster.ontap.cluster.name}  ONTAP {cluster.ontap.profile.release}  {cluster.url}  SVMs vs0, vs1")
    for number, (headline, chapter) in enumerate(CHAPTERS, 1):
        stage.check_stopped()
        stage.title(f"{number}. {headline}")
        chapter(stage)


def look_around(stage: Stage) -> None:
    """Say what is left to look at."""
    folder = shown(stage.folder)
    stage.title("To look at")
    for what, where in (
        ("playbooks", ", ".join(shown(path) for path in (PROJECT / "playbooks/apply.yml", HERE / "health.yml"))),
        ("inventory", f"{folder}/inventory.yml, {folder}/group_vars/ontap.yml"),
        ("logs", f"{folder}/logs, all that ansible-playbook said"),
    ):
        stage.line(f"{what:10} {where}", indent=2)
    stage.say(
        f"""The clusters are stopped. `rm -r {folder}` removes what is left of the demo. A cluster to play with
        yourself: `.venv/bin/python -m tests.simulator`."""
    )


def main(interruption: Interruption) -> int:
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, help="a new folder to work in (default: .cache/demo, made anew)")
    folder = parser.parse_args().folder
    if folder is not None and folder.exists():
        parser.error(f"{folder} exists already; the demo makes its folder itself")
    if folder is None:
        folder = (PROJECT / ".cache").resolve() / "demo"
        shutil.rmtree(folder, ignore_errors=True)
    stage = Stage(folder.absolute(), interruption)
    try:
        with stage:
            tell(stage)
    except Stopped:
        stage.title("Stopped. Nothing is left running.")
        return 128 + (interruption.signal or 0)
    except Failed as exc:
        stage.show(exc.output.splitlines())
        stage.title(f"This did not go as it should: {exc}")
        stage.line(f"The output above and that of earlier chapters: {shown(stage.folder)}/logs", indent=0)
        return 1
    look_around(stage)
    return 0
