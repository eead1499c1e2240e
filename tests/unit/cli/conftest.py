"""A command line in this process, with an environment of its own, and a small catalog that needs no supervisor."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from cockpitpm.cli.entry import run
from cockpitpm.sandbox.forge import write_release

HEADER = "# yaml-language-server: $schema=../../schema/bundle.schema.json\n"
TOOL = """\
name: {name}
title: Tool
summary: A program that nobody runs.
category: tool
repo: {name}
targets: [linux-musl-x86_64]
binaries:
  - {{name: {name}, kind: cli, supervised: false}}
"""


@frozen
class Result:
    """One command as it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture
def cli(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Runs a command; keywords are environment variables. Nobody is there to be asked."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    def invoke(*arguments: object, **environ: str) -> Result:
        environ = {"PATH_ROOT": str(root), "HOME": str(root), **environ}
        capsys.readouterr()
        code = run([str(one) for one in arguments], environ)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Result(code, out, err)

    yield invoke


@pytest.fixture
def tools(root: Path) -> Path:
    """A bundles folder with the apps `spanner` and `hammer`, and a machine that finds their releases in a folder."""
    for name in ("spanner", "hammer"):
        file = root / "bundles" / "base" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEADER + TOOL.format(name=name))
    settings = root / "cfg" / "cockpitpm" / "machine.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"forges:\n  default: {{kind: directory, url: {root}/forge, owner: us}}\n")
    return root / "bundles"


@pytest.fixture
def publish(root: Path) -> Callable[[str, str], None]:
    """Put a build of a tool into the folder of releases."""

    def write(name: str, build: str) -> None:
        commit = (build * 40)[:40]
        body = f"#!/bin/sh\necho {name} {build}\n".encode()
        write_release(root / "forge", f"us/{name}", "latest", {f"{name}-linux-musl-x86_64": body}, commit=commit)

    return write
