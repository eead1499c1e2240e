"""What a machine still knows after a transaction that did not come to pass."""

from __future__ import annotations

from cockpitpm.app.refresh import refresh
from cockpitpm.app.services import stop
from cockpitpm.decide.standing import standing
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Outcome, Verb
from cockpitpm.model.service import Wanted
from cockpitpm.model.standing import Known, Standing
from cockpitpm.model.state import AppState, Stop
from cockpitpm.record import state
from tests.sim.machine import DUO, MachineSim
from tests.sim.world import program

MUSL_SERVER, MUSL_ADMIN = "duo_server-linux-musl-x86_64", "duo_admin-linux-musl-x86_64"
GNU_SERVER = "duo_server-linux-gnu-x86_64"


def kept(machine: MachineSim) -> AppState:
    return state.read(machine.host().layout, "duo")


def stands(machine: MachineSim) -> Standing:
    (app,) = machine.status().apps
    return standing(app, Known(bundle=machine.host().catalog.bundle("duo")))


def test_status_names_the_file_that_the_refusal_named(machine: MachineSim) -> None:
    """One binary has another file to fall back on; what stands in the way is the one that has none."""
    machine.bundle(DUO.replace("[linux-musl-x86_64]", "[linux-musl-x86_64, linux-gnu-x86_64]"))
    useless = dict.fromkeys((MUSL_SERVER, MUSL_ADMIN), b"no program")
    machine.forge.publish("duo", "latest", {**useless, GNU_SERVER: program("2-duo_server")})
    refresh(machine.host())
    (told,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert told.exit_code is ExitCode.REFUSED and f"{MUSL_ADMIN} cannot run here" in told.detail
    found = stands(machine)
    assert (found.row, found.subject) == (23, MUSL_ADMIN)
    known = kept(machine).unfit
    tried = [a.uuid for a in machine.forge.releases["duo", "latest"].assets if a.name.endswith("musl-x86_64")]
    assert known and sorted(known.uuids) == sorted(tried), "the file that nobody fetched is not known to be useless"


def test_a_start_that_is_taken_back_leaves_who_stopped_it_and_when(machine: MachineSim) -> None:
    frail = {MUSL_SERVER: program("2-duo_server"), MUSL_ADMIN: program("2-duo_admin", "frail")}
    machine.forge.publish("duo", "latest", frail)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    stop(machine.host(), "duo_admin")
    before = kept(machine).stops
    assert set(before) == {"duo_admin"} and before["duo_admin"] == Stop(by="test", at=before["duo_admin"].at)
    with machine.world.changing() as world:
        world["time"] += 60
        world["faults"].append("ill")
    (told,) = machine.run(Verb.START, "duo_admin").outcomes
    assert told.activation and told.activation.outcome is Outcome.ROLLED_BACK
    assert kept(machine).wanted["duo_admin"] is Wanted.STOPPED and kept(machine).stops == before
    machine.world.mended("ill")
    assert machine.code(Verb.START, "duo_admin") is ExitCode.DONE
    assert not kept(machine).stops
