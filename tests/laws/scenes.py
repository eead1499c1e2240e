"""Random machines with one app, in the words of the cases."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

from cockpitpm.decide.planner import make_plan
from cockpitpm.errors import PlanError
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import AppPlan, FileKind, Request, Staged
from cockpitpm.model.receipt import Verb
from tests.cases.scene import MACHINE, SERVICES, app_facts, bundles, catalog_of, digest

LABELS = tuple(label for label, bundle in bundles().items() if bundle.name == "duo")
NAMES = ("duo_server", "duo_admin", "duo_second", "started_by_hand")
BINARIES = ("duo_server", "duo_admin", "duo_tool")
BUILDS = st.sampled_from("ABC")


@frozen(kw_only=True)
class Scene:
    """An app before and after a decision."""

    verb: Verb
    facts: AppFacts
    plan: AppPlan


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


INSTALLED = st.fixed_dictionaries(
    {"build": BUILDS, "number": st.integers(2, 4), "bundle": st.sampled_from(LABELS)},
    optional={"kept": st.dictionaries(st.sampled_from([1, 5]), BUILDS)},
)
ODD_RELEASES = [
    {"waiting": "a draft"},
    {"down": "no answer"},
    {"build": "B", "without": ["duo_admin-musl"]},
    {"build": "B", "plus": [{"name": "duo_server-gnu"}]},
    {"build": "A", "without": ["duo_admin-musl"], "plus": [{"name": "duo_admin-musl", "uuid": "C-duo_admin"}]},
]
FILES = st.sampled_from(["", "", "", "patched", "foreign", "absent", "dangling", "nowhere"])
TREES = st.fixed_dictionaries(
    {
        "installed": maybe(INSTALLED),
        "release": BUILDS | BUILDS | st.sampled_from(ODD_RELEASES),
        "services": st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(SERVICES))),
        "wanted": st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["running", "stopped"])),
        "files": st.just({}) | st.dictionaries(st.sampled_from(BINARIES), FILES),
        "blocked": st.lists(BUILDS, max_size=1),
        "observed": maybe(st.fixed_dictionaries({"uuids": BUILDS, "build": maybe(BUILDS)})),
    }
)


@st.composite
def scenes(draw: st.DrawFn, verbs: tuple[Verb, ...] = tuple(Verb)) -> Scene | None:
    """A scene, or None where the request makes no sense for the app."""
    tree, label, verb = draw(TREES), draw(st.sampled_from(LABELS)), draw(st.sampled_from(verbs))
    catalog = catalog_of([label])
    facts = app_facts("duo", tree, bundles()[label])
    named = tuple(draw(st.sets(st.sampled_from(NAMES), max_size=2))) if verb not in (Verb.ROLLBACK, Verb.REMOVE) else ()
    request = Request(verb=verb, names=("duo",), services=named, to=draw(maybe(st.integers(1, 5))))
    machine = evolve(MACHINE, installed={"duo": facts.installed.bundle} if facts.installed else {})
    try:
        (plan,) = make_plan(request, catalog, {"duo": facts}, ("duo",), machine).apps
    except PlanError:
        assert facts.installed is None
        return None
    return Scene(verb=verb, facts=facts, plan=plan)


@st.composite
def arrivals(draw: st.DrawFn, plan: AppPlan) -> dict[str, Staged]:
    """What the first candidates of a plan turn out to be."""
    found = {}
    for fetch in plan.fetches:
        word = draw(st.sampled_from(["A", "A", "B", "C", "other", "strange"]))
        kind = {"other": FileKind.OTHER, "strange": FileKind.SCRIPT}.get(word, FileKind.ELF)
        found[fetch.binary] = Staged(
            asset=fetch.candidates[0],
            sha256=digest(word, fetch.binary),
            md5="0" * 32,
            kind=kind,
            problem="no interpreter" if word == "strange" else "",
        )
    return found
