"""The row of one app, the same bytes on the page and in a live event."""

from __future__ import annotations

import hashlib

from markupsafe import Markup

from cockpitpm.app.engine import View
from cockpitpm.app.standing import standing_of
from cockpitpm.model.bundle import Bundle, Link
from cockpitpm.model.standing import Chain, Dot, Mark, Section, Standing, Tie, Tone
from cockpitpm.model.standing import Link as Tied
from cockpitpm.web.places import own_pages
from cockpitpm.web.site import environment
from cockpitpm.web.text import counted, visible


def render_app(view: View, app: str, prefix: str) -> str:
    """The html of an app's row; empty for one that the role may not see.

    It holds nothing of who looks. `data-digest` is that of what it says, whatever the prefix.
    """
    found = standing_of(view, app)
    return str(row(found, view.catalog.bundle(app), prefix)) if found else ""


def row(it: Standing, bundle: Bundle | None, prefix: str, opened: bool | None = None) -> Markup:
    """The row of an app that stands like this; `opened` is whether its services are shown at once.

    None is how it stands for everybody: what needs a decision and what is under way are open.
    """
    if opened is None:
        opened = it.section is Section.NEEDS_DECISION or bool(it.job)
    pages: tuple[Link, ...] = own_pages(bundle) if it.generation else ()
    here = counted(len(bundle.services), "service") if bundle else ""
    inside = environment().get_template("row.html").render(it=it, prefix=prefix, pages=pages, here=here, opened=opened)
    digest = hashlib.sha256(repr((it, pages, here)).encode(errors="backslashreplace")).hexdigest()[:16]
    kind = "app" if it.generation or it.job else "app off"
    head = Markup('<li class="{}" id="app-{}" data-app="{}" data-section="{}" data-digest="{}">\n')
    return (
        head.format(kind, visible(it.app), visible(it.app), it.section.value, digest) + Markup(inside) + Markup("</li>")
    )


def _chain(process: Dot, first: Tie, last: Tied, channel: Mark) -> Chain:
    there, same = Mark(dot=Dot.THERE), Tied(tie=Tie.SAME)
    return Chain(marks=(Mark(dot=process), there, there, channel), links=(Tied(tie=first, tone=Tone.WARN), same, last))


_SAME, _THERE = Tied(tie=Tie.SAME), Mark(dot=Dot.THERE)
LEGEND = (
    (_chain(Dot.THERE, Tie.SAME, _SAME, _THERE), "all agree"),
    (_chain(Dot.THERE, Tie.DIFFERS, _SAME, _THERE), "two differ"),
    (
        _chain(Dot.THERE, Tie.SAME, Tied(tie=Tie.DIFFERS, tone=Tone.INFO), Mark(dot=Dot.NEWER, tone=Tone.INFO)),
        "the channel has another build",
    ),
    (_chain(Dot.ABSENT, Tie.OPEN, _SAME, _THERE), "not running"),
)
