"""P2: what it costs to ask a question that needs no network: the version, the status of a machine with 21 apps."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, interleaved, program

ROUNDS = 25
COCKPITPM = str(Path(sys.executable).with_name("cockpitpm"))
CLICK = """
import click
@click.group()
def main(): ...
@main.command()
def status(): ...
main()
"""


BARE = [sys.executable, "-c", "pass"]


def version() -> Iterator[Row]:
    """Start-up against bare Python; bare Python against itself shows how far a ratio may be off here."""
    works = {"bare": program(BARE), "again": program(BARE), "ours": program([COCKPITPM, "--version"])}
    found = interleaved(works, ROUNDS)
    yield Row(goal="noise", ours=found["again"], other=found["bare"], against="itself", limit=1.5)
    yield Row(goal="P2 --version", ours=found["ours"], other=found["bare"], against="python -c pass", limit=2.0)


def status() -> Iterator[Row]:
    """The status of an admin machine with its 21 apps against a click program that does nothing."""
    with tempfile.TemporaryDirectory(prefix="cp") as folder:
        click = Path(folder, "click_only.py")
        click.write_text(CLICK, encoding="utf-8")
        asked = [COCKPITPM, "--root", str(Path(folder, "hero")), "status", "--json"]
        works = {
            "click": program([sys.executable, str(click), "status"]),
            "ours": program(asked, COCKPIT_MACHINE_ROLE="admin"),
        }
        found = interleaved(works, ROUNDS)
    against = "a click program that does nothing"
    yield Row(goal="P2 status --json", ours=found["ours"], other=found["click"], against=against, limit=1.6)
