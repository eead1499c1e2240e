"""The addresses of the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cockpitpm.app.engine import Engine
from cockpitpm.errors import CockpitPmError
from cockpitpm.web import assets
from cockpitpm.web.apps import WANTS, Apps
from cockpitpm.web.doing import Doing
from cockpitpm.web.forms import Form, read_form
from cockpitpm.web.hub import Hub
from cockpitpm.web.jobs import Jobs
from cockpitpm.web.past import Past
from cockpitpm.web.plans import Plans
from cockpitpm.web.services import Services
from cockpitpm.web.settings import SettingsPages
from cockpitpm.web.site import NotHere, Site, hostname

Handler = Callable[[Request], Awaitable[Response]]


def routes(engine: Engine, hub: Hub, tokens: Callable[[], str], machine: str = "") -> list[BaseRoute]:
    """Every page of one machine. `tokens` gives a random word, `machine` is what the pages call it.

    The stream of events is the server's own route; pages carry the mark of `hub` to begin from.
    """
    site = Site(engine=engine, mark=hub.mark, tokens=tokens, machine=machine or hostname())
    plans = Plans(site)
    services, jobs, apps, past = Services(site), Jobs(site), Apps(site), Past(site)
    doing, settings = Doing(site, plans), SettingsPages(site)

    def get(path: str, page: Callable[[Request], Response]) -> Route:
        return Route(path, _asked(site, page), methods=["GET"])

    def post(path: str, page: Callable[[Request, Form], Response]) -> Route:
        return Route(path, _sent(site, page), methods=["POST"])

    return [
        get("/", lambda request: site.to(request, "/services")),
        get("/services", services.show),
        get("/check", services.ask),
        post("/check", services.check),
        get("/services/plan", plans.several),
        get("/services/{service}/plan", plans.service),
        get("/services/{service}/log", doing.log),
        get("/services/{service}/do", doing.ask),
        post("/services/{service}/do", doing.do),
        get("/apps/{app}/plan", plans.app),
        get("/apps/{app}/generations/{a:int}..{b:int}", apps.diff),
        *(get(f"/apps/{{app}}/{what}", apps.want) for what in WANTS),
        *(post(f"/apps/{{app}}/{what}", apps.set) for what in WANTS),
        post("/plans/{digest}/apply", plans.apply),
        get("/apps/{app}", apps.show),
        get("/jobs", jobs.show_all),
        get("/jobs/{id:int}", jobs.show),
        get("/jobs/{id:int}/log.txt", jobs.log),
        post("/jobs/{id:int}/cancel", jobs.cancel),
        get("/history", past.show),
        get("/settings", settings.show),
        post("/settings/channel", settings.channel),
        post("/settings/tokens", settings.token),
        post("/settings/look", settings.look),
        Route("/static/{name}", assets.serve, methods=["GET"]),
        Route("/{rest:path}", _asked(site, site.missing), methods=["GET"]),
    ]


def _asked(site: Site, page: Callable[[Request], Response]) -> Handler:
    async def answer(request: Request) -> Response:
        return await run_sync(_careful, site, request, lambda: page(request))

    return answer


def _sent(site: Site, page: Callable[[Request, Form], Response]) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            form = await read_form(request)
        except CockpitPmError as error:
            return await run_sync(site.error, request, error)
        return await run_sync(_careful, site, request, lambda: page(request, form))

    return answer


def _careful(site: Site, request: Request, page: Callable[[], Response]) -> Response:
    """The page, or how its error looks. What cannot even be looked at has no frame to stand in."""
    try:
        return page()
    except NotHere:
        return site.missing(request)
    except CockpitPmError as error:
        return site.error(request, error)
