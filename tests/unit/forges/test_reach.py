"""Where a forge may send us: by name, and by the address that a name really leads to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import SSLError

from cockpitpm.errors import ForgeError
from cockpitpm.forges.dial import MOST, connected
from cockpitpm.forges.reach import Kind, Reach, Resolve, inward, kind
from cockpitpm.forges.watch import Watch, pool_manager
from tests.unit.forges.conftest import World

FORGE = ("https", "forge.test", 443)
PUBLIC, HERE, PRIVATE, CLOUD = "93.184.216.34", "127.0.0.1", "10.1.2.3", "169.254.169.254"


def leading(*addresses: str) -> Resolve:
    return lambda _host, _port: addresses


def admitted(reach: Reach, host: str, address: str, port: int = 443) -> bool:
    try:
        reach.admit(host, port, address)
    except ForgeError as error:
        assert host in str(error) and str(error).isprintable() and error.hint
        return False
    return True


@pytest.mark.parametrize(
    ("address", "found"),
    [
        *((a, Kind.HERE) for a in ("127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::7f00:1")),
        *((a, Kind.HERE) for a in ("64:ff9b::127.0.0.1", "2002:7f00:1::", "::ffff:0.0.0.0")),
        *((a, Kind.HERE) for a in ("64:ff9b:1::127.0.0.1", "64:ff9b:1:fffe::127.0.0.1", "::ffff:0:127.0.0.1")),
        *((a, Kind.LINK) for a in ("64:ff9b:1::169.254.169.254", "::ffff:0:169.254.169.254")),
        *((a, Kind.PRIVATE) for a in ("64:ff9b:1::10.0.0.1", "::ffff:0:10.0.0.1", "fec0::1", "feff:ffff::1")),
        # Other forms of local NAT64 put the address elsewhere: what is at the end says nothing then.
        *((a, Kind.PRIVATE) for a in ("64:ff9b:1:a9fe:a9:fe00:808:808", "64:ff9b:1::1:0:808:808")),
        *((a, Kind.PUBLIC) for a in ("64:ff9b:1::8.8.8.8", "::ffff:0:8.8.8.8")),
        *(
            (a, Kind.LINK)
            for a in ("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1", "2002:a9fe:a9fe::")
        ),
        *(
            (a, Kind.PRIVATE)
            for a in ("10.0.0.1", "172.16.5.5", "192.168.1.1", "100.64.0.1", "fd00::1", "64:ff9b::a00:1")
        ),
        *((a, Kind.NOBODY) for a in ("224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1")),
        *((a, Kind.PUBLIC) for a in (PUBLIC, "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")),
    ],
)
def test_who_answers_at_an_address(address: str, found: Kind) -> None:
    assert kind(ip_address(address)) is found


@given(st.ip_addresses(v=4))
def test_an_address_in_another_dress_is_the_same(address: IPv4Address) -> None:
    number = int(address)
    dresses = [
        IPv6Address(f"::ffff:{address}"),
        IPv6Address(f"64:ff9b::{address}"),
        IPv6Address(f"64:ff9b:1::{address}"),
        IPv6Address(f"::ffff:0:{address}"),
        IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert {kind(one) for one in dresses} == {kind(address)}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "localhost", "x.localhost", "localhost.", "LOCALHOST", "X.LocalHost.", CLOUD]
)
def test_what_is_written_as_inside_is_inside(host: str) -> None:
    assert inward(host)


@pytest.mark.parametrize("host", ["forge.test", "localhost.test", "notlocalhost", "", PRIVATE, PUBLIC])
def test_what_is_written_as_a_place_elsewhere_is_not_inside(host: str) -> None:
    assert not inward(host)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (FORGE, ""),
        (("https", "forge.test", 8443), "neither the forge"),
        (("https", "forge.test.evil.test", 443), "neither the forge"),
        (("https", "store.test", 443), ""),
        (("https", "store.test", 1), ""),
        (("https", "lan.test", 9000), ""),
        (("https", "lan.test", 9001), "neither the forge"),
        (("https", "10.1.2.3", 443), ""),
        (("https", "10.2.2.3", 443), "neither the forge"),
        (("https", "fd00::7", 443), ""),
        (("https", "::ffff:10.1.2.3", 443), ""),
        (("https", "127.0.0.1", 443), "inside this machine"),
        (("https", "localhost", 443), "inside this machine"),
        (("https", CLOUD, 80), "inside this machine"),
        (("https", "", 443), "neither the forge"),
    ],
)
def test_only_the_forge_and_its_storage_are_asked(place: tuple[str, str, int], told: str) -> None:
    reach = Reach(FORGE, ("store.test", "lan.test:9000", "10.1.0.0/16", "[fd00::7]", "odd:port:x"), leading(PUBLIC))
    found = reach.refusal(place)
    assert told in found and bool(told) is bool(found)


def test_a_forge_without_tls_may_lead_to_its_own_tls() -> None:
    reach = Reach(("http", "forge.test", 80), (), leading(PUBLIC))
    assert not reach.refusal(("https", "forge.test", 443)) and reach.refusal(("http", "forge.test", 8080))


@pytest.mark.parametrize("address", [HERE, PRIVATE, CLOUD, "::1", "fe80::1", "fd00::1", "0.0.0.0", "224.0.0.1"])
def test_a_storage_of_a_public_forge_never_leads_inside(address: str) -> None:
    reach = Reach(FORGE, ("store.test",), leading(PUBLIC))
    assert admitted(reach, "store.test", PUBLIC)
    assert not admitted(reach, "store.test", address)


def test_an_address_with_a_port_is_meant_at_that_port() -> None:
    reach = Reach(FORGE, ("10.1.2.3:9000", "[fd00::7]:9000"), leading(PUBLIC))
    for host in ("10.1.2.3", "fd00::7"):
        assert not reach.refusal(("https", host, 9000)) and admitted(reach, host, host, 9000)
        assert reach.refusal(("https", host, 443))


def test_what_is_named_as_address_is_meant() -> None:
    reach = Reach(FORGE, ("store.test", "10.1.0.0/16"), leading(PUBLIC))
    assert admitted(reach, "store.test", "10.1.2.3") and not admitted(reach, "store.test", "10.2.2.3")
    assert not admitted(reach, "store.test", "odd")


@pytest.mark.parametrize(("home", "fits", "not_so"), [(HERE, "127.0.0.2", PRIVATE), (PRIVATE, "192.168.7.7", HERE)])
def test_a_forge_inside_may_have_its_storage_beside_it(home: str, fits: str, not_so: str) -> None:
    reach = Reach(FORGE, ("store.test",), leading(home))
    assert admitted(reach, "store.test", fits) and not admitted(reach, "store.test", not_so)
    assert not admitted(reach, "store.test", CLOUD)


@pytest.mark.parametrize("home", [(PUBLIC, HERE), ()])
def test_a_forge_that_is_here_and_there_opens_no_way(home: tuple[str, ...]) -> None:
    reach = Reach(FORGE, ("store.test",), leading(*home))
    assert not admitted(reach, "store.test", HERE) and admitted(reach, "store.test", PUBLIC)


def test_the_forge_itself_may_be_anywhere_but_on_the_link() -> None:
    reach = Reach(FORGE, (), leading(PUBLIC))
    assert all(admitted(reach, "forge.test", a) for a in (PUBLIC, HERE, PRIVATE, "fd00::1"))
    assert not admitted(reach, "forge.test", CLOUD)
    assert admitted(Reach(("http", CLOUD, 80), (), leading(CLOUD)), CLOUD, CLOUD, 80)


def test_one_address_that_is_inside_refuses_them_all() -> None:
    reach = Reach(FORGE, ("store.test",), leading(PUBLIC, HERE))
    with pytest.raises(ForgeError, match=r"store\.test leads to 127\.0\.0\.1, this machine"):
        connected(reach, "store.test", 443, 1, (), lambda _sock: None)


@pytest.mark.parametrize("host", ["[::1]", "::1", "127.0.0.1"])
def test_what_is_written_as_an_address_is_not_looked_up(host: str) -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        raise AssertionError("it was looked up")

    with pytest.raises(OSError):  # nobody listens
        connected(Reach(("http", host.strip("[]"), 9), (), resolve), host, 9, 1, (), lambda _sock: None)


def test_a_silent_name_server_is_left_behind() -> None:
    gate = threading.Event()

    def resolve(_host: str, _port: int) -> Sequence[str]:
        gate.wait(10)
        return []

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        connected(Reach(FORGE, (), resolve), "forge.test", 443, 0.1, (), lambda _sock: None)
    assert time.monotonic() - began < 3
    gate.set()


def test_a_name_with_too_many_addresses_is_tried_so_often() -> None:
    tried: list[socket.socket] = []
    reach = Reach(("http", "forge.test", 9), (), leading(*[HERE] * 100))
    with pytest.raises(ConnectionRefusedError):
        connected(reach, "forge.test", 9, 5, (), tried.append)
    assert len(tried) == MOST and all(one.fileno() == -1 for one in tried)


def test_a_name_that_is_none_is_no_name() -> None:
    def resolve(host: str, _port: int) -> Sequence[str]:
        return [host.encode("idna").decode()]

    with pytest.raises(socket.gaierror):
        connected(Reach(FORGE, (), resolve), "x" * 70 + ".test", 443, 1, (), lambda _sock: None)


# --- where the forge itself is, which says where its storage may be


def test_what_only_a_look_up_said_is_not_kept() -> None:
    """A name that leads to 10.x for one moment opens no way there."""
    reach = Reach(FORGE, ("store.test",), leading(PUBLIC))
    assert admitted(reach, "forge.test", PRIVATE) and not admitted(reach, "store.test", PRIVATE)
    answers = [[PRIVATE], [PUBLIC]]
    reach = Reach(FORGE, ("store.test",), lambda _host, _port: answers.pop(0))
    assert admitted(reach, "store.test", PRIVATE), "it is asked for this once"
    assert not admitted(reach, "store.test", PRIVATE)


@pytest.mark.parametrize(
    ("addresses", "fits"),
    [((PRIVATE,), PRIVATE), ((PRIVATE, "192.168.1.1"), PRIVATE), ((HERE,), HERE), ((PUBLIC,), PUBLIC)],
)
def test_where_the_forge_was_reached_is_kept(addresses: tuple[str, ...], fits: str) -> None:
    reach = Reach(FORGE, ("store.test",), leading())
    reach.reached("forge.test", 443, addresses)
    allowed = {one for one in (PRIVATE, HERE, CLOUD) if admitted(reach, "store.test", one)}
    assert allowed == {fits} - {PUBLIC}


@pytest.mark.parametrize("addresses", [(PUBLIC, PRIVATE), (PRIVATE, PUBLIC), (PRIVATE, HERE)])
def test_a_forge_that_was_reached_at_places_of_two_kinds_is_of_none(addresses: tuple[str, ...]) -> None:
    reach = Reach(FORGE, ("store.test",), leading(*addresses))
    reach.reached("forge.test", 443, (PRIVATE,))
    reach.reached("forge.test", 443, addresses)
    assert not any(admitted(reach, "store.test", one) for one in (PRIVATE, HERE))


def test_where_something_else_was_reached_is_not_where_the_forge_is() -> None:
    reach = Reach(FORGE, ("store.test",), leading(PUBLIC))
    for host, port in (("store.test", 443), ("forge.test", 8443)):
        reach.reached(host, port, (PRIVATE,))
    assert not admitted(reach, "store.test", PRIVATE)


def test_the_look_up_of_the_forge_is_left_behind_as_well() -> None:
    gate = threading.Event()

    def resolve(host: str, _port: int) -> Sequence[str]:
        if host == "forge.test":
            gate.wait(10)
        return [PRIVATE]

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        connected(Reach(FORGE, ("store.test",), resolve), "store.test", 443, 0.2, (), lambda _sock: None)
    assert time.monotonic() - began < 3
    gate.set()


def asked(url: str, reach: Reach, trusted: ssl.SSLContext | None = None) -> None:
    with Watch(10, reach), pool_manager(1) as pool:
        if trusted:
            pool.connection_pool_kw["ssl_context"] = trusted
        pool.request("GET", url, timeout=5, retries=False)


def first(*addresses: str) -> Resolve:
    """A name that leads there once, and to a public place from then on."""
    answers = [list(addresses)]
    return lambda _host, _port: answers.pop() if answers else [PUBLIC]


def test_a_forge_that_answered_is_where_it_was_reached(world: World) -> None:
    port = int(world.place.rpartition(":")[2])
    reach = Reach(("http", "forge.test", port), ("store.test",), first(HERE))
    asked(f"http://forge.test:{port}/", reach)
    assert admitted(reach, "store.test", "127.0.0.2", port) and not admitted(reach, "store.test", PRIVATE, port)


def answer(server: socket.socket, secure: ssl.SSLContext) -> None:
    """One answer to one visitor, if it trusts us."""
    with server.accept()[0] as plain, contextlib.suppress(OSError), secure.wrap_socket(plain, server_side=True) as line:
        line.recv(4096)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("name", ["forge.test", "another.test"])
def test_only_its_certificate_makes_whoever_takes_the_connection_the_forge(name: str) -> None:
    ca = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert(name).configure_cert(theirs)
    ca.configure_trust(ours)
    with socket.create_server((HERE, 0)) as server:
        port = server.getsockname()[1]
        other = threading.Thread(target=answer, args=(server, theirs))
        other.start()
        reach = Reach(("https", "forge.test", port), ("store.test",), first(HERE))
        with contextlib.nullcontext() if name == "forge.test" else pytest.raises(SSLError):
            asked(f"https://forge.test:{port}/", reach, ours)
        other.join(5)
    assert admitted(reach, "store.test", HERE, port) is (name == "forge.test")
