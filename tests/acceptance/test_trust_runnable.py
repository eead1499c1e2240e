"""A real program that cannot run here: told with both versions, before anything stops and with nothing left of it."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from cockpitpm.app.records import receipts
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from cockpitpm.sandbox import daemons
from cockpitpm.sandbox.daemons import Form, build_daemon, compiler, stamp_for
from cockpitpm.sandbox.daemons.build import PLACEHOLDER, STAMP_ROOM
from cockpitpm.sandbox.forge import Publisher
from cockpitpm.sandbox.world import CHANNEL
from tests.acceptance.kernel import picture
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS, VOICE, Scene, spoken

pytestmark = [pytest.mark.real, pytest.mark.skipif(not compiler(), reason="no C compiler")]
MUSL, GNU = "linux-musl-x86_64", "linux-gnu-x86_64"
FUTURE = "GLIBC_2.99"
INSIDE = """
extern int __libc_alloca_cutoff(unsigned long);
__attribute__((constructor)) static void look_inside(void) { (void)__libc_alloca_cutoff(1); }
"""
"""A call of what glibc keeps for itself: the linker makes it a need of GLIBC_PRIVATE."""


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(COMPUTE, VOICE)


def elf_hash(name: str) -> int:
    """The hash of a version's name by which the loader compares first."""
    found = 0
    for letter in name.encode():
        found = (found << 4) + letter
        high = found & 0xF0000000
        found = (found ^ high >> 24) & ~high
    return found


def of_the_future(program: bytes) -> bytes:
    """The same program, one of whose needed versions of glibc is now one that does not exist: its name and its hash."""
    elf = ELFFile(BytesIO(program))
    needs, names = elf.get_section_by_name(".gnu.version_r"), elf.get_section_by_name(".dynstr")
    known = {str(aux.name) for _, every in needs.iter_versions() for aux in every}
    old = next(name for name in sorted(known) if len(name) == len(FUTURE) and name.startswith("GLIBC_2."))
    made = program
    for section, before, after in (
        (names, f"{old}\0".encode(), f"{FUTURE}\0".encode()),
        (needs, struct.pack("<I", elf_hash(old)), struct.pack("<I", elf_hash(FUTURE))),
    ):
        at, end = section["sh_offset"], section["sh_offset"] + section["sh_size"]
        assert before in made[at:end]
        made = made[:at] + made[at:end].replace(before, after) + made[end:]
    return made


def of_the_inside(scene: Scene, line: str) -> bytes:
    """The chain daemon with a need of GLIBC_PRIVATE, and a stamp."""
    source = Path(daemons.__file__).with_name("chain.c")
    with tempfile.TemporaryDirectory(dir=scene.home) as folder:
        extra, made = Path(folder, "inside.c"), Path(folder, "made")
        extra.write_text(INSIDE)
        command = [compiler() or "", "-O1", "-s", "-D_GNU_SOURCE", str(source), str(extra), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True)
        program = made.read_bytes()
    start = program.index(PLACEHOLDER)
    return program[:start] + line.encode().ljust(STAMP_ROOM, b"\0") + program[start + STAMP_ROOM :]


def next_build(scene: Scene, app: str) -> tuple[str, bytes]:
    """A new commit, and a build of it that runs: the chain daemon as an ELF file, all else as a script."""
    bundle, commit = scene.world.bundle(app), scene.repo(app).commit("next")
    form = Form.ELF if app == COMPUTE else None
    return commit, build_daemon(stamp_for(bundle.binaries[0], "2.0", commit), form)


def release(scene: Scene, app: str, commit: str, builds: Mapping[str, bytes]) -> None:
    """The channel holds this commit, with these builds by their target and no other file."""
    name = scene.world.bundle(app).binaries[0].name
    files = {f"{name}-{target}": data for target, data in builds.items()}
    Publisher(scene.world.state).publish(scene.repo(app).full_name, CHANNEL, files, commit=commit, retire=True)


