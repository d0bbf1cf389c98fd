# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra variables of a job, as AWX puts them together and writes them for Ansible.

The rules are those of awx/main/models/mixins.py, for the defaults of a survey, and of awx/main/utils/safe_yaml.py.
"""

from __future__ import annotations

import typing as t
from datetime import date, datetime

import yaml

Variables = t.Mapping[str, t.Any]


class _Unsafe(yaml.SafeDumper):
    """Nobody who launches a job may have anything evaluated, so each text is tagged, the names of variables too."""

    def represent_data(self, data: t.Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def written(variables: Variables) -> str:
    """The file that a job gets as ``-e @file``: each variable is a document's only line, and they follow each other."""
    return "".join(
        yaml.dump({name: value}, Dumper=_Unsafe, default_flow_style=False) for name, value in variables.items()
    )


def launched(template: Variables, answers: Variables, *, empty: bool) -> dict[str, t.Any]:
    """The variables of a job of ``template``: the answers, and where there is none, the default.

    A question without a default that was left open is not there; ``empty``: it is an empty text, as from a browser.
    """
    variables: dict[str, t.Any] = {"awx_job_id": 7, "awx_user_name": "0123", "awx_job_launch_type": "manual"}
    for question in template.get("survey_spec", {}).get("spec", []):
        if "default" in question or empty:
            variables[question["variable"]] = question.get("default", "")
    return {**variables, **answers}


# What ansible-core 2.19 and later makes of a text that is written so. Before, each stays a text.
READ_AS: t.Final[dict[str, t.Any]] = {
    **dict.fromkeys(("", "null", "Null", "~", "null\n")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "No", "off"), False),
    **{"1": 1, "0": 0, "600": 600, "0123": 83, "010": 8, "0x10": 16, "1_000": 1000, "12:30": 750, "-1": -1, "1\n": 1},
    **{"1.5": 1.5, "1.0": 1.0, "2026-01-01": date(2026, 1, 1), "2026-01-01 10:00:00": datetime(2026, 1, 1, 10)},
    # What stays a text all the same.
    **{
        text: text
        for text in (
            *(
                " ",
                "\n",
                "None",
                "none",
                "n",
                "y",
                "1e3",
                "10%",
                "100%",
                "12h",
                "vs0",
                "vs0\n",
                " vs0 ",
                "vs0,vs1",
                "0123 no",
            ),
            *("no, vs1", "vs0\nno\n", "null\nvs1", "1,2", '"no"', '"0123"', '"null"', '""', "'no'", "[no]", "- no"),
            *(
                '["no"]',
                '["no", "0123", "null"]',
                "[]",
                "[1]",
                '{"vs0": {}}',
                "{{ 1 }}",
                "internal",
                "external",
                "perhaps",
            ),
            *("https://v.vault.azure.net/keys/k1", "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa", '[1, "50%"]', "all:!lab"),
        )
    },
}


class _OmitType:
    """As ansible-core 2.19 and later has it."""


# What stands in the place of a value that is omitted: a text before ansible-core 2.19, then an object.
OMITTED: t.Final = (f"__omit_place_holder__{'0af' * 13}1", _OmitType())
