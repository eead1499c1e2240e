"""The journal of a transaction: it is there before anything changes, and can always say its verdict."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from cockpitpm.errors import StoreError
from cockpitpm.record.journal import ALLOCATED, Journal, unfinished
from tests.unit.record.disks import fill, small_disk


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "journal"


def test_the_intent_comes_first_and_the_rest_in_order(folder: Path) -> None:
    journal = Journal.begin(folder, "t1", {"app": "x"})
    journal.write("cycling", service="a")
    journal.write("cycling", service="b")
    again = Journal.read(journal.path)
    assert again.intent == {"phase": "intent", "app": "x"}
    assert again.records == journal.records
    assert [r["service"] for r in again.all("cycling")] == ["a", "b"]
    last = again.last("cycling")
    assert last is not None and last["service"] == "b"
    assert again.last("verdict") is None


def test_reading_and_writing_again_goes_on_where_it_ended(folder: Path) -> None:
    Journal.begin(folder, "t1", {}).write("staged")
    Journal.read(folder / "t1.journal").write("verdict", way="back")
    assert [r["phase"] for r in Journal.read(folder / "t1.journal").records] == ["intent", "staged", "verdict"]


def test_a_closed_journal_is_gone(folder: Path) -> None:
    journal = Journal.begin(folder, "t1", {})
    assert unfinished(folder) == (journal.path,)
    journal.close()
    assert unfinished(folder) == () == tuple(folder.iterdir())
    journal.close()


def test_unfinished_ones_come_oldest_first_and_what_got_no_name_is_none(folder: Path) -> None:
    assert unfinished(folder) == ()
    for name in ("20260612T2", "20260612T1"):
        Journal.begin(folder, name, {})
    (folder / ".20260612T3.new").write_text("x")
    assert [path.stem for path in unfinished(folder)] == ["20260612T1", "20260612T2"]


def test_only_its_owner_reads_it_and_its_space_is_set_aside(folder: Path) -> None:
    path = Journal.begin(folder, "t1", {}).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size > ALLOCATED
    assert path.stat().st_blocks * 512 >= ALLOCATED, "the space is really there, not a hole"


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"x\n", b"00000000 {}\n", b'fe75d6ab {"phase":"done"}\n'])
def test_what_does_not_begin_with_an_intent_is_no_journal(folder: Path, data: bytes) -> None:
    folder.mkdir()
    (folder / "t1.journal").write_bytes(data)
    with pytest.raises(StoreError, match="does not begin with an intent"):
        Journal.read(folder / "t1.journal")


def test_a_transaction_begins_once(folder: Path) -> None:
    folder.mkdir()
    (folder / ".t1.new").write_text("of another process")
    with pytest.raises(StoreError, match=r"Cannot begin the journal .*t1\.new"):
        Journal.begin(folder, "t1", {})


@pytest.mark.real
def test_a_disk_that_fills_up_later_does_not_stop_the_verdict(root: Path) -> None:
    with small_disk(root / "disk") as disk:
        journal = Journal.begin(disk / "journal", "t1", {"app": "x"})
        fill(disk / "full")
        for number in range(100):
            journal.write("cycling", service=f"service_number_{number}", process={"pid": number, "boot_id": "b" * 36})
        journal.write("verdict", way="back", why="its probe failed", blame=True)
        assert len(Journal.read(journal.path).records) == 102
        journal.close()


@pytest.mark.real
def test_a_disk_that_is_full_already_begins_nothing(root: Path) -> None:
    with small_disk(root / "disk") as disk:
        (disk / "journal").mkdir()
        fill(disk / "full")
        with pytest.raises(StoreError, match=os.strerror(errno.ENOSPC)) as caught:
            Journal.begin(disk / "journal", "t1", {})
        assert "Free some space" in caught.value.hint
        assert list((disk / "journal").iterdir()) == []


@pytest.mark.parametrize("most", [1, 7, 40])
def test_a_kernel_that_takes_a_part_gets_the_rest_as_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, offset: real(handle, bytes(data)[:most], offset))
    journal = Journal.begin(folder, "t1", {"app": "x" * 50})
    journal.write("staged", tag="y" * 50)
    journal.write("verdict", way="back")
    again = Journal.read(journal.path)
    assert again.records == journal.records
    assert [r["phase"] for r in again.records] == ["intent", "staged", "verdict"]


def test_a_record_that_is_only_half_there_is_an_error_and_counts_as_not_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.begin(folder, "t1", {})
    real, calls = os.pwrite, [10, 0]
    monkeypatch.setattr(os, "pwrite", lambda handle, data, offset: real(handle, bytes(data)[: calls.pop(0)], offset))
    with pytest.raises(StoreError, match=r"Cannot write the journal .*t1\.journal: "):
        journal.write("staged", tag="y")
    monkeypatch.undo()
    assert (
        [r["phase"] for r in Journal.read(journal.path).records] == ["intent"] == [r["phase"] for r in journal.records]
    )
    journal.write("verdict", way="back")
    assert Journal.read(journal.path).records == journal.records


def test_a_journal_that_cannot_be_begun_whole_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", lambda *_: 0)
    with pytest.raises(StoreError, match="Cannot begin the journal"):
        Journal.begin(folder, "t1", {})
    assert list(folder.iterdir()) == []
