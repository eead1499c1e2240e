"""A machine with values that must not be seen: a service secret, a forge token, a value kept at registration."""

from __future__ import annotations

import os
import subprocess
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from attrs import evolve

from cockpitpm.sandbox.daemons import Behaviour, build_daemon, stamp_for
from cockpitpm.sandbox.forge import Publisher
from cockpitpm.sandbox.world import CHANNEL, OWNER
from tests.acceptance.scene import Scene

APP, SERVICE, SECRET_VAR, EXPORTED_VAR = "hero_db", "hero_db_server", "API_TOKEN", "GREETING"
SECRET, TOKEN, EXPORTED = (f"canary-{what}-{os.getpid():08d}" for what in ("secret", "token", "export"))
"""Of this process alone: another that runs the same test has its own, and all processes are looked at."""
VAULT, SUPERVISOR, STATE = "cfg/cockpitpm/secrets/", "var/cockpitpm/supervisord/", "var/cockpitpm/state/"
HOMES = {SECRET: (VAULT, SUPERVISOR), TOKEN: (VAULT,), EXPORTED: (SUPERVISOR, STATE)}
"""Below which folders of the root a value may stand in a file."""
ENTRIES = "".join(
    f"\n      - {{var: {var}, default: none, desc: A value of the test.}}" for var in (SECRET_VAR, EXPORTED_VAR)
)
SAYS = b'\nimport os, sys\nprint("I was given", os.environ.get("API_TOKEN"), file=sys.stderr, flush=True)\n'
"""A careless daemon: it writes its secret when it starts."""
CAREFUL_ENOUGH = 3
"""Rounds of looking that a change must have lasted for."""


class Guarded(Scene):
    """A scene whose forge answers only to the token, and whose app has two variables more."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        file = self.bundles / "base/hero_db.yaml"
        file.write_text(file.read_text().replace("\n    env:", "\n    env:" + ENTRIES))
        assert SECRET_VAR in file.read_text()
        self.world.state.require_signin = True
        self.world.state.token(TOKEN)
        self.said: list[str] = []

    def offer(self, behaviour: Behaviour = Behaviour.WORKS) -> None:
        """A new build of the app, which tells its secret to its log; the last words of one that ends are that line."""
        self._version += 1
        bundle, version = self.world.bundle(APP), f"1.{self._version}"
        name = f"{OWNER}/{bundle.repo.name}"
        commit = self.world.state.repo(name).commit(version)
        stamp = evolve(stamp_for(bundle.binaries[0], version, commit), crash_after=self.crash_after)
        first, rest = build_daemon(stamp).split(b"\n", 1)
        ends = b"sys.exit(1)\n" if behaviour is Behaviour.NEVER_STARTS else b""
        files = {bundle.binaries[0].asset_name(bundle.targets[0]): first + SAYS + ends + rest}
        Publisher(self.world.state).publish(name, CHANNEL, files, commit=commit)

    def say(self, *words: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """A command; what it says is kept for judgement."""
        done = subprocess.run(
            self.command(*words), env={**self.environment(), **environment}, input=text,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        self.said.append(f"{words}:\n{done.stdout}{done.stderr}")
        return done


def misplaced(root: Path) -> Iterator[str]:
    """Every value in a file where it has no place."""
    # Folders vanish while they are looked at: os.walk goes on, and rglob raises.
    for path in (Path(folder, name) for folder, folders, files in os.walk(root) for name in (*folders, *files)):
        below = str(path.relative_to(root))
        with suppress(OSError):
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            data += str(path).encode() + (os.fsencode(path.readlink()) if path.is_symlink() else b"")
            for value, homes in HOMES.items():
                if value.encode() in data and not below.startswith(homes):
                    yield f"{value} is in {below}"


def shown_to_all() -> Iterator[str]:
    """Every value among the words of a process, which everybody on a machine can read."""
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            data = words.read_bytes()
            yield from (f"{value} is in {words}: {data!r}" for value in HOMES if value.encode() in data)


def given_to(value: str) -> Mapping[int, str]:
    """The processes that have the value in their environment."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if value.encode() in (place / "environ").read_bytes():
                found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


@contextmanager
def watched(root: Path) -> Iterator[dict[str, Any]]:
    """Look at files and processes again and again while something happens; what was found, and in how many rounds.

    What ends the looking is a finding too.
    """
    found: dict[str, Any] = {"wrong": set(), "rounds": 0}
    over = Event()

    def look() -> None:
        try:
            while not over.is_set():
                found["wrong"].update(misplaced(root), shown_to_all())
                found["rounds"] += 1
                time.sleep(0.01)
        except Exception:  # noqa: BLE001 - it is told to whoever started this, and fails the test there
            found["wrong"].add(f"nobody looked any more: {traceback.format_exc()}")

    thread = Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join(30)
        if thread.is_alive():
            found["wrong"].add("a look took longer than 30 s")


BROKEN = """import sys
def broken(event, arguments):
    if event == {event!r} and {where!r} in str(arguments[0]):
        raise RuntimeError("the interpreter is broken")
sys.addaudithook(broken)
"""


def broken_interpreter(folder: Path, event: str, where: str) -> str:
    """A PYTHONPATH under which Python itself fails: an unforeseen exception from the middle of what it does."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BROKEN.format(event=event, where=where))
    return f"{folder}:{Path(__file__).parents[2]}"
