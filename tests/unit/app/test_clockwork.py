"""A machine whose upgrades come by the clock, through simulated weeks: switches, windows, faults, and clocks that lie.

The simulated time begins on Friday 12 June 2026 at 08:16:40 UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.app import jobs
from cockpitpm.app.clockwork import ACTOR, MOST, tick, waiting
from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host, Invocation
from cockpitpm.app.job_run import run
from cockpitpm.app.schedule import schedule, seed_of, set_key, zone_of
from cockpitpm.app.settings import end_hold, set_hold
from cockpitpm.errors import ForgeUnreachable, UsageError
from cockpitpm.model.job import Job, JobEvent, JobState, Order
from cockpitpm.model.plan import Request
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import Verb
from cockpitpm.ports import Reporter
from cockpitpm.record import generations, history
from cockpitpm.record import jobs as kept
from cockpitpm.record import schedule as record
from tests.sim.machine import MachineSim
from tests.sim.steps import version
from tests.sim.world import EPOCH, program
from tests.unit.act.test_fetch import BOTH, GNU_ASSET, MUSL_ASSET, md5, packed, sha256, zip_of

DOWN = ForgeUnreachable("The forge does not answer", "Try later")
HOUR, DAY, WEEK = 3600.0, 86400.0, 7 * 86400.0
ALL = 'upgrades: {notice: on, download: on, restart: on, window: "Sat 02:00..04:00", zone: UTC, jitter: 10m}\n'
SATURDAY = datetime(2026, 6, 13, 2, 0, tzinfo=UTC)


class Telling(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, app: str, text: str) -> None:
        self.warnings.append(text)


class Clocked:
    """A machine with a server that ticks. Jobs are carried out as soon as they are ordered, unless they are `late`."""

    def __init__(self, folder: Path, settings: str = ALL) -> None:
        machine = MachineSim(folder)
        machine.publish("1")
        machine.run(Verb.INSTALL, "duo")
        self._watch(machine)
        self.settings.parent.mkdir(parents=True)
        self.settings.write_text(settings)

    @classmethod
    def around(cls, machine: MachineSim) -> Clocked:
        """A server of a machine that is there."""
        made = cls.__new__(cls)
        made._watch(machine)
        return made

    def _watch(self, machine: MachineSim) -> None:
        self.machine = machine
        self.settings = machine.root / "cfg/cockpitpm/machine.yaml"
        self.late = False
        self.told = Telling()
        self.started: list[datetime] = []

    @property
    def host(self) -> Host:
        return self.machine.host()

    @property
    def engine(self) -> Engine:
        host = self.machine.host(self.told)
        return Engine(host.invocation, host.ports, start=self.start)

    @property
    def now(self) -> datetime:
        return self.machine.world.now()

    def start(self, number: int) -> None:
        self.started.append(self.now)
        if not self.late:
            self.carry_out(number)

    def carry_out(self, number: int) -> None:
        def opened(actor: str, reporter: Reporter) -> Host:
            host = self.machine.host(reporter)
            host.invocation = evolve(host.invocation, actor=actor or "test")
            return host

        run(opened, number)

    def at(self, moment: datetime) -> None:
        """Set the wall clock; back as well."""
        with self.machine.world.changing() as state:
            state["time"] = (moment - EPOCH).total_seconds()

    def live(self, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> int:
        """Let time pass, ticking whenever the clock wants it. Gives the number of ticks."""
        end, ticks = self.now + timedelta(seconds=seconds), 0
        while self.now < end:
            pause = tick(self.engine)
            assert 0 < pause <= MOST
            meanwhile()
            self.host.clock.sleep(pause)
            ticks += 1
        return ticks

    def quick(self, seconds: float, pause: float = 1500) -> None:
        """The same for long times, with long pauses."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            tick(self.engine)
            self.host.clock.sleep(pause)

    @property
    def jobs(self) -> tuple[Job, ...]:
        return jobs.listed(self.host)[::-1]

    @property
    def version(self) -> str:
        return version(self.machine)

    def asked(self, what: str = "") -> list[str]:
        return [line for line in self.machine.forge.requests if line.startswith(what)]


@pytest.fixture
def clocked(root: Path) -> Clocked:
    return Clocked(root)


