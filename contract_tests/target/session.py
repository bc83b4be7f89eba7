"""One run's way to the target: every request goes through the relay, is counted, and has time limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic
from typing import Any

from contract_tests.rules.engine.refused import refuses_by_status
from contract_tests.rules.engine.view import View
from contract_tests.target.errors import NotReached, UsageError
from contract_tests.target.options import Options
from contract_tests.target.relay_connection import (
    Field,
    RelayConnection,
    format_request,
    leave_reply,
    read_reply,
    reason_of_end,
)
from contract_tests.target.support import Support
from fake_server.relay.relay import MOST_IN_FLIGHT, Relay
from fake_server.relay.upstream import LABEL_HEADER
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.room import Room
from fake_server.wire.text import format_count

PREFLIGHT = "preflight"
LIMITS = frozenset(("max_tokens", "max_completion_tokens", "max_output_tokens"))
_ECONOMY = {"max_tokens": "max_completion_tokens", "temperature": "", "seed": "", "max_output_tokens": ""}
"""Parameters that only keep answers short and equal, and what to send instead if they are refused."""
STRIKES = 3
SETTLE = 0.2
"""Seconds between two requests of one connection, in which stray bytes and an unannounced end arrive."""
GRACE = 0.01
"""Seconds after which the target of a caller who left is hung up on."""
WAITING = "the replies that are under way or wait to be judged"
SLACK = 10.0
"""Seconds a request may take beyond the relay's own bounds before the kit itself is at fault."""

OutgoingRequest = tuple[str, str, str, bytes, Iterable[Field]]
"""(label, method, path, body, headers)."""

_AT_A_BOUND = (Ending.TIMED_OUT, Ending.OVERSIZED, Ending.UNREACHABLE)


@dataclass(frozen=True)
class PlainRequest:
    """The plainest valid request of an endpoint."""

    path: str
    model: str
    stream: bool = False


