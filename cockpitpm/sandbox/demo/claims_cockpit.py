"""What was claimed of Cockpit itself: that both surfaces lead to each other, and the notes for whoever runs it."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from cockpitpm.sandbox.demo.ledger import Ledger, seen
from cockpitpm.sandbox.demo.line import Line
from cockpitpm.sandbox.demo.pair import COCKPIT, Machine
from cockpitpm.sandbox.demo.stage import Teller
from cockpitpm.sandbox.demo.view import alive

SERVER = "hero_cockpit_server"
SERVICES = "/hero_cockpit/web/services"
NOTES = "Operational notes"
FLEET = "/hero_tfgrid_deployer/admin/"


@frozen(kw_only=True)
class CockpitClaims:
    """The looks at Cockpit on the admin's machine."""

    teller: Teller
    ledger: Ledger
    line: Line
    machine: Machine

    def links(self) -> None:
        """From one surface to the other and back."""
        self.ledger.part("The two surfaces")
        self.ledger.check("the admin's Cockpit shows a Fleet link to the deployer admin", self._fleet)
        self.ledger.check("the deployer admin's This machine link leads to Cockpit's services", self._this_machine)
        self.ledger.check("the Control page holds shared resources only", self._control)

    def role_stays(self) -> None:
        """A registration without the variable."""
        self.ledger.part(NOTES)
        self.teller.scene("Register again, without the variable", "The shell names no role; the machine keeps its own.")
        before = self._pids()
        self.ledger.check("note 1: a plain re-registration keeps the admin role", lambda: self._still_admin(before))

    def came_back(self, upgrade: SelfUpgrade) -> None:
        """How its own upgrade went."""
        self.ledger.part(NOTES)
        self.ledger.check("note 3: after a self-upgrade it comes back by itself", upgrade.seen)

    def _fleet(self) -> str:
        there = self.machine.guest.page(SERVICES).links.get("Fleet", "")
        page = self.machine.guest.page(there or "/")
        return seen(there == FLEET and page.status == 200, f"{there} answers {page.status} through the router", there)

    def _this_machine(self) -> str:
        there = self.machine.guest.page(FLEET).links.get("This machine", "")
        page = self.machine.guest.page(there or "/")
        holds = page.path == SERVICES and page.status == 200 and "Fleet" in page.links
        return seen(holds, f"{there} answers {page.status}, and has the Fleet link", (there, page.path))

    def _control(self) -> str:
        links = self.machine.guest.page(FLEET).links
        page = self.machine.guest.page(next((path for words, path in links.items() if words == "Control"), "/"))
        headings = re.findall(r"<h2[^>]*>([^<]*)</h2>", page.text)
        managing = [word for word in ("<form", "<button", "upgrade", "restart") if word in page.text.lower()]
        well = re.search(r"(\d+) of \1 engines are well", page.text)
        holds = page.status == 200 and headings == ["Engines", "Tokens", "Links"] and well and not managing
        return seen(
            bool(holds), f"{page.path}: {', '.join(headings)}; no form, no button", (page.path, page.text[-400:])
        )

    def _still_admin(self, before: dict[str, int]) -> str:
        self.machine.shell("register", COCKPIT).end()
        catalog = self.machine.guest.cockpit("list_catalog")
        after = self._pids()
        told = f"{len(catalog['apps'])} apps, role {catalog['role']}, the same processes"
        return seen(
            (len(catalog["apps"]), catalog["role"], after) == (21, "admin", before), told, (told, before, after)
        )

    def _pids(self) -> dict[str, int]:
        return {name: row["pid"] for name, row in self.machine.services(COCKPIT).items()}


@frozen
class SelfUpgrade:
    """The upgrade of Cockpit, ordered of the very Cockpit that is upgraded."""

    machine: Machine
    commit: str
    before: dict[str, Any]
    job: int

    def seen(self) -> str:
        """What came back when the job has ended. Raises Untrue if nothing did, or something else."""
        job, after = self.machine.wait(self.job), _rows(self.machine)
        old = alive(row["pid"] for row in self.before.values())
        builds = {row["build"]["commit"] for row in after.values()}
        fresh = [n for n, r in self.before.items() if after[n]["pid"] != r["pid"] and after[n]["state"] == "running"]
        page = self.machine.guest.page(SERVICES)
        holds = job["state"] == "done" and not old and builds == {self.commit} and page.status == 200
        moved = ", ".join(f"{row['pid']} → {after[name]['pid']}" for name, row in self.before.items())
        told = f"job {self.job} done, pids {moved}; nobody started anything"
        return seen(holds and len(fresh) == len(self.before), told, (job, old, builds, after))


def self_upgrade(machine: Machine, commit: str) -> SelfUpgrade:
    """Order it; `commit` is what is published."""
    before = _rows(machine)
    return SelfUpgrade(machine, commit, before, machine.begin("upgrade_service", SERVER))


def _rows(machine: Machine) -> dict[str, Any]:
    return {name: row for name, row in machine.services(COCKPIT).items() if row["pid"]}
