"""What the deployer's pages show, found while the reader waits: nodes, engines, and which tokens there are.

Tokens are names and times of files; no file of theirs is ever opened.
"""
# It runs inside a daemon: see server.py.
# ruff: noqa: PTH110, PTH111, PTH118

import json
import os
import re
import threading
import time
from typing import NamedTuple

from cockpitpm.sandbox.daemons import server

ENGINES = (
    "Embedder=hero_embedder_provider/rpc.sock,Voice=hero_voice_provider/rpc.sock,"
    "Compute, main=hero_compute_main/rpc.sock,Compute, test=hero_compute_testnet/rpc.sock,"
    "Compute, qa=hero_compute/rpc.sock"
)
LINKS = (
    ("Embedder dashboard", "hero_embedder_provider/admin.sock", "/hero_embedder_provider/admin/"),
    ("Voice dashboard", "hero_voice_provider/admin.sock", "/hero_voice_provider/admin/"),
    ("Compute dashboard", "hero_compute/admin.sock", "/hero_compute/admin/"),
)
DEPLOYER = "hero_tfgrid_deployer/rpc.sock"
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class Tile(NamedTuple):
    """One engine: `mark` is ok, bad or mute, `words` how it is, `detail` what it said of itself, `took` in ms."""

    name: str
    socket: str
    mark: str
    words: str
    detail: str
    took: int


class Chain(NamedTuple):
    """One chain: `trouble` is empty if its daemon answers; `nodes` are names, and whether each is online."""

    name: str
    trouble: str
    nodes: list[tuple[str, bool]]


class Token(NamedTuple):
    """That there is a token, and since when (seconds since 1970)."""

    name: str
    at: float


def engines() -> list[Tile]:
    """Every engine, asked at once and each for itself."""
    entries = re.findall(r"([^=]+)=([^,]+)(?:,|$)", os.environ.get("DEPLOYER_ENGINES", ENGINES))
    found: dict[int, Tile] = {}

    def ask(number: int, name: str, path: str) -> None:
        found[number] = tile(name, path)

    workers = [threading.Thread(target=ask, args=(n, *entry), daemon=True) for n, entry in enumerate(entries)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [found[number] for number in range(len(entries))]


def tile(name: str, path: str) -> Tile:
    """One engine, as it answers now."""
    began = time.monotonic()
    mark, words, detail = health(path)
    return Tile(name, path, mark, words, detail, round((time.monotonic() - began) * 1000))


def health(path: str) -> tuple[str, str, str]:
    """Mark, words and detail for the service behind a socket."""
    try:
        status, body = server.ask(path, "GET", "/health")
    except FileNotFoundError:
        return "mute", "Not on this machine", "It has no socket here"
    except ConnectionRefusedError:
        return "bad", "Not running", "Nobody listens on its socket"
    except TimeoutError:
        return "bad", "Not answering", f"Nothing came within {server.ASK_WITHIN:g} second"
    except (OSError, ValueError) as error:
        return "bad", "Not answering", reason(error)
    if status in (401, 403):
        return "ok", "Well, and closed", "Asks everybody for a token, as it must"
    if status != 200:
        return "bad", "Not well", f"Its own check says {status}" if status else "What it says is no HTTP"
    return verdict(body)


def verdict(body: bytes) -> tuple[str, str, str]:
    """Mark, words and detail for what a service says of itself."""
    try:
        said = json.loads(body)
        if said["status"] != "ok":
            return "bad", "Not well", "Its own check does not say ok"
        return "ok", "Well", f"{said['version']} ({str(said['commit'])[:7]}), process {said['pid']}"
    except (ValueError, LookupError, TypeError, RecursionError):
        return "bad", "Not well", "What it says of itself cannot be read"


def chains() -> list[Chain]:
    """Chains and nodes as the deployer's server tells them. Raises OSError, ValueError where it tells none."""
    try:
        found = server.call(DEPLOYER, "list_nodes")
        nodes = [(str(n["chain"]), str(n["name"]), bool(n["online"])) for n in found["nodes"]]
        return [
            Chain(
                str(c["chain"]),
                "" if c["healthy"] else str(c.get("error") or "no reason given"),
                [(name, online) for chain, name, online in nodes if chain == c["chain"]],
            )
            for c in found["chains"]
        ]
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("what it says cannot be read") from error


def tokens() -> list[Token]:
    """Names and times of the secrets, sorted. What is no plain file of ours is none."""
    root = os.environ.get("PATH_ROOT") or os.path.expanduser("~/hero")
    found = [
        Token(f"{context.name}/{key.name}", key.stat(follow_symlinks=False).st_mtime)
        for context in entries(os.path.join(root, "cfg/cockpitpm/secrets"), r"[a-z][a-z0-9_-]{0,63}")
        if context.is_dir(follow_symlinks=False)
        for key in entries(context.path, r"[A-Z][A-Z0-9_]{0,99}")
        if key.is_file(follow_symlinks=False)
    ]
    return sorted(found)


def entries(folder: str, pattern: str) -> list[os.DirEntry[str]]:
    """What is in a folder and has a name that fits; nothing if it is not there or cannot be read."""
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if re.fullmatch(pattern, entry.name)]
    except OSError:
        return []


def links() -> list[tuple[str, str]]:
    """Title and path of the engines' own pages that are on this machine."""
    return [(t, path) for t, socket, path in LINKS if os.path.exists(os.path.join(server.SOCKET_ROOT, socket))]


def reason(error: Exception) -> str:
    """Why somebody did not answer, without numbers."""
    return getattr(error, "strerror", None) or str(error)


def age(at: float) -> str:
    """How long ago, in its largest unit."""
    seconds = max(1, int(time.time() - at))
    size, unit = next(one for one in UNITS if seconds >= one[0])
    number = seconds // size
    return f"{number} {unit}{'' if number == 1 else 's'}"
