"""How two commits stand to each other, by counting what each has and the other has not.

Not by comparing: that needs the right to read pull requests, is a 404 where those are disabled, and counts zero for an
ancestor and for a history that has nothing in common alike.
"""

from __future__ import annotations

from collections.abc import Callable

from cockpitpm.forges import words
from cockpitpm.model.release import Ancestry

Count = Callable[[str, str], int | None]
"""How many commits the first has that the second has not; None if the forge does not know one of them, or tells no
number that makes sense."""


class Lineage:
    """What one forge answers. Two questions; a third where both counts are over 0, once for all repositories.

    A server from before 2023 ignores `not` and counts everything, so that every upgrade would look as if the histories
    had parted. A count of 0 proves that `not` is honoured; a server that never gave one is asked what a commit has that
    it has not itself.
    """

    def __init__(self) -> None:
        self._honours = False

    def between(self, old: str, new: str, count: Count) -> Ancestry:
        """What `new` is to `old`. Both are full commit ids, or it is UNKNOWN without a question."""
        if not (words.commit_id(old) and words.commit_id(new)):
            return Ancestry.UNKNOWN
        if old == new:
            return Ancestry.SAME
        ahead = count(new, old)
        behind = None if ahead is None else count(old, new)
        if ahead is None or behind is None or ahead == behind == 0:
            return Ancestry.UNKNOWN
        if ahead and behind:
            return Ancestry.DIVERGED if self._tells_apart(new, count) else Ancestry.UNKNOWN
        self._honours = True
        return Ancestry.UPGRADE if ahead else Ancestry.DOWNGRADE

    def _tells_apart(self, known: str, count: Count) -> bool:
        self._honours = self._honours or count(known, known) == 0
        return self._honours
