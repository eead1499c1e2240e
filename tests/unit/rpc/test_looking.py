"""What the methods that look tell, and that they tell it as it is now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cockpitpm.app import explain, records, verify
from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Ports
from cockpitpm.app.settings import set_channel
from cockpitpm.model.receipt import Verb
from tests.sim.ports import ClockSim, SupervisorSim
from tests.unit.rpc.scene import Scene


def row(scene: Scene, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in scene.call("cockpit.list_services") if one["name"] == name)
    return found


def test_the_catalog_tells_what_is_installed(bare: Scene) -> None:
    (app,) = bare.call("cockpit.list_catalog")["apps"]
    assert (app["app"], app["installed"], app["partial"], app["generation"]) == ("duo", False, False, None)
    assert app["binaries"] == ["duo_server", "duo_admin"] and app["restart_only"] == ["duo_second_server"]
    assert bare.call("cockpit.list_services") == []
    bare.call("cockpit.install_service", service="duo_admin")
    (app,) = bare.call("cockpit.list_catalog")["apps"]
    assert (app["installed"], app["partial"], app["generation"]) == (True, False, 1)
    (bare.root / "bin" / "duo_admin").unlink()
    bare.engine.view(0)
    (app,) = bare.call("cockpit.list_catalog")["apps"]
    assert (app["installed"], app["partial"]) == (True, True)


def test_a_service_has_its_kind_its_page_and_its_build(scene: Scene) -> None:
    admin, second = row(scene, "duo_admin"), row(scene, "duo_second_server")
    assert (admin["app"], admin["kind"], admin["url"], admin["state"]) == ("duo", "admin", "/duo/admin/", "running")
    assert (second["kind"], second["binary"], second["url"]) == ("server", "duo_server", None)
    assert admin["build"]["asset"] == "duo_admin-linux-musl-x86_64" and len(admin["build"]["md5"]) == 32
    assert admin["pid"] == scene.machine.pids()["duo_admin"]


def test_an_update_is_seen_once_the_channel_was_read(scene: Scene) -> None:
    assert not row(scene, "duo_admin")["update_available"]
    assert scene.call("cockpit.refresh") == {"unavailable": []}
    assert row(scene, "duo_admin")["update_available"] and not row(scene, "duo_admin")["held"]
    scene.call("cockpit.hold", service="duo", reason="demo")
    assert row(scene, "duo_admin")["update_available"] and row(scene, "duo_admin")["held"]


def test_what_was_just_changed_is_told_at_once(scene: Scene) -> None:
    """By us or by the command line: a look that is a moment old must not hide it."""
    before = row(scene, "duo_server")["build"]["commit"]
    scene.call("cockpit.upgrade_service", service="duo")
    after = row(scene, "duo_server")["build"]["commit"]
    assert before != after
    scene.machine.run(Verb.ROLLBACK, "duo")
    assert row(scene, "duo_server")["build"]["commit"] == before
    set_channel(scene.machine.host(), "beta", "duo")
    assert row(scene, "duo_server")["channel"] == "beta"
    scene.call("cockpit.stop", service="duo_server")
    assert row(scene, "duo_server")["wanted"] == "stopped"


def test_a_look_serves_everybody_for_a_moment(scene: Scene) -> None:
    first = scene.post({"jsonrpc": "2.0", "id": 1, "method": "cockpit.list_services"}).content
    number = scene.engine.view().number
    assert scene.post({"jsonrpc": "2.0", "id": 1, "method": "cockpit.list_services"}).content == first
    assert scene.engine.seen() is scene.engine.view() and scene.engine.view().number == number
    scene.machine.world.die("duo_admin")
    assert row(scene, "duo_admin")["pid"], "nobody looked again yet"
    scene.engine.host().clock.sleep(1)
    assert scene.engine.seen() is None
    assert row(scene, "duo_admin")["pid"] is None


class SlowClock(ClockSim):
    """Every question takes two seconds."""

    def monotonic(self) -> float:
        self.sleep(2)
        return super().monotonic()


def test_a_look_that_took_long_serves_for_longer(scene: Scene) -> None:
    """Else it is old when it is done, everybody waits for the next one, and nobody is ever answered."""
    ports = Ports(supervisor=SupervisorSim(scene.machine.world), clock=SlowClock(scene.machine.world))
    engine = Engine(scene.engine.invocation, ports)
    assert engine.view() is engine.seen()
    assert engine.seen(0) is None, "whoever wants to look now looks now"
    scene.engine.host().clock.sleep(8)
    assert engine.seen() is None


def test_records_are_those_of_the_command_line(scene: Scene) -> None:
    scene.call("cockpit.upgrade_service", service="duo")
    host = scene.machine.host()
    assert scene.call("cockpit.receipts") == records.receipts(host)
    assert scene.call("cockpit.receipts", service="duo_admin", every=True) == records.receipts(host, ("duo",), True)
    assert scene.call("cockpit.history", service="duo") == records.history_json(records.history(host, ("duo",)))
    assert scene.call("cockpit.verify") == verify.to_json(verify.verify(host))
    found = explain.to_json(explain.explain(host, "duo_second_server"))
    assert scene.call("cockpit.explain", service="duo_second_server") == found


def test_both_roles_have_the_services_they_had(root: Path) -> None:
    """An app that the role does not list keeps running and is told of by the words of its own generation."""
    scene = Scene(root)
    scene.machine.publish("1")
    scene.call("cockpit.install_service", service="duo")
    before = scene.call("cockpit.list_services")
    (root / "bundles" / "base" / "duo.yaml").rename(root / "bundles" / "admin" / "duo.yaml")
    scene.engine.host().clock.sleep(2)
    after = scene.call("cockpit.list_services")
    assert scene.call("cockpit.list_catalog")["apps"] == []
    assert [(one["name"], one["kind"], one["url"]) for one in after] == [
        (one["name"], one["kind"], one["url"]) for one in before
    ]
