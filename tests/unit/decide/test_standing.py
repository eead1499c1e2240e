"""The table of states: for every row that can be observed, the facts that lead to it and the words it has."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from cockpitpm.decide.standing import in_section, standing, summary
from cockpitpm.decide.standing_rows import day
from cockpitpm.decide.truths import report
from cockpitpm.model.job import Job, JobState, Order
from cockpitpm.model.process import FileId, Image
from cockpitpm.model.receipt import Verb
from cockpitpm.model.release import Ancestry
from cockpitpm.model.request import Request
from cockpitpm.model.service import ServiceState, ServiceStatus
from cockpitpm.model.settings import Hold
from cockpitpm.model.standing import Act, Dot, Icon, Known, Section, Standing, Tie, Tone
from cockpitpm.model.state import Flip, Silence
from cockpitpm.model.status import AppReport, ChannelTruth, ServiceReport
from tests.cases.scene import AT, BOOT, app_facts, bundles
from tests.cases.stands import ALL

HOLD = Hold(reason="demo week", until="2026-11-30T00:00:00Z")
BEHIND = {"uuids": "B"}
SINCE = f"{day(AT)}, {AT[11:16]}"


def told(unfinished: str = "", bundle: str = "duo", commit: str = "", **tree: Any) -> AppReport:
    """The report on these facts. The channel's commit is the installed one where its files are, unless one is named."""
    tree = {"installed": "A", "wanted": ALL, "observed": {"uuids": "A"}, **tree}
    facts = app_facts("duo", {k: v for k, v in tree.items() if v is not None}, bundles()[bundle])
    found = report(facts, "2026-06-12T09:00:00Z" if facts.installed else "", unfinished)
    services = tuple(evolve(s, channel_commit=commit or _published(s)) for s in found.services)
    return evolve(found, services=services)


def _published(service: ServiceReport) -> str:
    same = service.channel is ChannelTruth.SAME and service.receipt
    return service.receipt.commit if same and service.receipt else service.channel_commit


def seen(known: Known | None = None, **tree: Any) -> Standing:
    return standing(told(**tree), known or Known(bundle=bundles()["duo"]))


def job(number: int, verb: Verb, state: JobState, actor: str = "mik", apps: tuple[str, ...] = ("duo",)) -> Job:
    at = "2026-06-12T08:00:00Z"
    request = Request(verb=verb, names=apps, actor=actor)
    return Job(id=number, order=Order(request=request, apps=apps), state=state, made_at=at, started_at=at)


def known(*jobs: Job, **more: Any) -> Known:
    return Known(bundle=bundles()["duo"], jobs=jobs, **more)


UPGRADING = job(4, Verb.UPGRADE, JobState.RUNNING)
WAITING = job(5, Verb.RESTART, JobState.WAITING)

