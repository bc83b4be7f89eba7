"""Checks of single values: each validates with OpenAI's error messages, and has a JSON Schema.

Messages, `param` paths (`messages[1].content[0].type`) and codes follow genuine 4xx responses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sized
from dataclasses import dataclass, replace
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.wire.text import shorten

_LONGEST_ECHO = 100


class Invalid(Exception):
    """An invalid request; `reply` is the 400 to answer it with."""

    def __init__(
        self, message: str, param: str | None = None, code: str | None = None, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.reply = ErrorReply(400, message, kind, param, code)


@dataclass(frozen=True)
class Check:
    """What a value must be: an entry of the tables by which requests are validated and documented.

    `validate(value, path)` raises Invalid unless the value at this path of the request is valid. `schema`
    says the same as JSON Schema, in which nested checks stand for their schemas. In the OpenAPI document
    the schema is the component called `component`, or inline if that is empty.
    """

    validate: Callable[[Any, str], None]
    schema: Mapping[str, Any]
    component: str = ""

    def named(self, component: str, description: str = "") -> Check:
        """The same check as a named component of the OpenAPI document."""
        return replace(self.documented(description), component=component)

    def documented(self, description: str = "", **keywords: Any) -> Check:
        """The same check with a description and more JSON Schema keywords, which are only documented."""
        described = {"description": description} if description else {}
        return replace(self, schema={**self.schema, **described, **keywords})


def missing(path: str) -> Invalid:
    return Invalid(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def wrong_type(path: str, expected: str, value: Any) -> Invalid:
    message = f"Invalid type for '{path}': expected {expected}, but got {type_name(value)} instead."
    return Invalid(message, path, "invalid_type")


def wrong_value(path: str, value: Any, allowed: Collection[str]) -> Invalid:
    """The error for a value that is not one of `allowed`."""
    supported = join_words([f"'{choice}'" for choice in allowed])
    message = f"Invalid value: '{echo(value)}'. Supported values are: {supported}."
    return Invalid(message, path, "invalid_value")


def type_name(value: Any) -> str:
    """A JSON value's type, as the API's messages name it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "an integer", float: "a decimal number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def echo(value: Any) -> str:
    """A value shortened so that a message can repeat it."""
    return shorten(str(value), _LONGEST_ECHO)


def join_words(words: list[str], last: str = "and") -> str:
    if len(words) < 3:
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"


def _validate_boolean(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise wrong_type(path, "a boolean", value)


anything = Check(lambda value, path: None, {})
boolean = Check(_validate_boolean, {"type": "boolean"})


def keywords(**keywords: Any) -> dict[str, Any]:
    """The JSON Schema keywords whose value is not None."""
    return {keyword: value for keyword, value in keywords.items() if value is not None}


def integer(least: int | None = None, most: int | None = None) -> Check:
    def validate(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(path, "an integer", value)
        _check_range(value, path, "integer", least, most)

    return Check(validate, {"type": "integer", **keywords(minimum=least, maximum=most)})


def number(least: float | None = None, most: float | None = None) -> Check:
    def validate(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(path, "a decimal number", value)
        _check_range(value, path, "decimal", least, most)

    return Check(validate, {"type": "number", **keywords(minimum=least, maximum=most)})


def _check_range(value: float, path: str, name: str, least: float | None, most: float | None) -> None:
    if least is not None and value < least:
        words, code, expected = "below minimum", "below_min", f">= {least}"
    elif most is not None and value > most:
        words, code, expected = "above maximum", "above_max", f"<= {most}"
    else:
        return
    given = f"Expected a value {expected}, but got {echo(value)} instead."
    raise Invalid(f"Invalid '{path}': {name} {words} value. {given}", path, f"{name}_{code}_value")


def check_length(value: Sized, path: str, kind: str, least: int, most: int | None) -> None:
    """Raise Invalid for a string or array (`kind`) that is shorter than `least` or longer than `most`."""
    expected = f"{'an' if kind == 'array' else 'a'} {kind}"
    if len(value) < least:
        message = (
            f"Invalid '{path}': empty {kind}. "
            f"Expected {expected} with minimum length {least}, but got an empty {kind} instead."
        )
        raise Invalid(message, path, f"empty_{kind}")
    if most is not None and len(value) > most:
        message = (
            f"Invalid '{path}': {kind} too long. Expected {expected} with maximum length {most}, "
            f"but got {expected} with length {len(value)} instead."
        )
        raise Invalid(message, path, f"{kind}_above_max_length")


def string(least: int = 0, most: int | None = None, pattern: str | None = None) -> Check:
    """A string of `least` to `most` characters that fully matches `pattern`."""
    compiled = None if pattern is None else re.compile(pattern)

    def validate(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        check_length(value, path, "string", least, most)
        if compiled is not None and not compiled.fullmatch(value):
            expected = f"Expected a string that matches the pattern '^{pattern}$'."
            message = f"Invalid '{path}': string does not match pattern. {expected}"
            raise Invalid(message, path, "invalid_value")

    anchored = None if pattern is None else f"^{pattern}$"
    bounds = keywords(minLength=least or None, maxLength=most, pattern=anchored)
    return Check(validate, {"type": "string", **bounds})


def one_of(*allowed: str) -> Check:
    """Exactly one of the given strings."""

    def validate(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, f"one of {join_words([repr(choice) for choice in allowed], 'or')}", value)
        if value not in allowed:
            raise wrong_value(path, value, allowed)

    choice = {"enum": list(allowed)} if len(allowed) > 1 else {"const": allowed[0]}
    return Check(validate, {"type": "string", **choice})
