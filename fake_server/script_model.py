"""What an author can write in a script: `{name, when, reply, times}`, as validated pydantic models.

Everything is frozen and strict: no text becomes a number or the other way round, and an unknown key is an
error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator
from pydantic import field_validator as checked
from pydantic_core import PydanticCustomError

from fake_server import script_templates as templates
from fake_server.faults import AnyFault
from fake_server.script_when import Part, Positive, Several, When

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderValue = Annotated[str, Field(pattern="^[\t\x20-\x7e\u00a0-\u00ff]*$")]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class Call(Part):
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


class Token(Part):
    """A token's log probability; `top` maps alternatives to theirs."""

    token: str
    logprob: Annotated[float, Field(le=0)]
    top: dict[str, Annotated[float, Field(le=0)]] = Field(default_factory=dict)


class Answer(Part):
    """One choice: text and/or tool calls, or a refusal.

    Instead of `text`, `json` is a value sent as JSON text, and `schema` a JSON Schema (or `request`, for the
    one that the request brings) of which the text is an instance.
    """

    text: str | None = None
    json_: Any = Field(default=None, alias="json")
    schema_: Annotated[dict[str, Any] | Literal["request"] | None, Field(alias="schema")] = None
    tool_calls: Several[Call] = ()
    annotations: Several[dict[str, Any]] = ()
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: Finish | None = None
    logprobs: Annotated[tuple[Token, ...], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _logprobs_spell_the_text(self) -> Answer:
        if self.logprobs is not None and "".join(one.token for one in self.logprobs) != (self.text or ""):
            raise PydanticCustomError("logprobs", "the tokens of logprobs joined are not the text")
        return self

    @model_validator(mode="after")
    def _has_one_text(self) -> Answer:
        given = [name for name, value in self.texts.items() if value is not None]
        if len(given) > 1:
            raise PydanticCustomError(
                "texts", "{given} exclude each other: keep one", {"given": " and ".join(given)}
            )
        return self

    @property
    def texts(self) -> dict[str, Any]:
        """What may be the text, by the name it is written under."""
        return {"text": self.text, "json": self.json_, "schema": self.schema_}

    @property
    def says_something(self) -> bool:
        texts = any(value is not None for value in self.texts.values())
        return bool(self.tool_calls) or texts or self.refusal is not None


class UsageNumbers(Part):
    """Token counts that replace the estimate; those left out are estimated."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    cached_tokens: Count | None = None
    reasoning_tokens: Count | None = None


class Pace(Part):
    """Seconds to the first event, events a second after it (0: at once), relative jitter 0..1."""

    first: Seconds = 0.0
    rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0


class Failure(Part):
    """OpenAI's error object with a status; type and code follow from the status where left out."""

    status: Annotated[int, Field(ge=400, le=599)]
    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)


class Raw(Part):
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

    With faults alone they break the answer that the fake gives without a script. `template` makes every
    text of the reply a Jinja template of the request.
    """

    choices: Several[Answer] = ()
    usage: UsageNumbers | None = None
    id: str | None = None
    model: str | None = None
    created: Count | None = None
    system_fingerprint: str | None = None
    timing: Pace | None = None
    template: bool = False
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

    @model_validator(mode="after")
    def _templates_can_be_read(self) -> Response:
        wrong = templates.problem(self.written) if self.template else None
        if wrong:
            raise PydanticCustomError("template", "{wrong}", {"wrong": wrong})
        return self

    @property
    def written(self) -> dict[str, Any]:
        """The reply as it was written."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    @property
    def only_breaks(self) -> bool:
        """Whether it says nothing of its own, so that its faults strike what is answered without it."""
        return not (self.says_something or self.choices or self.error or self.raw)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The choices, one where the script gives no list."""
        return self.choices or (self,)


class Weighted(Part):
    """One of several replies, the likelier the more it weighs."""

    reply: Response
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


class Script(Part):
    """One script as written.

    It has a `reply`, or `replies` of which each use takes the next and the last one stays, or `choose`, of
    which each use draws one by the server's seed. `times` is how often it may answer; None: always. What it
    counts is counted `per` the whole test, API key, or conversation (requests with the same first words of
    the system and the user). A `fallback` is tried after all scripts that are none.
    """

    name: Annotated[str, Field(min_length=1)]
    when: When = Field(default_factory=When)
    reply: Response | None = None
    replies: Several[Response] = ()
    choose: Several[Weighted] = ()
    times: Positive | None = None
    per: Literal["test", "key", "conversation"] = "test"
    fallback: bool = False
    _place: str = PrivateAttr("")
    _call: Callable[..., Any] | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _answers_in_one_way(self) -> Script:
        given = [name for name in ("reply", "replies", "choose") if getattr(self, name)]
        if not given:
            raise PydanticCustomError("missing_reply", "the key 'reply' is missing: add it")
        if len(given) > 1:
            raise PydanticCustomError(
                "replies", "{given} exclude each other: keep one", {"given": " and ".join(given)}
            )
        return self

    @property
    def place(self) -> str:
        """Where it is written, `file:line`."""
        return self._place

    @property
    def called(self) -> Callable[..., Any] | None:
        """The callable that answers instead of `reply`."""
        return self._call

    @property
    def every_reply(self) -> tuple[Response, ...]:
        """Each reply it may give."""
        chosen = tuple(one.reply for one in self.choose)
        return self.replies or chosen or ((self.reply,) if self.reply else ())

    def at(self, place: str, called: Callable[..., Any] | None = None) -> Script:
        """This script, knowing where it is written and, in Python, what answers instead of its reply."""
        copy = self.model_copy()
        copy._place, copy._call = place, called
        return copy


def compact(value: Any) -> str:
    """JSON as OpenAI writes tool arguments: no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
