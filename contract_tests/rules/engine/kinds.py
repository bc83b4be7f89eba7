"""What a JSON object is, as far as it says: a completion, a chunk of one, and whether it is of an earlier year."""

from __future__ import annotations

from contract_tests.rules.engine.node import Node

YEAR_2025 = 1_735_689_600


def is_early(root: Node) -> bool:
    """Whether a reply, or a chunk, says itself that it was made before 2025."""
    created = root.get("created")
    return type(created) is int and 0 < created < YEAR_2025


def is_completion(node: Node) -> bool:
    """Whether an object is a completion or a chunk of one, as far as it says; none says to be something else."""
    if "choices" in node.value:
        return True
    if named := node.text_of("object"):
        return named.startswith(("chat.completion", "text_completion"))
    return not node.text_of("type") and not node.value.keys().isdisjoint(("id", "created"))


def is_of_another_kind(node: Node, endpoint: str) -> bool:
    """Whether an event of a stream is a whole chat completion, or belongs to a stream of the other endpoint."""
    named = node.text_of("object")
    if named not in ("chat.completion", "text_completion" if endpoint == "chat" else "chat.completion.chunk"):
        return False
    choices = node.value.get("choices")
    entries = choices if isinstance(choices, list) else []
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        return False
    wanted = "delta" if endpoint == "chat" else "text"
    instead = {"message", "delta", "text"} - {wanted}
    return all(wanted not in entry and not instead.isdisjoint(entry) for entry in entries)


def is_count_alone(chunk: Node) -> bool:
    """Whether a chunk holds usage alone: api.openai.com is recorded to count nothing after an error."""
    return chunk["usage"].kind == "object" and chunk["choices"].value == []


def is_chunk(body: Node) -> bool:
    """Whether a JSON body is one chunk of a stream: it says so, or has no usage, and deltas or texts that go on."""
    choices = [choice for choice in body["choices"] if choice.kind == "object"]
    if any(choice["message"].there for choice in choices):
        return False
    if body["object"].text.endswith(".chunk"):
        return True
    if not choices or body["usage"].kind == "object":
        return False
    goes_on = all(choice["text"].there and choice["finish_reason"].kind == "null" for choice in choices)
    return any(choice["delta"].there for choice in choices) or (goes_on and not is_early(body))
