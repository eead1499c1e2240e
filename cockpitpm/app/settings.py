"""`role`, `channel`, `pin` and `hold`: reading and changing what machine.yaml says."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of
from cockpitpm.decide.holds import in_force
from cockpitpm.declare.machine import read_machine
from cockpitpm.declare.moment import end_of, spelled
from cockpitpm.errors import MachineError, UsageError
from cockpitpm.model.bundle import Layer
from cockpitpm.model.role import Role
from cockpitpm.model.settings import Hold, Settings
from cockpitpm.record import settings


@frozen(kw_only=True)
class ChannelReport:
    """The channel of one app and what decided it."""

    app: str
    channel: str
    decided_by: str


def set_role(host: Host, role: Role) -> Path:
    """Store the role; the path of the file is given back.

    Raises MachineError for tester while apps of the admin layer are installed: they would be left without an owner.
    """
    with host.changing():
        admin = [app for app, b in host.facts().installed.items() if b.layer is Layer.ADMIN]
        if role is Role.TESTER and admin:
            names = " ".join(sorted(admin))
            message = f"This machine has apps that only the admin role sees: {', '.join(sorted(admin))}"
            raise MachineError(message, f"Remove them first: cockpitpm remove {names}")
        return _set(host, ("role",), role.value)


def set_channel(host: Host, channel: str | None, name: str = "") -> Path:
    """Store the channel of one app, or of the machine; None takes the app's own word back."""
    if channel is None and not name:
        raise UsageError("The machine's channel cannot be unset", "Set another one: cockpitpm channel set latest")
    with host.changing():
        key = ("channels", app_of(host, name)) if name else ("channel",)
        return _set(host, key, channel)


def set_pin(host: Host, name: str, tag: str | None) -> Path:
    """Let an app have the release of this tag and no other; None lets it follow its channel again."""
    with host.changing():
        return _set(host, ("pins", app_of(host, name)), tag)


def set_hold(host: Host, name: str, until: str, reason: str) -> Hold:
    """Hold an app back from upgrades. `until` is a moment, a date, a span from now, or empty for no end.

    Raises UsageError for an end that cannot be read or that is past.
    """
    if not reason.strip():
        raise UsageError("A hold needs a reason", "Say why with --reason")
    hold = Hold(reason=reason.strip(), until=_end(host, until) if until else "")
    with host.changing():
        ends = {"until": hold.until} if hold.until else {}
        _set(host, ("holds", app_of(host, name)), {**ends, "reason": hold.reason})
    return hold


def _end(host: Host, word: str) -> str:
    now = host.clock.now()
    try:
        found = end_of(word, now)
    except ValueError as error:
        raise UsageError(str(error), "Say 2026-12-24, 2026-12-24T18:00:00Z, or a span such as 2d or 6h") from error
    if found <= spelled(now):
        raise UsageError(f"{word} is past", "Name an end that is still to come")
    return found


def end_hold(host: Host, name: str) -> bool:
    """Let an app be upgraded again; whether it was held at all."""
    with host.changing():
        app = name if name in host.settings.holds else app_of(host, name)
        if app not in host.settings.holds:
            return False
        _set(host, ("holds", app), None)
        return True


def hold_of(host: Host, app: str) -> Hold | None:
    """The hold on an app that is in force now."""
    hold = host.settings.holds.get(app)
    return in_force(hold, spelled(host.clock.now())) if hold else None


def channels(host: Host) -> tuple[ChannelReport, ...]:
    """The channel of every app of the catalog."""
    return tuple(_channel(host, b.name, b.channel) for b in host.catalog.bundles)


def _channel(host: Host, app: str, declared: str | None) -> ChannelReport:
    said = host.settings
    return ChannelReport(app=app, channel=said.channel_of(app, declared), decided_by=_decided_by(said, app, declared))


def _decided_by(said: Settings, app: str, declared: str | None) -> str:
    if app in said.pins:
        return f"pins.{app} in machine.yaml"
    if app in said.channels:
        return f"channels.{app} in machine.yaml"
    return "its bundle" if declared else "the machine"


def _set(host: Host, key: tuple[str, ...], value: settings.Value) -> Path:
    path = host.layout.settings
    old = settings.read(path)
    read_machine(old, str(path))
    text = settings.changed(old, key, value)
    read_machine(text, str(path))
    settings.write(path, text)
    return path
