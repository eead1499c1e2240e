"""What is tried again, and how often: only what passes by itself."""

from __future__ import annotations

import math
import socket
import ssl
import time

import pytest
from attrs import evolve
from urllib3 import exceptions as foreign

from cockpitpm.errors import ForgeError, ForgeUnreachable
from cockpitpm.forges.watch import Watch
from cockpitpm.forges.wire import passes
from cockpitpm.sandbox.forge import Fault
from tests.unit.forges.conftest import QUICK, World

AT = "/download/"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        *((Fault(path=AT, status=code), 3) for code in (429, 502, 503, 504)),
        (Fault(path=AT, reset=True), 3),
        (Fault(path=AT, raw=b""), 3),
        (Fault(path=AT, delay=30), 3),
        *((Fault(path=AT, status=code), 1) for code in (206, 304, 401, 403, 404, 410, 422, 500)),
        *((Fault(path=AT, raw=raw), 1) for raw in (b"SSH-2.0-x\r\n", b"\0" * 99, OK + b"X: y\r\n" * 200 + b"\r\n")),
        (Fault(path=AT, raw=OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n"), 1),
        (Fault(path=AT, raw=OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n1"), 1),
        (Fault(path=AT, raw=OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 1),
        (Fault(path=AT, raw=OK + b"Transfer-Encoding: gzip\r\n\r\n1"), 1),
        (Fault(path=AT, gzip=True), 1),
        (Fault(path=AT, surplus=1), 1),
        (Fault(path=AT, body=b"22"), 1),
        (Fault(path=AT, headers={"ETag": '"00000000-0000-4000-8000-000000000000"'}), 1),
    ],
)
def test_so_often_is_a_download_asked_for(world: World, fault: Fault, requests: int) -> None:
    world.publish(one=b"1" * 100)
    asset = world.asset()
    world.state.faults.append(fault)
    with pytest.raises(ForgeError):
        world.fetch(asset, world.forge(patience=evolve(QUICK, silence=0.2)))
    assert len(world.state.requests) == requests


def lookup(code: int) -> foreign.NameResolutionError:
    error = foreign.NameResolutionError("forge.test", None, socket.gaierror(code, "told"))  # type: ignore[arg-type]
    error.__cause__ = error.__context__ = socket.gaierror(code, "told")
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (lookup(socket.EAI_AGAIN), True),
        (lookup(socket.EAI_NONAME), False),
        (foreign.SSLError(ssl.SSLError("told")), False),
        (foreign.ProtocolError("told", ConnectionResetError()), True),
        (foreign.ProtocolError("told", ValueError()), False),
        (foreign.InvalidHeader("told"), False),
        (OSError("told"), False),
    ],
)
def test_what_stays_so_is_not_tried_again(error: Exception, again: bool) -> None:
    assert passes(error) is again


def test_an_answer_without_a_body_leaves_its_connection_fit_for_the_next(world: World) -> None:
    """The second request came back with an error, and was sent a second time, unseen."""
    world.publish(one=b"1")
    asset = world.asset()
    world.state.rename("alpha/beta", "alpha/gamma")
    assert world.fetch(asset) == b"1"
    assert [r.status for r in world.state.requests][-1] == 200
    assert len(world.state.requests) == 2


# --- what a rest between two attempts does to the time that an answer may take

RESTING = evolve(QUICK, answer_within=1.5, sleep=lambda _seconds: time.sleep(2))
"""It rests longer than an answer may take, as after `Retry-After: 40` within the usual 45 seconds."""


def test_the_rest_between_two_attempts_counts_for_neither(world: World) -> None:
    world.publish(one=b"1" * 100_000)
    asset = world.asset()
    world.state.faults.append(Fault(path=AT, status=503, times=1))
    assert world.fetch(asset, world.forge(patience=RESTING)) == b"1" * 100_000
    assert [r.status for r in world.state.requests] == [503, 200]


def test_the_attempt_after_a_rest_has_its_own_time(world: World) -> None:
    world.publish(one=b"1")
    asset = world.asset()
    world.state.faults += [Fault(path=AT, status=503, times=1), Fault(path=AT, header_trickle=0.05)]
    began = time.monotonic()
    with pytest.raises(ForgeUnreachable, match=r"too slow: no whole answer came within 1\.5 s"):
        world.fetch(asset, world.forge(patience=RESTING))
    assert time.monotonic() - began < 8
    assert len(world.state.requests) == 2


def ended(other: socket.socket) -> bool:
    """Whether the watch has shut the peer of this socket down."""
    other.settimeout(5)
    return other.recv(1) == b""


def test_a_watch_that_struck_is_as_new_for_the_next_attempt() -> None:
    with Watch(60) as watch:
        for _attempt in range(3):
            mine, other = socket.socketpair()
            with mine, other:
                watch.guard(mine)
                watch.within(0.02, "slow")
                assert ended(other) and watch.late == "slow"
                watch.let_go()
                assert not watch.late
        mine, other = socket.socketpair()
        with mine, other:
            watch.guard(mine)
            watch.within(0.02, "slow")
            watch.within(math.inf)
            time.sleep(0.1)
            assert not watch.late, "what was on time stays so"


def test_a_connection_that_was_given_up_is_not_held_open_by_the_watch() -> None:
    mine, other = socket.socketpair()
    with Watch(60) as watch, other:
        watch.guard(mine)
        mine.close()
        watch.let_go()
        assert ended(other)


def test_what_comes_after_a_watch_struck_is_ended_at_once() -> None:
    """Within one attempt a second connection has no time left."""
    first, second = socket.socketpair(), socket.socketpair()
    with Watch(60) as watch, first[0], first[1], second[0], second[1]:
        watch.guard(first[0])
        watch.within(0.02, "slow")
        assert ended(first[1])
        watch.guard(second[0])
        assert ended(second[1])
