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
LAYER = "top"
Node = dict[str, Any]
"""What a layer of a disk is to the daemon."""


def missing() -> str:
    """Why there can be no such disk here; empty if there can."""
    if reason := lacking("ext4"):
        return reason
    if not os.access("/dev/fuse", os.W_OK):
        return "there is no /dev/fuse"
    return "" if shutil.which(DAEMON) else f"{DAEMON} is not installed (qemu-system-common)"


def logging(log: Path, of: str = "image") -> tuple[Node, ...]:
    """A layer that logs every write and flush in the format of the kernel's dm-log-writes."""
    log.touch()
    file = {"driver": "file", "node-name": "log", "filename": str(log)}
    layer = {"driver": "blklogwrites", "file": of, "log": "log", "log-sector-size": SECTOR, "node-name": LAYER}
    return file, layer


def failing_flush(number: int, log: Path) -> tuple[Node, ...]:
    """A layer that fails the flush of this number, from 1, with EIO, and lets all others pass; above it one that logs,
    so that whoever reads the log can count the flushes that were asked for."""
    event = "flush_to_disk"
    steps = [{"event": event, "state": n, "new_state": n + 1} for n in range(1, number)]
    error = {"event": event, "state": number, "errno": 5, "once": True, "iotype": "flush"}
    failing = {"driver": "blkdebug", "image": "image", "inject-error": [error], "node-name": "failing"}
    return {**failing, **({"set-state": steps} if steps else {})}, *logging(log, "failing")


@contextmanager
def exported(image: Path, layers: tuple[Node, ...]) -> Iterator[Path]:
    """A file that is the image seen through these."""
    shown = image.with_name("exported.img")
    shown.touch()
    pidfile = image.with_name("daemon.pid")
    command = [DAEMON, "--pidfile", str(pidfile)]
    # Events of a node are told to the node below it; so there is one above each that has to hear some.
    for node in ({"driver": "file", "node-name": "image", "filename": str(image)}, *layers):
        command += ["--blockdev", json.dumps(node)]
    export = {"type": "fuse", "id": "e", "node-name": LAYER, "mountpoint": str(shown), "writable": True}
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
