"""The relay: plain asyncio in front of any target; forwards bytes unchanged and yields Exchanges.

Only request heads are rewritten: Host names the target, the target's base path is prepended, extra
headers and query parameters are added, and the label header is removed. Reply bytes pass unchanged
and at once, faults included. When a limit is reached the relay hangs up on both sides, and the
exchange says which limit it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fake_server.access import Gate, Refusal
from fake_server.connection import Connection, Listener
from fake_server.relay.forwarding import Forwarding, send_error
from fake_server.relay.upstream import LABEL_HEADER, Unreachable, connect, parse_target, tls_context
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Exchange, Request, header
from fake_server.wire.head import Malformed, TooLarge
from fake_server.wire.request import RequestCapture
from fake_server.wire.room import NoRoom, Room

log = logging.getLogger("fake_server")
MOST_IN_FLIGHT = 64 * 1024 * 1024
"""Bytes of the requests under way that one relay keeps, and of the replies: beyond it a recorder passes on without
keeping."""
MOST_LOGGED = 10
"""Reasons for refusals that one relay logs."""
NO_WEB_SOCKET = "A WebSocket cannot be captured: send the request by POST to the same path."
"""What clients are told that try one first; frames would be no HTTP, and the client would wait for ever."""


class Relay(Listener):
    """Listens on 127.0.0.1 in front of `target_url` while entered: `async with Relay(url) as relay`.

    Clients use `base_url` in place of the target's. Each exchange is appended to `exchanges` and
    passed to `on_exchange` (called on the event loop, so it must be quick) before the client gets
    the last bytes: a client that has the whole reply finds the exchange. A request with the header
    `x-contract-case: NAME` yields an exchange with that label; `wait_until_idle` waits for exchanges
    whose client left early. Header fields named in `drop_headers` are neither forwarded nor captured.
    With `keep_raw` exchanges hold the reply bytes as received. With `pass_on` no bound ends an exchange:
    what is captured ends there (as if the client had left), and the rest is passed on uncaptured;
    `wait_until_passed_on` waits for that. `answer` may answer a request in place of the target: it returns
    whether the connection stays open, None for what is to be forwarded. Replies under way count in `replies`, which
    may be shared; where that is full the exchange ends, or with `pass_on` what is captured. Raises ValueError for a
    target, header or CA file that cannot be used.

    Where it adds header fields or a query, which may be credentials, and where it is `guarded`, `base_url` holds a
    token, without which nothing is forwarded; neither the target nor an exchange sees it. `allow_hosts` and
    `allow_origins` are names that clients may give it, and pages that may use it without a token (see Gate).
    """

    def __init__(
        self,
        target_url: str,
        *,
        on_exchange: Callable[[Exchange], None] | None = None,
        bounds: Bounds | None = None,
        ca_file: str | Path | None = None,
        extra_headers: Iterable[tuple[str, str]] = (),
        extra_query: Iterable[tuple[str, str]] = (),
        drop_headers: Iterable[str] = (),
        keep_raw: bool = False,
        pass_on: bool = False,
        answer: Callable[[Connection, Request], Awaitable[bool | None]] | None = None,
        port: int = 0,
        guarded: bool = False,
        replies: Room | None = None,
        allow_hosts: Iterable[str] = (),
        allow_origins: Iterable[str] = (),
    ) -> None:
        self.bounds = bounds or Bounds()
        self.exchanges: list[Exchange] = []
        super().__init__(port)
        self._keep_raw, self._pass_on = keep_raw, pass_on
        self._carried = 0
        self._room = Room(MOST_IN_FLIGHT, "the requests under way")
        self._replies = replies or Room(max(MOST_IN_FLIGHT, self.bounds.body), "the replies under way")
        self._logged: set[Refusal] = set()
        self._answer = answer
        self._target = parse_target(target_url, extra_headers, extra_query)
        adds = bool(self._target.extra or self._target.query)
        self._gate = Gate(with_token=guarded or adds, names=allow_hosts, origins=allow_origins)
        self._dropped = {LABEL_HEADER, *(name.lower() for name in drop_headers)}
        self._context = tls_context(ca_file) if self._target.encrypted else None
        self._on_exchange = on_exchange
        self._in_progress: list[str] = []
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._exchange_ended = asyncio.Event()

    @property
    def base_url(self) -> str:
        """The base URL for clients; it stands for the whole target URL, path included."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def path(self) -> str:
        """What goes before every path: the token with its slash, '' without one."""
        return self._gate.path

    async def wait_until_idle(self, label: str | None = None) -> None:
        """Wait until no exchange (with this label) is in progress. `bounds` limits how long that takes."""
        while self._in_progress if label is None else label in self._in_progress:
            self._exchange_ended.clear()
            await self._exchange_ended.wait()

    async def wait_until_passed_on(self) -> None:
        """Wait until no client waits for bytes, also of exchanges whose capture has ended. Nothing limits that."""
        while self._carried:
            self._exchange_ended.clear()
            await self._exchange_ended.wait()

    async def before_closing(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.bounds.grace):
                await self.wait_until_idle()

    async def serve_connection(self, client: Connection) -> None:
        """All exchanges of one client connection in turn, over one upstream connection while it lasts."""
        connections, before = [client], None
        try:
            while (next_request := await self._read_head(client)) is not None:
                self.work(client)
                stays, before = await self._serve_request(client, *next_request, connections, before)
                if not stays:
                    return
                next_request = None  # a connection that is idle holds no body
        finally:
            for connection in connections:
                connection.drop()

    async def _serve_request(
        self,
        client: Connection,
        request: RequestCapture,
        head: bytes,
        connections: list[Connection],
        before: Forwarding | None,
    ) -> tuple[bool, Forwarding | None]:
        """Answer a request; returns whether the connection stays open, and what may be amended, as `before`."""
        if header(request.headers, "sec-websocket-key") is not None:
            await send_error(client, 426, NO_WEB_SOCKET, "websocket_not_supported", "Upgrade: HTTP/1.1\r\n")
            return False, None
        if (stays := await self._answer_known(client, head)) is not None:
            if stays and request.keeps_alive:
                return True, before
            await client.close()
            return False, None
        label = header(request.headers, LABEL_HEADER) or ""
        request.headers = tuple(pair for pair in request.headers if pair[0].lower() not in self._dropped)
        forwarding = Forwarding(
            client, request, self.bounds, label, self._emit, self._keep_raw, self._pass_on, self._replies
        )
        forwarding.reply.recorded = self._now()
        self._in_progress.append(label)
        self._carried += 1
        try:
            if before and len(connections) > 1 and connections[-1].readable:
                self._amend(before, connections.pop())
            await self._carry(forwarding, head, connections)
        finally:
            forwarding.interrupt()
            request.release()
            forwarding.reply.release()
            self._carried -= 1
            self._exchange_ended.set()
        return forwarding.reusable, forwarding if self.exchanges else None

    async def _answer_known(self, client: Connection, head: bytes) -> bool | None:
        """Let `answer` answer the request that begins with `head`; None if it did not, and nothing was taken."""
        if self._answer is None:
            return None
        self._carried += 1
        pieces: list[tuple[bytes, float]] = []
        stays, capture = None, RequestCapture(self.bounds, room=self._room)
        try:
            if (request := await self._read_whole(client, head, pieces, capture)) is not None:
                stays = await self._answer(client, request)
        except NoRoom as error:
            await send_error(client, 503, f"The recorder cannot take the request now: {error}.", "server_busy")
            return False
        finally:
            capture.release()
            self._carried -= 1
            self._exchange_ended.set()
        if stays is None:
            for data, at in reversed(pieces):
                client.put_back(data, at)
        return stays

    async def _read_whole(
        self, client: Connection, head: bytes, pieces: list[tuple[bytes, float]], request: RequestCapture
    ) -> Request | None:
        """The whole request, its body's bytes appended to `pieces`; None if it is too large, too slow or no HTTP.

        Raises NoRoom.
        """
        loop, continued = asyncio.get_running_loop(), False
        try:
            request.feed(head)
            while not request.done:
                if (piece := client.take()) is None:
                    if request.expects_continue and not continued:
                        client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                        continued = True
                    if client.finished or not await client.changed(loop.time() + self.bounds.idle):
                        return None
                    continue
                pieces.append(piece)
                data, at = piece
                used = request.feed(data)
                pieces[-1] = data[:used], at
                client.put_back(data[used:], at)
        except NoRoom:
            raise
        except (Malformed, TooLarge):
            return None
        return request.request

    async def _carry(self, forwarding: Forwarding, head: bytes, connections: list[Connection]) -> None:
        """One exchange, over the open upstream connection if it is still usable, else over a new one."""
        upstream = connections[-1] if len(connections) > 1 else None
        # Unread bytes before a request would be taken for its reply: hence a new connection.
        if upstream is None or upstream.finished or upstream.readable:
            if upstream:
                connections.pop().drop()
            try:
                upstream = await connect(self._target, self._context, self.bounds.connect)
            except Unreachable as error:
                await forwarding.refuse(str(error))
                return
            connections.append(upstream)
        await forwarding.run(self._target.rewrite(head, forwarding.request, self._dropped), upstream)

    def _log_refusal(self, refusal: Refusal) -> None:
        """Log each reason once, since a page does not see it, and only a few: whoever asks chooses the names."""
        if refusal not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(refusal)
            log.warning("refused a request: %s", refusal.message)

    def _amend(self, forwarding: Forwarding, upstream: Connection) -> None:
        """Say of a reply in `exchanges` that bytes came after its end, on a connection that ends with them."""
        ended = forwarding.reply.exchange
        while (stray := upstream.take()) is not None:
            forwarding.reply.feed(*stray)
        if ended in self.exchanges:
            self.exchanges[self.exchanges.index(ended)] = forwarding.reply.exchange
        upstream.drop()

    def _now(self) -> datetime:
        """The time, but later than at every earlier call: a clock may stand still or be set back."""
        self._latest = max(datetime.now(UTC), self._latest + timedelta(microseconds=1))
        return self._latest

    def _emit(self, exchange: Exchange) -> None:
        self._in_progress.remove(exchange.label)
        self._exchange_ended.set()
        self.exchanges.append(exchange)
        if self._on_exchange:
            self._on_exchange(exchange)

    async def _read_head(self, client: Connection) -> tuple[RequestCapture, bytes] | None:
        """The next request's head, parsed and as received; None if the client left or sent no request."""
        self.wait(client)
        room = self._room if self._pass_on else None
        request, raw = RequestCapture(self.bounds, parse_on=self._pass_on, room=room), b""
        deadline: float | None = None  # a connection may be idle between requests, not inside a head
        loop = asyncio.get_running_loop()
        while not request.head_done:
            piece = client.take()
            if piece is None:
                if client.finished or not await client.changed(deadline):
                    return None
                continue
            data, at = piece
            try:
                used = request.feed(data, head_only=True)
            except (Malformed, TooLarge) as error:
                await send_error(client, 400, f"The relay cannot read the request: {error}.", "bad_request")
                return None
            raw += data[:used]
            client.put_back(data[used:], at)
            if request.started:
                deadline = deadline or loop.time() + self.bounds.idle
        if (refusal := self._gate.refuse(request.method, request.target, request.headers)) is not None:
            self._log_refusal(refusal)
            await send_error(client, refusal.status, refusal.message, refusal.code)
            return None
        asked, request.target = request.target, self._gate.strip(request.target)
        head = raw.lstrip(b"\r\n").replace(asked.encode("latin-1"), request.target.encode("latin-1"), 1)
        return request, head
