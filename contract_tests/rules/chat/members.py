"""Members that the API reference does not name, and that not every reader skips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.chat.chunks import chat_stream
from contract_tests.rules.chat.reply import chat
from contract_tests.rules.engine.judge import NOTE, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import dicts
from contract_tests.rules.engine.view import View

_STAMP = frozenset(["id", "object", "created", "model", "service_tier", "system_fingerprint"])
_ROOT = _STAMP | {"choices", "usage", "moderation", "metadata"}
_CHOICE = frozenset(["index", "logprobs", "finish_reason"])
_MESSAGE = frozenset(["role", "content", "refusal", "annotations", "audio", "tool_calls", "function_call"])
_RULES_THAT_SAY_MORE = (
    "formats.one-reasoning",
    "chat.stream.says-something",
    "chat.stream.delta-says-something",
)
"""Rules that say more of such a member than its name."""
_HARM = "decoders of closed types, as in Rust, Kotlin and JSON Schema, refuse what they do not know"


def _unknown_members(root: Node, root_members: frozenset[str], answer: str) -> Iterator[tuple[str, Node]]:
    """Members without a place in the reference, each with the name of what holds it."""
    held: list[tuple[str, frozenset[str], Node]] = [("the reply", root_members, root)]
    for choice in root["choices"]:
        held += [
            ("a choice", _CHOICE | {"message", "delta"}, choice),
            (f"a {answer}", _MESSAGE, choice[answer]),
        ]
    for holder, known, node in held:
        if node.kind == "object":
            yield from ((f"{name} of {holder}", node[name]) for name in node.value if name not in known)


def _unknown_in_dicts(view: View) -> Iterator[tuple[str, Node]]:
    for root in dicts(view):
        yield from _unknown_members(root, _ROOT, "message")


def _unknown_in_chunks(view: View) -> Iterator[tuple[str, Node]]:
    seen = set()
    for root in view.chunks if view.endpoint == "chat" and not view.is_dict else ():
        for name, node in _unknown_members(root, _ROOT | {"obfuscation"}, "delta"):
            if name not in seen:
                seen.add(name)
                yield name, node


def _dict_views(view: View) -> Iterator[View]:
    if any(True for _ in dicts(view)):
        yield view


def _stream_views(view: View) -> Iterator[View]:
    if view.endpoint == "chat" and not view.is_dict and any(True for _ in view.chunks):
        yield view


@chat.rule("known-members", over=_dict_views, level=NOTE, yields_to=_RULES_THAT_SAY_MORE, harm=_HARM)
def known_members(view: View) -> Iterable[Complaint]:
    """A reply, its choices and messages have the members that the API reference names, and no others."""
    for name, node in _unknown_in_dicts(view):
        yield node, name


@chat_stream.rule("known-members", over=_stream_views, level=NOTE, yields_to=_RULES_THAT_SAY_MORE, harm=_HARM)
def known_members_of_chunks(view: View) -> Iterable[Complaint]:
    """A chunk, its choices and their deltas have the members that the API reference names, and no others."""
    for name, node in _unknown_in_chunks(view):
        yield node, name
