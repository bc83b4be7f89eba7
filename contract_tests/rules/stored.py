"""Section stored: chat completions that were asked to be stored, listed, read, updated and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node, repeats, show
from contract_tests.rules.engine.subjects import bodies, exchanges, only
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import (
    ROLES,
    complain_unless_numbered,
    complain_unless_object,
    complain_unless_objects,
    envelope,
)
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

stored = Section("stored", "Stored chat completions", see.STORED)

LIMIT = 20
"""How many a page holds at most where the request does not say."""
_LISTS = ("stored list", "stored messages")


@stored.rule(
    "is-object",
    over=only(bodies, lambda view: view.endpoint.startswith("stored") and view.ok),
    harm="clients get a string or a bare list",
)
def is_object(view: View) -> Iterable[Complaint]:
    """A stored completion is one JSON object, and so are the lists of them and of their messages."""
    return complain_unless_object(view)


# -- lists


def _lists(view: View) -> Iterable[Node]:
    """The lists of completions and of messages."""
    if view.endpoint in _LISTS and view.is_dict:
        yield view.root


@stored.rule("list", over=_lists, harm="openai-python lists nothing and raises nothing")
def list_(root: Node) -> Iterable[Complaint]:
    """A list has "list" for its `object`, and objects with an id of their own in `data`."""
    if root["object"].value != "list":
        yield root["object"], str(root["object"]), '"list"'
    if root["data"].kind != "array":
        yield root["data"], str(root["data"]), "an array"
    for entry in root["data"]:
        if not entry["id"].text:
            yield entry["id"], str(entry["id"]) if entry.kind == "object" else str(entry), "an object with an id"
    for node in repeats(root["data"], "id", str):
        yield node, f"{node} again", "each id once"


@stored.rule("has-more", over=_lists, level=SHOULD, harm="clients stop at the first page, or ask for pages without end")
def has_more(root: Node) -> Iterable[Complaint]:
    """`has_more` of a list is a boolean."""
    if root["has_more"].kind != "boolean":
        yield root["has_more"], str(root["has_more"]), "true or false"


@stored.rule(
    "page-ends",
    over=only(_lists, lambda root: root["data"].kind == "array"),
    level=SHOULD,
    yields_to=(".list",),
    harm="a client that asks for what comes after `last_id` skips some, or gets some twice",
)
def page_ends(root: Node) -> Iterable[Complaint]:
    """`first_id` and `last_id` of a list are the ids of its first and its last entry, null where it has none."""
    entries = list(root["data"])
    for name, place in (("first_id", 0), ("last_id", -1)):
        if entries and root[name].value != entries[place]["id"].value:
            yield root[name], str(root[name]), entries[place]["id"].text
        elif not entries and root[name].value not in (None, ""):
            yield root[name], str(root[name]), "null"


def _query(view: View) -> dict[str, str]:
    return dict(parse_qsl(view.exchange.request.target.partition("?")[2]))


def _pages(view: View) -> Iterable[tuple[Node, str]]:
    """Each list with the `limit` of its request."""
    yield from ((root["data"], _query(view).get("limit", str(LIMIT))) for root in _lists(view))


@stored.rule("page-size", over=_pages, level=SHOULD, harm="a client that reads page by page holds more than it planned")
def page_size(node: Node, limit: str) -> Iterable[Complaint]:
    """A list has at most as many entries as `limit` allows, 20 where it is left out."""
    size = len(list(node))
    if limit.isdecimal() and size > int(limit[:18]):
        yield node, format_count(size, "entry", "entries"), f"at most {limit}"


def _ordered(view: View) -> Iterable[tuple[Node, bool]]:
    """Each list of completions, and whether the newest is to come first."""
    if view.endpoint == "stored list":
        yield from ((root["data"], _query(view).get("order") == "desc") for root in _lists(view))


@stored.rule("order", over=_ordered, level=SHOULD, harm="a client that stops at the first old one misses new ones")
def order(node: Node, newest_first: bool) -> Iterable[Complaint]:
    """The oldest stands first in a list of completions, with `order=desc` the newest."""
    times = [entry["created"].number or 0 for entry in node]
    if times != sorted(times, reverse=newest_first):
        yield node, "created at " + ", ".join(show(time, 20) for time in times[:4]), "in the order of time"


def _filtered(view: View) -> Iterable[tuple[Node, str, str]]:
    """Each completion of a list, with a member that the query asks for and its value."""
    for name, value in _query(view).items() if view.endpoint == "stored list" else ():
        if name == "model" or (name.startswith("metadata[") and name.endswith("]")):
            for root in _lists(view):
                yield from ((entry, name, value) for entry in root["data"] if entry.kind == "object")


@stored.rule("filtered", over=_filtered, harm="a job that deletes what it lists deletes the completions of others")
def filtered(entry: Node, name: str, value: str) -> Iterable[Complaint]:
    """A list by `model` or `metadata[key]` has only completions with that model or metadata."""
    key = name.removeprefix("metadata[").removesuffix("]")
    node = entry["model"] if name == "model" else entry["metadata"][key]
    if node.value != value and not (name == "model" and node.text.startswith(value)):  # a version with its date
        yield node, str(node), value


# -- completions


def stored_completions(view: View) -> Iterable[Node]:
    """Every stored completion: the entries of the list, and the one read or updated."""
    if view.endpoint == "stored" and view.is_dict:
        yield view.root
    for root in _lists(view) if view.endpoint == "stored list" else ():
        yield from (entry for entry in root["data"] if entry.kind == "object")


envelope(stored, stored_completions, "chat.completion")


@stored.rule("choices", over=stored_completions, harm="`completion.choices[0].message` raises: what was stored is lost")
def choices(root: Node) -> Iterable[Complaint]:
    """`choices` is an array of numbered objects with a `message` by the assistant, at least one."""
    yield from complain_unless_objects(root["choices"])
    yield from complain_unless_numbered(root["choices"])
    for choice in root["choices"]:
        if choice.kind == "object" and choice["message"]["role"].value != "assistant":
            yield choice["message"], str(choice["message"]), "a message by the assistant"


_INSTEAD = ("refusal", "tool_calls", "function_call", "audio")
"""What a message may have in place of content."""


def _answers(view: View) -> Iterable[Node]:
    """The messages of stored completions."""
    for root in stored_completions(view):
        yield from (choice["message"] for choice in root["choices"] if choice["message"].kind == "object")


@stored.rule("says-something", over=_answers, yields_to=(".choices",), harm="what was stored cannot be read again")
def says_something(node: Node) -> Iterable[Complaint]:
    """The message of a stored completion has `content`, or a refusal or calls instead."""
    if not node["content"] and not any(node[name] for name in _INSTEAD):
        yield node["content"], str(node["content"]), "what was answered"
    elif node["content"].text and node["refusal"].text:
        yield node["refusal"], str(node["refusal"]), "null beside content"


@stored.rule("members", over=stored_completions, level=SHOULD, harm="reports of costs and labels leave it out")
def members(root: Node) -> Iterable[Complaint]:
    """A stored completion has `usage` and `metadata`, and each choice its `logprobs` or null."""
    logprobs = [choice["logprobs"] for choice in root["choices"] if choice.kind == "object"]
    required = [root["metadata"], *logprobs, *(node["content"] for node in logprobs if node)]
    for node in (*([] if root["usage"] else [root["usage"]]), *(node for node in required if not node.there)):
        yield node, str(node)


@stored.rule(
    "metadata", over=stored_completions, harm="typed clients refuse the completion, or lose what it was labelled with"
)
def metadata(root: Node) -> Iterable[Complaint]:
    """`metadata`, unless it is null, is an object of strings."""
    node = root["metadata"]
    if node and node.kind != "object":
        yield node, str(node), "an object of strings"
    for name in node.value if node.kind == "object" else ():
        if node[name].kind != "string":
            yield node[name], str(node[name]), "a string"


REPEATED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("temperature", "top_p", "presence_penalty", "frequency_penalty"), ("number", "integer", "null")),
    "seed": ("integer", "null"),
    "tool_choice": ("string", "object", "null"),
    "tools": ("array", "null"),
    "response_format": ("object", "null"),
    **dict.fromkeys(("input_user", "request_id", "name"), ("string", "null")),
    "content_parts": ("array", "null"),
}
"""What the reference's examples repeat of a request and its messages, and of which type; no schema requires it."""


