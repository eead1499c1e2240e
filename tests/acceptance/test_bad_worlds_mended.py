"""Oddities of a forge that stop nothing, and those that pass: told where they must be, and the right bytes run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.sandbox.daemons import build_daemon, stamp_for
from cockpitpm.sandbox.forge import Fault, Publisher
from cockpitpm.sandbox.forge.content import InMemory
from cockpitpm.sandbox.world import CHANNEL, OWNER
from tests.acceptance.scene import Scene
from tests.acceptance.worlds import BROWSER, FILE, assert_plain, push, row_of, sentence, standing, twins
from tests.waiting import until

pytestmark = pytest.mark.real

REPO = f"{OWNER}/{BROWSER}"
STALE = "d0d0" * 10


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(BROWSER)


@pytest.fixture(autouse=True)
def put_right(scene: Scene) -> Iterator[None]:
    """Whatever a test did to the forge ends with it."""
    yield
    state = scene.world.state
    state.faults.clear()
    state.requests.clear()
    scene.repo(BROWSER).private = False
    assert not state.mishaps


def upgrade(scene: Scene, *more: str) -> subprocess.CompletedProcess[str]:
    done = scene.cli("upgrade", BROWSER, "--yes", *more)
    assert_plain(done.stdout + done.stderr)
    assert STALE not in done.stdout + done.stderr
    return done


def refused(scene: Scene, code: ExitCode) -> tuple[str, str]:
    """What an upgrade says that changes nothing."""
    before = standing(scene)
    done = upgrade(scene)
    assert done.returncode == code, done
    assert standing(scene) == before
    return sentence(done)


def warnings(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if "warning: " in line]


def runs(scene: Scene) -> set[str]:
    """The commits that its services say they were built from."""
    return {scene.health(f"{BROWSER}/{socket}.sock")["commit"] for socket in ("rpc", "admin")}


def upgraded(scene: Scene, commit: str, *more: str) -> list[str]:
    """Upgrade to the commit: the very bytes of the release are in place and run. Gives the warnings."""
    wanted = {a.name.removesuffix("-linux-musl-x86_64"): bytes_of(a) for a in row_of(scene).attachments}
    done = upgrade(scene, *more)
    assert done.returncode == 0 and f" to {commit[:7]}, generation " in done.stdout, done
    assert {name: (scene.root / "bin" / name).read_bytes() for name in wanted} == wanted
    assert runs(scene) == {commit} and clean(scene)
    return warnings(done)


def bytes_of(upload: Any) -> bytes:
    with upload.content.open() as file:
        return bytes(file.read())


def clean(scene: Scene) -> bool:
    """Nothing of a download, finished or not, lies about."""
    folder = scene.machine.layout.incoming
    return not folder.exists() or os.listdir(folder) == []


def secret(scene: Scene, verb: str, value: str = "") -> None:
    """`cockpitpm secret set`, or `unset`, of the token of the forge."""
    words = scene.command("secret")
    at = words.index("secret") + 1
    words[at:at] = [verb]
    done = subprocess.run(
        [*words, "--context", "core", "FORGE_TOKEN"], env=scene.environment(), input=value, text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and (not value or value not in done.stdout + done.stderr), done


@pytest.fixture
def token(scene: Scene) -> Iterator[str]:
    """A token that is stored on the machine, and that the forge does not know any more."""
    secret(scene, "set", STALE)
    yield STALE
    secret(scene, "unset")


def test_a_renamed_repository_is_followed_and_told(scene: Scene) -> None:
    state = scene.world.state
    commit = scene.publish(BROWSER)
    state.rename(REPO, f"{OWNER}/other")
    done = upgrade(scene)
    state.renames.clear()
    state.rename(f"{OWNER}/other", REPO)
    state.renames.clear()
    assert done.returncode == 0 and runs(scene) == {commit}
    (told,) = warnings(done)
    assert REPO in told and f"was renamed, now at /api/v1/repos/{OWNER}/other/" in told and "Correct the bundle" in told


def test_a_stale_token_is_told_once_and_done_without(scene: Scene, token: str) -> None:
    commit = scene.publish(BROWSER)
    scene.world.state.requests.clear()
    (told,) = upgraded(scene, commit)
    assert "forge default refused the stored token; going on without it. Store" in told
    asked = list(scene.world.state.requests)
    assert [r.status for r in asked if r.credentials] == [401], "asked once with it"
    assert all(r.status == 200 for r in asked[1:]) and len(asked) > 6, "and then without"


def test_a_stale_token_for_what_is_private_is_the_reason(scene: Scene, token: str) -> None:
    scene.publish(BROWSER)
    scene.repo(BROWSER).private = True
    message, hint = refused(scene, ExitCode.FORGE)
    assert f"no release {CHANNEL} in {REPO} that can be seen without a token; the stored one was refused" in message
    assert "`cockpitpm secret --help`" in hint


def test_a_token_that_may_do_too_little_is_the_reason(scene: Scene, token: str) -> None:
    scene.publish(BROWSER)
    scene.world.state.token(token, scopes=frozenset({"read:package"}))
    message, hint = refused(scene, ExitCode.FORGE)
    del scene.world.state.tokens[token]
    assert REPO in message and "token does not have at least one of required scope" in message
    assert hint == "The token needs scope read:repository"


def test_a_good_token_opens_what_is_private(scene: Scene, token: str) -> None:
    """The way out of a private repository, with nothing told that is not needed."""
    commit = scene.publish(BROWSER)
    scene.repo(BROWSER).private = True
    scene.world.state.token(token)
    assert upgraded(scene, commit) == []
    assert all(r.authenticated and r.status == 200 for r in scene.world.state.requests)
    del scene.world.state.tokens[token]


def test_pull_requests_that_are_off_hinder_nobody(scene: Scene) -> None:
    """`compare` is a 404 then; the order of commits is known without it."""
    scene.repo(BROWSER).pull_requests = False
    assert upgraded(scene, scene.publish(BROWSER)) == []
    scene.repo(BROWSER).pull_requests = True
    assert scene.world.state.count("/compare/") == 0 and scene.world.state.count("/commits?") > 0


def test_a_tag_that_moved_alone_is_seen_by_refresh_only(scene: Scene) -> None:
    """The forge's date of the release is in whole seconds, so a quick second push leaves no trace in it."""
    commit = scene.publish(BROWSER)
    upgraded(scene, commit)
    assert scene.cli("status", "--refresh").returncode == 0
    repo, row = scene.repo(BROWSER), row_of(scene)
    repo.push_tag(CHANNEL, repo.commit("without a build"), annotated=True, at=row.created)
    before = standing(scene)
    scene.world.state.requests.clear()
    quick = upgrade(scene)
    assert quick.returncode == 0 and f"holds the build that is installed ({commit[:7]})" in quick.stdout
    assert len(scene.world.state.requests) == 1
    fresh = scene.cli("status", "--refresh")
    assert fresh.returncode == 0 and fresh.stderr == "" and len(scene.world.state.requests) > 4
    now = upgrade(scene)
    assert now.returncode == 0 and "its files are still those that are installed" in now.stdout
    assert f"{CHANNEL} moved to {repo.tags[CHANNEL].commit[:7]}" in now.stdout
    assert standing(scene) == before and runs(scene) == {commit}


