"""The relay: plain asyncio in front of any target; forwards bytes as they are and yields Exchanges.

Only request heads are touched: Host names the target, the target's base path comes first, extra
headers and query are added when asked for, and the label header is kept back. Bytes of a reply
pass unchanged and at once, faults included. When a bound is reached the relay hangs up on both
sides and the exchange says which.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from fake_server.connection import Connection, Listener
from fake_server.relay.forwarding import Forwarding, send_error
from fake_server.relay.upstream import LABEL_HEADER, Unreachable, connect, parse_target, tls_context
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Exchange, header
from fake_server.wire.head import Malformed, TooLarge
from fake_server.wire.request import RequestCapture

__all__ = ["LABEL_HEADER", "Relay"]


class Relay(Listener):
    """Listens on 127.0.0.1 in front of `target_url` while entered: `async with Relay(url) as relay`.

    Clients use `base_url` in place of the target's. Each exchange is appended to `exchanges` and
    given to `on_exchange` (called on the loop; it must be quick) before the client gets the last
    bytes, so who has the whole reply finds the exchange. A request with the header
    `x-contract-case: NAME` yields an exchange with that label; `settled` waits for those whose
    client left early. With `keep_raw` exchanges hold the bytes of replies as they came. Raises
    ValueError for a target, header or CA file that cannot be used.
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
        keep_raw: bool = False,
        port: int = 0,
    ) -> None:
        self.bounds = bounds or Bounds()
        self.exchanges: list[Exchange] = []
        super().__init__(port)
        self._keep_raw = keep_raw
        self._target = parse_target(target_url, extra_headers, extra_query)
        ca = None if ca_file is None else str(ca_file)
        self._context = tls_context(ca) if self._target.encrypted else None
        self._on_exchange = on_exchange
        self._under_way: list[str] = []
        self._one_ended = asyncio.Event()

    @property
    def base_url(self) -> str:
        """What clients use as base URL; it stands for the whole target URL, path included."""
        return f"http://127.0.0.1:{self.port}"

    def labelled(self, label: str) -> list[Exchange]:
        """The exchanges so far whose request carried this label, oldest first."""
        return [exchange for exchange in self.exchanges if exchange.label == label]

    async def settled(self, label: str | None = None) -> None:
        """Wait until no exchange (with this label) is under way; the bounds bound the wait."""
        while self._under_way if label is None else label in self._under_way:
            self._one_ended.clear()
            await self._one_ended.wait()

    async def before_closing(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.bounds.grace):
                await self.settled()

    async def serve_connection(self, client: Connection) -> None:
        """All exchanges of one client connection, one after the other, on one upstream if it lasts."""
        links, trip = [client], None
        try:
            while (asked := await self._read_head(client)) is not None:
                request, head = asked
                label = header(request.headers, LABEL_HEADER) or ""
                request.headers = tuple(one for one in request.headers if one[0].lower() != LABEL_HEADER)
                trip = Forwarding(client, request, self.bounds, label, self._emit, self._keep_raw)
                self._under_way.append(label)
                await self._carry(trip, head, links)
                if not trip.reusable:
                    return
        finally:
            if trip:
                trip.interrupt()
            for link in links:
                link.drop()

    async def _carry(self, trip: Forwarding, head: bytes, links: list[Connection]) -> None:
        """One exchange, on the last upstream connection when that still stands and is silent."""
        upstream = links[-1] if len(links) > 1 else None
        if upstream is None or upstream.finished or upstream.readable:
            if upstream:
                links.pop().drop()
            try:
                upstream = await connect(self._target, self._context, self.bounds.connect)
            except Unreachable as error:
                await trip.refuse(str(error))
                return
            links.append(upstream)
        request = trip.request
        await trip.run(self._target.rewrite(head, request.method, request.target, request.version), upstream)

    def _emit(self, exchange: Exchange) -> None:
        self._under_way.remove(exchange.label)
        self._one_ended.set()
        self.exchanges.append(exchange)
        if self._on_exchange:
            self._on_exchange(exchange)

    async def _read_head(self, client: Connection) -> tuple[RequestCapture, bytes] | None:
        """The next request's head as it came; None when the client is gone or sent no request."""
        request, raw = RequestCapture(self.bounds), b""
        deadline: float | None = None  # a connection may rest between requests, not inside a head
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
        return request, raw.lstrip(b"\r\n")
