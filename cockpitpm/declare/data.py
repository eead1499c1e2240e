"""Where the data that comes with cockpitpm is: in an installed package below `cockpitpm/data`, in a checkout at its
root. This is the only module that knows.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from cockpitpm.errors import BundleError

_PACKAGE = Path(__file__).resolve().parent.parent


def _folder(name: str) -> Path:
    for root in (_PACKAGE / "data", _PACKAGE.parent):
        if (root / name).is_dir():
            return root / name
    raise BundleError(f"this installation of cockpitpm has no {name} folder", "Install it again.")


def bundles_folder() -> Path:
    """The bundles that come with this cockpitpm, with `base` and `admin` below. Raises BundleError without them."""
    return _folder("bundles")


@cache
def openrpc() -> bytes:
    """The description of the JSON-RPC methods, an OpenRPC document."""
    return (_folder("schema") / "openrpc.json").read_bytes()


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON schema of this name, such as `bundle`. One object for all callers: not to be changed."""
    found: dict[str, Any] = json.loads((_folder("schema") / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found
