"""What a catalog looks like to everybody else: plain values for JSON. Every key is always there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cockpitpm.model.bundle import Binary, Bundle, EnvEntry, Probe, ProbeKind, RestartOnly, Socket
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.role import Role

Json = dict[str, Any]


def catalog_json(catalog: Catalog) -> Json:
    """`{role, digest, apps: [{name, title, repo, layer, binaries: [{name, …}], restart_only: [{name, …}], …}]}`."""
    return {"role": catalog.role.value, "digest": catalog.digest, "apps": [bundle_json(one) for one in catalog.bundles]}


def canonical(role: Role, bundles: Iterable[Bundle]) -> bytes:
    """The bytes whose sha256 is the catalog's digest: role and apps, sorted keys, no spaces, UTF-8, a newline."""
    tree = {"role": role.value, "apps": [bundle_json(one) for one in bundles]}
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def bundle_json(bundle: Bundle) -> Json:
    """One app. `repo` is `name` or `owner/name` on `forge`."""
    repo = bundle.repo
    return {
        "name": bundle.name,
        "title": bundle.title,
        "summary": bundle.summary,
        "category": bundle.category,
        "layer": bundle.layer.value,
        "repo": f"{repo.owner}/{repo.name}" if repo.owner else repo.name,
        "forge": repo.forge,
        "targets": list(bundle.targets),
        "channel": bundle.channel,
        "activation": bundle.activation.value,
        "binaries": [_binary(one) for one in bundle.binaries],
        "restart_only": [_restart_only(one) for one in bundle.restart_only],
        "requires": [{"app": one.app, "need": "hard" if one.hard else "soft"} for one in bundle.requires],
        "links": [{"title": one.title, "path": one.path} for one in bundle.links],
        "replaced_by": bundle.replaced_by,
    }


def _binary(one: Binary) -> Json:
    where = {"asset": one.asset, "member": one.member or None}
    return {"name": one.name, "kind": one.kind.value} | where | {"supervised": one.supervised} | _running(one)


def _restart_only(one: RestartOnly) -> Json:
    return {"name": one.name, "runs": one.runs, "wrapper": one.wrapper} | _running(one)


def _running(one: Binary | RestartOnly) -> Json:
    return {
        "args": list(one.args),
        "env": [_env(entry) for entry in one.env],
        "sockets": [_socket(socket) for socket in one.sockets],
        "probe": _probe(one.probe) if one.probe else None,
    }


def _env(entry: EnvEntry) -> Json:
    return {"var": entry.var, "default": entry.default, "desc": entry.desc}


def _socket(socket: Socket) -> Json:
    where: Json = {"path": socket.path} if socket.path is not None else {"port": socket.port}
    return {"name": socket.name} | where


def _probe(probe: Probe) -> Json:
    """With the keys that a bundle file has for this kind of probe."""
    times = {"ready_within": probe.ready_within, "stays_ready": probe.stays_ready}
    asked: dict[ProbeKind, Json] = {
        ProbeKind.HTTP: {"path": probe.target, "expect": probe.expect},
        ProbeKind.JSONRPC: {"method": probe.target},
        ProbeKind.TCP: {},
        ProbeKind.EXEC: {"command": list(probe.command), "expect": probe.expect},
    }
    where = {} if probe.kind is ProbeKind.EXEC else {"socket": probe.socket}
    return {"kind": probe.kind.value} | where | asked[probe.kind] | times
