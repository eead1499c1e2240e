"""The envelope of JSON-RPC 2.0: whatever comes in, exactly one legal answer goes out, or none where none is due."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Invocation
from cockpitpm.errors import UsageError
from cockpitpm.rpc.dispatch import Dispatcher
from cockpitpm.rpc.envelope import MOST
from cockpitpm.rpc.method import Asker, Method, Param
from cockpitpm.rpc.reading import DEEPEST

PARSE, INVALID, NO_METHOD, PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603


def _add(_asker: Asker, params: Any) -> Any:
    return {"sum": params["a"] + params.get("b", 0)}


def _fall(_asker: Asker, _params: Any) -> Any:
    raise ZeroDivisionError("a secret of the server")


def _mind(_asker: Asker, _params: Any) -> Any:
    raise UsageError("that makes no sense", "say something else")


NUMBER = {"type": "integer"}
TABLE = {
    one.name: one
    for one in (
        Method(
            name="add",
            summary="",
            result={},
            answer=_add,
            params=(
                Param(name="a", summary="", schema=NUMBER, required=True),
                Param(name="b", summary="", schema=NUMBER),
            ),
        ),
        Method(name="fall", summary="", result={}, answer=_fall),
        Method(name="mind", summary="", result={}, answer=_mind),
    )
}
COUNTED: list[tuple[str, str]] = []
DISPATCHER = Dispatcher(lambda method, result: COUNTED.append((method, result)), TABLE)


def answer(body: bytes | Any) -> Any:
    """The tree of the answer, None where there is none."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    # None of these methods asks the machine anything.
    asker = Asker(engine=Engine(Invocation(root=Path("/nowhere"))), actor="somebody")
    found = anyio.run(DISPATCHER.answer, content, asker)
    return None if found is None else json.loads(found)


def call(method: str, params: Any = ..., ident: Any = 1, **more: Any) -> dict[str, Any]:
    tree = {"jsonrpc": "2.0", "id": ident, "method": method, **more}
    return tree if params is ... else {**tree, "params": params}


def code(tree: Any) -> int:
    assert set(tree) == {"jsonrpc", "id", "error"} and tree["jsonrpc"] == "2.0"
    assert set(tree["error"]) == {"code", "message", "data"}
    assert set(tree["error"]["data"]) == {"code_name", "retryable", "hint", "detail"}
    found = tree["error"]["code"]
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize("ident", [0, 1, -7, 2**70, 1.5, "", "a", "é\u202e", "null"])
def test_the_id_comes_back_as_it_was(ident: Any) -> None:
    assert answer(call("add", {"a": 1, "b": 2}, ident)) == {"jsonrpc": "2.0", "id": ident, "result": {"sum": 3}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        b'{"a": 1, "a": 2}',
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"add","params":{"a":1}}',
        b'{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":1,"a":2}}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b'{"jsonrpc":"2.0","id":1e999,"method":"add"}',
        b"9" * 5000,
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b"[" * 100_000,
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1),
        b"{} {}",
        b"{},",
        b"\x00",
        b"{'jsonrpc': '2.0'}",
    ],
)
def test_what_is_no_certain_json_is_a_parse_error_without_an_id(body: bytes) -> None:
    found = answer(body)
    assert code(found) == PARSE and found["id"] is None


def test_what_is_deep_and_still_allowed_is_read() -> None:
    assert code(answer(b"[" * DEEPEST + b"]" * DEEPEST)[0]) == INVALID


@pytest.mark.parametrize(
    ("tree", "ident"),
    [
        ({}, None),
        ([], None),
        (1, None),
        ("rpc", None),
        (True, None),
        (None, None),
        ({"jsonrpc": "2.0", "method": 1, "params": "bar"}, None),
        ({"jsonrpc": "2.0", "method": 1, "id": 4}, 4),
        (call("add", "bar"), 1),
        (call("add", None), 1),
        (call("add", {"a": 1}, None), None),
        (call("add", {"a": 1}, True), None),
        (call("add", {"a": 1}, [1]), None),
        (call("add", {"a": 1}, {}), None),
        ({"id": 1, "method": "add", "params": {"a": 1}}, 1),
        ({"jsonrpc": 2.0, "id": "x", "method": "add"}, "x"),
        ({"jsonrpc": "2.1", "id": 1, "method": "add"}, 1),
        ({"jsonrpc": "2.0", "id": 1}, 1),
        ({"jsonrpc": "2.0", "id": 1, "result": 1}, 1),
    ],
)
def test_what_is_no_call_is_an_invalid_request(tree: Any, ident: Any) -> None:
    found = answer(tree)
    assert code(found) == INVALID and found["id"] == ident


@pytest.mark.parametrize("method", ["", "Add", "add ", "cockpit.add", "rpc.add", "rpc.", "rpc.discover2", "__init__"])
def test_an_unknown_method_is_named_so(method: str) -> None:
    found = answer(call(method))
    assert code(found) == NO_METHOD and found["id"] == 1


