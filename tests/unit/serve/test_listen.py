"""Sockets: whose they are, what becomes of those that a dead server left, and of those that live."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cockpitpm.errors import MachineError, UsageError
from cockpitpm.serve.listen import leave, listen, listen_tcp


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as plug:
        try:
            plug.connect(str(path))
        except OSError:
            return False
        return True


def test_a_socket_is_ours_alone_from_its_first_moment(root: Path) -> None:
    path = root / "sockets" / "hero_cockpit" / "rpc.sock"
    before = os.umask(0)
    try:
        place = listen(path)
    finally:
        assert os.umask(before) == 0, "the umask is as it was"
    assert path.lstat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert connects(path)
    leave(place)
    assert not path.exists()


def test_what_a_dead_server_left_is_replaced(root: Path) -> None:
    path = root / "s.sock"
    listen(path).socket.close()
    assert path.exists() and not connects(path)
    place = listen(path)
    assert connects(path)
    leave(place)


def test_a_server_that_lives_is_named_and_left_alone(root: Path) -> None:
    path = root / "s.sock"
    place = listen(path)
    with pytest.raises(MachineError, match=f"Process {os.getpid()} listens on {path} already.*kill {os.getpid()}"):
        listen(path)
    assert connects(path)
    leave(place)


def test_a_socket_that_somebody_else_made_meanwhile_stays(root: Path) -> None:
    path = root / "s.sock"
    place = listen(path)
    path.unlink()
    other = listen(path)
    leave(place)
    assert connects(path)
    leave(other)
    assert not path.exists()


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_is_no_socket_is_never_removed(root: Path, what: str) -> None:
    path = root / "s.sock"
    if what == "folder":
        path.mkdir()
    elif what == "file":
        path.write_text("mine")
    else:
        path.symlink_to(root / "other")
    with pytest.raises(MachineError, match=r"is not a socket of ours.*move it away"):
        listen(path)
    assert path.is_symlink() or path.exists()


@pytest.mark.parametrize("mode", [0o770, 0o757, 0o777])
def test_a_folder_that_others_may_change(root: Path, mode: int) -> None:
    folder = root / "f"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(MachineError, match=r"Others may change .*chmod 700"):
        listen(folder / "s.sock")


def test_a_folder_is_kept_as_it_was_given(root: Path) -> None:
    folder = root / "f"
    folder.mkdir()
    folder.chmod(0o755)
    leave(listen(folder / "s.sock"))
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_path_that_the_kernel_does_not_take(root: Path) -> None:
    with pytest.raises(MachineError, match=r"longer than 107 bytes: .*socket_root"):
        listen(root / ("x" * 120) / "s.sock")


def test_a_file_in_the_place_of_the_folder(root: Path) -> None:
    (root / "f").write_text("")
    with pytest.raises(MachineError, match="Cannot listen on"):
        listen(root / "f" / "s.sock")


@pytest.mark.parametrize("where", ["127.0.0.1:0", "localhost:0"])
def test_loopback(where: str) -> None:
    plug = listen_tcp(where)
    assert plug.getsockname()[0] == "127.0.0.1"
    plug.close()


@pytest.mark.parametrize(
    "where", ["0.0.0.0:80", ":80", "80", "", "127.0.0.1", "192.168.0.1:80", "127.0.0.1:x", "127.0.0.1:65536", "[::]:1"]
)
def test_what_is_not_loopback(where: str) -> None:
    with pytest.raises(UsageError, match="no address of loopback"):
        listen_tcp(where)


def test_a_port_that_is_taken() -> None:
    plug = listen_tcp("127.0.0.1:0")
    with pytest.raises(MachineError, match=r"Cannot listen on .*another port"):
        listen_tcp(f"127.0.0.1:{plug.getsockname()[1]}")
    plug.close()
