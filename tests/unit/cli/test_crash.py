"""Where the report of a bug of ours goes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from cockpitpm.cli.crash import save_crash
from cockpitpm.cli.session import Session


@pytest.fixture
def session(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    (root / "var/cockpitpm").mkdir(parents=True)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Session(environ={"PATH_ROOT": str(root)}, cwd=Path.cwd(), arguments=("status",))


def saved(session: Session) -> Path:
    try:
        raise RuntimeError("a bug of ours")
    except RuntimeError as error:
        return Path(save_crash(error, session))


def test_it_lies_below_the_root_for_its_owner_alone(session: Session) -> None:
    path = saved(session)
    assert path.parent == session.root / "var/cockpitpm/crashes"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "a bug of ours" in path.read_text() and "arguments: status" in path.read_text()


@pytest.mark.parametrize("place", ["var/cockpitpm/crashes", "var/cockpitpm", "var"])
def test_a_planted_link_is_not_followed(session: Session, tmp_path: Path, place: str) -> None:
    (tmp_path / "elsewhere/cockpitpm/crashes").mkdir(parents=True)
    (session.root / "var").rename(tmp_path / "moved")
    (session.root / place).parent.mkdir(parents=True, exist_ok=True)
    (session.root / place).symlink_to(tmp_path / "elsewhere")
    path = saved(session)
    assert path.parent == tmp_path / "temporary" and "a bug of ours" in path.read_text()
    assert not [p for p in (tmp_path / "elsewhere").rglob("*") if p.is_file()]
