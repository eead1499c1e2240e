"""Adapters that run services. One per file; foreign errors are wrapped once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from cockpitpm.errors import SupervisorError
from cockpitpm.ports import Clock, Processes, Supervisor
from cockpitpm.supervisors.supervisord import Supervisord

ADAPTERS = {"supervisord": Supervisord}
"""What `supervisor:` in machine.yaml may say."""


def open_supervisor(
    kind: str,
    folder: Path,
    processes: Processes,
    clock: Clock,
    environment: Mapping[str, str],
    python: tuple[str, ...] = (sys.executable,),
    recover: tuple[str, ...] = (),
) -> Supervisor:
    """The supervisor of a machine. `folder` is where it may keep its own files, such as `<root>/var/cockpitpm/<kind>`.

    `environment` is what every service finds beside its own variables, such as HOME; a supervisor that we do not
    start keeps its own. `python` are the words that start a Python with everything that this program imports, and
    `recover` those of the command to run once when the machine has booted; without them there is none. Nothing is
    started or asked yet. Raises SupervisorError for a kind without an adapter.
    """
    adapter = ADAPTERS.get(kind)
    if adapter is None:
        raise SupervisorError(f"there is no supervisor called {kind!r}", f"Use one of: {', '.join(ADAPTERS)}")
    return adapter(folder, processes, clock, environment, python, recover)
