"""What is called how: services, assets, names that lead to an app, channels."""

from __future__ import annotations

import pytest

from cockpitpm.errors import BundleError, UsageError
from cockpitpm.model.settings import Settings
from tests.cases.scene import asset, bundles, catalog_of, generation, release_of


def test_services_come_in_declared_order_and_riders_last() -> None:
    found = bundles()["duo"].services
    assert [(s.name, s.binary, s.wrapper, s.external) for s in found] == [
        ("duo_server", "duo_server", None, False),
        ("duo_admin", "duo_admin", None, False),
        ("duo_second", "duo_server", "duo_second_run", False),
    ]
    assert bundles()["duo_outside"].services[-1].external


def test_a_tool_is_no_service() -> None:
    assert "duo_tool" not in [s.name for s in bundles()["duo_with_tool"].services]


def test_every_name_leads_to_the_app() -> None:
    catalog = catalog_of(["duo_with_tool", "db"])
    for name in ("duo", "duo_server", "duo_admin", "duo_tool", "duo_second"):
        owner = catalog.owner_of(name)
        assert owner is not None and owner.name == "duo"
    assert catalog.owner_of("nobody") is None
    assert catalog.names == ("db", "db_server", "duo", "duo_admin", "duo_second", "duo_server", "duo_tool")
    assert bundles()["duo"].names[0] == "duo"


def test_an_asset_name_is_made_of_binary_and_target() -> None:
    (binary, *_) = bundles()["duo"].binaries
    assert binary.asset_name("linux-gnu-x86_64") == "duo_server-linux-gnu-x86_64"


def test_a_release_may_hold_a_name_twice() -> None:
    release = release_of({"build": "A", "plus": [{"name": "duo_server-musl"}]}, bundles()["duo"])
    assert [a.uuid for a in release.named("duo_server-musl")] == ["A-duo_server", "duo_server-musl"]  # type: ignore[union-attr]
    assert release.named("duo_none-musl") == ()  # type: ignore[union-attr]


def test_a_build_is_its_bytes_whatever_they_are_called() -> None:
    one, again = generation(bundles()["duo"], 1, "A"), generation(bundles()["duo"], 7, "A")
    assert one.build == again.build != generation(bundles()["duo"], 1, "B").build
    assert one.receipt("duo_admin") == again.receipt("duo_admin")
    assert one.receipt("nobody") is None


@pytest.mark.parametrize(
    ("channels", "declared", "channel"),
    [({"duo": "v1"}, "beta", "v1"), ({"db": "v1"}, "beta", "beta"), ({}, None, "latest")],
)
def test_the_machines_word_for_the_app_then_the_bundles_then_the_machines_for_all(
    channels: dict[str, str], declared: str | None, channel: str
) -> None:
    assert Settings(channels=channels).channel_of("duo", declared) == channel


def test_an_error_says_what_and_what_to_do() -> None:
    assert str(UsageError("No such verb", "Try help")) == "No such verb. Try help"
    assert str(BundleError("No such file")) == "No such file"
    assert asset("x", "u").external is False
