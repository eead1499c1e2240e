"""Writes a release as a folder, in the format and the order that `cockpitpm.forges.directory` reads."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote


def write_release(
    root: Path,
    repo: str,
    tag: str,
    assets: Mapping[str, bytes | Path],
    *,
    commit: str,
    created_at: str = "2026-01-02T03:04:05Z",
    committed_at: str = "",
    ancestors: Iterable[str] = (),
    draft: bool = False,
    digests: bool = True,
) -> Path:
    """Write `root`/owner/name/tag with its files and, last, `release.json`; returns the folder.

    A release that is there is taken back first. Files of other names stay, but are no longer part of it.
    """
    place = root / repo / quote(tag, safe="")
    place.mkdir(parents=True, exist_ok=True)
    listed = place / "release.json"
    listed.unlink(missing_ok=True)
    entries = [_placed(place / name, source, digests) for name, source in assets.items()]
    document = {
        "tag": tag,
        "commit": commit,
        "created_at": created_at,
        "committed_at": committed_at,
        "ancestors": list(ancestors),
        "draft": draft,
        "assets": entries,
    }
    fresh = place / "release.json.new"
    fresh.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return fresh.replace(listed).parent


def _placed(target: Path, source: bytes | Path, digests: bool) -> dict[str, object]:
    fresh = target.with_name(f"{target.name}.new")
    if isinstance(source, bytes):
        fresh.write_bytes(source)
    else:
        shutil.copyfile(source, fresh)
    fresh.replace(target)
    entry: dict[str, object] = {"name": target.name, "size": target.stat().st_size}
    with target.open("rb") as file:
        return {**entry, "sha256": hashlib.file_digest(file, "sha256").hexdigest()} if digests else entry
