"""What a downloaded file asks of the machine, and what this machine has; nothing of the file is ever run.

An ELF file is read as the kernel and the loader read it: program headers and the dynamic segment. Section headers may
lie or be missing, so they are asked for nothing but their place. Each table has a limit of entries, and what is read
lies inside the file, so that a hostile file costs no more than a sound one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from cockpitpm import beneath
from cockpitpm.model.plan import FileKind
from cockpitpm.model.runnable import Executable, HostAbility, family, glibc_version, libc_of, machine_of
from cockpitpm.record.durable import disk

LINE = 256
"""The kernel looks no further for the interpreter of a script."""
HEADERS = 65536
"""The kernel takes no more bytes of program headers."""
ENTRIES = 4096
NAME = 256
PATH = 4096
WEAK = 2
"""A version that the loader may do without (vna_flags)."""
STRANGER = "it is neither an ELF file nor a script with an interpreter line"


class _Unsound(Exception):
    """No program can be like this; the text says what the file is instead."""


def read_executable(path: Path) -> Executable:
    """What the file is and needs. A damaged one is of kind OTHER and says why; StoreError if it cannot be read."""
    with disk("read"), beneath.reading(path) as source:
        head = source.read(LINE)
        if head.startswith(b"#!"):
            return _script(head)
        if not head.startswith(b"\x7fELF"):
            return Executable(kind=FileKind.OTHER, problem=STRANGER)
        return _elf(source, head)


def _script(head: bytes) -> Executable:
    """Only blanks and tabs part the words: a carriage return belongs to the name, for the kernel as well."""
    words = head[2:].partition(b"\n")[0].partition(b"\0")[0].strip(b" \t").replace(b"\t", b" ").split(b" ")
    return Executable(kind=FileKind.SCRIPT, interpreter=os.fsdecode(words[0]))


def _elf(source: BinaryIO, head: bytes) -> Executable:
    from elftools.common.exceptions import ELFError  # slow to import, and needed only after a download

    try:
        return _Elf(source, head).executable()
    except _Unsound as error:
        return Executable(kind=FileKind.OTHER, problem=str(error))
    except ELFError:
        return Executable(kind=FileKind.OTHER, problem="it is an ELF file with headers that cannot be read")


class _Elf:
    """The tables of one ELF file that its start depends on."""

    def __init__(self, source: BinaryIO, head: bytes) -> None:
        from elftools.elf.structs import ELFStructs

        if head[4:5] not in (b"\1", b"\2") or head[5:6] not in (b"\1", b"\2"):
            raise _Unsound("it is an ELF file of an unknown class or byte order")
        self.source, self.size, self.left = source, os.fstat(source.fileno()).st_size, ENTRIES
        self.bits = 64 if head[4] == 2 else 32
        self.endianness = "little" if head[5] == 1 else "big"
        self.structs = ELFStructs(head[5] == 1, self.bits)
        self.structs.create_basic_structs()
        self.header = self.parse(self.structs.Elf_Ehdr, 0)
        self.structs.create_advanced_structs(
            self.header["e_type"], self.header["e_machine"], self.header["e_ident"]["EI_OSABI"]
        )
        self.segments = list(self.program_headers())

    def read(self, offset: int, size: int) -> bytes:
        if offset + size > self.size:
            raise _Unsound("it is an ELF file of which the end is missing")
        self.source.seek(offset)
        return self.source.read(size)

    def parse(self, struct: Any, offset: int) -> Any:
        from elftools.common.utils import struct_parse

        return struct_parse(struct, BytesIO(self.read(offset, struct.sizeof())), 0)

    def program_headers(self) -> Iterator[Any]:
        begin, size, count = (self.header[key] for key in ("e_phoff", "e_phentsize", "e_phnum"))
        if size != self.structs.Elf_Phdr.sizeof() or not 0 < size * count <= HEADERS:
            raise _Unsound("it is an ELF file with program headers of an impossible size")
        return (self.parse(self.structs.Elf_Phdr, begin + n * size) for n in range(count))

    def executable(self) -> Executable:
        self.check_whole()
        interpreter, tags = self.interpreter(), list(self.dynamic())
        needs = any(tag == "DT_NEEDED" for tag, _ in tags)
        self.check_program(bool(interpreter), needs)
        versions = set(self.versions(dict(tags)))
        return Executable(
            kind=FileKind.ELF,
            machine=machine_of(self.header["e_machine"], self.bits, self.endianness),
            bits=self.bits,
            endianness=self.endianness,
            interpreter=interpreter,
            needs_glibc=max((v for name in versions if (v := glibc_version(name))), default=()),
            private="GLIBC_PRIVATE" in versions,
            libc=libc_of(interpreter, versions, needs),
        )

    def check_whole(self) -> None:
        """The section headers stand at the end: where they are missing, so is something before them."""
        parts = [(s["p_offset"], s["p_filesz"]) for s in self.segments if s["p_type"] == "PT_LOAD"]
        if not parts:
            raise _Unsound("it is an ELF file of which nothing would be loaded")
        if self.header["e_shoff"]:
            parts.append((self.header["e_shoff"], self.header["e_shnum"] * self.header["e_shentsize"]))
        if any(offset + size > self.size for offset, size in parts):
            raise _Unsound("it is an ELF file of which the end is missing")

    def check_program(self, interpreter: bool, needs: bool) -> None:
        if self.header["e_type"] not in ("ET_EXEC", "ET_DYN"):
            raise _Unsound("it is an object file or a memory dump, not a program")
        if self.header["e_type"] == "ET_DYN" and not interpreter and (needs or not self.header["e_entry"]):
            raise _Unsound("it is a shared library, not a program")

    def segment(self, kind: str) -> tuple[int, int] | None:
        """Offset and size of the first segment of this kind."""
        return next(((s["p_offset"], s["p_filesz"]) for s in self.segments if s["p_type"] == kind), None)

    def interpreter(self) -> str:
        found = self.segment("PT_INTERP")
        if not found:
            return ""
        offset, size = found
        text = self.read(offset, size) if 2 <= size <= PATH else b""
        if not text.endswith(b"\0"):
            raise _Unsound("it is an ELF file whose interpreter has no readable path")
        return os.fsdecode(text.partition(b"\0")[0])

    def dynamic(self) -> Iterator[tuple[Any, int]]:
        """Tag and value of each entry of the dynamic segment."""
        offset, size = self.segment("PT_DYNAMIC") or (0, 0)
        step = self.structs.Elf_Dyn.sizeof()
        for n in range(min(size // step, ENTRIES)):
            entry = self.parse(self.structs.Elf_Dyn, offset + n * step)
            if entry["d_tag"] == "DT_NULL":
                return
            yield entry["d_tag"], entry["d_val"]
        if size // step > ENTRIES:
            raise _Unsound("it is an ELF file with an endless dynamic segment")

    def offset(self, address: int) -> int:
        for s in self.segments:
            if s["p_type"] == "PT_LOAD" and s["p_vaddr"] <= address < s["p_vaddr"] + s["p_filesz"]:
                return int(address - s["p_vaddr"] + s["p_offset"])
        raise _Unsound("it is an ELF file that points outside of itself")

    def versions(self, tags: dict[Any, int]) -> Iterator[str]:
        """The names of the versions that the loader insists on."""
        if "DT_VERNEED" not in tags:
            return
        names = self.offset(tags.get("DT_STRTAB", 0))
        for begin, library in self.chain(self.structs.Elf_Verneed, self.offset(tags["DT_VERNEED"]), "vn_next"):
            for _, version in self.chain(self.structs.Elf_Vernaux, begin + library["vn_aux"], "vna_next"):
                if not version["vna_flags"] & WEAK:
                    yield self.text(names + version["vna_name"])

    def chain(self, struct: Any, begin: int, link: str) -> Iterator[tuple[int, Any]]:
        """Offset and fields of each entry. All chains of the file draw on the same number of entries."""
        while self.left:
            self.left -= 1
            entry = self.parse(struct, begin)
            yield begin, entry
            if not entry[link]:
                return
            begin += entry[link]
        raise _Unsound("it is an ELF file with an endless table of versions")

    def text(self, begin: int) -> str:
        text, end, _ = self.read(begin, max(0, min(NAME, self.size - begin))).partition(b"\0")
        if not end:
            raise _Unsound("it is an ELF file with an endless name of a version")
        return text.decode("latin-1")


def host(asked: Iterable[str] = ()) -> HostAbility:
    """What this machine can run. `asked` are the interpreters whose presence is of interest."""
    machine = family(os.uname().machine)
    return HostAbility(
        machine=machine,
        bits=64 if "64" in machine or machine == "s390x" else 32,
        glibc=_host_glibc(),
        musl=tuple(sorted(map(str, Path("/lib").glob("ld-musl-*.so.1")))),
        interpreters=frozenset(path for path in asked if _runs(path)),
    )


def _host_glibc() -> tuple[int, ...]:
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # another C library does not know the question
        return ()
    return glibc_version(name.replace("glibc ", "GLIBC_"))


def _runs(path: str) -> bool:
    return path.startswith("/") and Path(path).is_file() and os.access(path, os.X_OK)
