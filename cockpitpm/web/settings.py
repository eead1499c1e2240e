"""What this machine is and wants: role, channels, tokens, look. A token's value is never shown."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app.schedule import schedule
from cockpitpm.app.secrets import listed, set_, unset
from cockpitpm.app.settings import channels, set_channel
from cockpitpm.app.standing import shown
from cockpitpm.errors import CockpitPmError, UsageError
from cockpitpm.web.forms import EXPIRED, Form
from cockpitpm.web.preferences import LOOKS, choose, look
from cockpitpm.web.site import Site, csrf, genuine

KNOWN = ("latest-integration", "latest-development", "latest")


@frozen
class SettingsPages:
    """`/settings` and its forms."""

    site: Site

    def show(self, request: Request, problem: str = "", status: int = 200) -> Response:
        """Everything that can be set, and where it comes from."""
        view, host = self.site.view(), self.site.host(request)
        mine = {app.name for app in shown(view)}
        values = {
            "choice": view.role,
            "settings": view.settings,
            "known": list(dict.fromkeys((*KNOWN, view.settings.channel))),
            "channels": [c for c in channels(host) if c.decided_by != "the machine" or c.app in view.settings.holds],
            "holds": {app: hold for app, hold in view.settings.holds.items() if app in mine},
            "tokens": listed(host),
            "clock": view.settings.upgrades.switches,
            "scheduled": [one for one in schedule(host) if one.app in mine and (one.waits or one.switches.restart)],
            "digest": view.catalog.digest,
            "count": len(view.catalog.bundles),
            "problem": problem,
            "csrf": csrf(request),
            "chosen": look(request),
            "root": str(host.layout.root),
        }
        return self.site.page(request, "settings.html", status, view=view, **values)

    def channel(self, request: Request, form: Form) -> Response:
        """The machine's channel."""
        return self._do(request, form, lambda: set_channel(self.site.host(request), _needed(form, "value", "channel")))

    def token(self, request: Request, form: Form) -> Response:
        """Keep a token, or forget it."""

        def change() -> object:
            host, name = self.site.host(request), _needed(form, "name", "name, such as core/FORGE_TOKEN")
            context, _, key = name.partition("/")
            if form.get("do") == "remove":
                return unset(host, context, key)
            return set_(host, context, key, _needed(form, "value", "value"))

        return self._do(request, form, change)

    def _do(self, request: Request, form: Form, change: Callable[[], object]) -> Response:
        if not genuine(request, form):
            return self.show(request, EXPIRED, 403)
        try:
            change()
        except CockpitPmError as error:
            return self.show(request, f"{error.message}. {error.hint}".rstrip(". "), 400)
        self.site.engine.view(age=0.0)
        return self.site.to(request, "/settings")

    def look(self, request: Request, form: Form) -> Response:
        """The colours and the keys, kept in cookies of this site alone."""
        if not genuine(request, form):
            return self.show(request, EXPIRED, 403)
        answer = self.site.to(request, "/settings")
        chosen = form.get("look", "")
        if chosen in LOOKS:
            choose(request, answer, chosen, form.get("keys") == "on")
        return answer


def _needed(form: Form, key: str, what: str) -> str:
    value = form.get(key, "").strip()
    if not value:
        raise UsageError(f"Nothing was typed for the {what}", "Type it and send the form again")
    return value
