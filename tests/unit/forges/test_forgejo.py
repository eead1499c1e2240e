"""What Forgejo's adapter makes of each answer to its requests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from attrs import evolve

from cockpitpm import __version__
from cockpitpm.errors import CockpitPmError, ForgeDenied, ForgeError, ForgeUnreachable, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import open_forge
from cockpitpm.model.bundle import Repo
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.sandbox.forge import Fault
from tests.unit.forges.conftest import QUICK, World

BY_TAG = "/releases/tags/"
OF_TAG = "/beta/tags/"


def test_a_first_reading_costs_four_requests(world: World) -> None:
    commit = world.publish()
    assert world.release().commit == commit
    assert [r.path for r in world.state.requests] == [
        "/api/v1/repos/alpha/beta/releases/tags/latest",
        "/api/v1/repos/alpha/beta/tags/latest",
        "/api/v1/repos/alpha/beta/releases/tags/latest",
        f"/api/v1/repos/alpha/beta/git/commits/{commit}?stat=false&verification=false&files=false",
    ]
    assert {r.agent for r in world.state.requests} == {f"cockpitpm/{__version__}"}


def test_the_words_of_the_author_and_the_dates_are_not_believed(world: World) -> None:
    commit = world.publish()
    repo = world.state.repo("alpha/beta")
    row = repo.row("latest")
    assert row is not None
    row.target = repo.commit("a later one that the tag does not lead to")
    assert world.release().commit == commit != row.target
    assert repo.tags["latest"].annotated and repo.tags["latest"].sha != commit


def test_the_owner_of_the_forge_is_used_where_a_bundle_names_none(world: World) -> None:
    world.publish()
    forge = open_forge("default", ForgeSettings(kind="gitea", url=world.server.url + "/", owner="alpha"), None)
    assert forge.release(Repo(name="beta"), "latest").repo == "alpha/beta"


def test_a_link_to_another_place_is_marked_and_never_fetched(world: World) -> None:
    world.publish()
    repo = world.state.repo("alpha/beta")
    row = repo.row("latest")
    assert row is not None
    repo.upload(row, "link", row.attachments[0].content, "http://127.0.0.1:9/elsewhere")
    link = world.release().named("link")[0]
    assert link.external and link.size == 0
    with pytest.raises(ForgeError, match="link to another place"):
        world.fetch(link)


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (401, ForgeDenied, "asks for a token"),
        (403, ForgeDenied, "refuses .*a fault of the sandbox"),
        (404, ReleaseNotFound, "no release latest in alpha/beta.*looks the same without a token"),
        (418, ForgeError, "418"),
        (429, ForgeUnreachable, "429"),
        (500, ForgeUnreachable, "500"),
        (503, ForgeUnreachable, "503"),
    ],
)
def test_a_status_becomes_an_error_of_one_line(world: World, status: int, error: type[ForgeError], text: str) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, status=status))
    with pytest.raises(error, match=text) as caught:
        world.release()
    assert type(caught.value) is error
    assert "\n" not in str(caught.value) and caught.value.hint


def test_a_release_whose_tag_is_gone_is_not_ready(world: World) -> None:
    world.publish()
    world.state.faults.append(Fault(path=OF_TAG, status=404))
    with pytest.raises(ReleaseNotReady, match="no tag"):
        world.release()


def test_a_deleted_and_pushed_tag_makes_a_draft_and_back(world: World) -> None:
    commit = world.publish()
    repo = world.state.repo("alpha/beta")
    repo.delete_tag("latest")
    with pytest.raises(ReleaseNotReady, match="draft"):
        world.release()
    repo.push_tag("latest", commit)
    assert world.release().commit == commit


def test_gitea_hides_a_draft(world: World) -> None:
    world.publish()
    world.state.gitea = True
    world.state.repo("alpha/beta").delete_tag("latest")
    with pytest.raises(ReleaseNotFound):
        world.release()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_by_itself_is_tried_again(world: World, status: int) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, status=status, times=2))
    assert world.release().tag == "latest"
    assert world.state.count(BY_TAG) == 2 + 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_what_does_not_pass_by_itself_is_asked_once(world: World, status: int) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, status=status))
    with pytest.raises(ForgeError):
        world.release()
    assert world.state.count(BY_TAG) == 1


def test_a_lost_connection_is_tried_again(world: World) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, reset=True, times=2))
    assert world.release().tag == "latest"
    world.state.faults.append(Fault(path=BY_TAG, reset=True))
    with pytest.raises(ForgeUnreachable, match="broke"):
        world.release()


def test_the_forge_is_given_the_time_that_it_asks_for(world: World) -> None:
    world.publish()
    waits: list[float] = []
    patience = evolve(QUICK, sleep=waits.append, answer_within=30)
    world.state.faults.append(Fault(path=BY_TAG, status=429, headers={"Retry-After": "7"}, times=1))
    world.release(world.forge(patience=patience))
    assert len(waits) == 1 and 7 <= waits[0] < 7.1


@pytest.mark.parametrize("asked", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_wait_beyond_the_deadline_is_not_begun(world: World, asked: str) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, status=503, headers={"Retry-After": asked}))
    with pytest.raises(ForgeUnreachable, match="asks to wait") as told:
        world.release()
    assert told.value.wait >= 3600
    assert world.state.count(BY_TAG) == 1


@pytest.mark.parametrize("asked", ["", "soon", "-5", "1e9", "Fri, 01 Jan 1990 00:00:00 GMT"])
def test_a_senseless_wait_is_ignored(world: World, asked: str) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, status=503, headers={"Retry-After": asked}, times=1))
    assert world.release().tag == "latest"


def test_nobody_listens(world: World) -> None:
    forge = world.forge(url="http://127.0.0.1:9")
    with pytest.raises(ForgeUnreachable, match=r"no connection to 127\.0\.0\.1:9"):
        world.release(forge)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=BY_TAG, delay=30),
        Fault(path=BY_TAG, trickle=0.1),
        Fault(path=BY_TAG, header_trickle=0.1),
        Fault(path=BY_TAG, truncate=20),
        Fault(path=BY_TAG, truncate=20, reset=True),
    ],
    ids=["silent", "trickle", "header_trickle", "cut", "reset"],
)
def test_an_answer_that_does_not_end_well_ends_in_time(world: World, fault: Fault) -> None:
    world.publish()
    world.state.faults.append(fault)
    began = time.monotonic()
    with pytest.raises(ForgeUnreachable):
        world.release(world.forge(patience=evolve(QUICK, answer_within=0.6)))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(path=BY_TAG, html=True), "web page"),
        (Fault(path=BY_TAG, gzip=True), "compressed"),
        (Fault(path=BY_TAG, body=b"Hello"), "not JSON"),
        (Fault(path=BY_TAG, body=b"\xff\xfe"), "not JSON"),
        (Fault(path=BY_TAG, body=b"[" * 100_000), "not JSON"),
        (Fault(path=BY_TAG, body=b'{"a":1,"a":2}'), "twice"),
        (Fault(path=BY_TAG, body=b'{"id":NaN}'), "not JSON"),
        (Fault(path=BY_TAG, body=b'{"id":' + b"9" * 5000 + b"}"), "not JSON"),
        (Fault(path=BY_TAG, body=b"[]"), "not a JSON object"),
        (Fault(path=BY_TAG, body=b"null"), "not a JSON object"),
        (Fault(path=BY_TAG, body=b" " * (4 * 1024 * 1024 + 1)), "over 4 MiB"),
        (Fault(path=BY_TAG, status=301, headers={"Location": "http://127.0.0.1:9/api/v1/x"}), "out of the API"),
        (Fault(path=BY_TAG, status=302, headers={"Location": "/user/login"}), "out of the API"),
        (
            Fault(path=BY_TAG, status=301, headers={"Location": "/api/v1/repos/alpha/beta/releases/tags/x"}),
            "more than once",
        ),
        (Fault(path=BY_TAG, status=301), "out of the API|more than once"),
    ],
)
def test_what_is_no_answer_is_refused(world: World, fault: Fault, text: str) -> None:
    world.publish()
    world.state.faults.append(fault)
    with pytest.raises(ForgeError, match=text) as caught:
        world.release()
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


GOOD: dict[str, Any] = {
    "id": 7,
    "tag_name": "latest",
    "draft": False,
    "created_at": "2026-06-11T23:53:53+02:00",
    "assets": [
        {
            "name": "one",
            "size": 1,
            "uuid": "00000000-0000-4000-8000-000000000001",
            "created_at": "2026-06-11T23:53:53Z",
            "browser_download_url": "http://127.0.0.1:9/one",
        }
    ],
}


def with_asset(**change: Any) -> dict[str, Any]:
    return {**GOOD, "assets": [{**GOOD["assets"][0], **change}]}


@pytest.mark.parametrize(
    "answer",
    [
        {**GOOD, "id": True},
        {**GOOD, "id": "7"},
        {**GOOD, "id": -1},
        {**GOOD, "id": 2**70},
        {**GOOD, "tag_name": 1},
        {**GOOD, "tag_name": "latest\n"},
        {**GOOD, "draft": "false"},
        {**GOOD, "draft": None},
        {**GOOD, "created_at": "yesterday"},
        {**GOOD, "created_at": "2026-06-11T23:53:53"},
        {**GOOD, "created_at": "2026-13-11T23:53:53Z"},
        {**GOOD, "assets": {}},
        {**GOOD, "assets": [1]},
        {**GOOD, "assets": GOOD["assets"] * 1001},
        *(
            with_asset(name=n)
            for n in ["", ".", "..", "a/b", "a\\b", "a\0", "a\n", "\u202eelf", "x" * 256, 1, None, "\ud800"]
        ),
        *(with_asset(size=s) for s in [True, 1.0, "1", -1, 2**53 + 1, 2**70, None]),
        *(with_asset(uuid=u) for u in ["", None, 5, "u", "0" * 36, "00000000-0000-4000-8000-000000000001\n"]),
        *(with_asset(created_at=c) for c in ["", None, "20260611T235353Z", 5]),
        *(with_asset(type=t) for t in [5, ["external"], True]),
        with_asset(browser_download_url=None),
    ],
)
def test_a_hostile_answer_is_refused_whole(world: World, answer: object) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, body=json.dumps(answer).encode()))
    with pytest.raises(ForgeError) as caught:
        world.release()
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_the_answer_that_those_were_made_from_is_good(world: World) -> None:
    world.publish()
    world.state.faults.append(Fault(path=BY_TAG, body=json.dumps({**GOOD, "unknown": [1.5]}).encode()))
    assert world.release().assets[0].name == "one"


@pytest.mark.parametrize("sha", ["", "abc", "g" * 40, "A" * 40, "a" * 41, "a" * 40 + "\n", 5, None])
def test_a_tag_without_a_full_commit_is_refused(world: World, sha: object) -> None:
    world.publish()
    world.state.faults.append(Fault(path=OF_TAG, body=json.dumps({"name": "latest", "commit": {"sha": sha}}).encode()))
    with pytest.raises(ForgeError, match="sha"):
        world.release()


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "127.0.0.1", "http://", "http://u:p@127.0.0.1", "http://a b/"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(CockpitPmError, match="not an http or https address"):
        open_forge("default", ForgeSettings(kind="forgejo", url=url), None)


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(CockpitPmError, match=r"no kind 'cvs'.*forgejo, gitea, directory"):
        open_forge("default", ForgeSettings(kind="cvs", url="http://127.0.0.1"), None)


def test_opening_a_forge_loads_no_network_library() -> None:
    code = (
        "import sys; from cockpitpm.forges import open_forge; from cockpitpm.model.settings import ForgeSettings\n"
        "open_forge('default', ForgeSettings(kind='forgejo', url='https://127.0.0.1'), None)\n"
        "assert not {'urllib3', 'ssl', 'http.client', 'cockpitpm.forges.reach'} & set(sys.modules), 'too much'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
