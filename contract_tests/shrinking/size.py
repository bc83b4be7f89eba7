"""How large an exchange is, in units that mean something to a reader."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.spans import patterns
from contract_tests.shrinking.value_passes import reply_texts
from fake_server.wire.exchange import Exchange


@dataclass(frozen=True)
class Size:
    """Counts for one exchange; `body` and `request` are in bytes."""

    events: int
    body: int
    members: int
    headers: int
    writes: int
    request: int

    def rows(self, other: Size) -> list[tuple[str, int, int]]:
        """Name, this count and the other's, except where both are 0."""
        counts = zip(fields(self), astuple(self), astuple(other), strict=True)
        return [(_NAMES[field.name], before, after) for field, before, after in counts if before or after]


_NAMES = {
    "events": "events",
    "body": "body bytes",
    "members": "JSON members and items",
    "headers": "header fields",
    "writes": "writes",
    "request": "request bytes",
}


def measure(exchange: Exchange) -> Size:
    return Size(
        events=len(View(exchange).events),
        body=len(exchange.payload),
        members=sum(1 for text in reply_texts(exchange) for _ in patterns(text.tree)),
        headers=len(exchange.headers) + len(exchange.request.headers or ()),
        writes=len(exchange.writes),
        request=len(exchange.request.body),
    )
