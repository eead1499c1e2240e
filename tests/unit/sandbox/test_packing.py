"""What is packed is whole, the same content gives the same bytes, and what is published can be read by a machine."""

from __future__ import annotations

import json
import os
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from cockpitpm import unpacked
from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.release import INDEX
from cockpitpm.observe.build_index import read_index
from cockpitpm.sandbox import packing
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.packed import APP, PackedBuilds
from cockpitpm.sandbox.world import CHANNEL, OWNER, World
from tests.unit.unpacked.programs import program, run, site

COMMIT = "5c" * 20


def wheel(root: Path, *requires: str) -> Path:
    """A wheel as small as can be."""
    made = root / "cockpitpm-1-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", "Name: cockpitpm", *(f"Requires-Dist: {name}" for name in requires), ""]
    with zipfile.ZipFile(made, "w") as archive:
        for path in sorted(site(root).rglob("*.py")):
            archive.write(path, path.relative_to(root / "site"))
        archive.writestr("cockpitpm-1.dist-info/METADATA", "\n".join(lines))
    return made


def test_the_same_content_gives_the_same_bytes(root: Path) -> None:
    made = site(root)
    for number, name in enumerate(("a", "b")):
        for path in made.rglob("*"):
            os.utime(path, (number * 10**9, number * 10**9))
            path.chmod(0o700 + number * 0o50)
        packing.pack(made, root / name)
    assert (root / "a").read_bytes() == (root / "b").read_bytes()
    assert (root / "a").read_bytes().startswith(b"#!/usr/bin/env python3\n")


def test_other_content_is_another_program(root: Path) -> None:
    one, other = program(root / "a"), program(root / "b", command_line="def main():\n    return 1\n")
    says = [unpacked.says(str(path)) for path in (one, other)]
    assert None not in says and says[0] != says[1]


def test_a_wheel_with_what_it_requires(root: Path) -> None:
    made = root / "made"
    packing.from_wheel(wheel(root, "click>=8", "nothing-at-all; python_version < '3'", 'rich; extra == "more"'), made)
    assert (made / "cockpitpm/cli/packed.py").is_file() and (made / "click/__init__.py").is_file()
    assert not (made / "rich").exists()
    assert not [p.name for p in made.rglob("*") if p.name in packing.LOCAL or p.suffix == ".pyc"]


def test_what_is_not_installed_is_named(root: Path) -> None:
    with pytest.raises(RuntimeError, match="nothing-at-all is not installed here"):
        packing.from_wheel(wheel(root, "nothing-at-all"), root / "made")


def test_what_is_published(root: Path) -> None:
    packing.distribute(wheel(root), root / "dist", COMMIT, "2026-11-23T12:00:00+00:00")
    index = read_index((root / "dist" / INDEX).read_bytes())
    bundle = World().bundle(APP)
    assert sorted(index.assets) == sorted(b.asset_name(bundle.targets[0]) for b in bundle.binaries)
    for name, known in index.assets.items():
        data = (root / "dist" / name).read_bytes()
        assert (known.sha256, known.size) == (sha256(data).hexdigest(), len(data))
        assert os.access(root / "dist" / name, os.X_OK)
    assert index.commit == COMMIT


def test_cockpitpm_itself_runs_alone(root: Path) -> None:
    """Neither the checkout nor the environment that packed it is asked for anything."""
    builds = PackedBuilds(root, World().bundle(APP))
    packed, other = builds.build("7.1"), builds.build("7.2", Behaviour.FAILS_PROBE)
    assert builds.build("7.1") == packed and packed.stat().st_nlink == 1
    assert run(packed, "--version", PATH_ROOT=str(root / "m")).stdout == "cockpitpm 7.1\n"
    assert run(other, "--version", PATH_ROOT=str(root / "m")).stdout == "cockpitpm 7.2\n"
    told = json.loads(run(packed, "catalog", "--json", PATH_ROOT=str(root / "m")).stdout)
    assert len(told["apps"]) == len(list((bundles_folder() / "base").glob("*.yaml")))
    assert run(packed, "-m", "supervisor.supervisord", "--version", PATH_ROOT=str(root / "m")).returncode == 0


def test_a_world_publishes_it_under_every_name(root: Path) -> None:
    world, packed = World(), program(root)
    published = world.publish_packed(packed, "1.0")
    assert sorted(published.uuids) == sorted(packing.NAMES)
    release = world.state.repo(f"{OWNER}/{APP}").row(CHANNEL)
    assert release and {a.size for a in release.attachments} == {packed.stat().st_size}