ROWS = [
    (1, {}, known(UPGRADING), "Upgrading", "started by mik", Icon.JOB, Tone.INFO, Section.UPDATES, Act.WATCH),
    (
        1,
        {},
        known(job(4, Verb.REMOVE, JobState.RUNNING, "")),
        "Removing",
        "started",
        Icon.JOB,
        Tone.INFO,
        Section.UPDATES,
        Act.WATCH,
    ),
    (1, {}, known(WAITING, UPGRADING), "Upgrading", "started by mik", Icon.JOB, Tone.INFO, Section.UPDATES, Act.WATCH),
    (
        2,
        {},
        known(WAITING, job(3, Verb.UPGRADE, JobState.RUNNING, apps=("other",))),
        "Waiting for job 3",
        "ordered by mik",
        Icon.JOB,
        Tone.INFO,
        Section.UPDATES,
        Act.WATCH,
    ),
    (
        2,
        {},
        known(job(5, Verb.START, JobState.WAITING, "")),
        "Waiting to begin",
        "ordered",
        Icon.JOB,
        Tone.INFO,
        Section.UPDATES,
        Act.WATCH,
    ),
    (
        3,
        {"unfinished": "t17"},
        None,
        "Interrupted",
        "a change was not finished",
        Icon.WARN,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.FINISH,
    ),
    (
        3,
        {"damaged": "cut short"},
        None,
        "Records damaged",
        "what runs is not touched",
        Icon.BAD,
        Tone.BAD,
        Section.NEEDS_DECISION,
        Act.INSTALL,
    ),
    (
        4,
        {"files": {"duo_admin": "absent"}},
        None,
        "File missing",
        "one of three services",
        Icon.BAD,
        Tone.BAD,
        Section.NEEDS_DECISION,
        Act.PUT_BACK,
    ),
    (
        5,
        {"services": {"duo_admin": "failed"}},
        None,
        "Failed",
        "one of three services",
        Icon.BAD,
        Tone.BAD,
        Section.NEEDS_DECISION,
        Act.SHOW_LOG,
    ),
    (
        9,
        {"wanted": {**ALL, "duo_admin": "stopped"}},
        None,
        "Running though stopped",
        "one of three services",
        Icon.WARN,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.STOP,
    ),
    (
        12,
        {"files": {"duo_admin": "patched"}},
        None,
        "Changed by hand",
        "unknown build",
        Icon.WARN,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.COMPARE,
    ),
    (
        12,
        {"files": {"duo_admin": "unread"}},
        None,
        "File unreadable",
        "nothing can be said of it",
        Icon.WARN,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.DETAILS,
    ),
    (
        14,
        {"services": {"duo_admin": "behind"}},
        None,
        "Restart pending",
        "one of three services",
        Icon.PENDING,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.CONVERGE,
    ),
    (
        14,
        {"services": {"duo_admin": "foreign"}},
        None,
        "Restart pending",
        "one of three services",
        Icon.PENDING,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.CONVERGE,
    ),
    (
        21,
        {"observed": {"uuids": "B", "release": {"build": "B", "committed_at": "2026-06-12T09:00:00Z"}}},
        None,
        "Release out of date",
        "its files are older than its tag",
        Icon.WARN,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.WHAT_IS_WRONG,
    ),
    (
        16,
        {"observed": BEHIND},
        None,
        "Update ready",
        "another build is published",
        Icon.NEWER,
        Tone.INFO,
        Section.UPDATES,
        Act.UPGRADE,
    ),
    (
        16,
        {"observed": BEHIND},
        known(ancestry=Ancestry.UPGRADE),
        "Update ready",
        "newer by its commits",
        Icon.NEWER,
        Tone.INFO,
        Section.UPDATES,
        Act.UPGRADE,
    ),
    (
        17,
        {"observed": BEHIND},
        known(hold=HOLD),
        "Held until 30 Nov",
        "demo week",
        Icon.HELD,
        Tone.HOLD,
        Section.IN_ORDER,
        Act.RELEASE,
    ),
    (
        17,
        {"observed": BEHIND},
        known(hold=evolve(HOLD, until="")),
        "Held",
        "demo week",
        Icon.HELD,
        Tone.HOLD,
        Section.IN_ORDER,
        Act.RELEASE,
    ),
    (
        18,
        {"observed": {"uuids": "C"}, "blocked": ["C"]},
        None,
        "Newest build failed here",
        "the one before it runs",
        Icon.BLOCKED,
        Tone.MUTE,
        Section.IN_ORDER,
        Act.WHAT_FAILED,
    ),
    (
        19,
        {"observed": BEHIND},
        known(ancestry=Ancestry.DOWNGRADE),
        "Ahead of channel",
        "the channel is older",
        Icon.OLDER,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.COMPARE,
    ),
    (
        20,
        {"observed": BEHIND},
        known(ancestry=Ancestry.DIVERGED),
        "Diverged",
        "neither build has all of the other",
        Icon.WARN,
        Tone.WARN,
        Section.NEEDS_DECISION,
        Act.COMPARE,
    ),
    (
        22,
        {"observed": {"uuids": "B", "release": {"build": "B", "without": ["duo_admin-musl"]}}},
        None,
        "Release not ready",
        "1 of 2 files",
        Icon.NOT_READY,
        Tone.MUTE,
        Section.IN_ORDER,
        Act.CHECK,
    ),
    (24, {"observed": None}, None, "Channel not read", "latest", Icon.UNREAD, Tone.MUTE, Section.IN_ORDER, Act.CHECK),
    (
        25,
        {"observed": {"uuids": "B", "build": "A"}, "commit": "d" * 40},
        None,
        "Current",
        "newer commit changes nothing here",
        Icon.CURRENT,
        Tone.OK,
        Section.IN_ORDER,
        None,
    ),
    (26, {}, known(pin="v1.4.2"), "Pinned to v1.4.2", "", Icon.PINNED, Tone.MUTE, Section.IN_ORDER, None),
    (
        27,
        {"wanted": {**ALL, "duo_admin": "stopped"}, "services": {"duo_admin": "stopped"}},
        None,
        "Stopped on purpose",
        "one of three services",
        Icon.STOPPED,
        Tone.MUTE,
        Section.IN_ORDER,
        Act.START,
    ),
    (28, {}, None, "Current", "", Icon.CURRENT, Tone.OK, Section.IN_ORDER, None),
    (
        28,
        {},
        known(hold=HOLD),
        "Current",
        "held until 30 Nov, demo week",
        Icon.CURRENT,
        Tone.OK,
        Section.IN_ORDER,
        None,
    ),
    (
        30,
        {"installed": None, "wanted": None, "observed": None},
        None,
        "Not installed",
        "",
        Icon.ABSENT,
        Tone.MUTE,
        Section.NOT_INSTALLED,
        Act.INSTALL,
    ),
]


