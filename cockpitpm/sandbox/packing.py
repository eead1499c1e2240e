"""Packs cockpitpm with all that it needs into one file that runs wherever there is a Python like this one.

The dependencies are copied from the environment that runs this, so what is packed is what was tested, and no network is
needed. The same content gives the same bytes. What the file does when it is started: `cockpitpm.unpacked`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from email import message_from_string
from importlib import metadata
from pathlib import Path

from cockpitpm import unpacked
from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.release import INDEX
from cockpitpm.observe.build_index import read_index

ANY_PYTHON = "/usr/bin/env python3"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest moment that an archive can name; the moment of every file in it."""
STARTER = "_unpacked"
NAMES = tuple(
    f"{name}-py3" for name in ("hero_cockpit_server", "hero_cockpit_web", "hero_cockpit_admin", "hero_cockpit")
)
"""The assets that the bundle of hero_cockpit asks for. The file reads from its own name what to be."""
PACKAGE = Path(__file__).parents[1]
LOCAL = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""What pip notes about an environment of its own."""


def from_wheel(wheel: Path, site: Path) -> None:
    """Fill the folder `site` with a wheel and its dependencies."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        needed = message_from_string(archive.read(name).decode()).get_all("Requires-Dist", [])
    add_dependencies(needed, site)


def from_here(site: Path) -> None:
    """Fill the folder `site` with the cockpitpm that runs now and its dependencies."""
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, site / PACKAGE.name, ignore=left_out)
    for folder in (bundles_folder(), bundles_folder().with_name("schema")):
        shutil.copytree(folder, site / PACKAGE.name / "data" / folder.name, ignore=left_out, dirs_exist_ok=True)
    add_dependencies(_needed_here(), site)


def _needed_here() -> list[str]:
    """In a checkout pyproject.toml is newer than what was noted when it was installed."""
    declared = PACKAGE.parent / "pyproject.toml"
    if not declared.is_file():
        return metadata.requires("cockpitpm") or []
    needed: list[str] = tomllib.loads(declared.read_text(encoding="utf-8"))["project"]["dependencies"]
    return needed


def add_dependencies(needed: Iterable[str], site: Path) -> None:
    """Copy what these requirements name, and what that requires. Raises RuntimeError for what is not installed."""
    for found in _closure(needed):
        for file in found.files or ():
            if ".." not in file.parts and file.suffix != ".pyc" and file.name not in LOCAL:
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(found.locate_file(file)), target)


def _closure(needed: Iterable[str]) -> Iterator[metadata.Distribution]:
    from packaging.requirements import Requirement  # this and shiv are tools of those who develop cockpitpm

    waiting, seen = list(needed), set()
    while waiting:
        wanted = Requirement(waiting.pop())
        if wanted.name.lower() in seen or not (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            continue
        seen.add(wanted.name.lower())
        try:
            found = metadata.distribution(wanted.name)
        except metadata.PackageNotFoundError as error:
            raise RuntimeError(f"{wanted.name} is not installed here; run `make setup`") from error
        waiting += found.requires or []
        yield found


def pack(site: Path, target: Path, python: str = ANY_PYTHON) -> None:
    """Write one executable file that holds the folder `site`. `python` is what its `#!` line names."""
    from shiv import __version__, builder
    from shiv.bootstrap.environment import Environment

    for path in site.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    about = Environment(
        built_at="1980-01-01 00:00:00", shiv_version=__version__, entry_point="cockpitpm.cli:main", reproducible=True
    )
    builder.create_archive([site], target, python, f"{STARTER}:start", about, compressed=True)
    starter = Path(unpacked.__file__).read_bytes()
    says = {"id": _id(str(about.build_id), starter), "suffixes": sorted(_suffixes(site))}
    with zipfile.ZipFile(target, "a") as archive:
        _add(archive, f"{STARTER}.py", starter)
        _add(archive, unpacked.SAYS, json.dumps(says, sort_keys=True).encode())


def _id(content: str, starter: bytes) -> str:
    return hashlib.sha256(content.encode() + starter).hexdigest()[:32]


def _suffixes(site: Path) -> set[str]:
    """Of the extension modules that load into one version of Python on one kind of machine only."""
    return {f".{path.name.partition('.')[2]}" for path in site.rglob("*.cpython-*.so")}


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=EPOCH)
    entry.external_attr = 0o100644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)


def distribute(wheel: Path, folder: Path, commit: str, built_at: str) -> None:
    """Fill `folder` with what is published: the packed wheel under every name, and the index of them.

    `commit` is the full hash of what the wheel was built from, `built_at` a moment of RFC 3339.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cp") as place:
        site, packed = Path(place, "site"), Path(place, "packed")
        from_wheel(wheel, site)
        pack(site, packed)
        data = packed.read_bytes()
    for name in NAMES:
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o755)
    known = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    index = {"commit": commit, "built_at": built_at, "assets": dict.fromkeys(NAMES, known)}
    text = json.dumps(index, indent=2, sort_keys=True) + "\n"
    read_index(text.encode())
    (folder / INDEX).write_text(text)


if __name__ == "__main__":
    distribute(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
