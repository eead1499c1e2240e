"""The three chains of hero_compute: one binary, and two services that run it through wrappers in `bin/`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CHAIN_BINARY = "my_compute_zos_server"

CHAIN_SOCKETS: Mapping[str, str] = MappingProxyType(
    {
        "main": "hero_compute_main/rpc.sock",
        "test": "hero_compute_testnet/rpc.sock",
        "qa": "hero_compute/rpc.sock",
    }
)
"""Where the daemon of each chain listens, below PATH_SOCKET; the deployer of the sandbox asks there."""


def wrapper(chain: str, socket: str = "", *, replaces_itself: bool = True) -> bytes:
    """The script that runs the chain daemon for `chain` (main, test or qa), the way an operator writes one by hand.

    With `replaces_itself` the shell becomes the daemon; without, it stays as its parent, and a signal to it alone
    leaves the daemon behind.
    """
    run = f'"$PATH_ROOT/bin/{CHAIN_BINARY}" "$@"'
    last = f"exec {run}\n" if replaces_itself else f"{run}\nexit $?\n"
    text = f"""#!/bin/sh
# Written by hand on this machine: the {chain} chain has a context and a socket of its own.
: "${{PATH_ROOT:=$HOME/hero}}"
export COMPUTE_CHAIN={chain} COMPUTE_SOCKET={socket or CHAIN_SOCKETS[chain]}
"""
    return (text + last).encode()


def wrappers() -> dict[str, bytes]:
    """File name in `bin/` and content of both wrappers; one of them stays in the process tree above its daemon."""
    return {
        "my_compute_zos_main_server": wrapper("main"),
        "my_compute_zos_testnet_server": wrapper("test", replaces_itself=False),
    }
