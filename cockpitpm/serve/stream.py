"""`GET /events`: one viewer's stream of server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from cockpitpm.serve.access import EVENTS
from cockpitpm.serve.events import Event, Missed, line, topics_of
from cockpitpm.serve.guard import always
from cockpitpm.serve.hub import Hub, Subscription, TooManyViewers

BEAT = 15.0
"""Seconds between two signs of life. They are events, because a page cannot see comments."""
RETRY = b"retry: 2000\n\n"


class Feed:
    """A hub as its viewers read it. `now` gives the moment as RFC 3339; `beat` is seconds."""

    def __init__(self, hub: Hub, now: Callable[[], str], beat: float = BEAT) -> None:
        self._hub = hub
        self._now = now
        self._beat = beat

    def mark(self) -> str:
        """Where the stream is now, for a page to begin from."""
        return self._hub.mark()

    async def subscribe(self, topics: frozenset[str], after: str) -> AsyncIterator[bytes]:
        """The events of these topics since the mark `after`, as they go over the wire. Raises TooManyViewers."""
        async for piece in self.told(*self._hub.subscribe(topics, after)):
            yield piece

    async def told(
        self, viewer: Subscription, missed: Missed, prefix: str = "", lasts: Callable[[], bool] = always
    ) -> AsyncIterator[bytes]:
        """What a viewer reads, until the server stops or its session has ended. However it ends, it listens no more."""
        try:
            yield RETRY
            hello = await anyio.to_thread.run_sync(self._hub.hello, abandon_on_cancel=True)
            first = Event(kind="hello", data={"boot": self._hub.boot, "seq": self._hub.seq, **hello})
            for event in (first, *missed):
                yield line(event, self._hub.boot, prefix)
            while lasts():
                event = await self._next(viewer)
                yield line(event, self._hub.boot, prefix)
                if event.kind == "bye":
                    return
        finally:
            self._hub.leave(viewer)

    async def _next(self, viewer: Subscription) -> Event:
        return await viewer.next(self._beat) or self._hub.beat(viewer, self._now())

    async def answer(self, request: Request) -> Response:
        """The answer to `GET /events`."""
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        try:
            topics = topics_of(request.query_params.get("topics", ""))
        except ValueError:
            said = "There is no such topic. Ask for topics=state or topics=job:7, with a comma between several.\n"
            return PlainTextResponse(said, 400)
        if self._hub.closing:
            return _later("The server is stopping")
        try:
            viewer, missed = self._hub.subscribe(topics, since)
        except TooManyViewers:
            return _later("Too many pages listen already")
        caller = request.scope.get("state", {}).get("caller")
        body = self.told(viewer, missed, request.scope.get("root_path", ""), caller.lasts if caller else always)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Streaming(body, lambda: self._hub.leave(viewer), headers)

    def route(self) -> Route:
        """Where it is."""
        return Route(EVENTS, self.answer, methods=["GET"])


class Streaming(StreamingResponse):
    """Ends its listening even if the client left before the first byte."""

    def __init__(self, body: AsyncIterator[bytes], left: Callable[[], None], headers: dict[str, str]) -> None:
        super().__init__(body, media_type="text/event-stream", headers=headers)
        self._left = left

    async def stream_response(self, send: Send) -> None:
        """Send what comes."""
        try:
            await super().stream_response(send)
        finally:
            self._left()


def _later(said: str) -> Response:
    return PlainTextResponse(f"{said}. Try again in a moment.\n", 503, {"retry-after": "2"})
