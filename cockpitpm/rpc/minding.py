"""The methods that are done in a moment: stop a service, say what an app follows, and look after jobs."""

from __future__ import annotations

from typing import Any

from cockpitpm.app import jobs, services, settings
from cockpitpm.app.job_view import look_at_job
from cockpitpm.app.names import app_of
from cockpitpm.model.codec import encode
from cockpitpm.rpc import faults
from cockpitpm.rpc.looking import NAMED
from cockpitpm.rpc.method import Asker, Example, Method, Param, Params
from cockpitpm.rpc.schemas import COUNT, LINE, NAME, NUMBER, PIECES, TIME, YES_NO, maybe, record, ref, several, text
from cockpitpm.rpc.words import DRY_RUN, SERVICE, job_json, progress_json


def _stop(asker: Asker, params: Params) -> Any:
    host, dry = asker.host, params.get("dry_run", False)
    app_of(host, params["service"])  # a name that nobody knows must not even make a root
    found = services.services_of(host, params["service"])[1] if dry else services.stop(host, params["service"])
    return {"stopped": list(found), "dry_run": dry}


def _set_channel(asker: Asker, params: Params) -> Any:
    host, name = asker.host, params.get("service", "")
    if name:
        app_of(host, name)
    path = settings.set_channel(host, params["channel"], name)
    return {"name": name or None, "channel": params["channel"], "file": str(path)}


def _hold(asker: Asker, params: Params) -> Any:
    host, name = asker.host, params["service"]
    app_of(host, name)
    found = settings.set_hold(host, name, params.get("until", ""), params["reason"])
    return {"name": name, "until": found.until or None, "reason": found.reason}


def _unhold(asker: Asker, params: Params) -> Any:
    host, name = asker.host, params["service"]
    if name not in host.settings.holds:
        app_of(host, name)
    return {"name": name, "was_held": settings.end_hold(host, name)}


def _job(asker: Asker, params: Params) -> Any:
    found = look_at_job(asker.host, params["id"], params.get("after", 0))
    return {
        **job_json(found.job),
        **progress_json(found.progress),
        "events": encode(found.events),
        "last": found.last,
        "result": found.result,
    }


def _jobs(asker: Asker, params: Params) -> Any:
    return {"jobs": [job_json(job) for job in jobs.listed(asker.host)[: params.get("limit", 50)]]}


def _cancel(asker: Asker, params: Params) -> Any:
    return {"job": job_json(jobs.cancel(asker.host, params["id"]))}


ID = Param(name="id", summary="The number of a job.", schema=NUMBER, required=True)
CHANGING = (*NAMED, faults.LOCKED)
JOB = PIECES["Job"]
WATCHED = record(
    "A job, its steps, what it told after the event `after`, and once it has ended its result: what the same command "
    "prints with --json.",
    **JOB["properties"],
    steps=several(ref("JobStep")),
    progress=ref("Progress"),
    events=several(ref("JobEvent")),
    last={**COUNT, "description": "The number of its newest event."},
    result=maybe({"type": "object"}),
)

METHODS = (
    Method(
        name="cockpit.stop",
        summary="Stop a service, or all of an app. It stays stopped, through upgrades too, until it is started.",
        params=(SERVICE, DRY_RUN),
        result=record("", stopped=several(NAME), dry_run=YES_NO),
        answer=_stop,
        errors=(*CHANGING, faults.PLAN, faults.SUPERVISOR),
        examples=(Example(name="one service", params={"service": "hero_books_admin"}),),
    ),
    Method(
        name="cockpit.set_channel",
        summary="Let one app, or the whole machine, follow another channel. Nothing is downloaded until an upgrade.",
        params=(
            Param(
                name="channel",
                summary="A tag that moves, or the tag of one release; null takes the app's own word back.",
                schema=maybe(NAME),
                required=True,
            ),
            Param(name="service", summary=f"{SERVICE.summary} Without it: the machine.", schema=NAME),
        ),
        result=record("", name=maybe(NAME), channel=maybe(NAME), file=text()),
        answer=_set_channel,
        errors=CHANGING,
        examples=(Example(name="one app", params={"channel": "latest-dev", "service": "hero_books"}),),
    ),
    Method(
        name="cockpit.hold",
        summary="Keep an app from being upgraded, until an end that is then past by itself.",
        params=(
            SERVICE,
            Param(name="until", summary="A moment, a date (UTC), or a span: 2d, 6h. Without it: no end.", schema=NAME),
            Param(name="reason", summary="Why, for whoever meets the hold.", schema=LINE, required=True),
        ),
        result=record("", name=NAME, until=maybe(TIME), reason=text()),
        answer=_hold,
        errors=CHANGING,
        examples=(
            Example(name="for two days", params={"service": "hero_books", "until": "2d", "reason": "demo on Thursday"}),
        ),
    ),
    Method(
        name="cockpit.unhold",
        summary="Let an app be upgraded again.",
        params=(SERVICE,),
        result=record("", name=NAME, was_held=YES_NO),
        answer=_unhold,
        errors=CHANGING,
        examples=(Example(name="one app", params={"service": "hero_books"}),),
    ),
    Method(
        name="cockpit.job",
        summary="How a job stands, its steps, and what it told.",
        params=(ID, Param(name="after", summary="Only events with a higher number.", schema={**COUNT, "default": 0})),
        result=WATCHED,
        answer=_job,
        errors=(faults.UNKNOWN_JOB, faults.STORE),
        examples=(Example(name="after an event", params={"id": 1, "after": 30}),),
    ),
    Method(
        name="cockpit.jobs",
        summary="The changes that servers of this machine were asked for, newest first.",
        params=(Param(name="limit", summary="The newest so many.", schema={**NUMBER, "maximum": 1000, "default": 50}),),
        result=record("", jobs=several(ref("Job"))),
        answer=_jobs,
        errors=(faults.STORE,),
        examples=(Example(name="the newest", params={"limit": 1}),),
    ),
    Method(
        name="cockpit.cancel_job",
        summary="Stop a job that can still be undone; what it had begun is taken back in order.",
        params=(ID,),
        result=record("", job=ref("Job")),
        answer=_cancel,
        errors=(faults.UNKNOWN_JOB, faults.PLAN, faults.STORE),
        examples=(Example(name="a job that waits", params={"id": 2}),),
    ),
)
