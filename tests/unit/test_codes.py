# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every ONTAP error code is explained, in words that help."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.ontap.security.plugins.module_utils._ontap import catalogue, codes
from docs.generate import rst

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "plugins/module_utils/_ontap/catalogue.py"
NAMES = ROOT / "plugins/module_utils/_ontap/codes.py"
DOCUMENTED: dict[str, list[str]] = yaml.safe_load(
    (ROOT / "tests/unit/data/ontap_codes.yml").read_text(encoding="utf-8")
)
ALL = {code for codes in DOCUMENTED.values() for code in codes}

LONGEST = 300
# Words that blame, beg or say nothing.
EMPTY_WORDS = re.compile(r"\b(simply|please|just|obviously|check your settings|something went wrong)\b", re.IGNORECASE)

each_code = pytest.mark.parametrize("code", sorted(catalogue.CODES, key=int))


@pytest.mark.parametrize("where", DOCUMENTED)
def test_every_documented_code_is_explained(where: str) -> None:
    assert not [code for code in DOCUMENTED[where] if catalogue.explain(code) is None]


def test_the_catalogue_has_nothing_else() -> None:
    assert set(catalogue.CODES) == ALL


def test_no_code_is_written_twice() -> None:
    # A second entry of a dictionary would replace the first in silence.
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Explanation"]
    assert len(calls) == len(catalogue.CODES) == sum(map(len, catalogue.GROUPS.values()))


def test_no_explanation_is_used_twice() -> None:
    meanings = [explanation.meaning for explanation in catalogue.CODES.values()]
    assert len(set(meanings)) == len(meanings)


@each_code
def test_codes_are_numbers_in_text(code: str) -> None:
    assert re.fullmatch(r"[1-9][0-9]*", code)


@each_code
def test_meaning_is_one_sentence(code: str) -> None:
    assert_prose(catalogue.CODES[code].meaning)
    assert not re.search(r"[.!?]\s+[A-Z]", without_code(catalogue.CODES[code].meaning))


@each_code
def test_remedy_says_what_to_do(code: str) -> None:
    explanation = catalogue.CODES[code]
    assert_prose(explanation.remedy)
    assert explanation.remedy != explanation.meaning


def without_code(text: str) -> str:
    return re.sub("`[^`]*`", "code", text)


def assert_prose(text: str) -> None:
    assert 20 <= len(text) <= LONGEST
    assert text == " ".join(text.split()), "words are separated by one space"
    assert re.match(r"[A-Z`]", text)
    assert text.endswith(".")
    assert not EMPTY_WORDS.search(text)
    assert text.count("`") % 2 == 0
    assert text.isascii(), "older terminals and log collectors show nothing else reliably"
    assert not re.search(r"\w+_\w+", without_code(text)), "names of options and modules are marked as code"


def test_remedies_name_only_options_that_exist() -> None:
    modules = sorted(ROOT.glob("plugins/modules/*.py"))
    if len(modules) < 5:
        pytest.skip("remedies speak of modules that are not written yet")
    # Names that come from ONTAP, not from this collection.
    known = {"azure_reachability", "new_client_secret", "query_fields", "authentication_method"}
    for path in [*modules, *ROOT.glob("plugins/doc_fragments/*.py")]:
        known |= {path.stem, *re.findall(r"^ +([a-z_]+):", path.read_text(encoding="utf-8"), re.MULTILINE)}
    for code, explanation in catalogue.CODES.items():
        marked = re.findall(r"`([a-z]+(?:_[a-z]+)+)(?::[^`]*)?`", explanation.meaning + explanation.remedy)
        assert set(marked) <= known, code


def test_an_unknown_code_has_no_explanation() -> None:
    assert catalogue.explain("") is None
    assert catalogue.explain("999999999") is None


def test_names_for_decisions() -> None:
    names = {
        codes.NO_ENTRY,
        codes.ALREADY_CONFIGURED,
        codes.RESTORE_INCOMPLETE,
        codes.NO_INTERNAL_KEY,
    }
    assert names <= set(catalogue.CODES)
    assert set(catalogue.CODES) >= codes.BUSY | codes.UNCERTAIN | codes.NOT_CONFIGURED
    assert not codes.BUSY & codes.UNCERTAIN, "one says that nothing was done, the other that nobody knows"


@pytest.mark.parametrize("path", sorted(ROOT.glob("plugins/**/*.py")), ids=lambda path: path.stem)
def test_codes_are_written_in_one_place(path: Path) -> None:
    if path in (SOURCE, NAMES):
        return
    constants = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)}
    # Shorter ones mean other things too.
    assert not constants & {code for code in ALL if len(code) > 2}, "give the code a name in _ontap/codes.py"


def test_prose_is_escaped_for_the_guide() -> None:
    assert rst("All * of `a_*|b` or c_ | d_e \\") == r"All \* of ``a_*|b`` or c\_ \| d_e \\"
