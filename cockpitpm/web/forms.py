"""What a form sends."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from cockpitpm.errors import UsageError

LONGEST = 64 * 1024
FIELDS = 64

EXPIRED = "Nothing was changed: this page had expired"
"""What stands above a form that carries no token of this session any more."""

Form = dict[str, str]


async def read_form(request: Request) -> Form:
    """The fields; of one that stands there twice the last. Raises UsageError for what is no form of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UsageError("A form is urlencoded", "Use the page's own form")
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > LONGEST:
            raise UsageError(f"A form has at most {LONGEST} bytes", "Send less")
    try:
        return dict(parse_qsl(data.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict"))
    except ValueError as error:
        raise UsageError("The form cannot be read", "Use the page's own form") from error
