"""Events and those who listen: what is replayed, who must look anew, that nobody waits for a slow reader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from cockpitpm.serve.events import KEPT, LARGEST, PREFIX, Event, Ring, line, topics_of
from cockpitpm.serve.guard import Guard
from cockpitpm.serve.hub import QUEUE, VIEWERS, Hub, TooManyViewers
from cockpitpm.serve.stream import Feed
from tests.unit.serve.conftest import Time, ask, sessions, tcp_door, unix_door

STATE = frozenset({"state"})
JOB = frozenset({"job:7"})


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


def parsed(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Mark, kind and data of every event of a stream."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(part.split(": ", 1) for part in block.split("\n") if part)
        if "event" in fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def ring(count: int) -> Ring:
    made = Ring("b00t")
    for n in range(1, count + 1):
        made.add("app", {"n": n}, JOB if n % 2 else STATE)
    return made


def test_a_known_mark_is_replayed_from_there() -> None:
    missed = ring(6).since("b00t-2", STATE)
    assert ([e.seq for e in missed.events], missed.reset) == ([4, 6], "")
    assert [e.seq for e in ring(6).since("b00t-0", STATE | JOB).events] == [1, 2, 3, 4, 5, 6]
    assert ring(6).since("b00t-6", STATE).events == ()


@pytest.mark.parametrize(
    "mark", ["b00t-7", "other-3", "b00t", "b00t-", "b00t-x", "-3", "b00t--1", "b00t-1.0", "b00t-٣", "x" * 9999, "\0"]
)
def test_any_other_mark_is_a_reset(mark: str) -> None:
    assert ring(6).since(mark, STATE).reset


def test_a_mark_that_is_too_old_is_a_reset() -> None:
    made = ring(KEPT + 10)
    assert len(made.events) == KEPT
    assert made.since("b00t-9", STATE).reset
    assert not made.since("b00t-10", STATE).reset
    assert len(made.since("b00t-10", STATE | JOB).events) == KEPT


def test_without_a_mark_nothing_is_replayed() -> None:
    assert ring(6).since("", STATE).events == ()
    assert ring(0).since("b00t-0", STATE).reset == ""


@pytest.mark.parametrize(
    ("text", "found"), [("", {"state"}), ("state,job:131", {"state", "job:131"}), ("job:1", {"job:1"})]
)
def test_topics(text: str, found: set[str]) -> None:
    assert topics_of(text) == found


@pytest.mark.parametrize("text", ["x", "job:0", "job:", "job:1,", "state state", "job:1\n", ",".join(["state"] * 9)])
def test_topics_that_there_are_not(text: str) -> None:
    with pytest.raises(ValueError, match="no topics"):
        topics_of(text)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=200), max_size=4))
def test_no_text_ends_an_event_early(data: dict[str, str]) -> None:
    text = line(Event(kind="log", data=data, seq=3), "b00t", "/p")
    shown = {k: v.replace(PREFIX, "/p") for k, v in data.items()}
    assert parsed(text.decode("ascii")) == [("b00t-3", "log", shown)]
    assert text.count(b"\n") == 4


def test_each_viewer_sees_its_own_prefix() -> None:
    event = Event(kind="app", data={"html": f'<a href="{PREFIX}/apps/x">', "n": 1})
    assert b'\\"/hero_cockpit/web/apps/x' in line(event, "b", "/hero_cockpit/web")
    assert b'\\"/apps/x' in line(event, "b", "")


def test_an_event_is_never_too_long() -> None:
    text = line(Event(kind="app", data={"app": "x", "html": "é" * LARGEST, "detail": "y" * 100}), "b", "")
    assert len(text) < LARGEST + 100
    assert parsed(text.decode())[0][2] == {"app": "x", "detail": "y" * 100, "shortened": True}


def test_a_slow_viewer_is_told_so_and_the_others_miss_nothing() -> None:
    async def work() -> None:
        hub = Hub("b00t")
        slow, _ = hub.subscribe(STATE)
        quick, _ = hub.subscribe(STATE)
        seen = []
        for n in range(1, QUEUE + 11):
            hub.publish("app", {"n": n})
            event = await quick.next(1)
            assert event is not None
            seen.append(event.seq)
        assert seen == list(range(1, QUEUE + 11))
        first = await slow.next(1)
        assert first is not None and first.kind == "reset" and first.seq == QUEUE + 1
        hub.publish("app", {"n": 0})
        after = await slow.next(1)
        assert after is not None and (after.kind, after.seq) == ("app", QUEUE + 11)

    run(work())


def test_a_viewer_that_never_reads_costs_no_more_than_its_queue() -> None:
    async def work() -> None:
        hub = Hub("b00t")
        viewer, _ = hub.subscribe(STATE)
        for n in range(10 * QUEUE):
            hub.publish("app", {"n": n})
        assert len(viewer._waiting) <= QUEUE

    run(work())


def test_events_come_from_any_thread() -> None:
    async def work() -> None:
        hub = Hub("b00t")
        viewer, _ = hub.subscribe(STATE)
        loop = asyncio.get_running_loop()
        telling = loop.run_in_executor(None, lambda: [hub.publish("app", {"n": n}) for n in range(200)])
        seen = [await viewer.next(5) for _ in range(200)]
        assert [e.data["n"] for e in seen if e] == list(range(200))
        await telling
        assert await viewer.next(0.01) is None

    run(work())


def test_there_is_an_end_to_how_many_may_listen() -> None:
    async def work() -> None:
        hub = Hub("b00t")
        viewers = [hub.subscribe(STATE)[0] for _ in range(VIEWERS)]
        with pytest.raises(TooManyViewers):
            hub.subscribe(STATE)
        hub.leave(viewers[0])
        hub.leave(viewers[0])
        hub.subscribe(STATE)
        assert hub.viewers == VIEWERS

    run(work())


# --- over the wire


class Page:
    """A hub behind the real middleware and the real route."""

    def __init__(self, tcp: bool = False, beat: float = 0.05) -> None:
        self.time = Time()
        self.hub = Hub("b00t", lambda: {"version": "0", "role": "tester", "now": "n", "summary_digest": "d"})
        known = sessions(self.time)
        door = tcp_door(known=known) if tcp else unix_door(known=known)
        self.cookie = f"{known.name}={known.cookie(known.fresh(), door.realm)}"
        self.guard = Guard(Starlette(routes=[Feed(self.hub, lambda: "now", beat).route()]), door)
        self.host = "127.0.0.1:8080" if tcp else "localhost"

    async def read(self, query: str = "", **fields: str) -> list[tuple[str, str, dict[str, Any]]]:
        answer = await ask(self.guard, "GET", "/events", {"host": self.host, **fields}, query=query, stays=True)
        assert answer.status == 200, answer.text
        assert answer.one("content-type").startswith("text/event-stream")
        assert answer.one("cache-control") == "no-store" and answer.one("x-accel-buffering") == "no"
        assert answer.text.startswith("retry: 2000\n\n")
        return parsed(answer.text)

    async def heard(self, count: int) -> None:
        """Until so many viewers listen."""
        while self.hub.viewers < count:
            await asyncio.sleep(0.001)


def kinds(found: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    return [kind for _, kind, _ in found]


async def endless(page: Page, query: str = "", **fields: str) -> list[tuple[str, str, dict[str, Any]]]:
    """A stream that the server ends. The stand-in for a client never leaves by itself."""
    task = asyncio.create_task(page.read(query, **fields))
    await page.heard(1)
    await asyncio.sleep(0.02)
    page.hub.close("stopping")
    return await task


def test_a_stream_begins_with_hello_and_ends_with_bye() -> None:
    async def work() -> None:
        page = Page(beat=9)
        page.hub.publish("app", {"app": "x"})
        found = await endless(page, "topics=state")
        assert kinds(found) == ["hello", "bye"]
        assert found[0][2] == {
            "boot": "b00t", "seq": 1, "version": "0", "role": "tester", "now": "n", "summary_digest": "d",
        }  # fmt: skip
        assert found[1][2] == {"why": "stopping", "expect_ms": 5000, "job": None}
        assert page.hub.viewers == 0

    run(work())


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("b00t-1", ["hello", "app", "bye"]),
        ("b00t-2", ["hello", "bye"]),
        ("b00t-99", ["hello", "reset", "bye"]),
        ("other-1", ["hello", "reset", "bye"]),
        ("garbage", ["hello", "reset", "bye"]),
    ],
)
@pytest.mark.parametrize("how", ["header", "query"])
def test_coming_back(mark: str, expected: list[str], how: str) -> None:
    async def work() -> None:
        page = Page(beat=9)
        page.hub.publish("app", {"n": 1})
        page.hub.publish("app", {"n": 2})
        fields = {"last-event-id": mark} if how == "header" else {}
        found = await endless(page, f"since={mark}" if how == "query" else "since=b00t-0", **fields)
        assert kinds(found) == expected

    run(work())


def test_a_sign_of_life_moves_the_mark() -> None:
    async def work() -> None:
        page = Page(beat=0.01)
        page.hub.publish("log", {}, JOB)
        found = await endless(page, "topics=state")
        assert kinds(found)[1] == "beat"
        assert found[1] == ("b00t-1", "beat", {"now": "now", "seq": 1})

    run(work())


def test_only_what_was_asked_for() -> None:
    async def work() -> None:
        page = Page(beat=9)
        task = asyncio.create_task(page.read("topics=job:7"))
        await page.heard(1)
        page.hub.publish("app", {})
        page.hub.publish("log", {"n": 1}, JOB)
        page.hub.publish("log", {"n": 1}, frozenset({"job:8"}))
        page.hub.publish("end", {"job": 7}, STATE | JOB)
        page.hub.close("stopping")
        found = await task
        assert [(mark, kind) for mark, kind, _ in found] == [
            ("", "hello"), ("b00t-2", "log"), ("b00t-4", "end"), ("", "bye"),
        ]  # fmt: skip

    run(work())


def test_a_stream_ends_with_its_session() -> None:
    async def work() -> None:
        page = Page(tcp=True, beat=0.01)
        task = asyncio.create_task(page.read(cookie=page.cookie))
        await page.heard(1)
        page.time.now += 13 * 3600
        assert "bye" not in kinds(await task)
        assert page.hub.viewers == 0
        assert (await ask(page.guard, "GET", "/events", {"host": page.host, "cookie": page.cookie})).status == 401

    run(work())


def test_what_cannot_be_listened_to() -> None:
    async def work() -> None:
        page = Page()
        assert (await ask(page.guard, "GET", "/events", {"host": "localhost"}, query="topics=secrets")).status == 400
        page.hub.close("stopping")
        assert (await ask(page.guard, "GET", "/events", {"host": "localhost"})).status == 503

    run(work())


def test_pages_of_another_site_hear_nothing() -> None:
    async def work() -> None:
        page = Page()
        sent = {"host": "localhost", "sec-fetch-site": "cross-site"}
        assert (await ask(page.guard, "GET", "/events", sent)).status == 403
        assert page.hub.viewers == 0

    run(work())


def test_the_feed_as_pages_may_read_it() -> None:
    async def work() -> None:
        hub = Hub("b00t")
        feed = Feed(hub, lambda: "now", beat=0.01)
        assert feed.mark() == "b00t-0"
        pieces = []
        async for piece in feed.subscribe(STATE, "b00t-0"):
            pieces.append(piece)
            if len(pieces) == 2:
                hub.close("stopping")
        assert kinds(parsed(b"".join(pieces).decode()))[-1] == "bye"
        assert hub.viewers == 0

    run(work())
