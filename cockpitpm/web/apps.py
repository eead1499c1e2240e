"""One app: its truths with their evidence, its receipts and generations, and what somebody wants of it."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app.records import compare, receipts
from cockpitpm.app.settings import channels, end_hold, set_channel, set_hold, set_pin
from cockpitpm.app.standing import dependants, standing_of
from cockpitpm.errors import CockpitPmError, PlanError
from cockpitpm.web.forms import EXPIRED, Form
from cockpitpm.web.places import own_pages
from cockpitpm.web.site import NotHere, Site, csrf, genuine

WANTS = ("hold", "release", "channel", "pin")
FIELDS = ("asset", "tag", "commit", "md5", "sha256", "size", "fetched_at")
SAID = {
    "asset": "asset",
    "tag": "tag",
    "commit": "commit",
    "md5": "md5",
    "sha256": "sha256",
    "size": "bytes",
    "fetched_at": "downloaded",
}


@frozen
class Apps:
    """`/apps/{app}` and what is below, but for plans."""

    site: Site

    def show(self, request: Request) -> Response:
        """Everything that is known of one app."""
        view, name = self.site.view(), request.path_params["app"]
        it = standing_of(view, name)
        if it is None:
            raise NotHere
        host = self.site.host(request)
        report = next(app for app in view.report.apps if app.name == name)
        bundle = view.catalog.bundle(name)
        kept = receipts(host, (name,), every=True)["receipts"] if it.generation else []
        return self.site.page(
            request,
            "app.html",
            view=view,
            it=it,
            report=report,
            bundle=bundle,
            generations=_generations(kept),
            channel=next((c for c in channels(host) if c.app == name), None),
            hold=view.settings.holds.get(name),
            needing=dependants(view, name),
            pages=own_pages(bundle) if it.generation else (),
        )

    def diff(self, request: Request) -> Response:
        """Two generations side by side, field by field."""
        view = self.site.view()
        app, a, b = (request.path_params[key] for key in ("app", "a", "b"))
        self.site.app(view, app)
        try:
            found = compare(self.site.host(request), (app,), a, b)
        except PlanError as error:
            raise NotHere from error
        current = next((one.generation for one in view.report.apps if one.name == app), 0)
        pairs = [(pair, [_field(pair, name) for name in FIELDS]) for pair in found.binaries]
        return self.site.page(request, "generations.html", view=view, it=found, pairs=pairs, current=current)

    def want(self, request: Request) -> Response:
        """The form that changes what somebody wants: hold, release, channel or pin."""
        return self._want(request, _what(request), {}, "")

    def _want(self, request: Request, what: str, given: Form, problem: str, status: int = 200) -> Response:
        view = self.site.view()
        app = self.site.app(view, request.path_params["app"])
        host = self.site.host(request)
        values = {
            "what": what,
            "app": app,
            "it": standing_of(view, app),
            "hold": view.settings.holds.get(app),
            "pin": view.settings.pins.get(app, ""),
            "own": view.settings.channels.get(app, ""),
            "channel": next((c for c in channels(host) if c.app == app), None),
            "given": given,
            "problem": problem,
            "csrf": csrf(request),
        }
        return self.site.page(request, "want.html", status, view=view, **values)

    def set(self, request: Request, form: Form) -> Response:
        """Do what the form says; what cannot be done is told above the form, with what was typed still in it."""
        what, app = _what(request), self.site.app(self.site.view(), request.path_params["app"])
        if not genuine(request, form):
            return self._want(request, what, form, EXPIRED, 403)
        try:
            self._set(request, what, app, form)
        except CockpitPmError as error:
            return self._want(request, what, form, f"{error.message}. {error.hint}".rstrip(". "), 400)
        self.site.engine.view(age=0.0)
        return self.site.to(request, f"/apps/{app}")

    def _set(self, request: Request, what: str, app: str, form: Form) -> None:
        host = self.site.host(request)
        value = form.get("value", "").strip()
        match what:
            case "hold":
                set_hold(host, app, form.get("until", "").strip(), form.get("reason", ""))
            case "release":
                end_hold(host, app)
            case "channel":
                set_channel(host, value or None, app)
            case _:
                set_pin(host, app, value or None)


def _generations(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The kept generations, newest first, each with its receipts."""
    numbers = sorted({one["generation"] for one in kept}, reverse=True)
    return [
        {
            "number": number,
            "receipts": mine,
            "current": mine[0]["current"],
            "installed_at": mine[0]["installed_at"] or "",
            "actor": mine[0]["actor"] or "",
            "older": next((n for n in numbers if n < number), 0),
        }
        for number in numbers
        for mine in [[one for one in kept if one["generation"] == number]]
    ]


def _what(request: Request) -> str:
    """The last word of the path."""
    return request.url.path.rpartition("/")[2]


def _field(pair: Any, name: str) -> tuple[str, str, str, bool]:
    """The label, both values, and whether they differ."""
    a, b = (str(getattr(one, name)) if one else "" for one in (pair.a, pair.b))
    return SAID[name], a, b, a != b
