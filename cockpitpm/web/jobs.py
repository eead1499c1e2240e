"""Jobs: a page each, with an address to share. How one ended comes from its own record, never from a guess."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from cockpitpm.app import jobs
from cockpitpm.app.engine import View
from cockpitpm.app.host import Host
from cockpitpm.app.services import logs
from cockpitpm.app.standing import jobs_shown, kept_by, steps
from cockpitpm.errors import CockpitPmError, PlanError
from cockpitpm.model.job import Job, JobEvent, JobState
from cockpitpm.model.progress import AppProgress
from cockpitpm.model.receipt import Verb
from cockpitpm.web.forms import EXPIRED, Form
from cockpitpm.web.plan_view import WORDS
from cockpitpm.web.site import NotHere, Site, csrf, genuine
from cockpitpm.web.text import counted, visible

STATES = {
    JobState.WAITING: ("job", "info", "Waiting"),
    JobState.RUNNING: ("job", "info", "Running"),
    JobState.DONE: ("check", "ok", "Done"),
    JobState.ROLLED_BACK: ("warn", "warn", "Rolled back"),
    JobState.REFUSED: ("warn", "warn", "Refused"),
    JobState.FAILED: ("bad", "bad", "Failed"),
    JobState.CANCELLED: ("stop", "mute", "Cancelled"),
    JobState.UNKNOWN: ("unread", "warn", "Unknown"),
}
LISTED = 50
TAIL = 8
WENT_WRONG = (JobState.ROLLED_BACK, JobState.FAILED)


@frozen
class Jobs:
    """`/jobs` and what is below."""

    site: Site

    def show_all(self, request: Request) -> Response:
        """Those that run or wait, then the last that ended."""
        view = self.site.view()
        found = [(job, title(job), *STATES[job.state]) for job in jobs_shown(view)]
        running = [one for one in found if not one[0].state.ended]
        ended = [one for one in found if one[0].state.ended][:LISTED]
        return self.site.page(request, "jobs.html", view=view, running=running, ended=ended)

    def show(self, request: Request, status: int = 200, problem: str = "") -> Response:
        """One job: its steps, its log, its result. While it runs a page without a script asks for itself again."""
        mark, view, host = self.site.mark(), self.site.view(), self.site.host(request)
        job = self._job(host, view, request)
        told, progress = jobs.told(host, job.id), steps(host, job)
        icon, tone, words = STATES[job.state]
        values: dict[str, Any] = {
            "job": job,
            "title": title(job),
            "icon": icon,
            "tone": tone,
            "words": words,
            "apps": progress,
            "head": _head(job, progress),
            "lines": [event for event in told if event.kind in ("step", "warning", "app")],
            "last": max((event.n for event in told), default=0),
            "result": _result(host, job),
            "matters": _matters(host, job) if job.state in WENT_WRONG else {},
            "kept_by": kept_by(host, job),
            "csrf": csrf(request),
            "there": request.query_params.get("there") == "1",
            "problem": problem,
        }
        return self.site.page(request, "job.html", status, mark=mark, view=view, **values)

    def log(self, request: Request) -> Response:
        """Everything that the job has told, as text."""
        host = self.site.host(request)
        job = self._job(host, self.site.view(), request)
        lines = [f"{e.at} {visible(e.app)}: {_line(e)}" for e in jobs.told(host, job.id)]
        headers = {"content-disposition": f'inline; filename="job-{job.id}.txt"'}
        return PlainTextResponse("".join(f"{line}\n" for line in lines), headers=headers)

    def cancel(self, request: Request, form: Form) -> Response:
        """Stop a job that can still be undone."""
        host = self.site.host(request)
        job = self._job(host, self.site.view(), request)
        if not genuine(request, form):
            return self.show(request, 403, EXPIRED)
        try:
            jobs.cancel(host, job.id)
        except PlanError as error:
            return self.show(request, 409, error.message)
        return self.site.to(request, f"/jobs/{job.id}")

    def _job(self, host: Host, view: View, request: Request) -> Job:
        number = int(request.path_params["id"])
        try:
            job = jobs.find(host, number)
        except PlanError as error:
            raise NotHere from error
        known = {one.id for one in view.jobs}
        if number in known and number not in {one.id for one in jobs_shown(view)}:
            raise NotHere
        return job


def title(job: Job) -> str:
    """`Upgrade hero_books`, `Upgrade 3 apps`, `Restart hero_books_web`."""
    asked, apps = job.order.request, job.order.apps
    what = asked.services or tuple(n for n in asked.names if n not in apps) or apps
    if asked.verb in (Verb.START, Verb.RESTART, Verb.CONVERGE) and len(what) == 1:
        return f"{WORDS[asked.verb]} {what[0]}"
    return f"{WORDS[asked.verb]} {apps[0] if len(apps) == 1 else counted(len(apps), 'app') if apps else 'nothing'}"


def _head(job: Job, progress: tuple[AppProgress, ...]) -> str:
    """What the title of the page begins with."""
    if job.state is JobState.RUNNING:
        at = next((app for app in progress if app.at), None)
        return f"Step {at.at} of {len(at.steps)} · {at.app}" if at else f"Running · {title(job)}"
    return f"{STATES[job.state][2]} · {title(job)}"


def _line(event: JobEvent) -> str:
    parts = (event.kind, event.phase, str(visible(event.text)))
    moved = f" {event.done} of {event.total} bytes" if event.total else ""
    return " ".join(filter(None, parts)) + moved


def _result(host: Host, job: Job) -> list[dict[str, Any]]:
    """How each app ended, as the record says."""
    tree = jobs.result(host, job.id) if job.state.ended else None
    found = tree.get("outcomes", []) if isinstance(tree, dict) else []
    return [_outcome(one) for one in found]


def _outcome(tree: dict[str, Any]) -> dict[str, Any]:
    done = tree.get("activation") or {}
    return {
        "app": tree["app"],
        "ended": str(tree["ended"]).replace("_", " "),
        "detail": tree.get("detail") or "",
        "hint": tree.get("hint") or "",
        "origin": done.get("from_generation", 0),
        "to": done.get("to_generation", 0),
        "services": [
            {
                "name": s["service"],
                "before": (s.get("before") or {}).get("pid"),
                "after": (s.get("after") or {}).get("pid"),
                "answer": s.get("answer", ""),
                "away": s.get("interrupted_ms"),
            }
            for s in done.get("services", [])
        ],
    }


def _matters(host: Host, job: Job) -> dict[str, list[str]]:
    """The last lines of the service that the end speaks of; of the app, if it names none."""
    found: dict[str, list[str]] = {}
    for app in job.order.apps:
        try:
            written = logs(host, app, TAIL)
        except CockpitPmError:  # a service that is gone has no log, and the job's page must still be shown
            continue
        named = {name: text for name, text in written.items() if name in job.said}
        found |= {name: text.splitlines()[-TAIL:] for name, text in (named or written).items() if text}
    return found
