"""Downloads: what arrives is kept, read, unpacked and held against this machine before anything stops."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.act.fetch import fetch_all
from cockpitpm.act.runnable import host
from cockpitpm.app.change import change
from cockpitpm.errors import CockpitPmError, ExitCode, StoreError
from cockpitpm.model.plan import Fetch, Reason, Refused, Request
from cockpitpm.model.receipt import Receipt, Verb
from cockpitpm.model.settings import Require
from cockpitpm.ports import Reporter
from cockpitpm.record import generations
from tests.sim.machine import DUO, MachineSim
from tests.sim.steps import installed
from tests.sim.world import program
from tests.unit.act.test_runnable import GNU, Recipe

MUSL_ASSET, GNU_ASSET = "duo_server-linux-musl-x86_64", "duo_server-linux-gnu-x86_64"
BOTH = DUO.replace("[linux-musl-x86_64]", "[linux-musl-x86_64, linux-gnu-x86_64]")
ADMIN = {"duo_admin-linux-musl-x86_64": program("1-duo_admin")}
FUTURE = Recipe(interpreter=GNU, versions=("GLIBC_2.99",), needed=1).build()
FOREIGN = Recipe(machine=183).build()
glibc = pytest.mark.skipif(not (host([GNU]).glibc and Path(GNU).exists()), reason="needs glibc on x86_64")


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def refusal(machine: MachineSim, verb: Verb = Verb.UPGRADE) -> str:
    (told,) = machine.run(verb, "duo").outcomes
    assert told.exit_code is ExitCode.REFUSED, told
    return told.detail


class Listening(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, app: str, text: str) -> None:
        self.warnings.append(text)


def warnings(machine: MachineSim) -> list[str]:
    """What an upgrade warns of."""
    told = Listening()
    report = change(machine.host(told), Request(verb=Verb.UPGRADE, names=("duo",)), lambda _: True)
    assert report.outcomes[0].exit_code is ExitCode.DONE
    return told.warnings


def receipt(machine: MachineSim, number: int, binary: str = "duo_server") -> Receipt:
    found = generations.read(machine.host().layout, "duo", number).receipt(binary)
    assert found
    return found


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, "1", bundle=BOTH)


@glibc
def test_a_glibc_of_the_future_is_refused_before_anything_stops(machine: MachineSim) -> None:
    before = machine.pids()
    machine.forge.publish("duo", "latest", {MUSL_ASSET: FUTURE, **ADMIN})
    told = refusal(machine)
    assert "GLIBC_2.99" in told and ".".join(map(str, host().glibc)) in told
    assert machine.pids() == before and machine.versions()["duo_server"] == "1-duo_server"


@pytest.mark.parametrize("data", [FOREIGN, b"#!/nowhere/sh\n", b"no program"])
def test_what_cannot_run_here_gives_way_to_the_next_target(machine: MachineSim, data: bytes) -> None:
    machine.forge.publish("duo", "latest", {MUSL_ASSET: data, GNU_ASSET: program("2-duo_server"), **ADMIN})
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.versions()["duo_server"] == "2-duo_server"
    assert receipt(machine, 2).asset == GNU_ASSET


def test_what_cannot_run_here_is_told_where_the_next_target_is_taken(machine: MachineSim) -> None:
    machine.forge.publish("duo", "latest", {MUSL_ASSET: b"no program", GNU_ASSET: program("2-duo_server"), **ADMIN})
    (told,) = warnings(machine)
    assert told.startswith(f"{MUSL_ASSET} cannot run here: ") and told.endswith(f"; {GNU_ASSET} is taken instead")


@glibc
def test_a_program_that_needs_the_inside_of_glibc_is_taken_with_a_warning(machine: MachineSim) -> None:
    """That it is said aloud is seen where such a program really runs; a simulated machine cannot start it."""
    inside = Recipe(interpreter=GNU, versions=("GLIBC_2.4", "GLIBC_PRIVATE"), needed=1).build()
    machine.forge.publish("duo", "latest", {MUSL_ASSET: inside, **ADMIN})
    engine, (plan,) = machine.host().machine(), machine.plan(Verb.UPGRADE, "duo").apps
    assert plan.bundle
    staged = fetch_all(engine, plan.bundle, machine.forge.releases["duo", "latest"], plan.fetches)
    (note,) = [f.note for f in engine.rules.settle(plan, staged).fetches if f.note]
    assert note == f"{MUSL_ASSET}: it needs GLIBC_PRIVATE, so the next update of glibc may break it"


def test_a_damaged_elf_file_is_refused_in_its_own_words(machine: MachineSim) -> None:
    machine.forge.publish("duo", "latest", {MUSL_ASSET: FUTURE[:-1], **ADMIN})
    assert "the end is missing" in refusal(machine)


def test_a_stale_preferred_asset_is_told_and_not_taken(machine: MachineSim) -> None:
    old = machine.forge.upload(MUSL_ASSET, program("0-duo_server"), "2026-01-01T00:00:00Z")
    made = machine.forge.publish(
        "duo", "latest", {GNU_ASSET: program("2-duo_server"), **ADMIN}, "2026-06-12T10:00:00+02:00"
    )
    machine.forge.change("duo", "latest", old, *made.assets)
    (plan,) = machine.plan(Verb.UPGRADE, "duo").apps
    (note,) = [f.note for f in plan.fetches if f.note]
    assert note.startswith(f"{MUSL_ASSET} (2026-01-01T00:00:00Z) is stale beside {GNU_ASSET}")
    assert warnings(machine) == [note]
    assert machine.versions()["duo_server"] == "2-duo_server"
    assert receipt(machine, 2).asset == GNU_ASSET and receipt(machine, 2).md5 == md5(program("2-duo_server"))


def tar_of(data: bytes, mode: str) -> bytes:
    out, info = io.BytesIO(), tarfile.TarInfo("duo_server-linux-musl-x86_64/bin/duo_server")
    info.size = len(data)
    with tarfile.open(fileobj=out, mode=mode) as made:  # type: ignore[call-overload]
        made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("duo_server-linux-musl-x86_64/bin/duo_server", data)
    return out.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".tar.gz": lambda data: tar_of(data, "w:gz"),
    ".tar.xz": lambda data: tar_of(data, "w:xz"),
    ".zip": zip_of,
}


def packed(root: Path, suffix: str) -> MachineSim:
    member = f'kind: server\n    asset: "{{name}}-{{target}}{suffix}"\n    member: "{{name}}-{{target}}/bin/{{name}}"\n'
    return MachineSim(root, DUO.replace("kind: server\n", member, 1))


@pytest.mark.parametrize("suffix", PACKED)
def test_a_member_of_an_archive_is_installed_and_both_are_in_the_receipt(root: Path, suffix: str) -> None:
    machine, data = packed(root, suffix), program("1-duo_server")
    archive = PACKED[suffix](data)
    machine.forge.publish("duo", "latest", {MUSL_ASSET + suffix: archive, **ADMIN})
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    assert machine.versions()["duo_server"] == "1-duo_server"
    found, plain = receipt(machine, 1), receipt(machine, 1, "duo_admin")
    assert (found.sha256, found.md5, found.size) == (sha256(data), md5(data), len(data))
    assert (found.asset, found.asset_sha256, found.asset_md5) == (MUSL_ASSET + suffix, sha256(archive), md5(archive))
    assert (plain.md5, plain.asset_sha256, plain.asset_md5) == (md5(ADMIN[plain.asset]), "", "")
    layout = machine.host().layout
    assert {p.name for p in layout.store.iterdir()} == {found.sha256, plain.sha256}, "the archive is not kept"
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.forge.requests[-1] == "release duo latest"


@pytest.mark.parametrize(
    ("archive", "text"),
    [
        (gzip.compress(b"nothing", mtime=0), f"{MUSL_ASSET}.tar.gz cannot be read"),
        (program("1"), f"{MUSL_ASSET}.tar.gz is neither a tar.gz"),
        (tar_of(bytes(18_000_000), "w:gz"), "more than the"),
    ],
    ids=["no tar", "a program", "a bomb"],
)
def test_a_crooked_archive_leaves_nothing(root: Path, archive: bytes, text: str) -> None:
    machine = packed(root, ".tar.gz")
    machine.forge.publish("duo", "latest", {f"{MUSL_ASSET}.tar.gz": archive, **ADMIN})
    (told,) = machine.run(Verb.INSTALL, "duo").outcomes
    assert told.exit_code is ExitCode.FORGE and text in told.detail
    layout = machine.host().layout
    assert not [*layout.store.glob("*"), *layout.incoming.glob("*")]


def fetch(machine: MachineSim, require: Require = Require.NONE) -> Refused | None:
    """What the engine makes of the downloads where the forge asks for this."""
    engine = machine.host().machine()
    engine = evolve(engine, rules=evolve(engine.rules, require=lambda repo: require))
    (plan,) = machine.plan(Verb.UPGRADE, "duo").apps
    assert plan.bundle
    release = machine.forge.releases["duo", "latest"]
    decided = engine.rules.settle(plan, fetch_all(engine, plan.bundle, release, plan.fetches)).decision
    return decided if isinstance(decided, Refused) else None


def test_a_required_checksum_that_is_missing_refuses(machine: MachineSim) -> None:
    data = program("2-duo_server")
    machine.forge.publish("duo", "latest", {MUSL_ASSET: data, **ADMIN})
    assert fetch(machine) is None
    refused = fetch(machine, Require.CHECKSUM)
    assert refused and refused.reason is Reason.MISSING_PROOF
    names = {MUSL_ASSET: data, **ADMIN}
    sums = "".join(f"{sha256(data)}  {name}\n" for name, data in names.items()).encode()
    machine.forge.publish("duo", "latest", {**names, "SHA256SUMS": sums})
    assert fetch(machine, Require.CHECKSUM) is None


def test_a_checksum_that_contradicts_the_bytes_stops_everything(machine: MachineSim) -> None:
    before, data = machine.pids(), program("2-duo_server")
    wrong = f"{'0' * 64}  {MUSL_ASSET}\n".encode()
    machine.forge.publish("duo", "latest", {MUSL_ASSET: data, **ADMIN, "SHA256SUMS": wrong})
    (told,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert told.exit_code is ExitCode.FORGE
    assert sha256(data) in told.detail and "SHA256SUMS says 000" in told.detail
    assert machine.pids() == before
    layout = machine.host().layout
    assert {p.name for p in layout.store.iterdir()} == {
        r.sha256 for r in (receipt(machine, 1), receipt(machine, 1, "duo_admin"))
    }


def test_what_proved_the_bytes_stands_in_the_receipt(machine: MachineSim) -> None:
    data = program("2-duo_server")
    line = f"{sha256(data)} *{MUSL_ASSET}\n".encode()
    machine.forge.publish("duo", "latest", {MUSL_ASSET: data, **ADMIN, "sha256sums.txt": line})
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    (proof,) = receipt(machine, 2).proofs
    assert (proof.source, proof.algorithm, proof.digest) == ("sha256sums.txt", "sha256", sha256(data))
    assert receipt(machine, 2, "duo_admin").proofs == ()


def test_too_little_space_is_told_before_the_first_byte(machine: MachineSim) -> None:
    engine, (plan,) = machine.host().machine(), machine.plan(Verb.UPGRADE, "duo").apps
    release = machine.forge.releases["duo", "latest"]
    huge = Fetch(binary="duo_server", candidates=(evolve(release.assets[0], size=10**18),))
    assert plan.bundle
    with pytest.raises(StoreError, match="this needs 2000000000"):
        fetch_all(engine, plan.bundle, release, (huge,))


def test_one_broken_download_stops_the_others(machine: MachineSim) -> None:
    machine.publish("2")
    machine.forge.broken.add(MUSL_ASSET)
    (plan,) = machine.plan(Verb.UPGRADE, "duo").apps
    assert plan.bundle
    engine = machine.host().machine()
    with pytest.raises(CockpitPmError, match="another length"):
        fetch_all(engine, plan.bundle, machine.forge.releases["duo", "latest"], plan.fetches)
    assert not [*engine.layout.incoming.glob("*")]
