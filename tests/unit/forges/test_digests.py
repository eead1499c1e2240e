"""Digests that a forge tells of its own accord: none does today, one says it will, another kind of forge always did."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.errors import ForgeError
from cockpitpm.forges import open_forge
from cockpitpm.forges.fields import Fields
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.sandbox.forge import Fault, write_release
from cockpitpm.sandbox.forge.content import content_of
from tests.unit.forges.conftest import REPO, World

ONE, OTHER = hashlib.sha256(b"1").hexdigest(), hashlib.sha256(b"2").hexdigest()


def test_a_forge_of_today_tells_none(world: World) -> None:
    world.publish(one=b"1")
    assert [a.sha256 for a in world.release().assets] == [""]


@pytest.mark.parametrize("gitea", [True, False])
def test_a_forge_that_tells_them_is_heard(world: World, gitea: bool) -> None:
    world.state.digests, world.state.gitea = True, gitea
    world.publish(one=b"1", two=b"2")
    world.repo.upload(world.row, "zlink", content_of(b""), "http://127.0.0.1:9/")
    assert [a.sha256 for a in world.release().assets] == [ONE, OTHER, ""]


def test_a_digest_that_appears_or_changes_is_a_change(world: World) -> None:
    world.publish(one=b"1")
    seen = world.release()
    world.state.digests = True
    found = world.release(seen=seen)
    assert found.assets[0].sha256 == ONE
    assert world.release(seen=found) is found


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({}, ""),
        ({"sha256": None, "digest": None}, ""),
        ({"sha256": "", "digest": ""}, ""),
        ({"sha256": ONE}, ONE),
        ({"digest": f"sha256:{ONE}"}, ONE),
        ({"sha256": ONE, "digest": f"sha256:{ONE}"}, ONE),
        ({"sha256": ONE, "digest": None}, ONE),
        ({"digest": "sha512:" + "a" * 128}, ""),
        ({"sha256": ONE, "digest": "sha512:" + "a" * 128}, ONE),
    ],
)
def test_a_digest_is_read_where_there_is_one(told: dict[str, Any], read: str) -> None:
    assert Fields(told, "it").sha256() == read


@pytest.mark.parametrize(
    "told",
    [
        {"sha256": 5},
        {"sha256": True},
        {"sha256": [ONE]},
        {"sha256": "abc"},
        {"sha256": ONE.upper()},
        {"sha256": ONE + "\n"},
        {"sha256": f"sha256:{ONE}"},
        {"digest": ONE},
        {"digest": "sha256:"},
        {"digest": f"sha256:{ONE[1:]}"},
        {"digest": f"SHA256:{ONE}"},
        {"digest": f"sha256:{ONE}\n"},
        {"digest": f"sha256:{ONE} "},
        {"digest": {"sha256": ONE}},
        {"digest": "sha512:" + "g" * 128},
        {"sha256": ONE, "digest": f"sha256:{OTHER}"},
    ],
)
def test_a_digest_that_is_none_is_refused(world: World, told: dict[str, Any]) -> None:
    with pytest.raises(ForgeError, match=r"sha256|digest"):
        Fields(told, "it").sha256()
    asset = {"name": "one", "size": 1, "uuid": "00000000-0000-4000-8000-000000000001", "browser_download_url": "x"}
    entry = {**asset, "created_at": "2026-06-11T23:53:53Z", **told}
    body = {"id": 1, "tag_name": "latest", "created_at": "2026-06-11T23:53:53Z", "assets": [entry]}
    world.publish()
    world.state.faults.append(Fault(path="/releases/tags/", body=json.dumps(body).encode()))
    with pytest.raises(ForgeError, match=r"assets\[0\]: (sha256|digest)"):
        world.release()


def test_a_folder_tells_the_digests_of_its_list(tmp_path: Path) -> None:
    write_release(tmp_path, "alpha/beta", "latest", {"one": b"1", "two": b"2"}, commit="a" * 40)
    forge = open_forge("mirror", ForgeSettings(kind="directory", url=str(tmp_path)), None)
    assert [a.sha256 for a in forge.release(REPO, "latest").assets] == [ONE, OTHER]
