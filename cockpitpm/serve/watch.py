"""One thread a process looks at the machine for everybody who listens, and follows the jobs that are under way."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

from attrs import evolve, frozen

from cockpitpm import __version__
from cockpitpm.app import jobs
from cockpitpm.app.engine import Engine, View
from cockpitpm.app.standing import board, jobs_shown, shown
from cockpitpm.errors import CockpitPmError
from cockpitpm.model.standing import Standing, Summary
from cockpitpm.serve.events import PREFIX
from cockpitpm.serve.faces import Faces
from cockpitpm.serve.follow import Followed
from cockpitpm.serve.hub import ALL, Hub

log = logging.getLogger(__name__)

OURSELVES = "hero_cockpit"
DIGEST = re.compile(r'data-digest="([0-9a-f]{16})"')


@frozen(kw_only=True)
class Pace:
    """Seconds: between two looks, two readings of a job's files, two searches for dead jobs, two rounds of questions.

    Without anybody who listens only the last is done, and only as often as `idle`.
    """

    look: float = 1.0
    follow: float = 0.2
    settle: float = 5.0
    idle: float = 10.0
    ask: float = 1.0


class Watcher:
    """Feeds a hub. `monotonic` gives seconds. `settles`: it also ends the jobs whose process died."""

    def __init__(
        self,
        hub: Hub,
        engine: Engine,
        faces: Faces,
        monotonic: Callable[[], float],
        settles: bool = True,
        pace: Pace | None = None,
    ) -> None:
        self.engine = engine
        self._faces = faces
        self._hub = hub
        self._monotonic = monotonic
        self._settles = settles
        self._pace = pace or Pace()
        self._looked = self._settled = self._asked = float("-inf")
        self._asking: Thread | None = None
        self._view: View | None = None
        self._role = ""
        self._rows: dict[str, str] = {}
        self._summary = ""
        self._jobs: dict[int, Followed] = {}
        self._began = False
        self._trouble = ""
        self._thread = Thread(target=self._run, daemon=True, name="watcher")

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self, patience: float = 0.5) -> None:
        """Wait for the end, which the closing of the hub brings; a look that takes long is left alone."""
        if self._thread.ident is not None:
            self._thread.join(patience)
        if self._asking is not None:
            self._asking.join(patience)

    def leaving(self) -> tuple[str, int | None]:
        """Why the streams end now, and the job that makes them end: one that changes ourselves, if there is one."""
        for number, one in list(self._jobs.items()):
            if not one.over and OURSELVES in one.apps:
                return "upgrade", number
        return "stopping", None

    def hello(self) -> Mapping[str, Any]:
        """What a viewer is told first. A machine that cannot be looked at says so by an empty role."""
        try:
            view = self.engine.view()
        except CockpitPmError:
            return {"version": __version__, "role": "", "now": "", "summary_digest": ""}
        digest = _digest(_summary(board(view).summary, view))
        return {"version": __version__, "role": view.role.role.value, "now": view.read_at, "summary_digest": digest}

    def _run(self) -> None:
        wait = 0.0
        while True:
            with self._hub.changed:
                if not self._hub.closing and wait > 0:
                    self._hub.changed.wait(wait)
                if self._hub.closing:
                    return
            try:
                wait = self.turn()
            except CockpitPmError as error:
                wait = self._pace.look
                self._tell(str(error))
            except Exception:
                wait = self._pace.idle
                log.exception("the watcher goes on in %s seconds", wait)

    def turn(self) -> float:
        """Do what is due. Gives the seconds until something else is."""
        now, pace = self._monotonic(), self._pace
        viewers = self._hub.viewers
        if viewers and now - self._looked >= pace.look:
            self._looked = now
            self._look()
        if viewers and now - self._asked >= pace.ask:
            self._asked = now
            self._ask()
        busy = self._follow(now) if viewers else False
        if self._settles and now - self._settled >= (pace.settle if viewers else pace.idle):
            self._settled = now
            jobs.settle_dead(self.engine.host())
        if not viewers:
            return pace.idle
        return pace.follow if busy else max(0.01, pace.look - (self._monotonic() - self._looked))

    def _look(self) -> None:
        # The last one, where no new look can be had: its rows say so once they are old.
        view = self.engine.shown(self._pace.look / 2)
        self._tell(view.trouble)
        found = board(view)
        rows = {one.app: one for one in found.standings}
        if self._role and (self._role != view.role.role.value or set(self._rows) - set(rows)):
            self._rows, self._summary = {}, ""
            self._hub.reset("the list of apps is another one")
        self._view, self._role = view, view.role.role.value
        for app, one in rows.items():
            html = self._faces.render(view, app, PREFIX)
            digest = _digest_of(html)
            if self._rows.get(app) != digest:
                self._rows[app] = digest
                self._publish("app", _row(one, digest, html))
        summary = _summary(found.summary, view)
        if self._summary != _digest(summary):
            self._summary = _digest(summary)
            self._publish("summary", summary)

    def _ask(self) -> None:
        """Ask the services that are due, beside the looks: the next one tells what they answered."""
        if self._asking is not None and self._asking.is_alive():
            return
        host, vigil = self.engine.host(), self.engine.vigil
        if vigil.due(host):
            self._asking = Thread(target=vigil.ask, args=(host,), daemon=True, name="questions")
            self._asking.start()

    def _follow(self, now: float) -> bool:
        """Whether a job is under way."""
        if self._view is None:
            return False
        host = self.engine.host()
        # An app that is being removed leaves the list; the end of its job is told all the same.
        apps = {app.name for app in shown(self._view)}
        known = jobs_shown(evolve(self._view, jobs=jobs.listed(host)))
        told = tuple(job for job in known if job.id in self._jobs or set(job.order.apps) <= apps)
        for job in reversed(told):
            if job.id not in self._jobs:
                # What had ended before we began is history; its page tells it.
                self._jobs[job.id] = Followed(job.id, job.order.apps, over=job.state.ended and not self._began)
            for word in self._jobs[job.id].turn(host, job, now):
                self._publish(word.kind, word.data, word.topics)
        self._began = True
        self._jobs = {number: one for number, one in self._jobs.items() if number in {job.id for job in told}}
        return any(not one.over for one in self._jobs.values())

    def _publish(self, kind: str, data: Mapping[str, Any], topics: frozenset[str] = ALL) -> None:
        """Tell it. What people and programs wrote is made visible first, as on every page; rows are so already."""
        seen = self._faces.visible
        clean = {key: seen(v) if isinstance(v, str) and key != "html" else v for key, v in data.items()}
        self._hub.publish(kind, clean, topics)

    def _tell(self, trouble: str) -> None:
        """Once, not once a second."""
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                log.warning("cannot look at the machine: %s", trouble)


def _row(one: Standing, digest: str, html: str) -> dict[str, Any]:
    return {
        "app": one.app,
        "section": one.section.value,
        "role": one.tone.value,
        "words": one.words,
        "detail": one.detail,
        "digest": digest,
        "html": html,
    }


def _summary(summary: Summary, view: View) -> dict[str, Any]:
    working = sum(not job.state.ended for job in jobs_shown(view))
    return {
        "sentence": summary.sentence,
        "title": f"({working}) Services" if working else "Services",
        "counts": {section.value: count for section, count in summary.counts.items()},
        "jobs": working,
    }


def _digest_of(html: str) -> str:
    """The digest that the row itself carries, so that a page compares like with like."""
    found = DIGEST.search(html)
    return found[1] if found else _digest(html)


def _digest(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
