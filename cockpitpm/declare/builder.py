"""A tree that conforms to the bundle schema becomes a Bundle: defaults are filled in, nothing is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cockpitpm.model.bundle import (
    Activation,
    Binary,
    BinaryKind,
    Bundle,
    EnvEntry,
    Layer,
    Link,
    Probe,
    ProbeKind,
    Repo,
    Requirement,
    RestartOnly,
    Socket,
)


def bundle_of(tree: Mapping[str, Any], layer: Layer) -> Bundle:
    """The bundle that `tree` declares for `layer`."""
    return Bundle(
        name=tree["name"],
        title=tree["title"],
        summary=tree["summary"],
        category=tree["category"],
        layer=layer,
        repo=repo_of(tree["repo"]),
        targets=tuple(tree["targets"]),
        channel=tree.get("channel"),
        binaries=tuple(_binary(one) for one in tree["binaries"]),
        restart_only=tuple(_restart_only(one) for one in tree.get("restart_only", ())),
        requires=tuple(_requirement(one) for one in tree.get("requires", ())),
        activation=Activation(tree.get("activation", "rolling")),
        links=tuple(Link(title=one["title"], path=one["path"]) for one in tree.get("links", ())),
        replaced_by=tree.get("replaced_by"),
    )


def repo_of(value: str | Mapping[str, str]) -> Repo:
    """`name`, `owner/name`, or a mapping of forge, owner and name."""
    if isinstance(value, str):
        owner, _, name = value.rpartition("/")
        return Repo(name=name, owner=owner)
    return Repo(name=value["name"], owner=value.get("owner", ""), forge=value.get("forge", "default"))


def _binary(tree: Mapping[str, Any]) -> Binary:
    kind = BinaryKind(tree["kind"])
    return Binary(
        name=tree["name"],
        kind=kind,
        asset=tree.get("asset", "{name}-{target}"),
        member=tree.get("member", ""),
        supervised=tree.get("supervised", kind is not BinaryKind.CLI),
        **_running(tree),
    )


def _restart_only(tree: str | Mapping[str, Any]) -> RestartOnly:
    if isinstance(tree, str):
        return RestartOnly(name=tree)
    return RestartOnly(name=tree["name"], runs=tree.get("runs"), wrapper=tree.get("wrapper"), **_running(tree))


def _running(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that everything the supervisor runs has."""
    sockets = tuple(Socket(**one) for one in tree.get("sockets", ()))
    return {
        "args": tuple(tree.get("args", ())),
        "env": tuple(EnvEntry(**one) for one in tree.get("env", ())),
        "sockets": sockets,
        "probe": _probe(tree["probe"], sockets) if "probe" in tree else None,
    }


def _probe(tree: Mapping[str, Any], sockets: tuple[Socket, ...]) -> Probe:
    kind = ProbeKind(tree["kind"])
    first = sockets[0].name if sockets and kind is not ProbeKind.EXEC else ""
    return Probe(
        kind=kind,
        socket=tree.get("socket", first),
        target=tree.get("path", tree.get("method", "")),
        command=tuple(tree.get("command", ())),
        expect=tree.get("expect", 0 if kind is ProbeKind.EXEC else 200),
        ready_within=float(tree.get("ready_within", 30)),
        stays_ready=float(tree.get("stays_ready", 3)),
    )


def _requirement(tree: Mapping[str, Any]) -> Requirement:
    return Requirement(app=tree["app"], hard=tree.get("need", "hard") == "hard")
