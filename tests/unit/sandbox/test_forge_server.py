"""The sandbox forge answers as the real one does, its oddities included."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import urllib3
from attrs import define, field

from cockpitpm.sandbox.forge import Fault, ForgeServer, ForgeState, Order, Publisher, Repository

FULL = "alpha/beta"
BERLIN = timezone(timedelta(hours=2))


@define
class Client:
    """Plain requests to the forge, with a token that may write."""

    state: ForgeState
    server: ForgeServer
    pool: urllib3.PoolManager = field(factory=lambda: urllib3.PoolManager(retries=False))

    @property
    def repo(self) -> Repository:
        return self.state.repo(FULL)

    @property
    def publisher(self) -> Publisher:
        return Publisher(self.state)

    def ask(self, path: str, method: str = "GET", token: str = "", **more: Any) -> urllib3.BaseHTTPResponse:
        headers = {**({"Authorization": f"token {token}"} if token else {}), **more.pop("headers", {})}
        return self.pool.request(method, self.server.url + path, headers=headers, redirect=False, **more)

    def api(self, path: str, method: str = "GET", token: str = "", **more: Any) -> tuple[int, Any]:
        reply = self.ask(f"/api/v1/repos/{FULL}{path}", method, token, **more)
        return reply.status, reply.json() if reply.data else None


@pytest.fixture
def client() -> Iterator[Client]:
    state = ForgeState(clock=lambda: datetime(2026, 6, 11, 23, 53, 53, 999, BERLIN))
    state.token("good")
    with ForgeServer(state) as server:
        found = Client(state, server)
        yield found
        found.pool.clear()
    assert not state.mishaps


def test_version_and_limits(client: Client) -> None:
    assert client.ask("/api/v1/version").json() == {"version": "11.0.1+gitea-1.22.0"}
    assert client.ask("/api/v1/settings/api").json() == {"max_response_items": 50, "default_paging_num": 30}


def test_a_release_has_the_fields_of_the_real_one(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"1"})
    status, release = client.api("/releases/tags/LATEST")
    assert status == 200
    assert release["tag_name"] == "latest" and release["target_commitish"] == "main"
    assert release["created_at"] == release["published_at"] == "2026-06-11T23:53:53+02:00"
    (asset,) = release["assets"]
    named = {"id", "name", "size", "download_count", "created_at", "uuid", "browser_download_url", "type"}
    assert set(asset) == named
    assert asset["browser_download_url"].endswith("/alpha/beta/releases/download/latest/one")
    client.state.gitea = True
    assert "type" not in client.api("/releases/tags/latest")[1]["assets"][0]


def test_a_moved_tag_rewrites_the_date_even_backwards_and_leaves_the_uploads(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"1"})
    before = client.api("/releases/tags/latest")[1]
    old = client.repo.commit("rebased", authored=datetime(2020, 1, 1, tzinfo=UTC))
    client.repo.push_tag("latest", old)
    after = client.api("/releases/tags/latest")[1]
    assert after["created_at"] == after["published_at"] == "2020-01-01T00:00:00Z"
    assert after["assets"] == before["assets"] and after["target_commitish"] == "main"
    assert client.api("/tags/latest")[1]["commit"]["sha"] == old


def test_a_deleted_tag_makes_a_draft_that_everybody_sees_except_in_lists(client: Client) -> None:
    commit = client.publisher.publish(FULL, "latest", {"one": b"1"}).commit
    client.repo.delete_tag("latest")
    assert client.api("/releases/tags/latest")[1]["draft"] is True
    assert client.api("/releases")[1] == []
    assert len(client.api("/releases", token="good")[1]) == 1
    assert client.ask(f"/{FULL}/releases/download/latest/one").status == 404
    assert client.ask(f"/{FULL}/releases/download/latest/one", token="good").data == b"1"
    client.repo.push_tag("latest", commit)
    assert client.api("/releases/tags/latest")[1]["draft"] is False


def test_a_deleted_release_leaves_its_tag(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"1"})
    assert client.api("/releases/tags/latest", "DELETE", "good") == (204, None)
    assert client.api("/releases/tags/latest")[0] == 404
    assert client.api("/tags/latest")[0] == 200
    created = client.state.now() - timedelta(days=9)
    row = client.repo.row("latest")
    assert row is not None
    row.created = created
    status, again = client.api("/releases", "POST", "good", json={"tag_name": "latest"})
    assert status == 201 and again["created_at"] == created.isoformat() and again["assets"] == []


def test_two_uploads_of_one_name_change_every_address(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"1", "two": b"2"})
    number = client.api("/releases/tags/latest")[1]["id"]
    status, made = client.api(f"/releases/{number}/assets?name=one", "POST", "good", body=b"another")
    assert status == 201 and made["size"] == 7
    assets = client.api(f"/releases/{number}/assets")[1]
    assert [a["name"] for a in assets] == ["one", "one", "two"]
    assert all(a["browser_download_url"] == f"{client.server.url}/attachments/{a['uuid']}" for a in assets)
    assert {client.ask(f"/attachments/{a['uuid']}").data for a in assets} == {b"1", b"another", b"2"}


def test_a_form_uploads_a_file_and_a_rename_keeps_its_uuid(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {})
    number = client.api("/releases/tags/latest")[1]["id"]
    data = bytes(range(256)) + b"\r\n--"
    status, made = client.api(
        f"/releases/{number}/assets", "POST", "good", fields={"attachment": ("one", data, "application/octet-stream")}
    )
    assert (status, made["name"], made["size"]) == (201, "one", len(data))
    path = f"/releases/{number}/assets/{made['id']}"
    status, renamed = client.api(path, "PATCH", "good", json={"name": "two"})
    assert status == 201
    assert (renamed["uuid"], renamed["created_at"], renamed["name"]) == (made["uuid"], made["created_at"], "two")
    assert client.ask(f"/{FULL}/releases/download/latest/two").data == data
    assert client.api(path, "DELETE", "good")[0] == 204
    assert client.api(path)[0] == 404


def test_a_release_is_created_edited_and_refused(client: Client) -> None:
    assert client.api("/releases", "POST", "good", json={"tag_name": "x"})[0] == 404
    sha = client.repo.commit("first")
    assert client.api("/releases", "POST", "good", json={"tag_name": "x", "target_commitish": "nowhere"})[0] == 404
    status, made = client.api("/releases", "POST", "good", json={"tag_name": "x", "target_commitish": "main"})
    assert status == 201 and client.repo.tags["x"].commit == sha
    assert client.api("/releases", "POST", "good", json={"tag_name": "X"})[0] == 409
    assert client.api("/releases", "POST", "good", json={})[0] == 422
    status, edited = client.api(f"/releases/{made['id']}", "PATCH", "good", json={"target_commitish": "lie"})
    assert status == 200 and edited["target_commitish"] == "lie" and client.repo.tags["x"].commit == sha
    assert client.api("/tags/x", "DELETE", "good")[0] == 409


def test_refs_are_found_by_prefix_and_never_peeled(client: Client) -> None:
    sha = client.repo.commit("first")
    tag = client.repo.push_tag("v1", sha, annotated=True, message="one")
    client.repo.push_tag("v10", sha)
    status, refs = client.api("/git/refs/tags/v1")
    assert status == 200
    assert [(r["ref"], r["object"]["type"], r["object"]["sha"]) for r in refs] == [
        ("refs/tags/v1", "tag", tag.sha),
        ("refs/tags/v10", "commit", sha),
    ]
    assert client.api(f"/git/tags/{tag.sha}")[1]["object"] == {
        "type": "commit",
        "url": f"{client.server.url}/api/v1/repos/{FULL}/git/commits/{sha}",
        "sha": sha,
    }
    assert client.api(f"/git/tags/{sha}")[0] == 404
    peeled = client.api("/tags/v1")[1]
    assert (peeled["id"], peeled["commit"]["sha"]) == (tag.sha, sha)
    assert peeled["commit"]["url"].endswith(tag.sha)


def test_ancestry(client: Client) -> None:
    first = client.repo.commit("first", at=datetime(2026, 1, 1, tzinfo=UTC))
    second = client.repo.commit("second", at=datetime(2026, 1, 2, tzinfo=UTC))
    side = client.repo.commit("side", parents=(first,), branch="side", at=datetime(2026, 1, 3, tzinfo=UTC))
    alone = client.repo.commit("alone", parents=(), branch="alone")
    assert second == client.repo.branches["main"] and len(second) == 40

    def ahead(head: str, base: str) -> str:
        reply = client.ask(f"/api/v1/repos/{FULL}/commits?sha={head}&not={base}&limit=1")
        assert len(reply.json()) <= 1
        return reply.headers["X-Total-Count"]

    assert (ahead(second, first), ahead(first, second)) == ("1", "0")
    assert (ahead(second, side), ahead(side, second)) == ("1", "1")
    assert (ahead(alone, second), ahead(second, alone)) == ("1", "2")
    assert client.api(f"/compare/{first}...{second}")[1]["total_commits"] == 1
    assert client.api(f"/compare/{second}...{first}")[1]["total_commits"] == 0
    assert client.api(f"/compare/{alone}...{second}")[1]["total_commits"] == 0
    client.repo.pull_requests = False
    assert client.api(f"/compare/{first}...{second}")[0] == 404
    assert client.api(f"/commits?sha={'0' * 40}") == (404, None)
    assert client.api(f"/commits?sha={second}&not={'0' * 40}")[0] == 500


def test_commits(client: Client) -> None:
    authored, committed = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    sha = client.repo.commit("first", authored=authored, at=committed)
    found = client.api(f"/git/commits/{sha}")[1]
    assert found["created"] == "2026-01-01T00:00:00Z"
    assert found["commit"]["author"]["date"] == "2020-01-01T00:00:00Z"
    assert client.api("/git/commits/nonsense")[0] == 422
    assert client.api(f"/git/commits/{'0' * 40}")[0] == 404


def test_lists_come_in_pages(client: Client) -> None:
    sha = client.repo.commit("first")
    for number in range(70):
        client.repo.push_tag(f"v{number}", sha)
    reply = client.ask(f"/api/v1/repos/{FULL}/tags?limit=500&page=1")
    assert len(reply.json()) == 50 and reply.headers["X-Total-Count"] == "70"
    assert 'page=2>; rel="next"' in reply.headers["Link"] and 'page=2>; rel="last"' in reply.headers["Link"]
    assert len(client.ask(f"/api/v1/repos/{FULL}/tags?limit=50&page=2").json()) == 20


def test_a_download_can_be_asked_in_part_and_under_conditions(client: Client) -> None:
    uuid = client.publisher.publish(FULL, "latest", {"one": b"0123456789"}).uuids["one"]
    path = f"/{FULL}/releases/download/latest/one"
    whole = client.ask(path)
    assert (whole.status, whole.data, whole.headers["ETag"]) == (200, b"0123456789", f'"{uuid}"')
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Last-Modified"] == "Thu, 11 Jun 2026 21:53:53 GMT"

    def part(text: str, **more: str) -> tuple[int, bytes, str | None]:
        reply = client.ask(path, headers={"Range": text, **{k.replace("_", "-"): v for k, v in more.items()}})
        return reply.status, reply.data, reply.headers.get("Content-Range")

    assert part("bytes=0-0") == (206, b"0", "bytes 0-0/10")
    assert part("bytes=7-") == (206, b"789", "bytes 7-9/10")
    assert part("bytes=-3") == (206, b"789", "bytes 7-9/10")
    assert part("bytes=8-99") == (206, b"89", "bytes 8-9/10")
    assert part("bytes=10-") == (416, b"", "bytes */10")
    assert part("bytes=7-", If_Range=f'"{uuid}"')[0] == 206
    assert part("bytes=7-", If_Range='"other"')[:2] == (200, b"0123456789")
    assert client.ask(path, headers={"If-None-Match": f'"{uuid}"'}).status == 304
    assert client.ask(path, "HEAD").headers["Content-Length"] == "10"
    assert client.ask(f"/{FULL}/releases/download/Latest/one").status == 404
    assert client.ask(f"/{FULL}/releases/download/latest/two").data == b"Not found.\n"


@pytest.mark.parametrize(
    ("token", "private", "signin", "api", "web"),
    [
        ("", False, False, 200, 200),
        ("", True, False, 404, 404),
        ("bad", False, False, 401, 401),
        ("weak", False, False, 403, 200),
        ("public", True, False, 403, 404),
        ("stranger", True, False, 404, 404),
        ("good", True, True, 200, 200),
        ("", False, True, 403, 303),
    ],
)
def test_who_may_read(client: Client, token: str, private: bool, signin: bool, api: int, web: int) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"1"})
    client.state.token("weak", scopes=frozenset())
    client.state.token("public", public_only=True)
    client.state.token("stranger", user="eve")
    client.repo.private, client.state.require_signin = private, signin
    assert client.api("/releases/tags/latest", token=token)[0] == api
    assert client.ask(f"/{FULL}/releases/download/latest/one", token=token).status == web


def test_who_may_write(client: Client) -> None:
    client.repo.commit("first")
    client.state.token("reader", scopes=frozenset({"read:repository"}))
    client.state.token("stranger", user="eve")
    for token, status in {"": 401, "reader": 403, "stranger": 403, "good": 201}.items():
        assert client.api("/releases", "POST", token, json={"tag_name": "x"})[0] == status


def test_errors_have_the_body_of_the_real_ones(client: Client) -> None:
    client.state.require_signin = True
    assert client.api("/tags/x") == (403, {"message": "Only signed in user is allowed to call APIs."})
    assert client.api("/tags/x", token="good") == (
        404,
        {"message": "The target couldn't be found.", "url": f"{client.server.url}/api/swagger", "errors": []},
    )


@pytest.mark.parametrize("scheme", ["token good", "Bearer good", "Basic Z29vZDo=", "Basic eDpnb29k"])
def test_a_token_is_told_in_four_ways(client: Client, scheme: str) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"1"})
    client.repo.private = True
    assert client.api("/tags/latest", headers={"Authorization": scheme})[0] == 200
    assert client.api("/tags/latest?token=good")[0] == 404


def test_a_renamed_repository_redirects_with_its_query(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"1"})
    client.state.rename(FULL, "alpha/gamma")
    reply = client.ask(f"/api/v1/repos/{FULL}/commits?sha=main&limit=1")
    assert reply.status == 301
    assert reply.headers["Location"] == "/api/v1/repos/alpha/gamma/commits?sha=main&limit=1"
    assert client.ask(reply.headers["Location"]).status == 200


def test_the_newest_by_date_is_not_the_one_that_came_last(client: Client) -> None:
    client.publisher.publish(FULL, "new", {"one": b"new"}, at=datetime(2026, 1, 2, tzinfo=UTC))
    client.publisher.publish(FULL, "old", {"one": b"old"}, at=datetime(2026, 1, 1, tzinfo=UTC))
    client.repo.releases[0].created, client.repo.releases[1].created = (
        datetime(2026, 1, day, tzinfo=UTC) for day in (2, 1)
    )
    status, found = client.api("/releases/latest")
    assert (status, found["tag_name"]) == (200, "new")
    assert [r["tag_name"] for r in client.api("/releases")[1]] == ["new", "old"]
    assert client.api(f"/releases/{found['id']}")[1] == found
    assert client.ask(f"/{FULL}/releases/download/latest/one").data == b"new"


def test_a_bare_tag_is_no_release_and_can_go(client: Client) -> None:
    client.repo.push_tag("v1", client.repo.commit("first"))
    assert client.api("/releases/tags/v1")[0] == 404
    assert client.api("/tags/v1", "DELETE", "good")[0] == 204
    assert client.api("/tags/v1", "DELETE", "good")[0] == 404


def test_a_link_leads_elsewhere(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {})
    number = client.api("/releases/tags/latest")[1]["id"]
    path = f"/releases/{number}/assets?name=one&external_url=http%3A%2F%2F127.0.0.1%3A9%2Fx"
    made = client.api(path, "POST", "good")[1]
    assert (made["type"], made["size"], made["browser_download_url"]) == ("external", 0, "http://127.0.0.1:9/x")
    reply = client.ask(f"/{FULL}/releases/download/latest/one")
    assert (reply.status, reply.headers["Location"]) == (303, "http://127.0.0.1:9/x")


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_refused(client: Client, body: bytes) -> None:
    client.repo.commit("first")
    assert client.api("/releases", "POST", "good", body=body)[0] == 422


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_without_a_file_is_refused(client: Client, kind: str) -> None:
    client.publisher.publish(FULL, "latest", {})
    number = client.api("/releases/tags/latest")[1]["id"]
    headers = {"Content-Type": kind}
    assert client.api(f"/releases/{number}/assets?name=x", "POST", "good", body=b"--x\r\n", headers=headers)[0] == 400


def test_requests_are_noted(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"12345"})
    client.ask(f"/{FULL}/releases/download/latest/one", token="good")
    client.api("/tags/latest", token="bad")
    noted = client.ask("/__sandbox/requests").json()
    assert [{k: r[k] for k in ("authenticated", "credentials", "status")} for r in noted] == [
        {"authenticated": True, "credentials": True, "status": 200},
        {"authenticated": False, "credentials": True, "status": 401},
    ]
    assert (noted[0]["method"], noted[0]["path"], noted[0]["bytes"]) == (
        "GET",
        f"/{FULL}/releases/download/latest/one",
        5,
    )


def test_a_publish_goes_in_steps_that_readers_can_see(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": b"old", "two": b"old"})
    steps = client.publisher.steps(FULL, "latest", {"one": b"new", "two": b"new"})
    seen = [(step, len(client.api("/releases/tags/latest")[1]["assets"])) for step in steps]
    assert seen == [
        ("tag", 2),
        ("release", 2),
        ("delete one", 1),
        ("upload one", 2),
        ("delete two", 1),
        ("upload two", 2),
    ]
    steps = client.publisher.steps(FULL, "latest", {"one": b"x"}, order=Order.UPLOAD_FIRST, retire=True)
    assert list(steps) == ["tag", "release", "upload one", "delete one", "delete two"]


def test_the_same_commit_has_the_same_id_in_every_forge() -> None:
    one, two = (ForgeState().repo(FULL).commit("x", at=datetime(2026, 1, 1, tzinfo=UTC)) for _ in range(2))
    assert one == two


def test_faults_are_used_up_in_order(client: Client) -> None:
    client.repo.commit("first")
    client.repo.push_tag("x", client.repo.branches["main"])
    client.state.faults += [Fault(path="/tags/x", status=503, times=1, skip=1), Fault(path="/other", status=500)]
    assert [client.api("/tags/x")[0] for _ in range(3)] == [200, 503, 200]


def test_it_stops_at_once_whatever_is_going_on(client: Client) -> None:
    client.publisher.publish(FULL, "latest", {"one": bytes(1000)})
    client.state.faults.append(Fault(path="/download/", trickle=10))
    began = time.monotonic()
    with ForgeServer(client.state) as second:
        reply = client.pool.request(
            "GET", f"{second.url}/{FULL}/releases/download/latest/one", preload_content=False, redirect=False
        )
    assert time.monotonic() - began < 2
    reply.close()
    with pytest.raises(RuntimeError, match="not serving"):
        _ = second.url
    assert not [t for t in threading.enumerate() if t.name == "sandbox-forge" and not t.is_alive()]


def test_a_large_file_is_never_in_memory(client: Client, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1024 * 1024 * 1024)
    client.publisher.publish(FULL, "latest", {"large": large})
    reply = client.ask(f"/{FULL}/releases/download/latest/large", headers={"Range": "bytes=1073741820-"})
    assert (reply.status, reply.data) == (206, bytes(4))


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    place = tmp_path / "alpha" / "beta" / "rolling%2Fx"
    place.mkdir(parents=True)
    (place / "one").write_bytes(b"1")
    command = [sys.executable, "-m", "cockpitpm.sandbox.forge", str(tmp_path)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child,
        urllib3.PoolManager() as pool,
    ):
        assert child.stdout is not None and child.stdin is not None
        url = child.stdout.readline().strip()
        reply = pool.request("GET", f"{url}/api/v1/repos/alpha/beta/releases/tags/rolling%2Fx")
        assert json.loads(reply.data)["assets"][0]["size"] == 1
        child.stdin.close()
        assert child.wait(10) == 0
