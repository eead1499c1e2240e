"""Writes `schema/openrpc.json` anew: `python -m tests.unit.rpc.publish`, with a line in CHANGELOG.md.

Everything in it comes from the methods themselves; the results of its examples from a simulated machine.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cockpitpm.declare.data import bundles_folder
from cockpitpm.rpc.method import Example, Method
from cockpitpm.rpc.schemas import PIECES
from cockpitpm.rpc.table import METHODS
from tests.sim.world import program
from tests.unit.rpc.scene import Scene, catalog_scene

FILE = Path(__file__).parents[3] / "schema" / "openrpc.json"
VERSION = "1.0.0"
DESCRIPTION = (
    "What a person or a program may ask the Cockpit of a machine for. Changes give a job at once; cockpit.job tells "
    "how it stands and, once it has ended, the same result that the command line prints with --json. Every error has "
    "data {code_name, retryable, hint, detail}. Params are given by name."
)
BOOKS = "hero_books"


def nothing(scene: Scene) -> None:
    """The machine is as the example wants it."""


def newer(scene: Scene) -> None:
    scene.call("cockpit.upgrade_service", service=BOOKS)


def patched(scene: Scene) -> None:
    entry = scene.root / "bin" / "hero_books_web"
    entry.unlink()
    entry.write_bytes(program("by hand"))
    entry.chmod(0o755)
    scene.owner = True


def stopped(scene: Scene) -> None:
    scene.call("cockpit.stop", service=BOOKS)


def held(scene: Scene) -> None:
    scene.call("cockpit.hold", service=BOOKS, reason="demo")


def waiting(scene: Scene) -> None:
    scene.going = False
    scene.call("cockpit.upgrade_service", service=BOOKS)


ARRANGED: dict[str, Callable[[Scene], None]] = {
    "cockpit.rollback": newer,
    "cockpit.adopt": patched,
    "cockpit.start": stopped,
    "cockpit.unhold": held,
    "cockpit.cancel_job": waiting,
}
"""What has to happen before the example of a method can be replayed."""


def replay(folder: Path, method: Method, example: Example) -> Any:
    """The result of an example on a machine of its own."""
    scene = catalog_scene(folder)
    ARRANGED.get(method.name, nothing)(scene)
    params = dict(example.params)
    digest = params.get("digest")
    if digest:
        params["digest"] = scene.call("cockpit.plan", verb="upgrade", services=[BOOKS])["digest"]
    result = json.dumps(scene.call(method.name, **params))
    for here, there in ((scene.root, "/home/hero/hero"), (bundles_folder(), "/opt/cockpitpm/bundles")):
        result = result.replace(str(here), there)
    if digest:
        result = result.replace(params["digest"], digest)
    return json.loads(re.sub(r"(2026\d{4}T\d{6})-[0-9a-f]{6}", r"\1-5eed00", result))


def document(result: Callable[[Method, Example], Any]) -> dict[str, Any]:
    """The whole description, with the results of its examples from the caller."""
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "Cockpit",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"name": "this machine", "url": "/rpc", "summary": "HTTP, on the socket hero_cockpit/rpc.sock"}],
        "methods": [described(method, result) for method in METHODS.values()],
        "components": {"schemas": PIECES},
    }


def described(method: Method, result: Callable[[Method, Example], Any]) -> dict[str, Any]:
    name = method.name.removeprefix("cockpit.")
    errors = {kind.code: {"code": kind.code, "message": kind.says} for kind in method.errors}
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [
            {"name": one.name, "summary": one.summary, "required": one.required, "schema": dict(one.schema)}
            for one in method.params
        ],
        "result": {"name": name, "schema": dict(method.result)},
        "errors": [errors[code] for code in sorted(errors, reverse=True)],
        "examples": [
            {
                "name": one.name,
                "params": [{"name": key, "value": value} for key, value in one.params.items()],
                "result": {"name": name, "value": result(method, one)},
            }
            for one in method.examples
        ],
    }


def spelled(tree: dict[str, Any]) -> str:
    return json.dumps(tree, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    def made(method: Method, example: Example) -> Any:
        folder = Path(tempfile.mkdtemp(prefix="cp"))
        try:
            return replay(folder, method, example)
        finally:
            shutil.rmtree(folder)

    FILE.write_text(spelled(document(made)), encoding="utf-8")


if __name__ == "__main__":
    main()
