"""The rules for one bundle that its schema cannot say. A rule is a function; its name in `RULES` is stable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cockpitpm.declare.declared import Declared
from cockpitpm.declare.document import Path
from cockpitpm.model.bundle import Binary

Fault = tuple[Path, str, str]
"""Path of the value, message, hint."""

ROLE_VARIABLE = "COCKPIT_MACHINE_ROLE"


def name_is_file_name(one: Declared) -> Iterator[Fault]:
    """A bundle is found by its file name."""
    if one.bundle.name != one.stem:
        hint = f"Rename the file to {one.bundle.name}.yaml, or the app to {one.stem}."
        yield ("name",), f"the file is called {one.stem}.yaml, the app {one.bundle.name}", hint


def name_once(one: Declared) -> Iterator[Fault]:
    """Two binaries of a bundle have two names, and so have two of its services."""
    for parts in ([*one.binaries], [*one.riders]):
        names = [part.name for _, part in parts]
        for index in _repeated(names):
            yield (*parts[index][0], "name"), f"{names[index]} is in this list twice", "Keep one."


def restart_only_is_no_binary(one: Declared) -> Iterator[Fault]:
    """A name under restart_only is never downloaded, so it cannot be a binary as well."""
    binaries = {binary.name for binary in one.bundle.binaries}
    for path, rider in one.riders:
        if rider.name in binaries:
            yield path, f"{rider.name} is a binary of this bundle", "It is restarted anyway: remove it here."


def runs_a_binary(one: Declared) -> Iterator[Fault]:
    """`runs` names a binary that this bundle brings."""
    binaries = [binary.name for binary in one.bundle.binaries]
    for path, rider in one.riders:
        if rider.runs is not None and rider.runs not in binaries:
            yield (*path, "runs"), f"this bundle has no binary {rider.runs}", f"It has: {', '.join(binaries)}."


def probe_socket(one: Declared) -> Iterator[Fault]:
    """A probe asks one of the service's own sockets; only exec asks none."""
    for path, part in one.parts:
        known = [socket.name for socket in part.sockets]
        probe = part.probe
        if probe is None or probe.command or probe.socket in known:
            continue
        if not known:
            yield (*path, "probe"), f"{part.name} has no socket that the probe could ask", "Declare it under sockets."
        else:
            yield (
                (*path, "probe", "socket"),
                f"{part.name} has no socket {probe.socket}",
                f"It has: {', '.join(known)}.",
            )


def socket_names(one: Declared) -> Iterator[Fault]:
    """Two sockets of a service have two names."""
    for path, part in one.parts:
        for index in _repeated([socket.name for socket in part.sockets]):
            yield (*path, "sockets", index, "name"), f"{part.name} has this socket name twice", "Rename one."


def env_once(one: Declared) -> Iterator[Fault]:
    """A variable has one default in a service."""
    for path, part in one.parts:
        for index in _repeated([entry.var for entry in part.env]):
            yield (*path, "env", index, "var"), f"{part.name} has this variable twice", "Keep one."


def role_default(one: Declared) -> Iterator[Fault]:
    """The role of a machine is never said by a bundle: its default is tester everywhere."""
    for path, part in one.parts:
        for index, entry in enumerate(part.env):
            if entry.var == ROLE_VARIABLE and entry.default != "tester":
                hint = "Write tester; the machine's own settings make it an admin machine."
                yield (*path, "env", index, "default"), f"{ROLE_VARIABLE} may only default to tester", hint


def unsupervised(one: Declared) -> Iterator[Fault]:
    """What nobody runs is not asked whether it works, and has no environment."""
    for path, binary in one.binaries:
        for key in ("args", "env", "probe"):
            if not binary.supervised and getattr(binary, key):
                yield (*path, key), f"{binary.name} is not supervised, so its {key} would never be used", "Remove it."


def asset_pattern(one: Declared) -> Iterator[Fault]:
    """An asset is one file name for each target; nothing but {name} and {target} is replaced in it."""
    for path, binary in one.binaries:
        rest = binary.asset.replace("{name}", "").replace("{target}", "")
        if "{" in rest or "}" in rest or ".." in rest:
            yield (*path, "asset"), "only {name} and {target} are replaced, and `..` is not allowed", ""
        elif len(one.bundle.targets) > 1 and "{target}" not in binary.asset:
            yield (
                (*path, "asset"),
                "without {target} all targets would be the same asset",
                "Add it, or list one target.",
            )


ARCHIVES = (".tar.gz", ".tar.xz", ".zip")


def archive_member(one: Declared) -> Iterator[Fault]:
    """An archive needs the path of its member, and only an archive has one."""
    for path, binary in one.binaries:
        archive = binary.asset.endswith(ARCHIVES)
        rest = binary.member.replace("{name}", "").replace("{target}", "")
        if archive and not binary.member:
            yield (*path, "asset"), "an archive is no executable", "Say with member which file of it is the binary."
        elif binary.member and not archive:
            yield (*path, "member"), f"the asset is no archive ({', '.join(ARCHIVES)})", "Correct asset, or remove it."
        elif "{" in rest or "}" in rest or {".", ".."} & {*binary.member.split("/")}:
            yield (*path, "member"), "only {name} and {target} are replaced, and `.` and `..` are not allowed", ""


def asset_once(one: Declared) -> Iterator[Fault]:
    """Two binaries never come from one asset."""
    told: dict[str | int, str] = {}
    for target in reversed(one.bundle.targets):
        names = [binary.asset_name(target) for binary in one.bundle.binaries]
        told.update((index, names[index]) for index in _repeated(names))
    for path, binary in one.binaries:
        if path[-1] in told:
            yield _asset_path(binary, path), f"another binary comes from {told[path[-1]]} too", "Give each its own."


def _asset_path(binary: Binary, path: Path) -> Path:
    return (*path, "name") if binary.asset == "{name}-{target}" else (*path, "asset")


def wrapper_is_no_binary(one: Declared) -> Iterator[Fault]:
    """A wrapper is a file that belongs to the machine; a binary's link must not take its place."""
    binaries = {binary.name for binary in one.bundle.binaries}
    for path, rider in one.riders:
        if rider.wrapper in binaries:
            yield (*path, "wrapper"), f"{rider.wrapper} is a binary of this bundle, not a wrapper", "Leave wrapper out."


def not_its_own(one: Declared) -> Iterator[Fault]:
    """An app neither requires nor replaces itself, and requires another once."""
    apps = [requirement.app for requirement in one.bundle.requires]
    for index, app in enumerate(apps):
        if app == one.bundle.name:
            yield ("requires", index, "app"), "an app cannot require itself", "Remove it."
    for index in _repeated(apps):
        yield ("requires", index, "app"), f"{apps[index]} is required twice", "Keep one."
    if one.bundle.replaced_by == one.bundle.name:
        yield ("replaced_by",), "an app cannot replace itself", "Name the app that took over."


def _repeated(values: list[str]) -> Iterator[int]:
    """The indexes of values that an earlier index has already."""
    return (index for index, value in enumerate(values) if value in values[:index])


Rule = Callable[[Declared], Iterator[Fault]]
_ALL: tuple[Rule, ...] = (
    name_is_file_name, name_once, restart_only_is_no_binary, runs_a_binary, probe_socket, socket_names,
    env_once, role_default, unsupervised, asset_pattern, archive_member, asset_once, wrapper_is_no_binary, not_its_own,
)  # fmt: skip
RULES: Mapping[str, Rule] = {rule.__name__.replace("_", "-"): rule for rule in _ALL}
"""Every rule by its stable name."""
