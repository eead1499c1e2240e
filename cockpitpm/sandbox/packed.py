"""Builds of hero_cockpit: cockpitpm itself, packed, each build with content of its own.

A build that works is cockpitpm under another version. One that does not is cockpitpm whose services are daemons of the
sandbox that misbehave: it unpacks, tells its version and obeys commands like any other, and fails when it is used.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cockpitpm.model.bundle import Bundle
from cockpitpm.sandbox import packing
from cockpitpm.sandbox.daemons import Behaviour, Form, asset
from cockpitpm.sandbox.daemons.build import interpreter

APP = "hero_cockpit"

STAND_INS = """

_well = main


def main(name, arguments):
    if arguments or name not in SERVES:
        return _well(name, arguments)
    import runpy
    from pathlib import Path

    # a daemon of the sandbox in the place of a service
    runpy.run_path(str(Path(__file__).with_name("daemons") / f"{name}.py"), run_name="__main__")
    return 0
"""


class PackedBuilds:
    """Makes builds in a folder of its own; the same build is packed once."""

    def __init__(self, folder: Path, bundle: Bundle) -> None:
        self.folder = folder
        self._bundle = bundle

    def build(self, version: str, behaviour: Behaviour | None = None) -> Path:
        """The file of this build. It names the Python that runs now, so that no launcher of a shell is asked.

        With a behaviour the services are daemons of the sandbox that behave so, else they are what cockpitpm serves.
        """
        made = self.folder / (f"{version}-{behaviour.value}" if behaviour else version)
        if not made.is_file():
            site = self.folder / "site"
            if not site.is_dir():
                packing.from_here(site)
            self._pack(site, made, version, behaviour)
        return made

    def _pack(self, site: Path, made: Path, version: str, behaviour: Behaviour | None) -> None:
        changed = made.with_name(f"{made.name}.site")
        shutil.copytree(site, changed, copy_function=os.link)
        _append(changed / "cockpitpm" / "__init__.py", f'\n__version__ = "{version}"\n')
        if behaviour:
            _append(changed / "cockpitpm" / "cli" / "packed.py", STAND_INS)
            self._add_daemons(changed / "cockpitpm" / "cli" / "daemons", version, behaviour)
        packing.pack(changed, made, interpreter())
        shutil.rmtree(changed)

    def _add_daemons(self, folder: Path, version: str, behaviour: Behaviour) -> None:
        folder.mkdir()
        for binary in self._bundle.binaries:
            daemon = asset(binary, version, "0" * 40, behaviour, Form.SCRIPT)
            (folder / f"{binary.name}.py").write_bytes(daemon)


def _append(path: Path, text: str) -> None:
    """Give the file an end of its own; other builds share what it was."""
    whole = path.read_text(encoding="utf-8") + text
    path.unlink()
    path.write_text(whole, encoding="utf-8")
