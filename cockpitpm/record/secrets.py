"""Secrets of one machine: `<folder>/<context>/<KEY>`, files 0600 in folders 0700. Knows values, shows none.

The folder and everything below it is ours alone: a symbolic link in there is refused, never followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.errors import StoreError, UsageError
from cockpitpm.record.durable import disk, make_folder, remove, replace_file

LARGEST = 64 * 1024
"""Bytes of one value; the kernel gives no process a longer variable than twice that."""
_CONTEXT = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,99}")


@frozen(kw_only=True)
class Kept:
    """That there is a secret, and when it was set (seconds since 1970). Not what it is."""

    context: str
    key: str
    at: float


class Secrets:
    """The secrets below one folder, `<root>/cfg/cockpitpm/secrets`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, context: str, key: str) -> str | None:
        """The value, None if there is none. Raises StoreError for what is no plain file of text."""
        path = self._path(context, key)
        if not self._real(path.parent):
            return None
        with disk("read the secret"):
            return _read(path)

    def set(self, context: str, key: str, value: str) -> None:
        """Keep the value durably. Raises UsageError for one that no variable can hold."""
        path = self._path(context, key)
        data = _bytes(value)
        self._real(path.parent)
        with disk("write the secret"):
            make_folder(self._folder.parent, 0o755)
            for folder in (self._folder, path.parent):
                make_folder(folder, 0o700)
                beneath.set_mode(folder, 0o700)
            replace_file(path, data, 0o600)

    def unset(self, context: str, key: str) -> bool:
        """Forget the value. Gives whether there was one."""
        path = self._path(context, key)
        if not self._real(path.parent):
            return False
        with disk("remove the secret"):
            there = beneath.seen(path) is not None
            remove(path.with_name(f".{path.name}.new"))  # a write that a power cut had ended
            remove(path)
        return there

    def context(self, context: str) -> dict[str, str]:
        """Every secret of a context."""
        found = {key: self.get(context, key) for key in self._keys(context)}
        return {key: value for key, value in found.items() if value is not None}

    def contexts(self) -> tuple[str, ...]:
        """The contexts that have a folder, sorted."""
        if not self._real(self._folder):
            return ()
        with disk("list the secrets"):
            return tuple(name for name in beneath.names(self._folder) if _CONTEXT.fullmatch(name))

    def list(self, context: str = "") -> tuple[Kept, ...]:
        """The names of all secrets, or of those of one context, and since when they are."""
        contexts = (context,) if context else self.contexts()
        return tuple(self._kept(name, key) for name in contexts for key in self._keys(name))

    def _kept(self, context: str, key: str) -> Kept:
        path = self._path(context, key)
        with disk("look at the secret"):
            return Kept(context=context, key=key, at=beneath.look(path).st_mtime)

    def _keys(self, context: str) -> tuple[str, ...]:
        folder = self._path(context, "X").parent
        if not self._real(folder):
            return ()
        with disk("list the secrets"):
            return tuple(name for name in beneath.names(folder) if _KEY.fullmatch(name))

    def _path(self, context: str, key: str) -> Path:
        check(context, key)
        return self._folder / context / key

    def _real(self, folder: Path) -> bool:
        """Whether the folder is there. Raises StoreError if it, or the one of all secrets, is none of ours."""
        with disk("look at the secrets"):
            return all(_is_folder(one) for one in dict.fromkeys((self._folder, folder)))


def check(context: str, key: str) -> None:
    """Raise UsageError for names that no secret can have."""
    if not _CONTEXT.fullmatch(context):
        hint = "A context is small letters, digits, _ and -, such as cockpit"
        raise UsageError(f"{context!r} is not the name of a context", hint)
    if not _KEY.fullmatch(key):
        # A value that was typed in the place of its name must not be repeated.
        raise UsageError("That is not the name of a secret", "A name is capitals, digits and _, such as API_TOKEN")


def _is_folder(path: Path) -> bool:
    found = beneath.seen(path)
    if found is None:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise _odd(path, "a folder")
    return True


def _read(path: Path) -> str | None:
    if beneath.is_link(path):
        raise _odd(path, "a file")
    try:
        with _opened(path) as handle:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
                raise _odd(path, "a small file")
            return _all(handle).decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise StoreError(f"The secret {path} is not text", "Set it again with `cockpitpm secret set`") from None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = beneath.open_file(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield handle
    finally:
        os.close(handle)


def _all(handle: int) -> bytes:
    data = b""
    while piece := os.read(handle, LARGEST):
        data += piece
    return data


def _bytes(value: str) -> bytes:
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise UsageError("The value is not text in UTF-8", "Encode it, with base64 for example") from None
    if not data or b"\0" in data or len(data) > LARGEST:
        message = "A secret has at least one byte, at most 64 KiB, and no zero byte"
        raise UsageError(message, "Send its value to the command, such as `cockpitpm secret set … <file`")
    return data


def _odd(path: Path, wanted: str) -> StoreError:
    return StoreError(
        f"{path} is not {wanted} of our own", f"Look at it, move it away, and set the secret again: {path}"
    )
