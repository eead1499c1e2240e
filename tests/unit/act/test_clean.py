"""What is deleted after a change: all of ours that nobody needs, and nothing that is somebody else's."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cockpitpm import beneath
from cockpitpm.app.recover import recover
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.sim.machine import DUO, MachineSim


def refuse_once(monkeypatch: pytest.MonkeyPatch, deed: str, ending: str, error: BaseException) -> None:
    """The first deed of `beneath` to a path that ends so meets the error."""
    real, met = getattr(beneath, deed), []

    def refused(path: Path, *rest: object) -> object:
        if str(path).endswith(ending) and not met:
            met.append(path)
            raise error
        return real(path, *rest)

    monkeypatch.setattr(beneath, deed, refused)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "the disk failed"), KeyboardInterrupt()], ids=["EIO", "SIGINT"])
@pytest.mark.parametrize(
    ("deed", "ending"), [("move", "/.current.new"), ("make_link", "/.current.new"), ("move", "/.1.json.new")]
)
def test_an_install_that_fails_leaves_no_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch, deed: str, ending: str, error: BaseException
) -> None:
    machine = MachineSim(root)
    machine.publish("1")
    refuse_once(monkeypatch, deed, ending, error)
    try:
        assert machine.code(Verb.INSTALL, "duo") is not ExitCode.DONE
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    recover(machine.host())
    assert not machine.host().layout.app("duo").exists()


def test_recovering_cleans_what_the_disk_did_not_let_go(machine: MachineSim, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = sorted(p.name for p in machine.host().layout.store.iterdir())
    refuse_once(monkeypatch, "unlink", blobs[0], OSError(errno.EIO, "the disk failed"))
    assert machine.code(Verb.REMOVE, "duo") is ExitCode.DONE
    assert [p.name for p in machine.host().layout.store.iterdir()] == blobs
    recover(machine.host())
    assert not list(machine.host().layout.store.iterdir())


def test_removing_leaves_what_is_not_ours(machine: MachineSim) -> None:
    layout = machine.host().layout
    (live,) = layout.live("duo").iterdir()
    mine = {live / "notes.txt": b"mine", live / "more" / "duo_server": b"deep", layout.app("duo") / "why.md": b"so"}
    mine |= {layout.live("duo") / "odd": b"a file", layout.bin / "my_tool": b"a tool"}
    for path, data in mine.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (live / "duo_link").symlink_to("duo_server")
    assert machine.code(Verb.REMOVE, "duo") is ExitCode.DONE
    assert {path: path.read_bytes() for path in mine} == mine
    assert sorted(p.name for p in live.iterdir()) == ["duo_link", "more", "notes.txt"]
    assert not list(layout.store.iterdir())
    assert sorted(p.name for p in layout.bin.iterdir()) == ["duo_second_server", "my_tool"]


@pytest.mark.parametrize(("refused", "same"), [(errno.EROFS, True), (errno.EIO, True), (errno.EXDEV, False)])
def test_bytes_that_stay_keep_their_file_or_nothing_is_changed(
    machine: MachineSim, monkeypatch: pytest.MonkeyPatch, refused: int, same: bool
) -> None:
    (live,) = machine.host().layout.live("duo").iterdir()
    machine.bundle(DUO.replace("kind: admin\n", "kind: admin\n    args: [--loud]\n"))
    refuse_once(monkeypatch, "make_twin", "/duo_server", OSError(refused, "no"))
    assert (machine.code(Verb.UPGRADE, "duo") is not ExitCode.DONE) is same
    assert (list(machine.host().layout.live("duo").iterdir()) == [live]) is same
