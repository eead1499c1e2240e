"""What can be wrong around a request. Each arrangement is a context manager that puts back what it changed."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from cockpitpm.sandbox.forge.content import InMemory
from cockpitpm.sandbox.forge.fault import Fault
from cockpitpm.sandbox.world import CHANNEL
from tests.acceptance.scene import COMPUTE, Scene

SETTINGS = "cfg/cockpitpm/machine.yaml"

Arrangement = Callable[[Scene], AbstractContextManager[None]]


def arrangement(work: Callable[[Scene], Iterator[None]]) -> Arrangement:
    return contextmanager(work)


@arrangement
def nothing(scene: Scene) -> Iterator[None]:
    yield


def text(path: str, change: Callable[[bytes], bytes]) -> Arrangement:
    """Another content of a file below the root."""

    @contextmanager
    def arrange(scene: Scene) -> Iterator[None]:
        file = scene.root / path
        before = file.read_bytes() if file.exists() else None
        file.write_bytes(change(before or b""))
        yield
        file.write_bytes(before) if before is not None else file.unlink(missing_ok=True)

    return arrange


def settings(line: str, instead_of: str = "") -> Arrangement:
    """One more line in machine.yaml, or one instead of that which begins so."""

    def changed(before: bytes) -> bytes:
        kept = [x for x in before.decode().splitlines() if not instead_of or not x.startswith(instead_of)]
        return "\n".join([*kept, line, ""]).encode()

    return text(SETTINGS, changed)


def fault(path: str, **what: object) -> Arrangement:
    @contextmanager
    def arrange(scene: Scene) -> Iterator[None]:
        scene.world.state.faults.append(Fault(path=path, **what))  # type: ignore[arg-type]
        yield
        scene.world.state.faults.clear()

    return arrange


@arrangement
def forge_down(scene: Scene) -> Iterator[None]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with text(SETTINGS, lambda b: b.replace(scene.world.url.encode(), gone.encode()))(scene):
        yield


@arrangement
def repository_gone(scene: Scene) -> Iterator[None]:
    state, name = scene.world.state.repositories, scene.repo().full_name
    gone = state.pop(name)
    yield
    state[name] = gone


def attribute(of: Callable[[Scene], object], name: str, value: object) -> Arrangement:
    @contextmanager
    def arrange(scene: Scene) -> Iterator[None]:
        before = getattr(of(scene), name)
        setattr(of(scene), name, value)
        yield
        setattr(of(scene), name, before)

    return arrange


def release(scene: Scene) -> object:
    return scene.repo().row(CHANNEL)


@arrangement
def asset_for_others_only(scene: Scene) -> Iterator[None]:
    asset = scene.asset()
    good, asset.name = asset.name, "my_compute_zos_server-linux-musl-riscv64"
    yield
    asset.name = good


@arrangement
def asset_that_cannot_run(scene: Scene) -> Iterator[None]:
    asset = scene.asset()
    good, asset.content = asset.content, InMemory(b"PK\x03\x04 this is an archive")
    yield
    asset.content = good


@arrangement
def folder_for_settings(scene: Scene) -> Iterator[None]:
    path = scene.root / SETTINGS
    path.rename(path.with_suffix(".kept"))
    path.mkdir()
    yield
    path.rmdir()
    path.with_suffix(".kept").rename(path)


@arrangement
def supervisor_that_babbles(scene: Scene) -> Iterator[None]:
    path = scene.machine.layout.supervisor / "rpc.sock"
    path.rename(path.with_suffix(".kept"))
    with listener(path, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"):
        yield
    path.with_suffix(".kept").rename(path)


@contextmanager
def listener(path: Path, answer: bytes) -> Iterator[None]:
    """Somebody else's server on a unix socket, which says the same to everybody."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(path))
        plug.listen(8)

        def serve() -> None:
            while True:
                try:
                    guest, _ = plug.accept()
                except OSError:
                    return
                with guest:
                    guest.recv(65536)
                    guest.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        plug.shutdown(socket.SHUT_RDWR)
        thread.join()
    path.unlink(missing_ok=True)


@arrangement
def folder_at_the_socket(scene: Scene) -> Iterator[None]:
    path = scene.root / "var/sockets/hero_voice_provider/rpc.sock"
    (path / "taken").mkdir(parents=True)
    yield
    (path / "taken").rmdir()
    path.rmdir()


@arrangement
def changed_blob(scene: Scene) -> Iterator[None]:
    """The stored bytes of the first generation rot."""
    generation = scene.machine.layout.generation(COMPUTE, 1).read_text()
    blob = next(p for p in scene.machine.layout.store.iterdir() if p.name in generation)
    good = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    blob.chmod(0o444)
    yield
    blob.chmod(0o600)
    blob.write_bytes(good)
    blob.chmod(0o444)


@arrangement
def other_owner(scene: Scene) -> Iterator[None]:
    if os.geteuid():
        pytest.skip("needs root: a root that belongs to another user")
    os.chown(scene.root, 65534, 65534)
    yield
    os.chown(scene.root, 0, 0)


def locked_folder(path: str) -> Arrangement:
    @contextmanager
    def arrange(scene: Scene) -> Iterator[None]:
        folder = scene.root / path
        mode = folder.stat().st_mode
        folder.chmod(0o500 if folder.is_dir() else 0)
        yield
        folder.chmod(mode)

    return arrange


@arrangement
def torn_bundle(scene: Scene) -> Iterator[None]:
    file = scene.home / "torn/base/hero_db.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("name: hero_db\nname: hero_db\n")
    yield
    file.unlink()
    file.parent.rmdir()
    file.parent.parent.rmdir()
