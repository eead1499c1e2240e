"""How a run ended, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpitpm.cli.columns import quiet_ones
from cockpitpm.cli.terminal import Part, Terminal, bold, dim, green, red, yellow
from cockpitpm.cli.words import short
from cockpitpm.model.outcome import AppOutcome, Ended
from cockpitpm.model.plan import Adopt, Install, Mend, Remove, Reregister, Rollback, Upgrade

if TYPE_CHECKING:
    from cockpitpm.app.report import Recovered, Report

MARKS: dict[Ended, Part] = {
    Ended.DONE: green("✓ "),
    Ended.NOTHING: dim("· "),
    Ended.ROLLED_BACK: yellow("↩ "),
    Ended.SKIPPED: yellow("! "),
    Ended.FAILED: red("✗ "),
    Ended.UNFINISHED: red("✗ "),
}


def write_report(out: Terminal, report: Report) -> None:
    """Write one line an app, and the way out where it did not end well."""
    write_recovered(out, report.recovered)
    if not report.confirmed:
        out.line("Nothing was changed.")
        return
    if any(outcome.activation for outcome in report.outcomes):
        out.line()
    quiet, told = quiet_ones(report.outcomes, [one.ended is Ended.NOTHING for one in report.outcomes])
    for outcome in told:
        _outcome(out, outcome)
    if quiet:
        out.paragraph(", ".join(one.app for one in quiet), style="2", first=dim("· nothing to do for "))
    if not report.outcomes:
        out.line("Nothing is installed on this machine.")


def _outcome(out: Terminal, outcome: AppOutcome) -> None:
    out.line(MARKS[outcome.ended], bold(outcome.app), " ", _ended(outcome))
    if outcome.ended is not Ended.DONE and outcome.ended is not Ended.NOTHING:
        out.paragraph(outcome.detail, indent=2)
    if outcome.hint:
        out.paragraph(outcome.hint, indent=2, style="36", first=dim("→ "))


def _ended(outcome: AppOutcome) -> str:
    match outcome.ended:
        case Ended.DONE:
            return _done(outcome)
        case Ended.NOTHING:
            return f"nothing to do: {outcome.detail}"
        case Ended.ROLLED_BACK:
            return "was rolled back; the old build runs as before" if _had_before(outcome) else "was taken off again"
        case Ended.SKIPPED:
            return "was left as it is"
        case Ended.FAILED:
            return "failed"
        case Ended.UNFINISHED:
            return "is unfinished"


def _had_before(outcome: AppOutcome) -> bool:
    return outcome.activation is not None and outcome.activation.from_generation > 0


def _done(outcome: AppOutcome) -> str:
    """What is true now, in words."""
    decision = outcome.decision
    match decision:
        case Install(release=release):
            return f"is installed: {release.tag} {short(release.built_from)}, {outcome.detail}"
        case Upgrade(release=release, commit=commit):
            return f"was upgraded from {short(commit)} to {short(release.built_from)}, {outcome.detail}"
        case Rollback(commit=commit):
            return f"runs {short(commit)} again, {outcome.detail}"
        case Remove():
            return "is gone"
        case Reregister():
            return f"follows its new declaration, {outcome.detail}"
        case Adopt():
            return f"keeps what somebody put in place, {outcome.detail}"
        case Mend():
            return "runs what is in place"
        case _:
            return outcome.detail


def write_recovered(out: Terminal, found: tuple[Recovered, ...]) -> None:
    """Write what an earlier run had left, and what became of it."""
    for one in found:
        app = one.app or "an app that cannot be told"
        if one.error:
            out.line(red("✗ "), bold(app), f" is still unfinished (transaction {one.transaction})")
            out.paragraph(str(one.error), indent=2)
        elif one.record is None:
            out.line(green("✓ "), bold(app), " had been interrupted before anything changed; cleaned up")
        else:
            told = f" {one.record.verb.value} had been interrupted; it ended {one.record.outcome.value}"
            out.line(green("✓ "), bold(app), told.replace("_", " "))
