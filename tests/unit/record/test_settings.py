"""machine.yaml: one key changes, everything else stays as people wrote it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cockpitpm.record import settings

TEXT = """\
# our machine, do not touch before Friday
role: tester     # member
channels:        # single apps
  duo: 'latest-dev'   # until the demo
  db: "v1"
forges:
  default: {kind: forgejo, url: https://x.example}
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("role",), "admin", "role: tester", "role: admin"),
        (("channels", "duo"), "latest", "'latest-dev'", "'latest'"),
        (("channels", "db"), None, '  db: "v1"\n', ""),
    ],
)
def test_only_the_key_changes(path: tuple[str, ...], value: str | None, old: str, new: str) -> None:
    found = settings.changed(TEXT, path, value)
    expected = TEXT.replace(old, new)
    assert [line.split() for line in found.splitlines()] == [line.split() for line in expected.splitlines()]


def test_a_new_key_comes_last() -> None:
    assert settings.changed(TEXT, ("channel",), "beta") == TEXT + "channel: beta\n"


def test_a_new_mapping_of_texts() -> None:
    text = settings.changed(TEXT, ("holds", "duo"), {"until": "2026-12-24T00:00:00Z", "reason": "no: yes"})
    assert text == TEXT + "holds:\n  duo:\n    until: '2026-12-24T00:00:00Z'\n    reason: 'no: yes'\n"


@pytest.mark.parametrize("until", ["2026-12-24", "2026-12-24T18:00:00Z", "2026-12-24T18:00:00+02:00"])
def test_a_moment_without_quotes_stays_as_it_was_written(until: str) -> None:
    text = f"holds:\n  duo: {{until: {until}, reason: x}}\n"
    assert settings.changed(text, ("role",), "admin") == text + "role: admin\n"


def test_a_new_key_of_a_new_mapping() -> None:
    assert settings.changed("", ("channels", "duo"), "beta") == "channels:\n  duo: beta\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [("", ""), ("role: admin\n", ""), ("# why\n", "# why\n"), ("# why\nrole: admin\n# end\n", "# why\n# end\n")],
)
def test_taking_away_the_last_key_leaves_the_comments(text: str, left: str) -> None:
    assert settings.changed(text, ("role",), None) == left


def test_a_file_of_comments_takes_a_key() -> None:
    assert settings.changed("# why\n\n# who", ("role",), "admin") == "# why\n# who\nrole: admin\n"


@pytest.mark.parametrize("value", ["no", "1.10", "0123", "12:30", "null", "on"])
def test_a_word_that_looks_like_more_comes_back_as_it_went_in(value: str) -> None:
    from ruamel.yaml import YAML

    text = settings.changed("", ("channel",), value)
    assert YAML(typ="safe").load(text) == {"channel": value}


def test_people_may_read_the_file(root: Path) -> None:
    settings.write(root / "cfg" / "machine.yaml", "role: admin\n")
    assert (root / "cfg" / "machine.yaml").read_text() == "role: admin\n"
    assert stat.S_IMODE((root / "cfg" / "machine.yaml").stat().st_mode) == 0o644
