"""The least that gives the same JSON over a unix socket: one Starlette handler that spells the object at each call."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def serve(socket: str, file: str) -> None:
    """Answer every POST with the object in the file."""
    answer = json.loads(Path(file).read_bytes())

    async def rpc(_request: Request) -> JSONResponse:
        return JSONResponse(answer)

    app = Starlette(routes=[Route("/rpc", rpc, methods=["POST"])])
    uvicorn.run(app, uds=socket, log_config=None, access_log=False, lifespan="off")


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
