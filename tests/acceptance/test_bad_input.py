"""Every kind of bad input: one line that says what and why, a way out, its exit code, and the machine as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve, field, frozen

from cockpitpm.app.recover import recover
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from cockpitpm.sandbox.daemons import build_daemon, stamp_for
from cockpitpm.sandbox.forge.content import InMemory
from cockpitpm.sandbox.world import CHANNEL
from tests.acceptance.arrangements import (
    SETTINGS,
    Arrangement,
    asset_for_others_only,
    asset_that_cannot_run,
    attribute,
    changed_blob,
    fault,
    folder_at_the_socket,
    folder_for_settings,
    forge_down,
    listener,
    locked_folder,
    nothing,
    other_owner,
    release,
    repository_gone,
    settings,
    supervisor_that_babbles,
    text,
    torn_bundle,
)
from tests.acceptance.kernel import picture
from tests.acceptance.requests import asked, far_root, little_disk, no_privilege, other_bundles, told
from tests.acceptance.scene import COMPUTE, VOICE, Ended, Scene

pytestmark = pytest.mark.real
STATE = "var/cockpitpm"
DOWNLOAD = "/releases/download/"


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    """Two generations, and a third build to be had."""
    scene.install(COMPUTE)
    scene.publish(COMPUTE)
    assert scene.code(Verb.UPGRADE, COMPUTE) is ExitCode.DONE
    scene.publish(COMPUTE)
    scene.publish(VOICE)


UP = asked(Verb.UPGRADE, COMPUTE)
HISTORY = f"{STATE}/history.jsonl"
CURRENT = f"{STATE}/apps/{COMPUTE}/2.json"


@frozen
class Row:
    """`words` must be in the message or the hint, `never` in neither."""

    name: str
    arrange: Arrangement
    ask: Callable[[Scene], Ended]
    code: ExitCode
    words: tuple[str, ...]
    never: tuple[str, ...] = field(default=())


E = ExitCode
TABLE = [
    Row("unknown name", nothing, asked(Verb.INSTALL, "hero_compte"), E.PLAN, ("'hero_compte'", COMPUTE)),
    Row("unknown service", nothing, asked(Verb.UPGRADE, "my_compute_zos_mein_server"), E.PLAN, ("zos_main",)),
    Row(
        "nearly an admin name, for a tester",
        settings("role: tester", "role:"),
        asked(Verb.INSTALL, "hero_tfgrid_deploye"),
        E.PLAN,
        ("'hero_tfgrid_deploye'",),
        ("hero_tfgrid_deployer",),
    ),
    Row(
        "an admin name, for a tester",
        settings("role: tester", "role:"),
        asked(Verb.INSTALL, "hero_tfgrid_deployer"),
        E.PLAN,
        ("'hero_tfgrid_deployer'", "`cockpitpm catalog`"),
        ("admin", "role"),
    ),
    Row("not installed", nothing, asked(Verb.UPGRADE, VOICE), E.PLAN, (VOICE, f"cockpitpm install {VOICE}")),
    Row("forge down", forge_down, UP, E.FORGE, ("127.0.0.1:", "no connection")),
    # A release that was there a moment ago is waited for, as right after a tag was pushed.
    Row("404", repository_gone, UP, E.REFUSED, ("lhumina_code/hero_compute", "there was one", "later")),
    Row("private", attribute(Scene.repo, "private", True), UP, E.REFUSED, ("lhumina_code/hero_compute", "token")),
    Row("401", fault("/api/", status=401), UP, E.FORGE, ("lhumina_code/hero_compute", "token")),
    Row("sign in", attribute(lambda s: s.world.state, "require_signin", True), UP, E.FORGE, ("token",)),
    Row("500", fault("/api/", status=500), UP, E.FORGE, ("500",)),
    Row("a page instead of an answer", fault("/api/", html=True), UP, E.FORGE, ("127.0.0.1:", "web page")),
    Row("draft", attribute(release, "draft", True), UP, E.REFUSED, ("draft",)),
    Row("missing asset", attribute(release, "attachments", []), UP, E.REFUSED, ("no asset",)),
    Row("asset for others only", asset_for_others_only, UP, E.REFUSED, ("my_compute_zos_server-linux-",)),
    Row("asset that cannot run", asset_that_cannot_run, UP, E.REFUSED, ("cannot run here",)),
    Row("too many bytes", fault(DOWNLOAD, surplus=100, chunked=True), UP, E.FORGE, ("my_compute_zos_server-linux-",)),
    Row("other bytes", fault(DOWNLOAD, body=b"short"), UP, E.FORGE, ("my_compute_zos_server-linux-", "5")),
    Row("truncated body", fault(DOWNLOAD, truncate=1000), UP, E.FORGE, ("my_compute_zos_server-linux-",)),
    Row("asset gone", fault(DOWNLOAD, status=404), UP, E.FORGE, ("my_compute_zos_server-linux-",)),
    Row("full disk", nothing, told("upgrade", COMPUTE, "--yes", start=little_disk), E.STORE, ("File too large",)),
    Row(
        "no permission",
        locked_folder(f"{STATE}/journal"),
        told("upgrade", COMPUTE, "--yes", start=no_privilege),
        E.STORE,
        (f"{STATE}/journal", "Permission denied", "owner"),
    ),
    Row(
        "settings that may not be read",
        locked_folder(SETTINGS),
        told("upgrade", COMPUTE, "--yes", start=no_privilege),
        E.MACHINE,
        (SETTINGS, "Permission denied", "owner"),
    ),
    Row("wrong owner", other_owner, UP, E.MACHINE, ("belongs to", "sudo -u")),
    Row("supervisor that babbles", supervisor_that_babbles, UP, E.SUPERVISOR, ("rpc.sock",)),
    Row("root too long", nothing, far_root(90, "hero_db"), E.REFUSED, ("hero_db/rpc.sock", "107", "shorter")),
    Row("root too long for its supervisor", nothing, far_root(70, "hero_db"), E.SUPERVISOR, ("rpc.sock", "shorter")),
    Row(
        "socket path too long",
        settings(f"socket_root: /tmp/{'long' * 22}"),
        UP,
        E.REFUSED,
        ("hero_compute/rpc.sock", "107", "socket_root"),
    ),
    Row("socket taken by a folder", folder_at_the_socket, asked(Verb.INSTALL, VOICE), E.ROLLED_BACK, ("rpc.sock",)),
    Row("settings: no YAML", settings("role: ["), UP, E.MACHINE, (f"{SETTINGS}:",)),
    Row("settings: a key twice", settings("role: admin"), UP, E.MACHINE, (f"{SETTINGS}:", "role")),
    Row("settings: an unknown key", settings("chanel: latest"), UP, E.MACHINE, (f"{SETTINGS}:", "chanel")),
    Row("settings: no text", text(SETTINGS, lambda b: b"\xff\xfe\x00"), UP, E.MACHINE, (SETTINGS,)),
    Row("settings: a folder", folder_for_settings, UP, E.MACHINE, (SETTINGS, "no regular file")),
    Row("settings: no such supervisor", settings("supervisor: initd"), UP, E.SUPERVISOR, ("initd",)),
    Row("receipt cut short", text(CURRENT, lambda b: b[: len(b) // 2]), UP, E.STORE, (CURRENT,)),
    Row("receipt changed", text(CURRENT, lambda b: b.replace(b'"md5"', b'"md6"')), UP, E.STORE, (CURRENT, "checksum")),
    Row("receipt gone", text(CURRENT, lambda b: b""), UP, E.STORE, (CURRENT,)),
    Row("stored bytes changed", changed_blob, asked(Verb.ROLLBACK, COMPUTE), E.STORE, (f"{STATE}/store/",)),
    Row("journal: noise", text(f"{STATE}/journal/x.journal", lambda b: b"noise"), UP, E.STORE, ("x.journal",)),
    Row("journal: zeros", text(f"{STATE}/journal/x.journal", lambda b: bytes(9999)), UP, E.STORE, ("x.journal",)),
    Row(
        "journal: no intent of ours",
        text(f"{STATE}/journal/x.journal", lambda b: b'c94bd0ca {"phase":"intent"}\n'),
        UP,
        E.STORE,
        ("x.journal",),
    ),
    Row("state changed", text(f"{STATE}/state/{COMPUTE}.json", lambda b: b"{}"), UP, E.STORE, (f"{COMPUTE}.json",)),
    Row("history changed", text(HISTORY, lambda b: b"{}\n" + b), told("history"), E.STORE, ("Line 1", "history.jsonl")),
    Row("history ends badly", text(HISTORY, lambda b: b + b"noise\n"), told("history"), E.STORE, ("Line", "history")),
    Row("no bundles", nothing, other_bundles("none"), E.BUNDLE, ("none",)),
    Row("torn bundle", torn_bundle, other_bundles("torn"), E.BUNDLE, ("hero_db.yaml:2:1",)),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_bad_input(scene: Scene, row: Row) -> None:
    recover(scene.host())  # what the row before left is told there, not here
    pids, answers = scene.pids(), scene.commits()
    with row.arrange(scene):
        before = picture(scene.root)
        end = row.ask(scene)
        after = picture(scene.root)
    assert end.code is row.code, end
    assert "\n" not in end.message and "Traceback" not in end.message and end.message
    assert end.hint and "\n" not in end.hint, f"no way out: {end}"
    assert [w for w in row.words if w not in end.message + end.hint] == [], end
    assert [w for w in row.never if w in end.message + end.hint] == [], end
    told = [HISTORY] if row.code is E.ROLLED_BACK else []  # that something was tried and taken back is history
    assert changed(before, after) == told
    assert scene.pids() == pids and scene.commits() == answers


@pytest.mark.parametrize("name", ["unknown name", "404", "draft", "settings: an unknown key"])
def test_the_command_line_says_the_same(scene: Scene, name: str) -> None:
    row = next(r for r in TABLE if r.name == name)
    verb, app = ("install", "hero_compte") if name == "unknown name" else ("upgrade", COMPUTE)
    with row.arrange(scene):
        done = scene.cli(verb, app, "--yes")
    assert done.returncode == row.code and "Traceback" not in done.stderr
    assert [w for w in row.words if w not in done.stdout + done.stderr] == []


def test_a_damaged_receipt_does_not_stop_the_other_apps(scene: Scene) -> None:
    commit = scene.publish("hero_db")
    with text(CURRENT, lambda b: b[:100])(scene):
        end = scene.attempt(Verb.UPGRADE)
    assert scene.health("hero_db/rpc.sock")["commit"] == commit, end
    assert end.code is not ExitCode.DONE and CURRENT in end.message


def test_the_way_out_of_a_damaged_receipt(scene: Scene) -> None:
    path = scene.machine.layout.generation(COMPUTE, 2)
    path.write_bytes(path.read_bytes()[:100])
    assert scene.attempt(Verb.UPGRADE, COMPUTE).hint == f"Install it with `cockpitpm install {COMPUTE}`"
    assert scene.code(Verb.INSTALL, COMPUTE) is ExitCode.DONE
    assert scene.notes() == [] and len(set(scene.commits().values())) == 1


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    names = sorted(set(before) | set(after))
    return [name for name in names if before.get(name) != after.get(name)]


def test_the_machine_is_well_afterwards(scene: Scene) -> None:
    """Nothing of all that stays behind."""
    scene.publish(COMPUTE)
    assert scene.code(Verb.UPGRADE, COMPUTE) is ExitCode.DONE
    assert scene.notes() == []


def test_somebody_else_answers_at_the_socket(scene: Scene) -> None:
    """The app itself does not listen there, so the answer of another process proves nothing."""
    scene.publish(VOICE)
    binary = scene.world.bundle(VOICE).binaries[0]
    silent = evolve(stamp_for(binary, "9", scene.repo(VOICE).tags[CHANNEL].commit), sockets=("elsewhere.sock",))
    scene.asset(VOICE).content = InMemory(build_daemon(silent))
    with listener(scene.root / "var/sockets" / VOICE / "rpc.sock", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
        end = scene.attempt(Verb.INSTALL, VOICE)
    assert end.code is ExitCode.ROLLED_BACK and "rpc.sock" in end.message
