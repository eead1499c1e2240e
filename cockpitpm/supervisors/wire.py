"""XML-RPC over a unix socket with a time limit. Imported at the first call only: it costs more than the call."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Error, Fault, ServerProxy, Transport

__all__ = ["BROKEN", "Fault", "call"]

BROKEN = (OSError, HTTPException, Error, ExpatError, ValueError)
"""What a call may raise beside Fault when there is no answer, or none that can be read."""


class _Connection(HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(Transport):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__()
        self._path = path
        self._timeout = timeout

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = _Connection(self._path, self._timeout)
        self._connection = host, connection  # so that close() finds it
        return connection


def call(path: str, timeout: float, method: str, arguments: tuple[Any, ...]) -> Any:
    """The result of `supervisor.<method>`, by a connection of its own. Raises Fault, or one of BROKEN."""
    transport = _UnixTransport(path, timeout)
    try:
        return getattr(ServerProxy("http://localhost/RPC2", transport=transport).supervisor, method)(*arguments)
    finally:
        transport.close()
