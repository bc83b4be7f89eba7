"""Small checks that tables of members are made of; each raises Invalid with OpenAI's wording.

Wording, `param` paths (`messages[1].content[0].type`) and codes follow genuine 4xx answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from fake_server.api import chat_request
from fake_server.api.reply import ErrorReply
from fake_server.wire.text import shorten

Check = Callable[[Any, str], None]
"""Takes a value and its path; returns when the value is fine, else raises Invalid."""

_MISTAKEN_ECHO = 100


class Invalid(Exception):
    """A request the API refuses; `reply` is the 400."""

    def __init__(self, message: str, param: str | None, code: str | None) -> None:
        super().__init__(message)
        self.reply = ErrorReply(400, message, param=param, code=code)


def missing(path: str) -> Invalid:
    return Invalid(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def wrong_type(path: str, expected: str, value: Any) -> Invalid:
    message = f"Invalid type for '{path}': expected {expected}, but got {kind(value)} instead."
    return Invalid(message, path, "invalid_type")


def wrong_value(path: str, value: Any, allowed: Collection[str]) -> Invalid:
    """An `invalid_value` that lists what is supported."""
    supported = listed([f"'{one}'" for one in allowed])
    message = f"Invalid value: '{shown(value)}'. Supported values are: {supported}."
    return Invalid(message, path, "invalid_value")


def kind(value: Any) -> str:
    """A JSON value's type as the API's messages name it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "an integer", float: "a decimal number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def shown(value: Any) -> str:
    """A value short enough to repeat."""
    return shorten(str(value), _MISTAKEN_ECHO)


def listed(words: list[str], last: str = "and") -> str:
    if len(words) < 3:
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"


def nullable(check: Check) -> Check:
    """`check`, or null."""

    def checked(value: Any, path: str) -> None:
        if value is not None:
            check(value, path)

    return checked


def anything(value: Any, path: str) -> None:
    """No demand at all."""


