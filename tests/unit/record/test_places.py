"""What stands at bin/, what services should execute, and what a died process left half-written."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.errors import StoreError
from cockpitpm.model.facts import Entry, FileFact
from cockpitpm.model.process import FileId
from cockpitpm.record import generations, leftovers, places
from cockpitpm.record.layout import Layout
from tests.unit.record.made import generation_of
from tests.unit.record.nobody import as_nobody

FILES = {"duo_server": b"\x7fELF server", "duo_admin": b"#!/bin/sh\n"}


@pytest.fixture
def layout(root: Path) -> Layout:
    found = Layout(root)
    generations.materialise(found, generation_of(found, 1, **FILES), "1.t", {})
    generations.flip(found, "duo", "1.t")
    found.bin.mkdir()
    for binary in FILES:
        found.binary(binary).symlink_to(found.link_text("duo", binary))
    return found


def fact(layout: Layout, binary: str = "duo_server") -> FileFact:
    receipt = generations.read(layout, "duo", 1).receipt(binary)
    return places.file_fact(layout, "duo", receipt, binary, None)


def test_our_link_leads_to_the_recorded_bytes(layout: Layout) -> None:
    receipt = generations.read(layout, "duo", 1).receipts[0]
    assert fact(layout) == FileFact(binary="duo_server", entry=Entry.OURS, sha256=receipt.sha256)
    assert layout.binary("duo_server").read_bytes() == FILES["duo_server"]


@pytest.mark.parametrize("how", ["cp", "mv", "sed -i"])
def test_a_patch_is_seen_however_it_was_made(layout: Layout, how: str) -> None:
    path, patch = layout.binary("duo_server"), layout.root / "patch"
    patch.write_bytes(b"patched")
    if how == "cp":
        path.write_bytes(patch.read_bytes())  # through the link
    else:
        patch.replace(path)  # over the link
    found = fact(layout)
    assert found.entry is (Entry.OURS if how == "cp" else Entry.FOREIGN)
    assert found.sha256 == hashlib.sha256(b"patched").hexdigest()
    assert found.sha256 != generations.read(layout, "duo", 1).receipts[0].sha256


def test_an_untouched_file_is_not_read_again(layout: Layout) -> None:
    receipt = generations.read(layout, "duo", 1).receipt("duo_server")
    assert receipt is not None
    stamp = generations.stamps(layout, "duo", "1.t")["duo_server"]
    believed = evolve(receipt, sha256="believed because of its stamp")
    assert places.file_fact(layout, "duo", believed, "duo_server", stamp).sha256 == believed.sha256
    other = evolve(stamp, mtime_ns=stamp.mtime_ns + 1)
    assert places.file_fact(layout, "duo", believed, "duo_server", other).sha256 == receipt.sha256


def test_nothing_a_dangling_link_a_folder_and_a_link_of_another_app(layout: Layout) -> None:
    layout.binary("gone").symlink_to(layout.link_text("duo", "gone"))
    layout.binary("folder").mkdir()
    layout.binary("theirs").symlink_to(layout.link_text("db", "theirs"))
    layout.binary("strange").symlink_to("/bin/sh")
    found = {n: places.file_fact(layout, "duo", None, n, None) for n in ("none", "gone", "folder", "theirs", "strange")}
    assert {n: (f.entry, f.owner) for n, f in found.items()} == {
        "none": (Entry.ABSENT, ""),
        "gone": (Entry.OURS, ""),
        "folder": (Entry.FOREIGN, ""),
        "theirs": (Entry.FOREIGN, "db"),
        "strange": (Entry.FOREIGN, ""),
    }
    assert [found[n].sha256 for n in ("none", "gone", "folder", "theirs")] == [None] * 4
    assert (found["strange"].sha256, found["strange"].unread) == (None, "it is a symbolic link to /bin/sh")


ELSEWHERE = "/bin/sh"


def test_a_link_where_a_file_should_be_is_told_and_not_followed(layout: Layout) -> None:
    path = layout.copy("duo", "1.t", "duo_server")
    path.unlink()
    path.symlink_to(ELSEWHERE)
    told = f"it is a symbolic link to {ELSEWHERE}"
    assert fact(layout) == FileFact(binary="duo_server", entry=Entry.OURS, unread=told)
    layout.binary("duo_admin").unlink()
    layout.binary("duo_admin").symlink_to(ELSEWHERE)
    assert fact(layout, "duo_admin").unread and fact(layout, "duo_admin").entry is Entry.FOREIGN


def test_a_file_that_cannot_be_read_is_told_and_is_no_error(layout: Layout) -> None:
    """As anybody but root, whom no mode stops."""
    path = layout.copy("duo", "1.t", "duo_server")
    receipt = generations.read(layout, "duo", 1).receipt("duo_server")
    path.chmod(0)

    def look() -> None:
        found = places.file_fact(layout, "duo", receipt, "duo_server", None)
        assert (found.entry, found.sha256, found.unread) == (Entry.OURS, None, os.strerror(errno.EACCES))

    as_nobody(look, layout.root)


def test_a_current_of_another_shape_is_refused(layout: Layout) -> None:
    for text in ("live/../../elsewhere", "/bin", "live", "live/", "live/1.t/x", "other/1.t", "live/.x"):
        layout.current("duo").unlink()
        layout.current("duo").symlink_to(text)
        with pytest.raises(StoreError, match=r"current leads to .*, which is no folder of ours"):
            fact(layout)


def test_the_store_tells_what_a_file_is_that_cannot_be_read(layout: Layout) -> None:
    hashes = {r.binary: r.sha256 for r in generations.read(layout, "duo", 1).receipts}
    for binary in FILES:
        layout.copy("duo", "1.t", binary).chmod(0)

    def look() -> None:
        assert places.in_place(layout, "duo", "1.t", hashes, ()).scripts == {"duo_admin"}
        for blob in layout.store.iterdir():
            blob.unlink()
        assert places.in_place(layout, "duo", "1.t", hashes, ()).scripts == frozenset()

    as_nobody(look, layout.root)


def file_id(path: Path) -> FileId:
    return FileId(dev=path.stat().st_dev, ino=path.stat().st_ino)


def test_what_services_should_execute(layout: Layout) -> None:
    hashes = {r.binary: r.sha256 for r in generations.read(layout, "duo", 1).receipts}
    folder = layout.live("duo") / "1.t"
    twins = {hashes["duo_admin"]: str(folder / "duo_admin")}
    generations.materialise(layout, generation_of(layout, 1, **FILES), "1.again", twins)
    found = places.in_place(layout, "duo", "1.t", hashes, ())
    assert found.files == {name: file_id(folder / name) for name in FILES}
    assert found.scripts == {"duo_admin"}
    other = layout.live("duo") / "1.again"
    assert found.older == {file_id(other / "duo_server")}, "an inode in both folders is current"


def test_nothing_is_in_place_where_nothing_is_installed(layout: Layout) -> None:
    found = places.in_place(layout, "duo", "", {}, ())
    assert (found.files, found.scripts) == ({}, frozenset())
    assert found.older == {file_id(p) for p in (layout.live("duo") / "1.t").iterdir()}


def test_a_binary_that_is_gone_from_its_live_folder(layout: Layout) -> None:
    (layout.live("duo") / "1.t" / "duo_admin").unlink()
    found = places.in_place(layout, "duo", "1.t", {"duo_server": "h", "duo_admin": "h"}, ())
    assert set(found.files) == {"duo_server"}


def test_half_written_files_go_and_files_of_others_stay(layout: Layout) -> None:
    ours = [
        layout.settings.parent / ".machine.yaml.new",
        layout.journal / ".t1.new",
        layout.state / ".duo.json.new",
        layout.app("duo") / ".2.json.new",
        layout.app("duo") / ".current.new",
        layout.var / ".history.jsonl.new",
    ]
    for path in ours:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    (layout.bin / ".duo_server.new").symlink_to(layout.link_text("duo", "duo_server"))
    theirs = [layout.bin / ".mine.new", layout.bin / ".link.new", layout.settings.parent / "machine.yaml.new"]
    theirs[0].write_text("somebody's")
    theirs[1].symlink_to("/bin/sh")
    theirs[2].write_text("somebody's")
    leftovers.sweep(layout)
    assert [p for p in [*ours, layout.bin / ".duo_server.new"] if os.path.lexists(p)] == []
    assert [p for p in theirs if not os.path.lexists(p)] == []
