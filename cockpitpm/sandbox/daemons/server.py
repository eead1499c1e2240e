"""A small server that stands for an app of the sandbox. Its bytes are an asset: it runs alone, on the standard library.

Every unix socket of its stamp speaks HTTP: `/health`, `/openrpc.json`, `/.well-known/heroservice.json`, and JSON-RPC
on `POST /rpc`. One thread and one epoll serve all connections. It starts fast because it imports little.
"""
# pathlib would take longer to import than all the rest, and a daemon writes its log with print.
# ruff: noqa: PTH103, PTH108, PTH111, PTH118, PTH120, T201

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

STAMP: dict[str, Any] = {}

SOCKET_ROOT = os.environ.get("PATH_SOCKET") or os.path.join(
    os.environ.get("PATH_ROOT") or os.path.expanduser("~/hero"), "var/sockets"
)
CHAINS = "main=hero_compute_main/rpc.sock,test=hero_compute_testnet/rpc.sock,qa=hero_compute/rpc.sock"
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 500: "Internal Server Error"}
LARGEST = 1 << 20
ASK_WITHIN = 1.0
"""Seconds that a neighbour has for its answer."""
GUARD = (
    "Content-Security-Policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\n"
    "Cache-Control: no-store\r\n"
)


class Sheet(str):
    """A style sheet; any other text is a page."""


PAGES: dict[str, Callable[[bytes], str]] = {}
"""Path to what makes the page from the head of the request; empty but for a build that brings pages of its own."""


def say(text: str) -> None:
    """One line of log."""
    print(f"{STAMP['service']} {STAMP['version']} ({STAMP['commit'][:7]}): {text}", file=sys.stderr, flush=True)


def identity() -> dict[str, Any]:
    """Who answers."""
    return {key: STAMP[key] for key in ("service", "binary", "version", "commit")} | {"pid": os.getpid()}


def chain_nodes() -> dict[str, Any]:
    """The nodes of this chain, as the daemon of the chain knows them."""
    chain = os.environ.get("COMPUTE_CHAIN", "qa")
    return {"chain": chain, "nodes": [{"name": f"{chain}-{n}", "chain": chain, "online": True} for n in (1, 2, 3)]}


