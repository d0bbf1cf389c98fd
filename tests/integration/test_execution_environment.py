# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution environments get the collection and what it needs, as far as ansible-builder goes without containers."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.support import runner
from tests.support.runner import Ran

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "execution-environment.yml"


def run(*command: str, cwd: Path) -> Ran:
    """Run one of Ansible's tools, of this environment, with nobody's configuration."""
    # Where the collection gets installed, so that ansible-galaxy does not warn that it will not be found.
    env = runner.environment(cwd / "home", ANSIBLE_COLLECTIONS_PATH=str(cwd / "collections"))
    ran = runner.run(*command, folder=cwd, env=env)
    assert not ran.failed, ran.printed
    return ran


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as it is released."""
    folder = tmp_path_factory.mktemp("release")
    run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(folder), cwd=folder)
    [built] = folder.glob("*.tar.gz")
    return built


def required() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_builder_finds_what_the_collection_needs(tarball: Path, tmp_path: Path) -> None:
    # Forced, because this environment has the checkout under the same name and version.
    run(
        "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "--force",
        "-p",
        "collections",
        str(tarball),
        cwd=tmp_path,
    )
    introspected = run("ansible-builder", "introspect", "collections", cwd=tmp_path)
    found = yaml.safe_load(introspected.stdout)
    assert found == {"python": [f"{line}  # from collection ontap.security" for line in required()], "system": []}
    assert introspected.stderr == ""


def match(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None, text
    return found


def test_the_sample_installs_the_release_beside_it(tarball: Path, tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path)
    shutil.copy(tarball, tmp_path)
    created = run("ansible-builder", "create", "--output-filename", "Containerfile", cwd=tmp_path)
    # A definition that it refuses fails above. A file that it does not find is only a warning.
    assert created.stderr == ""
    assert created.stdout.startswith("Complete!"), created.stdout

    context = tmp_path / "context"
    containerfile = (context / "Containerfile").read_text(encoding="utf-8")
    copy = match(r"^COPY (_build/collection/\S+) (\S+)$", containerfile)
    [copied] = context.glob(copy[1])
    assert copied.name == tarball.name
    assert copied.read_bytes() == tarball.read_bytes()
    requirements = yaml.safe_load((context / "_build/requirements.yml").read_text(encoding="utf-8"))
    assert requirements == {"collections": [{"name": copy[2], "type": "file"}]}

    # What an engine would run next, with the tarball where this test may put it.
    requirements["collections"][0]["name"] = str(copied)
    (tmp_path / "requirements.yml").write_text(yaml.safe_dump(requirements), encoding="utf-8")
    role = match(r"^RUN (ansible-galaxy role install) \S+ -r (requirements.yml) ", containerfile)
    collection = match(r"^RUN \S+ (ansible-galaxy collection install) \S+ -r (requirements.yml) ", containerfile)
    assert copy.end() < role.start() < collection.start()
    options = match(r'^ARG ANSIBLE_GALAXY_CLI_COLLECTION_OPTS="(.*)"$', containerfile)[1]
    assert options == "--offline"
    run(*role[1].split(), "-r", role[2], "-p", "roles", cwd=tmp_path)
    run(*collection[1].split(), options, "--force", "-r", collection[2], "-p", "collections", cwd=tmp_path)
    assert (tmp_path / "collections/ansible_collections/ontap/security/meta/execution-environment.yml").exists()


def test_the_sample_has_an_ansible_that_is_supported() -> None:
    dependencies = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))["dependencies"]
    core = match(r"^ansible-core>=(2\.\d+),<2\.(\d+)$", dependencies["ansible_core"]["package_pip"])
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={core[1]}.0"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| ansible-core | {core[1]} to 2.{int(core[2]) - 1} |" in readme


def test_a_release_can_be_built_into_an_environment_by_those_who_have_only_it(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
    assert {"execution-environment.yml", "meta/execution-environment.yml", "requirements.txt"} <= set(names)
    # No environment inside an environment.
    assert not [name for name in names if name.endswith(".tar.gz") or name.startswith("context/")]
