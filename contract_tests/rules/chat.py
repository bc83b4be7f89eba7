"""Section chat: the chat completion object, one dict (POST /chat/completions without stream)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from contract_tests.rules import references as see
from contract_tests.rules.engine import SHOULD, Fault, Section
from contract_tests.rules.node import Node
from contract_tests.rules.subjects import choices, dicts, messages
from contract_tests.rules.view import View
from fake_server.wire.exchange import Aspect

chat = Section("chat", "The chat completion object", see.CHAT_OBJECT)

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority"})
EARLIEST, LATEST = 1_400_000_000, 4_102_444_800  # 2014 and 2100, in seconds: milliseconds are far above


def _unstreamed(view: View) -> Iterable[View]:
    if view.endpoint == "chat" and view.ok and view.whole and view.form != "empty" and not view.asked_stream:
        yield view


@chat.rule(
    "is-dict",
    over=_unstreamed,
    needs=[Aspect.REQUEST],
    harm="clients get a string, or an object full of None",
)
def is_dict(view: View) -> Iterable[Fault]:
    """A request without `stream: true` is answered with one JSON object."""
    if view.form == "events":
        yield view, "server-sent events", "one JSON object"
    elif view.form == "other" or (view.document.ok and not isinstance(view.document.value, dict)):
        yield view, f"the body begins {view.body[:40].decode('utf-8', 'replace')!r}", "one JSON object"


@chat.rule("object", over=dicts)
def object_(root: Node) -> Iterable[Fault]:
    """`object` is "chat.completion"."""
    if root["object"].value != "chat.completion":
        yield root["object"], str(root["object"]), '"chat.completion"'


@chat.rule("id", over=dicts)
def id_(root: Node) -> Iterable[Fault]:
    """`id` is a non-empty string."""
    if not root["id"].text.strip():
        yield root["id"], str(root["id"]), "a non-empty string"


@chat.rule("created", over=dicts)
def created(root: Node) -> Iterable[Fault]:
    """`created` is the Unix time in whole seconds."""
    yield from created_faults(root["created"])


def created_faults(node: Node) -> Iterable[Fault]:
    """Faults of a `created` member: its type, or a time that cannot be seconds."""
    value = node.value
    if not isinstance(value, int) or isinstance(value, bool):
        yield node, str(node), "an integer"
    elif not EARLIEST <= value <= LATEST:
        yield node, str(value), "seconds since 1970, between 2014 and 2100"


@chat.rule("model", over=dicts)
def model(root: Node) -> Iterable[Fault]:
    """`model` is a non-empty string."""
    if not root["model"].text.strip():
        yield root["model"], str(root["model"]), "a non-empty string"


@chat.rule("choices", over=dicts, harm="`reply.choices[0]` raises in every client")
def choices_(root: Node) -> Iterable[Fault]:
    """`choices` is an array with at least one object in it."""
    node = root["choices"]
    if node.kind != "array" or not node.value:
        yield node, str(node), "a non-empty array"
    for choice in node:
        if choice.kind != "object":
            yield choice, str(choice), "an object"


@chat.rule("choice-index", over=dicts)
def choice_index(root: Node) -> Iterable[Fault]:
    """The choices have the numbers 0, 1, 2 … as their `index`, each once."""
    wanted = set(range(len(list(root["choices"]))))
    for position, choice in enumerate(root["choices"]):
        index = choice["index"]
        if choice.kind == "object" and (index.kind != "integer" or index.value not in wanted):
            yield index, str(index), str(position)
        wanted.discard(index.value if index.kind == "integer" else None)


def _counted(view: View) -> Iterable[tuple[View, Node]]:
    for root in dicts(view):
        if root["choices"].kind == "array" and root["choices"].value:
            yield view, root["choices"]


@chat.rule("choice-count", over=_counted, see=see.CHAT_CREATE, needs=[Aspect.REQUEST])
def choice_count(subject: tuple[View, Node]) -> Iterable[Fault]:
    """There are as many choices as `n` asks for, one where it is absent."""
    view, node = subject
    if len(node.value) != view.asked_choices:
        yield node, f"{len(node.value)} choices", str(view.asked_choices)


@chat.rule("finish-reason", over=choices)
def finish_reason(choice: Node) -> Iterable[Fault]:
    """`finish_reason` is stop, length, tool_calls, content_filter or function_call."""
    if choice["finish_reason"].text not in FINISH_REASONS:
        yield choice["finish_reason"], str(choice["finish_reason"]), ", ".join(sorted(FINISH_REASONS))


@chat.rule("message", over=choices)
def message(choice: Node) -> Iterable[Fault]:
    """Each choice has its answer in the object `message`."""
    if choice["message"].kind != "object":
        seen = "delta, as in a stream" if choice["delta"].there else str(choice["message"])
        yield choice["message"], seen, "an object"


@chat.rule("role", over=messages)
def role(node: Node) -> Iterable[Fault]:
    """The message's `role` is "assistant"."""
    if node["role"].value != "assistant":
        yield node["role"], str(node["role"]), '"assistant"'


