"""The proof on two machines: what was once claimed of real ones is done again, over JSON-RPC and HTTP, and looked at.

The machines are those of the sandbox: daemons are stand-ins, but Cockpit is this very program, packed and installed
from the forge. What a guest can do is done by a guest, through the router of a machine.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from shlex import quote
from typing import Protocol

from cockpitpm.errors import UsageError
from cockpitpm.sandbox.demo.claims_admin import ADMIN_APPS, AdminClaims
from cockpitpm.sandbox.demo.claims_cockpit import CockpitClaims, self_upgrade
from cockpitpm.sandbox.demo.claims_tester import WEB, TesterClaims
from cockpitpm.sandbox.demo.ledger import CANNOT_LOOK, Ledger, Row, seen
from cockpitpm.sandbox.demo.line import Line
from cockpitpm.sandbox.demo.pair import Machine, open_pair
from cockpitpm.sandbox.demo.remains import remains
from cockpitpm.sandbox.demo.run import INTERRUPTED, UNTRUE
from cockpitpm.sandbox.demo.stage import Teller, Untrue

PACKERS = ("shiv", "packaging")
"""Tools of those who develop cockpitpm."""
TESTERS = ("hero_books", "hero_browser")
"""What the tester's machine has beside Cockpit."""


class Auditor(Teller, Protocol):
    """A teller who keeps count of claims."""

    def row(self, row: Row) -> None:
        """A claim was looked at."""
        ...

    def table(self, parts: Mapping[str, Sequence[Row]]) -> None:
        """All claims, below their headings."""
        ...


def run_proof(teller: Auditor, keep: bool) -> int:
    """Do it all. The exit code is 0 only if no claim was missed and, unless the machines are kept, nothing is left.

    Raises UsageError where Cockpit cannot be packed.
    """
    if not all(map(find_spec, PACKERS)):
        raise UsageError("Cockpit cannot be packed here: shiv is not installed", "Run `make setup` in a checkout first")
    began = time.monotonic()
    line = Line("admin", "tester")
    kept = False
    machines: tuple[Machine, ...] = ()
    ledger = Ledger(teller.row)
    try:
        machines = _proved(teller, ledger, line)
        teller.table(ledger.parts)
        code = 0 if ledger.holds() else UNTRUE
        if keep:
            line.keep()
            kept = True
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        line.cut(kept)
    if kept:
        _say_where(teller, line, machines)
        return code
    left = remains(line.root)
    teller.last(f"{left}, {time.monotonic() - began:.0f} s")
    return code if left.nothing else code or UNTRUE


def _proved(teller: Teller, ledger: Ledger, line: Line) -> tuple[Machine, ...]:
    """The machines, when every claim was looked at. What stops the whole is a row of its own."""
    machines: tuple[Machine, ...] = ()
    try:
        machines = _opened(teller, line)
        _told(teller, ledger, line, *machines)
    except CANNOT_LOOK as error:
        told = f"{type(error).__name__}: {error}"
        ledger.part("The proof itself")
        ledger.check("every step could be done", lambda: seen(False, told))
    return machines


def _opened(teller: Teller, line: Line) -> tuple[Machine, Machine]:
    commit = line.publish_cockpit("1.0")
    teller.scene(
        "Two machines, one forge",
        f"Their roots are {line.root}/admin and {line.root}/tester, the forge is {line.url}. Cockpit is no stand-in:"
        f" this program, packed, is published as hero_cockpit 1.0 ({commit[:7]}). Their owners install it once.",
    )
    return open_pair(line.root, teller)


def _told(teller: Teller, ledger: Ledger, line: Line, admin: Machine, tester: Machine) -> None:
    teller.scene("What was there before", "The rest comes from Cockpit: every order is a JSON-RPC call by the router.")
    _furnished(admin, tester)
    deeds = AdminClaims(teller=teller, ledger=ledger, line=line, machine=admin)
    cockpit = CockpitClaims(teller=teller, ledger=ledger, line=line, machine=admin)
    other = TesterClaims(ledger=ledger, machine=tester)
    before = other.picture()
    deeds.catalog()
    deeds.deployer()
    deeds.compute()
    deeds.engine()
    cockpit.links()
    cockpit.role_stays()
    deeds.stale_release()
    teller.scene("The tester's machine", "Everything that it shows was kept before all of this, and is compared now.")
    other.surface(before)
    other.unchanged(before)
    commit = line.publish_cockpit("1.1")
    teller.scene(
        "Cockpit upgrades itself, on both machines",
        f"CI publishes hero_cockpit 1.1 ({commit[:7]}): this program, packed anew.",
    )
    mine, theirs = self_upgrade(admin, commit), self_upgrade(tester, commit)
    cockpit.came_back(mine)
    other.own_upgrade(before, theirs)


def _furnished(admin: Machine, tester: Machine) -> None:
    """Install on both machines at once; jobs of one machine wait for each other. Raises Untrue."""
    jobs = [
        (m, m.begin("install_service", app)) for m, apps in ((admin, ADMIN_APPS), (tester, TESTERS)) for app in apps
    ]
    ended = [(machine, machine.wait(number)) for machine, number in jobs]
    for machine, job in ended:
        if job["state"] != "done":
            raise Untrue(f"job {job['id']} of {machine.name} ended as {job['state']}: {job['said']}")


def _say_where(teller: Teller, line: Line, machines: Sequence[Machine]) -> None:
    teller.scene("The machines stay, and so does their forge", "Open the links in a browser; end it when you are done:")
    teller.output([f"   {machine.name:8} {machine.guest.link(WEB)}" for machine in machines])
    for machine in machines:
        teller.command(f"cockpitpm --root {quote(str(machine.root))} status")
    teller.command(f"cockpitpm demo --stop {quote(str(line.root))}")
