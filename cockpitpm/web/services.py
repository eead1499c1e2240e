"""The list of every app and service, and reading the channels anew."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app.refresh import refresh
from cockpitpm.app.standing import board
from cockpitpm.model.standing import Section, Standing
from cockpitpm.web.forms import EXPIRED, Form
from cockpitpm.web.preferences import Opened, opened, show_every
from cockpitpm.web.rows import LEGEND, row
from cockpitpm.web.site import Site, csrf, genuine, prefix

TITLES = {
    Section.NEEDS_DECISION: "Needs a decision",
    Section.UPDATES: "Updates",
    Section.IN_ORDER: "In order",
    Section.NOT_INSTALLED: "Not installed",
}


@frozen
class Services:
    """`/services` and `/check`."""

    site: Site

    def show(self, request: Request) -> Response:
        """Every app, or those whose names or services hold the words of `q`, which are open.

        `rows=all` opens every row and `rows=apps` none but the usual; that, and what was opened since, is kept.
        """
        mark, view = self.site.mark(), self.site.engine.shown()
        found = board(view)
        q = request.query_params.get("q", "").strip()[:100]
        kept = opened(request)
        every = {"all": True, "apps": False}.get(request.query_params.get("rows", ""), kept.every)
        rows = kept if every == kept.every else Opened(every=every)
        sections = []
        count = 0
        for section, title in TITLES.items():
            apps = [s for s in found.of(section) if _matches(s, q)]
            count += len(apps)
            shown = [row(s, view.catalog.bundle(s.app), prefix(request), bool(q) or rows.row(s.app)) for s in apps]
            sections.append((section.value, title, apps, shown))
        updates = [s.app for s in found.of(Section.UPDATES) if s.row == 16]
        values: dict[str, Any] = {
            "sections": sections,
            "q": q,
            "rows": "all" if every else "",
            "shown": count,
            "legend": LEGEND,
            "updates": updates,
            "trouble": view.trouble,
        }
        answer = self.site.page(request, "services.html", mark=mark, view=view, board=found, **values)
        if rows is not kept:
            show_every(request, answer, every)
        return answer

    def ask(self, request: Request, problem: str = "", status: int = 200) -> Response:
        """What reading the channels does."""
        values = {"csrf": csrf(request), "problem": problem, "untold": ()}
        return self.site.page(request, "check.html", status, **values)

    def check(self, request: Request, form: Form) -> Response:
        """Read the channels of every installed app."""
        if not genuine(request, form):
            return self.ask(request, EXPIRED, 403)
        host = self.site.host(request)
        untold = refresh(host)
        view = self.site.engine.view(age=0.0)
        seen = [(app, why) for app, why in sorted(untold.items()) if host.catalog.bundle(app)]
        if not seen:
            return self.site.to(request, "/services")
        return self.site.page(request, "check.html", view=view, csrf=csrf(request), problem="", untold=seen)


def _matches(it: Standing, q: str) -> bool:
    words = " ".join((it.app, it.title, it.words, *(s.name for s in it.services))).lower()
    return all(word in words for word in q.lower().split())
