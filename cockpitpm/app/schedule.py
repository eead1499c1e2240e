"""`schedule`: what happens by the clock, what waits for it, and changing what machine.yaml says of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from os import uname
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from cockpitpm.act.ahead import there
from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of
from cockpitpm.app.settings import hold_of
from cockpitpm.decide.planner import make_plan
from cockpitpm.decide.schedule import Agenda, agenda, written
from cockpitpm.declare.machine import line_of, read_machine
from cockpitpm.errors import UsageError
from cockpitpm.model.codec import encode
from cockpitpm.model.facts import MachineFacts
from cockpitpm.model.plan import AppPlan, Request, Reregister, Upgrade
from cockpitpm.model.receipt import Verb
from cockpitpm.model.upgrades import Attempts, Switches, Tried
from cockpitpm.observe.apps import on_disk, with_release, with_services
from cockpitpm.record import generations, settings
from cockpitpm.record import schedule as record

LOCAL = Path("/etc/localtime")
MACHINE_ID = Path("/etc/machine-id")
OF_AN_APP = ("notice", "download", "restart", "window", "jitter")
"""Keys that an app may have of its own."""
KEYS = (*OF_AN_APP, "every", "zone")
SWITCHES = ("notice", "download", "restart")


@frozen(kw_only=True)
class AppSchedule:
    """One app by the clock. Times are in UTC, RFC 3339, empty where there is none.

    `turn` is when this machine begins in the window from `begin` to `end`, `says` the same in words and in the zone of
    the window, such as "Sat 02:07". `waits` is the build that waits, in words, empty if none does; `bytes_here` whether
    it needs no download any more. `last` says what came of the last try of each switch, `failed` of those that failed.
    """

    app: str
    switches: Switches
    held: bool
    notice: str
    download: str
    begin: str
    end: str
    turn: str
    says: str
    waits: str
    bytes_here: bool
    last: Mapping[str, str]
    failed: Mapping[str, str]


def zone_of(host: Host) -> tzinfo:
    """The zone of the windows: that of machine.yaml, else the machine's own, else UTC."""
    if host.settings.upgrades.zone:
        return ZoneInfo(host.settings.upgrades.zone)
    try:
        with LOCAL.open("rb") as file:
            return ZoneInfo.from_file(file, key=str(LOCAL))
    except (OSError, ValueError):
        return UTC


def seed_of(host: Host) -> str:
    """What tells this machine from all others: the same after every start, and another one for each root."""
    try:
        name = MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        name = ""
    return sha256(f"{name or uname().nodename} {host.layout.root}".encode()).hexdigest()


def scheduled(host: Host) -> tuple[str, ...]:
    """The apps that the clock cares for: installed, and in the catalog."""
    return tuple(app for app in generations.apps(host.layout) if host.catalog.bundle(app))


def agenda_of(host: Host, app: str, tried: Tried, now: datetime) -> Agenda:
    """What the clock has for one app."""
    said = host.settings.upgrades
    held = hold_of(host, app) is not None
    return agenda(said.of(app), said.every, tried, held, now, zone_of(host), seed_of(host))


def schedule(host: Host, names: tuple[str, ...] = ()) -> tuple[AppSchedule, ...]:
    """These apps by the clock, or all that are installed; nobody is asked. Raises PlanError for an unknown name."""
    apps = tuple(dict.fromkeys(app_of(host, name) for name in names)) or scheduled(host)
    machine, tried = host.facts(), record.attempts(host.layout)
    return tuple(_scheduled(host, app, tried, machine) for app in apps)


def waiting(host: Host) -> dict[str, AppSchedule]:
    """The apps with a newer build that is carried out by itself, with the window that it waits for."""
    return {one.app: one for one in schedule(host) if one.waits and one.turn}


