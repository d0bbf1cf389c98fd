# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's chapters, and the one who tells them."""

from __future__ import annotations

import argparse
import shutil
import textwrap
import typing as t
from pathlib import Path

from tests.demo.interruption import Interruption
from tests.demo.stage import HERE, PROJECT, WIDTH, Failed, Stage, Stopped, expect, shown

# The cluster's own configuration and those of vs0 and vs1, on two clusters.
CONFIGURATIONS = 6
VS0 = "changed: [cluster1] => (item=vs0)"


def preview(stage: Stage) -> None:
    run = stage.play("akv.yml", "--check", "--diff")
    expect(len(run.changed) == CONFIGURATIONS, "All configurations should be missing.", run)
    expect(not run.writes, "Check mode should only read.", run)
    stage.say(
        f"""{CONFIGURATIONS} configurations would be created: the clusters' own and those of their SVMs. For vs0, on
        either cluster, that would be:"""
    )
    stage.show(run.diff("SVM vs0"))
    stage.say(f"Requests that reached the clusters: {run.count}. Looking changes nothing.")


def apply(stage: Stage) -> None:
    run = stage.play("akv.yml")
    expect(len(run.changed) == CONFIGURATIONS, "All configurations should be created.", run)
    expect(len(run.writes) == CONFIGURATIONS, "Each configuration should take one write.", run)
    stage.show(run.recap)
    stage.say(f"The {CONFIGURATIONS} configurations are there. Requests: {run.count}, one for each configuration.")


def repeat(stage: Stage) -> None:
    run = stage.play("akv.yml")
    expect(not run.changed, "The second run should change nothing.", run)
    expect(len(run.requests) == CONFIGURATIONS, "Each configuration should take one request.", run)
    stage.show(run.recap)
    stage.say(f"Nothing to do. To know that took one request for each configuration: {run.count}.")


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
    run = stage.play("akv.yml", "--check", "--diff")
    expect(run.changed == [VS0], "Exactly vs0 of cluster1 should differ.", run)
    expect(not run.writes, "Check mode should only read.", run)
    stage.show(run.diff("SVM vs0"))
    stage.say(
        f"""One of {CONFIGURATIONS} configurations differs. The secret would be sent along, because it belongs to the
        client_id; its value is never shown. Requests: {run.count}."""
    )


def mend(stage: Stage) -> None:
    run = stage.play("akv.yml")
    expect(run.changed == [VS0], "Exactly vs0 of cluster1 should be changed.", run)
    expect(len(run.writes) == 1, "That should take one write.", run)
    (write,) = run.writes
    stage.show([f"{write['method']} {write['path']}", f"      fields: {', '.join(sorted(write['body']))}"])
    expect(not stage.play("akv.yml", "--check").changed, "Nothing should be left to do.", run)
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
    expect(len(run.requests) == len(stage.clusters), "Each cluster should be asked once.", run)
    for message in messages:
        stage.show(textwrap.wrap(message, WIDTH, subsequent_indent=" " * 10))
    stage.say(f"Requests: {run.count}, one for each cluster.")


CHAPTERS: t.Sequence[tuple[str, t.Callable[[Stage], None]]] = (
    ("Look before you act", preview),
    ("Create what is missing", apply),
    ("Do it again", repeat),
    ("A change behind our back", drift),
    ("Mend it", mend),
    ("Are the keys where they should be?", health),
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
        ("playbooks", ", ".join(shown(path) for path in sorted(HERE.glob("*.yml")))),
        ("inventory", f"{folder}/inventory.yml"),
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
