"""What services say is shown, and quoted in journal, history and state; a secret that they repeat is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from cockpitpm.errors import StoreError
from cockpitpm.record.layout import Layout
from cockpitpm.record.secrets import Secrets

HIDDEN = "(secret)"
SHORTEST = 4
"""Characters; to hide less would make a text unreadable and protect nothing."""


def discreet(layout: Layout, text: str) -> str:
    """The text without the secrets of this machine, whole or line by line. A coded one (base64, JSON) is not seen."""
    for piece in sorted(set(_pieces(layout)), key=len, reverse=True):
        text = text.replace(piece, HIDDEN)
    return text


def _pieces(layout: Layout) -> Iterator[str]:
    kept = Secrets(layout.settings.with_name("secrets"))
    contexts: tuple[str, ...] = ()
    with suppress(StoreError):
        contexts = kept.contexts()
    for context in contexts:
        # What cannot be read reaches no service, and must not stop one.
        with suppress(StoreError):
            for value in kept.context(context).values():
                yield from (p.strip() for p in (value, *value.splitlines()) if len(p.strip()) >= SHORTEST)
