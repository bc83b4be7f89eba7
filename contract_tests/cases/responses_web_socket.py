"""Section responses.websocket: Responses over a WebSocket, where the target offers one."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.prompts import NOTES, SHORT
from contract_tests.cases.responses import make_body
from contract_tests.cases.responses_stored import id_in
from contract_tests.rules.engine.view import View
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.endpoints import RESPONSES
from contract_tests.target.errors import NotReached, Refused, Unsupported
from contract_tests.target.support import Lacks
from contract_tests.target.web_socket import WebSocket, web_socket

OFFER = "a WebSocket for Responses"


async def check_offer(ask: Ask) -> None:
    """Find out, once in a run, whether the target offers a WebSocket. Raises Unsupported where it does not.

    One that is known to have no Responses is not asked.
    """
    ask.session.support.require(RESPONSES)

    async def probe() -> None:
        try:
            async with web_socket(ask.session):
                return
        except Unsupported as error:
            raise Lacks(str(error)) from error

    await ask.session.support.settle(OFFER, probe)


async def take_turn(ask: Ask, socket: WebSocket, role: str, body: dict[str, Any], *, valid: bool = True) -> View:
    """One turn, known as `role` to the relation rules. Raises Refused where a valid one is not answered."""
    sent = ask.session.economical(body, ask.case.features, ask.case.has_room)
    ask.session.count()
    view = ask.keep(await socket.turn(f"{ask.case.id} {role}", sent), role)
    if view.status == 429:
        raise NotReached(f"{role}: status 429 over a WebSocket")
    if valid:
        ask.valid.add(role)
        if not view.ok:
            raise Refused(f"{role}: status {view.status or 'none'}")
    return view


@case(
    "responses.websocket.turns",
    title="two turns over one WebSocket, the second going on from the first",
    requests=4,
    tokens=2 * 32,
)
async def turns(ask: Ask) -> None:
    await check_offer(ask)
    async with web_socket(ask.session) as socket:
        first = await take_turn(ask, socket, "first over WebSocket", make_body(ask, NOTES))
        behind = make_body(ask, SHORT, previous_response_id=id_in(first))
        await take_turn(ask, socket, "second over WebSocket", behind, valid=False)


@case("responses.websocket.error", title="a turn behind a refused one, over a WebSocket", requests=4, tokens=32)
async def error(ask: Ask) -> None:
    await check_offer(ask)
    async with web_socket(ask.session) as socket:
        await take_turn(ask, socket, "refused over WebSocket", make_body(ask, SHORT, temperature=99), valid=False)
        await take_turn(ask, socket, "behind the refused", make_body(ask, SHORT), valid=False)


@case(
    "responses.websocket.reconnect",
    title="a turn of another WebSocket, which was not stored, gone on from",
    requests=5,
    tokens=2 * 32,
)
async def reconnect(ask: Ask) -> None:
    await check_offer(ask)
    async with web_socket(ask.session) as socket:
        name = id_in(await take_turn(ask, socket, "not stored", make_body(ask, SHORT)))
    async with web_socket(ask.session) as socket:
        body = make_body(ask, SHORT, previous_response_id=name)
        await take_turn(ask, socket, "behind another WebSocket", body, valid=False)
