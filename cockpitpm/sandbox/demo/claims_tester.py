"""What was claimed of the tester's machine: that nothing of the admin's is there, whatever the admin does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm.sandbox.demo.claims_admin import ADMIN_APPS, COMPUTE, ROW
from cockpitpm.sandbox.demo.claims_cockpit import SERVER, SelfUpgrade
from cockpitpm.sandbox.demo.guest import Declined
from cockpitpm.sandbox.demo.ledger import Ledger, seen
from cockpitpm.sandbox.demo.pair import COCKPIT, Machine

PART = "Tester machine"
WEB = "/hero_cockpit/web/"
MOST_PAGES = 60
FORMS = re.compile(r"/(plan|check|do|hold|channel|pin|log)\b")
"""Pages that ask the forge, questions before something is done, and logs."""
AS_OF = re.compile(rb'<span class="live" id="live">.*?</span></span>')
"""The clock in the corner, which tells when the page was made."""
ROLE = "COCKPIT_MACHINE_ROLE"


@frozen(kw_only=True)
class Picture:
    """All that Cockpit shows: the bytes of its lists and of every page that its links lead to.

    `unwell` are the pages that do not answer with 200.
    """

    services: bytes
    catalog: bytes
    pages: dict[str, bytes]
    unwell: tuple[str, ...]


@frozen(kw_only=True)
class TesterClaims:
    """The looks at the tester's machine."""

    ledger: Ledger
    machine: Machine

    def picture(self) -> Picture:
        """Look at everything."""
        pages, unwell = self._pages()
        return Picture(
            services=_bytes(self.machine.guest.cockpit("list_services")),
            catalog=_bytes(self.machine.guest.cockpit("list_catalog")),
            pages=pages,
            unwell=unwell,
        )

    def surface(self, picture: Picture) -> None:
        """What a tester can see."""
        self.ledger.part(PART)
        self.ledger.check("the catalog lists exactly the 17 tester apps", self._offered)
        self.ledger.check("no admin bundles", lambda: self._nowhere(picture))
        self.ledger.check("an admin app cannot be installed either", self._unknown)
        self.ledger.check("no Fleet link", lambda: self._no_fleet(picture))
        self.ledger.check("nothing of the role in the machine or its Cockpit", self._no_role)

    def unchanged(self, before: Picture) -> None:
        """The same look once more."""
        after = self.picture()
        self.ledger.check(
            "list_services and catalog unchanged, before and after the admin's changes",
            lambda: seen(
                (before.services, before.catalog) == (after.services, after.catalog),
                f"byte-identical: {len(after.services)} and {len(after.catalog)} bytes",
                _differs(before.services, after.services) or _differs(before.catalog, after.catalog),
            ),
        )
        self.ledger.check("its pages unchanged, before and after", lambda: self._same_pages(before, after))

    def own_upgrade(self, before: Picture, upgrade: SelfUpgrade) -> None:
        """Its own Cockpit, to the same build as the admin's."""
        self.ledger.part(PART)
        self.ledger.check("its Cockpit is upgraded to the same build, and comes back", upgrade.seen)
        self.ledger.check("the catalog is the same after that upgrade", lambda: self._same_catalog(before))

    def _pages(self) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """Every page that links lead to, but for questions and logs; and which of them are not well."""
        waiting, known = [WEB], {WEB}
        found, unwell = {}, []
        while waiting:
            page = self.machine.guest.page(waiting.pop(0))
            if page.status != 200:
                unwell.append(f"{page.path} answers {page.status}")
            found[page.path] = AS_OF.sub(b"", page.body)
            more = [p for p in page.paths if p.startswith(WEB) and p not in known and not FORMS.search(p)]
            waiting += more[: MOST_PAGES - len(known)]
            known.update(waiting)
        return found, tuple(unwell)

    def _offered(self) -> str:
        catalog = self.machine.guest.cockpit("list_catalog")
        layers = {app["layer"] for app in catalog["apps"]}
        told = f"{len(catalog['apps'])} apps, all of the base layer"
        return seen((len(catalog["apps"]), layers, catalog["role"]) == (17, {"base"}, "tester"), told, catalog["role"])

    def _nowhere(self, picture: Picture) -> str:
        everything = {"list_services": picture.services, "list_catalog": picture.catalog, **picture.pages}
        words = [name.encode() for name in (*ADMIN_APPS, ROW)]
        found = [(place, word) for place, text in everything.items() for word in words if word in text]
        return seen(not found, f"not named in {len(picture.pages)} pages and two lists", found)

    def _unknown(self) -> str:
        told = []
        for name in (COMPUTE, ROW, "nonsense"):
            try:
                self.machine.guest.cockpit("install_service", service=name)
            except Declined as error:
                told.append((error.code, str(error).replace(name, "NAME")))
        pages = {self.machine.guest.page(f"{WEB}apps/{name}").body for name in (COMPUTE, "nonsense")}
        alike = len(told) == 3 and len(set(told)) == 1 and len({AS_OF.sub(b"", page) for page in pages}) == 1
        return seen(alike, f"answered like a name that there is not ({told[0][0]}), also as a page", (told, pages))

    def _no_fleet(self, picture: Picture) -> str:
        found = [path for path, text in picture.pages.items() if b"fleet" in text.lower() or b"deployer" in text]
        return seen(not found, f"the word is in none of {len(picture.pages)} pages", found)

    def _no_role(self) -> str:
        said = (self.machine.root / "cfg/cockpitpm/machine.yaml").read_text()
        row = self.machine.services(COCKPIT)[SERVER]
        process = _environment(row["pid"]).get(ROLE, "")
        told = f"none in machine.yaml, none exported; its process has the bundle's default, {process!r}"
        return seen("role" not in said and process in ("", "tester"), told, (said, process))

    def _same_pages(self, before: Picture, after: Picture) -> str:
        odd = [p for p in sorted({*before.pages, *after.pages}) if before.pages.get(p) != after.pages.get(p)]
        size = sum(map(len, after.pages.values()))
        told = f"{len(after.pages)} pages, {size} bytes, identical but for their clock"
        first = _differs(before.pages.get(odd[0], b""), after.pages.get(odd[0], b"")) if odd else ""
        bad = f"{', '.join(odd)}: {first}" if odd else "; ".join(after.unwell)
        return seen(not odd and not after.unwell, told, bad)

    def _same_catalog(self, before: Picture) -> str:
        old, new = json.loads(before.catalog)["apps"], self.machine.guest.cockpit("list_catalog")["apps"]
        moved = {a["app"]: [k for k in a if a[k] != b.get(k)] for a, b in zip(old, new, strict=True) if a != b}
        rows, now = json.loads(before.services), self.machine.guest.cockpit("list_services")
        rest = [[row for row in some if row["app"] != COCKPIT] for some in (rows, now)]
        holds = moved == {COCKPIT: ["generation"]} and rest[0] == rest[1]
        return seen(holds, f"17 apps; only the generation of {COCKPIT} is another", (moved, rest))


def _bytes(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def _differs(one: bytes, other: bytes) -> str:
    """Where two texts part, in few words; nothing for equal ones."""
    if one == other:
        return ""
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = (text[max(0, at - 30) : at + 30].decode("utf-8", "replace") for text in (one, other))
    return f"…{a}… became …{b}…"


def _environment(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)
