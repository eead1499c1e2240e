"""How a forge is reached: names that lead astray, certificates nobody trusts, redirects, and addresses that swallow."""

from __future__ import annotations

import functools
import os
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import trustme
from attrs import evolve, field, frozen

from cockpitpm.forges.reach import Resolve
from cockpitpm.sandbox.forge import ForgeState
from tests.faults.bodies import API, DONE, FILE, Mode, changed, sends, sized
from tests.faults.hostile import Fault, Hostile, Line, Play, head

FORGE, STORE = "forge.test", "store.test"
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
Names = dict[str, Sequence[str]]


@frozen(kw_only=True)
class Road:
    """The way to one forge. `others` are servers that must never see what is for the forge alone.

    `met` tells what is bad about it and was never met; nothing, if a client met all of it.
    """

    met: Callable[[], list[str]]
    url: str
    home: Hostile
    resolve: Resolve
    storage: tuple[str, ...] = ()
    others: tuple[Hostile, ...] = ()


@frozen(kw_only=True)
class Way:
    """Makes the road. `leads` tells a redirect's target from the addresses of the forge and of the other server; it
    happens `times` times to each path. `proxies` says that the machine has some, in its environment."""

    tls: Callable[[], ssl.SSLContext] | None = None
    first: Callable[[Line], None] | None = None
    names: Callable[[], Names] | None = None
    resolve: Resolve | None = None
    leads: Callable[[str, str], str] | None = None
    times: int = 1000
    at: str = FILE
    declared: bool = True
    scheme: str = ""
    port: int | None = None
    swallow: bool = False
    other_fault: Callable[[str], Fault] | None = field(default=None)
    proxies: bool = False

    @contextmanager
    def road(self, state: ForgeState, fault: Fault | None) -> Iterator[Road]:
        with ExitStack() as stack:
            tls = self.tls() if self.tls else None
            home = stack.enter_context(Hostile(fault, state, FORGE, tls, self.first))
            other = stack.enter_context(Hostile(None, state, STORE))
            if self.leads:
                home.fault = Fault(at=self.at, play=redirects(self.leads(home.url, other.url)), times=self.times)
            if self.other_fault:
                other.fault = self.other_fault(home.url)
            names: Names = {FORGE: ["127.0.0.1"], STORE: ["127.0.0.1"], **(self.names() if self.names else {})}
            if self.swallow:
                stack.enter_context(swallowing("127.0.0.2", home.port))
            url = home.url if self.port is None else f"http://{FORGE}:{self.port}"
            asked: list[str] = []
            yield Road(
                met=lambda: list(self._unmet(home, other, asked)),
                url=url.replace("http:", self.scheme) if self.scheme else url,
                home=home,
                resolve=noted(self.resolve or book(names), asked),
                storage=(f"{STORE}:{other.port}",) if self.declared else (),
                others=(other,),
            )

    def _unmet(self, home: Hostile, other: Hostile, asked: list[str]) -> Iterator[str]:
        if home.fault and not home.played:
            yield f"nobody met what is bad about {home.fault.at}"
        if self.other_fault and not other.played:
            yield "nobody met what is bad about the other server"
        if (self.tls or self.first) and not home.greeted:
            yield "nobody greeted the forge"
        bad = self.names() if self.names else (FORGE,) if self.resolve or self.port or self.scheme else ()
        if not set(bad) <= set(asked):
            yield f"nobody asked for {sorted(set(bad) - set(asked))}"
        if self.proxies and not all(os.environ.get(name) for name in PROXIES):
            yield "there is no proxy"


def book(names: Names) -> Resolve:
    """A name server that knows these names and no other."""

    def resolve(host: str, _port: int) -> Sequence[str]:
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return names[host]

    return resolve


