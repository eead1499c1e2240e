"""The role is what the first level with a value says, and admin only for the exact word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide.role import decide_role
from cockpitpm.model.role import Role, RoleLevel

ODD = ["Admin", "ADMIN", " admin", "admin ", "admin\n", "", "root", "true", "аdmin"]  # the last begins in Cyrillic


def levels(*values: str | None) -> list[RoleLevel]:
    return [RoleLevel(source=f"level {index}", value=value) for index, value in enumerate(values)]


def test_nobody_says_anything() -> None:
    choice = decide_role(levels(None, None))
    assert (choice.role, choice.decided_by, choice.warning) == (Role.TESTER, "default", "")
    assert choice.levels == tuple(levels(None, None))


def test_exactly_admin() -> None:
    choice = decide_role(levels(None, "admin", "tester"))
    assert (choice.role, choice.decided_by, choice.warning) == (Role.ADMIN, "level 1", "")


@pytest.mark.parametrize("word", ["tester", "member"])
def test_both_words_for_tester(word: str) -> None:
    choice = decide_role(levels(word, "admin"))
    assert (choice.role, choice.decided_by, choice.warning) == (Role.TESTER, "level 0", "")


@pytest.mark.parametrize("word", ODD)
def test_anything_else_is_tester_with_a_warning_and_never_falls_through(word: str) -> None:
    choice = decide_role(levels(word, "admin"))
    assert (choice.role, choice.decided_by) == (Role.TESTER, "level 0")
    assert "level 0" in choice.warning and repr(word) in choice.warning and "\n" not in choice.warning


@given(st.lists(st.none() | st.sampled_from(["admin", "tester"]) | st.text()))
def test_the_first_value_decides_whatever_follows(values: list[str | None]) -> None:
    choice = decide_role(levels(*values))
    first = next((value for value in values if value is not None), None)
    assert (choice.role is Role.ADMIN) == (first == "admin")
    assert choice.warning == "" or choice.role is Role.TESTER
