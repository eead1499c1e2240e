"""The state behind the simulators: services, processes, time. One JSON file, replaced in one step."""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any

BOOT = "b00tb00t-0000-4000-8000-000000000001"
EPOCH = datetime(2026, 6, 12, 8, 0, tzinfo=UTC)
TICKS = 100
CRASH_AFTER = 0.5
SLOW = 2.0


def program(version: str, behaviour: str = "good", kind: str = "elf", says: tuple[str, ...] = ()) -> bytes:
    """The bytes of a simulated binary. Behaviours: good, exits (at once), sick (answers wrongly), slow (to answer),
    crashes (later), frail (answers wrongly while the machine has the fault `ill`).

    `says` are the lines that it writes when it starts; `$VAR` in them is a variable of its environment.
    """
    head = b"\x7fELF" if kind == "elf" else b"#!/bin/sh\n"
    return head + json.dumps({"version": version, "behaviour": behaviour, **({"says": says} if says else {})}).encode()


def stamp(data: bytes) -> dict[str, Any]:
    """What `program` put into the bytes; None of it if they are no program."""
    begin = data.find(b"{")
    return json.loads(data[begin:]) if begin >= 0 else {}


class World:
    """Everything that outlives a killed process, but for the machine's own root."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "world.json"
        if not self.file.exists():
            self._save({"time": 1000.0, "boot": BOOT, "pid": 100, "services": {}, "processes": {}, "faults": []})

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """The state, to be changed by one process at a time: several may wait for a machine and let its time pass."""
        handle = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            state = self.state()
            yield state
            self._save(state)
        finally:
            os.close(handle)

    def state(self) -> dict[str, Any]:
        """The state after everything that time alone has done."""
        state = json.loads(self.file.read_bytes())
        for service in state["services"].values():
            self._age(state, service)
        return state

    def _age(self, state: dict[str, Any], service: dict[str, Any]) -> None:
        process = state["processes"].get(str(service["pid"]))
        if process and process["behaviour"] == "crashes" and state["time"] > process["started"] + CRASH_AFTER:
            end(state, service, "failed")

    def _save(self, state: dict[str, Any]) -> None:
        fresh = self.file.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(state))
        fresh.replace(self.file)

    def fault(self, name: str) -> None:
        """Let the supervisor do this wrong once; see SupervisorSim."""
        with self.changing() as state:
            state["faults"].append(name)

    def mended(self, name: str) -> None:
        """A fault that lasts is gone."""
        with self.changing() as state:
            state["faults"].remove(name)

    def crash(self, service: str) -> None:
        """The process of a service dies and its supervisor starts it again, whatever its file is now."""
        with self.changing() as state:
            entry = state["services"][service]
            end(state, entry, "stopped")
            begin(state, entry)

    def die(self, service: str) -> None:
        """The process of a service is gone, and nobody starts another one."""
        with self.changing() as state:
            end(state, state["services"][service], "failed")

    def kill(self, pid: int) -> None:
        """The leader of a service dies, its children live on, and its supervisor starts another one."""
        with self.changing() as state:
            process = state["processes"][str(pid)]
            process["images"] = process["images"][1:]
            begin(state, state["services"][process["service"]])

    def reboot(self) -> None:
        """Every process is gone; the supervisor knows its services and runs none."""
        with self.changing() as state:
            state["boot"] = state["boot"][:-1] + str(int(state["boot"][-1]) + 1)
            state["processes"] = {}
            state["time"] = 50.0
            for service in state["services"].values():
                service |= {"state": "stopped", "pid": 0}

    def copied(self) -> None:
        """The files of the machine are another machine's now: nothing of it runs, its supervisor neither."""
        self.reboot()
        with self.changing() as state:
            state["off"] = True

    def started(self) -> None:
        """A supervisor that was off runs now, and starts what is meant to run."""
        with self.changing() as state:
            if state.pop("off", False):
                for service in state["services"].values():
                    if service["wanted"] == "running":
                        begin(state, service)

    def boot(self) -> None:
        """Power is back: the supervisor starts what is meant to run, as far as there is something to start."""
        self.copied()
        self.started()

    def moved(self) -> None:
        """The machine's files were copied: every process now executes the copy of its file."""
        with self.changing() as state:
            for process in state["processes"].values():
                for image in process["images"]:
                    found = Path(image["file"]).stat()
                    image |= {"dev": found.st_dev, "ino": found.st_ino}

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.state()["time"])


def begin(state: dict[str, Any], service: dict[str, Any]) -> bool:
    """Start a process for the service from the file that its command leads to now; False if there is none."""
    path = Path(service["definition"]["command"][0])
    try:
        images, stamped = _images(path)
        _ = stamped["behaviour"]
    except (OSError, KeyError):
        service |= {"state": "failed", "pid": 0}
        return False
    pid = state["pid"] + 1
    state["pid"] += len(images)
    told = dict(service["definition"]["env"])
    said = (Template(line).safe_substitute(told) for line in stamped.get("says", ()))
    service["log"] = [*service.get("log", ()), *said]
    what = f"{stamped.get('version', '')} as {zlib.crc32(repr(service['definition']).encode()):08x}"
    state.setdefault("starts", []).append([service["definition"]["name"], what])
    if stamped["behaviour"] == "exits":
        service |= {"state": "failed", "pid": 0}
        return True
    started = {"started": state["time"], "ticks": int(state["time"] * TICKS), "service": service["definition"]["name"]}
    numbered = [{**image, "pid": pid + i} for i, image in enumerate(images)]
    process = {"images": numbered, "behaviour": stamped["behaviour"], "path": str(path)}
    state["processes"][str(pid)] = {**started, **process}
    service |= {"state": "running", "pid": pid}
    return True


def _images(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What a tree started from this file executes, and what `program` put into its bytes.

    A wrapper is `#!wrap exec NAME` or `#!wrap child NAME`.
    """
    data = path.read_bytes()
    if data.startswith(b"#!wrap"):
        _, how, name = data.decode().split()
        inner, stamped = _images(path.with_name(name))
        return (inner if how == "exec" else [_image(Path("/bin/sh"), str(path)), *inner]), stamped
    executed = path if data.startswith(b"\x7fELF") else Path("/bin/sh")
    stamped = stamp(data)
    return [{**_image(executed, str(path)), "version": stamped.get("version", "")}], stamped


def _image(executed: Path, name: str) -> dict[str, Any]:
    found = executed.stat()
    return {"dev": found.st_dev, "ino": found.st_ino, "argv": [name], "file": str(executed.resolve())}


def end(state: dict[str, Any], service: dict[str, Any], into: str) -> None:
    """Every process of the service ends, those that a dead leader left behind too."""
    name = service["definition"]["name"] if service["definition"] else ""
    state["processes"] = {pid: p for pid, p in state["processes"].items() if p["service"] != name}
    service |= {"state": into, "pid": 0}
