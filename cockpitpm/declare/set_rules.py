"""The rules for all bundles together. A rule is a function; its name in `SET_RULES` is stable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from cockpitpm.declare.declared import Declared
from cockpitpm.declare.document import Path
from cockpitpm.model.bundle import Layer


@frozen(kw_only=True)
class Folder:
    """The bundles that can be judged, sorted by file, and the names of all files, of those that cannot be too."""

    bundles: Sequence[Declared]
    stems: frozenset[str]


Fault = tuple[Declared, Path, str, str]
"""Bundle, path of the value, message, hint."""
Said = tuple[Declared, Path, str]
"""A bundle, a path in it, and what it says there."""


def one_layer(folder: Folder) -> Iterator[Fault]:
    """An app is in one layer: the catalogs are a disjoint union, nothing overrides anything."""
    said: list[Said] = [(one, ("name",), one.stem) for one in folder.bundles]
    for (one, path, app), (other, _, _) in _again(said):
        yield one, path, f"{app} is in two layers: {other.file} and {one.file}", "Remove one of the files."


def one_owner(folder: Folder) -> Iterator[Fault]:
    """Any name of an app, binary or service leads to one bundle, or an upgrade would not know what to fetch."""
    said = [(one, path, name) for one in folder.bundles for path, name in one.names]
    for (one, path, name), (other, place, _) in _again(said):
        if other.stem != one.stem:
            message = f"{name} belongs to {other.bundle.name} already ({other.at(place)})"
            yield one, path, message, f"A name has one owner: change it here or in {other.file}."


def one_listener(folder: Folder) -> Iterator[Fault]:
    """Two services never listen in the same place."""
    said: list[Said] = [
        (one, (*path, "sockets", index, "port" if socket.path is None else "path"), socket.path or str(socket.port))
        for one in folder.bundles
        for path, part in one.parts
        for index, socket in enumerate(part.sockets)
    ]
    for (one, path, _), (other, place, _) in _again(said):
        if other is one or other.stem != one.stem:
            yield one, path, f"another service listens there too ({other.at(place)})", "Give each its own."


def wrapper_is_free(folder: Folder) -> Iterator[Fault]:
    """A wrapper's file is nobody's binary, or installing that binary would meet a file that is not ours."""
    owners = {binary.name: one for one in folder.bundles for binary in one.bundle.binaries}
    for one in folder.bundles:
        for path, rider in one.riders:
            owner = owners.get(rider.wrapper or "", one)
            if owner is not one:
                yield one, (*path, "wrapper"), f"{rider.wrapper} is a binary of {owner.bundle.name}", "Rename it."


def required_exists(folder: Folder) -> Iterator[Fault]:
    """What is required is in the catalog of the same role; a base bundle never needs the admin layer."""
    layers = {one.bundle.name: one.bundle.layer for one in folder.bundles}
    for one in folder.bundles:
        for index, requirement in enumerate(one.bundle.requires):
            path: Path = ("requires", index, "app")
            if requirement.app not in layers and requirement.app not in folder.stems:
                yield one, path, f"there is no app {requirement.app}", "Check the spelling, or add its bundle."
            elif one.bundle.layer is Layer.BASE and layers.get(requirement.app) is Layer.ADMIN:
                message = f"{requirement.app} is in the admin layer, which a machine with this bundle need not have"
                yield one, path, message, "A base bundle requires base bundles only."


def no_cycle(folder: Folder) -> Iterator[Fault]:
    """Requirements have an order to be installed in."""
    needs = {one.bundle.name: [need.app for need in one.bundle.requires] for one in folder.bundles}
    tangled = _tangled(needs)
    told: set[str] = set()
    for one in folder.bundles:
        cycle = _cycle(one.bundle.name, needs) if one.bundle.name in tangled - told else []
        if len(cycle) > 2:
            told.update(cycle)
            path: Path = ("requires", needs[cycle[0]].index(cycle[1]), "app")
            yield one, path, f"requirements go round: {' → '.join(cycle)}", "Remove one of them."


def _tangled(needs: Mapping[str, list[str]]) -> set[str]:
    """The apps that can never be installed in order: those on a cycle, and those that need one of them."""
    waiting = {app: {need for need in needed if need in needs} for app, needed in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for app, needed in waiting.items():
        for need in needed:
            needed_by.setdefault(need, []).append(app)
    ready = [app for app, needed in waiting.items() if not needed]
    while ready:
        done = ready.pop()
        del waiting[done]
        for app in needed_by.get(done, ()):
            waiting[app].discard(done)
            ready += [] if waiting[app] else [app]
    return set(waiting)


def _cycle(start: str, needs: Mapping[str, list[str]]) -> list[str]:
    """A shortest way from `start` back to itself, both ends named; empty if there is none."""
    came_from: dict[str, str] = {}
    row = [start]
    while row:
        following = [(need, app) for app in row for need in needs.get(app, ()) if need not in came_from]
        came_from.update(reversed(following))
        row = list(dict.fromkeys(need for need, _ in following))
        if start in came_from:
            return _way(start, came_from)
    return []


def _way(start: str, came_from: Mapping[str, str]) -> list[str]:
    way = [start, came_from[start]]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def _again(said: Iterable[Said]) -> Iterator[tuple[Said, Said]]:
    """Everything that says what something before it has said, with the first that said it."""
    first: dict[str, Said] = {}
    for saying in said:
        earlier = first.setdefault(saying[2], saying)
        if earlier is not saying:
            yield saying, earlier


SetRule = Callable[[Folder], Iterator[Fault]]
_ALL: tuple[SetRule, ...] = (one_layer, one_owner, one_listener, wrapper_is_free, required_exists, no_cycle)
SET_RULES: Mapping[str, SetRule] = {rule.__name__.replace("_", "-"): rule for rule in _ALL}
"""Every rule by its stable name."""
