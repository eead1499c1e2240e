"""A file system of its own for a sweep: an image in memory, mounted where the root of a machine is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from attrs import evolve

from tests.faults.look import look
from tests.faults.oracle import Promise, Told
from tests.faults.scenes import Scene
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

SIZES = {"ext4": "24M", "xfs": "300M"}
"""The smallest that each kind likes; the images are full of holes."""
MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
}


def lacking(kind: str = "ext4") -> str:
    """Why no file system can be mounted here; empty if one can."""
    if os.geteuid() != 0:
        return "mounting takes root"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    missing = [tool for tool in (MAKE[kind][0], "mount", "losetup") if shutil.which(tool) is None]
    if missing:
        return f"{missing[0]} is not installed"
    known = Path("/proc/filesystems").read_text().split()
    return "" if kind in known else f"the kernel has no {kind}"


def run(*command: object) -> str:
    """Run a program that must not fail."""
    done = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


class Volume:
    """An image that can be mounted at a folder; `keep` and `restore` take and give back its bytes while it is not."""

    def __init__(self, image: Path, at: Path, kind: str) -> None:
        self.image, self.at, self.kind = image, at, kind
        self._kept = image.with_suffix(".kept")
        self.mounted = False
        run("truncate", "-s", SIZES[kind], image)
        run(*MAKE[kind], image)

    def mount(self) -> None:
        """Mount it, which lets the kernel replay its journal."""
        self.at.mkdir(parents=True, exist_ok=True)
        # A power cut has no time to wait for what is written a little later.
        options = "loop" if self.kind == "xfs" else "loop,commit=600"
        run("mount", "-t", self.kind, "-o", options, self.image, self.at)
        self.mounted = True

    def unmount(self) -> None:
        """Unmount it if it is mounted; its loop device goes with it."""
        if self.mounted:
            run("umount", self.at)
            self.mounted = False

    def keep(self) -> None:
        """Remember the bytes."""
        run("cp", "--sparse=always", self.image, self._kept)

    def restore(self) -> None:
        """As they were kept."""
        run("cp", "--sparse=always", self._kept, self.image)


class VolumeSweep(Sweep):
    """A sweep whose root is a file system of its own. The simulated world lies beside it and outlives a power cut.

    As it was is therefore: as it was, and booted. Nobody counts how often a service is started.
    """

    def __init__(self, folder: Path, scene: Scene, kind: str) -> None:
        self.volume = Volume(folder / "disk.img", folder / "work" / "root", kind)
        self.volume.mount()
        shutil.rmtree(self.volume.at / "lost+found", ignore_errors=True)
        try:
            super().__init__(folder, scene)
            self.machine()
            self.promise = evolve(self.promise, before=look(self.after_a_cut()), starts=None)
        except BaseException:
            self.close()
            raise

    def machine(self) -> MachineSim:
        """The machine as it begins, all of it on the disk."""
        if not (self.volume.image.with_suffix(".kept")).exists():
            run("sync", "-f", self.volume.at)
            self.volume.unmount()
            self.volume.keep()
        self.volume.unmount()
        self.volume.restore()
        for path in self.place.iterdir():
            if path != self.volume.at:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        hidden = shutil.ignore_patterns("root")
        shutil.copytree(self._start, self.place, symlinks=True, dirs_exist_ok=True, ignore=hidden)
        self.volume.mount()
        return self.opened()

    def after_a_cut(self) -> MachineSim:
        """The machine when it has power again: its processes are gone, its supervisor starts what is meant to run."""
        self.volume.unmount()
        self.volume.mount()
        machine = MachineSim(self.place, self.scene.bundle)
        machine.forge = self.forge
        machine.world.boot()
        return machine

    def wrong(
        self,
        machine: MachineSim,
        what: Told = Told(),  # noqa: B008 - it is frozen
        promised: Promise | None = None,
        again: bool = False,
    ) -> list[str]:
        """The broken promises; see Sweep. What a boot does by itself leaves nothing to be done again."""
        return super().wrong(machine, what, promised, again and self.promise.before != self.promise.after)

    def close(self) -> None:
        """Leave nothing mounted."""
        self.volume.unmount()
