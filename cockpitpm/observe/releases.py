"""What the channels hold, several forges' answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from attrs import frozen

from cockpitpm.errors import ForgeError, ForgeUnreachable, ReleaseNotReady
from cockpitpm.model.bundle import Repo
from cockpitpm.model.facts import Unavailable
from cockpitpm.model.release import Ancestry, Release
from cockpitpm.observe.build_index import with_index
from cockpitpm.ports import Forge

AT_ONCE = 8


@frozen(kw_only=True)
class Question:
    """What is asked about one app: its channel, and the release that was read there last time."""

    app: str
    repo: Repo
    channel: str
    seen: Release | None = None


def releases(forge: Callable[[Repo], Forge], asked: Iterable[Question]) -> dict[str, Release | Unavailable]:
    """The release of each app's channel, by app; an app whose forge gave none has the reason instead."""
    questions = list(asked)
    if not questions:
        return {}
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(questions)), thread_name_prefix="forge") as pool:
        found = pool.map(lambda q: _release(forge, q), questions)
        return {question.app: answer for question, answer in zip(questions, found, strict=True)}


def _release(forge: Callable[[Repo], Forge], asked: Question) -> Release | Unavailable:
    try:
        here = forge(asked.repo)
        return with_index(here, here.release(asked.repo, asked.channel, asked.seen), asked.seen)
    except ForgeError as error:
        return _unavailable(error)


def ancestry(forge: Callable[[Repo], Forge], repo: Repo, old: str, new: str) -> Ancestry | Unavailable:
    """How the installed commit stands to the published one; why the forge could not be asked instead."""
    try:
        return forge(repo).ancestry(repo, old, new)
    except ForgeError as error:
        return _unavailable(error)


def _unavailable(error: ForgeError) -> Unavailable:
    waiting = isinstance(error, ReleaseNotReady)
    wait = error.wait if isinstance(error, ForgeUnreachable) else 0.0
    return Unavailable(message=error.message, hint=error.hint, exit_code=error.exit_code, waiting=waiting, wait=wait)
