"""What an author can write in a script, `{name, when, reply, …}`, as pydantic models.

Everything is frozen and strict: no text becomes a number or the other way round, and an unknown key is an
error. SCRIPTS.md and the schema for editors are made from the descriptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from fake_server.api.limits import LONG_TEXT, CountedChoice, apply_limits
from fake_server.api.reply import Choice
from fake_server.api.request import CHAT, COMPLETIONS, EMBEDDINGS, MODERATIONS, RESPONSES
from fake_server.faults import AnyFault
from fake_server.scripts.reply_parts import Call, Count, Failure, Item, Pace, Raw, Token, UsageNumbers
from fake_server.scripts.when import Part, Positive, Several, When, keep_one, optional
from fake_server.wire.jsontext import compact

__all__ = ["Answer", "Failure", "Pace", "Raw", "Response", "Script", "UsageNumbers", "compact"]

Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
Category = Literal[
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent",
    "self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence",
    "violence/graphic",
]  # fmt: skip
WORDS = frozenset((CHAT, COMPLETIONS, RESPONSES))
ITEMS = frozenset((RESPONSES,))
ALL = WORDS | {EMBEDDINGS, MODERATIONS}


class Answer(Part):
    """One choice: text or tool calls or both, or a refusal."""

    text: str | None = optional("the content")
    json_: Any = Field(default=None, alias="json", description="a value, sent as JSON text")
    schema_: Annotated[dict[str, Any] | Literal["request"] | None, Field(alias="schema")] = optional(
        "a JSON Schema of which the text is an instance; `request`: the one in `response_format`"
    )
    with_: dict[str, Any] = Field(
        default_factory=dict,
        alias="with",
        description="members that replace those of the `schema`'s instance",
    )
    tool_calls: Several[Call] = optional("calls of tools; several are parallel calls", ())
    annotations: Several[dict[str, Any]] = optional("`annotations` as the API has them", ())
    reasoning: str | None = optional("the text of `reasoning_content`")
    refusal: str | None = optional("a refusal instead of content")
    finish_reason: Finish | None = optional("overrides the derived one")
    logprobs: Several[Token] | None = optional("the tokens of the text with their log probabilities")

    @model_validator(mode="after")
    def _has_one_text(self) -> Answer:
        if self.logprobs is not None and "".join(token.token for token in self.logprobs) != (self.text or ""):
            raise PydanticCustomError("logprobs", "the tokens of logprobs joined are not the text")
        keep_one([name for name, value in self.texts.items() if value is not None])
        if self.with_ and self.schema_ is None:
            raise PydanticCustomError("with", "with stands beside a schema: add schema, or use json instead")
        return self

    @cached_property
    def counted(self) -> CountedChoice | None:
        """What it is for every request without limits, where it is a short text and no call; else None."""
        if self.text is None or len(self.text) > LONG_TEXT or self.tool_calls or self.logprobs is not None:
            return None
        choice = Choice(self.text, (), None, self.refusal, self.reasoning, self.finish_reason or "stop")
        return apply_limits(replace(choice, annotations=self.annotations), {}, 0)

    @property
    def texts(self) -> dict[str, Any]:
        """What may be the text, by the name it is written under."""
        return {"text": self.text, "json": self.json_, "schema": self.schema_}

    @property
    def says_something(self) -> bool:
        texts = any(value is not None for value in self.texts.values())
        return bool(self.tool_calls) or texts or self.refusal is not None


class Response(Answer):
    """What a script answers: one choice, several `choices`, an `error`, `raw` bytes, or what goes wrong."""

    choices: Several[Answer] = optional("several answers; without it `n` repeats the one answer", ())
    output: Several[Item] = optional("the items of a response's `output` as they are, of any type", ())
    embedding: Several[float] | None = optional("the vector of every text, for embeddings")
    flagged: Several[Category] | None = optional("the categories that are flagged, for moderations; `[]`: none")
    usage: UsageNumbers | None = optional("token counts instead of the estimate")
    id: str | None = optional("the answer's id, instead of one made up")
    model: str | None = optional("the model that answers, instead of the one asked")
    created: Count | None = optional("when it was made, in seconds since 1970")
    system_fingerprint: str | None = optional("`system_fingerprint`")
    timing: Pace | None = optional("how fast the answer comes")
    template: bool = optional("`true`: every text of the reply is a Jinja template of the request", False)
    error: Failure | None = optional("OpenAI's error object instead of an answer")
    raw: Raw | None = optional("status, header fields and bytes as they are")
    faults: Several[AnyFault] = optional(
        "what goes wrong (FAULTS.md lists the faults); on its own, it applies to the fake's default answer", ()
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Response:
        given = [name for name in ("choices", "output", "error", "raw") if getattr(self, name)]
        given += [name for name in ("embedding", "flagged") if getattr(self, name) is not None]
        ends = self.finish_reason and not self.output
        if self.says_something or self.reasoning or ends or self.logprobs:
            given.insert(0, "an answer of its own")
        if not given and not self.faults:
            raise PydanticCustomError(
                "empty", "nothing to answer: give text, tool_calls, refusal, choices, output, error, raw or faults"
            )
        keep_one(given)
        return self

    @model_validator(mode="after")
    def _templates_can_be_read(self) -> Response:
        if not self.template:
            return self
        from fake_server.scripts import templates  # few are, and Jinja takes a while to import

        wrong = templates.find_problem(self.written)
        if wrong:
            raise PydanticCustomError("template", "{wrong}", {"where": wrong[0], "row": wrong[1], "wrong": wrong[2]})
        return self

    @property
    def written(self) -> dict[str, Any]:
        """The reply as it was written."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    @property
    def files(self) -> tuple[str, ...]:
        """The files it names, as they are written."""
        named = (self.raw.file if self.raw else None, self.timing.recorded if self.timing else None)
        return tuple(name for name in named if name is not None)

    @cached_property
    def only_breaks(self) -> bool:
        """Whether it says nothing of its own, so that its faults strike what is answered without it."""
        numbers = self.embedding is not None or self.flagged is not None
        return not (self.answers_words or self.output or self.error or self.raw or numbers)

    @cached_property
    def answers_words(self) -> bool:
        return not self.output and bool(self.says_something or self.choices or self.reasoning or self.finish_reason)

    @cached_property
    def endpoints(self) -> frozenset[str]:
        """The endpoints that this can be an answer of."""
        if self.embedding is not None:
            return frozenset((EMBEDDINGS,))
        if self.flagged is not None:
            return frozenset((MODERATIONS,))
        if self.output:
            return ITEMS
        return WORDS if self.answers_words else ALL


