"""Laws of what machines write: whatever happens to a file, nobody reads from it what was never written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cockpitpm.errors import StoreError
from cockpitpm.model.receipt import ActivationRecord, Generation
from cockpitpm.model.state import AppState
from cockpitpm.record import documents, history
from cockpitpm.record.journal import Journal
from tests.laws.values import values

sampled = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda x: st.lists(x, max_size=2))


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cp", dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as made:
        yield Path(made)


def flipped(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# ---- history


def chain(path: Path, entries: list[ActivationRecord]) -> bytes:
    path.unlink(missing_ok=True)
    for number, entry in enumerate(entries):
        history.append(path, evolve(entry, transaction=str(number)))
    return path.read_bytes()


@sampled
@given(entries=st.lists(values(ActivationRecord), min_size=1, max_size=3), data=st.data())
def test_a_changed_byte_of_the_history_is_seen(
    folder: Path, entries: list[ActivationRecord], data: st.DataObject
) -> None:
    path = folder / "history.jsonl"
    whole = chain(path, entries)
    at = data.draw(st.integers(0, len(whole) - 1) | st.just(len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != whole[at]) | st.just(whole[at] ^ 7))
    path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
    with pytest.raises(StoreError, match=r"Line \d+ of"):
        history.read(path)


@sampled
@given(entries=st.lists(values(ActivationRecord), min_size=2, max_size=4), data=st.data())
def test_a_lost_or_moved_line_is_seen(folder: Path, entries: list[ActivationRecord], data: st.DataObject) -> None:
    path = folder / "history.jsonl"
    lines = chain(path, entries).splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 2))
    moved = data.draw(st.sampled_from([lines[:at] + lines[at + 1 :], [*lines[:at], lines[at + 1], lines[at]]]))
    path.write_bytes(b"".join(moved))
    with pytest.raises(StoreError, match=f"Line {at + 1} of"):
        history.read(path)


@sampled
@given(entries=st.lists(values(ActivationRecord), min_size=1, max_size=3), data=st.data())
def test_a_torn_last_line_counts_as_not_written_and_is_written_again(
    folder: Path, entries: list[ActivationRecord], data: st.DataObject
) -> None:
    path = folder / "history.jsonl"
    whole = chain(path, entries)
    before = whole[:-1].rfind(b"\n") + 1
    path.write_bytes(whole[: data.draw(st.integers(before, len(whole) - 1))])
    assert len(history.read(path)) == len(entries) - 1
    history.append(path, evolve(entries[-1], transaction=str(len(entries) - 1)))
    assert path.read_bytes() == whole


# ---- journal


def written(folder: Path, facts: list[dict[str, Any]]) -> Journal:
    (folder / "t.journal").unlink(missing_ok=True)
    journal = Journal.begin(folder, "t", {"app": "x"})
    for one in facts:
        journal.write("step", **one)
    return journal


FACTS = st.lists(st.dictionaries(st.sampled_from("abc"), JSON, max_size=2), max_size=4)


@sampled
@given(facts=FACTS, data=st.data())
def test_a_damaged_journal_gives_a_beginning_of_its_records_or_an_error(
    folder: Path, facts: list[dict[str, Any]], data: st.DataObject
) -> None:
    journal = written(folder, facts)
    whole = journal.path.read_bytes()
    used = whole.rfind(b"\n") + 1
    if data.draw(st.booleans()):
        journal.path.write_bytes(whole[: data.draw(st.integers(0, used))])
    else:
        journal.path.write_bytes(flipped(whole, data.draw(st.integers(0, used * 8 + 80))))
    try:
        found = Journal.read(journal.path).records
    except StoreError:
        return
    assert found == journal.records[: len(found)]


@sampled
@given(facts=FACTS, cut=st.integers(1, 30), more=JSON)
def test_writing_goes_on_after_a_torn_record(folder: Path, facts: list[dict[str, Any]], cut: int, more: Any) -> None:
    journal = written(folder, [*facts, {"a": "torn"}])
    whole = journal.path.read_bytes()
    used = whole.rfind(b"\n") + 1
    journal.path.write_bytes(whole[: used - cut] + b"\0" * (len(whole) - used + cut))
    found = Journal.read(journal.path)
    assert found.records == journal.records[:-1]
    found.write("verdict", way=more)
    assert Journal.read(journal.path).records == [*journal.records[:-1], {"phase": "verdict", "way": more}]


# ---- documents


@pytest.mark.parametrize("kind", [Generation, AppState])
@sampled
@given(data=st.data())
def test_a_document_is_read_as_it_was_written(folder: Path, kind: type, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    documents.write(folder / "1.json", value)
    assert documents.read(folder / "1.json", kind) == value


@sampled
@given(value=values(AppState), data=st.data())
def test_a_flipped_bit_of_a_document_is_refused(folder: Path, value: AppState, data: st.DataObject) -> None:
    path = folder / "1.json"
    documents.write(path, value)
    whole = path.read_bytes()
    path.write_bytes(flipped(whole, data.draw(st.integers(0, len(whole) * 8 - 1))))
    with pytest.raises(StoreError, match=r"Cannot use .*1\.json"):
        documents.read(path, AppState)


@sampled
@given(bit=st.integers(0, 7))
@example(bit=5)
def test_a_flip_that_json_does_not_see_is_refused_too(folder: Path, bit: int) -> None:
    """`\\u00e9` and `\\u00E9` are the same text; the second was never written."""
    path = folder / "1.json"
    documents.write(path, AppState(app="é"))
    whole = path.read_bytes()
    path.write_bytes(flipped(whole, whole.index(b"\\u00e9") * 8 + 32 + bit))
    with pytest.raises(StoreError):
        documents.read(path, AppState)
