# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written down in two places agrees, and imports go one way."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLUGINS = "ansible_collections.ontap.security.plugins."

# From the top to the bottom: a package may use those below it.
LAYERS = (
    "action",
    "filter",
    "lookup",
    "modules",
    "plugin_utils",
    "module_utils/_ansible",
    "module_utils/_azure",
    "module_utils/_monitor",
    "module_utils/_engine",
    "module_utils/_ontap",
)

# The doors to the world outside of Python's own library: only these may know it.
OUTSIDE = {
    "filter": {"ansible"},
    "lookup": {"ansible"},
    "plugin_utils/_in_process": {"ansible"},
    "module_utils/_ansible": {"ansible"},
    "module_utils/_azure/expiry": {"cryptography"},
    "module_utils/_ontap/client": {"requests", "urllib3"},
    "module_utils/_ontap/failures": {"requests", "urllib3"},
    "module_utils/_ontap/transport": {"requests", "urllib3"},
}

# Of Ansible, what plugins of the controller may know.
OF_ANSIBLE = {"ansible.errors", "ansible.plugins.lookup"}


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


def from_plugins(path: Path, *, deep: bool = True) -> set[str]:
    """The files of plugins/ that a file imports, as paths without suffix; of a package, the file that is meant.

    Without ``deep``, only those that are imported when the file is.
    """
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if deep else tree.body:
        if isinstance(node, ast.ImportFrom) and t.cast(str, node.module).startswith(PLUGINS):
            name = t.cast(str, node.module).removeprefix(PLUGINS).replace(".", "/")
            package = (ROOT / "plugins" / name).is_dir()
            found |= {f"{name}/{alias.name}" for alias in node.names} if package else {name}
    return found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT / "plugins").with_suffix(""))


def layer_of(name: str) -> str:
    (layer,) = (layer for layer in LAYERS if name.startswith(f"{layer}/"))
    return layer


CODE = [
    path
    for path in sorted(ROOT.glob("plugins/**/*.py"))
    if path.name != "__init__.py" and "doc_fragments" not in path.parts
]


@named(CODE)
def test_packages_depend_downwards(path: Path) -> None:
    name = name_of(path)
    layer = layer_of(name)
    below = LAYERS[LAYERS.index(layer) :]
    used = from_plugins(path)
    assert all(layer_of(other) in below for other in used), used
    # A module is sent to where it runs with module_utils alone; and only what runs one in its place needs it.
    assert layer != "modules" or all(layer_of(other).startswith("module_utils") for other in used), used
    assert layer == "action" or not any(layer_of(other) == "modules" for other in used), used
    assert from_outside(imports(path)) <= OUTSIDE.get(name, OUTSIDE.get(layer, set()))
    if layer in ("filter", "lookup"):
        assert {other for other in imports(path) if other.startswith("ansible.")} <= OF_ANSIBLE


SOURCES = sorted(ROOT.glob("extensions/eda/plugins/*/*.py"))


@named(SOURCES)
def test_event_sources_stand_on_what_the_controller_has(path: Path) -> None:
    used = {layer_of(other) for other in from_plugins(path)}
    assert used <= {"plugin_utils", "module_utils/_azure", "module_utils/_ontap"}
    assert from_outside(imports(path)) <= {"aiohttp"}


def test_event_sources_find_the_collection_in_one_way() -> None:
    begin, end = "# Find the collection:\n", "# Found.\n"
    ways = {path.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0] for path in SOURCES}
    assert len(ways) == 1
    assert all(ways)


def test_no_file_needs_itself() -> None:
    uses = {name_of(path): from_plugins(path) for path in CODE}
    graphlib.TopologicalSorter(uses).prepare()


@named(ROOT.glob("plugins/plugin_utils/_fleet/*.py"))
def test_procedures_over_a_fleet_are_pure(path: Path) -> None:
    beside = {name for name in from_plugins(path) if name.startswith("plugin_utils/_fleet/")}
    # What tells applications apart and what can be an entry is said once, where Azure is.
    pure = {"module_utils/_azure/credentials", "module_utils/_azure/desired", "module_utils/_azure/table"}
    pure |= {"module_utils/_azure/verdicts", "module_utils/_azure/vault"}
    values = {"module_utils/_engine/target", "module_utils/_ontap/errors", "module_utils/_ontap/text"}
    assert from_plugins(path) - beside <= pure | values


def module_of(path: Path) -> str:
    return PLUGINS + name_of(path).replace("/", ".")


def test_nothing_loads_what_it_does_not_need() -> None:
    """Pure files and filters load no HTTP library, and what reads does not load what writes."""
    pure = [
        path for path in CODE if re.search(r"\bPure\b", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    ]
    assert len(pure) > 15
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    loaded = {'requests', 'urllib3'} & sys.modules.keys()\n"
        "    assert not loaded, f'{name} loads {loaded}'\n"
        f"from {PLUGINS}modules import azure_key_vault, azure_key_vaults\n"
        f"writer = '{PLUGINS}module_utils._engine.carry_out'\n"
        "assert writer not in sys.modules, writer\n"
    )
    names = [module_of(path) for path in (*pure, *sorted(ROOT.glob("plugins/filter/*.py")))]
    subprocess.run([sys.executable, "-c", program, *names], check=True)


def test_the_engine_knows_no_resource() -> None:
    for path in ROOT.glob("plugins/module_utils/_engine/*.py"):
        assert not re.search("azure|akv|vault", path.read_text(encoding="utf-8"), re.IGNORECASE), path


def loads(path: Path) -> set[str]:
    """All files of plugins/ that are loaded with a file, but for what functions load when they are called."""
    todo, found = [name_of(path)], set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += from_plugins(ROOT / "plugins" / f"{name}.py", deep=False)
    return found


# What runs modules in the controller's process has to load what modules load.
IN_PROCESS = "plugin_utils/_in_process"


@named(
    path
    for path in CODE
    if layer_of(name_of(path)) in ("filter", "lookup", "plugin_utils") and name_of(path) != IN_PROCESS
)
def test_the_controller_loads_no_http(path: Path) -> None:
    assert not loads(path) & {name for name, known in OUTSIDE.items() if "requests" in known}


@named(ROOT.glob("plugins/doc_fragments/*.py"))
def test_fragments_are_only_text(path: Path) -> None:
    assert imports(path) <= {"__future__"}


@named(ROOT.glob("tests/simulator/**/*.py"))
def test_the_simulator_is_independent(path: Path) -> None:
    # One mistake must not be able to hide on both sides.
    assert not from_outside(imports(path)) & {"ansible", "requests", "plugins"}
    assert not from_plugins(path)


def test_contributors_see_the_layers() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `plugins/(.*?)/` \|", text, re.MULTILINE)
    assert shown == [layer for layer in LAYERS if (ROOT / "plugins" / layer).is_dir()]


def version_key(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_versions_agree() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    source = (ROOT / "plugins/module_utils/_ontap/release.py").read_text(encoding="utf-8")
    assert re.findall(r'^VERSION = "(.*)"$', source, re.MULTILINE) == [version]
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
    # urllib3 comes with requests, and cryptography is only used where it is installed.
    assert required == used - {"ansible", "urllib3", "cryptography"} == {"requests"}


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
