"""Builds: the bytes of an asset for a stamp. The same stamp gives the same bytes, another stamp other bytes."""

from __future__ import annotations

import functools
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from enum import Enum
from pathlib import Path

from cockpitpm.sandbox.daemons.stamp import MARK, Part, Stamp

HERE = Path(__file__).parent
STAMP_ROOM = 2048
"""Bytes that chain.c keeps for its stamp, the zero at the end included."""
PLACEHOLDER = b'STAMP = {"room":"for a stamp"}'
EMPTY = "STAMP: dict[str, Any] = {}"
PAGES = ("fleet", "fleet_facts", "fleet_look")
MAIN = """from cockpitpm.sandbox.daemons import fleet, server
server.PAGES.update(fleet.PAGES)
server.main()
"""


class Form(Enum):
    """What kind of executable a build is."""

    SCRIPT = "script"
    ELF = "elf"


def compiler() -> str | None:
    """The C compiler of this machine, None where there is none; then the chain daemon is a script too."""
    return shutil.which("cc") or shutil.which("gcc")


def build_daemon(stamp: Stamp, form: Form | None = None) -> bytes:
    """The bytes of this build. Without a form the chain daemon is an ELF file where it can be, all else a script."""
    if form is None:
        form = Form.ELF if stamp.part is Part.CHAIN and chain_program() else Form.SCRIPT
    return elf(stamp) if form is Form.ELF else script(stamp)


def script(stamp: Stamp) -> bytes:
    """The build as a Python script that names a real interpreter and skips everything it does not need."""
    body = template()
    assert EMPTY in body, "server.py lost the line that takes the stamp"
    text = body.replace(EMPTY, stamp.line())
    first = f"#!{interpreter()} -SE\n".encode()
    return first + (with_pages(text) if stamp.part is Part.DEPLOYER_ADMIN else text.encode())


def with_pages(text: str) -> bytes:
    """The script and the modules of its pages in one file that Python runs: a zip archive, not compressed.

    So its stamp stands in it as in any other build. The modules keep their names; the packages around them are empty.
    """
    made = io.BytesIO()
    folder = "cockpitpm/sandbox/daemons"
    pages = {f"{folder}/{name}.py": (HERE / f"{name}.py").read_text(encoding="utf-8") for name in PAGES}
    empty = dict.fromkeys((f"{name}/__init__.py" for name in ("cockpitpm", "cockpitpm/sandbox", folder)), "")
    whole = {"__main__.py": MAIN, **empty, f"{folder}/server.py": text, **pages}
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in whole.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # without a time of its own: same stamp, same bytes
    return made.getvalue()


def elf(stamp: Stamp) -> bytes:
    """The chain daemon as an ELF file. Raises RuntimeError where there is no working C compiler."""
    program = chain_program()
    if program is None:
        raise RuntimeError("there is no C compiler that works; build the chain daemon as a script")
    line = stamp.line().encode()
    if len(line) >= STAMP_ROOM:
        raise ValueError(f"the stamp of {stamp.binary} is longer than {STAMP_ROOM - 1} bytes")
    start = program.index(PLACEHOLDER)
    return program[:start] + line.ljust(STAMP_ROOM, b"\0") + program[start + STAMP_ROOM :]


@functools.cache
def template() -> str:
    """The script without its stamp."""
    return (HERE / "server.py").read_text(encoding="utf-8")


@functools.cache
def chain_program() -> bytes | None:
    """chain.c, compiled once per process; None where that is not possible (no compiler, or one without a C library)."""
    found = compiler()
    if found is None:
        return None
    with tempfile.TemporaryDirectory(prefix="cp") as folder:
        target = Path(folder, "chain")
        command = [found, "-O1", "-s", "-D_GNU_SOURCE", "-Wl,--build-id=none", str(HERE / "chain.c"), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, check=False)
        program = target.read_bytes() if done.returncode == 0 else b""
    return program if program.startswith(b"\x7fELF") and program.count(MARK) == 1 else None


@functools.cache
def interpreter() -> str:
    """The real file behind this Python: no launcher of a version manager, no link of an environment that may move.

    A kernel cuts a `#!` line at a blank and, before Linux 5.1, at 127 bytes; such a path is replaced by the system's.
    """
    real = os.path.realpath(sys.executable)
    if len(real) < 120 and " " not in real:
        return real
    system = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin")
    if system is None:
        raise RuntimeError(f"the path of this Python is no use in a script: {real}")
    return system
