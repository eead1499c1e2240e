"""Paths that no link leads out of: each deed, with a link at each name, and at the moment it is done."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cockpitpm import beneath
from cockpitpm.beneath import Linked
from tests.unit.record.nobody import as_nobody

FLAGS = os.O_WRONLY | os.O_CREAT

DEEDS: dict[str, Callable[[Path], object]] = {
    "write": lambda p: os.close(beneath.open_file(p, FLAGS)),
    "read": beneath.read,
    "look": beneath.look,
    "seen": beneath.seen,
    "is_file": beneath.is_file,
    "names": beneath.names,
    "is_folder": beneath.is_folder,
    "link_text": beneath.link_text,
    "make_folder": lambda p: beneath.make_folder(p, 0o700),
    "make_link": lambda p: beneath.make_link(p, "text"),
    "make_twin": lambda p: beneath.make_twin(p.with_name("twin"), p),
    "move": lambda p: beneath.move(p, p.with_name("moved")),
    "unlink": beneath.unlink,
    "remove_folder": beneath.remove_folder,
    "erase": beneath.erase,
    "sync": beneath.sync,
    "set_mode": lambda p: beneath.set_mode(p, 0o777),
    "touch": beneath.touch,
}
FOLLOWS = {"read", "write", "names", "is_folder", "erase", "sync", "set_mode", "touch"}
"""Those that would go where a link leads that is the last name; the others are about the link itself."""


@pytest.fixture
def outside(root: Path) -> Path:
    """What is not ours: a folder with a file, as they must stay."""
    found = root / "outside"
    (found / "b").mkdir(parents=True)
    (found / "b" / "c").write_text("theirs")
    return found


def picture(folder: Path) -> list[tuple[object, ...]]:
    found = [folder, *sorted(folder.rglob("*"))]
    return [(p, *_of(p.lstat()), p.read_bytes() if p.is_file() else "") for p in found]


def _of(found: os.stat_result) -> tuple[object, ...]:
    return found.st_ino, found.st_mode, found.st_nlink, found.st_mtime_ns, found.st_ctime_ns


@pytest.mark.parametrize("deed", sorted(DEEDS))
@pytest.mark.parametrize("dangling", [False, True], ids=["there", "dangling"])
def test_a_link_on_the_way_is_refused(root: Path, outside: Path, deed: str, dangling: bool) -> None:
    (root / "a").symlink_to(root / "gone" if dangling else outside)
    before = picture(outside)
    for path in (root / "a" / "b", root / "a" / "b" / "c"):
        with pytest.raises(Linked) as caught:
            DEEDS[deed](path)
        assert caught.value.filename == str(root / "a")
        assert caught.value.strerror.startswith("it is a symbolic link to ")
    assert picture(outside) == before and not (root / "gone").exists()


@pytest.mark.parametrize("deed", sorted(FOLLOWS))
def test_a_link_at_the_end_is_not_followed(root: Path, outside: Path, deed: str) -> None:
    before = picture(outside)
    for name, target in (("folder", outside / "b"), ("file", outside / "b" / "c"), ("dangling", outside / "gone")):
        (root / name).symlink_to(target)
        with pytest.raises(Linked) as caught:
            DEEDS[deed](root / name)
        assert caught.value.filename == str(root / name)
        assert (root / name).is_symlink()
    assert picture(outside) == before


@pytest.mark.parametrize("deed", sorted(set(DEEDS) - FOLLOWS))
def test_what_is_about_the_link_itself_leaves_its_end_alone(root: Path, outside: Path, deed: str) -> None:
    before = picture(outside)
    (root / "link").symlink_to(outside / "b")
    try:
        DEEDS[deed](root / "link")
    except OSError as error:
        assert error.errno in (errno.EEXIST, errno.ENOTDIR), error
    assert picture(outside) == before


@pytest.mark.parametrize("path", ["relative", "", "/a/../b", "/a/./b", "/a//b", "/a/", "/..", "/a\0b", "/."])
def test_only_plain_absolute_paths(path: str) -> None:
    with pytest.raises(OSError, match="no plain absolute path"):
        beneath.look(path)


def test_errors_name_the_whole_path(root: Path) -> None:
    (root / "file").write_text("x")
    for path, number in ((root / "gone" / "x", errno.ENOENT), (root / "file" / "x", errno.ENOTDIR)):
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            beneath.read(path)
        assert (caught.value.errno, caught.value.filename) == (number, str(path.parent))
    with pytest.raises(FileNotFoundError) as missing:
        beneath.read(root / "none")
    assert missing.value.filename == str(root / "none")


def test_only_regular_files_are_read_and_nobody_waits_for_a_pipe(root: Path) -> None:
    os.mkfifo(root / "pipe")
    for path in (root / "pipe", root):
        with pytest.raises(OSError, match="no regular file"):
            beneath.read(path)


def test_nothing_is_left_open(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    before = os.listdir("/proc/self/fd")
    for deed in DEEDS.values():
        for path in (root / "link" / "b", root / "none" / "x", root / "none", outside):
            try:
                deed(path)
            except OSError:
                continue
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_erasing_deletes_links_and_not_what_they_lead_to(root: Path, outside: Path) -> None:
    before = picture(outside)
    deep = root / "ours" / "deep"
    deep.mkdir(parents=True)
    (deep / "file").write_text("ours")
    (deep / "link").symlink_to(outside)
    (root / "ours" / "other").symlink_to(outside / "b" / "c")
    beneath.erase(root / "ours")
    beneath.erase(root / "ours")
    assert sorted(p.name for p in root.iterdir()) == ["outside"] and picture(outside) == before


def test_the_root_of_all_is_a_folder_too() -> None:
    assert beneath.is_folder("/") and stat.S_ISDIR(beneath.look("/").st_mode)
    assert beneath.names("/") == sorted(os.listdir("/"))
    with beneath.opened_folder("/") as handle:
        assert beneath.is_same(handle, "/")
    beneath.sync("/")


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o300])
def test_a_mode_is_set_for_an_owner_who_may_not_even_read(root: Path, mode: int) -> None:
    """As anybody but root, whom no mode stops."""
    file, folder = root / "file", root / "folder"
    file.write_text("x")
    folder.mkdir()
    for path in (file, folder):
        path.chmod(mode)

    def mend() -> None:
        for path, right in ((file, 0o600), (folder, 0o700)):
            beneath.set_mode(path, right)
            assert stat.S_IMODE(path.stat().st_mode) == right

    as_nobody(mend, root)


def test_the_mode_of_what_belongs_to_another_is_an_error_that_names_it(root: Path) -> None:
    (root / "file").write_text("x")
    as_nobody(lambda: root.chmod(0o755), root)
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone gives files away")
    os.chown(root / "file", 0, 0)

    def refused() -> None:
        with pytest.raises(PermissionError) as caught:
            beneath.set_mode(root / "file", 0o644)
        assert caught.value.filename == str(root / "file")

    as_nobody(refused)


@pytest.mark.parametrize("seconds", [1.0, pytest.param(20.0, marks=pytest.mark.slow)])
def test_a_folder_that_becomes_a_link_in_the_middle(root: Path, outside: Path, seconds: float) -> None:
    """Somebody swaps our folder for a link as fast as they can, while we write and erase below it."""
    done, ours = threading.Event(), root / "ours"
    ours.mkdir()
    before = [(p, p.lstat().st_ino, p.read_bytes() if p.is_file() else "") for p in sorted(outside.rglob("*"))]

    def swap() -> None:
        (root / "link").symlink_to(outside)
        while not done.is_set():
            ours.rename(root / "kept")
            (root / "link").rename(ours)
            ours.rename(root / "link")
            (root / "kept").rename(ours)

    attacker = threading.Thread(target=swap)
    attacker.start()
    timer = threading.Timer(seconds, done.set)
    timer.start()
    tried = refused = 0
    while not done.is_set():
        for deed in ("write", "erase", "unlink", "make_folder", "set_mode"):
            tried += 1
            try:
                DEEDS[deed](ours / "b")
            except Linked:
                refused += 1
            except OSError:
                continue
    attacker.join()
    timer.join()
    assert [(p, p.lstat().st_ino, p.read_bytes() if p.is_file() else "") for p in sorted(outside.rglob("*"))] == before
    assert tried > 100 and refused, "the race was never run"
