"""History: one line a transaction, chained."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.errors import StoreError
from cockpitpm.model.receipt import ActivationRecord, Outcome, Verb
from cockpitpm.record import history

LINE = ActivationRecord(
    transaction="t1",
    app="duo",
    verb=Verb.INSTALL,
    outcome=Outcome.COMMITTED,
    at="2026-06-12T08:00:00Z",
    actor="test",
    reason="",
    from_generation=0,
    to_generation=1,
    services=(),
    detail="",
)

OLDER = (
    b'{"before":"0000000000000000000000000000000000000000000000000000000000000000","entry":{"actor":"test"'
    b',"allowed":[],"app":"duo","at":"2026-06-12T08:00:00Z","detail":"","from_generation":1,"outcome":"com'
    b'mitted","reason":"","services":[{"after":{"boot_id":"b","pid":101,"start_ticks":7},"answer":"HTTP 20'
    b'0","before":null,"service":"duo_server"}],"to_generation":2,"transaction":"t1","verb":"upgrade"},"se'
    b'al":"47cb298ddd1390df3aeaf82fae83dd8e0cf6502ab1468c83f88be236977c454d"}'
    b"\n"
)
"""A line as it was written before."""


@pytest.fixture
def path(root: Path) -> Path:
    return root / "var" / "history.jsonl"


def test_nothing_has_happened_yet(path: Path) -> None:
    assert history.read(path) == ()
    assert list(history.entries(path)) == []


def test_lines_are_numbered_and_hold_the_hash_of_the_line_before(path: Path) -> None:
    for name in ("t1", "t2", "t3"):
        history.append(path, evolve(LINE, transaction=name))
    found = history.read(path)
    assert [(line.number, line.entry.transaction) for line in found] == [(1, "t1"), (2, "t2"), (3, "t3")]
    raw = path.read_text().splitlines()
    assert [
        f'"before":"{before}"' in line
        for before, line in zip([history.START, *(x.hash for x in found)], raw, strict=False)
    ] == [True] * 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_transaction_has_one_line_however_often_it_ends(path: Path) -> None:
    for name in ("t1", "t2", "t1", "t2"):
        history.append(path, evolve(LINE, transaction=name))
    assert [line.entry.transaction for line in history.read(path)] == ["t1", "t2"]


def test_a_changed_line_is_named_and_does_not_stop_the_next_transaction(path: Path) -> None:
    for name in ("t1", "t2"):
        history.append(path, evolve(LINE, transaction=name))
    path.write_text(path.read_text().replace('"actor":"test"', '"actor":"nobody"', 1))
    history.append(path, evolve(LINE, transaction="t3"))
    with pytest.raises(StoreError, match=r"Line 1 of .* its seal does not fit"):
        history.read(path)
    assert [e.transaction for e in history.entries(path)] == ["t1", "t2", "t3"]


@pytest.mark.parametrize("line", ["[]", "null", "1", "{}", '{"before": 1, "entry": 2}', "garbage", ""])
def test_a_line_that_is_none_is_named_and_joins_go_on_without_it(path: Path, line: str) -> None:
    history.append(path, LINE)
    with path.open("a") as out:
        out.write(line + "\n")
    with pytest.raises(StoreError, match="Line 2 of"):
        history.read(path)
    history.append(path, evolve(LINE, transaction="t2"))
    assert [e.transaction for e in history.entries(path)] == ["t1", "t2"]


def test_only_the_end_is_read_of_a_history_that_has_grown_long(path: Path) -> None:
    assert list(history.recent(path)) == []
    names = [f"t{number}" for number in range(40)]
    for name in names:
        history.append(path, evolve(LINE, transaction=name))
    size, one = path.stat().st_size, len(path.read_bytes().splitlines()[-1]) + 1
    assert [e.transaction for e in history.recent(path)] == names, "a short one is read whole"
    assert [e.transaction for e in history.recent(path, size)] == names
    assert [e.transaction for e in history.recent(path, 3 * one)] == names[-3:]
    assert [e.transaction for e in history.recent(path, 3 * one - 1)] == names[-2:], "a line that is cut is none"
    assert list(history.recent(path, 0)) == []


def test_a_line_from_before_interruptions_were_measured_is_still_read(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(OLDER)
    (line,) = history.read(path)
    assert [(c.service, c.answer, c.interrupted_ms) for c in line.entry.services] == [("duo_server", "HTTP 200", None)]
    history.append(path, evolve(LINE, transaction="t2"))
    assert [one.number for one in history.read(path)] == [1, 2], "the chain goes on"


def test_what_follows_a_sound_line_is_no_torn_line(path: Path) -> None:
    history.append(path, LINE)
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    with pytest.raises(StoreError, match="Line 1 of"):
        history.read(path)


@pytest.mark.parametrize("rest", [b"{", b"{}x", b"[1}x", b'{"before": {}}x'])
def test_a_torn_line_is_none(path: Path, rest: bytes) -> None:
    history.append(path, LINE)
    path.write_bytes(path.read_bytes() + rest)
    assert len(history.read(path)) == 1
