"""What a release says about its own files: read where it can be, believed nowhere, compared everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.act.proofs import LIMIT, Claim, checksum_claims, claims_about, proofs_of
from cockpitpm.errors import AssetBroken
from cockpitpm.model.receipt import Proof, ProofKind
from cockpitpm.model.release import Asset, BuildIndex, Indexed, Release
from tests.sim.forge import ForgeSim

ONE, OTHER, COMMIT = "1" * 64, "a" * 64, "c" * 40


def asset(name: str, **more: Any) -> Asset:
    return Asset(name=name, uuid=name, size=3, created_at="", url="", **more)


def told(source: str, text: str) -> list[tuple[str, str]]:
    return [(c.asset, c.sha256) for c in checksum_claims(source, text.encode())]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{ONE}  x\n{OTHER} *y\n", [("x", ONE), ("y", OTHER)]),
        (f"{OTHER.upper()}  ./x\r\n", [("x", OTHER)]),
        (f"{ONE}  a name\n", [("a name", ONE)]),
        (f"# made by hand\n\n-----BEGIN PGP-----\n{ONE}  x\n", [("x", ONE)]),
        (f"{ONE}\n{ONE[:-1]}  x\n{ONE}0  x\n{ONE} x\n{ONE}   \n", []),
        (f"{ONE}  dist/x\n{ONE}  x\n{OTHER}  x", [("dist/x", ONE), ("x", ONE), ("x", OTHER)]),
        ("<html>\n", []),
        ("", []),
    ],
)
def test_a_file_of_checksums(text: str, found: list[tuple[str, str]]) -> None:
    assert told("SHA256SUMS", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [(ONE, 1), (f"{ONE}\n", 1), (f"{ONE}  x\n", 1), (f"{ONE}  y\n", 0), (f"{ONE}  ./x", 1), ("x", 0)],
)
def test_a_checksum_of_one_asset(text: str, found: int) -> None:
    assert told("x.sha256", text) == [("x", ONE)] * found


@given(data=st.binary(max_size=200))
def test_any_bytes_are_claims_or_nothing(data: bytes) -> None:
    assert all(c.asset and len(c.sha256) == 64 for c in checksum_claims("SHA256SUMS", data))


def claim(sha256: str = ONE, size: int | None = None, about: str = "x") -> Claim:
    return Claim(kind=ProofKind.CHECKSUM_FILE, source="SHA256SUMS", asset=about, sha256=sha256, size=size)


def test_true_claims_are_proofs() -> None:
    proof = Proof(kind=ProofKind.CHECKSUM_FILE, source="SHA256SUMS", algorithm="sha256", digest=ONE)
    assert proofs_of(asset("x"), ONE, 3, [claim(), claim(size=3), claim(OTHER, about="y")]) == (proof, proof)
    assert proofs_of(asset("x"), ONE, 3, []) == ()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [(claim(OTHER), f"{ONE}, but SHA256SUMS says {OTHER}"), (claim(size=4), "has 3 bytes, .* says 4")],
)
def test_one_wrong_claim_outweighs_every_true_one(wrong: Claim, text: str) -> None:
    with pytest.raises(AssetBroken, match=text):
        proofs_of(asset("x"), ONE, 3, [claim(), wrong])


def published(**files: bytes) -> tuple[ForgeSim, Release]:
    forge = ForgeSim()
    named = {name.replace("__", "-").replace("_DOT_", "."): data for name, data in files.items()}
    return forge, forge.publish("duo", "latest", named)


def gathered(forge: ForgeSim, release: Release, *names: str) -> tuple[list[tuple[ProofKind, str]], list[str]]:
    warnings: list[str] = []
    wanted = [a for a in release.assets if a.name in names]
    found = claims_about(forge, release, wanted, warnings.append)
    return [(c.kind, c.asset) for c in found], warnings


def test_every_source_that_is_there_is_asked_and_no_other() -> None:
    line = f"{ONE}  x\n{ONE}  z\n".encode()
    forge, release = published(x=b"1", y=b"2", SHA256SUMS=line, x_DOT_sha256=line, z_DOT_sha256=line)
    listed = {"x": Indexed(sha256=ONE, size=1), "z": Indexed(sha256=ONE, size=1)}
    index = BuildIndex(commit=COMMIT, built_at="2026-06-12T08:00:00Z", assets=listed)
    assets = tuple(evolve(a, sha256=ONE) if a.name == "x" else a for a in release.assets)
    release = evolve(release, index=index, assets=assets)
    found, warnings = gathered(forge, release, "x", "y")
    assert found == [
        (ProofKind.FORGE_DIGEST, "x"),
        (ProofKind.BUILD_INDEX, "x"),
        (ProofKind.CHECKSUM_FILE, "x"),
        (ProofKind.CHECKSUM_FILE, "x"),
    ]
    assert forge.requests == ["fetch SHA256SUMS", "fetch x.sha256"] and not warnings


def test_a_release_without_proofs_costs_no_request() -> None:
    forge, release = published(x=b"1")
    assert gathered(forge, release, "x") == ([], []) and not forge.requests


def test_a_link_is_no_proof() -> None:
    forge, release = published(x=b"1", SHA256SUMS=f"{ONE}  x".encode())
    links = tuple(evolve(a, external=a.name == "SHA256SUMS") for a in release.assets)
    assert gathered(forge, evolve(release, assets=links), "x") == ([], [])


def test_an_endless_file_of_checksums_proves_nothing_and_is_told() -> None:
    forge, release = published(x=b"1", SHA256SUMS=bytes(LIMIT + 1))
    found, warnings = gathered(forge, release, "x")
    assert not found and "more than the 1048576" in warnings[0] and not forge.requests


class Endless(ForgeSim):
    def fetch(self, asset: Asset, sink: Any) -> None:
        while True:
            sink(bytes(LIMIT))


def test_a_forge_that_never_ends_is_cut_off() -> None:
    _, release = published(x=b"1", SHA256SUMS=b"1")
    with pytest.raises(AssetBroken, match="More than 1048576 bytes arrived for SHA256SUMS"):
        gathered(Endless(), release, "x")
