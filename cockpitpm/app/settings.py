"""`role` and `channel`: reading and changing what machine.yaml says."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of
from cockpitpm.declare.machine import read_machine
from cockpitpm.errors import MachineError, UsageError
from cockpitpm.model.bundle import Layer
from cockpitpm.model.role import Role
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


def channels(host: Host) -> tuple[ChannelReport, ...]:
    """The channel of every app of the catalog."""
    return tuple(_channel(host, b.name, b.channel) for b in host.catalog.bundles)


def _channel(host: Host, app: str, declared: str | None) -> ChannelReport:
    said = host.settings
    by = f"channels.{app} in machine.yaml" if app in said.channels else "its bundle" if declared else "the machine"
    return ChannelReport(app=app, channel=said.channel_of(app, declared), decided_by=by)


def _set(host: Host, key: tuple[str, ...], value: str | None) -> Path:
    path = host.layout.settings
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    read_machine(old, str(path))
    text = settings.changed(old, key, value)
    read_machine(text, str(path))
    settings.write(path, text)
    return path
