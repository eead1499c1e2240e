"""Where a service's page is, seen through the router that serves every socket by its path."""

from __future__ import annotations

from cockpitpm.model.bundle import Service

PAGES = ("web", "ui", "admin")
"""The kinds of socket that answer with pages; the earlier is the one that people want."""


def page_of(service: Service) -> str | None:
    """The path of the page of a service, such as `/hero_books/web/`; None if it has none.

    A socket `folder/kind.sock` is `/folder/kind/` there. `web_NAME` is a page of its own.
    """
    found = {_kind(path): path for socket in service.sockets if (path := socket.path)}
    best = next((found[kind] for kind in PAGES if kind in found), None)
    return f"/{best.removesuffix('.sock')}/" if best else None


def _kind(path: str) -> str:
    """The first word of the socket's file name."""
    return path.rsplit("/", 1)[-1].removesuffix(".sock").split("_", 1)[0]
