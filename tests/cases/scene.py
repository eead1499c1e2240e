"""A case's facts as values. README.md beside this file says what the words mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from attrs import evolve

from cockpitpm.decide.definition import definition_of
from cockpitpm.declare.builder import bundle_of
from cockpitpm.errors import ExitCode
from cockpitpm.model.bundle import Bundle, Layer, Service
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.facts import AppFacts, Entry, FileFact, InPlace, MachineFacts, ServiceFact, Unavailable
from cockpitpm.model.process import FileId, Image, ProcessId
from cockpitpm.model.receipt import Generation, Receipt, build_of
from cockpitpm.model.release import Ancestry, Asset, BuildIndex, CommitSource, Indexed, Release
from cockpitpm.model.role import Role
from cockpitpm.model.service import ServiceState, ServiceStatus, Wanted
from cockpitpm.model.settings import Hold
from cockpitpm.model.state import AppState, BlockedBuild, Observation

FOLDER = Path(__file__).parent
MACHINE = MachineFacts(root="/srv/hero", socket_root="/srv/hero/var/sockets")
AT = "2026-06-12T08:00:00Z"
BOOT = "boot"

SERVICES: dict[str, tuple[ServiceState, Wanted, str]] = {
    "running": (ServiceState.RUNNING, Wanted.RUNNING, "current"),
    "behind": (ServiceState.RUNNING, Wanted.RUNNING, "older"),
    "foreign": (ServiceState.RUNNING, Wanted.RUNNING, "other"),
    "redefined": (ServiceState.RUNNING, Wanted.RUNNING, "current"),
    "stopped": (ServiceState.STOPPED, Wanted.STOPPED, ""),
    "exited": (ServiceState.STOPPED, Wanted.RUNNING, ""),
    "failed": (ServiceState.FAILED, Wanted.UNKNOWN, ""),
    "absent": (ServiceState.ABSENT, Wanted.UNKNOWN, ""),
}
"""What a word says of a service: the supervisor's state, its word on intent, and what the process executes."""


@cache
def bundles() -> Mapping[str, Bundle]:
    """Every bundle of bundles.yaml by its label."""
    trees = yaml.safe_load((FOLDER / "bundles.yaml").read_text())
    return {label: bundle_of(tree, Layer.BASE) for label, tree in trees.items()}


def catalog_of(labels: Iterable[str]) -> Catalog:
    """The catalog of these bundles."""
    found = tuple(sorted((bundles()[label] for label in labels), key=lambda b: b.name))
    return Catalog(role=Role.TESTER, bundles=found, digest="0" * 64)


def digest(build: str, binary: str) -> str:
    """The sha256 of a binary of a build."""
    return sha256(f"{build}-{binary}".encode()).hexdigest()


def _commit(letter: str) -> str:
    return sha256(letter.encode()).hexdigest()[:40]


def hashes(build: str, bundle: Bundle) -> list[str]:
    """The sha256 of every binary of a build."""
    return [digest(build, b.name) for b in bundle.binaries]


def asset(name: str, uuid: str, external: bool = False, created_at: str = AT) -> Asset:
    """One file of a release."""
    return Asset(name=name, uuid=uuid, size=len(uuid), created_at=created_at, url=f"sim://{uuid}", external=external)


def receipt(app: str, build: str, binary: str) -> Receipt:
    """The receipt of a binary of a build."""
    return Receipt(
        app=app,
        binary=binary,
        tag="latest",
        channel="latest",
        commit=_commit(build),
        commit_known_by=CommitSource.TAG,
        asset=f"{binary}-musl",
        uuid=f"{build}-{binary}",
        url=f"sim://{build}-{binary}",
        size=10,
        md5="0" * 32,
        sha256=digest(build, binary),
        fetched_at=AT,
    )


def generation(bundle: Bundle, number: int, build: str) -> Generation:
    """A generation that is a build."""
    receipts = tuple(receipt(bundle.name, build, b.name) for b in bundle.binaries)
    return Generation(app=bundle.name, number=number, made_at=AT, bundle=bundle, receipts=receipts)


