"""What explains several findings at once: an answer that is not where it belongs, is cut, or is not as it was made."""

from __future__ import annotations

_DICTS, _STREAMS = ("chat", "completions"), ("chat.stream", "completions.stream")


def _of(sections: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(f"{section}.{name}" for section in sections for name in names)


SAID_AGAIN = _of(_STREAMS, "not-cumulative", "finishes-once")
"""The same text comes again and again: it counts for more than the server wrote."""
MISPLACED = (
    *_of((*_DICTS, *_STREAMS), "object", "choices"),
    *("chat.message", "chat.stream.delta", "completions.text", "completions.stream.text"),
)
"""The answer is not where clients read it: nothing can be said of what is missing there."""
TEXT_SPOILED = (
    *MISPLACED,
    *SAID_AGAIN,
    *_of((*_DICTS, *_STREAMS), "choice-index", "choice-count"),
    *_of(_STREAMS, "finishes"),
    *("chat.content", "chat.says-something", "chat.not-blank", "chat.stream.content", "chat.stream.not-blank"),
    *("sse.last-event-complete", "sse.one-json-per-event", "sse.data-not-empty", "sse.payload-in-data", "sse.utf8"),
    *("http.complete", "http.json-utf8", "http.content-coding"),
)
"""What is read of the answer's text is not what the server wrote."""
FINISH_SPOILED = (
    *_of((*_DICTS, *_STREAMS), "finish-reason"),
    *("chat.stream.finish-reason-member", "chat.stream.finishes", "completions.stream.finishes", "tools.finish-reason"),
)
"""The answer does not say as it should how it ended."""
VECTORS_SPOILED = _of(("embeddings",), "data", "index", "count", "encoding", "finite", "dimensions", "same-size")
"""The vectors are not those of the texts, each at its place."""
MESSAGE_SPOILED = ("chat.message", "chat.role", "chat.content", "tools.")
"""How the rules begin that a message breaks which could not be sent back with the next turn."""
