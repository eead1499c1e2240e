"""The paths of the server: what is let in, what is told about the machine, what is counted."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette

from cockpitpm import __version__
from cockpitpm.rpc import routes
from cockpitpm.rpc.endpoints import LONGEST
from tests.unit.rpc.scene import JSON, Scene

CALL = {"jsonrpc": "2.0", "id": 1, "method": "cockpit.jobs"}


def padded(size: int) -> bytes:
    """A call of exactly so many bytes."""
    body = json.dumps(CALL).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_json_is_let_in(bare: Scene, kind: str) -> None:
    reply = bare.post(CALL, {"content-type": kind})
    assert reply.status_code == 200 and reply.json()["result"] == {"jobs": []}
    assert reply.headers["content-type"] == "application/json" and reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json, text/plain"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "text/plain; application/json"},
    ],
)
def test_any_other_type_is_turned_away(bare: Scene, headers: dict[str, str]) -> None:
    reply = bare.post(CALL, headers)
    assert reply.status_code == 415
    assert reply.json()["error"]["code"] == -32600 and reply.json()["id"] is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_calls_are_posted(bare: Scene, method: str) -> None:
    assert bare.ask(method, "/rpc", json.dumps(CALL).encode(), JSON).status_code == 405


@pytest.mark.parametrize("path", ["/openrpc.json", "/health", "/metrics", "/.well-known/heroservice.json"])
def test_the_other_paths_only_tell(bare: Scene, path: str) -> None:
    assert bare.ask("POST", path, b"{}", JSON).status_code == 405
    assert bare.ask("HEAD", path).status_code == 200


def test_a_request_has_a_longest_length(bare: Scene) -> None:
    assert bare.post(padded(LONGEST)).status_code == 200
    reply = bare.post(padded(LONGEST + 1))
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == -32600 and reply.json()["id"] is None


def pieces(scene: Scene, *sent: dict[str, Any], pause: float = 0.0) -> list[dict[str, Any]]:
    """What the application answers to a body that comes in these pieces."""
    got: list[dict[str, Any]] = []
    left = list(sent)

    async def receive() -> dict[str, Any]:
        if not left:
            await anyio.sleep_forever()
        await anyio.sleep(pause)
        return left.pop(0)

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    head = {"type": "http", "method": "POST", "path": "/rpc", "query_string": b"", "http_version": "1.1"}
    scope = {**head, "headers": [(b"content-type", b"application/json")], "root_path": "", "scheme": "http"}

    async def served() -> None:
        with anyio.fail_after(10):
            await scene.app(scope, receive, send)

    anyio.run(served)
    return got


def piece(data: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


def test_a_length_that_nobody_announced_is_counted(bare: Scene) -> None:
    got = pieces(bare, *[piece(b" " * (LONGEST // 2)) for _ in range(3)])
    assert got[0]["status"] == 413


def test_a_call_may_come_in_pieces(bare: Scene) -> None:
    body = json.dumps(CALL).encode()
    got = pieces(bare, piece(body[:10]), piece(body[10:], more=False))
    assert got[0]["status"] == 200 and json.loads(got[1]["body"])["result"] == {"jobs": []}


def test_whoever_goes_in_the_middle_orders_nothing(scene: Scene) -> None:
    order = json.dumps({**CALL, "method": "cockpit.upgrade_service", "params": {"service": "duo"}}).encode()
    pieces(scene, piece(order), {"type": "http.disconnect"})
    assert scene.call("cockpit.jobs") == {"jobs": []}


def test_a_slow_request_is_not_waited_for(bare: Scene) -> None:
    bare.app = Starlette(routes=routes(bare.engine, patience=0.05))
    got = pieces(bare, piece(b"{"))
    assert got[0]["status"] == 408 and json.loads(got[1]["body"])["error"]["code"] == -32600


def test_nothing_to_answer_is_no_content(bare: Scene) -> None:
    silent = {"jsonrpc": "2.0", "method": "cockpit.jobs"}
    for body in (silent, [silent], [silent, silent]):
        reply = bare.post(body)
        assert (reply.status_code, reply.content) == (204, b"")


def test_a_notification_does_what_it_says(scene: Scene) -> None:
    scene.post({"jsonrpc": "2.0", "method": "cockpit.upgrade_service", "params": {"service": "duo"}})
    assert [job["state"] for job in scene.call("cockpit.jobs")["jobs"]] == ["done"]


def test_errors_of_the_protocol_are_answers(bare: Scene) -> None:
    for body, code in ((b"{", -32700), (b"[]", -32600), (b"1", -32600)):
        reply = bare.post(body)
        assert reply.status_code == 200 and reply.json()["error"]["code"] == code


def test_answers_are_ascii(bare: Scene) -> None:
    reply = bare.post(
        {**CALL, "id": "\u202e\x7f\x1bé", "method": "cockpit.explain", "params": {"service": "\u202e\x7f"}}
    )
    assert reply.content.isascii() and b"\x7f" not in reply.content and b"\x1b" not in reply.content
    assert reply.json()["id"] == "\u202e\x7f\x1bé"


def test_health_needs_no_machine(bare: Scene) -> None:
    settings = bare.engine.host().layout.settings
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("role: [")
    assert bare.get("/health").json() == {"status": "ok", "name": "hero_cockpit", "version": __version__}
    reply = bare.get("/.well-known/heroservice.json")
    assert reply.status_code == 503 and reply.json()["error"]["code"] == -31011
    assert "cockpitpm_readable 0.0" in bare.get("/metrics").text


def test_who_this_is_tells_the_role_and_not_the_place(root: Path) -> None:
    told = Scene(root, env_role="admin").get("/.well-known/heroservice.json").json()
    assert (told["name"], told["kind"], told["version"], told["role"]) == (
        "hero_cockpit",
        "server",
        __version__,
        "admin",
    )
    assert told["root"] == sha256(str(root / "root").encode()).hexdigest()
    assert told["openrpc"] == "/openrpc.json" and str(root) not in json.dumps(told)
    assert Scene(root, env_role="Admin").get("/.well-known/heroservice.json").json()["role"] == "tester"


def metric(scene: Scene, line: str) -> float:
    found = [one for one in scene.get("/metrics").text.splitlines() if one.startswith(f"{line} ")]
    assert len(found) == 1, line
    return float(found[0].split()[-1])


def test_metrics_count_calls_and_tell_of_the_machine(scene: Scene) -> None:
    scene.call("cockpit.upgrade_service", service="duo")
    scene.fault("cockpit.upgrade_service", service="nobody")
    scene.post({**CALL, "method": "made.up\n"})
    scene.post(b"{")
    calls = "cockpitpm_rpc_requests_total"
    assert metric(scene, calls + '{method="cockpit.upgrade_service",result="ok"}') == 1
    assert metric(scene, calls + '{method="cockpit.upgrade_service",result="unknown_name"}') == 1
    assert metric(scene, calls + '{method="unknown",result="method_not_found"}') == 1
    assert metric(scene, calls + '{method="unknown",result="parse_error"}') == 1
    assert metric(scene, 'cockpitpm_jobs{state="done"}') == 1
    assert metric(scene, 'cockpitpm_apps{state="installed"}') == 1
    assert metric(scene, 'cockpitpm_services{state="running"}') == 3
    scene.machine.world.die("duo_admin")
    scene.engine.view(0)
    assert metric(scene, 'cockpitpm_app_notes{note="failed"}') == 1
    scene.engine.host().clock.sleep(7)
    assert metric(scene, "cockpitpm_last_look_seconds") == pytest.approx(7, abs=0.1)
    assert scene.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


def test_each_server_counts_for_itself(root: Path) -> None:
    one, other = Scene(root), Scene(root)
    one.call("cockpit.jobs")
    assert 'method="cockpit.jobs"' not in other.get("/metrics").text
