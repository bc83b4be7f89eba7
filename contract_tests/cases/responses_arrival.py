"""Section responses, whether what is sent arrives: results of tools, messages of each role, earlier answers."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.compare import ask_back
from contract_tests.cases.prompts import REPEAT_LAST, REPEAT_RESULT, message, repeat, user
from contract_tests.cases.responses import FUNCTIONS, NOTE, make_body
from contract_tests.cases.tools import QUESTION
from contract_tests.rules.relations.arrival import TRIES
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.endpoints import RESPONSES

_TURNS, _TOKENS = 2 * TRIES, 2 * TRIES * 64
CALL = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Oslo"}'}
NOTED = {"type": "custom_tool_call", "call_id": "call_1", "name": "take_note", "input": "The tree is old."}


async def _ask_for_result(ask: Ask, what: str, called: dict[str, Any], tool: dict[str, Any], *, parts: bool) -> None:
    """Ask for a word that only the result of a call says, the last of two parts of it with `parts`."""
    word = ask.nonce()
    texts = ["7 degrees.", f"The code is {word}."]
    output: Any = [{"type": "input_text", "text": text} for text in texts] if parts else " ".join(texts)
    result = {"type": f"{called['type']}_output", "call_id": called["call_id"], "output": output}
    given = [user(QUESTION), called, result, user(REPEAT_RESULT)]
    control = make_body(ask, f"The tool's result is: {' '.join(texts)} {REPEAT_RESULT}", 64)
    await ask_back(ask, word, what, make_body(ask, given, 64, tools=[tool]), control, RESPONSES)


def result_case(
    case_id: str, title: str, what: str, called: dict[str, Any], tool: dict[str, Any], *features: str, parts: bool
) -> None:
    """Register a case that asks back what the result of a call says."""

    async def play(ask: Ask) -> None:
        await _ask_for_result(ask, what, called, tool, parts=parts)

    case(case_id, title=title, requests=_TURNS, tokens=_TOKENS, features=("tools", *features))(play)


result_case(
    "responses.result",
    "a function's result, asked back",
    "a function_call_output",
    CALL,
    FUNCTIONS[0],
    "function_call_output",
    parts=False,
)
result_case(
    "responses.result-parts",
    "a function's result in parts, asked back",
    "part 2 of a function_call_output",
    CALL,
    FUNCTIONS[0],
    "function_call_output",
    "output",
    parts=True,
)
result_case(
    "responses.custom-result",
    "a custom tool's result, asked back",
    "a custom_tool_call_output",
    NOTED,
    NOTE,
    "custom",
    "custom_tool_call",
    "custom_tool_call_output",
    parts=False,
)


@case(
    "responses.roles",
    title="what only a developer or a system message says",
    requests=2 * _TURNS,
    tokens=2 * _TURNS * 32,
)
async def roles(ask: Ask) -> None:
    for role in ("developer", "system"):
        word = ask.nonce()
        body = make_body(ask, [message(role, repeat(word)), user("Go on.")])
        await ask_back(ask, word, f"a {role} message of the input", body, make_body(ask, repeat(word)), RESPONSES)


@case("responses.answers", title="an earlier answer in the input, asked back", requests=_TURNS, tokens=_TURNS * 32)
async def earlier_answer(ask: Ask) -> None:
    word = ask.nonce()
    said = f"My word is {word}."
    body = make_body(ask, [user("Go on."), message("assistant", said), user(REPEAT_LAST)])
    control = make_body(ask, f"Your last message is: {said} {REPEAT_LAST}")
    await ask_back(ask, word, "an earlier answer in the input", body, control, RESPONSES)