def ask(path: str, verb: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of a neighbour's answer. Raises OSError or ValueError where none comes in time."""
    head = f"{verb} {target} HTTP/1.1\r\nHost: chain\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    until, answer = time.monotonic() + ASK_WITHIN, b""
    with socket.socket(socket.AF_UNIX) as plug:
        plug.settimeout(ASK_WITHIN)
        plug.connect(os.path.join(SOCKET_ROOT, path))
        plug.sendall(head.encode() + body)
        while piece := plug.recv(65536):
            answer += piece
            plug.settimeout(max(0.001, until - time.monotonic()))
            if len(answer) > LARGEST:
                raise ValueError("it talks too much")
    line, status = answer[:9], answer[9:12]  # such as `HTTP/1.1 200`
    return int(status) if line.startswith(b"HTTP/1.") and status.isdigit() else 0, answer.partition(b"\r\n\r\n")[2]


def call(path: str, method: str) -> Any:
    """Ask a neighbour by JSON-RPC; raises OSError or ValueError where it gives no answer."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode()
    found = json.loads(ask(path, "POST", "/rpc", body)[1])
    if not isinstance(found, dict) or "result" not in found:
        raise ValueError(f"{method} was not answered")
    return found["result"]


def all_nodes() -> dict[str, Any]:
    """Every chain and what its daemon says right now; a chain whose daemon is down has no nodes."""
    chains, nodes = [], []
    for entry in os.environ.get("DEPLOYER_CHAINS", CHAINS).split(","):
        chain, _, path = entry.partition("=")
        try:
            found = call(path, "list_nodes")["nodes"]
            chains.append({"chain": chain, "healthy": True, "nodes": len(found)})
            nodes += found
        except (OSError, ValueError, LookupError) as error:
            chains.append(
                {"chain": chain, "healthy": False, "nodes": 0, "error": getattr(error, "strerror", None) or str(error)}
            )
    return {"chains": chains, "nodes": nodes}


def well() -> dict[str, Any]:
    """The answer of a healthy service."""
    return {"status": "ok"} | identity()


def document() -> dict[str, Any]:
    """The OpenRPC document of this service."""
    methods = [{"name": name, "params": [], "result": {"name": "result", "schema": True}} for name in sorted(METHODS)]
    return {"openrpc": "1.3.2", "info": {"title": STAMP["service"], "version": STAMP["version"]}, "methods": methods}


METHODS = {"rpc.discover": document, "health": well, "version": identity}


def rpc(body: bytes) -> dict[str, Any]:
    """Answer one JSON-RPC request."""
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": None}
    try:
        request = json.loads(body)
        answer["id"], method = request.get("id"), request["method"]
    except (ValueError, LookupError, AttributeError):
        return answer | {"error": {"code": -32700, "message": "this is not a JSON-RPC request"}}
    if method not in METHODS:
        return answer | {"error": {"code": -32601, "message": f"there is no method {method}"}}
    return answer | {"result": METHODS[method]()}


def page() -> str:
    """What a browser sees."""
    return f"<!doctype html><title>{STAMP['service']}</title><h1>{STAMP['service']}</h1><p>{STAMP['version']}</p>"


def manifest() -> dict[str, Any]:
    """What a router reads about the service."""
    return {"protocol": "openrpc", "name": STAMP["service"], "title": STAMP["service"], "version": STAMP["version"]} | {
        "description": f"{STAMP['binary']} of the sandbox",
        "socket": "rpc",
    }


def answer(method: str, path: str, body: bytes, head: bytes) -> tuple[int, Any]:
    """Status and content for one request; a text is a page, anything else becomes JSON."""
    if STAMP["behaviour"] == "fails_probe":
        return 500, {"status": "broken"} | identity()
    if path in PAGES and method == "GET":
        return 200, PAGES[path](head)
    if path in STAMP["answers"]:
        status = STAMP["answers"][path]
        good = page() if path == "/" else well()
        return status, good if status == 200 else {"status": REASONS.get(status, "refused")}
    if path == "/rpc":
        return (200, rpc(body)) if method == "POST" else (400, {"error": "POST only"})
    if path == "/" and STAMP["kind"] in ("admin", "web", "ui"):
        return 200, page()
    known = {"/health": well, "/openrpc.json": document, "/.well-known/heroservice.json": manifest}
    return (200, known[path]()) if path in known else (404, {"error": f"there is no {path}"})


def encode(status: int, content: Any, close: bool) -> bytes:
    """The response as bytes."""
    text = isinstance(content, str)
    body = content.encode() if text else json.dumps(content).encode()
    page = "text/css" if isinstance(content, Sheet) else "text/html"
    kind = f"{page}; charset=utf-8\r\n{GUARD}" if text else "application/json\r\n"
    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\nContent-Type: {kind}"
    head += f"Content-Length: {len(body)}\r\nConnection: {'close' if close else 'keep-alive'}\r\n\r\n"
    return head.encode() + body


def take(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Head, body and rest of the first request in the buffer; None while it is not whole."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None
    size = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            size = int(line[15:])
    return (head, rest[:size], rest[size:]) if len(rest) >= size else None


def respond(head: bytes, body: bytes) -> tuple[bytes, bool]:
    """The response to one request, and whether the connection ends with it."""
    method, _, rest = head.decode("latin-1").partition(" ")
    path = rest.split(" ")[0].partition("?")[0]
    close = b"connection: close" in head.lower() or b"HTTP/1.0" in head.split(b"\r\n")[0]
    status, content = answer(method, path, body, head)
    return encode(status, content, close), close


class Loop:
    """Listeners and connections under one epoll. A response is small, so it is sent at once."""

    def __init__(self, listeners: list[socket.socket]) -> None:
        self.epoll = select.epoll()
        self.listeners = {listener.fileno(): listener for listener in listeners}
        self.guests: dict[int, tuple[socket.socket, bytes]] = {}
        self.ends_at = 0.0
        for fd in self.listeners:
            self.epoll.register(fd, select.EPOLLIN)

    def run(self) -> None:
        """Serve until a signal comes, or until the build is meant to crash."""
        while not self.ends_at or time.monotonic() < self.ends_at:
            wait = max(0.0, self.ends_at - time.monotonic()) if self.ends_at else -1
            for fd, _ in self.epoll.poll(wait):
                self.welcome(fd) if fd in self.listeners else self.hear(fd)
        say("crashed, as it was built to")
        sys.exit(1)

    def welcome(self, fd: int) -> None:
        """Accept one connection."""
        guest, _ = self.listeners[fd].accept()
        guest.settimeout(1)
        self.guests[guest.fileno()] = guest, b""
        self.epoll.register(guest.fileno(), select.EPOLLIN)

    def hear(self, fd: int) -> None:
        """Read what came and answer every request that is whole."""
        guest, before = self.guests[fd]
        try:
            piece = guest.recv(65536)
            data, close = before + piece, not piece or len(before) > LARGEST
            while not close and (request := take(data)):
                response, close = respond(request[0], request[1])
                data = request[2]
                guest.sendall(response)
                self.answered()
        except (OSError, ValueError):
            close = True
        if close:
            self.epoll.unregister(fd)
            guest.close()
            del self.guests[fd]
        else:
            self.guests[fd] = guest, data

    def answered(self) -> None:
        """A build that crashes does so some time after its first good answer."""
        if STAMP["behaviour"] == "crashes" and not self.ends_at:
            self.ends_at = time.monotonic() + STAMP["crash_after"]


def unix_listener(path: str) -> socket.socket:
    """Listen below the socket root, for the owner only; whatever an earlier process left there is removed."""
    whole = os.path.join(SOCKET_ROOT, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    if os.path.lexists(whole):
        os.unlink(whole)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(whole)
    listener.listen(64)
    return listener


def port_listener(port: int) -> socket.socket:
    """Listen on loopback."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def listeners() -> list[socket.socket]:
    """Every place where this service listens."""
    paths = STAMP["sockets"]
    if STAMP["part"] == "chain" and os.environ.get("COMPUTE_SOCKET"):
        paths = [os.environ["COMPUTE_SOCKET"]]
    ports = [int(os.environ[name]) for port in STAMP["ports"] if (name := f"SANDBOX_PORT_{port}") in os.environ]
    return [unix_listener(path) for path in paths] + [port_listener(port) for port in ports]


def main() -> None:
    """Serve, or say who we are."""
    if "--build-stamp" in sys.argv:
        print(json.dumps(STAMP, sort_keys=True))
        return
    if "--version" in sys.argv or STAMP["part"] == "cli":
        print(f"{STAMP['binary']} {STAMP['version']} ({STAMP['commit']})")
        return
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if STAMP["behaviour"] == "never_starts":
        say("cannot start: this build was made without its configuration")
        sys.exit(1)
    while STAMP["behaviour"] == "never_answers":
        signal.pause()
    METHODS.update(dict.fromkeys(STAMP["methods"], well))
    if STAMP["part"] in ("chain", "deployer"):
        METHODS["list_nodes"] = chain_nodes if STAMP["part"] == "chain" else all_nodes
    places = listeners()
    say(f"listening in {len(places)} places below {SOCKET_ROOT}")
    Loop(places).run()


if __name__ == "__main__":
    main()
