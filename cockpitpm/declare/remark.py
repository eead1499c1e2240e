"""A fault of a document by its path, before it is known which file and line that is."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.declare.document import Document, Path
from cockpitpm.model.finding import Finding


@frozen(kw_only=True)
class Remark:
    """What a check has to say about the value at `path`, or about its key."""

    rule: str
    path: Path
    message: str
    hint: str = ""
    on_key: bool = False

    def finding(self, file: str, document: Document) -> Finding:
        """The same with its place in `file`."""
        place = document.place(self.path)
        mark = place.key if self.on_key else place.value
        return Finding(
            file=file, line=mark.line, column=mark.column, rule=self.rule, message=self.message, hint=self.hint
        )
