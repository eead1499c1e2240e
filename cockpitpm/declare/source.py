"""The files of a bundles folder: which there are, and their bytes. Knows the two layers and nothing of YAML."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from cockpitpm.declare.document import Mark, ReadError
from cockpitpm.declare.reader import MAX_BYTES
from cockpitpm.errors import BundleError
from cockpitpm.model.bundle import Layer
from cockpitpm.model.role import Role

LAYERS = {Role.TESTER: (Layer.BASE,), Role.ADMIN: (Layer.BASE, Layer.ADMIN)}
"""What each role sees. A folder of a layer that is not named here is not even listed."""


@frozen(kw_only=True, order=True)
class Source:
    """One entry of a layer's folder. Only regular files called `*.yaml` are bundles."""

    path: Path
    layer: Layer
    regular: bool

    @property
    def is_bundle(self) -> bool:
        """Whether it is read."""
        return self.regular and self.path.suffix == ".yaml"

    def read(self) -> bytes:
        """Its bytes, or enough of them to see that they are too many. Raises ReadError if the disk refuses."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ReadError("unreadable", f"cannot be read: {error.strerror}", Mark(1, 1)) from None


def sources(folder: Path, layers: tuple[Layer, ...]) -> tuple[Source, ...]:
    """The entries of these layers, sorted by layer and name; hidden ones are left out.

    Raises BundleError when `folder` has no `base` below it, or when it cannot be listed.
    """
    if not (folder / Layer.BASE.value).exists():
        raise BundleError(f"{folder} holds no bundles", "It needs a folder `base` with one YAML file per app.")
    try:
        return tuple(source for layer in layers for source in _layer(folder / layer.value, layer))
    except OSError as error:
        raise BundleError(
            f"{folder} cannot be listed: {error.strerror}", "Check the path and who may read it."
        ) from None


def _layer(folder: Path, layer: Layer) -> Iterator[Source]:
    if layer is Layer.ADMIN and not os.path.lexists(folder):
        return
    with os.scandir(folder) as entries:
        shown = sorted((entry.name, entry) for entry in entries if not entry.name.startswith("."))
        for name, entry in shown:
            yield Source(path=folder / name, layer=layer, regular=entry.is_file(follow_symlinks=False))