def test_a_program_of_the_future_is_refused_before_anything_stops(scene: Scene) -> None:
    commit, good = next_build(scene, COMPUTE)
    future = of_the_future(good)
    tried = scene.home / "tried"
    tried.write_bytes(future)
    tried.chmod(0o755)
    said = subprocess.run([tried, "--version"], capture_output=True, text=True, check=False)
    assert said.returncode and f"`{FUTURE}' not found" in said.stderr, "the loader itself refuses it for this reason"
    pids, answers, before = scene.pids(), scene.commits(), picture(scene.root)
    release(scene, COMPUTE, commit, {MUSL: future})
    end = spoken(scene.cli("upgrade", COMPUTE, "--yes", "--json"))
    assert end.code is ExitCode.REFUSED
    here = os.confstr("CS_GNU_LIBC_VERSION") or ""
    assert f"{CHAIN}-{MUSL} cannot run here: it needs {FUTURE}, this machine has {here.split()[1]}" in end.message
    assert "Traceback" not in end.message and end.hint
    assert (scene.pids(), scene.commits()) == (pids, answers)
    assert picture(scene.root) == before, "neither the store nor a live folder has a byte of it"
    assert scene.world.downloads()[-1] == f"{CHAIN}-{MUSL}", "it was held against its bytes, not against its name"


def test_the_next_target_is_taken_and_the_first_is_told(scene: Scene) -> None:
    commit, good = next_build(scene, COMPUTE)
    release(scene, COMPUTE, commit, {MUSL: of_the_future(good), GNU: good})
    asked = len(scene.world.downloads())
    done = scene.cli("upgrade", COMPUTE, "--yes")
    assert done.returncode == 0, done.stderr
    assert scene.world.downloads()[asked:] == [f"{CHAIN}-{MUSL}", f"{CHAIN}-{GNU}"]
    (told,) = [line for line in (done.stdout + done.stderr).splitlines() if "warning: " in line]
    assert f"{CHAIN}-{MUSL} cannot run here: it needs {FUTURE}" in told and f"{CHAIN}-{GNU} is taken instead" in told
    assert scene.commits() == dict.fromkeys(ROWS, commit)
    (receipt,) = receipts(scene.host(), (COMPUTE,))["receipts"]
    assert (receipt["asset"], receipt["commit"]) == (f"{CHAIN}-{GNU}", commit) and receipt["md5"]
    assert scene.notes() == []


def test_a_program_that_needs_the_inside_of_glibc_runs_and_is_warned_of(scene: Scene) -> None:
    commit = scene.repo().commit("inside")
    line = stamp_for(scene.world.bundle(COMPUTE).binaries[0], "3.0", commit).line()
    release(scene, COMPUTE, commit, {MUSL: of_the_inside(scene, line)})
    done = scene.cli("upgrade", COMPUTE, "--yes")
    assert done.returncode == 0, done.stderr
    (told,) = [line for line in (done.stdout + done.stderr).splitlines() if "warning: " in line]
    assert f"{CHAIN}-{MUSL}: it needs GLIBC_PRIVATE" in told
    assert scene.commits() == dict.fromkeys(ROWS, commit)


def test_a_stale_musl_file_is_nothing_to_a_bundle_for_glibc(scene: Scene) -> None:
    """The musl file of an earlier build is still there; the bundle asks for gnu alone."""
    repo, bundle = scene.repo(VOICE), scene.world.bundle(VOICE)
    assert bundle.targets == (GNU,)
    commit, good = next_build(scene, VOICE)
    release(scene, VOICE, commit, {MUSL: b"\x7fELF of an earlier build", GNU: good})
    (stale,) = repo.row(CHANNEL).named(f"{VOICE}-{MUSL}")
    stale.created -= timedelta(days=30)
    asked = len(scene.world.downloads())
    assert scene.code(Verb.UPGRADE, VOICE) is ExitCode.DONE
    assert scene.world.downloads()[asked:] == [f"{VOICE}-{GNU}"]
    (receipt,) = receipts(scene.host(), (VOICE,))["receipts"]
    assert (receipt["asset"], receipt["commit"]) == (f"{VOICE}-{GNU}", commit)
    assert len(receipt["md5"]) == 32 and int(receipt["md5"], 16)
    assert scene.health(f"{VOICE}/rpc.sock")["commit"] == commit
