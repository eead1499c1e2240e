"""The store keeps pristine bytes under their hash and lets no other bytes out."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
from pathlib import Path

import pytest

from cockpitpm.errors import AssetBroken, StoreError
from cockpitpm.record import store
from cockpitpm.record.layout import Layout
from cockpitpm.record.store import Incoming, Stored
from tests.unit.record.made import stored

DATA = b"\x7fELF" + bytes(range(256)) * 20


@pytest.fixture
def layout(root: Path) -> Layout:
    return Layout(root)


def arriving(layout: Layout, *pieces: bytes, size: int) -> Stored:
    with Incoming(layout.incoming / "x", size) as incoming:
        for piece in pieces:
            incoming.write(piece)
        return incoming.keep(layout.store)


def left(layout: Layout) -> list[str]:
    folders = (layout.incoming, layout.store)
    return [p.name for folder in folders if folder.exists() for p in folder.iterdir()]


@pytest.mark.parametrize("cuts", [(), (1,), (0, 100, 4000)])
def test_bytes_get_their_hash_as_name(layout: Layout, cuts: tuple[int, ...]) -> None:
    edges = (0, *cuts, len(DATA))
    found = arriving(layout, *(DATA[a:b] for a, b in itertools.pairwise(edges)), size=len(DATA))
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert found == Stored(sha256=hashlib.sha256(DATA).hexdigest(), md5=md5, size=len(DATA))
    blob = layout.blob(found.sha256)
    assert blob.read_bytes() == DATA
    assert stat.S_IMODE(blob.stat().st_mode) == 0o444
    assert left(layout) == [found.sha256]


def test_nothing_at_all_is_a_size_too(layout: Layout) -> None:
    assert arriving(layout, size=0).sha256 == hashlib.sha256(b"").hexdigest()


def test_too_few_bytes_are_refused_and_nothing_is_left(layout: Layout) -> None:
    with pytest.raises(AssetBroken, match="after 3 of 4 bytes"):
        arriving(layout, b"abc", size=4)
    assert left(layout) == []


def test_too_many_bytes_are_refused_at_once_and_never_written(layout: Layout) -> None:
    with Incoming(layout.incoming / "x", 4) as incoming:
        incoming.write(b"abc")
        with pytest.raises(AssetBroken, match="More than the announced 4 bytes"):
            incoming.write(b"de")
        assert incoming.path.stat().st_size == 4
    assert left(layout) == []


def test_a_download_that_ends_in_an_error_leaves_nothing(layout: Layout) -> None:
    with pytest.raises(KeyboardInterrupt), Incoming(layout.incoming / "x", 4) as incoming:
        incoming.write(b"ab")
        raise KeyboardInterrupt
    assert left(layout) == []


def test_a_limit_is_no_promise(layout: Layout) -> None:
    with Incoming(layout.incoming / "x", 10**15, exact=False) as incoming:
        incoming.write(b"abc")
        assert incoming.arrived().size == 3 and incoming.path.stat().st_size == 3
        assert incoming.keep(layout.store).size == 3


def test_what_an_earlier_download_left_is_replaced(layout: Layout) -> None:
    layout.incoming.mkdir(parents=True)
    (layout.incoming / "x").write_bytes(b"half of it")
    assert arriving(layout, b"ab", size=2).size == 2


def test_the_same_bytes_twice_are_one_file(layout: Layout) -> None:
    assert stored(layout, DATA) == stored(layout, DATA)
    assert len(left(layout)) == 1


def test_a_size_that_no_disk_has_is_refused_before_a_byte_arrives(layout: Layout) -> None:
    with pytest.raises(StoreError, match="Cannot set aside space"):
        Incoming(layout.incoming / "x", 2**62)
    assert left(layout) == []


def test_a_copy_is_executable_and_shares_nothing(layout: Layout) -> None:
    blob = layout.blob(stored(layout, DATA).sha256)
    store.copy_out(blob, layout.root / "copy")
    copy = (layout.root / "copy").stat()
    assert (layout.root / "copy").read_bytes() == DATA
    assert stat.S_IMODE(copy.st_mode) == 0o755
    assert (copy.st_ino, copy.st_nlink) != (blob.stat().st_ino, 2)
    (layout.root / "copy").write_bytes(b"patched by hand")
    assert blob.read_bytes() == DATA


def test_a_copy_across_file_systems(layout: Layout) -> None:
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == layout.root.stat().st_dev:
        pytest.skip("needs a second file system")
    target = memory / f"cp{os.getpid()}"
    try:
        store.copy_out(layout.blob(stored(layout, DATA).sha256), target)
        assert target.read_bytes() == DATA
    finally:
        target.unlink(missing_ok=True)


@pytest.mark.parametrize("damage", [DATA[:-1], DATA + b"x", DATA[:9] + b"!" + DATA[10:], b""])
def test_a_blob_that_lost_its_bytes_is_refused(layout: Layout, damage: bytes) -> None:
    blob = layout.blob(stored(layout, DATA).sha256)
    blob.chmod(0o644)
    blob.write_bytes(damage)
    with pytest.raises(StoreError, match="does not hold the bytes of its name"):
        store.copy_out(blob, layout.root / "copy")


def test_a_blob_that_is_gone_or_a_link_is_refused(layout: Layout) -> None:
    blob = layout.blob(stored(layout, DATA).sha256)
    (layout.root / "elsewhere").write_bytes(DATA)
    blob.unlink()
    with pytest.raises(StoreError, match="Cannot copy"):
        store.copy_out(blob, layout.root / "one")
    blob.symlink_to(layout.root / "elsewhere")
    with pytest.raises(StoreError, match="Cannot copy"):
        store.copy_out(blob, layout.root / "two")


def test_a_copy_never_writes_over_what_is_there(layout: Layout) -> None:
    (layout.root / "copy").write_text("mine")
    with pytest.raises(StoreError, match="File exists"):
        store.copy_out(layout.blob(stored(layout, DATA).sha256), layout.root / "copy")
    assert (layout.root / "copy").read_text() == "mine"


def test_only_what_is_named_stays(layout: Layout) -> None:
    kept, gone = stored(layout, b"kept"), stored(layout, b"gone")
    store.prune(layout.store, {kept.sha256, "of nobody"})
    assert left(layout) == [kept.sha256] != [gone.sha256]


def test_first_bytes_and_hash_of_a_file(layout: Layout) -> None:
    blob = layout.blob(stored(layout, DATA).sha256)
    assert store.begins_with(blob, 4) == b"\x7fELF"
    assert store.hash_file(blob) == blob.name
    with pytest.raises(StoreError, match="Cannot read"):
        store.hash_file(layout.root / "nothing")


def test_a_stamp_changes_with_the_file(layout: Layout) -> None:
    path = layout.root / "file"
    path.write_bytes(b"one")
    before = store.stamp_of(path.stat())
    assert store.stamp_of(path.stat()) == before
    path.write_bytes(b"other")
    assert store.stamp_of(path.stat()) != before
    assert before.id.ino == path.stat().st_ino


def test_bytes_that_were_swapped_for_others_are_not_kept(layout: Layout) -> None:
    """The inode that was hashed gets the name, or nothing does; the same bytes of another download are fine."""
    for theirs, fine in ((b"theirs", False), (DATA, True)):
        with Incoming(layout.incoming / "x", len(DATA)) as incoming:
            incoming.write(DATA)
            incoming.path.unlink()
            incoming.path.write_bytes(theirs)
            if fine:
                incoming.keep(layout.store)
            else:
                with pytest.raises(StoreError, match="was replaced while it was proved"):
                    incoming.keep(layout.store)
        assert left(layout) == ([hashlib.sha256(DATA).hexdigest()] if fine else [])
