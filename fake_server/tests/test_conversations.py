"""Conversations through the official SDK: made, updated, deleted, their items added, paged, read and deleted."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.server.state import conversations
from fake_server.server.state.conversations import ConversationStore
from fake_server.server.state.memory import Ledger, MemoryBudget


def message(text: str, role: str = "user") -> Any:
    return {"type": "message", "role": role, "content": text}


def texts(items: Any) -> list[str]:
    return [item.content[0].text for item in items]


def filled(client: openai.OpenAI, count: int) -> str:
    name = client.conversations.create(items=[message(str(number)) for number in range(min(count, 20))]).id
    for start in range(20, count, 20):
        more = [message(str(number)) for number in range(start, min(start + 20, count))]
        client.conversations.items.create(name, items=more)
    return name


def test_a_conversation_is_made_read_and_updated(client: openai.OpenAI) -> None:
    made = client.conversations.create(metadata={"team": "blue"})
    assert (made.object, made.metadata, made.id[:5], len(made.id)) == ("conversation", {"team": "blue"}, "conv_", 53)
    assert client.conversations.retrieve(made.id) == made
    changed = client.conversations.update(made.id, metadata={"team": "green"})
    assert (changed.id, changed.created_at, changed.metadata) == (made.id, made.created_at, {"team": "green"})
    assert client.conversations.retrieve(made.id) == changed
    assert client.conversations.create().metadata == {}


def test_a_deleted_conversation_is_gone_everywhere(client: openai.OpenAI) -> None:
    name = filled(client, 1)
    (item,) = client.conversations.items.list(name)
    gone = client.conversations.delete(name)
    assert gone.to_dict() == {"id": name, "object": "conversation.deleted", "deleted": True}
    items = client.conversations.items
    for call in (
        lambda: client.conversations.retrieve(name),
        lambda: client.conversations.update(name, metadata={}),
        lambda: client.conversations.delete(name),
        lambda: items.list(name),
        lambda: items.create(name, items=[message("x")]),
        lambda: items.retrieve(str(item.id), conversation_id=name),
        lambda: items.delete(str(item.id), conversation_id=name),
    ):
        with pytest.raises(openai.NotFoundError, match=f"Conversation with id '{name}' not found.") as refused:
            call()
        assert (refused.value.param, refused.value.code) == (None, None)


def test_items_are_added_in_order_with_ids_and_read_whole(client: openai.OpenAI) -> None:
    name = client.conversations.create(items=[message("first")]).id
    call: Any = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    output: Any = {"type": "function_call_output", "call_id": "call_1", "output": "12"}
    easy: Any = {"role": "assistant", "content": "It is 12."}
    parts: Any = {"role": "user", "content": [{"type": "input_text", "text": "thanks"}]}
    added = client.conversations.items.create(name, items=[call, output, easy, parts])
    assert [item.type for item in added.data] == ["function_call", "function_call_output", "message", "message"]
    assert (added.first_id, added.last_id, added.has_more) == (added.data[0].id, added.data[-1].id, False)
    assert [str(item.id).partition("_")[0] for item in added.data] == ["fc", "fco", "msg", "msg"]
    assert {item.status for item in added.data if hasattr(item, "status")} == {"completed"}
    answer: Any = added.data[2]
    assert answer.to_dict()["content"] == [
        {"type": "output_text", "text": "It is 12.", "annotations": [], "logprobs": []}
    ]
    listed = list(client.conversations.items.list(name, order="asc"))
    assert listed[1:] == added.data
    assert texts(listed[:1]) == ["first"]
    for item in listed:
        assert client.conversations.items.retrieve(str(item.id), conversation_id=name) == item


def test_an_item_keeps_the_id_it_comes_with_and_is_there_once(client: openai.OpenAI) -> None:
    given: Any = {**message("x"), "id": "msg_mine"}
    name = client.conversations.create(items=[given]).id
    assert [item.id for item in client.conversations.items.list(name)] == ["msg_mine"]
    twice: Any = [{**given, "id": "msg_new"}] * 2
    for items in ([given], twice):
        with pytest.raises(openai.BadRequestError, match="Duplicate item found with id msg_") as refused:
            client.conversations.items.create(name, items=items)
        assert refused.value.param == "items"
    assert len(list(client.conversations.items.list(name))) == 1


def test_a_deleted_item_is_gone_and_still_ends_a_page(client: openai.OpenAI) -> None:
    name = filled(client, 5)
    items = client.conversations.items
    ids = [str(item.id) for item in items.list(name, order="asc")]
    answer = items.delete(ids[2], conversation_id=name)
    assert answer == client.conversations.retrieve(name)
    assert texts(items.list(name, order="asc")) == ["0", "1", "3", "4"]
    assert texts(items.list(name, order="asc", after=ids[2])) == ["3", "4"]
    for call in (items.retrieve, items.delete):
        with pytest.raises(openai.NotFoundError, match=f"Item with id '{ids[2]}' not found"):
            call(ids[2], conversation_id=name)
    again: Any = {**message("2"), "id": ids[2]}
    added = items.create(name, items=[again])
    assert texts(items.list(name, order="asc")) == ["0", "1", "3", "4", "2"]
    assert added.data[0].id == ids[2]


@pytest.mark.parametrize("limit", [1, 2, 7, 20, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_cover_the_list_once_in_either_order(
    client: openai.OpenAI, http: httpx2.Client, limit: int, order: Any
) -> None:
    name = filled(client, 23)
    expected = [str(number) for number in range(23)]
    assert (
        texts(client.conversations.items.list(name, limit=limit, order=order))
        == expected[:: 1 if order == "asc" else -1]
    )
    raw = http.get(f"conversations/{name}/items?limit={limit}&order={order}").json()
    assert (raw["object"], raw["has_more"]) == ("list", limit < 23)
    assert (raw["first_id"], raw["last_id"]) == (raw["data"][0]["id"], raw["data"][-1]["id"])


def test_a_list_is_of_twenty_newest_first_unless_the_query_says_otherwise(
    client: openai.OpenAI, http: httpx2.Client
) -> None:
    name = filled(client, 23)
    first = client.conversations.items.list(name)
    assert texts(first.data) == [str(number) for number in range(22, 2, -1)]
    assert first.has_next_page() is True
    empty = http.get(f"conversations/{client.conversations.create().id}/items").json()
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize(
    ("body", "message_of", "param", "code"),
    [
        ({"metadata": {str(n): "y" for n in range(17)}}, "at most 16 properties, but got an object with 17",
         "metadata", "object_above_max_properties"),
        ({"metadata": {"k" * 65: "y"}}, "with maximum length 64, but got one with length 65",
         "metadata", "property_name_above_max_length"),
        ({"metadata": {"k": "y" * 513}}, "maximum length 512", "metadata.k", "string_above_max_length"),
        ({"metadata": {"k": 1}}, "expected a string, but got an integer", "metadata.k", "invalid_type"),
        ({"metadata": "x"}, "but got a string instead", "metadata", "invalid_type"),
        ({"items": [message("x")] * 21}, "maximum length 20, but got an array with length 21",
         "items", "array_above_max_length"),
        ({"items": "x"}, "expected an array", "items", "invalid_type"),
        ({"items": [{}]}, "Supported values are: 'assistant', 'system'", "items[0]", "invalid_value"),
        ({"items": [message("x"), {"type": "massage"}]}, "Invalid value: 'massage'", "items[1]", "invalid_value"),
        ({"items": [{"type": "message", "role": "user"}]}, "Missing required parameter: 'items[0].content'",
         "items[0].content", "missing_required_parameter"),
        ({"items": [message("x", "king")]}, "Invalid value: 'king'", "items[0].role", "invalid_value"),
        ({"items": [], "itmes": []}, "Unknown parameter: 'itmes'", "itmes", "unknown_parameter"),
    ],
)  # fmt: skip
def test_bad_conversations_are_refused(
    client: openai.OpenAI, body: Any, message_of: str, param: str, code: str
) -> None:
    name = client.conversations.create().id
    paths = ["/conversations"]
    paths += [f"/conversations/{name}"] if "metadata" in body else []
    paths += [f"/conversations/{name}/items"] if "metadata" not in body else []
    for path in paths:
        with pytest.raises(openai.BadRequestError, match=r"(?s)" + message_of.replace("[", r"\[")) as refused:
            client.post(path, body=body, cast_to=object)
        assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize("path", ["", "/items"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_members_that_are_required_are_missed(
    client: openai.OpenAI, http: httpx2.Client, path: str, method: str
) -> None:
    name = client.conversations.create().id
    answer = http.request(method, f"conversations/{name}{path}", json={})
    assert answer.status_code == (200 if method == "GET" else 400)
    if method == "POST":
        assert answer.json()["error"]["code"] == "missing_required_parameter"


@pytest.mark.parametrize("name", ["x", "resp_123", "CONV_1", "%F0%9F%8E%84"])
def test_an_id_that_cannot_be_one_is_refused_with_its_param(http: httpx2.Client, name: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("POST", "", {"metadata": {}}),
        ("DELETE", "", None),
        ("GET", "/items", None),
        ("POST", "/items", {"items": [message("x")]}),
        ("GET", "/items/msg_1", None),
        ("DELETE", "/items/msg_1", None),
    ):
        answer = http.request(method, f"conversations/{name}{path}", json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["param"], error["code"]) == (400, "conversation_id", "invalid_value")
        assert error["message"].endswith("Expected an ID that begins with 'conv'.")


@pytest.mark.parametrize(
    ("wrong", "status", "param"),
    [
        ({"limit": 0}, 400, "limit"),
        ({"limit": 101}, 400, "limit"),
        ({"limit": "many"}, 400, "limit"),
        ({"order": "up"}, 400, "order"),
        ({"after": "msg_never"}, 404, "after"),
        ({"include": ["reasoning"]}, 400, "include[0]"),
    ],
)
def test_wrong_queries_are_refused(client: openai.OpenAI, wrong: dict[str, Any], status: int, param: str) -> None:
    name = filled(client, 1)
    with pytest.raises(openai.APIStatusError) as refused:
        client.conversations.items.list(name, **wrong)
    assert (refused.value.status_code, refused.value.param) == (status, param)
    known: Any = ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert texts(client.conversations.items.list(name, include=known)) == ["0"]


def test_each_space_has_its_own_and_reset_forgets_them(client: openai.OpenAI, server: FakeServer) -> None:
    name = filled(client, 1)
    with openai.OpenAI(base_url=server.space("mine").base_url, api_key="any") as mine:
        for call in (mine.conversations.retrieve, mine.conversations.items.list, mine.conversations.delete):
            with pytest.raises(openai.NotFoundError):
                call(name)
    assert client.conversations.retrieve(name).id == name
    server.reset()
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(name)


def save(store: ConversationStore, name: str, *items: str, size: int = 10) -> None:
    store.save({"id": name}, [{"id": item, "text": "x" * size} for item in items])


@pytest.mark.security("memory")
def test_what_is_held_is_bounded_and_counted_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "MOST", 3)
    monkeypatch.setattr(conversations, "MOST_BYTES", 40_000)
    ledger = Ledger(MemoryBudget())
    store = ConversationStore(ledger)
    for name in "abcd":
        save(store, name, f"{name}1", size=1000)
    assert [store.get(name) is not None for name in "abcd"] == [False, True, True, True]
    store.add("b", [{"id": "b2", "text": "x"}])  # the one that is added to stays longest
    save(store, "e", "e1")
    assert [store.get(name) is not None for name in "bcde"] == [True, False, True, True]
    assert store.dropped == 2
    for number in range(100):
        store.add("e", [{"id": f"e{number}", "text": "x" * 1000}])
        assert ledger.kinds["stored"] <= 40_000
    assert store.get("b") is None
    held = store.items("e") or []
    assert 20 < len(held) < 40
    assert held[-1][1]["id"] == "e99"
    for _, item in held:
        assert store.delete_item("e", item["id"])
        assert not store.delete_item("e", item["id"])
    assert store.items("e") == []
    store.update("e", {"k": "v" * 500})
    assert store.delete("e")
    assert not store.delete("e")
    assert ledger.kinds["stored"] == 0
    save(store, "f", "f1")
    assert store.drop()
    assert not store.drop()
    assert ledger.kinds["stored"] == 0
    save(store, "g", "g1", "g1")
    store.clear()
    assert (ledger.kinds["stored"], store.dropped) == (0, 0)
