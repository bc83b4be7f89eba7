"""The genuine replies that defects are made from, and the defect itself."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from contract_tests.lab.mutation.genuine.forms import Forms
from contract_tests.lab.mutation.genuine.order import Order
from contract_tests.lab.mutation.genuine.reading import Reply, read
from fake_server.wire.exchange import Exchange


class Recorded(Protocol):
    """What a recording has to offer: its exchange, labelled with the recording's id."""

    @property
    def exchange(self) -> Exchange: ...


@dataclass(frozen=True)
class Defect:
    """One genuine recording with one thing broken.

    `where` names the event and path, `before` and `after` show what changed there, `form` is the
    place with its indexes folded; `original` is the recording as it was.
    `witnesses` counts the recordings that show this place, None where it is the reply as a whole.
    """

    recording_id: str
    operator: str
    where: str
    exchange: Exchange
    before: str
    after: str
    original: Exchange = field(repr=False)
    form: str = ""
    witnesses: int | None = None


class Corpus:
    """Every genuine reply that can be read, and what all of them together show."""

    def __init__(self, recordings: Iterable[Recorded]) -> None:
        found = (read(one.exchange) for one in recordings)
        known = [reply for reply in found if reply is not None]
        self.forms = Forms()
        self.forms.learn(known)
        self.replies = [reply for reply in known if reply.in_scope]
        self.streams = [reply for reply in self.replies if reply.is_stream]
        self.order = Order(self.streams)
        self.media_types = {(one.form, one.exchange.media_type) for one in self.replies}

    def genuine(self, exchange: Exchange) -> bool:
        """Whether genuine recordings have this very form, so that nothing is broken."""
        reply = read(exchange)
        if reply is None or not self.forms.knows(reply):
            return False
        return not reply.is_stream or self.order.knows(reply)


@dataclass(frozen=True)
class Change:
    """What an operator did: the place, what stood there, what stands there now.

    `original` is what to compare with, where that is not the recording as it was read.
    """

    reply: Reply
    where: str
    exchange: Exchange
    before: str
    after: str
    form: str = ""
    original: Exchange | None = None
    witnesses: int | None = None

    def named(self, operator: str) -> Defect:
        original = self.original or self.reply.exchange
        return Defect(
            original.label,
            operator,
            self.where,
            self.exchange,
            self.before,
            self.after,
            original,
            self.form or self.reply.form,
            self.witnesses,
        )


def shuffled(values: Iterable[Any], dice: random.Random) -> list[Any]:
    """The values in an order that only the seed decides."""
    mixed = list(values)
    dice.shuffle(mixed)
    return mixed
