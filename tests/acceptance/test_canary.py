"""Secrets are seen by nobody but the services that they are for, whatever is done and wherever one looks.

A value exported at registration is no secret: the state keeps it, and `explain SERVICE VAR` shows it. Even so it stands
nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance import canary
from tests.acceptance.canary import (
    APP,
    CAREFUL_ENOUGH,
    EXPORTED,
    EXPORTED_VAR,
    HOMES,
    SECRET,
    SECRET_VAR,
    SERVICE,
    TOKEN,
    Guarded,
    broken_interpreter,
    given_to,
    misplaced,
    shown_to_all,
    watched,
)
from tests.acceptance.serving import Line, Server
from tests.waiting import until

pytestmark = pytest.mark.real
READING = (
    ("catalog",), ("status",), ("status", APP), ("receipts",), ("history",), ("explain", APP), ("explain", SERVICE),
    ("explain", SERVICE, SECRET_VAR), ("verify",), ("doctor",), ("logs", APP), ("jobs",), ("secret", "list"),
    ("channel",), ("schedule",), ("plan",), ("plan", APP, "--verb", "restart"), ("router", "config", "--for", "nginx"),
)  # fmt: skip
PAGES = (
    "/services", f"/services/{SERVICE}/log", f"/services/{SERVICE}/plan?verb=restart", f"/services/{SERVICE}/do",
    f"/apps/{APP}", f"/apps/{APP}/plan", f"/apps/{APP}/generations/1..2", "/jobs", "/jobs/1", "/jobs/1/log.txt",
    "/history", "/settings", "/nowhere",
)  # fmt: skip
CALLS = ("list_catalog", "list_services", "receipts", "history", "verify", "jobs")
NAMED = ("explain", "logs")


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Guarded]:
    """An app that has all three values, and a history of ups and downs in which it told its secret every time."""
    with Guarded(place) as made:
        made.offer()
        assert made.say("install", APP, "--yes").returncode == ExitCode.FORGE  # the forge asks for the token
        made.say("secret", "set", "--context", "core", "FORGE_TOKEN", text=TOKEN)
        made.say("secret", "set", "--context", "db", SECRET_VAR, text=SECRET)
        assert made.say("install", APP, "--yes").returncode == ExitCode.DONE
        assert made.say("register", APP, **{EXPORTED_VAR: EXPORTED}).returncode == ExitCode.DONE
        yield made


def told(said: list[str], *values: str) -> list[str]:
    return [text for text in said if any(value in text for value in values)]


def test_while_it_is_changed(scene: Guarded) -> None:
    changes: tuple[tuple[Behaviour | None, tuple[str, ...], ExitCode], ...] = (
        (Behaviour.WORKS, ("upgrade", APP, "--yes"), ExitCode.DONE),
        (Behaviour.NEVER_STARTS, ("upgrade", APP, "--yes", "--json"), ExitCode.ROLLED_BACK),
        (Behaviour.NEVER_STARTS, ("upgrade", APP, "--yes"), ExitCode.ROLLED_BACK),
        (None, ("rollback", APP, "--yes"), ExitCode.DONE),
        (None, ("restart", APP), ExitCode.DONE),
        (None, ("register", APP, "--json"), ExitCode.DONE),
    )
    for behaviour, words, code in changes:
        if behaviour:
            scene.offer(behaviour)
        with watched(scene.root) as found:
            assert scene.say(*words).returncode == code, scene.said[-1]
        assert not found["wrong"] and found["rounds"] >= CAREFUL_ENOUGH, found
    assert not told(scene.said, *HOMES)
    assert any("its last words: I was given (secret)" in text for text in scene.said)


def test_looking_that_ends_is_told(scene: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(_root: Path) -> Iterator[str]:
        raise RuntimeError("no eyes")

    monkeypatch.setattr(canary, "misplaced", blind)
    with watched(scene.root) as found:
        until(lambda: found["wrong"])
    assert "no eyes" in str(found["wrong"]) and found["rounds"] == 0


def test_only_the_service_has_them(scene: Guarded) -> None:
    pid = scene.pids(APP)[SERVICE]
    assert set(given_to(SECRET)) == set(given_to(EXPORTED)) == {pid}
    assert not given_to(TOKEN)
    assert not [*misplaced(scene.root), *shown_to_all()]
    logs = scene.machine.layout.supervisor / "logs" / f"{SERVICE}.log"
    assert f"I was given {SECRET}" in logs.read_text(), "the daemon does not even know its secret"


@pytest.mark.parametrize("form", [(), pytest.param(("--json",), marks=pytest.mark.slow)], ids=["text", "json"])
def test_whoever_reads_sees_none(scene: Guarded, form: tuple[str, ...]) -> None:
    begun = len(scene.said)
    for words in READING:
        done = scene.say(*words, *form)
        assert done.stdout and "Traceback" not in done.stderr and done.returncode != ExitCode.BUG, scene.said[-1]
    plan = scene.home / "tonight.plan"
    scene.offer()
    assert scene.say("plan", "--out", str(plan)).returncode == ExitCode.DONE
    assert not told([*scene.said[begun:], plan.read_text()], *HOMES)
    assert scene.say("apply", str(plan), "--yes").returncode == ExitCode.DONE
    assert not told(scene.said[begun:], *HOMES)
    assert any("I was given (secret)" in text for text in scene.said[begun:])
    assert not list(misplaced(scene.root))


def test_what_was_exported_is_no_secret_and_explained(scene: Guarded) -> None:
    for form in ((), ("--json",)):
        assert EXPORTED in scene.say("explain", SERVICE, EXPORTED_VAR, *form).stdout
        scene.said.pop()
    assert EXPORTED in (scene.machine.layout.state / f"{APP}.json").read_text()


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ("os.rename", f"{SERVICE}.conf"),
        ("open", SECRET_VAR),
        ("socket.connect", "family=2"),
    ],
    ids=["while it defines the service", "while it reads the secret", "while it calls the forge"],
)
def test_a_report_of_a_crash_has_none(scene: Guarded, event: str, where: str) -> None:
    before = set(scene.machine.layout.crashes.glob("*"))
    scene.offer()
    path = broken_interpreter(scene.home / event, event, where)
    words = ("register", APP) if event == "os.rename" else ("upgrade", APP, "--yes")
    done = scene.say(*words, PYTHONPATH=path, **{EXPORTED_VAR: EXPORTED + "-2"})
    reports = set(scene.machine.layout.crashes.glob("*")) - before
    assert done.returncode == ExitCode.BUG and len(reports) == 1, scene.said[-1]
    texts = [report.read_text() for report in reports]
    assert "RuntimeError: the interpreter is broken" in texts[0]
    assert not told([*texts, scene.said[-1]], *HOMES)
    assert scene.say("recover").returncode == ExitCode.DONE
    assert not told(scene.said, *HOMES) and not list(misplaced(scene.root))


def test_no_page_and_no_answer_has_one(scene: Guarded) -> None:
    scene.offer()
    said = []
    with Server(scene) as server, watched(scene.root) as found:
        job = server.ended(server.order("upgrade_service", service=APP))
        assert job["state"] == "done", job
        said.append(json.dumps(job))
        for path in PAGES:
            with Line(server.web) as line:
                answer = line.open(path)
                said.append(f"{path}: {answer.status} {answer.headers}{answer.read().decode()}")
        said += [json.dumps(server.call(name)) for name in CALLS]
        said += [json.dumps(server.call(name, service=SERVICE)) for name in NAMED]
        said.append(json.dumps(server.call("plan", verb="restart", services=[APP])))
    said += [(scene.home / "serve.log").read_text()]
    assert not told(said, *HOMES) and not found["wrong"] and found["rounds"] >= CAREFUL_ENOUGH, found
    for begins in (f"/services/{SERVICE}/log: 200 ", '{"logs": '):
        assert any(text.startswith(begins) and "I was given (secret)" in text for text in said), begins
    assert not [text for text in said if ": 500 " in text[:80]]
