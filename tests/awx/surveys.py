# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses in a survey, and in the answers to one."""

from __future__ import annotations

import typing as t

from tests.awx.kinds import Item
from tests.awx.refusals import Refused, refuse

QUESTION_KEYS = {"type": str, "question_name": str, "variable": str, "required": bool}
ANSWERS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (int, float),
}


def _refuse_survey(text: str) -> t.NoReturn:
    raise Refused(400, {"error": text})


def check_survey(survey: Item) -> None:
    """Refuse what AWX refuses in a survey, and tidy the choices as AWX does."""
    for field, expected in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(survey.get(field), expected):
            _refuse_survey(f"Field '{field}' is missing from survey spec, or of the wrong type.")
    if not survey["spec"]:
        _refuse_survey("'spec' doesn't contain any items.")
    variables = [question.get("variable") for question in survey["spec"]]
    for index, question in enumerate(survey["spec"]):
        for field, needed in QUESTION_KEYS.items():
            if not isinstance(question.get(field), needed):
                _refuse_survey(f"'{field}' missing from survey question {index}, or of the wrong type")
        if variables.count(question["variable"]) > 1:
            _refuse_survey(f"'variable' '{question['variable']}' duplicated in survey question {index}.")
        if question["type"] not in ANSWERS:
            _refuse_survey(f"'{question['type']}' in survey question {index} is not one of the allowed question types.")
        for limit in ("min", "max"):
            if question.get(limit) is not None and not isinstance(question[limit], int):
                _refuse_survey(f"The {limit} limit in survey question {index} expected to be integer.")
        _check_choices(index, question)


def _check_choices(index: int, question: Item) -> None:
    default = question.get("default", "")
    if default != "" and not isinstance(default, ANSWERS[question["type"]]):
        _refuse_survey(f"Default value {default} in survey question {index} is of the wrong type.")
    if question["type"] not in ("multiplechoice", "multiselect"):
        return
    if "choices" not in question:
        _refuse_survey(f"Survey question {index} of type {question['type']} must specify choices.")
    for field in ("choices", "default"):
        if isinstance(question.get(field), str):
            question[field] = "\n".join(line for line in question[field].splitlines() if line.strip())
    defaults = question.get("default", "").splitlines()
    if question["type"] == "multiplechoice" and len(defaults) > 1:
        _refuse_survey("Multiple Choice (Single Select) can only have one default value.")
    if not set(defaults) <= set(choices_of(question)):
        _refuse_survey("Default choice must be answered from the choices listed.")


def choices_of(question: Item) -> list[str]:
    """The choices of a question, which are a list or lines."""
    choices = question.get("choices", [])
    return choices.splitlines() if isinstance(choices, str) else choices


def check_answer(question: Item, answer: object) -> None:
    """Refuse an answer that AWX refuses."""
    variable, kind = question["variable"], question["type"]
    if kind == "multiplechoice":
        if answer not in choices_of(question):
            refuse("variables_needed_to_start", f"Value {answer} for '{variable}' is not among the choices.")
    elif kind != "multiselect" and not isinstance(answer, ANSWERS[kind]):
        refuse("variables_needed_to_start", f"Value {answer} for '{variable}' is of the wrong type.")
    elif isinstance(answer, str) and len(answer) < (question.get("min") or 0):
        refuse("variables_needed_to_start", f"'{variable}' value {answer} is too small.")
