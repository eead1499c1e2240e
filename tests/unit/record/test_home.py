"""The record of where a machine is: it alone decides whether a machine was moved, so no damage of it may say so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cockpitpm.errors import StoreError
from cockpitpm.record import home
from cockpitpm.record.layout import Layout


@pytest.fixture
def layout(root: Path) -> Layout:
    made = Layout(root / "hero")
    made.var.mkdir(parents=True)
    home.settle(made)
    return made


def test_what_was_settled_is_known(layout: Layout) -> None:
    assert home.read(layout) == (str(layout.root),)
    assert home.left(layout) == ()


def test_a_root_that_was_moved_knows_where_it_was(layout: Layout) -> None:
    there = Layout(layout.root.rename(layout.root.with_name("there")))
    assert home.left(there) == (str(layout.root),)
    home.settle(there)
    assert home.read(there) == (str(there.root),) and home.left(there) == ()


def test_another_name_of_the_same_folder_is_remembered_too(layout: Layout) -> None:
    link = layout.root.with_name("link")
    link.symlink_to(layout.root)
    named = Layout(link, layout.root)
    home.settle(named)
    assert home.read(layout) == (str(layout.root), str(link)) and home.left(layout) == home.left(named) == ()


@pytest.mark.parametrize("name", ["a b", "new\nline", os.fsdecode(b"caf\xe9"), "é"])
def test_any_name_of_a_folder_is_kept_as_it_is(root: Path, name: str) -> None:
    made = Layout(root / name)
    made.var.mkdir(parents=True)
    home.settle(made)
    assert home.read(made) == (str(made.root),) and home.left(made) == ()


def test_no_flipped_bit_makes_another_place_of_it(layout: Layout) -> None:
    data = layout.home.read_bytes()
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        layout.home.write_bytes(changed)
        with pytest.raises(StoreError) as caught:
            home.left(layout)
        assert caught.value.hint and str(layout.home) in caught.value.message
    home.settle(layout)
    assert layout.home.read_bytes() == data


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"/somewhere/else\n"], ids=["cut", "no text", "unsealed"])
def test_what_is_no_record_is_told_and_written_anew(layout: Layout, text: bytes) -> None:
    layout.home.write_bytes(text)
    with pytest.raises(StoreError):
        home.read(layout)
    home.settle(layout)
    assert home.read(layout) == (str(layout.root),)


def test_a_link_in_its_place_is_told_and_replaced(layout: Layout, root: Path) -> None:
    outside = root / "outside"
    outside.write_text("theirs")
    layout.home.unlink()
    layout.home.symlink_to(outside)
    with pytest.raises(StoreError, match="it is a symbolic link to"):
        home.left(layout)
    home.settle(layout)
    assert home.read(layout) == (str(layout.root),) and outside.read_text() == "theirs"
