"""The index that a publisher may upload last: which commit the files were built from, and each file's digest.

Its format is ours and it decides what is fresh, so it is read strictly: what is not exactly one is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from attrs import evolve

from cockpitpm.errors import AssetBroken
from cockpitpm.model.release import INDEX, BuildIndex, Indexed, Release
from cockpitpm.ports import Forge
from cockpitpm.small_assets import HINT, whole

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_KEYS = {"commit", "built_at", "assets"}


class _Unusable(Exception):
    """The text completes "<index> "."""


def with_index(forge: Forge, release: Release, seen: Release | None) -> Release:
    """The release with what its build index says, if it has one; read again only where it was uploaded again.

    Raises AssetBroken for an index that cannot be read, and what `forge.fetch` raises.
    """
    found = next((a for a in release.named(INDEX) if not a.external), None)
    if found is None or release.index:
        return release
    if seen and seen.index and found in seen.assets:
        return evolve(release, index=seen.index)
    return evolve(release, index=read_index(whole(forge, found)))


def read_index(data: bytes) -> BuildIndex:
    """What the index of a build says. Raises AssetBroken for anything that is not exactly one."""
    try:
        return _index(json.loads(data, object_pairs_hook=_once, parse_constant=_no_number))
    except _Unusable as error:
        message = f"{INDEX} {error}"
    except (ValueError, RecursionError):  # json raises the second for brackets within brackets without end
        message = f"{INDEX} is no JSON"
    raise AssetBroken(message, HINT)


def _index(tree: Any) -> BuildIndex:
    if not isinstance(tree, dict) or not _KEYS <= set(tree) <= _KEYS | {"unchanged_since"}:
        raise _Unusable("has other keys than commit, built_at, assets and perhaps unchanged_since")
    for key in ("commit", "unchanged_since"):
        if not _matches(_COMMIT, tree.get(key, tree["commit"])):
            raise _Unusable(f"has a {key} that is no full commit")
    if not _moment(tree["built_at"]):
        raise _Unusable("has a built_at that is no moment of RFC 3339")
    return BuildIndex(
        commit=tree["commit"],
        built_at=tree["built_at"],
        assets=dict(_assets(tree["assets"])),
        unchanged_since=tree.get("unchanged_since", ""),
    )


def _assets(tree: Any) -> Iterator[tuple[str, Indexed]]:
    if not isinstance(tree, dict):
        raise _Unusable("has assets that are no mapping")
    for name, said in tree.items():
        if not isinstance(said, dict) or set(said) != {"sha256", "size"} or not _matches(_SHA256, said["sha256"]):
            raise _Unusable(f"says something else than sha256 and size of {name!a}")
        if type(said["size"]) is not int or said["size"] < 0:
            raise _Unusable(f"has a size of {name!a} that is no number of bytes")
        yield name, Indexed(sha256=said["sha256"], size=said["size"])


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
