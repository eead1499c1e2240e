"""What every test gets: guards, a home of its own, a short root, a Hypothesis profile that repeats itself."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.guards import Guards, real_homes
from tests.skips import StrictSkips

GUARDS = Guards(real_homes())
GUARDS.install()

# Nothing of the person's own machine leads a test, and nothing of a test leads to the person's own machine.
HOME = tempfile.mkdtemp(prefix="cp")
STRAY = ("PATH_", "COCKPIT", "FORGE", "HERO_", "XDG_", "SUPERVISOR", "COMPUTE_", "SANDBOX_")
for name in list(os.environ):
    if name.startswith(STRAY) or name.lower().endswith("_proxy"):
        del os.environ[name]
os.environ["HOME"] = HOME

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--strict-skips", metavar="FILE", help="fail on every skip whose reason matches no line of FILE")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--strict-skips")
    if file:
        config.pluginmanager.register(StrictSkips(config.rootpath / file), "strict-skips")


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


def heroes() -> list[str]:
    """The machines that exist in the real homes; the guards see only this process, this sees its children too."""
    return [path for path in GUARDS.heroes if os.path.lexists(path)]


@pytest.fixture(autouse=True)
def kept_inside() -> Iterator[None]:
    """Fail the test that touched what it must not, even where the code under test swallowed the exception."""
    before = heroes()
    GUARDS.take()
    yield
    offences = GUARDS.take() + [f"create {path}" for path in heroes() if path not in before]
    assert not offences, "a test must not " + "; ".join(offences)


def members(root: Path) -> list[int]:
    """The processes whose command line or working folder lies in the root."""
    found = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            folder = os.readlink(f"/proc/{pid}/cwd")
        except OSError:  # it ended, or belongs to another user
            continue
        if pid != os.getpid() and (os.fsencode(root) + b"/" in words or folder.startswith(str(root))):
            found.append(pid)
    return found


def end(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.fixture
def root(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A short temporary folder, so that sockets below it fit; a test marked `real` must leave nothing running."""
    folder = Path(tempfile.mkdtemp(prefix="cp", dir=min(tempfile.gettempdir(), "/tmp", key=len)))
    yield folder
    left = members(folder) if request.node.get_closest_marker("real") else []
    end(left)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"the test left {len(left)} processes running: {left}"
