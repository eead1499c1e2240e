"""Where a button leads, and which pages an app itself offers."""

from __future__ import annotations

from cockpitpm.model.bundle import Binary, BinaryKind, Bundle, Link
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Reason
from cockpitpm.model.standing import Act, Button
from cockpitpm.web.text import part

PAST = {Reason.HOLD: "past_hold", Reason.BLOCKED_BUILD: "retry_failed"}
"""What an operator may go past on the page, by its word in the address of a plan."""
PAGES = {BinaryKind.ADMIN: "Admin", BinaryKind.WEB: "App", BinaryKind.UI: "App"}


def place(app: str, button: Button) -> str:
    """The path of a button of an app, below the prefix."""
    mine, service = f"/apps/{part(app)}", f"/services/{part(button.service or app)}"
    match button.act:
        case Act.WATCH | Act.CANCEL:
            return f"/jobs/{button.job}"
        case Act.SHOW_LOG:
            return f"{service}/log"
        case Act.START | Act.STOP | Act.RESTART:
            return f"{service}/do?verb={button.act.name.lower()}"
        case Act.FINISH | Act.CONVERGE:
            named = f"&service={part(button.service)}" if button.service else ""
            return f"{mine}/plan?do=converge{named}"
        case Act.COMPLETE if not button.to:
            return f"{mine}/plan?do=upgrade"
        case Act.PUT_BACK | Act.ROLL_BACK | Act.COMPLETE:
            return f"{mine}/plan?do=rollback" + (f"&to={button.to}" if button.to else "")
        case Act.KEEP:
            return f"{mine}/plan?do=adopt"
        case Act.UPGRADE if button.service:
            return f"{service}/plan"
        case Act.UPGRADE_ONCE:
            return plan_past(app, Verb.UPGRADE, (Reason.HOLD,))
        case Act.TRY_AGAIN:
            return plan_past(app, Verb.UPGRADE, (Reason.BLOCKED_BUILD,))
        case Act.WHAT_IS_WRONG:
            return f"{mine}/plan?do=upgrade"
        case Act.UPGRADE | Act.INSTALL | Act.REMOVE:
            return f"{mine}/plan?do={button.act.name.lower()}"
        case Act.HOLD | Act.CHANNEL | Act.PIN:
            return f"{mine}/{button.act.name.lower()}"
        case Act.RELEASE:
            return f"{mine}/release"
        case Act.UNPIN:
            return f"{mine}/pin"
        case Act.CHECK:
            return "/check"
        case Act.LOOK:
            return "/services"
        case Act.COMPARE | Act.SHOW_THEM:
            return f"{mine}#truths"
        case Act.WHAT_FAILED:
            return f"/history?app={part(app)}"
        case _:
            return mine


def plan_past(app: str, verb: Verb, allow: tuple[Reason, ...]) -> str:
    """The path of the plan that goes past a hold or a failed build, below the prefix."""
    said = "".join(f"&{word}=1" for reason, word in PAST.items() if reason in allow)
    return f"/apps/{part(app)}/plan?do={verb.value}{said}"


def own_pages(bundle: Bundle | None) -> tuple[Link, ...]:
    """The pages of an installed app: one for each binary that has a socket for people."""
    found = {page.title: page for b in (bundle.binaries if bundle else ()) for page in _pages(b)}
    return tuple(found[title] for title in sorted(found))


def _pages(binary: Binary) -> list[Link]:
    title = PAGES.get(binary.kind)
    paths = [s.path for s in binary.sockets if s.path and s.name == binary.kind.value and s.path.endswith(".sock")]
    return [Link(title=title, path=f"/{path.removesuffix('.sock')}/") for path in paths] if title else []


def safe(link: Link) -> bool:
    """Whether it stays on this machine: a path, and no other host in disguise."""
    return link.path.startswith("/") and not link.path.startswith(("//", "/\\"))
