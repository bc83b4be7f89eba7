"""Members that the API reference does not name, and that not every reader skips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.chat.chunks import chat_stream
from contract_tests.rules.chat.reply import chat
from contract_tests.rules.engine.judge import NOTE, Complaint
from contract_tests.rules.engine.node import Node, members_beyond
from contract_tests.rules.engine.subjects import dicts, exchanges, only
from contract_tests.rules.engine.view import View

_STAMP = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_ROOT = frozenset([*_STAMP, "choices", "usage", "moderation", "metadata"])
_CHUNK = _ROOT | {"obfuscation"}
_CHOICE = frozenset(["index", "logprobs", "finish_reason", "finish_details", "message", "delta"])
_MESSAGE = frozenset(["role", "content", "refusal", "annotations", "audio", "tool_calls", "function_call"])
_RULES_THAT_SAY_MORE = (
    "formats.one-reasoning",
    "formats.reasoning-alone",
    "chat.stream.says-something",
    "chat.stream.delta-says-something",
)
"""Rules that say more of such a member than its name."""
_HARM = "decoders of closed types, as in Rust, Kotlin and JSON Schema, refuse what they do not know"


def _unknown_members(root: Node, root_members: frozenset[str], answer: str) -> Iterator[tuple[Node, str]]:
    """Members without a place in the reference, each with its name and that of what holds it."""
    yield from _others(root, root_members, "the reply")
    for choice in root["choices"]:
        yield from _others(choice, _CHOICE, "a choice")
        yield from _others(choice[answer], _MESSAGE, f"a {answer}")


def _others(node: Node, known: frozenset[str], holder: str) -> Iterable[tuple[Node, str]]:
    return [(member, f"{member.path[-1]} of {holder}") for member in members_beyond(node, known)]


@chat.rule("known-members", over=dicts, level=NOTE, yields_to=_RULES_THAT_SAY_MORE, harm=_HARM)
def known_members(root: Node) -> Iterable[Complaint]:
    """A reply, its choices and messages have the members that the API reference names, and no others."""
    return _unknown_members(root, _ROOT, "message")


@chat_stream.rule(
    "known-members",
    over=only(exchanges, lambda view: view.endpoint == "chat" and not view.is_dict and view.chunks),
    level=NOTE,
    yields_to=_RULES_THAT_SAY_MORE,
    harm=_HARM,
)
def known_members_of_chunks(view: View) -> Iterable[Complaint]:
    """A chunk, its choices and their deltas have the members that the API reference names, and no others."""
    seen = set()
    for chunk in view.chunks:
        for node, name in _unknown_members(chunk, _CHUNK, "delta"):
            if name not in seen:
                seen.add(name)
                yield node, name
