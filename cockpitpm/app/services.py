"""`stop` and `logs`: the verbs about services that need no transaction."""

from __future__ import annotations

from attrs import evolve

from cockpitpm.act.discreet import discreet
from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of, bundle_of
from cockpitpm.errors import PlanError
from cockpitpm.model.service import Wanted
from cockpitpm.model.state import Stop
from cockpitpm.record import generations, state


def services_of(host: Host, name: str) -> tuple[str, tuple[str, ...]]:
    """The installed app that a name belongs to and the services it means: one, or all of an app or binary.

    Raises PlanError if the app is not installed.
    """
    app = app_of(host, name)
    bundle = bundle_of(host, app)
    if bundle is None or app not in generations.apps(host.layout):
        raise PlanError(f"{app} is not installed on this machine", f"Install it with `cockpitpm install {app}`")
    services = tuple(s.name for s in bundle.services if s.name == name)
    return app, services or tuple(s.name for s in bundle.services)


def stop(host: Host, name: str) -> tuple[str, ...]:
    """Stop services and remember that they are meant to be stopped. Gives those that were stopped."""
    from cockpitpm.act.machine import instant

    with host.changing():
        app, services = services_of(host, name)
        known = state.read(host.layout, app)
        wanted = {**known.wanted, **dict.fromkeys(services, Wanted.STOPPED)}
        mine = Stop(by=host.invocation.actor, at=instant(host.clock.now()))
        fresh = {s: mine for s in services if known.wanted.get(s) is not Wanted.STOPPED}
        # First what is meant, then the deed: whoever dies in between leaves a service that can be stopped again.
        state.write(host.layout, evolve(known, wanted=wanted, stops={**known.stops, **fresh}))
        for service in services:
            host.invocation.reporter.step(app, f"stopping {service}")
            host.supervisor.stop(service)
        return services


def logs(host: Host, name: str, lines: int) -> dict[str, str]:
    """The last lines of each service that the name means, without the secrets that it may have written there."""
    _, services = services_of(host, name)
    return {service: discreet(host.layout, host.supervisor.logs(service, lines)) for service in services}
