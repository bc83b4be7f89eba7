"""Stored chat completions through the official SDK: kept, listed, paged, changed, deleted."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from fake_server import FakeServer
from fake_server.server.state import completions as stored
from fake_server.server.state.completions import CompletionStore


def ask(client: openai.OpenAI, text: str = "hi", **more: Any) -> Any:
    options = {"model": "gpt-4o", "store": True, **more}
    return client.chat.completions.create(messages=[{"role": "user", "content": text}], **options)


def test_what_is_stored_is_given_back(client: openai.OpenAI) -> None:
    made = ask(client, metadata={"team": "blue"})
    ask(client, store=False)
    again = client.chat.completions.retrieve(made.id)
    assert again.choices == made.choices
    assert (again.created, again.usage) == (made.created, made.usage)
    assert again.metadata == {"team": "blue"}
    assert [one.id for one in client.chat.completions.list()] == [made.id]
    (message,) = client.chat.completions.messages.list(made.id)
    assert (message.id, message.role, message.content) == (f"{made.id}-0", "user", "hi")


def test_a_stream_is_stored_whole(client: openai.OpenAI) -> None:
    chunks = list(ask(client, "Repeat after me: ett två", stream=True))
    held = client.chat.completions.retrieve(chunks[0].id)
    assert held.choices[0].message.content == "ett två"
    assert held.created == chunks[0].created


def test_lists_are_chosen_ordered_and_paged(client: openai.OpenAI) -> None:
    ids = [ask(client, str(n), metadata={"n": str(n % 2)}).id for n in range(5)]
    other = ask(client, model="gpt-4.1").id
    completions = client.chat.completions
    assert [one.id for one in completions.list(limit=2)] == [*ids, other]  # the SDK asks for every page
    first = completions.list(limit=2)
    assert (len(first.data), first.has_next_page()) == (2, True)
    assert [one.id for one in completions.list(order="desc", limit=100)] == [other, *reversed(ids)]
    assert [one.id for one in completions.list(model="gpt-4.1")] == [other]
    assert [one.id for one in completions.list(metadata={"n": "1"})] == [ids[1], ids[3]]
    assert [one.id for one in completions.list(after=ids[3])] == [ids[4], other]


def test_metadata_changes_and_completions_go(client: openai.OpenAI) -> None:
    made = ask(client)
    assert client.chat.completions.update(made.id, metadata={"a": "b"}).metadata == {"a": "b"}
    assert client.chat.completions.delete(made.id).deleted is True
    for gone in (client.chat.completions.retrieve, client.chat.completions.delete):
        with pytest.raises(openai.NotFoundError, match="No chat completion was found with the id"):
            gone(made.id)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.update(made.id, metadata={})
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.messages.list(made.id)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"limit": 0}, "Expected a value >= 1, but got 0 instead"),
        ({"limit": 101}, "Expected a value <= 100, but got 101 instead"),
        ({"limit": "many"}, "Invalid type for 'limit': expected an integer"),
        ({"order": "up"}, "Supported values are: 'asc' and 'desc'"),
    ],
)
def test_wrong_queries_are_refused(client: openai.OpenAI, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message) as refused:
        client.chat.completions.list(**wrong)
    assert refused.value.param == next(iter(wrong))


def test_a_page_begins_where_the_last_ended_though_its_end_was_deleted(client: openai.OpenAI) -> None:
    ids = [ask(client, str(n)).id for n in range(7)]
    seen = []
    for one in client.chat.completions.list(limit=3):
        seen.append(one.id)
        if one.id in (ids[2], ids[5]):
            client.chat.completions.delete(one.id)
    assert seen == ids
    newest = client.chat.completions.list(limit=2, order="desc")
    client.chat.completions.delete(ids[4])
    assert [one.id for one in newest] == [ids[6], ids[4], ids[3], ids[1], ids[0]]
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.list(after="chatcmpl-never")
    assert refused.value.param == "after"


def test_a_stored_completion_repeats_what_was_asked(client: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {}}}
    held = client.chat.completions.retrieve(ask(client, temperature=0.5, tools=[tool], user="u").id)
    told = held.to_dict()
    assert (told["temperature"], told["tools"], told["input_user"]) == (0.5, [tool], "u")
    assert (told["top_p"], told["tool_choice"], told["response_format"]) == (1.0, None, None)
    assert "temperature" not in ask(client, temperature=0.5).to_dict()


def test_messages_keep_parts_and_calls_and_are_paged(client: openai.OpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    parts = [
        {"type": "text", "text": "what is"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "text", "text": "this"},
    ]
    said: Any = [
        {"role": "user", "name": "ada", "content": parts},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a tree"},
    ]
    made = client.chat.completions.create(model="gpt-4o", messages=said, store=True)
    user, assistant, tool = [one.to_dict() for one in client.chat.completions.messages.list(made.id, limit=1)]
    assert (user["content"], user["content_parts"], user["name"]) == ("what is\nthis", parts, "ada")
    assert (assistant["content"], assistant["tool_calls"]) == (None, [call])
    assert (tool["tool_call_id"], tool["content"], tool["content_parts"]) == ("call_1", "a tree", None)
    turned = client.chat.completions.messages.list(made.id, order="desc", after=f"{made.id}-2")
    assert [one.id for one in turned] == [f"{made.id}-1", f"{made.id}-0"]


def test_large_completions_leave_early_and_one_id_is_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MOST_BYTES", 10_000)
    shelf = CompletionStore()
    for n in (0, 1, 2, 1):
        shelf.save({"id": str(n), "model": "m", "choices": "x" * 2000}, {"messages": []})
    assert [one["id"] for _, one in shelf.select(None, {})] == ["2", "1"]
    shelf.save({"id": "large", "model": "m", "choices": "x" * 12_000}, {"messages": []})
    assert [one["id"] for _, one in shelf.select(None, {})] == ["large"]


def test_each_space_has_its_own_and_the_oldest_leave(
    client: openai.OpenAI, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client)
    with openai.OpenAI(base_url=server.space("mine").base_url, api_key="any") as mine:
        assert list(mine.chat.completions.list()) == []
    monkeypatch.setattr(stored, "MOST", 2)
    shelf = CompletionStore()
    for n in range(3):
        shelf.save({"id": str(n), "model": "m"}, {"messages": []})
    assert [one["id"] for _, one in shelf.select(None, {})] == ["1", "2"]
