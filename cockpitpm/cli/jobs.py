"""`jobs`: changes that a server was asked for, and the process that carries one out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from attrs import evolve

from cockpitpm.cli.options import places, reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Part, bold, dim, green, red, yellow
from cockpitpm.cli.verbs import Family
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.model.codec import encode
from cockpitpm.model.job import Job, JobState

if TYPE_CHECKING:
    from cockpitpm.app.host import Host
    from cockpitpm.app.narration import Reporter

MARKS: dict[JobState, Part] = {
    JobState.WAITING: dim("· "),
    JobState.RUNNING: dim("· "),
    JobState.DONE: green("✓ "),
    JobState.ROLLED_BACK: yellow("↩ "),
    JobState.REFUSED: yellow("! "),
    JobState.FAILED: red("✗ "),
    JobState.CANCELLED: yellow("! "),
    JobState.UNKNOWN: red("? "),
}


@click.group(cls=Family, invoke_without_command=True, examples=("cockpitpm jobs", "cockpitpm jobs show 7 --json"))
@reading
@click.pass_context
def jobs(context: click.Context) -> None:
    """List the changes that a server of this machine was asked for, newest first."""
    if context.invoked_subcommand is None:
        _list(context.obj)


def _list(session: Session) -> None:
    from cockpitpm.app.jobs import listed

    found = listed(session.host())
    if session.as_json:
        session.json({"jobs": [encode(job) for job in found]})
        return
    for job in found:
        _write(session, job)
    if not found:
        session.out.line("No server was asked for anything yet.")


def _write(session: Session, job: Job) -> None:
    apps = ", ".join(job.order.apps) or "everything"
    said = job.said or job.state.value.replace("_", " ")
    session.out.line(MARKS[job.state], bold(f"{job.id} {job.order.request.verb.value} {apps}"), f"  {said}")
    session.out.line(dim(f"  {job.actor or 'somebody'}, {job.ended_at or job.started_at or job.made_at}"))


@jobs.command(cls=Command, examples=("cockpitpm jobs show 7",))
@click.argument("number", type=click.IntRange(min=1))
@reading
@click.pass_obj
def show(session: Session, number: int) -> None:
    """Show one job, and everything that it told."""
    from cockpitpm.app.jobs import find, result, told

    host = session.host()
    job, events = find(host, number), told(host, number)
    if session.as_json:
        found = {"job": encode(job), "events": [encode(e) for e in events], "result": result(host, number)}
        session.json(found)
        return
    _write(session, job)
    for event in events:
        if event.kind in ("step", "warning"):
            session.out.paragraph(f"{event.app}: {event.text}" if event.app else event.text, indent=2)


@jobs.command(cls=Command, hidden=True, examples=("cockpitpm jobs run 7",))
@click.argument("number", type=click.IntRange(min=1))
@places
@click.pass_obj
def run(session: Session, number: int) -> int:
    """Carry out a job. A server starts this; it waits for its turn and tells what it does in the job's folder."""
    from cockpitpm.app.host import Host
    from cockpitpm.app.job_run import run as carry_out
    from cockpitpm.cli.program import program

    def opened(actor: str, reporter: Reporter) -> Host:
        here = evolve(session.invocation(reporter), program=program())
        return Host(evolve(here, actor=actor or here.actor))

    return carry_out(opened, number)
