"""What a saved plan rests on: each thing that changed is named, nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide.binding import bind, differences, objections
from cockpitpm.decide.planner import make_plan
from cockpitpm.errors import ExitCode
from cockpitpm.model.binding import Binding
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import (
    AppPlan,
    Decision,
    Held,
    Plan,
    Reason,
    Record,
    Refused,
    Request,
    Unplanned,
    UpToDate,
    Waiting,
)
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import Verb
from tests.cases.scene import MACHINE, app_facts, bundles, catalog_of

CATALOG = catalog_of(["duo"])
DUO = bundles()["duo"]
HERE: Mapping[str, Any] = {"installed": {"build": "A", "number": 2, "kept": {1: "B"}}, "release": "B"}


def facts(**tree: Any) -> AppFacts:
    return app_facts("duo", {**HERE, **tree}, DUO)


def bound(mine: AppFacts) -> Binding:
    return bind(CATALOG, {"duo": mine}, MACHINE)


def changed(mine: AppFacts, before: AppFacts | None = None) -> str:
    return "\n".join(differences(bound(before or facts()), bound(mine)))


BINDINGS = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=4).map(
    lambda facts: Binding(facts=tuple(facts.items()))
)


@given(one=BINDINGS, other=BINDINGS)
def test_what_is_equal_has_no_differences_and_what_is_not_has_one_each(one: Binding, other: Binding) -> None:
    assert differences(one, one) == ()
    was, now = dict(one.facts), dict(other.facts)
    different = [n for n in {*was, *now} if was.get(n, "nothing") != now.get(n, "nothing")]
    assert len(differences(one, other)) == len(different)


def test_digests_are_cut_short_where_people_read_them() -> None:
    old, new = Binding(facts=(("x", "a" * 64),)), Binding(facts=(("x", f"sha256 {'b' * 40}, as it was"),))
    assert differences(old, new) == ("x was aaaaaaaaaaaa, and is sha256 bbbbbbbbbbbb, as it was now",)


def test_processes_and_times_are_no_part_of_it() -> None:
    here = facts()
    services = {
        name: evolve(fact, process=ProcessId(boot_id="other", pid=7, start_ticks=9), images=())
        for name, fact in here.services.items()
    }
    assert changed(evolve(here, services=services)) == ""
    assert changed(facts(services={"duo_admin": "failed"})) == ""


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"release": "C"}, "the release of duo was release B of owner/duo at latest"),
        ({"release": "C"}, "asset duo_server-musl of duo was B-duo_server with"),
        ({"release": {"build": "B", "plus": [{"name": "more"}]}}, "asset more of duo was nothing, and is more with 4"),
        ({"release": {"build": "B", "without": ["duo_server-musl"]}}, "and is nothing now"),
        ({"release": {"down": "no answer"}}, "and is not to be had (no answer) now"),
        ({"installed": {"build": "C", "number": 3}}, "the current generation of duo was 2, and is 3 now"),
        ({"installed": {"build": "A", "number": 2, "kept": {1: "C"}}}, "generation 1 of duo was build"),
        ({"installed": None}, "the current generation of duo was 2, and is nothing now"),
        ({"damaged": "cut short"}, "generation 2 of duo was build"),
        ({"damaged": "cut short"}, "and is unreadable now"),
        ({"blocked": ["B"]}, "what failed before of duo was nothing, and is"),
        ({"files": {"duo_server": "patched"}}, "bin/duo_server was sha256"),
        ({"files": {"duo_server": "absent"}}, "and is nothing now"),
        ({"files": {"duo_server": "dangling"}}, "and is no bytes now"),
        ({"files": {"duo_server": "foreign"}}, "an entry of somebody else now"),
        ({"services": {"duo_admin": "redefined"}}, "the definition of duo_admin was"),
        ({"services": {"duo_admin": "absent"}}, "and is nothing now"),
        ({"wanted": {"duo_admin": "stopped"}}, "what duo_admin is meant to be was running, and is stopped now"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_change_is_named(tree: dict[str, Any], said: str) -> None:
    assert said in changed(facts(**tree))


def test_the_declaration_the_channel_and_the_owner_of_a_file_are_part_of_it() -> None:
    here = facts()
    assert changed(evolve(here, channel="beta")) == "the channel of duo was latest, and is beta now"
    assert changed(evolve(here, declared=evolve(DUO, title="New"))).startswith("the declaration of duo was")
    assert "and is nothing now" in changed(evolve(here, declared=None))
    files = {n: evolve(f, owner="other") for n, f in facts(files={"duo_server": "foreign"}).files.items()}
    assert "an entry of other now" in changed(evolve(here, files=files))


def test_a_forge_that_nobody_asked_is_no_part_of_it() -> None:
    names = [name for name, _ in bound(evolve(facts(), release=None)).facts]
    assert not [name for name in names if "release" in name or "asset" in name]


def test_uploads_of_one_name_have_no_order() -> None:
    plus = [{"name": "twice", "uuid": "1"}, {"name": "twice", "uuid": "2"}]
    one = facts(release={"build": "B", "plus": plus})
    other = facts(release={"build": "B", "plus": plus[::-1]})
    assert changed(one, other) == ""


def planned(mine: AppFacts, verb: Verb = Verb.UPGRADE) -> Plan:
    machine = evolve(MACHINE, installed={"duo": DUO})
    return make_plan(Request(verb=verb, names=("duo",)), CATALOG, {"duo": mine}, ("duo",), machine)


def deciding(decision: Decision) -> Plan:
    app = AppPlan(app="duo", decision=decision, channel="latest", steps=())
    return evolve(planned(facts()), apps=(app,))


def test_the_same_plan_is_no_objection() -> None:
    assert objections(planned(facts(ancestry="upgrade")), planned(facts(ancestry="upgrade"))) == ()


@pytest.mark.parametrize(
    "decision",
    [
        Refused(reason=Reason.SOCKET_PATH, evidence="because", way_out=""),
        Waiting(why="because", way_out=""),
        Unplanned(message="because", hint="", exit_code=ExitCode.FORGE),
        Held(why="because", until="", way_out=""),
    ],
    ids=lambda one: one.KIND,
)
def test_what_would_be_stopped_now_is_an_objection(decision: Decision) -> None:
    saved = planned(facts(ancestry="upgrade"))
    assert objections(saved, deciding(decision)) == ("duo would not be changed now: because",)
    assert objections(deciding(decision), saved) == (), "what is not touched needs no leave"


def test_another_way_is_an_objection() -> None:
    saved = planned(facts(ancestry="upgrade"))
    (app,) = saved.apps
    shorter = evolve(saved, apps=(evolve(app, steps=(Record(generation=3),)),))
    assert objections(saved, shorter) == ("duo would be changed in another way now",)
    assert objections(saved, deciding(UpToDate(why="is"))) == ("duo would be changed in another way now",)
    assert objections(saved, evolve(saved, apps=())) == ("duo would not be planned now",)


def test_which_services_need_a_restart_may_change() -> None:
    behind = planned(facts(services={"duo_admin": "behind"}), Verb.CONVERGE)
    well = planned(facts(), Verb.CONVERGE)
    assert behind.apps[0].acts and behind != well
    assert objections(behind, well) == ()


def test_nothing_of_a_secret_is_in_a_binding() -> None:
    def of(value: str) -> Binding:
        service = facts().services["duo_server"]
        assert service.definition
        held = evolve(service, definition=evolve(service.definition, env=(("TOKEN", value),)))
        mine = evolve(facts(), services={**facts().services, "duo_server": held})
        return bind(CATALOG, {"duo": mine}, evolve(MACHINE, secrets={"core": {"T": value}}))

    assert of("1234") == of("5678")
    assert changed(evolve(facts(), channel="beta"))
