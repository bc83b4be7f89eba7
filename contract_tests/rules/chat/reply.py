"""Section chat: the chat completion object, one dict (POST /chat/completions without stream)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import CHAT, choices, dicts, messages
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.limits import LimitedReplies, limits, stop_sequences
from contract_tests.rules.shared.reply import (
    EMPTY_TO_MAIN,
    NOTHING_SAID,
    choice_list,
    choices_with_reason,
    complain_unless_same_categories,
    dict_reply,
    envelope,
    says_anything,
)

chat = Section("chat", "The chat completion object", see.CHAT_OBJECT)

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority"})

dict_reply.add_to(chat, CHAT)
envelope(chat, CHAT.dicts, "chat.completion", with_strays=CHAT.dicts_and_strays)
choice_list.add_to(chat, CHAT, see.CHAT_CREATE)
limits.add_to(chat, LimitedReplies(CHAT, streamed=False), see.CHAT_CREATE)


@chat.rule(
    "finish-reason",
    over=partial(choices_with_reason, CHAT),
    harm="agents cannot tell whether to run a tool or to stop; closed enums (Rust, Java) raise",
)
def finish_reason(choice: Node) -> Iterable[Complaint]:
    """`finish_reason` is stop, length, tool_calls, content_filter or function_call."""
    if choice["finish_reason"].text not in FINISH_REASONS:
        yield choice["finish_reason"], str(choice["finish_reason"]), ", ".join(sorted(FINISH_REASONS))


@chat.rule("message", over=choices, harm="`reply.choices[0].message.content` raises AttributeError")
def message(choice: Node) -> Iterable[Complaint]:
    """Each choice has its answer in the object `message`."""
    if choice["message"].kind != "object":
        seen = "delta, as in a stream" if choice["delta"].there else str(choice["message"])
        yield choice["message"], seen, "an object"


@chat.rule(
    "role",
    over=messages,
    harm="the message sent back with the next turn is refused, or is taken for the user's",
)
def role(node: Node) -> Iterable[Complaint]:
    """The message's `role` is "assistant"."""
    if node["role"].value != "assistant":
        yield node["role"], str(node["role"]), '"assistant"'


@chat.rule(
    "content",
    over=messages,
    harm="`message['content']` raises in openai-python 0.28.1, `content.strip()` on anything but text",
)
def content(node: Node) -> Iterable[Complaint]:
    """The message has the member `content`: a string, or null."""
    if node["content"].kind not in ("string", "null"):
        yield node["content"], str(node["content"]), "a string or null"


def _uncut_messages(view: View) -> Iterable[Node]:
    """Messages that were not cut: by a limit or by a filter there may be nothing yet."""
    for choice in choices(view):
        if choice["message"].kind == "object" and choice["finish_reason"].text not in ("length", "content_filter"):
            yield choice["message"]


@chat.rule(
    "says-something",
    over=_uncut_messages,
    yields_to=("tools.finish-has-calls", "tools.legacy-function-call"),
    harm="the answer is None where clients expect text",
)
def says_something(node: Node) -> Iterable[Complaint]:
    """A null `content` comes with tool_calls, a function_call, a refusal or audio, or the answer was cut."""
    others = ("tool_calls", "function_call", "refusal", "audio")
    if node["content"].kind == "null" and not any(node[name].value for name in others if node[name]):
        yield node["content"], "null, and nothing else is said"


def _ended_answers(view: View) -> Iterable[tuple[Node, Node]]:
    """The message of a reply with one choice that ended by itself, beside the tokens that it cost.

    Where a stop sequence is the first thing that is said, nothing is left of the answer.
    """
    for root in () if stop_sequences(view) else dicts(view):
        for choice in root["choices"] if len(list(root["choices"])) == 1 else ():
            if choice["finish_reason"].text == "stop" and choice["message"]["content"].kind == "string":
                yield choice["message"], root["usage"]["completion_tokens"]


@chat.rule("not-blank", over=_ended_answers, basis=EMPTY_TO_MAIN, harm=NOTHING_SAID)
def not_blank(message: Node, tokens: Node) -> Iterable[Complaint]:
    """An answer that ended by itself says something, or cost tokens."""
    if tokens.number == 0 and not says_anything([message]):
        yield message["content"], f'{message["content"]}, 0 completion tokens, and finish_reason "stop"'


@chat.rule("service-tier", over=dicts, level=SHOULD, harm="closed enums (Rust, Kotlin, Swift) refuse the reply")
def service_tier(root: Node) -> Iterable[Complaint]:
    """`service_tier`, unless it is null, is auto, default, flex, scale or priority."""
    if root["service_tier"] and root["service_tier"].text not in SERVICE_TIERS:
        yield root["service_tier"], str(root["service_tier"]), ", ".join(sorted(SERVICE_TIERS))


@chat.rule("annotations", over=messages, level=SHOULD, harm="code that goes through them stumbles over null")
def annotations_(node: Node) -> Iterable[Complaint]:
    """`annotations`, if a message has it, is an array."""
    if node["annotations"].value is None:
        yield node["annotations"], "null", "an array, or no member"


def _moderation_results(view: View) -> Iterable[Node]:
    """Each result of a moderation that comes with a reply, dict or stream."""
    for root in (*dicts(view), *(view.chunks if view.endpoint == "chat" else ())):
        for side in ("input", "output") if root.says("moderation") else ():
            yield from (result for result in root["moderation"][side]["results"] if result.kind == "object")


@chat.rule(
    "moderation",
    over=_moderation_results,
    level=SHOULD,
    harm="a client that looks up the score of a flagged category finds none",
)
def moderation(result: Node) -> Iterable[Complaint]:
    """The maps of a moderation result name the same categories."""
    return complain_unless_same_categories(result)