def release_of(tree: Any, bundle: Bundle) -> Release | Unavailable:
    """`B`, or a mapping of build, without, plus, waiting, down."""
    tree = tree if isinstance(tree, dict) else {"build": tree}
    for word, code in (("waiting", ExitCode.REFUSED), ("down", ExitCode.FORGE)):
        if word in tree:
            return Unavailable(message=tree[word], hint="Try later", exit_code=code, waiting=word == "waiting")
    build = tree["build"]
    made = [asset(f"{b.name}-{bundle.targets[0]}", f"{build}-{b.name}") for b in bundle.binaries]
    assets = [a for a in made if a.name not in tree.get("without", ())]
    assets += [asset(**{"uuid": one["name"], **one}) for one in tree.get("plus", ())]
    return Release(
        forge="default",
        repo=f"owner/{bundle.name}",
        id=f"release {build}",
        tag="latest",
        created_at=AT,
        commit=_commit(tree.get("commit", build)),
        commit_known_by=CommitSource.TAG,
        assets=tuple(assets),
        committed_at=tree.get("committed_at", ""),
        index=_index(tree["index"], bundle, build) if "index" in tree else None,
    )


def _index(tree: Mapping[str, Any], bundle: Bundle, build: str) -> BuildIndex:
    """A mapping of commit, unchanged_since (letters), build (whose bytes it lists), without, size."""
    bytes_of = tree.get("build", build)
    listed = {
        f"{b.name}-{bundle.targets[0]}": Indexed(
            sha256=digest(bytes_of, b.name), size=tree.get("size", len(f"{build}-{b.name}"))
        )
        for b in bundle.binaries
    }
    since = tree.get("unchanged_since")
    return BuildIndex(
        commit=_commit(tree["commit"]),
        built_at=AT,
        assets={name: one for name, one in listed.items() if name not in tree.get("without", ())},
        unchanged_since=_commit(since) if since else "",
    )


def app_facts(app: str, tree: Mapping[str, Any], declared: Bundle | None) -> AppFacts:
    """What is true of one app."""
    known = tuple(_generations(tree.get("installed"), declared))
    damaged = tree.get("damaged", "")
    installed = known[-1] if known and not damaged else None
    bundle = installed.bundle if installed else declared
    assert bundle is not None
    return AppFacts(
        app=app,
        declared=declared,
        channel="latest",
        state=_state(app, tree, bundle),
        live=f"{installed.number}.t" if installed else "",
        installed=installed,
        generations=tuple(sorted((g for g in known if not damaged), key=lambda g: g.number)),
        numbers=tuple(sorted(g.number for g in known)),
        damaged=damaged,
        files=dict(_files(tree.get("files", {}), installed, [b for b in (bundle, declared) if b])),
        in_place=_place(installed),
        services=dict(_services(tree.get("services", {}), bundle, installed)),
        release=release_of(tree["release"], declared or bundle) if "release" in tree else None,
        pinned=tree.get("pinned", False),
        ancestry=Ancestry(tree["ancestry"]) if "ancestry" in tree else None,
        hold=Hold(**tree["held"]) if "held" in tree else None,
    )


def _generations(tree: Any, declared: Bundle | None) -> Iterator[Generation]:
    """The kept ones, then the current one."""
    if tree is None:
        return
    tree = tree if isinstance(tree, dict) else {"build": tree}
    bundle = bundles()[tree["bundle"]] if "bundle" in tree else declared
    assert bundle is not None, "say which bundle an unlisted app has"
    for number, build in tree.get("kept", {}).items():
        yield generation(bundle, number, build)
    yield generation(bundle, tree.get("number", 1), tree["build"])


