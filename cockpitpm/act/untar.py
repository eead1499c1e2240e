"""Tar archives, packed with gzip or xz: one member, piece by piece, and what every reader of archives shares.

tarfile is lenient where two programs could read in two ways, and reads headers of any size into memory.
"""

from __future__ import annotations

import lzma
import posixpath
from collections.abc import Callable, Iterable, Iterator
from gzip import GzipFile
from typing import BinaryIO

from attrs import define, field

PIECE = 64 * 1024
ROOM = 8  # a tar archive may hold this many times the limit of its one member; more is a bomb
HEADERS = 1024 * 1024  # bytes of the long names and attributes of one member of a tar archive
DIRECTORY = 16 * 1024 * 1024  # bytes of the central directory of a zip archive; as many of a tar's small members
MEMORY = 128 * 1024 * 1024  # what xz may use; its own highest level needs 65 MiB


class Refused(Exception):
    """The text completes "<archive> "."""


@define
class Member:
    """The one file that is wanted, and what became of it; `done` is None until it was found."""

    name: str
    write: Callable[[bytes], object]
    limit: int
    done: int | None = field(default=None, init=False)

    def meant_by(self, name: str) -> bool:
        """Whether an archive that uses this name means the member; refused where it does so in a crooked way."""
        if posixpath.normpath(name.lstrip("/").partition("\0")[0]) != self.name:
            return False
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            raise Refused(f"holds {self.name} under a path that leads elsewhere")
        if self.done is not None:
            raise Refused(f"holds {self.name} twice")
        return True

    def take(self, what: str, size: int, pieces: Iterable[bytes]) -> None:
        """Write the pieces. `what` is the kind of the member, empty for a regular file."""
        if size > self.limit:
            what = what or f"a file of {size} bytes, more than the {self.limit} that are allowed"
        if what:
            raise Refused(f"holds {self.name} as {what}")
        self.done = 0
        for piece in pieces:
            self.done += len(piece)
            if self.done > size:
                break
            self.write(piece)
        if self.done != size:
            raise Refused(f"holds {self.name} with another size than it says")


def exactly(source: BinaryIO | GzipFile | Xz, size: int) -> bytes:
    """The next bytes, all of them. Raises EOFError if there are fewer."""
    piece = source.read(size)
    if len(piece) != size:
        raise EOFError
    return piece


class Xz:
    """Reads one xz stream that ends where the file ends, within a limit of memory."""

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.engine = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)

    def read(self, size: int, /) -> bytes:
        """The next bytes; fewer only at the end of the stream."""
        found = bytearray()
        while len(found) < size and not self.engine.eof:
            piece = self.source.read(PIECE) if self.engine.needs_input else b""
            if self.engine.needs_input and not piece:
                raise EOFError
            found += self.engine.decompress(piece, size - len(found))
        if self.engine.eof and (self.engine.unused_data or self.source.read(1)):
            raise Refused("holds bytes behind its end")
        return bytes(found)


BLOCK = 512
MAGICS = (b"ustar\x0000", b"ustar  \0", bytes(8))
KINDS = ("", "a hard link", "a symbolic link", "a device", "a device", "a folder", "a named pipe", "a contiguous file")
ABOUT_NEXT = (b"x", b"L", b"K", b"g")  # headers: pax attributes of the next or all, its long name, its long link


def untar(stream: GzipFile | Xz, member: Member) -> None:
    """Read the archive to its end and give the member its bytes."""
    tar = _Tar(stream, ROOM * member.limit + DIRECTORY)
    for name, kind, size in tar.members():
        data = tar.data(size)
        if member.meant_by(name):
            member.take(KINDS[5 if name.endswith("/") else int(kind)], size, data)
        for _ in data:
            pass


@define
class _Tar:
    """Reads headers and contents in turn; `left` is how many bytes may still come."""

    stream: GzipFile | Xz
    left: int

    def spend(self, size: int) -> int:
        self.left -= size
        if self.left < 0:
            raise Refused("unpacks to far more than is allowed")
        return size

    def data(self, size: int) -> Iterator[bytes]:
        """The content behind a header, in pieces."""
        for at in range(0, size, PIECE):
            yield exactly(self.stream, self.spend(min(PIECE, size - at)))
        exactly(self.stream, self.spend(-size % BLOCK))

    def members(self) -> Iterator[tuple[str, bytes, int]]:
        """Name, kind and size of every member. Its content must be read before the next is asked for."""
        about: dict[bytes, bytes] = {}
        while (block := exactly(self.stream, self.spend(BLOCK))) != bytes(BLOCK):
            name, kind, size = _head(block)
            if kind not in ABOUT_NEXT:
                if int(about.get(b"size", size)) != size:
                    raise Refused("gives a member two sizes")
                yield about.get(b"path", name).decode("utf-8", "surrogateescape"), kind, size
                about = {}
            else:
                _describe(about, kind, b"".join(self.data(size)))
        while piece := self.stream.read(PIECE):
            if piece.count(0) != self.spend(len(piece)):
                raise Refused("holds bytes behind its end")


def _head(block: bytes) -> tuple[bytes, bytes, int]:
    """Name, kind and size out of a header."""
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _octal(block[148:156]) or block[257:265] not in MAGICS:
        raise Refused("holds something that is not a tar archive")
    name, prefix = (part.partition(b"\0")[0] for part in (block[:100], block[345:500]))
    kind, size = block[156:157].replace(b"\0", b"0"), _octal(block[124:136])
    if size > HEADERS if kind in ABOUT_NEXT else kind not in b"01234567" or (size and kind not in b"07"):
        raise Refused("holds a member of an impossible kind or size")
    return prefix + b"/" + name if prefix and block[257:265] == MAGICS[0] else name, kind, size


def _octal(text: bytes) -> int:
    digits = text.strip(b" \0")
    if digits.strip(b"01234567"):
        raise Refused("holds a header with an unreadable number")
    return int(digits or b"0", 8)


def _describe(about: dict[bytes, bytes], kind: bytes, data: bytes) -> None:
    """Note what a header says about the next member; only its name and size are of interest."""
    found = [(b"path", data.partition(b"\0")[0])] if kind == b"L" else [] if kind == b"K" else list(_records(data))
    for key, value in found:
        counts = key in (b"path", b"size")
        twice = counts and (key in about or kind == b"g" or (key == b"size" and not value.isdigit()))
        if twice or key.startswith(b"GNU.sparse."):
            raise Refused("describes a member in a way that programs read differently")
        if counts:
            about[key] = value[:4096]


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The attributes of a pax header: "<length> <key>=<value>\\n", the length being that of the whole record."""
    at = 0
    while at < len(data):
        digits = data[at : at + 8].partition(b" ")[0]
        end = at + int(digits) if digits.isdigit() else at
        key, equals, value = data[at + len(digits) + 1 : end].partition(b"=")
        if not equals or end > len(data) or not value.endswith(b"\n"):
            raise Refused("holds attributes that cannot be read")
        yield key, value[:-1]
        at = end
