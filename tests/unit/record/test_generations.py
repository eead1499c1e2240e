"""Generations: sealed files, live copies made from the store, and one link that changes them all."""

from __future__ import annotations

import os
import shlex
import stat
import threading
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.errors import StoreError
from cockpitpm.record import generations
from cockpitpm.record.layout import Layout
from tests.unit.record.made import generation_of

ONE = {"duo_server": b"\x7fELF one", "duo_admin": b"\x7fELF same"}
TWO = {"duo_server": b"\x7fELF two", "duo_admin": b"\x7fELF same"}


@pytest.fixture
def layout(root: Path) -> Layout:
    return Layout(root)


def live_files(layout: Layout, live: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (layout.live("duo") / live).iterdir()}


def test_nothing_is_installed(layout: Layout) -> None:
    assert generations.apps(layout) == ()
    assert generations.numbers(layout, "duo") == ()
    assert generations.current_live(layout, "duo") == ""
    assert generations.lives(layout, "duo") == ()


def test_a_generation_is_read_as_it_was_written(layout: Layout) -> None:
    made = generation_of(layout, 3, **ONE)
    (layout.app("duo") / "notes.json").write_text("not ours")
    assert generations.read(layout, "duo", 3) == made
    assert generations.numbers(layout, "duo") == (3,)
    assert stat.S_IMODE(layout.generation("duo", 3).stat().st_mode) == 0o600


def test_numbers_are_numbers_and_not_texts(layout: Layout) -> None:
    for number in (10, 9, 1):
        generation_of(layout, number, **ONE)
    assert generations.numbers(layout, "duo") == (1, 9, 10)


@pytest.mark.parametrize(("live", "number"), [("3.t17", 3), ("12.a.b", 12), ("", 0), ("x.t", 0), ("../x", 0)])
def test_a_live_folder_names_its_generation(live: str, number: int) -> None:
    assert generations.number_of(live) == number


def test_live_copies_hold_the_stored_bytes_and_can_run(layout: Layout) -> None:
    generations.materialise(layout, generation_of(layout, 1, **ONE), "1.t", {})
    assert live_files(layout, "1.t") == ONE
    for path in (layout.live("duo") / "1.t").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o755 and path.stat().st_nlink == 1


def test_bytes_that_did_not_change_keep_their_inode(layout: Layout) -> None:
    generations.materialise(layout, generation_of(layout, 1, **ONE), "1.t", {})
    old = {r.sha256: str(layout.live("duo") / "1.t" / r.binary) for r in generation_of(layout, 1, **ONE).receipts}
    generations.materialise(layout, generation_of(layout, 2, **TWO), "2.t", old)
    assert live_files(layout, "2.t") == TWO
    inode = {(n, b): os.stat(layout.live("duo") / n / b).st_ino for n in ("1.t", "2.t") for b in ONE}
    assert inode["1.t", "duo_admin"] == inode["2.t", "duo_admin"]
    assert inode["1.t", "duo_server"] != inode["2.t", "duo_server"]


@pytest.mark.parametrize("patch", [b"patched by hand", None])
def test_a_twin_that_was_patched_or_is_gone_is_made_fresh(layout: Layout, patch: bytes | None) -> None:
    made = generation_of(layout, 1, **ONE)
    generations.materialise(layout, made, "1.t", {})
    old = {r.sha256: str(layout.live("duo") / "1.t" / r.binary) for r in made.receipts}
    for path in (layout.live("duo") / "1.t").iterdir():
        path.write_bytes(patch) if patch else path.unlink()
    generations.materialise(layout, made, "1.again", old)
    assert live_files(layout, "1.again") == ONE


