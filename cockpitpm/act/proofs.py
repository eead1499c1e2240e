"""What a release says about its own files, held against the bytes that arrived.

A checksum beside an asset does not make it trustworthy, but a wrong one makes it unusable: there is no way past it.
Files of checksums come from many tools, so their lines that say something else are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import frozen

from cockpitpm.errors import AssetBroken
from cockpitpm.model.receipt import Proof, ProofKind
from cockpitpm.model.release import INDEX, Asset, Release
from cockpitpm.ports import Forge
from cockpitpm.small_assets import HINT, LIMIT, whole

SUMS = ("SHA256SUMS", "sha256sums.txt")

_LINE = re.compile(r"([0-9a-fA-F]{64})(?: [ *](\S.*))?", re.ASCII)


@frozen(kw_only=True)
class Claim:
    """What somebody says an asset is. `size` is bytes; None where they do not say."""

    kind: ProofKind
    source: str
    asset: str
    sha256: str
    size: int | None = None


def claims_about(
    forge: Forge, release: Release, assets: Iterable[Asset], warn: Callable[[str], object]
) -> tuple[Claim, ...]:
    """Everything that the forge and the release say about these assets; `warn` hears what was not read.

    Raises what `forge.fetch` raises.
    """
    named = {a.name: a for a in assets}
    told = [
        Claim(kind=ProofKind.FORGE_DIGEST, source=release.forge, asset=a.name, sha256=a.sha256)
        for a in named.values()
        if a.sha256
    ]
    if release.index:
        told += [
            Claim(kind=ProofKind.BUILD_INDEX, source=INDEX, asset=name, sha256=said.sha256, size=said.size)
            for name, said in release.index.assets.items()
        ]
    for proof in release.assets:
        if _speaks(proof.name, named) and not proof.external:
            told += _read(forge, proof, warn)
    return tuple(c for c in told if c.asset in named)


def proofs_of(asset: Asset, sha256: str, size: int, claims: Iterable[Claim]) -> tuple[Proof, ...]:
    """The claims about this asset, which are true. Raises AssetBroken for one that is not, naming both sides."""
    mine = [c for c in claims if c.asset == asset.name]
    for claim in mine:
        if claim.sha256 != sha256:
            message = f"{asset.name} has the sha256 {sha256}, but {claim.source} says {claim.sha256}"
            raise AssetBroken(message, HINT)
        if claim.size not in (None, size):
            raise AssetBroken(f"{asset.name} has {size} bytes, but {claim.source} says {claim.size}", HINT)
    return tuple(Proof(kind=c.kind, source=c.source, algorithm="sha256", digest=c.sha256) for c in mine)


def _speaks(name: str, named: Mapping[str, Asset]) -> bool:
    return name in SUMS or (name.endswith(".sha256") and name.removesuffix(".sha256") in named)


def _read(forge: Forge, proof: Asset, warn: Callable[[str], object]) -> Iterable[Claim]:
    if proof.size > LIMIT:
        warn(f"{proof.name} has {proof.size} bytes, more than the {LIMIT} that are read; it proves nothing")
        return ()
    return tuple(checksum_claims(proof.name, whole(forge, proof)))


def checksum_claims(source: str, data: bytes) -> Iterator[Claim]:
    """The lines `hex  name` and `hex *name` of a file of checksums; in `<asset>.sha256` the bare hex as well."""
    about = source.removesuffix(".sha256") if source.endswith(".sha256") else ""
    for line in data.decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line.strip())
        name = (found[2] or about).removeprefix("./") if found else ""
        if found and name and (not about or name == about):
            yield Claim(kind=ProofKind.CHECKSUM_FILE, source=source, asset=name, sha256=found[1].lower())
