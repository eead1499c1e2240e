"""What is built into a daemon: who it is, which build, where it listens and how it behaves.

The stamp stands in the bytes as one line, `STAMP = {…}`, in a script and in an ELF file alike; so every build has
bytes of its own, and `grep -a STAMP` on any binary of the sandbox says which build it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum

from attrs import asdict, field, frozen

MARK = b"STAMP = {"


class Behaviour(Enum):
    """What the build does once it is started."""

    WORKS = "works"
    NEVER_STARTS = "never_starts"
    """It writes one line and exits with status 1."""
    NEVER_ANSWERS = "never_answers"
    """It runs, and listens nowhere."""
    FAILS_PROBE = "fails_probe"
    """It listens, and answers 500 to everything."""
    CRASHES = "crashes"
    """It answers well, and exits with status 1 `crash_after` seconds after its first good answer."""


class Part(Enum):
    """What the daemon knows to do beside answering that it is well."""

    PLAIN = "plain"
    CHAIN = "chain"
    """`list_nodes` tells the nodes of the chain that COMPUTE_CHAIN names; COMPUTE_SOCKET replaces its sockets."""
    DEPLOYER = "deployer"
    """`list_nodes` asks every chain daemon of DEPLOYER_CHAINS while the caller waits."""
    DEPLOYER_ADMIN = "deployer_admin"
    """It has pages: the nodes, and Control with the engines, tokens and links that all machines share."""
    CLI = "cli"
    """It prints its version and exits."""


@frozen(kw_only=True)
class Stamp:
    """One build of one binary.

    `sockets` are paths below PATH_SOCKET; `ports` are bound only where SANDBOX_PORT_<port> gives a loopback port to
    use instead. `answers` maps a path to the HTTP status it must give; `methods` are further JSON-RPC methods that
    answer with `{"status": "ok"}`. `crash_after` is seconds.
    """

    binary: str
    version: str
    commit: str
    service: str = ""
    kind: str = "server"
    part: Part = Part.PLAIN
    behaviour: Behaviour = Behaviour.WORKS
    sockets: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    answers: Mapping[str, int] = field(factory=dict)
    methods: tuple[str, ...] = ()
    crash_after: float = 0.5

    def line(self) -> str:
        """The stamp as the line that stands in the bytes; it reads as JSON and as Python."""
        values = asdict(self, value_serializer=lambda _, __, value: value.value if isinstance(value, Enum) else value)
        values["service"] = self.service or self.binary
        return "STAMP = " + json.dumps(values, sort_keys=True, separators=(",", ":"))


def stamp_of(data: bytes) -> dict[str, object] | None:
    """The stamp that stands in the bytes of a build; None if there is none."""
    start = data.find(MARK)
    if start < 0:
        return None
    text = data[start + len(MARK) - 1 :].split(b"\0")[0].split(b"\n")[0]
    found = json.loads(text)
    return found if isinstance(found, dict) else None
