"""Parameters that several methods take, and how jobs and plans are told."""

from __future__ import annotations

from typing import Any

from cockpitpm.model.binding import SavedPlan
from cockpitpm.model.codec import encode
from cockpitpm.model.job import Job
from cockpitpm.model.progress import JobProgress
from cockpitpm.rpc.method import Param
from cockpitpm.rpc.schemas import LINE, NAME, YES_NO

Json = dict[str, Any]
ANY_NAME = "Any name that leads to an app: its own, that of a binary, or that of a service."

SERVICE = Param(name="service", summary=ANY_NAME, schema=NAME, required=True)
ONE_OR_ALL = Param(name="service", summary=f"{ANY_NAME} Without it: every installed app.", schema=NAME)
DRY_RUN = Param(name="dry_run", summary="Only plan; nothing is changed.", schema={**YES_NO, "default": False})
KEY = Param(
    name="key",
    summary="The caller's own name for this order: sent again with the same key, it is the same job.",
    schema=NAME,
)
REASON = Param(name="reason", summary="Why; kept in the history.", schema=LINE)
DOWNGRADE = Param(
    name="allow_downgrade",
    summary="Take a build that is not known to be newer; needs a reason, and a socket of the owner of the root.",
    schema={**YES_NO, "default": False},
)
PAST_HOLD = Param(
    name="past_hold",
    summary="Take the build of a named app once although somebody holds it; the hold stays in force.",
    schema={**YES_NO, "default": False},
)
RETRY_FAILED = Param(
    name="retry_failed",
    summary="Try the build of a named app once more although it failed on this machine.",
    schema={**YES_NO, "default": False},
)


def job_json(job: Job) -> Json:
    """A job without what it told."""
    request = job.order.request
    return {
        "id": job.id,
        "state": job.state.value,
        "verb": request.verb.value,
        "apps": list(job.order.apps),
        "names": list(request.names),
        "asked_from": job.order.asked_from or None,
        "plan": job.order.plan or None,
        "key": job.order.key or None,
        "actor": job.actor,
        "reason": request.reason,
        "allowed": [one.value for one in request.allow],
        "made_at": job.made_at,
        "started_at": job.started_at or None,
        "ended_at": job.ended_at or None,
        "exit_code": job.exit_code,
        "said": job.said,
    }


def plan_json(digest: str, saved: SavedPlan) -> Json:
    """A plan that is kept, and the digest by which it can be carried out."""
    return {"digest": digest, "made_at": saved.made_at, "plan": encode(saved.plan)}


def progress_json(found: JobProgress) -> Json:
    """The steps of every app of a job, one after another, and how far the whole of it is."""
    steps = [{"app": app.app, **encode(step), "since": step.since or None} for app in found.apps for step in app.steps]
    told = {
        "app": found.now.app if found.now else "",
        "phase": found.phase,
        "text": found.text,
        "transfer": encode(found.transfer),
        "apps_done": found.apps_done,
        "apps": len(found.apps),
    }
    return {"steps": steps, "progress": told}
