"""A plan in a file: made, read back, held against the machine as it is now, and carried out as it was saved."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any

from attrs import evolve

from cockpitpm import beneath
from cockpitpm.app.change import Report, facts_for, under_lock
from cockpitpm.app.host import Host
from cockpitpm.decide.binding import bind, differences, newly_held, objections
from cockpitpm.decide.planner import make_plan
from cockpitpm.declare.conformity import nonconformities
from cockpitpm.errors import ExitCode, PlanError, StoreError, UsageError
from cockpitpm.model.binding import Binding, SavedPlan
from cockpitpm.model.plan import Plan, Request
from cockpitpm.record import documents
from cockpitpm.record.durable import disk

LONGEST = 64 * 1024 * 1024
TOLD = 5
ADDED: dict[str, Any] = {"past": []}
"""What the apps of a plan have since it was first published; a file of before means this by its silence."""
ANEW = "Make the plan anew with `cockpitpm plan --out FILE` and look at it"


class Unfit(PlanError):
    """A saved plan that is not carried out: it was made for something else than what is here now."""

    exit_code = ExitCode.REFUSED


def writable(path: Path) -> None:
    """Raise UsageError where a plan cannot be saved: only a plain file in a folder that is there is written over."""
    with disk("save a plan as", path):
        place = _place(path)
        if not beneath.is_folder(place.parent):
            raise UsageError(f"A plan cannot be saved as {path}: there is no such folder", "Make the folder first")
        if beneath.seen(place) and not beneath.is_file(place):
            raise UsageError(f"A plan cannot be saved as {path}: that is no plain file", "Name a new file")


def _place(path: Path) -> Path:
    """The folder that a person names may be reached through links of theirs; the file itself is none."""
    return Path(beneath.resolved(path.parent), path.name)


def make(host: Host, request: Request) -> SavedPlan:
    """Plan, and remember what the plan rests on. Changes nothing. Raises as `plan_for` does."""
    from cockpitpm.act.machine import instant

    plan, binding = _foresee(host, request)
    return SavedPlan(
        made_at=instant(host.clock.now()), root=str(host.layout.root), request=request, plan=plan, binding=binding
    )


def save(path: Path, saved: SavedPlan) -> None:
    """Write the file durably, for its owner's eyes only. Raises UsageError, StoreError."""
    writable(path)
    documents.write(_place(path), saved)


def load(path: Path) -> SavedPlan:
    """The plan of a file that a person names, links of theirs followed. Raises PlanError as `read` does."""
    return read(Path(beneath.resolved(path)))


def read(path: Path) -> SavedPlan:
    """The plan of a file. Raises PlanError for one that is missing, cut short, changed, or not of the known shape."""
    try:
        _plain(path)
        saved = documents.read(path, SavedPlan)
        tree = json.loads(beneath.read(path))
    except StoreError as error:
        raise PlanError(error.message, ANEW) from error
    except RecursionError as error:
        raise PlanError(f"{path} is no plan: it is nested too deep", ANEW) from error
    _conform(path, tree)
    return saved


def check(host: Host, saved: SavedPlan) -> Plan:
    """The saved plan, if everything that it rests on is still so. Changes nothing. Raises Unfit, naming what is not."""
    _same_root(host, saved)
    try:
        fresh, binding = _foresee(host, saved.request)
    except PlanError as error:
        raise Unfit(f"The plan does not fit any more: {error.message}", ANEW) from error
    held = newly_held(saved.plan, fresh)
    told = held or differences(saved.binding, binding) or objections(saved.plan, fresh)
    if told:
        raise Unfit(f"Since the plan was made on {saved.made_at}, this changed: {_listed(told)}", ANEW)
    return evolve(saved.plan, actor=host.invocation.actor)


def apply(host: Host, saved: SavedPlan, confirm: Callable[[Plan], bool]) -> Report:
    """Check the plan, ask, and carry it out, all under the machine's lock. Raises as `check` and `change` do."""
    _same_root(host, saved)  # before the lock: the wrong machine must not even get a root
    apps = tuple(app.app for app in saved.plan.apps)
    return under_lock(host, evolve(saved.request, names=apps), lambda: check(host, saved), confirm)


def _foresee(host: Host, request: Request) -> tuple[Plan, Binding]:
    named, facts = facts_for(host, request)
    machine = host.facts()
    plan = make_plan(named, host.catalog, facts, tuple(facts), machine)
    return plan, bind(host.catalog, facts, machine)


def _same_root(host: Host, saved: SavedPlan) -> None:
    root = str(host.layout.root)
    if saved.root != root:
        told = f"The plan was made for {saved.root}, and this machine is {root}"
        raise Unfit(told, f"Say `--root {quote(saved.root)}`")


def _plain(path: Path) -> None:
    """What is no plain file, or longer than any plan, is not even read."""
    with disk("read", path):
        found = beneath.look(path)
    if not stat.S_ISREG(found.st_mode):
        raise PlanError(f"{path} is no plan: it is no plain file", ANEW)
    if found.st_size > LONGEST:
        raise PlanError(f"{path} is no plan: it is longer than any", ANEW)


def _conform(path: Path, tree: dict[str, Any]) -> None:
    plan = {**tree["plan"], "apps": [{**ADDED, **app} for app in tree["plan"]["apps"]]}
    inner = (("planfile", tree), ("plan", plan))
    remarks = [remark for name, one in inner for remark in nonconformities(name, one)]
    if remarks:
        where = ".".join(map(str, remarks[0].path))
        raise PlanError(f"Cannot use {path}: {where}: {remarks[0].message}", ANEW)


def _listed(told: tuple[str, ...]) -> str:
    rest = len(told) - TOLD
    return "; ".join(told[:TOLD]) + (f"; and {rest} more" if rest > 0 else "")
