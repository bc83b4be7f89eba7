"""Section responses.stream: a turn over a WebSocket as the frames of RFC 6455."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.subjects import is_web_socket_turn, only, replies
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.events import responses_stream
from fake_server.wire.exchange import Aspect, Ending

turns = only(replies, is_web_socket_turn)
"""Turns over a WebSocket that the target took: it did not close the connection before them."""


@responses_stream.rule(
    "websocket-complete",
    over=turns,
    needs=[Aspect.ENDING],
    see=see.WEBSOCKET_MODE,
    basis="the reference: a turn ends with an event; the clients measured take a stream over HTTP",
    harm="a client that reads until an event ends the turn raises, and what the turn was to go on from is lost",
)
def websocket_complete(view: View) -> Iterable[Complaint]:
    """A turn over a WebSocket runs to the event that ends it, and only then is the connection closed."""
    if view.exchange.ending in (Ending.CUT, Ending.RESET):
        yield view.end, view.exchange.problem or "the connection was closed in the middle of a turn"


@responses_stream.rule(
    "websocket-frames",
    over=turns,
    needs=[Aspect.ENDING],
    see=see.WEBSOCKET,
    basis="RFC 6455 sections 5 and 7: what breaks the framing fails the connection",
    harm="clients fail the connection, and the turn and what it was to go on from are lost",
)
def websocket_frames(view: View) -> Iterable[Complaint]:
    """What comes over a WebSocket are frames of RFC 6455."""
    if view.exchange.ending is Ending.MALFORMED:
        yield view.end, view.exchange.problem or "what came is no WebSocket frame"
