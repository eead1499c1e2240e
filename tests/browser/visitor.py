"""A person with a browser: pages opened through the router, and what the browser complained of."""

from __future__ import annotations

import shutil
from types import TracebackType
from typing import Any, Protocol, Self

from playwright.sync_api import Browser, BrowserContext, Page, expect

from cockpitpm.router import Router
from tests.browser.guest import PREFIX

DESKTOP = (1280, 900)
PHONE = (390, 844)
PATIENCE = 15_000  # milliseconds

# Runs before the page's own script. Whatever the policy stops, and whatever a payload could do, is counted.
EARS = """
window.heard = []; window.shifts = 0; window.moved = [];
document.addEventListener('securitypolicyviolation', (e) =>
  heard.push(`policy: ${e.violatedDirective} ${e.blockedURI}`));
new PerformanceObserver((list) => list.getEntries().forEach((e) => {
  if (e.hadRecentInput) return;
  shifts += e.value;
  moved.push(...e.sources.map((s) => `${s.node?.nodeName} ${s.node?.className || s.node?.textContent?.slice(0, 30)}`));
}))
  .observe({ type: 'layout-shift', buffered: true });
for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => heard.push(`${name} was called`);
"""


class Routed(Protocol):
    """A machine whose pages a browser reaches."""

    router: Router


def chromium() -> str | None:
    """The program, None where there is none."""
    return shutil.which("chromium")


class Visits:
    """A context manager: closes every browser window and tells what went wrong in one."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for context in self.contexts:
            for page in context.pages:
                if kind is None and not page.url.startswith("about:"):
                    self.complaints += page.evaluate("window.heard || []")
            context.close()
        if kind is None:
            assert not self.complaints, "; ".join(self.complaints)

    def open(
        self,
        house: Routed,
        path: str = "/services",
        *,
        size: tuple[int, int] = DESKTOP,
        dark: bool = False,
        script: bool = True,
        **more: Any,
    ) -> Page:
        """A window of its own, let in by the router's link, at a page of the machine."""
        page = self.window(house.router.url, size=size, dark=dark, script=script, **more)
        where, _, query = path.partition("?")
        page.goto(house.router.link(PREFIX + where) + (f"&{query}" if query else ""))
        return page

    def window(
        self,
        origin: str,
        *,
        size: tuple[int, int] = DESKTOP,
        dark: bool = False,
        script: bool = True,
        **more: Any,
    ) -> Page:
        """A window of its own, which may ask this origin alone."""
        width, height = size
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            **more,
        )
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(EARS)
        page = context.new_page()
        self._listen(page, origin)
        return page

    def _listen(self, page: Page, origin: str) -> None:
        own = origin + "/"
        page.on("request", lambda r: None if r.url.startswith(own) else self.complaints.append(f"asked {r.url}"))
        page.on("pageerror", lambda e: self.complaints.append(f"script: {e}"))
        page.on("dialog", lambda d: (self.complaints.append(f"dialog: {d.message}"), d.dismiss()))
        page.on(
            "console",
            # A status of 4xx or 5xx is no fault of the page; its tests look at the status themselves.
            lambda m: (
                self.complaints.append(f"console at {page.url}: {m.text}")
                if m.type in ("error", "warning") and not m.text.startswith("Failed to load resource")
                else None
            ),
        )


def live(page: Page) -> Page:
    """The page when its stream runs."""
    expect(page.locator("#live span")).to_have_text("Live", timeout=PATIENCE)
    return page


def row(page: Page, app: str) -> Any:
    """The row of an app."""
    return page.locator(f"#app-{app}")


def words(page: Page, app: str) -> str:
    """How the list says that an app stands."""
    return " ".join(row(page, app).locator(".st").first.inner_text().split())


def shape(page: Page, app: str) -> str:
    """The sign beside the words."""
    return str(row(page, app).locator(".st use").first.get_attribute("href"))


def signs_in(page: Page, url: str, token: str) -> None:
    """Type the token where the page asks for it; an empty `url` where it asks already."""
    if url:
        page.goto(url)
    page.get_by_label("Token").fill(token.strip())
    page.get_by_role("button", name="Sign in").click()
