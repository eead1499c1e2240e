"""Which header fields go through. Pure. Names are lower-case bytes, as ASGI has them."""

from __future__ import annotations

from collections.abc import Iterable

from cockpitpm.router.law import Door

Fields = list[tuple[bytes, bytes]]

HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
"""Fields that are about one connection only (RFC 9110, section 7.6.1, and what older programs send)."""
OURS = (b"x-hero-", b"x-forwarded-")
"""Fields that a service believes because only a router sets them."""
ALSO_OURS = frozenset({b"forwarded", b"x-real-ip", b"expect", b"host"})


def value(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """The first value of a field, empty if it is absent."""
    return next((v for n, v in fields if n == name), b"")


def request(fields: Fields, door: Door, host: bytes, user: str) -> Fields:
    """What the service is told. `host` is the checked Host; `user` is who was let in, empty if nobody knows."""
    kept = [(n, v) for n, v in _end_to_end(fields) if not _claimed(n)]
    chunked = value(fields, b"transfer-encoding") != b""
    if chunked:  # its length is unknown here too; a length beside it would be a lie
        kept = [(n, v) for n, v in kept if n != b"content-length"] + [(b"transfer-encoding", b"chunked")]
    told = [
        (b"host", host),
        (b"connection", b"close"),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-prefix", door.prefix.encode()),
    ]
    return told + ([(b"x-hero-user", user.encode())] if user else []) + kept


def response(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """What the guest is told."""
    return _end_to_end([(n.lower(), v) for n, v in fields])


def _end_to_end(fields: Fields) -> Fields:
    named = {word.strip().lower() for n, v in fields if n == b"connection" for word in v.split(b",")}
    return [(n, v) for n, v in fields if n not in HOP and n not in named]


def _claimed(name: bytes) -> bool:
    """Whether only a router may say this. Some programs read `x_hero_user` as `x-hero-user`."""
    plain = name.replace(b"_", b"-")
    return plain.startswith(OURS) or plain in ALSO_OURS
