"""Secrets on disk: who may read them, what counts as one, and what is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cockpitpm.errors import CockpitPmError, StoreError, UsageError
from cockpitpm.record.secrets import LARGEST, Secrets


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "cfg" / "cockpitpm" / "secrets"


@pytest.fixture
def secrets(folder: Path) -> Secrets:
    return Secrets(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_nothing_is_there_and_reading_makes_nothing(secrets: Secrets, folder: Path) -> None:
    assert secrets.get("core", "A") is None
    assert (secrets.context("core"), secrets.contexts(), secrets.list(), secrets.list("core")) == ({}, (), (), ())
    assert not secrets.unset("core", "A")
    assert not folder.exists()


def test_a_secret_comes_back_as_it_was(secrets: Secrets) -> None:
    for value in ("x", " two words\n", "ä\t'\"\\", "line\nline\n\n"):
        secrets.set("core", "A", value)
        assert secrets.get("core", "A") == value
    assert secrets.context("core") == {"A": "line\nline\n\n"}


def test_only_the_owner_may_read(secrets: Secrets, folder: Path) -> None:
    (folder / "core").mkdir(parents=True, mode=0o755)
    secrets.set("core", "A", "1")
    secrets.set("other", "A", "1")
    assert [mode(p) for p in (folder, folder / "core", folder / "other")] == [0o700] * 3
    assert [mode(p) for p in folder.glob("*/*")] == [0o600] * 2
    assert mode(folder.parent) == 0o755


def test_a_file_that_was_readable_is_not_any_more(secrets: Secrets, folder: Path) -> None:
    secrets.set("core", "A", "1")
    (folder / "core" / "A").chmod(0o644)
    secrets.set("core", "A", "2")
    assert mode(folder / "core" / "A") == 0o600


def test_listing_tells_names_and_times(secrets: Secrets, folder: Path) -> None:
    secrets.set("core", "B", "1")
    secrets.set("core", "A", "1")
    secrets.set("app-x", "C", "1")
    os.utime(folder / "core" / "A", (1000, 1000))
    (folder / "core" / ".D.new").write_text("half")
    (folder / "core" / "notes.txt").write_text("no secret")
    (folder / "README").mkdir()
    assert [(k.context, k.key) for k in secrets.list()] == [("app-x", "C"), ("core", "A"), ("core", "B")]
    assert secrets.list("core")[0].at == 1000
    assert secrets.contexts() == ("app-x", "core")


def test_a_secret_can_be_forgotten_with_what_was_left_of_it(secrets: Secrets, folder: Path) -> None:
    secrets.set("core", "A", "1")
    (folder / "core" / ".A.new").write_text("half")
    assert secrets.unset("core", "A")
    assert list((folder / "core").iterdir()) == []
    assert not secrets.unset("core", "A")


@pytest.mark.parametrize("context", ["", "Core", "1x", "../core", "core/x", "core\n", "-x", "é", "c" * 65])
def test_a_context_has_a_plain_name(secrets: Secrets, context: str) -> None:
    with pytest.raises(UsageError, match="context"):
        secrets.set(context, "A", "1")


@pytest.mark.parametrize("key", ["", "a", "1A", "A-B", "../A", "A\n", ".A.new", "A/B", "K" * 101, "sk-canary"])
def test_a_key_has_a_plain_name_and_another_is_not_repeated(secrets: Secrets, key: str) -> None:
    with pytest.raises(UsageError) as told:
        secrets.set("core", key, "1")
    assert "canary" not in str(told.value)


@pytest.mark.parametrize("value", ["", "a\0b", "\udc80", "x" * (LARGEST + 1)])
def test_a_value_that_no_variable_can_hold_is_refused(secrets: Secrets, folder: Path, value: str) -> None:
    with pytest.raises(UsageError):
        secrets.set("core", "A", value)
    assert not folder.exists()


def test_a_link_is_never_followed(secrets: Secrets, folder: Path, root: Path) -> None:
    outside = root / "outside"
    outside.mkdir()
    (outside / "A").write_text("theirs")
    (folder / "core").mkdir(parents=True)
    (folder / "core" / "A").symlink_to(outside / "A")
    (folder / "linked").symlink_to(outside)
    for name in ("core", "linked"):
        with pytest.raises(StoreError, match="of our own"):
            secrets.get(name, "A")
    with pytest.raises(StoreError):
        secrets.set("linked", "A", "mine")
    secrets.set("core", "A", "mine")
    assert (secrets.get("core", "A"), (outside / "A").read_text()) == ("mine", "theirs")


def test_the_folder_itself_may_be_no_link(root: Path, folder: Path) -> None:
    (root / "elsewhere").mkdir()
    folder.parent.mkdir(parents=True)
    folder.symlink_to(root / "elsewhere")
    for act in (lambda s: s.contexts(), lambda s: s.get("core", "A"), lambda s: s.set("core", "A", "1")):
        with pytest.raises(StoreError):
            act(Secrets(folder))
    assert not list((root / "elsewhere").iterdir())


def test_what_is_no_small_file_of_text_is_refused(secrets: Secrets, folder: Path) -> None:
    (folder / "core").mkdir(parents=True)
    (folder / "core" / "DIR").mkdir()
    os.mkfifo(folder / "core" / "PIPE")
    (folder / "core" / "BYTES").write_bytes(b"\xff\xfecanary")
    (folder / "core" / "BIG").write_bytes(b"x" * (LARGEST + 1))
    for key in ("DIR", "PIPE", "BYTES", "BIG"):
        with pytest.raises(CockpitPmError) as told:
            secrets.get("core", key)
        assert "canary" not in str(told.value) and told.value.__cause__ is None
