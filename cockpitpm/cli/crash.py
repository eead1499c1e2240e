"""A traceback is a bug of ours: it goes to a file for us, never to the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from cockpitpm import __version__, beneath
from cockpitpm.cli.session import Session


def save_crash(error: BaseException, session: Session) -> str:
    """Write down what happened, under the root where that can be done. Gives the path of the file."""
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.txt"
    text = _discreet(_text(error, session), session).encode("utf-8", "backslashreplace")
    for folder in _folders(session):
        try:
            handle = beneath.open_file(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except OSError:
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        return str(folder / name)
    return "nothing: no folder takes a crash file"


def _folders(session: Session) -> list[Path]:
    """The machine's own folder if there is a machine, then the temporary one."""
    folders = [Path(beneath.resolved(tempfile.gettempdir()))]
    try:
        var = Path(beneath.resolved(session.root), "var", "cockpitpm")
        if beneath.is_folder(var):
            with suppress(FileExistsError):
                beneath.make_folder(var / "crashes", 0o700)
            folders.insert(0, var / "crashes")
    except Exception:  # noqa: BLE001  the root itself may be what is broken
        return folders
    return folders


def _discreet(text: str, session: Session) -> str:
    """An exception may repeat what it choked on, and the report is sent to us: not with a secret in it."""
    try:
        from cockpitpm.app.secrets import without_secrets

        return without_secrets(session.root, text)
    except Exception:  # noqa: BLE001  what cannot be read now was not read before
        return text


def _text(error: BaseException, session: Session) -> str:
    trace = "".join(traceback.format_exception(error))
    words = " ".join(session.arguments)
    return f"cockpitpm {__version__}\npython {sys.version}\narguments: {words}\n\n{trace}"
