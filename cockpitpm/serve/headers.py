"""The headers that every answer carries, whoever made it: nothing is loaded from elsewhere, nobody frames or reads."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

NO_STORE = (b"cache-control", b"no-store")


def strict(frames: str = "'none'") -> Headers:
    """The headers. `frames` is who may show the pages in a frame: `'none'` or `'self'`."""
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"x-frame-options", b"SAMEORIGIN" if frames == "'self'" else b"DENY"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


def dressed(given: Iterable[tuple[bytes, bytes]], always: Headers) -> Headers:
    """The headers of an answer with ours in place of its own. It is not kept unless it says itself how long.

    What would open it to other origins is taken out.
    """
    ours = {name for name, _ in always}
    kept = [
        (name, value)
        for name, value in ((name.lower(), value) for name, value in given)
        if name not in ours and not name.startswith(b"access-control-")
    ]
    stored = [] if any(name == NO_STORE[0] for name, _ in kept) else [NO_STORE]
    return [*kept, *always, *stored]
