"""Who may import whom, and who may touch the world. The sentence of the architecture, kept true by a machine."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.architecture.source import Module, modules

ADAPTERS = frozenset({"forges", "supervisors", "probes", "clock", "processes"})
FACES = frozenset({"cli", "rpc", "web", "router"})
CORE = frozenset({"model", "ports", "declare", "decide", "record", "observe", "act"})

ALLOWED: dict[str, frozenset[str]] = {
    "__init__": frozenset(),
    "__main__": frozenset({"cli"}),
    "model": frozenset(),
    "errors": frozenset(),
    "beneath": frozenset(),
    "ports": frozenset({"model"}),
    "declare": frozenset({"model"}),
    "decide": frozenset({"model"}),
    "record": frozenset({"model", "ports", "beneath"}),
    "observe": frozenset({"model", "ports", "record", "small_assets", "beneath"}),
    "act": frozenset({"model", "ports", "record", "small_assets", "unpacked", "beneath"}),
    "small_assets": frozenset({"model", "ports"}),
    "unpacked": frozenset({"cli"}),
    **dict.fromkeys(ADAPTERS, frozenset({"model", "ports"})),
    "supervisors": frozenset({"model", "ports", "beneath"}),
    "app": CORE | ADAPTERS | {"beneath"},
    **dict.fromkeys(FACES, frozenset({"app", "model"})),
    "serve": frozenset({"app", "model", "rpc", "web", "beneath"}),
    "sandbox": CORE | ADAPTERS | {"app", "unpacked"},
}
"""What each room may import beside itself, `errors` and the version; a new room must be entered here first."""

EXTRA = {
    "cli/crash": frozenset({"beneath"}),
    "cli/demo": frozenset({"sandbox"}),
    "cli/serve": frozenset({"serve"}),
    "cli/router": frozenset({"router"}),
}
"""Single modules that may import one room more than their own room may."""

ONLY_IN = {"click": frozenset({"cli"}), "rich": frozenset({"cli"}), "supervisor": frozenset({"supervisors"})}
"""Foreign libraries that belong to one room."""

WORLD = (
    "os.environ",
    "os.environb",
    "os.getenv",
    "os.getcwd",
    "os.getcwdb",
    "os.path.expanduser",
    "Path.cwd",
    "Path.home",
    "sys.argv",
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
)
STOPWATCHES = ("time.monotonic", "time.perf_counter", "time.sleep")
"""An adapter may use them for its own deadlines; the engine has the Clock."""
MAY_READ_WORLD = FACES | {"__main__", "unpacked", "sandbox", "clock", "processes"}

PURE = frozenset({"model", "decide"})
EFFECTS = {
    *("os", "io", "sys", "pathlib", "tempfile", "shutil", "glob", "fileinput", "mmap", "fcntl", "platform", "pwd"),
    *("subprocess", "signal", "select", "socket", "http", "urllib", "urllib3", "asyncio", "threading", "logging"),
    *("time", "random", "secrets", "uuid", "yaml", "ruamel", "importlib", "multiprocessing", "getpass"),
}
CALLS = {"open", "input", "print", "exec", "eval"}

VAGUE = frozenset({"utils", "util", "helpers", "helper", "common", "base", "misc", "tools", "shared"})

LONG = 300
LONG_FILES: dict[str, str] = {}
"""Files over the limit, each with its reason."""


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def ours(module: Module) -> Iterable[tuple[int, str]]:
    """Line and room of every import of our own package."""
    for line, name in module.imports():
        words = name.split(".")
        if words[0] == "cockpitpm":
            yield line, words[1] if len(words) > 1 else "__init__"


def reads_of_world(module: Module) -> Iterable[tuple[int, str]]:
    """Environment, clock, working directory and arguments, however they were imported."""
    banned = WORLD if module.room in ADAPTERS else WORLD + STOPWATCHES
    for line, name in module.attributes():
        for word in banned:
            if name == word or name.endswith(f".{word}") or name.startswith(f"{word}."):
                yield line, word
    yield from ((line, name) for line, name in module.imports() if name in banned)


def effects(module: Module) -> Iterable[tuple[int, str]]:
    """Imports and calls that reach outside a pure module."""
    yield from ((line, name) for line, name in module.imports() if name.split(".")[0] in EFFECTS)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield node.lineno, f"{node.func.id}()"


def public(node: ast.AST, prefix: str = "") -> Iterable[tuple[str, Definition]]:
    """Every public function and class, methods included; what stands inside a function is not public."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


def told(findings: Iterable[str]) -> str:
    return "\n".join(sorted(set(findings)))


@pytest.mark.parametrize("module", modules(), ids=lambda m: m.name)
def test_a_room_imports_only_what_it_may(module: Module) -> None:
    assert module.room in ALLOWED, f"{module.name}: a new room; say in this file what it may import"
    may = (
        ALLOWED[module.room] | {module.room, "errors", "__init__", "__version__"} | EXTRA.get(module.name, frozenset())
    )
    assert not told(f"{module.name}:{line} imports {room}" for line, room in ours(module) if room not in may)


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_stays_in_its_room(library: str) -> None:
    rooms = ONLY_IN[library]
    strays = (
        f"{module.name}:{line} imports {name}"
        for module in modules()
        if module.room not in rooms
        for line, name in module.imports()
        if name.split(".")[0] == library
    )
    assert not told(strays)


def test_only_the_faces_read_the_world() -> None:
    strays = (
        f"{module.name}:{line} reads {word}: take it as a value"
        for module in modules()
        if module.room not in MAY_READ_WORLD
        for line, word in reads_of_world(module)
    )
    assert not told(strays)


def test_values_and_decisions_are_pure() -> None:
    strays = (f"{m.name}:{line} {what}" for m in modules() if m.room in PURE for line, what in effects(m))
    assert not told(strays)


def test_no_module_has_a_vague_name() -> None:
    assert not told(m.name for m in modules() if VAGUE & set(m.parts))


def test_everything_public_is_documented() -> None:
    bare = [m.name for m in modules() if not ast.get_docstring(m.tree)]
    bare += [f"{m.name}: {name}" for m in modules() for name, node in public(m.tree) if not ast.get_docstring(node)]
    assert not told(bare)


def test_files_are_short() -> None:
    long = {m.name: m.lines for m in modules() if m.lines > LONG}
    assert not told(f"{name}: {lines} lines" for name, lines in long.items() if name not in LONG_FILES)
    assert not told(f"{name} is short again" for name in LONG_FILES if name not in long)
