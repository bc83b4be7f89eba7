"""Section responses: what is asked of a Response that is there, and of an input beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, repeats
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.reply import COUNTS, responses
from contract_tests.rules.shared.reply import always, complain_unless_object, complain_unless_time, is_time
from fake_server.wire.text import shorten


def bodies_of(*endpoints: str) -> Callable[[View], Iterable[Node]]:
    """Subjects: the successful JSON objects of these endpoints."""
    return lambda view: [view.root] if view.endpoint in endpoints and view.is_dict else []


def _objects(view: View) -> Iterable[View]:
    """Whole successful replies of the endpoints about Responses, less those that make or read one."""
    about = view.endpoint.startswith("response ") or view.endpoint == "response"
    if about and view.ok and view.whole and view.form not in ("empty", "events"):
        yield view


@responses.rule("is-object", over=_objects, see=see.RESPONSES, harm="clients get a string or a bare list")
def is_object(view: View) -> Iterable[Complaint]:
    """What is read, counted, compacted or deleted of a Response is answered with one JSON object."""
    return complain_unless_object(view)


def _beside_its_path(view: View) -> Iterable[tuple[Node, str]]:
    """A Response that was read, cancelled or deleted, with the id in the path."""
    if view.endpoint in ("response", "response cancelled", "response deleted") and view.is_dict:
        path = view.exchange.request.path.rstrip("/").removesuffix("/cancel")
        yield view.root["id"], path.rpartition("/")[2]


@responses.rule(
    "id-of-path",
    over=_beside_its_path,
    yields_to=(".object",),
    see=see.RESPONSES,
    harm="by its id it is another Response than the one that the caller named",
)
def id_of_path(node: Node, wanted: str) -> Iterable[Complaint]:
    """The answer has the id of the Response in the path."""
    if node.text and node.text != wanted:
        yield node, str(node), shorten(wanted, 70)


@responses.rule(
    "deleted",
    over=bodies_of("response deleted"),
    see=see.RESPONSE_DELETE,
    basis="the API reference; openai-python and openai-node give none of the answer to their callers",
    harm="a client that checks `deleted` reports that the Response is still there",
)
def deleted(root: Node) -> Iterable[Complaint]:
    """The answer to a deletion has an id, and true for `deleted`."""
    if not root["id"].text:
        yield root["id"], str(root["id"]), "the id of the Response", "the caller cannot tell what was deleted"
    if root["deleted"].value is not True:
        yield root["deleted"], str(root["deleted"]), "true"


def complain_unless_list(root: Node) -> Iterable[Complaint]:
    """What is wrong with a list of items: its `object`, its `data`, and the ids in it."""
    if root["object"].value != "list":
        yield root["object"], str(root["object"]), '"list"'
    if root["data"].kind != "array":
        yield root["data"], str(root["data"]), "an array"
    for entry in root["data"]:
        if not entry["id"].text or not entry["type"].text:
            yield entry, str(entry), "an item with an id and a type"
    for node in repeats(root["data"], "id", str):
        yield node, f"{node} again", "each id once"


def complain_unless_paged(root: Node) -> Iterable[Complaint]:
    """What is wrong with the ends of a page."""
    entries = list(root["data"])
    for name, place in (("first_id", 0), ("last_id", -1)):
        if entries and root[name].value != entries[place]["id"].value:
            yield root[name], str(root[name]), entries[place]["id"].text
    if root["has_more"].kind != "boolean":
        yield root["has_more"], str(root["has_more"]), "true or false"


_INPUT = bodies_of("response items")


@responses.rule(
    "input-items",
    over=_INPUT,
    see=see.RESPONSE_INPUT_ITEMS,
    basis=always("list"),
    harm="clients that dispatch on `object` refuse it, and those that go through `data` find nothing",
)
def input_items(root: Node) -> Iterable[Complaint]:
    """The input of a Response is a list with "list" for its `object`, and items with ids and types in `data`."""
    return complain_unless_list(root)


@responses.rule(
    "input-pages",
    over=_INPUT,
    level=SHOULD,
    yields_to=(".input-items",),
    see=see.RESPONSE_INPUT_ITEMS,
    harm="clients stop at the first page, or get some items twice",
)
def input_pages(root: Node) -> Iterable[Complaint]:
    """`first_id` and `last_id` of a list of input items are the ends of `data`, and `has_more` is a boolean."""
    return complain_unless_paged(root)


@responses.rule(
    "input-tokens",
    over=bodies_of("response tokens"),
    see=see.RESPONSE_INPUT_TOKENS,
    harm="a caller that counts before it asks raises, or counts nothing",
)
def input_tokens(root: Node) -> Iterable[Complaint]:
    """A count of input tokens has "response.input_tokens" for its `object`, and a whole number."""
    if root["object"].value != "response.input_tokens":
        yield root["object"], str(root["object"]), '"response.input_tokens"'
    if root["input_tokens"].kind != "integer" or root["input_tokens"].value < 0:
        yield root["input_tokens"], str(root["input_tokens"]), "a non-negative integer"


@responses.rule(
    "compact",
    over=bodies_of("response compacted"),
    level=SHOULD,
    see=see.RESPONSE_COMPACT,
    harm="the conversation cannot go on from what was compacted",
)
def compact(root: Node) -> Iterable[Complaint]:
    """A compaction is a "response.compaction" with an id, a time, `usage`, and one `compaction` item, the last."""
    if root["object"].value != "response.compaction":
        yield root["object"], str(root["object"]), '"response.compaction"'
    if not root["id"].text:
        yield root["id"], str(root["id"]), "a non-empty string"
    if not is_time(root.get("created_at")):
        yield from complain_unless_time(root["created_at"])
    if root["usage"].kind != "object":
        yield root["usage"], str(root["usage"]), "an object"
    for count in [root["usage"][name] for name in COUNTS] if root["usage"].kind == "object" else ():
        if count.kind != "integer":
            yield count, str(count), "a whole number"
    items = list(root["output"])
    kinds = [item.text_of("type") for item in items]
    for item in items:
        for name in ("type", "id") if item.text_of("type") != "compaction" else ():
            if not item[name].text:
                yield item[name], str(item[name]), "a non-empty string"
        if item.text_of("type") == "message" and item["content"].kind != "array":
            yield item["content"], str(item["content"]), "an array"
        if item["status"] and item["status"].kind != "string":
            yield item["status"], str(item["status"]), "a string"
        if item.text_of("type") == "message" and not item["role"].text:
            yield item["role"], str(item["role"]), "a non-empty string"
        for part in item["content"] if item.text_of("type") == "message" else ():
            if not part.text_of("type"):
                yield part["type"], str(part["type"]), "a non-empty string"
            if part.text_of("type").endswith("_text") and part["text"].kind != "string":
                yield part["text"], str(part["text"]), "a string"
    if kinds.count("compaction") != 1 or kinds[-1] != "compaction":
        yield root["output"], f"the items {', '.join(kinds[-6:]) or 'none'}", "one compaction item, as the last"
        return
    for name in ("id", "encrypted_content"):
        if not items[-1][name].text:
            yield items[-1][name], str(items[-1][name]), "a non-empty string"