def in_window(moment: datetime) -> bool:
    return moment.weekday() == 5 and 2 <= moment.hour < 4


def test_a_week_of_upgrades(clocked: Clocked) -> None:
    before = clocked.machine.pids()
    clocked.quick(HOUR)
    clocked.machine.publish("2")
    clocked.quick(2 * HOUR)
    assert clocked.machine.service("duo_server").channel.value == "behind"
    (waits,) = waiting(clocked.host).values()
    assert waits.says.startswith("Sat 02:0") and waits.bytes_here and waits.waits.endswith("(latest)")
    assert clocked.machine.pids() == before and clocked.jobs == ()
    fetched = len(clocked.asked("fetch"))
    clocked.quick(DAY)
    (job,) = clocked.jobs
    assert job.state is JobState.DONE and job.actor == ACTOR
    assert job.order.key == "clock-duo-2026-06-13T02:00:00Z"
    assert in_window(clocked.started[0]) and clocked.started[0] - SATURDAY <= timedelta(minutes=36)
    assert clocked.version == "2" and len(clocked.asked("fetch")) == fetched, "everything was here already"
    assert waiting(clocked.host) == {}
    last = list(history.recent(clocked.host.layout.history))[-1]
    assert (last.actor, last.reason) == (ACTOR, "in its window Sat 02:00..04:00")
    clocked.quick(HOUR)
    assert record.apps_ahead(clocked.host.layout) == ()
    clocked.machine.publish("3")
    clocked.quick(5 * DAY)
    assert len(clocked.jobs) == 1 and clocked.version == "2"
    clocked.quick(2 * DAY)
    assert clocked.version == "3" and all(in_window(at) for at in clocked.started)
    assert clocked.told.warnings == []


def test_every_tick_of_a_window(clocked: Clocked) -> None:
    """As a server ticks: at its own pace, right through the window."""
    clocked.machine.publish("2")
    clocked.at(SATURDAY - timedelta(minutes=5))
    ticks = clocked.live(2.2 * HOUR)
    (began,) = clocked.started
    assert SATURDAY <= began <= SATURDAY + timedelta(minutes=10, seconds=5)
    assert clocked.version == "2" and len(clocked.jobs) == 1 and ticks < 250


def test_by_default_channels_are_read_and_nothing_else(root: Path) -> None:
    clocked = Clocked(root, "role: tester\n")
    clocked.machine.publish("2")
    clocked.quick(WEEK, pause=600)
    assert clocked.version == "1" and clocked.jobs == ()
    reads = len(clocked.asked("release"))
    assert 100 <= reads <= 7 * 24 + 2 and len(clocked.asked("fetch")) == 2
    assert waiting(clocked.host) == {}
    (app,) = schedule(clocked.host)
    assert app.waits and not app.turn and not app.bytes_here


def test_everything_off_asks_nobody(root: Path) -> None:
    clocked = Clocked(root, "upgrades: {notice: off}\n")
    before = clocked.asked()
    clocked.quick(DAY)
    assert clocked.asked() == before and clocked.jobs == ()


def test_an_app_of_its_own_mind(root: Path) -> None:
    clocked = Clocked(root, ALL + "# end\n")
    clocked.settings.write_text(ALL.replace("zone: UTC", "zone: UTC, apps: {duo: {restart: off}}"))
    clocked.machine.publish("2")
    clocked.quick(WEEK)
    assert clocked.version == "1" and clocked.jobs == ()
    clocked.settings.write_text(ALL.replace("zone: UTC", 'zone: UTC, apps: {duo: {window: "Mon 02:00..04:00"}}'))
    clocked.quick(WEEK)
    (began,) = clocked.started
    assert began.weekday() == 0 and 2 <= began.hour < 4 and clocked.version == "2"


def test_a_held_app_is_only_noticed(clocked: Clocked) -> None:
    set_hold(clocked.host, "duo", "", "the fair")
    clocked.machine.publish("2")
    fetched = len(clocked.asked("fetch"))
    clocked.quick(WEEK)
    assert clocked.version == "1" and clocked.jobs == () and len(clocked.asked("fetch")) == fetched
    assert clocked.machine.service("duo_server").channel.value == "behind"
    assert schedule(clocked.host)[0].held and waiting(clocked.host) == {}
    end_hold(clocked.host, "duo")
    clocked.quick(WEEK)
    assert clocked.version == "2"


