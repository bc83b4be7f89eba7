"""What a request must be for a script to answer it: the conditions of `when`, as validated models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic import field_validator as checked
from pydantic_core import PydanticCustomError

from fake_server.wire import patterns

if TYPE_CHECKING:
    from fake_server.faults.jsonpath import BoundedPath

T = TypeVar("T")
Several = Annotated[tuple[T, ...], Field(strict=False)]
Positive = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """A part of a script: frozen, strict, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def keep_one(given: Sequence[str]) -> None:
    """Raise a validation error for keys that exclude each other if more than one is given."""
    if len(given) > 1:
        raise PydanticCustomError("both", "{given} exclude each other: keep one", {"given": " and ".join(given)})


def optional(description: str, default: Any = None) -> Any:
    """A key that may be left out."""
    return Field(default=default, description=description)


def _usable(text: str) -> str:
    why = patterns.find_problem(text)
    if why:
        raise PydanticCustomError(
            "pattern", "not a usable regular expression: {why} (Rust syntax: no look-around)", {"why": why}
        )
    return text


Pattern = Annotated[str, AfterValidator(_usable)]
Texts = Annotated[
    Several[str],
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=str | Several[str]
    ),
]
"""Several texts; one may stand by itself."""
Endpoint = Literal["chat/completions", "completions", "responses", "embeddings", "moderations"]


class ValueTest(Part):
    """What a value must be; a plain value stands for `equals`."""

    equals: Any = optional("the value itself")
    contains: str | None = optional("a text in it, in any case")
    regex: Pattern | None = optional("a pattern in it (Rust syntax: no look-around)")
    exists: bool | None = optional("`true`: it is there; `false`: it is not")

    @model_validator(mode="after")
    def _check_not_empty(self) -> ValueTest:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "nothing to test: give equals, contains, regex or exists")
        return self


_TESTS = frozenset(ValueTest.model_fields)


def _value_or_test(value: Any) -> Any:
    """Read a mapping with keys of tests as a test, and anything else as the value to equal."""
    return value if isinstance(value, dict) and value and _TESTS.issuperset(value) else {"equals": value}


def _tests(value: Any) -> Any:
    return {name: _value_or_test(item) for name, item in value.items()} if isinstance(value, dict) else value


def path_of(text: str) -> BoundedPath:
    """Compile a JSONPath, whose `$.` may be left out. Raises JSONPathError."""
    from fake_server.faults.jsonpath import compile_path  # few scripts have paths, and it takes a while to import

    root = "" if text.startswith("$") else "$" if text.startswith("[") else "$."
    return compile_path(root + text)


def _paths(value: dict[str, ValueTest]) -> dict[str, ValueTest]:
    for text in value:
        from jsonpath import JSONPathError

        try:
            path_of(text)
        except JSONPathError as error:
            context = {"path": repr(text), "why": str(error.message)}
            raise PydanticCustomError("path", "{path} is no JSONPath: {why}", context) from None
    return value


AnyValue = Annotated[ValueTest, BeforeValidator(_value_or_test, json_schema_input_type=ValueTest | Any)]
"""A test; a plain value stands for `equals`."""
Values = Annotated[dict[str, ValueTest], BeforeValidator(_tests, json_schema_input_type=dict[str, ValueTest | Any])]
"""Tests by name; a plain value stands for `equals`."""
Paths = Annotated[Values, AfterValidator(_paths)]
"""Tests by JSONPath (RFC 9535); the `$.` may be left out."""


class TextTest(Part):
    """What a message must be."""

    role: str | None = optional("its role")
    contains: Texts = optional("a text in it, or several, in any case", ())
    equals: str | None = optional("its whole text")
    regex: Pattern | None = optional("a pattern in it (Rust syntax: no look-around)")
    json_: Paths = Field(
        default_factory=dict,
        alias="json",
        description="by JSONPath: values in its text, which is JSON, or in its list of content parts",
    )

    @model_validator(mode="after")
    def _check_not_empty(self) -> TextTest:
        if not (self.role or self.contains or self.equals is not None or self.regex or self.json_):
            raise PydanticCustomError("empty", "nothing to test: give role, contains, equals, regex or json")
        return self


