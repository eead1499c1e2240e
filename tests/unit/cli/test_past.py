"""`--past-hold` and `--retry-failed`, on apps that have no services."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Publish = Callable[[str, str], None]
SAID = "although it is held without an end (the fair), and stays so afterwards"


@pytest.fixture
def shop(cli: Cli, tools: Path, publish: Publish) -> Cli:
    """A machine with both tools at build `a`; the channel holds build `b`, and spanner is held."""

    def invoke(*words: object, **environ: str) -> object:
        return cli(*words, "--bundles", tools, **environ)

    for build in "ab":
        for name in ("spanner", "hammer"):
            publish(name, build)
        if build == "a":
            assert invoke("install", "spanner", "hammer", "--yes").code == 0  # type: ignore[attr-defined]
    invoke("hold", "spanner", "--reason", "the fair")
    return invoke  # type: ignore[return-value]


def test_a_held_app_is_upgraded_once(shop: Cli, root: Path, publish: Publish) -> None:
    settings = (root / "cfg/cockpitpm/machine.yaml").read_bytes()
    refused = shop("upgrade", "spanner", "--yes")
    assert refused.code == 21 and "`cockpitpm upgrade spanner --past-hold`" in " ".join(refused.out.split())
    shown = shop("plan", "spanner", "--past-hold")
    assert shown.code == 0 and f"{SAID}." in " ".join(shown.out.lower().split())
    assert shop("upgrade", "spanner", "--past-hold", "--dry-run").out == shown.out
    done = shop("upgrade", "spanner", "--past-hold", "--reason", "the fix cannot wait", "--yes")
    assert done.code == 0 and "spanner was upgraded from aaaaaaa to bbbbbbb" in done.out
    assert (root / "cfg/cockpitpm/machine.yaml").read_bytes() == settings
    (line, *_) = shop("history", "--json").json["history"]
    assert (line["reason"], line["allowed"]) == ("the fix cannot wait", ["hold"])
    assert "the fix cannot wait (went through: hold)" in shop("history").out
    publish("spanner", "c")
    assert shop("upgrade", "spanner", "--yes").code == 21
    assert (root / "bin/spanner").read_text().endswith("echo spanner b\n")


def test_what_was_left_is_tried_again(shop: Cli, root: Path) -> None:
    assert shop("upgrade", "hammer", "--yes").code == 0
    assert shop("rollback", "hammer", "--yes").code == 0
    refused = shop("upgrade", "hammer", "--yes")
    assert refused.code == 21 and "`cockpitpm upgrade hammer --retry-failed`" in " ".join(refused.out.split())
    shown = " ".join(shop("plan", "hammer", "--retry-failed").out.split())
    assert "Although the build at latest (bbbbbbb) failed here on" in shown and "and is tried once more;" in shown
    assert shop("upgrade", "hammer", "--retry-failed", "--yes").code == 0
    assert (root / "bin/hammer").read_text().endswith("echo hammer b\n")
    assert "went through: blocked_build" in shop("history").out, "told although nobody gave a reason"


def test_a_saved_plan_keeps_what_it_goes_past(shop: Cli, root: Path) -> None:
    assert shop("plan", "spanner", "--past-hold", "--out", root / "p").code == 0
    assert shop("apply", root / "p", "--yes").code == 0
    assert (root / "bin/spanner").read_text().endswith("echo spanner b\n")


@pytest.mark.parametrize("flag", ["--past-hold", "--retry-failed"])
@pytest.mark.parametrize("words", [("upgrade", "--all", "--yes"), ("plan",), ("plan", "--all")])
def test_it_is_for_apps_that_are_named(shop: Cli, root: Path, words: tuple[str, ...], flag: str) -> None:
    told = shop(*words, flag)
    assert told.code == 2
    assert f"{flag} is for apps that are named" in told.err and f"`cockpitpm upgrade NAME {flag}`" in told.err
    assert (root / "bin/hammer").read_text().endswith("echo hammer a\n")


def test_an_install_goes_past_a_hold_and_never_needs_a_retry(shop: Cli) -> None:
    assert shop("remove", "spanner", "--yes").code == 0
    assert "`cockpitpm install spanner --past-hold`" in " ".join(shop("install", "spanner", "--yes").out.split())
    assert shop("install", "spanner", "--past-hold", "--yes").code == 0
    assert shop("install", "spanner", "--retry-failed", "--yes").code == 2
