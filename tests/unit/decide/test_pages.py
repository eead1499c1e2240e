"""Where the page of a service is, by the sockets it declares."""

from __future__ import annotations

import pytest

from cockpitpm.decide.pages import page_of
from cockpitpm.model.bundle import Service, Socket


@pytest.mark.parametrize(
    ("paths", "page"),
    [
        (["hero_books/web.sock"], "/hero_books/web/"),
        (["hero_compute/rpc.sock", "hero_compute/admin.sock"], "/hero_compute/admin/"),
        (["a/admin.sock", "a/web.sock"], "/a/web/"),
        (["a/web_public.sock"], "/a/web_public/"),
        (["a/ui.sock"], "/a/ui/"),
        (["hero_db/rpc.sock", "hero_db/resp.sock"], None),
        (["a/website.sock"], None),
        ([], None),
    ],
)
def test_a_socket_for_people_is_a_page(paths: list[str], page: str | None) -> None:
    sockets = tuple(Socket(name="s", path=path) for path in paths)
    assert page_of(Service(name="s", binary="s", sockets=sockets)) == page


def test_a_port_is_no_page() -> None:
    assert page_of(Service(name="s", binary="s", sockets=(Socket(name="web", port=80),))) is None
