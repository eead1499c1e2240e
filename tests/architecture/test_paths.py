"""What lies below a machine's root is reached through `cockpitpm/beneath.py` only, which refuses links."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.architecture.source import Module, dotted, modules

ROOMS = frozenset({"record", "act", "observe", "app", "supervisors"})
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
        "fdopen putenv chdir execvp _exit",
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
    "supervisors/control": {"read_bytes"},  # /proc
    "supervisors/family": {"open", "os.listdir"},  # /proc
    "supervisors/launch": {"open"},  # a program of its own, which imports nothing of ours
    "supervisors/supervisord": {"resolve", "read_text"},  # the root's own links, followed once; our own source
}
"""What a module does to paths that do not lie below a root, each with its reason."""


def deeds(tree: ast.AST) -> Iterable[tuple[int, str]]:
    """Line and name of every call that hands a path to the kernel."""
    for node in ast.walk(tree):
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
            elif of not in ("os", "beneath", "swap") and (name in OF_PATHS or _replaces(node)):
                yield node.lineno, name


def _replaces(node: ast.Call) -> bool:
    """`Path.replace` takes one argument, `str.replace` two."""
    return isinstance(node.func, ast.Attribute) and node.func.attr == "replace" and len(node.args) == 1


def strays(module: Module) -> set[str]:
    found = {f"{name}, line {line}" for line, name in deeds(module.tree) if name not in ELSEWHERE.get(module.name, ())}
    return found | {f"import {name}" for _, name in module.imports() if name.split(".")[0] in LIBRARIES}


@pytest.mark.parametrize("module", [m for m in modules() if m.room in ROOMS], ids=lambda m: m.name)
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
        ("beneath.unlink(path)", []),
    ],
)
def test_the_search_finds_what_it_looks_for(text: str, found: list[str]) -> None:
    assert [name for _, name in deeds(ast.parse(text))] == found