@pytest.mark.parametrize(
    "params",
    [
        {"b": 1},
        {"a": "1"},
        {"a": True},
        {"a": 1.5},
        {"a": None},
        {"a": 1, "c": 1},
        {"A": 1},
        {},
        [],
        [1],
        [1, 2],
        [[]],
    ],
)
def test_params_are_checked_before_anything_is_done(params: Any) -> None:
    found = answer(call("add", params))
    assert code(found) == PARAMS
    assert "a, b" in found["error"]["data"]["hint"], "the way out names what it takes"


def test_params_may_be_left_out() -> None:
    assert code(answer(call("add"))) == PARAMS
    assert code(answer(call("mind"))) == PARAMS
    assert code(answer(call("rpc.discover", {"a": 1}))) == PARAMS
    assert code(answer(call("fall", []))) == INTERNAL


def test_words_that_make_no_sense_are_invalid_params() -> None:
    data = answer(call("mind"))["error"]["data"]
    assert (data["detail"], data["hint"]) == ("that makes no sense", "say something else")


def test_a_bug_is_told_without_what_it_knows(caplog: pytest.LogCaptureFixture) -> None:
    found = answer(call("fall"))
    assert code(found) == INTERNAL
    assert "secret" not in json.dumps(found) and "Traceback" not in json.dumps(found)
    assert "a secret of the server" in caplog.text, "the log has it"


@pytest.mark.parametrize("method", ["add", "fall", "nobody", "rpc.discover", "mind"])
@pytest.mark.parametrize("params", [{"a": 1}, {}, [1]])
def test_a_notification_is_never_answered(method: str, params: Any) -> None:
    tree = call(method, params)
    del tree["id"]
    assert answer(tree) is None
    assert answer([tree, tree]) is None


def test_a_batch_is_answered_one_by_one() -> None:
    silent = {"jsonrpc": "2.0", "method": "add", "params": {"a": 1}}
    found = answer([call("add", {"a": 1}, "x"), silent, 1, call("nobody", ident=2), call("add", {"a": 2}, "x")])
    assert [tree["id"] for tree in found] == ["x", None, 2, "x"]
    assert [tree.get("result") or code(tree) for tree in found] == [{"sum": 1}, INVALID, NO_METHOD, {"sum": 2}]


def test_a_batch_has_an_end() -> None:
    calls = [call("add", {"a": n}, n) for n in range(MOST + 1)]
    assert len(answer(calls[:MOST])) == MOST
    found = answer(calls)
    assert code(found) == INVALID and found["id"] is None


def test_every_call_is_counted() -> None:
    COUNTED.clear()
    answer([call("add", {"a": 1}), call("nobody"), call("add", {}), 1, {"jsonrpc": "2.0", "method": "fall"}])
    answer(b"{")
    assert COUNTED == [
        ("add", "ok"),
        ("unknown", "method_not_found"),
        ("add", "invalid_params"),
        ("unknown", "invalid_request"),
        ("fall", "internal_error"),
        ("unknown", "parse_error"),
    ]


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT)
ANY = st.recursive(SCALAR, lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT, part, max_size=3))
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | ANY,
        "id": SCALAR | ANY,
        "method": st.sampled_from([*TABLE, "rpc.x", "nobody"]) | ANY,
        "params": st.fixed_dictionaries({"a": st.integers()}) | ANY,
        "more": SCALAR,
    },
)


def is_call(tree: Any) -> bool:
    """The rules of the specification, written a second time."""
    return (
        isinstance(tree, dict)
        and tree.get("jsonrpc") == "2.0"
        and isinstance(tree.get("method"), str)
        and type(tree.get("params", {})) in (dict, list)
        and type(tree.get("id", 1)) in (int, float, str)
    )


def legal(tree: Any) -> None:
    """An answer has exactly one of result and error, and an id unless its call could not be read."""
    assert tree["jsonrpc"] == "2.0" and ("result" in tree) != ("error" in tree)
    assert len(tree) == 3 and "id" in tree
    if tree["id"] is None:
        assert code(tree) in (PARSE, INVALID)


def due(tree: Any) -> int:
    """How many answers a request gets."""
    if isinstance(tree, list) and 0 < len(tree) <= MOST:
        return sum(due(one) if not isinstance(one, list) else 1 for one in tree)
    return 0 if is_call(tree) and "id" not in tree else 1


@given(st.binary(max_size=64) | TEXT.map(str.encode))
def test_any_bytes_get_exactly_one_answer(body: bytes) -> None:
    found = answer(body)
    for one in found if isinstance(found, list) else [found]:
        legal(one)


@given(ALMOST | st.lists(ALMOST | ANY, max_size=4) | ANY)
def test_any_json_gets_as_many_answers_as_are_due(tree: Any) -> None:
    found = answer(tree)
    answers = [] if found is None else found if isinstance(found, list) else [found]
    for one in answers:
        legal(one)
    assert len(answers) == due(tree)
    calls = [one for one in (tree if isinstance(tree, list) else [tree]) if is_call(one) and "id" in one]
    told = [one["id"] for one in answers if one["id"] is not None]
    assert [c["id"] for c in calls if c["id"] in told] == [c["id"] for c in calls], "every id comes back, in order"
