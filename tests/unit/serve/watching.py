"""A watcher whose turns a test makes itself, in a time of the test's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cockpitpm.app.engine import View
from cockpitpm.app.standing import standing_of
from cockpitpm.serve.faces import Faces
from cockpitpm.serve.hub import Hub
from cockpitpm.serve.watch import Watcher
from tests.sim.steps import later

if TYPE_CHECKING:
    from tests.unit.serve.conftest import Sim


def render(view: View, app: str, prefix: str) -> str:
    found = standing_of(view, app)
    assert found is not None
    return f'<li><a href="{prefix}/apps/{app}">{app}</a> {found.words} {found.current}</li>'


FACES = Faces(render=render, visible=lambda text: text.replace("\x1b", "\\x1b"))
EVERYTHING = frozenset({"state", *(f"job:{n}" for n in range(1, 9))})


class Scene:
    """A watcher whose turns and whose time a test makes itself, and a viewer that hears everything."""

    def __init__(self, sim: Sim, settles: bool = True) -> None:
        self.sim = sim
        self.now = 100.0
        self.hub = Hub("b00t")
        self.watcher = Watcher(self.hub, sim.engine, FACES, lambda: self.now, settles=settles)
        self.viewer, _ = self.hub.subscribe(EVERYTHING)

    def turn(self, seconds: float = 1.0) -> list[tuple[str, Any]]:
        """What one turn so much later tells."""
        self.now += seconds
        later(self.sim, seconds)
        self.watcher.turn()
        found = []
        while event := self.hub.take(self.viewer):
            found.append((event.kind, event.data))
        return found


def watched(sim: Sim, settles: bool = True) -> Scene:
    """Somebody listens to this machine; its events wait in a queue of a loop that has ended."""

    async def make() -> Scene:
        return Scene(sim, settles)

    return asyncio.run(make())
