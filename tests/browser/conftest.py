"""One browser for the tests of this folder, and the machines that they share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from cockpitpm.model.role import Role
from tests.acceptance.scene import COMPUTE
from tests.browser.house import House
from tests.browser.lively import liven
from tests.browser.visitor import Visits, chromium
from tests.conftest import end, members


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every test here starts real processes; those of one worker share its machines."""
    here, shared = Path(__file__).parent, config.pluginmanager.hasplugin("xdist")
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.real)
            if shared:
                item.add_marker(pytest.mark.xdist_group("browser"))


# Playwright keeps a loop in our thread, which other tests cannot stand, so it ends with this package.
@pytest.fixture(scope="package")
def engine() -> Iterator[Chromium]:
    """Debian's Chromium, without a window."""
    program = chromium()
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visits(engine: Chromium) -> Iterator[Visits]:
    """Opens pages; at the end none of them may have asked another origin or broken its policy."""
    with Visits(engine) as made:
        yield made


@pytest.fixture(scope="package")
def land() -> Iterator[Path]:
    """A short folder for the machines, which must leave nothing running."""
    folder = Path(tempfile.mkdtemp(prefix="cp", dir=min(tempfile.gettempdir(), "/tmp", key=len)))
    yield folder
    left = members(folder)
    end(left)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"the tests left {len(left)} processes running: {left}"


@pytest.fixture(scope="package")
def admin(land: Path, engine: Chromium) -> Iterator[House]:
    """An admin machine with hero_compute, the deployer beside it, and hero_books."""
    with House(land / "a") as made:
        made.install_here(COMPUTE, "hero_tfgrid_deployer", "hero_books")
        yield made


@pytest.fixture(scope="package")
def tester(land: Path, engine: Chromium) -> Iterator[House]:
    """A tester machine with hero_books."""
    with House(land / "t", Role.TESTER) as made:
        made.install_here("hero_books")
        yield made


@pytest.fixture(scope="package")
def lively(land: Path, engine: Chromium) -> Iterator[House]:
    """An admin machine on which something of everything happened."""
    with House(land / "l") as made:
        liven(made)
        yield made
