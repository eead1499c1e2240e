"""The proof on two machines: all of it is seen, it sees what is not so, and nothing is left however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from cockpitpm.sandbox.demo import Mark, Row, claims_tester, run_proof, stop_demo
from cockpitpm.sandbox.demo.claims_admin import AdminClaims
from cockpitpm.sandbox.demo.claims_cockpit import SERVICES, CockpitClaims
from cockpitpm.sandbox.demo.guest import Guest
from cockpitpm.sandbox.demo.ledger import Ledger, seen
from cockpitpm.sandbox.demo.pair import Machine
from cockpitpm.sandbox.demo.remains import clear, remains
from tests.conftest import members
from tests.waiting import comes

pytestmark = pytest.mark.real

COMMAND = [sys.executable, "-m", "cockpitpm", "demo", "--two-machines"]
LAST = re.compile(r"0 processes left, 0 sockets, folder gone, \d+ s")
ROOTS = re.compile(r"Their roots are\s+(/\S+)/admin")
LINK = re.compile(r"^ +(admin|tester) +((http://127\.0\.0\.1:\d+)/hero_cockpit/web/\?token=(\S+))$", re.MULTILINE)
PATIENCE = 400
"""Seconds; it takes a fifth of that on a machine that does nothing else."""


class Listener:
    """Hears the story, and may spoil it."""

    def __init__(self, spoil: Callable[[Path], None] = lambda root: None) -> None:
        self.root = Path()
        self.rows: list[Row] = []
        self.parts: dict[str, list[Row]] = {}
        self.words: list[str] = []
        self._spoil = spoil

    def scene(self, title: str, text: str) -> None:
        found = ROOTS.search(text)
        if found:
            self.root = Path(found[1])
            self._spoil(self.root)

    def command(self, text: str) -> None: ...
    def output(self, lines: list[str]) -> None: ...
    def ended(self, code: int) -> None: ...
    def held(self, claim: str) -> None: ...
    def failed(self, claim: str, found: str) -> None: ...

    def row(self, row: Row) -> None:
        self.rows.append(row)

    def table(self, parts: Mapping[str, Sequence[Row]]) -> None:
        self.parts = {heading: list(rows) for heading, rows in parts.items()}

    def last(self, text: str) -> None:
        self.words.append(text)


class Kept:
    """Two machines that the proof has left standing, and what it printed."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = ROOTS.search(text)
        assert found, text
        self.root = Path(found[1])
        self.links = {name: link for name, link, _, _ in LINK.findall(text)}
        self.guests = {name: Guest(url, token) for name, _, url, token in LINK.findall(text)}

    def machine(self, name: str) -> Machine:
        root = self.root / name
        return Machine(name=name, root=root, demo=self.root, guest=self.guests[name], teller=Listener())


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    done = subprocess.run([*COMMAND, "--keep"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    made = Kept(done.stdout)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert not remains(made.root).nothing
        yield made
    finally:
        left = stop_demo(made.root)
    assert left.nothing and not members(made.root), left


def marks(ledger: Ledger) -> dict[str, Mark]:
    return {row.claimed: row.mark for rows in ledger.parts.values() for row in rows}


@pytest.mark.slow
def test_every_claim_is_seen(kept: Kept) -> None:
    assert "33 claims: 32 seen, 1 cannot be seen in a sandbox" in kept.text
    assert "✗" not in kept.text and "\x1b" not in kept.text
    table = kept.text.partition("Claimed in the thread | seen here")[2]
    headings = ("Admin machine", "The two surfaces", "Operational notes", "Tester machine")
    places = [table.index(f"\n   {heading}\n") for heading in headings]
    assert places == sorted(places)
    assert table.count("✓") == 32 and table.count("\n–") == 1


@pytest.mark.slow
def test_the_printed_links_let_a_browser_in(kept: Kept) -> None:
    for name, link in kept.links.items():
        browser = build_opener(HTTPCookieProcessor())
        with browser.open(link, timeout=10) as page:
            assert page.status == 200 and page.url.endswith("/hero_cockpit/web/services")
            assert (b"Fleet" in page.read()) == (name == "admin")


@pytest.mark.slow
def test_it_sees_a_chain_that_is_down_and_a_link_that_is_gone(kept: Kept) -> None:
    machine, ledger = kept.machine("admin"), Ledger(lambda row: None)
    claims = AdminClaims(teller=Listener(), ledger=ledger, line=None, machine=machine)  # type: ignore[arg-type]
    ledger.part("now")
    ledger.check("chains", claims._chains)
    ledger.check("nodes", claims._nodes)
    machine.guest.cockpit("stop", service="my_compute_zos_testnet_server")
    ledger.check("chains, one down", claims._chains)
    ledger.check("nodes, one down", claims._nodes)
    claims.catalog()
    settings = machine.root / "cfg/cockpitpm/machine.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("role: admin", "role: Admin"))
    assert comes(lambda: "Fleet" not in machine.guest.page(SERVICES).links, 10)
    CockpitClaims(teller=Listener(), ledger=ledger, line=None, machine=machine).links()  # type: ignore[arg-type]
    settings.write_text(text)
    found = marks(ledger)
    assert [name for name, mark in found.items() if mark is Mark.SEEN] == [
        "chains",
        "nodes",
        "cockpit.list_catalog shows 21 apps",
    ], found


@pytest.mark.slow
def test_it_sees_an_admin_surface_on_the_testers_machine(kept: Kept) -> None:
    machine, ledger = kept.machine("tester"), Ledger(lambda row: None)
    claims = claims_tester.TesterClaims(ledger=ledger, machine=machine)
    before = claims.picture()
    claims.surface(before)
    claims.unchanged(before)
    assert set(marks(ledger).values()) == {Mark.SEEN}, ledger.parts
    settings = machine.root / "cfg/cockpitpm/machine.yaml"
    text = settings.read_text()
    settings.write_text(f"role: admin\n{text}")
    assert comes(lambda: "Fleet" in machine.guest.page(SERVICES).links, 10)
    ledger.parts.clear()
    claims.surface(claims.picture())
    claims.unchanged(before)
    settings.write_text(text)
    assert [claim for claim, mark in marks(ledger).items() if mark is not Mark.MISSED] == []


@pytest.mark.slow
def test_a_machine_that_is_not_as_it_should_be_ends_it_with_a_row() -> None:
    """The admin's machine is made a tester's before anything is installed."""

    def spoil(root: Path) -> None:
        settings = root / "admin/cfg/cockpitpm/machine.yaml"
        settings.write_text(settings.read_text().replace("role: admin", "role: Admin"))

    listener = Listener(spoil)
    assert run_proof(listener, keep=False) == 1
    (row,) = listener.parts["The proof itself"]
    assert row.mark is Mark.MISSED and "hero_tfgrid_deployer" in row.seen
    assert listener.rows == [row]
    assert LAST.fullmatch(listener.words[-1]) and remains(listener.root).nothing and not members(listener.root)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])
