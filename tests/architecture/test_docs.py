"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "bundles" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"`((?:tests|cockpitpm|bundles|schema|docs)/[^`\s]*)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_every_path_in_a_document_is_there(document: Path) -> None:
    for named in NAMED.findall(document.read_text(encoding="utf-8")):
        path, _, test = named.partition("::")
        if "<" in path or path.startswith("bundles/base/hero_notes"):  # an example for the reader to make
            continue
        assert (ROOT / path).exists(), named
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), named
