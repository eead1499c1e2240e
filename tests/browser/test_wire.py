"""The stream of events as it goes over the wire of a real server: goodbyes, marks of every kind, and slow readers."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from statistics import median
from threading import Thread
from types import TracebackType
from typing import Any, Self

import pytest
from attrs import evolve

from cockpitpm.model.job import Job, JobEvent, JobState, Order
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from cockpitpm.processes import LinuxProcesses
from cockpitpm.record import jobs
from cockpitpm.serve.events import KEPT
from cockpitpm.serve.hub import QUEUE
from tests.acceptance.serving import told
from tests.browser.house import House
from tests.waiting import until

BOOKS = "hero_books"
STREAMS = 20
AT = "2026-06-12T08:16:40Z"
ROUND = 100
"""Lines that the talkative job writes at once; fewer than may wait for one viewer."""


class Stream:
    """One viewer on a plain socket. A context manager; `events` are read by whoever asks for them."""

    def __init__(self, house: House, topics: str = "state", mark: str | None = None, buffer: int = 0) -> None:
        self.plug = socket.socket(socket.AF_UNIX)
        self.plug.settimeout(20)
        if buffer:
            self.plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.plug.connect(str(house.root / "var/sockets/hero_cockpit/web.sock"))
        last = "" if mark is None else f"Last-Event-ID: {mark}\r\n"
        self.plug.sendall(f"GET /events?topics={topics} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n".encode("latin-1"))
        self.answer = http.client.HTTPResponse(self.plug)
        self.thread: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with suppress(OSError):  # the server has hung up
            self.plug.shutdown(socket.SHUT_RDWR)
        if self.thread:
            self.thread.join(5)
        self.answer.close()
        self.plug.close()

    def events(self) -> Iterator[dict[str, Any]]:
        """Those that come, until the server ends it."""
        if self.answer.status == http.client._UNKNOWN:  # type: ignore[attr-defined]
            self.answer.begin()
            assert self.answer.status == 200
        return told(self.answer)


class Reader:
    """Reads a stream in a thread of its own and notes when each event came."""

    def __init__(self, stream: Stream) -> None:
        self.came: list[tuple[float, dict[str, Any]]] = []
        self._stream = stream
        self.thread = stream.thread = Thread(target=self._read, daemon=True)
        self.thread.start()
        until(lambda: self.of("hello"))

    def _read(self) -> None:
        with suppress(http.client.IncompleteRead):  # we hung up in the middle of one
            for event in self._stream.events():
                self.came.append((time.monotonic(), event))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for _, event in list(self.came) if event["event"] == kind]

    def lines(self) -> list[int]:
        """The numbers of the job's lines."""
        return [event["data"]["n"] for event in self.of("log")]


class Talker:
    """A job that talks as much as it is told to."""

    def __init__(self, house: House) -> None:
        self._layout = house.machine.layout
        request = Request(verb=Verb.UPGRADE, names=(BOOKS,), actor="mik")
        number = max(jobs.numbers(self._layout), default=0) + 1
        mine = LinuxProcesses().identify(os.getpid())
        order = Order(request=request, apps=(BOOKS,))
        self.job = Job(id=number, order=order, state=JobState.RUNNING, made_at=AT, started_at=AT, process=mine)
        self._layout.job(number).mkdir(parents=True)
        jobs.write(self._layout, self.job)
        self.n = 0

    @property
    def topics(self) -> str:
        return f"state,job:{self.job.id}"

    def say(self, lines: int, length: int = 40) -> None:
        words = ("a long line " * length)[:length]
        told = [JobEvent(n=self.n + i, at=AT, kind="step", app=BOOKS, text=words) for i in range(1, lines + 1)]
        jobs.append(self._layout, self.job.id, told)
        self.n += lines

    def end(self) -> None:
        jobs.write(self._layout, evolve(self.job, state=JobState.DONE, ended_at=AT, exit_code=0, said="done"))


@contextmanager
def talker(house: House) -> Iterator[Talker]:
    made = Talker(house)
    try:
        yield made
    finally:
        made.end()


def test_twenty_streams_are_told_goodbye(admin: House) -> None:
    """The server ends within a second, and none of them is cut off without a word.

    Others use this machine too, so the best of three counts; each of them must say goodbye to all.
    """
    took = []
    while len(took) < 3 and min(took, default=2.0) >= 1.0:
        took.append(goodbye(admin))
        admin.serve()
    print(f"\nended after {', '.join(f'{seconds:.2f}' for seconds in took)} s with {STREAMS} streams open")
    assert min(took) < 1.0


def goodbye(house: House) -> float:
    """The seconds that the server takes to end while so many listen."""
    with ExitStack() as stack:
        readers = [Reader(stack.enter_context(Stream(house))) for _ in range(STREAMS)]
        assert house.server
        began = time.monotonic()
        house.server.send_signal(signal.SIGTERM)
        assert house.server.wait(15) == 0
        took = time.monotonic() - began
        for reader in readers:
            reader.thread.join(5)
    house.server = None
    told = [(r.came[0][1]["event"], r.came[-1][1]["event"], len(r.of("bye"))) for r in readers]
    assert told == [("hello", "bye", 1)] * STREAMS
    return took


