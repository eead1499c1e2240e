"""The author's guide is true: its example is clean, its rules and keys are all there are."""

from __future__ import annotations

import re
from pathlib import Path

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder, schema
from cockpitpm.declare.lint import lint
from cockpitpm.declare.rules import RULES
from cockpitpm.declare.set_rules import SET_RULES
from cockpitpm.model.role import Role

GUIDE = (Path(__file__).parents[3] / "bundles/README.md").read_text()
EXAMPLES = Path(__file__).parents[2] / "examples/bad"


def test_the_first_bundle_of_the_guide_is_clean_and_short(root: Path) -> None:
    text = GUIDE.split("```yaml\n")[1].split("```")[0]
    (root / "base").mkdir()
    (root / "base/hero_notes.yaml").write_text(text)
    assert lint([root]).findings == ()
    assert [one.name for one in resolve(root, Role.TESTER).bundles] == ["hero_notes"]
    assert len(text.splitlines()) <= 13


def test_the_guide_names_every_rule_and_every_rule_has_an_example() -> None:
    shown = {match[1] for file in EXAMPLES.rglob("*.y*ml") for match in expectations(file)}
    in_schema = set(re.findall(r"'rule': '([a-z-]+)'", str(schema("bundle"))))
    assert {*RULES, *SET_RULES, *in_schema} <= shown
    for rule in {*RULES, *SET_RULES, *in_schema, *(one for one in shown if not one.startswith("yaml-"))}:
        assert f"`{rule}`" in GUIDE, rule


def expectations(file: Path) -> list[re.Match[str]]:
    return [*re.finditer(r"^# expect: ([a-z0-9-]+) ", file.read_text(errors="replace"), re.MULTILINE)]


def test_the_guide_names_every_key() -> None:
    tree = schema("bundle")
    for part in (tree, tree["$defs"]["binary"], tree["$defs"]["restart_only"]):
        for key in part["properties"]:
            assert f"`{key}`" in GUIDE or f"{key}: " in GUIDE, key


def test_the_guide_lies_beside_the_bundles() -> None:
    assert bundles_folder().name == "bundles" and GUIDE.startswith("# How to write a bundle")
