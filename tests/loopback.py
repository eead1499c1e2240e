"""Ports of loopback for servers that tests start as processes of their own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved() -> Iterator[int]:
    """A port that the kernel gives to nobody else meanwhile, however often our server ends and comes again.

    It is bound here and nobody listens on it, so a server that says SO_REUSEADDR, as ours and most do, may.
    """
    with socket.socket() as plug:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plug.bind(("127.0.0.1", 0))
        yield int(plug.getsockname()[1])
