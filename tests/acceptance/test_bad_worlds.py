"""Every oddity of a forge, met on the command line: its exit code, the plain sentence, the way out; nothing changes."""

from __future__ import annotations

import re

import pytest
from attrs import frozen

from cockpitpm.errors import ExitCode
from cockpitpm.sandbox.world import CHANNEL, OWNER
from tests.acceptance.arrangements import SETTINGS, Arrangement, attribute, fault, forge_down, nothing, text
from tests.acceptance.scene import Scene
from tests.acceptance.worlds import (
    BROWSER,
    FILE,
    assert_plain,
    both,
    closed_in_between,
    moved_to,
    of_row,
    of_state,
    replaced_at,
    row_of,
    sentence,
    standing,
    tag_at,
    tag_deleted,
    twins,
)

pytestmark = pytest.mark.real

REPO = f"{OWNER}/{BROWSER}"
AT = f"{REPO} at {CHANNEL}"
API = "/api/"
UP = ("upgrade", BROWSER, "--yes")
TOKEN = "Store a token for this forge; `cockpitpm secret --help` tells how"
DOWNGRADE = f'cockpitpm upgrade {BROWSER} --allow-downgrade --reason "WHY"'
SECRET = "bob:hunter2@"


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    """One generation, and a newer build to be had; the history is older than both."""
    scene.repo(BROWSER).commit("before all")
    scene.install(BROWSER)
    scene.publish(BROWSER)


@frozen
class Row:
    """The sentence must be about `thing`, tell the `reason` and end in the `way_out`. `{host}` is the forge's."""

    name: str
    arrange: Arrangement
    code: ExitCode
    thing: str
    reason: str
    way_out: str
    words: tuple[str, ...] = UP


