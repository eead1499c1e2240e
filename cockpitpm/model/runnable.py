"""What a file asks of the machine that is to run it, and what a machine has to offer."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum

from attrs import frozen

from cockpitpm.model.plan import FileKind


class Libc(Enum):
    """The C library a program was linked against. STATIC: none is loaded at its start."""

    GLIBC = "glibc"
    MUSL = "musl"
    STATIC = "static"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Executable:
    """One file as the kernel and the loader see it.

    `machine` is named as `uname -m` does, with one name per family ("x86_64", "i386", "aarch64", "arm", "ppc64le"),
    "x32" for 32-bit programs of x86_64; empty for a script. `bits` is 64 or 32, 0 for a script. `endianness` is
    "little", "big" or empty. `interpreter` is the loader of an ELF file (empty: static) or the first word behind the
    `#!` of a script. `needs_glibc` is the highest version it cannot start without, such as (2, 36), or empty.
    `private` says that it needs GLIBC_PRIVATE. `problem` is why it is of kind OTHER, empty for the other kinds.
    """

    kind: FileKind
    machine: str = ""
    bits: int = 0
    endianness: str = ""
    interpreter: str = ""
    needs_glibc: tuple[int, ...] = ()
    private: bool = False
    libc: Libc = Libc.UNKNOWN
    problem: str = ""


@frozen(kw_only=True)
class HostAbility:
    """What this machine can run.

    `machine` and `bits` as in `Executable`. `glibc` is its version, such as (2, 36); empty if there is none or if it
    cannot be asked. `musl` are the musl loaders that exist. `interpreters` are those of the interpreters that were
    asked for that exist and may be executed.
    """

    machine: str
    bits: int
    glibc: tuple[int, ...] = ()
    musl: tuple[str, ...] = ()
    interpreters: frozenset[str] = frozenset()


MACHINES = {
    ("EM_X86_64", 64, "little"): "x86_64",
    ("EM_X86_64", 32, "little"): "x32",
    ("EM_386", 32, "little"): "i386",
    ("EM_AARCH64", 64, "little"): "aarch64",
    ("EM_ARM", 32, "little"): "arm",
    ("EM_RISCV", 64, "little"): "riscv64",
    ("EM_PPC64", 64, "little"): "ppc64le",
    ("EM_PPC64", 64, "big"): "ppc64",
    ("EM_S390", 64, "big"): "s390x",
    ("EM_LOONGARCH", 64, "little"): "loongarch64",
}
"""Name in the header of an ELF file, bits and byte order; and what `uname -m` says of such a machine."""

FAMILIES = {"i486": "i386", "i586": "i386", "i686": "i386", "arm64": "aarch64"}


def machine_of(name: str | int, bits: int, endianness: str) -> str:
    """What `uname -m` says of the machine an ELF file is for; the header's own word where there is no such name."""
    return MACHINES.get((str(name), bits, endianness), f"machine {name} ({bits}-bit, {endianness} endian)")


def family(machine: str) -> str:
    """One name for the machines that run the same programs; `machine` as `uname -m` says."""
    return FAMILIES.get(machine, "arm" if machine.startswith("armv") else machine)


def glibc_version(name: str) -> tuple[int, ...]:
    """(2, 36) for GLIBC_2.36; empty for other names, of which GLIBC_ABI_* stand for features, not for versions:
    distributions carry them back to older ones.
    """
    found = re.fullmatch(r"GLIBC_(\d{1,4}(?:\.\d{1,4}){1,3})", name, re.ASCII)
    return tuple(map(int, found[1].split("."))) if found else ()


def libc_of(interpreter: str, versions: Collection[str], needs: bool) -> Libc:
    """The C library, told by the loader, else by the versions needed. `needs`: whether it needs any library at all."""
    loader = interpreter.rpartition("/")[2]
    if loader.startswith("ld-musl-"):
        return Libc.MUSL
    if loader.startswith(("ld-linux", "ld64.so.", "ld.so.")) or any(v.startswith("GLIBC_") for v in versions):
        return Libc.GLIBC
    return Libc.UNKNOWN if interpreter or needs else Libc.STATIC
