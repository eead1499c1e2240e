"""Why the release that a channel holds cannot be taken, as far as that is known without reading it again."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.decide.assets import candidates, choose
from cockpitpm.model.bundle import Binary, Bundle
from cockpitpm.model.facts import AppFacts, FileFact
from cockpitpm.model.plan import Fetch, Reason, Refused
from cockpitpm.model.release import Ancestry, Release
from cockpitpm.model.state import Observation, Unfit
from cockpitpm.model.status import ChannelTruth, Counted, Lookalike


@frozen(kw_only=True)
class Withheld:
    """`truth` is NOT_READY or UNFIT. `files` are those that are published of those that are wanted, None: uncounted."""

    truth: ChannelTruth
    why: str
    files: Counted | None = None


def withheld(facts: AppFacts) -> Withheld | None:
    """What keeps the release of the channel from this machine: it is not whole yet, or nothing of it runs here."""
    unready = facts.state.unready
    if unready and unready.channel == facts.channel:
        return Withheld(truth=ChannelTruth.NOT_READY, why=unready.why)
    release = _release(facts)
    if release is None or facts.declared is None:
        return None
    found = choose(facts.declared, release)
    if isinstance(found, Refused):
        return _lacking(facts.declared, release, found)
    return _useless(facts.state.unfit, found) if facts.state.unfit else None


def _release(facts: AppFacts) -> Release | None:
    seen: Observation | None = facts.state.observation
    return seen.release if seen and seen.channel == facts.channel else None


def _lacking(bundle: Bundle, release: Release, refused: Refused) -> Withheld | None:
    """Files are missing. Where all are, and there are builds for other machines, nobody waits for one for this."""
    if refused.reason not in (Reason.INCOMPLETE_RELEASE, Reason.NO_ASSET):
        return None
    there = sum(bool(candidates(b, bundle.targets, release)) for b in bundle.binaries)
    if not there and any(_for_others(b, bundle.targets, release) for b in bundle.binaries):
        return Withheld(truth=ChannelTruth.UNFIT, why=refused.evidence)
    files = Counted(there=there, wanted=len(bundle.binaries))
    return Withheld(truth=ChannelTruth.NOT_READY, why=refused.evidence, files=files)


def _for_others(binary: Binary, targets: tuple[str, ...], release: Release) -> bool:
    """Whether it is there for another target. What goes with a wanted file, such as its checksum, is no such build."""
    head, mark, tail = binary.asset_name("\0").partition("\0")
    mine = tuple(binary.asset_name(target) for target in targets)
    return bool(mark) and any(
        a.name.startswith(head) and a.name.endswith(tail) and not a.name.startswith(mine) for a in release.assets
    )


def _useless(unfit: Unfit, found: tuple[Fetch, ...]) -> Withheld | None:
    """Every file that could be one of the binaries was fetched before, and cannot run here."""
    tried = set(unfit.uuids)
    if all({a.uuid for a in fetch.candidates} - tried for fetch in found):
        return None
    return Withheld(truth=ChannelTruth.UNFIT, why=f"{unfit.asset} cannot run here: {unfit.problem}")


def lookalike(facts: AppFacts, file: FileFact) -> Lookalike | None:
    """The build whose bytes these are, if the release that was read last or a kept generation knows them."""
    if file.sha256 is None:
        return None
    release, seen = _release(facts), facts.state.observation
    if release and seen and facts.declared and file.sha256 in _told(facts.declared, file.binary, release):
        newer = seen.ancestry is Ancestry.UPGRADE
        return Lookalike(commit=release.built_from, tag=release.tag, newer=newer)
    known = (r for g in reversed(facts.generations) for r in g.receipts if r.binary == file.binary)
    kept = next((r for r in known if r.sha256 == file.sha256), None)
    return Lookalike(commit=kept.commit, tag=kept.tag) if kept else None


def _told(bundle: Bundle, binary: str, release: Release) -> set[str]:
    """The digests of a binary's files, as far as the forge or the index of the build tells them."""
    mine = [a for b in bundle.binaries if b.name == binary for a in candidates(b, bundle.targets, release)]
    listed = release.index.assets if release.index else {}
    return {a.sha256 for a in mine if a.sha256} | {listed[a.name].sha256 for a in mine if a.name in listed}
