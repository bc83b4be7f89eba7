"""Section responses: the items of the output."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, repeats
from contract_tests.rules.engine.response_stream import items_of
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.reply import UNTYPED, responses
from contract_tests.rules.responses.subjects import (
    CALLS,
    calls,
    completed,
    finished,
    includes,
    messages,
    reasoning_items,
    responses_given,
    streams,
    texts_of,
)
from fake_server.relay.redact import excerpt, holds_dummy
from fake_server.wire import jsontext
from fake_server.wire.exchange import Aspect

_STATES = ("in_progress", "completed", "incomplete")


@responses.rule(
    "output-given",
    over=lambda view: (root for root in completed(view) if root["usage"]["output_tokens"].number),
    yields_to=("responses.stream.output-agrees", ".object"),
    harm="the answer is lost, and paid for: `output_text` is empty, and no call is there to be run",
)
def output_given(root: Node) -> Iterable[Complaint]:
    """A completed Response that counts output tokens has an item in its `output`."""
    if not any(items_of(root)):
        yield root["output"], f"no item, for {root['usage']['output_tokens']} output tokens", "a message, or a call"


def _counts_of_texts(view: View) -> Iterable[Node]:
    """The usage of completed Responses with a text: two recorded ones with calls alone count nothing."""
    for root in completed(view):
        if any(node.text.strip() for node in texts_of(root)) and root["usage"].kind == "object":
            yield root["usage"]


@responses.rule(
    "usage-counted",
    over=_counts_of_texts,
    level=SHOULD,
    yields_to=(".usage", ".no-chat"),
    harm="answers and prompts look free: budgets and context limits are never reached",
)
def usage_counted(node: Node) -> Iterable[Complaint]:
    """A completed Response with text counts more than 0 tokens of input and of output."""
    for name in ("input_tokens", "output_tokens"):
        if node[name].number == 0:
            yield node[name], "0", "more than 0"


@responses.rule(
    "item-ids",
    over=responses_given,
    harm="clients that keep items by id lose some, and an item sent back with the next turn is refused",
)
def item_ids(root: Node) -> Iterable[Complaint]:
    """Every item of the output has a non-empty `id` of its own."""
    seen = set()
    for item in items_of(root):
        name = item["id"]
        if not name.text:
            yield name, str(name), "a non-empty string", "clients that put items together by id lose it, or raise"
        elif name.text in seen:
            yield name, f"{name} again", "each id once"
        seen.add(name.text)


def _calls_by_item(view: View) -> Iterable[tuple[list[Node], dict[str, dict[str, Node]]]]:
    """The calls, and the different `call_id` that a stream gave them before, by the item's id."""
    earlier: dict[str, dict[str, Node]] = {}
    for stream in streams(view):
        for item in stream.items:
            for event in (*item.added, *item.done):
                node = event["item"]["call_id"]
                earlier.setdefault(event["item"].text_of("id"), {}).setdefault(node.text, node)
    found = list(calls(view))
    if found:
        yield found, earlier


@responses.rule(
    "call-ids",
    over=_calls_by_item,
    see=see.FUNCTIONS,
    harm="the output of a call cannot be sent back: its id names two calls",
)
def call_ids(found: list[Node], earlier: dict[str, dict[str, Node]]) -> Iterable[Complaint]:
    """A call's `call_id` is a non-empty string of its own, not the item's `id`, and the same throughout a stream."""
    seen = set()
    for item in found:
        node = item["call_id"]
        if not node.text:
            yield node, str(node), "a non-empty string", "the output of the call cannot be sent back: it has no name"
            continue
        if node.text in seen:
            yield node, f"{node} again", "each call_id once"
        elif node.text == item["id"].text:
            harm = "clients that know calls and items by their ids take one for the other"
            yield node, f"the item's id, {node}", "an id of the call", harm
        seen.add(node.text)
        others = earlier.get(item.text_of("id"), {}).values()
        other = next((each for each in others if each.value != node.value), None)
        if other is not None:
            harm = "the output of the call is sent back for one that the server does not know"
            yield node, str(node), f"{other}, as in the event before", harm


def _function_calls(view: View) -> Iterable[Node]:
    """Calls of functions that are completed."""
    for item in calls(view):
        if item.text_of("type") == "function_call" and item.text_of("status") in ("completed", ""):
            yield item


@responses.rule("arguments", over=_function_calls, see=see.FUNCTIONS, harm="`json.loads(item.arguments)` raises")
def arguments(item: Node) -> Iterable[Complaint]:
    """The `arguments` of a completed function call are the text of a JSON object."""
    node = item["arguments"]
    if node.kind != "string":
        yield node, str(node), "a string that holds a JSON object"
        return
    parsed = jsontext.parse(node.text.encode("utf-8", "replace"))
    if not (parsed.ok and isinstance(parsed.value, dict)) and not holds_dummy(node.text):
        yield node, str(node), "the text of a JSON object"


@responses.rule("call-name", over=calls, see=see.FUNCTIONS, harm="the client cannot tell what to run, or whether to")
def call_name(item: Node) -> Iterable[Complaint]:
    """A call has the `name` of what is called, and a status."""
    if item["status"].text not in _STATES:
        yield item["status"], str(item["status"]), ", ".join(_STATES), "agents that run what is completed run nothing"
    if not item["name"].text:
        yield item["name"], str(item["name"]), "a non-empty string"


_NO_TEXT = "`response.output_text` is empty, or raises"


