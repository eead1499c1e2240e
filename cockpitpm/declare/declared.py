"""A bundle together with the file it came from, so that what is wrong with it has a place."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from cockpitpm.declare.document import Document, Path
from cockpitpm.model.bundle import Binary, Bundle, RestartOnly


@frozen(kw_only=True)
class Declared:
    """A bundle, the file as findings name it, the file's name without `.yaml`, and its document."""

    file: str
    stem: str
    document: Document
    bundle: Bundle

    def at(self, path: Path) -> str:
        """`file:line` of a value, for messages that name another place than their own."""
        return f"{self.file}:{self.document.place(path).value.line}"

    @property
    def binaries(self) -> Iterator[tuple[Path, Binary]]:
        """Every binary with its path."""
        for index, one in enumerate(self.bundle.binaries):
            yield ("binaries", index), one

    @property
    def riders(self) -> Iterator[tuple[Path, RestartOnly]]:
        """Every restart_only service with its path."""
        for index, one in enumerate(self.bundle.restart_only):
            yield ("restart_only", index), one

    @property
    def parts(self) -> Iterator[tuple[Path, Binary | RestartOnly]]:
        """Binaries, then restart_only services."""
        yield from self.binaries
        yield from self.riders

    @property
    def names(self) -> Iterator[tuple[Path, str]]:
        """The app's name and the name of every part, with the path of the value that says it."""
        yield ("name",), self.bundle.name
        for path, part in self.parts:
            yield (*path, "name"), part.name
