"""What only the embedded supervisord promises: its own life, crashes of it, and what it keeps about services."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.clock import SystemClock
from cockpitpm.errors import SupervisorError
from cockpitpm.model.service import Definition, ServiceState, Wanted
from cockpitpm.processes import LinuxProcesses
from cockpitpm.supervisors import open_supervisor
from cockpitpm.supervisors.supervisord import Supervisord
from tests.contract.test_supervisor import NASTY
from tests.waiting import until

pytestmark = pytest.mark.real
PROCESSES = LinuxProcesses()
ROOT = Path(__file__).parents[3]


def folder(root: Path) -> Path:
    return root / "var/cockpitpm/supervisord"


def opened(root: Path, **options: float) -> Supervisord:
    return Supervisord(folder(root), PROCESSES, SystemClock(), {"HOME": str(root)}, **options)


@pytest.fixture
def supervisor(root: Path) -> Iterator[Supervisord]:
    made = opened(root)
    yield made
    made.shutdown()


def define(supervisor: Supervisord, root: Path, *command: str, **fields: object) -> None:
    fields = {"name": "s", "stop_timeout": 0.5, "directory": str(root), **fields}
    supervisor.define(Definition(command=command, **fields))  # type: ignore[arg-type]


def daemon(root: Path) -> int:
    return int((folder(root) / "supervisord.pid").read_text())


def kill_daemon(root: Path) -> None:
    pid = daemon(root)
    os.kill(pid, signal.SIGKILL)
    until(lambda: PROCESSES.identify(pid) is None)


def test_reading_does_not_start_it(supervisor: Supervisord, root: Path) -> None:
    assert supervisor.list() == ()
    assert supervisor.status("s").state is ServiceState.ABSENT
    supervisor.forget("s")
    assert not folder(root).exists()


def test_what_is_defined_is_unknown_while_it_does_not_run(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/sh", "-c", "echo hello; exec sleep 600")
    supervisor.start("s")
    until(lambda: supervisor.logs("s", 1))
    supervisor.shutdown()
    status = supervisor.status("s")
    assert (status.state, status.pid, status.wanted) == (ServiceState.UNKNOWN, None, Wanted.RUNNING)
    assert supervisor.list() == (status,)
    assert supervisor.logs("s", 1) == "hello\n"
    supervisor.stop("s")
    assert supervisor.status("s").wanted is Wanted.STOPPED
    assert not (folder(root) / "rpc.sock").exists()


def test_it_outlives_the_process_that_started_it(supervisor: Supervisord, root: Path) -> None:
    program = (
        "import sys, pathlib, tests.unit.supervisors.test_supervisord as t;"
        "s = t.opened(pathlib.Path(sys.argv[1])); t.define(s, sys.argv[1], '/bin/sleep', '600'); s.start('s')"
    )
    subprocess.run([sys.executable, "-c", program, str(root)], cwd=ROOT, start_new_session=True, check=True)
    status = supervisor.status("s")
    assert status.state is ServiceState.RUNNING and status.pid is not None
    assert os.getsid(status.pid) == daemon(root)
    assert stat_mode(folder(root)) == 0o700 and stat_mode(folder(root) / "rpc.sock") == 0o700
    assert stat_mode(folder(root) / "conf.d/s.conf") == 0o600


def stat_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_killed_one_is_replaced_and_its_orphans_are_ended(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
    supervisor.start("s")
    orphan = supervisor.status("s").pid
    assert orphan is not None
    kill_daemon(root)
    assert supervisor.status("s").state is ServiceState.UNKNOWN
    assert PROCESSES.identify(orphan)
    supervisor.ensure_running()
    assert PROCESSES.tree(orphan) == ()
    until(lambda: supervisor.status("s").pid)
    assert supervisor.status("s").wanted is Wanted.RUNNING


@pytest.mark.parametrize("verb", ["stop", "forget", "shutdown"])
def test_orphans_are_ended_without_a_new_one(supervisor: Supervisord, root: Path, verb: str) -> None:
    define(supervisor, root, "/bin/sleep", "600")
    supervisor.start("s")
    orphan = supervisor.status("s").pid
    assert orphan is not None
    kill_daemon(root)
    getattr(supervisor, verb)(*([] if verb == "shutdown" else ["s"]))
    assert PROCESSES.identify(orphan) is None
    assert supervisor.status("s").state is (ServiceState.ABSENT if verb == "forget" else ServiceState.UNKNOWN)


def test_a_job_that_left_the_service_is_spared(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/sh", "-c", "setsid sh -c 'echo $$ > job; sleep 600' & exec sleep 600")
    supervisor.start("s")
    until(lambda: (root / "job").exists() and (root / "job").read_text())
    job = int((root / "job").read_text())
    supervisor.stop("s")
    kill_daemon(root)
    supervisor.ensure_running()
    assert PROCESSES.identify(job)
    os.killpg(job, signal.SIGKILL)


def test_a_new_one_starts_what_is_wanted_and_nothing_else(supervisor: Supervisord, root: Path) -> None:
    for name in ("a", "b", "c"):
        define(supervisor, root, "/bin/sleep", "600", name=name)
    supervisor.start("a")
    supervisor.start("b")
    supervisor.stop("b")
    supervisor.shutdown()
    supervisor.ensure_running()
    until(lambda: supervisor.status("a").pid)
    states = {s.name: (s.state, s.wanted) for s in supervisor.list()}
    assert states["a"] == (ServiceState.RUNNING, Wanted.RUNNING)
    assert states["b"] == (ServiceState.STOPPED, Wanted.STOPPED)
    assert states["c"] == (ServiceState.STOPPED, Wanted.UNKNOWN)


def test_a_new_definition_keeps_what_is_wanted_over_a_crash(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/sleep", "600")
    supervisor.start("s")
    define(supervisor, root, "/bin/sleep", "601")
    assert supervisor.status("s").state is ServiceState.STOPPED
    kill_daemon(root)
    supervisor.ensure_running()
    until(lambda: supervisor.status("s").pid)


def test_values_reach_the_program_as_they_are(supervisor: Supervisord, root: Path) -> None:
    write = "import json, os, sys; open('seen', 'w').write(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))"
    sets = ((), NASTY), (("plain", "a b", ""), ("x", "", "a b,c=d"))
    for arguments, values in sets:
        (root / "seen").unlink(missing_ok=True)
        env = tuple((f"V{n:02}", value) for n, value in enumerate(values))
        code = f"{write}; import time; time.sleep(600)"
        script = root / "show.py"
        script.write_text(code)
        define(supervisor, root, sys.executable, str(script), *arguments, env=env)
        supervisor.start("s")
        until(lambda: (root / "seen").exists() and (root / "seen").read_text().endswith("]"))
        seen, environment, directory = json.loads((root / "seen").read_text())
        assert seen == list(arguments)
        assert {name: environment[name] for name, _ in env} == dict(env)
        assert directory == str(root)
        assert not set(environment) & {"PYTEST_CURRENT_TEST", "PYTHONPATH", "OLDPWD"}, "of whoever started it"


@pytest.mark.parametrize("argument", ["plain", "not % plain"])
def test_a_file_that_cannot_be_executed_is_told_with_its_reason(
    supervisor: Supervisord, root: Path, argument: str
) -> None:
    program = root / "program"
    program.write_bytes(b"\x7fnot an executable\n")
    program.chmod(0o755)
    define(supervisor, root, str(program), argument)
    with pytest.raises(SupervisorError, match=r"ENOEXEC.*s\.log"):
        supervisor.start("s")
    until(lambda: supervisor.status("s").state is ServiceState.FAILED)
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    supervisor.start("s")
    assert supervisor.status("s").state is ServiceState.RUNNING


def test_a_program_that_ends_at_once_is_failed_and_can_be_stopped(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/false")
    for _ in range(10):  # supervisord notices the end sometimes within the call and sometimes after it
        supervisor.start("s")
        supervisor.stop("s")
    supervisor.start("s")
    until(lambda: supervisor.status("s").state is ServiceState.FAILED)
    supervisor.stop("s")
    assert supervisor.status("s").state is ServiceState.STOPPED


@pytest.mark.parametrize("place", ["", "os.setpgid(0, 0)"])
def test_a_service_that_cycles_itself_comes_back(supervisor: Supervisord, root: Path, place: str) -> None:
    """The one who asks is a child of the service, in the same process group or in one of its own."""
    script = root / "self.py"
    script.write_text(
        "import os, pathlib, sys, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import tests.unit.supervisors.test_supervisord as t\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "starts = root / 'starts'\n"
        "with starts.open('a') as f: f.write('x')\n"
        "service = os.getpid()\n"
        "if starts.read_text() == 'x' and os.fork() == 0:\n"
        f"    {place or 'pass'}\n"
        "    t.opened(root).cycle('s', t.PROCESSES.identify(service))\n"
        "    os._exit(0)\n"
        "time.sleep(600)\n"
    )
    define(supervisor, root, sys.executable, str(script), str(root))
    supervisor.start("s")
    until(lambda: (root / "starts").exists() and (root / "starts").read_text() == "xx")


def test_a_definition_that_was_never_loaded_is_loaded_at_the_start(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/sleep", "600", name="other")
    define(supervisor, root, "/bin/sleep", "600")
    written = (folder(root) / "conf.d/s.conf").read_text()
    supervisor.forget("s")
    (folder(root) / "conf.d/s.conf").write_text(written)  # as if we had been killed in the middle of define
    assert supervisor.status("s").state is ServiceState.STOPPED
    supervisor.start("s")
    assert supervisor.status("s").state is ServiceState.RUNNING
    assert supervisor.status("other").pid is None


def test_two_that_start_it_at_once_start_one(supervisor: Supervisord, root: Path) -> None:
    threads = [threading.Thread(target=opened(root).ensure_running) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    words = str(folder(root)).encode()
    found = [p for p in Path("/proc").glob("[0-9]*") if p.name.isdecimal() and words in command(p)]
    assert [int(p.name) for p in found] == [daemon(root)]


def command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_one_that_hangs_is_an_error_in_time(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/sleep", "600")
    os.kill(daemon(root), signal.SIGSTOP)
    try:
        with pytest.raises(SupervisorError, match="no answer in time"):
            opened(root, answer_within=0.2).status("s")
    finally:
        os.kill(daemon(root), signal.SIGCONT)


def test_a_descriptor_of_ours_does_not_live_on_in_it(supervisor: Supervisord, root: Path) -> None:
    with (root / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        supervisor.ensure_running()
        files = [os.readlink(path) for path in Path(f"/proc/{daemon(root)}/fd").iterdir()]
        assert str(root / "held") not in files


def test_a_path_that_is_too_long_for_a_socket_is_named(root: Path) -> None:
    deep = root / ("d" * 70)
    with pytest.raises(SupervisorError, match=r"rpc\.sock has more than .* shorter path"):
        opened(deep).ensure_running()


def test_a_path_that_supervisord_would_misread_is_refused(root: Path) -> None:
    with pytest.raises(SupervisorError, match="cannot live in"):
        opened(root / "a b%").ensure_running()
    assert not (root / "a b%").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../x"},
        {"name": "a:b"},
        {"name": ""},
        {"command": ()},
        {"command": ("a\0b",)},
        {"env": (("A=B", ""),)},
        {"stop_timeout": float("nan")},
    ],
)
def test_what_no_process_can_be_given_is_refused(
    supervisor: Supervisord, root: Path, fields: dict[str, object]
) -> None:
    with pytest.raises(SupervisorError):
        supervisor.define(Definition(**{"name": "s", "command": ("/bin/true",), **fields}))  # type: ignore[arg-type]
    assert not folder(root).exists()


def test_a_definition_that_somebody_spoiled_is_named(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/true")
    (folder(root) / "conf.d/s.conf").write_text("[program:s]\n")
    with pytest.raises(SupervisorError, match=r"s\.conf cannot be read"):
        supervisor.definition("s")
    (folder(root) / "conf.d/s.conf").unlink()


def test_there_is_no_other_kind_yet(root: Path) -> None:
    with pytest.raises(SupervisorError, match="supervisord"):
        open_supervisor("openrc", folder(root), PROCESSES, SystemClock(), {})


def test_what_is_set_aside_is_read_by_its_owner_only(supervisor: Supervisord, root: Path) -> None:
    define(supervisor, root, "/bin/sleep", "600", env=(("TOKEN", "canary"),))
    supervisor.set_aside("s")
    file = folder(root) / "aside" / "s.conf"
    assert "canary" in file.read_text()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.with_name("s.conf.tmp").write_text("cut short, canary")
    supervisor.drop_aside("s")
    assert list(file.parent.iterdir()) == []
