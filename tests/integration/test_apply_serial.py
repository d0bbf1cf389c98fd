# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many clusters at a time the playbook apply takes, and what it says of a number that is none."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.integration.test_playbooks import Ran, run
from tests.simulator import Simulator
from tests.support.beats import OLD


@pytest.fixture(scope="module")
def sim() -> t.Iterator[Simulator]:
    with Simulator(release="9.16.1", svms=("vs0",)) as simulator:
        simulator.ontap.add_vault("vs0", **OLD)
        yield simulator


def apply(sim: Simulator, folder: Path, **serial: object) -> Ran:
    """Check four clusters, which are one."""
    entry = {"svm": "vs0", "key_id": OLD["key_id"]}
    return run(sim, folder, "apply", "--check", others=[sim] * 3, azure_key_vault_svms=[entry], **serial)


# What else a value may be is held by tests/unit/test_survey_answers.py.
@pytest.mark.parametrize(("serial", "turns"), [(None, 1), (" ", 1), ([1, "50%"], 3)], ids=repr)
def test_turns(sim: Simulator, tmp_path: Path, serial: object, turns: int) -> None:
    checked = apply(sim, tmp_path, **({} if serial is None else {"ontap_serial": serial}))
    assert not checked.failed, checked.output
    assert checked.output.count("PLAY [") == turns
    assert len(checked.requests) == 4


@pytest.mark.parametrize("serial", [False, [1, "x"]], ids=repr)
def test_no_number_of_clusters(sim: Simulator, tmp_path: Path, serial: object) -> None:
    """Ansible reads it before the first task, so there is none, and no cluster is tried."""
    refused = apply(sim, tmp_path, ontap_serial=serial)
    assert refused.failed
    shown = serial if isinstance(serial, str) else json.dumps(serial)
    assert f"ontap_serial is {shown}. It is how many clusters" in refused.output
    assert ("TASK" in refused.output, refused.requests) == (False, [])
