"""The style sheet and the script, under names that change with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"


@cache
def assets() -> dict[str, tuple[str, bytes, str]]:
    """By plain name: the name with its hash, the bytes, the content type."""
    return {path.name: _asset(path) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}


def _asset(path: Path) -> tuple[str, bytes, str]:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()[:12]
    return f"{path.stem}.{digest}{path.suffix}", data, TYPES[path.suffix]


def address(name: str) -> str:
    """The path of an asset, below the prefix."""
    return f"/static/{assets()[name][0]}"


def serve(request: Request) -> Response:
    """An asset by its name with hash. A name of another build is none of ours."""
    asked = request.path_params["name"]
    for name, data, kind in assets().values():
        if name == asked:
            return Response(data, media_type=kind, headers={"cache-control": FOREVER})
    return Response("There is no such file.\n", status_code=404, media_type="text/plain")
