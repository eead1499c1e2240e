"""What machine.yaml may say of upgrades by the clock, and where a fault in it is."""

from __future__ import annotations

import pytest

from cockpitpm.declare.machine import read_machine
from cockpitpm.declare.upgrades import seconds, window_of
from cockpitpm.errors import MachineError
from cockpitpm.model.upgrades import AppUpgrades, Switches, Upgrades, Window

EVERYTHING = """\
upgrades:
  notice: off
  download: true
  restart: on
  every: 1h30m
  window: Sat 02:00..04:00
  jitter: 20m
  zone: Europe/Brussels
  apps:
    hero_db: {restart: false, window: 0 2 * * 6L for 2h, jitter: 0m}
"""


def test_nothing_said_reads_channels_every_hour() -> None:
    assert read_machine("", "m").upgrades == Upgrades() == read_machine("upgrades: {}", "m").upgrades
    assert Upgrades().of("any") == Switches(notice=True, download=False, restart=False, window=None, jitter=900)


def test_everything_said() -> None:
    window = Window(text="Sat 02:00..04:00", start="0 2 * * 6", length=7200)
    own = AppUpgrades(restart=False, window=Window(text="0 2 * * 6L for 2h", start="0 2 * * 6L", length=7200), jitter=0)
    assert read_machine(EVERYTHING, "m").upgrades == Upgrades(
        switches=Switches(notice=False, download=True, restart=True, window=window, jitter=1200),
        every=5400,
        zone="Europe/Brussels",
        apps={"hero_db": own},
    )


@pytest.mark.parametrize(
    ("text", "start", "minutes"),
    [
        ("sat 02:00..04:00", "0 2 * * 6", 120),
        ("02:05..02:10", "5 2 * * *", 5),
        ("Mon..Fri 22:00..23:30", "0 22 * * 1,2,3,4,5", 90),
        ("Fri..Mon 22:00..02:00", "0 22 * * 0,1,5,6", 240),
        ("Sun,Wed..Thu 00:00..24:00", "0 0 * * 0,3,4", 1440),
        ("*/30 1 * * MON  for 30m", "*/30 1 * * MON", 30),
    ],
)
def test_a_window_becomes_a_start_and_a_length(text: str, start: str, minutes: int) -> None:
    assert window_of(text) == Window(text=text, start=start, length=minutes * 60)


@pytest.mark.parametrize(("text", "found"), [("0m", 0), ("15m", 900), ("1h30m", 5400), ("2d", 172800), ("1w", 604800)])
def test_a_span(text: str, found: int) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("window: sometimes", "2:11", "is no window"),
        ("window: Sut 02:00..04:00", "2:11", "no day of the week"),
        ("window: Sat 25:00..26:00", "2:11", "between 00:00 and 24:00"),
        ("window: Sat 02:00..24:01", "2:11", "between 00:00 and 24:00"),
        ("window: 02:00..02:00", "2:11", "ends at another hour"),
        ("window: 02:00..02:04", "2:11", "lasts 4 minutes"),
        ("window: 0 2 * * * for 25h", "2:11", "lasts 1500 minutes"),
        ("window: 0 2 * * * for long", "2:11", "no span"),
        ("window: 0 99 * * * for 1h", "2:11", "Bad hour"),
        ("window: 0 2 */29 2 1#5 for 1h", "2:11", "never begins"),
        ("window: 0 * * * * for 2h", "2:11", "begins again before it has ended"),
        ("window: {start: 1}", "2:11", "is not text"),
        ("jitter: 5", "2:11", "is not text"),
        ("jitter: 5m1h", "2:11", "no span"),
        ("every: 4m", "2:10", "every 5 minutes at most"),
        ("every: 5w", "2:10", "every 5 minutes at most"),
        ("zone: Europe/Nowhere", "2:9", "knows no time zone"),
        ("zone: ../etc/passwd", "2:9", "not the name of a time zone"),
        ("restart: true", "2:12", "without a window"),
        ("restart: yes", "2:12", "neither on nor off"),
        ("restart: 1", "2:12", ""),
        ("often: 1h", "2:3", ""),
        ("apps: {duo: {every: 1h}}", "2:16", ""),
        ("apps: {duo: {restart: on}}", "2:25", "without a window"),
        ("apps: {duo: {window: never}}", "2:24", "is no window"),
        ("apps: {Duo: {}}", "2:10", "not the name of an app"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, place: str, told: str) -> None:
    with pytest.raises(MachineError) as caught:
        read_machine(f"upgrades:\n  {text}", "machine.yaml")
    assert caught.value.message.startswith(f"machine.yaml:{place}: ") and told in caught.value.message
