"""Whether a release is at least as new as what is installed: by ancestry, and by what its files can be.

Never by `published_at` or `target_commitish`: the one is overwritten by the forge, the other is free text. Where the
publisher uploads a build index, that decides instead of the dates of the files.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from cockpitpm.decide.ways import way_past
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import Fetch, Reason, Refused
from cockpitpm.model.receipt import Receipt
from cockpitpm.model.release import Ancestry, Asset, BuildIndex, CommitSource, Release

SKEW = timedelta(seconds=120)
"""How far the clocks of a forge and of a committer may differ."""

_BY_ANCESTRY = {
    Ancestry.DOWNGRADE: (Reason.DOWNGRADE, "the published commit is an ancestor of the installed one"),
    Ancestry.DIVERGED: (Reason.DIVERGED, "each of the two commits has something that the other lacks"),
    Ancestry.UNKNOWN: (Reason.UNKNOWN_COMMIT, "the forge cannot tell how the two commits stand to each other"),
}


def asks_ancestry(facts: AppFacts) -> bool:
    """Whether a forge must be asked how the installed commit stands to the published one.

    Not where the commit is the same, and not where the files are the installed ones: then nothing is replaced.
    """
    if facts.installed is None or not isinstance(facts.release, Release):
        return False
    if facts.installed.built_from == facts.release.built_from:
        return False
    release, there = facts.release, {asset.uuid for asset in facts.release.assets}
    same = all(upload_of(receipt, release.assets, release) for receipt in facts.installed.receipts)
    last = facts.state.observation
    seen = last is not None and last.build == facts.installed.build and set(last.uuids or [""]) <= there
    return not same and not seen


def upload_of(receipt: Receipt, candidates: Iterable[Asset], release: Release) -> Asset | None:
    """Which of these uploads holds the bytes of the receipt: the very same one, or one that is equal by the index."""
    listed = release.index.assets if release.index else {}
    digest = receipt.asset_sha256 or receipt.sha256
    same = (a for a in candidates if a.uuid == receipt.uuid or (a.name in listed and listed[a.name].sha256 == digest))
    return next(same, None)


def unfresh(facts: AppFacts, release: Release, fetches: tuple[Fetch, ...], allow: tuple[Reason, ...]) -> Refused | None:
    """Why these downloads are not newer than what is installed; None if nothing says so, or if it is allowed."""
    # Whoever pins an app to one exact release has said which build is meant, whatever is installed.
    found = (None if facts.pinned else _by_ancestry(facts, release, allow)) or stale(facts, release, fetches, allow)
    return None if found is None or found.reason in allow else found


def _by_ancestry(facts: AppFacts, release: Release, allow: tuple[Reason, ...]) -> Refused | None:
    if facts.installed is None or facts.ancestry not in _BY_ANCESTRY:
        return None
    reason, told = _BY_ANCESTRY[facts.ancestry]
    installed = facts.installed
    if any(r.commit_known_by is CommitSource.MANUAL for r in installed.receipts):
        told = "bytes that somebody made by hand are in place, and nothing tells what they were made from"
    evidence = (
        f"{told}: installed {installed.built_from[:12]} (since {installed.made_at}), "
        f"published {_published(release)} at {release.tag}"
    )
    return Refused(reason=reason, evidence=evidence, way_out=way_past(facts, reason, allow))


def stale(
    facts: AppFacts, release: Release, fetches: tuple[Fetch, ...], allow: tuple[Reason, ...] = ()
) -> Refused | None:
    """Why these files cannot be the build that the release names: the index says so, or one was uploaded before the
    tag's commit was made.
    """
    through = way_past(facts, Reason.STALE_ASSET, allow)
    if release.index:
        told = _contradicted(release, release.index, fetches)
        way_out = f"Wait until the build is published, or: {through}"
        return Refused(reason=Reason.STALE_ASSET, evidence=told, way_out=way_out) if told else None
    for asset in (f.candidates[0] for f in fetches):
        if is_older(asset, release):
            commit = f"{release.commit[:12]}{_dated(release)}"
            evidence = f"{asset.name} was uploaded {asset.created_at}, before its commit {commit}"
            way_out = f"Wait for the upload, or: {through}"
            return Refused(reason=Reason.STALE_ASSET, evidence=evidence, way_out=way_out)
    return None


def _contradicted(release: Release, index: BuildIndex, fetches: tuple[Fetch, ...]) -> str:
    """Where the index of a build disagrees with the release it lies in, for files that would be fetched."""
    if fetches and index.commit != release.commit:
        return (
            f"the build index of {release.repo} is that of {index.commit[:12]} (built {index.built_at}), "
            f"but {release.tag} leads to {release.commit[:12]}{_dated(release)}"
        )
    for asset in (f.candidates[0] for f in fetches):
        said = index.assets.get(asset.name)
        if said is None:
            return f"the build index of {index.commit[:12]} does not list {asset.name}, uploaded {asset.created_at}"
        if said.size != asset.size:
            there = f"the one uploaded {asset.created_at} has {asset.size}"
            return f"the build index of {index.commit[:12]} says {said.size} bytes for {asset.name}, {there}"
    return ""


def is_older(asset: Asset, release: Release) -> bool:
    """Whether the file predates the commit that the release names, by more than clocks may differ."""
    if not release.committed_at:
        return False
    return datetime.fromisoformat(asset.created_at) < datetime.fromisoformat(release.committed_at) - SKEW


def _published(release: Release) -> str:
    """The commit of the files, with its date where that is known."""
    made = release.built_from
    return f"{made[:12]}{_dated(release)}" if made == release.commit else f"{made[:12]} (by the build index)"


def _dated(release: Release) -> str:
    return f" (committed {release.committed_at})" if release.committed_at else ""
