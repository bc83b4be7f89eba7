"""What an author can write in a script: `{name, when, reply, times}`, as validated pydantic models.

Everything is frozen and strict: no text becomes a number or the other way round, and an unknown key is an
error.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator
from pydantic import field_validator as checked
from pydantic_core import PydanticCustomError

from fake_server import patterns
from fake_server.faults import AnyFault

T = TypeVar("T")
Several = Annotated[tuple[T, ...], Field(strict=False)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\t\x20-\x7e\x{a0}-\x{ff}]*$")]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TextTest(_Part):
    """What a message must be: its role, texts it contains (any case), its whole text, a pattern in it."""

    role: str | None = None
    contains: Several[str] = ()
    equals: str | None = None
    regex: str | None = None

    @checked("contains", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @checked("regex")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        return _pattern(value)

    @model_validator(mode="after")
    def _says_something(self) -> TextTest:
        if not (self.role or self.contains or self.equals is not None or self.regex):
            raise PydanticCustomError("empty", "nothing to test: give role, contains, equals or regex")
        return self


class MessagesTest(_Part):
    """Tests on the messages: the last one, any one, the first one, any system or developer one."""

    last: TextTest | None = None
    any: TextTest | None = None
    first: TextTest | None = None
    system: TextTest | None = None


class ModelTest(_Part):
    """The model asked for: the exact name, how it begins, or a pattern in it."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None

    @checked("regex")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        return _pattern(value)

    @model_validator(mode="after")
    def _says_something(self) -> ModelTest:
        if not (self.exact or self.prefix or self.regex):
            raise PydanticCustomError("empty", "nothing to test: give a name, or prefix or regex")
        return self


class ToolsTest(_Part):
    """Names of tools the request must offer."""

    include: Several[str]

    @checked("include", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class When(_Part):
    """What a request must be for the script to answer it; every condition given must hold."""

    model: ModelTest | None = None
    messages: MessagesTest | None = None
    tools: ToolsTest | None = None
    stream: bool | None = None
    response_format: Literal["text", "json_object", "json_schema"] | None = None
    turn: Annotated[int, Field(ge=1)] | None = None

    @checked("model", mode="before")
    @classmethod
    def _name_is_exact(cls, value: Any) -> Any:
        return {"exact": value} if isinstance(value, str) else value


class Call(_Part):
    """One tool call; `arguments` is a mapping or, to be sent as it is, a text."""

    name: str
    arguments: Any = Field(default_factory=dict)
    id: str | None = None

    @checked("arguments")
    @classmethod
    def _mapping_or_text(cls, value: Any) -> Any:
        if not isinstance(value, dict | str):
            raise PydanticCustomError("arguments", "arguments are a mapping, or a text sent as it is")
        return value

    @property
    def arguments_text(self) -> str:
        """The arguments as JSON text."""
        return self.arguments if isinstance(self.arguments, str) else compact(self.arguments)


class Token(_Part):
    """A token's log probability; `top` maps alternatives to theirs."""

    token: str
    logprob: Annotated[float, Field(le=0)]
    top: dict[str, Annotated[float, Field(le=0)]] = Field(default_factory=dict)


class Answer(_Part):
    """One choice: text and/or tool calls, or a refusal."""

    text: str | None = None
    tool_calls: Several[Call] = ()
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: Finish | None = None
    logprobs: Annotated[tuple[Token, ...], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _logprobs_spell_the_text(self) -> Answer:
        if self.logprobs is not None and "".join(one.token for one in self.logprobs) != (self.text or ""):
            raise PydanticCustomError("logprobs", "the tokens of logprobs joined are not the text")
        return self

    @property
    def says_something(self) -> bool:
        return bool(self.tool_calls) or self.text is not None or self.refusal is not None


class UsageNumbers(_Part):
    """Token counts that replace the estimate; those left out are estimated."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    cached_tokens: Count | None = None
    reasoning_tokens: Count | None = None


class Pace(_Part):
    """Seconds to the first event, events a second after it (0: at once), relative jitter 0..1."""

    first: Seconds = 0.0
    rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0


class Failure(_Part):
    """OpenAI's error object with a status; type and code follow from the status where left out."""

    status: Annotated[int, Field(ge=400, le=599)]
    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)


class Raw(_Part):
    """Bytes as they are: `body` answers a dict request, `stream` (one payload an event) a streamed one."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    body: Any = None
    stream: Annotated[tuple[Any, ...], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Raw:
        if self.body is None and self.stream is None:
            raise PydanticCustomError("empty", "nothing to send: give body, stream or both")
        return self


class Response(Answer):
    """What the script answers: one choice, several `choices`, an `error`, or `raw`; `faults` break it.

    With faults alone they break the answer that the fake gives without a script.
    """

    choices: Several[Answer] = ()
    usage: UsageNumbers | None = None
    id: str | None = None
    model: str | None = None
    created: Count | None = None
    system_fingerprint: str | None = None
    timing: Pace | None = None
    error: Failure | None = None
    raw: Raw | None = None
    faults: Several[AnyFault] = ()

    @model_validator(mode="after")
    def _is_one_thing(self) -> Response:
        forms = {"choices": self.choices, "error": self.error, "raw": self.raw}
        given = [name for name, value in forms.items() if value]
        if self.says_something or self.reasoning or self.finish_reason or self.logprobs:
            given.insert(0, "an answer of its own")
        if not given and not self.faults:
            raise PydanticCustomError(
                "empty", "nothing to answer: give text, tool_calls, refusal, choices, error, raw or faults"
            )
        if len(given) > 1:
            raise PydanticCustomError(
                "both", "{given} exclude each other: keep one", {"given": " and ".join(given)}
            )
        return self

    @property
    def only_breaks(self) -> bool:
        """Whether it says nothing of its own, so that its faults strike what is answered without it."""
        return not (self.says_something or self.choices or self.error or self.raw)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The choices, one where the script gives no list."""
        return self.choices or (self,)


class Script(_Part):
    """One script as written. `times` is how often it may answer; None: always."""

    name: Annotated[str, Field(min_length=1)]
    when: When = Field(default_factory=When)
    reply: Response
    times: Annotated[int, Field(ge=1)] | None = None
    _place: str = PrivateAttr("")

    @property
    def place(self) -> str:
        """Where it is written, `file:line`."""
        return self._place

    def at(self, place: str) -> Script:
        """This script, knowing where it is written."""
        copy = self.model_copy()
        copy._place = place
        return copy


def compact(value: Any) -> str:
    """JSON as OpenAI writes tool arguments: no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _pattern(text: str) -> str:
    why = patterns.problem(text)
    if why:
        raise PydanticCustomError(
            "pattern", "not a usable regular expression: {why} (Rust syntax: no look-around)", {"why": why}
        )
    return text