class Weighted(Part):
    """One of several replies, the likelier the more it weighs."""

    reply: Response = Field(description="what it answers")
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = optional("its weight relative to the others", 1.0)


class Script(Part):
    """One script: what a request must be, and what is answered. It has `reply`, `replies` or `choose`."""

    name: Annotated[str, Field(min_length=1)] = Field(description="its name, for messages and counts")
    when: When = Field(default_factory=When, description="the conditions; without any it answers everything")
    reply: Response | None = optional("what it answers")
    replies: Several[Response] = optional("several: each use takes the next, the last one stays", ())
    choose: Several[Weighted] = optional("several of which each use draws one by the server's seed", ())
    times: Positive | None = optional("how often it may answer; then the next script that matches does")
    per: Literal["test", "key", "conversation"] = optional(
        "what `times`, `replies` and `call` count within: the whole space, the API key, or the "
        "conversation (requests that begin with the same system and user messages)",
        "test",
    )
    fallback: bool = optional("`true`: tried only after all scripts that are not fallbacks", False)
    _place: str = PrivateAttr("")
    _call: Callable[..., Any] | None = PrivateAttr(None)
    _folder: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _answers_in_one_way(self) -> Script:
        given = [name for name in ("reply", "replies", "choose") if getattr(self, name)]
        if not given:
            raise PydanticCustomError("missing_reply", "the key 'reply' is missing: add it")
        keep_one(given)
        if not self.endpoints:
            raise PydanticCustomError("endpoints", "the replies are those of different endpoints: divide them")
        if self.when.endpoint not in (None, *self.endpoints):
            raise PydanticCustomError(
                "endpoint",
                "the reply is none of {endpoint}, which 'when' asks for: it is one of {fits}",
                {"endpoint": self.when.endpoint, "fits": " and ".join(sorted(self.endpoints))},
            )
        return self

    @cached_property
    def place(self) -> str:
        """Where it is written, `file:line`."""
        return self._place

    @cached_property
    def called(self) -> Callable[..., Any] | None:
        """The callable that answers instead of `reply`."""
        return self._call

    @cached_property
    def every_reply(self) -> tuple[Response, ...]:
        """Each reply it may give."""
        chosen = tuple(option.reply for option in self.choose)
        return self.replies or chosen or ((self.reply,) if self.reply else ())

    @cached_property
    def endpoints(self) -> frozenset[str]:
        """The endpoints that each of its replies can be an answer of."""
        return ALL.intersection(*(reply.endpoints for reply in self.every_reply))

    @property
    def folder(self) -> Path | None:
        """The folder of the file it stands in."""
        return self._folder

    def at(self, place: str, folder: Path | None = None, called: Callable[..., Any] | None = None) -> Script:
        """This script, knowing where it is written and, in Python, what answers instead of its reply."""
        copy = self.model_copy()
        copy._place, copy._folder, copy._call = place, folder, called
        return copy
