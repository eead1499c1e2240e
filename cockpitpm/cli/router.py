"""`router`."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from shlex import quote
from threading import Event
from typing import TYPE_CHECKING

import click

from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session, actor
from cockpitpm.cli.terminal import bold, cyan, dim, green
from cockpitpm.cli.verbs import Family, Verb
from cockpitpm.errors import ExitCode, MachineError

if TYPE_CHECKING:
    from cockpitpm.router import Router

PORT = 9988
HERE = f"127.0.0.1:{PORT}"
EXAMPLES = (
    "cockpitpm router serve",
    "cockpitpm router config --for nginx >/etc/nginx/conf.d/cockpitpm.conf",
    "cockpitpm router config --for caddy --listen 127.0.0.1:9988",
)


@click.group(cls=Family, examples=EXAMPLES)
@reading
def router() -> None:
    """Lead one port to the sockets of all services: /hero_books/web/ to hero_books/web.sock, and so on.

    `serve` is a small router for this machine alone; `config` sets up one that people use everywhere.
    """


@router.command("serve", cls=Verb, examples=(EXAMPLES[0], "cockpitpm router serve --port 0 --token-file router.token"))
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, help=f"On 127.0.0.1; 0 takes a free one [{PORT}].")
@click.option("--token-file", metavar="F", help="Where the token is kept; made if it is not there.")
@reading
@click.pass_obj
def serve(session: Session, port: int, token_file: str | None) -> int:
    """Serve until interrupted, to whoever has the token.

    Every user of a machine reaches a loopback port, so it asks for one: the link that is printed lets a browser in,
    programs send Authorization: Bearer. With --token-file the token is in that file and not printed.
    """
    from cockpitpm.router import Router

    socket_root = Path(session.host().socket_root)
    token = _kept(session.absolute(token_file)) if token_file is not None else ""
    asked = _asked_to_end()
    with Router(socket_root, port, token, user=actor()) as made:
        _tell(session, made, token_file)
        asked.wait()
    return ExitCode.DONE


def _tell(session: Session, made: Router, token_file: str | None) -> None:
    if session.as_json:
        session.json({"url": made.url, "link": None if token_file else made.link(), "token_file": token_file})
    else:
        opened = made.url if token_file else made.link()
        session.out.line(green("✓ "), "Serving at ", bold(opened))
        if token_file:
            session.out.line(dim(f"  The token is in {token_file}; add ?token=… to let a browser in"))
        session.out.line("  ", dim("End it with "), cyan("Ctrl-C"))
    session.out.flush()


def _asked_to_end() -> Event:
    """Set by the first polite signal: a server that is told to end has done its work."""
    asked = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    return asked


def _kept(path: Path) -> str:
    """The token of a file, which is made if it is not there. Raises MachineError, UsageError."""
    from cockpitpm.router.server import checked, fresh_token

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return checked(_read(path))
    except OSError as error:
        raise MachineError(f"Cannot write {path}: {error.strerror}", "Name a file in a folder of yours") from error
    token = fresh_token()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{token}\n")
    return token


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise MachineError(f"Others may read {path}", f"Take it for yourself: chmod 600 {quote(str(path))}")
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise MachineError(f"Cannot read {path}: {error.strerror}", "Name a file of yours") from error


@router.command("config", cls=Verb, examples=EXAMPLES[1:])
@click.option("--for", "kind", type=click.Choice(["caddy", "nginx"]), required=True, help="Whose configuration.")
@click.option(
    "--listen", default=f"127.0.0.1:{PORT}", metavar="ADDR:PORT", help=f"Where it listens [127.0.0.1:{PORT}]."
)
@reading
@click.pass_obj
def config(session: Session, kind: str, listen: str) -> None:
    """Print the configuration of a router for the apps of this machine.

    Services find the prefix that was taken off in X-Forwarded-Prefix; events pass as they come. It asks nobody who
    they are, so keep it on loopback, or behind something that asks.
    """
    from cockpitpm.app.sockets import declared_sockets
    from cockpitpm.router.config import listen_at, render

    place = listen_at(listen)
    host = session.host()
    text = render(kind, place, host.socket_root, declared_sockets(host))
    if session.as_json:
        session.json({"for": kind, "config": text})
    else:
        session.out.write(text)
