"""Whatever a bundle, a release, a log, a person or a supervisor says stays text on every page."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs
import pytest
from starlette.applications import Starlette

from cockpitpm.app.change import change
from cockpitpm.app.engine import Engine, View
from cockpitpm.app.plans import show
from cockpitpm.app.settings import end_hold, set_hold
from cockpitpm.model.job import Job, JobEvent, JobState, Order, Phase
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from cockpitpm.record import jobs as kept
from cockpitpm.record.durable import make_folder
from cockpitpm.web import render_app, routes
from cockpitpm.web.plan_view import plan_view
from cockpitpm.web.site import environment
from cockpitpm.web.text import visible
from tests.unit.web.conftest import Behind, Browser, Machine, Quiet
from tests.unit.web.payloads import PAYLOADS, Shape, unseen

PLAIN = "plain"
KEPT = {"at", "made_at", "started_at", "ended_at", "fetched_at", "installed_at", "channel_read_at", "until", "path"}
"""Moments, which are ours, and the paths of links, which the schema of bundles holds to a narrow form."""


def poisoned(value: Any, text: str, keep: frozenset[str] = frozenset()) -> Any:
    """The same value with this text in every field that can hold one."""
    if attrs.has(type(value)):
        changed = {
            f.name: poisoned(getattr(value, f.name), text, keep)
            for f in attrs.fields(type(value))
            if f.name not in KEPT | keep
        }
        return attrs.evolve(value, **changed)
    if isinstance(value, Enum) or not isinstance(value, str | tuple | Mapping):
        return value
    if isinstance(value, str):
        return text if value else value
    if isinstance(value, Mapping):
        return {poisoned(key, text, keep): poisoned(one, text, keep) for key, one in value.items()}
    return tuple(poisoned(one, text, keep) for one in value)


class Hostile(Engine):
    """Looks at a machine on which everything is called something else."""

    text = PLAIN

    def view(self, age: float = 1.0) -> View:
        real = super().view(age)
        role = poisoned(real.role, self.text)
        report, jobs = poisoned(real.report, self.text), poisoned(real.jobs, self.text)
        catalog = poisoned(real.catalog, self.text, frozenset({"layer"}))
        return attrs.evolve(real, role=role, report=report, jobs=jobs, catalog=catalog)


def shape(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return Shape(text).tags


def check(text: str, plain: str) -> None:
    found = Shape(text)
    assert found.tags == shape(plain)
    assert not unseen(text)
    assert not any(a.lower().startswith(("javascript:", "data:", "//", "http")) for a in found.addresses)


@pytest.fixture
def hostile(machine: Machine) -> Hostile:
    host = machine.host()

    change(host, Request(verb=Verb.INSTALL, names=("hero_db", "hero_compute"), actor="mik"), lambda _: True)
    machine.publish("hero_db", "1.1")
    return Hostile(machine._invocation("mik"), machine.ports(), machine.start)


@pytest.mark.parametrize("path", ["/services?rows=all", "/jobs", "/settings"])
def test_every_field_of_the_lists(hostile: Hostile, path: str) -> None:
    job = Job(
        id=3,
        order=Order(request=Request(verb=Verb.UPGRADE, names=("a",), actor="a", reason="r"), apps=("a",)),
        state=JobState.FAILED,
        made_at="2026-06-12T08:00:00Z",
        said="s",
    )

    host = hostile.host()
    make_folder(host.layout.job(3))
    kept.write(host.layout, job)
    pages = Starlette(routes=routes(hostile, Quiet(), lambda: "key", "herolab"))  # type: ignore[arg-type]
    plain = ""
    for text in (PLAIN, *PAYLOADS):
        hostile.text = text
        answer = Browser(Behind(pages, "", text)).get(path)
        assert answer.status_code == 200
        plain = plain or answer.text
        check(answer.text, plain)
        assert "_" in text or str(visible(text)) in "".join(Shape(answer.text).text)


def test_every_field_of_a_plan(machine: Machine, hostile: Hostile) -> None:
    _, saved = show(machine.host(), Request(verb=Verb.UPGRADE, names=("hero_db",)))
    _, refused = show(machine.host(), Request(verb=Verb.INSTALL, names=("hero_books",)))
    template = environment().get_template("plan.html")
    frame = {
        "prefix": "",
        "mark": "m",
        "css": "/c",
        "js": "/j",
        "favicon": "/i",
        "role": "admin",
        "nav": [],
        "working": 0,
    }
    frame |= {"look": "system", "keys": True, "now": "2026-06-12T08:00:00Z", "version": "1"}
    frame |= {"digest": "d", "csrf": "c", "key": "k"}
    plain = ""
    for text in (PLAIN, *PAYLOADS):
        both = plan_view(poisoned(saved.plan, text)), plan_view(poisoned(refused.plan, text))
        told = dict.fromkeys(("machine", "actor", "notice", "asked_from", "changed", "reason"), text)
        page = template.render(plan=both[0], old=both[1], needing=(text, text), **frame, **told)
        plain = plain or page
        check(page, plain)


@pytest.mark.parametrize("start", range(0, 100, 25))
def test_what_people_and_programs_write(machine: Machine, hostile: Hostile, start: int) -> None:
    """Logs, reasons of holds, the words of a filter, and whatever a job tells."""

    host = machine.host()
    make_folder(host.layout.job(1))
    plain: dict[str, str] = {}
    for text in (PLAIN, *PAYLOADS[start : start + 25]):
        with machine.world.changing() as state:
            state["services"]["hero_db_server"]["log"] = [text]
        order = Order(
            request=Request(verb=Verb.UPGRADE, names=("hero_db",), actor=text, reason=text), apps=("hero_db",)
        )
        job = Job(id=1, order=order, state=JobState.FAILED, made_at="2026-06-12T08:00:00Z", said=text)
        kept.write(host.layout, job)
        (host.layout.job(1) / "events.jsonl").unlink(missing_ok=True)

        at = "2026-06-12T08:00:01Z"
        told = [
            JobEvent(n=1, at=at, kind="app", app="hero_db", text=text),
            JobEvent(n=2, at=at, kind="phase", app="hero_db", phase=Phase.FETCH.value),
            JobEvent(n=3, at=at, kind="step", app="hero_db", text=text),
            JobEvent(n=4, at=at, kind="app", app="hero_db", text=text, ok=False),
        ]
        kept.append(host.layout, 1, told)
        end_hold(machine.host(), "hero_db")
        set_hold(machine.host(), "hero_db", "", f"because {''.join(c for c in text if c.isprintable())}")
        browser = machine.client()
        paths = {
            "/services/hero_db_server/log": {},
            "/jobs/1": {},
            "/apps/hero_db": {},
            "/apps/hero_db/hold": {},
            "/services": {"q": text},
            "/history": {"app": text, "who": text},
        }
        for path, asked in paths.items():
            answer = browser.get(path, params=asked)
            assert answer.status_code == 200, (path, text)
            plain.setdefault(path, answer.text)
            check(answer.text, plain[path])
        raw = browser.get("/jobs/1/log.txt")
        assert raw.headers["content-type"].startswith("text/plain") and not unseen(raw.text)


def test_the_row_of_a_live_event(hostile: Hostile) -> None:
    plain = ""
    for text in (PLAIN, *PAYLOADS):
        hostile.text = text
        page = render_app(hostile.view(), text, "/p")
        plain = plain or page
        assert page
        check(page, plain)


def test_a_text_is_made_visible_once() -> None:
    assert str(visible("a\x1b\u202e\U000e0041ä→")) == "a\\x1b\\u202e\\U000e0041ä→"
