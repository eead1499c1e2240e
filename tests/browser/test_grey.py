"""Every state of the table as the browser draws it, without any colour: told apart by the shape and by the words."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from cockpitpm.model.role import Role
from cockpitpm.web.rows import row
from tests.browser.guest import PREFIX
from tests.browser.kept import difference
from tests.browser.steady import Steady
from tests.browser.visitor import Visits
from tests.cases.scene import bundles
from tests.unit.decide.test_standing import ROWS, seen

LEAST = 0.02
"""Share of the pixels in which two shapes differ at least; a sign of 16 px has a thin line."""
STRONG = 48
"""Levels of grey by which a pixel must differ to count."""


def states() -> str:
    """The row of every case of the table, rendered as on the page."""
    duo = bundles()["duo"]
    return "".join(row(seen(one[2], **one[1]), duo, PREFIX) for one in ROWS)


def drawn(page: Page, dark: bool) -> list[tuple[str, str, bytes]]:
    """For each state the name of its sign, its words, and how the sign looks where nobody sees colours."""
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.context.new_cdp_session(page).send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
    page.evaluate("(rows) => { document.querySelector('main').innerHTML = `<ul class=list>${rows}</ul>`; }", states())
    found = []
    for state in page.locator(".app > .line .st, .app summary .st").all():
        sign = state.locator("svg").first
        name = str(sign.locator("use").get_attribute("href"))
        found.append((name, " ".join(state.inner_text().split()), sign.screenshot(animations="disabled")))
    return found


@pytest.fixture(scope="module")
def steady(land: Path, engine: Chromium) -> Iterator[Steady]:
    """The style and the signs of a real page."""
    with Steady(land / "g", Role.TESTER) as made:
        yield made


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_without_colours_every_state_has_its_shape_and_its_words(
    steady: Steady, engine: Chromium, visits: Visits, dark: bool
) -> None:
    found = drawn(visits.open(steady, device_scale_factor=2), dark)
    blank = engine.new_page()
    try:
        told: dict[Any, bytes] = {name: picture for name, _, picture in found}
        shares = {
            (a, b): difference(blank, told[a], told[b], STRONG) for a, b in itertools.combinations(sorted(told), 2)
        }
        same = {name: difference(blank, told[name], picture, STRONG) for name, _, picture in found}
        grey = [levels(blank, picture) for picture in told.values()]
    finally:
        blank.close()
    print(f"\n{len(found)} states, {len(told)} shapes; the two most alike differ in {min(shares.values()):.1%}")
    assert len(found) == len(ROWS) and len(told) > 10
    assert max(same.values()) < LEAST / 2, "one sign looks the same wherever it stands"
    assert {pair: share for pair, share in shares.items() if share < LEAST} == {}
    assert max(grey) <= 2, "there is no colour left in what is compared"
    words = {(name, text) for name, text, _ in found}
    kinds = {(one[0], one[3], one[4]) for one in ROWS}
    assert len(words) == len(kinds), "no two states have the same shape and the same words"


def levels(page: Page, picture: bytes) -> int:
    """How far the channels of any pixel are apart: 0 for grey."""
    found: int = page.evaluate(
        """async (data) => {
          const image = new Image();
          image.src = `data:image/png;base64,${data}`;
          await image.decode();
          const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext('2d');
          pen.drawImage(image, 0, 0);
          const all = pen.getImageData(0, 0, image.width, image.height).data;
          let most = 0;
          for (let at = 0; at < all.length; at += 4) {
            const [r, g, b] = [all[at], all[at + 1], all[at + 2]];
            most = Math.max(most, Math.max(r, g, b) - Math.min(r, g, b));
          }
          return most;
        }""",
        base64.b64encode(picture).decode(),
    )
    return found
