"""Services that do not answer, do not last, are there twice or have old settings: each row, and what undoes it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from cockpitpm.decide.standing import standing
from cockpitpm.decide.truths import report
from cockpitpm.model.facts import AppFacts, MachineFacts, ServiceFact
from cockpitpm.model.job import Job, JobState, Order
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from cockpitpm.model.service import ServiceState, ServiceStatus, Wanted
from cockpitpm.model.standing import Act, Dot, Icon, Known, Section, Standing, Tie, Tone
from cockpitpm.model.state import Stop
from cockpitpm.model.status import AppReport, Note
from cockpitpm.model.watched import Copies, Restarts, Unanswered
from tests.cases.scene import BOOT, MACHINE, app_facts, bundles
from tests.cases.stands import ALL

SINCE = "2026-06-12T11:38:00Z"
SILENT = Unanswered(process=ProcessId(boot_id=BOOT, pid=101, start_ticks=1), since=SINCE, answer="no answer in time")
RESTARTS = Restarts(count=6, within=120)
COPIES = Copies(pids=(101, 377), where="/srv/hero/var/sockets/duo/admin.sock")
SECRET = "hunter2-do-not-show"


def facts_of(admin: dict[str, Any] | None = None, **tree: Any) -> AppFacts:
    """The facts of a machine where all is well, but for these facts of duo_admin."""
    tree = {"installed": "A", "wanted": ALL, "observed": {"uuids": "A", "build": "A"}, **tree}
    facts = app_facts("duo", tree, bundles()["duo"])
    changed = evolve(facts.services["duo_admin"], **(admin or {}))
    return evolve(facts, services={**facts.services, "duo_admin": changed})


def told(facts: AppFacts, machine: MachineFacts | None = MACHINE) -> AppReport:
    found = report(facts, "2026-06-12T09:00:00Z", "", machine)
    same = tuple(evolve(s, channel_commit=s.receipt.commit if s.receipt else "") for s in found.services)
    return evolve(found, services=same)


def seen(admin: dict[str, Any] | None = None, known: Known | None = None, **tree: Any) -> Standing:
    return standing(told(facts_of(admin, **tree)), known or Known(bundle=bundles()["duo"]))


def acts(found: Standing) -> tuple[Act, ...]:
    return tuple(b.act for b in (found.primary, *found.others) if b)


def notes(facts: AppFacts, name: str = "duo_admin") -> list[tuple[Note, str, str]]:
    (found,) = [s for s in told(facts).services if s.name == name]
    return [(r.note, r.evidence, r.next_step) for r in found.remarks]


def redefined(var: str = "", value: str = SECRET, **more: Any) -> dict[str, Any]:
    """What the supervisor holds of duo_admin is something else."""
    held = facts_of().services["duo_admin"].definition
    assert held is not None
    env = tuple(sorted((*held.env, (var, value)))) if var else held.env
    return {"definition": evolve(held, env=env, **more)}


GONE = {
    "process": None,
    "images": (),
    "status": ServiceStatus(name="duo_admin", state=ServiceState.FAILED, raw="FATAL"),
}

ROWS = [
    (6, {"unanswered": SILENT}, "Not answering", "one of three services, since", SINCE, Tone.BAD),
    (7, {"restarts": RESTARTS}, "Keeps restarting", "one of three services, 6 in 2 min", "", Tone.BAD),
    (7, {**GONE, "restarts": RESTARTS}, "Keeps restarting", "one of three services, 6 in 2 min", "", Tone.BAD),
    (10, {"copies": COPIES}, "Two copies running", "pids 101, 377", "", Tone.WARN),
    (15, redefined("DUO_PORT"), "Settings not applied", "one of three services", "", Tone.WARN),
    (15, redefined(directory="/"), "Settings not applied", "one of three services", "", Tone.WARN),
]
BUTTONS = {
    6: (Act.SHOW_LOG, Act.RESTART),
    7: (Act.SHOW_LOG, Act.STOP),
    10: (Act.SHOW_THEM, Act.STOP),
    15: (Act.CONVERGE, Act.DETAILS),
}


@pytest.mark.parametrize(("row", "admin", "words", "detail", "at", "tone"), ROWS)
def test_a_row(row: int, admin: dict[str, Any], words: str, detail: str, at: str, tone: Tone) -> None:
    found = seen(admin)
    assert (found.row, found.words, found.detail, found.at, found.more) == (row, words, detail, at, 0)
    assert (found.tone, found.section, found.subject) == (tone, Section.NEEDS_DECISION, "duo_admin")
    assert acts(found) == BUTTONS[row]
    assert found.primary not in found.menu and not set(found.others) & set(found.menu)


WELL_AFTER_ALL: list[tuple[str, dict[str, Any], int]] = [
    ("its process has ended", {**GONE, "unanswered": SILENT}, 5),
    ("nobody starts it any more", GONE, 5),
    ("the same definition", redefined(), 28),
    ("a stopped service gets its settings when it starts", {**GONE, **redefined("X")}, 5),
]


@pytest.mark.parametrize(("admin", "row"), [case[1:] for case in WELL_AFTER_ALL], ids=[c[0] for c in WELL_AFTER_ALL])
def test_one_other_fact_and_it_is_another_row(admin: dict[str, Any], row: int) -> None:
    assert seen(admin).row == row


def test_nobody_knows_what_is_declared() -> None:
    facts = facts_of(redefined("DUO_PORT"))
    assert standing(told(facts, None), Known()).row == 28


def test_a_service_that_others_register_has_no_settings_of_ours() -> None:
    facts = app_facts("duo", {"installed": "A", "observed": {"uuids": "A"}}, bundles()["duo_outside"])
    hand = facts.services["started_by_hand"]
    assert hand.definition is not None
    other = evolve(hand, definition=evolve(hand.definition, directory="/elsewhere"))
    found = told(evolve(facts, services={**facts.services, "started_by_hand": other}))
    assert all(not s.unapplied for s in found.services)


def test_all_of_them_are_told_without_a_count() -> None:
    def every(**more: Any) -> Standing:
        facts = facts_of()
        return standing(
            told(evolve(facts, services={n: evolve(f, **more) for n, f in facts.services.items()})), Known()
        )

    assert every(unanswered=SILENT).detail == "since"
    assert every(restarts=RESTARTS).detail == "6 in 2 min"
    found = every(definition=redefined("A")["definition"])
    assert (found.detail, found.primary and found.primary.service) == ("", "")
    assert seen(redefined("A")).primary == found.primary.__class__(act=Act.CONVERGE, service="duo_admin")


def test_three_copies_are_counted() -> None:
    assert seen({"copies": evolve(COPIES, pids=(1, 2, 3))}).words == "3 copies running"


def test_an_older_build_can_be_gone_back_to() -> None:
    found = seen({"restarts": RESTARTS}, installed={"build": "A", "number": 2})
    assert acts(found) == (Act.SHOW_LOG, Act.STOP, Act.ROLL_BACK)
    assert Act.ROLL_BACK not in {b.act for b in found.menu}


def test_one_that_was_stopped_does_not_keep_restarting() -> None:
    resting = seen({"restarts": RESTARTS}, wanted={**ALL, "duo_admin": "stopped"})
    assert (resting.row, resting.words) == (9, "Running though stopped")


# --- which comes first

RUNNING = Job(
    id=4,
    order=Order(request=Request(verb=Verb.UPGRADE, names=("duo",), actor="mik"), apps=("duo",)),
    state=JobState.RUNNING,
    made_at=SINCE,
    started_at=SINCE,
)
FIRST = [
    ("a job", {"unanswered": SILENT}, {"known": Known(jobs=(RUNNING,))}, 1),
    ("a missing file", {"unanswered": SILENT}, {"files": {"duo_admin": "absent"}}, 4),
    ("a dead neighbour", {"unanswered": SILENT}, {"services": {"duo_server": "failed"}}, 5),
    ("silence before restarts", {"unanswered": SILENT, "restarts": RESTARTS}, {}, 6),
    ("restarts before copies", {"restarts": RESTARTS, "copies": COPIES}, {}, 7),
    ("copies before a changed file", {"copies": COPIES}, {"files": {"duo_server": "patched"}}, 10),
    ("a changed file before settings", redefined("X"), {"files": {"duo_server": "patched"}}, 12),
    ("an old process before settings", redefined("X"), {"services": {"duo_server": "behind"}}, 14),
    ("settings before an update", redefined("X"), {"observed": {"uuids": "B"}}, 15),
]


@pytest.mark.parametrize(("admin", "more", "row"), [case[1:] for case in FIRST], ids=[case[0] for case in FIRST])
def test_the_first_row_wins_and_the_other_is_counted(admin: dict[str, Any], more: dict[str, Any], row: int) -> None:
    found = seen(admin, **more)
    assert (found.row, found.more) == (row, 1)


# --- what is said


def test_the_chain_and_the_cells_of_a_service_that_is_not_well() -> None:
    silent = seen({"unanswered": SILENT})
    assert (silent.icon, silent.chain.marks[0].dot, silent.chain.links[0].tie) == (Icon.BAD, Dot.FAILING, Tie.SAME)
    assert "has process 101 and gives no good answer: no answer in time. Its supervisor says running." in silent.why
    admin = silent.services[1]
    assert (admin.icon, admin.running.note, admin.running.tone) == (Icon.BAD, "pid 101, no answer", Tone.BAD)
    assert admin.supervisor.note == "disagrees"
    restless = seen({"restarts": RESTARTS}).services[1]
    assert (restless.running.value, restless.running.note, restless.icon) == (
        "does not last",
        "6 times in 2 min",
        Icon.BAD,
    )
    assert restless.supervisor.note == "disagrees"
    old = seen(redefined("X")).services[1]
    assert (old.running.note, old.icon, old.buttons[0].act) == ("pid 101, older settings", Icon.CURRENT, Act.CONVERGE)


def test_a_supervisor_that_knows_is_not_told_to_disagree() -> None:
    gave_up = ServiceStatus(name="duo_admin", state=ServiceState.FAILED, pid=101, raw="FATAL")
    found = seen({"unanswered": SILENT, "status": gave_up})
    assert found.services[1].supervisor.note == "" and "Its supervisor" not in found.why


def test_remarks_name_variables_and_never_a_value() -> None:
    facts = facts_of({**redefined("DUO_TOKEN"), "unanswered": SILENT, "restarts": RESTARTS, "copies": COPIES})
    assert notes(facts) == [
        (
            Note.SILENT,
            f"process 101 has given no good answer since {SINCE}: no answer in time",
            "cockpitpm logs duo_admin",
        ),
        (Note.RESTARTING, "its process ended 6 times in 2 minutes", "cockpitpm logs duo_admin"),
        (Note.COPIED, f"processes 101, 377 all listen at {COPIES.where}", "cockpitpm stop duo_admin"),
        (
            Note.UNAPPLIED,
            "it was started with another value of DUO_TOKEN than is declared now",
            "cockpitpm converge duo_admin",
        ),
    ]
    assert SECRET not in repr(told(facts)) and SECRET not in repr(standing(told(facts), Known()))


def test_many_variables_are_counted() -> None:
    held = facts_of().services["duo_admin"].definition
    assert held is not None
    more = tuple((f"V{n}", "x") for n in range(5))
    found = seen({"definition": evolve(held, env=tuple(sorted((*held.env, *more))))})
    assert found.why.startswith("was started before V0, V1, V2 and 2 more changed.")


def test_between_two_of_many_starts_nothing_has_failed() -> None:
    facts = facts_of({**GONE, "restarts": RESTARTS})
    assert [note for note, *_ in notes(facts)] == [Note.RESTARTING]


# --- who stopped it

STOPPED: dict[str, Any] = {
    "wanted": {**ALL, "duo_admin": "stopped"},
    "services": {"duo_admin": "stopped"},
}


def resting(stops: dict[str, Stop], **more: Any) -> tuple[Standing, str]:
    facts = facts_of(**{**STOPPED, **more})
    facts = evolve(facts, state=evolve(facts.state, stops=stops))
    (remark,) = [r for s in told(facts).services for r in s.remarks if r.note is Note.STOPPED]
    return standing(told(facts), Known()), remark.evidence


def test_who_stopped_it_and_when() -> None:
    found, evidence = resting({"duo_admin": Stop(by="mik", at=SINCE), "duo_server": Stop(by="old", at=SINCE)})
    assert (found.row, found.detail, found.at) == (27, "one of three services, by mik", SINCE)
    assert evidence == f"it was stopped on purpose by mik on {SINCE}"


def test_what_is_not_known_is_not_told() -> None:
    found, evidence = resting({})
    assert (found.detail, found.at, evidence) == ("one of three services", "", "it was stopped on purpose")
    found, evidence = resting({"duo_admin": Stop(by="", at=SINCE)})
    assert (found.detail, found.at) == ("one of three services", SINCE)
    assert evidence == f"it was stopped on purpose on {SINCE}"


def test_a_service_that_runs_was_stopped_by_nobody() -> None:
    facts = facts_of()
    facts = evolve(facts, state=evolve(facts.state, stops={"duo_admin": Stop(by="mik", at=SINCE)}))
    assert all(s.stop is None for s in told(facts).services)
    fact: ServiceFact = facts.services["duo_admin"]
    assert fact.status.wanted is Wanted.RUNNING
