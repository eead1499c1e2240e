"""A packed program unpacks itself where it belongs, once, whole or not at all; the folder stays while it is in use."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from cockpitpm import unpacked
from cockpitpm.sandbox import packing
from tests.unit.unpacked.programs import program, run, site

SLEEPS = "import time\n\n\ndef main():\n    print('here', flush=True)\n    time.sleep(600)\n"


def place(root: Path) -> Path:
    return root / "m" / "var/cockpitpm/unpacked"


def identity(path: Path) -> str:
    says = unpacked.says(str(path))
    assert says
    return str(says["id"])


def test_the_first_start_unpacks_and_every_start_runs_from_there(root: Path) -> None:
    packed = program(root)
    first = run(packed, "status", PATH_ROOT=str(root / "m"))
    folder = place(root) / identity(packed)
    assert json.loads(first.stdout)[0] == [str(folder), "status"] and not first.stderr
    before = folder.stat()
    assert run(packed, PATH_ROOT=str(root / "m")).returncode == 0
    assert (folder.stat().st_ino, folder.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert os.listdir(place(root)) == [folder.name]
    assert [oct(p.stat().st_mode & 0o777) for p in (root / "m", place(root).parent, place(root))] == [
        "0o755",
        "0o700",
        "0o700",
    ]


def test_the_folder_is_a_program_too(root: Path) -> None:
    packed = program(root)
    run(packed, PATH_ROOT=str(root / "m"))
    folder = place(root) / identity(packed)
    packed.unlink()
    for words in ((sys.executable, folder), (sys.executable, "-I", folder, "-m", "cockpitpm")):
        assert json.loads(run(*words, "jobs").stdout)[0] == [str(folder), "jobs"]


def test_an_installed_program_belongs_to_the_root_that_it_lies_in(root: Path) -> None:
    live = root / "m/var/cockpitpm/apps/hero_cockpit/live/3.x"
    packed = program(live)
    link = root / "m/bin/hero_cockpit"
    link.parent.mkdir()
    link.symlink_to(packed)
    done = run(link, "--root", root / "other", PATH_ROOT=str(root / "another"), HOME=str(root))
    assert json.loads(done.stdout)[0][0] == str(place(root) / identity(packed))
    assert sorted(os.listdir(root)) == ["m"]


@pytest.mark.parametrize(
    ("program", "arguments", "environ", "expected"),
    [
        ("/r/var/cockpitpm/apps/a/live/1.x/b", ["--root", "/x"], {"PATH_ROOT": "/y"}, "/r"),
        ("/var/cockpitpm/apps/a/live/1.x/b", [], {}, "/"),
        ("/tmp/b", ["status", "--root", "/x"], {"PATH_ROOT": "/y"}, "/x"),
        ("/tmp/b", ["--root=/x/"], {"PATH_ROOT": "/y"}, "/x"),
        ("/tmp/b", ["--root"], {"PATH_ROOT": "/y"}, "/y"),
        ("/tmp/b", [], {"PATH_ROOT": "/y"}, "/y"),
        ("/tmp/b", [], {"PATH_ROOT": ""}, os.path.expanduser("~/hero")),
    ],
    ids=["its own", "the topmost", "said", "said in one word", "said half", "environment", "home"],
)
def test_the_root(program: str, arguments: list[str], environ: dict[str, str], expected: str) -> None:
    assert unpacked.root_of(program, arguments, environ) == expected


def test_many_first_starts_at_once(root: Path) -> None:
    packed = program(root)
    begun = [
        subprocess.Popen([packed], env={"PATH_ROOT": str(root / "m")}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(6)
    ]
    said = [process.communicate(timeout=30)[0] for process in begun]
    assert {json.loads(text)[0][0] for text in said} == {str(place(root) / identity(packed))}
    assert os.listdir(place(root)) == [identity(packed)]


def test_what_was_left_half_unpacked_is_no_obstacle(root: Path) -> None:
    packed = program(root)
    left = place(root) / f".{identity(packed)}.new"
    left.mkdir(parents=True)
    (left / "site-packages").write_text("half")
    assert run(packed, PATH_ROOT=str(root / "m")).returncode == 0
    assert os.listdir(place(root)) == [identity(packed)]


def test_a_disk_that_takes_no_more_leaves_nothing_behind(root: Path) -> None:
    packed = program(root, big__py="x = 1\n" * 20_000)
    done = subprocess.run(
        [packed],
        env={"PATH_ROOT": str(root / "m")},
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        check=False,
    )
    assert (done.returncode, done.stderr) == (9, "hero_cockpit: cannot be unpacked: File too large\n")
    assert os.listdir(place(root)) == []


def test_a_root_that_cannot_be(root: Path) -> None:
    (root / "m").write_text("")
    done = run(program(root), PATH_ROOT=str(root / "m"))
    assert (done.returncode, done.stdout) == (9, "")
    assert done.stderr.startswith("hero_cockpit: cannot be unpacked: ") and done.stderr.count("\n") == 1


def test_another_python_is_told(root: Path) -> None:
    packed, made = root / "hero_cockpit", site(root)
    (made / "quick.cpython-27-vax.so").touch()
    packing.pack(made, packed, sys.executable)
    done = run(packed, PATH_ROOT=str(root / "m"))
    assert done.returncode == 4 and not (root / "m").exists()
    assert done.stderr.startswith("hero_cockpit: was packed for cpython-27-vax, and ")
    assert done.stderr.endswith(f" is {EXTENSION_SUFFIXES[0].split('.')[1]}\n")


def test_a_folder_stays_while_somebody_runs_from_it(root: Path) -> None:
    packed = program(root, command_line=SLEEPS)
    with subprocess.Popen([packed], env={"PATH_ROOT": str(root / "m")}, stdout=subprocess.PIPE) as runs:
        try:
            assert runs.stdout and runs.stdout.readline() == b"here\n"
            for name in ("kept", "old", ".new"):
                (place(root) / name).mkdir()
            unpacked.drop_unused(str(place(root)), {"kept"})
            assert sorted(os.listdir(place(root))) == sorted([identity(packed), "kept"])
        finally:
            runs.kill()
    unpacked.drop_unused(str(place(root)), ())
    assert os.listdir(place(root)) == []
    unpacked.drop_unused(str(root / "nowhere"), ())


def test_a_folder_that_goes_while_it_is_waited_for_is_not_held(root: Path) -> None:
    assert unpacked.hold(str(root / "nowhere")) is False


def test_what_is_no_packed_program(root: Path) -> None:
    other = root / "other.zip"
    shutil.make_archive(str(other.with_suffix("")), "zip", site(root))
    script = root / "script"
    script.write_text("#!/bin/sh\n")
    assert [unpacked.says(str(path)) for path in (other, script, Path("/bin/sh"))] == [None, None, None]


@pytest.mark.parametrize("empty", [False, True], ids=["as ours", "empty"])
@pytest.mark.parametrize("at", ["var", "var/cockpitpm", "var/cockpitpm/unpacked"])
def test_a_link_in_the_way_is_neither_unpacked_into_nor_cleaned(root: Path, at: str, empty: bool) -> None:
    """Nothing is even made where it leads, whether or not the rest of the way is there."""
    packed, link = program(root), root / "m" / at
    outside = root / "outside"
    outside.mkdir()
    if not empty:
        deep = outside / Path("var/cockpitpm/unpacked").relative_to(at)
        (deep / "theirs").mkdir(parents=True)
        (deep / "theirs" / "file").write_text("theirs")
    before = sorted(outside.rglob("*"))
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    done = run(packed, "status", PATH_ROOT=str(root / "m"))
    assert done.returncode == unpacked.NO_ROOM and len(done.stderr.splitlines()) == 1
    assert f"this is a link or no folder: {link}" in done.stderr
    with pytest.raises(NotADirectoryError):  # as where the link came after it was looked for
        unpacked.unpack(str(packed), str(place(root) / "new"))
    if place(root).is_dir():
        with pytest.raises(NotADirectoryError):
            unpacked.drop_unused(str(place(root)), ())
    assert sorted(outside.rglob("*")) == before


def test_a_link_that_leads_nowhere_is_refused_too(root: Path) -> None:
    packed, link = program(root), root / "m" / "var"
    link.parent.mkdir()
    link.symlink_to(root / "outside")
    done = run(packed, "status", PATH_ROOT=str(root / "m"))
    assert done.returncode == unpacked.NO_ROOM and f"this is a link or no folder: {link}" in done.stderr
    assert not (root / "outside").exists()


def test_the_way_to_the_root_may_have_links_and_be_made(root: Path) -> None:
    packed = program(root)
    (root / "disk").mkdir()
    (root / "home").symlink_to(root / "disk")
    done = run(packed, PATH_ROOT=str(root / "home" / "deep" / "m"))
    assert done.returncode == 0 and os.listdir(root / "disk" / "deep" / "m" / "var/cockpitpm/unpacked")
