"""What a request must be for a script to answer it: the conditions of `when`, as validated models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import jsonpath_rfc9535 as jsonpath
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic import field_validator as checked
from pydantic_core import PydanticCustomError

from fake_server import patterns

T = TypeVar("T")
Several = Annotated[tuple[T, ...], Field(strict=False)]
Positive = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """A part of a script: frozen, strict, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Endpoint = Literal["chat/completions", "completions", "embeddings", "moderations"]


class TextTest(Part):
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


class MessagesTest(Part):
    """Tests on the messages: the last, the user's last, any, the first, any system or developer message."""

    last: TextTest | None = None
    user: TextTest | None = None
    any: TextTest | None = None
    first: TextTest | None = None
    system: TextTest | None = None


class ModelTest(Part):
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


class ToolsTest(Part):
    """Names of tools the request must offer."""

    include: Several[str]

    @checked("include", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class ValueTest(Part):
    """What a value must be: equal, a text that contains another (any case), a pattern in it, or there."""

    equals: Any = None
    contains: str | None = None
    regex: str | None = None
    exists: bool | None = None

    @checked("regex")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        return _pattern(value)

    @model_validator(mode="after")
    def _says_something(self) -> ValueTest:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "nothing to test: give equals, contains, regex or exists")
        return self


_TESTS = frozenset(ValueTest.model_fields)


def _value_or_test(value: Any) -> Any:
    """A mapping of the tests' keys is a test; anything else is what the value must equal."""
    return value if isinstance(value, dict) and value and _TESTS.issuperset(value) else {"equals": value}


def _tests(value: Any) -> Any:
    return {name: _value_or_test(one) for name, one in value.items()} if isinstance(value, dict) else value


class ResultTest(Part):
    """A tool's result in the request: the tool's name, and what its text or JSON must be."""

    name: str | None = None
    contains: str | None = None
    regex: str | None = None
    json_: dict[str, ValueTest] = Field(default_factory=dict, alias="json")

    @checked("regex")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        return _pattern(value)

    @checked("json_", mode="before")
    @classmethod
    def _values_or_tests(cls, value: Any) -> Any:
        return _tests(value)

    @checked("json_")
    @classmethod
    def _are_paths(cls, value: dict[str, ValueTest]) -> dict[str, ValueTest]:
        return _paths(value)


class When(Part):
    """What a request must be for the script to answer it; every condition given must hold.

    `headers` go by name in any case; `key` is the API key; `body` goes by JSONPath (RFC 9535; the `$.` may be
    left out). Each takes a value, or a test. `turn` is the number of the user's turn; `call` counts from 1
    the requests that are all else that this script wants.
    """

    endpoint: Endpoint | None = None
    model: ModelTest | None = None
    messages: MessagesTest | None = None
    tools: ToolsTest | None = None
    stream: bool | None = None
    response_format: Literal["text", "json_object", "json_schema"] | None = None
    turn: Positive | None = None
    headers: dict[str, ValueTest] = Field(default_factory=dict)
    key: ValueTest | None = None
    body: dict[str, ValueTest] = Field(default_factory=dict)
    tool_result: ResultTest | None = None
    call: Positive | None = None

    @checked("model", mode="before")
    @classmethod
    def _name_is_exact(cls, value: Any) -> Any:
        return {"exact": value} if isinstance(value, str) else value

    @checked("headers", "body", mode="before")
    @classmethod
    def _values_or_tests(cls, value: Any) -> Any:
        return _tests(value)

    @checked("key", mode="before")
    @classmethod
    def _key_or_test(cls, value: Any) -> Any:
        return _value_or_test(value)

    @checked("body")
    @classmethod
    def _are_paths(cls, value: dict[str, ValueTest]) -> dict[str, ValueTest]:
        return _paths(value)

    @checked("headers")
    @classmethod
    def _lower(cls, value: dict[str, ValueTest]) -> dict[str, ValueTest]:
        return {name.lower(): test for name, test in value.items()}


def path_of(text: str) -> jsonpath.JSONPathQuery:
    """A JSONPath, whose `$.` may be left out. Raises JSONPathError."""
    return jsonpath.compile(text if text.startswith("$") else f"$.{text}")


def _paths(value: dict[str, ValueTest]) -> dict[str, ValueTest]:
    for text in value:
        try:
            path_of(text)
        except jsonpath.JSONPathError as error:
            why = str(error).splitlines()[0]
            told = {"path": repr(text), "why": why}
            raise PydanticCustomError("path", "{path} is no JSONPath: {why}", told) from None
    return value


def _pattern(text: str) -> str:
    why = patterns.problem(text)
    if why:
        raise PydanticCustomError(
            "pattern", "not a usable regular expression: {why} (Rust syntax: no look-around)", {"why": why}
        )
    return text
