"""The ports, played by a World."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cockpitpm.act.runnable import host, read_executable
from cockpitpm.errors import SupervisorError
from cockpitpm.model.codec import decode, encode
from cockpitpm.model.plan import FileKind
from cockpitpm.model.process import FileId, Image, ProcessId
from cockpitpm.model.runnable import Executable
from cockpitpm.model.service import (
    Definition,
    Health,
    Healthy,
    ProbeTarget,
    ServiceState,
    ServiceStatus,
    Unhealthy,
    Wanted,
)
from tests.sim.world import SLOW, TICKS, World, begin, end


class ClockSim:
    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()

    def monotonic(self) -> float:
        return float(self._world.state()["time"])

    def sleep(self, seconds: float) -> None:
        with self._world.changing() as state:
            state["time"] += max(seconds, 0.001)


class ProcessesSim:
    def __init__(self, world: World) -> None:
        self._world = world

    def identify(self, pid: int) -> ProcessId | None:
        state = self._world.state()
        found = (p["ticks"] for p in state["processes"].values() for image in p["images"] if image["pid"] == pid)
        ticks = next(found, None)
        return None if ticks is None else ProcessId(boot_id=state["boot"], pid=pid, start_ticks=ticks)

    def tree(self, pid: int) -> tuple[Image, ...]:
        process = self._world.state()["processes"].get(str(pid))
        return tuple(_image(process["ticks"], image) for image in process["images"]) if process else ()

    def alive(self, process: ProcessId) -> bool:
        return self.identify(process.pid) == process

    def executed(self, files: Collection[FileId]) -> frozenset[FileId]:
        images = [i for p in self._world.state()["processes"].values() for i in p["images"]]
        return frozenset(files) & {FileId(dev=i["dev"], ino=i["ino"]) for i in images}

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        found = self._world.state().get("holders", {})
        return {path: tuple(pids) for path, pids in found.items() if path in paths}

    def now(self) -> tuple[str, int]:
        state = self._world.state()
        return state["boot"], int(state["time"] * TICKS)


def read_program(path: Path) -> Executable:
    """What a simulated machine takes for a program of its own; everything else is read as a real one does."""
    if not path.read_bytes().startswith(b"\x7fELF{"):
        return read_executable(path)
    here = host()
    return Executable(kind=FileKind.ELF, machine=here.machine, bits=here.bits)


def _image(ticks: int, image: dict[str, Any]) -> Image:
    file = FileId(dev=image["dev"], ino=image["ino"])
    return Image(pid=image["pid"], start_ticks=ticks, file=file, deleted=False, argv=tuple(image["argv"]))


class SupervisorSim:
    """Keeps definitions and intent. Faults: `lose-start` (the start half of a cycle), `lie` (all run), `down`.

    One that is down obeys nobody; what it knows can still be read, as with our own supervisord.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def ensure_running(self) -> None:
        self._answering()
        self._world.started()

    def list(self) -> tuple[ServiceStatus, ...]:
        return tuple(self.status(name) for name in sorted(self._world.state()["services"]))

    def status(self, service: str) -> ServiceStatus:
        state = self._world.state()
        entry = state["services"].get(service)
        if entry is None:
            return ServiceStatus(name=service, state=ServiceState.ABSENT)
        said = ServiceState.RUNNING if "lie" in state["faults"] else ServiceState(entry["state"])
        pid = entry["pid"] or None
        return ServiceStatus(name=service, state=said, pid=pid, wanted=Wanted(entry["wanted"]), raw=entry["state"])

    def start(self, service: str) -> None:
        there = True
        with self._changing(service) as (state, entry):
            entry["wanted"] = "running"
            if not entry["pid"]:
                there = begin(state, entry)
        _tell(service, there)

    def stop(self, service: str) -> None:
        with self._changing(service) as (state, entry):
            entry["wanted"] = "stopped"
            end(state, entry, "stopped")

    def cycle(self, service: str, only_if: ProcessId | None) -> None:
        there = True
        with self._changing(service) as (state, entry):
            process = state["processes"].get(str(entry["pid"]))
            now = ProcessId(boot_id=state["boot"], pid=entry["pid"], start_ticks=process["ticks"]) if process else None
            if now != only_if:
                return
            end(state, entry, "stopped")
            entry["wanted"] = "running"
            if "lose-start" in state["faults"]:
                state["faults"].remove("lose-start")
                return
            state["time"] += 0.006
            there = begin(state, entry)
        _tell(service, there)

    def define(self, definition: Definition) -> None:
        if self.definition(definition.name) == definition:
            return
        self._answering()
        with self._world.changing() as state:
            fresh = {"definition": None, "state": "stopped", "pid": 0, "wanted": "unknown"}
            entry = state["services"].setdefault(definition.name, fresh)
            end(state, entry, "stopped")
            entry["definition"] = encode(definition)

    def definition(self, service: str) -> Definition | None:
        entry = self._world.state()["services"].get(service)
        return _definition(entry and entry["definition"])

    def set_aside(self, service: str) -> None:
        with self._world.changing() as state:
            entry = state["services"].get(service)
            if entry:
                state.setdefault("aside", {}).setdefault(service, entry["definition"])

    def aside(self, service: str) -> Definition | None:
        return _definition(self._world.state().get("aside", {}).get(service))

    def drop_aside(self, service: str) -> None:
        if self.aside(service):
            with self._world.changing() as state:
                del state["aside"][service]

    def moved(self, old: str, new: str) -> None:
        with self._world.changing() as state:
            state["off"] = True
            for entry in state["services"].values():
                end(state, entry, entry["state"])
                entry["definition"] = encode(_there(entry["definition"]).moved(old, new))
            aside = state.get("aside", {})
            state["aside"] = {name: encode(_there(tree).moved(old, new)) for name, tree in aside.items()}

    def forget(self, service: str) -> None:
        self._answering()
        with self._world.changing() as state:
            entry = state["services"].pop(service, None)
            if entry:
                end(state, entry, "stopped")

    def logs(self, service: str, lines: int) -> str:
        with self._changing(service) as (_, entry):
            written = entry.get("log", [])
            return "".join(f"{line}\n" for line in written[max(0, len(written) - lines) :])

    def _answering(self) -> None:
        if "down" in self._world.state()["faults"]:
            raise SupervisorError("The supervisor does not answer", "Start it again")

    @contextmanager
    def _changing(self, service: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The state and the service's part of it. Whoever holds on to the error holds no lock by it."""
        self._answering()
        with self._world.changing() as state:
            if service in state["services"]:
                yield state, state["services"][service]
                return
        raise SupervisorError(f"The supervisor does not know {service}", "Register it")


def _there(tree: dict[str, Any]) -> Definition:
    return decode(Definition, {**tree, "env": [list(pair) for pair in tree["env"]]})


def _definition(tree: dict[str, Any] | None) -> Definition | None:
    return _there(tree) if tree else None


def _tell(service: str, there: bool) -> None:
    if not there:
        raise SupervisorError(f"{service} cannot be started: its program is not there", "Look at its definition")


class ProberSim:
    """A service answers as the bytes of its process say."""

    def __init__(self, world: World) -> None:
        self._world = world

    def probe(self, target: ProbeTarget) -> Health:
        state = self._world.state()
        entry = state["services"].get(target.service)
        process = state["processes"].get(str(entry["pid"])) if entry else None
        if process is None:
            return Unhealthy(answer="connection refused")
        if process["behaviour"] == "sick" or (process["behaviour"] == "frail" and "ill" in state["faults"]):
            return Unhealthy(answer="HTTP 500")
        if process["behaviour"] == "slow" and state["time"] < process["started"] + SLOW:
            return Unhealthy(answer="connection refused")
        return Healthy(answer=f"HTTP 200 from {process['images'][-1].get('version', '')}")
