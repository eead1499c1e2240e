"""Serves a forge's state on the loopback interface, in threads of this process."""

from __future__ import annotations

import socket
import sys
import threading
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from cockpitpm.sandbox.forge.handler import ForgeHandler
from cockpitpm.sandbox.forge.state import ForgeState

CONNECTIONS: Final = 128


class Listener(ThreadingHTTPServer):
    """The listening socket and its connections. Beyond 128 at once, a new one is closed unheard."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, state: ForgeState, port: int) -> None:
        self.state = state
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), ForgeHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more connection."""
        with self._guard:
            room = len(self._open) < CONNECTIONS and not self.stopping.is_set()
            if room:
                self._open.add(request)
        return room

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a mistake of the sandbox itself for whoever looks; a connection that broke is its caller's to notice."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.state.mishaps.append(error)

    def serve(self) -> None:
        """Take connections until `end`."""
        while not self.stopping.is_set():
            self.handle_request()

    def stop(self) -> None:
        """Let `serve` return."""
        self.stopping.set()
        with socket.create_connection(("127.0.0.1", self.server_port)):
            pass  # wakes the thread that waits for a connection

    def end(self) -> None:
        """Cut every connection and wait for their threads; after `serve` has returned."""
        with self._guard:
            for connection in self._open:
                _cut(connection)
        self.server_close()


class ForgeServer:
    """The forge while entered: `with ForgeServer(state) as server: server.url`. Port 0 takes any that is free."""

    def __init__(self, state: ForgeState, port: int = 0) -> None:
        self.state = state
        self._port = port
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address, without a slash at its end. Raises RuntimeError unless it is serving."""
        if self._listener is None:
            raise RuntimeError("the forge is not serving")
        return self._listener.url

    def __enter__(self) -> Self:
        self._listener = Listener(self.state, self._port)
        self._thread = threading.Thread(target=self._listener.serve, name="sandbox-forge", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._listener is not None and self._thread is not None:
            self._listener.stop()
            self._thread.join()
            self._listener.end()
        self._listener = self._thread = None


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
