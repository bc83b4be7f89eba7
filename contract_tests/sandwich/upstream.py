"""The fake as a proxy's upstream, with a relay before it that keeps what the proxy asked and was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from contract_tests.target.errors import UsageError
from fake_server.relay.relay import Relay
from fake_server.testing.server import FakeServer
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Exchange, header

KEY = "contract-kit-upstream"
"""The key that a proxy is to be given for the upstream: no secret, as it opens nothing and is always the same."""
PAIR_HEADER = "x-client-request-id"
"""The header field that carries the token too, for requests whose text does not reach the upstream."""
MOST_KEPT, HEAD = 256 * 1024 * 1024, 4096
"""Bytes of exchanges that are kept, and what each takes beside its bytes, rounded up."""
SETTLE = 5.0
"""Seconds that what a proxy still does after its reply is waited for."""


class Upstream:
    """The fake on a port of its own while entered: `async with Upstream(scripts, port=4010) as upstream`.

    Raises UsageError for a port that is taken.
    """

    def __init__(self, scripts: Iterable[Mapping[str, Any]], *, port: int = 0, seed: int = 0) -> None:
        self._fake = FakeServer(list(scripts), seed=seed, plain=True)
        self._port = port
        self._relay: Relay | None = None
        self._kept = 0

    def _keep(self, exchange: Exchange) -> None:
        """Keep no more than there is room for: how often the upstream is asked, the proxy decides."""
        if self._kept + exchange.size + HEAD > MOST_KEPT:
            self.relay.exchanges.remove(exchange)
        else:
            self._kept += exchange.size + HEAD

    async def __aenter__(self) -> Upstream:
        await asyncio.to_thread(self._fake.start)
        relay = Relay(self._fake.root, bounds=Bounds(), port=self._port, on_exchange=self._keep)
        try:
            await relay.__aenter__()
        except OSError as error:
            self._fake.stop()
            raise UsageError(f"--upstream-port {self._port}: {error.strerror or error}; name another port") from error
        self._relay = relay
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._relay is not None:
            await self._relay.__aexit__(None, None, None)
        await asyncio.to_thread(self._fake.stop)

    @property
    def base_url(self) -> str:
        """What the proxy is to be given as the base URL of its upstream."""
        return f"{self.relay.base_url}/v1"

    @property
    def relay(self) -> Relay:
        """The relay. Raises RuntimeError where it does not listen."""
        if self._relay is None:
            raise RuntimeError("the upstream is not started")
        return self._relay

    async def settle(self) -> None:
        """Wait until the proxy waits for nothing more, for SETTLE seconds at most."""
        try:
            async with asyncio.timeout(SETTLE):
                await self.relay.wait_until_idle()
        except TimeoutError:
            return

    def exchanges_with(self, token: str) -> tuple[Exchange, ...]:
        """The exchanges whose request holds this token, in the order in which they began."""
        found = [each for each in self.relay.exchanges if _has(each, token)]
        return tuple(sorted(found, key=lambda each: str(each.recorded)))


def _has(exchange: Exchange, token: str) -> bool:
    request = exchange.request
    return token.encode() in request.body or header(request.headers, PAIR_HEADER) == token
