# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules, the guides and the lists of modules say is so."""

from __future__ import annotations

import ast
import importlib
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.support.runner import run

ROOT = Path(__file__).parents[2]
COLLECTION = "ontap.security"
MODULES = sorted(path.stem for path in ROOT.glob("plugins/modules/[!_]*.py"))

# An option whose value authenticates. Names of files, keys and policies do not.
SECRET = re.compile(r"(^|_)(password|passphrase|secret|token|certificate|private_key)$")

Option = dict[str, t.Any]
each_module = pytest.mark.parametrize("name", MODULES)


@pytest.fixture(scope="session")
def docs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """The documentation as users see it, with the shared fragments in place."""
    names = [f"{COLLECTION}.{name}" for name in MODULES]
    ran = run("ansible-doc", "--type", "module", "--json", *names, folder=tmp_path_factory.mktemp("ansible"))
    assert (ran.failed, ran.stderr) == (False, "")
    return {name.rpartition(".")[2]: entry for name, entry in json.loads(ran.stdout).items()}


def spec_of(name: str) -> dict[str, Option]:
    module = importlib.import_module(f"ansible_collections.ontap.security.plugins.modules.{name}")
    return t.cast("dict[str, Option]", module.argument_spec())


def pairs(
    spec: dict[str, Option], documented: dict[str, Option], path: str = ""
) -> t.Iterator[tuple[str, Option, Option]]:
    """Every option with its documentation, also those inside other options."""
    assert sorted(spec) == sorted(documented), f"options of {path or 'the module'}"
    for name, option in spec.items():
        yield path + name, option, documented[name]
        yield from pairs(option.get("options") or {}, documented[name].get("suboptions") or {}, f"{path}{name}.")


def facts(option: Option) -> Option:
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": option.get("required", False),
        "default": option.get("default"),
        "choices": list(option.get("choices") or []),
        "aliases": sorted(option.get("aliases") or []),
    }


def text_of(documented: Option) -> str:
    description = documented["description"]
    return description if isinstance(description, str) else " ".join(description)


def test_there_are_modules() -> None:
    assert MODULES


@each_module
def test_options_are_as_documented(name: str, docs: dict[str, t.Any]) -> None:
    for path, option, documented in pairs(spec_of(name), docs[name]["doc"]["options"]):
        assert facts(option) == facts(documented), path