@pytest.mark.parametrize(("row", "tree", "more", "words", "detail", "icon", "tone", "section", "act"), ROWS)
def test_a_row_of_the_table(
    row: int,
    tree: dict[str, Any],
    more: Known | None,
    words: str,
    detail: str,
    icon: Icon,
    tone: Tone,
    section: Section,
    act: Act | None,
) -> None:
    found = seen(more, **tree)
    assert (found.row, found.words, found.detail) == (row, words, detail)
    assert (found.icon, found.tone, found.section) == (icon, tone, section)
    assert (found.primary.act if found.primary else None) is act
    assert found.primary not in found.menu and not set(found.others) & set(found.menu)


def test_every_state_has_a_shape_of_its_own_beside_its_words() -> None:
    signs = {words: icon for _, _, _, words, _, icon, *_ in ROWS}
    assert len(set(signs.values())) == len(set(Icon))


def test_the_first_row_wins_and_the_rest_is_counted() -> None:
    found = seen(services={"duo_admin": "failed", "duo_server": "behind"}, observed=BEHIND)
    assert (found.words, found.more) == ("Failed", 2)
    assert (seen().words, seen().more) == ("Current", 0)


@pytest.mark.parametrize(
    ("observed", "words", "why"),
    [
        ({"uuids": "A"}, f"Channel not read since {SINCE}", f"latest could not be read since {SINCE}, so"),
        (None, "Channel not read", "latest could not be read, so"),
    ],
    ids=["read before", "never read"],
)
def test_a_silent_forge_is_told_with_its_cause(observed: dict[str, Any] | None, words: str, why: str) -> None:
    """What was read before stays known, and since when nothing was; another channel's silence is none."""
    tree = {"installed": "A", "wanted": ALL, **({"observed": observed} if observed else {})}
    facts = app_facts("duo", tree, bundles()["duo"])
    silence = Silence(channel=facts.channel, why="no connection to the forge")
    found = standing(report(evolve(facts, state=evolve(facts.state, silence=silence)), "", ""), known())
    assert (found.row, found.words, found.detail, found.icon) == (24, words, silence.why, Icon.UNREAD)
    assert found.why.startswith(why)
    other = evolve(facts.state, silence=evolve(silence, channel="another"))
    assert silence.why not in standing(report(evolve(facts, state=other), "", ""), known()).detail


