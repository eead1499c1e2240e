"""How a release and its tag are read so that they belong together: what it costs, and what it never returns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from cockpitpm.errors import ForgeDenied, ForgeError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges.forgejo import ForgejoForge
from cockpitpm.model.release import CommitSource, Release
from cockpitpm.sandbox.forge import Fault, ForgeServer, ForgeState, Order, Publisher
from cockpitpm.sandbox.forge.content import content_of
from tests.unit.forges.conftest import QUICK, REPO, World

BY_TAG = "/releases/tags/"
OF_TAG = "/beta/tags/"
COMMIT = "/git/commits/"


def seen_by(world: World, forge: ForgejoForge | None = None) -> Release:
    """A first reading, its requests forgotten."""
    found = world.release(forge)
    world.state.requests.clear()
    return found


def test_what_did_not_change_costs_one_request_and_is_the_same_value(world: World) -> None:
    world.publish(one=b"1", two=b"2")
    seen = seen_by(world)
    assert world.release(seen=seen) is seen
    assert [r.path for r in world.state.requests] == ["/api/v1/repos/alpha/beta/releases/tags/latest"]


@pytest.mark.parametrize("change", [{"commit": "a" * 40, "commit_known_by": CommitSource.INDEX}, {"committed_at": ""}])
def test_what_was_learned_about_the_commit_elsewhere_is_kept(world: World, change: dict[str, Any]) -> None:
    world.publish()
    seen = evolve(seen_by(world), **change)
    assert world.release(seen=seen) is seen


def test_the_order_of_the_uploads_does_not_matter(world: World) -> None:
    world.publish(one=b"1", two=b"2")
    seen = seen_by(world)
    turned = evolve(seen, assets=seen.assets[::-1])
    assert world.release(seen=turned) is turned


def again(world: World) -> None:
    Publisher(world.state).publish("alpha/beta", "latest", {"one": b"1"})


CHANGES: dict[str, Callable[[World], object]] = {
    "bytes": lambda world: world.publish(one=b"2"),
    "equal bytes": again,
    "one more": lambda world: world.repo.upload(world.row, "two", content_of(b"2")),
    "a twin": lambda world: world.repo.upload(world.row, "one", content_of(b"1")),
    "a link": lambda world: world.repo.upload(world.row, "link", content_of(b""), "http://127.0.0.1:9/"),
    "renamed": lambda world: setattr(world.row.attachments[0], "name", "uno"),
    "tag": lambda world: world.repo.push_tag("latest", world.repo.commit("x", at=datetime(2030, 1, 1, tzinfo=UTC))),
    "another release": lambda world: setattr(world.row, "id", 777),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_shows_a_change_leads_to_a_full_reading(world: World, what: str) -> None:
    world.publish(one=b"1")
    seen = seen_by(world)
    CHANGES[what](world)
    found = world.release(seen=seen)
    assert found is not seen and found != seen and len(world.state.requests) == 4
    assert found.commit == world.repo.tags["latest"].commit
    assert {a.uuid for a in found.assets} == {a.uuid for a in world.row.attachments}


@pytest.mark.parametrize("change", [{"tag": "other"}, {"repo": "alpha/other"}, {"forge": "other"}])
def test_what_was_seen_elsewhere_counts_for_nothing(world: World, change: dict[str, str]) -> None:
    world.publish()
    found = world.release(seen=evolve(seen_by(world), **change))
    assert found.repo == "alpha/beta" and len(world.state.requests) == 4


def test_a_tag_moved_within_the_same_second_is_seen_by_a_first_reading_only(world: World) -> None:
    world.publish()
    seen = seen_by(world)
    moved = world.repo.commit("moved")
    world.repo.push_tag("latest", moved)
    world.row.created = datetime.fromisoformat(seen.created_at)
    assert world.release(seen=seen) is seen
    assert world.release().commit == moved


def test_a_release_that_was_seen_and_is_gone_is_not_ready(world: World) -> None:
    world.publish()
    seen = seen_by(world)
    world.state.faults.append(Fault(path=BY_TAG, status=404, times=1))
    with pytest.raises(ReleaseNotReady, match="there was one"):
        world.release(seen=seen)
    with pytest.raises(ReleaseNotFound):
        world.forge().release(REPO, "other", evolve(seen, tag="nightly"))
    world.state.gitea = True
    world.repo.delete_tag("latest")
    with pytest.raises(ReleaseNotReady, match="there was one"):
        world.release(seen=seen)
    with pytest.raises(ReleaseNotFound):
        world.release()


def test_a_release_that_was_seen_and_a_token_that_is_refused_is_denied(world: World) -> None:
    world.publish()
    seen = seen_by(world)
    world.repo.private = True
    with pytest.raises(ForgeDenied, match="the stored one was refused"):
        world.release(world.forge("revoked"), seen)


@pytest.mark.parametrize("annotated", [True, False])
def test_the_date_of_the_commit_is_its_committers(world: World, annotated: bool) -> None:
    written, put, tagged = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
    commit = world.repo.commit("rebased", at=put, authored=written)
    Publisher(world.state).publish("alpha/beta", "latest", {"one": b"1"}, commit=commit, annotated=annotated, at=tagged)
    assert world.release().committed_at == "2026-02-01T00:00:00Z"


@pytest.mark.parametrize("fault", [{"status": 404}, {"body": b"{}"}, {"body": b'{"sha":null,"created":null}'}])
def test_a_commit_without_a_date_has_none(world: World, fault: dict[str, Any]) -> None:
    world.publish()
    world.state.faults.append(Fault(path=COMMIT, **fault))
    assert world.release().committed_at == ""


@pytest.mark.parametrize(
    "answer",
    [{"sha": "b" * 40, "created": "2026-06-11T23:53:53Z"}, {"created": "2026-06-11T23:53:53Z"}, {"created": 5}],
)
def test_the_date_of_another_commit_is_refused(world: World, answer: dict[str, Any]) -> None:
    world.publish()
    world.state.faults.append(Fault(path=COMMIT, body=json.dumps(answer).encode()))
    with pytest.raises(ForgeError, match=r"sha|created"):
        world.release()


def test_a_release_that_never_rests_is_being_published(world: World) -> None:
    world.publish()
    waits: list[float] = []

    def upload() -> None:
        world.publish(one=b"again")

    world.state.faults.append(Fault(path=BY_TAG, before=upload))
    quick = evolve(QUICK, sleep=waits.append, pause=0.4)
    with pytest.raises(ReleaseNotReady, match="is being published"):
        world.release(world.forge(patience=quick))
    assert len(world.state.requests) == 1 + 3 * 2
    assert len(waits) == 2 and 0.4 <= waits[0] <= 0.8 <= waits[1] <= 1.6


def test_a_release_that_comes_to_rest_is_read_with_two_more_requests(world: World) -> None:
    world.publish()
    world.state.faults.append(Fault(path=OF_TAG, times=1, before=lambda: world.publish(one=b"2")))
    found = world.release()
    assert found.commit == world.repo.tags["latest"].commit
    assert found.assets[0].uuid == world.row.attachments[0].uuid
    assert len(world.state.requests) == 4 + 2


@pytest.mark.parametrize("state", ["draft", "gone", "empty"])
def test_a_second_reading_that_is_no_release_is_tried_again(world: World, state: str) -> None:
    commit = world.publish()
    bodies = {"draft": {"draft": True}, "empty": {"assets": []}}
    if state == "gone":
        fault = Fault(path=BY_TAG, skip=1, times=1, status=404)
    else:
        told = {"id": 1, "tag_name": "latest", "created_at": "2026-06-11T23:53:53Z", **bodies[state]}
        fault = Fault(path=BY_TAG, skip=1, times=1, body=json.dumps(told).encode())
    world.state.faults.append(fault)
    assert world.release().commit == commit
    assert len(world.state.requests) == 4 + 2


class Clock:
    """Goes five minutes on with every look, so that every date says when it was made."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=5)
        return self.now


