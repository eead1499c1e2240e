"""What a face knows of the world, as values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import field, frozen

from cockpitpm.model.role import Role
from cockpitpm.model.runnable import Executable
from cockpitpm.ports import Clock, Forge, Prober, Processes, Reporter, Supervisor


@frozen(kw_only=True)
class Invocation:
    """What a face knows. Paths are absolute; `env_role` is the raw variable, None if unset.

    `role` overrides it, for reading verbs only. `actor` is who asks, `command` how; `environment` is what services
    find beside their own variables. `program` is how this program is started again, for work in a process of its own:
    a Python that has it, and `-m cockpitpm`.
    """

    root: Path
    bundles: Path | None = None
    env_role: str | None = None
    role: Role | None = None
    actor: str = ""
    command: tuple[str, ...] = ()
    program: tuple[str, ...] = (sys.executable, "-m", "cockpitpm")
    environment: Mapping[str, str] = field(factory=dict)
    reporter: Reporter = field(factory=Reporter)

    @property
    def python(self) -> tuple[str, ...]:
        """The words that start a Python with everything that this program imports."""
        return self.program[:-2]


@frozen(kw_only=True)
class Ports:
    """Stand-ins for the world; None means the real one. Only tests give any.

    `token` gives the random part of a transaction's name: a few hexadecimal digits.
    """

    supervisor: Supervisor | None = None
    prober: Prober | None = None
    processes: Processes | None = None
    clock: Clock | None = None
    forges: Mapping[str, Forge] = field(factory=dict)
    read_executable: Callable[[Path], Executable] | None = None
    token: Callable[[], str] | None = None
