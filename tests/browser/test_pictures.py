"""Pages look as their kept pictures do; `make screenshots` takes them anew when they are meant to look otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium

from tests.browser.kept import FOLDER, MADE_WITH, SHOWN, difference, environment, made, pictures
from tests.browser.visitor import Visits

MOST = 0.001
"""Share of the pixels that may differ."""


def test_pages_look_as_they_are_kept(land: Path, engine: Chromium, visits: Visits) -> None:
    kept, here = json.loads(MADE_WITH.read_text()), environment(engine)
    if kept != here:
        odd = ", ".join(f"{name} is {here.get(name)}, not {was}" for name, was in kept.items() if here.get(name) != was)
        pytest.skip(f"the kept pictures were made with another Chromium or other fonts: {odd}")
    found, blank = {}, engine.new_page()
    try:
        with made(land / "k") as steady:
            for name, data in pictures(steady, visits):
                found[name] = difference(blank, (FOLDER / f"{name}.png").read_bytes(), data)
        mutual = difference(blank, *((FOLDER / f"services-{look}.png").read_bytes() for look in ("light", "dark")))
    finally:
        blank.close()
    print(f"\nlargest difference {max(found.values()):.5%}; light and dark differ by {mutual:.0%}")
    assert {name: share for name, share in found.items() if share > MOST} == {}
    assert set(found) == set(SHOWN) and mutual > 0.5, "it sees a difference"
