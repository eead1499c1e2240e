"""The path law, for paths that nobody thought of too."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.router.law import KINDS, Door, Elsewhere, NoWay, Way, door_of, find

NAMES = st.text("abcz019_", min_size=1, max_size=8)
ODD = [".", "..", "%2e", "%2E%2e", "..;x", "%2f", "%5c", "\\", "%", "%00", "~", "A", "é", " ", "x.sock"]
PIECES = st.sampled_from(["", "a", "rpc", "web", "hero_x", *ODD])
WILD = st.lists(PIECES, max_size=7).map(lambda pieces: "/" + "/".join(pieces)) | st.text(max_size=30)


@given(WILD | st.builds("/{}/{}{}".format, NAMES, NAMES, WILD))
def test_whatever_is_asked_stays_below_the_socket_root(path: str) -> None:
    found = find(path)
    if isinstance(found, Way):
        socket = posixpath.normpath(posixpath.join("/root", found.door.socket))
        assert socket == f"/root/{found.door.socket}" and socket.count("/") == 3 and socket.endswith(".sock")
        whole = found.door.prefix + (found.target if path != found.door.prefix else "")
        assert whole == path, "the service is asked for the rest of the path, letter for letter"
        once = unquote(found.target).replace("\\", "/")
        assert not {".", ".."} & {segment.partition(";")[0] for segment in once.split("/")}
        assert found.target.startswith("/") and found.target.isascii() and " " not in found.target
    elif isinstance(found, Elsewhere):
        assert find(found.path) == Way(door=door(found.path), target="/")
    else:
        assert found.status in (400, 404) and found.sentence


def door(path: str) -> Door:
    _, service, word, _ = path.split("/")
    return Door(service=service, word=word)


@given(NAMES, NAMES)
def test_a_socket_and_its_path_name_each_other(service: str, word: str) -> None:
    made = Door(service=service, word=word)
    assert door_of(made.socket) == made
    assert find(f"{made.prefix}/x") == Way(door=made, target="/x")


@given(st.text("ab/._", max_size=20).map(lambda text: f"{text}.sock") | WILD)
def test_a_socket_has_one_path_or_none(socket: str) -> None:
    found = door_of(socket)
    assert found is None or found.socket == socket


@pytest.mark.parametrize(
    ("path", "socket", "target"),
    [
        ("/hero_cockpit/web/services", "hero_cockpit/web.sock", "/services"),
        ("/hero_tfgrid_deployer/admin/", "hero_tfgrid_deployer/admin.sock", "/"),
        ("/hero_biz/ui/x/", "hero_biz/ui.sock", "/x/"),
        ("/hero_agent/rpc", "hero_agent/rpc.sock", "/rpc"),
        ("/hero_agent/rpc/rpc", "hero_agent/rpc.sock", "/rpc"),
        ("/hero_agent/rpc/", "hero_agent/rpc.sock", "/"),
        ("/hero_books/reader/1", "hero_books/web_reader.sock", "/1"),
        ("/hero_db/resp/", "hero_db/web_resp.sock", "/"),
        ("/hero_x/web//a", "hero_x/web.sock", "//a"),
    ],
)
def test_known_paths(path: str, socket: str, target: str) -> None:
    found = find(path)
    assert isinstance(found, Way)
    assert (found.door.socket, found.target) == (socket, target)


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "//web/", "/a//", "/A/web/", "/a.b/web/", f"/{'a' * 65}/web/", "x/y/z"]
)
def test_no_path(path: str) -> None:
    assert isinstance(find(path), NoWay)


@pytest.mark.parametrize(
    "socket", ["hero_db/resp.sock", "rpc.sock", "a/b/rpc.sock", "../rpc.sock", "a/rpc", "a/web_rpc.sock", "a/web_.sock"]
)
def test_sockets_without_a_path(socket: str) -> None:
    assert door_of(socket) is None


def test_the_kinds_are_those_that_speak_http() -> None:
    assert KINDS == ("admin", "rest", "rpc", "ui", "web")
