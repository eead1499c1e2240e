"""F12: bundles from strangers: each is read or refused with its place, soon, in little memory, without a traceback."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.characters import forbidden
from cockpitpm.declare.lint import lint
from cockpitpm.errors import BundleError
from cockpitpm.model.role import Role
from tests.faults import strangers
from tests.faults.score import tell
from tests.faults.strangers import BASE

CPU, MEMORY = 1.0, 200 * 1024 * 1024
REPOSITORY = Path(__file__).parents[2]
BAD = sorted((REPOSITORY / "tests/examples/bad").rglob("*.yaml"))
SEEDS = [p.read_bytes() for p in [*sorted((REPOSITORY / "bundles").rglob("*.yaml")), *BAD]] + [BASE.encode()]
NASTY = [
    b"[", b"{", b"&a ", b"*a ", b"!!python/object:x ", b"<<: ", b"\x1b[31m", b"\xe2\x80\xae", b"\0", b"\xff", b"'",
    b'"', b"~", b": ", b"- ", b"? ", b"\t", b"\r", b"%", b"---\n", b"...\n", b"|\n", b">-\n", b"9" * 400, b".inf",
    b"0x7f", b"true", b"../", b"\\u202e", b"{{7*7}}", b"<script>", b"[" * 300, b"- " * 300, b"\xed\xa0\x80", b"1e400",
]  # fmt: skip


def judged(place: Path, data: bytes) -> str:
    """What the machine does with these bytes as a bundle: empty if it is right, whether it takes or refuses them."""
    file = place / "base/hero_notes.yaml"
    file.write_bytes(data)
    begun = time.process_time()
    try:
        findings = lint([file]).findings
        told = ""
        try:
            resolve(place, Role.ADMIN)
        except BundleError as error:
            told = f"{error.message} {error.hint}"
    except Exception as error:  # noqa: BLE001 - whatever comes out is the violation
        return f"{type(error).__name__}: {error}"
    took = time.process_time() - begun
    if took > CPU:
        return f"took {took:.1f} s"
    if bool(told) != any(one.rule != "schema-header" for one in findings):
        return f"lint and the catalog do not agree: {told or 'taken'}"
    lines = data.count(b"\n") + data.count(b"\r") + 1
    for one in findings:
        text = one.message + one.hint + told
        if not 1 <= one.line <= lines or one.column < 1 or not one.message:
            return f"a finding without a place: {one}"
        if "\n" in text or forbidden(text) or "Traceback" in text:
            return f"a finding that a terminal would obey: {text!r}"
    return ""


def in_little_memory(place: Path, files: Iterable[tuple[str, bytes]]) -> list[str]:
    """What is wrong with any, found by a child that may have little memory and dies rather than take more."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
            with os.fdopen(write, "w") as told:
                for name, data in files:
                    if wrong := judged(place, data):
                        told.write(f"{name}: {wrong}"[:400].replace("\n", " ") + "\n")
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as told:
        found = told.read().splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return found if status == 0 else [*found, f"the reader ended with {status}"]


def mutated(number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many files, each made of a good or bad one by a few cuts, doublings and insertions."""
    chance = random.Random(seed)
    for n in range(number):
        data = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(6):
                case 0:
                    data[at : at + chance.randint(1, 40)] = b""
                case 1:
                    data[at:at] = chance.choice(NASTY)
                case 2:
                    data[at : at + 1] = bytes([chance.randrange(256)])
                case 3:
                    lines = data.split(b"\n")
                    chance.shuffle(lines)
                    data = bytearray(b"\n".join(lines))
                case 4:
                    other = chance.choice(SEEDS)
                    data[at:] = other[chance.randrange(len(other)) :]
                case 5:
                    data[at:at] = data[at : at + 200] * chance.randint(1, 30)
        yield f"mutation {n} of {seed}", bytes(data)


@pytest.fixture
def place(folder: Path) -> Path:
    """A bundles folder with one file."""
    (folder / "base").mkdir()
    return folder


def test_files_by_hand(place: Path) -> None:
    by_hand = [*strangers.files(), *((str(p.relative_to(REPOSITORY)), p.read_bytes()) for p in BAD)]
    begun = time.monotonic()
    wrong = in_little_memory(place, by_hand)
    tell("F12", "bundles by hand", len(by_hand), len(wrong), time.monotonic() - begun)
    assert not wrong, "\n".join(wrong)
    assert len(by_hand) >= 200


def test_none_of_what_strangers_send_becomes_a_bundle(place: Path) -> None:
    taken = []
    for name, data in strangers.files():
        (place / "base/hero_notes.yaml").write_bytes(data)
        try:
            resolve(place, Role.ADMIN)
        except BundleError:
            continue
        taken.append(name)
    assert taken == []


def test_the_base_that_they_are_made_of_is_good(place: Path) -> None:
    (place / "base/hero_notes.yaml").write_text(BASE)
    assert [bundle.name for bundle in resolve(place, Role.TESTER).bundles] == ["hero_notes"]


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))])
def test_mutated_files(place: Path, part: int) -> None:
    begun = time.monotonic()
    wrong = in_little_memory(place, mutated(1_000, part))
    tell("F12", "mutated bundles", 1_000, len(wrong), time.monotonic() - begun)
    assert not wrong, "\n".join(wrong[:20])


def test_the_limit_of_memory_is_one(place: Path) -> None:
    """A reader that takes too much is caught: the sweep would see it."""

    def greedy() -> Iterator[tuple[str, bytes]]:
        held = bytearray(2 * MEMORY)
        yield f"{len(held)}", b""

    assert in_little_memory(place, greedy()) == ["the reader ended with 1"]


@pytest.mark.parametrize("name", ["many brackets", "an alias bomb", "a long comment with an escape", "only nul bytes"])
def test_the_command_says_it_in_one_line(place: Path, name: str) -> None:
    (place / "base/hero_notes.yaml").write_bytes(strangers.WHOLE_FILES[name])
    command = [sys.executable, "-m", "cockpitpm", "catalog", "--bundles", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    assert "hero_notes.yaml:" in done.stderr and "Traceback" not in done.stderr
    assert not forbidden(done.stderr)
