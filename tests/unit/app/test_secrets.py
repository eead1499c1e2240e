"""Secrets in the life of a machine: who hears of them, who gets a token, and that a canary is found nowhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cockpitpm.app.change import change, plan_for
from cockpitpm.app.explain import explain, explain_variable, to_json, variable_json
from cockpitpm.app.host import Host, Invocation
from cockpitpm.app.records import history, history_json, receipts
from cockpitpm.app.register import register
from cockpitpm.app.report import to_json as report_json
from cockpitpm.app.secrets import Given, forge_token, get, listed, secrets_of, set_, unset
from cockpitpm.app.services import logs
from cockpitpm.cli.crash import save_crash
from cockpitpm.cli.session import Session
from cockpitpm.errors import ForgeError, LockedError, MachineError, PlanError, UsageError
from cockpitpm.model.bundle import Repo
from cockpitpm.model.codec import encode
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.ports import Reporter
from tests.sim.machine import DUO, MachineSim
from tests.sim.steps import installed

CANARY = "canary-b7f3"
ENV = "    env: [{var: API_TOKEN, default: none, desc: A token.}]\n"
WITH_TOKEN = DUO.replace("    kind: server\n", "    kind: server\n" + ENV)


class Ears(Reporter):
    """Hears everything."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def step(self, app: str, text: str) -> None:
        self.heard.append(text)

    def warning(self, app: str, text: str) -> None:
        self.heard.append(text)


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, offered="1", bundle=WITH_TOKEN)


