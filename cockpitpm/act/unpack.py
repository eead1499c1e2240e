"""One file out of an archive, piece by piece; nothing of the archive ever reaches a path.

What two programs could read in two ways (a name twice, sizes that disagree, bytes behind the end) is refused.
"""

from __future__ import annotations

import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Callable
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import BinaryIO

from cockpitpm import beneath
from cockpitpm.act.untar import Member, Refused, Xz, untar
from cockpitpm.act.unzip import unzip
from cockpitpm.errors import AssetBroken
from cockpitpm.record.durable import disk

HINT = "Publish a sound archive, or correct the path of the member in the bundle"


def unpack_member(archive: Path, member: str, write: Callable[[bytes], object], limit: int, name: str = "") -> int:
    """Hand the bytes of the regular file `member` to `write`. Gives their number, at most `limit`.

    The archive is a tar.gz, tar.xz or zip, whatever its name; errors call it `name`. What was written before an error
    is worthless. Raises AssetBroken for every fault of the archive, StoreError if it cannot be read; what `write`
    raises goes through.
    """
    with disk("read"), beneath.reading(archive) as source:
        try:
            return _unpack(source, Member(member, write, limit))
        except Refused as error:
            message = f"{name or archive.name} {error}"
        except (EOFError, BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
            message = f"{name or archive.name} cannot be read: {str(error) or 'it is truncated'}"
    raise AssetBroken(message, HINT)


def _unpack(source: BinaryIO, member: Member) -> int:
    name = member.name
    if name.partition("/")[0] in ("", ".", "..") or not name.isprintable() or posixpath.normpath(name) != name:
        raise Refused(f"cannot have a member {name!a}: that is no plain path inside of an archive")
    magic = source.read(6)
    source.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        untar(GzipFile(fileobj=source, mode="rb"), member)
    elif magic == b"\xfd7zXZ\0":
        untar(Xz(source), member)
    elif magic.startswith(b"PK\3\4"):
        unzip(source, member)
    else:
        raise Refused("is neither a tar.gz nor a tar.xz nor a zip archive")
    if member.done is None:
        raise Refused(f"has no member {name}")
    return member.done
