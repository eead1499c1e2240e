"""Zip archives: one member, piece by piece. zipfile gets to see a directory only after it was measured."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from cockpitpm.act.untar import DIRECTORY, KINDS, PIECE, Member, Refused, exactly

LOCAL = struct.Struct("<4s5H3I2H")
END = struct.Struct("<4s4H2IH")
ENCRYPTED = 0x1 | 0x40 | 0x2000
STREAMED = 0x8  # checksum and sizes follow the content, in so many bytes; the local header may leave them 0
DESCRIPTORS = [0, 12, 16, 24]


def unzip(source: BinaryIO, member: Member) -> None:
    """Hold the directory against the entries and give the member its bytes."""
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
        raise Refused("is truncated, or holds bytes behind its end")
    *_, count, length, begin, _ = END.unpack_from(tail, ends[0])
    if length > DIRECTORY or begin + length != base + ends[0]:
        raise Refused("has no directory where it says")
    try:
        found = zipfile.ZipFile(source)
    except (ValueError, struct.error):
        raise Refused("has a directory that cannot be read") from None
    if (found.start_dir, len(found.infolist())) != (begin, count):
        raise Refused("has another directory than it says")
    return found


def _check_layout(source: BinaryIO, found: zipfile.ZipFile) -> None:
    """Before the directory stand its entries, one behind the other, and nothing else."""
    at, gaps, gapless = 0, [0], True
    for entry in sorted(found.infolist(), key=lambda e: e.header_offset):
        gapless = gapless and entry.header_offset - at in gaps
        at, gaps = _begin(source, entry) + entry.compress_size, DESCRIPTORS if entry.flag_bits & STREAMED else [0]
    if not gapless or found.start_dir - at not in gaps:
        raise Refused("holds other members than its directory says")


def _begin(source: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Where the content begins; refused if the local header tells another story than the directory."""
    source.seek(entry.header_offset)
    sign, _, flags, method, _, _, *sizes, name, extra = LOCAL.unpack(exactly(source, LOCAL.size))
    spelled = exactly(source, name).decode("utf-8" if flags & 0x800 else "cp437", "replace")
    same = (sign, flags, method, spelled) == (b"PK\3\4", entry.flag_bits, entry.compress_type, entry.orig_filename)
    for told, true in zip(sizes, (entry.CRC, entry.compress_size, entry.file_size), strict=True):
        same = same and (told == true or (not told and flags & STREAMED))
    if not same:
        raise Refused("describes a member in two ways")
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