@chat.rule("content", over=messages, harm="clients that index message['content'] raise KeyError")
def content(node: Node) -> Iterable[Fault]:
    """The message has the member `content`: a string, or null."""
    if node["content"].kind not in ("string", "null"):
        yield node["content"], str(node["content"]), "a string or null"


def _ended_by_itself(view: View) -> Iterable[Node]:
    """Messages that were not cut: by a limit or by a filter there may be nothing yet."""
    for choice in choices(view):
        if choice["message"].kind == "object" and choice["finish_reason"].value not in (
            "length",
            "content_filter",
        ):
            yield choice["message"]


@chat.rule("says-something", over=_ended_by_itself, harm="the answer is None where clients expect text")
def says_something(node: Node) -> Iterable[Fault]:
    """A null `content` comes with tool_calls, a function_call, a refusal or audio, or with a cut."""
    others = ("tool_calls", "function_call", "refusal", "audio")
    if node["content"].kind == "null" and not any(node[name].value for name in others if node[name]):
        yield node["content"], "null, and nothing else is said"


@chat.rule("service-tier", over=dicts, level=SHOULD)
def service_tier(root: Node) -> Iterable[Fault]:
    """`service_tier`, where it is not null, is auto, default, flex, scale or priority."""
    if root["service_tier"] and root["service_tier"].text not in SERVICE_TIERS:
        yield root["service_tier"], str(root["service_tier"]), ", ".join(sorted(SERVICE_TIERS))


@chat.rule("logprobs-members", over=choices, level=SHOULD)
def logprobs_members(choice: Node) -> Iterable[Fault]:
    """A `logprobs` object has the members content and refusal, null where there are none."""
    for name in ("content", "refusal") if choice["logprobs"].kind == "object" else ():
        if not choice["logprobs"][name].there:
            yield choice["logprobs"][name], "missing", "an array or null"


def _moderated(view: View) -> Iterable[Node]:
    """Each result of a moderation that comes with a reply, dict or stream."""
    for root in (*dicts(view), *(view.chunks if view.endpoint == "chat" else ())):
        for side in ("input", "output"):
            yield from (one for one in root["moderation"][side]["results"] if one.kind == "object")


@chat.rule("moderation", over=_moderated, level=SHOULD)
def moderation(result: Node) -> Iterable[Fault]:
    """The maps of a moderation result name the same categories."""
    names = ("categories", "category_scores", "category_applied_input_types")
    found = {name: set(result[name].value) for name in names if result[name].kind == "object"}
    known: set[str] = set().union(*found.values())
    for name in names:
        for lacking in sorted(known - found.get(name, set())):
            yield result[name][lacking], f"{lacking} is missing in {name}", "the same categories in each map"


def token_limit(view: View) -> int:
    """The most completion tokens the request allows all its choices together, 0 where it sets no limit."""
    limit = view.asked["max_completion_tokens"].number or view.asked["max_tokens"].number or 0
    return max(int(limit), 0) * view.asked_choices


def _limited(view: View) -> Iterable[tuple[Node, int]]:
    limit = token_limit(view)
    for root in dicts(view) if limit else ():
        yield root["usage"]["completion_tokens"], limit


@chat.rule("limit-kept", over=_limited, see=see.CHAT_CREATE, needs=[Aspect.REQUEST])
def limit_kept(subject: tuple[Node, int]) -> Iterable[Fault]:
    """No more completion tokens are used than max_completion_tokens (or max_tokens) allows each choice."""
    used, limit = subject
    if (used.number or 0) > limit:
        yield used, str(used), f"at most {limit}"


def stop_sequences(view: View) -> list[str]:
    """The stop sequences asked for."""
    asked = view.asked["stop"]
    values = [asked.value] if asked.text else [node.value for node in asked]
    return [value for value in values if isinstance(value, str) and value]


def _stopped(view: View) -> Iterable[tuple[Node, str]]:
    for node in messages(view):
        yield from ((node["content"], stop) for stop in stop_sequences(view))


@chat.rule("stop-kept", over=_stopped, see=see.CHAT_CREATE)
def stop_kept(subject: tuple[Node, str]) -> Iterable[Fault]:
    """The text does not contain a stop sequence that was asked for."""
    node, stop = subject
    if stop in node.text:
        yield node, f"the text contains {stop!r}"


def _json_asked(view: View) -> Iterable[Node]:
    if view.asked["response_format"]["type"].value in ("json_object", "json_schema"):
        for choice in choices(view):
            if choice["finish_reason"].value == "stop" and choice["message"]["content"].text:
                yield choice["message"]["content"]


@chat.rule("json-asked", over=_json_asked, see=see.CHAT_CREATE)
def json_asked(node: Node) -> Iterable[Fault]:
    """With response_format json_object or json_schema the text is a JSON text."""
    try:
        json.loads(node.text)
    except (ValueError, RecursionError) as error:
        yield node, f"{str(node)[:40]} is not JSON: {error}"
