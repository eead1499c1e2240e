"""A disk that can be told to fail: qemu-storage-daemon between the image and the loop device that is mounted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.volume import lacking

DAEMON = "qemu-storage-daemon"
PATIENCE = 10.0
SECTOR = 512


def missing() -> str:
    """Why there can be no such disk here; empty if there can."""
    if reason := lacking("ext4"):
        return reason
    if not os.access("/dev/fuse", os.W_OK):
        return "there is no /dev/fuse"
    return "" if shutil.which(DAEMON) else f"{DAEMON} is not installed (qemu-system-common)"


def failing_flush(number: int) -> dict[str, Any]:
    """A layer that fails the flush of this number, from 1, with EIO, and lets all others pass."""
    event = "flush_to_disk"
    steps = [{"event": event, "state": n, "new_state": n + 1} for n in range(1, number)]
    error = {"event": event, "state": number, "errno": 5, "once": True, "iotype": "flush"}
    return {"driver": "blkdebug", **({"set-state": steps} if steps else {}), "inject-error": [error]}


def logging(log: Path) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """A layer that logs every write and flush in the format of the kernel's dm-log-writes, and the node of its log."""
    log.touch()
    node = {"driver": "file", "node-name": "log", "filename": str(log)}
    return {"driver": "blklogwrites", "log": "log", "log-sector-size": SECTOR}, (node,)


@contextmanager
def exported(image: Path, layer: dict[str, Any], more: tuple[dict[str, Any], ...] = ()) -> Iterator[Path]:
    """A file that is the image seen through a layer. `more` are nodes that the layer needs."""
    shown = image.with_name("exported.img")
    shown.touch()
    pidfile = image.with_name("daemon.pid")
    child = "image" if layer["driver"] == "blkdebug" else "file"
    nodes = [
        *more,
        {"driver": "file", "node-name": "image", "filename": str(image)},
        {**layer, "node-name": "layer", child: "image"},
        # Events of a node are told to the node below it; without this one the layer hears none.
        {"driver": "raw", "node-name": "top", "file": "layer"},
    ]
    command = [DAEMON, "--pidfile", str(pidfile)]
    for node in nodes:
        command += ["--blockdev", json.dumps(node)]
    export = {"type": "fuse", "id": "e", "node-name": "top", "mountpoint": str(shown), "writable": True}
    command += ["--export", json.dumps(export)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as daemon:
        try:
            _await(pidfile, daemon)
            yield shown
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(PATIENCE)
            pidfile.unlink(missing_ok=True)


def _await(pidfile: Path, daemon: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while not pidfile.exists():
        if daemon.poll() is not None or time.monotonic() > until:
            said = daemon.stderr.read().decode() if daemon.stderr and daemon.poll() is not None else "it does not begin"
            raise RuntimeError(f"{DAEMON}: {said}")
        time.sleep(0.01)
