"""What a packed program does is told by its name, and by its words where it has any."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.unit.unpacked.programs import program, run


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("hero_cockpit_server", [], ["serve", "--only", "rpc"]),
        ("hero_cockpit_web", [], ["serve", "--only", "web"]),
        ("hero_cockpit_admin", [], ["serve", "--only", "admin"]),
        ("hero_cockpit_server", ["status"], ["status"]),
        ("hero_cockpit", [], []),
        ("hero_cockpit-py3", [], []),
        ("hero_cockpit", ["-m", "cockpitpm", "status", "-m"], ["status", "-m"]),
    ],
)
def test_its_name_and_its_words(root: Path, name: str, words: list[str], expected: list[str]) -> None:
    done = run(program(root, name), *words, PATH_ROOT=str(root / "m"))
    assert json.loads(done.stdout)[0][1:] == expected


def test_a_job_is_nobodys_child(root: Path) -> None:
    """Else the process that restarts a service would count as one of the service's own."""
    packed = program(root)
    shell = f"{packed} jobs run 1 > {root}/said; echo $?"
    done = run("/bin/sh", "-c", shell, PATH_ROOT=str(root / "m"))
    said = ""
    while not said:
        said = (root / "said").read_text()
    words, session = json.loads(said)
    assert done.stdout == "0\n" and words[1:] == ["jobs", "run", "1"] and session != os.getsid(0)


def test_a_module_that_was_packed_too(root: Path) -> None:
    packed = program(root, beside__py="import sys\nprint(__name__, sys.argv[1:])\n")
    done = run(packed, "-m", "beside", "-c", "x", PATH_ROOT=str(root / "m"))
    assert done.stdout == "__main__ ['-c', 'x']\n"
    assert run(packed, "-m", PATH_ROOT=str(root / "m")).returncode == 2


def test_how_it_is_started_again(root: Path) -> None:
    tells = "import sys\n\n\ndef main():\n    from program import program\n    print(program())\n"
    source = (Path(__file__).parents[3] / "cockpitpm/cli/program.py").read_text()
    packed = program(root, command_line=tells, program__py=source)
    folder = root / "m/var/cockpitpm/unpacked"
    done = run(packed, PATH_ROOT=str(root / "m"))
    assert done.stdout == f"{(sys.executable, str(next(folder.iterdir())), '-m', 'cockpitpm')}\n"
