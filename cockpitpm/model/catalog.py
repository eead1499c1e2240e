"""The catalog: the disjoint union of the bundles that a role sees."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.model.bundle import Bundle
from cockpitpm.model.role import Role


@frozen(kw_only=True)
class Catalog:
    """Bundles sorted by name, with the sha256 of their canonical bytes (made by `cockpitpm.declare`)."""

    role: Role
    bundles: tuple[Bundle, ...]
    digest: str

    def bundle(self, app: str) -> Bundle | None:
        """The bundle of this app name, None if the role's catalog does not hold it."""
        return next((b for b in self.bundles if b.name == app), None)

    def owner_of(self, name: str) -> Bundle | None:
        """The bundle that an app, binary or service name belongs to (the upgrade map of the thread)."""
        return self.bundle(name) or next((b for b in self.bundles if name in b.names), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that `owner_of` answers, sorted."""
        return tuple(sorted({name for bundle in self.bundles for name in bundle.names}))
