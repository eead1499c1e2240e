"""What an author wants to know before merging: everything that is wrong with the bundles, in one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import frozen

from cockpitpm.declare.loader import load
from cockpitpm.declare.source import LAYERS, Source, sources
from cockpitpm.errors import BundleError
from cockpitpm.model.finding import Finding
from cockpitpm.model.role import Role

_LAYER_NAMES = frozenset(layer.value for layer in LAYERS[Role.ADMIN])


@frozen(kw_only=True)
class LintReport:
    """Findings sorted by file, line and column, and how many files were checked."""

    findings: tuple[Finding, ...]
    checked: int


def lint(paths: Iterable[Path]) -> LintReport:
    """Check bundles folders (with `base` and `admin` below), layers of one, or single bundle files.

    A file is always judged together with the folder it is in; only what was asked for is told.
    Raises BundleError for a path that is none of these.
    """
    asked = sorted(set(paths))
    findings: set[Finding] = set()
    checked: set[Path] = set()
    for folder in sorted({_folder_of(path) for path in asked}):
        found = sources(folder, LAYERS[Role.ADMIN])
        wanted = {source.path for source in found if any(_within(source.path, path) for path in asked)}
        checked |= {source.path for source in found if source.is_bundle} & wanted
        shown = {str(path) for path in wanted}
        findings.update(one for one in (*load(found).findings, *_stray(found)) if one.file in shown)
    return LintReport(findings=tuple(sorted(findings)), checked=len(checked))


def _folder_of(path: Path) -> Path:
    """The bundles folder that `path` is, or is in."""
    if path.is_dir():
        return path.parent if path.name in _LAYER_NAMES else path
    if path.parent.name in _LAYER_NAMES and path.exists():
        return path.parent.parent
    reason = "is not a file of a bundles folder" if path.exists() else "does not exist"
    raise BundleError(f"{path} {reason}", "Name bundles/, bundles/base/ or a YAML file in it.")


def _within(path: Path, asked: Path) -> bool:
    return path == asked or asked in path.parents


def _stray(found: Sequence[Source]) -> Iterable[Finding]:
    """What lies in a layer's folder and is not read, which its author may not know."""
    for source in found:
        if not source.is_bundle:
            what = "only regular files called *.yaml are bundles; this is not read"
            hint = "Rename it to .yaml, or move it out of this folder."
            yield Finding(file=str(source.path), line=1, column=1, rule="stray-file", message=what, hint=hint)
