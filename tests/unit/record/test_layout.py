"""Where everything is: below one root, links relative, our own state in one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cockpitpm.errors import StoreError
from cockpitpm.record.layout import Layout


def test_everything_of_ours_is_below_one_folder() -> None:
    layout = Layout(Path("/r"))
    ours = [layout.store, layout.incoming, layout.aside, layout.apps, layout.state, layout.journal, layout.history]
    ours += [
        layout.lock,
        layout.supervisor,
        layout.crashes,
        layout.generation("a", 1),
        layout.live("a"),
        layout.blob("x"),
    ]
    assert all(path.is_relative_to("/r/var/cockpitpm") for path in ours)
    assert len(set(ours)) == len(ours)


def test_people_find_settings_and_binaries_where_the_readme_says() -> None:
    layout = Layout(Path("/r"))
    assert str(layout.settings) == "/r/cfg/cockpitpm/machine.yaml"
    assert str(layout.binary("x")) == "/r/bin/x"


def test_the_link_of_a_binary_leads_through_current() -> None:
    layout = Layout(Path("/r"))
    led = (layout.bin / layout.link_text("duo", "x")).parts
    assert "/".join(led) == "//r/bin/../var/cockpitpm/apps/duo/current/x"
    assert layout.current("duo") == Path("/r/var/cockpitpm/apps/duo/current")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\0b"])
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    """Names come from files that somebody may have forged; a joined absolute path would leave the root."""
    layout = Layout(Path("/r"))
    made: list[Callable[[], object]] = [
        lambda: layout.binary(name),
        lambda: layout.app(name),
        lambda: layout.generation(name, 1),
        lambda: layout.current(name),
        lambda: layout.copies("duo", name),
        lambda: layout.copies(name, "1.t"),
        lambda: layout.copy("duo", "1.t", name),
        lambda: layout.blob(name),
    ]
    for make in made:
        with pytest.raises(StoreError, match="is no name of a file of ours"):
            make()
    with pytest.raises(StoreError):
        layout.remembered(name)


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/passwd", "a\0b"])
def test_no_name_leads_out_of_the_folder_of_what_was_moved_aside(name: str) -> None:
    with pytest.raises(StoreError, match="is no name of a file of ours"):
        Layout(Path("/r")).kept("t", name)
