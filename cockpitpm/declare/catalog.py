"""Bundles become the catalog of a role. For the role tester the admin layer is neither opened nor listed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cockpitpm.declare.declared import Declared
from cockpitpm.declare.loader import ADVICE, load
from cockpitpm.declare.shape import canonical
from cockpitpm.declare.source import LAYERS, sources
from cockpitpm.errors import BundleError
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.finding import Finding
from cockpitpm.model.role import Role


def resolve(folder: Path, role: Role) -> Catalog:
    """The catalog of `role`: the disjoint union of its layers, sorted by name.

    Raises BundleError if anything is wrong with any bundle of these layers: a part of a catalog is never given.
    """
    bundles = tuple(one.bundle for one in declarations(folder, role))
    return Catalog(role=role, bundles=bundles, digest=sha256(canonical(role, bundles)).hexdigest())


def declarations(folder: Path, role: Role) -> tuple[Declared, ...]:
    """The bundles of `role` with their documents, sorted by name. Raises BundleError as `resolve` does."""
    loaded = load(sources(folder, LAYERS[role]))
    if faults := [finding for finding in loaded.findings if finding.rule not in ADVICE]:
        raise _unusable(faults)
    return tuple(sorted(loaded.declared, key=lambda one: one.bundle.name))


def _unusable(findings: Sequence[Finding]) -> BundleError:
    first, more = findings[0], len(findings) - 1
    rest = f" (and {more} more)" if more else ""
    where = f"{first.file}:{first.line}:{first.column}"
    return BundleError(f"{where}: {first.message} [{first.rule}]{rest}", "Run: cockpitpm lint")
