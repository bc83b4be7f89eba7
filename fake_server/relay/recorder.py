"""The recorder: a relay that keeps every exchange as a fixture, without holding anybody up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fake_server.relay.relay import Relay
from fake_server.relay.saving import Saved, SaveError, name_of, save_recording
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import Fixture

Outcome = Saved | SaveError


class Recorder:
    """Records what passes on its way to `target` into `folder` while entered: `async with Recorder(…)`.

    Clients use `base_url`. The reply is passed on at once and kept afterwards, on a thread; `told` is called
    for each exchange with what was kept or why it was not. A fixture is named by the request's header
    `x-contract-case`, else by `label`, else by what was asked; the same name again in one recording gets a
    number, and replaces the file of an earlier one. `secrets` and `breaks` are those of `keep`, the other
    options those of Relay. Raises ValueError for a target that cannot be used.
    """

    def __init__(
        self,
        target: str,
        folder: Path,
        *,
        secrets: Iterable[str] = (),
        label: str = "",
        breaks: Callable[[Exchange], Iterable[str]] | None = None,
        told: Callable[[Exchange, Outcome], None] | None = None,
        **options: Any,
    ) -> None:
        root = target.rstrip("/")
        self._version = "/v1" if root.endswith("/v1") else ""
        self._target, self._folder, self._label = root, folder, label
        self._secrets, self._breaks, self._told = tuple(secrets), breaks, told
        self._names: Counter[str] = Counter()
        self._waiting: asyncio.Queue[Exchange] = asyncio.Queue()
        self._keeping: asyncio.Task[None] | None = None
        self._relay = Relay(
            root.removesuffix("/v1") or root, on_exchange=self._captured, keep_raw=True, **options
        )

    @property
    def base_url(self) -> str:
        return self._relay.base_url + self._version

    async def settled(self) -> None:
        """Wait until every exchange that has begun is over and kept."""
        await self._relay.settled()
        await self._waiting.join()

    async def __aenter__(self) -> Self:
        await self._relay.__aenter__()
        self._keeping = asyncio.create_task(self._keep_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._keeping is not None
        try:
            await self._relay.__aexit__(kind, error, trace)
            await self._waiting.join()
        finally:
            self._keeping.cancel()

    def _captured(self, exchange: Exchange) -> None:
        self._relay.exchanges.clear()
        self._waiting.put_nowait(exchange.but(label=exchange.label or self._label))

    async def _keep_all(self) -> None:
        while True:
            exchange = await self._waiting.get()
            try:
                outcome: Outcome = await asyncio.to_thread(self._keep, exchange)
            except SaveError as error:
                outcome = error
            except Exception as error:  # one recording that fails must not end the others
                outcome = SaveError(f"a recording is not saved: {type(error).__name__}: {error}")
            if self._told:
                self._told(exchange, outcome)
            self._waiting.task_done()

    def _keep(self, exchange: Exchange) -> Saved:
        name = name_of(exchange, self._secrets)
        self._names[name] += 1
        number = f"-{self._names[name]}" if self._names[name] > 1 else ""
        fixture = Fixture(
            exchange, source=f"{self._target.partition('?')[0]}, recorded {date.today():%Y-%m-%d}"
        )
        return save_recording(
            fixture, self._folder / f"{name}{number}.yaml", secrets=self._secrets, breaks=self._breaks
        )
