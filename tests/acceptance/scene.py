"""A forge and one machine in it, as an operator would meet them; the bundles are those of the wheel, made quick."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import evolve, frozen

from cockpitpm.app.change import Report, change, exit_code
from cockpitpm.app.host import Host
from cockpitpm.app.status import status, to_json
from cockpitpm.declare.data import bundles_folder
from cockpitpm.errors import CockpitPmError, ExitCode
from cockpitpm.model.plan import Plan, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role
from cockpitpm.ports import Reporter
from cockpitpm.sandbox.daemons import Behaviour, build_daemon, stamp_for
from cockpitpm.sandbox.forge import Publisher
from cockpitpm.sandbox.machine import SandboxMachine
from cockpitpm.sandbox.world import CHANNEL, OWNER, World

COMPUTE = "hero_compute"
CHAIN = "my_compute_zos_server"
ROWS = {
    CHAIN: "hero_compute/rpc.sock",
    "my_compute_zos_main_server": "hero_compute_main/rpc.sock",
    "my_compute_zos_testnet_server": "hero_compute_testnet/rpc.sock",
}
"""The services of hero_compute and where each listens."""
VOICE = "hero_voice_provider"
EMBEDDER = "hero_embedder_provider"


def quick_bundles(folder: Path, stays_ready: float) -> Path:
    """The packaged bundles, with short waits and no word about why."""
    made = folder / "bundles"
    shutil.copytree(bundles_folder(), made)
    for file in made.glob("*/*.yaml"):
        text = re.sub(r", (stays_ready|ready_within): \d+", "", file.read_text())
        file.write_text(re.sub(r"(probe: {.*)}", rf"\1, ready_within: 2, stays_ready: {stays_ready}}}", text))
    return made


@frozen
class Ended:
    """How a request ended: its exit code, and the one line and the way out that a person reads."""

    code: ExitCode
    message: str
    hint: str


class Steps(Reporter):
    """Calls `act` once, at the first step whose text begins with `at`."""

    def __init__(self, at: str, act: Callable[[], object]) -> None:
        self.at = at
        self.act = act
        self.done = False

    def step(self, app: str, text: str) -> None:
        if text.startswith(self.at) and not self.done:
            self.done = True
            self.act()


class Scene:
    """A context manager. `root` is the machine's, in a folder that the test owns."""

    def __init__(self, folder: Path, role: Role = Role.ADMIN, stays_ready: float = 0.2) -> None:
        self.bundles = quick_bundles(folder, stays_ready)
        self.crash_after = stays_ready / 3
        self.home = folder / "home"
        self.home.mkdir()
        self.root = folder / "m"
        self.root.mkdir()
        self.world = World(self.bundles)
        self.role = role
        self._version = 0

    def __enter__(self) -> Self:
        self.world.__enter__()
        self.machine = SandboxMachine(self.world.url, self.role, root=self.root)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.machine.__exit__(kind, error, tb)
        self.world.__exit__(kind, error, tb)

    # --- the forge

    def publish(self, app: str, behaviour: Behaviour = Behaviour.WORKS) -> str:
        """A new build on the channel, its tag annotated and its target a lie. Gives the commit."""
        self._version += 1
        bundle = self.world.bundle(app)
        name, version = f"{OWNER}/{bundle.repo.name}", f"1.{self._version}"
        commit = self.world.state.repo(name).commit(f"{app} {version}")
        stamps = {b.name: stamp_for(b, version, commit, behaviour) for b in bundle.binaries}
        files = {
            b.asset_name(bundle.targets[0]): build_daemon(evolve(stamps[b.name], crash_after=self.crash_after))
            for b in bundle.binaries
        }
        Publisher(self.world.state).publish(name, CHANNEL, files, commit=commit)
        return commit

    def repo(self, app: str = COMPUTE) -> Any:
        """The app's repository in the forge."""
        return self.world.state.repo(f"{OWNER}/{self.world.bundle(app).repo.name}")

    def asset(self, app: str = COMPUTE) -> Any:
        """The first upload of the app's release."""
        return self.repo(app).row(CHANNEL).attachments[0]

    # --- the verbs

    def host(self, reporter: Reporter | None = None) -> Host:
        return self.machine.host(reporter, self.bundles)

    def run(self, verb: Verb, *names: str, to: int | None = None, reporter: Reporter | None = None) -> Report:
        def agree(plan: Plan) -> bool:
            return True

        return change(self.host(reporter), Request(verb=verb, names=names, to=to, actor="me"), agree)

    def code(self, verb: Verb, *names: str, to: int | None = None, reporter: Reporter | None = None) -> ExitCode:
        return exit_code(self.run(verb, *names, to=to, reporter=reporter), everything=False)

    def attempt(self, verb: Verb, *names: str, reporter: Reporter | None = None) -> Ended:
        """The request, and what a person would read of its end."""
        return ended(lambda: self.run(verb, *names, reporter=reporter))

    def install(self, *names: str) -> None:
        for app in ("hero_db", *names):
            if not self.world.state.repo(f"{OWNER}/{self.world.bundle(app).repo.name}").tags:
                self.publish(app)
        assert self.code(Verb.INSTALL, *names) is ExitCode.DONE

    def command(self, *words: str) -> list[str]:
        """The same machine on the command line."""
        return [
            sys.executable, "-m", "cockpitpm", words[0], "--root", str(self.root), "--bundles", str(self.bundles),
            *words[1:],
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.home), "PYTHONPATH": str(Path(__file__).parents[2])}

    def cli(self, *words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
            **settings,
        )

    # --- what is true

    def services(self, app: str = COMPUTE) -> dict[str, dict[str, Any]]:
        """The rows of an app as `status --json` gives them."""
        told = to_json(status(self.host(), (app,)))
        return {s["name"]: s for a in told["apps"] for s in a["services"]}

    def pids(self, app: str = COMPUTE) -> dict[str, int | None]:
        return {name: row["pid"] for name, row in self.services(app).items()}

    def notes(self, app: str = COMPUTE) -> list[str]:
        return [n["note"] for row in self.services(app).values() for n in row["notes"]]

    def health(self, path: str) -> dict[str, Any]:
        """What the service behind a socket says of itself; Raises OSError where nobody answers."""
        return ask(self.root / "var/sockets" / path)

    def commits(self) -> dict[str, str]:
        """The commit that each chain daemon says it was built from."""
        return {row: self.health(path)["commit"] for row, path in ROWS.items()}


