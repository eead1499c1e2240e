"""Plans that somebody was shown: the newest are kept, so that exactly that one can be carried out, or nothing."""

from __future__ import annotations

import hashlib
import json
import re

from attrs import evolve

from cockpitpm import beneath
from cockpitpm.app.host import Host
from cockpitpm.app.planfile import Unfit, check, make, read
from cockpitpm.model.binding import SavedPlan
from cockpitpm.model.codec import encode
from cockpitpm.model.plan import Plan, Request
from cockpitpm.record import documents
from cockpitpm.record.durable import disk, make_folder, remove_left

KEPT = 200
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(rf"{_DIGEST.pattern}\.json", re.ASCII)


def show(host: Host, request: Request) -> tuple[str, SavedPlan]:
    """Plan and keep it. Gives the digest by which it can be carried out: equal plans of equal facts have equal ones."""
    saved = make(host, request)
    digest = _digest(saved)
    host.prepare()
    with disk("keep a plan"):
        make_folder(host.layout.plans)
    documents.write(host.layout.plans / f"{digest}.json", saved)
    _prune(host)
    return digest, saved


def shown(host: Host, digest: str) -> SavedPlan:
    """The plan of a digest. Raises Unfit for one that is not kept, PlanError for a file that was changed."""
    path = host.layout.plans / f"{digest}.json"
    with disk("look for a plan"):
        there = _DIGEST.fullmatch(digest) and beneath.is_file(path)
    if not there:
        raise Unfit("This plan is not kept any more", "Look at the plan again and confirm that one")
    return read(path)


def stands(host: Host, digest: str) -> Plan:
    """The plan, if everything it rests on is still so. Raises PlanError; Unfit names what has changed."""
    return check(host, shown(host, digest))


def _digest(saved: SavedPlan) -> str:
    """Of everything but the moment and who asked."""
    request, plan = evolve(saved.request, actor="", reason=""), evolve(saved.plan, actor="", reason="")
    tree = encode(evolve(saved, made_at="", request=request, plan=plan))
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def _prune(host: Host) -> None:
    with disk("forget old plans"):
        paths = (host.layout.plans / name for name in beneath.names(host.layout.plans) if _NAME.fullmatch(name))
        dated = sorted((found.st_mtime, path) for path in paths if (found := beneath.seen(path)))
        for _, path in dated[: max(0, len(dated) - KEPT)]:
            remove_left(path)
