"""What a supervisor is told: paths below bin/, the root for ~/hero, the machine's own variables above all."""

from __future__ import annotations

import pytest

from cockpitpm.decide.definition import definition_of, environment, probe_target
from cockpitpm.model.bundle import EnvEntry, Probe, ProbeKind, Service, Socket

ROOT, SOCKETS = "/srv/h", "/run/h"


def entry(var: str, default: str) -> EnvEntry:
    return EnvEntry(var=var, default=default, desc="d")


def test_the_command_names_bin_and_never_a_live_folder() -> None:
    service = Service(name="s", binary="b", args=("--data", "~/hero/var/b", "~/heroic", "x~/hero"))
    made = definition_of(service, ROOT, SOCKETS, {})
    assert made.command == ("/srv/h/bin/b", "--data", "/srv/h/var/b", "~/heroic", "x~/hero")
    assert (made.name, made.directory) == ("s", ROOT)


def test_a_wrapper_is_what_runs() -> None:
    assert definition_of(Service(name="s", binary="b", wrapper="w"), ROOT, SOCKETS, {}).command == ("/srv/h/bin/w",)


@pytest.mark.parametrize(
    ("default", "value"), [("~/hero", "/srv/h"), ("~/hero/x", "/srv/h/x"), ("~/heroes", "~/heroes")]
)
def test_a_default_follows_the_root(default: str, value: str) -> None:
    assert dict(environment((entry("A", default),), ROOT, SOCKETS, {}))["A"] == value


def test_exported_values_win_over_defaults_and_the_machine_over_both() -> None:
    entries = (entry("B", "b"), entry("A", "a"), entry("PATH_ROOT", "/elsewhere"))
    exported = {"A": "mine", "UNKNOWN": "not declared", "PATH_SOCKET": "/elsewhere"}
    found = environment(entries, ROOT, SOCKETS, exported)
    assert found == (("A", "mine"), ("B", "b"), ("PATH_ROOT", ROOT), ("PATH_SOCKET", SOCKETS))


def test_a_question_knows_everything_it_needs() -> None:
    probe = Probe(kind=ProbeKind.HTTP, socket="rpc", target="/health")
    sockets = (Socket(name="rpc", path="s/rpc.sock"),)
    found = probe_target(Service(name="s", binary="b", sockets=sockets, probe=probe), ROOT, SOCKETS)
    assert found is not None
    assert (found.service, found.probe, found.sockets, found.socket_root) == ("s", probe, sockets, SOCKETS)
    assert ("PATH_ROOT", ROOT) in found.env
    assert probe_target(Service(name="s", binary="b"), ROOT, SOCKETS) is None
