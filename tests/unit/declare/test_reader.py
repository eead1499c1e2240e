"""Where the reader says that something is, and what it refuses by name."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from cockpitpm.declare.characters import forbidden, spelled
from cockpitpm.declare.document import Mark, ReadError, shown
from cockpitpm.declare.reader import read_yaml

TEXT = """\
# a comment
name: one
list:
  - two
  - {key: three}
"""


def test_every_key_and_value_has_its_place() -> None:
    document = read_yaml(TEXT)
    assert document.tree == {"name": "one", "list": ["two", {"key": "three"}]}
    assert document.place(("name",)).key == Mark(2, 1) and document.place(("name",)).value == Mark(2, 7)
    assert document.place(("list", 0)).value == Mark(4, 5)
    assert document.place(("list", 1, "key")).key == Mark(5, 6)
    assert document.place(()).value == Mark(2, 1)


def test_a_way_that_ends_early_gives_the_last_place_on_it() -> None:
    assert read_yaml(TEXT).place(("list", 1, "missing", 3)).value == Mark(5, 5)
    assert read_yaml("").place(("name",)).value == Mark(1, 1)


def test_columns_count_characters() -> None:
    assert read_yaml("é: 𝄞 \n🎉é: {b: c}").place(("🎉é", "b")).value == Mark(2, 9)


@pytest.mark.parametrize(
    ("data", "rule", "place"),
    [
        (b"a: \xff", "yaml-encoding", (1, 4)),
        ("é: b\nc: \x00".encode(), "yaml-character", (2, 4)),
        ("\ufeffa: b", "yaml-character", (1, 1)),
        ("a: \ud800", "yaml-character", (1, 4)),
        ("a:\rb", "yaml-character", (1, 3)),
        ('a: "x\\r"', "yaml-character", (1, 4)),
        ("a: 1\n? [b]\n: c", "yaml-key", (2, 3)),
        ("a: 1\nnull: c", "yaml-key", (2, 1)),
        ("a: *b", "yaml-alias", (1, 4)),
        ("a: &b []", "yaml-alias", (1, 4)),
        ("a: ! b", "yaml-tag", (1, 4)),
        ("a: !!binary {}", "yaml-tag", (1, 4)),
        ("%TAG ! tag:x,2000:\n--- a", "yaml-directive", (1, 1)),
        ("--- a\n--- b", "yaml-documents", (2, 1)),
        ("a: [", "yaml-syntax", (1, 5)),
    ],
)
def test_what_is_refused_and_where(data: bytes | str, rule: str, place: tuple[int, int]) -> None:
    with pytest.raises(ReadError) as caught:
        read_yaml(data)
    assert (caught.value.rule, tuple(caught.value.mark)) == (rule, place)


def test_a_second_key_names_both_lines() -> None:
    with pytest.raises(ReadError, match="key 'a' is here twice, on lines 1 and 3"):
        read_yaml("a: 1\nb: 2\n'a': 3")


def test_windows_line_ends_are_line_ends() -> None:
    assert read_yaml("a: b\r\nc: d\r\n").tree == {"a": "b", "c": "d"}


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert read_yaml("'<<': a").tree == {"<<": "a"}


def test_the_forbidden_characters_are_those_of_unicode() -> None:
    allowed = {"\n", "\t"}
    wanted = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and chr(code) not in allowed
    }
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert wanted <= {character for character in every if forbidden(character)}
    assert not any(unicodedata.category(one)[0] in "LNPS" for one in every if forbidden(one))
    assert spelled("\u202e") == "U+202E"


def test_paths_are_shown_as_people_write_them() -> None:
    assert shown(("binaries", 0, "env", 1, "default")) == "binaries[0].env[1].default"
    assert shown((0, "a")) == "[0].a" and shown(()) == "the file"
