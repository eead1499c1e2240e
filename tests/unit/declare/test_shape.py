"""The public shape of a catalog loses nothing, and holds the keys that others rely on."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.declare.builder import bundle_of
from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.conformity import nonconformities
from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.shape import bundle_json, canonical, catalog_json
from cockpitpm.model.bundle import Bundle, Layer
from cockpitpm.model.codec import decode, encode
from cockpitpm.model.role import Role

GOOD = Path(__file__).parents[2] / "examples/good"
FOLDERS = [bundles_folder(), *sorted(GOOD.iterdir())]
BUNDLES = [bundle for folder in FOLDERS for bundle in resolve(folder, Role.ADMIN).bundles]


def file_again(tree: Any) -> Any:
    """The public shape as a bundle file would say it: without what is not said."""
    if isinstance(tree, dict):
        return {key: file_again(value) for key, value in tree.items() if value is not None}
    return [file_again(one) for one in tree] if isinstance(tree, list) else tree


def declared_again(bundle: Bundle) -> dict[str, Any]:
    tree: dict[str, Any] = file_again(bundle_json(bundle))
    forge = tree.pop("forge")
    if forge != "default":
        owner, _, name = tree["repo"].rpartition("/")
        tree["repo"] = {"forge": forge, "owner": owner, "name": name}
    for rider, one in zip(bundle.restart_only, tree["restart_only"], strict=True):
        for key in ("args", "env"):
            _ = one.pop(key) if rider.runs is None else None
    del tree["layer"]
    return tree


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_the_shape_loses_nothing(bundle: Bundle) -> None:
    tree = json.loads(json.dumps(declared_again(bundle)))
    assert nonconformities("bundle", tree) == ()
    assert bundle_of(tree, bundle.layer) == bundle


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_a_bundle_can_be_stored_and_read_again(bundle: Bundle) -> None:
    assert decode(Bundle, json.loads(json.dumps(encode(bundle)))) == bundle


def test_the_keys_that_others_rely_on() -> None:
    catalog = resolve(bundles_folder(), Role.ADMIN)
    shape = catalog_json(catalog)
    assert (shape["role"], shape["digest"]) == ("admin", catalog.digest)
    compute = next(app for app in shape["apps"] if app["name"] == "hero_compute")
    assert compute["repo"] == "hero_compute" and compute["layer"] == "admin"
    assert compute["restart_only"][0]["name"] == "my_compute_zos_main_server"
    assert len({tuple(app) for app in shape["apps"]}) == 1  # every app has every key


def test_canonical_bytes_are_canonical() -> None:
    bundles = resolve(bundles_folder(), Role.TESTER).bundles
    data = canonical(Role.TESTER, bundles)
    again = json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert data == again.encode() + b"\n"
    assert sha256(data).hexdigest() == resolve(bundles_folder(), Role.TESTER).digest
    assert [one.name for one in bundles] == sorted(one.name for one in bundles)


def test_a_bundle_gets_its_defaults() -> None:
    bundle = next(one for one in BUNDLES if one.name == "hero_full")
    assert bundle.layer is Layer.BASE
    probes = {one.name: one.probe for one in bundle.services if one.probe}
    assert probes["hero_full_admin"].socket == "admin" and probes["hero_full_admin"].target == "system.ping"
    assert probes["hero_full_ui"].socket == "" and probes["hero_full_ui"].expect == 3
    assert (probes["hero_full_web"].ready_within, probes["hero_full_web"].stays_ready) == (30.0, 3.0)
    assert not next(one for one in bundle.binaries if one.name == "hero_full").supervised
    assert [one.external for one in bundle.services if one.name.endswith("by_hand")] == [True, True]