def test_adopted_bytes_are_durable_before_their_folder_is(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody synced what somebody else wrote: it may still be in memory only when it gets its second name."""
    made, synced = generation_of(layout, 1, **ONE), []
    twins = {r.sha256: str(layout.root / f"theirs-{r.binary}") for r in made.receipts}
    for receipt in made.receipts:
        Path(twins[receipt.sha256]).write_bytes(ONE[receipt.binary])
    real = os.fsync

    def noted(handle: int) -> None:
        synced.append((os.fstat(handle).st_ino, stat.S_IMODE(os.fstat(handle).st_mode)))
        real(handle)

    monkeypatch.setattr(os, "fsync", noted)
    generations.materialise(layout, made, "1.t", twins)
    folder = layout.live("duo") / "1.t"
    files = [(Path(path).stat().st_ino, 0o755) for path in twins.values()]
    assert {path.stat().st_ino for path in folder.iterdir()} == {inode for inode, _ in files}
    inodes = [inode for inode, _ in synced]
    assert all(file in synced for file in files), "the bytes and the mode of each file"
    assert max(synced.index(file) for file in files) < inodes.index(folder.stat().st_ino)
    assert inodes.index(folder.stat().st_ino) < inodes.index(folder.parent.stat().st_ino)


@pytest.mark.parametrize("text", ["/bin", "live/../x"])
def test_an_app_whose_current_leads_elsewhere_is_there_and_hides_no_other(layout: Layout, text: str) -> None:
    generations.materialise(layout, generation_of(layout, 1, **ONE), "1.t", {})
    generations.flip(layout, "duo", "1.t")
    layout.app("odd").mkdir()
    layout.current("odd").symlink_to(text)
    (layout.apps / "strange").symlink_to(layout.root)
    (layout.apps / "file").touch()
    assert generations.apps(layout) == ("duo", "odd", "strange")


def test_the_command_that_mends_it_can_be_pasted(root: Path) -> None:
    layout = Layout(root / "my machine")
    layout.app("odd").mkdir(parents=True)
    layout.current("odd").symlink_to("/bin")
    with pytest.raises(StoreError) as caught:
        generations.current_live(layout, "odd")
    command = caught.value.hint.partition("`")[2].partition("`")[0]
    assert shlex.split(command) == ["rm", str(layout.current("odd"))]


def test_half_a_live_folder_is_made_again(layout: Layout) -> None:
    made = generation_of(layout, 1, **ONE)
    (layout.live("duo") / "1.t").mkdir(parents=True)
    (layout.live("duo") / "1.t" / "duo_server").write_text("half")
    generations.materialise(layout, made, "1.t", {})
    assert live_files(layout, "1.t") == ONE


def test_bytes_that_the_store_has_lost_stop_it(layout: Layout) -> None:
    made = generation_of(layout, 1, **ONE)
    layout.blob(made.receipts[0].sha256).unlink()
    with pytest.raises(StoreError):
        generations.materialise(layout, made, "1.t", {})


def test_one_flip_changes_every_binary_and_is_never_half_done(layout: Layout) -> None:
    for number, files in ((1, ONE), (2, TWO)):
        generations.materialise(layout, generation_of(layout, number, **files), f"{number}.t", {})
    generations.flip(layout, "duo", "1.t")
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add((layout.current("duo") / "duo_server").read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(50):
        generations.flip(layout, "duo", "2.t")
        generations.flip(layout, "duo", "1.t")
    done.set()
    reader.join()
    assert seen <= {ONE["duo_server"], TWO["duo_server"]}
    assert generations.current_live(layout, "duo") == "1.t"
    assert generations.apps(layout) == ("duo",)
    assert not layout.current("duo").readlink().is_absolute()


def test_a_flip_to_nothing_uninstalls(layout: Layout) -> None:
    generations.materialise(layout, generation_of(layout, 1, **ONE), "1.t", {})
    generations.flip(layout, "duo", "1.t")
    generations.erase(layout, "duo")
    assert layout.app("duo").exists(), "what is installed is not erased"
    generations.flip(layout, "duo", "")
    generations.flip(layout, "duo", "")
    assert generations.apps(layout) == ()
    generations.erase(layout, "duo")
    assert not layout.app("duo").exists()


def test_the_current_live_folder_is_not_discarded(layout: Layout) -> None:
    made = generation_of(layout, 1, **ONE)
    for live in ("1.a", "1.b"):
        generations.materialise(layout, made, live, {})
    generations.flip(layout, "duo", "1.a")
    for live in ("1.a", "1.b", "", "9.z"):
        generations.discard(layout, "duo", live)
    assert [path.name for path in generations.lives(layout, "duo")] == ["1.a"]
    assert set(generations.stamps(layout, "duo", "1.a")) == set(ONE)


def test_a_generation_of_another_version_is_refused_with_the_way_out(layout: Layout) -> None:
    made = generation_of(layout, 1, **ONE)
    generations.write(layout, evolve(made, number=2))
    layout.generation("duo", 2).unlink()
    with pytest.raises(StoreError) as caught:
        generations.read(layout, "duo", 2)
    assert "2.json" in caught.value.message
