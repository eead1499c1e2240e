"""Two machines of one forge: an admin's and a tester's, each with its own Cockpit behind its own router."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm.sandbox.demo.guest import Guest, open_router
from cockpitpm.sandbox.demo.stage import Teller, Untrue, environment
from cockpitpm.sandbox.demo.view import md5sum

COMMAND_WITHIN = 150.0  # seconds
COCKPIT = "hero_cockpit"


@frozen(kw_only=True)
class Standing:
    """Who answers for a service, by its own word."""

    pid: int
    version: str
    commit: str


@frozen
class Command:
    """A command under way."""

    process: subprocess.Popen[str]

    def end(self) -> None:
        """Wait for its end. Raises Untrue if it fails, or takes too long."""
        try:
            said, _ = self.process.communicate(timeout=COMMAND_WITHIN)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            self.process.communicate()
            raise Untrue(f"a command went on for more than {COMMAND_WITHIN:.0f} s") from error
        if self.process.returncode:
            raise Untrue(f"exit code {self.process.returncode}: {' '.join(said.split())[-300:]}")


@frozen(kw_only=True)
class Machine:
    """One machine as somebody with a browser, and somebody with a shell on it, can look at it."""

    name: str
    root: Path
    demo: Path
    guest: Guest
    teller: Teller

    def order(self, method: str, service: str) -> dict[str, Any]:
        """Order a change of Cockpit and give its job when that has ended."""
        return self.wait(self.begin(method, service))

    def begin(self, method: str, service: str) -> int:
        """Order a change of Cockpit. Gives the number of its job."""
        self.say(f"cockpit.{method} {json.dumps({'service': service})}")
        return int(self.guest.cockpit(method, service=service)["job"]["id"])

    def wait(self, number: int) -> dict[str, Any]:
        """A job when it has ended."""
        job = self.guest.ended(number)
        self.teller.output([f"job {number} of {self.name}: {job['state'].replace('_', ' ')}: {job['said']}"])
        return job

    def say(self, text: str) -> None:
        """Show a JSON-RPC call."""
        self.teller.command(f"{self.name}: {text}")

    def shell(self, *words: str) -> Command:
        """Start `cockpitpm` in a shell on the machine, whose environment names no role."""
        self.teller.command(f"{self.name}: {shlex.join(('cockpitpm', *words))}")
        return Command(
            subprocess.Popen(
                [sys.executable, "-m", "cockpitpm", *words],
                env=environment(self.root, self.demo),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
            )
        )

    def catalog(self) -> dict[str, dict[str, Any]]:
        """The apps that Cockpit lists, by name."""
        return {app["app"]: app for app in self.guest.cockpit("list_catalog")["apps"]}

    def services(self, app: str) -> dict[str, dict[str, Any]]:
        """The rows of an app that Cockpit lists, by name."""
        return {row["name"]: row for row in self.guest.cockpit("list_services") if row["app"] == app}

    def receipts(self, app: str) -> list[dict[str, Any]]:
        """The receipts in force of an app."""
        return list(self.guest.cockpit("receipts", service=app)["receipts"])

    def installed(self, app: str) -> dict[str, str]:
        """The md5 of what lies in `bin/`, by the asset that the receipt names."""
        return {r["asset"]: md5sum(self.root / "bin" / r["binary"]) for r in self.receipts(app)}

    def standings(self, paths: Iterable[str]) -> dict[str, Standing]:
        """Who answers behind each of these paths of the router."""
        told = {path: self.guest.rpc(path, "version") for path in paths}
        return {p: Standing(pid=t["pid"], version=t["version"], commit=t["commit"]) for p, t in told.items()}


def open_pair(demo: Path, teller: Teller) -> tuple[Machine, Machine]:
    """Put Cockpit on both machines, as their owners would, and open their routers. Raises Untrue."""
    made = []
    for name in ("admin", "tester"):
        root = demo / name
        made.append(Machine(name=name, root=root, demo=demo, guest=open_router(root, demo), teller=teller))
    for command in [machine.shell("install", COCKPIT, "--yes") for machine in made]:
        command.end()
    admin, tester = made
    return admin, tester
