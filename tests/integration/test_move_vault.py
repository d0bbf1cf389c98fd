# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook move_vault under ansible-playbook: that its tasks do what is decided, and let no secret out.

What is decided, case by case, is in tests/unit/test_moving.py.
"""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

from tests.integration.test_playbooks import Ran, run
from tests.simulator import Simulator
from tests.support.beats import CLIENT, OLD, WRITES
from tests.support.moves import BLUE, enabled

SECRET = "the-c4nary-of-the-new-vault"
GOAL = {name: value for name, value in BLUE.items() if name != "client_secret"}


def move(sims: t.Sequence[Simulator], folder: Path, *arguments: str, **variables: t.Any) -> Ran:
    described = {
        "azure_key_vault_svms": [{"svm": svm, "configuration": "blue", "enabled": True} for svm in ("vs0", "vs1")],
        "azure_key_vault_defaults": {name: value for name, value in GOAL.items() if name != "configuration"},
        "azure_key_vault_credentials": {CLIENT: {"client_secret": SECRET}},
    }
    path = folder / "group_vars" / "all.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(described), encoding="utf-8")
    environment = {"ANSIBLE_SHOW_CUSTOM_STATS": "true"}
    return run(sims[0], folder, "move_vault", *arguments, environment=environment, others=sims[1:], **variables)


def summary(ran: Ran) -> dict[str, t.Any]:
    stats = ran.output.partition("CUSTOM STATS")[2].partition('"move_vault_summary": ')[2]
    return t.cast("dict[str, t.Any]", json.JSONDecoder().raw_decode(stats)[0])


def test_a_fleet_moves_goes_on_and_tidies(tmp_path: Path) -> None:
    """One SVM of two clusters first. The second cluster refuses at first; the same run again goes on with it alone."""
    with (
        Simulator(release="9.16.1", svms=("vs0", "vs1")) as one,
        Simulator(release="9.16.1", svms=("vs0", "vs1")) as two,
    ):
        sims = [one, two]
        for sim in sims:
            for svm in ("vs0", "vs1"):
                sim.ontap.add_vault(svm, **OLD)
                sim.ontap.encrypt_volumes(svm)
        before = [sim.snapshot() for sim in sims]
        predicted = move(sims, tmp_path, "--check", "--diff")
        assert not predicted.failed, predicted.output
        assert [sim.snapshot() for sim in sims] == before
        assert "vs1 on cluster2: default -> blue (to be created); 2 encrypted volumes" in predicted.output
        assert re.search(
            r"First: vs0 on cluster1\. Then, once it is proved: vs1 on cluster1, vs0 on cluster2", predicted.output
        )
        assert summary(predicted)["changed"] == 4

        two.ontap.refuse("key-stores-patch", 65536602, times=1)
        failed = move(sims, tmp_path, "-vvvvv")
        assert (failed.failed, summary(failed)["failed"], summary(failed)["hosts_to_do"]) == (True, 1, ["cluster2"])
        assert "go on with --limit 'cluster2'" in failed.output
        assert SECRET not in failed.output
        assert enabled(one) == enabled(one, "vs1") == {"default": False, "blue": True}

        for sim in sims:
            sim.clear()
        # As a survey that is left empty gives them.
        done = move(sims, tmp_path, move_vault_svms="", move_vault_tidy="false", move_vault_back="")
        assert not done.failed, done.output
        assert [[r["method"] for r in sim.requests if r["method"] in WRITES] for sim in sims] == [[], ["PATCH"]]
        tidied = move(sims, tmp_path, move_vault_svms='"vs0"\n', move_vault_tidy="true")
        assert not tidied.failed, tidied.output
        assert [enabled(sim, svm) for sim in sims for svm in ("vs0", "vs1")] == [
            {"blue": True},
            {"default": False, "blue": True},
        ] * 2
        nonsense = move(sims, tmp_path, move_vault_back="true", move_vault_tidy="true")
        assert nonsense.failed
        assert "cannot be set together with move_vault_back" in nonsense.output
