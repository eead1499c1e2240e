"""`recover`: finish what was interrupted, clean up after it, and bring up what is meant to run."""

from __future__ import annotations

from cockpitpm.act.conclude import sweep
from cockpitpm.act.recovery import Recovered
from cockpitpm.app.host import Host


def recover(host: Host) -> tuple[Recovered, ...]:
    """Finish every interrupted transaction. Gives what was found; an entry with an error stays unfinished."""
    with host.changing() as found:
        sweep(host.machine())  # a change that is done may have been refused by the disk when it cleaned
        if any(not s.external for bundle in host.facts().installed.values() for s in bundle.services):
            host.supervisor.ensure_running()
        return found
