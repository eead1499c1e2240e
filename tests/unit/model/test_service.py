"""A definition of a machine that was moved."""

from __future__ import annotations

import pytest

from cockpitpm.model.service import Definition, followed


@pytest.mark.parametrize(
    ("text", "old", "new", "there"),
    [
        ("/m", "/m", "/n", "/n"),
        ("/m/bin/x", "/m", "/n", "/n/bin/x"),
        ("/m2/bin", "/m", "/n", "/m2/bin"),
        ("see /m/bin", "/m", "/n", "see /m/bin"),
        ("/a/b/bin", "/a/b", "/a", "/a/bin"),
        ("/a/bin", "/a", "/a/b", "/a/b/bin"),
        ("/a/b/bin", "/a", "/a/b", "/a/b/bin"),
        ("/a/b", "/a", "/a/b", "/a/b"),
        ("/a/bc", "/a", "/a/b", "/a/b/bc"),
    ],
)
def test_a_path_follows_the_root(text: str, old: str, new: str, there: str) -> None:
    assert followed(text, old, new) == there


def test_every_path_of_a_definition_follows() -> None:
    before = Definition(name="s", command=("/m/bin/s", "/m/x"), env=(("A", "/m/a"), ("B", "b")), directory="/m")
    after = before.moved("/m", "/m/n")
    env = (("A", "/m/n/a"), ("B", "b"))
    assert after == Definition(name="s", command=("/m/n/bin/s", "/m/n/x"), env=env, directory="/m/n")
    assert after.moved("/m", "/m/n") == after
