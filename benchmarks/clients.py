"""So many clients of one unix socket at once, in a process of their own: each asks again as soon as it is answered.

Prints the seconds that each answer took, as one JSON array, and before it the seconds that all of it took.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "cockpit.list_services"}).encode()
HEAD = b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
    BODY
)


class Client:
    """One connection. `took` are the seconds of each answer."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.took: list[float] = []
        self.ask()

    def ask(self) -> None:
        """Send the question."""
        self._begun, self._left, self._head = time.perf_counter(), -1, b""
        self.socket.sendall(HEAD + BODY)

    def take(self) -> None:
        """Take what has come; at the end of the answer ask again. Raises ValueError for any other answer."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ValueError("the server hung up")
        if self._left < 0:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ValueError(head.decode())
            self._left = int(head.lower().partition(b"content-length:")[2].split()[0]) - len(rest)
        else:
            self._left -= len(data)
        if self._left == 0:
            self.took.append(time.perf_counter() - self._begun)
            self.ask()


def run(path: str, count: int, seconds: float) -> tuple[float, list[float]]:
    """Ask for so many seconds; how long it was, and every answer's seconds."""
    chooser = selectors.DefaultSelector()
    begun = time.perf_counter()
    clients = [Client(path) for _ in range(count)]
    for client in clients:
        chooser.register(client.socket, selectors.EVENT_READ, client)
    while time.perf_counter() - begun < seconds:
        for key, _ in chooser.select(1.0):
            key.data.take()
    lasted = time.perf_counter() - begun
    for client in clients:
        client.socket.close()
    return lasted, [took for client in clients for took in client.took]


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
