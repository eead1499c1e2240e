"""Writes in one step, and errors of the disk in words."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from cockpitpm.errors import LockedError, StoreError
from cockpitpm.record import durable
from cockpitpm.record.lock import Holder, locked
from tests.unit.record.disks import fill, small_disk


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "owner of the root"),
        (errno.EROFS, "Mount"),
        (errno.EIO, "Look at that path"),
    ],
)
def test_an_error_says_what_where_why_and_the_way_out(number: int, hint: str) -> None:
    with pytest.raises(StoreError) as caught, durable.disk("write"):
        raise OSError(number, os.strerror(number), "/x/y")
    assert caught.value.message == f"Cannot write /x/y: {os.strerror(number)}"
    assert hint in caught.value.hint and "\n" not in str(caught.value)


def test_an_error_without_a_number_or_a_path() -> None:
    with pytest.raises(StoreError, match="Cannot copy: odd"), durable.disk("copy"):
        raise OSError("odd")


def test_other_errors_pass(root: Path) -> None:
    with pytest.raises(KeyError), durable.disk("write"):
        raise KeyError


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_replaced_with_its_mode_whatever_the_umask(root: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        for data in (b"one", b"two"):
            durable.replace_file(root / "deep" / "file", data, mode)
    finally:
        os.umask(before)
    assert (root / "deep" / "file").read_bytes() == b"two"
    assert stat.S_IMODE((root / "deep" / "file").stat().st_mode) == mode
    assert [p.name for p in (root / "deep").iterdir()] == ["file"]


def test_a_link_in_our_way_is_not_followed(root: Path) -> None:
    (root / "elsewhere").write_text("mine")
    (root / ".file.new").symlink_to(root / "elsewhere")
    durable.replace_file(root / "file", b"x")
    assert (root / "elsewhere").read_text() == "mine"
    assert (root / "file").read_text() == "x" and not (root / "file").is_symlink()
    (root / "folder").symlink_to(root)
    with pytest.raises(StoreError) as caught, durable.disk("write"):
        durable.replace_file(root / "folder" / "file", b"y")
    assert caught.value.message == f"Cannot write {root}/folder: it is a symbolic link to {root}"
    assert f"`mv {root}/folder {root}/folder.link`" in caught.value.hint
    assert (root / "file").read_text() == "x"


def test_a_link_is_replaced_whatever_stood_there(root: Path) -> None:
    (root / ".link.new").symlink_to("left behind")
    for text in ("one", "two"):
        durable.replace_link(root / "link", text)
    assert os.readlink(root / "link") == "two"
    durable.remove(root / "link")
    durable.remove(root / "link")
    assert list(root.iterdir()) == []


def test_folders_are_made_with_their_parents(root: Path) -> None:
    for _ in range(2):
        durable.make_folder(root / "a" / "b", 0o700)
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o700


def test_every_byte_is_written_though_a_pipe_takes_few_at_a_time(root: Path) -> None:
    path = root / "file"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        durable.write_all(handle, memoryview(b"abc" * 1000))
        durable.write_all(handle, b"")
    finally:
        os.close(handle)
    assert path.read_bytes() == b"abc" * 1000


@pytest.mark.real
def test_a_full_disk_leaves_the_old_bytes_and_nothing_half_written(root: Path) -> None:
    with small_disk(root / "disk") as disk:
        durable.replace_file(disk / "file", b"old")
        fill(disk / "full")
        with pytest.raises(StoreError, match=os.strerror(errno.ENOSPC)), durable.disk("write", disk / "file"):
            durable.replace_file(disk / "file", b"new" * 10_000)
        assert (disk / "file").read_bytes() == b"old"
        assert sorted(path.name for path in disk.iterdir()) == ["file", "full"]


@pytest.mark.real
def test_a_full_disk_keeps_nobody_from_taking_the_lock(root: Path) -> None:
    me = Holder(pid=1, start_ticks=2, boot_id="b", command="cockpitpm stop", since="now")
    with small_disk(root / "disk") as disk:
        (disk / "lock").touch()
        fill(disk / "full")
        with locked(disk / "lock", me), pytest.raises(LockedError), locked(disk / "lock", me):
            pytest.fail("locked twice")
