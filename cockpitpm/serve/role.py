"""The role of the machine, asked of its own engine server by a process that only shows pages."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path

from cockpitpm.model.role import Role
from cockpitpm.serve.peers import peer_of

WELL_KNOWN = "/.well-known/heroservice.json"
TIMEOUT = 2.0


def asked_role(path: Path) -> Role | None:
    """What the server behind the socket says; None if it does not answer, says nothing clear, or is not ours."""
    connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        plug.settimeout(TIMEOUT)
        try:
            plug.connect(str(path))
            peer = peer_of(plug)
            if peer is None or peer.uid not in (0, os.geteuid()):
                return None
            connection.sock = plug
            connection.request("GET", WELL_KNOWN, headers={"Connection": "close"})
            answer = connection.getresponse()
            return _role(answer.read(64 * 1024)) if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None


def _role(body: bytes) -> Role | None:
    try:
        return Role(json.loads(body)["role"])
    except (ValueError, KeyError, TypeError):
        return None