class MessagesTest(Part):
    """Which message is tested."""

    last: TextTest | None = optional("the last message")
    user: TextTest | None = optional("the last message of the user")
    any: TextTest | None = optional("any message")
    first: TextTest | None = optional("the first message")
    system: TextTest | None = optional("any system or developer message")


class ModelTest(Part):
    """The model asked for; a plain text stands for `exact`."""

    exact: str | None = optional("its name")
    prefix: str | None = optional("how its name begins")
    regex: Pattern | None = optional("a pattern in its name (Rust syntax)")

    @model_validator(mode="after")
    def _check_not_empty(self) -> ModelTest:
        if not (self.exact or self.prefix or self.regex):
            raise PydanticCustomError("empty", "nothing to test: give a name, or prefix or regex")
        return self


class ToolsTest(Part):
    """The tools that the request offers."""

    include: Texts = Field(
        description="the name of a tool, or several, that are offered and that `tool_choice` lets be called; a tool "
        "that the server has built in goes by its type, as in `web_search`"
    )


class ResultTest(Part):
    """The result of a tool in the request."""

    name: str | None = optional("the tool's name")
    id: str | None = optional("the `tool_call_id`")
    contains: str | None = optional("a text in it, in any case")
    regex: Pattern | None = optional("a pattern in it (Rust syntax)")
    json_: Paths = Field(
        default_factory=dict, alias="json", description="by JSONPath: values in its text, which is JSON"
    )


ORDER = (
    "endpoint", "method", "path", "model", "stream", "turn", "response_format", "tools", "headers", "key", "body",
    "tool_result", "messages",
)  # fmt: skip
"""The conditions in the order in which they are tried: the first that fails explains a miss."""


class When(Part):
    """What a request must be for the script to answer it; every condition given must hold."""

    endpoint: Endpoint | None = optional(
        "`chat/completions`, `completions`, `responses`, `embeddings` or `moderations`"
    )
    method: str | None = optional("the HTTP method, in any case; for faults, as scripts answer POST only")
    path: AnyValue | None = optional("the path, with or without its `/v1` and without the query: a value or a test")
    model: ModelTest | None = optional("the model asked for: a name, or a test")
    messages: MessagesTest | None = optional("tests of messages; prompts and inputs count as messages of the user")
    tools: ToolsTest | None = optional("the tools offered")
    stream: bool | None = optional("whether a stream is asked for")
    response_format: Literal["text", "json_object", "json_schema"] | None = optional(
        "`text`, `json_object` or `json_schema`"
    )
    turn: Positive | None = optional("the number of the user's turn: one more than answers in `messages`")
    headers: Values = Field(default_factory=dict, description="header fields by name, in any case: a value or a test")
    key: AnyValue | None = optional("the API key: a value or a test")
    body: Paths = Field(
        default_factory=dict,
        description="members of the request by JSONPath (RFC 9535, also without `$.`): a value or a test",
    )
    tool_result: ResultTest | None = optional("what a tool gave back")
    call: Positive | None = optional("`3`: only the third request that meets all other conditions")

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The names of the conditions that it has, without `call`, in the order in which they are tried."""
        return tuple(name for name in ORDER if getattr(self, name) not in (None, {}))

    @checked("model", mode="before", json_schema_input_type=str | ModelTest | None)
    @classmethod
    def _name_is_exact(cls, value: Any) -> Any:
        return {"exact": value} if isinstance(value, str) else value

    @checked("headers")
    @classmethod
    def _lower(cls, value: dict[str, ValueTest]) -> dict[str, ValueTest]:
        return {name.lower(): test for name, test in value.items()}
