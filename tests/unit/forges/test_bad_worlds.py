"""Every oddity that a forge is known for, played by the sandbox, and the sentence that a person reads about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ssl import SSLCertVerificationError

import pytest
import urllib3
from attrs import evolve
from urllib3 import exceptions as foreign

from cockpitpm.errors import AssetBroken, ForgeDenied, ForgeError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import words
from cockpitpm.forges.wire import wrapped
from cockpitpm.model.release import Ancestry
from cockpitpm.sandbox.forge import Fault, Order, Publisher
from cockpitpm.sandbox.forge.content import content_of
from tests.unit.forges.conftest import QUICK, REPO, World


@pytest.fixture
def plain() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


def refusal(error: type[ForgeError], work: Callable[[], object]) -> str:
    """What the error says; it is of exactly this kind, one line, and has a way out."""
    with pytest.raises(error) as caught:
        work()
    assert type(caught.value) is error and caught.value.hint
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300
    return str(caught.value)


def test_a_sign_in_page_comes_instead_of_a_download(world: World) -> None:
    world.publish(one=b"1" * 5000)
    asset = world.asset()
    world.state.faults.append(Fault(path="/download/", html=True))
    assert "a web page came instead, probably a sign-in" in refusal(AssetBroken, lambda: world.fetch(asset))


def test_a_sign_in_page_comes_instead_of_the_api(world: World) -> None:
    world.publish()
    world.state.faults.append(Fault(path="/api/", html=True))
    assert "answered with a web page instead of data" in refusal(ForgeError, world.release)


def test_a_forge_for_members_sends_a_download_to_its_sign_in(world: World) -> None:
    world.publish()
    asset = world.asset()
    world.state.require_signin = True
    assert "wants a sign-in" in refusal(ForgeDenied, lambda: world.fetch(asset))
    assert "Only signed in user" in refusal(ForgeDenied, world.release)


def test_a_download_is_compressed_on_the_way(world: World) -> None:
    world.publish(one=b"1" * 5000)
    asset = world.asset()
    world.state.faults.append(Fault(path="/download/", gzip=True))
    assert "the body is compressed, unasked" in refusal(AssetBroken, lambda: world.fetch(asset))


def test_a_renamed_repository_works_and_is_told(world: World) -> None:
    world.publish(one=b"1")
    asset = world.asset()
    world.state.rename("alpha/beta", "gamma/delta")
    forge = world.forge()
    found = world.release(forge)
    assert world.fetch(found.assets[0], forge) == world.fetch(asset, forge) == b"1"
    assert len(world.warnings) == 1 and "renamed, now at /api/v1/repos/gamma/delta" in world.warnings[0]


def test_a_private_repository_without_a_token_looks_absent(world: World) -> None:
    world.publish()
    asset = world.asset()
    world.repo.private = True
    assert "A private repository looks the same without a token" in refusal(ReleaseNotFound, world.release)
    assert "no longer has it" in refusal(ReleaseNotReady, lambda: world.fetch(asset))


def test_a_private_repository_that_was_seen_and_has_lost_its_token_may_come_back(world: World) -> None:
    world.publish()
    seen = world.release()
    world.repo.private = True
    assert "there was one" in refusal(ReleaseNotReady, lambda: world.release(seen=seen))


def test_a_stale_token_on_a_public_repository_is_told_and_done_without(world: World) -> None:
    commit = world.publish()
    forge = world.forge("revoked")
    assert world.release(forge).commit == commit
    assert forge.ancestry(REPO, commit, world.repo.commit("next")) is Ancestry.UPGRADE
    assert ["refused the stored token" in line for line in world.warnings] == [True]
    assert [r.credentials for r in world.state.requests].count(True) == 1


@pytest.mark.parametrize("gitea", [False, True])
def test_the_draft_window_after_a_tag_was_deleted_and_pushed(world: World, gitea: bool) -> None:
    commit = world.publish()
    seen = world.release()
    world.state.gitea = gitea
    world.repo.delete_tag("latest")
    said = refusal(ReleaseNotReady, lambda: world.release(seen=seen))
    assert ("there was one" if gitea else "is still a draft") in said
    world.repo.push_tag("latest", commit, annotated=True)
    assert world.release(seen=seen).commit == commit


def test_a_draft_that_old_software_never_lets_go(world: World) -> None:
    world.publish()
    world.repo.drafts_stay = True
    world.repo.delete_tag("latest")
    world.repo.push_tag("latest", world.repo.commit("next"))
    assert "is still a draft" in refusal(ReleaseNotReady, world.release)


def test_an_upload_that_is_half_done_is_told_as_it_is(world: World) -> None:
    """A name that is missing is for the planner to see; a release without any file is not ready."""
    world.publish(one=b"1", two=b"2")
    seen = {a.name: a.uuid for a in world.release().assets}
    steps = Publisher(world.state).steps("alpha/beta", "latest", {"one": b"1 new", "two": b"2 new"})
    while next(steps) != "delete two":
        pass
    assert [a.name for a in world.release().assets] == ["one"]
    assert "upload two" in list(steps)
    assert not {a.uuid for a in world.release().assets} & set(seen.values())


def test_a_release_whose_only_file_is_being_replaced(world: World) -> None:
    world.publish(one=b"1")
    steps = Publisher(world.state).steps("alpha/beta", "latest", {"one": b"1 new"})
    while next(steps) != "delete one":
        pass
    assert "holds no asset yet" in refusal(ReleaseNotReady, world.release)


def test_a_file_that_is_only_a_link_is_never_followed(world: World) -> None:
    world.publish()
    world.repo.upload(world.row, "link", content_of(b""), f"{world.server.url}/secret")
    link = world.release().named("link")[0]
    assert link.external
    world.state.requests.clear()
    assert "only a link to another place" in refusal(ForgeError, lambda: world.fetch(link))
    assert not world.state.requests


def test_two_files_of_one_name_are_both_told_and_each_can_be_had(world: World) -> None:
    steps = Publisher(world.state).steps
    world.publish(one=b"old")
    for step in steps("alpha/beta", "latest", {"one": b"new"}, order=Order.UPLOAD_FIRST):
        if step == "upload one":
            twins = world.release().named("one")
            assert sorted(world.fetch(twin) for twin in twins) == [b"new", b"old"]
            assert all(f"/attachments/{twin.uuid}" in twin.url for twin in twins)
    assert len(world.release().named("one")) == 1


def test_a_tag_moved_without_its_files_shows_in_the_dates(world: World) -> None:
    world.publish(one=b"1")
    seen = world.release()
    moved = world.repo.commit("moved", at=datetime(2100, 1, 1, tzinfo=UTC))
    world.repo.push_tag("latest", moved, annotated=True, at=datetime(2100, 1, 2, tzinfo=UTC))
    found = world.release(seen=seen)
    assert found.commit == moved and found.assets == seen.assets
    assert found.assets[0].created_at < found.committed_at == "2100-01-01T00:00:00Z"


def test_an_unrelated_history_under_the_tag_has_parted(world: World) -> None:
    old = world.publish()
    new = world.repo.commit("rewritten", parents=(), branch="other")
    world.repo.push_tag("latest", new)
    assert world.forge().ancestry(REPO, old, world.release().commit) is Ancestry.DIVERGED


def test_a_part_is_never_glued_to_a_file_that_was_replaced(world: World, plain: urllib3.PoolManager) -> None:
    """The forge would answer `If-Range` with the whole new file; the adapter asks for the whole and looks whose it is.

    The size is the same, so only the name of the upload gives it away.
    """
    world.publish(one=b"old" * 1000)
    asset = world.asset()
    world.publish(one=b"new" * 1000)
    asked = {"Range": "bytes=1500-", "If-Range": f'"{asset.uuid}"'}
    reply = plain.request("GET", asset.url, headers=asked)
    assert (reply.status, reply.data) == (200, b"new" * 1000)
    given: list[bytes] = []
    said = refusal(AssetBroken, lambda: world.forge().fetch(asset, lambda piece: given.append(bytes(piece))))
    assert "it was replaced since the release was read" in said and not given


def test_a_file_that_breaks_off_is_not_a_shorter_one(world: World) -> None:
    world.publish(one=b"1" * 5000)
    asset = world.asset()
    world.state.faults.append(Fault(path="/download/", truncate=4999, headers={"Accept-Ranges": "none"}))
    assert "broke off after 4999 of 5000 bytes" in refusal(AssetBroken, lambda: world.fetch(asset))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(path="/api/", reset=True), "broke: Connection reset by peer. Try again later"),
        (Fault(path="/api/", raw=b""), "broke: it was closed without an answer. Try again later"),
        (Fault(path="/api/", raw=b"220 mail\r\n"), r"broke: the answer is not HTTP\. Is 127\.0\.0\.1:\d+ a forge\?"),
        (Fault(path="/api/", truncate=9), "broke: it ended in the middle of an answer. Try again later"),
        (Fault(path="/api/", truncate=9, chunked=True), "broke: it ended in the middle of an answer. Try again"),
        (Fault(path="/api/", body=b"<"), "the answer is not JSON. Is this"),
        (Fault(path="/api/", body=b'{"a": 1, "a": 1}'), r"the answer is not JSON \(a key appears twice\)"),
        (Fault(path="/api/", body=b"[NaN]"), r"the answer is not JSON \(NaN is no number\)"),
    ],
)
def test_why_there_is_no_answer_is_told_without_the_insides_of_a_program(world: World, fault: Fault, said: str) -> None:
    world.publish()
    world.state.faults.append(fault)
    with pytest.raises(ForgeError, match=said):
        world.release()


def test_a_certificate_that_is_not_trusted_is_told_in_its_own_words() -> None:
    inner = SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1006)")
    inner.verify_message = "self-signed certificate"
    found = wrapped(foreign.SSLError(inner), "https://git.example.org/api", QUICK.until(5, "forge default: x"))
    assert str(found) == (
        "forge default: x: no trust in git.example.org: self-signed certificate. "
        "Check the certificate of git.example.org"
    )
    assert "no TLS with h: no reason told" in str(wrapped(foreign.SSLError("odd"), "https://h", QUICK.until(5, "x")))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("https://bob:hunter2@example.org:8443/a?sig=hunter2#hunter2", "https://…@example.org:8443/a?…"),
        ("https://hunter2@example.org", "https://…@example.org"),
        ("https:bob:hunter2@example.org/", "an address without a host (https)"),
        ("https:\\\\bob:hunter2@example.org", "an address without a host (https)"),
        ("//bob:hunter2@example.org/x", "//…@example.org/x"),
        ("hunter2", "an address without a host (no scheme)"),
        ("http://[::1", "an address that cannot be read"),
        ("", "an address without a host (no scheme)"),
    ],
)
def test_nothing_secret_of_an_address_is_shown(address: str, shown: str) -> None:
    assert words.address(address) == shown


def test_a_tag_of_another_case_is_another_tag(world: World) -> None:
    world.publish()
    said = refusal(ReleaseNotFound, lambda: world.forge().release(REPO, "Latest"))
    assert "there is none, only one at 'latest'" in said
    seen = evolve(world.release(), tag="Latest")
    assert "only one at" in refusal(ReleaseNotFound, lambda: world.forge().release(REPO, "Latest", seen))
