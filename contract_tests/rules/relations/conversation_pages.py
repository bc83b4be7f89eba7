"""Section relations, what is kept: found by its id whatever is asked of it, and conversations page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.lacks import lacks_what_is_named
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations
from contract_tests.rules.relations.response_state import ids_of
from contract_tests.rules.relations.said import said_in
from fake_server.relay.redact import excerpt

paged = relations.citing(see.CONVERSATIONS)
_LISTED = ("conversations.items", "conversations.pages", "relations.conversation-items-kept")


def _pages(trace: Trace) -> Iterator[tuple[Node, list[str], bool, str]]:
    """Each page of the items of a conversation: the list, the ids that are to be in it, whether more follow, its query.

    Known is the whole list, the oldest first: what is in it is what was added.
    """
    for whole, added in trace.together("items listed", "items added"):
        ids = ids_of(whole.root["data"]) if whole.is_dict and added.is_dict else []
        if len(ids) < 2 or ids != ids_of(added.root["data"]):
            continue
        parts = ("items listed", "first page", "next page", "newest first")
        yield from _beside_what_is_kept(trace, ids, parts)


def _beside_what_is_kept(
    trace: Trace, ids: list[str], parts: tuple[str, str, str, str]
) -> Iterator[tuple[Node, list[str], bool, str]]:
    """The pages of a list whose ids are known, the oldest first: all of it, the first, the next, and with no query."""
    wanted = (
        (ids, False, "order=asc"),
        (ids[:1], True, "order=asc and limit=1"),
        (ids[1:], False, "order=asc and after the first"),
        (ids[::-1], False, "no query"),
    )
    for role, (page, more, query) in zip(parts, wanted, strict=True):
        for (view,) in trace.together(role):
            if view.is_dict and view.root["data"].kind == "array":
                yield view.root, page, more, query


@paged.rule(
    "conversation-pages",
    over=_pages,
    level=SHOULD,
    yields_to=_LISTED,
    harm="a client that reads page by page misses some items, reads some twice, or asks without end",
)
def conversation_pages(root: Node, wanted: list[str], more: bool, query: str) -> Iterable[Complaint]:
    """The items of a conversation come newest first, or as `order`, `limit` and `after` say, with `has_more`."""
    return _complain_unless_page(root, wanted, more, query)


def _complain_unless_page(root: Node, wanted: list[str], more: bool, query: str) -> Iterable[Complaint]:
    if ids_of(root["data"]) != wanted:
        yield root["data"], f"{excerpt(str(ids_of(root['data'])), 120)} for {query}", excerpt(str(wanted), 120)
    elif root["has_more"].kind == "boolean" and root["has_more"].value is not more:
        yield root["has_more"], f"{root['has_more']} for {query}", str(more).lower()


def _input_pages(trace: Trace) -> Iterator[tuple[Node, list[str], bool, str]]:
    """Each page of the input items of a Response, as those of a conversation, where as many are listed as were sent."""
    for whole, made in trace.together("items", "made"):
        ids = ids_of(whole.root["data"]) if whole.is_dict else []
        if len(ids) > 1 and len(ids) == len(list(made.request["input"])):
            yield from _beside_what_is_kept(trace, ids, ("items", "first input", "next input", "newest input first"))


@relations.rule(
    "response-input-pages",
    over=_input_pages,
    level=SHOULD,
    yields_to=("responses.input-items", "responses.input-pages", "relations.response-input-kept"),
    see=see.RESPONSE_INPUT_ITEMS,
    harm="a client that reads page by page misses some of the input, reads some twice, or asks without end",
)
def response_input_pages(root: Node, wanted: list[str], more: bool, query: str) -> Iterable[Complaint]:
    """The input items of a Response come newest first, or as `order`, `limit` and `after` say, with `has_more`."""
    return _complain_unless_page(root, wanted, more, query)


def _turns(trace: Trace) -> Iterator[tuple[Node, str]]:
    """The `conversation` of a Response, beside the id that was sent."""
    for (view,) in trace.together("turn"):
        said, sent = said_in(view), view.request["conversation"]
        name = sent.text or sent["id"].text
        if said and name:
            yield said.root["conversation"], name


@paged.rule(
    "conversation-echoed",
    over=_turns,
    level=SHOULD,
    harm="nothing says that the answer belongs to the conversation; `response.conversation.id` raises",
)
def conversation_echoed(node: Node, name: str) -> Iterable[Complaint]:
    """A Response in a conversation has it in `conversation`, an object with its id."""
    if node["id"].value != name:
        yield node, str(node), '{"id": "' + name + '"}'


_ASKED_OF = {
    "read": ("items", "Response removed"),
    "read after": ("cancelled",),
    "conversation read": ("conversation updated", "conversation removed"),
    "item": ("item removed",),
}
"""By the role in which something is read: those in which more is asked of it while it is there."""


def _asked_of_what_is_there(trace: Trace) -> Iterator[tuple[str, View]]:
    """What is asked of something that could be read, by its role."""
    for role, others in _ASKED_OF.items():
        for other in others:
            yield from ((other, view) for read, view in trace.together(role, other) if read.ok)


@paged.rule(
    "found-by-id",
    over=_asked_of_what_is_there,
    level=SHOULD,
    expected="status 200",
    see=see.CONVERSATION_STATE,
    harm="what can be read cannot be listed, labelled, called off or deleted",
)
def found_by_id(role: str, view: View) -> Iterable[Complaint]:
    """What can be read by its id is found by it as well to be listed, updated, cancelled or deleted."""
    if lacks_what_is_named(view):
        yield view, f"status 404: {role}"


def _items_read(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """An item of a conversation as it is read, beside the same as it was added."""
    for read, added in trace.together("item", "items added"):
        if read.is_dict and added.is_dict:
            yield from (
                (read.root, entry) for entry in added.root["data"] if entry["id"].value == read.root["id"].value
            )


@paged.rule(
    "conversation-item-as-added",
    over=_items_read,
    level=SHOULD,
    yields_to=("conversations.item", "conversations.added"),
    harm="a turn that is shown again is another one than the one that was added",
)
def conversation_item_as_added(read: Node, added: Node) -> Iterable[Complaint]:
    """An item of a conversation is read as it was added: the same type, role and content."""
    for name in ("type", "role", "content"):
        if added[name].there and read[name].value != added[name].value:
            yield read[name], str(read[name]), str(added[name])
