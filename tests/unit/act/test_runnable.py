"""What is read out of executables: made by a compiler where there is one, and by hand, sound, crooked and mutated."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.act.runnable import host, read_executable
from cockpitpm.decide.runnable import unfit
from cockpitpm.errors import StoreError
from cockpitpm.model.plan import FileKind
from cockpitpm.model.runnable import Executable, Libc

GNU, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
BASE = 0x400000
INTERP, DYNAMIC, LOAD = 3, 2, 1
NEEDED, STRTAB, VERNEED = 1, 5, 0x6FFFFFFE


@frozen(kw_only=True)
class Recipe:
    """A tiny ELF file: all of it is one segment at BASE, the tables behind the program headers."""

    machine: int = 62
    bits: int = 64
    order: str = "<"
    kind: int = 2
    entry: int = BASE
    interpreter: str = ""
    versions: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    needed: int = 0

    def tables(self, at: int) -> tuple[bytes, bytes, bytes]:
        """Interpreter, names with versions, dynamic segment; `at` is where the first stands."""
        path = self.interpreter.encode() + b"\0"
        names = "\0".join(("", *self.versions, *self.weak, ""))
        strings, table = at + len(path), at + len(path) + len(names)
        body = b""
        for n, name in enumerate(every := (*self.versions, *self.weak)):
            follows = 16 if n + 1 < len(every) else 0
            flags = 2 if name in self.weak else 0
            body += struct.pack(f"{self.order}I2H2I", 0, flags, 2, names.index(f"\0{name}\0") + 1, follows)
        if body:
            body = struct.pack(f"{self.order}2H3I", 1, len(self.versions), 1, 16, 0) + body
        tags = [(NEEDED, 1)] * self.needed + [(STRTAB, BASE + strings)] + ([(VERNEED, BASE + table)] if body else [])
        word = self.order + ("2Q" if self.bits == 64 else "2I")
        return path, names.encode() + body, b"".join(struct.pack(word, *tag) for tag in (*tags, (0, 0)))

    def segment(self, kind: int, at: int, size: int) -> bytes:
        if self.bits == 64:
            return struct.pack(f"{self.order}2I6Q", kind, 5, at, BASE + at, BASE + at, size, size, 8)
        return struct.pack(f"{self.order}8I", kind, at, BASE + at, BASE + at, size, size, 5, 8)

    def build(self) -> bytes:
        wide = self.bits == 64
        header, size = (64, 56) if wide else (52, 32)
        count = 1 + bool(self.interpreter) + bool(self.versions or self.weak or self.needed)
        at = header + size * count
        path, names, dynamic = self.tables(at)
        total = at + len(path) + len(names) + len(dynamic)
        segments = self.segment(LOAD, 0, total)
        if self.interpreter:
            segments += self.segment(INTERP, at, len(path))
        if self.versions or self.weak or self.needed:
            segments += self.segment(DYNAMIC, total - len(dynamic), len(dynamic))
        ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        form = f"{self.order}2HI{'3Q' if wide else '3I'}I6H"
        fields = (self.kind, self.machine, 1, self.entry, header, 0, 0, header, size, count, 0, 0, 0)
        return ident + struct.pack(form, *fields) + segments + path + names + dynamic


PLAIN = Recipe(interpreter=GNU, versions=("GLIBC_2.4", "GLIBC_2.36", "GLIBC_2.2.5"), needed=1)


def read(root: Path, data: bytes) -> Executable:
    (root / "file").write_bytes(data)
    return read_executable(root / "file")


def problem(root: Path, data: bytes) -> str:
    found = read(root, data)
    assert found.kind is FileKind.OTHER and found.problem
    return found.problem


def test_the_highest_version_is_found_by_number(root: Path) -> None:
    found = read(root, PLAIN.build())
    assert found == Executable(
        kind=FileKind.ELF,
        machine="x86_64",
        bits=64,
        endianness="little",
        interpreter=GNU,
        needs_glibc=(2, 36),
        libc=Libc.GLIBC,
    )


def test_a_version_of_the_future_is_refused_with_both_numbers(root: Path) -> None:
    found = read(root, evolve(PLAIN, versions=("GLIBC_2.99", "GLIBC_2.4")).build())
    here = evolve(host([GNU]), machine="x86_64", bits=64, glibc=(2, 36), interpreters=frozenset({GNU}))
    assert unfit(found, here) == "it needs GLIBC_2.99, this machine has 2.36"


def test_weak_and_abi_versions_count_for_nothing_and_private_is_told(root: Path) -> None:
    recipe = evolve(PLAIN, versions=("GLIBC_2.4", "GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE"), weak=("GLIBC_2.99",))
    found = read(root, recipe.build())
    assert found.needs_glibc == (2, 4) and found.private


@pytest.mark.parametrize(
    ("recipe", "machine", "libc"),
    [
        (Recipe(), "x86_64", Libc.STATIC),
        (Recipe(kind=3), "x86_64", Libc.STATIC),
        (Recipe(interpreter=MUSL, needed=1), "x86_64", Libc.MUSL),
        (Recipe(interpreter="/lib/ld-linux.so.2", bits=32, machine=3, versions=("GLIBC_2.4",)), "i386", Libc.GLIBC),
        (Recipe(bits=32), "x32", Libc.STATIC),
        (Recipe(machine=183), "aarch64", Libc.STATIC),
        (Recipe(machine=40, bits=32), "arm", Libc.STATIC),
        (Recipe(machine=22, order=">"), "s390x", Libc.STATIC),
        (evolve(PLAIN, machine=21, order=">", interpreter="/lib64/ld64.so.1"), "ppc64", Libc.GLIBC),
        (Recipe(machine=0xABCD, order=">"), f"machine {0xABCD} (64-bit, big endian)", Libc.STATIC),
        (Recipe(interpreter="/system/bin/linker64", needed=1), "x86_64", Libc.UNKNOWN),
    ],
)
def test_machine_and_c_library_are_recognised(root: Path, recipe: Recipe, machine: str, libc: Libc) -> None:
    found = read(root, recipe.build())
    assert (found.kind, found.machine, found.libc) == (FileKind.ELF, machine, libc)
    assert (found.bits, found.interpreter) == (recipe.bits, recipe.interpreter)
    assert found.endianness == ("little" if recipe.order == "<" else "big")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "neither an ELF file nor a script"),
        (b"hello", "neither an ELF file nor a script"),
        (b"\x7fELF", "unknown class"),
        (b"\x7fELF\3\1".ljust(64, b"\0"), "unknown class"),
        (b"\x7fELF\2\3".ljust(64, b"\0"), "unknown class"),
        (b"\x7fELF\2\1".ljust(64, b"\0"), "impossible size"),
        (Recipe(kind=1).build(), "object file"),
        (Recipe(kind=4).build(), "memory dump"),
        (Recipe(kind=3, needed=1).build(), "shared library"),
        (Recipe(kind=3, entry=0).build(), "shared library"),
        (Recipe().build().replace(struct.pack("<2I", LOAD, 5), struct.pack("<2I", 4, 5)), "nothing would be loaded"),
        (evolve(PLAIN, interpreter="/" * 5000).build(), "no readable path"),
        (PLAIN.build().replace(GNU.encode() + b"\0", GNU.encode() + b"x"), "no readable path"),
        (evolve(PLAIN, versions=("GLIBC_" + "9" * 300,)).build(), "endless name"),
        (evolve(PLAIN, needed=5000).build(), "endless dynamic segment"),
        (PLAIN.build().replace(struct.pack("<Q", VERNEED), struct.pack("<Q", STRTAB)), ""),
    ],
)
def test_what_is_no_program_is_told(root: Path, data: bytes, text: str) -> None:
    if text:
        assert text in problem(root, data)
    else:
        assert read(root, data).needs_glibc == ()


def test_a_table_outside_of_the_file_is_told(root: Path) -> None:
    data = PLAIN.build()
    at = data.rindex(struct.pack("<Q", VERNEED)) + 8
    assert "outside of itself" in problem(root, data[:at] + struct.pack("<Q", 2**64 - 1) + data[at + 8 :])


def test_a_table_without_end_costs_little(root: Path) -> None:
    """A hundred thousand entries, each of which leads on: the reader stops long before."""
    begun = time.monotonic()
    data = evolve(PLAIN, versions=("GLIBC_2.4",)).build()
    versions = struct.pack("<I2H2I", 0, 2, 2, 1, 16) * 100_000
    made = bytearray(data + versions)
    at = data.index(struct.pack("<Q", VERNEED)) + 8
    begin = struct.unpack_from("<Q", data, at)[0] - BASE
    struct.pack_into("<2H3I", made, begin, 1, 1, 1, len(data) - begin, 0)
    assert "endless table of versions" in problem(root, bytes(made))
    assert time.monotonic() - begun < 5


def test_a_file_that_was_cut_is_told_wherever(root: Path) -> None:
    data = PLAIN.build()
    for length in (*range(4, len(data), 64), len(data) - 1):
        problem(root, data[:length])


@given(
    recipe=st.sampled_from([PLAIN, Recipe(interpreter=MUSL, needed=1), evolve(PLAIN, bits=32, machine=3, order=">")]),
    changes=st.lists(st.tuples(st.integers(4, 2000), st.integers(0, 255)), max_size=8),
)
def test_whatever_is_changed_it_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(recipe.build())
    for at, value in changes:
        data[at % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(data)
    found = read_executable(path)
    assert (found.kind is FileKind.OTHER) == bool(found.problem)
    assert len(found.problem.splitlines()) <= 1 and unfit(found, host([found.interpreter])).isprintable()


@given(
    tail=st.binary(max_size=300), start=st.sampled_from([b"\x7fELF", b"\x7fELF\2\1\1", b"\x7fELF\1\2\1", b"#!", b""])
)
def test_any_bytes_are_read_or_told(tmp_path_factory: pytest.TempPathFactory, start: bytes, tail: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(start + tail)
    assert unfit(read_executable(path), host()).isprintable()


@pytest.mark.parametrize(
    ("line", "interpreter"),
    [
        (b"#!/bin/sh\necho", "/bin/sh"),
        (b"#! \t/usr/bin/env  python3\n", "/usr/bin/env"),
        (b"#!/bin/sh", "/bin/sh"),
        (b"#!/bin/sh\r\n", "/bin/sh\r"),
        (b"#!/bin/sh\0/evil\n", "/bin/sh"),
        (b"#!\n/bin/sh", ""),
        (b"#!", ""),
    ],
)
def test_the_interpreter_of_a_script_is_what_the_kernel_takes(root: Path, line: bytes, interpreter: str) -> None:
    assert read(root, line) == Executable(kind=FileKind.SCRIPT, interpreter=interpreter)


def test_a_file_that_is_gone_is_an_error_of_the_disk(root: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        read_executable(root / "gone")


def test_this_machine_runs_its_own_interpreter(root: Path) -> None:
    plain = root / "plain"
    plain.write_text("x")
    found = read_executable(Path(sys.executable).resolve())
    here = host([found.interpreter, "/bin/sh", str(plain), "relative", ""])
    assert not unfit(found, here) and "/bin/sh" in here.interpreters
    assert not {str(plain), "relative", ""} & here.interpreters
    assert here.bits == found.bits and all(os.path.exists(path) for path in here.musl)


@pytest.fixture
def compiler() -> str:
    found = shutil.which("cc")
    if not found:
        pytest.skip("no C compiler")
    return found


def compiled(root: Path, compiler: str, *options: str) -> Path:
    source, made = root / "main.c", root / "made"
    source.write_text('#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n')
    done = subprocess.run([compiler, *options, "-o", made, source], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no C compiler that takes {' '.join(options)}")
    return made


def test_a_compiled_program_is_read(root: Path, compiler: str) -> None:
    made = compiled(root, compiler)
    found = read_executable(made)
    assert not unfit(found, host([found.interpreter])) and found.libc is not Libc.STATIC
    data = made.read_bytes()
    for length in range(64, len(data), 64):
        problem(root, data[:length])


@pytest.mark.parametrize("options", [("-static",), ("-static-pie",)])
def test_a_compiled_static_program_is_read(root: Path, compiler: str, options: tuple[str, ...]) -> None:
    found = read_executable(compiled(root, compiler, *options))
    assert found.libc is Libc.STATIC and not found.interpreter and not unfit(found, host())


def test_a_compiled_library_is_no_program(root: Path, compiler: str) -> None:
    made = compiled(root, compiler, "-shared", "-fPIC")
    assert read_executable(made).problem == "it is a shared library, not a program"


def test_a_compiled_program_with_the_version_patched(root: Path, compiler: str) -> None:
    made = compiled(root, compiler)
    data = made.read_bytes()
    old = ".".join(map(str, read_executable(made).needs_glibc)).encode()
    if len(old) != 4:
        pytest.skip("no C compiler whose programs need a version of four characters")
    found = read(root, data.replace(b"GLIBC_" + old, b"GLIBC_2.99"))
    assert unfit(found, host([found.interpreter])).startswith("it needs GLIBC_2.99, this machine has 2.")
