"""The recorder: a relay that saves every exchange as a fixture, without delaying the client."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, Self

from fake_server.relay.redact import find_secrets
from fake_server.relay.relay import Relay
from fake_server.relay.saving import Saved, SaveError, recording_name, save_recording
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.files import Stamp, Taken, stamp_of
from fake_server.wire.fixture import Fixture

Outcome = Saved | SaveError
MOST_UNSAVED = 128 * 1024 * 1024
"""Bytes of replies that wait to be saved; what comes on top is passed on and not saved."""
_TOO_FAST = "not recorded: replies come faster than they can be saved"
PATIENT = Bounds(connect=600.0, first_byte=600.0, idle=600.0, exchange=3600.0)
"""The recorder's own bounds: no shorter than the 600 s for which official SDKs wait."""

_UNFINISHED = (Ending.UNREACHABLE, Ending.CLIENT_LEFT, Ending.UNKNOWN)
"""How an exchange ends of which nothing, or only a part, is known."""


class Recorder:
    """Records the traffic to `target` into `folder` while entered: `async with Recorder(…)`.

    Clients use `base_url`. Replies are forwarded at once and saved afterwards, on a thread; `on_saved` is
    called for each exchange with the saved fixture, or with the reason why it was not saved. A fixture is
    named after the request's header `x-contract-case`, else after `label`, else after the request. A name
    that comes again while recording gets a number; the file of an earlier recording is replaced, unless it
    is one of `reserved`, or another recorder has written it meanwhile.
    With `whole_only` a reply that never came, or whose client left before its end, is
    not saved. At most `most` recordings are made. `secrets`, `keep`, `keep_names` and `breaks` are those of
    `save_recording`, the other options those of `Relay`. `bounds` (PATIENT if omitted) limit what is kept, not
    what is passed on: only the client and the target end an exchange. Raises ValueError for a target that cannot
    be used.
    """

    def __init__(
        self,
        target: str,
        folder: Path,
        *,
        secrets: Iterable[str] = (),
        keep: Iterable[str] = (),
        keep_names: Iterable[str] = (),
        label: str = "",
        breaks: Callable[[Exchange], Iterable[str]] | None = None,
        on_saved: Callable[[Exchange, Outcome], None] | None = None,
        bounds: Bounds = PATIENT,
        reserved: Iterable[Path] = (),
        whole_only: bool = False,
        most: int | None = None,
        **options: Any,
    ) -> None:
        root = target.rstrip("/")
        self._version = "/v1" if root.endswith("/v1") else ""
        self._target, self._folder, self._label = root, folder, label
        self._secrets, self._breaks, self._on_saved = tuple(secrets), breaks, on_saved
        self._keep, self._keep_names = tuple(keep), tuple(keep_names)
        self._names: Counter[str] = Counter()
        self._reserved = frozenset(reserved)
        self._versions: dict[Path, Stamp | None] = {}
        self._whole_only, self._most = whole_only, most
        self._unsaved_bytes = 0
        self._unsaved: asyncio.Queue[Exchange] = asyncio.Queue()
        self._saving: asyncio.Task[None] | None = None
        self._relay = Relay(
            root.removesuffix("/v1") or root,
            on_exchange=self._enqueue,
            bounds=bounds,
            keep_raw=True,
            pass_on=True,
            **options,
        )

    @property
    def base_url(self) -> str:
        return self._relay.base_url + self._version

    async def wait_until_idle(self) -> None:
        """Wait until every exchange that has begun has ended and is saved."""
        await self._relay.wait_until_idle()
        await self._unsaved.join()

    async def wait_until_passed_on(self) -> None:
        """Wait until no client waits for bytes, and every exchange is saved."""
        await self._relay.wait_until_passed_on()
        await self._unsaved.join()

    async def __aenter__(self) -> Self:
        self._versions = await asyncio.to_thread(self._look)
        await self._relay.__aenter__()
        self._saving = asyncio.create_task(self._save_all())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._saving is not None
        try:
            await self._relay.__aexit__(*error)
            await self._unsaved.join()
        finally:
            self._saving.cancel()

    def _enqueue(self, exchange: Exchange) -> None:
        self._relay.exchanges.clear()  # saved from the queue: a long recording must not fill memory
        size = exchange.size
        if self._unsaved_bytes and self._unsaved_bytes + size > MOST_UNSAVED:
            if self._on_saved:
                self._on_saved(exchange, SaveError(_TOO_FAST))
            return
        self._unsaved_bytes += size
        self._unsaved.put_nowait(exchange.but(label=exchange.label or self._label))

    async def _save_all(self) -> None:
        while True:
            exchange = await self._unsaved.get()
            try:
                outcome: Outcome = await asyncio.to_thread(self._save, exchange)
            except SaveError as error:
                outcome = error
            except Exception as error:  # one recording that fails must not end the others
                outcome = SaveError(f"a recording is not saved: {type(error).__name__}: {error}")
            if self._on_saved:
                self._on_saved(exchange, outcome)
            self._unsaved_bytes -= exchange.size
            self._unsaved.task_done()

    def _save(self, exchange: Exchange) -> Saved:
        if self._whole_only and exchange.ending in _UNFINISHED:
            raise SaveError(f"not recorded: {exchange.problem}")
        if self._most is not None and self._names.total() >= self._most:
            raise SaveError(f"not recorded: {self._most:,} recordings were made since the start, which is the most")
        found = find_secrets(exchange, self._secrets, self._keep, self._keep_names)
        name = recording_name(exchange, found)
        fixture = Fixture(exchange, source=f"{self._target.partition('?')[0]}, recorded {date.today():%Y-%m-%d}")
        while True:
            path = self._next_path(name)
            with contextlib.suppress(Taken):
                over = self._versions.get(path)
                return save_recording(fixture, path, breaks=self._breaks, found=found, over=over)

    def _look(self) -> dict[Path, Stamp | None]:
        """The files that may be replaced: those of earlier recordings."""
        return {path: stamp_of(path) for path in self._folder.glob("*.yaml")}

    def _next_path(self, name: str) -> Path:
        """The file for the next recording of this name."""
        while True:
            self._names[name] += 1
            number = f"-{self._names[name]}" if self._names[name] > 1 else ""
            path = self._folder / f"{name}{number}.yaml"
            if path not in self._reserved:
                return path
