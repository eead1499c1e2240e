"""Calls to a supervisord over its unix socket. Knows XML-RPC and its failures, nothing of services."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Any

from cockpitpm.errors import SupervisorError


class Code(IntEnum):
    """The fault codes of supervisord that we tell apart."""

    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    NO_FILE = 20
    NOT_EXECUTABLE = 21
    SPAWN_ERROR = 50
    ALREADY_STARTED = 60
    NOT_RUNNING = 70
    ALREADY_ADDED = 90


class Down(SupervisorError):
    """Nothing listens on the socket."""


class Refusal(SupervisorError):
    """supervisord answered that it will not; `code` says why, `text` in its own words."""

    def __init__(self, method: str, code: int, words: str) -> None:
        self.code = code
        self.text = words.partition(": ")[2] or words
        super().__init__(f"supervisord refused {method}: {words}")


class Client:
    """One supervisord. Every call has its own connection, so threads may share a client. `timeout` is seconds."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout

    def call(self, method: str, *arguments: Any) -> Any:
        """The result of `supervisor.<method>`. Raises Down, Refusal, or SupervisorError if no answer came."""
        from cockpitpm.supervisors import wire

        try:
            return wire.call(str(self._path), self._timeout, method, arguments)
        except wire.Fault as fault:
            raise Refusal(method, int(fault.faultCode), str(fault.faultString)) from fault
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise Down("supervisord does not run", f"Nothing listens on {self._path}") from error
        except wire.BROKEN as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
            raise SupervisorError(f"supervisord does not answer {method}: {reason}", f"Look at {self._path}") from error
