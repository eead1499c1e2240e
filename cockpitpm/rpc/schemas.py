"""JSON schemas of what methods take and give. A result may have more keys than its schema requires."""

from __future__ import annotations

from typing import Any

from cockpitpm.model.bundle import BinaryKind
from cockpitpm.model.job import JobState, Phase
from cockpitpm.model.progress import StepState
from cockpitpm.model.receipt import Outcome, Verb
from cockpitpm.model.service import Runs, ServiceState, Wanted
from cockpitpm.model.status import ChannelTruth, FileTruth, Note

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A schema of the published description."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(says: str = "", **more: Any) -> Schema:
    """Any text."""
    return {"type": "string", **({"description": says} if says else {}), **more}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"oneOf": [schema, {"type": "null"}]}


def several(schema: Schema, says: str = "") -> Schema:
    """An array of it."""
    return {"type": "array", "items": schema, **({"description": says} if says else {})}


def record(says: str, **properties: Schema) -> Schema:
    """An object that has at least these keys."""
    described = {"description": says} if says else {}
    return {"type": "object", **described, "required": list(properties), "properties": properties}


def one_of(words: Any) -> Schema:
    """One of the words of an enum."""
    return {"type": "string", "enum": [one.value for one in words]}


COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "integer", "minimum": 1}
YES_NO: Schema = {"type": "boolean"}
TIME = text("A moment in UTC, RFC 3339.")
SHA256 = text("64 hex digits.")
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
LINE: Schema = {"type": "string", "maxLength": 500, "pattern": "^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]*$"}
"""Words of a person: no control character and none that turns the direction of writing."""
DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

PIECES: dict[str, Schema] = {
    "Note": record(
        "What an operator should know, what it rests on, and the command that helps.",
        note=one_of(Note),
        evidence=text(),
        next=text(),
    ),
    "Build": record(
        "The installed build, as its receipt says it.",
        tag=text(),
        commit=text(),
        md5=text(),
        asset=text("The asset that was really downloaded."),
        installed_at=TIME,
    ),
    "Truths": record(
        "What runs, what is on disk, what was recorded and what is published, told apart.",
        process=record("", **{"is": one_of(Runs), "pid": maybe(COUNT), "sha256": maybe(SHA256)}),
        file=record(
            "commit: of the build that a drifted file is, if any is known to have its bytes.",
            **{"is": one_of(FileTruth), "sha256": maybe(SHA256), "commit": maybe(text())},
        ),
        receipt=record("", **{"is": text("recorded or none"), "sha256": maybe(SHA256)}),
        channel=record(
            "",
            **{"is": one_of(ChannelTruth), "tag": maybe(text()), "commit": maybe(text()), "read_at": maybe(TIME)},
        ),
    ),
    "CatalogApp": record(
        "An app that this machine's role may have. partial: installed, and a file of it is missing.",
        app=NAME,
        title=text(),
        summary=text(),
        category=text(),
        layer=text(),
        repo=text(),
        forge=text(),
        targets=several(text()),
        links=several(record("", title=text(), path=text())),
        binaries=several(NAME),
        restart_only=several(NAME, "Services that run a binary of the app under another name."),
        services=several(NAME),
        requires=several(NAME),
        installed=YES_NO,
        partial=YES_NO,
        generation=maybe(NUMBER),
        channel=text(),
        notes=several(ref("Note")),
    ),
    "Service": record(
        "A service of an installed app. supervisor_says is told, and not believed; truths are ours.",
        name=NAME,
        app=NAME,
        kind=maybe(one_of(BinaryKind)),
        binary=maybe(NAME),
        state=one_of(ServiceState),
        supervisor_says=text(),
        wanted=one_of(Wanted),
        pid=maybe(COUNT),
        url=maybe(text("Path of its page behind the router.")),
        build=maybe(ref("Build")),
        channel=text(),
        generation=COUNT,
        held=YES_NO,
        update_available=YES_NO,
        truths=ref("Truths"),
        notes=several(ref("Note")),
    ),
    "Plan": record(
        "What would be done, app by app; the whole shape is that of `cockpitpm plan --json`.",
        verb=one_of(Verb),
        role=text(),
        catalog_digest=SHA256,
        apps=several(
            record(
                "",
                app=NAME,
                decision=record("", **{"is": text()}),
                channel=text(),
                steps=several(record("", **{"is": text()})),
                origin=COUNT,
                to=COUNT,
            )
        ),
        actor=text(),
        reason=text(),
        allowed=several(text()),
    ),
    "Receipt": record(
        "The bytes of one binary, where they came from, and when they became those in force.",
        app=NAME,
        binary=NAME,
        tag=text(),
        channel=text(),
        commit=text(),
        commit_known_by=text(),
        asset=text(),
        uuid=text(),
        url=text(),
        size=COUNT,
        md5=text(),
        sha256=SHA256,
        fetched_at=TIME,
        generation=NUMBER,
        current=YES_NO,
        installed_at=maybe(TIME),
        transaction=maybe(text()),
        actor=maybe(text()),
    ),
    "Activation": record(
        "One line of history; hash chains it to the line before.",
        number=COUNT,
        hash=text(),
        transaction=text(),
        app=NAME,
        verb=one_of(Verb),
        outcome=one_of(Outcome),
        at=TIME,
        actor=text(),
        reason=text(),
        from_generation=COUNT,
        to_generation=COUNT,
        services=several(record("", service=NAME)),
        detail=text(),
        allowed=several(text()),
    ),
    "Job": record(
        "A change that goes on whether or not anybody watches. said: its end in one line.",
        id=NUMBER,
        state=one_of(JobState),
        verb=one_of(Verb),
        apps=several(NAME),
        names=several(NAME, "As they were asked for; none means every installed app."),
        asked_from=maybe(NAME),
        plan=maybe(SHA256),
        key=maybe(text()),
        actor=text(),
        reason=text(),
        allowed=several(text(), "Refusals that whoever asked goes through, as words for programs."),
        made_at=TIME,
        started_at=maybe(TIME),
        ended_at=maybe(TIME),
        exit_code=maybe(COUNT),
        said=text(),
    ),
    "JobEvent": record(
        "One line of what a job tells; n rises by one.",
        n=NUMBER,
        at=TIME,
        kind={"type": "string", "enum": ["phase", "fetch", "step", "warning", "app", "end"]},
        app=text(),
        text=text(),
        phase=text(),
        done=COUNT,
        total=COUNT,
        ok=YES_NO,
    ),
    "JobStep": record(
        "One phase of one app, whether its turn has come or not. failed: what went wrong, or broke off; left: it was "
        "not needed, or is not reached any more. told: its lines; done and total: bytes of all its downloads.",
        app=NAME,
        phase=one_of(Phase),
        state=one_of(StepState),
        since=maybe(TIME),
        took_ms=maybe(COUNT),
        told=several(text()),
        done=COUNT,
        total=COUNT,
    ),
    "Progress": record(
        "How far a job is; transfer is the download under way, in bytes.",
        app=text(),
        phase=text(),
        text=text(),
        transfer=maybe(record("", asset=text(), done=COUNT, total=COUNT)),
        apps_done=COUNT,
        apps=COUNT,
    ),
}
"""Schemas that several methods share, by their name in the published description."""

ORDERED: Schema = {
    "description": "The job that carries the order out; with dry_run the plan instead, kept for cockpit.apply.",
    "oneOf": [
        record("", job=ref("Job"), new={**YES_NO, "description": "False: the order was there already."}),
        record("", digest=SHA256, made_at=TIME, plan=ref("Plan")),
    ],
}
