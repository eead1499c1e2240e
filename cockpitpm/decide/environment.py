"""Which value a service's variable gets, and which ones it does not get: by explicitness, never by what came last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType

from attrs import field, frozen

from cockpitpm.model.bundle import EnvEntry

NOTHING: Mapping[str, str] = MappingProxyType({})
HOME = "~/hero"
"""How a bundle spells the machine's root, wherever that really is."""
HIDDEN = "(secret)"
"""What is shown in place of a secret's value."""


class Source(Enum):
    """Where a value comes from, the most explicit first."""

    MACHINE = "machine"
    SECRET = "secret"
    EXPORTED = "exported"
    DEFAULT = "default"


@frozen(kw_only=True)
class Offer:
    """A value and who offers it. The value is in no text that is made of this object."""

    source: Source
    value: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The value as people may see it."""
        return HIDDEN if self.source is Source.SECRET else self.value


@frozen(kw_only=True)
class Chosen:
    """A variable, the offer that wins, and the others in the order in which they would."""

    var: str
    winner: Offer
    losers: tuple[Offer, ...] = ()

    @property
    def value(self) -> str:
        """What the service gets."""
        return self.winner.value


def context_of(app: str) -> str:
    """The context whose secrets an app's services get: its name without `hero_`, so `cockpit` for `hero_cockpit`.

    A name that would begin with a digit then stays whole, as contexts begin with a letter.
    """
    short = app.removeprefix("hero_")
    return short if short[:1].isalpha() else app


def values(
    entries: Iterable[EnvEntry],
    secrets: Mapping[str, str],
    exported: Mapping[str, str],
    root: str,
    socket_root: str,
) -> tuple[Chosen, ...]:
    """Every variable of a service, sorted by name. Only what its bundle declares is taken, and the machine's own two.

    A secret of the service's context wins over what was exported at registration, that over the bundle's default;
    nothing wins over the machine's PATH_ROOT and PATH_SOCKET.
    """
    machine = {"PATH_ROOT": root, "PATH_SOCKET": socket_root}
    defaults = {e.var: rooted(e.default, root) for e in entries}
    levels = (
        (Source.MACHINE, machine),
        (Source.SECRET, {var: value for var, value in secrets.items() if var in defaults}),
        (Source.EXPORTED, {var: value for var, value in exported.items() if var in defaults}),
        (Source.DEFAULT, defaults),
    )
    return tuple(_chosen(var, levels) for var in sorted({*machine, *defaults}))


def _chosen(var: str, levels: tuple[tuple[Source, Mapping[str, str]], ...]) -> Chosen:
    winner, *losers = (Offer(source=source, value=said[var]) for source, said in levels if var in said)
    return Chosen(var=var, winner=winner, losers=tuple(losers))


def exportable(entries: Iterable[EnvEntry], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that a service declares, but for those that are the machine's own."""
    declared = {e.var for e in entries} - {"PATH_ROOT", "PATH_SOCKET"}
    return {var: environ[var] for var in sorted(declared) if var in environ}


def rooted(value: str, root: str) -> str:
    """`~/hero/var/x` becomes `<root>/var/x`."""
    if value == HOME or value.startswith(HOME + "/"):
        return root + value[len(HOME) :]
    return value
