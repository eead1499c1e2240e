"""The options that many verbs share. They are remembered by the session, so their place in the line does not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _kept(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            setattr(context.obj, name, value)

    return keep


def _option(*words: str, keep: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*words, expose_value=False, callback=_kept(keep), **settings)


_ROOT = _option("--root", keep="given_root", metavar="PATH", help="The machine's root [PATH_ROOT, else ~/hero].")
_BUNDLES = _option("--bundles", keep="given_bundles", metavar="DIR", help="Bundles instead of those that came along.")
_JSON = _option("--json", keep="as_json", is_flag=True, help="Answer in JSON.")
_ROLE = _option(
    "--role",
    keep="given_role",
    type=click.Choice(["tester", "member", "admin"]),
    help="Look as this role would.",
)
_YES = _option("--yes", "-y", keep="yes", is_flag=True, help="Do not ask.")
_DRY_RUN = _option("--dry-run", keep="dry_run", is_flag=True, help="Show what would be done and change nothing.")


_DOWNGRADE = _option(
    "--allow-downgrade",
    keep="allow_downgrade",
    is_flag=True,
    help="Take a build that is not known to be newer; needs --reason.",
)
_PAST_HOLD = _option(
    "--past-hold",
    keep="past_hold",
    is_flag=True,
    help="Take the build of a named app once although it is held; the hold stays.",
)
_RETRY_FAILED = _option(
    "--retry-failed",
    keep="retry_failed",
    is_flag=True,
    help="Try the build of a named app once more although it failed here.",
)
_REASON = _option("--reason", keep="reason", metavar="TEXT", help="Why; kept in the history.")


def _all(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


places = _all(_ROOT, _BUNDLES)
"""Which machine, and which bundles."""
reading = _all(_JSON, _ROOT, _BUNDLES)
"""A verb that only looks."""
as_role = _all(_ROLE)
"""A reading verb whose answer depends on the role."""
asking = _all(_YES, _DRY_RUN, _JSON, _ROOT, _BUNDLES)
"""A verb that changes the machine after a question."""
through = _all(_DOWNGRADE, _PAST_HOLD, _REASON)
"""A verb that may refuse a build because of its age, or leave an app alone because somebody holds it."""
again = _all(_RETRY_FAILED)
"""A verb that may refuse a build because it failed here."""
because = _all(_REASON)
"""A verb whose reason is kept in the history."""
acting = _all(_DRY_RUN, _JSON, _ROOT, _BUNDLES)
"""A verb that changes the machine without one."""
setting = _all(_JSON, _ROOT, _BUNDLES)
"""A verb that changes machine.yaml."""
