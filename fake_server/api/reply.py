"""The logical reply, before it is rendered as a dict or a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_server.faults import Fault


@dataclass(frozen=True)
class ToolCall:
    """A tool call. `arguments` is JSON text; with `id` None the renderer makes an id.

    `kind` is "function" or "custom"; a custom tool's `arguments` are its free-form input.
    """

    name: str
    arguments: str = "{}"
    id: str | None = None
    kind: str = "function"


@dataclass(frozen=True)
class TokenLogprob:
    """A token of the content: its text, log probability (nats) and alternatives as (text, nats)."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Choice:
    """One of the `n` answers. `finish_reason` is stop, length, tool_calls, content_filter or function_call.

    `function_call` is a call in the legacy form, for requests with `functions`; it has no id. `start` is the
    offset of a text completion's content in characters: the length of the prompt, or 0 when it is echoed.
    """

    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    function_call: ToolCall | None = None
    refusal: str | None = None
    reasoning: str | None = None
    finish_reason: str = "stop"
    logprobs: tuple[TokenLogprob, ...] | None = None
    annotations: tuple[Mapping[str, Any], ...] = ()
    start: int = 0


def count_scores(choice: Choice) -> int:
    """How many log probabilities a choice has, alternatives included."""
    return sum(1 + len(token.top) for token in choice.logprobs or ())


@dataclass(frozen=True)
class Usage:
    """Token counts; the total that a reply states is the sum of the first two."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True)
class Timing:
    """The pace of a stream: seconds to the first event, then events per second (0: at once), jitter 0..1.

    `pauses` gives the seconds before each event instead; after the last, all but the first are repeated.
    """

    first: float = 0.0
    rate: float = 0.0
    jitter: float = 0.0
    pauses: tuple[float, ...] = ()

    @property
    def whole(self) -> float:
        """Seconds until an unstreamed reply."""
        return sum(self.pauses) if self.pauses else max(self.first, 0.0)


AT_ONCE = Timing()
"""No pause at all."""


@dataclass(frozen=True, kw_only=True)
class _Scripted:
    """What every kind of reply has: the name of the script that produced it, and the faults it asks for."""

    script: str | None = field(default=None, compare=False)
    faults: tuple[Fault, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Reply(_Scripted):
    """A complete answer, which can be rendered as a dict or as a stream.

    `output` are the items of a response as they are, instead of those that the choices become; `before` are items
    that come before those, behind the reasoning.
    """

    choices: tuple[Choice, ...]
    usage: Usage
    model: str
    id: str | None = None
    created: int | None = None
    system_fingerprint: str | None = None
    timing: Timing = AT_ONCE
    output: tuple[Mapping[str, Any], ...] = ()
    before: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class ErrorReply(_Scripted):
    """OpenAI's error object with its HTTP status; `headers` are added to those of the response, None leaves one out."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


@dataclass(frozen=True)
class RawReply(_Scripted):
    """A reply that a script spells out; it is sent unchanged, even if it breaks the contract.

    Exactly one of `body` (text or bytes) and `events` (the data of each server-sent event, with `[DONE]` only
    if the script has it) is set. `headers` are added to those of the response and replace equal names;
    None leaves one out.
    """

    status: int = 200
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: str | bytes | None = None
    events: tuple[str, ...] | None = None
    timing: Timing = AT_ONCE


@dataclass(frozen=True)
class NumbersReply(_Scripted):
    """A script's reply without text: a vector for embeddings, or flagged categories for moderations.

    With neither, only its `faults` apply, to the reply that the fake gives without a script.
    """

    embedding: tuple[float, ...] | None = None
    flagged: tuple[str, ...] | None = None