def boolean(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise wrong_type(path, "a boolean", value)


def integer(least: int | None = None, most: int | None = None) -> Check:
    def checked(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(path, "an integer", value)
        _range(value, path, "integer", least, most)

    return checked


def number(least: float, most: float) -> Check:
    def checked(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(path, "a decimal number", value)
        _range(value, path, "decimal", least, most)

    return checked


def _range(value: float, path: str, name: str, least: float | None, most: float | None) -> None:
    for bound, broken, side, sign in (
        (least, least is not None and value < least, "below_min", ">="),
        (most, most is not None and value > most, "above_max", "<="),
    ):
        if broken:
            words = "below minimum" if side == "below_min" else "above maximum"
            message = (
                f"Invalid '{path}': {name} {words} value. "
                f"Expected a value {sign} {bound}, but got {shown(value)} instead."
            )
            raise Invalid(message, path, f"{name}_{side}_value")


def string(least: int = 0, most: int | None = None, pattern: str | None = None) -> Check:
    """A string of `least` to `most` characters that fully matches `pattern`."""
    compiled = None if pattern is None else re.compile(pattern)

    def checked(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        if len(value) < least:
            message = (
                f"Invalid '{path}': empty string. "
                f"Expected a string with minimum length {least}, but got an empty string instead."
            )
            raise Invalid(message, path, "empty_string")
        if most is not None and len(value) > most:
            message = (
                f"Invalid '{path}': string too long. "
                f"Expected a string with maximum length {most}, but got a string with length "
                f"{len(value)} instead."
            )
            raise Invalid(message, path, "string_above_max_length")
        if compiled is not None and not compiled.fullmatch(value):
            message = (
                f"Invalid '{path}': string does not match pattern. "
                f"Expected a string that matches the pattern '^{pattern}$'."
            )
            raise Invalid(message, path, "invalid_value")

    return checked


def word(*allowed: str) -> Check:
    """One of the given strings."""

    def checked(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, f"one of {listed([repr(one) for one in allowed], 'or')}", value)
        if value not in allowed:
            raise wrong_value(path, value, allowed)

    return checked


def array(item: Check, least: int = 0, most: int | None = None, expected: str = "an array") -> Check:
    """An array of `least` to `most` items, each of which passes `item`."""

    def checked(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise wrong_type(path, expected, value)
        if len(value) < least:
            message = (
                f"Invalid '{path}': empty array. "
                f"Expected an array with minimum length {least}, but got an empty array instead."
            )
            raise Invalid(message, path, "empty_array")
        if most is not None and len(value) > most:
            message = (
                f"Invalid '{path}': array too long. Expected an array with maximum length {most}, "
                f"but got an array with length {len(value)} instead."
            )
            raise Invalid(message, path, "array_above_max_length")
        for index, one in enumerate(value):
            item(one, f"{path}[{index}]")

    return checked


def members(
    required: Mapping[str, Check] | None = None,
    optional: Mapping[str, Check] | None = None,
    *,
    closed: bool = False,
) -> Check:
    """An object with these members; `closed` refuses any other."""
    must, may = required or {}, optional or {}

    def checked(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        for name, check in must.items():
            if name not in value:
                raise missing(f"{path}.{name}")
            check(value[name], f"{path}.{name}")
        for name, one in value.items():
            if name in may:
                may[name](one, f"{path}.{name}")
            elif closed and name not in must:
                unknown = f"{path}.{shown(name)}"
                raise Invalid(f"Unknown parameter: '{unknown}'.", unknown, "unknown_parameter")

    return checked


def mapping(item: Check, most: int | None = None, longest_key: int | None = None) -> Check:
    """An object with free member names, at most `most` of them, each at most `longest_key` long."""

    def checked(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        if most is not None and len(value) > most:
            message = (
                f"Invalid '{path}': too many properties. Expected an object with at most {most} properties, "
                f"but got an object with {len(value)} properties instead."
            )
            raise Invalid(message, path, "object_above_max_properties")
        for name, one in value.items():
            if longest_key is not None and len(name) > longest_key:
                message = (
                    f"Invalid property name in '{path}': '{shown(name)}' is too long. Expected a property "
                    f"name with maximum length {longest_key}, but got one with length {len(name)} instead."
                )
                raise Invalid(message, path, "property_name_above_max_length")
            item(one, f"{path}.{shown(name)}")

    return checked


def by_kind(expected: str, **checks: Check) -> Check:
    """A different check for each JSON type: `string`, `array` or `object`."""
    types = {"string": str, "array": list, "object": dict}

    def checked(value: Any, path: str) -> None:
        for name, check in checks.items():
            if isinstance(value, types[name]):
                check(value, path)
                return
        raise wrong_type(path, expected, value)

    return checked


def tagged(tag: str, forms: Mapping[str, Check]) -> Check:
    """An object whose member `tag` says which of the forms it has."""

    def checked(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        if tag not in value:
            raise missing(f"{path}.{tag}")
        name = value[tag]
        if not isinstance(name, str):
            raise wrong_type(f"{path}.{tag}", "a string", name)
        if name not in forms:
            raise wrong_value(f"{path}.{tag}", name, list(forms))
        forms[name](value, path)

    return checked


def checked_members(
    request: Mapping[str, Any], required: Mapping[str, Check], known: Mapping[str, Check]
) -> None:
    """A whole request: required members first, then each as sent; raises Invalid for the first complaint.

    Behind reasoning models api.openai.com words an unknown member as it does inside a member, as seen in
    https://github.com/teabranch/open-responses-server/issues/41 (o4-mini).
    """
    for name in required:
        if name not in request:
            raise missing(name)
    for name, value in request.items():
        check = known.get(name)
        if check is None and chat_request.reasons(request):
            raise Invalid(f"Unknown parameter: '{shown(name)}'.", shown(name), "unknown_parameter")
        if check is None:
            raise Invalid(f"Unrecognized request argument supplied: {shown(name)}", None, None)
        check(value, name)
