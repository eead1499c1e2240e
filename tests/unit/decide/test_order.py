"""Which apps a request is about, what comes first, and what was perhaps meant by a name."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide.order import OWN, closure, unknown_name
from cockpitpm.model.bundle import Requirement
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.role import Role
from tests.cases.scene import bundles, catalog_of

CATALOG = catalog_of(["db", "web", "shop", "cache", "duo"])


@pytest.mark.parametrize(
    ("named", "order"),
    [
        ((), ()),
        (("duo", "db"), ("db", "duo")),
        (("web",), ("db", "web")),
        (("shop",), ("db", "web", "shop")),
        (("web", "cache"), ("cache", "db", "web")),
        (("gone", "web"), ("db", "gone", "web")),
    ],
)
def test_requirements_come_first(named: tuple[str, ...], order: tuple[str, ...]) -> None:
    assert closure(CATALOG, named) == order


@given(
    edges=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=12),
    named=st.lists(st.integers(0, 5)),
)
def test_every_hard_requirement_is_there_and_every_requirement_earlier(
    edges: set[tuple[int, int, bool]], named: list[int]
) -> None:
    def needs(app: int) -> tuple[Requirement, ...]:
        return tuple(Requirement(app=f"a{low}", hard=hard) for low, high, hard in sorted(edges) if low < high == app)

    made = tuple(evolve(bundles()["db"], name=f"a{n}", requires=needs(n)) for n in range(6))
    order = closure(Catalog(role=Role.TESTER, bundles=made, digest=""), [f"a{n}" for n in named])
    assert len(set(order)) == len(order)
    assert {f"a{n}" for n in named} <= set(order)
    for bundle in (b for b in made if b.name in order):
        for requirement in bundle.requires:
            assert not requirement.hard or requirement.app in order
            assert requirement.app not in order or order.index(requirement.app) < order.index(bundle.name)


def test_soft_requirements_in_a_ring_do_not_hang() -> None:
    ring = [
        evolve(bundles()["db"], name=a, requires=(Requirement(app=b, hard=False),)) for a, b in (("x", "y"), ("y", "x"))
    ]
    assert closure(Catalog(role=Role.TESTER, bundles=tuple(ring), digest=""), ["x", "y"]) == ("y", "x")


def test_a_name_that_is_nearly_right_is_offered() -> None:
    error = unknown_name("duo_sever", CATALOG.names)
    assert "'duo_sever'" in error.message and "Did you mean duo_server" in error.hint


def test_a_name_like_nothing_leads_to_the_list() -> None:
    assert unknown_name("zzz", CATALOG.names).hint == "`cockpitpm catalog` lists every name"


def test_our_own_services_come_last_unless_somebody_requires_them() -> None:
    own, other, user = (evolve(bundles()["db"], name=name, requires=()) for name in (OWN, "hero_z", "hero_zz"))
    needy = evolve(user, requires=(Requirement(app=OWN, hard=True),))
    names = [OWN, "hero_z", "hero_zz"]
    free = Catalog(role=Role.TESTER, bundles=(own, other, user), digest="")
    needed = Catalog(role=Role.TESTER, bundles=(own, other, needy), digest="")
    assert closure(free, names) == ("hero_z", "hero_zz", OWN)
    assert closure(needed, names) == ("hero_z", OWN, "hero_zz")
