"""Requests as a person makes them, also from where only a process of its own can stand."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Callable
from pathlib import Path

from cockpitpm.app.change import change
from cockpitpm.model.plan import Plan, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role
from cockpitpm.sandbox.machine import SandboxMachine
from tests.acceptance.scene import COMPUTE, Ended, Scene, ended, spoken

PR_CAPBSET_DROP = 24
CAPABILITIES_OVER_MODES = (1, 2)


def asked(verb: Verb, *names: str) -> Callable[[Scene], Ended]:
    return lambda scene: scene.attempt(verb, *names)


def told(*words: str, start: Callable[[], None] | None = None) -> Callable[[Scene], Ended]:
    """The request on the command line, where only a process of its own can be in that situation."""

    def ask(scene: Scene) -> Ended:
        return spoken(scene.cli(*words, "--json", preexec_fn=start))

    return ask


def far_root(length: int, app: str) -> Callable[[Scene], Ended]:
    """A machine whose root has so many bytes in its path. Nothing may run there afterwards."""

    def ask(scene: Scene) -> Ended:
        root = scene.home / ("x" * (length - len(str(scene.home)) - 1))
        machine = SandboxMachine(scene.world.url, Role.ADMIN, root=root)
        before = files(root)
        end = ended(lambda: change(machine.host(bundles=scene.bundles), request(Verb.INSTALL, app), agree))
        assert files(root) == before and machine.running() == ()
        return end

    return ask


def files(root: Path) -> list[str]:
    """All but what every change writes before it looks: the lock, and where the machine is."""
    mine = (p for p in root.rglob("*") if p.is_file() and p.name not in ("lock", "root"))
    return sorted(p.name for p in mine if p.suffix != ".log")


def request(verb: Verb, *names: str) -> Request:
    return Request(verb=verb, names=names, actor="me")


def agree(plan: Plan) -> bool:
    return True


def other_bundles(folder: str) -> Callable[[Scene], Ended]:
    def ask(scene: Scene) -> Ended:
        host = scene.machine.host(bundles=scene.home / folder)
        return ended(lambda: change(host, request(Verb.UPGRADE, COMPUTE), agree))

    return ask


def little_disk() -> None:
    """No file may grow beyond 8 KiB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def no_privilege() -> None:
    """Root without the right to ignore modes; nobody else has it anyway."""
    for capability in CAPABILITIES_OVER_MODES if os.geteuid() == 0 else ():
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
