"""Section conversations: made, labelled anew, filled with items, gone on with, and deleted."""

from __future__ import annotations

import json

from contract_tests.cases.compare import ask_back
from contract_tests.cases.kept import ATTEMPTS, check_id, is_found, is_gone, look, remove
from contract_tests.cases.prompts import NOTES, REPEAT_FIRST, SHORT, user
from contract_tests.cases.responses import make_body
from contract_tests.cases.responses_stored import id_in, path_to
from contract_tests.rules.relations.arrival import TRIES
from contract_tests.target.ask import Ask, Body
from contract_tests.target.case import case
from contract_tests.target.endpoints import CONVERSATIONS, RESPONSES
from contract_tests.target.support import fits_a_path


async def make(ask: Ask, **members: object) -> str:
    """Make a conversation and return its id. Raises NotReached where it has none."""
    view = await ask(members, path=CONVERSATIONS, role="conversation")
    return check_id(view.root["id"].text, "conversation")


def _bytes(value: Body) -> bytes:
    return json.dumps(value).encode()


@case("conversations.life", title="a conversation made, labelled anew and deleted", requests=5 + ATTEMPTS + 1)
async def life(ask: Ask) -> None:
    path = f"{CONVERSATIONS}/{await make(ask, metadata={'topic': ask.nonce()})}"
    if (await look(ask, path, "conversation read", is_found)).ok:
        new = {"metadata": {"topic": ask.nonce()}}
        if (await ask.raw("POST", path, _bytes(new), role="conversation updated")).ok:
            await ask.raw("GET", path, role="conversation reread")
        if await remove(ask, path, "conversation removed"):
            await look(ask, path, "conversation gone", is_gone)


@case("conversations.items", title="items added, listed, read and deleted", requests=9 + ATTEMPTS)
async def items(ask: Ask) -> None:
    path = f"{CONVERSATIONS}/{await make(ask)}"
    sent = {"items": [{"type": "message", **user(text)} for text in ("A tree is old.", "A river is long.")]}
    added = await ask.raw("POST", f"{path}/items", _bytes(sent), role="items added")
    await ask.raw("GET", f"{path}/items?order=asc", role="items listed")
    await ask.raw("GET", f"{path}/items?order=asc&limit=1", role="first page")
    await ask.raw("GET", f"{path}/items", role="newest first")
    names = [entry["id"].text for entry in added.root["data"]]
    if names and fits_a_path(names[0]):
        await ask.raw("GET", f"{path}/items?order=asc&after={names[0]}", role="next page")
        one = f"{path}/items/{names[0]}"
        if (await ask.raw("GET", one, role="item")).ok and await remove(ask, one, "item removed"):
            await look(ask, one, "item gone", is_gone)
    await remove(ask, path, "conversation removed")


@case(
    "conversations.turns",
    title="responses in a conversation, asked back",
    requests=6 + 2 * TRIES,
    tokens=32 * (2 + 2 * TRIES),
    features=("conversation", "store"),
)
async def turns(ask: Ask) -> None:
    word = ask.nonce()
    name = await make(ask, items=[{"type": "message", **user(f"My word is {word}. {NOTES}")}])
    path = f"{CONVERSATIONS}/{name}"
    body = make_body(ask, SHORT, store=True)
    turn = await ask({**body, "conversation": name}, path=RESPONSES, role="turn")
    await ask.raw("GET", f"{path}/items?order=asc", role="items after")
    again = make_body(ask, REPEAT_FIRST)
    control = make_body(ask, f"My first message is: My word is {word}. {REPEAT_FIRST}")
    await ask_back(ask, word, "a conversation", {**again, "conversation": name}, control, RESPONSES)
    await remove(ask, path_to(id_in(turn)), "Response removed")
    await remove(ask, path, "conversation removed")


@case("conversations.unknown", title="a conversation that was never made", requests=3)
async def unknown(ask: Ask) -> None:
    path = f"{CONVERSATIONS}/{await make(ask)}"
    await ask.raw("GET", f"{CONVERSATIONS}/conv_{'0' * 48}", role="never made: a conversation")
    await remove(ask, path, "conversation removed")


@case("conversations.wrong-metadata", title="metadata of seventeen pairs")
async def wrong_metadata(ask: Ask) -> None:
    many = {"metadata": {f"topic {number}": "trees" for number in range(17)}}
    await ask(many, path=CONVERSATIONS, role="refusal", valid=False)