@stored.rule(
    "repeated",
    over=lambda view: (*stored_completions(view), *_messages(view)),
    level=SHOULD,
    harm="evaluations that ask again as it was asked fail, or ask otherwise",
)
def repeated(node: Node) -> Iterable[Complaint]:
    """What a stored completion, or a message of it, repeats of the request has the type it has there."""
    for name, kinds in REPEATED.items():
        if node[name].there and node[name].kind not in kinds:
            yield node[name], str(node[name]), " or ".join(kinds)


@stored.rule(
    "id-of-path",
    over=only(exchanges, lambda view: view.endpoint in ("stored", "stored deleted") and view.is_dict),
    harm="the caller reads, or has deleted, another completion than it named",
)
def id_of_path(view: View) -> Iterable[Complaint]:
    """The answer has the id of the completion in the path."""
    wanted = view.exchange.request.path.rstrip("/").rpartition("/")[2]
    if view.root["id"].text and view.root["id"].text != wanted:
        yield view.root["id"], str(view.root["id"]), wanted


def _updates(view: View) -> Iterable[tuple[Node, Node]]:
    """The metadata of an updated completion beside those that were sent."""
    if view.endpoint == "stored" and view.exchange.request.method == "POST" and view.is_dict:
        yield view.root["metadata"], view.request["metadata"]


