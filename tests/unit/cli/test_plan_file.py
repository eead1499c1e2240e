"""`plan --out`, `plan --exit-code`, `apply`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Publish = Callable[[str, str], None]


@pytest.fixture
def shop(cli: Cli, tools: Path, publish: Publish) -> Cli:
    """The command line of a machine whose channel holds build `a` of both tools."""
    publish("spanner", "a")
    publish("hammer", "a")
    return lambda *words, **environ: cli(*words, "--bundles", tools, **environ)


def test_a_plan_is_saved_shown_and_carried_out(shop: Cli, root: Path) -> None:
    file = root / "tonight.plan"
    made = shop("plan", "spanner", "--out", file)
    assert made.code == 0 and "install aaaaaaa" in made.out and f"cockpitpm apply {file}" in made.out
    assert file.stat().st_mode & 0o777 == 0o600 and not (root / "bin").exists()
    look = shop("apply", file, "--dry-run")
    assert look.code == 0 and "install aaaaaaa" in look.out and not (root / "bin").exists()
    alone = shop("apply", file)
    assert alone.code == 2 and "--yes" in alone.err and not (root / "bin/spanner").exists()
    done = shop("apply", file, "--yes", "--json")
    assert list(done.json) == ["confirmed", "exit_code", "plan", "outcomes", "recovered"]
    assert done.code == 0 and done.json["outcomes"][0]["ended"] == "done"
    again = shop("apply", file, "--yes")
    assert again.code == 21 and again.err.count("\n") == 1
    assert "the current generation of spanner was nothing, and is 1 now" in again.err


def test_a_person_may_say_no(shop: Cli, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop("plan", "spanner", "--out", root / "p")

    class Person(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Person("no\n"))
    assert "Go ahead?" in shop("apply", root / "p").out
    assert not (root / "bin/spanner").exists()
    monkeypatch.setattr(sys, "stdin", Person("yes\n"))
    assert "is installed" in shop("apply", root / "p").out


def test_a_release_that_changed_is_told(shop: Cli, root: Path, publish: Publish) -> None:
    shop("plan", "spanner", "--out", root / "p")
    publish("spanner", "b")
    for words in (("apply", root / "p", "--yes"), ("apply", root / "p", "--dry-run")):
        result = shop(*words)
        assert result.code == 21 and result.out == ""
        assert "the release of spanner was" in result.err and "Make the plan anew" in result.err
    assert not (root / "bin/spanner").exists()


def test_a_plan_of_another_machine_is_refused(shop: Cli, root: Path) -> None:
    shop("plan", "spanner", "--out", root / "p")
    result = shop("apply", root / "p", "--yes", "--root", root / "other")
    assert result.code == 21 and f"--root {root}" in result.err and not (root / "other").exists()


def test_a_file_that_is_no_plan(shop: Cli, root: Path) -> None:
    (root / "p").write_text("{")
    for name in ("p", "absent"):
        result = shop("apply", root / name, "--yes")
        assert result.code == 5 and result.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--out", "-"),
        ("--out", ""),
        ("--out", "/no/such/folder/p"),
        ("--out", "/"),
        ("--role", "admin", "--out", "p"),
        ("--verb", "adopt", "--out", "p"),
    ],
    ids=" ".join,
)
def test_where_a_plan_cannot_be_saved(shop: Cli, words: tuple[str, ...]) -> None:
    result = shop("plan", "spanner", *words)
    assert result.code == 2 and result.out == "" and result.err.count("\n") == 1


def test_what_was_allowed_is_saved_with_its_reason(shop: Cli, root: Path) -> None:
    assert shop("plan", "spanner", "--allow-downgrade").code == 2
    shop("plan", "spanner", "--allow-downgrade", "--reason", "told so", "--out", root / "p")
    shop("apply", root / "p", "--yes")
    assert shop("history", "--json").json["history"][0]["reason"] == "told so"


def test_the_exit_code_tells_whether_something_would_change(shop: Cli, root: Path, publish: Publish) -> None:
    assert shop("plan", "--exit-code").code == 0
    assert shop("plan", "spanner", "--exit-code").code == 24
    assert shop("plan", "spanner", "--exit-code", "--json", "--out", root / "p").code == 24
    assert shop("plan", "spanner").code == 0
    shop("apply", root / "p", "--yes")
    assert shop("plan", "--exit-code").code == 0
    publish("spanner", "b")
    assert shop("plan", "--exit-code").code == 24
    (root / "forge/us/hammer/latest/release.json").unlink()
    assert shop("plan", "hammer", "--exit-code").code == 21
