"""Section responses.stored: a Response is stored, read, gone on from, cancelled and deleted."""

from __future__ import annotations

from contract_tests.cases.compare import ask_back
from contract_tests.cases.formats import INVENT
from contract_tests.cases.kept import ATTEMPTS, check_id, is_found, is_gone, look, remove
from contract_tests.cases.prompts import NOTES, REPEAT_FIRST, REPEAT_LAST, SHORT, repeat, user
from contract_tests.cases.responses import FUNCTIONS, make_body
from contract_tests.rules.engine.lacks import lacks_what_is_named
from contract_tests.rules.engine.refused import refusal_text
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.arrival import TRIES
from contract_tests.rules.relations.said import said_in, text_of_reply
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.endpoints import RESPONSES
from contract_tests.target.errors import NotReached, Unsupported
from contract_tests.target.refusals import is_unknown_path
from contract_tests.target.support import Lacks, fits_a_path

STATE = "stored responses"
FINAL = ("completed", "incomplete", "failed", "cancelled")
NO_SUCH = f"resp_{'0' * 48}"


def path_to(name: str) -> str:
    """The path of a Response. Raises NotReached where no path can hold its id."""
    return f"{RESPONSES}/{check_id(name)}"


def id_in(view: View) -> str:
    """The id of the Response that a reply holds, '' where there is none."""
    said = said_in(view)
    return said.root["id"].text if said else ""


async def check_state(ask: Ask) -> None:
    """Find out, once in a run, whether Responses are stored. Raises Unsupported where the target says that none are."""

    async def probe() -> None:
        made = await ask(make_body(ask, SHORT, 16, store=True), path=RESPONSES, role="probe")
        said = said_in(made)
        if said and said.root["store"].value is False:
            raise Lacks("a Response that was to be stored is answered with store: false")
        path = path_to(id_in(made))
        read = await ask.raw("GET", path, role="probe read")
        if said and said.root["store"].value is True and lacks_what_is_named(read):
            ask.roles["made"] = ask.roles.pop("probe")
            ask.valid.clear()
            if not (await look(ask, path, "read", is_found)).ok:  # a store may be some seconds behind
                raise Lacks("a Response that says store: true is not found under its id: nothing can go on from it")
            ask.roles.clear()  # the case has Responses of its own in these parts
            read = ask.views[-1]
        if is_unknown_path(read, ask.session.control) or read.status in (405, 501):
            ask.views.remove(read)
            raise Lacks(f"GET {RESPONSES}/ID is answered like an unknown path: status {read.status}")
        if read.ok:
            await ask.raw("DELETE", path, role="probe deleted")

    await ask.session.support.settle(STATE, probe)


async def make(ask: Ask, role: str, *, given: object = SHORT, tokens: int = 32, **more: object) -> tuple[View, str]:
    """Ask for a Response that is stored; returns the reply and its path."""
    view = await ask(make_body(ask, given, tokens, store=True, **more), path=RESPONSES, role=role)  # type: ignore[arg-type]
    return view, path_to(id_in(view))


@case(
    "responses.stored.life",
    title="a response stored, read, listed by its input, and deleted",
    requests=3 + 2 + 3 + 4 * ATTEMPTS,
    tokens=16 + 32,
    features=("store",),
)
async def life(ask: Ask) -> None:
    await check_state(ask)
    _, path = await make(ask, "made", given=[user("A tree is old."), user(SHORT)])
    if (await look(ask, path, "read", is_found)).ok:
        listed = await ask.raw("GET", f"{path}/input_items?order=asc", role="items")
        names = [entry["id"].text for entry in listed.root["data"]] if listed.is_dict else []
        if len(names) > 1 and fits_a_path(names[0]):
            await ask.raw("GET", f"{path}/input_items?order=asc&limit=1", role="first input")
            await ask.raw("GET", f"{path}/input_items?order=asc&after={names[0]}", role="next input")
            await ask.raw("GET", f"{path}/input_items", role="newest input first")
        if await remove(ask, path, "Response removed"):
            await look(ask, path, "Response gone", is_gone)


@case(
    "responses.stored.stream",
    title="a streamed response that is stored",
    requests=3 + 2 + 2 * ATTEMPTS,
    tokens=16 + 32,
    features=("store",),
)
async def stream(ask: Ask) -> None:
    await check_state(ask)
    _, path = await make(ask, "made", stream=True)
    if (await look(ask, path, "read", is_found)).ok:
        await remove(ask, path, "Response removed")


SET = {
    "instructions": "You are brief.",
    "metadata": {"topic": "trees"},
    "temperature": 0.5,
    "top_p": 0.9,
    "text": {"format": {"type": "json_object"}},
    "tools": FUNCTIONS,
    "tool_choice": "none",
}
"""Parameters that a Response repeats, none of which is what it has where nothing is said."""


@case(
    "responses.stored.parameters",
    title="the parameters of a response that is stored",
    requests=3 + ATTEMPTS + 2 + ATTEMPTS,
    tokens=16 + 200,
    features=("store", *SET, "format", "json_object"),
)
async def parameters(ask: Ask) -> None:
    await check_state(ask)
    _, path = await make(ask, "made", given=INVENT, tokens=200, **SET)
    if (await look(ask, path, "read", is_found)).ok:
        await remove(ask, path, "Response removed")


TAKEN_UP_AFTER = 2
"""The event behind which a stream is taken up again: in a short Response, there is something before it and after."""