def test_the_draft_window_passes(scene: Scene) -> None:
    commit = scene.publish(BROWSER)
    scene.repo(BROWSER).delete_tag(CHANNEL)
    assert "still a draft" in refused(scene, ExitCode.REFUSED)[0]
    push(scene, commit)
    assert upgraded(scene, commit) == []


def test_a_404_right_after_a_push_passes(scene: Scene) -> None:
    commit = scene.publish(BROWSER)
    scene.world.state.faults.append(Fault(path="/releases/tags/", status=404, times=1))
    assert "there was one" in refused(scene, ExitCode.REFUSED)[0]
    assert upgraded(scene, commit) == []


def test_an_upload_is_waited_for(scene: Scene) -> None:
    """At each step at which a file is missing nothing is done; the finished release is taken."""
    bundle, commit = scene.world.bundle(BROWSER), scene.repo(BROWSER).commit("slowly")
    files = {b.asset_name(bundle.targets[0]): build_daemon(stamp_for(b, "9.9", commit)) for b in bundle.binaries}
    steps = Publisher(scene.world.state).steps(REPO, CHANNEL, files, commit=commit, at=row_of(scene).created)
    missing = 0
    for step in steps:
        if step.startswith("delete "):
            missing += 1
            message, hint = refused(scene, ExitCode.REFUSED)
            assert f"has no asset {step.removeprefix('delete ')}" in message and "wait" in hint
    assert missing == 2
    push(scene, commit)
    assert upgraded(scene, commit) == []


