"""Whatever a peer sends, reading it ends in a value or in an error of ours."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.errors import ForgeError
from cockpitpm.forges import fields, words
from cockpitpm.model.bundle import Repo

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc") | st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_every_reader_gives_its_type_or_our_error(value: Any) -> None:
    readers = {"text": str, "number": int, "flag": bool, "moment": str, "commit": str, "name": str, "items": tuple}
    with contextlib.suppress(ForgeError):
        document = fields.read(json.dumps(value).encode(), "it")
        for name, kind in readers.items():
            with contextlib.suppress(ForgeError):
                assert type(getattr(document, name)("a")) is kind


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_our_error(body: bytes) -> None:
    with contextlib.suppress(ForgeError):
        fields.read(body, "it")


@given(st.text())
def test_a_name_stays_in_its_folder_and_on_its_line(text: str) -> None:
    name = words.asset_name(text)
    if name is not None:
        assert name == text and name.isprintable() and not set("/\\\0\n") & set(name)
        assert name not in {".", "..", ""} and len(name.encode()) <= 255


@given(st.text(alphabet="a./-~^@{}:?*[\\ \n\0é", max_size=12))
def test_a_tag_never_climbs(text: str) -> None:
    with contextlib.suppress(ForgeError):
        tag = words.tag_name(text)
        assert ".." not in tag and "//" not in tag and not tag.startswith("/") and tag.isprintable()


@given(st.text(max_size=6), st.text(max_size=6))
def test_a_repository_is_two_plain_parts(owner: str, name: str) -> None:
    with contextlib.suppress(ForgeError):
        full = words.full_name(Repo(name=name, owner=owner), "own")
        assert full.count("/") == 1 and full.isascii() and ".." not in full.split("/")


@given(st.text())
def test_foreign_words_are_one_short_line(text: str) -> None:
    shown = words.plain(text)
    assert len(shown) <= 160 and (not shown or shown.isprintable())
