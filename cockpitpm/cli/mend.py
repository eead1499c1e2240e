"""`converge`, `start`, `restart`, `stop`, `recover`: the verbs that change what runs and no bytes."""

from __future__ import annotations

import click

from cockpitpm.cli.flow import carry_through, request
from cockpitpm.cli.narrate import narrator
from cockpitpm.cli.options import acting
from cockpitpm.cli.outcome_text import write_recovered
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import green
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.cli.words import listed
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb


@click.command(cls=Command, examples=("cockpitpm converge", "cockpitpm converge hero_db_server"))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@acting
@click.pass_obj
def converge(session: Session, names: tuple[str, ...]) -> int:
    """Restart the services that do not run the bytes in place, and prove that they work. Without names: all apps."""
    return carry_through(session, request(Verb.CONVERGE, names), everything=not names)


@click.command(cls=Command, examples=("cockpitpm start my_compute_zos_main_server", "cockpitpm start hero_compute"))
@click.argument("name")
@acting
@click.pass_obj
def start(session: Session, name: str) -> int:
    """Start a service, or all of an app, wait until it works, and mean it to run from now on."""
    return carry_through(session, request(Verb.START, (name,)))


@click.command(cls=Command, examples=("cockpitpm restart hero_db_server", "cockpitpm restart hero_db --dry-run"))
@click.argument("name")
@acting
@click.pass_obj
def restart(session: Session, name: str) -> int:
    """Restart a service, or all of an app one after another, and wait until it works."""
    return carry_through(session, request(Verb.RESTART, (name,)))


@click.command(cls=Command, examples=("cockpitpm stop my_compute_zos_main_server", "cockpitpm stop hero_compute"))
@click.argument("name")
@acting
@click.pass_obj
def stop(session: Session, name: str) -> None:
    """Stop a service, or all of an app. It stays stopped, through upgrades too, until it is started."""
    from cockpitpm.app import services

    with narrator(session.aside) as reporter:
        host = session.host(reporter)
        found = services.services_of(host, name)[1] if session.dry_run else services.stop(host, name)
    if session.as_json:
        session.json({"stopped": list(found), "dry_run": session.dry_run})
    elif session.dry_run:
        session.out.line(f"Would stop {listed(found)}.")
    else:
        session.out.line(green("✓ "), f"{listed(found)} stopped, and meant to stay so")


@click.command(cls=Command, examples=("cockpitpm recover", "cockpitpm recover --dry-run"))
@acting
@click.pass_obj
def recover(session: Session) -> int:
    """Finish every transaction that was interrupted, forward or back. Doing it again changes nothing."""
    from cockpitpm.app.recover import recover as finish
    from cockpitpm.app.report import recovered_json

    if session.dry_run:
        return _unfinished(session)
    with narrator(session.aside) as reporter:
        found = finish(session.host(reporter))
    if session.as_json:
        session.json({"recovered": recovered_json(found)})
    elif found:
        write_recovered(session.out, found)
    else:
        session.out.line("Nothing was interrupted.")
    return next((one.error.exit_code for one in found if one.error), ExitCode.DONE)


def _unfinished(session: Session) -> int:
    from cockpitpm.app.host import unfinished

    left = unfinished(session.host().layout)
    if session.as_json:
        session.json({"unfinished": list(left)})
    else:
        session.out.line(f"Would finish {listed(left)}." if left else "Nothing was interrupted.")
    return ExitCode.DONE
