"""What makes a symptom, and what just does not."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide import ailments
from cockpitpm.decide.ailments import LEAST, LEAST_FILES, MIB, SKEW
from cockpitpm.model.ailment import Check, Grade, Keeping, LockFact, Registered, Remedy, Space, Spot
from cockpitpm.model.process import ProcessId

FINE = [
    Spot(path="/r", keeping=Keeping.OPEN, mode=0o755, uid=1000, folder=True),
    Spot(path="/r/machine.yaml", keeping=Keeping.OPEN, mode=0o640, uid=1000),
    Spot(path="/r/secrets", keeping=Keeping.PRIVATE, mode=0o700, uid=1000, folder=True),
    Spot(path="/r/secrets/A", keeping=Keeping.PRIVATE, mode=0o400, uid=1000),
    Spot(path="/r/program", keeping=Keeping.PROGRAM, mode=0o755, uid=1000),
    Spot(path="/r/store/ab", keeping=Keeping.OPEN, mode=0o444, uid=1000),
]


def test_what_is_right_is_silent() -> None:
    assert [*ailments.modes(FINE, 1000)] == [*ailments.owners(FINE, 1000)] == []


@pytest.mark.parametrize(
    ("keeping", "folder", "mode", "right", "told"),
    [
        (Keeping.OPEN, True, 0o777, 0o755, "others may change it"),
        (Keeping.OPEN, False, 0o664, 0o644, "others may change it"),
        (Keeping.OPEN, True, 0o055, 0o755, "its owner cannot use it"),
        (Keeping.PRIVATE, True, 0o755, 0o700, "others may read it"),
        (Keeping.PRIVATE, False, 0o644, 0o600, "others may read it"),
        (Keeping.PRIVATE, False, 0o622, 0o600, "others may change it"),
        (Keeping.PRIVATE, False, 0o000, 0o400, "its owner cannot use it"),
        (Keeping.PROGRAM, False, 0o775, 0o755, "others may change it"),
        (Keeping.PROGRAM, False, 0o644, 0o755, "its owner cannot run it"),
    ],
)
def test_a_mode_that_is_wrong(keeping: Keeping, folder: bool, mode: int, right: int, told: str) -> None:
    (found,) = ailments.modes([Spot(path="/x", keeping=keeping, mode=mode, uid=7, folder=folder)], 7)
    assert (found.mode, found.remedy) == (right, Remedy.MODE)
    assert found.told.endswith(told) and found.next_step == f"chmod {right:04o} /x"


def test_the_mode_of_what_belongs_to_another_is_not_ours_to_set() -> None:
    (found,) = ailments.modes([Spot(path="/a b", keeping=Keeping.OPEN, mode=0o666, uid=0)], 7)
    assert found.remedy is Remedy.NONE and found.next_step == "sudo chmod 0644 '/a b'"


def test_what_lies_in_a_folder_of_another_is_left_until_the_folder_is_ours() -> None:
    """Who owns the folder may have given some file of ours a second name there, for which its mode is far too wide."""
    folder = Spot(path="/r/live", keeping=Keeping.OPEN, mode=0o755, uid=0, folder=True)
    inside = Spot(path="/r/live/program", keeping=Keeping.PROGRAM, mode=0o600, uid=7)
    beside = evolve(inside, path="/r/live2")
    assert [one.subject for one in ailments.modes([folder, inside, beside], 7)] == ["/r/live2"]
    assert [one.subject for one in ailments.modes([evolve(folder, uid=7), inside], 7)] == ["/r/live/program"]


@given(st.sampled_from(Keeping), st.integers(0, 0o777), st.booleans())
def test_a_mode_that_was_mended_is_right(keeping: Keeping, mode: int, folder: bool) -> None:
    spot = Spot(path="/x", keeping=keeping, mode=mode, uid=0, folder=folder)
    mended = evolve(spot, mode=ailments.right_mode(spot))
    assert [*ailments.modes([mended], 0)] == []
    assert not mended.mode & 0o022


def test_another_owner() -> None:
    (found,) = ailments.owners([*FINE, evolve(FINE[0], path="/r/odd", uid=0)], 1000)
    assert found.subject == "/r/odd" and found.next_step == "sudo chown -h 1000 /r/odd"


HELD = LockFact(
    process=ProcessId(boot_id="b", pid=7, start_ticks=1), command="cockpitpm upgrade", since="2026-11-23", alive=True
)


def test_the_lock() -> None:
    assert [*ailments.lock(None)] == []
    (alive,), (dead,) = ailments.lock(HELD), ailments.lock(evolve(HELD, alive=False))
    assert "process 7 (cockpitpm upgrade, since 2026-11-23) is changing" in alive.told
    assert alive.remedy is Remedy.NONE
    assert "died" in dead.told and dead.remedy is Remedy.RECOVER
    assert alive.grade is dead.grade is Grade.ODD


def test_what_was_interrupted_and_what_it_left() -> None:
    assert [*ailments.journals(())] == [*ailments.leftovers(())] == []
    assert [one.subject for one in ailments.journals(["a", "b"])] == ["a", "b"]
    (one,), (three,) = ailments.leftovers(["/x"]), ailments.leftovers(["/x", "/y", "/z"])
    assert one.told == "half a write is left" and three.told == "half a write is left, and 2 more"
    assert one.remedy is Remedy.RECOVER


def test_no_supervisor() -> None:
    assert [*ailments.supervisor(())] == []
    (one,), (two,) = ailments.supervisor(["a"]), ailments.supervisor(["a", "b"])
    assert one.told == "a should run, and no supervisor does"
    assert two.told == "a and 1 more should run, and no supervisor does"


def test_services_of_nobody_and_services_that_name_a_live_folder() -> None:
    own = Registered(name="good", app="duo", command=("/r/bin/duo_server", "--quiet"))
    live = Registered(name="self", app="duo", command=("/r/var/cockpitpm/apps/duo/live/1.a/duo_server",))
    stray = Registered(name="stray", app="", command=live.command)
    found = [*ailments.services([own, live, stray], "/r/var/cockpitpm/apps/")]
    assert [(one.subject, one.grade) for one in found] == [("self", Grade.WRONG), ("stray", Grade.ODD)]
    assert found[0].next_step == "cockpitpm register self"
    (theirs,) = ailments.services([evolve(live, external=True)], "/r/var/cockpitpm/apps/")
    assert theirs.grade is Grade.WRONG and "register" not in theirs.next_step.replace("registered", "")


def test_where_the_machine_is() -> None:
    (found,) = ailments.home("/r/root", "Cannot use it: cut short")
    assert (found.check, found.subject, found.remedy) == (Check.RECORDS, "/r/root", Remedy.RECOVER)
    assert found.told.startswith("Cannot use it: cut short, so nobody knows")


@pytest.mark.parametrize(
    ("back", "told"),
    [(SKEW + 1, "2 minutes"), (3_600, "1 hour"), (90_000, "1 day"), (400 * 86_400, "400 days")],
)
def test_a_clock_that_was_set_back(back: float, told: str) -> None:
    (found,) = ailments.clock(back, "2026-11-23T10:00:00Z")
    assert found.told == f"it is {told} before the newest line of the history, 2026-11-23T10:00:00Z"


@pytest.mark.parametrize("back", [SKEW, 0, -86_400])
def test_a_clock_that_goes_on(back: float) -> None:
    assert [*ailments.clock(back, "x")] == []


ROOMY = Space(free=LEAST, size=100 * LEAST, files_free=LEAST_FILES, files=10 * LEAST_FILES)


def test_the_disk() -> None:
    assert [*ailments.disk(ROOMY, "/r")] == []
    assert [*ailments.disk(Space(free=LEAST, size=LEAST, files_free=0, files=0), "/r")] == []
    (full,) = ailments.disk(evolve(ROOMY, free=LEAST - 1), "/r")
    (files,) = ailments.disk(evolve(ROOMY, files_free=LEAST_FILES - 1), "/r")
    assert full.told == f"{LEAST // MIB - 1} MiB of {100 * LEAST // MIB} MiB are free" and "inodes" in files.told
    assert full.check is files.check is Check.DISK
