"""Every case of tests/cases: its facts lead to its decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import evolve

from cockpitpm.decide.order import closure
from cockpitpm.decide.planner import make_plan
from cockpitpm.decide.runnable import caution
from cockpitpm.decide.settle import settle
from cockpitpm.errors import PlanError
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.codec import encode
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import AppPlan, Fetch, FileKind, Plan, Reason, Request, Staged, Step
from cockpitpm.model.receipt import Verb
from cockpitpm.model.runnable import Executable
from cockpitpm.model.settings import Require
from tests.cases.scene import FOLDER, MACHINE, app_facts, bundles, catalog_of, digest

FILES = sorted(FOLDER.glob("*/*.yaml"))
KEYS = {"title", "request", "allow", "catalog", "apps", "staged", "expect", "machine"}
EXPECTED = {"decision", "reason", "says", "because", "steps", "wanted", "cycle", "notes", "past"}

WORDS = {
    "broken": (FileKind.OTHER, "", Require.NONE),
    "truncated": (FileKind.OTHER, "it is an ELF file of which the end is missing", Require.NONE),
    "strange": (FileKind.SCRIPT, "its interpreter /bin/none does not exist", Require.NONE),
    "future": (FileKind.ELF, "it needs GLIBC_2.99, this machine has 2.36", Require.NONE),
    "unproven": (FileKind.ELF, "", Require.CHECKSUM),
}
"""What a download turned out to be: what it is, why it cannot run here, what its forge must prove."""


def request_of(text: str) -> Request:
    """`rollback duo --to 2`, `start duo service duo_admin`, `upgrade`."""
    verb, *words = text.split()
    to = int(words[words.index("--to") + 1]) if "--to" in words else None
    words = words[: words.index("--to")] if "--to" in words else words
    at = words.index("service") if "service" in words else len(words)
    return Request(verb=Verb(verb), names=tuple(words[:at]), services=tuple(words[at + 1 :]), to=to, actor="case")


def order_of(request: Request, catalog: Catalog, facts: dict[str, AppFacts]) -> tuple[str, ...]:
    named = request.names or tuple(app for app, f in facts.items() if f.numbers)
    if request.verb in (Verb.INSTALL, Verb.UPGRADE):
        return closure(catalog, named)
    return tuple(app for app in closure(catalog, named) if app in named)


def facts_of(case: dict[str, Any], catalog: Catalog) -> dict[str, AppFacts]:
    apps = dict.fromkeys((*case.get("apps", {}), *(b.name for b in catalog.bundles)))
    return {app: app_facts(app, case.get("apps", {}).get(app, {}), catalog.bundle(app)) for app in apps}


def planned(case: dict[str, Any]) -> Plan:
    catalog = catalog_of(case.get("catalog", ["duo"]))
    facts = facts_of(case, catalog)
    request = evolve(request_of(case["request"]), allow=tuple(Reason(word) for word in case.get("allow", ())))
    installed = {app: f.installed.bundle for app, f in facts.items() if f.installed}
    machine = evolve(MACHINE, installed=installed, **case.get("machine", {}))
    plan = make_plan(request, catalog, facts, order_of(request, catalog, facts), machine)
    return evolve(plan, apps=tuple(settled(app, case["staged"]) for app in plan.apps)) if "staged" in case else plan


def settled(app: AppPlan, said: dict[str, str]) -> AppPlan:
    return settle(app, {f.binary: staged(f, said[f.binary]) for f in app.fetches})


def staged(fetch: Fetch, word: str) -> Staged:
    """A build's letter, one of WORDS, or `private` for a program that runs and needs GLIBC_PRIVATE."""
    kind, problem, require = WORDS.get(word, (FileKind.ELF, "", Require.NONE))
    made = Staged(asset=fetch.candidates[0], sha256=digest(word, fetch.binary), md5="0" * 32, kind=kind)
    told = caution(Executable(kind=kind, private=word == "private"))
    return evolve(made, problem=problem, caution=told, require=require)


def words(step: Step) -> str:
    """A step as a case writes it."""
    match encode(step):
        case {"is": "fetch", "binary": binary}:
            return f"fetch {binary}"
        case {"is": "swap", "origin": origin, "to": to}:
            return f"swap {origin}->{to}"
        case {"is": "converge", "service": service, "canary": canary}:
            return f"converge {service}{' canary' if canary else ''}"
        case {"is": "record", "generation": number}:
            return f"record {number}"
        case {"is": kind, "service": service}:
            return f"{kind} {service}"
    raise AssertionError(step)


def found(app: AppPlan, wanted: dict[str, Any]) -> dict[str, Any]:
    """The plan of an app, as far as the case speaks of it."""
    decision = encode(app.decision)
    told = " | ".join(str(v) for k, v in decision.items() if k not in ("is", "reason", "release", "exit_code"))
    everything = {
        "decision": decision["is"],
        "reason": decision.get("reason"),
        "says": [text for text in wanted.get("says", ()) if text in told] or told,
        "because": app.because,
        "steps": [words(step) for step in app.steps],
        "wanted": {name: encode(app.wanted[name]) for name in wanted.get("wanted", ())},
        "cycle": list(app.cycle),
        "past": [f"{past.reason.value}: {past.told}" for past in app.past],
        "notes": [text for f in app.fetches for text in wanted.get("notes", ()) if text in f.note],
    }
    assert set(wanted) <= EXPECTED, f"no such words: {set(wanted) - EXPECTED}"
    return {key: everything[key] for key in wanted}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_case(file: Path) -> None:
    case = yaml.safe_load(file.read_text())
    assert set(case) <= KEYS and case["title"], f"no such words: {set(case) - KEYS}"
    expected = case["expect"]
    if "error" in expected:
        with pytest.raises(PlanError) as caught:
            planned(case)
        assert all(text in str(caught.value) for text in expected["error"])
        return
    plan = planned(case)
    assert [app.app for app in plan.apps] == list(expected)
    assert {app.app: found(app, expected[app.app]) for app in plan.apps} == expected


def test_every_bundle_of_the_cases_is_used() -> None:
    text = "".join(file.read_text() for file in FILES)
    assert len(FILES) >= 25
    assert [label for label in bundles() if label not in text] == []
