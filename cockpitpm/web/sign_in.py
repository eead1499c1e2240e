"""The page where one signs in. It stands before every other, so it tells nothing of the machine."""

from __future__ import annotations

from starlette.requests import Request

from cockpitpm.web import assets
from cockpitpm.web.preferences import look
from cockpitpm.web.site import environment


def sign_in(action: str, back: str, said: str = "", tone: str = "info", cookies: tuple[str, ...] = ()) -> str:
    """Its html. `action` is where the form goes, `back` where it leads; `said` stands above it, in a tone.

    `cookies` are the lines of the request, for the look that somebody chose.
    """
    lines = [(b"cookie", line.encode("latin-1")) for line in cookies]
    values = {
        "action": action,
        "back": back,
        "said": said,
        "tone": tone,
        "look": look(Request({"type": "http", "headers": lines})),
        "css": action.removesuffix("/session") + assets.address("cockpit.css"),
        "favicon": action.removesuffix("/session") + assets.address("icon.svg"),
    }
    return environment().get_template("sign_in.html").render(**values)
