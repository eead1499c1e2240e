"""The rules see an offence however it is written; without this a rule could be blind and nobody would know."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source import Module
from tests.architecture.test_rooms import effects, ours, public, reads_of_world


def module(text: str, name: str = "decide/planner") -> Module:
    return Module(path=Path(f"{name}.py"), parts=tuple(name.split("/")), tree=ast.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "import cockpitpm.act.fetch",
        "import cockpitpm.act",
        "from cockpitpm import act",
        "from cockpitpm.act import fetch",
        "from cockpitpm.act.fetch import fetch_all as f",
        "from ..act import fetch",
        "from .. import act",
        "def f():\n    import cockpitpm.act.fetch",
        "if TYPE_CHECKING:\n    from cockpitpm.act.fetch import fetch_all",
    ],
)
def test_an_import_of_ours_is_seen(text: str) -> None:
    assert [room for _, room in ours(module(text))] == ["act"]


def test_an_import_of_others_is_not_ours() -> None:
    assert not list(ours(module("import os\nimport cockpitpm_extra\nfrom attrs import frozen")))


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['A']",
        "import os\nos.environ.get('A')",
        "from os import environ",
        "import os\nos.getenv('A')",
        "import time\ntime.time()",
        "from time import time",
        "import time\ntime.monotonic()",
        "from datetime import datetime\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.now(UTC)",
        "from pathlib import Path\nPath.home()",
        "import pathlib\npathlib.Path.cwd()",
        "import sys\nsys.argv[1:]",
    ],
)
def test_a_look_at_the_world_is_seen(text: str) -> None:
    assert list(reads_of_world(module(text)))


def test_an_adapter_may_hold_a_stopwatch() -> None:
    assert not list(reads_of_world(module("import time\ntime.monotonic()", "forges/patience")))
    assert list(reads_of_world(module("import time\ntime.time()", "forges/patience")))


@pytest.mark.parametrize("text", ["import os.path", "from pathlib import Path", "open('x')", "print(1)", "import yaml"])
def test_an_effect_is_seen(text: str) -> None:
    assert list(effects(module(text)))


def test_values_are_no_effect() -> None:
    assert not list(
        effects(module("import hashlib\nfrom attrs import frozen\nfrom datetime import datetime\nx.open()"))
    )


def test_what_is_public() -> None:
    text = "class A:\n    def b(self): ...\n    def _c(self): ...\n"
    text += "class _D:\n    def e(self): ...\ndef f():\n    def g(): ..."
    assert [name for name, _ in public(ast.parse(text))] == ["A", "A.b", "f"]
