"""Which asset of a release becomes which binary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cockpitpm.model.bundle import Binary, Bundle
from cockpitpm.model.plan import Fetch, Reason, Refused
from cockpitpm.model.release import Asset, Release

APART = timedelta(seconds=120)
"""Uploads of one build may lie this far apart, and clocks may differ by as much."""


def choose(bundle: Bundle, release: Release) -> tuple[Fetch, ...] | Refused:
    """For each binary its assets in the bundle's order of targets, or why this release cannot be used."""
    found = {b.name: candidates(b, bundle.targets, release) for b in bundle.binaries}
    everything = [asset for assets in found.values() for asset in assets]
    return (
        _missing(bundle, release, found)
        or _external(everything, release)
        or _duplicate(everything, release)
        or tuple(_fetch(name, assets, release) for name, assets in found.items())
    )


def _fetch(binary: str, found: tuple[Asset, ...], release: Release) -> Fetch:
    kept, told = fresh_first(found, release)
    return Fetch(binary=binary, candidates=kept, note=told)


def candidates(binary: Binary, targets: tuple[str, ...], release: Release) -> tuple[Asset, ...]:
    """Every asset of the release that could be this binary, most preferred target first."""
    return tuple(asset for target in targets for asset in release.named(binary.asset_name(target)))


def fresh_first(candidates: tuple[Asset, ...], release: Release) -> tuple[tuple[Asset, ...], str]:
    """The candidates without those that an earlier build left behind, and one sentence about these, or nothing.

    Stale is what a build index passes over while it lists another. Where there is none: what was uploaded before the
    release's commit was made and long before a candidate that was not. Where the commit has no date, the uploads alone
    decide.
    """
    if release.index:
        listed = tuple(a for a in candidates if a.name in release.index.assets)
        passed = [a for a in candidates if a not in listed]
        return (listed, _told(passed, listed[0])) if listed else (candidates, "")
    ages = [_moment(a.created_at) for a in candidates]
    made, newest = _moment(release.committed_at), max((a for a in ages if a), default=None)
    if newest is None or (made and newest < made - APART):
        return candidates, ""
    stale = [age is not None and newest - age > APART and not (made and age >= made) for age in ages]
    kept = tuple(a for a, old in zip(candidates, stale, strict=True) if not old)
    return kept, _told([a for a, old in zip(candidates, stale, strict=True) if old], kept[0])


def _told(stale: list[Asset], taken: Asset) -> str:
    if not stale:
        return ""
    names = " and ".join(f"{a.name} ({a.created_at})" for a in stale)
    return f"{names} is stale beside {taken.name} ({taken.created_at}) and not taken; delete it on the forge"


def _moment(text: str) -> datetime | None:
    """RFC 3339, as a forge writes it in its own zone; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _missing(bundle: Bundle, release: Release, found: dict[str, tuple[Asset, ...]]) -> Refused | None:
    lacking = [b for b in bundle.binaries if not found[b.name]]
    if not lacking:
        return None
    names = ", ".join(b.asset_name(t) for b in lacking for t in bundle.targets)
    there = ", ".join(a.name for a in release.assets[:6]) or "nothing"
    some = len(lacking) < len(bundle.binaries)
    return Refused(
        reason=Reason.INCOMPLETE_RELEASE if some else Reason.NO_ASSET,
        evidence=f"release {release.tag} of {release.repo} has no asset {names}; it holds {there}",
        way_out="Publish the missing asset" + (" or wait until the upload is complete" if some else ""),
    )


def _external(assets: list[Asset], release: Release) -> Refused | None:
    links = [a.name for a in assets if a.external]
    if not links:
        return None
    return Refused(
        reason=Reason.EXTERNAL_ASSET,
        evidence=f"{links[0]} of {release.repo} {release.tag} is a link to another place, not a file of the release",
        way_out="Publish the file itself as an asset",
    )


def _duplicate(assets: list[Asset], release: Release) -> Refused | None:
    names = [a.name for a in assets]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if not twice:
        return None
    uuids = " and ".join(a.uuid for a in assets if a.name == twice[0])
    return Refused(
        reason=Reason.DUPLICATE_ASSET,
        evidence=f"release {release.tag} of {release.repo} holds {twice[0]} more than once (uuid {uuids})",
        way_out="Delete the stale one on the forge; nothing tells which is meant",
    )
