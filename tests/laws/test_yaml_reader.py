"""Laws of the YAML reader: it reads JSON as JSON is read, and raises one type whatever it is given."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.declare import reader
from cockpitpm.declare.characters import forbidden
from cockpitpm.declare.document import Document, Mark, Path, ReadError
from cockpitpm.declare.reader import MAX_BYTES, MAX_DEPTH, MAX_EVENTS, read_yaml

PARSERS = [yaml.BaseLoader, *([yaml.CBaseLoader] if yaml.__with_libyaml__ else [])]


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__, scope="module")
def parser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both parsers obey the same laws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_Parser", request.param)
        yield


clean = st.text(max_size=20).filter(lambda text: not forbidden(text))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | clean
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(clean, inner, max_size=4), max_leaves=20
)
yamlish = st.lists(
    st.sampled_from(
        [*"[]{}:,-?&*!|>'\"%@`#\n\t \\", "- ", ": ", "\n  ", "a", "b: ", "<<: ", "---\n", "...", "\\e", "\\x41", "\x00",
         "\u202e", "\ud800", "\U0001f600", "0x1F", "1e9", "~", "!!int ", "&x ", "*x", "\r\n", "\r", "\x85", "\u2028"]
    )
).map("".join)  # fmt: skip


def outcome(data: bytes | str) -> Document | ReadError:
    try:
        return read_yaml(data)
    except ReadError as error:
        return error


@pytest.mark.usefixtures("parser")
class TestBothParsers:
    @given(trees)
    def test_json_is_read_as_json_is_read(self, tree: Any) -> None:
        text = json.dumps(tree, ensure_ascii=False)
        read = read_yaml(text).tree
        assert json.dumps(read, ensure_ascii=False) == text

    @given(trees)
    def test_json_over_many_lines_has_its_places(self, tree: Any) -> None:
        text = json.dumps(tree, ensure_ascii=False, indent=1)
        document = read_yaml(text)
        lines = text.split("\n")
        for path, value in walk(tree, ()):
            mark = document.place(path).value
            at = "\n".join([lines[mark.line - 1][mark.column - 1 :], *lines[mark.line :]])
            assert json.JSONDecoder().raw_decode(at)[0] == value

    @given(st.text() | yamlish | st.binary())
    def test_any_text_is_read_or_refused_with_a_place(self, data: bytes | str) -> None:
        result = outcome(data)
        if isinstance(result, ReadError):
            assert result.rule.startswith("yaml-") and result.message.isprintable()
            assert result.mark >= Mark(1, 1) and result.mark.column >= 1

    @given(yamlish)
    def test_no_key_is_anything_but_text_and_no_text_obeys_a_terminal(self, data: str) -> None:
        result = outcome(data)
        if isinstance(result, Document):
            for path, value in walk(result.tree, ()):
                assert not any(isinstance(step, str) and forbidden(step) for step in path)
                assert not (isinstance(value, str) and forbidden(value))
                assert not (isinstance(value, float) and not math.isfinite(value))

    @pytest.mark.parametrize(
        ("bomb", "rule"),
        [
            ("[" * 100_000, "yaml-too-deep"),
            ("{" * 100_000, "yaml-key"),
            ("- " * 100_000, "yaml-too-deep"),
            ("[[" * (MAX_DEPTH // 2) + "[", "yaml-too-deep"),
            ("- a\n" * 50_000, "yaml-too-long"),
            ("a" * (MAX_BYTES + 1), "yaml-too-big"),
            ("é" * (MAX_BYTES // 2 + 1), "yaml-too-big"),
            ("&a " * 1000, "yaml-alias"),
            ("&" * 100_000, "yaml-syntax"),
            ("%YAML 1." + "9" * 5000 + "\n---\n", "yaml-syntax"),
            ("'" + "x" * 200_000, "yaml-syntax"),
            ('"\\Uffffffff"', "yaml-syntax"),
            ("a: &a [1]\nb: [*a, *a]", "yaml-alias"),
        ],
    )
    def test_bombs_are_refused_within_a_second(self, bomb: str, rule: str) -> None:
        start = time.process_time()
        result = outcome(bomb)
        assert time.process_time() - start < 1
        assert isinstance(result, ReadError) and result.rule == rule

    def test_the_largest_things_that_are_read(self) -> None:
        assert read_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH).tree
        assert len(read_yaml("- a\n" * (MAX_EVENTS - 6)).tree) == MAX_EVENTS - 6
        assert read_yaml("a" * MAX_BYTES).tree == "a" * MAX_BYTES

    @pytest.mark.parametrize(
        "text", ["no", "yes", "on", "off", "y", "N", "12:30", "12:30:00", "0123", "1.10", "1e3", "1_000", "0x1F",
                 "0o17", "-0", "+1", ".5", "1.", ".inf", ".nan", "-", "1" * 16, "1" * 5000, "1e999", "~x"],
    )  # fmt: skip
    def test_what_stays_text(self, text: str) -> None:
        expected = {"-": [None]}.get(text, text)
        assert read_yaml(text).tree == expected

    @pytest.mark.parametrize(
        ("text", "value"),
        [("true", True), ("FALSE", False), ("Null", None), ("~", None), ("", None), ("0", 0), ("-12", -12),
         ("2.5", 2.5), ("0.0", 0.0), ("1e+16", 1e16), ('"1"', "1"), ('""', ""), ("|\n  no\n", "no\n")],
    )  # fmt: skip
    def test_what_means_something(self, text: str, value: object) -> None:
        read = read_yaml(text).tree
        assert read == value and type(read) is type(value)


def walk(tree: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, tree
    steps: Any = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in steps:
        yield from walk(value, (*path, step))
