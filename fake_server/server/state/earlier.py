"""What came before a request for a response: the items it goes on from, and those that its input refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fake_server.api import errors
from fake_server.api.render.responses import early
from fake_server.api.reply import ErrorReply
from fake_server.server.state.responses import Saved
from fake_server.server.state.space import Space
from fake_server.wire.budget import spend, spend_bytes

_CONTINUED = ("completed", "incomplete")
"""How a response ended that another one can go on from."""
Items = list[Mapping[str, Any]]


def conversation_id(body: Mapping[str, Any]) -> str | None:
    """The conversation that a request names, by its id or as an object."""
    given = body.get("conversation")
    return given["id"] if isinstance(given, Mapping) else given


def earlier_items(space: Space, body: Mapping[str, Any]) -> Items | ErrorReply:
    """The items of `previous_response_id` and those before it, or of `conversation`, the oldest first.

    Instructions are no items, so they do not carry over. An unknown id is a refusal, also one further back.
    """
    previous, conversation = body.get("previous_response_id"), conversation_id(body)
    settle(space)
    if previous is not None and not previous.startswith("resp") and space.responses.get(previous) is None:
        return errors.wrong_id("previous_response_id", previous, "resp")
    if conversation is None:
        return _chain(space, previous)
    if not conversation.startswith("conv"):
        return errors.wrong_id("conversation", conversation, "conv")
    return _of_conversation(space, conversation, None)


def response_at(saved: Saved, now: float) -> Mapping[str, Any]:
    """The response as it is at a time of the clock: `queued`, `in_progress`, or as it is in the end."""
    if not saved.left(now):
        return saved.response
    return early(saved.response, "queued" if saved.waits(now) else "in_progress")


def settle(space: Space) -> None:
    """Add to conversations the items of responses in the background that have been completed since."""
    for saved in space.responses.take_finished(space.clock.now()):
        add_to_conversation(space, saved)


def add_to_conversation(space: Space, saved: Saved) -> None:
    """Add the input and then the output of a response to its conversation, if it was completed."""
    if saved.conversation is not None and saved.response["status"] == "completed":
        space.conversations.add(saved.conversation, saved.all_items)


def resolved_input(space: Space, items: Items, earlier: Items) -> Items | ErrorReply:
    """The items of an input, references replaced by the stored items that they mean; an unknown one is a refusal."""
    if not any(item.get("type") == "item_reference" for item in items):
        return items
    known = {item.get("id"): item for item in earlier}
    resolved: Items = []
    for item in items:
        found = item
        if item.get("type") == "item_reference":
            found = known.get(item["id"]) or space.responses.find_item(item["id"]) or {}
        if not found:
            return errors.no_item_to_refer_to(item["id"])
        resolved.append(found)
    return resolved


def _chain(space: Space, name: str | None) -> Items | ErrorReply:
    chain: list[Saved] = []
    now = space.clock.now()
    while name is not None:
        saved = space.responses.get(name)
        if saved is None or response_at(saved, now)["status"] not in _CONTINUED:
            return errors.no_previous_response(name)
        spend_bytes(saved.size, "the responses before this one")
        chain.append(saved)
        name = saved.response["previous_response_id"]
    items: Items = []
    if chain and chain[-1].conversation is not None:
        begun = _of_conversation(space, chain[-1].conversation, chain[-1].place)
        if isinstance(begun, ErrorReply):
            return begun
        items = begun
    return [*items, *_of_chain(chain)]


def _of_chain(chain: list[Saved]) -> Iterator[Mapping[str, Any]]:
    for saved in reversed(chain):
        yield from saved.all_items


def _of_conversation(space: Space, name: str, until: int | None) -> Items | ErrorReply:
    placed = space.conversations.items(name, until=until)
    if placed is None:
        return errors.no_such_conversation(name)
    spend(1 + len(placed), "the items of the conversation")
    return [item for _, item in placed]
