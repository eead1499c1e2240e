"""Which value wins: the machine's, a secret, what was exported, the default. Nothing undeclared, no secret shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide.environment import HIDDEN, Chosen, Source, context_of, exportable, values
from cockpitpm.model.bundle import EnvEntry

ROOT, SOCKETS = "/srv/h", "/run/h"
VARS = ["A", "B", "C", "PATH_ROOT", "PATH_SOCKET"]
SAID = st.dictionaries(st.sampled_from([*VARS, "UNDECLARED"]), st.text(max_size=4))


def entry(var: str, default: str = "d") -> EnvEntry:
    return EnvEntry(var=var, default=default, desc="d")


def chosen(var: str, secrets: dict[str, str], exported: dict[str, str]) -> Chosen:
    found = values([entry("A"), entry("PATH_ROOT", "~/hero")], secrets, exported, ROOT, SOCKETS)
    return next(one for one in found if one.var == var)


@pytest.mark.parametrize(
    ("secrets", "exported", "order"),
    [
        ({}, {}, ["default"]),
        ({}, {"A": "e"}, ["exported", "default"]),
        ({"A": "s"}, {}, ["secret", "default"]),
        ({"A": "s"}, {"A": "e"}, ["secret", "exported", "default"]),
    ],
)
def test_the_more_explicit_wins(secrets: dict[str, str], exported: dict[str, str], order: list[str]) -> None:
    found = chosen("A", secrets, exported)
    assert [one.source.value for one in (found.winner, *found.losers)] == order
    assert found.value == order[0][0]


def test_the_machine_wins_over_everything_about_itself() -> None:
    found = chosen("PATH_ROOT", {"PATH_ROOT": "s"}, {"PATH_ROOT": "e"})
    assert (found.value, found.winner.source) == (ROOT, Source.MACHINE)
    assert [one.value for one in found.losers] == ["s", "e", ROOT]


def test_a_secret_is_shown_nowhere() -> None:
    found = chosen("A", {"A": "canary"}, {"A": "e"})
    assert found.winner.shown == HIDDEN
    assert found.losers[0].shown == "e"
    assert "canary" not in repr(found)


@given(st.lists(st.sampled_from(VARS), unique=True), SAID, SAID)
def test_only_what_is_declared_is_taken(declared: list[str], secrets: dict[str, str], exported: dict[str, str]) -> None:
    found = values([entry(var) for var in declared], secrets, exported, ROOT, SOCKETS)
    assert [one.var for one in found] == sorted({*declared, "PATH_ROOT", "PATH_SOCKET"})
    for one in found:
        rank = list(Source).index
        offers = [rank(offer.source) for offer in (one.winner, *one.losers)]
        assert offers == sorted(set(offers))


def test_exported_is_what_is_declared_and_not_the_machines_own() -> None:
    environ = {"A": "", "PATH_ROOT": "/x", "HOME": "/h"}
    assert exportable([entry("B"), entry("A"), entry("PATH_ROOT")], environ) == {"A": ""}


@pytest.mark.parametrize(
    ("app", "context"),
    [("hero_cockpit", "cockpit"), ("my_compute", "my_compute"), ("hero_3d", "hero_3d"), ("hero_", "hero_")],
)
def test_the_context_of_an_app(app: str, context: str) -> None:
    assert context_of(app) == context
