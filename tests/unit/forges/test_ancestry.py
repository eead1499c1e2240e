"""How two commits stand to each other: what it costs, what nobody can know, and the law over all histories."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import urllib3
from attrs import define, evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpitpm.errors import ForgeDenied, ForgeError, ForgeUnreachable
from cockpitpm.forges.forgejo import ForgejoForge
from cockpitpm.forges.lineage import Lineage
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Ancestry
from cockpitpm.sandbox.forge import Fault, ForgeServer, ForgeState
from cockpitpm.sandbox.forge.history import Commit
from tests.unit.forges.conftest import REPO, World

ABSENT = "f" * 40


@define
class Branches:
    """A root, two commits on it that do not know each other, a merge of both, and a history of its own."""

    world: World
    root: str
    left: str
    right: str
    merge: str
    alien: str

    def ask(self, old: str, new: str, forge: ForgejoForge | None = None) -> Ancestry:
        self.world.state.requests.clear()
        return (forge or self.world.forge()).ancestry(REPO, old, new)

    @property
    def asked(self) -> int:
        return len(self.world.state.requests)


@pytest.fixture
def history(world: World) -> Branches:
    root = world.repo.commit("root")
    left = world.repo.commit("left", parents=(root,))
    right = world.repo.commit("right", parents=(root,))
    merge = world.repo.commit("merge", parents=(left, right))
    alien = world.repo.commit("alien", parents=(), branch="other")
    return Branches(world, root, left, right, merge, alien)


def test_the_same_commit_costs_nothing(history: Branches) -> None:
    assert history.ask(history.left, history.left) is Ancestry.SAME
    assert history.ask(ABSENT, ABSENT) is Ancestry.SAME
    assert history.asked == 0


@pytest.mark.parametrize("old,new", [("", ""), ("abc", "abc"), ("A" * 40, "a" * 40), ("main", "new"), ("a" * 40, "")])
def test_what_is_no_full_commit_is_not_asked_about(history: Branches, old: str, new: str) -> None:
    assert history.ask(old, new) is Ancestry.UNKNOWN
    assert history.asked == 0


def test_forward_and_back_cost_two_requests(history: Branches) -> None:
    assert history.ask(history.root, history.merge) is Ancestry.UPGRADE
    common = "limit=1&stat=false&verification=false&files=false"
    path = "/api/v1/repos/alpha/beta/commits"
    assert [r.path for r in history.world.state.requests] == [
        f"{path}?sha={history.merge}&not={history.root}&{common}",
        f"{path}?sha={history.root}&not={history.merge}&{common}",
    ]
    assert history.ask(history.merge, history.left) is Ancestry.DOWNGRADE
    assert history.asked == 2


def test_two_histories_that_parted_cost_a_third_request_once(history: Branches) -> None:
    forge = history.world.forge()
    assert history.ask(history.left, history.right, forge) is Ancestry.DIVERGED
    assert history.asked == 3
    assert history.ask(history.right, history.left, forge) is Ancestry.DIVERGED
    assert history.asked == 2
    forge = history.world.forge()
    assert history.ask(history.root, history.left, forge) is Ancestry.UPGRADE
    assert history.ask(history.left, history.alien, forge) is Ancestry.DIVERGED
    assert history.asked == 2


def test_histories_that_share_nothing_have_parted(history: Branches) -> None:
    assert history.ask(history.alien, history.merge) is Ancestry.DIVERGED
    assert history.ask(history.merge, history.alien) is Ancestry.DIVERGED


def test_a_commit_that_the_forge_never_saw_is_unknown(history: Branches) -> None:
    assert history.ask(ABSENT, history.merge) is Ancestry.UNKNOWN
    assert [r.status for r in history.world.state.requests] == [500]
    assert history.ask(history.merge, ABSENT) is Ancestry.UNKNOWN
    assert [r.status for r in history.world.state.requests] == [404]


def test_it_does_without_pull_requests(history: Branches) -> None:
    history.world.repo.pull_requests = False
    base = f"{history.world.server.url}/api/v1/repos/alpha/beta"
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{base}/compare/{history.root}...{history.merge}").status == 404
    assert history.ask(history.root, history.merge) is Ancestry.UPGRADE


def test_a_server_that_ignores_what_to_leave_out_is_never_said_to_have_parted(history: Branches) -> None:
    history.world.state.ignores_not = True
    names = (history.root, history.left, history.right, history.merge, history.alien)
    assert {history.ask(a, b) for a in names for b in names if a != b} == {Ancestry.UNKNOWN}


@pytest.mark.parametrize("told", ["", "abc", "-1", "1.0", "1, 1", "²", "0x1", "9" * 20, " "])
def test_a_count_that_is_none_is_unknown(history: Branches, told: str) -> None:
    history.world.state.faults.append(Fault(path="/commits?", headers={"X-Total-Count": told}))
    assert history.ask(history.root, history.merge) is Ancestry.UNKNOWN


@pytest.mark.parametrize("body", [b"[]", b"null"])
def test_a_count_that_its_list_contradicts_is_unknown(history: Branches, body: bytes) -> None:
    history.world.state.faults.append(Fault(path="/commits?", body=body))
    assert history.ask(history.root, history.merge) is Ancestry.UNKNOWN


def test_nothing_on_both_sides_makes_no_sense(history: Branches) -> None:
    history.world.state.faults.append(Fault(path="/commits?", body=b"[]", headers={"X-Total-Count": "0"}))
    assert history.ask(history.root, history.merge) is Ancestry.UNKNOWN


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(path="/commits?", status=403), ForgeDenied),
        (Fault(path="/commits?", status=401), ForgeDenied),
        (Fault(path="/commits?", status=418), ForgeError),
        (Fault(path="/commits?", status=503), ForgeUnreachable),
        (Fault(path="/commits?", html=True), ForgeError),
        (Fault(path="/commits?", body=b"{}"), ForgeError),
        (Fault(path="/commits?", gzip=True), ForgeError),
    ],
)
def test_what_is_no_answer_is_an_error_not_unknown(history: Branches, fault: Fault, error: type[ForgeError]) -> None:
    history.world.state.faults.append(fault)
    with pytest.raises(error) as caught:
        history.ask(history.root, history.merge)
    assert "the commits of alpha/beta" in str(caught.value)


def test_a_renamed_repository_keeps_its_history_and_is_told_once(history: Branches) -> None:
    history.world.publish()
    forge = history.world.forge()
    history.world.state.rename("alpha/beta", "alpha/gamma")
    assert forge.release(REPO, "latest").repo == "alpha/beta"
    assert forge.ancestry(REPO, history.root, history.merge) is Ancestry.UPGRADE
    assert len(history.world.warnings) == 1


def test_a_repository_that_is_none_is_refused(history: Branches) -> None:
    with pytest.raises(ForgeError, match="part of a repository"):
        history.world.forge().ancestry(evolve(REPO, name="../x"), history.root, history.merge)


# --- the law

Parents = list[set[int]]
DAG = st.lists(st.sets(st.integers(0, 11), max_size=3), min_size=2, max_size=12)
"""For each commit, which of the earlier ones are its parents; numbers that are too high fall away."""


def graph(parents: Parents) -> dict[str, tuple[str, ...]]:
    ids = [f"{number:040x}" for number in range(1, len(parents) + 1)]
    return {ids[n]: tuple(ids[p] for p in sorted(before) if p < n) for n, before in enumerate(parents)}


def reaches(dag: dict[str, tuple[str, ...]], start: str, end: str) -> bool:
    """Whether a path leads from a commit to another, looked for the simplest way."""
    return start == end or any(reaches(dag, parent, end) for parent in dag[start])


def naive(dag: dict[str, tuple[str, ...]], old: str, new: str) -> Ancestry:
    if old == new:
        return Ancestry.SAME
    if reaches(dag, new, old):
        return Ancestry.UPGRADE
    return Ancestry.DOWNGRADE if reaches(dag, old, new) else Ancestry.DIVERGED


@given(DAG)
def test_the_law_on_any_history(parents: Parents) -> None:
    dag = graph(parents)
    everything = {a: {b for b in dag if reaches(dag, a, b)} for a in dag}
    lineage = Lineage()
    for old in dag:
        for new in dag:
            asked: list[tuple[str, str]] = []

            def count(has: str, lacks: str, asked: list[tuple[str, str]] = asked) -> int:
                asked.append((has, lacks))
                return len(everything[has] - everything[lacks])

            assert lineage.between(old, new, count) is naive(dag, old, new)
            assert len(asked) <= (3 if old != new else 0)


@given(DAG)
def test_a_server_that_ignores_not_never_leads_to_a_wrong_word(parents: Parents) -> None:
    dag = graph(parents)
    for old in dag:
        for new in dag:
            told = Lineage().between(old, new, lambda has, _lacks: sum(reaches(dag, has, one) for one in dag))
            assert told in {Ancestry.UNKNOWN, naive(dag, old, new)}


@pytest.fixture(scope="module")
def served() -> Iterator[World]:
    state = ForgeState()
    with ForgeServer(state) as server:
        yield World(state, server)
    assert not state.mishaps


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DAG, st.randoms(use_true_random=False))
def test_the_law_over_the_wire(served: World, parents: Parents, dice: random.Random) -> None:
    """Dates are dealt at random: a clock that goes wrong does not make an ancestor."""
    dag = graph(parents)
    repo = served.state.repo("alpha/law")
    days = [datetime(2026, 1, 1 + dice.randrange(28), tzinfo=UTC) for _ in dag]
    repo.commits = {
        sha: Commit(sha=sha, message="", parents=before, authored=day, committed=day + timedelta(seconds=1))
        for (sha, before), day in zip(dag.items(), days, strict=True)
    }
    forge = served.forge()
    for _ in range(8):
        old, new = dice.choice(list(dag)), dice.choice(list(dag))
        assert forge.ancestry(Repo(name="law", owner="alpha"), old, new) is naive(dag, old, new)