def test_a_file_replaced_while_it_comes_is_still_the_one_that_was_planned(scene: Scene) -> None:
    """What was begun is finished with its own bytes; the next run brings the others."""
    first, state = scene.publish(BROWSER), scene.world.state
    later: list[str] = []

    def replace() -> None:
        until(lambda: state.count("/releases/download/") == 2)  # both downloads have begun
        later.append(scene.publish(BROWSER))

    state.faults.append(Fault(path=FILE, times=1, trickle=0.001, trickle_bytes=1000, during=replace))
    assert upgrade(scene).returncode == 0
    assert runs(scene) == {first} and len(later) == 1
    assert upgraded(scene, later[0]) == []


def test_a_broken_download_is_never_glued_to_another_build(scene: Scene) -> None:
    scene.publish(BROWSER)
    newer: list[str] = []
    replaced = Fault(path=FILE, truncate=5000, times=1, during=lambda: newer.append(scene.publish(BROWSER)))
    scene.world.state.faults.append(replaced)
    assert "and the forge does not send the rest" in refused(scene, ExitCode.FORGE)[0]
    assert clean(scene)
    assert upgraded(scene, newer[0]) == []


def test_a_broken_download_of_the_same_build_goes_on_where_it_stopped(scene: Scene) -> None:
    commit = scene.publish(BROWSER)
    scene.world.state.faults.append(Fault(path=FILE, truncate=5000, times=2))
    scene.world.state.requests.clear()
    assert upgraded(scene, commit) == []
    sent = [r.bytes for r in scene.world.state.requests if FILE in r.path]
    assert sent[:2] == [5000, 5000] and len(sent) == 3


def test_two_refusals_of_an_overloaded_forge_are_sat_out(scene: Scene) -> None:
    commit = scene.publish(BROWSER)
    scene.world.state.faults.append(Fault(path="", status=503, times=2))
    assert upgraded(scene, commit) == []


def test_the_way_out_of_two_files_of_one_name(scene: Scene) -> None:
    commit = scene.publish(BROWSER)
    with twins(scene):
        assert "Delete the stale one" in refused(scene, ExitCode.REFUSED)[1]
    assert upgraded(scene, commit) == []


def test_the_way_out_of_an_unrelated_history(scene: Scene) -> None:
    repo = scene.repo(BROWSER)
    repo.branches["main"] = repo.commit("anew", parents=(), branch="b", at=repo.now() + timedelta(seconds=1))
    commit = scene.publish(BROWSER)
    hint = refused(scene, ExitCode.REFUSED)[1]
    assert f'cockpitpm upgrade {BROWSER} --allow-downgrade --reason "WHY"' in hint
    upgraded(scene, commit, "--allow-downgrade", "--reason", "history was rewritten")
    assert "history was rewritten" in scene.cli("history", BROWSER).stdout


def test_a_link_that_becomes_a_file(scene: Scene) -> None:
    commit = scene.publish(BROWSER)
    upload = scene.asset(BROWSER)
    upload.external_url = f"{scene.world.url}/secret"
    assert "is a link to another place" in refused(scene, ExitCode.REFUSED)[0]
    assert scene.world.state.count("/secret") == 0, "it was not followed"
    upload.external_url = ""
    assert isinstance(upload.content, InMemory) and upgraded(scene, commit) == []
