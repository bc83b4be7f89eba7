"""The parts of a script's reply: calls, tokens, counts, pace, errors, raw bytes."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, model_validator
from pydantic import field_validator as checked
from pydantic_core import PydanticCustomError

from fake_server.faults.base import FieldName, FieldValue
from fake_server.scripts.when import Part, Several, keep_one, optional
from fake_server.wire import files, fixture, sse
from fake_server.wire.exchange import Aspect
from fake_server.wire.jsontext import compact

MOST_BYTES = 8 * 1024 * 1024
"""The longest file whose bytes a script may send."""
FOLDER = "folder"
"""The key of a validation's context that holds the folder of the script file."""

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class Call(Part):
    """One tool call."""

    name: str = Field(description="the tool's name")
    arguments: Any = Field(
        default_factory=dict, description="a mapping, or a text that is sent as it is, broken JSON too"
    )
    id: str | None = optional("the call's id, instead of one made up")

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


def _has_type(item: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(item.get("type"), str):
        raise PydanticCustomError("item", "an item has a type, such as message or web_search_call: add it")
    return item


Item = Annotated[dict[str, Any], AfterValidator(_has_type)]
"""An item of a response's output, as the API has it."""


class Token(Part):
    """One token of the text with its log probability."""

    token: str = Field(description="the token's text; all tokens joined are the `text`")
    logprob: Annotated[float, Field(le=0)] = Field(description="its log probability, at most 0")
    top: dict[str, Annotated[float, Field(le=0)]] = Field(
        default_factory=dict, description="the alternatives, each with its log probability"
    )


class UsageNumbers(Part):
    """Token counts that replace the estimate; those left out are estimated."""

    prompt_tokens: Count | None = optional("tokens of the request")
    completion_tokens: Count | None = optional("tokens of the answer")
    cached_tokens: Count | None = optional("of `prompt_tokens`, those from the cache")
    reasoning_tokens: Count | None = optional("the reasoning tokens among `completion_tokens`")


class Pace(Part):
    """How fast the answer comes."""

    first: Seconds = optional("seconds to the first event, or to a whole answer", 0.0)
    rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = optional(
        "events a second after the first; 0: all at once", 0.0
    )
    jitter: Annotated[float, Field(ge=0, le=1)] = optional(
        "how far each pause may differ, 0 to 1, drawn by the seed", 0.0
    )
    pauses: Several[Seconds] | None = optional(
        "seconds before each event, instead of `first` and `rate`; with more events "
        "the list repeats from its second item; a reply that is not streamed waits for the sum"
    )
    recorded: str | None = optional("a recording beside the script file whose pauses these are")
    speed: Annotated[float, Field(ge=0, allow_inf_nan=False)] = optional(
        "what these pauses are divided by; 0: no pauses", 1.0
    )
    _waits: tuple[float, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _has_one_pace(self, info: ValidationInfo) -> Pace:
        written = self.model_fields_set
        ways = [name for name in ("pauses", "recorded") if name in written]
        if "speed" in written and not ways:
            raise PydanticCustomError("speed", "speed is that of pauses: add pauses or recorded, or use rate")
        if ways:
            keep_one(ways + [name for name in ("first", "rate") if name in written])
        waits = self.pauses or ()
        if self.recorded is not None:
            waits = _recorded(self.recorded, (info.context or {}).get(FOLDER))
        self._waits = tuple(wait / self.speed if self.speed else 0.0 for wait in waits)
        return self

    @property
    def waits(self) -> tuple[float, ...]:
        """The seconds before each event, where they are given one by one."""
        return self._waits


class Failure(Part):
    """OpenAI's error object."""

    status: Annotated[int, Field(ge=400, le=599)] = Field(description="the HTTP status, 400 to 599")
    message: str = Field(description="the error's text")
    type: str | None = optional("its type; follows from the status where left out")
    param: str | None = optional("the parameter it is about")
    code: str | None = optional("its code; follows from the status where left out")
    headers: dict[FieldName, FieldValue | None] = Field(
        default_factory=dict, description="header fields, such as `Retry-After`; null leaves one out"
    )


class Raw(Part):
    """What is sent as it is, whatever the contract says."""

    status: Annotated[int, Field(ge=200, le=599)] = optional("the HTTP status", 200)
    headers: dict[FieldName, FieldValue | None] = Field(
        default_factory=dict, description="header fields, before those of the server; null leaves one of these out"
    )
    body: Any = optional("the body: a text, or a value that is sent as JSON")
    base64: str | None = optional("the body's bytes in Base64, instead of `body`")
    file: str | None = optional("a file whose bytes are the body; its path is relative to the script file")
    stream: Several[Any] | None = optional("the data of each event, for a request that streams")
    _bytes: bytes | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _has_one_body(self, info: ValidationInfo) -> Raw:
        given = [name for name in ("body", "base64", "file") if getattr(self, name) is not None]
        if not given and self.stream is None:
            raise PydanticCustomError("empty", "nothing to send: give body, base64, file or stream")
        keep_one(given)
        if self.base64 is not None:
            self._bytes = _decoded(self.base64)
        if self.file is not None:
            self._bytes = _read(self.file, (info.context or {}).get(FOLDER))
        return self

    @property
    def sent(self) -> str | bytes | None:
        """The body as it goes out; None where there is a stream alone."""
        if self._bytes is not None or self.body is None:
            return self._bytes
        return self.body if isinstance(self.body, str) else compact(self.body)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PydanticCustomError("base64", "base64: not Base64: {why}", {"why": str(error)}) from error


def _recorded(name: str, folder: Path | None) -> tuple[float, ...]:
    if folder is None:
        raise PydanticCustomError("file", "recorded: only a script in a file has one: give first and rate")
    try:
        return recorded_pauses(folder / name)
    except ValueError as error:
        raise PydanticCustomError("file", "recorded: {why}", {"why": str(error)}) from error


def recorded_pauses(path: Path) -> tuple[float, ...]:
    """Seconds before each event of the recorded stream, the first counted from the end of the request.

    An answer that is not a stream has one pause. Raises ValueError (FixtureError is one) for a file that
    cannot be read, and for a recording without times or without a body.
    """
    exchange = fixture.load(path).exchange
    if not exchange.knows(Aspect.TIMING):
        raise ValueError(f"{path}: this recording has no times")
    if not exchange.payload:
        raise ValueError(f"{path}: this recording has no body, so it has no pace")
    times = [exchange.head_pause + seconds for seconds in accumulate(write.pause for write in exchange.writes)]
    ends = list(accumulate(len(write.data) for write in exchange.writes))
    events = [event for event in sse.decode(exchange.payload) if event.data is not None and event.complete]
    # An event is due with the write that holds its last byte.
    due = [times[bisect_left(ends, event.stop)] for event in events] or [times[-1]]
    return tuple(round(now - before, 6) for before, now in zip([0.0, *due], due, strict=False))


def _read(name: str, folder: Path | None) -> bytes:
    if folder is None:
        raise PydanticCustomError("file", "file: only a script in a file has one: give base64 instead")
    try:
        return files.read_below(folder, name, MOST_BYTES)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise PydanticCustomError(
            "file", "file: {name} cannot be read: {why}", {"name": repr(name), "why": why}
        ) from error