def test_a_build_that_failed_is_not_tried_again(clocked: Clocked) -> None:
    clocked.machine.publish("2", behaviour="sick")
    clocked.quick(2 * WEEK)
    (job,) = clocked.jobs
    assert job.state is JobState.ROLLED_BACK and clocked.version == "1"
    assert "failed here" in schedule(clocked.host)[0].last["restart"]


def test_a_forge_that_is_down_is_asked_less_and_less(clocked: Clocked) -> None:
    clocked.quick(HOUR)
    clocked.machine.forge.down = DOWN
    before = len(clocked.asked("release"))
    clocked.live(6 * HOUR)
    asked = len(clocked.asked("release")) - before
    assert 8 <= asked <= 24, "two switches, at 5, 10, 20, 40 and then every 60 minutes"
    assert schedule(clocked.host)[0].failed == dict.fromkeys(("notice", "download"), DOWN.message)
    clocked.machine.forge.down = None
    clocked.quick(2 * HOUR)
    assert schedule(clocked.host)[0].failed == {}


def test_a_forge_that_comes_back_within_the_window(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.at(SATURDAY)
    clocked.machine.forge.down = DOWN
    clocked.live(HOUR)
    assert clocked.jobs == () and "restart" in schedule(clocked.host)[0].failed
    clocked.machine.forge.down = None
    clocked.live(HOUR)
    assert clocked.version == "2" and in_window(clocked.started[0])


def test_a_forge_that_comes_back_after_it(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.at(SATURDAY)
    clocked.machine.forge.down = DOWN
    clocked.live(2 * HOUR)
    clocked.machine.forge.down = None
    clocked.live(3 * HOUR)
    assert clocked.jobs == () and clocked.version == "1"


def test_a_clock_that_is_set_back_restarts_nothing_twice(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.at(SATURDAY + timedelta(minutes=30))
    tick(clocked.engine)
    assert clocked.version == "2"
    clocked.machine.publish("3")
    clocked.at(SATURDAY + timedelta(minutes=11))
    clocked.live(HOUR)
    assert clocked.version == "2" and len(clocked.jobs) == 1
    clocked.at(SATURDAY - timedelta(days=30))
    clocked.quick(HOUR)
    assert schedule(clocked.host)[0].waits, "reading goes on, whatever was written of the future"


def test_put_forward_and_put_back(root: Path) -> None:
    clocked = Clocked(root, ALL.replace("zone: UTC", "zone: Europe/Brussels").replace("Sat 02", "Sun 02"))
    clocked.settings.write_text(clocked.settings.read_text().replace("jitter: 10m", "jitter: 0m"))
    for leap, begins in (("2027-03-28", "01:00"), ("2027-10-31", "00:00")):
        clocked.at(datetime.fromisoformat(f"{leap}T00:00:00Z") - timedelta(hours=6))
        clocked.machine.publish(leap)
        clocked.live(16 * HOUR)
        began = clocked.started[-1]
        assert f"{began:%Y-%m-%d %H:%M}" == f"{leap} {begins}"
    assert len(clocked.started) == 2


def test_a_server_that_slept_through_the_window(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.quick(HOUR)
    clocked.at(SATURDAY + timedelta(hours=2))
    clocked.live(HOUR)
    assert clocked.jobs == () and clocked.version == "1"


def test_a_job_that_waits_is_called_off_when_the_window_closes(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.late = True
    clocked.at(SATURDAY + timedelta(hours=1, minutes=59, seconds=50))
    tick(clocked.engine)
    (job,) = clocked.jobs
    assert job.state is JobState.WAITING
    clocked.at(SATURDAY + timedelta(hours=2))
    assert tick(clocked.engine) <= MOST
    (job,) = clocked.jobs
    assert job.state is JobState.CANCELLED
    clocked.carry_out(job.id)
    assert clocked.version == "1"


def test_what_has_begun_is_not_called_off(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.late = True
    clocked.at(SATURDAY + timedelta(hours=1, minutes=59, seconds=50))
    tick(clocked.engine)
    (job,) = clocked.jobs
    layout = clocked.host.layout
    me = clocked.host.processes.identify(clocked.machine.pids()["duo_server"])
    kept.write(layout, evolve(job, state=JobState.RUNNING, process=me))
    kept.append(layout, job.id, [JobEvent(n=1, at="2026-06-13T03:59:55Z", kind="phase", app="duo", phase="fetch")])
    clocked.at(SATURDAY + timedelta(hours=3))
    assert tick(clocked.engine) <= MOST
    assert clocked.jobs[0].state is JobState.RUNNING


def test_nothing_is_ordered_while_another_job_is_under_way(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.at(SATURDAY + timedelta(minutes=20))
    order = Order(request=Request(verb=Verb.CONVERGE, names=("duo",), actor="mik"), apps=("duo",))
    mine, _ = jobs.submit(clocked.host, order, lambda number: None)
    for _ in range(3):
        assert tick(clocked.engine) == 5.0
    assert clocked.jobs == (mine,)
    clocked.host.clock.sleep(60)
    clocked.live(60)
    assert clocked.version == "2", "a job whose process never came is in nobody's way"


def test_a_job_whose_process_died_ends_and_its_window_stays_used(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.late = True
    clocked.at(SATURDAY + timedelta(minutes=20))
    tick(clocked.engine)
    gone = ProcessId(boot_id="boot", pid=4_000_000, start_ticks=1)
    kept.write(clocked.host.layout, evolve(clocked.jobs[0], state=JobState.RUNNING, process=gone))
    clocked.live(HOUR)
    assert len(clocked.jobs) == 1 and clocked.jobs[0].state.ended


def test_two_servers_tick_and_one_job_comes_of_it(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.at(SATURDAY + timedelta(minutes=20))
    with record.alone(clocked.host.layout) as mine:
        assert mine and tick(clocked.engine) == MOST and clocked.jobs == ()
    tick(clocked.engine)
    tick(clocked.engine)
    assert len(clocked.jobs) == 1


def test_what_was_fetched_ahead_outlives_other_transactions_and_goes_when_the_channel_moves(clocked: Clocked) -> None:
    layout = clocked.host.layout
    clocked.machine.publish("2")
    clocked.quick(600)
    ahead = {file.sha256 for file in record.ahead(layout, "duo").files}
    assert len(ahead) == 2 and ahead < {blob.name for blob in layout.store.iterdir()}
    clocked.machine.run(Verb.CONVERGE, "duo")
    clocked.machine.run(Verb.ROLLBACK, "duo", to=1)
    assert ahead < {blob.name for blob in layout.store.iterdir()}
    clocked.machine.publish("3")
    clocked.quick(2 * HOUR)
    there = {blob.name for blob in layout.store.iterdir()}
    fresh = {file.sha256 for file in record.ahead(layout, "duo").files}
    assert fresh < there and len(fresh) == 2 and not fresh & ahead and not ahead & there
    set_key(clocked.host, "download", "off")
    tick(clocked.engine)
    assert record.apps_ahead(layout) == () and not fresh & {blob.name for blob in layout.store.iterdir()}


def test_a_member_of_an_archive_is_taken_from_the_store(root: Path) -> None:
    clocked = Clocked(root)
    packed(root, ".zip")
    archive, data = zip_of(program("2-duo_server")), program("2-duo_server")
    admin = {"duo_admin-linux-musl-x86_64": program("2-duo_admin")}
    clocked.machine.forge.publish("duo", "latest", {f"{MUSL_ASSET}.zip": archive, **admin})
    clocked.quick(600)
    before = len(clocked.asked("fetch"))
    clocked.at(SATURDAY + timedelta(minutes=30))
    tick(clocked.engine)
    assert clocked.version == "2" and len(clocked.asked("fetch")) == before
    receipt = generations.read(clocked.host.layout, "duo", 2).receipt("duo_server")
    assert receipt and (receipt.sha256, receipt.md5) == (sha256(data), md5(data))
    assert (receipt.asset_sha256, receipt.asset_md5) == (sha256(archive), md5(archive))


def test_the_target_that_runs_here_is_fetched_ahead(root: Path) -> None:
    clocked = Clocked(root)
    clocked.machine.bundle(BOTH)
    gnu, admin = program("2-duo_server"), program("2-duo_admin")
    names = {MUSL_ASSET: b"no program", GNU_ASSET: gnu, "duo_admin-linux-musl-x86_64": admin}
    clocked.machine.forge.publish("duo", "latest", names)
    clocked.quick(600)
    before = len(clocked.asked("fetch"))
    assert waiting(clocked.host)["duo"].bytes_here
    clocked.at(SATURDAY + timedelta(minutes=30))
    tick(clocked.engine)
    assert clocked.version == "2" and len(clocked.asked("fetch")) == before


def test_bytes_that_rot_in_the_store_are_fetched_again(clocked: Clocked) -> None:
    layout = clocked.host.layout
    clocked.machine.publish("2")
    clocked.quick(600)
    blob = layout.blob(record.ahead(layout, "duo").files[0].sha256)
    data = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(data[:-1] + b"!")
    before = len(clocked.asked("fetch"))
    clocked.machine.run(Verb.UPGRADE, "duo")
    assert clocked.version == "2" and len(clocked.asked("fetch")) == before + 1
    (receipt,) = [r for r in generations.read(layout, "duo", 2).receipts if r.sha256 == blob.name]
    assert receipt and blob.read_bytes() == data


def test_a_damaged_record_is_as_if_there_were_none(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.quick(600)
    folder = clocked.host.layout.var / "schedule"
    for file in (folder / "attempts.json", folder / "ahead" / "duo.json"):
        file.write_text("{}")
    assert tick(clocked.engine) <= MOST
    assert len(record.ahead(clocked.host.layout, "duo").files) == 2


def test_a_removed_app_leaves_nothing(clocked: Clocked) -> None:
    clocked.machine.publish("2")
    clocked.quick(600)
    clocked.machine.run(Verb.REMOVE, "duo")
    assert not [*clocked.host.layout.store.iterdir()]
    assert tick(clocked.engine) == MOST and schedule(clocked.host) == ()


def test_a_full_disk_is_told_and_tried_later(clocked: Clocked) -> None:
    made = clocked.machine.forge.releases["duo", "latest"]
    huge = [evolve(asset, uuid=f"{asset.uuid[:-4]}9{n:03}", size=10**18) for n, asset in enumerate(made.assets)]
    clocked.machine.forge.change("duo", "latest", *huge)
    tick(clocked.engine)
    assert "this needs 4000000" in schedule(clocked.host)[0].failed["download"]
    assert record.ahead(clocked.host.layout, "duo").files == ()


def test_settings_that_cannot_be_read_stop_nothing(clocked: Clocked) -> None:
    clocked.settings.write_text("upgrades: {restart: maybe}\n")
    assert tick(clocked.engine) == MOST
    assert "neither on nor off" in clocked.told.warnings[0]


def test_a_bug_stops_nothing() -> None:
    told = Telling()

    class Broken(Engine):
        def host(self, actor: str = "", reporter: Reporter | None = None) -> Host:
            raise RuntimeError("no such thing")

    assert tick(Broken(Invocation(root=Path("/nowhere"), reporter=told))) == MOST
    assert "no such thing" in told.warnings[0]


def test_keys_are_set_and_taken_back(clocked: Clocked) -> None:
    clocked.settings.write_text("# ours\nrole: tester  # for now\n")
    set_key(clocked.host, "window", "Sat 02:00..04:00")
    set_key(clocked.host, "restart", "on", "duo_admin")
    assert clocked.settings.read_text() == (
        "# ours\nrole: tester  # for now\nupgrades:\n  window: Sat 02:00..04:00\n  apps:\n    duo:\n      restart: on\n"
    )
    said = clocked.host.settings.upgrades
    assert said.of("duo").restart and not said.of("other").restart
    set_key(clocked.host, "restart", None, "duo")
    set_key(clocked.host, "jitter", None)
    assert not clocked.host.settings.upgrades.of("duo").restart
    for key, value, name in (("zone", "UTC", "duo"), ("restart", "yes", ""), ("wndow", "x", "")):
        with pytest.raises(UsageError):
            set_key(clocked.host, key, value, name)


def test_the_zone_and_the_seed_are_the_machine_s(clocked: Clocked) -> None:
    assert zone_of(clocked.host) is not None and len(seed_of(clocked.host)) == 64
    clocked.settings.write_text("{}\n")
    assert zone_of(clocked.host).utcoffset(datetime(2026, 1, 1)) is not None
