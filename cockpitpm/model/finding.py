"""What lint has to say about a file."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True, order=True)
class Finding:
    """One fault of one file. `line` and `column` count from 1; `rule` is a stable name; `hint` says what to do."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    hint: str = ""
