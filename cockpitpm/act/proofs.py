"""What a release says about its own files, held against the bytes that arrived.

A checksum beside an asset does not make it trustworthy, but a wrong one makes it unusable: there is no way past it.
Files of checksums come from many tools, so their lines that say something else are passed over. The build index has
one format, ours, and is read strictly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from cockpitpm.errors import AssetBroken
from cockpitpm.model.receipt import Proof, ProofKind
from cockpitpm.model.release import Asset, Release
from cockpitpm.ports import Forge

LIMIT = 1024 * 1024
SUMS = ("SHA256SUMS", "sha256sums.txt")
INDEX = "cockpitpm-index.json"
HINT = "Nothing was changed; wait until the release is complete, or publish it again"

_LINE = re.compile(r"([0-9a-fA-F]{64})(?: [ *](\S.*))?", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_KEYS = {"commit", "built_at", "assets"}


@frozen(kw_only=True)
class Claim:
    """What somebody says an asset is. `size` is bytes; None where they do not say."""

    kind: ProofKind
    source: str
    asset: str
    sha256: str
    size: int | None = None


class _Unusable(Exception):
    """The text completes "<index> "."""


def claims_about(
    forge: Forge, release: Release, assets: Iterable[Asset], warn: Callable[[str], object]
) -> tuple[Claim, ...]:
    """Everything that the forge and the release say about these assets; `warn` hears what was not read.

    Raises AssetBroken for an index that cannot be read, and what `forge.fetch` raises.
    """
    named = {a.name: a for a in assets}
    told = [
        Claim(kind=ProofKind.FORGE_DIGEST, source=release.forge, asset=a.name, sha256=a.sha256)
        for a in named.values()
        if a.sha256
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
    return name in (*SUMS, INDEX) or (name.endswith(".sha256") and name.removesuffix(".sha256") in named)


def _read(forge: Forge, proof: Asset, warn: Callable[[str], object]) -> Iterable[Claim]:
    strict = proof.name == INDEX
    if proof.size > LIMIT:
        message = f"{proof.name} has {proof.size} bytes, more than the {LIMIT} that are read"
        if strict:
            raise AssetBroken(message, HINT)
        warn(f"{message}; it proves nothing")
        return ()
    data = _download(forge, proof)
    return index_claims(data) if strict else tuple(checksum_claims(proof.name, data))


def _download(forge: Forge, proof: Asset) -> bytes:
    data = bytearray()

    def sink(piece: bytes | memoryview) -> None:
        data.extend(piece)
        if len(data) > LIMIT:
            raise AssetBroken(f"More than {LIMIT} bytes arrived for {proof.name}", HINT)

    forge.fetch(proof, sink)
    return bytes(data)


def checksum_claims(source: str, data: bytes) -> Iterator[Claim]:
    """The lines `hex  name` and `hex *name` of a file of checksums; in `<asset>.sha256` the bare hex as well."""
    about = source.removesuffix(".sha256") if source.endswith(".sha256") else ""
    for line in data.decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line.strip())
        name = (found[2] or about).removeprefix("./") if found else ""
        if found and name and (not about or name == about):
            yield Claim(kind=ProofKind.CHECKSUM_FILE, source=source, asset=name, sha256=found[1].lower())


def index_claims(data: bytes) -> tuple[Claim, ...]:
    """What the index of a build says. Raises AssetBroken for anything that is not exactly one."""
    try:
        return tuple(_index(json.loads(data, object_pairs_hook=_once, parse_constant=_no_number)))
    except _Unusable as error:
        message = f"{INDEX} {error}"
    except (ValueError, RecursionError):  # json raises the second for brackets within brackets without end
        message = f"{INDEX} is no JSON"
    raise AssetBroken(message, HINT)


def _index(tree: Any) -> Iterator[Claim]:
    if not isinstance(tree, dict) or not _KEYS <= set(tree) <= _KEYS | {"unchanged_since"}:
        raise _Unusable("has other keys than commit, built_at, assets and perhaps unchanged_since")
    for key in ("commit", "unchanged_since"):
        if not _matches(_COMMIT, tree.get(key, tree["commit"])):
            raise _Unusable(f"has a {key} that is no full commit")
    if not _moment(tree["built_at"]):
        raise _Unusable("has a built_at that is no moment of RFC 3339")
    if not isinstance(tree["assets"], dict):
        raise _Unusable("has assets that are no mapping")
    for name, said in tree["assets"].items():
        if not isinstance(said, dict) or set(said) != {"sha256", "size"} or not _matches(_SHA256, said["sha256"]):
            raise _Unusable(f"says something else than sha256 and size of {name!a}")
        if type(said["size"]) is not int or said["size"] < 0:
            raise _Unusable(f"has a size of {name!a} that is no number of bytes")
        yield Claim(kind=ProofKind.BUILD_INDEX, source=INDEX, asset=name, sha256=said["sha256"], size=said["size"])


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unusable("has a key twice")
    return found


def _no_number(text: str) -> Any:
    raise _Unusable(f"has the number {text}")
