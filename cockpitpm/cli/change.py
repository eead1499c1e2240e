"""`install`, `upgrade`, `rollback`, `remove`: the verbs that change which bytes are in place."""

from __future__ import annotations

import click
from attrs import evolve

from cockpitpm.cli.flow import carry_through, request
from cockpitpm.cli.options import again, asking, because, through
from cockpitpm.cli.session import Session
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.errors import UsageError
from cockpitpm.model.plan import OnFailure
from cockpitpm.model.receipt import Verb


def all_or_named(verb: str, names: tuple[str, ...], everything: bool) -> None:
    """Raise UsageError unless exactly one of both was said."""
    if everything and names:
        raise UsageError("--all and names exclude each other", "Say one of them")
    if not everything and not names:
        raise UsageError(f"Nothing was named to {verb}", f"Name apps, or say `cockpitpm {verb} --all`")


INSTALL = (
    "cockpitpm install hero_compute",
    "cockpitpm install hero_db hero_proxy --yes",
    "cockpitpm install hero_db --dry-run",
)


@click.command(cls=Command, examples=INSTALL)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@through
@asking
@click.pass_obj
def install(session: Session, names: tuple[str, ...]) -> int:
    """Install apps, and first what they require. What is installed already stays as it is.

    Every service is started and asked whether it works; if one does not, the app is taken off again.
    """
    return carry_through(session, request(Verb.INSTALL, names))


UPGRADE = (
    "cockpitpm upgrade hero_compute",
    "cockpitpm upgrade --all --yes",
    "cockpitpm upgrade --all --dry-run",
    "cockpitpm upgrade --all --stop-on-failure",
    'cockpitpm upgrade hero_slides --past-hold --reason "the fair wants the fix"',
)


@click.command(cls=Command, examples=UPGRADE)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every app that is installed.")
@click.option("--keep-going/--stop-on-failure", "going", default=True, help="When one app fails [--keep-going].")
@again
@through
@asking
@click.pass_obj
def upgrade(session: Session, names: tuple[str, ...], everything: bool, going: bool) -> int:
    """Bring apps to the build that their channel holds; any of their services may be named.

    One service goes first and is watched. A build that does not come up is rolled back and not offered again,
    unless --retry-failed asks for it.
    """
    all_or_named("upgrade", names, everything)
    policy = OnFailure.CONTINUE if going else OnFailure.STOP
    return carry_through(session, evolve(request(Verb.UPGRADE, names), on_failure=policy), everything)


ROLLBACK = ("cockpitpm rollback hero_compute", "cockpitpm rollback hero_compute --to 3")


@click.command(cls=Command, examples=ROLLBACK)
@click.argument("name")
@click.option("--to", type=click.IntRange(min=1), metavar="N", help="The generation [the one before the current].")
@because
@asking
@click.pass_obj
def rollback(session: Session, name: str, to: int | None) -> int:
    """Make an older generation current again, from bytes kept on this machine.

    With the number of the current one its recorded bytes are put back in place of changed ones.
    """
    return carry_through(session, request(Verb.ROLLBACK, (name,), to))


@click.command(
    cls=Command, examples=("cockpitpm remove hero_whiteboard", "cockpitpm remove hero_biz hero_slides --yes")
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@asking
@click.pass_obj
def remove(session: Session, names: tuple[str, ...]) -> int:
    """Stop the services of apps and take their binaries away. What the services have stored stays."""
    return carry_through(session, request(Verb.REMOVE, names))


@click.command(cls=Command, examples=('cockpitpm adopt hero_compute --reason "fix for the chain fork, built by hand"',))
@click.argument("name")
@because
@asking
@click.pass_obj
def adopt(session: Session, name: str) -> int:
    """Take the bytes that stand in the place of an app's binaries into a generation of their own.

    Nothing is restarted. A rollback can bring them back later; no upgrade overwrites them without being told to.
    """
    if not session.reason.strip():
        raise UsageError("Bytes without a receipt need a reason", 'Say why: --reason "WHY"; the history keeps it')
    return carry_through(session, request(Verb.ADOPT, (name,)))
