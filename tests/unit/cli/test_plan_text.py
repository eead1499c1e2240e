"""A plan in sentences: every decision has words, and every one that stops has its way out."""

from __future__ import annotations

import io
from typing import get_args

import pytest
from attrs import evolve

from cockpitpm.cli.plan_text import write_plan
from cockpitpm.cli.terminal import Terminal
from cockpitpm.errors import ExitCode
from cockpitpm.model.interruption import Interruption, ServiceInterruption
from cockpitpm.model.plan import (
    Adopt,
    AppPlan,
    Converge,
    Decision,
    Fetch,
    Held,
    Install,
    Mend,
    Plan,
    Reason,
    Record,
    Refused,
    Register,
    Remove,
    Reregister,
    Retire,
    Rollback,
    Step,
    Swap,
    Unplanned,
    Upgrade,
    UpToDate,
    Waiting,
)
from cockpitpm.model.receipt import Verb
from cockpitpm.model.release import Asset, CommitSource, Release
from cockpitpm.model.role import Role

ASSET = Asset(name="db-linux-musl-x86_64", uuid="u", size=26_500_000, created_at="2026-01-02T03:04:05Z", url="http://x")
RELEASE = Release(
    forge="default",
    repo="us/db",
    id="1",
    tag="latest",
    created_at="2026-01-02T03:04:05Z",
    commit="b" * 40,
    commit_known_by=CommitSource.TAG,
    assets=(ASSET,),
)
STEPS: tuple[Step, ...] = (
    Fetch(binary="db", candidates=(ASSET,)),
    Swap(origin=1, to=2, binaries=("db",)),
    Register(service="db_new", new=True),
    Register(service="db", new=False),
    Converge(service="db", canary=True),
    Converge(service="db_main", canary=False),
    Converge(service="db_test", canary=False),
    Retire(service="db_old"),
    Record(generation=2),
)


def shown(*apps: AppPlan, verb: Verb = Verb.UPGRADE) -> str:
    stream = io.StringIO()
    write_plan(Terminal(stream, {}), Plan(verb=verb, role=Role.TESTER, catalog_digest="d", apps=apps))
    return stream.getvalue()


def app(decision: Decision, *steps: Step, name: str = "db", origin: int = 1, because: str = "") -> AppPlan:
    return AppPlan(app=name, decision=decision, channel="latest", steps=steps, origin=origin, to=2, because=because)


def test_an_upgrade_reads_like_sentences() -> None:
    assert shown(app(Upgrade(release=RELEASE, commit="a" * 40), *STEPS)).splitlines() == [
        "db  upgrade from aaaaaaa to bbbbbbb (latest), generation 1 → 2",
        "  Download db-linux-musl-x86_64 (26.5 MB).",
        "  Put bin/db in place.",
        "  Register db_new.",
        "  Register the changed db.",
        "  Restart db as the canary, then db_main, db_test.",
        "  Stop and forget db_old.",
        "",
        "1 app to change, 26.5 MB to download, 53.0 MB of disk needed.",
    ]


WORDS: list[tuple[Decision, str]] = [
    (Install(release=RELEASE), "install bbbbbbb (latest), as generation 2"),
    (Upgrade(release=RELEASE, commit="a" * 40), "upgrade from aaaaaaa to bbbbbbb"),
    (Reregister(services=("db",)), "same bytes, changed declaration"),
    (Rollback(generation=2, commit="c" * 40), "roll back to generation 2 (ccccccc)"),
    (Remove(), "remove"),
    (Adopt(binaries=("db",)), "adopt what is in place (db), generation 1 → 2"),
    (Mend(services=("db", "db_main")), "bring 2 services onto generation 2"),
    (Mend(services=()), "remember what is meant to run"),
    (UpToDate(why="it is so"), "nothing to do; it is so"),
    (Waiting(why="a draft", way_out="Wait"), "has to wait: a draft\n  → Wait\n"),
    (Held(why="the fair", until="2026-12-24T00:00:00Z", way_out="Wait"), "held until 2026-12-24T00:00:00Z: the fair\n"),
    (Held(why="the fair", until="", way_out="Wait"), "held without an end: the fair\n  → Wait\n"),
    (
        Refused(reason=Reason.NO_ASSET, evidence="no such file", way_out="Publish"),
        "refused: no such file\n  → Publish\n",
    ),
    (Unplanned(message="no answer", hint="Try", exit_code=ExitCode.FORGE), "cannot be planned: no answer\n  → Try\n"),
]


