"""Writes the byte pins of both catalogs anew: `python -m tests.unit.declare.pin`, with a line in CHANGELOG.md."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.shape import canonical
from cockpitpm.model.role import Role

GOLDEN = Path(__file__).parents[2] / "golden"


def main() -> None:
    for role in Role:
        data = canonical(role, resolve(bundles_folder(), role).bundles)
        name = f"catalog-{role.value}.json"
        (GOLDEN / name).write_bytes(data)
        (GOLDEN / f"catalog-{role.value}.sha256").write_text(f"{sha256(data).hexdigest()}  {name}\n")


if __name__ == "__main__":
    main()
