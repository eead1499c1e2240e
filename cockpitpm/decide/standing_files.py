"""The rows of the table of states that are about files: gone, changed by hand, unreadable, unrecorded, not all here."""

from __future__ import annotations

from cockpitpm.decide.standing_cells import noted
from cockpitpm.decide.standing_rows import doubtful, sentence, some, wrong
from cockpitpm.model.standing import Act, Button, Finding, Known
from cockpitpm.model.status import AppReport, Counted, FileTruth, Lookalike, Note, ServiceReport


def file_missing(app: AppReport, known: Known) -> Finding | None:
    """What a service would start from is gone."""
    gone = _without_file(app)
    if not gone:
        return None
    return wrong(
        row=4,
        words="File missing",
        detail=some(len(gone), len(app.services)),
        subject=gone[0].name,
        why="has no file to start from. Its receipt is here, and so are the recorded bytes.",
        primary=Button(act=Act.PUT_BACK, to=app.generation),
        others=(Button(act=Act.SHOW_LOG, service=gone[0].name),),
    )


def _without_file(app: AppReport) -> list[ServiceReport]:
    return [s for s in app.services if s.file is FileTruth.MISSING]


def by_hand(app: AppReport, known: Known) -> Finding | None:
    """The file is not the recorded one. What is said of it is what is known of every such file."""
    patched = [s for s in app.services if s.file is FileTruth.DRIFTED]
    if not patched:
        return None
    builds = [s.file_build for s in patched if s.file_build]
    if len(builds) == len(patched) and all(b.newer for b in builds):
        return _newer(app, patched[0], builds[0])
    one = len({b.commit for b in builds}) == 1 and len(builds) == len(patched)
    told = noted(patched[0], Note.DRIFTED)
    return doubtful(
        row=12,
        words="Changed by hand",
        detail=f"build {builds[0].commit[:7]}" if one else "unknown build",
        subject=patched[0].name,
        why=f"has a file that no receipt knows: {told}. An upgrade would replace it and is not offered. "
        "Keep the build with a receipt of its own, or put the recorded one back.",
        primary=Button(act=Act.COMPARE),
        others=(Button(act=Act.KEEP), Button(act=Act.PUT_BACK, to=app.generation)),
    )


def _newer(app: AppReport, service: ServiceReport, build: Lookalike) -> Finding:
    """Somebody put the channel's own newer build in place, so nothing would be lost by keeping it."""
    commit = build.commit[:7]
    return doubtful(
        row=11,
        words="Changed by hand",
        detail=f"newer build, {commit}",
        subject=service.name,
        why=f"has exactly the file that {build.tag} publishes as {commit}, newer by its commits, and no receipt "
        "for it. Keep it with a receipt of its own, or go back to the recorded build.",
        primary=Button(act=Act.KEEP),
        others=(Button(act=Act.COMPARE), Button(act=Act.ROLL_BACK, to=app.generation)),
    )


def unreadable(app: AppReport, known: Known) -> Finding | None:
    """The file cannot be read, so nothing is claimed of it."""
    odd = [s for s in app.services if s.file is FileTruth.UNKNOWN]
    if not odd:
        return None
    return doubtful(
        row=12,
        words="File unreadable",
        detail="nothing can be said of it",
        subject=odd[0].name,
        why=f"has a file that cannot be compared: {sentence(noted(odd[0], Note.UNVERIFIED))}",
        primary=Button(act=Act.DETAILS),
    )


def no_receipt(app: AppReport, known: Known) -> Finding | None:
    """The file was never recorded."""
    bare = [s for s in app.services if s.receipt is None]
    if not bare:
        return None
    return doubtful(
        row=13,
        words="Unknown build",
        detail="no receipt",
        subject=bare[0].name,
        why="runs a file that was never recorded here.",
        primary=Button(act=Act.KEEP),
        others=(Button(act=Act.COMPARE),),
    )


def removed(app: AppReport, known: Known) -> Finding | None:
    """A command of the app is gone. What a service would start from is told by another row."""
    told = {s.receipt.binary for s in _without_file(app) if s.receipt}
    gone = [name for name in app.gone if name not in told]
    if not gone:
        return None
    why = "has no entry in bin/ any more. Its receipt is here, and so are the recorded bytes."
    return _partly(app, gone[0], why, Button(act=Act.COMPLETE, to=app.generation))


def partly(app: AppReport, known: Known) -> Finding | None:
    """Today's bundle has a binary that was never installed here. Nothing stands in the way of its upgrade."""
    if not app.missing or app.gone:
        return None
    why = "belongs to the app and was never installed here. The upgrade that brings it takes the newest build of all."
    return _partly(app, app.missing[0], why, Button(act=Act.COMPLETE))


def _partly(app: AppReport, subject: str, why: str, primary: Button) -> Finding:
    whole = len(app.binaries)
    return doubtful(
        row=29,
        words="Partly installed",
        detail=counted(Counted(there=whole - len(app.gone) - len(app.missing), wanted=whole)),
        subject=subject,
        why=why,
        primary=primary,
        others=(Button(act=Act.REMOVE),),
    )


def counted(files: Counted) -> str:
    """`1 of 3 files`."""
    return f"{files.there} of {files.wanted} {'file' if files.wanted == 1 else 'files'}"
