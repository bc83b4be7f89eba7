"""Stored responses through the official SDK: read, streamed again, deleted."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.api import sealing
from fake_server.tests.asking_responses import ask


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