def noted(resolve: Resolve, asked: list[str]) -> Resolve:
    """The same; every name that is asked for is written down."""

    def resolved(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return resolve(host, port)

    return resolved


@contextmanager
def swallowing(address: str, port: int) -> Iterator[None]:
    """Nobody answers a connection there: the queue is full, so the kernel drops what comes."""
    with ExitStack() as stack:
        stack.enter_context(socket.create_server((address, port), backlog=0))
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((address, port))
        time.sleep(0.02)
        yield


def flipping() -> Names:
    """A name that leads to the forge's neighbour once, and to the inside of a cloud ever after."""

    class Flip(list[str]):
        turn = threading.Lock()
        asked = 0

        def __iter__(self) -> Iterator[str]:
            with self.turn:
                self.asked += 1
                return iter(["127.0.0.1"] if self.asked == 1 else ["169.254.169.254"])

    return {STORE: Flip()}


def failing(error: OSError) -> Resolve:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        raise error

    return resolve


def dumb(_host: str, _port: int) -> Sequence[str]:
    """A name server that says nothing for longer than anybody waits."""
    time.sleep(3.5)
    return ["127.0.0.1"]


@functools.cache
def authority() -> trustme.CA:
    """The one that the machine trusts."""
    return trustme.CA()


@functools.cache
def certificate(name: str = FORGE, trusted: bool = True, ended: bool = False) -> trustme.LeafCert:
    ca = authority() if trusted else trustme.CA()
    times = {"not_before": datetime(2020, 1, 1, tzinfo=UTC), "not_after": datetime(2020, 2, 1, tzinfo=UTC)}
    return ca.issue_cert(name, **(times if ended else {}))


def context(cert: trustme.LeafCert, old: bool = False) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(made)
    if old:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version, made.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        made.set_ciphers("ALL:@SECLEVEL=0")
    return made


def good() -> ssl.SSLContext:
    return context(certificate())


def plainly(line: Line) -> None:
    """What a server without TLS says to a greeting of TLS."""
    line.sock.recv(4096)
    line.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    line.fin()


def crumbs_of_tls(line: Line) -> None:
    line.drip(b"\x16\x03\x03\x3f\xff" + bytes(16_000), 0.03)


def redirects(target: str) -> Play:
    """Away to the target, in which `{path}` is the path that was asked for."""

    def made(line: Line) -> bytes:
        path = line.request.split(b" ", 2)[1].decode("latin-1").partition("?")[0]
        return head(302, {"Location": target.replace("{path}", path), "Content-Length": "0"})

    return sends(made)


ASTRAY = "http://169.254.169.254/latest/meta-data"
_AWAY = Way(leads=lambda _, other: other + "/x")
WAYS: dict[str, tuple[Way, str]] = {
    "tls": (Way(tls=good), DONE),
    "redirect-to-storage": (Way(leads=lambda _, other: other + "{path}"), DONE),
    "redirect-there-and-back": (
        Way(
            leads=lambda _, other: other + "{path}",
            times=1,
            other_fault=lambda home: Fault(at=FILE, play=redirects(home + "{path}?back=1")),
        ),
        DONE,
    ),
    "redirect-to-another-host": (Way(leads=lambda _, other: other + "/x", declared=False), "nor named as its storage"),
    "redirect-to-another-port": (Way(leads=lambda home, _: home.rpartition(":")[0] + ":9/x"), "nor named as its"),
    "redirect-from-https": (Way(tls=good, leads=lambda _, other: other + "/x"), "from https to http"),
    "redirect-to-the-cloud": (Way(leads=lambda _h, _o: ASTRAY), "inside this machine or its link"),
    "redirect-to-the-cloud-written-otherwise": (
        Way(leads=lambda _h, _o: "http://[::ffff:169.254.169.254]/latest"),
        "inside this machine or its link",
    ),
    "redirect-to-the-cloud-as-a-number": (Way(leads=lambda _h, _o: "http://2852039166/"), "nor named as its storage"),
    "redirect-to-localhost": (Way(leads=lambda _h, _o: "http://localhost:9/x"), "inside this machine or its link"),
    "redirect-to-a-file": (Way(leads=lambda _h, _o: "file:///etc/passwd"), "not an http or https address"),
    "redirect-with-a-user": (Way(leads=lambda _, other: other.replace("//", "//a:b@")), "not an http or https address"),
    "redirect-to-nothing": (Way(leads=lambda _h, _o: "http://"), "not an http or https address|redirects"),
    "redirect-for-ever": (Way(leads=lambda home, _: home + "{path}"), "more than 5 redirects"),
    "redirect-to-sign-in": (Way(leads=lambda _h, _o: "/user/login?redirect_to=x"), "wants a sign-in"),
    "redirect-of-the-api": (Way(at=API, leads=lambda _, other: other + "/api/v1/x"), "out of the API"),
    "redirect-of-the-api-for-ever": (
        Way(at=API, leads=lambda home, _: home + "/api/v1/repos/owner/duo/releases/tags/latest"),
        "redirects more than once",
    ),
    "name-to-a-private-network": (evolve(_AWAY, names=lambda: {STORE: ["10.0.0.7"]}), "10.0.0.7, in a private network"),
    "name-to-the-cloud": (evolve(_AWAY, names=lambda: {STORE: ["169.254.169.254"]}), "169.254.169.254, on the link"),
    "name-to-the-cloud-in-ipv6": (evolve(_AWAY, names=lambda: {STORE: ["64:ff9b::a9fe:a9fe"]}), "on the link"),
    "name-to-here-and-there": (evolve(_AWAY, names=lambda: {STORE: ["127.0.0.1", "169.254.169.254"]}), "on the link"),
    "name-that-is-bound-anew": (
        Way(leads=lambda _, o: o + "{path}", names=flipping, other_fault=lambda _: Fault(at=FILE, play=changed())),
        "169.254.169.254, on the link",
    ),
    "name-of-the-forge-to-the-cloud": (Way(names=lambda: {FORGE: ["169.254.169.254"]}), "The forge .* on the link"),
    "certificate-of-nobody": (Way(tls=lambda: context(certificate(trusted=False))), "no trust in"),
    "certificate-that-ended": (Way(tls=lambda: context(certificate(ended=True))), "certificate has expired"),
    "certificate-of-another-name": (Way(tls=lambda: context(certificate("other.test"))), "no trust in"),
    "tls-1.1": (Way(tls=lambda: context(certificate(), old=True)), "no TLS with"),
    "tls-of-a-plain-server": (Way(scheme="https:", first=plainly), "no TLS with"),
    "tls-that-says-nothing": (
        Way(scheme="https:", first=Line.wait),
        "silent|no connection|too slow|not finished|no TLS",
    ),
    "tls-in-crumbs": (Way(scheme="https:", first=crumbs_of_tls), "too slow|not finished|no TLS"),
    "nobody-listens": (Way(port=9), "no connection to"),
    "nobody-answers": (Way(swallow=True, names=lambda: {FORGE: ["127.0.0.2"]}), "no connection to"),
    "first-address-swallows": (Way(swallow=True, names=lambda: {FORGE: ["127.0.0.2", "127.0.0.1"]}), DONE),
    "no-route": (Way(names=lambda: {FORGE: ["127.255.255.255"]}), "no connection to"),
    "no-such-name": (Way(resolve=book({})), "no connection to"),
    "name-server-fails": (Way(resolve=failing(socket.gaierror(socket.EAI_AGAIN, "later"))), "no connection to"),
    "name-server-is-dumb": (Way(resolve=dumb), "no connection to"),
    "a-hundred-addresses": (Way(names=lambda: {FORGE: ["127.255.255.255"] * 7 + ["127.0.0.1"] * 93}), DONE),
    "proxies-are-down": (Way(proxies=True), DONE),
}
"""Each road, and what is told where nothing but the road is bad."""
PLAIN = Way()
"""The road on which nothing but the answers is bad."""


def way(name: str) -> Way:
    """The road of this name."""
    return WAYS[name][0] if name else PLAIN


def modes() -> Iterator[Mode]:
    yield from (Mode(name=name, told=told, road=name) for name, (_way, told) in WAYS.items())
    short = Fault(at=FILE, play=sized(-5, told=False, Accept_Ranges="none"))
    exact = Fault(at=FILE, play=sized(0, told=False))
    yield Mode(name="tls-cut-without-goodbye", told="broke off after", road="tls", fault=short)
    yield Mode(name="tls-whole-without-goodbye", told=DONE, road="tls", fault=exact)