@pytest.mark.parametrize(("decision", "words"), WORDS, ids=lambda v: type(v).__name__)
def test_every_decision_has_words(decision: Decision, words: str) -> None:
    assert words in shown(app(decision))


def test_no_decision_is_forgotten() -> None:
    assert {type(decision) for decision, _ in WORDS} == set(get_args(Decision))


def test_what_is_required_says_by_whom() -> None:
    assert "(required by hero_os)" in shown(app(Install(release=RELEASE), because="required by hero_os", origin=0))


def test_services_of_a_first_install_are_started() -> None:
    assert "Start db as the canary" in shown(app(Install(release=RELEASE), *STEPS, origin=0))


def test_files_that_come_back_or_go_are_named() -> None:
    swap = Swap(origin=1, to=2, binaries=("db", "dbctl"))
    assert "Put the kept bin/db and bin/dbctl back." in shown(app(Rollback(generation=2, commit="c" * 40), swap))
    assert "Take bin/db and bin/dbctl away." in shown(app(Remove(), swap))
    assert "bin/" not in shown(app(Reregister(services=("db",)), swap))


def test_many_idle_apps_share_a_line() -> None:
    idle = [app(UpToDate(why="same build"), name=f"app{n}") for n in range(20)]
    lines = shown(*idle).splitlines()
    assert len(lines) == 2 and lines[0].startswith("nothing to do  app0, app1")


def test_the_sum() -> None:
    refused = Refused(reason=Reason.NO_ASSET, evidence="e", way_out="w")
    waiting = Waiting(why="w", way_out="o")
    last = shown(app(Install(release=RELEASE), *STEPS), app(refused), app(waiting)).splitlines()[-1]
    assert last == "1 app to change, 26.5 MB to download, 53.0 MB of disk needed, 1 refused, 1 waiting."


def test_what_a_release_says_cannot_act_on_a_terminal() -> None:
    assert "\x1b" not in shown(app(Refused(reason=Reason.NO_ASSET, evidence="\x1b]0;x\x07", way_out="\x9b2J")))


def test_what_speaks_about_a_choice_is_shown() -> None:
    fetch = Fetch(binary="db", candidates=(ASSET,), note="db-musl is stale and not taken")
    assert "db-musl is stale and not taken." in shown(app(Install(release=RELEASE), fetch, origin=0))


def away(service: str, ms: int | None, restarts: int) -> ServiceInterruption:
    return ServiceInterruption(service=service, expected_ms=ms, restarts=restarts)


DB, MAIN, NEW = away("db", 812, 3), away("db_main", 6, 1), away("db_test", None, 0)
EXPECTED: list[tuple[tuple[ServiceInterruption, ...], int | None, str]] = [
    ((DB,), 812, "Expected interruption 0.8 s (measured in 3 restarts)."),
    ((NEW,), None, "Expected interruption: not measured yet."),
    ((NEW, away("db", None, 0)), None, "Expected interruption: not measured yet."),
    (
        (DB, MAIN),
        818,
        "Expected interruption 0.8 s in all: db 0.8 s (measured in 3 restarts), db_main 6 ms (measured in 1 restart).",
    ),
    (
        (DB, away("db_main", 1900, 3)),
        2712,
        "Expected interruption 2.7 s in all: db 0.8 s, db_main 1.9 s (measured in 3 restarts each).",
    ),
    ((DB, NEW), None, "Expected interruption: db 0.8 s (measured in 3 restarts), db_test not measured yet."),
]


@pytest.mark.parametrize(("services", "total", "words"), EXPECTED, ids=lambda v: str(v)[-40:])
def test_how_long_services_will_be_away(
    services: tuple[ServiceInterruption, ...], total: int | None, words: str
) -> None:
    plan = app(Upgrade(release=RELEASE, commit="a" * 40), *STEPS)
    found = shown(evolve(plan, interruption=Interruption(services=services, total_ms=total))).splitlines()
    assert found[found.index("  Restart db as the canary, then db_main, db_test.") + 1].split() == words.split()


def test_what_interrupts_nothing_says_nothing_of_it() -> None:
    assert "interruption" not in shown(app(Install(release=RELEASE), *STEPS, origin=0))
