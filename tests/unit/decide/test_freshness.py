"""When a forge is asked how two commits stand to each other; the answers' consequences are cases."""

from __future__ import annotations

import pytest
from attrs import evolve

from cockpitpm.decide.freshness import asks_ancestry
from tests.cases.scene import app_facts, bundles


@pytest.mark.parametrize(
    ("tree", "asked"),
    [
        ({"installed": "A", "release": "B"}, True),
        ({"installed": "A", "release": "A"}, False),
        ({"release": "B"}, False),
        ({"installed": "A", "release": {"down": "no answer"}}, False),
        ({"installed": "A"}, False),
        ({"installed": "A", "release": {"build": "A", "commit": "C"}}, False),
        ({"installed": "A", "release": "B", "observed": {"uuids": "B", "build": "A"}}, False),
        ({"installed": "A", "release": "C", "observed": {"uuids": "B", "build": "A"}}, True),
    ],
    ids=lambda value: str(value),
)
def test_only_what_would_be_replaced_is_a_question(tree: dict[str, object], asked: bool) -> None:
    assert asks_ancestry(app_facts("duo", tree, bundles()["duo"])) is asked


def test_an_observation_of_no_uploads_vouches_for_none() -> None:
    facts = app_facts(
        "duo", {"installed": "A", "release": "B", "observed": {"uuids": "A", "build": "A"}}, bundles()["duo"]
    )
    assert facts.state.observation
    bare = evolve(facts.state, observation=evolve(facts.state.observation, uuids=()))
    assert asks_ancestry(evolve(facts, state=bare))
