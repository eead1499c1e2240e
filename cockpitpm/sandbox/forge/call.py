"""A request as the answers see it, and who makes it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from cockpitpm.sandbox.forge.repository import Conflict, Repository
from cockpitpm.sandbox.forge.state import READ, WRITE, ForgeState, Token


@frozen(kw_only=True)
class Call:
    """One request. `args` are the parts of the path by name, decoded once; `base` is the forge's own address."""

    state: ForgeState
    method: str
    path: str
    base: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    args: Mapping[str, str]
    token: Token | None
    credentials: bool

    @property
    def repo(self) -> Repository:
        """The repository of the path, if this caller may see it. Raises Conflict."""
        found = self.state.repositories.get(self.repo_name.lower())
        if found is None or not self.may_read(found):
            raise Conflict(404, "The target couldn't be found.")
        return found

    @property
    def repo_name(self) -> str:
        """`owner/name` as the path has it."""
        return f"{self.args['owner']}/{self.args['repo']}"

    def may_read(self, repo: Repository) -> bool:
        """Whether the caller sees the repository. A scope that is missing is told only to who may see it."""
        if not repo.private:
            return True
        known = self.token is not None and self.token.user in {"ci", repo.owner, *repo.readers}
        if known and self.token is not None and self.token.public_only:
            raise Conflict(403, "token scope is limited to public repos")
        return known

    def may_write(self, repo: Repository) -> bool:
        """Whether the caller could change the repository."""
        return self.token is not None and WRITE in self.token.scopes and self.token.user in {"ci", repo.owner}

    def fields(self) -> dict[str, Any]:
        """The JSON object of the body. Raises Conflict."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Conflict(422, "the body is not a JSON object")
        return value


def judge(call: Call, api: bool) -> None:
    """What is refused before any route is looked at. Raises Conflict."""
    writes = call.method not in {"GET", "HEAD"}
    if call.credentials and call.token is None:
        raise Conflict(401, "user does not exist [uid: 0, name: ]")
    if writes and call.token is None:
        raise Conflict(401, "token is required")
    if call.token is None and call.state.require_signin:
        raise Conflict(403, "Only signed in user is allowed to call APIs.")
    needed = WRITE if writes else READ
    if api and call.token is not None and not call.token.scopes & {needed, WRITE}:
        raise Conflict(403, f"token does not have at least one of required scope(s): [{needed}]")


def token_of(state: ForgeState, authorization: str) -> Token | None:
    """The token of an Authorization header: `token T`, `Bearer T`, or Basic with T in either place."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() in {"token", "bearer"}:
        return state.tokens.get(value.strip())
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return state.tokens.get(user if password in {"", "x-oauth-basic"} else password)
