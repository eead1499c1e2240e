"""The pages of the deployer's dashboard. They show what machines share and manage no machine; there is no form."""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from cockpitpm.sandbox.daemons import server
from cockpitpm.sandbox.daemons.fleet_facts import Chain, Tile, age, chains, engines, links, reason, tokens
from cockpitpm.sandbox.daemons.fleet_look import BRAND, SPRITE, STYLE

OWN = "/hero_tfgrid_deployer/admin"
CURRENT = ' aria-current="page"'
MACHINE = "/hero_cockpit/web/services"
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
ESCAPES = {ord(c): f"&#{ord(c)};" for c in "&<>\"'"}


def safe(text: object) -> str:
    """Text for a page, whatever somebody put in it: nothing of it is markup, unseen or turned around."""
    return HIDDEN.sub("\ufffd", str(text)).translate(ESCAPES)


def name(text: object) -> str:
    """A name for a page, which may break where its parts end."""
    return re.sub("([_/])", r"\1<wbr>", safe(text))


class Place(NamedTuple):
    """Where the reader is: `own` stands before our paths, `machine` before those of other services."""

    own: str
    machine: str


def place(head: bytes) -> Place:
    """What the router says that it took off the path; nothing where there is no router, or it says no path."""
    for line in head.decode("latin-1").split("\r\n")[1:]:
        field, _, said = line.partition(":")
        if field.lower() == "x-forwarded-prefix" and PREFIX.fullmatch(said.strip()):
            own = said.strip()
            return Place(own, own.removesuffix(OWN) if own.endswith(OWN) else "")
    return Place("", "")


def shell(at: Place, title: str, here: str, body: str) -> str:
    """A whole page."""
    pages = "".join(
        f'<a href="{at.own}{path}"{CURRENT if path == here else ""}>{word}</a>'
        for path, word in (("/", "Nodes"), ("/control", "Control"))
    )
    build = f"{safe(server.STAMP['version'])} ({safe(server.STAMP['commit'][:7])})"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="same-origin">'
        f'<title>{title} · Fleet</title><link rel="stylesheet" href="{at.own}/style.css"></head><body>{SPRITE}'
        '<a class="skip" href="#main">Skip to the content</a><header class="top"><div class="wrap">'
        f'<a class="brand" href="{at.own}/">{BRAND}Fleet</a><nav class="nav" aria-label="Main">{pages}'
        f'<a href="{at.machine}{MACHINE}">This machine{icon("out")}</a></nav>'
        f'<span class="right">Deployer {build}</span></div></header>'
        f'<main class="wrap" id="main"><h1>{title}</h1>{body}</main></body></html>\n'
    )


def nodes_page(head: bytes) -> str:
    """The nodes of every chain, as the deployer's server knows them now."""
    at = place(head)
    try:
        found = chains()
    except (OSError, ValueError) as error:
        why = f"The server of the deployer does not answer, so the nodes are not known: {safe(reason(error))}."
        return shell(at, "Nodes", "/", f'<p class="lede">{why}</p>')
    well = sum(not one.trouble for one in found)
    total = sum(len(one.nodes) for one in found)
    lede = f"{total} nodes. {well} of {len(found)} chains answer. Asked {now()}."
    sections = "".join(section(f"chain-{n}", f"Chain {safe(c.name)}", chain(c)) for n, c in enumerate(found))
    return shell(at, "Nodes", "/", f'<p class="lede">{lede}</p>{sections}')


def chain(one: Chain) -> str:
    """The nodes of one chain, or why they are not known."""
    if one.trouble:
        words = state("bad", "Its daemon does not answer")
        return f'<div class="box pad">{words}<p class="note">{safe(one.trouble)}</p></div>'
    rows = "".join(
        f'<tr><th scope="row">{name(node)}</th>'
        f"<td>{state('ok', 'Online') if online else state('bad', 'Offline')}</td></tr>"
        for node, online in one.nodes
    )
    return table(("Node", "State"), rows)


def control_page(head: bytes) -> str:
    """What all machines share: engines, tokens, links."""
    at = place(head)
    found = engines()
    well = sum(one.mark == "ok" for one in found)
    lede = f"{well} of {len(found)} engines are well. Asked {now()}."
    way = f'<a href="{at.machine}{MACHINE}">the services of this machine</a>'
    note = f"Only what all machines share is here. A machine is managed on its own Cockpit: {way}."
    body = f'<p class="lede">{lede}</p><p class="note">{note}</p>'
    body += section("engines", "Engines", f'<ul class="tiles">{"".join(map(tile, found))}</ul>')
    body += section("tokens", "Tokens", token_table()) + section("links", "Links", link_list(at))
    return shell(at, "Control", "/control", body)


def tile(one: Tile) -> str:
    """One engine."""
    took = f"<p>Asked for {one.took} ms</p>" if one.mark != "mute" else ""
    return (
        f"<li><h3>{safe(one.name)}</h3>{state(one.mark, safe(one.words))}<p>{safe(one.detail)}</p>"
        f"<p><code>{name(one.socket)}</code></p>{took}</li>"
    )


def token_table() -> str:
    """Names and ages."""
    found = tokens()
    if not found:
        return '<p class="none">There are no tokens on this machine.</p>'
    rows = "".join(
        f'<tr><th scope="row"><code>{name(one.name)}</code></th>'
        f'<td><time datetime="{stamp(one.at)}">{stamp(one.at)[:16].replace("T", " ")} UTC</time></td>'
        f"<td>{age(one.at)}</td></tr>"
        for one in found
    )
    note = '<p class="note">Their values are shown nowhere, and this page does not read them.</p>'
    return table(("Name", "Set at", "Age"), rows) + note


def table(heads: tuple[str, ...], rows: str) -> str:
    """A table in a box."""
    told = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f'<div class="box"><table><thead><tr>{told}</tr></thead><tbody>{rows}</tbody></table></div>'


def link_list(at: Place) -> str:
    """Ways to other pages."""
    found = [("Services of this machine", MACHINE), *links()]
    items = "".join(f'<li><a href="{at.machine}{path}">{safe(title)}{icon("out")}</a></li>' for title, path in found)
    return f'<ul class="list">{items}</ul>'


def section(name: str, title: str, content: str) -> str:
    """A part of a page under its heading."""
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{content}</section>'


def state(mark: str, words: str) -> str:
    """A word with the shape that means the same."""
    return f'<p class="st {mark}">{icon(mark)}{words}</p>'


def icon(name: str) -> str:
    """A shape; the word beside it says the same."""
    return f'<svg class="i" aria-hidden="true"><use href="#{name}"/></svg>'


def now() -> str:
    """The moment, for people and programs."""
    at = stamp(time.time())
    return f'<time datetime="{at}">{at[11:19]} UTC</time>'


def stamp(at: float) -> str:
    """RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


PAGES: dict[str, Callable[[bytes], str]] = {
    "/": nodes_page,
    "/control": control_page,
    "/style.css": lambda _: STYLE,
}
"""Path to page, for the server."""
