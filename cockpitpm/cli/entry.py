"""Around every command: signals, the umask, and how an error ends."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import click

from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Terminal, bold, dim, red
from cockpitpm.cli.verbs import cockpitpm
from cockpitpm.errors import CockpitPmError, ExitCode

INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + signal.SIGPIPE


def start(arguments: Sequence[str]) -> int:
    """Run as a process of its own. Gives the exit code."""
    # Every place that keeps a secret or state says 0600 or 0700 itself; what is meant to be 0755 must stay so.
    os.umask(0o022)
    _go_back_on_signals()
    _open_streams()
    code = run(arguments, os.environ)
    _hush()
    return code


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command in this process. Gives the exit code and lets no exception out."""
    session = Session(environ=environ, cwd=Path.cwd, arguments=tuple(arguments))
    try:
        code = _invoke(session)
        session.out.flush()
        return code
    except CockpitPmError as error:
        return _fail(session, error.message, error.hint, error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(f"{error.format_message()}\n")
        return ExitCode.USAGE
    except click.ClickException as error:
        return _fail(session, error.format_message(), _usage_hint(error), ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        _leave_line()
        return _fail(session, "Interrupted", "See where things stand with `cockpitpm status`", INTERRUPTED)
    except BrokenPipeError:
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001  whatever it is, it is ours
        from cockpitpm.cli.crash import save_crash  # only a bug of ours needs it

        path = save_crash(error, session)
        return _fail(session, f"This is a bug of cockpitpm: {type(error).__name__}", f"Report {path}", ExitCode.BUG)


def _open_streams() -> None:
    """Output that the caller has closed goes nowhere; what an encoding cannot say is spelled out."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  as long as we run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _invoke(session: Session) -> int:
    """What click's own `main` does, but for its handling of interruptions and closed pipes."""
    try:
        with cockpitpm.make_context("cockpitpm", list(session.arguments), obj=session) as context:
            return int(cockpitpm.invoke(context) or 0)
    except click.exceptions.Exit as end:
        return end.exit_code


def _fail(session: Session, message: str, hint: str, code: int) -> int:
    # Wherever the errors go may be closed or full by now, and nobody is left to tell.
    with contextlib.suppress(OSError, CockpitPmError):
        told = Terminal(sys.stderr, session.environ)
        parts = (" ", dim(_ended(hint))) if hint else ()
        told.line(bold("cockpitpm: "), red(_ended(message)), *parts)
    return code


def _leave_line() -> None:
    """A terminal shows ^C where the cursor was."""
    if sys.stderr.isatty():
        with contextlib.suppress(OSError):
            sys.stderr.write("\n")


def _ended(sentence: str) -> str:
    """The sentence with its full stop, on one line."""
    text = " ".join(sentence.split("\n")).strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"See `{context.command_path} --help`" if context else "See `cockpitpm --help`"


def _hush() -> None:
    """What nobody takes any more must not be tried again, and complained about, when the interpreter ends."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _go_back_on_signals() -> None:
    """A polite end of the process is an interruption like Ctrl-C, so that a transaction goes back in order."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored, and stays right
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # A closing session sends several of them; the second must not disturb the way back.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