class Session:
    """The state that the cases of a run share: `async with Session(options, root) as session`.

    `root` is the target without `/v1`, `prefix` what goes before every path. `stopped` says why no
    more requests are sent, '' while the run goes on.
    """

    def __init__(self, options: Options, root: str) -> None:
        self.options = options
        self.root, self.prefix, self.model = root, "", ""
        self.listed: tuple[str, ...] = ()
        self.fitting: dict[str, str] = {}
        """For each endpoint that chat models do not serve, a listed model whose name fits."""
        self.control: Exchange | None = None
        self.support = Support()
        self.plain: PlainRequest | None = None
        """The plain request that was answered before the first case."""
        self.requests = 0
        self.stopped = ""
        self.over = False
        """Whether nobody waits for what is still being judged."""
        self.judging: set[str] = set()
        """The ids of the cases whose exchanges are being judged, or wait for it."""
        self.turn_to_judge = asyncio.Lock()
        self.replies = Room(max(MOST_IN_FLIGHT, options.bounds.body), WAITING)
        """What the replies take that are under way, and those of cases that are not judged yet."""
        self.notes: list[str] = []
        self.dropped: dict[str, str] = {}
        """Parameters that the target refused, with what is sent instead ('': nothing)."""
        self.room = 0
        """Tokens that are added to the limits of answers, for a model that thinks before it answers."""
        self.not_asked_alone: list[str] = []
        """The ids of cases that failed beside others, where requests or time were missing to ask them alone."""
        self.deadline = monotonic() + options.run_seconds
        self.puts_off_valid = False
        """Whether a valid request was answered 429 or 503."""
        self._awaited: dict[str, asyncio.Future[Exchange]] = {}
        self._tickets = count()
        self._struck: list[str] = []
        self._put_off: list[str] = []
        self.relay = self.new_relay()

    async def __aenter__(self) -> Session:
        await self.relay.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.relay.__aexit__(None, None, None)

    def new_relay(self, with_key: bool = True, grace: float | None = None) -> Relay:
        """A relay to the target that gives what it captures to this session.

        The key goes out here, behind what is captured, so no exchange holds it. Without a key no Authorization
        goes out. `grace` is that of the options where it is None. Raises UsageError for a target, header or CA file
        that cannot be used.
        """
        options = self.options
        named = {name.lower() for name, _ in options.headers}
        key = () if "authorization" in named else (("Authorization", f"Bearer {options.api_key}"),)
        placeholder = () if options.sends_key or not with_key else ("authorization",)
        try:
            return Relay(
                self.root,
                on_exchange=self._captured,
                bounds=options.bounds if grace is None else replace(options.bounds, grace=grace),
                ca_file=options.ca_file,
                extra_headers=(*(key if options.api_key and with_key else ()), *options.headers),
                extra_query=options.query,
                drop_headers=placeholder,
                keep_raw=options.keep_raw,
                guarded=True,
                replies=self.replies,
            )
        except ValueError as error:
            raise UsageError(str(error)) from error

    @property
    def base_url(self) -> str:
        """The target's base URL as it was chosen, without any query."""
        return self.root.partition("?")[0].rstrip("/") + self.prefix

    @property
    def seconds_left(self) -> float:
        """Seconds until the time limit of the run, below zero after it."""
        return self.deadline - monotonic()

    def is_late(self) -> bool:
        """Whether the time of the run is up, or the run over; any thread may ask."""
        return self.over or monotonic() > self.deadline

    def learns(self, view: View, sent: Mapping[str, Any], kept: Iterable[str]) -> bool:
        """Whether a refusal names a parameter that a case can do without; it is left out from now on."""
        for name, instead in _ECONOMY.items():
            if sent.get(name) is not None and name not in kept and refuses_by_status(view, name):
                self.dropped[name] = instead
                self.note(f"the target refuses {name}; {f'{instead} is sent instead' if instead else 'it is left out'}")
                return True
        return False

    def economical(self, body: Mapping[str, Any], kept: Iterable[str], has_room: bool) -> dict[str, Any]:
        """A chat request as this target takes it; of the parameters that it refused, those `kept` stay."""
        swap = {name: new for name, new in self.dropped.items() if name not in kept}
        named = ((swap.get(name, name), value) for name, value in body.items())
        sent = {name: value for name, value in named if name}
        for name in LIMITS & sent.keys() if has_room else ():
            if isinstance(sent[name], int) and sent[name] > 0:  # a wrong one stays wrong
                sent[name] += self.room
        return sent

    def note(self, text: str) -> None:
        """Add a remark for the report, once."""
        if text not in self.notes:
            self.notes.append(text)

    def count(self, requests: int = 1) -> None:
        """Count `requests`. Raises NotReached if the run has stopped or the limit is reached."""
        if self.stopped:
            raise NotReached(self.stopped)
        if self.requests + requests > self.options.max_requests:
            most = format_count(self.options.max_requests, "request")
            raise NotReached(f"the limit of {most} is reached (--max-requests)")
        self.requests += requests

    def strike(self, case_id: str, exchanges: Iterable[Exchange]) -> None:
        """Remember a case that ran into a bound or found nobody; the third one stops the run."""
        if any(exchange.ending in _AT_A_BOUND for exchange in exchanges):
            self._struck.append(case_id)
        if len(self._struck) >= STRIKES and not self.stopped:
            self.stopped = f"stopped after {STRIKES} cases that ran into a bound: {', '.join(self._struck)}"

    def put_off(self, case_id: str, answer: str) -> None:
        """Remember a case that was still answered 429, with this text; the third one stops the run.

        The preflight is no case, and is asked more than once where an outage is suspected.
        """
        if case_id == PREFLIGHT:
            return
        self._put_off.append(case_id)
        if len(self._put_off) >= STRIKES and not self.stopped:
            cases = ", ".join(self._put_off)
            text = f" ({answer})" if answer else ""
            self.stopped = self.options.mask(
                f"stopped after {STRIKES} cases that were still answered 429: {cases}{text}"
            )

    async def exchange(
        self,
        label: str,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Iterable[Field] = (),
        *,
        leave: float | None = None,
        keyless: bool = False,
    ) -> Exchange:
        """Send one request below the base URL and return what crossed the wire, labelled `label`.

        `leave` hangs up at the first event of the reply, or after so many seconds; `keyless` leaves the target's
        key out.
        """
        request = (label, method, path, body, headers)
        own = keyless or leave is not None  # who leaves is gone at once
        async with self.new_relay(not keyless, GRACE) if own else nullcontext(self.relay) as relay:
            async with self._connection(relay, leave) as connection:
                exchange = await self._send(connection, request)
            relay.exchanges.clear()
        if exchange is None:
            raise ConnectionError("the relay closed the connection before it had an exchange")
        return exchange

    async def in_turn(self, requests: Iterable[tuple[str, str, bytes]]) -> tuple[list[Exchange], str]:
        """POST several (label, path, body) over one connection, one after the other.

        Returns the exchanges, and why they are fewer than the requests, '' where they are not.
        """
        labels: list[str] = []
        why = ""
        async with self.new_relay() as relay, self._connection(relay) as connection:
            for label, path, body in requests:
                try:
                    exchange = await self._send(connection, (label, "POST", path, body, [("Connection", "keep-alive")]))
                except NotReached as error:
                    why = str(error)
                    break
                if exchange is None:
                    why = f"the target closes the connection after {reason_of_end(relay.exchanges[-1], labels[-1])}"
                    break
                labels.append(label)
                await asyncio.wait([connection.reading], timeout=SETTLE)
        # The relay's own list: it amends a reply that more bytes followed.
        return [exchange.but(label=label) for exchange, label in zip(relay.exchanges, labels, strict=True)], why

    @asynccontextmanager
    async def _connection(self, relay: Relay, leave: float | None = None) -> AsyncIterator[RelayConnection]:
        """A connection to the relay, with a task that reads and drops what comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        reply = read_reply(reader) if leave is None else leave_reply(reader, writer, leave)
        reading = asyncio.create_task(reply)
        connection = RelayConnection(writer, reading, leave is not None, relay.path + self.prefix)
        try:
            yield connection
        finally:
            connection.reading.cancel()
            writer.transport.abort()  # before anything is awaited: a run that stops may cancel here once more
            await asyncio.gather(connection.reading, return_exceptions=True)

    async def _send(self, connection: RelayConnection, request: OutgoingRequest) -> Exchange | None:
        """Send one request and wait for its exchange; None where the connection is gone before it.

        Raises NotReached if the run has stopped, TimeoutError where the relay is at fault.
        """
        label, method, path, body, headers = request
        if connection.gone:
            return None
        self.count()
        ticket = f"{next(self._tickets)}-{label}".encode("ascii", "replace").decode()
        came: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        self._awaited[ticket] = came
        fields = (*headers, (LABEL_HEADER, ticket))
        keyed = self.options.sends_key
        connection.writer.write(format_request(method, connection.prefix + path, fields, body, keyed))
        bounds = self.options.bounds
        # The relay reports an exchange before it closes the connection, so an end without one is final.
        waited: set[asyncio.Future[Any]] = {came} if connection.leaves else {came, connection.reading}
        try:
            async with asyncio.timeout(bounds.connect + bounds.exchange + bounds.grace + SLACK):
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._awaited.pop(ticket, None)
        exchange = came.result().but(label=label) if came.done() else None
        if exchange and exchange.ending is Ending.CLIENT_LEFT and WAITING in exchange.problem:
            raise NotReached(exchange.problem)
        return exchange

    def _captured(self, exchange: Exchange) -> None:
        came = self._awaited.get(exchange.label)
        if came is not None and not came.done():
            came.set_result(exchange)
