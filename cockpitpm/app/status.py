"""`status`: what is true on this machine, from disk and processes alone; nothing goes out and nothing changes."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from cockpitpm.app.host import Host
from cockpitpm.app.names import apps_of
from cockpitpm.app.secrets import secrets_of
from cockpitpm.app.settings import hold_of
from cockpitpm.app.vigil import Vigil
from cockpitpm.decide.truths import report
from cockpitpm.errors import StoreError
from cockpitpm.model.facts import MachineFacts
from cockpitpm.model.receipt import CHANGES_BYTES, Outcome
from cockpitpm.model.role import Role
from cockpitpm.model.status import AppReport, Remark, ServiceReport
from cockpitpm.observe.apps import on_disk, with_copies, with_services
from cockpitpm.record import generations, history, journal


@frozen(kw_only=True)
class MachineReport:
    """Every app that the role sees or that is installed. `unfinished` are the interrupted transactions."""

    role: Role
    apps: tuple[AppReport, ...]
    unfinished: tuple[str, ...]


def status(
    host: Host, names: tuple[str, ...] = (), vigil: Vigil | None = None, busy: frozenset[str] = frozenset()
) -> MachineReport:
    """The truths of these apps, or of all. Raises PlanError for an unknown name, StoreError for a changed record.

    `vigil` adds what it knows from before, and learns from this look. `busy` are the apps that a job is about which has
    not ended.
    """
    installed = generations.apps(host.layout)
    listed = [b.name for b in host.catalog.bundles]
    apps = apps_of(host, names) if names else tuple(sorted({*listed, *installed}))
    left = _unfinished(host)
    recorded = _recorded(host)
    machine = _machine(host)
    found = tuple(
        _app(host, app, recorded.get(app, Recorded()), left.get(app, ""), machine, vigil, app in busy) for app in apps
    )
    if vigil and not names:
        vigil.only(installed)
    return MachineReport(role=host.role.role, apps=found, unfinished=tuple(left.values()))


def probed(host: Host, names: tuple[str, ...] = ()) -> MachineReport:
    """The same, with every running service asked once now, unless it may still be getting ready."""
    vigil = Vigil(strikes=1)
    status(host, names, vigil)
    vigil.ask(host)
    return status(host, names, vigil)


def _app(
    host: Host,
    app: str,
    recorded: Recorded,
    unfinished: str,
    machine: MachineFacts | None,
    vigil: Vigil | None,
    busy: bool,
) -> AppReport:
    declared = host.catalog.bundle(app)
    facts = on_disk(host.layout, app, declared, host.channel_of(declared) if declared else "")
    facts = evolve(facts, hold=hold_of(host, app))
    if facts.installed:
        facts = with_services(facts, host.supervisor, host.processes)
        facts = with_copies(facts, host.processes, host.socket_root)
        if vigil:
            facts = vigil.upon(facts, host.clock.monotonic(), recorded.last, busy or bool(unfinished))
    return report(facts, recorded.installed_at, unfinished, machine)


def _machine(host: Host) -> MachineFacts | None:
    """What definitions are made of, as far as it may be read: without all secrets nobody knows what is declared."""
    kept = secrets_of(host.layout)
    try:
        secrets = {context: kept.context(context) for context in kept.contexts()}
    except StoreError:
        return None
    return MachineFacts(root=str(host.layout.root), socket_root=host.socket_root, secrets=secrets)


def _unfinished(host: Host) -> dict[str, str]:
    """The interrupted transaction of each app, as far as its journal can be read."""
    found: dict[str, str] = {}
    for path in journal.unfinished(host.layout.journal):
        try:
            found[journal.Journal.read(path).intent["app"]] = path.stem
        except (StoreError, KeyError):
            found[""] = path.stem
    return found


@frozen(kw_only=True)
class Recorded:
    """An app in the history: when its current generation became so, and the last transaction that was about it."""

    installed_at: str = ""
    last: str = ""


def _recorded(host: Host) -> dict[str, Recorded]:
    found: dict[str, Recorded] = {}
    for entry in history.entries(host.layout.history):
        flip = entry.outcome is Outcome.COMMITTED and entry.verb in CHANGES_BYTES
        before = found.get(entry.app, Recorded())
        found[entry.app] = Recorded(installed_at=entry.at if flip else before.installed_at, last=entry.transaction)
    return found


def to_json(machine: MachineReport) -> dict[str, Any]:
    """The public shape of `status --json`."""
    return {
        "role": machine.role.value,
        "apps": [_app_json(app) for app in machine.apps],
        "unfinished": list(machine.unfinished),
    }


def _app_json(app: AppReport) -> dict[str, Any]:
    return {
        "name": app.name,
        "title": app.title,
        "layer": app.layer,
        "installed": app.generation > 0,
        "generation": app.generation or None,
        "channel": app.channel,
        "channel_silence": {"why": app.silence, "until": app.silent_until or None} if app.silence else None,
        "release_withheld": _withheld_json(app) if app.withheld else None,
        "absent": [*app.gone, *app.missing],
        "notes": [_remark_json(r) for r in app.remarks],
        "services": [_service_json(s) for s in app.services],
    }


def _withheld_json(app: AppReport) -> dict[str, Any]:
    files = app.published
    return {"why": app.withheld, "files": {"there": files.there, "wanted": files.wanted} if files else None}


def _service_json(service: ServiceReport) -> dict[str, Any]:
    receipt = service.receipt
    build = receipt and {
        "tag": receipt.tag,
        "commit": receipt.commit,
        "md5": receipt.md5,
        "asset": receipt.asset,
        "installed_at": service.installed_at,
    }
    return {
        "name": service.name,
        "state": service.state.value,
        "supervisor_says": service.raw,
        "wanted": service.wanted.value,
        "pid": service.pid,
        "build": build,
        "truths": _truths_json(service),
        "notes": [_remark_json(r) for r in service.remarks],
    }


def _truths_json(service: ServiceReport) -> dict[str, Any]:
    receipt = service.receipt
    return {
        "process": {"is": service.process.value, "pid": service.pid, "sha256": service.process_sha256},
        "file": {
            "is": service.file.value,
            "sha256": service.file_sha256,
            "commit": service.file_build.commit if service.file_build else None,
        },
        "receipt": {"is": "recorded" if receipt else "none", "sha256": receipt.sha256 if receipt else None},
        "channel": {
            "is": service.channel.value,
            "tag": service.channel_tag or None,
            "commit": service.channel_commit or None,
            "read_at": service.channel_read_at or None,
        },
    }


def _remark_json(remark: Remark) -> dict[str, str]:
    return {"note": remark.note.value, "evidence": remark.evidence, "next": remark.next_step}
