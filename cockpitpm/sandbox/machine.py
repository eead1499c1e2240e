"""A machine of the sandbox: a short temporary root, a supervisor of its own, a forge to follow."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from cockpitpm.app.host import Host, Invocation
from cockpitpm.model.role import Role
from cockpitpm.ports import Reporter
from cockpitpm.record.layout import Layout
from cockpitpm.sandbox import daemons
from cockpitpm.sandbox.world import CHANNEL, OWNER
from cockpitpm.supervisors.supervisord import Supervisord


class SandboxMachine:
    """A context manager: at its end every process is stopped and, unless it is to be kept, the root deleted."""

    def __init__(self, forge_url: str, role: Role, root: Path | None = None, keep: bool = False) -> None:
        self.root = root or Path(tempfile.mkdtemp(prefix="cp", dir=_shortest()))
        self.role = role
        self.keep = keep
        self._prepare(forge_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not self.keep:
            self.stop()
            shutil.rmtree(self.root, ignore_errors=True)

    @property
    def layout(self) -> Layout:
        """Where everything of this machine is."""
        return Layout(self.root)

    def host(self, reporter: Reporter | None = None, bundles: Path | None = None) -> Host:
        """The machine opened for one command."""
        return Host(self.invocation(reporter, bundles))

    def invocation(self, reporter: Reporter | None = None, bundles: Path | None = None) -> Invocation:
        """What a face would know of it."""
        return Invocation(
            root=self.root,
            bundles=bundles,
            actor="sandbox",
            command=("cockpitpm",),
            environment={"HOME": str(self.root)},
            reporter=reporter or Reporter(),
        )

    def stop(self) -> None:
        """Stop every service and the supervisor."""
        host = self.host()
        supervisor = host.supervisor
        assert isinstance(supervisor, Supervisord)
        supervisor.shutdown()

    def running(self) -> tuple[int, ...]:
        """The processes whose command line or working folder lies below the root."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes()
                folder = (process / "cwd").readlink()
            except OSError:  # it ended meanwhile, or is somebody else's
                continue
            if os.fsencode(self.root) + b"/" in words or folder.is_relative_to(self.root):
                found.append(int(process.name))
        return tuple(pid for pid in found if pid != os.getpid())

    def _prepare(self, forge_url: str) -> None:
        """The settings, and the two wrapper scripts that an operator wrote by hand."""
        settings = self.layout.settings
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            f"role: {self.role.value}\nchannel: {CHANNEL}\n"
            f"forges:\n  default: {{kind: forgejo, url: {forge_url!r}, owner: {OWNER}}}\n"
        )
        if self.role is Role.ADMIN:
            self.layout.bin.mkdir(exist_ok=True)
            for name, content in daemons.wrappers().items():
                path = self.layout.bin / name
                path.write_bytes(content)
                path.chmod(0o755)


def _shortest() -> str:
    """The temporary folder with the shortest name: socket paths must fit in 107 bytes."""
    return min((d for d in (tempfile.gettempdir(), "/tmp") if os.access(d, os.W_OK)), key=len)
