# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of an answer, as each release of Ansible hands it over."""

from __future__ import annotations

import inspect
import json
import re
import typing as t
from datetime import date
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.filter.vault_entries import TEXTS
from ansible_collections.ontap.security.plugins.lookup import answer as plugin
from ansible_collections.ontap.security.plugins.module_utils._ansible.entry import _drop_empty
from ansible_collections.ontap.security.plugins.module_utils._ansible.specs import VAULT
from ansible_collections.ontap.security.plugins.module_utils._azure.expiry import OPTIONS
from ansible_collections.ontap.security.plugins.plugin_utils._answers import (
    KINDS,
    AnswerError,
    answer,
    is_omitted,
    without_omitted,
)
from tests.awx.extra_vars import OMITTED, READ_AS

ROOT = Path(__file__).parents[2]
NOTHING = {"", " ", "\n", '""'}
NO_NAMES = {"~", "'no'", "[no]", "- no", "[1]", '[1, "50%"]', '{"vs0": {}}', "{{ 1 }}"}
# What a text means as each type. All others are refused, but for those that count as not given.
MEANT: dict[str, dict[str, t.Any]] = {
    "svms": {
        **{text: [text.strip()] for text in READ_AS if text not in NO_NAMES},
        "vs0,vs1": ["vs0", "vs1"],
        "0123 no": ["0123", "no"],
        "no, vs1": ["no", "vs1"],
        "vs0\nno\n": ["vs0", "no"],
        "null\nvs1": ["null", "vs1"],
        "1,2": ["1", "2"],
        "2026-01-01 10:00:00": ["2026-01-01", "10:00:00"],
        '"no"': ["no"],
        '"0123"': ["0123"],
        '"null"': ["null"],
        '["no"]': ["no"],
        '["no", "0123", "null"]': ["no", "0123", "null"],
        "[]": [],
    },
    "boolean": {
        **dict.fromkeys(("true", "True", "TRUE", "yes", "on", "1", "y", "1\n"), True),
        **dict.fromkeys(("false", "no", "No", "off", "0", "n", '"no"'), False),
    },
    "integer": {"1": 1, "0": 0, "600": 600, "-1": -1, "1\n": 1},
    "age": {"1": "1", "600": "600", "12h": "12h", "1\n": "1"},
    "turns": {
        **{"1": ["1"], "600": ["600"], "1\n": ["1"], "10%": ["10%"], "100%": ["100%"]},
        **{"[1]": ["1"], '[1, "50%"]': ["1", "50%"]},
    },
    "choice": {"internal": "internal", "external": "external"},
}
OTHER_NUMBERS = {"0123", "010", "0x10", "1_000", "12:30"}
# The types that take what Ansible has made of a text.
FITTING: dict[str, type | tuple[type, ...]] = {"boolean": (bool, int), "integer": int, "age": int, "turns": int}


def expect(found: t.Callable[[], t.Any], expected: t.Any) -> None:
    if expected is AnswerError:
        with pytest.raises(AnswerError, match="^(An element of )?which "):
            found()
    else:
        assert (found(), type(found())) == (expected, type(expected))


@pytest.mark.parametrize("kind", MEANT)
@pytest.mark.parametrize("text", READ_AS, ids=repr)
def test_an_answer_means_the_same_with_every_release(kind: str, text: str) -> None:
    """As a text, which it is before ansible-core 2.19, and as what this and later releases make of it."""
    choices, arrived = ("internal", "external"), READ_AS[text]
    meant = None if text in NOTHING else MEANT[kind].get(text, AnswerError)
    expect(lambda: answer(text, kind, "which", choices), meant)
    if arrived is None:
        # Nobody can tell what was null from what was left empty.
        meant = None
    elif not isinstance(arrived, (str, FITTING.get(kind, str))):
        meant = AnswerError
    elif text in OTHER_NUMBERS and kind != "boolean":
        # Nobody can tell 0123 from 83.
        meant = {"integer": arrived, "age": str(arrived), "turns": [str(arrived)]}[kind]
    expect(lambda: answer(arrived, kind, "which", choices), meant)


