"""A tester's machine says, byte for byte, what a build says that has no admin bundles: pages, style, events, calls."""

from __future__ import annotations

import json
import re
import shutil
import socket
from pathlib import Path

from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role
from tests.browser.guest import PREFIX
from tests.browser.steady import BOOKS, DATE, Steady
from tests.unit.web.test_roles import ADMIN, PAGES

STATIC = re.compile(rb'(?:href|src)="(/hero_cockpit/web/static/[^"]*)"')
QUIET = ("list_services", "list_catalog", "jobs", "history", "settings", "status")
NAMING = ("explain", "logs", "plan")
JOB = 1
CHANGED = ("/services", "/services?rows=all", f"/apps/{BOOKS}", "/jobs", f"/jobs/{JOB}", "/history")
"""What a job changes."""


def get(path: str) -> bytes:
    """As the router asks for a page."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Prefix: {PREFIX}\r\nConnection: close\r\n\r\n"
    return head.encode()


def post(method: str, **params: str) -> bytes:
    """As a program calls."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    head = "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def asked(steady: Steady, pages: tuple[str, ...]) -> dict[str, bytes]:
    """These pages, what they are dressed with, and every call that only looks: whole answers, with their heads."""
    found = {path: steady.said("web", get(path)) for path in pages}
    for path in sorted({path.decode() for text in found.values() for path in STATIC.findall(text)}):
        found[path] = steady.said("web", get(path.removeprefix(PREFIX)))
    found["openrpc"] = steady.said("rpc", get("/openrpc.json"))
    for method in ("rpc.discover", *(f"cockpit.{name}" for name in QUIET)):
        found[method] = steady.said("rpc", post(method))
    for name in NAMING if pages is PAGES else ():
        for app in (BOOKS, *ADMIN, "nonsense"):
            found[f"{name} {app}"] = steady.said("rpc", post(f"cockpit.{name}", service=app))
    return found


def heard(plug: socket.socket, kind: str, so_far: bytes = b"") -> bytes:
    """What a stream said until this kind of event was among it, whole; what came behind it may be there in part."""
    last = re.compile(rb"event: %s\n(?:[^\n]+\n)*\n" % kind.encode())
    while not last.search(so_far):
        piece = plug.recv(1 << 16)
        assert piece, so_far[-500:]
        so_far += piece
    return so_far


def events(steady: Steady) -> bytes:
    """The stream of one viewer from its first byte, over a job and everything that changes by it, to the job's end.

    Somebody else listens before, and it is told all that this one is. The server looks when it is told to: what it
    says in one go, and in which order, depends on no race.
    """
    with steady.line("web", get("/events")) as first:
        boot = re.findall(rb'"boot":"(\w+)"', heard(first, "hello"))[0].decode()
        steady.turn()
        with steady.line("web", get(f"/events?topics=state,job:{JOB}&since={boot}-0")) as plug:
            told = heard(plug, "summary")
            assert steady.job(Verb.UPGRADE, BOOKS).id == JOB
            steady.turn()
            told = heard(plug, "end", told)
        steady.turn()
        heard(first, "end")
    last = told.index(b"event: end")
    return DATE.sub(b"", told[: told.index(b"\n\n", last)], count=1)


def everything(land: Path, role: Role, bundles: Path, pages: tuple[str, ...] = PAGES) -> dict[str, bytes]:
    """All that a new machine says, before and after a change. It stands where the one before it stood.

    So do its bundles, for some answers name the file that a bundle is in.
    """
    place, copy = land / "s", land / "b"
    shutil.copytree(bundles, copy)
    with Steady(place, role, copy, driven=True) as steady:
        before = asked(steady, pages)
        told = events(steady)
        after = asked(steady, CHANGED)
    shutil.rmtree(place)
    shutil.rmtree(copy)
    return {**before, "events": told, **{f"{name}, after": text for name, text in after.items()}}


def test_a_tester_hears_the_bytes_of_a_build_without_admin_bundles(land: Path) -> None:
    bare, other = land / "bare", land / "other"
    for folder in (bare, other):
        shutil.copytree(bundles_folder(), folder, ignore=shutil.ignore_patterns("admin"))
    one = other / "base" / f"{BOOKS}.yaml"
    one.write_text(re.sub("(?m)^title: .*$", "title: Another", one.read_text()))
    whole, without = (everything(land, Role.TESTER, b) for b in (bundles_folder(), bare))
    changed = everything(land, Role.TESTER, other, CHANGED)
    assert set(whole) == set(without)
    odd = {name: first_difference(whole[name], without[name]) for name in whole if whole[name] != without[name]}
    assert odd == {}, "\n".join(f"{name}: {a!r}\n{b!r}" for name, (a, b) in odd.items())
    names = [app.encode() for app in ADMIN]
    assert [n for n, text in whole.items() for app in names if app in text and app.decode() not in n] == []
    kinds = set(re.findall(rb"event: (\w+)", whole["events"]))
    assert kinds >= {b"hello", b"app", b"summary", b"job", b"step", b"log", b"end"}
    assert whole["/services"] != changed["/services"] and whole["events"] != changed["events"], "it sees a difference"
    assert whole["cockpit.list_catalog"] != changed["cockpit.list_catalog"]
    print(f"\n{len(whole)} answers, {sum(map(len, whole.values()))} bytes, events {len(whole['events'])} bytes")


def first_difference(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """Where two texts part."""
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[max(0, at - 80) : at + 80], other[max(0, at - 80) : at + 80]