def last_of(reader: Reader) -> str:
    return next(str(event["id"]) for _, event in reversed(reader.came) if "id" in event)


def first_after_hello(stream: Stream) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """What a viewer is told first, beside who tells it."""
    events = stream.events()
    assert next(events)["event"] == "hello"
    return next(events), events


@pytest.mark.parametrize(
    "lines",
    [pytest.param(3 * ROUND, id="quick"), pytest.param(KEPT + 2 * ROUND, id="too old", marks=pytest.mark.slow)],
)
def test_marks_of_every_kind(admin: House, lines: int) -> None:
    """A known one is replayed from; after any other the page must look anew, and hears what comes all the same."""
    with ExitStack() as stack:
        job = stack.enter_context(talker(admin))
        reader = Reader(stack.enter_context(Stream(admin, job.topics)))
        early = f"{reader.of('hello')[0]['data']['boot']}-{reader.of('hello')[0]['data']['seq']}"
        while job.n < lines:
            job.say(ROUND)
            until(lambda: reader.lines()[-1:] == [job.n])
        assert reader.lines() == list(range(1, job.n + 1)) and not reader.of("reset")
        known = reader.of("log")[-150]
        boot, seq = known["id"].rsplit("-", 1)
        with Stream(admin, job.topics, known["id"]) as stream:
            one, events = first_after_hello(stream)
            replayed = [one]
            while replayed[-1]["event"] != "log" or replayed[-1]["data"]["n"] < job.n:  # other news may lie between
                replayed.append(next(events))
            assert [event["id"] for event in replayed] == [f"{boot}-{int(seq) + i + 1}" for i in range(len(replayed))]
            assert [e["data"]["n"] for e in replayed if e["event"] == "log"] == list(range(job.n - 148, job.n + 1))
        marks = {
            **({early: "too much has happened since"} if lines > KEPT else {}),
            f"0123456789ab-{seq}": "the server was started anew",
            f"{boot}-999999999": "the mark cannot be read",
            "garbage": "the mark cannot be read",
            "%00-1": "the mark cannot be read",
            "x" * 3000: "the mark cannot be read",
        }
        told_ = {mark: fresh(admin, job, mark) for mark in marks}
        assert told_ == {mark: ("reset", why) for mark, why in marks.items()}
        assert fresh(admin, job, "")[0] != "reset", "who has no mark has missed nothing"


def fresh(house: House, job: Talker, mark: str) -> tuple[str, str]:
    """What a viewer with this mark is told first; whatever it is, it hears the next line of the job."""
    with Stream(house, job.topics, mark) as stream:
        events = stream.events()
        assert next(events)["event"] == "hello"
        job.say(1)
        first = next(events)
        goes_on(itertools.chain([first], events), job)
        return str(first["event"]), str(first["data"].get("why", ""))


@pytest.mark.slow
def test_a_slow_reader_is_told_to_look_anew_and_nobody_waits_for_it(admin: House) -> None:
    with ExitStack() as stack:
        job = stack.enter_context(talker(admin))
        slow = stack.enter_context(Stream(admin, job.topics, buffer=4096))
        quick = [Reader(stack.enter_context(Stream(admin, job.topics))) for _ in range(3)]
        took = []
        for _ in range(3 * QUEUE // ROUND):
            began = time.monotonic()
            job.say(ROUND, length=3900)
            until(lambda: all(reader.lines()[-1:] == [job.n] for reader in quick))
            took.append(time.monotonic() - began)
        print(
            f"\n{job.n} lines of 4 kB; a hundred came after {median(took):.2f} s, the slowest after {max(took):.2f} s"
        )
        assert median(took) < 2.0, "others use this machine too, but not all the time"
        for reader in quick:
            assert reader.lines() == list(range(1, job.n + 1)) and not reader.of("reset")
        events = slow.events()
        seen = until_reset(events)
        lines = [event["data"]["n"] for event in seen if event["event"] == "log"]
        assert lines == list(range(1, len(lines) + 1)), "nothing is missing in silence"
        assert 0 < len(lines) < job.n
        assert seen[-1]["data"] == {"why": "too slow"}
        job.say(1)
        goes_on(events, job)


def goes_on(events: Iterator[dict[str, Any]], job: Talker) -> None:
    """The newest line of the job is told; other news may lie before it, but no line after it."""
    for event in events:
        if event["event"] == "log" and event["data"]["n"] >= job.n:
            assert event["data"]["n"] == job.n
            return
    raise AssertionError(f"the stream ended before line {job.n}")


def until_reset(events: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """What it had been told before it must look anew, and that."""
    seen = []
    for event in events:
        seen.append(event)
        if event["event"] == "reset":
            return seen
    raise AssertionError(seen[-1])
