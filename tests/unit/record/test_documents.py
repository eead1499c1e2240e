"""JSON files that machines write: sealed, read back by type, unknown keys kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.errors import StoreError
from cockpitpm.model.service import Wanted
from cockpitpm.model.state import AppState
from cockpitpm.record import documents, state
from cockpitpm.record.layout import Layout


def resealed(path: Path, **more: Any) -> None:
    """Write the tree of a file with other keys, sealed as it should be."""
    tree = json.loads(path.read_bytes())
    del tree["seal"]
    path.write_bytes(documents._sealed({**tree, **more}))


def test_a_document_is_text_that_people_can_read(root: Path) -> None:
    documents.write(root / "x.json", AppState(app="duo"))
    assert json.loads((root / "x.json").read_text())["app"] == "duo"
    assert stat.S_IMODE((root / "x.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[]", "it holds no mapping"),
        ("{}", "its checksum does not fit"),
        ("{", "Expecting property name"),
        ("\udcff", "codec can't decode"),
    ],
)
def test_what_is_no_document_is_refused(root: Path, text: str, why: str) -> None:
    (root / "x.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StoreError, match=why) as caught:
        documents.read(root / "x.json", AppState)
    assert "x.json.broken" in caught.value.hint


def test_the_way_out_of_a_damaged_generation_is_to_install(root: Path) -> None:
    (root / "duo").mkdir()
    (root / "duo" / "3.json").write_text("{}")
    with pytest.raises(StoreError) as caught:
        documents.read(root / "duo" / "3.json", AppState)
    assert "cockpitpm install duo" in caught.value.hint


def test_an_edit_by_hand_is_refused(root: Path) -> None:
    path = root / "x.json"
    documents.write(path, AppState(app="duo"))
    path.write_text(path.read_text().replace("duo", "due"))
    with pytest.raises(StoreError, match="changed or cut short"):
        documents.read(path, AppState)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"schema": 2}, "a version that this one does not understand"), ({"app": 1}, "AppState.app: expected str")],
)
def test_a_sealed_document_must_still_be_of_our_version_and_type(root: Path, change: dict[str, Any], why: str) -> None:
    path = root / "x.json"
    documents.write(path, AppState(app="duo"))
    resealed(path, **change)
    with pytest.raises(StoreError, match=why):
        documents.read(path, AppState)


def test_keys_of_a_newer_version_are_kept_on_rewrite(root: Path) -> None:
    layout = Layout(root)
    path = layout.state / "duo.json"
    state.write(layout, AppState(app="duo", wanted={"a": Wanted.RUNNING}))
    resealed(path, later={"deep": [1]})
    state.write(layout, AppState(app="duo", wanted={"a": Wanted.STOPPED}))
    assert json.loads(path.read_bytes())["later"] == {"deep": [1]}
    assert state.read(layout, "duo").wanted == {"a": Wanted.STOPPED}


def test_a_state_that_did_not_change_is_not_written(root: Path) -> None:
    layout = Layout(root)
    assert state.read(layout, "duo") == AppState(app="duo")
    state.write(layout, AppState(app="duo"))
    assert not layout.state.exists()
    state.write(layout, AppState(app="duo", wanted={"a": Wanted.RUNNING}))
    before = (layout.state / "duo.json").stat().st_ino
    state.write(layout, AppState(app="duo", wanted={"a": Wanted.RUNNING}))
    assert (layout.state / "duo.json").stat().st_ino == before


def test_what_is_forgotten_is_gone(root: Path) -> None:
    layout = Layout(root)
    state.write(layout, AppState(app="duo", wanted={"a": Wanted.RUNNING}))
    for _ in range(2):
        state.forget(layout, "duo")
        assert state.read(layout, "duo") == AppState(app="duo")
