"""A run: the transactions of a plan, one after another."""

from __future__ import annotations

from cockpitpm.act.intent import Case
from cockpitpm.act.machine import Machine
from cockpitpm.act.stage import abandon, open_transaction, stage
from cockpitpm.act.transaction import finish
from cockpitpm.errors import CockpitPmError, ExitCode, TransactionError
from cockpitpm.model.outcome import AppOutcome, Ended
from cockpitpm.model.plan import (
    AppPlan,
    Decision,
    Held,
    Mend,
    OnFailure,
    Plan,
    Reason,
    Refused,
    Unplanned,
    UpToDate,
    Waiting,
)
from cockpitpm.model.receipt import ActivationRecord, Outcome, Receipt
from cockpitpm.record import generations

FAILURES = (Ended.FAILED, Ended.ROLLED_BACK, Ended.UNFINISHED)


def carry_out(machine: Machine, plan: Plan, on_failure: OnFailure = OnFailure.CONTINUE) -> tuple[AppOutcome, ...]:
    """Do what the plan says. An app that fails stops those that need it, and with STOP all that are still to come."""
    outcomes: dict[str, AppOutcome] = {}
    for app in plan.apps:
        failed = next((o.app for o in outcomes.values() if o.ended in FAILURES), "")
        if failed and app.acts and on_failure is OnFailure.STOP:
            outcomes[app.app] = _untried(app, failed)
            continue
        missing = _missing(app, outcomes)
        outcomes[app.app] = _skipped(app, missing) if missing else _one(machine, plan, app)
    return tuple(outcomes.values())


def _untried(app: AppPlan, failed: str) -> AppOutcome:
    told, way_out = f"not tried after the failure of {failed}", "Run the command again: it does only what is left"
    return _unacted(app, app.decision, Ended.SKIPPED, ExitCode.REFUSED, told, way_out)


def _missing(app: AppPlan, outcomes: dict[str, AppOutcome]) -> Refused | None:
    """A hard requirement that this run should have brought and did not."""
    for requirement in app.bundle.requires if app.bundle else ():
        other = outcomes.get(requirement.app)
        if requirement.hard and app.acts and other and other.ended not in (Ended.DONE, Ended.NOTHING):
            return Refused(
                reason=Reason.REQUIREMENT,
                evidence=f"{app.app} needs {requirement.app}, which is not there: {other.detail}",
                way_out=f"Mend that first: `cockpitpm install {requirement.app}`",
            )
    return None


def _one(machine: Machine, plan: Plan, app: AppPlan) -> AppOutcome:
    if not app.acts:
        return without_steps(app)
    machine.reporter.app_started(app.app, app.decision.KIND)
    outcome = _transact(machine, plan, app)
    machine.reporter.app_finished(app.app, outcome.detail, outcome.exit_code is ExitCode.DONE)
    return outcome


def _transact(machine: Machine, plan: Plan, app: AppPlan) -> AppOutcome:
    try:
        case = open_transaction(machine, plan, app)
        settled = _stage_or_abandon(machine, case, app)
        if not settled.acts:
            abandon(machine, case)
            return without_steps(settled)
        record = finish(machine, case)
    except TransactionError as error:
        return _failed(app, error, Ended.UNFINISHED)
    except CockpitPmError as error:
        return _failed(app, error, Ended.FAILED)
    return _ended(machine, settled, record)


def _stage_or_abandon(machine: Machine, case: Case, app: AppPlan) -> AppPlan:
    try:
        return stage(machine, case, app)
    except BaseException:
        abandon(machine, case)
        raise


def _failed(app: AppPlan, error: CockpitPmError, ended: Ended) -> AppOutcome:
    return AppOutcome(
        app=app.app,
        decision=app.decision,
        ended=ended,
        exit_code=error.exit_code,
        detail=error.message,
        hint=error.hint,
    )


def _ended(machine: Machine, app: AppPlan, record: ActivationRecord) -> AppOutcome:
    committed = record.outcome is Outcome.COMMITTED
    mending = isinstance(app.decision, Mend)
    code = ExitCode.DONE if committed else ExitCode.PROBE if mending else ExitCode.ROLLED_BACK
    return AppOutcome(
        app=app.app,
        decision=app.decision,
        ended=Ended.DONE if committed else Ended.FAILED if mending else Ended.ROLLED_BACK,
        exit_code=code,
        detail=_told(app, record),
        hint="" if committed else f"Read `cockpitpm logs {app.app}`, mend the build or the machine, and try again",
        receipts=_receipts(machine, app.app),
        activation=record,
    )


def _told(app: AppPlan, record: ActivationRecord) -> str:
    if record.outcome is Outcome.COMMITTED:
        return f"generation {record.to_generation}" if record.to_generation else "removed"
    if isinstance(app.decision, Mend):
        return record.detail
    kept = f"generation {record.from_generation}" if record.from_generation else "not installed"
    return f"rolled back to {kept}: {record.detail}"


def _receipts(machine: Machine, app: str) -> tuple[Receipt, ...]:
    number = generations.number_of(generations.current_live(machine.layout, app))
    return generations.read(machine.layout, app, number).receipts if number else ()


def _skipped(app: AppPlan, refusal: Refused) -> AppOutcome:
    return _unacted(app, refusal, Ended.SKIPPED, ExitCode.REFUSED, refusal.evidence, refusal.way_out)


def without_steps(app: AppPlan) -> AppOutcome:
    """How an app ends for which there is nothing to do, or nothing that may be done."""
    decision: Decision = app.decision
    match decision:
        case Refused():
            return _skipped(app, decision)
        case Waiting():
            return _unacted(app, decision, Ended.SKIPPED, ExitCode.REFUSED, decision.why, decision.way_out)
        case Held():
            return _unacted(app, decision, Ended.SKIPPED, ExitCode.REFUSED, decision.told, decision.way_out)
        case Unplanned():
            return _unacted(app, decision, Ended.FAILED, decision.exit_code, decision.message, decision.hint)
        case UpToDate():
            return _unacted(app, decision, Ended.NOTHING, ExitCode.DONE, decision.why, "")
        case _:
            return _unacted(app, decision, Ended.NOTHING, ExitCode.DONE, "nothing to do", "")


def _unacted(app: AppPlan, decision: Decision, ended: Ended, code: ExitCode, detail: str, hint: str) -> AppOutcome:
    return AppOutcome(app=app.app, decision=decision, ended=ended, exit_code=code, detail=detail, hint=hint)
