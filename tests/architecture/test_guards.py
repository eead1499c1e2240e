"""The guards of the suite really guard: each test commits the offence and sees it named."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import GUARDS, HOME
from tests.guards import Forbidden


@contextlib.contextmanager
def refused(text: str) -> Iterator[None]:
    """The block is refused with this text, and the offence is on record, then struck off so that this test passes."""
    with pytest.raises(Forbidden, match=text):
        yield
    assert any(text in offence for offence in GUARDS.take())


@pytest.fixture(params=GUARDS.homes)
def home(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_writing_into_the_real_home_is_refused(home: Path) -> None:
    with refused("real home"):
        (home / "cockpitpm-was-here").write_text("x")
    with refused("real home"):
        (home / "cockpitpm-was-here").mkdir()
    with refused("real home"):
        os.rename("/dev/null", home / "cockpitpm-was-here")
    with refused("real home"):
        os.symlink("/dev/null", home / "cockpitpm-was-here")
    assert not os.path.lexists(home / "cockpitpm-was-here")


def test_the_real_machine_is_not_even_read(home: Path) -> None:
    with refused("real machine"):
        (home / "hero" / "cfg").read_text()
    with refused("real machine"):
        os.listdir(home / "hero")


def test_a_link_does_not_lead_around_the_guard(home: Path, root: Path) -> None:
    (root / "door").symlink_to(home)
    with refused("real home"):
        (root / "door" / "cockpitpm-was-here").write_text("x")


def test_the_network_is_refused() -> None:
    with socket.socket() as plug:
        with refused("real network"):
            plug.connect(("192.0.2.1", 80))
        with refused("real network"):
            plug.bind(("0.0.0.0", 0))
        with refused("real network"):
            plug.bind(("", 0))
    with refused("look up a name"):
        socket.getaddrinfo("cockpitpm.invalid", 80)


def test_a_socket_of_somebody_else_is_refused() -> None:
    with socket.socket(socket.AF_UNIX) as plug, refused("somebody else"):
        plug.connect("/run/cockpitpm.sock")


def test_loopback_and_own_sockets_are_free(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "own.sock"))
        server.listen()
        with socket.socket(socket.AF_UNIX) as plug:
            plug.connect(str(root / "own.sock"))


def test_a_swallowed_offence_is_still_on_record(home: Path) -> None:
    with contextlib.suppress(Exception):
        (home / "cockpitpm-was-here").write_text("x")
    assert GUARDS.take() == [f"write into the real home: {home}/cockpitpm-was-here"]


def test_children_live_in_the_temporary_home_too() -> None:
    print_home = "import os.path; print(os.path.expanduser('~/hero'))"
    done = subprocess.run([sys.executable, "-c", print_home], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{HOME}/hero"
    assert not any(name.startswith(("PATH_", "COCKPIT")) for name in os.environ)
