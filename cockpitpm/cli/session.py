"""What the command line knows of the world, and hands on as values: environment, folders, arguments, terminal."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpitpm.cli.terminal import Terminal, yellow
from cockpitpm.errors import CockpitPmError, MachineError, UsageError
from cockpitpm.model.role import Role

if TYPE_CHECKING:
    from cockpitpm.app.host import Host, Invocation
    from cockpitpm.app.narration import Reporter


class Session:
    """One command. The options that every verb has are remembered here, whether they stood before or after the verb."""

    def __init__(self, environ: Mapping[str, str], cwd: Callable[[], Path], arguments: tuple[str, ...]) -> None:
        self.environ = environ
        self.arguments = arguments
        self.given_root: str | None = None
        self.given_bundles: str | None = None
        self.given_role: str | None = None
        self.as_json = False
        self.yes = False
        self.dry_run = False
        self.allow_downgrade = False
        self.past_hold = False
        self.retry_failed = False
        self.reason = ""
        self._warned = ""
        self._cwd = cwd

    @cached_property
    def out(self) -> Terminal:
        """Where results go."""
        return Terminal(sys.stdout, self.environ)

    @cached_property
    def aside(self) -> Terminal:
        """Where plans, questions and progress go: out of the way of JSON."""
        return Terminal(sys.stderr, self.environ) if self.as_json else self.out

    @property
    def root(self) -> Path:
        """The machine's root, absolute."""
        if self.given_root is not None:
            return self.absolute(self.given_root)
        said = self.environ.get("PATH_ROOT")
        return self.absolute(said) if said else self._home() / "hero"

    @property
    def bundles(self) -> Path | None:
        """The bundles folder that was asked for, absolute."""
        return self.absolute(self.given_bundles) if self.given_bundles is not None else None

    def absolute(self, path: str) -> Path:
        """The path from here. Links stay as they are: services are told the root as its owner writes it."""
        if not path or "\0" in path:
            raise UsageError(f"{path!r} is no path", "Name a folder")
        try:
            here = Path("/") if path.startswith("/") else self._cwd()
            return Path(os.path.normpath(here / path))
        except OSError as error:
            raise MachineError(f"The working folder is gone: {error.strerror}", "Change to another one") from error

    def _home(self) -> Path:
        home = self.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
        return self.absolute(home)

    def host(self, reporter: Reporter | None = None, *, anyhow: bool = False) -> Host:
        """The machine, opened. What is odd about its role is told at once, and once only.

        With `anyhow` a machine whose role cannot be read is opened too; whoever asks for the role is told why.
        """
        from cockpitpm.app.host import Host

        host = Host(self.invocation(reporter))
        try:
            warning = host.role.warning
        except CockpitPmError:
            if not anyhow:
                raise
            return host
        if warning and warning != self._warned:
            self._warned = warning
            Terminal(sys.stderr, self.environ).line(yellow("warning: "), warning)
        return host

    def invocation(self, reporter: Reporter | None = None) -> Invocation:
        """What is known here, as values."""
        from cockpitpm.app.host import Invocation
        from cockpitpm.app.narration import Reporter
        from cockpitpm.cli.program import program

        return Invocation(
            root=self.root,
            bundles=self.bundles,
            env_role=self.environ.get("COCKPIT_MACHINE_ROLE"),
            role=role_of(self.given_role) if self.given_role else None,
            actor=actor(),
            command=("cockpitpm", *self.arguments),
            program=program(),
            reporter=reporter or Reporter(),
        )

    def json(self, tree: Any) -> None:
        """Write JSON. It is ASCII, so a terminal obeys nothing in it; key order is that of the tree."""
        self.out.write(json.dumps(tree, indent=2, allow_nan=False).replace("\x7f", "\\u007f") + "\n")


def role_of(word: str) -> Role:
    """The role that a word of the command line means. Raises UsageError."""
    known = {"tester": Role.TESTER, "member": Role.TESTER, "admin": Role.ADMIN}
    if word not in known:
        raise UsageError(f"{word!r} is no role", "A role is `tester` (also called `member`) or `admin`")
    return known[word]


def actor() -> str:
    """Who gives the command, for the history."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run us as a user that has no name
        return str(os.getuid())
