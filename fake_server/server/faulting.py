"""The faults that strike one request: found once, then the reply is replaced or broken by them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from starlette.requests import ClientDisconnect

from fake_server.bugs.playing import faults_of_bugs, strike
from fake_server.faults import Fault, FaultError
from fake_server.faults.active import ActiveFault, apply_faults
from fake_server.faults.base import HEADER
from fake_server.faults.between import CrossTalk, OneSlot, Slots, Turn
from fake_server.faults.requests import Misread
from fake_server.server.request_context import RequestContext
from fake_server.server.sender import disconnected, pause
from fake_server.server.state.struck import Struck
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Ending

_LOOK = 0.005
"""Seconds between two looks at whether a slot is free."""
_FEW = 500
"""Tokens of a reply that is broken on the event loop; that of a longer one is rendered for it in the thread."""


class Faulting:
    """The faults of one request: those in force in its space, those of its header, and those of bugs."""

    def __init__(self, context: RequestContext, in_force: Sequence[ActiveFault] = ()) -> None:
        self._context, self._in_force = context, in_force
        self._faults: list[Fault] = [active.fault for active in in_force]
        self._replacing: tuple[Fault, ...] = ()

    @classmethod
    def gather(cls, context: RequestContext) -> Faulting:
        """Find them, in the order in which they strike.

        Raises FaultError, BugError for an unknown bug, TooMuch.
        """
        named: list[Fault] = []
        fields = context.commands
        if HEADER in fields:
            from fake_server.faults.header import read  # few requests name any

            named = read(fields[HEADER])
        if context.admission.from_page:
            own = (*named, *faults_of_bugs((), fields, context.request))
            if any(isinstance(fault, CrossTalk) for fault in own):
                raise FaultError("cross-talk: a web page of another origin may not ask for what other clients say")
        of_bugs = faults_of_bugs(context.settings.bugs, fields, context.request)
        faults = context.space.faults
        faulting = cls(context, strike(faults, context.request) if faults.current else ())
        faulting._add(named)
        faulting._faults += [fault for fault in of_bugs if not fault.for_browsers]
        return faulting

    async def change_request(self) -> None:
        """Change what is answered, where a fault is about how the request is read."""
        context = self._context
        for fault in tuple(self._faults):
            if isinstance(fault, CrossTalk) and context.body_read:
                await _take_words_of_another(context, fault)
            elif isinstance(fault, Misread):
                body = context.request.body
                if (echo := fault.echo_fault(body)) is not None:
                    self._faults.append(echo)
                context.request = context.request.but(await context.work(fault.change, body))

    def replacement(self) -> Delivery | None:
        """The reply that is given instead of an answer; None where the request is to be answered."""
        refusals = (active.buckets.refuse() for active in self._in_force if active.buckets)
        refusal = next((refusal for refusal in refusals if refusal is not None), None)
        if refusal is not None:
            self._context.entry.faults = ("quota",)
            self._in_force, self._faults = (), []
            return refusal
        fault = next((fault for fault in self._faults if fault.replaces_reply), None)
        if fault is None:
            return None
        self._context.entry.faults = (fault.fault,)
        self._replacing = (fault,)
        self._in_force = ()
        self._faults = [other for other in self._faults if other is not fault]
        return fault.apply(Delivery(500, (), ()))

    async def apply(self, delivery: Delivery) -> Delivery:
        """The reply with all the faults, and with the headers of quotas, which it uses up."""
        context = self._context
        delivery = _with_quotas(delivery, self._in_force, context.tokens)
        self._add(context.faults)
        if self._faults:
            context.budget.heavy |= context.tokens > _FEW
            delivery, notes = await context.work(self._strike, delivery)
            context.entry.faults += notes
        if struck := (*self._replacing, *self._faults):
            context.entry.struck = Struck(struck, delivery.but(writes=()))
        if slotted := [fault for fault in self._faults if isinstance(fault, OneSlot | Slots)]:
            # a reply waits in the queue once: behind itself it would wait for ever
            delivery = await _in_turn(context, delivery, min(slotted, key=lambda fault: fault.slots))
        if delivery.ending is not Ending.CLEAN and not context.body_read:
            # A socket that is closed with bytes unread resets the connection, and what was sent may be lost.
            await context.drain()
        return delivery

    def _strike(self, delivery: Delivery) -> tuple[Delivery, tuple[str, ...]]:
        """The reply with the faults, whose bytes count from now on, and notes on them."""
        context = self._context
        delivery, notes = apply_faults(delivery, self._faults)
        return context.in_flight.hold_reply(context.settings.spaces, delivery), notes

    def _add(self, faults: Iterable[Fault]) -> None:
        """Add the faults that their probability lets strike."""
        self._faults += [fault for fault in faults if self._context.space.faults.draw(fault)]


async def _take_words_of_another(context: RequestContext, fault: CrossTalk) -> None:
    """Let the request say what another says that is under way, or that comes while its client waits."""
    await pause(context.receive, fault.wait)
    others = (
        entry.json
        for entry in context.space.journal.entries()
        if entry is not context.entry and entry.path == context.path and entry.status is None
    )
    body = next((body for body in others if isinstance(body, dict)), {})
    words = {name: body[name] for name in ("messages", "prompt", "input") if name in body}
    context.request = context.request.but({**context.request.body, **words})


async def _in_turn(context: RequestContext, delivery: Delivery, fault: OneSlot | Slots) -> Delivery:
    """The delivery at the pace of its slot, which it waits for. Raises ClientDisconnect if its client does not."""
    queue, entry = context.space.queue_for_slots, context.entry
    turn = Turn(fault, lambda: entry.seconds is not None)
    queue.enter(turn)
    leaving = asyncio.create_task(disconnected(context.receive))
    try:
        while not queue.has_slot(turn):
            if leaving.done() and not fault.abandoned:
                raise ClientDisconnect
            await asyncio.sleep(_LOOK)
    finally:
        leaving.cancel()
    return delivery.but(writes=queue.pace(turn, delivery.writes))


def _with_quotas(delivery: Delivery, in_force: Sequence[ActiveFault], tokens: int) -> Delivery:
    fields: dict[str, str] = {}
    for active in in_force:
        if active.buckets:
            active.buckets.spend(tokens)
            fields |= active.buckets.headers()
    if not fields:
        return delivery
    others = tuple(pair for pair in delivery.headers if pair[0] not in fields)
    return delivery.but(headers=(*others, *fields.items()))
