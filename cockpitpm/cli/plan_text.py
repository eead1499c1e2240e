"""A plan as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from cockpitpm.cli.columns import quiet_ones
from cockpitpm.cli.terminal import Part, Terminal, bold, dim, red, yellow
from cockpitpm.cli.words import count, listed, seconds, short, size
from cockpitpm.model.interruption import Interruption, ServiceInterruption
from cockpitpm.model.plan import (
    Adopt,
    AppPlan,
    Converge,
    Decision,
    Held,
    Install,
    Mend,
    Plan,
    Refused,
    Register,
    Remove,
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


def write_plan(out: Terminal, plan: Plan) -> None:
    """Write what will be done, app by app, and the sum of it."""
    quiet, told = quiet_ones(plan.apps, [isinstance(app.decision, UpToDate) for app in plan.apps])
    for app in told:
        _app(out, app, plan.verb)
    if quiet:
        out.paragraph(", ".join(app.app for app in quiet), style="2", first=dim("nothing to do  "))
    if plan.apps:
        out.line(bold(_sum(plan)))
    else:
        out.line("Nothing is installed on this machine. ", dim("`cockpitpm catalog` lists what can be."))


def _app(out: Terminal, app: AppPlan, verb: Verb) -> None:
    because = f" ({app.because})" if app.because else ""
    out.paragraph(_decided(app) + because, first=_head(app.decision, app.app))
    for sentence in _sentences(app, verb):
        out.paragraph(sentence, indent=2)
    if told := way_out(app.decision):
        out.paragraph(told, indent=2, style="36", first=dim("→ "))
    if app.acts:
        out.line()


def _head(decision: Decision, app: str) -> Part:
    text = f"{app}  "
    match decision:
        case Refused() | Unplanned():
            return red(text)
        case Waiting() | Held():
            return yellow(text)
        case UpToDate():
            return dim(text)
        case _:
            return bold(text)


def _decided(app: AppPlan) -> str:
    """The decision in words, with both commits where there are two."""
    decision = app.decision
    match decision:
        case Install(release=release):
            return f"install {short(release.built_from)} ({release.tag}), as generation {app.to}"
        case Upgrade(release=release, commit=commit):
            return f"upgrade from {short(commit)} to {short(release.built_from)} ({release.tag}), {_generations(app)}"
        case Rollback(generation=number, commit=commit):
            return f"roll back to generation {number} ({short(commit)}); {app.origin} is current now"
        case Reregister():
            return f"same bytes, changed declaration, {_generations(app)}"
        case Remove():
            return f"remove; generation {app.origin} is current now"
        case Adopt(binaries=binaries):
            return f"adopt what is in place ({listed(binaries)}), {_generations(app)}"
        case Mend(services=services):
            return (
                f"bring {count(len(services), 'service')} onto generation {app.to}"
                if services
                else "remember what is meant to run"
            )
        case UpToDate(why=why):
            return f"nothing to do; {why}"
        case Waiting(why=why):
            return f"has to wait: {why}"
        case Held():
            return decision.told
        case Refused(evidence=evidence):
            return f"refused: {evidence}"
        case Unplanned(message=message):
            return f"cannot be planned: {message}"
    assert_never(decision)


def _generations(app: AppPlan) -> str:
    return f"generation {app.origin} → {app.to}"


def way_out(decision: Decision) -> str:
    """What gets through, for a decision that stops."""
    match decision:
        case Refused(way_out=told) | Waiting(way_out=told) | Held(way_out=told) | Unplanned(hint=told):
            return told
        case _:
            return ""


def _sentences(app: AppPlan, verb: Verb) -> Iterator[str]:
    yield from (f"Although {past.told}." for past in app.past)
    for fetch in app.fetches:
        asset = fetch.candidates[0]
        yield f"Download {asset.name} ({size(asset.size)})."
        if fetch.note:
            yield f"{fetch.note}."
    yield from _files(app)
    if new := [s.service for s in app.steps if isinstance(s, Register) and s.new]:
        yield f"Register {listed(new)}."
    if changed := [s.service for s in app.steps if isinstance(s, Register) and not s.new]:
        yield f"Register the changed {listed(changed)}."
    if moving := [s for s in app.steps if isinstance(s, Converge)]:
        yield _converges(moving, app, verb)
    if app.interruption:
        yield _interrupts(app.interruption)
    if retired := [s.service for s in app.steps if isinstance(s, Retire)]:
        yield f"Stop and forget {listed(retired)}."


def _files(app: AppPlan) -> Iterator[str]:
    """The entries below `bin` whose bytes change."""
    swapped = [f"bin/{binary}" for s in app.steps if isinstance(s, Swap) for binary in s.binaries]
    fetched = [f"bin/{fetch.binary}" for fetch in app.fetches]
    match app.decision:
        case Remove() if swapped:
            yield f"Take {listed(swapped)} away."
        case Rollback() if swapped:
            yield f"Put the kept {listed(swapped)} back."
        case _ if fetched:
            yield f"Put {listed(fetched)} in place."


def _converges(moving: list[Converge], app: AppPlan, verb: Verb) -> str:
    """The services in their order; the canary is watched before the next one is touched."""
    word = "Start" if app.origin == 0 or verb is Verb.START else "Restart"
    first, rest = moving[0], moving[1:]
    canary = " as the canary" if first.canary and rest else ""
    after = f", then {', '.join(s.service for s in rest)}" if rest else ""
    return f"{word} {first.service}{canary}{after}."


def _interrupts(expected: Interruption) -> str:
    """For how long the services will be away, each by itself where there are several."""
    services, total = expected.services, expected.total_ms
    if not any(one.restarts for one in services):
        return "Expected interruption: not measured yet."
    if len(services) == 1:
        return f"Expected interruption {_lasts(services[0].expected_ms)}{_measured(services[0])}."
    alike = len({one.restarts for one in services}) == 1
    each = ", ".join(f"{one.service} {_lasts(one.expected_ms)}{'' if alike else _measured(one)}" for one in services)
    whole = "" if total is None else f" {_lasts(total)} in all"
    return f"Expected interruption{whole}: {each}{_measured(services[0], ' each') if alike else ''}."


def _measured(one: ServiceInterruption, each: str = "") -> str:
    return f" (measured in {count(one.restarts, 'restart')}{each})" if one.restarts else ""


def _lasts(milliseconds: int | None) -> str:
    """`0.8 s`; `6 ms` where a tenth of a second would say too little."""
    if milliseconds is None:
        return "not measured yet"
    return f"{milliseconds} ms" if milliseconds < 100 else seconds(milliseconds / 1000)


def _sum(plan: Plan) -> str:
    acting = [app for app in plan.apps if app.acts]
    load = sum(fetch.candidates[0].size for app in acting for fetch in app.fetches)
    stopped = sum(isinstance(app.decision, Refused | Unplanned) for app in plan.apps)
    waiting = sum(isinstance(app.decision, Waiting) for app in plan.apps)
    held = sum(isinstance(app.decision, Held) for app in plan.apps)
    parts = [f"{count(len(acting), 'app')} to change" if acting else "Nothing to change"]
    # What is fetched lies in the store and, as the copy that runs, in the live folder.
    parts += [f"{size(load)} to download", f"{size(2 * load)} of disk needed"] if load else []
    parts += [f"{stopped} refused"] if stopped else []
    parts += [f"{waiting} waiting"] if waiting else []
    parts += [f"{held} held"] if held else []
    return ", ".join(parts) + "."
