"""Where a forge may send us: to its own origin, and to the hosts that the settings name as its storage.

A place is judged twice: by its name before anybody looks it up, and by the address that the name led to when the
connection is made. Whoever owns a name can let it lead to this machine, and to another address a moment later.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from cockpitpm.errors import ForgeError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Origin = tuple[str, str, int]
"""Scheme, host and port."""
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as text. Raises OSError."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_SIIT: Final = IPv6Network("::ffff:0:0:0/96")
_SITE: Final = IPv6Network("fec0::/10")
_OLD: Final = IPv6Network("::/96")


class Kind(Enum):
    """Who answers at an address."""

    PUBLIC = "public"
    PRIVATE = "in a private network"
    LINK = "on the link"
    HERE = "this machine"
    NOBODY = "no host"


def kind(address: Address) -> Kind:
    """Who answers there. An IPv4 address inside an IPv6 one counts as what it is."""
    inner = _inner(address)
    if inner.is_loopback or inner.is_unspecified:
        return Kind.HERE
    if inner.is_link_local:
        return Kind.LINK
    if inner.is_multicast or (inner.version == 4 and inner.is_reserved):
        return Kind.NOBODY
    inside = isinstance(inner, IPv6Address) and (inner in _SITE or inner in _LOCAL_NAT64)
    return Kind.PUBLIC if inner.is_global and not inside else Kind.PRIVATE


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    told = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    if told:
        return told
    number = int(address)
    # A local NAT64 may put the address elsewhere (RFC 6052); only with zeros before it the end is one for certain.
    wraps = address in _NAT64 or address in _SIIT or (address in _LOCAL_NAT64 and not number >> 32 & 0xFFFFFFFF)
    return IPv4Address(number & 0xFFFFFFFF) if wraps or (address in _OLD and number > 1) else address


def literal(host: str) -> Address | None:
    """The address that the host is written as, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def inward(host: str) -> bool:
    """Whether the host, as it is written, means this machine or its link, where services answer whoever asks."""
    address = literal(host)
    name = f".{host.rstrip('.').lower()}"
    return kind(address) in {Kind.HERE, Kind.LINK} if address else name.endswith(".localhost")


def look_up(host: str, port: int) -> Sequence[str]:
    """What the system says about a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Reach:
    """The places of one forge. `storage` is what the settings list: a host, `host:port`, an address or a network.

    Safe for several threads.
    """

    def __init__(self, home: Origin, storage: Sequence[str] = (), resolve: Resolve = look_up) -> None:
        self.resolve = resolve
        self._home = home
        self._kind: Kind | None = None
        self._networks = tuple(network for entry in storage if (network := _network(entry)))
        self._hosts = frozenset(host for entry in storage if not _network(entry) and (host := _host(entry)))
        written = tuple(network for host, _port in self._hosts if (network := _network(host)))
        self._meant = (*self._networks, *written)

    def refusal(self, place: Origin) -> str:
        """Why nothing is asked of that place; empty if it may be asked."""
        _scheme, host, port = place
        address = literal(host)
        if self._is_home(host, port) or {(host, None), (host, port)} & self._hosts or _among(address, self._networks):
            return ""
        if inward(host):
            return f"led to {host}:{port}, inside this machine or its link"
        return f"led to {host}:{port}, which is neither the forge nor named as its storage"

    def admit(self, host: str, port: int, address: str) -> None:
        """Raise ForgeError if the host leads to an address where it has no business.

        It may look the forge's own name up, which takes as long as it takes.
        """
        found, who = literal(address), "The forge"
        if found is None:
            raise ForgeError(f"{host} has an address that cannot be read", "Check the name server")
        where = kind(found)
        if self._is_home(host, port):
            # An owner may have the forge at home, but no forge has a name that leads to the link's own services.
            if where not in {Kind.LINK, Kind.NOBODY} or literal(host):
                return
        elif where is Kind.PUBLIC or _among(found, self._meant) or where is self._kind_of_home():
            return
        else:
            who = "The storage"
        raise ForgeError(
            f"{who} {host} leads to {found}, {where.value}",
            f"Check its name; if it is meant, name the address as storage of the forge: [{found}]",
        )

    def reached(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """The host took a connection, and proved with TLS who it is if it has to; its name led to these addresses.

        Where the forge is at places of several kinds, its storage may be at none of them but the public ones.
        """
        if self._is_home(host, port):
            self._kind = _only_kind(addresses)

    def _is_home(self, host: str, port: int) -> bool:
        scheme, home, at = self._home
        return host == home and (port == at or (scheme, at, port) == ("http", 80, 443))

    def _kind_of_home(self) -> Kind | None:
        """Where the forge itself is; what is beside it in the same kind of place is no way around anything.

        A look-up alone is believed for this once: whoever owns the name may let it lead elsewhere for a moment.
        """
        if self._kind is not None:
            return self._kind
        _scheme, host, port = self._home
        try:
            return _only_kind(self.resolve(host, port))
        except (OSError, ValueError):
            return None


def _only_kind(addresses: Sequence[str]) -> Kind | None:
    """The kind of all these addresses; None for those of several kinds. Raises ValueError for what is no address."""
    kinds = {kind(ip_address(one)) for one in addresses}
    return kinds.pop() if len(kinds) == 1 else None


def _among(address: Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in one or _inner(address) in one for one in networks)


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _host(entry: str) -> tuple[str, int | None] | None:
    """Host and port of an entry, None for one that has neither."""
    try:
        parts = urlsplit(f"//{entry}")
        return (parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None
