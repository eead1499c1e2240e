"""A plan as a page shows it: what is fetched, what restarts in which order, who is away, what happens if it fails."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.model.interruption import Interruption
from cockpitpm.model.plan import (
    Adopt,
    AppPlan,
    Converge,
    Held,
    Install,
    Mend,
    Plan,
    Reason,
    Refused,
    Register,
    Reregister,
    Retire,
    Rollback,
    Swap,
    Unplanned,
    Upgrade,
    UpToDate,
    Waiting,
)
from cockpitpm.model.receipt import Verb
from cockpitpm.model.standing import Act
from cockpitpm.web.places import plan_past
from cockpitpm.web.text import counted, lasted, listed, short, size

WORDS = {
    Verb.INSTALL: "Install",
    Verb.UPGRADE: "Upgrade",
    Verb.ROLLBACK: "Roll back",
    Verb.REMOVE: "Remove",
    Verb.ADOPT: "Keep this build of",
    Verb.CONVERGE: "Finish the restart of",
    Verb.START: "Start",
    Verb.RESTART: "Restart",
}
OURSELVES = "hero_cockpit"


@frozen(kw_only=True)
class Restart:
    """One service of the list of restarts."""

    name: str
    canary: bool


@frozen(kw_only=True)
class AppView:
    """One app of a plan. `facts` are lines with a label; `problem` says why nothing is done, `way_out` what helps.

    `onward` is a label and a path below the prefix, where an operator may go past the problem on the page.
    """

    app: str
    acts: bool
    said: str
    commits: str
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    restarts: tuple[Restart, ...]
    starts: bool
    problem: str
    way_out: str
    tone: str
    onward: tuple[str, str] | None


OWNERS = (Verb.ADOPT,)
"""Ways past a refusal: for the owner, at the command line or at the socket."""


@frozen(kw_only=True)
class PlanView:
    """A whole plan. `final` is the label of the button that carries it out, empty if nothing would be done.

    `command` is what to say instead, where that is for the machine's owner alone.
    """

    title: str
    apps: tuple[AppView, ...]
    final: str
    command: str
    ourselves: bool
    disk: str


def plan_view(plan: Plan, named: tuple[str, ...] = (), services: tuple[str, ...] = ()) -> PlanView:
    """The plan as a page shows it. `named` are the apps that were asked for, `services` if it was about some."""
    acting = [app for app in plan.apps if app.acts]
    load = sum(f.candidates[0].size for app in acting for f in app.fetches)
    what = _what(named or tuple(a.app for a in plan.apps), services)
    word = WORDS[plan.verb]
    once = " once" if any(past.reason is Reason.HOLD for app in acting for past in app.past) else ""
    return PlanView(
        title=f"{word} {what}{once}",
        apps=tuple(_app(app, plan) for app in plan.apps),
        final=f"{word} {_what(_acting(acting, named), services)}{once}" if acting and plan.verb not in OWNERS else "",
        command=f'cockpitpm {plan.verb.value} {acting[0].app} --reason "WHY"' if acting and plan.verb in OWNERS else "",
        ourselves=any(app.app == OURSELVES for app in acting),
        disk=f"{size(2 * load)} for the store and the copy that runs" if load else "",
    )


def _acting(acting: list[AppPlan], named: tuple[str, ...]) -> tuple[str, ...]:
    """What is changed and was asked for by name; the rest is told above."""
    every = tuple(app.app for app in acting)
    return tuple(app for app in every if app in named) or every


def _what(apps: tuple[str, ...], services: tuple[str, ...]) -> str:
    if services:
        return services[0] if len(services) == 1 else counted(len(services), "service")
    return apps[0] if len(apps) == 1 else counted(len(apps), "app") if apps else "nothing"


def _app(app: AppPlan, plan: Plan) -> AppView:
    problem, way_out, tone = _problem(app)
    return AppView(
        app=app.app,
        acts=app.acts,
        said=_said(app),
        commits=_commits(app),
        facts=tuple((label, lines) for label, lines in _facts(app) if lines),
        restarts=tuple(Restart(name=s.service, canary=s.canary) for s in app.steps if isinstance(s, Converge)),
        starts=app.origin == 0 or plan.verb is Verb.START,
        problem=problem,
        way_out=way_out,
        tone=tone,
        onward=_onward(app, plan),
    )


def _onward(app: AppPlan, plan: Plan) -> tuple[str, str] | None:
    """The plan that goes past this too."""
    verb = Verb.UPGRADE if app.origin else Verb.INSTALL
    match app.decision:
        case Held():
            act, reason = Act.UPGRADE_ONCE if app.origin else Act.INSTALL, Reason.HOLD
        case Refused(reason=Reason.BLOCKED_BUILD as reason):
            act = Act.TRY_AGAIN
        case _:
            return None
    return act.value, plan_past(app.app, verb, (*plan.allowed, reason))


def _problem(app: AppPlan) -> tuple[str, str, str]:
    """Why nothing is done, what helps, and how loud that is."""
    decision = app.decision
    match decision:
        case Refused(evidence=why, way_out=out):
            return why, out, "warn"
        case Unplanned(message=why, hint=out):
            return why, out, "bad"
        case Waiting(why=why, way_out=out):
            return why, out, "info"
        case Held(way_out=out):
            return decision.told, out, "info"
        case UpToDate(why=why):
            return why, "", "info"
        case _:
            return "", "", ""


def _said(app: AppPlan) -> str:
    """The decision in a few words."""
    decision = app.decision
    match decision:
        case Install(release=release) | Upgrade(release=release):
            made = f", committed {release.committed_at[:10]}" if release.committed_at else ""
            return f"{release.tag}{made}"
        case Rollback(generation=number):
            return f"generation {number} comes back from the store; nothing is downloaded"
        case Reregister(services=services):
            return f"the bytes stay; the declaration of {listed(services) or 'the app'} has changed"
        case Adopt(binaries=binaries):
            return f"what stands in {listed(binaries)} gets a receipt of its own; nothing restarts"
        case Mend(services=services):
            return (
                f"{counted(len(services), 'service')} onto what is in place" if services else "what is wanted is kept"
            )
        case Refused():
            return "refused"
        case Unplanned():
            return "cannot be planned"
        case Waiting():
            return "has to wait"
        case Held():
            return "held"
        case UpToDate():
            return "nothing to do"
        case _:
            return "its services stop and its files go; its records and history stay"


def _commits(app: AppPlan) -> str:
    match app.decision:
        case Install(release=release):
            return short(release.built_from)
        case Upgrade(release=release, commit=commit):
            return f"{short(commit)} → {short(release.built_from)}"
        case Rollback(commit=commit):
            return short(commit)
        case _:
            return ""


def _facts(app: AppPlan) -> list[tuple[str, tuple[str, ...]]]:
    swapped = tuple(f"bin/{b}" for s in app.steps if isinstance(s, Swap) for b in s.binaries)
    noted = tuple(f"{f.note}." for f in app.fetches if f.note)
    return [
        ("Because", (app.because,) if app.because else ()),
        ("Although", tuple(f"{past.told}." for past in app.past)),
        ("Download", tuple(f"{f.candidates[0].name}  {size(f.candidates[0].size)}" for f in app.fetches) + noted),
        ("Files", (listed(swapped),) if swapped else ()),
        ("Generation", (f"{app.origin or 'none'} → {app.to or 'none'}",) if app.origin != app.to else ()),
        ("Register", tuple(f"{s.service}{'' if s.new else ', changed'}" for s in app.steps if isinstance(s, Register))),
        ("Forget", tuple(s.service for s in app.steps if isinstance(s, Retire))),
        ("Away", _away(app.interruption)),
        ("If it fails", _undone(app)),
    ]


def _away(expected: Interruption | None) -> tuple[str, ...]:
    if expected is None or not expected.services:
        return ()
    if not any(one.restarts for one in expected.services):
        return ("not measured on this machine yet",)
    return tuple(
        f"{one.service} {f'about {lasted(one.expected_ms)}' if one.expected_ms is not None else 'not measured yet'}"
        for one in expected.services
    )


def _undone(app: AppPlan) -> tuple[str, ...]:
    if not any(isinstance(s, Swap | Converge) for s in app.steps):
        return ()
    if app.origin and app.origin != app.to:
        return (f"generation {app.origin} comes back by itself",)
    return ("what runs now comes back by itself",) if app.origin else ("it is taken off again",)
