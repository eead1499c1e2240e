"""One file out of an archive, piece by piece; nothing of the archive ever reaches a path.

What two programs could read in two ways (a name twice, sizes that disagree, bytes behind the end) is refused. tarfile
is lenient there and reads headers of any size into memory; zipfile gets to see a directory only after it was measured.
"""

from __future__ import annotations

import lzma
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import BinaryIO

from attrs import define, field

from cockpitpm.errors import AssetBroken
from cockpitpm.record.durable import disk

PIECE = 64 * 1024
ROOM = 8  # a tar archive may hold this many times the limit of its one member; more is a bomb
HEADERS = 1024 * 1024  # bytes of the long names and attributes of one member of a tar archive
DIRECTORY = 16 * 1024 * 1024  # bytes of the central directory of a zip archive
MEMORY = 128 * 1024 * 1024  # what xz may use; its own highest level needs 65 MiB
HINT = "Publish a sound archive, or correct the path of the member in the bundle"


class _Refused(Exception):
    """The text completes "<archive> "."""


def unpack_member(archive: Path, member: str, write: Callable[[bytes], object], limit: int) -> int:
    """Hand the bytes of the regular file `member` to `write`. Gives their number, at most `limit`.

    The archive is a tar.gz, tar.xz or zip, whatever its name. What was written before an error is worthless. Raises
    AssetBroken for every fault of the archive, StoreError if it cannot be read; what `write` raises goes through.
    """
    with disk("read"), archive.open("rb") as source:
        try:
            return _unpack(source, _Member(member, write, limit))
        except _Refused as error:
            message = f"{archive.name} {error}"
        except (EOFError, BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
            message = f"{archive.name} cannot be read: {str(error) or 'it is truncated'}"
    raise AssetBroken(message, HINT)


def _unpack(source: BinaryIO, member: _Member) -> int:
    name = member.name
    if name.partition("/")[0] in ("", ".", "..") or not name.isprintable() or posixpath.normpath(name) != name:
        raise _Refused(f"cannot have a member {name!a}: that is no plain path inside of an archive")
    magic = source.read(6)
    source.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        _untar(GzipFile(fileobj=source, mode="rb"), member)
    elif magic == b"\xfd7zXZ\0":
        _untar(_Xz(source), member)
    elif magic.startswith(b"PK\3\4"):
        _unzip(source, member)
    else:
        raise _Refused("is neither a tar.gz nor a tar.xz nor a zip archive")
    if member.done is None:
        raise _Refused(f"has no member {name}")
    return member.done


@define
class _Member:
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
            raise _Refused(f"holds {self.name} under a path that leads elsewhere")
        if self.done is not None:
            raise _Refused(f"holds {self.name} twice")
        return True

    def take(self, what: str, size: int, pieces: Iterable[bytes]) -> None:
        """Write the pieces. `what` is the kind of the member, empty for a regular file."""
        if size > self.limit:
            what = what or f"a file of {size} bytes, more than the {self.limit} that are allowed"
        if what:
            raise _Refused(f"holds {self.name} as {what}")
        self.done = 0
        for piece in pieces:
            self.done += len(piece)
            if self.done > size:
                break
            self.write(piece)
        if self.done != size:
            raise _Refused(f"holds {self.name} with another size than it says")


def _exactly(source: BinaryIO | GzipFile | _Xz, size: int) -> bytes:
    piece = source.read(size)
    if len(piece) != size:
        raise EOFError
    return piece


class _Xz:
    """Reads one xz stream that ends where the file ends, within a limit of memory."""

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.engine = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)

    def read(self, size: int, /) -> bytes:
        found = bytearray()
        while len(found) < size and not self.engine.eof:
            piece = self.source.read(PIECE) if self.engine.needs_input else b""
            if self.engine.needs_input and not piece:
                raise EOFError
            found += self.engine.decompress(piece, size - len(found))
        if self.engine.eof and (self.engine.unused_data or self.source.read(1)):
            raise _Refused("holds bytes behind its end")
        return bytes(found)


BLOCK = 512
MAGICS = (b"ustar\x0000", b"ustar  \0", bytes(8))
KINDS = ("", "a hard link", "a symbolic link", "a device", "a device", "a folder", "a named pipe", "a contiguous file")
ABOUT_NEXT = (b"x", b"L", b"K", b"g")  # headers: pax attributes of the next or all, its long name, its long link


def _untar(stream: GzipFile | _Xz, member: _Member) -> None:
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

    stream: GzipFile | _Xz
    left: int

    def spend(self, size: int) -> int:
        self.left -= size
        if self.left < 0:
            raise _Refused("unpacks to far more than is allowed")
        return size

    def data(self, size: int) -> Iterator[bytes]:
        """The content behind a header, in pieces."""
        for at in range(0, size, PIECE):
            yield _exactly(self.stream, self.spend(min(PIECE, size - at)))
        _exactly(self.stream, self.spend(-size % BLOCK))

    def members(self) -> Iterator[tuple[str, bytes, int]]:
        """Name, kind and size of every member. Its content must be read before the next is asked for."""
        about: dict[bytes, bytes] = {}
        while (block := _exactly(self.stream, self.spend(BLOCK))) != bytes(BLOCK):
            name, kind, size = _head(block)
            if kind not in ABOUT_NEXT:
                if int(about.get(b"size", size)) != size:
                    raise _Refused("gives a member two sizes")
                yield about.get(b"path", name).decode("utf-8", "surrogateescape"), kind, size
                about = {}
            else:
                _describe(about, kind, b"".join(self.data(size)))
        while piece := self.stream.read(PIECE):
            if piece.count(0) != self.spend(len(piece)):
                raise _Refused("holds bytes behind its end")


