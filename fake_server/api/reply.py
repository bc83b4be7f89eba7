"""The logical reply: what is answered, before it becomes a dict or a stream of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_server.faults import Fault


@dataclass(frozen=True)
class ToolCall:
    """One call. `arguments` is JSON text; `id` None lets the renderer make one.

    `kind` is "function", or "custom" for a custom tool, whose `arguments` are its free-form input.
    """

    name: str
    arguments: str = "{}"
    id: str | None = None
    kind: str = "function"


@dataclass(frozen=True)
class TokenLogprob:
    """One token of the content: its text, log probability (nats) and the alternatives."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Choice:
    """One answer. `finish_reason` is one of stop, length, tool_calls, content_filter, function_call.

    `function_call` is the call in the legacy form (a request with `functions`); it has no id. `start` is
    where the content of a text completion begins, in characters from the beginning of its prompt.
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


@dataclass(frozen=True)
class Usage:
    """Token counts; total is always the sum."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Timing:
    """Seconds to the first event, events per second after it (0: at once), and relative jitter 0..1.

    `pauses` are seconds before each event instead; where there are more events, all but the first begin anew.
    """

    first: float = 0.0
    rate: float = 0.0
    jitter: float = 0.0
    pauses: tuple[float, ...] = ()

    @property
    def whole(self) -> float:
        """Seconds to an answer that comes in one piece."""
        return sum(self.pauses) if self.pauses else max(self.first, 0.0)


@dataclass(frozen=True)
class Reply:
    """A whole answer to a chat request; renders as a dict and as a stream.

    `script`, here and in the other kinds of reply, is the name of the script that gave it, None without one;
    `faults` are what the script wants to go wrong.
    """

    choices: tuple[Choice, ...]
    usage: Usage
    model: str
    id: str | None = None
    created: int | None = None
    system_fingerprint: str | None = None
    timing: Timing = field(default_factory=Timing)
    script: str | None = field(default=None, compare=False)
    faults: tuple[Fault, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class ErrorReply:
    """OpenAI's error object with its HTTP status; `headers` are added to the reply's."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    script: str | None = field(default=None, compare=False)
    faults: tuple[Fault, ...] = field(default=(), compare=False)

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


@dataclass(frozen=True)
class RawReply:
    """An answer that a script spells out: it goes out as it is, whatever the contract says.

    Exactly one of `body` (the body's text or bytes) and `events` (the data of each server-sent event, in
    order, `[DONE]` included where the script has it) is set. `headers` are added to the reply's and
    replace those of the same name.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    events: tuple[str, ...] | None = None
    timing: Timing = field(default_factory=Timing)
    script: str | None = field(default=None, compare=False)
    faults: tuple[Fault, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class NumbersReply:
    """What a script answers where no words do: a vector for embeddings, flagged categories for moderations.

    With neither, only its `faults` break what is answered without it.
    """

    embedding: tuple[float, ...] | None = None
    flagged: tuple[str, ...] | None = None
    script: str | None = field(default=None, compare=False)
    faults: tuple[Fault, ...] = field(default=(), compare=False)
