"""Stored responses through the official SDK: read, streamed again, cancelled, deleted; what they go on from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.api import sealing
from fake_server.server.state import responses
from fake_server.server.state.memory import Ledger, MemoryBudget
from fake_server.server.state.responses import ResponseStore, Saved

MODEL, TOO_MUCH = "gpt-4o", "request_too_expensive"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer([], seed=1) as fake:
        yield fake


@pytest.fixture
def client(server: FakeServer) -> Iterator[openai.OpenAI]:
    server.reset()
    with openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def http(server: FakeServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.base_url) as made:
        yield made


def ask(client: openai.OpenAI, text: Any = "hi", **more: Any) -> Any:
    return client.responses.create(**{"model": MODEL, "input": text, **more})


def show_messages(server: FakeServer) -> None:
    """Answer with every message that the model is shown."""
    text = "{% for message in messages %}[{{ message.text }}]{% endfor %}"
    server.script({"name": "show", "reply": {"template": True, "text": text}})


# -- reading


def test_what_was_made_comes_back_the_same(client: openai.OpenAI) -> None:
    made = ask(client, metadata={"team": "blue"}, temperature=0.5, instructions="Be brief.")
    assert client.responses.retrieve(made.id) == made
    whole = list(ask(client, "Repeat after me: ett två", stream=True))[-1].response
    assert client.responses.retrieve(whole.id).output == whole.output
    assert client.responses.retrieve(whole.id).output_text == "ett två"


def test_what_is_not_stored_is_not_found(client: openai.OpenAI) -> None:
    made = ask(client, store=False)
    for call in (
        client.responses.retrieve,
        client.responses.cancel,
        client.responses.delete,
        client.responses.input_items.list,
    ):
        with pytest.raises(openai.NotFoundError, match=f"Response with id '{made.id}' not found.") as refused:
            call(made.id)
        assert (refused.value.param, refused.value.code) == (None, None)


def test_a_deleted_response_is_gone(client: openai.OpenAI, http: httpx2.Client) -> None:
    made, kept = ask(client), ask(client)
    answer = http.delete(f"responses/{made.id}").json()
    assert answer == {"id": made.id, "object": "response", "deleted": True}
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(made.id)
    with pytest.raises(openai.BadRequestError, match="Previous response"):
        ask(client, previous_response_id=made.id)
    client.responses.delete(kept.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(kept.id)


@pytest.mark.parametrize("name", ["x", "conv_1", "chatcmpl-1"])
def test_an_id_that_cannot_be_one_is_refused_with_its_param(http: httpx2.Client, name: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")):
        answer = http.request(method, f"responses/{name}{path}")
        error = answer.json()["error"]
        assert (answer.status_code, error["param"], error["code"]) == (400, "response_id", "invalid_value")


def test_input_items_have_ids_and_pages_newest_first(client: openai.OpenAI, http: httpx2.Client) -> None:
    items = [{"role": "user", "content": str(number)} for number in range(23)]
    made = ask(client, items)
    listed: list[Any] = list(client.responses.input_items.list(made.id, limit=5))
    assert [item.content[0].text for item in listed] == [str(n) for n in range(22, -1, -1)]
    assert len({item.id for item in listed}) == 23
    assert all(str(item.id).startswith("msg_") for item in listed)
    in_order = list(client.responses.input_items.list(made.id, order="asc", after=str(listed[2].id)))
    assert [item.id for item in in_order] == [listed[1].id, listed[0].id]
    raw = http.get(f"responses/{made.id}/input_items").json()
    assert (raw["object"], len(raw["data"]), raw["has_more"]) == ("list", 20, True)
    (text,) = client.responses.input_items.list(ask(client, "Hello").id)
    assert text.to_dict() == {
        "id": text.id, "type": "message", "role": "user", "status": "completed",
        "content": [{"type": "input_text", "text": "Hello"}],
    }  # fmt: skip
    with pytest.raises(openai.NotFoundError) as refused:
        list(client.responses.input_items.list(made.id, after="msg_never"))
    assert refused.value.param == "after"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("stream=maybe", "stream"),
        ("stream=true&starting_after=-1", "starting_after"),
        ("starting_after=x", "starting_after"),
        ("include=everything", "include[0]"),
        ("include_obfuscation=2", "include_obfuscation"),
    ],
)
def test_wrong_queries_are_refused(client: openai.OpenAI, http: httpx2.Client, query: str, param: str) -> None:
    answer = http.get(f"responses/{ask(client).id}?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_encrypted_reasoning_is_included_when_it_is_asked_for(client: openai.OpenAI, server: FakeServer) -> None:
    server.reply({"text": "12", "reasoning": "Twelve is right."})
    name = client.conversations.create().id
    made = ask(client, model="gpt-5", reasoning={"summary": "auto"}, conversation=name)
    thought = made.output[0]
    assert (thought.type, thought.encrypted_content) == ("reasoning", None)
    wanted: Any = ["reasoning.encrypted_content"]
    sealed = client.responses.retrieve(made.id, include=wanted).output[0]
    items = client.conversations.items
    listed = next(item for item in items.list(name, include=wanted) if item.type == "reasoning")
    single = items.retrieve(str(thought.id), conversation_id=name, include=wanted)
    for item in (sealed, listed, single):
        again: Any = item.to_dict()
        assert sealing.unseal(again.pop("encrypted_content")) == {"reasoning": "Twelve is right."}
        assert again["summary"] == thought.to_dict()["summary"]
    assert client.responses.retrieve(made.id).output == made.output
    passed = [sealed.to_dict(), made.output[1].to_dict(), {"role": "user", "content": "so?"}]
    assert ask(client, passed, model="gpt-5", store=False).status == "completed"


# -- streams again


@pytest.mark.parametrize("number", range(6))
def test_a_stored_response_streams_again_from_any_event(client: openai.OpenAI, number: int) -> None:
    events = list(ask(client, f"Write a poem about {number} trees", stream=True))
    name = events[0].response.id

    def shown(event: Any) -> Any:
        return {key: value for key, value in event.to_dict().items() if key not in ("obfuscation", "trace_id")}

    again = list(client.responses.retrieve(name, stream=True))
    assert list(map(shown, again)) == list(map(shown, events))
    for after in {0, 1, 3, len(events) // 2, len(events) - 2, len(events) - 1, len(events) + 5}:
        rest = list(client.responses.retrieve(name, stream=True, starting_after=after))
        assert list(map(shown, rest)) == list(map(shown, events[after + 1 :]))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("background", [False, True])
def test_a_stream_that_was_cut_is_taken_up_where_it_ended(
    client: openai.OpenAI, server: FakeServer, count: int, background: bool
) -> None:
    server.fault("cut", after_events=count, times=1)
    events: list[Any] = []
    stream = ask(client, "Repeat after me: ett två tre", stream=True, background=background)
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        events.extend(stream)  # keeps those that arrive
    rest = client.responses.retrieve(events[0].response.id, stream=True, starting_after=events[-1].sequence_number)
    events += rest
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert ("".join(deltas), events[-1].type) == ("ett två tre", "response.completed")


def test_a_response_made_whole_streams_too(client: openai.OpenAI) -> None:
    made = ask(client, "Repeat after me: ett två")
    events = list(client.responses.retrieve(made.id, stream=True))
    last: Any = events[-1]
    assert last.type == "response.completed"
    assert last.response.output == made.output
    with client.responses.stream(response_id=made.id) as stream:
        assert stream.get_final_response().output_text == "ett två"


# -- going on


def test_a_response_goes_on_from_an_earlier_one_without_its_instructions(
    client: openai.OpenAI, server: FakeServer
) -> None:
    show_messages(server)
    first = ask(client, "one", instructions="Be brief.")
    assert first.output_text == "[Be brief.][one]"
    second = ask(client, "two", previous_response_id=first.id)
    assert second.output_text == "[one][[Be brief.][one]][two]"
    assert second.previous_response_id == first.id
    third = ask(client, "three", previous_response_id=second.id, instructions="Shout.")
    assert third.output_text.startswith("[Shout.][one][")
    assert third.output_text.endswith("][two][[one][[Be brief.][one]][two]][three]")
    assert third.usage.input_tokens > second.usage.input_tokens > first.usage.input_tokens
    assert len(list(client.responses.input_items.list(third.id))) == 1
    branch = ask(client, "other", previous_response_id=first.id)
    assert "two" not in branch.output_text


def test_a_call_is_answered_in_the_next_response(client: openai.OpenAI) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    first = ask(client, "go", tools=[tool], tool_choice="required")
    call = first.output[-1]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "12"}
    assert ask(client, [output], previous_response_id=first.id, tools=[tool]).status == "completed"
    with pytest.raises(openai.BadRequestError, match="No tool output found") as refused:
        ask(client, "and?", previous_response_id=first.id)
    assert refused.value.param == "input"
    with pytest.raises(openai.BadRequestError, match="No tool call found"):
        ask(client, [{**output, "call_id": "call_never"}], previous_response_id=ask(client).id)


@pytest.mark.parametrize(
    ("more", "status", "param", "code"),
    [
        ({"previous_response_id": "resp_never"}, 400, "previous_response_id", "previous_response_not_found"),
        ({"previous_response_id": "gen-1"}, 400, "previous_response_id", "invalid_value"),
        ({"conversation": "conv_never"}, 404, None, None),
        ({"conversation": {"id": "conv_never"}}, 404, None, None),
        ({"conversation": "wa_10"}, 400, "conversation", "invalid_value"),
        ({"conversation": "conv_1", "previous_response_id": "resp_1"}, 400, None, "mutually_exclusive_parameters"),
        ({"input": [{"type": "item_reference", "id": "msg_never"}]}, 404, "input", None),
        ({"background": True, "store": False}, 400, "background", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_gone_on_from_is_refused(
    client: openai.OpenAI, more: dict[str, Any], status: int, param: str | None, code: str | None, stream: bool
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        ask(client, **{"stream": stream, **more})
    assert (refused.value.status_code, refused.value.param, refused.value.code) == (status, param, code)


def test_a_reference_means_any_stored_item(client: openai.OpenAI, server: FakeServer) -> None:
    show_messages(server)
    first = ask(client, "one")
    (item,) = client.responses.input_items.list(first.id)
    references = [{"type": "item_reference", "id": item.id}, {"id": first.output[0].id}]
    made = ask(client, [*references, {"role": "user", "content": "two"}])
    assert made.output_text == "[one][[one]][two]"
    listed = list(client.responses.input_items.list(made.id, order="asc"))
    assert [each.id for each in listed[:2]] == [item.id, first.output[0].id]
    client.responses.delete(first.id)
    kept = ask(client, [references[0]])  # the second response has it too
    assert kept.output_text == "[one]"


# -- conversations


def items_of(client: openai.OpenAI, name: str) -> list[Any]:
    return list(client.conversations.items.list(name, order="asc"))


def test_a_conversation_gets_input_and_output_once_and_remembers(client: openai.OpenAI, server: FakeServer) -> None:
    show_messages(server)
    name = client.conversations.create(items=[{"type": "message", "role": "developer", "content": "rules"}]).id
    first = ask(client, "one", conversation=name, instructions="Be brief.")
    assert (first.conversation.id, first.output_text) == (name, "[Be brief.][rules][one]")
    second = list(ask(client, "two", conversation={"id": name}, stream=True))[-1].response
    assert second.output_text == "[rules][one][[Be brief.][rules][one]][two]"
    items = items_of(client, name)
    assert [item.role for item in items] == ["developer", "user", "assistant", "user", "assistant"]
    assert [items[2].id, items[4].id] == [first.output[0].id, second.output[0].id]
    assert [item.id for item in client.responses.input_items.list(second.id)] == [items[3].id]
    client.conversations.items.delete(str(items[1].id), conversation_id=name)
    assert "[rules][[Be brief.]" in ask(client, "three", conversation=name).output_text
    gone_on = ask(client, "other", previous_response_id=second.id)  # from where it stood then
    assert (gone_on.conversation, "three" in gone_on.output_text) == (None, False)
    assert len(items_of(client, name)) == 6


def test_what_is_not_completed_leaves_nothing_in_a_conversation(client: openai.OpenAI, server: FakeServer) -> None:
    name = client.conversations.create().id
    cut = ask(client, "Write a poem about a tree", conversation=name, max_output_tokens=16)
    assert cut.status == "incomplete"
    server.reply({"error": {"status": 500, "message": "no"}})
    with pytest.raises(openai.InternalServerError):
        ask(client, "one", conversation=name)
    assert items_of(client, name) == []
    ask(client, "one", conversation=name, store=False)
    assert len(items_of(client, name)) == 2


# -- in the background


def test_one_in_the_background_is_queued_worked_for_and_completed(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    queued = ask(client, "Repeat after me: ett två", background=True)
    assert (queued.status, queued.output, queued.usage, queued.background) == ("queued", [], None, True)
    assert client.responses.retrieve(queued.id).status == "queued"
    server.clock.advance(0.6)
    assert client.responses.retrieve(queued.id).status == "in_progress"
    server.clock.advance(0.8)
    assert client.responses.retrieve(queued.id).output == []
    server.clock.advance(0.1)
    done = client.responses.retrieve(queued.id)
    assert (done.status, done.output_text, done.created_at) == ("completed", "ett två", queued.created_at)
    assert client.responses.retrieve(queued.id) == done == client.responses.cancel(queued.id)
    server.clock.run()
    soon = ask(client, background=True)
    server.clock.advance(60)
    assert client.responses.retrieve(soon.id).status == "completed"


def test_a_script_says_how_long_it_takes(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    server.reply({"text": "slow", "timing": {"first": 20.0}})
    queued = ask(client, background=True)
    server.clock.advance(20)
    assert client.responses.retrieve(queued.id).status == "in_progress"
    server.clock.advance(2)
    assert client.responses.retrieve(queued.id).output_text == "slow"


@pytest.mark.parametrize("seconds", [0, 1])
def test_cancelling_ends_it_for_good(client: openai.OpenAI, server: FakeServer, seconds: float) -> None:
    server.clock.stop()
    name = client.conversations.create().id
    made = ask(client, background=True, conversation=name)
    server.clock.advance(seconds)
    cancelled = client.responses.cancel(made.id)
    assert (cancelled.status, cancelled.output, cancelled.id) == ("cancelled", [], made.id)
    assert client.responses.cancel(made.id) == cancelled
    server.clock.advance(100)
    assert client.responses.retrieve(made.id) == cancelled
    assert items_of(client, name) == []
    with pytest.raises(openai.BadRequestError, match="Previous response"):
        ask(client, previous_response_id=made.id)
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        client.responses.retrieve(made.id, stream=True)
    with pytest.raises(openai.BadRequestError, match=r"Cannot cancel a synchronous response\."):
        client.responses.cancel(ask(client).id)


def test_its_items_come_to_the_conversation_when_it_is_completed(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    name = client.conversations.create().id
    made = ask(client, background=True, conversation=name)
    assert made.conversation.id == name
    assert items_of(client, name) == []
    with pytest.raises(openai.BadRequestError, match="Previous response"):
        ask(client, previous_response_id=made.id)
    server.clock.advance(2)
    assert [item.role for item in items_of(client, name)] == ["user", "assistant"]
    assert client.responses.retrieve(made.id).status == "completed"
    assert len(items_of(client, name)) == 2
    assert ask(client, previous_response_id=made.id).status == "completed"


def test_its_stream_says_queued_and_can_be_taken_up_again(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    events = list(ask(client, background=True, stream=True))
    assert [event.type for event in events[:3]] == ["response.created", "response.queued", "response.in_progress"]
    assert [events[0].response.status, events[-1].response.status] == ["queued", "completed"]
    made = ask(client, background=True)
    seen = list(client.responses.retrieve(made.id, stream=True))
    assert [event.type for event in seen] == ["response.created", "response.queued"]
    server.clock.advance(1)
    seen += client.responses.retrieve(made.id, stream=True, starting_after=1)
    assert [event.type for event in seen] == ["response.created", "response.queued", "response.in_progress"]
    server.clock.advance(1)
    seen += client.responses.retrieve(made.id, stream=True, starting_after=2)
    assert [event.sequence_number for event in seen] == list(range(len(seen)))
    assert seen[-1].type == "response.completed"


def test_a_stream_waits_for_what_is_still_to_come(client: openai.OpenAI, server: FakeServer) -> None:
    made = ask(client, background=True)
    server.clock.advance(1.3)
    seen = list(client.responses.retrieve(made.id, stream=True))
    assert seen[-1].type == "response.completed"
    assert client.responses.retrieve(made.id).status == "completed"


@pytest.mark.parametrize(
    ("query", "status"),
    [("stopped=true", 200), ("advance=2.5", 200), ("advance=-1", 400), ("advance=1e9", 400), ("stopped=maybe", 400)],
)
def test_the_clock_is_set_over_http(server: FakeServer, query: str, status: int) -> None:
    server.reset()
    with httpx2.Client(base_url=server.root) as root:
        before = root.get("/__fake__/clock").json()
        answer = root.post(f"/__fake__/clock?{query}")
        assert answer.status_code == status
        after = root.get("/__fake__/clock").json()
    assert after["stopped"] is (query == "stopped=true")
    assert after["now"] - before["now"] >= (2.5 if query == "advance=2.5" else 0)
    with pytest.raises(ValueError, match="0 seconds or more"):
        server.clock.advance(-1)


# -- tokens and compaction


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


# -- the store


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
