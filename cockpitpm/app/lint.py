"""`lint`: what is wrong with bundles, before a machine sees them. Needs no machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.lint import LintReport
from cockpitpm.declare.lint import lint as _lint
from cockpitpm.model.codec import encode


def lint(paths: Sequence[Path], bundles: Path | None = None) -> LintReport:
    """Check these paths; without any the bundles folder. Raises BundleError for a path that holds no bundles."""
    return _lint(paths or (bundles or bundles_folder(),))


def to_json(report: LintReport) -> dict[str, Any]:
    """The public shape of `lint --format json`."""
    return {"findings": [encode(one) for one in report.findings]}
