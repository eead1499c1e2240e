"""P8: the list of services over the unix socket: a machine of the sandbox with 21 apps, 8 clients at once."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks.measure import NotMeasured, Row, environment
from cockpitpm.app.services import stop
from cockpitpm.model.receipt import Verb
from tests.acceptance.scene import Scene, until
from tests.acceptance.serving import Line, Server, answers

HERE = Path(__file__).parent
CLIENTS = 8
ROUNDS, SECONDS = 7, 2.0
LISTED = "cockpit.list_services"


@frozen
class Load:
    """What the clients of one server saw: answers per second, and milliseconds of one answer."""

    rate: float
    median: float
    p99: float


@contextmanager
def machine() -> Iterator[Server]:
    """A server of a machine that has every app of the catalog."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cp", ignore_cleanup_errors=True)))
        scene = stack.enter_context(Scene(folder, stays_ready=0))
        apps = [bundle.name for bundle in scene.world.catalog.bundles]
        for app in apps:
            scene.publish(app)
        scene.run(Verb.INSTALL, *apps)
        # The sample daemon that stands in for us listens where we want to.
        stop(scene.host(), "hero_cockpit")
        server = stack.enter_context(Server(scene))
        installed = [one for one in server.call("list_catalog")["apps"] if one["installed"]]
        if len(installed) != len(apps):
            raise NotMeasured(f"only {len(installed)} of {len(apps)} apps could be installed")
        yield server


@contextmanager
def bare(folder: Path, answer: object) -> Iterator[Path]:
    """A server that gives this answer to every question."""
    file, path = folder / "answer.json", folder / "bare.sock"
    file.write_text(json.dumps(answer), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.bare_server", str(path), str(file)]
    process = subprocess.Popen(command, env=environment(), cwd=HERE.parent)
    try:
        until(lambda: answers(path))
        yield path
    finally:
        process.terminate()
        process.wait(10)


def load(path: Path, seconds: float = SECONDS) -> Load:
    """Let the clients ask for so long."""
    command = [sys.executable, "-m", "benchmarks.clients", str(path), str(CLIENTS), str(seconds)]
    done = subprocess.run(command, env=environment(), cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(done.stderr.strip().splitlines()[-1])
    lasted, took = json.loads(done.stdout)
    took.sort()
    return Load(len(took) / lasted, statistics.median(took) * 1000, took[int(len(took) * 0.99)] * 1000)


def loads(paths: Mapping[str, Path]) -> dict[str, Load]:
    """In turn, after one round that does not count; of each figure the median."""
    found: dict[str, list[Load]] = {name: [] for name in paths}
    for number in range(ROUNDS + 1):
        for name, path in paths.items():
            figure = load(path, SECONDS if number else 1.0)
            if number:
                found[name].append(figure)
    return {name: _middle(figures) for name, figures in found.items()}


def _middle(figures: list[Load]) -> Load:
    return Load(*(statistics.median(getattr(one, of) for one in figures) for of in ("rate", "median", "p99")))


def rows() -> Iterator[Row]:
    """The slow answers against the middle one, and how long one answer keeps the server against the bare one."""
    with machine() as server:
        with Line(server.rpc) as line:
            answer = line.answer(LISTED)
        with bare(server.scene.home, answer) as path:
            found = loads({"own": server.rpc, "bare": path})
    own, other = found["own"], found["bare"]
    yield Row(goal="P8 list_services, p99", ours=own.p99, other=own.median, against="its own median", limit=10)
    yield Row(
        goal="P8 list_services, time per answer",
        ours=1000 / own.rate,
        other=1000 / other.rate,
        against=f"a bare handler with the same JSON (p99/median {other.p99 / other.median:.1f})",
        limit=1.5,
    )