def _state(app: str, tree: Mapping[str, Any], bundle: Bundle) -> AppState:
    seen = tree.get("observed")
    return AppState(
        app=app,
        wanted={name: Wanted(word) for name, word in tree.get("wanted", {}).items()},
        blocked=tuple(_blocked(one, bundle) for one in tree.get("blocked", ())),
        observation=_observation(seen, bundle) if seen else None,
    )


def _blocked(one: Any, bundle: Bundle) -> BlockedBuild:
    one = one if isinstance(one, dict) else {"build": one, "uuids": one}
    uuids = tuple(sorted(f"{one['uuids']}-{b.name}" for b in bundle.binaries))
    build = build_of(hashes(one["build"], bundle))
    return BlockedBuild(build=build, uuids=uuids, tag="latest", commit="c" * 40, reason="it fell over", at=AT)


def _observation(seen: Mapping[str, Any], bundle: Bundle) -> Observation:
    release = release_of(seen["release"], bundle) if "release" in seen else None
    assert not isinstance(release, Unavailable)
    return Observation(
        channel=seen.get("channel", "latest"),
        tag="latest",
        commit="c" * 40,
        release_id="1",
        uuids=tuple(sorted(f"{seen['uuids']}-{b.name}" for b in bundle.binaries)),
        at=AT,
        build=build_of(hashes(seen["build"], bundle)) if seen.get("build") else "",
        release=release,
        ancestry=Ancestry(seen["ancestry"]) if "ancestry" in seen else None,
    )


def _files(
    said: Mapping[str, str], installed: Generation | None, around: list[Bundle]
) -> Iterator[tuple[str, FileFact]]:
    for name in dict.fromkeys(b.name for bundle in around for b in bundle.binaries):
        held = installed.receipt(name) if installed else None
        ours = FileFact(binary=name, entry=Entry.OURS, sha256=held.sha256 if held else None)
        yield (
            name,
            {
                "": ours if held else FileFact(binary=name, entry=Entry.ABSENT),
                "absent": FileFact(binary=name, entry=Entry.ABSENT),
                "dangling": evolve(ours, sha256=None),
                "patched": evolve(ours, sha256=digest("patched", name)),
                "foreign": FileFact(binary=name, entry=Entry.FOREIGN, sha256=digest("foreign", name)),
                "nowhere": FileFact(binary=name, entry=Entry.FOREIGN),
                "unread": evolve(ours, sha256=None, unread="Input/output error"),
                "closed": FileFact(binary=name, entry=Entry.FOREIGN, unread="Permission denied"),
            }[said.get(name, "")],
        )


def _place(installed: Generation | None) -> InPlace:
    if installed is None:
        return InPlace()
    return InPlace(
        files={r.binary: _file("current", r.binary) for r in installed.receipts},
        hashes={r.binary: r.sha256 for r in installed.receipts},
        older=frozenset(_file("older", r.binary) for r in installed.receipts),
    )


def _file(which: str, binary: str) -> FileId:
    return FileId(dev=1, ino=int(digest(which, binary)[:8], 16))


def _services(
    said: Mapping[str, str], bundle: Bundle, installed: Generation | None
) -> Iterator[tuple[str, ServiceFact]]:
    usual = "running" if installed else "absent"
    for number, service in enumerate(bundle.services, 100):
        yield service.name, _service(service, said.get(service.name, usual), number)


def _service(service: Service, word: str, pid: int) -> ServiceFact:
    state, wanted, executes = SERVICES[word]
    held = definition_of(service, MACHINE.root, MACHINE.socket_root, {})
    file = _file(executes, service.binary or "duo_server")
    process = ProcessId(boot_id=BOOT, pid=pid, start_ticks=1) if executes else None
    image = Image(pid=pid, start_ticks=1, file=file, deleted=False, argv=("x",))
    return ServiceFact(
        name=service.name,
        status=ServiceStatus(name=service.name, state=state, pid=pid if process else None, wanted=wanted, raw=word),
        process=process,
        images=(image,) if process else (),
        definition=None if word == "absent" else evolve(held, directory="/") if word == "redefined" else held,
    )
