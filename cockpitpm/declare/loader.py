"""Sources become bundles and findings. What is wrong with one file hides nothing that is wrong with another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from attrs import frozen

from cockpitpm.declare.builder import bundle_of
from cockpitpm.declare.conformity import nonconformities
from cockpitpm.declare.declared import Declared
from cockpitpm.declare.document import Document, ReadError
from cockpitpm.declare.reader import read_yaml
from cockpitpm.declare.remark import Remark
from cockpitpm.declare.rules import RULES
from cockpitpm.declare.set_rules import SET_RULES, Folder
from cockpitpm.declare.source import Source
from cockpitpm.model.finding import Finding

SCHEMA_HEADER = "# yaml-language-server: $schema=../../schema/bundle.schema.json"
ADVICE = frozenset({"schema-header"})
"""Rules for the comfort of authors: a bundle that breaks one of these can be used all the same."""


@frozen(kw_only=True)
class Loaded:
    """The bundles that could be built, sorted as their sources were, and everything found wrong, sorted by place."""

    declared: tuple[Declared, ...]
    findings: tuple[Finding, ...]


def load(sources: Sequence[Source]) -> Loaded:
    """Read, check and build every source that is a bundle. Raises nothing for what is in a file."""
    declared: list[Declared] = []
    findings: list[Finding] = []
    files = [source for source in sources if source.is_bundle]
    for source in files:
        one, faults = _one(source)
        findings += faults
        declared += [one] if one else []
    folder = Folder(bundles=declared, stems=frozenset(source.path.stem for source in files))
    findings += [*_own(declared), *_shared(folder)]
    return Loaded(declared=tuple(declared), findings=tuple(sorted(set(findings))))


def _one(source: Source) -> tuple[Declared | None, list[Finding]]:
    file = str(source.path)
    try:
        document = read_yaml(source.read())
    except ReadError as error:
        return None, [unread(file, error)]
    if faults := nonconformities("bundle", document.tree):
        return None, [*(fault.finding(file, document) for fault in faults), *_header(file, document)]
    bundle = bundle_of(document.tree, source.layer)
    return Declared(file=file, stem=source.path.stem, document=document, bundle=bundle), _header(file, document)


def _header(file: str, document: Document) -> list[Finding]:
    """Editors complete and check a bundle because a comment above its first key names the schema."""
    comments = takewhile(lambda line: line.startswith("#"), document.text.split("\n"))
    if any(line.rstrip() == SCHEMA_HEADER for line in comments):
        return []
    message, hint = "no comment at the top names the schema", f"Make the first line: {SCHEMA_HEADER}"
    return [Finding(file=file, line=1, column=1, rule="schema-header", message=message, hint=hint)]


def unread(file: str, error: ReadError) -> Finding:
    """The finding that a ReadError is."""
    line, column = error.mark
    return Finding(file=file, line=line, column=column, rule=error.rule, message=error.message, hint=error.hint)


def _own(declared: Sequence[Declared]) -> Iterator[Finding]:
    for one in declared:
        for name, rule in RULES.items():
            for path, message, hint in rule(one):
                yield Remark(rule=name, path=path, message=message, hint=hint).finding(one.file, one.document)


def _shared(folder: Folder) -> Iterator[Finding]:
    for name, rule in SET_RULES.items():
        for one, path, message, hint in rule(folder):
            yield Remark(rule=name, path=path, message=message, hint=hint).finding(one.file, one.document)
