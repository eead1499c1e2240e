"""Plans that somebody was shown: the newest are kept, so that exactly that one can be carried out, or nothing."""

from __future__ import annotations

import hashlib
import json
import re

from attrs import evolve

from cockpitpm.app.host import Host
from cockpitpm.app.planfile import Unfit, check, load, make, save
from cockpitpm.model.binding import SavedPlan
from cockpitpm.model.codec import encode
from cockpitpm.model.plan import Plan, Request
from cockpitpm.record.durable import disk, make_folder

KEPT = 200
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def show(host: Host, request: Request) -> tuple[str, SavedPlan]:
    """Plan and keep it. Gives the digest by which it can be carried out: equal plans of equal facts have equal ones."""
    saved = make(host, request)
    digest = _digest(saved)
    host.prepare()
    with disk("keep a plan"):
        make_folder(host.layout.plans)
    save(host.layout.plans / f"{digest}.json", saved)
    _prune(host)
    return digest, saved


def shown(host: Host, digest: str) -> SavedPlan:
    """The plan of a digest. Raises Unfit for one that is not kept, PlanError for a file that was changed."""
    path = host.layout.plans / f"{digest}.json"
    if not _DIGEST.fullmatch(digest) or not path.exists():
        raise Unfit("This plan is not kept any more", "Look at the plan again and confirm that one")
    return load(path)


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
        kept = sorted(host.layout.plans.glob("*.json"), key=lambda p: p.stat().st_mtime)
        for path in kept[: max(0, len(kept) - KEPT)]:
            path.unlink(missing_ok=True)