E = ExitCode
LATER = "Try again later"
HEALTHY = "Is {host} healthy?"
AT_WORK = "Its publisher is at work: try again later"
FRONT = "Check what stands in front of"
TABLE = [
    # what a release holds
    Row("two files of one name", twins, E.REFUSED, f"{CHANNEL} of {REPO}", f"holds {FILE} more than once", "Delete"),
    Row(
        "a link instead of a file",
        attribute(lambda s: s.asset(BROWSER), "external_url", f"https://{SECRET}example.org/x?token=1"),
        E.REFUSED,
        f"{FILE} of {REPO} {CHANNEL}",
        "is a link to another place, not a file of the release",
        "Publish the file itself as an asset",
    ),
    Row("half an upload", of_row("attachments", lambda s: row_of(s).attachments[:1]), E.REFUSED,
        f"{CHANNEL} of {REPO}", f"no asset {BROWSER}_admin-linux", "wait until the upload is complete"),
    Row("no file yet", of_row("attachments", lambda s: []), E.REFUSED, AT, "the release holds no asset yet", AT_WORK),
    Row("draft window", tag_deleted, E.REFUSED, AT, "the release is still a draft", AT_WORK),
    Row("draft window of Gitea", both(tag_deleted, of_state("gitea", True)), E.REFUSED,
        f"no release {CHANNEL} in {REPO}", "there was one", f"{LATER}: it is being replaced"),
    Row("only a tag yet", of_row("bare", lambda s: True), E.REFUSED,
        f"no release {CHANNEL} in {REPO}", "there was one", f"{LATER}: it is being replaced"),
    Row("no tag yet", attribute(lambda s: s.repo(BROWSER), "tags", {}), E.REFUSED, AT, "the release has no tag",
        LATER.lower()),
    Row("replaced while one looks", replaced_at("/releases/tags/"), E.REFUSED, AT, "is being published", AT_WORK),
    # what its history is
    Row("unrelated history", tag_at(lambda s: s.repo(BROWSER).commit("anew", parents=(), branch="b")), E.REFUSED,
        CHANNEL, "each of the two commits has something that the other lacks", DOWNGRADE),
    Row("an older commit", tag_at(lambda s: next(iter(s.repo(BROWSER).commits))), E.REFUSED,
        CHANNEL, "the published commit is an ancestor of the installed one", DOWNGRADE),
    Row("a commit that the forge lost", fault("/commits?", status=404), E.REFUSED,
        CHANNEL, "the forge cannot tell how the two commits stand to each other", DOWNGRADE),
    Row("a commit that breaks the forge", fault("/commits?", status=500), E.REFUSED,
        CHANNEL, "the forge cannot tell how the two commits stand to each other", DOWNGRADE),
    Row("a forge of old", of_state("ignores_not", True), E.REFUSED,
        CHANNEL, "the forge cannot tell how the two commits stand to each other", DOWNGRADE),
    Row("history for members only", fault("/commits?", status=403), E.FORGE,
        f"the commits of {REPO}", "{host} refuses", TOKEN),
    # who may see it
    Row("private since", attribute(lambda s: s.repo(BROWSER), "private", True), E.REFUSED,
        f"no release {CHANNEL} in {REPO}", "there was one", "or is private now and needs a token"),
    Row("private, never seen", nothing, E.FORGE, f"no release {CHANNEL} in {OWNER}/hero_os", "no release",
        f"A private repository looks the same without a token. {TOKEN}", ("install", "hero_os", "--yes")),
    Row("members only", of_state("require_signin", True), E.FORGE,
        AT, "{host} refuses (Only signed in user is allowed to call APIs.)", TOKEN),
    Row("members only in between", closed_in_between, E.FORGE, FILE, "{host} wants a sign-in", TOKEN),
    Row("asks for a token", fault(API, status=401), E.FORGE, AT, "{host} asks for a token", TOKEN),
    Row("download asks for a token", fault(FILE, status=401), E.FORGE, FILE, "refuses the download (401)", TOKEN),
    Row("download forbidden", fault(FILE, status=403), E.FORGE, FILE, "refuses the download (403)", TOKEN),
    # what comes instead of a download
    Row("sign-in page", fault(FILE, html=True), E.FORGE, FILE, "a web page came instead, probably a sign-in", TOKEN),
    Row("compressed", fault(FILE, gzip=True), E.FORGE, FILE, "the body is compressed, unasked", FRONT),
    Row("replaced by as many bytes", replaced_at(FILE), E.FORGE, FILE, "it was replaced since the release was read",
        "Run the command again"),
    Row("replaced by fewer bytes", replaced_at(FILE, size=5), E.FORGE, FILE, "5 bytes instead of", LATER.lower()),
    Row("gone meanwhile", fault(FILE, status=404), E.FORGE, FILE, "{host} no longer has it", "try again in a minute"),
    Row("breaks off", fault(FILE, truncate=1000), E.FORGE, FILE, "broke off after 3000 of ", LATER),
    Row("cut", fault(FILE, truncate=1000, reset=True), E.FORGE, FILE, "broke: Connection reset by peer", LATER),
    Row("too long", fault(FILE, surplus=9, chunked=True), E.FORGE, FILE, "longer than the announced", LATER),
    Row("a part of it", fault(FILE, status=206), E.FORGE, FILE, "{host} answers 206", "Is {host} a forge?"),
    Row("download breaks the forge", fault(FILE, status=500), E.FORGE, FILE, "{host} answers 500", HEALTHY),
    Row("led to another kind of place", moved_to(FILE, 303, f"ftp://{SECRET}evil.example/x?token=1"), E.FORGE, FILE,
        "ftp://…@evil.example/x?… is not an http or https address", "Correct the address on the forge"),
    Row("led in a circle", moved_to(FILE, 303, f"/{REPO}/releases/download/{CHANNEL}/{FILE}"), E.FORGE,
        FILE, "more than 5 redirects", "Check {host}"),
    # what comes instead of an answer
    Row("a page", fault(API, html=True), E.FORGE, AT, "{host} answered with a web page instead of data", "a sign-in"),
    Row("a compressed answer", fault(API, gzip=True), E.FORGE, AT, "the answer is compressed", FRONT + " {host}"),
    Row("no JSON", fault(API, body=b"hello \x1b[31m"), E.FORGE, AT, "the answer is not JSON", "address of a forge?"),
    Row("a list", fault(API, body=b"[]"), E.FORGE, AT, "the answer is not a JSON object", "address of a forge?"),
    Row("nothing in it", fault(API, body=b"{}"), E.FORGE, AT, "the answer: tag_name is not a text", "cannot be used"),
    Row("half an answer", fault(API, truncate=30), E.FORGE, AT, "{host} broke: it ended in the middle", LATER),
    Row("led out of the API", moved_to(API, 301, f"https://{SECRET}evil.example/?token=1"), E.FORGE, AT,
        "redirected out of the API to https://…@evil.example/?…", "Correct the forge's url"),
    # whether anybody answers
    Row("down", forge_down, E.FORGE, AT, "no connection to 127.0.0.1:", "up, and its name right?"),
    Row("down, all", forge_down, E.FORGE, AT, "no connection to 127.0.0.1:", "up", ("upgrade", "--all", "--yes")),
    Row("reset", fault(API, reset=True), E.FORGE, AT, "{host} broke: Connection reset by peer", LATER),
    Row("closed unheard", fault(API, raw=b""), E.FORGE, AT, "{host} broke: it was closed without an answer", LATER),
    Row("a mail server", fault(API, raw=b"220 mail ESMTP\r\n"), E.FORGE, AT, "the answer is not HTTP", "a forge?"),
    Row("no https", text(SETTINGS, lambda b: b.replace(b"http:", b"https:")), E.FORGE,
        AT, "no TLS with {host}: wrong version number", "Does {host} speak https?"),
    Row("a user in the url", text(SETTINGS, lambda b: b.replace(b"http://", f"http://{SECRET}".encode())), E.MACHINE,
        f"{SETTINGS}:4:33: forges.default.url", "neither a plain http(s) URL", "without user or token"),
    Row("internal error", fault(API, status=500), E.FORGE, AT, "answers 500", HEALTHY),
    Row("overloaded", fault(API, status=503), E.FORGE, AT, "answers 503", LATER),
    Row("closed for an hour", fault(API, status=503, headers={"Retry-After": "3600"}), E.FORGE,
        AT, "asks to wait 3600 s", LATER),
    Row("download meets no upstream", fault(FILE, status=502, headers={"Retry-After": "99999"}), E.FORGE,
        FILE, "asks to wait 99999 s", LATER),
    Row("too many requests", fault(API, status=429), E.FORGE, AT, "answers 429", LATER),
    Row("no forge", fault(API, status=418), E.FORGE, AT, "answers 418", "Is {host} a forge?"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_nothing_changes_and_the_sentence_says_why(scene: Scene, row: Row) -> None:
    host = scene.world.url.removeprefix("http://")
    before = standing(scene)
    with row.arrange(scene):
        done = scene.cli(*row.words)
    assert done.returncode == row.code, done
    assert_plain(done.stdout + done.stderr)
    message, hint = sentence(done)
    assert row.thing in message, "the thing"
    assert row.reason.format(host=host) in message, "the reason"
    assert row.way_out.format(host=host) in hint, "the way out"
    assert standing(scene) == before
    assert not scene.world.state.mishaps


def test_looking_ahead_says_the_same(scene: Scene) -> None:
    with forge_down(scene):
        done = scene.cli("plan", BROWSER)
    assert done.returncode == E.FORGE and re.search(r"cannot be planned: .*no connection to .*\n +→ Is ", done.stdout)
    assert_plain(done.stdout + done.stderr)


def test_who_waits_is_no_failure_of_all(scene: Scene) -> None:
    """A nightly `upgrade --all` meets a draft now and then."""
    with tag_deleted(scene):
        done = scene.cli("upgrade", "--all", "--yes")
    assert done.returncode == E.DONE and "still a draft" in sentence(done)[0]


def test_status_asks_nobody_unless_told_to(scene: Scene) -> None:
    with forge_down(scene):
        plain, fresh = scene.cli("status"), scene.cli("status", "--refresh")
    assert (plain.returncode, plain.stderr) == (E.DONE, "") and "no connection" not in plain.stdout
    assert fresh.returncode == E.DONE and f"warning: {BROWSER}: " in fresh.stdout and "no connection" in fresh.stdout
    assert_plain(fresh.stdout + fresh.stderr)


def test_the_world_was_put_right_again(scene: Scene) -> None:
    """None of the arrangements above was left standing."""
    done = scene.cli(*UP)
    assert done.returncode == E.DONE and " was upgraded " in done.stdout
    assert scene.health("hero_browser/rpc.sock")["commit"] == scene.repo(BROWSER).tags[CHANNEL].commit
