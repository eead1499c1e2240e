"""What lies below a machine's root is reached through `cockpitpm/beneath.py` only, which refuses links."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.architecture.source import Module, dotted, modules

ROOMS = frozenset({"record", "act", "observe", "app", "supervisors", "serve"})
MODULES = frozenset({"cli/crash"})
"""Single modules of other rooms."""
OURS = frozenset({"cockpitpm.beneath", "cockpitpm.act.swap"})
"""Modules whose functions have the names of those that take paths."""
OF_PATHS = frozenset(
    word
    for row in (
        "read_bytes read_text write_bytes write_text unlink rename mkdir rmdir exists is_file is_dir is_symlink",
        "readlink symlink_to hardlink_to chmod touch glob rglob iterdir stat lstat owner group",
        "resolve samefile open",
    )
    for word in row.split()
)
OF_OS = frozenset(
    word
    for row in (
        "close read write pread pwrite lseek fsync ftruncate fstat fstatvfs fchmod posix_fallocate copy_file_range",
        "strerror fsencode fsdecode fspath kill killpg getpid getpgrp getuid geteuid uname confstr sysconf",
        "fdopen putenv umask urandom _exit",
    )
    for word in row.split()
)
"""Of descriptors, and of no file at all."""
LIBRARIES = frozenset({"shutil", "tempfile", "glob", "fileinput"})

ELSEWHERE = {
    "act/runnable": {"is_file", "glob", "os.access"},  # the interpreters of this machine, in /lib and /bin
    "act/unzip": {"open"},  # a member of an archive
    "app/glance": {"os.lstat"},  # the bundles, which lie below no root
    "app/schedule": {"open", "read_text"},  # the machine's own time zone and id, in /etc
    "cli/crash": {"import tempfile", "tempfile.gettempdir"},  # where reports go that no root takes
    "serve/listen": {"exists", "mkdir", "lstat", "unlink", "os.open"},  # the socket root, which may lie elsewhere
    "supervisors/control": {"read_bytes"},  # /proc
    "supervisors/family": {"open", "os.listdir"},  # /proc
    # A program of its own, which imports nothing of ours and becomes the service.
    "supervisors/launch": {"open", "os.chdir", "os.execvp"},
    "supervisors/supervisord": {"resolve", "read_text"},  # the root's own links, followed once; our own source
}
"""What a module does to paths that do not lie below a root, each with its reason."""


def deeds(tree: ast.AST) -> Iterable[tuple[int, str]]:
    """Line and name of every call that hands a path to the kernel, and of every import that hides such calls."""
    ours = set(_bound(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, f"import {name}") for name in _imported(node) if _hides(name))
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield node.lineno, "open"
        if isinstance(node.func, ast.Attribute):
            of, name = dotted(node.func.value), node.func.attr
            if of == "os" and name not in OF_OS:
                yield node.lineno, f"os.{name}"
            elif of == "os.path" or of in LIBRARIES:
                yield node.lineno, f"{of}.{name}"
            elif of != "os" and of not in ours and (name in OF_PATHS or _replaces(node)):
                yield node.lineno, name


def _replaces(node: ast.Call) -> bool:
    """`Path.replace` takes one argument, `str.replace` two."""
    return isinstance(node.func, ast.Attribute) and node.func.attr == "replace" and len(node.args) == 1


def _imported(node: ast.Import | ast.ImportFrom) -> Iterable[str]:
    start = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    return (start + alias.name for alias in node.names)


def _hides(name: str) -> bool:
    """A library of such calls, or one of them under its bare name."""
    of, _, last = name.rpartition(".")
    return name.split(".")[0] in LIBRARIES or of == "os.path" or (of == "os" and last not in OF_OS)


def _bound(tree: ast.AST) -> Iterable[str]:
    """The names under which a module knows those of `OURS`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (a.asname or a.name for a in node.names if f"{node.module}.{a.name}" in OURS)


def strays(module: Module) -> set[str]:
    may = ELSEWHERE.get(module.name, set())
    return {f"{name}, line {line}" for line, name in deeds(module.tree) if name not in may}


@pytest.mark.parametrize("module", [m for m in modules() if m.room in ROOMS or m.name in MODULES], ids=lambda m: m.name)
def test_a_room_touches_the_root_through_folders_only(module: Module) -> None:
    assert not strays(module), f"{module.name}: use `cockpitpm.beneath`, or say in this file why not"


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_every_exception_is_still_needed(name: str) -> None:
    (module,) = (m for m in modules() if m.name == name)
    assert {found for _, found in deeds(module.tree)} >= ELSEWHERE[name]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("open('/x')", ["open"]),
        ("path.read_bytes()", ["read_bytes"]),
        ("layout.job(1).open('ab')", ["open"]),
        ("path.replace(other)", ["replace"]),
        ("'a'.replace('a', 'b')", []),
        ("os.replace(a, b)", ["os.replace"]),
        ("os.path.exists(a)", ["os.path.exists"]),
        ("shutil.rmtree(a)", ["shutil.rmtree"]),
        ("os.fsync(1)", []),
        ("os.chdir(a)", ["os.chdir"]),
        ("os.execvp(a, b)", ["os.execvp"]),
        ("from cockpitpm import beneath\nbeneath.unlink(path)", []),
        ("from cockpitpm.act import swap\nswap.unlink(path)", []),
        ("from cockpitpm.act import swap as moving\nmoving.unlink(path)\nswap.unlink(path)", ["unlink"]),
        ("beneath.unlink(path)", ["unlink"]),
        ("for swap in files: swap.unlink()", ["unlink"]),
        ("from cockpitpm.model.plan import swap\nswap.unlink()", ["unlink"]),
        ("import shutil", ["import shutil"]),
        ("from tempfile import mkstemp", ["import tempfile.mkstemp"]),
        ("from os import unlink, close", ["import os.unlink"]),
        ("from os.path import exists", ["import os.path.exists"]),
        ("import os", []),
    ],
)
def test_the_search_finds_what_it_looks_for(text: str, found: list[str]) -> None:
    assert [name for _, name in deeds(ast.parse(text))] == found
