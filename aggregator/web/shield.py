"""Stands before every page: bounds what is read and how long it takes, and gives each answer, errors too, its headers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import structlog

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)

BODY = 16 << 10  # bytes; the longest form here has a few dozen
BODY_TIME = 10.0  # seconds for all of it
ANSWER_TIME = 30.0

HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the address of a page is its key
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cache-control": "no-store",
}


class Shield:
    """An ASGI application before another. `headers` are put on every answer that does not set them itself."""

    def __init__(self, app: Asgi, *, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = {**HEADERS, **headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; connections that are no HTTP are closed."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1003})
            return
        answer = _Answer(send, self._headers)
        try:
            async with asyncio.timeout(ANSWER_TIME):
                body = await self._body(receive)
                if body is None:
                    await answer.plain(413, "This is longer than anything that is expected here.\n")
                else:
                    await self._app(scope, _replayed(body, receive), answer)
        except TimeoutError:
            await answer.plain(408, "This took too long. Please try again.\n")
        except Exception:  # a page's fault is told to the log, and never ends the service beside it
            log.exception("web.surprise")
            await answer.plain(500, "Something went wrong here. Please try again later.\n")

    async def _body(self, receive: Receive) -> bytes | None:
        """All of the body, None when it is too long."""
        body = bytearray()
        async with asyncio.timeout(BODY_TIME):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return bytes(body)
                body += message.get("body", b"")
                if len(body) > BODY:
                    return None
                if not message.get("more_body", False):
                    return bytes(body)


class _Answer:
    """What is sent, with the headers put on; knows whether it has begun."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self._begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            given = list(message.get("headers", ()))
            names = {bytes(name).lower() for name, _ in given}
            more = [(name.encode(), value.encode()) for name, value in self._headers.items()]
            message = {**message, "headers": [*given, *(one for one in more if one[0] not in names)]}
        await self._send(message)

    async def plain(self, status: int, text: str) -> None:
        """A short text as the whole answer, unless another has begun."""
        if self._begun:
            return
        body = text.encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`receive` with the body, which was read already, given once more."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