@pytest.mark.parametrize("lost", [True, False, 83, 1.5, date(2026, 1, 1)], ids=repr)
def test_a_name_that_is_lost_is_refused_and_never_means_everybody(lost: object) -> None:
    for value in (lost, [lost], ["vs0", lost], [None]):
        with pytest.raises(AnswerError) as caught:
            answer(value, "svms", "which_svms")
        for word in ("which_svms", "what was written is lost", "in double quotes", '"0123"'):
            assert word in str(caught.value)
    for kind in ("text", "hosts"):
        with pytest.raises(AnswerError, match='^which is .* Write it in double quotes, as in "0123"'):
            answer(lost, kind, "which")


@pytest.mark.parametrize("serial", [False, "abc", "1,2", 0, "-1", "0%", [1, "x"], []], ids=repr)
def test_no_number_of_clusters(serial: object) -> None:
    shown = serial if isinstance(serial, str) else json.dumps(serial)
    with pytest.raises(AnswerError) as caught:
        answer(serial, "turns", "ontap_serial")
    assert f"ontap_serial is {shown}. It is how many clusters" in str(caught.value)


@pytest.mark.parametrize(("serial", "turns"), [(3, ["3"]), ("3", ["3"]), ([1, "50%"], ["1", "50%"])], ids=repr)
def test_a_number_of_clusters(serial: object, turns: list[str]) -> None:
    assert answer(serial, "turns", "ontap_serial") == turns


def test_lists() -> None:
    assert answer([], "svms", "x") == []
    assert answer(["vs0", " no ", "vs0"], "svms", "x") == ["vs0", "no"]
    for value in (
        {"vs0": {}},
        [{"svm": "vs0"}],
        [["vs0"]],
        ["vs0", ""],
        [" "],
        ["vs0,vs1"],
        ["vs0 vs1"],
        ["-"],
        "vs*]",
    ):
        with pytest.raises(AnswerError, match="^x must be a list of SVM names, as in"):
            answer(value, "svms", "x")
    assert answer("json, md", "choices", "x", ["json", "md"]) == ["json", "md"]
    with pytest.raises(AnswerError, match="^x is pdf. It is one of json, md"):
        answer(["json", "pdf"], "choices", "x", ["json", "md"])


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("all:!lab", "all:!lab"),
        ('"no"', "no"),
        (["a", "b*"], "a,b*"),
        ('["no", "0123"]', "no,0123"),
        ("[ab]*", "[ab]*"),
    ],
)
def test_hosts(value: object, pattern: str) -> None:
    assert answer(value, "hosts", "x") == pattern


@pytest.mark.parametrize("value", [[], [""], ["a", None], {}, '["a"', False, [False]], ids=repr)
def test_no_hosts(value: object) -> None:
    with pytest.raises(AnswerError, match="^x "):
        answer(value, "hosts", "x")


def test_raw() -> None:
    """As it is, but for dates: with one in it, a list becomes one text before ansible-core 2.19."""
    given = [{"svm": "no", "port": 1, "expires": date(2026, 12, 31), "more": [True, None]}]
    assert answer(given, "raw", "x") == [{"svm": "no", "port": 1, "expires": "2026-12-31", "more": [True, None]}]


def test_nothing_in_an_answer_is_evaluated() -> None:
    """Before ansible-core 2.19 a text that goes from variable to variable may be evaluated on the way."""
    for value in ("{{ 1 }}", "{% if 1 %}", '"{{ 1 }}"', ["{{ 1 }}"]):
        for kind in ("text", "svms", "hosts", "choice"):
            with pytest.raises(AnswerError):
                answer(value, kind, "x", ["a"])


