# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written down in two places agrees, and imports go one way."""

from __future__ import annotations

import ast
import re
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLUGINS = "ansible_collections.ontap.security.plugins."

# From the top to the bottom: a layer may use those below it.
LAYERS = (
    "_module",
    "_options",
    "_batch",
    "_apply",
    "_write",
    "_surroundings",
    "_run",
    "_actions",
    "_plan",
    "_report_html",
    "_report_text",
    "_report",
    "_health",
    "_search",
    "_vault",
    "_client",
    "_forms",
    "_http",
    "_errors",
    "_codes",
    "_secrets",
    "_text",
)

# What only one layer may know.
OUTSIDE = {"_module": {"ansible"}, "_client": {"requests", "urllib3"}, "_http": {"requests", "urllib3"}}


def made_by_tools() -> set[str]:
    """The names in .gitignore: git is not asked, because the tests also run in an unpacked archive."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return {line.strip("/").rpartition("/")[2] for line in lines if not line.startswith("#")} | {".git"}


def files() -> t.Iterator[Path]:
    ignored = made_by_tools()
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(Path(part).match(pattern) for part in parts for pattern in ignored):
            yield path


FILES = list(files())
TEXTS = [path for path in FILES if path.suffix != ".png"]


def named(paths: t.Iterable[Path]) -> t.Any:
    return pytest.mark.parametrize("path", list(paths), ids=lambda path: str(path.relative_to(ROOT)))


def imports(path: Path) -> set[str]:
    """The modules that a file imports, `from x import y` counted as x."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: ansible-test and readers want absolute imports"
            found.add(t.cast(str, node.module))
    return found


def from_outside(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"ansible_collections"}


def from_plugins(names: set[str]) -> set[str]:
    return {name.removeprefix(PLUGINS) for name in names if name.startswith("ansible_collections.")}


@named(ROOT.glob("plugins/module_utils/*.py"))
def test_layers_depend_downwards(path: Path) -> None:
    assert path.stem in LAYERS, "a new layer needs its place in LAYERS and in CONTRIBUTING.md"
    below = {f"module_utils.{layer}" for layer in LAYERS[LAYERS.index(path.stem) + 1 :]}
    assert from_plugins(imports(path)) <= below
    assert from_outside(imports(path)) <= OUTSIDE.get(path.stem, set())


@named(ROOT.glob("plugins/modules/*.py"))
def test_modules_know_only_the_layers(path: Path) -> None:
    assert from_plugins(imports(path)) <= {f"module_utils.{layer}" for layer in LAYERS}
    assert not from_outside(imports(path))


def test_plugins_of_the_controller_know_only_the_layers() -> None:
    shared = sorted(ROOT.glob("plugins/plugin_utils/**/*.py"))
    ours = {".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts) for path in shared}
    ours |= {name.rpartition(".")[0] for name in ours}
    for path in [*ROOT.glob("plugins/filter/*.py"), *ROOT.glob("plugins/lookup/*.py")]:
        assert from_plugins(imports(path)) <= ours | {f"module_utils.{layer}" for layer in LAYERS}, path
        from_ansible = {name for name in imports(path) if name.startswith("ansible.")}
        assert from_ansible <= {"ansible.errors", "ansible.plugins.lookup"}, path
        assert from_outside(imports(path)) <= {"ansible"}, path
    for path in shared:
        assert from_plugins(imports(path)) <= ours | {"module_utils._text"}, path
        assert not from_outside(imports(path)), path


@named(ROOT.glob("plugins/doc_fragments/*.py"))
def test_fragments_are_only_text(path: Path) -> None:
    assert imports(path) <= {"__future__"}


@named(ROOT.glob("tests/simulator/**/*.py"))
def test_the_simulator_is_independent(path: Path) -> None:
    # One mistake must not be able to hide on both sides.
    assert not from_outside(imports(path)) & {"ansible", "requests", "plugins"}
    assert not from_plugins(imports(path))


def test_contributors_see_the_layers() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `module_utils/(\w+)\.py`", text, re.MULTILINE)) == LAYERS


def version_key(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_versions_agree() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    client = (ROOT / "plugins/module_utils/_client.py").read_text(encoding="utf-8")
    assert re.findall(r'^VERSION = "(.*)"$', client, re.MULTILINE) == [version]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"ontap-security-([0-9.]+)\.tar\.gz", readme)) == {version}

    released = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]
    assert all(version_key(old) <= version_key(version) for old in released)
    for path in ROOT.glob("plugins/modules/*.py"):
        for added in re.findall(r"^ *version_added: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert version_key(added.strip("'\"")) <= version_key(version), f"{path.name} promises {added}"


def test_execution_environments_get_what_the_modules_need() -> None:
    environment = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text(encoding="utf-8"))
    lines = (ROOT / environment["dependencies"]["python"]).read_text(encoding="utf-8").splitlines()
    required = {re.split(r"[<>=~!]", line)[0] for line in lines if line and not line.startswith("#")}
    used = {name for path in ROOT.glob("plugins/**/*.py") for name in from_outside(imports(path))}
    # urllib3 comes with requests.
    assert required == used - {"ansible", "urllib3"} == {"requests"}


def test_pictures_name_their_licence_in_a_file_beside_them() -> None:
    for path in FILES:
        if path.suffix == ".png":
            assert path.with_name(path.name + ".license") in FILES
            assert path.stat().st_size < 200_000, path


# The licence and what antsibull-changelog writes.
NO_HEADER = {"LICENSE", "CHANGELOG.md", "CHANGELOG.rst", "changelog.yaml"}


def test_every_file_names_its_licence() -> None:
    for path in TEXTS:
        # ansible-test wants __init__.py below tests/unit to be empty.
        if path.name not in NO_HEADER and (head := path.read_text(encoding="utf-8")[:400]):
            if path.suffix == ".json":
                # JSON has no comments, but JSON Schema has a key for them.
                head = head.replace("\\n", "\n")
            assert "Copyright: Contributors to the ontap.security collection\n" in head, path
            assert "SPDX-License-Identifier: GPL-3.0-or-later\n" in head, path


def test_nothing_points_out_of_the_repository() -> None:
    # Split, so that this file passes as well.
    outside = re.compile("|".join([r"\.\./" + "shared", "/work" + "/(main|shared)", r"/home/\w", "/ro" + "ot/"]))
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        assert not outside.search(text), path
