"""What can be wrong with an answer: its length, its coding, its status, its pace, its head, and where it goes on."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

from attrs import evolve, frozen

from cockpitpm.errors import ExitCode
from tests.faults.hostile import Fault, Line, Play, head

FILE, API, DONE = "/download/", "/releases/tags/", "✓"
NO_PARTS = {"Accept_Ranges": "none"}


@frozen(kw_only=True)
class Mode:
    """One way for the network to be bad.

    `told` is a pattern of the one line that an operator reads, DONE where the upgrade must work all the same. `road`
    names how the forge is reached (see `roads`); without one nothing but the answer is bad.
    """

    name: str
    told: str
    fault: Fault | None = None
    road: str = ""
    code: ExitCode = ExitCode.FORGE


def sends(make: Callable[[Line], bytes]) -> Play:
    """Send what is made of the good answer, and hang up."""

    def play(line: Line) -> None:
        line.send(make(line))
        line.fin()

    return play


def changed(**headers: str) -> Play:
    """The good answer with other headers."""
    return sends(lambda line: line.good.raw(**headers))


def sized(change: int, told: bool = True, **headers: str) -> Play:
    """A body with so many bytes more or fewer; `told`: its length says so."""

    def make(line: Line) -> bytes:
        body = line.good.body + bytes(change) if change > 0 else line.good.body[: change or None]
        return evolve(line.good, body=body).raw(length=told, **headers)

    return sends(make)


def status(code: int, **headers: str) -> Play:
    return sends(
        lambda _: head(code, {"Content-Length": "2", **{k.replace("_", "-"): v for k, v in headers.items()}}) + b"{}"
    )


def raw(data: bytes) -> Play:
    return sends(lambda _: data)


def chunked(chunks: Callable[[bytes], bytes], coding: str = "chunked") -> Play:
    def make(line: Line) -> bytes:
        headers = {**line.good.headers, "Transfer-Encoding": coding, "Accept-Ranges": "none"}
        return head(200, headers) + chunks(line.good.body)

    return sends(make)


def cut(line: Line, how: Callable[[Line], None], share: int = 2, **headers: str) -> None:
    """A part of the good answer, then `how` the connection ends."""
    whole = line.good.raw(**headers)
    start = len(whole) - len(line.good.body)
    line.send(whole[: start + len(line.good.body) // share])
    line.wait(0.02)
    how(line)


def first_half_then(rest: Callable[[Line], bytes]) -> Play:
    """The first request gets half, and the one that asks for the rest what `rest` makes."""

    def play(line: Line) -> None:
        if line.header("range"):
            assert line.header("if-range") == line.good.headers["ETag"], "asked for a part without If-Range"
            line.send(rest(line))
            line.fin()
        cut(line, Line.fin)

    return play


def endless(line: Line) -> None:
    line.send(line.good.raw(length=False).removesuffix(line.good.body))
    while True:
        line.send(bytes(65536))


def continues(line: Line) -> None:
    line.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, 0.005, 25)


def hex_of(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def both(name: str, play: Play, file: str, api: str | None = None, **more: int) -> Iterator[Mode]:
    """The same fault on a file and on the API."""
    yield Mode(name=f"file-{name}", told=file, fault=Fault(at=FILE, play=play, **more))
    yield Mode(name=f"api-{name}", told=file if api is None else api, fault=Fault(at=API, play=play, **more))


def _lengths() -> Iterator[Mode]:
    yield from both("length-short", sized(-2), r"bytes instead of", "not JSON|middle of an answer")
    yield from both("length-negative", changed(Content_Length="-1"), "-1 bytes instead", "the length -1")
    yield from both("length-no-number", changed(Content_Length="0x10"), "0x10 bytes instead", "the length 0x10")
    yield from both(
        "length-and-chunks", sends(lambda line: line.good.raw(Transfer_Encoding="chunked")), "a length and chunks"
    )
    for name, second in {"same": 0, "other": 7}.items():
        make = _doubled(second)
        yield from both(f"length-double-{name}", make, "two lengths|not HTTP|bytes instead")
    yield Mode(name="file-length-long", told="bytes instead of", fault=Fault(at=FILE, play=sized(1)))
    yield Mode(name="file-length-absent", told=DONE, fault=Fault(at=FILE, play=sized(0, told=False)))
    play = sized(-5, told=False, **NO_PARTS)
    yield Mode(name="file-length-absent-and-short", told="broke off after", fault=Fault(at=FILE, play=play))
    yield Mode(name="file-length-absent-and-long", told="longer than", fault=Fault(at=FILE, play=sized(5, told=False)))
    yield Mode(name="file-endless", told="longer than", fault=Fault(at=FILE, play=endless))
    yield Mode(name="api-endless", told="over 4 MiB|not finished", fault=Fault(at=API, play=endless))


def _doubled(second: int) -> Play:
    def make(line: Line) -> bytes:
        size = len(line.good.body)
        return line.good.raw().replace(b"\r\n", b"\r\nContent-Length: %d\r\n" % (size + second), 1)

    return sends(make)


def _codings() -> Iterator[Mode]:
    cut_short = chunked(lambda body: hex_of(body)[: len(body) // 2])
    yield from both("chunk-cut", cut_short, "broke off|middle", "middle of an answer")
    yield from both("chunk-size-odd", chunked(lambda body: b"zz\r\n" + body), "broke off|not HTTP|middle")
    yield from both(
        "chunk-size-huge", chunked(lambda body: b"f" * 15 + b"\r\n" + body[:10]), "broke off|not HTTP|middle"
    )
    yield from both("chunk-size-long", chunked(lambda _: b"0" * 200_000), "broke off|not HTTP|middle")
    yield from both("coding-unknown", chunked(hex_of, "gzip, chunked"), "Transfer-Encoding gzip, chunked")
    bomb = gzip.compress(bytes(8 * 1024 * 1024))
    play = sends(lambda line: evolve(line.good, body=bomb).raw(Content_Encoding="gzip"))
    yield from both("gzip-bomb", play, "compressed, unasked|bytes instead", "compressed, unasked")
    yield from both("encoded", changed(Content_Encoding="br"), "compressed, unasked")


def _statuses() -> Iterator[Mode]:
    for code in (500, 502, 503, 504):
        yield from both(f"status-{code}", status(code), f"answers {code}")
    for code in (502, 503, 504):
        play = status(code)
        yield Mode(name=f"file-status-{code}-once", told=DONE, fault=Fault(at=FILE, play=play, times=1))
    yield from both("status-429-for-long", status(429, Retry_After="3600"), "asks to wait 3600 s")
    yield from both("status-429-once", status(429, Retry_After="0"), DONE, times=1)
    yield from both("status-429-odd-date", status(429, Retry_After="Tue, 99 Foo"), DONE, times=1)
    yield Mode(name="file-window-of-404", told="no longer has it", fault=Fault(at=FILE, play=status(404)))
    gone = Fault(at=API, play=status(404))
    yield Mode(name="api-window-of-404", told="no release latest", fault=gone, code=ExitCode.REFUSED)
    for code in (204, 206, 304, 418):
        yield from both(f"status-{code}", status(code), f"answers {code}")
    yield from both("status-401", status(401), "refuses the download|asks for a token", "asks for a token")
    yield from both("status-422", status(422), "answers 422")


def _paces() -> Iterator[Mode]:
    slow = r"too slow|only \d+ B/s|not finished|silent"
    yield from both("trickled-body", lambda line: line.drip(line.good.raw(), 0.03, 8), slow)
    yield from both("trickled-head", lambda line: line.drip(head(200, {"X": "y" * 400}), 0.03), slow)
    yield from both("silent", Line.wait, slow)
    yield from both("silent-in-the-body", lambda line: cut(line, Line.wait, **NO_PARTS), slow)
    trailer = b"0\r\n" + b"X: y\r\n" * 5000

    def trailers(line: Line) -> None:
        body = line.good.body
        line.send(head(200, {**line.good.headers, "Transfer-Encoding": "chunked"}) + hex_of(body))
        line.drip(trailer, 0.02, 6)

    yield from both("endless-trailers", trailers, slow)
    yield from both("endless-100", continues, slow)


def _heads() -> Iterator[Mode]:
    no_http = "not HTTP|longer than|bytes instead|not JSON|broke off|no longer|answers"
    heads = {
        "garbage": b"\x00\xff" * 500,
        "another-protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
        "head-of-1-MB": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
        "head-of-200-lines": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        "status-line-odd": b"HTTP/1.1 99999 x\r\n\r\n",
        "only-a-status-line": b"HTTP/1.1 200 OK\r\n",
    }
    for name, data in heads.items():
        yield from both(name, raw(data), no_http, no_http)
    page = raw(head(200, {"Content-Type": "text/html", "Content-Length": "6"}) + b"<html>")
    yield from both("web-page", page, "a web page came instead", "web page instead of data")


def _breaks() -> Iterator[Mode]:
    yield from both("fin-unanswered", Line.fin, "closed without an answer")
    yield from both("rst-unanswered", Line.reset, "broke: Connection reset by peer")
    yield from both("rst-once", Line.reset, DONE, times=1)
    yield from both(
        "fin-in-the-body", lambda line: cut(line, Line.fin, **NO_PARTS), "broke off after", "middle of an answer"
    )
    yield from both("rst-in-the-body", lambda line: cut(line, Line.reset, **NO_PARTS), "broke|reset", "broke")


def _rests() -> Iterator[Mode]:
    def rest(line: Line, **headers: str) -> bytes:
        return line.good.raw(**headers)

    def of(name: str, told: str, make: Callable[[Line], bytes]) -> Mode:
        return Mode(name=f"rest-{name}", told=told, fault=Fault(at=FILE, play=first_half_then(make)))

    replaced = "replaced while it was read"
    yield of("good", DONE, rest)
    yield of("at-wrong-offset", "instead of the bytes from", lambda x: rest(x, Content_Range="bytes 0-9/10"))
    yield of("without-range", "no range came instead|instead of the bytes", lambda x: rest(x, Content_Range=""))
    yield of(
        "of-unknown-size",
        "instead of the bytes",
        lambda x: rest(x, Content_Range=x.good.headers["Content-Range"].split("/")[0] + "/*"),
    )
    yield of("of-another-upload", replaced, lambda x: rest(x, ETag='"00000000-0000-4000-8000-000000000000"'))
    yield of("without-etag", replaced, lambda x: rest(x, ETag=""))
    yield of("too-short", "bytes instead of", lambda x: evolve(x.good, body=x.good.body[:-1]).raw())
    yield of("too-long", "longer than", lambda x: x.good.raw(length=False) + b"more")
    yield of("encoded", "compressed", lambda x: rest(x, Content_Encoding="gzip"))
    yield of("that-is-the-whole", "does not send the rest", lambda x: evolve(x.good, status=200).raw(Content_Range=""))
    yield of("refused", "answers 416", lambda _: head(416, {"Content-Length": "0"}))
    always = Fault(at=FILE, play=lambda line: cut(line, Line.fin, 50))
    yield Mode(name="rest-cut-for-ever", told="broke off after", fault=always)
    twice = Fault(at=FILE, play=lambda line: cut(line, Line.reset), times=2)
    yield Mode(name="rest-cut-twice", told=DONE, fault=twice)


MODES: tuple[Mode, ...] = tuple(
    mode for part in (_lengths, _codings, _statuses, _paces, _heads, _breaks, _rests) for mode in part()
)
