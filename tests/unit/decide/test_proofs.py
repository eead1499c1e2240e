"""Which bytes are proven enough, and which of two ages is taken."""

from __future__ import annotations

import pytest
from attrs import evolve

from cockpitpm.decide.assets import fresh_first
from cockpitpm.decide.proofs import unproven
from cockpitpm.model.plan import FileKind, Reason, Staged
from cockpitpm.model.receipt import Proof, ProofKind
from cockpitpm.model.release import Asset, CommitSource, Release
from cockpitpm.model.settings import Require

PROOF = Proof(kind=ProofKind.FORGE_DIGEST, source="default", algorithm="sha256", digest="1" * 64)


def asset(name: str, created_at: str = "2026-06-12T08:00:00Z") -> Asset:
    return Asset(name=name, uuid=name, size=1, created_at=created_at, url="")


def staged(require: Require, *proofs: Proof) -> Staged:
    made = Staged(asset=asset("x"), sha256="1" * 64, md5="1" * 32, kind=FileKind.ELF)
    return evolve(made, require=require, proofs=proofs)


def test_what_is_required_and_missing_refuses_with_the_way_out() -> None:
    told = unproven([staged(Require.CHECKSUM, PROOF), staged(Require.CHECKSUM)])
    assert told and told.reason is Reason.MISSING_PROOF
    assert "nothing in the release proves x" in told.evidence and "SHA256SUMS or x.sha256" in told.way_out


@pytest.mark.parametrize("one", [staged(Require.NONE), staged(Require.NONE, PROOF), staged(Require.CHECKSUM, PROOF)])
def test_what_is_proven_enough_passes(one: Staged) -> None:
    assert unproven([one]) is None


def release(committed_at: str) -> Release:
    return Release(
        forge="default", repo="o/r", id="1", tag="latest", created_at="", commit="c" * 40,
        commit_known_by=CommitSource.TAG, assets=(), committed_at=committed_at,
    )  # fmt: skip


OLD, MADE, NEW, LATER = "2026-06-01T08:00:00Z", "2026-06-12T08:00:00Z", "2026-06-12T08:01:00Z", "2026-06-12T09:00:00Z"


@pytest.mark.parametrize(
    ("musl", "gnu", "made", "taken"),
    [
        (OLD, NEW, MADE, "gnu"),
        (NEW, OLD, MADE, "musl"),
        (OLD, "2026-06-12T10:01:00+02:00", MADE, "gnu"),
        (OLD, NEW, "", "gnu"),
        (NEW, NEW, MADE, "musl gnu"),
        (NEW, LATER, MADE, "musl gnu"),  # a slow build is not stale
        (OLD, OLD, MADE, "musl gnu"),  # nothing fresh to take instead
        (OLD, "2026-06-02T08:00:00Z", MADE, "musl gnu"),
        (OLD, "2026-06-12T07:59:00Z", MADE, "gnu"),  # clocks differ
        ("2026-06-12T07:59:30Z", NEW, MADE, "musl gnu"),  # too close together to tell
        ("soon", NEW, MADE, "musl gnu"),
        ("soon", "late", MADE, "musl gnu"),
        ("2026-06-01T08:00:00", "2026-06-12T08:01:00", "soon", "gnu"),
    ],
)
def test_what_an_earlier_build_left_behind_is_not_taken(musl: str, gnu: str, made: str, taken: str) -> None:
    kept, told = fresh_first((asset("musl", musl), asset("gnu", gnu)), release(made))
    assert " ".join(a.name for a in kept) == taken
    left = {"musl", "gnu"} - set(taken.split())
    assert bool(told) == bool(left)
    assert all(told.startswith(f"{name} (") for name in left)


def test_one_candidate_is_taken_whatever_its_age() -> None:
    one = (asset("gnu", OLD),)
    assert fresh_first(one, release(MADE)) == (one, "")
