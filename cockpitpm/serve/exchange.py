"""The two directions of one request that is passed on: a body with a limit, an answer with our headers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Message, Receive, Send

from cockpitpm.serve.headers import Headers, dressed


class Body:
    """Counts what comes in. A body that is longer than the limit ends as if its sender had left."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        self.over = False
        self.gone = False

    async def receive(self) -> Message:
        """The next piece."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.over = True
            return {"type": "http.disconnect"}
        self.gone = self.gone or message["type"] == "http.disconnect"
        return message


class Dressing:
    """Gives every answer our headers, and the cookie of a session that began while it was made."""

    def __init__(self, send: Send, body: Body, cookies: Callable[[], Headers], always: Headers) -> None:
        self._send = send
        self._body = body
        self._cookies = cookies
        self._always = always
        self.started = False
        self.ended = False

    async def send(self, message: Message) -> None:
        """The next piece. What an application says about a body that was cut off is not passed on."""
        if self._body.over and not self.started:
            return
        if message["type"] == "http.response.start":
            self.started = True
            headers = [*message.get("headers", ()), *self._cookies()]
            message = {**message, "headers": dressed(headers, self._always)}
        elif not message.get("more_body", False):
            self.ended = True
        await self._send(message)
