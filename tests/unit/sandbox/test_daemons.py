"""The sample daemons are real programs: each is started, asked and stopped; some must fail as they were built to."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.bundle import Binary, BinaryKind, Probe, ProbeKind, Socket
from cockpitpm.model.role import Role
from cockpitpm.sandbox import daemons
from cockpitpm.sandbox.daemons import CHAIN_SOCKETS, Behaviour, Form, Part, build_daemon
from tests.unit.sandbox.conftest import COMMIT, Machine, UnixConnection, chain_stamp, stamp
from tests.waiting import until

pytestmark = pytest.mark.real

FORMS = [
    pytest.param(Form.SCRIPT, id="script"),
    pytest.param(
        Form.ELF,
        id="elf",
        marks=pytest.mark.skipif(daemons.compiler() is None, reason="no C compiler on this machine"),
    ),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_build_is_its_stamp(form: Form) -> None:
    first, again = build_daemon(chain_stamp(), form), build_daemon(chain_stamp(), form)
    other = build_daemon(chain_stamp(commit="0" * 40), form)
    assert first == again != other
    assert first.startswith(b"\x7fELF" if form is Form.ELF else b"#!/")
    assert len({build_daemon(chain_stamp(behaviour=b), form) for b in Behaviour}) == len(Behaviour)
    found = daemons.stamp_of(first)
    assert found is not None and found["commit"] == COMMIT and found["version"] == "1.2.0"
    assert daemons.stamp_of(b"#!/bin/sh\n") is None


@pytest.mark.parametrize("form", FORMS)
def test_a_build_tells_its_stamp_and_version(machine: Machine, form: Form) -> None:
    data = build_daemon(chain_stamp(), form)
    file = machine.put("daemon", data)
    told = subprocess.run([file, "--build-stamp"], capture_output=True, check=True).stdout
    assert json.loads(told) == daemons.stamp_of(data)
    version = subprocess.run([file, "--version"], capture_output=True, text=True, check=True).stdout
    assert version == f"my_compute_zos_server 1.2.0 ({COMMIT})\n"


@pytest.mark.parametrize("form", FORMS)
def test_a_daemon_answers_what_every_service_must(machine: Machine, form: Form) -> None:
    machine.put("daemon", build_daemon(chain_stamp(), form))
    process = machine.start("daemon")
    rpc = CHAIN_SOCKETS["qa"]
    machine.ready(rpc)
    status, health = machine.ask(rpc)
    assert (status, health["status"], health["pid"]) == (200, "ok", process.pid)
    assert health["service"] == health["binary"] == "my_compute_zos_server"
    assert (health["version"], health["commit"]) == ("1.2.0", COMMIT)
    manifest = machine.ask(rpc, "/.well-known/heroservice.json")[1]
    assert (manifest["protocol"], manifest["socket"]) == ("openrpc", "rpc")
    document = machine.call(rpc, "rpc.discover")["result"]
    assert document == machine.ask(rpc, "/openrpc.json")[1]
    assert [m["name"] for m in document["methods"]] == ["health", "list_nodes", "rpc.discover", "version"]
    assert machine.call(rpc, "health")["result"] == health
    assert machine.call(rpc, "health")["id"] == "a-1"
    assert machine.call(rpc, "what")["error"]["code"] == -32601
    assert machine.request(rpc, "POST", "/rpc", "no")[1]["error"]["code"] == -32700
    assert machine.ask(rpc, "/what")[0] == 404
    assert machine.ask(rpc, "/rpc")[0] == 400


@pytest.mark.parametrize("form", FORMS)
def test_a_daemon_serves_many_connections_and_keeps_them(machine: Machine, form: Form) -> None:
    machine.put("daemon", build_daemon(chain_stamp(), form))
    machine.start("daemon")
    machine.ready(CHAIN_SOCKETS["qa"])
    connections = [UnixConnection(machine.sockets / CHAIN_SOCKETS["qa"]) for _ in range(20)]
    with contextlib.ExitStack() as stack:
        for connection in connections:
            stack.enter_context(contextlib.closing(connection))
            connection.connect()
        for connection in connections * 3:
            connection.request("POST", "/rpc", '{"id": 7, "method": "version", "jsonrpc": "2.0"}')
            assert json.loads(connection.getresponse().read())["id"] == 7


@pytest.mark.parametrize("form", FORMS)
def test_a_request_may_come_in_pieces_or_two_at_once(machine: Machine, form: Form) -> None:
    machine.put("daemon", build_daemon(chain_stamp(), form))
    machine.start("daemon")
    machine.ready(CHAIN_SOCKETS["qa"])
    with socket.socket(socket.AF_UNIX) as plug:
        plug.settimeout(5)
        plug.connect(str(machine.sockets / CHAIN_SOCKETS["qa"]))
        for piece in (b"GET /hea", b"lth HTTP/1.1\r\n\r", b"\nGET /health HTTP/1.1\r\nConnection: close\r\n\r\n"):
            plug.sendall(piece)
            time.sleep(0.02)
        answer = b"".join(iter(lambda: plug.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_daemon_ends_at_once_and_starts_over_a_stale_socket(machine: Machine, form: Form) -> None:
    machine.put("daemon", build_daemon(chain_stamp(), form))
    for _ in range(2):
        process = machine.start("daemon")
        machine.ready(CHAIN_SOCKETS["qa"])
        asked = time.monotonic()
        process.terminate()
        assert process.wait(timeout=5) == 0
        assert time.monotonic() - asked < 1
        assert (machine.sockets / CHAIN_SOCKETS["qa"]).is_socket()
    assert (machine.sockets / CHAIN_SOCKETS["qa"]).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_build_that_never_starts(machine: Machine, form: Form) -> None:
    machine.put("daemon", build_daemon(chain_stamp(behaviour=Behaviour.NEVER_STARTS), form))
    process = machine.start("daemon")
    _, said = process.communicate(timeout=5)
    assert process.returncode == 1
    assert b"cannot start" in said
    assert not machine.sockets.exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_build_that_fails_its_probe(machine: Machine, form: Form) -> None:
    machine.put("daemon", build_daemon(chain_stamp(behaviour=Behaviour.FAILS_PROBE), form))
    process = machine.start("daemon")
    machine.ready(CHAIN_SOCKETS["qa"])
    assert machine.ask(CHAIN_SOCKETS["qa"])[0] == 500
    assert machine.request(CHAIN_SOCKETS["qa"], "POST", "/rpc", "{}")[0] == 500
    assert process.poll() is None


@pytest.mark.parametrize("form", FORMS)
def test_a_build_that_crashes_after_a_good_answer(machine: Machine, form: Form) -> None:
    machine.put("daemon", build_daemon(chain_stamp(behaviour=Behaviour.CRASHES, crash_after=0.2), form))
    process = machine.start("daemon")
    machine.ready(CHAIN_SOCKETS["qa"])
    _, said = process.communicate(timeout=5)
    assert process.returncode == 1
    assert b"crashed" in said


@pytest.mark.parametrize("form", FORMS)
def test_the_deployer_asks_three_chains_live(machine: Machine, form: Form) -> None:
    machine.put(daemons.CHAIN_BINARY, build_daemon(chain_stamp(), form))
    for name, text in daemons.wrappers().items():
        machine.put(name, text)
    deployer = stamp("hero_tfgrid_deployer_server", part=Part.DEPLOYER, sockets=("hero_tfgrid_deployer/rpc.sock",))
    machine.put("hero_tfgrid_deployer_server", build_daemon(deployer))
    names = [daemons.CHAIN_BINARY, *daemons.wrappers()]
    chains = dict(zip(("qa", "main", "test"), [machine.start(name) for name in names], strict=True))
    machine.start("hero_tfgrid_deployer_server")
    for path in ("hero_tfgrid_deployer/rpc.sock", *CHAIN_SOCKETS.values()):
        machine.ready(path)

    found = machine.call("hero_tfgrid_deployer/rpc.sock", "list_nodes")["result"]
    assert len(found["nodes"]) == 9
    assert [(c["chain"], c["healthy"]) for c in found["chains"]] == [("main", True), ("test", True), ("qa", True)]

    os.killpg(chains["test"].pid, signal.SIGTERM)
    chains["test"].wait(timeout=5)
    until(lambda: not machine.reachable(CHAIN_SOCKETS["test"]))
    found = machine.call("hero_tfgrid_deployer/rpc.sock", "list_nodes")["result"]
    assert {node["chain"] for node in found["nodes"]} == {"main", "qa"}
    assert [c["chain"] for c in found["chains"] if not c["healthy"]] == ["test"]


@pytest.mark.parametrize("form", FORMS)
def test_one_wrapper_becomes_the_daemon_and_one_stays_above_it(machine: Machine, form: Form) -> None:
    machine.put(daemons.CHAIN_BINARY, build_daemon(chain_stamp(), form))
    for name, text in daemons.wrappers().items():
        machine.put(name, text)
    main, test = machine.start("my_compute_zos_main_server"), machine.start("my_compute_zos_testnet_server")
    machine.ready(CHAIN_SOCKETS["main"])
    machine.ready(CHAIN_SOCKETS["test"])
    assert machine.ask(CHAIN_SOCKETS["main"])[1]["pid"] == main.pid
    assert machine.ask(CHAIN_SOCKETS["test"])[1]["pid"] != test.pid
    test.terminate()
    test.wait(timeout=5)
    assert machine.reachable(CHAIN_SOCKETS["test"]), "the daemon that the shell left behind still serves"


def test_a_binary_of_a_bundle_says_all_that_its_asset_needs(machine: Machine) -> None:
    sockets = (Socket(name="rpc", path="hero_x/rpc.sock"), Socket(name="admin", path="hero_x/admin.sock"))
    gate = Probe(kind=ProbeKind.HTTP, socket="rpc", target="/v1/embeddings", expect=401)
    binary = Binary(name="hero_x_admin", kind=BinaryKind.ADMIN, sockets=sockets, probe=gate)
    machine.put("hero_x_admin", daemons.asset(binary, "1.0.0", COMMIT))
    machine.start("hero_x_admin")
    machine.ready("hero_x/admin.sock")
    assert machine.ask("hero_x/rpc.sock", "/v1/embeddings")[0] == 401
    assert machine.ask("hero_x/rpc.sock")[0] == 200
    assert "<h1>hero_x_admin</h1>" in machine.ask("hero_x/admin.sock", "/")[1]


def test_a_probe_by_method_is_answered(machine: Machine) -> None:
    probe = Probe(kind=ProbeKind.JSONRPC, socket="rpc", target="hero_x.ping")
    binary = Binary(
        name="hero_x", kind=BinaryKind.SERVER, sockets=(Socket(name="rpc", path="hero_x/rpc.sock"),), probe=probe
    )
    machine.put("hero_x", daemons.asset(binary, "1.0.0", COMMIT))
    machine.start("hero_x")
    machine.ready("hero_x/rpc.sock")
    assert machine.call("hero_x/rpc.sock", "hero_x.ping")["result"]["status"] == "ok"


def test_a_port_is_bound_only_where_the_environment_gives_one(machine: Machine) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machine.put("daemon", build_daemon(stamp(ports=(9988,))))
    machine.start("daemon", SANDBOX_PORT_9988=str(port))
    machine.ready("hero_demo/rpc.sock")
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", "/health")
        assert json.loads(connection.getresponse().read())["status"] == "ok"


def test_a_program_for_people_says_who_it_is_and_ends(machine: Machine) -> None:
    file = machine.put("hero_x", daemons.asset(Binary(name="hero_x", kind=BinaryKind.CLI), "1.0.0", COMMIT))
    assert subprocess.run([file], capture_output=True, text=True, check=True).stdout == f"hero_x 1.0.0 ({COMMIT})\n"


def test_a_script_starts_fast() -> None:
    head = build_daemon(stamp()).split(b"\n", 1)[0].decode()
    interpreter, flags = head.removeprefix("#!").split(" ")
    assert len(head) < 127 and flags == "-SE"
    assert os.path.realpath(interpreter) == interpreter or shutil.which("python3", path="/usr/bin") == interpreter
    subprocess.run([interpreter, "-c", "import sys; assert sys.version_info >= (3, 11)"], check=True)


def test_every_binary_of_the_catalog_has_an_asset_that_meets_its_probe(machine: Machine) -> None:
    binaries = [b for bundle in resolve(bundles_folder(), Role.ADMIN).bundles for b in bundle.binaries]
    for binary in binaries:
        machine.put(binary.name, daemons.asset(binary, "1.0.0", COMMIT))
    asked = [b for b in binaries if b.supervised and b.probe is not None and b.probe.kind is ProbeKind.HTTP]
    assert len(asked) > 30
    for binary in asked:
        machine.start(binary.name)
    for binary in asked:
        assert binary.probe is not None
        path = next(s.path for s in binary.sockets if binary.probe and s.name == binary.probe.socket)
        assert path is not None
        machine.ready(path)
        assert machine.ask(path, binary.probe.target)[0] == binary.probe.expect, binary.name