State = tuple[str, frozenset[str]]
NEW = {"one": b"1 new", "two": b"2 new", "six": b"6 new"}


class Publishing:
    """A publisher at work in a forge that serves, and every state that the forge went through."""

    def __init__(self, state: ForgeState, order: Order) -> None:
        self.state = state
        self.old = Publisher(state).publish("alpha/beta", "latest", dict.fromkeys(NEW, b"old")).commit
        self.states: list[State] = [self.now]
        self._steps = Publisher(state).steps("alpha/beta", "latest", NEW, order=order)

    @property
    def now(self) -> State:
        repo = self.state.repo("alpha/beta")
        row = repo.row("latest")
        assert row is not None
        return repo.tags["latest"].commit, frozenset(a.uuid for a in row.attachments)

    def go(self, steps: int) -> None:
        for _ in range(steps):
            if next(self._steps, None) is not None:
                self.states.append(self.now)


def told_as_stale(found: Release) -> bool:
    """What a planner can see in the release: a file older than the commit, a name that is missing or doubled."""
    committed = datetime.fromisoformat(found.committed_at) - timedelta(seconds=120)
    names = [a.name for a in found.assets]
    early = any(datetime.fromisoformat(a.created_at) < committed for a in found.assets)
    return early or sorted(names) != sorted(NEW)


def schedules() -> Iterator[tuple[int, tuple[int, ...]]]:
    """Steps done before the reader begins, and before each of its requests: one burst, or so many each time."""
    for begun in range(9):
        for request in range(1, 4):
            yield from ((begun, (0,) * request + (steps,)) for steps in range(1, 9 - begun))
        yield from ((begun, (steps,) * 12) for steps in range(3))


@pytest.mark.parametrize("first", [True, False], ids=["first", "again"])
@pytest.mark.parametrize("order", list(Order))
def test_a_torn_publish_is_read_as_one_moment_of_it_or_not_at_all(order: Order, first: bool) -> None:
    kinds = {"old": 0, "new": 0, "told": 0, "not ready": 0}
    for begun, pace in schedules():
        state = ForgeState(clock=Clock())
        publishing = Publishing(state, order)
        with ForgeServer(state) as server:
            world = World(state, server)
            seen = None if first else world.release()
            publishing.go(begun)
            paces = iter(pace)
            state.faults.append(Fault(path="/", before=lambda paces=paces, go=publishing.go: go(next(paces, 0))))
            kinds[kind_of(world, publishing, seen)] += 1
    assert all(kinds.values()), kinds


def kind_of(world: World, publishing: Publishing, seen: Release | None) -> str:
    """How the reading ended; fails if it returned what was not while it read, or what looks whole and is not."""
    began = len(publishing.states) - 1
    try:
        found = world.release(seen=seen)
    except ReleaseNotReady:
        return "not ready"
    finally:
        lasted = publishing.states[began:]
        publishing.go(9)
    read = (found.commit, frozenset(a.uuid for a in found.assets))
    assert read in lasted, "a mixture that never was, or is long gone"
    if read == publishing.states[0]:
        return "old"
    if read == publishing.states[-1]:
        return "new"
    assert told_as_stale(found), "half a release that looks whole"
    return "told"
