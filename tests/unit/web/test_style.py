"""The style sheet: every pair of colours that text stands on can be read, and nothing comes from elsewhere."""

from __future__ import annotations

import re

import pytest

from cockpitpm.web.assets import FOLDER

CSS = (FOLDER / "cockpit.css").read_text(encoding="utf-8")
JS = (FOLDER / "cockpit.js").read_text(encoding="utf-8")
TEXT = ("ink", "ink2", "ink3", "accent", "ok", "info", "warn", "bad", "hold")
GROUNDS = ("page", "surface", "hover")
TINTS = {"info-tint": ("info", "ink"), "warn-tint": ("warn", "ink"), "bad-tint": ("bad", "ink")}


def tokens(selector: str) -> dict[str, str]:
    """The colours that a rule sets."""
    found = re.search(re.escape(selector) + r" \{(.*?)\}", CSS, re.DOTALL)
    assert found
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-F]{6});", found[1]))


LIGHT, DARK = tokens(":root"), tokens(':root[data-theme="dark"]')


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(theme: dict[str, str]) -> None:
    pairs = [(text, ground) for text in TEXT for ground in GROUNDS]
    pairs += [(text, tint) for tint, texts in TINTS.items() for text in texts]
    pairs += [("on-accent", "accent"), ("on-accent", "press")]
    worst = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in worst.items() if ratio < 4.5} == {}
    tinted = [contrast(theme[texts[0]], theme[tint]) for tint, texts in TINTS.items()]
    assert min(tinted) >= (5.6 if theme is LIGHT else 7.4)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_edges_and_the_ring_of_the_focus_can_be_seen(theme: dict[str, str]) -> None:
    for ground in GROUNDS[:2]:
        assert contrast(theme["edge"], theme[ground]) >= 3
        assert contrast(theme["accent"], theme[ground]) >= 3


def test_the_two_ways_to_be_dark_are_one() -> None:
    assert tokens(":root:not([data-theme])") == DARK


def test_nothing_comes_from_elsewhere() -> None:
    for text in (CSS, JS):
        assert not re.search(r"https?://|@import|url\(|//[a-z0-9.-]+\.[a-z]{2,}/", text)


def test_the_script_makes_no_markup_of_text() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", JS)


def test_reduced_motion_and_forced_colours_are_kept() -> None:
    assert "prefers-reduced-motion: reduce" in CSS and "forced-colors: active" in CSS
    assert not re.search(r"outline:\s*(?:none|0)(?![^}]*main)", CSS.replace("h1:focus, main:focus { outline: 0; }", ""))


def test_no_text_is_smaller_than_13_pixels() -> None:
    sizes = [float(size) for size in re.findall(r"font(?:-size)?:[^;]*?(\.\d+|\d\.\d+)rem", CSS)]
    assert min(sizes) >= 0.8125
