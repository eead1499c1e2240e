"""What a forge and a job write arrives as text in a real browser, whatever it would rather be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import evolve
from playwright.sync_api import Page, expect

from cockpitpm.model.job import JobEvent
from cockpitpm.record import jobs
from cockpitpm.sandbox.world import CHANNEL
from cockpitpm.web.text import visible
from tests.browser.house import House
from tests.browser.test_payloads import NEVER
from tests.browser.test_wire import AT, Talker, talker
from tests.browser.visitor import Visits, live
from tests.unit.web.payloads import PAYLOADS, unseen

BOOKS = "hero_books"
PRINTABLE = tuple(one for one in PAYLOADS if one.isprintable() and one.strip() == one)
NAMES = tuple(one for one in PRINTABLE if "/" not in one)
PATHS = tuple(one for one in PRINTABLE if "/" in one)
"""No file has such a name, so a release that says so is not believed; what a page says of it is text all the same."""
AT_ONCE = 6
"""Names of uploads that a refusal tells."""


def harmless(page: Page, words: str = "main") -> str:
    """The text of the page, in which nothing of it became an element and nothing is hidden."""
    assert page.locator(NEVER).count() == 0
    assert page.locator("script").count() == 1
    said = page.locator(words).inner_text()
    assert not unseen(said.replace("\u200b", "").replace("\t", " ")), "a character that shows nothing"
    assert "<" not in page.title()
    return said


def said_by(payload: str) -> str:
    """How a browser shows it: characters that show nothing as escapes, and white space as one space."""
    return " ".join(str(visible(payload)).split())


@contextmanager
def uploads(house: House, names: tuple[str, ...]) -> Iterator[None]:
    """The release of hero_books has files of these names, and no other."""
    row = house.repo(BOOKS).row(CHANNEL)
    before = list(row.attachments)
    first = before[0]
    row.attachments[:] = [evolve(first, name=name, uuid=f"{first.uuid[:-4]}{n:04}") for n, name in enumerate(names)]
    row.title = row.note = "".join(names)
    try:
        yield
    finally:
        row.attachments[:] = before
        row.title = row.note = ""


def test_names_of_uploads_and_of_releases(admin: House, visits: Visits) -> None:
    """A plan that finds no file for this machine names those that there are."""
    admin.publish(BOOKS)
    page = live(visits.open(admin))
    told = []
    for some in (*(NAMES[at : at + AT_ONCE] for at in range(0, len(NAMES), AT_ONCE)), PATHS):
        with uploads(admin, some):
            page.goto(admin.url(f"/apps/{BOOKS}/plan?do=upgrade"))
        told.append(" ".join(harmless(page).split()))
        assert page.locator("button.primary").count() == 0, "there is nothing to upgrade to"
    admin.refresh()
    page.goto(admin.url(f"/apps/{BOOKS}"))
    harmless(page)
    missing = [name for name in NAMES if not any(said_by(name) in text for text in told)]
    assert missing == [] and len(NAMES) > 30


def tell(house: House, job: Talker, texts: tuple[str, ...]) -> None:
    """The job's steps and warnings say this, and so does the app that they are about."""
    kinds = ("step", "warning", "app")
    events = [JobEvent(n=n, at=AT, kind=kinds[n % 3], app=BOOKS, text=text) for n, text in enumerate(texts, job.n + 1)]
    jobs.append(house.machine.layout, job.job.id, events)
    job.n += len(events)


def test_lines_of_a_job(admin: House, visits: Visits) -> None:
    """Told by events to a page that is open, and again by the page when it is loaded anew."""
    with talker(admin) as job:
        page = live(visits.open(admin, f"/jobs/{job.job.id}"))
        tell(admin, job, PAYLOADS)
        lines = page.locator("#log [data-n]")
        expect(lines).to_have_count(len(PAYLOADS), timeout=20_000)
        for form in ("live", "loaded"):
            shown = [" ".join(line.split()) for line in lines.all_inner_texts()]
            assert [p for p, line in zip(PAYLOADS, shown, strict=True) if said_by(p) not in line] == [], form
            assert page.locator("#log *:not(span, i, time)").count() == 0, form
            harmless(page)
            page.reload()
            live(page)
        listed = live(visits.open(admin))
        harmless(listed)
    job_page = live(visits.open(admin, "/jobs"))
    harmless(job_page)
