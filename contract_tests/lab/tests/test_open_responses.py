"""The ten HTTP tests of Open Responses, written anew from their descriptions, against the fake; and against OpenAI.

Each is named as there. What a reply must look like is `contract_tests.lab.suites.open_responses`.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contract_tests.lab import suites
from contract_tests.lab.suites import open_responses as spec
from contract_tests.tests.shared import SHARED, needs_recordings
from fake_server import FakeServer

VARIED = {"response.completed_at is missing", "keepalive is not in the specification"}
"""What a seed may vary because api.openai.com does: README.md counts it."""
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a place.",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}
PHASED: list[dict[str, Any]] = [
    {
        "name": "two phases",
        "when": {"messages": {"last": {"contains": "in two phases"}}},
        "reply": {
            "output": [
                {
                    "type": "message", "role": "assistant", "phase": phase,
                    "content": [{"type": "output_text", "text": text, "annotations": []}],
                }
                for phase, text in (("commentary", "I am adding them up."), ("final_answer", "It is seven."))
            ]
        },
    }
]  # fmt: skip
Ask = Callable[..., httpx2.Response]


@pytest.fixture(params=[None, *range(6)], ids=lambda seed: "plain" if seed is None else f"seed {seed}")
def fake(request: pytest.FixtureRequest) -> FakeServer:
    return FakeServer(PHASED, seed=request.param, plain=request.param is None)


@pytest.fixture
def ask(fake: FakeServer) -> Iterator[Ask]:
    with httpx2.Client(transport=fake.transport()) as client:
        yield lambda path="/responses", **body: client.post(f"http://fake/v1{path}", json=body)


def message(role: str, content: Any, **more: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content, **more}


def assert_fits(problems: Iterator[str] | list[str], fake: FakeServer) -> None:
    assert set(problems) <= (set() if fake.settings.plain else VARIED)


def assert_completed(reply: httpx2.Response, fake: FakeServer) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    response: dict[str, Any] = reply.json()
    assert_fits(spec.problems_of_response(response), fake)
    assert response["output"]
    assert response["status"] == "completed"
    return response


def test_basic_text_response(ask: Ask, fake: FakeServer) -> None:
    assert_completed(ask(model="gpt-4o-mini", input=[message("user", "Greet me in three words.")]), fake)


def test_assistant_message_phase(ask: Ask, fake: FakeServer) -> None:
    earlier = [
        message("assistant", "I will use the number that was saved.", phase="commentary"),
        message("assistant", "It was four.", phase="final_answer"),
    ]
    assert_completed(ask(model="gpt-4o-mini", input=[*earlier, message("user", "Say only the number.")]), fake)


def test_response_output_phase_schema(ask: Ask, fake: FakeServer) -> None:
    """There it is a fixture that is never sent; here the fake sends it."""
    reply = ask(model="gpt-4o-mini", input=[message("user", "Add three and four in two phases.")])
    response = assert_completed(reply, fake)
    assert [item.get("phase") for item in response["output"]] == ["commentary", "final_answer"]


def test_streaming_response(ask: Ask, fake: FakeServer) -> None:
    reply = ask(model="gpt-4o-mini", input=[message("user", "Count to five.")], stream=True)
    final, problems = spec.problems_of_stream(reply.content)
    assert_fits(problems, fake)
    assert final["status"] == "completed"


def test_system_prompt(ask: Ask, fake: FakeServer) -> None:
    system = message("system", "You are a sailor, and speak like one.")
    assert_completed(ask(model="gpt-4o-mini", input=[system, message("user", "Greet me.")]), fake)


def test_tool_calling(ask: Ask, fake: FakeServer) -> None:
    question = message("user", "What is the weather like in Lisbon?")
    response = assert_completed(ask(model="gpt-4o-mini", input=[question], tools=[WEATHER]), fake)
    assert "function_call" in spec.types_of(response)


def test_image_input(ask: Ask, fake: FakeServer) -> None:
    parts = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PICTURE}]
    assert_completed(ask(model="gpt-4o-mini", input=[message("user", parts)]), fake)


def test_multi_turn_conversation(ask: Ask, fake: FakeServer) -> None:
    turns = [message("user", "I am called Maya."), message("assistant", "Good day, Maya.")]
    assert_completed(ask(model="gpt-4o-mini", input=[*turns, message("user", "What am I called?")]), fake)


def test_compaction_endpoint(ask: Ask, fake: FakeServer) -> None:
    turns = [message("user", "We meet on Friday at ten."), message("assistant", "Friday at ten, then.")]
    reply = ask("/responses/compact", model="gpt-4o-mini", input=turns, prompt_cache_key="compacting")
    assert reply.status_code == 200
    assert_fits(spec.problems_of_compaction(reply.json()), fake)


def test_compaction_missing_required_model(ask: Ask) -> None:
    assert ask("/responses/compact", input=[message("user", "Make this shorter.")]).status_code in (400, 422)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"store": None}, "response.store is no boolean"),
        ({"temperature": True}, "response.temperature is no number"),
        ({"object": "chat.completion"}, "response.object is not response"),
        ({"output": [{"type": "web_search_call"}]}, "an item of type web_search_call is not in the specification"),
        ({"output": [{"type": "acme:search"}]}, "acme:search.id is missing"),
        ({"usage": {}}, "usage.input_tokens is missing"),
        ({"output": [{"type": "message", "content": [{"type": "output_text"}]}]}, "output_text.text is missing"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], problem: str) -> None:
    with httpx2.Client(transport=FakeServer([], plain=True).transport()) as client:
        whole = client.post("http://fake/v1/responses", json={"model": "gpt-4o-mini", "input": "Hello"}).json()
    assert list(spec.problems_of_response(whole)) == []
    assert problem in list(spec.problems_of_response(whole | change))


ROW = re.compile(r"^\| `(.+?)` \| .*? \| (\d+) \| (\d+) \|$", re.MULTILINE)


@needs_recordings
def test_what_openai_itself_does_not_keep_is_listed_and_counted() -> None:
    page = (Path(suites.__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = {pattern.replace("¦", "|"): (int(dicts), int(streams)) for pattern, dicts, streams in ROW.findall(page)}
    counted: dict[str, Counter[str]] = {pattern: Counter() for pattern in rows}
    unlisted = set()
    for kind, problems in recorded():
        for problem in problems:
            fitting = [pattern for pattern in rows if re.fullmatch(pattern, problem)]
            unlisted |= set() if fitting else {problem}
        for pattern in rows:
            counted[pattern][kind] += any(re.fullmatch(pattern, problem) for problem in problems)
    assert unlisted == set()
    assert {pattern: (kinds["dict"], kinds["stream"]) for pattern, kinds in counted.items()} == rows


def recorded() -> Iterator[tuple[str, list[str]]]:
    """The problems of each Response recorded from api.openai.com, dict or stream."""
    with (SHARED / "recordings" / "openai.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            recording = json.loads(line)
            body = recording["response"].get("body")
            if recording["endpoint"] != "responses" or recording["response"]["status"] != 200:
                continue
            if isinstance(body, dict) and body.get("object") == "response":
                yield "dict", list(spec.problems_of_response(body))
            elif isinstance(body, str):
                ending = [] if "data: [DONE]" in body else ["no [DONE]"]
                yield "stream", [*spec.problems_of_stream(body.encode())[1], *ending]
