"""A program instead of a browser, for what is a matter of bytes and headers."""

from __future__ import annotations

import http.client
import itertools
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from attrs import frozen

from cockpitpm.router import Router

PREFIX = "/hero_cockpit/web"
OWN = re.compile(r'name="(csrf|key)" value="[^"]*"|data-mark="[^"]*"|<time [^>]*>[^<]*</time>|/plans/[0-9a-f]+')
"""What differs between two askings of one page."""


@frozen
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(router: Router, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
    """One request to a path of the router, with its token; a form is posted."""
    connection = http.client.HTTPConnection("127.0.0.1", int(router.url.rpartition(":")[2]), timeout=20)
    told = {"Authorization": f"Bearer {router.token}", **headers}
    body = None if form is None else urlencode(form)
    if body is not None:
        told["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request("GET" if body is None else "POST", path, body, told)
        answer = connection.getresponse()
        return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def call(router: Router, method: str, **params: Any) -> Any:
    """The result of a method of Cockpit."""
    connection = http.client.HTTPConnection("127.0.0.1", int(router.url.rpartition(":")[2]), timeout=20)
    question = {"jsonrpc": "2.0", "id": 1, "method": f"cockpit.{method}", "params": params}
    told = {"Authorization": f"Bearer {router.token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/hero_cockpit/rpc", json.dumps(question), told)
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert "result" in answer, answer
    return answer["result"]


def everything(router: Router) -> dict[str, str]:
    """The list, every page that it leads to, and the style sheet, without what is new at every asking."""
    first = ask(router, f"{PREFIX}/services?rows=all").text
    paths = sorted(set(re.findall(rf'(?:href|src)="({PREFIX}/[^"#]*)', first)))
    kept = [path for path in paths if not re.search(r"/plan|/do\?|/check", path)]
    return {path: OWN.sub("", ask(router, path.replace("&amp;", "&")).text) for path in kept}


def differences(a: Mapping[str, str], b: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The path and both pieces of text, wherever two pictures of a machine differ."""
    found = [(path, a.get(path, ""), b.get(path, "")) for path in sorted({*a, *b})]
    return [
        (path, *pair)
        for path, one, other in found
        for pair in itertools.zip_longest(one.split("<"), other.split("<"), fillvalue="")
        if pair[0] != pair[1]
    ]
