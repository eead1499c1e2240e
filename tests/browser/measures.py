"""What a ruler and a colour meter say of a page: contrast, sizes of targets, scrolling, and axe-core's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / ".venv/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Colours are read as the browser computed them and blended over every background below; sizes in CSS pixels.
METER = r"""
(() => {
  const parse = (text) => {
    const found = text.match(/[\d.]+/g).map(Number);
    return [found[0], found[1], found[2], found.length > 3 ? found[3] : 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const ground = (node) => {
    const layers = [];
    for (let it = node; it; it = it.parentElement) layers.push(parse(getComputedStyle(it).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const seen = (node) => {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    return box.width > 1 && box.height > 1 && style.visibility === 'visible' && !node.closest('.sr, .skip, [hidden]')
      && node.checkVisibility();
  };
  const label = (node) => `${node.tagName.toLowerCase()}.${node.className.baseVal ?? node.className} `
    + `"${(node.getAttribute('aria-label') || node.textContent || node.name || '').trim().slice(0, 40)}"`;
  const texts = () => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), nodes = new Set();
    while (walk.nextNode()) if (walk.currentNode.data.trim()) nodes.add(walk.currentNode.parentElement);
    return [...nodes].filter(seen);
  };
  const words = () => texts().map((it) => {
    const below = ground(it), ink = over(parse(getComputedStyle(it).color), below);
    return { what: label(it), ratio: ratio(ink, below) };
  });
  const all = (what) => [...document.querySelectorAll(what)].filter(seen);
  const edges = () => all('input:not([type=hidden]), select, textarea').map((it) => {
    const around = ground(it.parentElement), style = getComputedStyle(it);
    if (style.appearance === 'auto') return { what: label(it), ratio: 21 };
    const edge = over(parse(style.borderTopColor), around), inside = over(parse(style.backgroundColor), around);
    return { what: label(it), ratio: Math.max(ratio(edge, around), ratio(inside, around)) };
  });
  const signs = () => all('main svg.i, main svg.d, main svg.chain *, header svg.i').map((it) => {
      const style = getComputedStyle(it), below = ground(it.closest('svg').parentElement);
      const ink = [style.stroke, style.fill, style.color].find((one) => one && one !== 'none');
      return { what: label(it.closest('svg').parentElement), ratio: ratio(over(parse(ink), below), below) };
    });
  const ring = () => {
    const it = document.activeElement, style = getComputedStyle(it), below = ground(it.parentElement);
    return { what: label(it), wide: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
      ratio: ratio(over(parse(style.outlineColor), below), below) };
  };
  const targets = () => all('a[href], button, summary, input:not([type=hidden]), select').map((it) => {
      const box = it.getBoundingClientRect();
      const row = it.closest('label') || it, wide = row.getBoundingClientRect();
      // A link in a sentence is as high as its line; that is allowed.
      const inline = getComputedStyle(it).display === 'inline' && [...it.parentElement.childNodes].some(
        (one) => one.nodeType === 3 && one.data.trim().length > 2);
      return { what: label(it), main: it.matches('.btn:not(.quiet)'), inline,
        wide: Math.max(box.width, wide.width), high: Math.max(box.height, wide.height) };
    });
  const sideways = () => {
    const root = document.documentElement, most = root.clientWidth;
    if (root.scrollWidth <= most) return [];
    return [`${root.scrollWidth} of ${most}`, ...[...document.querySelectorAll('main *, header *')]
      .filter((it) => it.getBoundingClientRect().right > most + 1).slice(0, 5).map(label)];
  };
  return { words: words(), edges: edges(), signs: signs(), targets: targets(), sideways: sideways(),
    ring: document.activeElement === document.body ? null : ring() };
})()
"""


def measured(page: Page) -> dict[str, Any]:
    """Every measure of the page as it is shown now."""
    found: dict[str, Any] = page.evaluate(METER)
    return found


def faint(found: dict[str, Any]) -> list[str]:
    """Text below 4.5 to 1, and signs and edges of fields below 3 to 1."""
    wanted = (("words", 4.5), ("edges", 3.0), ("signs", 3.0))
    return [f"{it['what']} {it['ratio']:.2f}" for kind, least in wanted for it in found[kind] if it["ratio"] < least]


def small(found: dict[str, Any], phone: bool) -> list[str]:
    """What is too small for a finger: 24 px, on a phone 44 for the buttons that one comes for."""

    def least(it: dict[str, Any]) -> int:
        return 44 if phone and it["main"] else 24

    return [
        f"{it['what']} {it['wide']:.0f}x{it['high']:.0f}"
        for it in found["targets"]
        if not it["inline"] and (it["high"] < least(it) - 0.5 or it["wide"] < 24 - 0.5)
    ]


def violations(page: Page) -> list[str]:
    """What axe-core finds, in light and in dark."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        told = page.evaluate(
            "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })", TAGS
        )
        found += [(scheme, one["id"], node) for one in told["violations"] for node in one["nodes"]]
    return [f"{scheme} {rule}: {node['target']} {node['failureSummary'][:200]}" for scheme, rule, node in found]
