"""Tokens counted, inputs compacted, and what the store of responses holds."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.api import sealing
from fake_server.server.state import responses
from fake_server.server.state.memory import Ledger, MemoryBudget
from fake_server.server.state.responses import ResponseStore, Saved
from fake_server.tests.asking_responses import MODEL, ask, show_messages

TOO_MUCH = "request_too_expensive"


@pytest.mark.parametrize("text", ["hi", [{"role": "user", "content": "What is the weather?"}]])
def test_counted_tokens_are_those_that_are_used(client: openai.OpenAI, text: Any) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    for more in ({}, {"instructions": "Be brief."}, {"tools": [tool]}, {"previous_response_id": ask(client).id}):
        counted = client.responses.input_tokens.count(**{"model": MODEL, "input": text, **more})
        assert counted.to_dict() == {
            "object": "response.input_tokens",
            "input_tokens": ask(client, text, **more).usage.input_tokens,
        }
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.input_tokens.count(model=MODEL, input=text, previous_response_id="resp_never")
    assert refused.value.code == "previous_response_not_found"


def test_a_compaction_keeps_the_users_words_and_stands_for_the_rest(
    client: openai.OpenAI, server: FakeServer, http: httpx2.Client
) -> None:
    said = [
        {"role": "user", "content": "What is 2+2?"},
        {"role": "assistant", "content": "2 + 2 = 4."},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "12"},
        {"role": "user", "content": "And 3+3?"},
    ]
    made = http.post("responses/compact", json={"model": MODEL, "input": said, "instructions": "Short."}).json()
    assert (made["object"], made["id"][:5]) == ("response.compaction", "resp_")
    *kept, last = made["output"]
    assert [(item["type"], item["role"], item["status"]) for item in kept] == [("message", "user", "completed")] * 2
    assert [item["content"][0]["text"] for item in kept] == ["What is 2+2?", "And 3+3?"]
    assert (set(last), last["type"], last["id"][:4]) == ({"id", "type", "encrypted_content"}, "compaction", "cmp_")
    assert "2 + 2" not in last["encrypted_content"]
    usage = made["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 2
    show_messages(server)
    answer = ask(client, [*made["output"], {"role": "user", "content": "And 4+4?"}])
    assert answer.output_text == "[What is 2+2?][And 3+3?][2 + 2 = 4.][12][And 4+4?]"
    again = client.responses.compact(model=MODEL, previous_response_id=answer.id)
    assert [item.type for item in again.output] == ["message"] * 3 + ["compaction"]
    resumed = ask(client, [{"role": "user", "content": "so?"}, {"type": "compaction", "encrypted_content": "".join(
        item.encrypted_content for item in again.output if item.type == "compaction"
    )}])  # fmt: skip
    assert "2 + 2 = 4." in resumed.output_text
    listed = client.responses.input_items.list(answer.id, order="asc").data
    assert (listed[2].type, listed[2].id) == ("compaction", last["id"])


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("compact", {}, "model", "missing_required_parameter"),
        ("compact", {"model": MODEL}, "input", "missing_required_parameter"),
        ("compact", {"model": MODEL, "input": "x", "stream": True}, "stream", "unknown_parameter"),
        ("compact", {"model": MODEL, "previous_response_id": "resp_never"}, "previous_response_id",
         "previous_response_not_found"),
        ("compact", {"model": "gpt-3.5-turbo-instruct", "input": "x"}, "model", "model_not_found"),
        ("input_tokens", {"input": "x", "store": True}, "store", "unknown_parameter"),
        ("input_tokens", {"input": 1}, "input", "invalid_type"),
    ],
)  # fmt: skip
def test_bad_tasks_are_refused(http: httpx2.Client, path: str, body: Any, param: str, code: str) -> None:
    answer = http.post(f"responses/{path}", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


@pytest.mark.security("work of one request")
@pytest.mark.parametrize(
    ("items", "status", "code"),
    [
        ([{"type": "compaction", "encrypted_content": sealing.seal({"items": [{}] * 60_000})}] * 20, 400, TOO_MUCH),
        ([{"type": "compaction", "encrypted_content": sealing.seal({"items": [{"type": 5, "call_id": [1]}]})}], 200, 0),
        ([{"type": "compaction", "encrypted_content": sealing.seal({"items": "x"})}], 200, 0),
        ([{"type": "compaction", "encrypted_content": sealing.seal(None)[:-4]}], 400, "invalid_encrypted_content"),
        ([{"type": "compaction", "encrypted_content": "gAAAAABpzfWE_of_another"}], 200, 0),
        ([{"type": "web_search_call", "id": "ws_1", "call_id": [1]}, {"type": "shell_call", "id": [1]}], 200, 0),
    ],
)
@pytest.mark.parametrize("path", ["responses", "responses/compact", "responses/input_tokens"])
def test_items_of_any_form_cost_little(http: httpx2.Client, path: str, items: Any, status: int, code: object) -> None:
    answer = http.post(path, json={"model": MODEL, "input": [*items, {"role": "user", "content": "hi"}]})
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["error"]["code"] == code


def test_each_space_has_its_own_and_reset_forgets_them(client: openai.OpenAI, server: FakeServer) -> None:
    made = ask(client)
    with openai.OpenAI(base_url=server.space("mine").base_url, api_key="any") as mine:
        with pytest.raises(openai.NotFoundError):
            mine.responses.retrieve(made.id)
        with pytest.raises(openai.BadRequestError):
            ask(mine, previous_response_id=made.id)
        with pytest.raises(openai.NotFoundError):
            ask(mine, [{"type": "item_reference", "id": made.output[0].id}])
    server.reset()
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def saved(name: str, size: int = 10, **more: Any) -> Saved:
    output = [{"id": f"msg_{name}", "type": "message", "text": "x" * size}]
    return Saved({"id": name, "status": "completed", "output": output}, ({"id": f"in_{name}"},), **more)


@pytest.mark.security("memory")
def test_what_is_held_is_bounded_and_counted_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "MOST", 3)
    monkeypatch.setattr(responses, "MOST_BYTES", 20_000)
    ledger = Ledger(MemoryBudget())
    store = ResponseStore(ledger)
    for name in "abcd":
        store.save(saved(name))
    assert [store.get(name) is not None for name in "abcd"] == [False, True, True, True]
    assert [store.find_item(f"msg_{name}") is not None for name in "abcd"] == [False, True, True, True]
    store.save(saved("e", 25_000))
    assert [store.get(name) is not None for name in "bcde"] == [False, False, False, True]
    assert store.dropped == 4
    for number in range(50):
        store.save(saved(str(number % 5), 100, began=0.0, conversation="conv_1"))
    assert store.delete("4")
    assert not store.delete("4")
    assert [each.response["id"] for each in store.take_finished(100.0)] == ["2", "3"]
    assert store.take_finished(100.0) == []
    assert store.drop()
    assert store.drop()
    assert not store.drop()
    assert ledger.kinds["stored"] == 0
    store.save(saved("f"))
    store.clear()
    assert (ledger.kinds["stored"], store.dropped, store.find_item("msg_f")) == (0, 0, None)


@pytest.mark.security("memory")
def test_a_flood_of_responses_and_conversations_stays_in_the_space_account(server: FakeServer) -> None:
    server.reset()
    with httpx2.Client(base_url=server.base_url) as flood:
        body = json.dumps({"model": MODEL, "input": "x" * 50_000})
        for _ in range(20):
            flood.post("responses", content=body, headers={"content-type": "application/json"})
    account = server.settings.spaces.budget.report()
    assert account["kinds"]["stored"] >= 20 * 50_000
    server.reset()
    assert server.settings.spaces.budget.report()["kinds"]["stored"] == 0


@pytest.mark.parametrize("began", [0.0, 0.1, 17.03, 20_777.314159265, 1_796_107.779, 5e8 / 3])
def test_seconds_added_to_a_clock_make_up_what_they_are_in_all(began: float) -> None:
    response = saved("resp_1", began=began)
    assert response.waits(began + 0.2 + 0.2)
    assert not response.waits(began + 0.2 + 0.2 + 0.1)
    assert response.left(began + 0.6 + 0.8)
    for steps in ((0.6, 0.8, 0.1), (0.1,) * 15, (0.3,) * 5, (0.7, 0.7, 0.1)):
        assert not response.left(sum(steps, began)), steps