def test_what_the_channel_offers_is_one_fact() -> None:
    assert seen(known(hold=HOLD), observed=BEHIND).more == 0
    assert seen(observed={"uuids": "C"}, blocked=["C"]).more == 0


def test_all_services_down_names_the_supervisors_word() -> None:
    found = seen(services=dict.fromkeys(ALL, "failed"))
    assert (found.words, found.detail) == ("Failed", "the supervisor says failed")


def test_a_supervisor_that_contradicts_is_told_and_makes_no_mark() -> None:
    facts = app_facts("duo", {"installed": "A", "wanted": ALL}, bundles()["duo"])
    lying = ServiceStatus(name="duo_admin", state=ServiceState.RUNNING, raw="")
    gone = evolve(facts.services["duo_admin"], status=lying, process=None, images=())
    found = standing(report(evolve(facts, services={**facts.services, "duo_admin": gone}), "", ""), known())
    assert (found.words, found.subject) == ("Failed", "duo_admin")
    assert "still says running" in found.why
    assert (found.services[1].supervisor.note, found.services[1].supervisor.value) == ("disagrees", "running")
    gave_up = ServiceStatus(name="duo_admin", state=ServiceState.FAILED, pid=101, raw="FATAL")
    alive = evolve(facts.services["duo_admin"], status=gave_up)
    facts = evolve(facts, services={**facts.services, "duo_admin": alive})
    found = standing(report(facts, "", ""), known())
    assert (found.words, found.services[1].supervisor.note) == ("Channel not read", "disagrees")


def test_a_service_that_others_register_and_is_not_here_is_no_failure() -> None:
    found = seen(Known(), bundle="duo_outside", wanted=None, services={"started_by_hand": "absent"})
    (hand,) = [s for s in found.services if s.name == "started_by_hand"]
    assert (hand.running.value, found.words) == ("not here", "Current")


def test_a_file_without_a_receipt_is_an_unknown_build() -> None:
    plain = told()
    bare = evolve(plain, services=tuple(evolve(s, receipt=None) for s in plain.services))
    found = standing(bare, known())
    assert (found.row, found.words, found.primary and found.primary.act) == (13, "Unknown build", Act.KEEP)
    assert (found.current, found.tag) == ("", "latest")
    assert [m.dot for m in found.chain.marks] == [Dot.THERE, Dot.THERE, Dot.ABSENT, Dot.THERE]
    assert [one.tie for one in found.chain.links] == [Tie.SAME, Tie.OPEN, Tie.OPEN]
    assert (found.services[0].running.value, found.services[0].on_disk.note) == ("current", "no receipt")


def test_a_script_that_may_be_older_is_unproved() -> None:
    facts = app_facts("duo", {"installed": "A", "wanted": ALL, "observed": {"uuids": "A"}}, bundles()["duo"])
    shell = Image(pid=101, start_ticks=1, file=FileId(dev=9, ino=9), deleted=False, argv=("sh",))
    services = {**facts.services, "duo_admin": evolve(facts.services["duo_admin"], images=(shell,))}
    flips = (Flip(live="1.t", boot_id=BOOT, begun=0, ended=1, hashes=facts.in_place.hashes),)
    place = evolve(facts.in_place, scripts=frozenset({"duo_admin"}), flips=flips)
    found = standing(report(evolve(facts, services=services, in_place=place), "", ""), known())
    assert (found.row, found.words) == (14, "Restart unproved")
    assert (found.chain.marks[0].dot, found.chain.links[0].tie) == (Dot.UNKNOWN, Tie.OPEN)
    assert found.services[1].running.value == "cannot be told"


