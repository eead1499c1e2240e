"""Pictures of pages that are kept beside the tests, how they are taken, and how two of them are compared.

The same bytes of a page look another way in another browser or with other fonts, so both are written down beside them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page

from cockpitpm.app.services import stop
from cockpitpm.app.settings import set_hold
from cockpitpm.model.role import Role
from tests.browser.guest import PREFIX
from tests.browser.steady import Steady
from tests.browser.visitor import PHONE, Visits, live
from tests.unit.web.conftest import Machine
from tests.unit.web.test_pages import install, upgrade

FOLDER = Path(__file__).parent / "pictures"
MADE_WITH = FOLDER / "made-with.json"
MACHINE = "herolab-admin"
NOW = "2026-06-12T09:00:00Z"
FAMILIES = ("system-ui", "sans-serif", "monospace")
SIZE = (1280, 1000)
SHOWN = {
    "services-light": ("/services", SIZE, False),
    "services-dark": ("/services", SIZE, True),
    "services-phone": ("/services", PHONE, False),
    "plan-light": ("/services/hero_books_server/plan", SIZE, False),
}
"""Path, size and whether it is dark."""

# Gives the share of the pixels of two pictures of which any channel differs by more than that, 1 for other sizes.
COMPARE = """
async ([one, other, least]) => {
  const read = async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    return pen.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await read(one), await read(other)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  let odd = 0;
  for (let at = 0; at < a.data.length; at += 4)
    if ([0, 1, 2].some((i) => Math.abs(a.data[at + i] - b.data[at + i]) > least)) odd += 1;
  return odd / (a.width * a.height);
}
"""


def busy(machine: Machine) -> None:
    """Some of everything: an update, one held, one that failed here, one stopped, one that runs an older build."""
    install(machine, "hero_compute", "hero_slides", "hero_agent", "hero_os")
    for app in ("hero_slides", "hero_os"):
        machine.publish(app, "1.1")
    upgrade(machine, "hero_os", "1.2", "sick")
    set_hold(machine.host(), "hero_slides", "20d", "the fair is on, nothing may move")
    stop(machine.host(), "hero_agent")
    machine.world.die("hero_db_server")


def made(folder: Path) -> Steady:
    """The machine of the pictures, in a new folder."""
    return Steady(folder, Role.ADMIN, more=busy)


def pictures(steady: Steady, visits: Visits) -> Iterator[tuple[str, bytes]]:
    """Each picture by its name. The page's clock stands too, and the machine has a name of its own."""
    for name, (path, size, dark) in SHOWN.items():
        page = visits.window(steady.router.url, size=size, dark=dark)
        page.clock.set_fixed_time(NOW)
        page.goto(steady.router.link(PREFIX + path))
        live(page)
        page.evaluate("(name) => { document.querySelector('.machine').textContent = name; }", MACHINE)
        page.mouse.move(0, 0)
        yield name, page.screenshot(animations="disabled", caret="hide")


def difference(page: Page, one: bytes, other: bytes, least: int = 2) -> float:
    """The share of pixels that differ; `page` is any that has no policy."""
    share: float = page.evaluate(COMPARE, [*(base64.b64encode(data).decode() for data in (one, other)), least])
    return share


def environment(browser: Browser) -> dict[str, str]:
    """What decides how a page looks beside its own bytes: the browser, and the files of the fonts that it takes."""
    return {"chromium": browser.version, **{family: _font(family) for family in FAMILIES}}


def _font(family: str) -> str:
    program = shutil.which("fc-match")
    if program is None:
        return "unknown"
    found = subprocess.run([program, "-f", "%{file}", family], capture_output=True, text=True, timeout=20, check=True)
    file = Path(found.stdout)
    return f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()[:12]}" if file.is_file() else "none"


def keep(folder: Path, browser: Browser) -> None:
    """Take them anew, with a machine in a new folder."""
    FOLDER.mkdir(exist_ok=True)
    with made(folder) as steady, Visits(browser) as visits:
        for name, data in pictures(steady, visits):
            path = FOLDER / f"{name}.png"
            path.write_bytes(data)
            print(f"tests/browser/pictures/{path.name}  {len(data) // 1000} kB")
    MADE_WITH.write_text(json.dumps(environment(browser), indent=2) + "\n")
