"""The changing verbs and what the reading verbs tell afterwards, on apps that have no services."""

from __future__ import annotations

import hashlib
import shutil
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


def test_without_anybody_to_ask_nothing_happens(shop: Cli, root: Path) -> None:
    result = shop("install", "spanner")
    assert result.code == 2
    assert "install aaaaaaa" in result.out and "--yes" in result.err
    assert not (root / "bin/spanner").exists()


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(shop: Cli, root: Path) -> None:
    result = shop("install", "spanner", "--dry-run")
    assert result.code == 0
    assert "Download spanner-linux-musl-x86_64" in result.out
    assert not (root / "var").exists() and not (root / "bin").exists()
    assert shop("plan", "spanner").out == result.out


def test_from_install_to_remove(shop: Cli, root: Path, publish: Publish) -> None:
    assert "is installed: latest aaaaaaa, generation 1" in shop("install", "spanner", "--yes").out
    assert "nothing to do" in shop("install", "spanner").out
    publish("spanner", "b")
    plan = shop("plan")
    assert plan.code == 0 and "upgrade from aaaaaaa to bbbbbbb" in plan.out
    assert "was upgraded from aaaaaaa to bbbbbbb" in shop("upgrade", "--all", "-y").out
    assert (root / "bin/spanner").read_text().endswith("echo spanner b\n")
    assert "runs aaaaaaa again" in shop("rollback", "spanner", "--yes").out
    assert (root / "bin/spanner").read_text().endswith("echo spanner a\n")
    blocked = shop("upgrade", "spanner", "--yes")
    assert blocked.code == 21 and "→ Publish another build" in blocked.out
    assert "is gone" in shop("remove", "spanner", "-y").out
    assert not (root / "bin/spanner").is_symlink()
    verbs = [line["verb"] for line in shop("history", "--json").json["history"]]
    assert verbs == ["remove", "rollback", "upgrade", "install"]


def test_the_outcome_in_json(shop: Cli) -> None:
    result = shop("install", "spanner", "hammer", "--yes", "--json")
    found = result.json
    assert list(found) == ["confirmed", "exit_code", "plan", "outcomes", "recovered"]
    assert [one["ended"] for one in found["outcomes"]] == ["done", "done"]
    assert found["plan"]["apps"][0]["app"] == "hammer"
    assert "hammer: downloading hammer-linux-musl-x86_64" in result.err


def test_the_shape_of_receipts(shop: Cli, root: Path) -> None:
    shop("install", "spanner", "--yes")
    one = shop("receipts", "--json").json["receipts"][0]
    data = (root / "bin/spanner").read_bytes()
    assert one["md5"] == hashlib.md5(data).hexdigest()
    assert one["sha256"] == hashlib.sha256(data).hexdigest()
    assert (one["app"], one["binary"], one["tag"], one["channel"]) == ("spanner", "spanner", "latest", "latest")
    assert (one["asset"], one["size"]) == ("spanner-linux-musl-x86_64", len(data))
    assert one["commit"] == "a" * 40 and one["commit_known_by"] and one["installed_at"]
    shown = shop("receipts", "spanner").out
    assert one["md5"] in shown and "generation 1 from latest" in shown


def test_the_shape_of_status(shop: Cli) -> None:
    shop("install", "spanner", "--yes")
    found = shop("status", "--json").json
    assert found["role"] == "tester"
    assert [(app["name"], app["installed"]) for app in found["apps"]] == [("hammer", False), ("spanner", True)]
    shown = shop("status").out
    assert "spanner  Tool  generation 1, channel latest" in shown
    assert "not installed  hammer" in shown


def test_history_shows_the_newest_lines(shop: Cli) -> None:
    shop("install", "spanner", "hammer", "--yes")
    shown = shop("history", "-n", "1").out
    assert "spanner" in shown and "1 older line not shown" in shown
    assert "hammer" in shop("history", "hammer").out


def test_every_generation_that_is_kept(shop: Cli, publish: Publish) -> None:
    shop("install", "spanner", "--yes")
    publish("spanner", "b")
    shop("upgrade", "spanner", "--yes")
    kept = shop("receipts", "--all-generations", "--json").json["receipts"]
    assert [(one["generation"], one["current"]) for one in kept] == [(1, False), (2, True)]
    assert "(kept)" in shop("receipts", "--all-generations").out


@pytest.mark.parametrize("verb", ["upgrade", "rollback", "remove", "start", "stop", "restart", "converge", "logs"])
def test_what_is_not_installed(shop: Cli, verb: str) -> None:
    result = shop(verb, "spanner")
    assert result.code == 5
    assert "spanner is not installed" in result.err and result.err.count("\n") == 1


def test_apps_here_and_not_here_cannot_be_planned_together(shop: Cli) -> None:
    shop("install", "spanner", "--yes")
    assert shop("plan", "spanner", "hammer").code == 2
    assert shop("plan", "spanner", "hammer", "--verb", "install").code == 0


def test_a_machine_on_which_nothing_is_installed(shop: Cli) -> None:
    for words in (("plan",), ("upgrade", "--all"), ("converge",), ("status",), ("receipts",)):
        result = shop(*words)
        assert result.code == 0 and "Nothing is installed on this machine." in result.out
    assert shop("recover").out == "Nothing was interrupted.\n"
    assert shop("history").out == "Nothing has happened on this machine yet.\n"


def test_a_release_that_is_not_there_yet(shop: Cli, root: Path) -> None:
    (root / "forge/us/spanner/latest/release.json").unlink()
    result = shop("install", "spanner", "--yes")
    assert result.code == 21 and "! spanner was left as it is" in result.out
    assert "has to wait" in shop("plan", "spanner").out


def test_a_forge_without_the_release(shop: Cli, root: Path) -> None:
    shutil.rmtree(root / "forge/us/spanner")
    result = shop("install", "spanner", "hammer", "--yes")
    assert result.code == 6 and "✗ spanner failed" in result.out
    assert "✓ hammer is installed" in result.out
