"""What a definition becomes in supervisord's own language, and what is read back from it."""

from __future__ import annotations

import pytest

from cockpitpm.model.service import Definition, Wanted
from cockpitpm.supervisors.definitions import Definitions, Entry, parse
from cockpitpm.supervisors.supervisord import ServiceState, state_of


@pytest.fixture
def definitions(root):
    (root / "conf.d").mkdir()
    return Definitions(root / "conf.d", root / "logs", ("/py", "/launch.py"))


def entry(*command: str, env: tuple[tuple[str, str], ...] = (), wanted: Wanted = Wanted.UNKNOWN) -> Entry:
    return Entry(definition=Definition(name="s", command=command, env=env, stop_timeout=0.2), wanted=wanted)


def written(definitions: Definitions, root, made: Entry) -> dict[str, str]:
    definitions.write(made, autostart=True)
    text = (root / "conf.d/s.conf").read_text()
    assert parse(text) == made == definitions.read("s")
    return dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line and not line.startswith(";"))


def test_plain_values_are_said_directly(definitions, root) -> None:
    keys = written(definitions, root, entry("/bin/a", "b c", "", env=(("A", "x y"), ("B", ""))))
    assert keys["command"] == "/bin/a 'b c' ''"
    assert keys["environment"] == 'A="x y",B=""'
    assert (keys["autostart"], keys["stopwaitsecs"]) == ("true", "2")


@pytest.mark.parametrize("odd", ["%", "a ;b", "a #b", "'", '"', "\n", "é", "\\", "\ud800"])
def test_odd_values_go_through_the_launcher(definitions, root, odd: str) -> None:
    for made in (entry("/bin/a", odd), entry("/bin/a", env=(("A", odd),)), entry("/bin/a", env=(("A-B", ""),))):
        keys = written(definitions, root, made)
        assert keys["command"] == f"/py /launch.py {root}/conf.d/s.conf"
        assert "environment" not in keys and "directory" not in keys


def test_a_refresh_writes_what_is_wanted_as_autostart(definitions, root) -> None:
    for wanted, expected in ((Wanted.RUNNING, "true"), (Wanted.STOPPED, "false"), (Wanted.UNKNOWN, "false")):
        definitions.write(entry("/bin/a", wanted=wanted), autostart=False)
        definitions.refresh()
        assert f"autostart = {expected}\n" in (root / "conf.d/s.conf").read_text()


def test_a_draft_of_an_interrupted_write_is_no_definition(definitions, root) -> None:
    (root / "conf.d/s.conf.tmp").write_text("half")
    assert definitions.names() == () and definitions.read("s") is None


@pytest.mark.parametrize(
    ("raw", "alive", "wanted", "state"),
    [
        ("RUNNING", True, Wanted.RUNNING, ServiceState.RUNNING),
        ("STARTING", True, Wanted.RUNNING, ServiceState.RUNNING),
        ("STOPPING", True, Wanted.STOPPED, ServiceState.RUNNING),
        ("RUNNING", False, Wanted.RUNNING, ServiceState.UNKNOWN),
        ("STOPPED", False, Wanted.RUNNING, ServiceState.STOPPED),
        ("EXITED", False, Wanted.RUNNING, ServiceState.FAILED),
        ("BACKOFF", False, Wanted.RUNNING, ServiceState.FAILED),
        ("FATAL", False, Wanted.UNKNOWN, ServiceState.FAILED),
        ("FATAL", False, Wanted.STOPPED, ServiceState.STOPPED),
        ("UNKNOWN", False, Wanted.RUNNING, ServiceState.UNKNOWN),
        ("SOMETHING", True, Wanted.RUNNING, ServiceState.UNKNOWN),
    ],
)
def test_the_words_of_supervisord(raw: str, alive: bool, wanted: Wanted, state: ServiceState) -> None:
    assert state_of(raw, alive=alive, wanted=wanted) is state