def test_an_app_outside_the_catalog_keeps_running() -> None:
    facts = evolve(app_facts("duo", {"installed": "A", "wanted": ALL}, bundles()["duo"]), declared=None)
    found = standing(report(facts, "", ""), Known())
    assert (found.words, found.primary and found.primary.act) == ("Not in the catalog", Act.REMOVE)
    assert all(s.about == "" for s in found.services)
    assert Act.UPGRADE not in {b.act for b in found.menu}


CHAINS = [
    ({}, (Dot.THERE,) * 4, (Tie.SAME,) * 3),
    ({"services": {"duo_admin": "behind"}}, (Dot.THERE,) * 4, (Tie.DIFFERS, Tie.SAME, Tie.SAME)),
    ({"services": {"duo_admin": "failed"}}, (Dot.FAILING, *(Dot.THERE,) * 3), (Tie.OPEN, Tie.SAME, Tie.SAME)),
    ({"files": {"duo_admin": "patched"}}, (Dot.THERE,) * 4, (Tie.SAME, Tie.DIFFERS, Tie.SAME)),
    ({"files": {"duo_admin": "dangling"}}, (Dot.THERE,) * 4, (Tie.SAME, Tie.DIFFERS, Tie.SAME)),
    (
        {"files": {"duo_admin": "absent"}},
        (Dot.THERE, Dot.FAILING, Dot.THERE, Dot.THERE),
        (Tie.SAME, Tie.OPEN, Tie.SAME),
    ),
    (
        {"files": {"duo_admin": "unread"}},
        (Dot.THERE, Dot.UNKNOWN, Dot.THERE, Dot.THERE),
        (Tie.SAME, Tie.OPEN, Tie.SAME),
    ),
    ({"observed": BEHIND}, (*(Dot.THERE,) * 3, Dot.NEWER), (Tie.SAME, Tie.SAME, Tie.DIFFERS)),
    ({"observed": None}, (*(Dot.THERE,) * 3, Dot.UNKNOWN), (Tie.SAME, Tie.SAME, Tie.OPEN)),
    (
        {"wanted": dict.fromkeys(ALL, "stopped"), "services": dict.fromkeys(ALL, "stopped")},
        (Dot.ABSENT, *(Dot.THERE,) * 3),
        (Tie.OPEN, Tie.SAME, Tie.SAME),
    ),
    (
        {"installed": None, "wanted": None, "observed": None},
        (Dot.UNKNOWN, Dot.UNKNOWN, Dot.UNKNOWN, Dot.THERE),
        (Tie.OPEN,) * 3,
    ),
]


@pytest.mark.parametrize(("tree", "dots", "ties"), CHAINS)
def test_the_chain(tree: dict[str, Any], dots: tuple[Dot, ...], ties: tuple[Tie, ...]) -> None:
    chain = seen(**tree).chain
    assert (tuple(m.dot for m in chain.marks), tuple(one.tie for one in chain.links)) == (dots, ties)
    assert chain.whole == (tree == {})


@pytest.mark.parametrize(
    ("ancestry", "hold", "dot", "tone", "note"),
    [
        (None, None, Dot.NEWER, Tone.INFO, "other build"),
        (Ancestry.UPGRADE, None, Dot.NEWER, Tone.INFO, "newer"),
        (Ancestry.UPGRADE, HOLD, Dot.NEWER, Tone.HOLD, "newer"),
        (Ancestry.DOWNGRADE, None, Dot.OLDER, Tone.WARN, "older"),
        (Ancestry.DIVERGED, None, Dot.THERE, Tone.WARN, "diverged"),
        (Ancestry.UNKNOWN, None, Dot.THERE, Tone.WARN, "diverged"),
    ],
)
def test_which_way_the_channel_leads(
    ancestry: Ancestry | None, hold: Hold | None, dot: Dot, tone: Tone, note: str
) -> None:
    found = seen(known(ancestry=ancestry, hold=hold), observed=BEHIND)
    assert (found.chain.marks[3].dot, found.chain.marks[3].tone, found.services[0].channel.note) == (dot, tone, note)


