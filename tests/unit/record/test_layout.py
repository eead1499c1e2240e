"""Where everything is: below one root, links relative, our own state in one folder."""

from __future__ import annotations

from pathlib import Path

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
