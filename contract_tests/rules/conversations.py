"""Section conversations: what one exchange shows of conversations and their items."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.subjects import bodies, only
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.stored import bodies_of, complain_unless_list, complain_unless_paged
from contract_tests.rules.shared.reply import complain_unless_object, complain_unless_time, is_time
from fake_server.wire.exchange import Aspect

conversations = Section("conversations", "Conversations", see.CONVERSATIONS)

_WHOLE = ("conversations", "conversation", "conversation item deleted")
"""Endpoints that answer with a conversation."""
MOST_PAIRS, MOST_KEY, MOST_VALUE = 16, 64, 512
"""What `metadata` may hold: pairs, and characters of their keys and values."""


@conversations.rule(
    "is-object",
    over=only(bodies, lambda view: view.endpoint.startswith("conversation") and view.ok),
    level=SHOULD,
    harm="clients get a string or a bare list",
)
def is_object(view: View) -> Iterable[Complaint]:
    """What is made, read or deleted of a conversation is answered with one JSON object."""
    return complain_unless_object(view)


@conversations.rule(
    "object",
    over=bodies_of(*_WHOLE),
    level=SHOULD,
    harm="the conversation cannot be kept or gone on with",
)
def object_(root: Node) -> Iterable[Complaint]:
    """A conversation has "conversation" for its `object`, an `id`, a time in `created_at`, and `metadata`."""
    if root["object"].value != "conversation":
        yield root["object"], str(root["object"]), '"conversation"'
    if not root["id"].text.startswith("conv_"):
        yield root["id"], str(root["id"]), '"conv_…"'
    if not is_time(root.get("created_at")):
        yield from complain_unless_time(root["created_at"])
    if root["metadata"].kind != "object":
        yield root["metadata"], str(root["metadata"]), "an object of strings"
    for name, value in root["metadata"].value.items() if root["metadata"].kind == "object" else ():
        if not isinstance(value, str):
            yield root["metadata"][name], show(value), "a string"


def _beside_its_path(view: View) -> Iterable[tuple[Node, str]]:
    """A conversation, or an item of one, with its id in the path."""
    segments = view.exchange.request.path.rstrip("/").split("/")
    if view.is_dict and view.endpoint in ("conversation", "conversation deleted", "conversation item"):
        yield view.root["id"], segments[-1]
    if view.is_dict and view.endpoint == "conversation item deleted":
        yield view.root["id"], segments[-3]


@conversations.rule(
    "id-of-path",
    over=_beside_its_path,
    level=SHOULD,
    yields_to=(".object", ".deleted"),
    harm="the caller reads, or has deleted, another conversation than it named",
)
def id_of_path(node: Node, wanted: str) -> Iterable[Complaint]:
    """The answer has the id that the path names; to the deletion of an item, that of the conversation."""
    if node.text and node.text != wanted:
        yield node, str(node), wanted


def _written(view: View) -> Iterable[tuple[Node, Node]]:
    """The metadata of a conversation that was made or updated, beside those that were sent."""
    if view.endpoint in _WHOLE[:2] and view.exchange.request.method == "POST" and view.is_dict:
        sent = view.request["metadata"]
        if sent.kind == "object":
            yield view.root["metadata"], sent


@conversations.rule(
    "metadata",
    over=_written,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    yields_to=(".object",),
    harm="the caller does not find the conversation again by what it labelled it with",
)
def metadata(node: Node, sent: Node) -> Iterable[Complaint]:
    """A conversation has the metadata that were sent."""
    if (node.value or {}) != sent.value:
        yield node, str(node), str(sent)


def _with_too_much(view: View) -> Iterable[tuple[View, str]]:
    """Replies to requests whose metadata are more than is allowed, with what is."""
    sent = view.request["metadata"]
    if view.endpoint not in _WHOLE[:2] or sent.kind != "object" or not view.status or view.status >= 500:
        return
    if len(sent.value) > MOST_PAIRS:
        yield view, f"{len(sent.value)} pairs"
    elif any(len(name) > MOST_KEY for name in sent.value):
        yield view, f"a key of more than {MOST_KEY} characters"
    elif any(isinstance(value, str) and len(value) > MOST_VALUE for value in sent.value.values()):
        yield view, f"a value of more than {MOST_VALUE} characters"


@conversations.rule(
    "metadata-bounds",
    over=_with_too_much,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    harm="what works against this server is refused by OpenAI",
)
def metadata_bounds(view: View, what: str) -> Iterable[Complaint]:
    """Metadata of more than 16 pairs, or with keys above 64 or values above 512 characters, are refused."""
    if view.status < 400:
        yield view, f"status {view.status} for {what}", "status 400"


@conversations.rule(
    "deleted",
    over=bodies_of("conversation deleted"),
    level=SHOULD,
    harm="a client that checks `deleted` reports that the conversation is still there",
)
def deleted(root: Node) -> Iterable[Complaint]:
    """The answer to a deletion has "conversation.deleted" for its `object`, an id, and true for `deleted`."""
    if root["object"].value != "conversation.deleted":
        yield root["object"], str(root["object"]), '"conversation.deleted"'
    if not root["id"].text:
        yield root["id"], str(root["id"]), "the id of the conversation"
    if root["deleted"].value is not True:
        yield root["deleted"], str(root["deleted"]), "true"


_LISTS = bodies_of("conversation items")


@conversations.rule("items", over=_LISTS, level=SHOULD, harm="clients list nothing and raise nothing")
def items(root: Node) -> Iterable[Complaint]:
    """The items of a conversation are a list with "list" for its `object`, and items with ids and types in `data`."""
    return complain_unless_list(root)


@conversations.rule(
    "pages",
    over=_LISTS,
    level=SHOULD,
    yields_to=(".items",),
    harm="clients stop at the first page, or get some items twice",
)
def pages(root: Node) -> Iterable[Complaint]:
    """`first_id` and `last_id` of a list of items are the ends of `data`, and `has_more` is a boolean."""
    return complain_unless_paged(root)


def _added(view: View) -> Iterable[tuple[Node, Node]]:
    """The list that answers the adding of items, beside those that were sent."""
    if view.endpoint == "conversation items" and view.exchange.request.method == "POST" and view.is_dict:
        yield view.root["data"], view.request["items"]


@conversations.rule(
    "added",
    over=_added,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    yields_to=(".items",),
    harm="the model is shown the turns in another order, or without some of them",
)
def added(node: Node, sent: Node) -> Iterable[Complaint]:
    """Items that are added are answered with a list of them as they were sent, in their order."""
    kinds = [item.text_of("type") or "message" for item in sent]
    seen = [item.text_of("type") for item in node]
    if sent.kind == "array" and kinds != seen:
        yield node, f"the items {', '.join(seen[:6]) or 'none'}", ", ".join(kinds[:6])
        return
    for wanted, given in zip(sent, node, strict=False):
        if _texts(given) != _texts(wanted):
            harm = "the model is shown another turn than the one that was sent"
            yield given["content"], f"the texts {show(_texts(given))}", show(_texts(wanted)), harm
        for name in _ECHOED:
            if wanted[name].kind == "string" and given[name].value != wanted[name].value:
                harm = "the call and its result are not found again by what was sent"
                yield given[name], str(given[name]), str(wanted[name]), harm


_ECHOED = ("call_id", "name", "arguments", "output")
"""Members of calls and their results that come back as they were sent, where they are texts."""


def _texts(item: Node) -> list[str]:
    """The texts of a message: of its parts, or the one that it is."""
    content = item["content"]
    return [content.text] if content.kind == "string" else [part.text_of("text") for part in content if part.there]


@conversations.rule("item", over=bodies_of("conversation item"), level=SHOULD, harm="the turn cannot be shown again")
def item(root: Node) -> Iterable[Complaint]:
    """An item of a conversation has a `type` and an id."""
    for name in ("type", "id"):
        if not root[name].text:
            yield root[name], str(root[name]), "a non-empty string"
