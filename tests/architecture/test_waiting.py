"""What tests wait for: it comes, or the test fails in time; and a port stays theirs until they give it back."""

from __future__ import annotations

import socket
import time

import pytest

from cockpitpm.serve.listen import listen_tcp
from tests.loopback import reserved
from tests.waiting import comes, until


def test_what_holds_already_is_not_waited_for() -> None:
    assert comes(lambda: True, within=0.0)
    until(lambda: True, within=0.0)


def test_it_is_looked_at_until_it_comes() -> None:
    looks = iter((False, False, True))
    until(lambda: next(looks))
    assert next(looks, None) is None


def test_what_never_comes_ends_in_time() -> None:
    began = time.monotonic()
    assert not comes(lambda: False, within=0.05)
    with pytest.raises(AssertionError, match="never came"):
        until(lambda: False, within=0.05)
    assert 0.1 <= time.monotonic() - began < 5.0


def test_a_reserved_port_is_our_servers_alone_again_and_again() -> None:
    with reserved() as port:
        for _ in range(2):
            with listen_tcp(f"127.0.0.1:{port}") as server, socket.create_connection(("127.0.0.1", port)) as guest:
                server.accept()[0].close()
                assert guest.recv(1) == b""
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
