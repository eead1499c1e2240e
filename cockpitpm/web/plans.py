"""The plan before the button acts: exactly what was shown is carried out, or nothing."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app import plans
from cockpitpm.app.host import Host
from cockpitpm.app.planfile import Unfit
from cockpitpm.app.standing import board, dependants, under_way
from cockpitpm.errors import PlanError
from cockpitpm.model.binding import SavedPlan
from cockpitpm.model.job import Job, Order
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import OLDER
from cockpitpm.model.request import Request as Wish
from cockpitpm.model.standing import Section
from cockpitpm.web.forms import Form
from cockpitpm.web.places import PAST
from cockpitpm.web.plan_view import OWNERS, plan_view
from cockpitpm.web.site import NotHere, Site, actor, csrf, genuine

FORWARD = (Verb.INSTALL, Verb.UPGRADE)
DOES = {verb.value: verb for verb in Verb}
LONGEST_REASON = 500
EXPIRED = "Nothing was changed: this page had expired, and this is the plan as it is now"


@frozen
class Plans:
    """`/…/plan` and `/plans/…/apply`."""

    site: Site

    def app(self, request: Request) -> Response:
        """What one verb would do with one app."""
        view, asked = self.site.view(), request.query_params
        app = self.site.app(view, request.path_params["app"])
        verb = DOES.get(asked.get("do", ""))
        if verb is None:
            raise NotHere
        host = self.site.host(request)
        names, wanted = (app,), asked.get("service", "")
        if wanted and verb in (Verb.CONVERGE, Verb.START, Verb.RESTART):
            if self.site.owner(host, view, wanted) != app:
                raise NotHere
            names = (wanted,)
        allow = tuple(reason for reason, word in PAST.items() if asked.get(word) and verb in FORWARD)
        wish = Wish(verb=verb, names=names, to=_number(asked.get("to", "")), actor=actor(request), allow=allow)
        return self._show(request, host, wish)

    def service(self, request: Request) -> Response:
        """The upgrade of the app that a service belongs to, asked from that service's row."""
        view, host, name = self.site.view(), self.site.host(request), request.path_params["service"]
        app = self.site.owner(host, view, name)
        return self._show(request, host, Wish(verb=Verb.UPGRADE, names=(app,), actor=actor(request)), asked_from=name)

    def several(self, request: Request) -> Response:
        """The upgrades of several apps; without names those that have one."""
        view = self.site.view()
        asked = tuple(dict.fromkeys(self.site.app(view, name) for name in request.query_params.getlist("app")))
        ready = tuple(s.app for s in board(view).of(Section.UPDATES) if s.row == 16)
        wish = Wish(verb=Verb.UPGRADE, names=asked or ready, actor=actor(request))
        if not wish.names:
            return self.site.to(request, "/services")
        return self._show(request, self.site.host(request), wish)

    def _show(self, request: Request, host: Host, wish: Wish, asked_from: str = "") -> Response:
        digest, saved = plans.show(host, wish)
        return self.render(request, digest, saved, asked_from=asked_from)

    def render(self, request: Request, digest: str, saved: SavedPlan, status: int = 200, **more: Any) -> Response:
        """The page of a plan. `notice` stands above it, `old` beside it."""
        view = self.site.view()
        named = saved.request.names
        services = tuple(n for n in named if n not in {a.app for a in saved.plan.apps})
        values = {
            "digest": digest,
            "plan": plan_view(saved.plan, () if services else named, services),
            "csrf": csrf(request),
            "key": self.site.tokens(),
            "needing": _needing(view, saved),
            "notice": "",
            "asked_from": "",
            "old": None,
            "changed": "",
            "reason": "",
        }
        return self.site.page(request, "plan.html", status, view=view, **(values | more))

    def apply(self, request: Request, form: Form) -> Response:
        """Carry out the plan of this digest. The same key, or the same change under way, is the same job."""
        host, view, digest = self.site.host(request), self.site.view(), request.path_params["digest"]
        saved = plans.shown(host, digest)
        for one in saved.plan.apps:
            self.site.app(view, one.app)
        asked_from, reason = form.get("from", "")[:200], form.get("reason", "").strip()[:LONGEST_REASON]
        if not genuine(request, form):
            return self._again(request, host, saved, 403, notice=EXPIRED, asked_from=asked_from, reason=reason)
        order = _order(saved, digest, actor(request), reason, form.get("key", ""), asked_from)
        if there := under_way(host, order):
            return self._landed(request, there, order)
        if saved.request.verb in OWNERS or set(saved.request.allow).intersection(OLDER):
            told = "This is for the owner of the machine, at its command line. Nothing was changed"
            return self._again(request, host, saved, 403, notice=told, asked_from=asked_from)
        try:
            plans.stands(host, digest)
        except Unfit as error:
            return self._changed(request, host, saved, error, asked_from)
        job, _ = self.site.engine.order(order)
        return self._landed(request, job, order)

    def _landed(self, request: Request, job: Job, order: Order) -> Response:
        """On the job; somebody else's press for the same is told."""
        return self.site.to(request, f"/jobs/{job.id}{'' if job.order.key == order.key else '?there=1'}")

    def _again(self, request: Request, host: Host, saved: SavedPlan, status: int, **more: Any) -> Response:
        digest, fresh = plans.show(host, evolve(saved.request, actor=actor(request), reason=""))
        return self.render(request, digest, fresh, status, **more)

    def _changed(self, request: Request, host: Host, saved: SavedPlan, error: Unfit, asked_from: str) -> Response:
        """Nothing is done: what was shown and what would be done now, side by side."""
        old = plan_view(saved.plan, saved.request.names)
        try:
            return self._again(request, host, saved, 409, old=old, changed=error.message, asked_from=asked_from)
        except PlanError:
            return self.site.page(request, "error.html", 409, title=error.message, hint=error.hint)


def _order(saved: SavedPlan, digest: str, who: str, reason: str, key: str, asked_from: str) -> Order:
    return Order(
        request=evolve(saved.request, actor=who, reason=reason),
        apps=tuple(app.app for app in saved.plan.apps if app.acts),
        key=key[:200],
        plan=digest,
        asked_from=asked_from,
    )


def _needing(view: Any, saved: SavedPlan) -> tuple[str, ...]:
    """Who else needs what goes away meanwhile."""
    acting = [app.app for app in saved.plan.apps if app.acts]
    found = dict.fromkeys(name for app in acting for name in dependants(view, app))
    return tuple(name for name in found if name not in acting)


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 7 else None