@stored.rule(
    "updated",
    over=_updates,
    needs=[Aspect.REQUEST],
    yields_to=(".metadata",),
    harm="the caller goes on with labels that it replaced",
)
def updated(node: Node, sent: Node) -> Iterable[Complaint]:
    """A completion that is updated has the metadata that were sent."""
    if sent.kind == "object" and (node.value or {}) != sent.value:
        yield node, str(node), str(sent)


@stored.rule(
    "deleted",
    over=lambda view: [view.root] if view.endpoint == "stored deleted" and view.is_dict else [],
    harm="a client that checks `deleted` reports that the completion is still there",
)
def deleted(root: Node) -> Iterable[Complaint]:
    """The answer to a deletion has "chat.completion.deleted" for its `object`, an id, and true for `deleted`."""
    if root["object"].value != "chat.completion.deleted":
        yield root["object"], str(root["object"]), '"chat.completion.deleted"'
    if not root["id"].text:
        yield root["id"], str(root["id"]), "the id of the completion"
    if root["deleted"].value is not True:
        yield root["deleted"], str(root["deleted"]), "true"


# -- messages


def _messages(view: View) -> Iterable[Node]:
    """The messages that a stored completion answered."""
    if view.endpoint == "stored messages":
        yield from (entry for root in _lists(view) for entry in root["data"] if entry.kind == "object")


@stored.rule("message", over=_messages, harm="the conversation cannot be shown, or be continued")
def message(node: Node) -> Iterable[Complaint]:
    """A message of a stored completion has one of the roles, and a string for `content`, or parts or calls instead."""
    if node["role"].text not in ROLES:
        yield node["role"], str(node["role"]), ", ".join(sorted(ROLES))
    instead = node["content"].value is None and any(node[name] for name in ("content_parts", *_INSTEAD))
    if node["content"].kind != "string" and not instead:
        yield node["content"], str(node["content"]), "a string, or null beside parts or calls"