def test_it_takes_everything_along(number: signal.Signals) -> None:
    output = os.memfd_create("proof")
    process = subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def text() -> str:
        return os.pread(output, 1 << 20, 0).decode()

    assert comes(lambda: "tester: cockpitpm install" in text(), 60), text()
    found = ROOTS.search(text())
    assert found, text()
    root = Path(found[1])
    try:
        many = comes(lambda: len(remains(root).processes) >= 5, 30)
        assert many, "two routers, two commands, and what these start"
        process.send_signal(number)
        code = process.wait(90)
        if number is signal.SIGTERM:
            assert code == 130 and LAST.fullmatch(text().splitlines()[-1]), text()
        assert comes(lambda: remains(root).nothing, 60) and not members(root), remains(root)
    finally:
        process.kill()
        process.wait()
        clear(root)
        os.close(output)


def test_a_ledger_that_saw_nothing_holds_nothing() -> None:
    heard: list[Row] = []
    ledger = Ledger(heard.append)
    assert not ledger.holds()
    ledger.part("one")
    ledger.open("far away", "not here")
    assert not ledger.holds()
    ledger.check("so", lambda: seen(True, "evidence", "something else"))
    assert ledger.holds()
    ledger.part("two")
    ledger.check("not so", lambda: seen(False, "evidence", "something else"))
    ledger.check("no answer", lambda: str({"other": 1}["key"]))
    ledger.part("one")
    ledger.check("more", lambda: "evidence")
    assert not ledger.holds()
    assert [(row.seen, row.mark) for row in heard] == [
        ("not here", Mark.OPEN),
        ("evidence", Mark.SEEN),
        ("something else", Mark.MISSED),
        ("KeyError: 'key'", Mark.MISSED),
        ("evidence", Mark.SEEN),
    ]
    assert {heading: len(rows) for heading, rows in ledger.parts.items()} == {"one": 3, "two": 2}
