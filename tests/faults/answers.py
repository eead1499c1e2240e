"""Answers of a forge that wants to break who reads them: each with what an operator is told, or that it is fine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from cockpitpm.errors import ExitCode
from tests.faults.bodies import API, DONE, Mode, sends
from tests.faults.hostile import Fault, Line, Play, head

TAG, COMMIT, COUNT = "/duo/tags/", "/git/commits/", "/commits?sha="
Json = dict[str, Any]
UUID = "00000000-0000-4000-8000-000000000001"
LISTED = "objects and lists"


def document(change: Callable[[Json], object]) -> Play:
    """The good document after a change; what the change returns is sent instead, if it is bytes or another value."""

    def make(line: Line) -> bytes:
        tree = json.loads(line.good.body)
        made = change(tree)
        body = made if isinstance(made, bytes) else json.dumps(tree if made is None else made).encode()
        return head(200, {**line.good.headers, "Content-Length": str(len(body))}) + body

    return sends(make)


def instead(body: bytes) -> Play:
    return document(lambda _: body)


def field(key: str, value: object) -> Play:
    return document(lambda tree: tree.update({key: value}))


def of_asset(key: str, value: object) -> Play:
    """One field of every asset."""
    return document(lambda tree: [asset.update({key: value}) for asset in tree["assets"]] and None)


def extra(count: int, **fields: object) -> Play:
    """More assets, that nobody wants."""

    def change(tree: Json) -> None:
        for number in range(count):
            uuid = f"00000000-0000-4000-8000-{number:012d}"
            tree["assets"].append({**tree["assets"][0], "name": f"x{number}", "uuid": uuid, **fields})

    return document(change)


def text(old: str, new: str) -> Play:
    """The good document with another text in place of one, once."""
    return document(lambda tree: json.dumps(tree).replace(old, new, 1).encode(errors="surrogatepass"))


def _without(key: str) -> Play:
    return document(lambda tree: tree.pop(key) and None)


def _twins(tree: Json) -> None:
    tree["assets"] += [{**asset, "uuid": UUID} for asset in tree["assets"]]


def _counted(header: str, body: bytes = b"[{}]") -> Play:
    return sends(lambda _: head(200, {"Content-Length": str(len(body)), "X-Total-Count": header}) + body)


NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "cut": b'{"id": 1, "tag_name": "late',
    "two": b"{} {}",
    "bad-utf-8": b'{"id": "\xff\xfe"}',
    "utf-16": '{"id": 1}'.encode("utf-16"),
    "marked": b"\xef\xbb\xbf{}",
    "brackets": b"[" * 40_000,
    "digits": b'{"id": ' + b"9" * 5000 + b"}",
    "single-quotes": b"{'id': 1}",
    "nul": b"\0" * 100,
}
NO_OBJECT = {"list": b"[]", "null": b"null", "text": b'"x"', "number": b"7", "true": b"true"}
BAD_IDS = {"true": True, "negative": -1, "huge": 2**70, "text": "7", "fraction": 1.0, "list": [1]}
BAD_SIZES = {"negative": -1, "over": 2**53 + 1, "huge": 2**70, "true": True, "text": "1", "fraction": 1.5, "none": None}
BAD_UUIDS = {"empty": "", "path": "../../x", "upper": UUID.replace("0", "A"), "line": UUID + "\n", "number": 5}
BAD_TIMES = {
    "word": "yesterday",
    "no-zone": "2026-06-11T23:53:53",
    "year-1": "0001-01-01T00:00:00+23:59",
    "year-9999": "9999-12-31T23:59:59-23:59",
    "month-13": "2026-13-11T23:53:53Z",
    "digits": "٢٠٢٦-06-11T23:53:53Z",
    "line": "2026-06-11T23:53:53Z\n",
}
BAD_NAMES = {
    "empty": "",
    "up": "..",
    "path": "a/b",
    "backslash": "a\\b",
    "nul": "a\0b",
    "line": "a\nb",
    "escape": "a\x1b[2Jb",
    "bidi": "a\u202eb",
    "invisible": "a\u200bb",
    "surrogate": "\ud800",
    "long": "x" * 256,
    "long-in-bytes": "€" * 86,
    "number": 5,
}
BAD_ADDRESSES = {
    "none": (None, "is not a text"),
    "line": ("http://forge.test/\nx", "is not an address"),
    "foreign": ("http://forge.test/ü", "is not an address"),
    "long": ("http://forge.test/" + "x" * 5000, "is not an address"),
    "file": ("file:///etc/passwd", "not an http or https address"),
    "script": ("javascript:alert(1)", "not an http or https address"),
    "elsewhere": ("http://example.test/x", "nor named as its storage"),
    "inside": ("http://169.254.169.254/x", "inside this machine"),
}
BAD_DIGESTS = {"short": {"sha256": "abc"}, "no-hex": {"digest": "sha256:" + "z" * 64}, "wrong-kind": {"sha256": 5}}
BAD_COMMITS = {"short": "abc", "upper": "A" * 40, "line": "a" * 40 + "\n", "none": None, "ref": "refs/heads/main"}


def _of(at: str, name: str, told: str, play: Play, code: ExitCode = ExitCode.FORGE) -> Mode:
    return Mode(name=name, told=told, fault=Fault(at=at, play=play), code=code)


def _documents() -> Iterator[Mode]:
    for name, body in NO_JSON.items():
        yield _of(API, f"no-json-{name}", "is not JSON", instead(body))
    for name, body in NO_OBJECT.items():
        yield _of(API, f"no-object-{name}", "is not a JSON object", instead(body))
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        yield _of(API, f"no-number-{word}", f"{word} is no number", text('"id": ', f'"x": {word}, "id": '))
    yield _of(API, "key-twice", "a key appears twice", text('"id": ', '"id": 1, "id": '))
    yield _of(API, "key-of-an-asset-twice", "a key appears twice", text('"size": ', '"size": 1, "size": '))
    yield _of(API, "deep", "32 levels deep", field("x", json.loads("[" * 40 + "]" * 40)))
    yield _of(API, "deep-but-not-too", DONE, field("x", json.loads("[" * 30 + "]" * 30)))
    yield _of(API, "a-million-objects", LISTED, field("x", [{}] * 60_000))
    yield _of(API, "a-million-assets", f"{LISTED}|at most 1000", field("assets", [{}] * 49_000))
    yield _of(API, "over-4-MiB", "over 4 MiB", field("body", "x" * (4 * 1024 * 1024)))
    yield _of(API, "just-4-MiB", DONE, field("body", "x" * (4 * 1024 * 1024 - 8192)))
    yield _of(API, "unknown-fields", DONE, field("unknown", {"a": [1.5, None, "\x1b[2J\u202e"]}))
    pages = sends(lambda line: line.good.raw(Link='<http://forge.test/?page=2>; rel="next"', X_Total_Count="999999999"))
    yield _of(API, "endless-pages", DONE, pages)


def _releases() -> Iterator[Mode]:
    yield _of(API, "id-missing", "id is not a whole number", _without("id"))
    for name, value in BAD_IDS.items():
        yield _of(API, f"id-{name}", "id is not a whole number", field("id", value))
    yield _of(API, "tag-of-another", "only one at 'other'", field("tag_name", "other"))
    yield _of(API, "tag-of-another-case", "only one at 'Latest'", field("tag_name", "Latest"))
    yield _of(API, "tag-with-a-line", r"only one at 'latest\\n'", field("tag_name", "latest\n"))
    yield _of(API, "tag-number", "tag_name is not a text", field("tag_name", 1))
    yield _of(API, "draft-word", "draft is neither true nor false", field("draft", "false"))
    yield _of(API, "draft", "is still a draft", field("draft", True), ExitCode.REFUSED)
    for name, value in BAD_TIMES.items():
        yield _of(API, f"time-{name}", "created_at is not a time", field("created_at", value))
    yield _of(API, "assets-none", "holds no asset yet", field("assets", None), ExitCode.REFUSED)
    yield _of(API, "assets-object", "assets is not a list", field("assets", {}))
    yield _of(API, "assets-null", r"assets\[0\] is not a JSON object", field("assets", [None]))
    yield _of(API, "assets-1001", "assets is not a list of at most 1000", extra(999))
    yield _of(API, "assets-1000", DONE, extra(998))


def _assets() -> Iterator[Mode]:
    for name, value in BAD_NAMES.items():
        yield _of(API, f"name-{name}", "name (is not a text|.* cannot be a file name)", extra(1, name=value))
    for name, value in BAD_SIZES.items():
        yield _of(API, f"size-{name}", "size is not a whole number", of_asset("size", value))
    yield _of(API, "size-untrue", "bytes instead of 5", of_asset("size", 5))
    for name, value in BAD_UUIDS.items():
        yield _of(API, f"uuid-{name}", "uuid is not a (UUID|text)", of_asset("uuid", value))
    yield _of(API, "uuid-of-another", "was replaced since the release was read", of_asset("uuid", UUID))
    for name, value in BAD_TIMES.items():
        yield _of(API, f"asset-time-{name}", "created_at is not a time", of_asset("created_at", value))
    for name, (address, told) in BAD_ADDRESSES.items():
        yield _of(API, f"address-{name}", told, of_asset("browser_download_url", address))
    for name, more in BAD_DIGESTS.items():
        yield _of(API, f"digest-{name}", "sha256|digest", extra(1, **more))
    yield _of(API, "digest-of-other-bytes", "0{64}|SHA-256|sha256", of_asset("sha256", "0" * 64))
    yield _of(API, "link", "is a link to another place", of_asset("type", "external"), ExitCode.REFUSED)
    yield _of(API, "link-nobody-wants", DONE, extra(1, type="external"))
    yield _of(API, "type-number", "type is not a text", of_asset("type", 5))
    yield _of(API, "twins", "more than once", document(_twins), ExitCode.REFUSED)
    yield _of(API, "twins-nobody-wants", DONE, extra(2, name="other"))


def _commits() -> Iterator[Mode]:
    for name, value in BAD_COMMITS.items():
        yield _of(TAG, f"commit-{name}", "sha is not a", field("commit", {"sha": value}))
    yield _of(TAG, "commit-list", "commit is not a JSON object", field("commit", []))
    yield _of(TAG, "tag-answers-another", "only one at 'other'", field("name", "other"))
    yield _of(COMMIT, "date-of-another", "is not the commit that was asked for", field("sha", "b" * 40))
    yield _of(COMMIT, "date-year-1", "created is not a time", field("created", BAD_TIMES["year-1"]))
    yield _of(COMMIT, "date-untold", DONE, _without("created"))
    yield _of(COUNT, "count-no-list", "is not a JSON list", _counted("1", b"{}"))
    yield _of(COUNT, "count-no-json", "is not JSON", _counted("1", b"[{}"))
    for name, header in {"none": "", "negative": "-1", "word": "1e3", "huge": "9" * 40, "digits": "\xb9"}.items():
        yield _of(COUNT, f"count-{name}", ".", _counted(header), ExitCode.REFUSED)


ANSWERS: tuple[Mode, ...] = tuple(mode for part in (_documents, _releases, _assets, _commits) for mode in part())
