"""What happens to a machine that people work on: each function does one thing to it, in the open."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, dumps, loads

from cockpitpm.app.services import stop
from cockpitpm.app.settings import set_hold
from cockpitpm.errors import ExitCode
from cockpitpm.model.job import JobState
from cockpitpm.model.receipt import Verb
from cockpitpm.record import generations
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.scene import CHAIN, COMPUTE, VOICE
from tests.browser.house import House, supervisor

MAIN = "my_compute_zos_main_server"
TESTNET = "my_compute_zos_testnet_server"
READY = ("hero_books", "hero_osis")
HELD, HALTED, RESTING, BLOCKED = "hero_slides", "hero_collab", "hero_agent", "hero_biz"
REASON = "the fair is on, nothing may move"
MINE = "#!/bin/sh\n# mine\nexec sleep 1000\n"


def rpc_socket(house: House) -> Path:
    return house.machine.layout.supervisor / "rpc.sock"


def halt(house: House, service: str) -> None:
    """End a service behind our back: it is still meant to run."""
    with supervisor(rpc_socket(house)) as proxy:
        proxy.supervisor.stopProcess(service)


def by_hand(house: House, app: str = VOICE) -> None:
    """Somebody puts another file where the app's was."""
    mine = house.home / "mine"
    mine.write_text(MINE)
    mine.chmod(0o755)
    mine.rename(house.root / "bin" / app)


def skipped(house: House, service: str = MAIN) -> str:
    """An upgrade of hero_compute after which one service still executes the build before. Gives the new commit."""
    layout = house.machine.layout
    name = generations.current_live(layout, COMPUTE)
    os.link(layout.live(COMPUTE) / name / CHAIN, house.home / "before")
    commit = house.publish(COMPUTE)
    assert house.code(Verb.UPGRADE, COMPUTE) is ExitCode.DONE
    kept = layout.live(COMPUTE) / name
    kept.mkdir()
    (house.home / "before").rename(kept / CHAIN)
    wrapper = house.root / "bin" / service
    text = wrapper.read_text()
    wrapper.write_text(text.replace(f"$PATH_ROOT/bin/{CHAIN}", str(kept / CHAIN)))
    with supervisor(rpc_socket(house)) as proxy:
        proxy.supervisor.stopProcess(service)
        proxy.supervisor.startProcess(service)
    wrapper.write_text(text)
    return commit


def liven(house: House) -> None:
    """Two updates, one app held, one failed, one changed by hand, one half restarted, one resting, one blocked."""
    house.install_here(COMPUTE, VOICE, *READY, HELD, HALTED, RESTING, BLOCKED, "hero_os", "hero_foundry")
    skipped(house)
    by_hand(house)
    for app in (*READY, HELD):
        house.publish(app)
    house.publish(BLOCKED, Behaviour.FAILS_PROBE)
    assert house.ordered("restart", "hero_os").state is JobState.DONE
    assert house.ordered("upgrade_service", BLOCKED).state is JobState.ROLLED_BACK
    set_hold(house.host(), HELD, "20d", REASON)
    stop(house.host(), RESTING)
    halt(house, f"{HALTED}_server")
    house.refresh()


class _Flattering(BaseHTTPRequestHandler):
    """Hands every question on, and says of one service that it runs as it did."""

    server: Any

    def do_POST(self) -> None:
        params, method = loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            with supervisor(self.server.real) as proxy:
                told: Any = getattr(proxy, str(method))(*params)
            for one in told if isinstance(told, list) else [told]:
                if isinstance(one, dict) and one.get("name") == self.server.service:
                    one |= {"state": 20, "statename": "RUNNING", "pid": self.server.pid}
            answer = dumps((told,), methodresponse=True, allow_none=True).encode()
        except Fault as fault:
            answer = dumps(fault, methodresponse=True).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def flattering(house: House, service: str) -> Iterator[None]:
    """The service's process is ended, and its supervisor still says that it runs."""
    pid = next(row["pid"] for app in (COMPUTE,) for name, row in house.services(app).items() if name == service)
    halt(house, service)
    path = rpc_socket(house)
    real = path.with_suffix(".real")
    path.rename(real)
    with socketserver.ThreadingUnixStreamServer(str(path), _Flattering) as server:
        server.daemon_threads = True
        server.__dict__.update(real=real, service=service, pid=pid)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            path.unlink()
            real.rename(path)