def _scheduled(host: Host, app: str, attempts: Attempts, machine: MachineFacts) -> AppSchedule:
    now, tried = host.clock.now(), attempts.of(app)
    found = agenda_of(host, app, tried, now)
    plan = _foreseen(host, app, machine)
    waits = _waits(plan) if plan else ""
    last = {"notice": tried.notice, "download": tried.download, "restart": tried.restart}
    return AppSchedule(
        app=app,
        switches=host.settings.upgrades.of(app),
        held=hold_of(host, app) is not None,
        notice=_text(found.notice),
        download=_text(found.download),
        begin=_text(found.span.begin if found.span else None),
        end=_text(found.span.end if found.span else None),
        turn=_text(found.restart),
        says=in_words(found.restart, zone_of(host), now) if found.restart else "",
        waits=waits,
        bytes_here=bool(waits and plan and all(there(host.layout, plan))),
        last={name: one.said for name, one in last.items() if one.at},
        failed={name: one.said for name, one in last.items() if one.failures},
    )


def _text(at: datetime | None) -> str:
    return written(at) if at else ""


def in_words(at: datetime, zone: tzinfo, now: datetime) -> str:
    """A moment by the wall clock: `Sat 02:00` within a week, else with its date."""
    local = at.astimezone(zone)
    return f"{local:%a %H:%M}" if at - now < timedelta(days=7) else f"{local:%a %Y-%m-%d %H:%M}"


def _foreseen(host: Host, app: str, machine: MachineFacts) -> AppPlan | None:
    """What an upgrade would do if the channel still holds what was last read; None for an app that is not here."""
    declared = host.catalog.bundle(app)
    facts = on_disk(host.layout, app, declared, host.channel_of(declared) if declared else "")
    seen = facts.state.observation
    if facts.installed is None or seen is None or seen.release is None or seen.channel != facts.channel:
        return None
    facts = with_services(with_release(facts, seen.release), host.supervisor, host.processes)
    facts = evolve(facts, hold=hold_of(host, app), pinned=app in host.settings.pins)
    request = Request(verb=Verb.UPGRADE, names=(app,))
    return make_plan(request, host.catalog, {app: facts}, (app,), machine).apps[0]


def _waits(plan: AppPlan) -> str:
    match plan.decision:
        case Upgrade(release=release, commit=commit):
            return f"{commit[:7]} → {release.built_from[:7]} ({release.tag})"
        case Reregister(services=services):
            return f"another definition of {', '.join(services) or 'the app'}"
        case _:
            return ""


def set_key(host: Host, key: str, value: str | None, name: str = "") -> Path:
    """Store what one key of the schedule says, for one app or the machine; None takes it back. Gives the file.

    Raises UsageError for a key that there is not, PlanError for an unknown name, MachineError for a value that cannot
    be meant.
    """
    known = OF_AN_APP if name else KEYS
    if key not in known:
        raise UsageError(f"{key!r} is no key of {'an app' if name else 'the schedule'}", f"Keys: {', '.join(known)}")
    if key in SWITCHES and value not in (None, "on", "off"):
        raise UsageError(f"{key} is either on or off", f"Say `cockpitpm schedule set {key} on`")
    with host.changing():
        own = ("apps", app_of(host, name)) if name else ()
        return _set(host, ("upgrades", *own, key), value)


def _set(host: Host, path: tuple[str, ...], value: str | None) -> Path:
    file = host.layout.settings
    old = settings.read(file)
    read_machine(old, str(file))
    if value is not None or line_of(old, *path):
        text = settings.changed(old, path, value)
        read_machine(text, str(file))
        settings.write(file, text)
    return file


def to_json(host: Host, found: tuple[AppSchedule, ...]) -> dict[str, Any]:
    """The public shape of `schedule --json`."""
    said = host.settings.upgrades
    return {"every": said.every, "zone": said.zone or None, "apps": [_app_json(one) for one in found]}


def _app_json(one: AppSchedule) -> dict[str, Any]:
    tree: dict[str, Any] = encode(one)
    switches = tree.pop("switches")
    window = switches.pop("window")
    return {"app": tree.pop("app"), **switches, "window": window and window["text"]} | {
        "held": tree.pop("held"),
        "next": {key: tree[key] or None for key in ("notice", "download", "begin", "end", "turn")},
        "waits": tree["waits"] or None,
        "bytes_here": tree["bytes_here"],
        "last": tree["last"],
        "failed": tree["failed"],
    }
