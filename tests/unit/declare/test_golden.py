"""Byte pins of both catalogs. Change them together with CHANGELOG.md: `python -m tests.unit.declare.pin`."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.shape import bundle_json, canonical
from cockpitpm.model.bundle import Layer
from cockpitpm.model.role import Role

GOLDEN = Path(__file__).parents[2] / "golden"
ADMIN_APPS = {"hero_compute", "hero_embedder_provider", "hero_tfgrid_deployer", "hero_voice_provider"}


@pytest.mark.parametrize(("role", "apps"), [(Role.TESTER, 17), (Role.ADMIN, 21)])
def test_the_catalog_is_the_pinned_one(role: Role, apps: int) -> None:
    catalog = resolve(bundles_folder(), role)
    pinned = (GOLDEN / f"catalog-{role.value}.json").read_bytes()
    for bundle, before in zip(catalog.bundles, json.loads(pinned)["apps"], strict=True):
        assert bundle_json(bundle) == before
    assert canonical(role, catalog.bundles) == pinned
    assert len(catalog.bundles) == apps


@pytest.mark.parametrize("role", list(Role))
def test_the_digest_is_that_of_the_pinned_bytes(role: Role) -> None:
    name = f"catalog-{role.value}.json"
    digest, pinned = (GOLDEN / f"catalog-{role.value}.sha256").read_text().split()
    assert pinned == name
    assert resolve(bundles_folder(), role).digest == digest == sha256((GOLDEN / name).read_bytes()).hexdigest()


def test_admin_is_tester_and_four_more() -> None:
    tester, admin = (resolve(bundles_folder(), role).bundles for role in (Role.TESTER, Role.ADMIN))
    assert tuple(one for one in admin if one.layer is Layer.BASE) == tester
    assert {one.name for one in admin if one.layer is Layer.ADMIN} == ADMIN_APPS


def test_what_the_thread_that_started_the_project_says() -> None:
    catalog = resolve(bundles_folder(), Role.ADMIN)
    compute = catalog.owner_of("my_compute_zos_main_server")
    assert compute is not None and compute.name == "hero_compute"
    assert [one.name for one in compute.binaries] == ["my_compute_zos_server"]
    assert [one.name for one in compute.services] == [
        "my_compute_zos_server", "my_compute_zos_main_server", "my_compute_zos_testnet_server",
    ]  # fmt: skip
    assert {one.binary for one in compute.services} == {"my_compute_zos_server"}
    deployer = catalog.owner_of("hero_tfgrid_deployer_admin")
    assert deployer is not None and deployer.repo.name == "hero_os_tfgrid_deployer"
    fleet = [(bundle.name, link.path) for bundle in catalog.bundles for link in bundle.links if link.title == "Fleet"]
    assert fleet == [("hero_tfgrid_deployer", "/hero_tfgrid_deployer/admin/")]
    for name in ("hero_embedder_provider", "hero_voice_provider"):
        engine = catalog.bundle(name)
        assert engine is not None and engine.targets == ("linux-gnu-x86_64",)
    memory = catalog.owner_of("hero_memory_ui")
    assert memory is not None and memory.name == "hero_memory"


def test_every_supervised_service_has_a_probe_and_a_root() -> None:
    for bundle in resolve(bundles_folder(), Role.ADMIN).bundles:
        for service in bundle.services:
            assert service.probe is not None, service.name
            assert ("PATH_ROOT", "~/hero") in [(one.var, one.default) for one in service.env], service.name
