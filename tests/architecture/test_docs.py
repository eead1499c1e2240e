"""What the documents name exists: files, tests, rows of the table of faults, targets of make, verbs with options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from cockpitpm.cli.verbs import VERBS, cockpitpm

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md", "bundles/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PLACE = re.compile(r"(?:tests|cockpitpm|bundles|schema|docs|benchmarks)/\S*")
TEST = re.compile(r"(?P<path>tests/\S+?)?::(?P<test>test_\w+)")
ROW = re.compile(r"\bF[0-9]+\b")
MADE = re.compile(r"\bmake ([a-z]+)")
COMMAND = re.compile(r"(?:^|[\s$(])cockpitpm\s+([^#]*)")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
READERS_OWN = "hero_notes"
"""An app that the reader is to make, as an example."""
OF_OTHERS = {"--bin"}
"""Options of the program that the thread speaks of."""


def code(text: str) -> Iterator[str]:
    """What is set as code: spans, and lines of blocks."""
    for number, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        yield from (
            part.splitlines() if number % 2 else (span.replace("\n", " ") for span in re.findall("`([^`]+)`", part))
        )


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def misnamed(pieces: Iterable[str]) -> list[str]:
    """Files that are not there, and tests that are not in their file; `::test_x` is in the file named last."""
    found, last = [], ""
    for piece in pieces:
        named = TEST.fullmatch(piece)
        path = (named["path"] or last) if named else piece
        if not PLACE.fullmatch(path):
            found += [piece] if named else []
            continue
        last = path
        if "<" in path or READERS_OWN in path:
            continue
        there = ROOT / path
        if not there.exists() or (named and not re.search(rf"^ *def {named['test']}\(", read(there), re.MULTILINE)):
            found.append(piece)
    return found


def unmade(pieces: Iterable[str]) -> list[str]:
    """Targets that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    return [name for piece in pieces for name in MADE.findall(piece) if name not in targets]


def spoken(piece: str) -> str | None:
    """The words of a command of ours behind its name, which may be left out where a verb and an option follow."""
    if found := COMMAND.search(piece):
        return found[1]
    return piece if piece.partition(" ")[0] in VERBS and OPTION.search(piece) else None


def unknown(pieces: Iterable[str]) -> list[str]:
    """Verbs and options that the command line does not have."""
    found = []
    for piece in pieces:
        said = spoken(piece)
        if said is not None:
            found += [f"{piece}: {word}" for word in strange(said)]
        elif piece.startswith("--"):
            found += [word for word in OPTION.findall(piece) if word not in everything() | OF_OTHERS]
    return found


def strange(said: str) -> Iterator[str]:
    """Words of one command that mean nothing to it."""
    command: click.Command = cockpitpm
    context = click.Context(command)
    known = options(command)
    for word in said.split():
        if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z]+", word):
            continue
        inner = command.get_command(context, word)
        if inner is None:
            yield word
            return
        command = inner
        known |= options(command)
    yield from (word for word in OPTION.findall(said) if word not in known)


def options(command: click.Command) -> set[str]:
    return {"--help", "--version"} | {word for one in command.params for word in (*one.opts, *one.secondary_opts)}


def everything() -> set[str]:
    """The options of every command."""
    context = click.Context(cockpitpm)
    verbs = [found for verb in VERBS if (found := cockpitpm.get_command(context, verb))]
    inner = [one for verb in verbs if isinstance(verb, click.Group) for one in verb.commands.values()]
    return set().union(*map(options, [cockpitpm, *verbs, *inner]))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path) -> None:
    pieces = list(code(read(document)))
    assert pieces
    assert misnamed(pieces) == []
    assert unmade(pieces) == []
    assert unknown(pieces) == []


def test_rows_of_the_table_of_faults_are_there() -> None:
    table = read(ROOT / "tests/faults/table.py")
    named = {row for document in DOCUMENTS for row in ROW.findall(read(document))}
    assert named and not [row for row in named if f'"{row}"' not in table]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("`tests/architecture/test_docs.py` and `tests/nowhere.py`", ["tests/nowhere.py"]),
        ("`tests/architecture/test_docs.py::test_rows_of_the_table_of_faults_are_there`", []),
        ("`tests/architecture/test_docs.py::test_rows`", ["tests/architecture/test_docs.py::test_rows"]),
        ("`tests/architecture/test_docs.py`, `::test_what_a_document_names_is_there`, `::test_x`", ["::test_x"]),
        ("`::test_x` of nothing", ["::test_x"]),
        ("`make test`, `make tea`", ["tea"]),
        ("make sure of it", []),
        ("```\nmake test   # or make tea\n```", ["tea"]),
        ("`cockpitpm upgrade NAME --past-hold`, `upgrade --all`, `--json`", []),
        ("`upgrade --everything`", ["upgrade --everything: --everything"]),
        ("`cockpitpm\nupgrde NAME`", ["cockpitpm upgrde NAME: upgrde"]),
        ("`VAR=value cockpitpm register NAME --unste VAR`", ["VAR=value cockpitpm register NAME --unste VAR: --unste"]),
        ("`cockpitpm secret sat KEY`", ["cockpitpm secret sat KEY: sat"]),
        ("`cockpitpm history -n 2`, `cockpitpm history -m 2`", ["cockpitpm history -m 2: -m"]),
        ("```\n$ cockpitpm status --watch  # --quickly\ncockpitpm status --no\n```", ["cockpitpm status --no: --no"]),
        ("`--json`, `--jason`", ["--jason"]),
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(text: str, wrong: list[str]) -> None:
    pieces = list(code(text))
    assert misnamed(pieces) + unmade(pieces) + unknown(pieces) == wrong