@each_module
def test_environment_is_as_documented(name: str, docs: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for path, option, documented in pairs(spec_of(name), docs[name]["doc"]["options"]):
        fallback, *arguments = option.get("fallback") or (None,)
        names = [variable for argument in arguments for variable in argument]
        assert names == list(dict.fromkeys(re.findall(r"E\(((?:ONTAP|AKV)_\w+)\)", text_of(documented)))), path
        for variable in names:
            monkeypatch.setenv(variable, "from the environment")
            assert fallback(*names) == "from the environment", path
            monkeypatch.delenv(variable)


@each_module
def test_secrets_and_only_secrets_are_censored(name: str, docs: dict[str, t.Any]) -> None:
    for path, option, _documented in pairs(spec_of(name), docs[name]["doc"]["options"]):
        secret = SECRET.search(path) is not None
        assert bool(option.get("no_log")) == secret, path
        assert not (secret and "default" in option), path


@each_module
def test_attributes_are_documented(name: str, docs: dict[str, t.Any]) -> None:
    attributes = docs[name]["doc"].get("attributes", {})
    assert {"action_group", "check_mode", "diff_mode", "idempotent"} <= set(attributes)
    for attribute, entry in attributes.items():
        assert entry["support"] in ("full", "partial", "none", "N/A"), attribute
        assert entry["support"] != "partial" or entry.get("details"), f"{attribute}: when is it not?"
    assert attributes["check_mode"]["support"] == "full"
    assert f"{COLLECTION}.ontap" in attributes["action_group"]["membership"]


@each_module
def test_results_are_documented(name: str, docs: dict[str, t.Any]) -> None:
    returned = docs[name]["return"]
    assert returned
    for key, entry in returned.items():
        assert {"description", "returned", "type"} <= set(entry), key


def test_the_same_result_is_documented_the_same(docs: dict[str, t.Any]) -> None:
    for key in ("actions", "credentials", "job", "error", "key_version"):
        texts = {json.dumps(entry["return"][key], sort_keys=True) for entry in docs.values() if key in entry["return"]}
        assert len(texts) == 1, key


def test_one_configuration_is_documented_the_same_alone_and_in_a_list(docs: dict[str, t.Any]) -> None:
    """The suboptions of azure_key_vaults are the options of azure_key_vault."""
    alone = docs["azure_key_vault"]["doc"]["options"]
    for name, documented in docs["azure_key_vaults"]["doc"]["options"]["vaults"]["suboptions"].items():
        text = json.dumps(documented["description"]).replace("O(vaults[].", "O(")
        assert text == json.dumps(alone[name]["description"]), name


def calls(node: t.Any) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Every use of something of this collection in a playbook, wherever it stands."""
    if isinstance(node, list):
        for item in node:
            yield from calls(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            name = str(key).removeprefix("group/")
            if name.startswith(f"{COLLECTION}.") and isinstance(value, dict):
                yield name.removeprefix(f"{COLLECTION}."), value
            yield from calls(value)


def check_call(arguments: dict[str, t.Any], options: dict[str, Option], path: str) -> None:
    known = {alias: option for name, option in options.items() for alias in [name, *(option.get("aliases") or [])]}
    for name, value in arguments.items():
        assert name in known, f"{path}: {name} is no option"
        option = known[name]
        if isinstance(value, str) and "{{" in value:
            continue
        choices = option.get("choices")
        assert not choices or value in choices, f"{path}: {name}={value}"
        suboptions = option.get("suboptions")
        for item in value if isinstance(value, list) else [value]:
            if suboptions and isinstance(item, dict):
                check_call(item, suboptions, f"{path}.{name}")


@each_module
def test_examples_use_what_exists(name: str, docs: dict[str, t.Any]) -> None:
    found = list(calls(yaml.safe_load(docs[name]["examples"])))
    assert name in dict(found)
    for used, arguments in found:
        check_call(arguments, options_of(used, docs), f"{name}: {used}")


def options_of(used: str, docs: dict[str, t.Any]) -> dict[str, Option]:
    if used == "ontap":
        # The action group: an option counts when every module of the group has it.
        everywhere = set.intersection(*(set(entry["doc"]["options"]) for entry in docs.values()))
        return {name: option for name, option in docs[MODULES[0]]["doc"]["options"].items() if name in everywhere}
    source = ROOT / f"extensions/eda/plugins/event_source/{used}.py"
    if source.exists():
        return options_of_source(source)
    assert used in docs, f"{COLLECTION}.{used} does not exist"
    return t.cast("dict[str, Option]", docs[used]["doc"]["options"])


def options_of_source(path: Path) -> dict[str, Option]:
    """The options of an event source; several that are documented together stand in one name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (text,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION"
    )
    options = yaml.safe_load(text)["options"]
    return {name: option for names, option in options.items() for name in names.split(", ")}


GUIDES = [ROOT / "README.md", *sorted(ROOT.glob("docs/docsite/rst/*.rst"))]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_guides_use_what_exists(guide: Path, docs: dict[str, t.Any]) -> None:
    text = guide.read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    blocks += re.findall(r"^\.\. code-block:: yaml.*?\n\n((?:(?: +.*)?\n)+)", text, re.MULTILINE)
    for block in blocks:
        for used, arguments in calls(yaml.safe_load(block)):
            check_call(arguments, options_of(used, docs), used)


def test_pictures_are_where_readers_see_them() -> None:
    # Of docs/docsite/rst, antsibull-docs takes only the .rst files into a site, where an image would be missing.
    for path in ROOT.glob("docs/docsite/rst/**/*.rst"):
        assert not re.search(r"^\s*\.\. .*\b(image|figure)::", path.read_text(encoding="utf-8"), re.MULTILINE), path
    shown = set()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("roles/*/*.md")]:
        targets = re.findall(r"!\[[^]]+\]\((.+?)\)", path.read_text(encoding="utf-8"))
        shown |= {(path.parent / target).resolve() for target in targets}
    assert shown == set(ROOT.resolve().glob("docs/**/*.png"))


def test_readme_lists_the_modules() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Modules\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == MODULES


def test_every_module_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert sorted(runtime["action_groups"]["ontap"]) == MODULES
