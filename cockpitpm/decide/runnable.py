"""Will these bytes run on this machine? Answered from facts alone, before anything is stopped."""

from __future__ import annotations

from cockpitpm.model.plan import FileKind
from cockpitpm.model.runnable import Executable, HostAbility

GUESTS = frozenset({("x86_64", "i386"), ("x86_64", "x32"), ("aarch64", "arm")})
"""Pairs of a machine and what it may run beside its own programs, if the loader for it is installed."""

SYSTEM = ("/lib", "/usr/lib")
"""Where the loader of the machine's own C library lives. A program with another loader brings its own library."""


def unfit(executable: Executable, host: HostAbility) -> str:
    """Why the file cannot run here: one sentence without its full stop, naming both sides; empty if nothing speaks
    against it. `host.interpreters` must have been asked for the interpreter of the file.
    """
    if executable.kind is FileKind.OTHER:
        return executable.problem
    if executable.kind is FileKind.SCRIPT:
        return _interpreter(executable, host)
    return _machine(executable, host) or _interpreter(executable, host) or _glibc(executable, host)


def caution(executable: Executable) -> str:
    """What the operator should know about a file that may run: one sentence without its full stop, or empty."""
    if executable.private:
        return "it needs GLIBC_PRIVATE, so the next update of glibc may break it"
    return ""


def _machine(executable: Executable, host: HostAbility) -> str:
    if executable.machine == host.machine:
        if executable.bits == host.bits:
            return ""
        return f"it is a {executable.bits}-bit program, this machine runs {host.bits}-bit ones"
    text = f"it is for {executable.machine}, this machine is {host.machine}"
    if (host.machine, executable.machine) not in GUESTS:
        return text
    if executable.interpreter in host.interpreters:
        return ""
    return f"{text} and has no {_shown(executable.interpreter) or 'loader that shows it runs these'}"


def _interpreter(executable: Executable, host: HostAbility) -> str:
    static = executable.kind is FileKind.ELF and not executable.interpreter
    if static or executable.interpreter in host.interpreters:
        return ""
    text = f"its interpreter {_shown(executable.interpreter) or '(none)'} does not exist on this machine"
    has = _library(host)
    return f"{text}, which has {has}" if has and executable.kind is FileKind.ELF else text


def _library(host: HostAbility) -> str:
    if host.glibc:
        return f"glibc {_dotted(host.glibc)}"
    return f"musl ({host.musl[0]})" if host.musl else ""


def _glibc(executable: Executable, host: HostAbility) -> str:
    """A machine that cannot be asked for its glibc has a loader for it all the same; the loader then decides."""
    if not host.glibc or executable.needs_glibc <= host.glibc or not executable.interpreter.startswith(SYSTEM):
        return ""
    return f"it needs GLIBC_{_dotted(executable.needs_glibc)}, this machine has {_dotted(host.glibc)}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _shown(path: str) -> str:
    """Bytes of a stranger, fit for one line of a terminal."""
    short = path if len(path) <= 128 else f"{path[:128]}..."
    return short if short.isprintable() else ascii(short)
