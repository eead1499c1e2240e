"""What a reader prefers, kept in cookies of this site alone: the look, single keys, which rows stand open."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import field, frozen
from starlette.requests import Request
from starlette.responses import Response

LOOKS = ("system", "light", "dark")
LOOK, KEYS, OPEN = "cockpit_look", "cockpit_keys", "cockpit_open"
YEAR, MONTH = 365 * 24 * 3600, 30 * 24 * 3600
LONGEST = 2000
"""Characters of what is kept of rows; the script keeps to it too."""
EVERY = "*"
_ROWS = re.compile(r"(?:\*|-?[a-z][a-z0-9_]{0,63})(?:\.(?:\*|-?[a-z][a-z0-9_]{0,63}))*", re.ASCII)


@frozen(kw_only=True)
class Opened:
    """Which rows a reader opened (True) or closed (False), by app. `every`: the others are open."""

    every: bool = False
    apps: Mapping[str, bool] = field(factory=dict)

    def row(self, app: str) -> bool | None:
        """Whether the row of an app is open; None where it stands as it does for everybody."""
        return self.apps.get(app, True if self.every else None)


def look(request: Request) -> str:
    """The colours that somebody chose."""
    said = request.cookies.get(LOOK, "")
    return said if said in LOOKS else "system"


def keys(request: Request) -> bool:
    """Whether somebody chose single keys."""
    return request.cookies.get(KEYS) == "on"


def opened(request: Request) -> Opened:
    """The rows of the cookie, such as `*.hero_db.-hero_books`; none for anything that we did not write."""
    said = request.cookies.get(OPEN, "")
    if len(said) > LONGEST or not _ROWS.fullmatch(said):
        return Opened()
    words = said.split(".")
    apps = {word.removeprefix("-"): not word.startswith("-") for word in words if word != EVERY}
    return Opened(every=EVERY in words, apps=apps)


def choose(request: Request, answer: Response, look: str, keys: bool) -> None:
    """Keep the look and the keys."""
    _keep(request, answer, LOOK, look, YEAR, script=False)
    _keep(request, answer, KEYS, "on" if keys else "", YEAR, script=False)


def show_every(request: Request, answer: Response, every: bool) -> None:
    """From now on every row is open, or each as it stands for everybody. The script keeps single rows."""
    _keep(request, answer, OPEN, EVERY if every else "", MONTH, script=True)


def _keep(request: Request, answer: Response, name: str, value: str, seconds: int, script: bool) -> None:
    """An empty value is one that the browser forgets."""
    path = str(request.scope.get("root_path") or "/")
    lasts = seconds if value else 0
    answer.set_cookie(name, value, max_age=lasts, path=path, httponly=not script, samesite="strict")
