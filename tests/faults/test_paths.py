"""A symbolic link at every name that we use: before a change, and planted in the middle of one.

Whatever stands in our place leads to a folder that is not ours. The change is refused in one line that names the link,
nothing there is read into our state, written, deleted or given another mode, and without the link all goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cockpitpm.app import jobs, plans
from cockpitpm.app.change import Report, change
from cockpitpm.app.recover import recover
from cockpitpm.app.secrets import set_
from cockpitpm.app.settings import set_channel
from cockpitpm.errors import CockpitPmError, MachineError, StoreError, TransactionError
from cockpitpm.model.job import Order, Phase
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.ports import Reporter
from cockpitpm.record import generations
from cockpitpm.record.roots import layout_of
from tests.sim.machine import MachineSim

Act = Callable[[MachineSim], object]
VAR = "var/cockpitpm"
APP = f"{VAR}/apps/duo"
UPGRADE = Request(verb=Verb.UPGRADE, names=("duo",), actor="test")


def upgrade(machine: MachineSim, reporter: Reporter | None = None) -> Report:
    return change(machine.host(reporter), UPGRADE, lambda _: True)


def order(machine: MachineSim) -> object:
    return jobs.submit(machine.host(), Order(request=UPGRADE, apps=("duo",)), lambda _: None)


WHERE: dict[str, Act] = {
    **dict.fromkeys(("var", VAR, f"{VAR}/store", f"{VAR}/apps", APP, f"{APP}/live", f"{APP}/1.json"), upgrade),
    **dict.fromkeys((f"{VAR}/journal", f"{VAR}/incoming", f"{VAR}/state", f"{VAR}/state/duo.json"), upgrade),
    **dict.fromkeys((f"{VAR}/history.jsonl", f"{VAR}/lock", "bin", "cfg", "cfg/cockpitpm"), upgrade),
    **dict.fromkeys((f"{APP}/live/NOW", f"{APP}/live/NOW/duo_server"), upgrade),
    "cfg/cockpitpm/machine.yaml": lambda machine: set_channel(machine.host(), "latest-other"),
    **dict.fromkeys(
        ("cfg/cockpitpm/secrets", "cfg/cockpitpm/secrets/core"),
        lambda machine: set_(machine.host(), "core", "API_TOKEN", "value"),
    ),
    **dict.fromkeys((f"{VAR}/jobs", f"{VAR}/jobs/.lock"), order),
    f"{VAR}/plans": lambda machine: plans.show(machine.host(), UPGRADE),
    f"{VAR}/aside": upgrade,
    f"{VAR}/unpacked": upgrade,
}
OF_THE_APP = {APP, f"{APP}/live", f"{APP}/live/NOW", f"{APP}/1.json", f"{VAR}/state/duo.json"}


@pytest.fixture
def machine(root: Path) -> MachineSim:
    """Version 1 runs, version 2 is published, and each place that a machine may have is there."""
    made = MachineSim(root)
    made.publish("1")
    made.run(Verb.INSTALL, "duo")
    made.publish("2")
    set_(made.host(), "core", "OTHER", "value")
    set_channel(made.host(), "latest")
    for name in ("incoming", "journal", "aside", "unpacked", "plans", "jobs"):
        (made.root / VAR / name).mkdir(exist_ok=True)
    return made


class Planted:
    """A link in the place of one of ours, to what a machine would be glad to find there, or to nothing."""

    def __init__(self, machine: MachineSim, where: str, kind: str) -> None:
        live = generations.current_live(layout_of(machine.root), "duo")
        self.place = machine.root / where.replace("NOW", live)
        self.outside = machine.folder / "outside"
        self.target = self.outside / self.place.name
        self.kept = machine.folder / "kept"
        self.outside.mkdir(mode=0o750)
        (self.outside / "other").write_text("theirs")
        if os.path.lexists(self.place):
            self.place.rename(self.kept)
            if kind != "dangling" and self.kept.is_dir():
                shutil.copytree(self.kept, self.target, symlinks=True)
            elif kind != "dangling":
                shutil.copy2(self.kept, self.target)
        elif kind != "dangling":
            self.target.mkdir()
        while True:  # a download that just begins may make the folder anew
            with contextlib.suppress(FileExistsError):
                self.place.symlink_to(self.target)
                break
            shutil.rmtree(self.place)
        self.before = picture(self.outside)

    def untouched(self) -> bool:
        return picture(self.outside) == self.before

    def away(self) -> None:
        if self.place.is_symlink():
            self.place.unlink()
        if os.path.lexists(self.kept) and self.place.parent.is_dir() and not os.path.lexists(self.place):
            self.kept.rename(self.place)


def picture(folder: Path) -> list[tuple[object, ...]]:
    """Inodes, modes, times and bytes; a link inside by its text."""
    return [_one(path) for path in (folder, *sorted(folder.rglob("*")))]


def _one(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
    return str(path), found.st_ino, found.st_mode, found.st_uid, found.st_nlink, found.st_mtime_ns, what


def told(act: Act, machine: MachineSim) -> str:
    """What somebody is told who does it; empty if it was simply done."""
    try:
        found = act(machine)
    except CockpitPmError as error:
        assert isinstance(error, (StoreError, MachineError, TransactionError)), error
        return str(error)
    outcomes = found.outcomes if isinstance(found, Report) else ()
    return "; ".join(o.detail for o in outcomes if o.exit_code)


@pytest.mark.parametrize("kind", ["there", "dangling"])
@pytest.mark.parametrize("where", sorted(WHERE))
def test_a_link_that_was_there_before(machine: MachineSim, where: str, kind: str) -> None:
    planted = Planted(machine, where, kind)
    said = told(WHERE[where], machine)
    assert planted.untouched()
    assert "\n" not in said
    assert f"symbolic link to {planted.target}" in said or "is not a folder of our own" in said, said
    if where.endswith("duo_server"):
        assert said.startswith("bin/duo_server cannot be read")
    else:
        assert str(planted.place) in said
        assert f"mv {planted.place} " in said or "move it away" in said or where in OF_THE_APP, said
    planted.away()
    recover(machine.host())
    assert not told(WHERE[where], machine)
    machine.run(Verb.UPGRADE, "duo")
    assert planted.untouched()


@pytest.mark.parametrize("text", ["/bin", "live/../../../../../../outside", "../other/live/1.t", "outside"])
def test_a_current_that_leads_elsewhere(machine: MachineSim, text: str) -> None:
    (machine.folder / "outside").mkdir()
    current = machine.root / APP / "current"
    old = os.readlink(current)
    current.unlink()
    current.symlink_to(text)
    assert "current leads to" in told(upgrade, machine) and "is no folder of ours" in told(upgrade, machine)
    current.unlink()
    current.symlink_to(old)
    assert not told(upgrade, machine)


class AtPhase(Reporter):
    """Does something once, when the engine tells that a phase begins, or as soon as bytes arrive."""

    def __init__(self, phase: Phase | None, deed: Callable[[], object]) -> None:
        self._phase, self._deed, self.done = phase, deed, False

    def phase(self, app: str, phase: Phase) -> None:
        if phase is self._phase:
            self._once()

    def fetch_moved(self, app: str, asset: str, done: int) -> None:
        if self._phase is None:
            self._once()

    def _once(self) -> None:
        if not self.done:
            self.done = True
            self._deed()


PHASES = (Phase.FETCH, None, Phase.VERIFY, Phase.SWAP, Phase.RESTART, Phase.RECORD)
QUICK = (None, Phase.SWAP, Phase.RECORD)
DURING = sorted(where for where, act in WHERE.items() if act is upgrade)


@pytest.mark.parametrize(
    "phase",
    [p if p in QUICK else pytest.param(p, marks=pytest.mark.slow) for p in PHASES],
    ids=[p.value if p else "arriving" for p in PHASES],
)
@pytest.mark.parametrize("where", DURING)
def test_a_link_that_comes_in_the_middle(machine: MachineSim, where: str, phase: Phase | None) -> None:
    """Whatever becomes of the change: nothing of the outside is touched, and without the link the machine is whole."""
    planted: list[Planted] = []
    reporter = AtPhase(phase, lambda: planted.append(Planted(machine, where, "there")))
    said = told(lambda m: upgrade(m, reporter), machine)
    assert planted[0].untouched()
    assert "\n" not in said
    planted[0].away()
    recover(machine.host())
    assert planted[0].untouched()
    machine.publish("3")  # 2 may have got the blame for what stood in the place of its folder
    assert not told(upgrade, machine)
    assert set(machine.versions().values()) == {"3-duo_server", "3-duo_admin"}
    assert [remark for app in machine.status().apps for s in app.services for remark in s.remarks] == []


@pytest.mark.parametrize("what", ["link", "file"])
def test_a_copy_that_is_swapped_before_the_flip(machine: MachineSim, what: str) -> None:
    """The inode that was hashed is the inode that services get, or none."""
    theirs = machine.folder / "theirs"
    theirs.write_bytes(b"\x7fELF{}")
    before = picture(theirs)

    def swap() -> None:
        (live,) = (f for f in (machine.root / APP / "live").iterdir() if f.name.startswith("2."))
        (live / "duo_server").unlink()
        (live / "duo_server").symlink_to(theirs) if what == "link" else shutil.copy(theirs, live / "duo_server")

    said = told(lambda m: upgrade(m, AtPhase(Phase.SWAP, swap)), machine)
    assert "duo_server is not the file that was made for duo_server" in said
    assert picture(theirs) == before
    assert set(machine.versions().values()) == {"1-duo_server", "1-duo_admin"}
    assert not told(upgrade, machine)


def test_a_root_that_its_owner_reaches_through_a_link(root: Path) -> None:
    (root / "data").mkdir()
    machine = MachineSim(root)
    shutil.move(machine.root, root / "data/hero")
    machine.root.symlink_to("data/hero")
    machine.publish("1")
    machine.run(Verb.INSTALL, "duo")
    machine.publish("2")
    assert not told(upgrade, machine)
    assert set(machine.versions().values()) == {"2-duo_server", "2-duo_admin"}
    command = machine.world.state()["services"]["duo_server"]["definition"]["command"][0]
    assert command == str(machine.root / "bin/duo_server"), "services are told the root as its owner writes it"
    assert machine.root.is_symlink() and not told(upgrade, machine)


def test_staging_is_private(machine: MachineSim) -> None:
    """Whatever the umask is: while bytes are not proved, and while copies are made, nobody else may look."""
    seen: dict[str, int] = {}

    def look() -> None:
        for path in (machine.root / VAR / "incoming", *(machine.root / VAR / "incoming").iterdir()):
            seen[path.name] = path.stat().st_mode & 0o777

    (machine.root / VAR / "incoming").rmdir()
    before = os.umask(0)
    try:
        upgrade(machine, AtPhase(None, look))
    finally:
        os.umask(before)
    assert seen.pop("incoming") == 0o700
    assert seen and set(seen.values()) == {0o600}
    for folder in ("", "store", "apps", "state", "journal"):
        assert (machine.root / VAR / folder).stat().st_mode & 0o077 == 0, folder
