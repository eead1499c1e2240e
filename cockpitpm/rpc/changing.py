"""The methods that change the machine. Each gives a job at once, which goes on whether or not anybody watches."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from typing import Any

from cockpitpm.app import plans
from cockpitpm.app.orders import order_change, order_plan
from cockpitpm.errors import UsageError
from cockpitpm.model.plan import NAMED, OLDER, OnFailure, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import going_past
from cockpitpm.rpc import faults
from cockpitpm.rpc.faults import NotHere
from cockpitpm.rpc.method import Asker, Example, Method, Param, Params
from cockpitpm.rpc.schemas import DIGEST, NAME, NUMBER, ORDERED, SHA256, one_of, record, ref
from cockpitpm.rpc.words import (
    DOWNGRADE,
    DRY_RUN,
    KEY,
    ONE_OR_ALL,
    PAST_HOLD,
    REASON,
    RETRY_FAILED,
    SERVICE,
    job_json,
    plan_json,
)

THROUGH = 'cockpitpm {verb} {names} --allow-downgrade --reason "WHY"'
ORDERS = (faults.UNKNOWN_NAME, faults.KEY_TAKEN, faults.PLAN, faults.MACHINE, faults.BUNDLE, faults.STORE)
ON_FAILURE = Param(
    name="on_failure",
    summary="What becomes of the apps that are still to come when one has failed.",
    schema={**one_of(OnFailure), "default": "continue"},
)
TO = Param(name="to", summary="The generation; without it the one before the current.", schema=NUMBER)
DIGEST_OF = Param(name="digest", summary="Of a plan that cockpit.plan gave.", schema=DIGEST, required=True)


def _request(asker: Asker, verb: Verb, params: Params) -> Request:
    names = (params["service"],) if "service" in params else tuple(params.get("services", ()))
    return Request(
        verb=verb,
        names=names,
        to=params.get("to"),
        actor=asker.actor,
        reason=params.get("reason", "").strip(),
        allow=going_past(
            older=params.get("allow_downgrade", False),
            hold=params.get("past_hold", False),
            failed=params.get("retry_failed", False),
        ),
        on_failure=OnFailure(params.get("on_failure", "continue")),
    )


def _permit(asker: Asker, request: Request) -> None:
    """Raise unless this connection may go through what the request goes through, and says why and for what."""
    if not request.names and set(request.allow).intersection(NAMED):
        raise UsageError("past_hold and retry_failed are for apps that are named", "Name them in services")
    older = set(request.allow).intersection(OLDER)
    if not (older or request.verb is Verb.ADOPT):
        return
    names = shlex.join(request.names)
    command = f'cockpitpm adopt {names} --reason "WHY"'
    if older:
        command = THROUGH.format(verb=request.verb.value, names=names or "--all")
    if not asker.owner:
        raise NotHere("Only the owner of the machine's root may do this, on the machine itself", f"Run: {command}")
    if not request.reason:
        raise UsageError("It needs a reason", "Say why in reason; the history keeps it")


def _order(verb: Verb, asker: Asker, params: Params) -> Any:
    request = _request(asker, verb, params)
    _permit(asker, request)
    if params.get("dry_run"):
        return plan_json(*plans.show(asker.host, request))
    job, new = order_change(asker.engine, request, params.get("key", ""), params.get("service", ""))
    return {"job": job_json(job), "new": new}


def _plan(asker: Asker, params: Params) -> Any:
    request = _request(asker, Verb(params["verb"]), params)
    _permit(asker, request)
    return plan_json(*plans.show(asker.host, request))


def _apply(asker: Asker, params: Params) -> Any:
    _permit(asker, plans.shown(asker.host, params["digest"]).request)
    job, new = order_plan(asker.engine, params["digest"], asker.actor, params.get("key", ""))
    return {"job": job_json(job), "new": new}


def _does(verb: Verb) -> Callable[[Asker, Params], Any]:
    return partial(_order, verb)


def _change(
    name: str, verb: Verb, summary: str, *params: Param, all_apps: bool = False, errors: tuple[faults.Kind, ...] = ()
) -> Method:
    """A method that orders a change of one app; with `all_apps` its name may be left out."""
    named = ONE_OR_ALL if all_apps else SERVICE
    example = {"service": "hero_books_web", "key": f"example-{verb.value}"}
    more = {"reason": "built by hand for the demo"} if verb is Verb.ADOPT else {}
    plan = Example(name="only plan", params={"service": "hero_books", "dry_run": True})
    planned = (plan,) if verb is Verb.UPGRADE else ()
    return Method(
        name=name,
        summary=summary,
        params=(named, *params, DRY_RUN, KEY, REASON if verb is not Verb.ADOPT else WHY),
        result=ORDERED,
        answer=_does(verb),
        errors=(*ORDERS, *errors),
        examples=(Example(name="order it", params={**example, **more}), *planned),
    )


WHY = Param(name="reason", summary="Why; kept in the history.", schema=REASON.schema, required=True)
SERVICES = Param(
    name="services",
    summary="Names that lead to apps, as everywhere. Without it: every installed app.",
    schema={"type": "array", "items": NAME, "maxItems": 100, "uniqueItems": True},
)

METHODS = (
    _change(
        "cockpit.install_service",
        Verb.INSTALL,
        "Install the app that a name leads to, and first what it requires; every service is started and asked.",
        DOWNGRADE,
        PAST_HOLD,
        errors=(faults.REFUSED,),
    ),
    _change(
        "cockpit.upgrade_service",
        Verb.UPGRADE,
        "Bring the app that a name leads to to the build of its channel; a build that does not come up is rolled back.",
        DOWNGRADE,
        PAST_HOLD,
        RETRY_FAILED,
        errors=(faults.REFUSED,),
    ),
    Method(
        name="cockpit.upgrade_all",
        summary="Bring every installed app to the build of its channel, one after another.",
        params=(ON_FAILURE, DOWNGRADE, DRY_RUN, KEY, REASON),
        result=ORDERED,
        answer=_does(Verb.UPGRADE),
        errors=(*ORDERS, faults.REFUSED),
        examples=(Example(name="stop at the first failure", params={"on_failure": "stop"}),),
    ),
    _change(
        "cockpit.rollback",
        Verb.ROLLBACK,
        "Make an older generation of an app current again, from bytes kept on this machine.",
        TO,
    ),
    _change(
        "cockpit.remove",
        Verb.REMOVE,
        "Stop the services of an app and take its binaries away. What the services have stored stays.",
    ),
    _change(
        "cockpit.adopt",
        Verb.ADOPT,
        "Take the bytes that stand in the place of an app's binaries into a generation of their own.",
        errors=(faults.REFUSED,),
    ),
    _change("cockpit.start", Verb.START, "Start a service, or all of an app, and mean it to run from now on."),
    _change("cockpit.restart", Verb.RESTART, "Restart a service, or all of an app one after another."),
    _change(
        "cockpit.converge",
        Verb.CONVERGE,
        "Restart the services that do not run the bytes in place, and prove that they work.",
        all_apps=True,
    ),
    Method(
        name="cockpit.plan",
        summary="What would be done, and why; or why not. Kept for a day under its digest, for cockpit.apply.",
        params=(
            Param(name="verb", summary="What to plan for.", schema=one_of(Verb), required=True),
            SERVICES,
            TO,
            DOWNGRADE,
            PAST_HOLD,
            RETRY_FAILED,
            REASON,
        ),
        result=record("", digest=SHA256, made_at={"type": "string"}, plan=ref("Plan")),
        answer=_plan,
        errors=(*ORDERS, faults.REFUSED),
        examples=(Example(name="an upgrade", params={"verb": "upgrade", "services": ["hero_books"]}),),
    ),
    Method(
        name="cockpit.apply",
        summary="Carry out exactly the plan of a digest; refused if anything that it rests on has changed.",
        params=(DIGEST_OF, KEY),
        result=record("", job=ref("Job"), new={"type": "boolean"}),
        answer=_apply,
        errors=(*ORDERS, faults.STALE, faults.REFUSED),
        examples=(Example(name="a plan that was shown", params={"digest": "0" * 64}),),
    ),
)
