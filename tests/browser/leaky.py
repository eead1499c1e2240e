"""A proxy before a server that can drop every byte while all its connections stand, as a dead link does."""

from __future__ import annotations

import contextlib
import socket
from threading import Event, Thread
from types import TracebackType
from typing import Self


class Leaky:
    """A context manager on a loopback port. While `dead` is set, nothing passes and nothing is hung up."""

    def __init__(self) -> None:
        self.dead = Event()
        self.lost = 0
        self._target = 0
        self._plug = socket.create_server(("127.0.0.1", 0))
        self.port = self._plug.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [Thread(target=self._accept, daemon=True)]

    def lead_to(self, port: int) -> None:
        """Where it leads; before anybody connects."""
        self._target = port

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for plug in (self._plug, *self._open):
            with contextlib.suppress(OSError):  # it has been hung up already
                plug.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for plug in (self._plug, *self._open):
            plug.close()

    def _accept(self) -> None:
        while True:
            try:
                guest, _ = self._plug.accept()
            except OSError:
                return
            self._open.append(guest)
            try:
                house = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                guest.close()
                continue
            self._open.append(house)
            for pair in ((guest, house), (house, guest)):
                self._threads.append(Thread(target=self._pump, args=pair, daemon=True))
                self._threads[-1].start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # one of the two has hung up
            while data := source.recv(1 << 16):
                if self.dead.is_set():
                    self.lost += len(data)
                else:
                    sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
