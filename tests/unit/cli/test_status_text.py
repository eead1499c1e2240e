"""The truths for people: one line where all agree, what is odd with its next step, what several share told once."""

from __future__ import annotations

import io

from attrs import evolve

from cockpitpm.app.status import MachineReport
from cockpitpm.cli.status_text import write_status
from cockpitpm.cli.terminal import Terminal
from cockpitpm.model.receipt import Receipt
from cockpitpm.model.release import CommitSource
from cockpitpm.model.role import Role
from cockpitpm.model.service import Runs, ServiceState, Wanted
from cockpitpm.model.status import AppReport, ChannelTruth, FileTruth, Note, Remark, ServiceReport

RECEIPT = Receipt(
    app="db",
    binary="db_server",
    tag="latest",
    channel="latest",
    commit="a" * 40,
    commit_known_by=CommitSource.TAG,
    asset="db_server-linux-musl-x86_64",
    uuid="u",
    url="http://x",
    size=1,
    md5="0123456789abcdef" * 2,
    sha256="f" * 64,
    fetched_at="2026-01-02T03:04:05Z",
)
WELL = ServiceReport(
    name="db_server",
    app="db",
    state=ServiceState.RUNNING,
    raw="RUNNING",
    wanted=Wanted.RUNNING,
    pid=4711,
    receipt=RECEIPT,
    installed_at="2026-01-02T03:04:05Z",
    process=Runs.CURRENT,
    process_sha256="f" * 64,
    file=FileTruth.RECORDED,
    file_sha256="f" * 64,
    channel=ChannelTruth.SAME,
    channel_tag="latest",
    channel_commit="b" * 40,
    channel_read_at="2026-01-02T03:04:05Z",
    remarks=(),
)
DRIFTED = Remark(note=Note.DRIFTED, evidence="bin/db_server is not ours", next_step="cockpitpm rollback db --to 1")
STOPPED = Remark(note=Note.STOPPED, evidence="it was stopped on purpose", next_step="cockpitpm start db_main")


def shown(*services: ServiceReport, unfinished: tuple[str, ...] = (), remarks: tuple[Remark, ...] = ()) -> str:
    app = AppReport(
        name="db", title="DB", layer="base", generation=1, channel="latest", services=services, remarks=remarks
    )
    absent = AppReport(name="hero_os", title="OS", layer="base", generation=0, channel="latest", services=())
    stream = io.StringIO()
    machine = MachineReport(role=Role.TESTER, apps=(app, absent), unfinished=unfinished)
    write_status(Terminal(stream, {}), machine)
    return stream.getvalue()


def test_a_service_that_is_well() -> None:
    assert shown(WELL).splitlines() == [
        "db  DB  generation 1, channel latest",
        "  ● db_server  running  pid 4711    aaaaaaa",
        "      process current · file recorded · receipt 01234567 · channel same build",
        "",
        "not installed  hero_os",
        "1 app, 1 of 1 service running, all well · role tester",
    ]


def test_what_services_share_is_told_once() -> None:
    odd = evolve(WELL, file=FileTruth.DRIFTED, remarks=(DRIFTED,))
    text = shown(odd, evolve(odd, name="db_main", remarks=(DRIFTED, STOPPED)))
    assert text.count("drifted: bin/db_server is not ours") == 1
    assert text.count("→ cockpitpm rollback db --to 1") == 1
    assert "      stopped: it was stopped on purpose\n      → cockpitpm start db_main" in text
    assert "1 remark" in text


class Screen(io.StringIO):
    """Takes colours."""

    def isatty(self) -> bool:
        return True


def test_what_does_not_work_is_red_and_what_is_old_is_not() -> None:
    def ink(note: Note) -> str:
        stream = Screen()
        remark = Remark(note=note, evidence="told", next_step="cockpitpm logs db")
        app = AppReport(name="db", title="DB", layer="base", generation=1, channel="x", services=(), remarks=(remark,))
        machine = MachineReport(role=Role.TESTER, apps=(app,), unfinished=())
        write_status(Terminal(stream, {"TERM": "xterm"}), machine)
        (line,) = [x for x in stream.getvalue().splitlines() if "told" in x]
        return line.split(note.value)[0].strip()

    assert [ink(note) for note in (Note.FAILED, Note.SILENT, Note.RESTARTING)] == ["\x1b[31m"] * 3
    assert [ink(note) for note in (Note.UNAPPLIED, Note.COPIED)] == ["\x1b[33m"] * 2


def test_a_channel_that_holds_something_else() -> None:
    behind = shown(evolve(WELL, channel=ChannelTruth.BEHIND))
    assert "channel: latest held bbbbbbb, which is not installed" in behind and "→ cockpitpm upgrade db" in behind
    assert "which failed here" in shown(evolve(WELL, channel=ChannelTruth.BLOCKED))


def test_a_build_of_another_tag_names_it() -> None:
    assert "beta aaaaaaa" in shown(evolve(WELL, receipt=evolve(RECEIPT, tag="beta")))


def test_what_is_unfinished_leads_to_recover() -> None:
    assert "1 transaction unfinished  → cockpitpm recover" in shown(WELL, unfinished=("tx1",))


def test_every_word_of_the_truths_is_known() -> None:
    for state in ServiceState:
        for runs in Runs:
            for file in FileTruth:
                for channel in ChannelTruth:
                    assert shown(evolve(WELL, state=state, process=runs, file=file, channel=channel, receipt=None))
