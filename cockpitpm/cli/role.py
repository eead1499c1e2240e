"""`role`."""

from __future__ import annotations

import click

from cockpitpm.cli.options import reading, setting
from cockpitpm.cli.session import Session, role_of
from cockpitpm.cli.terminal import Ink, Terminal, bold, cyan, dim, green
from cockpitpm.cli.verbs import Family, Verb
from cockpitpm.model.role import RoleChoice

EXAMPLES = ("cockpitpm role", "cockpitpm role set admin", "cockpitpm explain role")


@click.group(cls=Family, examples=EXAMPLES, invoke_without_command=True)
@reading
@click.pass_context
def role(context: click.Context) -> None:
    """Show what this machine is for, or set it with `role set`.

    The stored setting decides, then COCKPIT_MACHINE_ROLE, then it is a tester.
    """
    if context.invoked_subcommand is None:
        _show(context.obj)


def _show(session: Session) -> None:
    from cockpitpm.app.explain import role_json

    choice = session.host().role
    if session.as_json:
        session.json(role_json(choice))
    else:
        by = "by default" if choice.decided_by == "default" else f"says {choice.decided_by}"
        session.out.line(bold(choice.role.value), dim(f"  {by}"))


@role.command("set", cls=Verb, examples=("cockpitpm role set admin", "cockpitpm role set tester"))
@click.argument("word", metavar="tester|admin")
@setting
@click.pass_obj
def set_(session: Session, word: str) -> None:
    """Store the role in machine.yaml. `member` is another word for tester.

    Refused for tester while apps of the admin layer are installed.
    """
    from cockpitpm.app.settings import set_role

    meant = role_of(word)
    path = set_role(session.host(), meant)
    if session.as_json:
        session.json({"role": meant.value, "file": str(path)})
    else:
        session.out.line(green("✓ "), "This machine is now ", bold(_article(meant.value)), dim(f"  {path}"))


def _article(word: str) -> str:
    return f"an {word}" if word == "admin" else f"a {word}"


def write_levels(out: Terminal, choice: RoleChoice) -> None:
    """Write every level that may say the role, most explicit first, with the one that decided marked."""
    levels = [(v.source, v.value) for v in choice.levels] + [("default", "tester")]
    width = max(len(source) for source, _ in levels)
    out.line("This machine is ", bold(_article(choice.role.value)), ".")
    for source, value in levels:
        decides = source == choice.decided_by
        said = dim("says nothing") if value is None else cyan(repr(value)) if decides else dim(repr(value))
        mark = green("→ ") if decides else "  "
        name = source.ljust(width + 2)
        out.line("  ", mark, bold(name) if decides else Ink(name, "2"), said)
