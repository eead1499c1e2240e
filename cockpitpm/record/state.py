"""What is remembered about each app, one file each."""

from __future__ import annotations

from typing import Any

from cockpitpm import beneath
from cockpitpm.model.state import AppState
from cockpitpm.record import documents
from cockpitpm.record.durable import disk, remove
from cockpitpm.record.layout import Layout


def read(layout: Layout, app: str) -> AppState:
    """The state of an app; an empty one if nothing was written yet. Raises StoreError for a file that was changed."""
    return _load(layout, app)[0]


def write(layout: Layout, state: AppState) -> None:
    """Write the state durably, keeping what a newer version put there. Nothing is written if nothing changed."""
    before, unknown = _load(layout, state.app)
    if before != state:
        documents.write(layout.remembered(state.app), state, keep=unknown)


def forget(layout: Layout, app: str) -> None:
    """Remember nothing about the app any more."""
    with disk("forget"):
        remove(layout.remembered(app))


def _load(layout: Layout, app: str) -> tuple[AppState, dict[str, Any]]:
    path = layout.remembered(app)
    with disk("look at"):
        there = beneath.seen(path) is not None
    return documents.load(path, AppState) if there else (AppState(app=app), {})
