"""machine.yaml: what it may say, and where an error is."""

from __future__ import annotations

import pytest

from cockpitpm.declare.machine import DEFAULT_FORGE, line_of, read_machine
from cockpitpm.errors import MachineError
from cockpitpm.model.settings import Cockpit, ForgeSettings, Frames, Hold, Require, Settings

NOTHING = Settings(forges={"default": DEFAULT_FORGE})
EVERYTHING = """\
role: admin
channel: latest-integration
channels: {hero_books: latest-dev}
pins: {hero_db: v1.4.0}
holds:
  hero_os: {until: 2026-12-24T18:00:00+02:00, reason: the fair}
  hero_db: {reason: frozen}
forges:
  lab: {kind: directory, url: /srv/releases, require: checksum}
  mirror:
    kind: forgejo
    url: "https://git.example.org:3000/forge"
    owner: team
    storage: [objects.example.org, "minio.lan:9000", 10.0.0.0/8, "[fd00::7]"]
supervisor: supervisord
socket_root: /run/hero
keep_generations: 5
cockpit: {frames: self}
"""


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_a_file_may_say_nothing(text: str) -> None:
    assert read_machine(text, "machine.yaml") == NOTHING


def test_a_file_may_say_everything() -> None:
    assert read_machine(EVERYTHING, "machine.yaml") == Settings(
        role="admin",
        channel="latest-integration",
        channels={"hero_books": "latest-dev"},
        pins={"hero_db": "v1.4.0"},
        holds={"hero_os": Hold(reason="the fair", until="2026-12-24T16:00:00Z"), "hero_db": Hold(reason="frozen")},
        forges={
            "default": DEFAULT_FORGE,
            "lab": ForgeSettings(kind="directory", url="/srv/releases", require=Require.CHECKSUM),
            "mirror": ForgeSettings(
                kind="forgejo",
                url="https://git.example.org:3000/forge",
                owner="team",
                storage=("objects.example.org", "minio.lan:9000", "10.0.0.0/8", "[fd00::7]"),
            ),
        },
        socket_root="/run/hero",
        keep_generations=5,
        cockpit=Cockpit(frames=Frames.SELF),
    )


def test_default_may_be_another_forge() -> None:
    text = "forges: {default: {kind: directory, url: /srv}}"
    assert read_machine(text.encode(), "m").forges == {"default": ForgeSettings(kind="directory", url="/srv")}


@pytest.mark.parametrize("text", ["cockpit: {}", "cockpit: {frames: none}", "role: admin"])
def test_nobody_frames_the_pages_unless_the_file_says_so(text: str) -> None:
    assert read_machine(text, "m").cockpit.frames is Frames.NONE


@pytest.mark.parametrize("word", ["Admin", '" admin"', "no", '""', "member"])
def test_the_role_is_only_carried(word: str) -> None:
    assert read_machine(f"role: {word}", "m").role == word.strip('"')


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("role: true", "1:7"),
        ("holds:\n  duo: {}", "2:8"),
        ("holds:\n  duo: {reason: ''}", "2:17"),
        ("holds:\n  duo: {until: soon, reason: x}", "2:16"),
        ("holds:\n  duo: {reason: x, until: 2026-02-30}", "2:27"),
        ("holds:\n  duo: {reason: x, why: y}", "2:20"),
        ("holds:\n  Duo: {reason: x}", "2:3"),
        ("pins: {duo: a b}", "1:13"),
        ("role:", "1:6"),
        ("- a", "1:1"),
        ("channel: 1.5", "1:10"),
        ("channels: {Hero: latest}", "1:12"),
        ("channels:\n  hero_books: a b", "2:15"),
        ("forges: {default: {kind: svn, url: /a}}", "1:26"),
        ('forges: {default: {kind: forgejo, url: "https://me:s3cret@host"}}', "1:40"),
        ("forges: {default: {kind: forgejo, url: /srv}}", "1:40"),
        ("forges: {default: {kind: directory, url: releases}}", "1:42"),
        ("forges: {default: {kind: directory}}", "1:19"),
        ("keep_generations: 0", "1:19"),
        ("cockpit: {frames: all}", "1:19"),
        ("cockpit: {frames: [self]}", "1:19"),
        ("cockpit: {frame: self}", "1:11"),
        ("keep_generations: 2\nkeep_generations: 3", "2:1"),
        ("socket_root: sockets", "1:14"),
        ("hold: yes", "1:1"),
        ("role: [", "1:8"),
    ],
)
def test_an_error_has_file_line_and_column(text: str, place: str) -> None:
    with pytest.raises(MachineError) as caught:
        read_machine(text, "/etc/machine.yaml")
    assert caught.value.message.startswith(f"/etc/machine.yaml:{place}: ")
    assert "s3cret" not in str(caught.value)


def test_more_errors_are_counted() -> None:
    with pytest.raises(MachineError, match=r"\(and 1 more\)"):
        read_machine("a: 1\nb: 2", "m")


@pytest.mark.parametrize("entry", ["https://x.test", "a b", "", "u@x.test", "x.test?", "-x"])
def test_a_storage_is_a_host_or_an_address(entry: str) -> None:
    with pytest.raises(MachineError, match=r"m:1:\d+: .*"):
        read_machine(f'forges: {{a: {{kind: forgejo, url: "https://f.test", storage: ["{entry}"]}}}}', "m")


def test_a_setting_has_a_line() -> None:
    assert line_of(EVERYTHING, "role") == 1
    assert line_of(EVERYTHING, "forges", "mirror", "owner") == 13
    assert line_of(EVERYTHING, "forges", "absent") is None and line_of("a: [", "a") is None
