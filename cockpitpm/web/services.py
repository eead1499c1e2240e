"""The list of every app and service, and reading the channels anew."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app.refresh import refresh
from cockpitpm.app.standing import board
from cockpitpm.model.standing import Section, Standing
from cockpitpm.web.forms import Form
from cockpitpm.web.rows import LEGEND, row
from cockpitpm.web.site import Site, csrf, genuine, prefix

TITLES = {
    Section.NEEDS_DECISION: "Needs a decision",
    Section.UPDATES: "Updates",
    Section.IN_ORDER: "In order",
    Section.NOT_INSTALLED: "Not installed",
}
AGAIN = "The page had expired. Nothing was changed"


@frozen
class Services:
    """`/services` and `/check`."""

    site: Site

    def show(self, request: Request) -> Response:
        """Every app, or those whose names or services hold the words of `q`; `rows=all` opens them."""
        mark, view = self.site.mark(), self.site.view()
        found = board(view)
        q = request.query_params.get("q", "").strip()[:100]
        rows = "all" if request.query_params.get("rows") == "all" else ""
        sections = []
        count = 0
        for section, title in TITLES.items():
            apps = [s for s in found.of(section) if _matches(s, q)]
            count += len(apps)
            shown = [row(s, view.catalog.bundle(s.app), prefix(request), opened=bool(rows or q)) for s in apps]
            sections.append((section.value, title, apps, shown))
        updates = [s.app for s in found.of(Section.UPDATES) if s.row == 16]
        values: dict[str, Any] = {
            "sections": sections,
            "q": q,
            "rows": rows,
            "shown": count,
            "legend": LEGEND,
            "updates": updates,
        }
        return self.site.page(request, "services.html", mark=mark, view=view, board=found, **values)

    def ask(self, request: Request, problem: str = "", status: int = 200) -> Response:
        """What reading the channels does."""
        values = {"csrf": csrf(request), "problem": problem, "untold": ()}
        return self.site.page(request, "check.html", status, **values)

    def check(self, request: Request, form: Form) -> Response:
        """Read the channels of every installed app."""
        if not genuine(request, form):
            return self.ask(request, AGAIN, 403)
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