def test_a_build_that_failed_here_asks_for_nothing() -> None:
    found = seen(observed={"uuids": "C"}, blocked=["C"])
    assert (found.chain.marks[3].tone, found.services[0].channel.note) == (Tone.MUTE, "failed here")


def test_services_that_run_one_binary_are_told_so() -> None:
    first, admin, second = seen().services
    assert (first.on_disk.note, second.on_disk.note) == ("matches receipt", "same file")
    assert (first.build.note, second.build.note) == ("md5 00000000", "same receipt")
    assert (first.about, admin.about, second.about) == ("server", "admin page", "restarts with it")
    assert first.channel.note == "same"
    assert seen(commit="d" * 40).services[0].channel.note == "same bytes"


def test_a_name_that_the_bundle_of_today_does_not_have_is_about_nothing() -> None:
    assert seen(Known(bundle=bundles()["duo_outside"])).services[2].about == ""


def test_what_can_be_done_with_a_service() -> None:
    acts = [
        tuple(b.act for b in s.buttons) for s in seen(services={"duo_server": "behind", "duo_admin": "failed"}).services
    ]
    assert acts == [
        (Act.CONVERGE, Act.STOP, Act.SHOW_LOG),
        (Act.START, Act.SHOW_LOG),
        (Act.RESTART, Act.STOP, Act.SHOW_LOG),
    ]


def test_the_menu_offers_what_has_no_button_yet() -> None:
    acts = {b.act for b in seen().menu}
    assert {Act.DETAILS, Act.UPGRADE, Act.RESTART, Act.STOP, Act.HOLD, Act.PIN, Act.REMOVE} <= acts
    assert Act.ROLL_BACK not in acts
    assert Act.ROLL_BACK in {b.act for b in seen(installed={"build": "A", "number": 2}).menu}
    held = {b.act for b in seen(known(hold=HOLD, pin="v1")).menu}
    assert Act.UPGRADE not in held and Act.HOLD not in held and Act.PIN not in held
    assert seen(installed=None, wanted=None, observed=None).menu == ()
    tools = evolve(told(), services=())
    assert Act.RESTART not in {b.act for b in standing(tools, known()).menu}


def test_an_update_of_one_service_says_that_it_restarts() -> None:
    behind = told(observed=BEHIND)
    assert seen(observed=BEHIND).why == "Three services restart on the new build, duo_server first."
    alone = evolve(behind, services=behind.services[:1])
    assert standing(alone, known()).why == "duo_server restarts on the new build."
    many = evolve(behind, services=behind.services * 4)
    assert standing(many, known()).why.startswith("12 services")


def named(name: str, found: Standing) -> Standing:
    return evolve(found, app=name)


def test_the_machine_in_a_sentence() -> None:
    behind = seen(observed=BEHIND)
    found = [
        named("e", seen()),
        named("a", seen(services={"duo_admin": "failed"})),
        named("b", behind),
        named("c", behind),
        named("d", seen(known(UPGRADING))),
        named("f", seen(known(hold=HOLD), observed=BEHIND)),
        named("g", seen(installed=None, wanted=None, observed=None)),
        named("h", seen(known(WAITING))),
    ]
    told = summary(found)
    assert told.sentence == (
        "1 of 7 installed apps is current. 1 needs a decision, 2 have updates, 1 is upgrading, 1 is waiting, 1 is held."
    )
    assert (told.updates, told.counts[Section.UPDATES], told.counts[Section.NOT_INSTALLED]) == (2, 4, 1)
    assert [s.app for s in in_section(reversed(found), Section.UPDATES)] == ["b", "c", "d", "h"]


def test_short_sentences() -> None:
    assert summary([]).sentence == "Nothing is installed on this machine."
    assert summary([seen()]).sentence == "1 of 1 installed app is current."
    two = [seen(), named("b", seen())]
    assert summary(two).sentence == "2 of 2 installed apps are current."
    broken = seen(services={"duo_admin": "failed"})
    assert summary([broken, named("b", broken)]).sentence == "0 of 2 installed apps are current. 2 need a decision."