def spoken(done: subprocess.CompletedProcess[str]) -> Ended:
    """How a command with `--json` ended: by an outcome in its report, or by the one line of an error."""
    if done.stdout.startswith("{"):
        bad = [o for o in json.loads(done.stdout)["outcomes"] if o["exit_code"]]
        return Ended(ExitCode(done.returncode), bad[0]["detail"], bad[0]["hint"])
    line = done.stderr.removesuffix("\n").removeprefix("cockpitpm: ")
    return Ended(ExitCode(done.returncode), line, line.partition(". ")[2])


def ended(work: Callable[[], Report]) -> Ended:
    """The first outcome that is not well, or the error."""
    try:
        report = work()
    except CockpitPmError as error:
        return Ended(error.exit_code, error.message, error.hint)
    bad = [o for o in report.outcomes if o.exit_code is not ExitCode.DONE]
    return Ended(bad[0].exit_code, bad[0].detail, bad[0].hint) if bad else Ended(ExitCode.DONE, "", "")


def ask(path: Path, what: str = "/health") -> dict[str, Any]:
    """One GET over a unix socket."""
    connection = http.client.HTTPConnection("sandbox", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(5)
    try:
        connection.sock.connect(str(path))
        connection.request("GET", what)
        found = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert isinstance(found, dict)
    return found