def _head(block: bytes) -> tuple[bytes, bytes, int]:
    """Name, kind and size out of a header."""
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _octal(block[148:156]) or block[257:265] not in MAGICS:
        raise _Refused("holds something that is not a tar archive")
    name, prefix = (part.partition(b"\0")[0] for part in (block[:100], block[345:500]))
    kind, size = block[156:157].replace(b"\0", b"0"), _octal(block[124:136])
    if size > HEADERS if kind in ABOUT_NEXT else kind not in b"01234567" or (size and kind not in b"07"):
        raise _Refused("holds a member of an impossible kind or size")
    return prefix + b"/" + name if prefix and block[257:265] == MAGICS[0] else name, kind, size


def _octal(text: bytes) -> int:
    digits = text.strip(b" \0")
    if digits.strip(b"01234567"):
        raise _Refused("holds a header with an unreadable number")
    return int(digits or b"0", 8)


def _describe(about: dict[bytes, bytes], kind: bytes, data: bytes) -> None:
    """Note what a header says about the next member; only its name and size are of interest."""
    found = [(b"path", data.partition(b"\0")[0])] if kind == b"L" else [] if kind == b"K" else list(_records(data))
    for key, value in found:
        counts = key in (b"path", b"size")
        twice = counts and (key in about or kind == b"g" or (key == b"size" and not value.isdigit()))
        if twice or key.startswith(b"GNU.sparse."):
            raise _Refused("describes a member in a way that programs read differently")
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
            raise _Refused("holds attributes that cannot be read")
        yield key, value[:-1]
        at = end


LOCAL = struct.Struct("<4s5H3I2H")
END = struct.Struct("<4s4H2IH")
ENCRYPTED = 0x1 | 0x40 | 0x2000
STREAMED = 0x8  # checksum and sizes follow the content, in so many bytes; the local header may leave them 0
DESCRIPTORS = [0, 12, 16, 24]


def _unzip(source: BinaryIO, member: _Member) -> None:
    found = _directory(source)
    _check_layout(source, found)
    for entry in found.infolist():
        if member.meant_by(entry.orig_filename):
            member.take(_kind(entry), entry.file_size, _contents(found, entry))


def _directory(source: BinaryIO) -> zipfile.ZipFile:
    """The directory must end where the end record begins, and that where the file ends."""
    base = source.seek(max(0, source.seek(0, 2) - END.size - 65535))
    tail = source.read()
    ends = [m.start() for m in re.finditer(rb"PK\x05\x06(?=.{18})", tail, re.DOTALL)]
    ends = [at for at in ends if END.unpack_from(tail, at)[7] == len(tail) - at - END.size]
    if len(ends) != 1:
        raise _Refused("is truncated, or holds bytes behind its end")
    *_, count, length, begin, _ = END.unpack_from(tail, ends[0])
    if length > DIRECTORY or begin + length != base + ends[0]:
        raise _Refused("has no directory where it says")
    try:
        found = zipfile.ZipFile(source)
    except (ValueError, struct.error):
        raise _Refused("has a directory that cannot be read") from None
    if (found.start_dir, len(found.infolist())) != (begin, count):
        raise _Refused("has another directory than it says")
    return found


def _check_layout(source: BinaryIO, found: zipfile.ZipFile) -> None:
    """Before the directory stand its entries, one behind the other, and nothing else."""
    at, gaps, gapless = 0, [0], True
    for entry in sorted(found.infolist(), key=lambda e: e.header_offset):
        gapless = gapless and entry.header_offset - at in gaps
        at, gaps = _begin(source, entry) + entry.compress_size, DESCRIPTORS if entry.flag_bits & STREAMED else [0]
    if not gapless or found.start_dir - at not in gaps:
        raise _Refused("holds other members than its directory says")


def _begin(source: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Where the content begins; refused if the local header tells another story than the directory."""
    source.seek(entry.header_offset)
    sign, _, flags, method, _, _, *sizes, name, extra = LOCAL.unpack(_exactly(source, LOCAL.size))
    spelled = _exactly(source, name).decode("utf-8" if flags & 0x800 else "cp437", "replace")
    same = (sign, flags, method, spelled) == (b"PK\3\4", entry.flag_bits, entry.compress_type, entry.orig_filename)
    for told, true in zip(sizes, (entry.CRC, entry.compress_size, entry.file_size), strict=True):
        same = same and (told == true or (not told and flags & STREAMED))
    if not same:
        raise _Refused("describes a member in two ways")
    return source.tell() + int(extra)


def _kind(entry: zipfile.ZipInfo) -> str:
    mode = stat.S_IFMT(entry.external_attr >> 16)
    if mode == stat.S_IFDIR or entry.orig_filename.endswith("/"):
        return KINDS[5]
    if mode not in (0, stat.S_IFREG):
        return KINDS[2] if mode == stat.S_IFLNK else "a device or a pipe"
    odd = "" if entry.compress_type in (0, 8) else f"a file of compression method {entry.compress_type}"
    return "an encrypted file" if entry.flag_bits & ENCRYPTED else odd


def _contents(found: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    entry.file_size += 1  # zipfile would cut off what comes after the size, and never tell
    with found.open(entry) as content:
        yield from iter(lambda: content.read(PIECE), b"")
