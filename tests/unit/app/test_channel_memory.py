"""What is remembered of a channel between two looks: why it offered nothing, and until when nobody should ask."""

from __future__ import annotations

import json
from hashlib import sha256

from attrs import evolve

from cockpitpm.app.refresh import refresh
from cockpitpm.app.status import to_json
from cockpitpm.decide.standing import standing
from cockpitpm.errors import ExitCode, ForgeUnreachable
from cockpitpm.model.receipt import Verb
from cockpitpm.model.standing import Known, Standing
from cockpitpm.model.state import AppState, Silence
from cockpitpm.record import documents, state
from tests.sim.machine import DUO, MachineSim
from tests.sim.world import program

LATEST = ("duo", "latest")
TOOL = "  - {name: duo_tool, kind: cli}\nrestart_only:"
NAMES = ("duo_server", "duo_admin")


def kept(machine: MachineSim) -> AppState:
    return state.read(machine.host().layout, "duo")


def stands(machine: MachineSim) -> Standing:
    (app,) = machine.status().apps
    return standing(app, Known(bundle=machine.host().catalog.bundle("duo")))


def built(version: str, names: tuple[str, ...] = NAMES) -> dict[str, bytes]:
    return {f"{name}-linux-musl-x86_64": program(f"{version}-{name}") for name in names}


def test_a_half_uploaded_release_is_told_with_its_files_and_then_offered(machine: MachineSim) -> None:
    machine.forge.publish("duo", "latest", built("2", ("duo_server",)))
    assert refresh(machine.host()) == {}
    assert (stands(machine).row, stands(machine).detail) == (22, "1 of 2 files")
    (told,) = to_json(machine.status())["apps"]
    assert told["release_withheld"]["files"] == {"there": 1, "wanted": 2} and told["channel_silence"] is None
    assert {s["truths"]["channel"]["is"] for s in told["services"]} == {"not_ready"}
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED
    assert stands(machine).row == 22
    machine.publish("2")
    refresh(machine.host())
    assert stands(machine).row == 16


def test_a_plan_that_was_refused_has_read_the_channel_as_well(machine: MachineSim) -> None:
    machine.forge.publish("duo", "latest", built("2", ("duo_server",)))
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED
    assert stands(machine).row == 22


def test_a_draft_is_remembered_until_it_is_published(machine: MachineSim) -> None:
    machine.publish("2")
    machine.forge.drafts.add(LATEST)
    assert list(refresh(machine.host())) == ["duo"]
    assert (stands(machine).row, stands(machine).detail) == (22, "being published")
    assert "a draft" in stands(machine).why
    machine.forge.drafts.clear()
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert kept(machine).unready is None and stands(machine).row == 28


def test_a_forge_that_asks_to_wait_is_remembered_with_the_moment(machine: MachineSim) -> None:
    read = kept(machine).observation
    assert read
    machine.forge.down = ForgeUnreachable("The forge asks to wait 600 s", "Try later", wait=600.0)
    before = machine.world.now()
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.FORGE
    found = stands(machine)
    assert (found.row, found.words) == (24, f"Channel not read since 12 Jun, {read.at[11:16]}")
    until = kept(machine).silence and kept(machine).silence.until  # type: ignore[union-attr]
    assert (
        until
        and before.strftime("%H:%M") < until[11:16]
        and f"not to be asked before 12 Jun, {until[11:16]}" in found.detail
    )
    (told,) = to_json(machine.status())["apps"]
    assert told["channel_silence"] == {"why": "The forge asks to wait 600 s", "until": until}
    machine.forge.down = None
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert kept(machine).silence is None, "whoever read the channel meanwhile is no longer told of the silence"


def test_a_build_that_cannot_run_here_is_remembered_for_exactly_its_files(machine: MachineSim) -> None:
    useless = {**built("2"), "duo_admin-linux-musl-x86_64": b"PK no program at all"}
    machine.forge.publish("duo", "latest", useless)
    refresh(machine.host())
    assert stands(machine).row == 16, "nobody fetched it yet"
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED
    found = stands(machine)
    assert (found.row, found.words) == (23, "Will not run here")
    assert found.subject == "duo_admin-linux-musl-x86_64" and "it is neither an ELF file nor" in found.why
    refresh(machine.host())
    assert stands(machine).row == 23, "the same files"
    machine.publish("3")
    refresh(machine.host())
    assert stands(machine).row == 16
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE


def test_a_file_of_the_channel_that_was_put_in_place_by_hand_is_known(machine: MachineSim) -> None:
    machine.publish("2")
    release = machine.forge.releases[LATEST]
    hashed = tuple(evolve(a, sha256=sha256(machine.forge.bytes[a.uuid]).hexdigest()) for a in release.assets)
    machine.forge.change("duo", "latest", *hashed)
    entry = machine.root / "bin/duo_admin"
    entry.unlink()
    entry.write_bytes(built("2")["duo_admin-linux-musl-x86_64"])
    refresh(machine.host())
    found = stands(machine)
    assert (found.row, found.detail) == (11, f"newer build, {release.commit[:7]}")
    (told,) = to_json(machine.status())["apps"]
    assert {s["name"]: s["truths"]["file"]["commit"] for s in told["services"]} == {
        "duo_server": None,
        "duo_admin": release.commit,
        "duo_second_server": None,
    }


def test_what_finishes_an_installation_really_does(machine: MachineSim) -> None:
    """A binary that joined the app is brought by an upgrade; an entry that is gone, by its own generation."""
    machine.bundle(DUO.replace("restart_only:", TOOL))
    machine.forge.publish("duo", "latest", built("1", (*NAMES, "duo_tool")))
    refresh(machine.host())
    assert (stands(machine).row, stands(machine).more) == (16, 1), "the update brings it as well"
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert stands(machine).row == 28
    (machine.root / "bin/duo_tool").unlink()
    found = stands(machine)
    assert (found.row, found.detail, found.subject) == (29, "2 of 3 files", "duo_tool")
    assert found.primary and machine.code(Verb.ROLLBACK, "duo", to=found.primary.to) is ExitCode.DONE
    assert stands(machine).row == 28


def test_a_state_of_an_older_version_is_read_and_one_of_a_newer_is_kept(machine: MachineSim) -> None:
    layout = machine.host().layout
    path = layout.state / "duo.json"
    tree = json.loads(path.read_bytes())
    older = {k: v for k, v in tree.items() if k not in ("silence", "unready", "unfit", "seal", "schema")}
    older["silence"] = {"channel": "latest", "why": "no connection"}
    path.write_bytes(documents._sealed({**older, "from_tomorrow": [1], "schema": documents.SCHEMA}))
    assert kept(machine).silence == Silence(channel="latest", why="no connection")
    assert (kept(machine).unready, kept(machine).unfit) == (None, None)
    refresh(machine.host())
    assert json.loads(path.read_bytes())["from_tomorrow"] == [1] and kept(machine).silence is None
