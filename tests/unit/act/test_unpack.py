"""One member out of an archive: every honest tool's archives are read, every crooked one is refused."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.act.unpack import HINT, unpack_member
from cockpitpm.act.untar import HEADERS
from cockpitpm.errors import AssetBroken, StoreError

DATA = random.Random(1).randbytes(200_000) + bytes(100_000)
LIMIT = 1_000_000
Pack = Callable[[bytes], bytes]
PACKS: dict[str, Pack] = {"gz": gzip.compress, "xz": lzma.compress}
TARS = pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)


def take(root: Path, archive: bytes, member: str = "x/duo", limit: int = LIMIT) -> bytes:
    """The member, unpacked from an archive whose name tells nothing."""
    path, got = root / "asset", io.BytesIO()
    path.write_bytes(archive)
    assert unpack_member(path, member, got.write, limit) == len(got.getvalue())
    return got.getvalue()


def refuse(root: Path, archive: bytes, text: str, member: str = "x/duo", limit: int = LIMIT) -> None:
    with pytest.raises(AssetBroken, match=text) as told:
        take(root, archive, member, limit)
    assert told.value.message.startswith("asset ") and told.value.hint == HINT
    assert len(told.value.message.splitlines()) == 1 and told.value.message.isprintable()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT, **more: object) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, **more) as made:  # type: ignore[call-overload]
        for info, data in members:
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def raw(name: bytes, data: bytes = b"", kind: bytes = b"0", size: bytes | None = None) -> bytes:
    """A member of a tar with fields that tarfile would not write."""
    told = b"%011o\0" % len(data) if size is None else size
    head = bytearray(name.ljust(100, b"\0") + bytes(24) + told.ljust(12, b"\0") + bytes(12) + b" " * 8 + kind)
    head += bytes(100) + b"ustar\x0000" + bytes(247)
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + data + bytes(-len(data) % 512)


def pax(text: bytes, kind: bytes = b"x") -> bytes:
    return raw(b"pax", text, kind)


END = bytes(1024)
GOOD = raw(b"x/duo", DATA)


@TARS
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("name", ["x/duo", "duo", "./x/duo", "x//duo", "d" * 90 + "/" + "e" * 60 + "/duo"])
def test_what_honest_tools_make_is_read(root: Path, pack: Pack, form: int, name: str) -> None:
    others = [(entry("README"), b"hello"), (entry("x", tarfile.DIRTYPE), b""), (entry("l", b"2", "/etc"), b"")]
    made = tar(*others, (entry(name), DATA), (entry("x/duo.sig"), b""), form=form)
    assert take(root, pack(made), name.removeprefix("./").replace("//", "/")) == DATA


def test_names_beyond_ascii_and_attributes_are_read(root: Path) -> None:
    made = tar((entry("x/über"), DATA), pax_headers={"comment": "0123abcd"})
    assert take(root, gzip.compress(made), "x/über") == DATA


def test_an_empty_member_is_read(root: Path) -> None:
    assert take(root, gzip.compress(raw(b"x/duo") + END)) == b""


def test_several_gzip_streams_are_one(root: Path) -> None:
    made = GOOD + END
    assert take(root, gzip.compress(made[:1000]) + gzip.compress(made[1000:])) == DATA


@TARS
@pytest.mark.parametrize(
    ("made", "text"),
    [
        (raw(b"x/other", DATA) + END, "no member x/duo"),
        (GOOD + GOOD + END, "twice"),
        (GOOD + raw(b"./x/duo", b"evil") + END, "twice"),
        (GOOD + raw(b"x/duo", kind=b"2") + END, "twice"),
        (raw(b"/x/duo", DATA) + END, "leads elsewhere"),
        (raw(b"x/../x/duo", DATA) + END, "leads elsewhere"),
        (raw(b"x/duo", kind=b"1") + END, "a hard link"),
        (raw(b"x/duo", kind=b"2") + GOOD + END, "a symbolic link"),
        (raw(b"x/duo", kind=b"3") + END, "a device"),
        (raw(b"x/duo", kind=b"4") + END, "a device"),
        (raw(b"x/duo", kind=b"5") + END, "a folder"),
        (raw(b"x/duo/", kind=b"\0") + END, "a folder"),
        (raw(b"x/duo", kind=b"6") + END, "a named pipe"),
        (raw(b"x/duo", DATA, kind=b"7") + END, "a contiguous file"),
        (raw(b"x/duo", DATA, kind=b"S") + END, "impossible kind"),
        (raw(b"x/link", DATA, kind=b"2") + END, "impossible kind"),
        (raw(b"x/duo", DATA, kind=b"?") + END, "impossible kind"),
        (raw(b"x/duo", size=b"\x80" + bytes(10) + b"\1") + END, "unreadable number"),
        (raw(b"x/duo", size=b"-7") + END, "unreadable number"),
        (raw(b"x/duo", size=b"77777777777") + END, "more than the 1000000"),
        (raw(b"x/big", size=b"77777777777") + END, "truncated"),
        (raw(b"l", size=b"77777777777", kind=b"L") + GOOD + END, "impossible kind or size"),
        (raw(b"l", bytes(HEADERS + 1), kind=b"x") + GOOD + END, "impossible kind or size"),
        (pax(b"12 path=abc\n") + GOOD + END, "no member"),
        (pax(b"13 size=9999\n") + GOOD + END, "two sizes"),
        (pax(b"13 size=0x99\n") + GOOD + END, "programs read differently"),
        (pax(b"14 path=x/duo\n" * 2) + GOOD + END, "programs read differently"),
        (raw(b"l", b"x/duo\0", b"L") + pax(b"14 path=x/duo\n") + GOOD + END, "programs read differently"),
        (pax(b"14 path=x/duo\n", b"g") + GOOD + END, "programs read differently"),
        (pax(b"22 GNU.sparse.major=1\n") + GOOD + END, "programs read differently"),
        (pax(b"0 path=x/duo\n") + GOOD + END, "attributes that cannot"),
        (pax(b"99 path=x/duo\n") + GOOD + END, "attributes that cannot"),
        (pax(b"14 path=x/duo ") + GOOD + END, "attributes that cannot"),
        (pax(b"path=x/duo\n") + GOOD + END, "attributes that cannot"),
        (GOOD + END + b"more", "behind its end"),
        (GOOD + END + raw(b"x/duo", b"evil") + END, "behind its end"),
        (GOOD, "truncated"),
        (GOOD[:-700], "truncated"),
        (b"", "truncated"),
        (b"just a text".ljust(2000), "not a tar archive"),
        (GOOD[:500] + b"\1" + GOOD[501:] + END, "not a tar archive"),
    ],
)
def test_a_crooked_tar_is_refused(root: Path, pack: Pack, made: bytes, text: str) -> None:
    refuse(root, pack(made), text)


def test_a_long_name_and_a_long_link_are_understood(root: Path) -> None:
    made = raw(b"k", b"/etc/passwd\0", b"K") + raw(b"l", b"x/duo\0", b"L") + raw(b"short", DATA)
    assert take(root, gzip.compress(made + END)) == DATA


@TARS
def test_a_truncated_archive_is_refused_wherever_it_ends(root: Path, pack: Pack) -> None:
    archive = pack(GOOD + END)
    for length in (*range(6, 600, 64), *range(600, len(archive), 9973), len(archive) - 1):
        refuse(root, archive[:length], "truncated|cannot be read|neither")


@TARS
def test_damage_and_bytes_behind_the_end_are_refused(root: Path, pack: Pack) -> None:
    archive = bytearray(pack(GOOD + END))
    refuse(root, bytes(archive) + b"garbage", "behind its end|cannot be read")
    archive[len(archive) // 2] ^= 1
    refuse(root, bytes(archive), "cannot be read|truncated|not a tar|behind")


@TARS
def test_a_bomb_stops_early(root: Path, pack: Pack) -> None:
    bomb = raw(b"x/zeros", bytes(40_000_000)) + GOOD + END
    refuse(root, pack(bomb), "far more than is allowed")
    refuse(root, pack(GOOD + bytes(40_000_000)), "far more than is allowed")


def test_xz_may_not_take_all_memory(root: Path) -> None:
    archive = bytearray(lzma.compress(GOOD + END))
    size, archive[16] = 4 * (archive[12] + 1), 40  # the block header follows the stream header; 40 stands for 4 GiB
    struct.pack_into("<I", archive, 8 + size, zlib.crc32(archive[12 : 8 + size]))
    refuse(root, bytes(archive), "[Mm]emory usage limit")


@pytest.mark.parametrize(
    "member", ["", ".", "..", "/x/duo", "../duo", "x/../duo", "x//duo", "x/", "./x", "a\0b", "a\nb"]
)
def test_only_a_plain_path_can_be_asked_for(root: Path, member: str) -> None:
    refuse(root, gzip.compress(GOOD + END), "no plain path", member)


def test_other_bytes_are_no_archive(root: Path) -> None:
    for data in (b"", b"PK", b"\x7fELF" * 100, b"BZh9" + bytes(99), b"#!/bin/sh\n"):
        refuse(root, data, "neither a tar.gz nor a tar.xz nor a zip")


def test_an_archive_that_is_gone_is_an_error_of_the_disk(root: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        unpack_member(root / "gone", "x", print, LIMIT)


def test_the_limit_is_inclusive_and_nothing_is_written_beyond_it(root: Path) -> None:
    made = gzip.compress(GOOD + END)
    assert take(root, made, limit=len(DATA)) == DATA
    (root / "asset").write_bytes(made)
    got: list[bytes] = []
    with pytest.raises(AssetBroken, match="more than the 299999"):
        unpack_member(root / "asset", "x/duo", got.append, len(DATA) - 1)
    assert not got


def test_pieces_are_small_and_errors_of_the_writer_go_through(root: Path) -> None:
    class Full(Exception):
        pass

    def write(piece: bytes) -> None:
        assert len(piece) <= 65536
        raise Full

    (root / "asset").write_bytes(gzip.compress(GOOD + END))
    with pytest.raises(Full):
        unpack_member(root / "asset", "x/duo", write, LIMIT)


def zipped(
    *members: tuple[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as made:
        for info, data in members:
            made.writestr(info, data)
        made.comment = comment
    return out.getvalue()


class Pipe(io.RawIOBase):
    """Cannot seek, so that zipfile writes the sizes behind the contents."""

    def __init__(self) -> None:
        self.got = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.got += data
        return len(data)


def streamed() -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("first", b"hello" * 100)
        made.writestr("x/duo", DATA)
    return bytes(pipe.got)


ZIP = zipped(("first", b"hello" * 100), ("x/duo", DATA), ("x/über", b""))


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("comment", [b"", b"0123abcd"])
@pytest.mark.parametrize("name", ["x/duo", "./x/duo", "x//duo", "über/duo"])
def test_a_zip_of_honest_tools_is_read(root: Path, how: int, comment: bytes, name: str) -> None:
    made = zipped(("x/", b""), ("README", b"hello"), (name, DATA), how=how, comment=comment)
    assert take(root, made, name.removeprefix("./").replace("//", "/")) == DATA
    assert take(root, streamed()) == DATA


def field(archive: bytes, name: bytes, local: bool, offset: int, form: str, value: int) -> bytes:
    """The archive with one field changed in the local or central header of this name."""
    sign, length = (b"PK\3\4", 30) if local else (b"PK\1\2", 46)
    at = archive.index(sign)
    while archive[at + length : at + length + len(name)] != name:
        at = archive.index(sign, at + 1)
    made = bytearray(archive)
    struct.pack_into(form, made, at + offset, value)
    return bytes(made)


def both(offset: int, form: str, value: int) -> bytes:
    """A change in both headers; the fields of the local one stand two bytes earlier."""
    return field(field(ZIP, b"x/duo", True, offset - 2, form, value), b"x/duo", False, offset, form, value)


def mode(bits: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo("x/duo")
    made.create_system, made.external_attr = 3, bits << 16
    return made


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (zipped(("other", DATA)), "no member x/duo"),
        (zipped(("x/duo", DATA), ("./x/duo", b"evil")), "twice"),
        (zipped(("/x/duo", DATA)), "leads elsewhere"),
        (zipped(("a/../x/duo", DATA)), "leads elsewhere"),
        (zipped(("x/duo/", b"")), "a folder"),
        (zipped((mode(0o040755), b"")), "a folder"),
        (zipped((mode(0o120777), b"/etc/passwd")), "a symbolic link"),
        (zipped((mode(0o020666), b"")), "a device"),
        (zipped(("x/duo", bytes(LIMIT + 1))), "more than the 1000000"),
        (zipped(("x/duo", DATA), how=zipfile.ZIP_LZMA), "compression method 14"),
        (both(8, "<H", 1), "an encrypted file"),
        (both(10, "<H", 9), "compression method 9"),
        (both(16, "<I", 7), "CRC"),
        (both(24, "<I", 299_999), "another size"),
        (both(24, "<I", 300_001), "another size"),
        (field(ZIP, b"x/duo", True, 22, "<I", 299_999), "in two ways"),
        (field(ZIP, b"x/duo", True, 18, "<I", 7), "in two ways"),
        (field(ZIP, b"x/duo", True, 14, "<I", 7), "in two ways"),
        (field(ZIP, b"x/duo", True, 8, "<H", 0), "in two ways"),
        (field(ZIP, b"x/duo", True, 6, "<H", 1), "in two ways"),
        (field(ZIP, b"x/duo", True, 30, "<B", ord("y")), "in two ways"),
        (field(ZIP, b"first", True, 30, "<B", ord("y")), "in two ways"),
        (field(ZIP, b"x/duo", False, 42, "<I", 0), "in two ways"),
        (field(ZIP, b"x/duo", False, 42, "<I", 2**32 - 2), "truncated|cannot be read|in two ways"),
        (ZIP + b"garbage", "behind its end"),
        (ZIP + zipped(("x/duo", b"evil")), "directory"),
        (ZIP.replace("über".encode(), b"\xff\xffber"), "directory that cannot be read"),
        (ZIP[:-1], "truncated"),
    ],
)
def test_a_crooked_zip_is_refused(root: Path, made: bytes, text: str) -> None:
    refuse(root, made, text)


def test_a_zip_inside_of_the_comment_is_refused(root: Path) -> None:
    refuse(root, zipped(("x/duo", DATA), comment=zipped(("x/duo", b"evil"))), "bytes behind its end|no directory")


def test_a_member_that_the_directory_hides_is_refused(root: Path) -> None:
    """A program that reads from the front finds the first member, one that reads the directory the second."""
    hidden, shown = zipped(("x/duo", b"evil")), zipped(("x/duo", DATA))
    local = hidden[: hidden.index(b"PK\1\2")]
    made = bytearray(local + shown)
    struct.pack_into("<I", made, made.rindex(b"PK\1\2") + 42, len(local))
    struct.pack_into("<I", made, made.rindex(b"PK\5\6") + 16, len(local) + shown.index(b"PK\1\2"))
    refuse(root, bytes(made), "other members than its directory")


def test_a_truncated_zip_is_refused_wherever_it_ends(root: Path) -> None:
    for length in (*range(4, len(ZIP), 9973), *range(len(ZIP) - 300, len(ZIP))):
        refuse(root, ZIP[:length], "truncated|neither")


SEEDS = [gzip.compress(raw(b"x/duo", b"12345" * 9) + END), zipped(("first", b"hello"), ("x/duo", b"12345" * 9))]
PLAIN = raw(b"l", b"x/duo\0", b"L") + pax(b"11 a=bcdef\n") + raw(b"short", b"12345" * 9) + END


@given(
    seed=st.sampled_from([*SEEDS, PLAIN]), changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=6)
)
def test_whatever_is_changed_there_is_a_member_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, changes: list[tuple[int, int]]
) -> None:
    made = bytearray(seed)
    for at, value in changes:
        made[at % len(made)] = value
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(gzip.compress(bytes(made)) if seed is PLAIN else bytes(made))
    try:
        assert unpack_member(path, "x/duo", bytes, 1000) <= 1000
    except AssetBroken as error:
        assert len(error.message.splitlines()) == 1
