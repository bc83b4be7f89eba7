"""A small proxy that passes everything on, and hooks that make it dishonest, each in one way."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn

from contract_tests.sandwich.upstream import KEY
from fake_server.server.uvicorn_server import listen

_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive", "date", "server", "content-encoding"}
Value = dict[str, Any]


def same(value: Any) -> Any:
    """What an honest proxy does."""
    return value


@dataclass
class Hooks:
    """What a proxy does with what passes. Those left out pass it on.

    `request` and `reply` change a JSON object, `events` the data of all events of a stream, `status` and `fields` the
    head of a reply, `sent` the header fields that go to the upstream. `times` is how often a request is sent at least,
    `tries` how often at most where it fails. `on_cut` is what follows a stream that broke off, None for the same
    end. One that `goes_on` reads the upstream's reply when the caller has left; one that `buffers` sends a stream when
    it has all of it, as it does where `events` are changed.
    """

    request: Callable[[Value], Value] = same
    reply: Callable[[Value], Value] = same
    events: Callable[[list[bytes]], list[bytes]] | None = None
    status: Callable[[int], int] = same
    fields: Callable[[dict[str, str]], dict[str, str]] = same
    sent: Callable[[dict[str, str], str], dict[str, str]] = lambda fields, _: fields
    path: Callable[[str], str] = same
    times: int = 1
    tries: int = 1
    on_cut: bytes | None = None
    answer: Callable[[Value], Value | None] = lambda _: None
    compact: bool = False
    goes_on: bool = False
    buffers: bool = False
    keeps_hops: bool = False


@dataclass
class Proxy:
    """The proxy as an ASGI app in front of `upstream`, a URL without /v1."""

    upstream: str
    hooks: Hooks = field(default_factory=Hooks)
    stop: Callable[[], object] = lambda: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        given = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        hooks, path = self.hooks, scope["path"]
        if body:
            value = json.loads(body)
            if (made_up := hooks.answer(value)) is not None:
                await _send(send, 200, {"content-type": "application/json"}, _json(made_up))
                return
            changed = hooks.request(json.loads(body))
            body = body if changed == value and not hooks.compact and _json(changed) == _json(value) else _json(changed)
            path = hooks.path(path)
        own = {*_HOP, "authorization", "proxy-authorization"}
        own |= (
            {name.strip().lower() for name in given.get("connection", "").split(",")} if not hooks.keeps_hops else set()
        )
        passed = {name: value for name, value in given.items() if name not in own}
        passed["authorization"] = f"Bearer {KEY}"
        passed = hooks.sent(passed, given.get("authorization", ""))
        async with httpx.AsyncClient(timeout=30) as client:
            work = asyncio.create_task(self._pass_on(client, scope["method"], self.upstream + path, passed, body, send))
            leaving = asyncio.create_task(receive())
            await asyncio.wait({work} if hooks.goes_on else {work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            if not work.done():
                work.cancel()
            await asyncio.gather(work, leaving, return_exceptions=True)
            if work.done() and not work.cancelled() and (error := work.exception()) is not None:
                raise error

    async def _pass_on(
        self, client: httpx.AsyncClient, method: str, url: str, fields: dict[str, str], body: bytes, send: Any
    ) -> None:
        hooks = self.hooks
        for attempt in range(1, max(hooks.times, hooks.tries) + 1):
            try:
                async with client.stream(method, url, content=body, headers=fields) as reply:
                    again = attempt < hooks.times or (reply.status_code >= 500 and attempt < hooks.tries)
                    if again:
                        await reply.aread()
                        continue
                    await self._answer(reply, send)
                    return
            except httpx.TransportError as error:
                value = {"error": {"message": str(error), "type": "proxy_error", "param": None, "code": None}}
                await _send(send, 502, {"content-type": "application/json"}, _json(value))
                return

    async def _answer(self, reply: httpx.Response, send: Any) -> None:
        hooks = self.hooks
        fields = hooks.fields({name: value for name, value in reply.headers.items() if name not in _HOP})
        status = hooks.status(reply.status_code)
        if "event-stream" in reply.headers.get("content-type", ""):
            await _stream(send, status, fields, self._pieces(reply))
            return
        data = await reply.aread()
        try:
            value = json.loads(data)
        except ValueError:
            await _send(send, status, fields, data)
            return
        changed = hooks.reply(json.loads(data)) if isinstance(value, dict) else value
        await _send(send, status, fields, data if changed == value else _json(changed))

    async def _pieces(self, reply: httpx.Response) -> AsyncIterator[bytes]:
        hooks = self.hooks
        if hooks.buffers:
            yield await reply.aread()
            return
        if hooks.events is None:
            try:
                async for piece in reply.aiter_raw():
                    yield piece
            except httpx.TransportError:
                if hooks.on_cut is None:
                    raise
                yield hooks.on_cut
            return
        whole = await reply.aread()
        if whole.startswith(b"event:"):
            yield whole
            return
        events = [event.removeprefix(b"data: ") for event in whole.split(b"\n\n") if event]
        for event in hooks.events(events):
            yield b"data: " + event + b"\n\n"


async def _send(send: Any, status: int, fields: Mapping[str, str], data: bytes) -> None:
    head = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    head.append((b"content-length", b"%d" % len(data)))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": data})


async def _stream(send: Any, status: int, fields: Mapping[str, str], pieces: AsyncIterator[bytes]) -> None:
    head = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    async for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


@contextmanager
def serving(proxy: Proxy) -> Any:
    """Serve a proxy on a thread; yields its URL."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(proxy, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = server.force_exit = True

    proxy.stop = stop
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop()
        thread.join(10)
