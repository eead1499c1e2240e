"""The way of an asset's bytes in an install, in a process of its own: forge, store, executable copy.

Prints the seconds it took and the peak of its memory in KiB. The peak is read from the kernel's account of this very
memory map: the one that a parent gets for a child counts what the parent itself had before it started the program.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from cockpitpm.forges import open_forge
from cockpitpm.model.bundle import Repo
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.record.layout import Layout
from cockpitpm.record.store import Incoming, copy_out


def install(url: str, name: str, root: Path) -> None:
    """Fetch the only asset of `bench/<name>` into the store of the root, and lay the executable copy beside it."""
    forge = open_forge("default", ForgeSettings(kind="forgejo", url=url, owner="bench"))
    asset = forge.release(Repo(name=name), "latest").assets[0]
    layout = Layout(root)
    for folder in (layout.incoming, layout.store, layout.live(name)):
        folder.mkdir(parents=True, exist_ok=True)
    with Incoming(layout.incoming / name, asset.size) as incoming:
        forge.fetch(asset, incoming.write)
        stored = incoming.keep(layout.store)
    copy_out(layout.blob(stored.sha256), layout.live(name) / name)


def peak() -> int:
    """The most memory this process ever had, in KiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    begun = time.perf_counter()
    install(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    print(time.perf_counter() - begun, peak())
