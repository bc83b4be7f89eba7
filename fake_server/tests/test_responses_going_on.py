"""What a response goes on from: an earlier one, references to items, a conversation."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from fake_server import FakeServer
from fake_server.tests.asking_responses import ask, items_of, show_messages


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
