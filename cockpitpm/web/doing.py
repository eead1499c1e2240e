"""One service: what it wrote, and starting, stopping or restarting it."""

from __future__ import annotations

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app import plans
from cockpitpm.app.services import logs, services_of, stop
from cockpitpm.app.standing import dependants
from cockpitpm.errors import CockpitPmError, PlanError
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request as Wish
from cockpitpm.web.forms import EXPIRED, Form
from cockpitpm.web.plans import Plans
from cockpitpm.web.site import NotHere, Site, actor, csrf, genuine

LINES = 400


@frozen
class Doing:
    """`/services/{service}/log` and `/services/{service}/do`."""

    site: Site
    plans: Plans

    def log(self, request: Request) -> Response:
        """The last lines of a service, or of every service of an app."""
        view, host, name = self.site.view(), self.site.host(request), request.path_params["service"]
        app = self.site.owner(host, view, name)
        try:
            written = {service: text.splitlines() for service, text in logs(host, name, LINES).items()}
        except PlanError as error:
            raise NotHere from error
        return self.site.page(request, "log.html", view=view, name=name, app=app, written=written, most=LINES)

    def ask(self, request: Request) -> Response:
        """What will happen. Starting and restarting are plans; stopping is asked here."""
        view, host, name = self.site.view(), self.site.host(request), request.path_params["service"]
        verb = request.query_params.get("verb", "")
        app = self.site.owner(host, view, name)
        if verb in (Verb.START.value, Verb.RESTART.value):
            digest, saved = plans.show(host, Wish(verb=Verb(verb), names=(name,), actor=actor(request)))
            return self.plans.render(request, digest, saved, asked_from="" if name == app else name)
        if verb != "stop":
            raise NotHere
        return self._stop(request, name, app, "")

    def _stop(self, request: Request, name: str, app: str, problem: str, status: int = 200) -> Response:
        view = self.site.view()
        try:
            _, services = services_of(self.site.host(request), name)
        except PlanError as error:
            raise NotHere from error
        values = {"name": name, "app": app, "services": services, "needing": dependants(view, app)}
        return self.site.page(request, "stop.html", status, view=view, problem=problem, csrf=csrf(request), **values)

    def do(self, request: Request, form: Form) -> Response:
        """Stop it. The other verbs are jobs, and are carried out by their plan."""
        view, host, name = self.site.view(), self.site.host(request), request.path_params["service"]
        app = self.site.owner(host, view, name)
        if form.get("verb") != "stop":
            raise NotHere
        if not genuine(request, form):
            return self._stop(request, name, app, EXPIRED, 403)
        try:
            stop(host, name)
        except CockpitPmError as error:
            return self._stop(request, name, app, f"{error.message}. {error.hint}".rstrip(". "), 409)
        self.site.engine.view(age=0.0)
        return self.site.to(request, f"/apps/{app}")
