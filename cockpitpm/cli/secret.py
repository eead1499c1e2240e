"""`secret`. Values come in by standard input or an unseen prompt and go out by `get`; nothing else has them."""

from __future__ import annotations

import sys

import click

from cockpitpm.cli.columns import write_table
from cockpitpm.cli.options import reading, setting
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import bold, cyan, dim, green, visible
from cockpitpm.cli.verbs import Family, Verb
from cockpitpm.cli.words import listed
from cockpitpm.errors import UsageError

EXAMPLES = (
    "cockpitpm secret set --context cockpit COCKPIT_MACHINE_ROLE",
    "cockpitpm secret set --context core FORGE_TOKEN <token.txt",
    "cockpitpm secret list",
)
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))

context = click.option("--context", required=True, metavar="CTX", help="Whose secret: `core`, or an app without hero_.")


@click.group(cls=Family, examples=EXAMPLES)
@setting
def secret() -> None:
    """Keep values that nobody else may see, such as tokens.

    The services of the app hero_cockpit get those of the context `cockpit` for the variables that their bundle
    declares. core/FORGE_TOKEN is the token of the forge called default; for another forge machine.yaml names one.
    """


# A value that begins with a dash is no option, and must not be repeated as an unknown one.
@secret.command("set", cls=Verb, examples=EXAMPLES[:2], context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value", nargs=-1)
@context
@setting
@click.pass_obj
def set_(session: Session, key: str, value: tuple[str, ...], context: str) -> None:
    """Set a secret. Its value is read from standard input, or asked for where a person sits.

    One newline at its end is not part of it. Services get it when they are registered the next time.
    """
    from cockpitpm.app import secrets

    if value:
        hint = f"Leave it out and type it when asked, or: cockpitpm secret set --context {context} KEY <file"
        raise UsageError("A value among the arguments can be read by everybody on this machine", hint)
    secrets.check(context, key)
    concerned = secrets.set_(session.host(), context, key, _value())
    _told(session, "is set", context, key, concerned)


def _value() -> str:
    try:
        if sys.stdin is not None and sys.stdin.isatty():
            from getpass import getpass

            return getpass("Value (not shown): ", stream=sys.stderr)
        text = sys.stdin.read() if sys.stdin is not None else ""
    except UnicodeDecodeError:
        raise UsageError("The value is not text", "Encode it, with base64 for example") from None
    except EOFError:
        text = ""
    return text.removesuffix("\n")


@secret.command("get", cls=Verb, examples=("cockpitpm secret get --context core FORGE_TOKEN",))
@click.argument("key")
@context
@reading
@click.pass_obj
def get(session: Session, key: str, context: str) -> None:
    """Print the value of a secret, and nothing else."""
    from cockpitpm.app import secrets

    value = secrets.get(session.host(), context, key)
    if session.as_json:
        session.json({"context": context, "key": key, "value": value})
    else:
        session.out.write((visible(value) if session.out.live else value) + "\n")


@secret.command("list", cls=Verb, examples=("cockpitpm secret list", "cockpitpm secret list --context cockpit --json"))
@click.option("--context", default="", metavar="CTX", help="Only those of this context.")
@reading
@click.pass_obj
def list_(session: Session, context: str) -> None:
    """Show which secrets there are and how old they are. No value is read."""
    from cockpitpm.app import secrets
    from cockpitpm.model.codec import encode

    found = secrets.listed(session.host(), context)
    if session.as_json:
        session.json({"secrets": [encode(one) for one in found]})
    elif found:
        write_table(
            session.out, ("context", "name", "age"), [[one.context, one.key, dim(_age(one.age))] for one in found]
        )
    else:
        session.out.line("There are no secrets.")


@secret.command("unset", cls=Verb, examples=("cockpitpm secret unset --context core FORGE_TOKEN",))
@click.argument("key")
@context
@setting
@click.pass_obj
def unset(session: Session, key: str, context: str) -> None:
    """Forget a secret. Services keep it until they are registered the next time."""
    from cockpitpm.app import secrets

    concerned = secrets.unset(session.host(), context, key)
    _told(session, "is forgotten", context, key, concerned)


def _told(session: Session, what: str, context: str, key: str, concerned: tuple[str, ...]) -> None:
    if session.as_json:
        session.json({"context": context, "key": key, "services": list(concerned)})
        return
    session.out.line(green("✓ "), bold(f"{context}/{key}"), f" {what}")
    if concerned:
        session.out.line("  ", f"{listed(concerned)} will know after  ", cyan(f"cockpitpm register {concerned[0]}"))


def _age(seconds: int) -> str:
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    return f"{seconds // size} {unit}"
