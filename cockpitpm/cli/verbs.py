"""The table of verbs. A verb's module is imported when the verb is called, so that none pays for the others."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from cockpitpm import __version__
from cockpitpm.cli.options import places

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Look": {
        "catalog": ("catalog", "The apps that this machine may have."),
        "plan": ("plan", "What install or upgrade would do, and why."),
        "status": ("status", "What runs, what is on disk, what was recorded, what is published."),
        "receipts": ("receipts", "Which bytes are installed and where they came from."),
        "history": ("history", "What happened on this machine, newest first."),
        "explain": ("explain", "Where a name leads, or why the machine has its role."),
        "verify": ("verify", "Whether every byte and every record is what was written."),
        "doctor": ("doctor", "What is wrong with this machine, and how to mend it."),
        "logs": ("logs", "The last lines that services wrote."),
        "jobs": ("jobs", "Changes that a server was asked for."),
    },
    "Change": {
        "install": ("change", "Bring apps onto the machine, with what they require."),
        "upgrade": ("change", "Bring apps to the build that their channel holds."),
        "rollback": ("change", "Make an older generation of an app the current one."),
        "adopt": ("change", "Keep bytes that somebody put in place by hand."),
        "remove": ("change", "Take apps off the machine."),
        "apply": ("apply", "Carry out a plan that was saved."),
        "converge": ("mend", "Bring services onto the bytes that are in place."),
        "recover": ("mend", "Finish what was interrupted."),
        "start": ("mend", "Start a service and mean it to run."),
        "stop": ("mend", "Stop a service and mean it to stay so."),
        "restart": ("mend", "Restart a service and prove that it works."),
        "register": ("register", "Tell the supervisor what services are, and keep values for them."),
    },
    "Set up": {
        "role": ("role", "What this machine is for: tester or admin."),
        "channel": ("channel", "Which line of builds the apps follow."),
        "schedule": ("schedule", "What happens by itself, and when."),
        "secret": ("secret", "Values that nobody else may see, such as tokens."),
        "pin": ("pin", "Give an app one exact release."),
        "unpin": ("pin", "Let an app follow its channel again."),
        "hold": ("hold", "Keep an app from being upgraded for a while."),
        "unhold": ("hold", "Let an app be upgraded again."),
        "router": ("router", "One port that leads to the sockets of all services."),
        "serve": ("serve", "Serve this machine's pages and JSON-RPC on its own sockets."),
        "lint": ("lint", "Check bundles, every fault in one run."),
        "demo": ("demo", "See all of it on a machine that is thrown away."),
    },
}
"""Section, verb, the module here that holds it, one line of help."""

VERBS = {verb: entry for section in SECTIONS.values() for verb, entry in section.items()}


class Exemplary:
    """Help that ends with examples."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Verb(Exemplary, click.Command):
    """A verb."""


class Family(Exemplary, click.Group):
    """A verb with sub-verbs."""


class Verbs(Exemplary, click.Group):
    """The group that knows its verbs by name only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f"cockpitpm.cli.{VERBS[cmd_name][0]}")
        found: click.Command = getattr(module, cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb of a line. A word that is none is told with what was perhaps meant."""
        word = args[0]
        if word not in VERBS and not word.startswith("-"):
            close = get_close_matches(word, VERBS, n=2)
            perhaps = f"; did you mean {' or '.join(close)}?" if close else ""
            ctx.fail(f"There is no verb {word!r}{perhaps}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table; no verb is imported for it."""
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(verb, text) for verb, (_, text) in verbs.items()], col_max=12)


EXAMPLES = ("cockpitpm catalog", "cockpitpm install hero_compute", "cockpitpm upgrade --all --dry-run")


@click.group(
    cls=Verbs,
    examples=EXAMPLES,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
@click.version_option(__version__, message="cockpitpm %(version)s")
@places
def cockpitpm() -> None:
    """The package manager for machines that manage themselves.

    NAME is an app, one of its binaries, or any of its services.
    """