@pytest.mark.parametrize("omitted", OMITTED, ids=["2.16", "2.19"])
def test_omitted(omitted: object) -> None:
    assert is_omitted(omitted)
    assert without_omitted(omitted) is None
    nested = {"a": omitted, "b": [omitted, {"c": omitted, "d": 1}], "e": {"f": omitted}, "g": ""}
    assert without_omitted(nested) == {"b": [{"d": 1}], "e": {}, "g": ""}
    for kind in (*KINDS, "choice", "choices"):
        assert answer(omitted, kind, "x", ["a"]) is None
    assert answer(["vs0", omitted], "svms", "x") == ["vs0"]
    # Somebody chose from a list, and it came to nothing: nobody, not everybody.
    assert answer([omitted], "svms", "x") == []


def test_modules_leave_out_elements_that_are_omitted() -> None:
    """Ansible itself leaves out the options; before 2.19 not the elements of a list."""
    params = {"vaults": [OMITTED[0], {"svm": "vs0", "name": ""}], "fields": [OMITTED[0], "name"]}
    _drop_empty(params, {})
    assert params == {"vaults": [{"svm": "vs0"}], "fields": ["name"]}


@pytest.mark.parametrize("value", ["__omit_place_holder__", f"x{OMITTED[0]}", "omit", "", None, {}, []], ids=repr)
def test_not_omitted(value: object) -> None:
    assert not is_omitted(value)


def test_the_lookup_knows_every_type() -> None:
    (option,) = [yaml.safe_load(plugin.DOCUMENTATION)["options"]["type"]]
    assert sorted(option["choices"]) == sorted([*KINDS, "choice", "choices"])
    for kind in option["choices"]:
        assert f"V({kind})" in str(option["description"]), kind


def test_texts_of_entries_are_those_of_the_module() -> None:
    """All options that are texts, but for choices, and secrets, which the module checks without showing them."""
    texts = {name: option for name, option in VAULT.items() if option["type"] == "str" and not option.get("choices")}
    # A date is as good as its text.
    names = [name for name, option in texts.items() if not option.get("no_log") and name not in OPTIONS]
    assert set(TEXTS) == {*names, *(alias for name in names for alias in texts[name].get("aliases", ()))}


PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_playbooks_read_what_can_be_set_by_the_lookup_alone(path: Path) -> None:
    """Each variable that the head of a playbook explains. Those of roles are the roles' own."""
    head, _name, body = path.read_text(encoding="utf-8").partition("\n- name: ")
    lines = "\n".join(re.findall(r"^# ((?:azure_key_vault|awx_setup|ontap)_\w+,?(?: \w+,?)*)  ", head, re.MULTILINE))
    names = {name for name in re.findall(r"\w+", lines) if name.startswith(("azure_", "awx_", "ontap_"))}
    names |= {"ontap_hosts", "ontap_serial"} & set(re.findall(r"\w+", body))
    assert names or "roles:" in body
    expressions = "\n".join(re.findall(r"\{[{%][^}]*[}%]\}|^ +(?:when|that): [^\n]*", body, re.MULTILINE))
    for name in names:
        assert f"'{name}'" in expressions, name
        assert not re.search(rf"(?<![\w']){name}(?![\w'])", expressions), name


def test_surveys_have_no_default_where_nothing_is_meant() -> None:
    templates = yaml.safe_load((ROOT / "roles/awx_setup/vars/awx_job_templates.yml").read_text(encoding="utf-8"))
    questions = [one for template in templates["awx_job_templates"] for one in template["survey_spec"]["spec"]]
    assert len(questions) > 5
    for question in questions:
        assert question.get("default") != ""
        assert question["required"] or "default" not in question


def test_the_pure_part_is_pure() -> None:
    assert "ansible" not in re.sub(r'""".*?"""|#.*', "", inspect.getsource(inspect.getmodule(answer)), flags=re.DOTALL)  # type: ignore[arg-type]