@case(
    "responses.stored.resumed",
    title="the stream of a stored response, taken up again behind an event",
    requests=3 + ATTEMPTS + 3,
    tokens=16 + 32,
    features=("store", "background", "starting_after"),
)
async def resumed(ask: Ask) -> None:
    await check_state(ask)
    _, path = await make(ask, "whole stream", stream=True, background=True)
    again = await ask.raw("GET", f"{path}?stream=true&starting_after={TAKEN_UP_AFTER}", role="taken up again")
    await remove(ask, path, "Response removed")
    if again.is_refusal:
        ask.views.remove(again)
        del ask.roles["taken up again"]
        raise Unsupported(f"GET with stream=true and starting_after: status {again.status}: {refusal_text(again)}")


@case("responses.stored.off", title="a response that is not to be stored", requests=8, tokens=48, features=("store",))
async def off(ask: Ask) -> None:
    await check_state(ask)
    view = await ask(make_body(ask, SHORT), path=RESPONSES, role="not to be kept")
    await ask.raw("GET", path_to(id_in(view)), role="looked for")


@case("responses.stored.unknown", title="responses that were never made", requests=10, tokens=16, features=("store",))
async def unknown(ask: Ask) -> None:
    await check_state(ask)
    path = f"{RESPONSES}/{NO_SUCH}"
    await ask.raw("GET", path, role="never made: a Response")
    await ask.raw("GET", f"{path}/input_items", role="never made: the input of a Response")
    await ask.raw("POST", f"{path}/cancel", role="never made: a Response to cancel")
    await ask.raw("DELETE", path, role="never made: a Response to delete")


@case("responses.stored.previous-unknown", title="a response that goes on from none", tokens=16)
async def previous_unknown(ask: Ask) -> None:
    body = make_body(ask, SHORT, 16, previous_response_id=NO_SUCH)
    await ask(body, path=RESPONSES, role="behind nothing", valid=False)


@case(
    "responses.stored.previous",
    title="a response that goes on from another, asked back",
    requests=3 + ATTEMPTS + 3 + 2 * TRIES + 1,
    tokens=16 + 32 * (3 + 2 * TRIES),
    features=("store", "previous_response_id"),
)
async def previous(ask: Ask) -> None:
    await check_state(ask)
    word = ask.nonce()
    first = f"My word is {word}. {NOTES}"
    made, path = await make(ask, "first turn", given=first)
    again = make_body(ask, REPEAT_FIRST)
    behind = {**again, "previous_response_id": id_in(made)}
    await ask(behind, path=RESPONSES, role="next turn")
    await ask(again, path=RESPONSES, role="by itself")
    control = make_body(ask, f"My first message is: My word is {word}. {REPEAT_FIRST}")
    await ask_back(ask, word, "the turn before", behind, control, RESPONSES)
    await remove(ask, path, "Response removed")


@case(
    "responses.stored.answer",
    title="the answer that a response goes on from, asked back",
    requests=3 + ATTEMPTS + 2 + 2 * TRIES,
    tokens=16 + 32 * (1 + 2 * TRIES),
    features=("store", "previous_response_id"),
)
async def answer(ask: Ask) -> None:
    await check_state(ask)
    word = ask.nonce()
    made, path = await make(ask, "first turn", given="Go on.", instructions=repeat(word))  # these do not carry over
    if word not in text_of_reply(made):
        raise NotReached("the first turn does not say the word that it was told to say")
    behind = make_body(ask, REPEAT_LAST, previous_response_id=id_in(made))
    control = make_body(ask, f"Your last message is: {word} {REPEAT_LAST}")
    await ask_back(ask, word, "the answer before", behind, control, RESPONSES)
    await remove(ask, path, "Response removed")


@case(
    "responses.stored.instructions",
    title="instructions of the turn before",
    requests=9,
    tokens=16 + 64,
    features=("store", "previous_response_id"),
)
async def instructions(ask: Ask) -> None:
    await check_state(ask)
    made, path = await make(ask, "instructed turn", instructions=NOTES)
    body = make_body(ask, "Go on.", previous_response_id=id_in(made))
    await ask(body, path=RESPONSES, role="turn without")
    await remove(ask, path, "Response removed")


@case(
    "responses.stored.background",
    title="a response in the background, cancelled",
    requests=3 + ATTEMPTS + 4,
    tokens=16 + 64,
    features=("store", "background"),
)
async def background(ask: Ask) -> None:
    await check_state(ask)
    _, path = await make(ask, "in the background", given="Write ten sentences.", tokens=64, background=True)
    await ask.raw("POST", f"{path}/cancel", role="cancelled")
    await ask.raw("GET", path, role="read after")
    await remove(ask, path, "Response removed")


@case(
    "responses.compact",
    title="a conversation compacted, and gone on with",
    requests=3,
    tokens=1000,
)
async def compact(ask: Ask) -> None:
    await ask(make_body(ask, SHORT, 16), path=RESPONSES, role="before")  # a target may have no Responses at all
    body = {"model": ask.model, "input": [user(NOTES), {"role": "assistant", "content": "I see."}, user(SHORT)]}
    compacted = await ask(body, path=f"{RESPONSES}/compact", role="compacted")
    output = compacted.root["output"].value if compacted.is_dict else None
    if not isinstance(output, list) or not output:
        raise NotReached("the compaction has no output to go on with")
    await ask(make_body(ask, [*output, user("Go on.")], 32), path=RESPONSES, role="next turn")
