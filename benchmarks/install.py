"""P3 and P6: an asset's way from the forge to the executable copy: how fast, and how much memory at most."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import NotMeasured, Row, environment, interleaved
from cockpitpm.sandbox.forge import ForgeServer, ForgeState, Publisher

HERE = Path(__file__).parent
SIZES = {"small": 1 << 20, "middle": 100 << 20, "large": 1 << 30}


@contextmanager
def forge() -> Iterator[ForgeServer]:
    """A forge with one repository per size; the files have holes, so they cost no disk."""
    with tempfile.TemporaryDirectory(prefix="cp") as folder:
        state = ForgeState()
        for name, size in SIZES.items():
            file = Path(folder, name)
            with file.open("wb") as handle:
                handle.truncate(size)
            Publisher(state).publish(f"bench/{name}", "latest", {name: file})
        with ForgeServer(state) as server:
            yield server


def child(*words: str) -> tuple[float, float]:
    """Run one of the programs beside this file: seconds and KiB, as it prints them."""
    command = [sys.executable, *words]
    done = subprocess.run(command, env=environment(), cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(done.stderr.strip().splitlines()[-1])
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def own(url: str, name: str) -> tuple[float, float]:
    """One install of this size into a root that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="cp") as root:
        return child("-m", "benchmarks.byte_path", url, name, root)


def plain(url: str, name: str) -> tuple[float, float]:
    """The same bytes with the least that a careful download can do."""
    with tempfile.TemporaryDirectory(prefix="cp") as root:
        source = f"{url}/bench/{name}/releases/download/latest/{name}"
        return child("-m", "benchmarks.plain_download", source, str(Path(root, name)))


def rows() -> Iterator[Row]:
    """Time against one plain pass over 100 MiB; memory for 1 GiB against memory for 1 MiB."""
    with forge() as server:
        url = server.url
        times = interleaved({"own": lambda: own(url, "middle")[0], "plain": lambda: plain(url, "middle")[0]}, 5)
        peaks = interleaved({"small": lambda: own(url, "small")[1], "large": lambda: own(url, "large")[1]}, 1)
    yield Row(
        goal="P3 install of 100 MiB (bytes only)",
        ours=times["own"] * 1000,
        other=times["plain"] * 1000,
        against="one http.client pass, hashed and synced",
        limit=1.6,
    )
    yield Row(
        goal="P6 memory of installing 1 GiB",
        ours=peaks["large"] / 1024,
        other=peaks["small"] / 1024,
        against="1 MiB",
        limit=1.2,
        unit="MiB",
    )
