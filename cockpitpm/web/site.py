"""What every page is made with: the machine, the templates, who asks, and how an error looks."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cache
from typing import Any

from attrs import frozen
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cockpitpm import __version__
from cockpitpm.app.engine import Engine, View
from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of
from cockpitpm.app.standing import jobs_shown, links, shown
from cockpitpm.errors import CockpitPmError, LockedError, PlanError, UsageError
from cockpitpm.web import assets
from cockpitpm.web.places import own_pages, place, safe
from cockpitpm.web.preferences import keys, look
from cockpitpm.web.text import FILTERS, visible


class NotHere(Exception):
    """There is no such page. It carries nothing, so that what is hidden looks like what never was."""


@cache
def environment() -> Environment:
    """The templates. Everything is escaped, and every value is made visible first."""
    made = Environment(
        loader=PackageLoader("cockpitpm.web"),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FILTERS
    made.globals |= {"place": place, "own_pages": own_pages}
    return made


@frozen(kw_only=True)
class Site:
    """One machine's pages. `tokens` gives a random word that nobody can guess, `mark` where the stream of events is."""

    engine: Engine
    mark: Callable[[], str]
    tokens: Callable[[], str]
    machine: str

    def view(self) -> View:
        """A look at the machine, shared by everybody who asks at the same time."""
        return self.engine.view()

    def host(self, request: Request) -> Host:
        """The machine, opened for whoever asks."""
        return self.engine.host(actor(request))

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page."""
        mark = values.pop("mark", None) or self.mark()
        view = values.pop("view", None) or self.view()
        headers = values.pop("headers", None)
        frame = {
            "prefix": prefix(request),
            "mark": mark,
            "css": assets.address("cockpit.css"),
            "js": assets.address("cockpit.js"),
            "favicon": assets.address("icon.svg"),
            "machine": self.machine,
            "actor": actor(request),
            "role": view.role.role.value,
            "nav": [link for link in links(view) if safe(link)],
            "working": sum(not job.state.ended for job in jobs_shown(view)),
            "look": look(request),
            "keys": keys(request),
            "now": view.read_at,
            "version": __version__,
        }
        text = environment().get_template(template).render(**frame, **values)
        return HTMLResponse(text, status_code=status, headers=headers)

    def error(self, request: Request, error: CockpitPmError) -> Response:
        """The thing, the reason and the way out."""
        status = 409 if isinstance(error, LockedError) else 400 if isinstance(error, UsageError | PlanError) else 503
        return self.page(request, "error.html", status, title=error.message, hint=error.hint)

    def missing(self, request: Request) -> Response:
        """There is no such page: the same bytes for everything that is not here."""
        return self.page(request, "missing.html", 404)

    def owner(self, host: Host, view: View, name: str) -> str:
        """The app that a name belongs to. Raises NotHere for one that the role may not see."""
        try:
            app = app_of(host, name)
        except PlanError as error:
            raise NotHere from error
        if app not in {one.name for one in shown(view)}:
            raise NotHere
        return app

    def app(self, view: View, name: str) -> str:
        """The name, if it is that of an app that the role may see. Raises NotHere."""
        if name not in {one.name for one in shown(view)}:
            raise NotHere
        return name

    def to(self, request: Request, path: str) -> Response:
        """Go on to another page of ours."""
        return RedirectResponse(prefix(request) + path, 303)


def prefix(request: Request) -> str:
    """What stands before every path of ours, such as `/hero_cockpit/web`."""
    return str(request.scope.get("root_path") or "")


def actor(request: Request) -> str:
    """Who asks, as the server has found out."""
    return str(request.scope.get("state", {}).get("actor", ""))


def csrf(request: Request) -> str:
    """The token that a form of this page carries."""
    return str(request.scope["state"]["csrf"].issue())


def genuine(request: Request, form: dict[str, str]) -> bool:
    """Whether the form is one of ours, for whoever sends it."""
    return bool(request.scope["state"]["csrf"].check(form.get("csrf", "")))


def hostname() -> str:
    """What this machine calls itself."""
    return socket.gethostname()
