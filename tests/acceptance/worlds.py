"""A forge as it can be: what befalls the releases of one app, what the machine is, and what a person reads of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from attrs import evolve

from cockpitpm.record import state
from cockpitpm.sandbox.forge.content import InMemory
from cockpitpm.sandbox.world import CHANNEL
from tests.acceptance.arrangements import Arrangement, arrangement, attribute, fault, nothing
from tests.acceptance.kernel import picture, programs
from tests.acceptance.scene import Scene

BROWSER = "hero_browser"
"""An app of two binaries that needs no other."""
FILE = f"{BROWSER}_server-linux-musl-x86_64"

_TOLD = re.compile(r"^[✗!] hero_\w+ (?:failed|was left as it is)\n  (\S.*)\n  → (\S.*)\n\Z", re.MULTILINE)
_INSIDES = re.compile(
    r"Traceback|[A-Za-z]+(?:Error|Exception|Read|Disconnected|StatusLine)\(|\(\(|\bb'|\\x|0x[0-9a-f]{6}|\x1b"
    r"|<\w+ |_ssl|urllib3|http\.client|\bNone\b|hunter2|token=|This is a bug"
)


def row_of(scene: Scene) -> Any:
    return scene.repo(BROWSER).row(CHANNEL)


def of_row(name: str, value: Callable[[Scene], object]) -> Arrangement:
    """Another value of the release, which the scene decides on."""
    return lambda scene: attribute(row_of, name, value(scene))(scene)


def of_state(name: str, value: object) -> Arrangement:
    return attribute(lambda s: s.world.state, name, value)


def both(*all_of_them: Arrangement) -> Arrangement:
    @contextmanager
    def arrange(scene: Scene) -> Iterator[None]:
        first, *rest = all_of_them
        with first(scene), both(*rest)(scene) if rest else nothing(scene):
            yield

    return arrange


def push(scene: Scene, commit: str) -> None:
    """Move the tag, a second after it was moved last: only by that second the forge tells that it was moved."""
    scene.repo(BROWSER).push_tag(CHANNEL, commit, annotated=True, at=row_of(scene).created + timedelta(seconds=1))


def tag_at(commit: Callable[[Scene], str]) -> Arrangement:
    """The tag leads elsewhere, the files stay."""

    @contextmanager
    def arrange(scene: Scene) -> Iterator[None]:
        good = scene.repo(BROWSER).tags[CHANNEL].commit
        push(scene, commit(scene))
        yield
        push(scene, good)

    return arrange


@arrangement
def tag_deleted(scene: Scene) -> Iterator[None]:
    """Between the two halves of a tag that is pushed anew."""
    good = scene.repo(BROWSER).tags[CHANNEL].commit
    scene.repo(BROWSER).delete_tag(CHANNEL)
    yield
    push(scene, good)


@arrangement
def twins(scene: Scene) -> Iterator[None]:
    twin = scene.repo(BROWSER).upload(row_of(scene), FILE, InMemory(b"#!/bin/sh\n"))
    yield
    row_of(scene).attachments.remove(twin)


def replaced_at(path: str, size: int = 0) -> Arrangement:
    """At each request to `path` the files are replaced: by as many other bytes, or by `size` of them."""

    @contextmanager
    def arrange(scene: Scene) -> Iterator[None]:
        repo, row = scene.repo(BROWSER), row_of(scene)
        good = row.attachments[:]

        def replace() -> None:
            row.attachments[:] = []
            for one in good:
                repo.upload(row, one.name, InMemory(b"x" * (size or one.size)))

        with fault(path, before=replace)(scene):
            yield
        row.attachments[:] = good

    return arrange


@arrangement
def closed_in_between(scene: Scene) -> Iterator[None]:
    """The forge is for members only from the first download on."""
    state = scene.world.state
    with fault(FILE, before=lambda: setattr(state, "require_signin", True))(scene):
        yield
    state.require_signin = False


def moved_to(path: str, status: int, location: str) -> Arrangement:
    return fault(path, status=status, headers={"Location": location})


def standing(scene: Scene) -> tuple[object, ...]:
    """The machine: every file, what runs, and what is remembered. What the channel held may be remembered as well."""
    files, layout = picture(scene.root), scene.machine.layout
    del files[f"var/cockpitpm/state/{BROWSER}.json"]
    running = programs(scene.root, BROWSER)
    assert running
    known = state.read(layout, BROWSER)
    return files, running, evolve(known, observation=None, silence=None, unready=None, unfit=None)


def sentence(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The one sentence and the one way out that the command ends with; both are one line."""
    if done.stdout == "":
        said = re.fullmatch(r"cockpitpm: (.+?)\. (.+)\n", done.stderr)
    else:
        assert done.stderr == "", done
        said = _TOLD.search(done.stdout)
    assert said, done
    return said[1], said[2]


def assert_plain(text: str) -> None:
    """No insides of a program, and nothing secret."""
    found = _INSIDES.search(text)
    assert not found, f"{found} in {text}"
