"""A forge that is down is waited for once, not once for each repository."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from attrs import evolve

from cockpitpm.errors import ForgeError, ForgeUnreachable
from cockpitpm.forges.forgejo import ForgejoForge
from cockpitpm.model.bundle import Repo
from cockpitpm.sandbox.forge import Fault, ForgeServer
from tests.unit.forges.conftest import QUICK, REPO, World

REPOS = [Repo(name=f"app{n}", owner="alpha") for n in range(21)]


@pytest.fixture
def hole() -> Iterator[str]:
    """The address of a socket whose queue is full: the kernel drops whoever wants to connect."""
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        plug.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(plug.getsockname())
        yield f"http://127.0.0.1:{plug.getsockname()[1]}"
        for one in waiting:
            one.close()


def ask(forge: ForgejoForge, repo: Repo) -> str:
    with pytest.raises(ForgeUnreachable) as caught:
        forge.release(repo, "latest")
    return str(caught.value)


def test_twenty_one_repositories_of_a_black_hole_are_waited_for_once(world: World, hole: str) -> None:
    forge = world.forge(url=hole, patience=evolve(QUICK, connect=0.2))
    assert "no connection to 127.0.0.1" in ask(forge, REPOS[0])
    began = time.monotonic()
    for repo in REPOS[1:]:
        said = ask(forge, repo)
        assert f"alpha/{repo.name}" in said and "nobody took the connection a moment ago" in said
    assert time.monotonic() - began < 0.2
    with pytest.raises(ForgeUnreachable, match=r"commits of alpha/beta: not asked"):
        forge.ancestry(REPO, "a" * 40, "b" * 40)


def test_a_forge_that_comes_back_is_asked_again_after_a_while(world: World) -> None:
    world.publish()
    now = [0.0]
    port = int(world.server.url.rpartition(":")[2])
    forge = world.forge(patience=evolve(QUICK, monotonic=lambda: now[0], attempts=1, down_for=60))
    world.server.__exit__(None, None, None)
    assert "no connection" in ask(forge, REPO)
    with ForgeServer(world.state, port):
        now[0] = 59.9
        assert "not asked" in ask(forge, REPO)
        now[0] = 60.1
        assert forge.release(REPO, "latest").tag == "latest"
    assert "no connection" in ask(forge, REPO)


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"status": 500}, {"html": True}])
def test_a_forge_that_answers_badly_is_asked_again(world: World, fault: dict[str, object]) -> None:
    commit = world.publish()
    forge = world.forge()
    world.state.faults.append(Fault(path="/releases/", times=3, **fault))  # type: ignore[arg-type]
    with pytest.raises(ForgeError):
        forge.release(REPO, "latest")
    world.state.faults.clear()
    assert forge.release(REPO, "latest").commit == commit


def test_another_forge_is_not_taken_for_the_one_that_is_down(world: World) -> None:
    world.publish()
    ask(world.forge(url="http://127.0.0.1:9"), REPO)
    assert world.release().tag == "latest"


def test_a_storage_host_that_is_down_does_not_silence_the_forge(world: World) -> None:
    world.publish()
    forge = world.forge(storage=("127.0.0.1:9",))
    asset = evolve(world.asset(), url="http://127.0.0.1:9/one")
    with pytest.raises(ForgeUnreachable, match="no connection"):
        world.fetch(asset, forge)
    assert forge.release(REPO, "latest").tag == "latest"