def holding(folder: Path, text: str) -> set[str]:
    """The files below a folder that hold the text, or have it in their name."""
    files = [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    return {str(p.relative_to(folder)) for p in files if text.encode() in p.read_bytes() or text in p.name}


def told(machine: MachineSim, verb: Verb) -> list[object]:
    """Everything that a changing verb says, with the plan before it."""
    ears = Ears()
    request = Request(verb=verb, names=("duo",), actor="test")
    plan = plan_for(machine.host(), request)
    report = change(machine.host(ears), request, lambda _: True)
    return [ears.heard, repr(plan), encode(plan), repr(report), report_json(report, 0)]


def test_the_canary_is_found_nowhere(machine: MachineSim) -> None:
    set_(machine.host(), "duo", "API_TOKEN", CANARY)
    said = told(machine, Verb.INSTALL)
    machine.publish("2", "sick")
    said += told(machine, Verb.UPGRADE)
    machine.publish("3")
    said += told(machine, Verb.UPGRADE) + told(machine, Verb.ROLLBACK) + told(machine, Verb.RESTART)
    machine.host().supervisor.forget("duo_server")
    said += told(machine, Verb.CONVERGE)
    report, kept = register(machine.host(), "duo", {"API_TOKEN": "exported"})
    host = machine.host()
    said += [report_json(report, 0), repr(report), kept, repr(machine.status()), repr(host.facts())]
    said += [receipts(host, every=True), history_json(history(host)), to_json(explain(host, "duo"))]
    said += [variable_json(explain_variable(host, "duo_server", "API_TOKEN")), repr(listed(host))]
    assert CANARY not in json.dumps(said)
    definition = host.supervisor.definition("duo_server")
    assert definition and dict(definition.env)["API_TOKEN"] == CANARY
    assert holding(machine.folder, CANARY) == {"root/cfg/cockpitpm/secrets/duo/API_TOKEN", "world.json"}


def test_logs_are_shown_without_them(machine: MachineSim) -> None:
    set_(machine.host(), "duo", "API_TOKEN", CANARY)
    machine.run(Verb.INSTALL, "duo")
    with machine.world.changing() as state:
        state["services"]["duo_server"]["log"] = ["begun", f"my token is {CANARY}!"]
    assert logs(machine.host(), "duo_server", 5)["duo_server"].splitlines() == ["begun", "my token is (secret)!"]


def test_the_damage_of_another_app_is_no_obstacle(machine: MachineSim) -> None:
    machine.run(Verb.INSTALL, "duo")
    set_(machine.host(), "duo", "API_TOKEN", CANARY)
    layout = machine.host().layout
    layout.app("alpha").mkdir()
    layout.current("alpha").symlink_to("live/1.x")
    exported, secrets = Given(layout).to("duo_server")
    assert (dict(exported), secrets) == ({}, {"API_TOKEN": CANARY})
    assert Given(layout).to("nobodys") == ({}, {})


def test_a_crash_report_has_no_values(machine: MachineSim) -> None:
    set_(machine.host(), "duo", "API_TOKEN", CANARY)
    session = Session(environ={"PATH_ROOT": str(machine.root), "API_TOKEN": CANARY}, cwd=Path.cwd, arguments=("x",))

    def crash(host: Host) -> None:
        value, facts = get(host, "duo", "API_TOKEN"), host.facts()
        raise RuntimeError(f"a bug with {facts}, {len(value)} and {value}")

    with pytest.raises(RuntimeError) as bug:
        crash(machine.host())
    path = save_crash(bug.value, session)
    assert path.startswith(f"{machine.root}/")
    assert "a bug with" in Path(path).read_text() and CANARY not in Path(path).read_text()


def test_the_lock_guards_every_change(machine: MachineSim) -> None:
    with machine.host().changing():
        for act in (lambda: set_(machine.host(), "duo", "A", "1"), lambda: unset(machine.host(), "duo", "A")):
            with pytest.raises(LockedError):
                act()
    assert listed(machine.host()) == ()


def test_a_bad_name_makes_no_machine(root: Path) -> None:
    host = Host(Invocation(root=root / "none"))
    for act in (lambda: set_(host, "Duo", "A", "1"), lambda: unset(host, "duo", "a")):
        with pytest.raises(UsageError):
            act()
    assert not (root / "none").exists()


def test_what_is_not_there_cannot_be_read_or_forgotten(machine: MachineSim) -> None:
    for act in (get, unset):
        with pytest.raises(MachineError, match="There is no secret duo/A"):
            act(machine.host(), "duo", "A")


def test_explain_shows_the_winner_and_the_losers(machine: MachineSim) -> None:
    machine.run(Verb.INSTALL, "duo")
    register(machine.host(), "duo_server", {"API_TOKEN": "exported"})
    set_(machine.host(), "duo", "API_TOKEN", CANARY)
    found = variable_json(explain_variable(machine.host(), "duo_server", "API_TOKEN"))
    assert (found["app"], found["winner"]["source"], found["winner"]["by"]) == (
        "duo",
        "secret",
        "the secret duo/API_TOKEN",
    )
    assert [(one["source"], one["value"]) for one in found["losers"]] == [("exported", "exported"), ("default", "none")]
    assert explain_variable(machine.host(), "duo_server", "PATH_ROOT").winner.value == str(machine.root)


@pytest.mark.parametrize(
    ("name", "var", "says"),
    [("duo", "API_TOKEN", "is no service"), ("duo_server", "OTHER", "is not declared"), ("x", "A", "x")],
)
def test_explain_names_what_there_is(machine: MachineSim, name: str, var: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        explain_variable(machine.host(), name, var)


def test_a_service_of_somebody_else_has_no_values_of_ours(machine: MachineSim) -> None:
    machine.bundle(WITH_TOKEN + "  - name: duo_foreign\n")
    with pytest.raises(PlanError, match="registered by somebody else"):
        explain_variable(machine.host(), "duo_foreign", "API_TOKEN")
    machine.run(Verb.INSTALL, "duo")
    with pytest.raises(PlanError, match="no services that cockpitpm registers"):
        register(machine.host(), "duo_foreign", {})


def test_only_the_default_forge_has_a_token_that_nobody_named(root: Path) -> None:
    secrets, heard = secrets_of(Host(Invocation(root=root)).layout), list[str]()
    plain, named = (ForgeSettings(kind="forgejo", url="https://f.test", token=t) for t in ("", "team/TOKEN"))
    assert forge_token(secrets, "default", plain, heard.append) is None
    secrets.set("core", "FORGE_TOKEN", "t1")
    secrets.set("team", "TOKEN", "t2")
    assert forge_token(secrets, "default", plain, heard.append) == "t1"
    assert forge_token(secrets, "mirror", plain, heard.append) is None
    assert [forge_token(secrets, n, named, heard.append) for n in ("default", "mirror")] == ["t2", "t2"]
    assert not heard
    secrets.unset("team", "TOKEN")
    assert forge_token(secrets, "mirror", named, heard.append) is None
    assert heard == ["forge mirror has no token: there is no secret team/TOKEN. Reading without one"]


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str | None]]]:
    """The address of a server that has nothing, and the tokens it was shown."""
    shown: list[str | None] = []

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers["Authorization"])
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Nothing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", shown
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_token_goes_to_the_forge_it_is_for(root: Path, asked: tuple[str, list[str | None]]) -> None:
    url, shown = asked
    settings = root / "cfg/cockpitpm/machine.yaml"
    settings.parent.mkdir(parents=True)
    forges = (
        f"  default: {{kind: forgejo, url: {url}, owner: us}}\n  mirror: {{kind: forgejo, url: {url}, owner: us}}\n"
    )
    settings.write_text("forges:\n" + forges)
    host = Host(Invocation(root=root))
    secrets_of(host.layout).set("core", "FORGE_TOKEN", "t1")
    for name in ("default", "mirror"):
        with pytest.raises(ForgeError) as failed:
            host.forge(Repo(name="x", forge=name)).release(Repo(name="x", forge=name), "latest")
        assert "t1" not in str(failed.value)
    assert (shown[0], shown[-1]) == ("token t1", None)


def test_machine_yaml_names_a_secret_and_never_holds_one(root: Path) -> None:
    settings = root / "cfg/cockpitpm/machine.yaml"
    settings.parent.mkdir(parents=True)
    for said, fine in (("team/TOKEN", True), (CANARY, False), ("team/TOKEN/x", False)):
        settings.write_text(f"forges:\n  default: {{kind: forgejo, url: https://f.test, owner: us, token: {said}}}\n")
        if fine:
            assert Host(Invocation(root=root)).settings.forges["default"].token == said
            continue
        with pytest.raises(MachineError, match="no context/KEY") as told:
            _ = Host(Invocation(root=root)).settings
        assert CANARY not in str(told.value)
