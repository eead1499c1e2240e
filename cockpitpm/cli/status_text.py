"""The truths of a machine as blocks, one an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpitpm.cli.columns import padded
from cockpitpm.cli.terminal import Part, Terminal, bold, cyan, dim, green, red, yellow
from cockpitpm.cli.words import count, moment, short
from cockpitpm.model.service import Runs, ServiceState
from cockpitpm.model.status import AppReport, ChannelTruth, FileTruth, Note, Remark, ServiceReport

if TYPE_CHECKING:
    from cockpitpm.app.status import MachineReport

PROCESS = {
    Runs.CURRENT: "current",
    Runs.OLD: "older",
    Runs.OTHER: "other",
    Runs.UNVERIFIED: "unverified",
    Runs.NOTHING: "none",
}
CHANNEL = {
    ChannelTruth.SAME: "same build",
    ChannelTruth.BEHIND: "other build",
    ChannelTruth.AHEAD: "older build",
    ChannelTruth.DIVERGED: "diverged",
    ChannelTruth.STALE: "stale release",
    ChannelTruth.BLOCKED: "failed build",
    ChannelTruth.NOT_READY: "not ready",
    ChannelTruth.UNFIT: "not for here",
    ChannelTruth.UNKNOWN: "not read",
}
CHANNEL_NOTES = (Note.BEHIND, Note.AHEAD, Note.DIVERGED, Note.STALE)
NOT_INSTALLED = {
    ChannelTruth.BEHIND: ("which is not installed", "upgrade"),
    ChannelTruth.AHEAD: ("which is older than what is installed", "plan"),
    ChannelTruth.DIVERGED: ("which is not known to be newer", "plan"),
    ChannelTruth.STALE: ("of which the files are older", "plan"),
    ChannelTruth.BLOCKED: ("which failed here", ""),
}
"""What to say of a build that the channel has and the machine does not, and the verb that goes on from there."""
MARKS: dict[ServiceState, Part] = {
    ServiceState.RUNNING: green("● "),
    ServiceState.STOPPED: dim("○ "),
    ServiceState.FAILED: red("✗ "),
    ServiceState.ABSENT: dim("○ "),
    ServiceState.UNKNOWN: yellow("? "),
}
QUIET = (Note.STOPPED, Note.HELD)
"""Notes that say what somebody wanted."""
LOUD = (Note.FAILED, Note.SILENT, Note.RESTARTING)
"""Notes on services that do not work."""


def write_status(out: Terminal, machine: MachineReport) -> None:
    """Write the installed apps, then what is not installed in one line, then the sum."""
    here = [app for app in machine.apps if app.generation or app.remarks]
    for app in here:
        _app(out, app)
        out.line()
    if absent := [app.name for app in machine.apps if app not in here]:
        out.paragraph(", ".join(absent), style="2", first=dim("not installed  "))
    _sum(out, machine, here)


def _app(out: Terminal, app: AppReport) -> None:
    about = f"generation {app.generation}, channel {app.channel}" if app.generation else "not installed"
    layer = ", admin layer" if app.layer == "admin" else ""
    out.line(bold(app.name), "  ", app.title, dim(f"  {about}{layer}"))
    for remark in app.remarks:
        _remark(out, remark, 2)
    width = max((len(service.name) for service in app.services), default=0)
    shared = _shared(app.services)
    for service in app.services:
        _service(out, service, width, app.channel)
        for remark in service.remarks:
            if remark not in shared and remark.note not in CHANNEL_NOTES:  # that is told once, by `_channel`
                _remark(out, remark, 6)
    for remark in shared:
        _remark(out, remark, 2)
    _channel(out, app)


def _shared(services: tuple[ServiceReport, ...]) -> list[Remark]:
    """What several services would say alike, as those that run one binary do; it is told once."""
    every = [r for service in services for r in service.remarks if r.note not in CHANNEL_NOTES]
    return list(dict.fromkeys(remark for remark in every if every.count(remark) > 1))


def _service(out: Terminal, service: ServiceReport, width: int, channel: str) -> None:
    pid = f"pid {service.pid}" if service.pid else ""
    state = _state(service, padded(service.state.value, 8))
    name = padded(service.name, width + 2)
    out.line("  ", MARKS[service.state], name, state, " ", padded(pid, 12), _build(service, channel))
    out.line("      ", *_truths(service))


def _state(service: ServiceReport, text: str) -> Part:
    match service.state:
        case ServiceState.RUNNING:
            return green(text)
        case ServiceState.FAILED:
            return red(text)
        case _:
            return dim(text) if _meant_to_stop(service) else yellow(text)


def _meant_to_stop(service: ServiceReport) -> bool:
    return any(remark.note is Note.STOPPED for remark in service.remarks)


def _build(service: ServiceReport, channel: str) -> str:
    """The build by its commit; the tag is told where it is not the channel that the app follows."""
    receipt = service.receipt
    if receipt is None:
        return "no receipt"
    return short(receipt.commit) if receipt.tag == channel else f"{receipt.tag} {short(receipt.commit)}"


def _truths(service: ServiceReport) -> list[Part]:
    """Process, file, receipt and channel in one line; what is not as it should be stands out."""
    receipt = service.receipt
    truths = [
        ("process ", PROCESS[service.process], service.process is Runs.CURRENT or _meant_to_stop(service)),
        (" · file ", service.file.value, service.file is FileTruth.RECORDED),
        (" · receipt ", receipt.md5[:8] if receipt else "none", receipt is not None),
        (" · channel ", CHANNEL[service.channel], service.channel in (ChannelTruth.SAME, ChannelTruth.UNKNOWN)),
    ]
    return [part for label, value, fine in truths for part in (dim(label), dim(value) if fine else yellow(value))]


def _channel(out: Terminal, app: AppReport) -> None:
    """What the channel holds, where that is not what is installed; it is the same for every service of the app."""
    odd = next((s for s in app.services if s.channel in NOT_INSTALLED), None)
    if odd:
        what, verb = NOT_INSTALLED[odd.channel]
        seen = f"when it was read on {moment(odd.channel_read_at)} UTC"
        told = f"{odd.channel_tag} held {short(odd.channel_commit)}, {what}, {seen}"
        out.paragraph(told, indent=2, first=yellow("channel: "))
        if verb:
            out.line("  ", dim("→ "), cyan(f"cockpitpm {verb} {app.name}"))


def _remark(out: Terminal, remark: Remark, indent: int) -> None:
    ink = dim if remark.note in QUIET else red if remark.note in LOUD else yellow
    out.paragraph(remark.evidence, indent=indent, first=ink(f"{remark.note.value}: "))
    if remark.next_step:
        out.line(" " * indent, dim("→ "), cyan(remark.next_step))


def _sum(out: Terminal, machine: MachineReport, here: list[AppReport]) -> None:
    services = [service for app in here for service in app.services]
    running = sum(service.state is ServiceState.RUNNING for service in services)
    loud = {(app.name, r) for app in here for r in (*app.remarks, *(r for s in app.services for r in s.remarks))}
    wrong = sum(remark.note not in QUIET for _, remark in loud)
    words = f"{count(len(here), 'app')}, {running} of {count(len(services), 'service')} running"
    if not here:
        out.line("Nothing is installed on this machine.")
        return
    mark = yellow(f", {count(wrong, 'remark')}") if wrong else green(", all well")
    out.line(bold(words), mark, dim(f" · role {machine.role.value}"))
    if machine.unfinished:
        out.line(
            yellow(f"{count(len(machine.unfinished), 'transaction')} unfinished"), "  → ", cyan("cockpitpm recover")
        )
