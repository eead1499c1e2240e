"""Writes the pictures of docs/screenshots from a machine that people work on, and those that tests hold pages against.

`make screenshots` writes all of them, `python -m tests.browser.shots kept` only those of the tests.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from cockpitpm.model.job import JobState
from tests.acceptance.scene import COMPUTE
from tests.browser.house import House
from tests.browser.kept import keep
from tests.browser.lively import MAIN, liven
from tests.browser.visitor import DESKTOP, PHONE, Visits, chromium, live
from tests.waiting import until

FOLDER = Path(__file__).parents[2] / "docs/screenshots"
MACHINE = "herolab-admin"
LARGEST = 300_000


def shoot(page: Page, name: str, whole: bool = False, down_to: str = "") -> None:
    """One picture, with a name for the machine that is not the one of whoever takes it; it ends below an element."""
    if down_to:
        box = page.locator(down_to).bounding_box()
        assert box
        page.set_viewport_size({"width": DESKTOP[0], "height": int(box["y"] + box["height"]) + 32})
    page.evaluate(f"document.querySelector('.machine').textContent = '{MACHINE}'")
    page.mouse.move(0, 0)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, full_page=whole, animations="disabled")
    size = path.stat().st_size
    print(f"{path.relative_to(FOLDER.parents[1])}  {size // 1000} kB")
    assert size <= LARGEST, f"{path} is larger than {LARGEST} bytes"


def take(house: House, visits: Visits) -> None:
    """The list in three shapes, a plan, and a job that has ended."""
    for name, dark in (("services-light", False), ("services-dark", True)):
        shoot(live(visits.open(house, dark=dark)), name, down_to="section[data-section=updates]")
    shoot(live(visits.open(house, size=PHONE, device_scale_factor=2)), "services-phone")
    house.publish(COMPUTE)
    house.refresh()
    page = live(visits.open(house, f"/services/{MAIN}/plan", size=DESKTOP))
    shoot(page, "plan-light")
    page.get_by_role("button", name=f"Upgrade {COMPUTE}", exact=True).click()
    page.wait_for_url("**/jobs/*")
    until(lambda: house.jobs()[0].state is JobState.DONE, 60)
    page.locator("#job[data-state=done]").wait_for()
    page.locator("#working").wait_for(state="detached")
    shoot(live(page), "job-light", whole=True)


def main() -> int:
    """Make the machine, take the pictures, leave nothing behind."""
    program = chromium()
    if program is None:
        print("chromium is not installed. Install it: apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="cp", dir="/tmp"))
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            keep(folder / "k", browser)
            if "kept" not in sys.argv[1:]:
                with House(folder / "m") as house, Visits(browser) as visits:
                    liven(house)
                    take(house, visits)
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
