"""What this machine gives services and forges beside what is declared: secrets, and values kept at registration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from cockpitpm.act.discreet import discreet
from cockpitpm.decide.environment import NOTHING, context_of
from cockpitpm.errors import MachineError, StoreError
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.record import generations, state
from cockpitpm.record.layout import Layout
from cockpitpm.record.roots import layout_of
from cockpitpm.record.secrets import Secrets, check

if TYPE_CHECKING:
    from cockpitpm.app.host import Host

__all__ = ["Given", "Listed", "check", "forge_token", "get", "listed", "secrets_of", "set_", "unset", "without_secrets"]

FORGE_TOKEN = "core/FORGE_TOKEN"
"""The secret with the token of the forge called `default`, unless machine.yaml names another."""


def without_secrets(root: Path, text: str) -> str:
    """A text in which the secrets of the machine at `root` are hidden, for whoever it is sent to."""
    return discreet(layout_of(root), text)


def secrets_of(layout: Layout) -> Secrets:
    """The secrets of a machine; they stand beside its machine.yaml."""
    return Secrets(layout.settings.with_name("secrets"))


class Given:
    """The values for the services of installed apps, read anew each time: a transaction may run long."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._services: dict[tuple[str, str], frozenset[str]] = {}

    def to(self, service: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What was exported for a service, and the secrets of its context. Nothing for one that is not installed."""
        app = self._owner(service)
        if not app:
            return NOTHING, NOTHING
        exported = state.read(self._layout, app).exported.get(service, NOTHING)
        return exported, secrets_of(self._layout).context(context_of(app))

    def _owner(self, service: str) -> str:
        """The installed app that has the service. It needs no catalog: a recovery has none."""
        return next((app for app in generations.apps(self._layout) if service in self._names(app)), "")

    def _names(self, app: str) -> frozenset[str]:
        try:
            live = generations.current_live(self._layout, app)
            if (app, live) not in self._services:
                found = generations.read(self._layout, app, generations.number_of(live)).bundle.services
                self._services[app, live] = frozenset(s.name for s in found)
        except StoreError:  # another app's damage is no obstacle; the engine reads the file of its own app itself
            return frozenset()
        return self._services[app, live]


def forge_token(secrets: Secrets, name: str, said: ForgeSettings, warn: Callable[[str], None]) -> str | None:
    """The token of a forge. No other forge than `default` gets one that machine.yaml does not name for it."""
    named = said.token or (FORGE_TOKEN if name == "default" else "")
    if not named:
        return None
    context, _, key = named.partition("/")
    found = secrets.get(context, key)
    if found is None and said.token:
        warn(f"forge {name} has no token: there is no secret {named}. Reading without one")
    return found


@frozen(kw_only=True)
class Listed:
    """That there is a secret, since when (RFC 3339), and how many seconds that is ago."""

    context: str
    key: str
    set_at: str
    age: int


def get(host: Host, context: str, key: str) -> str:
    """The value. Raises MachineError if there is none."""
    found = secrets_of(host.layout).get(context, key)
    if found is None:
        raise _unknown(context, key)
    return found


def set_(host: Host, context: str, key: str, value: str) -> tuple[str, ...]:
    """Keep a value. Gives the services that will have it once they are registered again."""
    check(context, key)
    with host.changing():
        secrets_of(host.layout).set(context, key, value)
        return _concerned(host, context, key)


def unset(host: Host, context: str, key: str) -> tuple[str, ...]:
    """Forget a value. Gives the services that have it until they are registered again. Raises MachineError."""
    check(context, key)
    with host.changing():
        if not secrets_of(host.layout).unset(context, key):
            raise _unknown(context, key)
        return _concerned(host, context, key)


def listed(host: Host, context: str = "") -> tuple[Listed, ...]:
    """The names of the secrets and their ages; no value is read."""
    now = host.clock.now()
    return tuple(_listed(k.context, k.key, k.at, now) for k in secrets_of(host.layout).list(context))


def _listed(context: str, key: str, at: float, now: datetime) -> Listed:
    set_at = datetime.fromtimestamp(int(at), UTC)
    age = max(0, int((now - set_at).total_seconds()))
    return Listed(context=context, key=key, set_at=set_at.strftime("%Y-%m-%dT%H:%M:%SZ"), age=age)


def _concerned(host: Host, context: str, key: str) -> tuple[str, ...]:
    """The services of installed apps that declare the variable."""
    bundles = [b for app, b in host.facts().installed.items() if context_of(app) == context]
    services = [s for bundle in bundles for s in bundle.services if not s.external]
    return tuple(s.name for s in services if any(e.var == key for e in s.env))


def _unknown(context: str, key: str) -> MachineError:
    return MachineError(f"There is no secret {context}/{key}", "See which there are with `cockpitpm secret list`")
