"""`hold`, `pin`, `verify`, `receipts --diff` and `upgrade --stop-on-failure`, on apps that have no services."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Publish = Callable[[str, str], None]


@pytest.fixture
def shop(cli: Cli, tools: Path, publish: Publish) -> Cli:
    """A machine with both tools at build `a`; the channel holds build `b`."""

    def invoke(*words: object, **environ: str) -> object:
        return cli(*words, "--bundles", tools, **environ)

    for build in "ab":
        for name in ("spanner", "hammer"):
            publish(name, build)
        if build == "a":
            assert cli("install", "spanner", "hammer", "--yes", "--bundles", tools).code == 0
    return invoke  # type: ignore[return-value]


def test_a_held_app_is_told_and_left_alone(shop: Cli, root: Path) -> None:
    held = shop("hold", "spanner", "--until", "2999-12-24", "--reason", "the fair")
    assert held.code == 0 and "spanner is held until 2999-12-24T00:00:00Z" in held.out
    assert "Rollback and remove work meanwhile" in held.out
    plan = shop("plan", "spanner")
    assert "held until 2999-12-24T00:00:00Z: the fair" in plan.out and "1 held" in plan.out
    assert "→ Wait until 2999-12-24T00:00:00Z or say `cockpitpm unhold spanner`" in plan.out
    assert shop("upgrade", "spanner", "--yes").code == 21
    status = shop("status")
    assert "held: it is not upgraded, until 2999-12-24T00:00:00Z: the fair" in status.out and "all well" in status.out
    everything = shop("upgrade", "--all", "--yes")
    assert everything.code == 0 and "spanner was left as it is" in everything.out
    assert (root / "bin/spanner").read_text().endswith("echo spanner a\n")
    assert (root / "bin/hammer").read_text().endswith("echo hammer b\n")
    assert "spanner is held no more" in shop("unhold", "spanner").out
    assert "spanner was not held" in shop("unhold", "spanner").out
    assert shop("upgrade", "spanner", "--yes").code == 0


def test_a_hold_in_json(shop: Cli) -> None:
    assert shop("hold", "spanner", "--reason", "x", "--json").json == {"name": "spanner", "until": None, "reason": "x"}
    (app,) = shop("status", "spanner", "--json").json["apps"]
    assert [note["note"] for note in app["notes"]] == ["held"]
    (plan,) = shop("plan", "spanner", "--json").json["apps"]
    assert (plan["decision"]["is"], plan["decision"]["why"], plan["decision"]["until"]) == ("held", "x", "")
    assert shop("unhold", "spanner", "--json").json == {"name": "spanner", "was_held": True}


@pytest.mark.parametrize("words", [("hold", "spanner"), ("hold", "spanner", "--reason", "x", "--until", "soon")])
def test_a_hold_that_makes_no_sense(shop: Cli, words: tuple[str, ...]) -> None:
    assert shop(*words).code == 2


def test_pins(shop: Cli) -> None:
    assert "spanner is pinned to v1.4.0" in shop("pin", "spanner", "v1.4.0").out
    assert "pins.spanner in machine.yaml" in shop("channel").out
    by_app = {one["app"]: one["channel"] for one in shop("channel", "--json").json["apps"]}
    assert by_app == {"hammer": "latest", "spanner": "v1.4.0"}
    assert shop("unpin", "spanner", "--json").json["pin"] is None
    assert "follows its channel" in shop("unpin", "spanner").out


def test_verify(shop: Cli, root: Path) -> None:
    clean = shop("verify")
    assert clean.code == 0 and "9 files checked, all as recorded" in clean.out
    live = (root / "bin/spanner").resolve()
    live.chmod(0o755)
    live.write_text("patched")
    found = shop("verify", "spanner")
    assert found.code == 22
    assert "drifted" in found.out and "→ cockpitpm rollback spanner --to 1" in found.out
    assert "1 not as recorded" in found.out
    assert shop("verify", "hammer", "--json").json["differs"] == 0
    tree = shop("verify", "--json")
    assert (tree.code, tree.json["differs"]) == (22, 1)
    assert [one["verdict"] for one in tree.json["files"] if one["path"] == str(live)] == ["drifted"]
    (root / "var/cockpitpm/apps/spanner/1.json").write_text("{}")
    assert "damaged" in shop("verify").out


def test_two_generations_side_by_side(shop: Cli) -> None:
    shop("upgrade", "--all", "--yes")
    found = shop("receipts", "spanner", "--diff", "1", "2")
    lines = found.out.splitlines()
    assert found.code == 0 and "generation 1" in lines[1] and "generation 2" in lines[1]
    commit = next(line for line in lines if " commit " in line)
    assert commit.split() == ["*", "commit", "a" * 40, "b" * 40]
    assert next(line for line in lines if " asset " in line).split()[0] == "asset"
    assert lines[-1] == "1 of 1 binary differ"
    tree = shop("receipts", "spanner", "--diff", "1", "2", "--json").json
    assert "sha256" in tree["binaries"][0]["differs"] and len(tree["binaries"][0]["receipts"]) == 2
    assert "1 binary, all the same" in shop("receipts", "spanner", "--diff", "2", "2").out
    assert shop("receipts", "--diff", "1", "2").code == 2
    assert shop("receipts", "spanner", "--diff", "1", "7").code == 5


def test_the_policy_can_be_said(shop: Cli) -> None:
    assert shop("upgrade", "--all", "--stop-on-failure", "--yes").code == 0
    assert shop("upgrade", "--all", "--keep-going", "--yes").code == 0
