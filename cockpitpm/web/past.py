"""The history: what was done, by whom, how it ended; the check of its chain stands on top."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app.records import history
from cockpitpm.app.standing import shown
from cockpitpm.errors import StoreError
from cockpitpm.web.plan_view import WORDS
from cockpitpm.web.site import Site

AT_ONCE = 100


@frozen
class Past:
    """`/history`."""

    site: Site

    def show(self, request: Request) -> Response:
        """The newest lines by day; `app` and `who` narrow them, `before` is a line's number."""
        view, asked = self.site.view(), request.query_params
        app, who, before = asked.get("app", "")[:100], asked.get("who", "")[:100], asked.get("before", "")
        hidden = {one.name for one in view.report.apps} - {one.name for one in shown(view)}
        problem, hint = "", ""
        every: tuple[Any, ...] = ()
        try:
            every = history(self.site.host(request))
        except StoreError as error:
            problem, hint = error.message, error.hint
        mine = [line for line in every if line.entry.app not in hidden]
        found = [line for line in mine if _matches(line, app, who, before)]
        page, rest = found[:AT_ONCE], found[AT_ONCE:]
        values: dict[str, Any] = {
            "days": [(day, list(lines)) for day, lines in groupby(page, key=lambda line: line.entry.at[:10])],
            "apps": sorted({line.entry.app for line in mine}),
            "people": sorted({line.entry.actor for line in mine if line.entry.actor}),
            "app": app,
            "who": who,
            "count": len(every),
            "older": page[-1].number if rest else 0,
            "problem": problem,
            "hint": hint,
            "verbs": WORDS,
        }
        return self.site.page(request, "history.html", view=view, **values)


def _matches(line: Any, app: str, who: str, before: str) -> bool:
    earlier = not (before.isascii() and before.isdecimal()) or line.number < int(before[:12])
    return earlier and app in ("", line.entry.app) and who in ("", line.entry.actor)
