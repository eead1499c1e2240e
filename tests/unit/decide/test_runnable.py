"""Every reason why a file cannot run here, in a sentence that names the file's side and the machine's."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide.runnable import caution, unfit
from cockpitpm.model.plan import FileKind
from cockpitpm.model.runnable import Executable, HostAbility, Libc, family, glibc_version, libc_of, machine_of

GNU, MUSL, I386 = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "/lib/ld-linux.so.2"
HOST = HostAbility(machine="x86_64", bits=64, glibc=(2, 36), interpreters=frozenset({GNU, "/bin/sh", "/nix/ld.so"}))
ALPINE = HostAbility(machine="x86_64", bits=64, musl=(MUSL,), interpreters=frozenset({MUSL}))
BARE = HostAbility(machine="x86_64", bits=64)
ELF = Executable(kind=FileKind.ELF, machine="x86_64", bits=64, interpreter=GNU, needs_glibc=(2, 4))
STATIC = evolve(ELF, interpreter="", needs_glibc=())


def script(interpreter: str) -> Executable:
    return Executable(kind=FileKind.SCRIPT, interpreter=interpreter)


@pytest.mark.parametrize(
    ("file", "host"),
    [
        (ELF, HOST),
        (evolve(ELF, needs_glibc=(2, 36)), HOST),
        (evolve(ELF, needs_glibc=()), HOST),
        (STATIC, HOST),
        (STATIC, BARE),
        (evolve(ELF, interpreter=MUSL, needs_glibc=()), ALPINE),
        (evolve(ELF, interpreter="/nix/ld.so", needs_glibc=(2, 99)), HOST),
        (ELF, evolve(HOST, glibc=())),
        (script("/bin/sh"), HOST),
        (evolve(ELF, machine="i386", bits=32, interpreter=I386), evolve(HOST, interpreters=frozenset({I386}))),
    ],
)
def test_nothing_speaks_against_it(file: Executable, host: HostAbility) -> None:
    assert unfit(file, host) == ""


@pytest.mark.parametrize(
    ("file", "host", "told"),
    [
        (Executable(kind=FileKind.OTHER, problem="it is a text"), HOST, "it is a text"),
        (evolve(ELF, needs_glibc=(2, 99)), HOST, "it needs GLIBC_2.99, this machine has 2.36"),
        (evolve(ELF, needs_glibc=(2, 36, 1)), HOST, "it needs GLIBC_2.36.1, this machine has 2.36"),
        (evolve(STATIC, machine="aarch64"), HOST, "it is for aarch64, this machine is x86_64"),
        (evolve(STATIC, bits=32), HOST, "it is a 32-bit program, this machine runs 64-bit ones"),
        (
            evolve(ELF, machine="i386", bits=32, interpreter=I386),
            HOST,
            "it is for i386, this machine is x86_64 and has no /lib/ld-linux.so.2",
        ),
        (
            evolve(STATIC, machine="i386", bits=32),
            HOST,
            "it is for i386, this machine is x86_64 and has no loader that shows it runs these",
        ),
        (
            evolve(ELF, interpreter=MUSL),
            HOST,
            f"its interpreter {MUSL} does not exist on this machine, which has glibc 2.36",
        ),
        (ELF, ALPINE, f"its interpreter {GNU} does not exist on this machine, which has musl ({MUSL})"),
        (ELF, BARE, f"its interpreter {GNU} does not exist on this machine"),
        (script("/bin/fish"), HOST, "its interpreter /bin/fish does not exist on this machine"),
        (script("/bin/sh\r"), HOST, "its interpreter '/bin/sh\\r' does not exist on this machine"),
        (script(""), HOST, "its interpreter (none) does not exist on this machine"),
        (script("/" + "a" * 200), HOST, f"its interpreter /{'a' * 127}... does not exist on this machine"),
    ],
)
def test_what_speaks_against_it_is_told(file: Executable, host: HostAbility, told: str) -> None:
    assert unfit(file, host) == told


@given(text=st.text(), kind=st.sampled_from([FileKind.ELF, FileKind.SCRIPT]))
def test_a_strangers_bytes_stay_on_one_printable_line(text: str, kind: FileKind) -> None:
    assert unfit(evolve(ELF, kind=kind, interpreter=text), HOST).isprintable()
    assert unfit(evolve(ELF, machine="i386", interpreter=text), HOST).isprintable()


def test_private_parts_of_glibc_are_told_and_not_refused() -> None:
    file = evolve(ELF, private=True)
    assert not unfit(file, HOST)
    assert "GLIBC_PRIVATE" in caution(file) and not caution(ELF)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("GLIBC_2.36", (2, 36)),
        ("GLIBC_2.2.5", (2, 2, 5)),
        ("GLIBC_PRIVATE", ()),
        ("GLIBC_ABI_DT_RELR", ()),
        ("GLIBCXX_3.4", ()),
        ("GLIBC_2", ()),
        ("GLIBC_2.٣", ()),
    ],
)
def test_versions_are_numbers(name: str, version: tuple[int, ...]) -> None:
    assert glibc_version(name) == version


def test_names_of_machines() -> None:
    assert machine_of("EM_PPC64", 64, "little") == "ppc64le"
    assert machine_of(4711, 32, "big") == "machine 4711 (32-bit, big endian)"
    assert [family(m) for m in ("i686", "armv7l", "arm64", "x86_64")] == ["i386", "arm", "aarch64", "x86_64"]


@pytest.mark.parametrize(
    ("interpreter", "versions", "needs", "libc"),
    [
        (MUSL, (), True, Libc.MUSL),
        (GNU, (), True, Libc.GLIBC),
        ("/opt/loader", ("GLIBC_2.4",), True, Libc.GLIBC),
        ("/system/bin/linker64", (), True, Libc.UNKNOWN),
        ("", (), True, Libc.UNKNOWN),
        ("", (), False, Libc.STATIC),
    ],
)
def test_the_c_library_is_told_by_the_loader(interpreter: str, versions: tuple[str], needs: bool, libc: Libc) -> None:
    assert libc_of(interpreter, versions, needs) is libc
