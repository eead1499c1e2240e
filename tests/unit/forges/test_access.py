"""Where a token goes, where it does not, and what happens when it is no good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve

from cockpitpm.errors import ForgeDenied, ForgeError, MachineError, ReleaseNotFound
from cockpitpm.sandbox.forge import Fault
from tests.unit.forges.conftest import World


def test_a_private_repository_needs_the_token(world: World) -> None:
    commit = world.publish()
    world.state.repo("alpha/beta").private = True
    world.state.token("good")
    with pytest.raises(ReleaseNotFound, match="without a token"):
        world.release()
    forge = world.forge("good")
    release = world.release(forge)
    assert release.commit == commit
    assert world.fetch(release.assets[0], forge) == b"1"


def test_a_token_that_sees_nothing_is_told_so(world: World) -> None:
    world.publish()
    world.state.repo("alpha/beta").private = True
    world.state.token("stranger", user="eve")
    with pytest.raises(ReleaseNotFound, match="looks the same to a token"):
        world.release(world.forge("stranger"))


def test_a_stale_token_does_not_stop_what_is_public(world: World) -> None:
    commit = world.publish()
    forge = world.forge("revoked")
    release = world.release(forge)
    assert release.commit == commit
    assert world.fetch(release.assets[0], forge) == b"1"
    assert len(world.warnings) == 1 and "refused the stored token" in world.warnings[0]
    assert [(r.credentials, r.status) for r in world.state.requests] == [(True, 401), *[(False, 200)] * 5]


def test_a_stale_token_is_also_met_by_a_download(world: World) -> None:
    world.publish()
    assert world.fetch(world.asset(), world.forge("revoked")) == b"1"
    assert len(world.warnings) == 1


def test_a_stale_token_on_what_is_private_is_named(world: World) -> None:
    world.publish()
    world.state.repo("alpha/beta").private = True
    with pytest.raises(ForgeDenied, match="the stored one was refused"):
        world.release(world.forge("revoked"))


def test_a_token_without_the_scope_is_denied(world: World) -> None:
    world.publish()
    world.state.token("weak", scopes=frozenset({"read:user"}))
    with pytest.raises(ForgeDenied, match="required scope"):
        world.release(world.forge("weak"))


def test_a_forge_for_members_only(world: World) -> None:
    world.publish()
    asset = world.asset()
    world.state.require_signin = True
    with pytest.raises(ForgeDenied, match="Only signed in user"):
        world.release()
    with pytest.raises(ForgeDenied, match="sign-in"):
        world.fetch(asset)
    world.state.token("good")
    assert world.fetch(asset, world.forge("good")) == b"1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_never_follows_a_redirect_to_another_host(
    world: World, another: Callable[[], World], status: int
) -> None:
    world.publish(one=b"here")
    other = another()
    other.publish(one=b"over")
    world.state.token("good")
    asset = evolve(world.asset(), uuid="not-a-uuid")
    there = f"{other.server.url}/alpha/beta/releases/download/latest/one"
    world.state.faults.append(Fault(path="/download/", status=status, headers={"Location": there}))
    assert world.fetch(asset, world.forge("good", storage=(other.place,))) == b"over"
    assert [r.credentials for r in world.state.requests] == [True]
    assert [r.credentials for r in other.state.requests] == [False]


def test_a_token_does_not_come_back_by_a_detour(world: World, another: Callable[[], World]) -> None:
    world.publish()
    other = another()
    world.state.token("good")
    asset = world.asset()
    world.state.faults.append(
        Fault(path="/download/", status=302, headers={"Location": f"{other.server.url}/x"}, times=1)
    )
    other.state.faults.append(Fault(path="/x", status=302, headers={"Location": asset.url}))
    assert world.fetch(asset, world.forge("good", storage=(other.place,))) == b"1"
    assert [r.credentials for r in world.state.requests] == [True, False]
    assert [r.credentials for r in other.state.requests] == [False]


def test_an_asset_of_another_host_is_asked_without_the_token(world: World, another: Callable[[], World]) -> None:
    other = another()
    other.publish()
    world.state.token("good")
    assert world.fetch(other.asset(), world.forge("good", storage=(other.place,))) == b"1"
    assert [r.credentials for r in other.state.requests] == [False]


def test_a_place_that_is_not_named_as_storage_is_never_asked(world: World, another: Callable[[], World]) -> None:
    other = another()
    other.publish()
    asset = other.asset()
    with pytest.raises(ForgeError, match="name the host as `storage`"):
        world.fetch(asset, world.forge(storage=("127.0.0.2", "127.0.0.1:9", "localhost")))
    assert not other.state.requests


def test_a_renamed_repository_is_followed_once_and_told_once(world: World) -> None:
    commit = world.publish()
    world.state.rename("alpha/beta", "alpha/gamma")
    forge = world.forge()
    assert world.release(forge).commit == commit
    assert world.release(forge).commit == commit
    assert len(world.warnings) == 1 and "alpha/gamma" in world.warnings[0]


def test_the_api_does_not_lead_a_token_elsewhere(world: World, another: Callable[[], World]) -> None:
    world.publish()
    other = another()
    world.state.token("good")
    target = f"{other.server.url}/api/v1/repos/alpha/beta/releases/tags/latest"
    world.state.faults.append(Fault(path="/releases/tags/", status=301, headers={"Location": target}))
    with pytest.raises(ForgeError, match="out of the API"):
        world.release(world.forge("good"))
    assert not other.state.requests


@pytest.mark.parametrize("token", ["a\nb", "a b", "ä", "a\0"])
def test_a_token_that_would_break_a_header_is_refused_unshown(world: World, token: str) -> None:
    with pytest.raises(MachineError, match="characters") as caught:
        world.forge(token)
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://0.0.0.0/x",
    ],
)
def test_a_forge_elsewhere_does_not_send_us_to_this_machine(world: World, url: str) -> None:
    world.publish()
    with pytest.raises(ForgeError, match="inside this machine"):
        world.fetch(evolve(world.asset(), url=url), world.forge(url="https://forge.invalid"))


def test_a_secure_forge_does_not_send_us_to_an_insecure_address(world: World) -> None:
    world.publish()
    with pytest.raises(ForgeError, match="from https to http"):
        world.fetch(world.asset(), world.forge(url="https://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("url", "token", "warned"),
    [
        ("http://forge.invalid", "good", True),
        ("http://forge.invalid", None, False),
        ("https://forge.invalid", "good", False),
        ("http://127.0.0.1:3000", "good", False),
        ("http://localhost:3000", "good", False),
    ],
)
def test_a_token_in_the_open_is_told(world: World, url: str, token: str | None, warned: bool) -> None:
    world.forge(token, url=url)
    assert bool(world.warnings) is warned