@responses.rule("message", over=messages, harm="`response.output_text` is empty")
def message(item: Node) -> Iterable[Complaint]:
    """A message has the role assistant, a status, and parts, at least one, that are `output_text` or `refusal`."""
    if item["role"].value != "assistant":
        yield item["role"], str(item["role"]), '"assistant"', "sent back with the next turn it is refused, or a user's"
    if item["status"].text not in _STATES:
        yield item["status"], str(item["status"]), ", ".join(_STATES), "clients cannot tell a whole message from a part"
    if item["content"].kind != "array" or (item["status"].value == "completed" and not item["content"].value):
        yield item["content"], str(item["content"]), "an array of at least one part", _NO_TEXT
    for part in item["content"]:
        kind = part["type"].text if part.kind == "object" else ""
        if kind not in ("output_text", "refusal"):
            yield (part["type"] if part.kind == "object" else part), str(part["type"]), "output_text or refusal"
        elif kind == "output_text" and part["text"].kind != "string":
            yield part["text"], str(part["text"]), "a string", _NO_TEXT
        elif kind == "output_text" and part["annotations"].kind != "array":
            yield part["annotations"], str(part["annotations"]), "an array", "code that goes through it raises"
        elif kind == "refusal" and part["refusal"].kind != "string":
            yield part["refusal"], str(part["refusal"]), "a string", "users are not told that the model refused"


@responses.rule(
    "text-once",
    over=messages,
    level=SHOULD,
    yields_to=(".message", "responses.stream.parts-counted", "responses.stream.text-agrees"),
    harm="`response.output_text` says everything twice",
)
def text_once(item: Node) -> Iterable[Complaint]:
    """A message does not say the same text in two of its parts."""
    for node in repeats(item["content"], "text", str):
        if node.text:
            yield node, f"{excerpt(node.text, 50)!r} again", "each text once"


def _annotations(view: View) -> Iterable[tuple[Node, int]]:
    """The annotations of texts, each with the length of its text, as those count who count a sign as two."""
    for item in messages(view):
        for part in item["content"]:
            text = part.text_of("text")
            length = len(text) + sum(sign > "\uffff" for sign in text)
            yield from ((annotation, length) for annotation in part["annotations"])


@responses.rule("annotations", over=_annotations, harm="links are shown at the wrong words, or a slice raises")
def annotation_places(annotation: Node, length: int) -> Iterable[Complaint]:
    """An annotation has a `type`, and its `start_index` and `end_index` lie within the text, in this order."""
    if not annotation.text_of("type"):
        yield annotation, str(annotation), "an object with a type", UNTYPED
    start, end = annotation["start_index"], annotation["end_index"]
    if not start.there and not end.there:
        return
    for node in (start, end):
        if node.kind != "integer" or not 0 <= node.value <= length:
            yield node, str(node), f"a place in a text of {length} characters"
            return
    if start.value > end.value:
        yield start, f"{start}, behind end_index {end}", "at most end_index", "the link is shown at no word"


def _cut_items(view: View) -> Iterable[Node]:
    """The last items of Responses that the limit cut, where they are messages or calls."""
    for root in finished(view):
        if root["incomplete_details"]["reason"].value == "max_output_tokens":
            last = list(items_of(root))[-1:]
            yield from (item for item in last if item.text_of("type") in ("message", *CALLS))


@responses.rule(
    "cut-item",
    over=_cut_items,
    level=SHOULD,
    yields_to=(".message",),
    harm="a call with half of its arguments is run, or half a message is kept as a whole one",
)
def cut_item(item: Node) -> Iterable[Complaint]:
    """The item that `max_output_tokens` cut is incomplete, as its Response is."""
    if item["status"].value != "incomplete":
        yield item["status"], str(item["status"]), '"incomplete"'


@responses.rule(
    "reasoning",
    over=reasoning_items,
    see=see.REASONING,
    harm="code that goes through `summary` raises, and the item sent back is refused",
)
def reasoning(item: Node) -> Iterable[Complaint]:
    """A reasoning item has an array for its `summary`, and no text of the answer."""
    if item["summary"].kind != "array":
        yield item["summary"], str(item["summary"]), "an array"
    for part in item["content"]:
        if part.text_of("type") in ("output_text", "text"):
            harm = "what the model thought is shown as its answer"
            yield part["type"], str(part["type"]), "reasoning_text, or no content", harm


@responses.rule(
    "reasoning-leads",
    over=completed,
    level=SHOULD,
    yields_to=(".tool-choice", "responses.stream.output-agrees"),
    see=see.REASONING,
    harm="the output cannot be sent back with the next turn: OpenAI refuses reasoning without the item that follows it",
)
def reasoning_leads(root: Node) -> Iterable[Complaint]:
    """Reasoning comes before what it led to: the last item of a completed Response is another one."""
    for item in list(items_of(root))[-1:]:
        if item.text_of("type") == "reasoning":
            yield item, "reasoning, as the last item", "a message or a call behind it"


def _asked_to_be_encrypted(view: View) -> Iterable[Node]:
    """The reasoning of finished Responses where its encrypted content was asked for."""
    asked = includes(view, "reasoning.encrypted_content")
    for root in finished(view) if asked else ():
        yield from (item for item in items_of(root) if item.text_of("type") == "reasoning")
    for stream in streams(view) if asked else ():
        closed = (item.closed for item in stream.items if stream.is_whole)
        yield from (item for item in closed if item is not None and item.text_of("type") == "reasoning")


@responses.rule(
    "encrypted",
    over=_asked_to_be_encrypted,
    needs=[Aspect.REQUEST],
    see=see.REASONING,
    harm="without state on the server the model forgets what it thought: the next turn is refused, or worse",
)
def encrypted(item: Node) -> Iterable[Complaint]:
    """With `include: ["reasoning.encrypted_content"]` each reasoning item has `encrypted_content` when it is closed."""
    if not item["encrypted_content"].text:
        yield item["encrypted_content"], str(item["encrypted_content"]), "a non-empty string"
