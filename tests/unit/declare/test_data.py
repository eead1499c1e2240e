"""The packaged data is found in a checkout and in an installed package, and its absence is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.declare import data
from cockpitpm.errors import BundleError


def test_a_checkout_has_its_data_at_the_root() -> None:
    if (data._PACKAGE / "data").exists():
        assert data.bundles_folder() == data._PACKAGE / "data/bundles"
    else:
        assert data.bundles_folder() == data._PACKAGE.parent / "bundles"
    assert data.schema("bundle")["title"] == "Bundle"


def test_an_installed_package_has_its_data_inside(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "cockpitpm/data/bundles").mkdir(parents=True)
    (root / "bundles").mkdir()  # somebody else's folder in site-packages
    monkeypatch.setattr(data, "_PACKAGE", root / "cockpitpm")
    assert data.bundles_folder() == root / "cockpitpm/data/bundles"


def test_a_broken_installation_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_PACKAGE", root / "cockpitpm")
    with pytest.raises(BundleError, match="has no bundles folder"):
        data.bundles_folder()
