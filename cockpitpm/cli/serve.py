"""`serve`: the pages and JSON-RPC of this machine, on its sockets, until the process is told to end."""

from __future__ import annotations

import os
import threading

import click
from attrs import evolve

from cockpitpm.cli.options import places
from cockpitpm.cli.program import program
from cockpitpm.cli.session import Session
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.errors import ExitCode

EXAMPLES = ("cockpitpm serve", "cockpitpm serve --only rpc", "cockpitpm serve --tcp 127.0.0.1:8080")


@click.command(cls=Command, examples=EXAMPLES)
@click.option(
    "--only", multiple=True, type=click.Choice(["rpc", "web", "admin"]), help="Serve just this; may be repeated."
)
@click.option("--tcp", default="", metavar="HOST:PORT", help="Listen on loopback too; a token is asked for there.")
@click.option("--token-file", metavar="FILE", help="Where the token is; made with one if it is not there.")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="A name under which a proxy shows the pages.")
@places
@click.pass_obj
def serve(session: Session, only: tuple[str, ...], tcp: str, token_file: str | None, hosts: tuple[str, ...]) -> int:
    """Serve this machine's pages and JSON-RPC on unix sockets that only its owner can open."""
    from cockpitpm.serve.run import Wanted
    from cockpitpm.serve.run import serve as answer

    wanted = Wanted(
        only=frozenset(only or ("rpc", "web")),
        tcp=tcp,
        token_file=session.absolute(token_file) if token_file else None,
        hosts=tuple(name.lower() for name in hosts),
    )
    invocation = evolve(session.invocation(), program=program())

    def tell(line: str) -> None:
        session.out.line(line)
        session.out.flush()

    answer(invocation, wanted, tell)
    _end_now(session)
    return ExitCode.DONE


def _end_now(session: Session) -> None:
    """A question that hangs in a thread, such as one to a supervisor that is silent, must not keep us from ending."""
    me = threading.current_thread()
    for thread in threading.enumerate():
        if thread is not me and not thread.daemon:
            thread.join(0.2)
    if any(thread is not me and not thread.daemon for thread in threading.enumerate()):
        session.out.flush()
        os._exit(ExitCode.DONE)
