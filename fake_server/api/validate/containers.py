"""Checks of arrays and objects, built from the checks of their items and members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from fake_server.api import chat_request
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.checks import (
    Check,
    Invalid,
    check_length,
    echo,
    keywords,
    missing,
    one_of,
    wrong_type,
    wrong_value,
)


def nullable(check: Check) -> Check:
    """The same check, or null."""

    def validate(value: Any, path: str) -> None:
        if value is not None:
            check.validate(value, path)

    return Check(validate, {"anyOf": [check, {"type": "null"}]})


def array(item: Check, least: int = 0, most: int | None = None, expected: str = "an array") -> Check:
    """An array of `least` to `most` items, each of which passes `item`."""

    def validate(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise wrong_type(path, expected, value)
        check_length(value, path, "array", least, most)
        for index, element in enumerate(value):
            item.validate(element, f"{path}[{index}]")

    return Check(validate, {"type": "array", "items": item, **keywords(minItems=least or None, maxItems=most)})


def members(
    required: Mapping[str, Check] | None = None,
    optional: Mapping[str, Check] | None = None,
    *,
    closed: bool = False,
) -> Check:
    """An object with these members; others are ignored, or refused if it is `closed`."""
    must, may = required or {}, optional or {}

    def validate(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        for name, check in must.items():
            if name not in value:
                raise missing(f"{path}.{name}")
            check.validate(value[name], f"{path}.{name}")
        for name, member in value.items():
            if name in may:
                may[name].validate(member, f"{path}.{name}")
            elif closed and name not in must:
                unknown = f"{path}.{echo(name)}"
                raise Invalid(f"Unknown parameter: '{unknown}'.", unknown, "unknown_parameter")

    named = keywords(properties={**must, **may} or None, required=list(must) or None)
    return Check(validate, {"type": "object", **named, "additionalProperties": not closed})


def mapping(item: Check, most: int | None = None, longest_key: int | None = None) -> Check:
    """An object of at most `most` members of any name, which is at most `longest_key` characters long."""

    def validate(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        if most is not None and len(value) > most:
            message = (
                f"Invalid '{path}': too many properties. Expected an object with at most {most} properties, "
                f"but got an object with {len(value)} properties instead."
            )
            raise Invalid(message, path, "object_above_max_properties")
        for name, member in value.items():
            if longest_key is not None and len(name) > longest_key:
                message = (
                    f"Invalid property name in '{path}': '{echo(name)}' is too long. Expected a property "
                    f"name with maximum length {longest_key}, but got one with length {len(name)} instead."
                )
                raise Invalid(message, path, "property_name_above_max_length")
            item.validate(member, f"{path}.{echo(name)}")

    names = None if longest_key is None else {"maxLength": longest_key}
    bounds = keywords(maxProperties=most, propertyNames=names)
    return Check(validate, {"type": "object", "additionalProperties": item if item.schema else True, **bounds})


def by_type(expected: str, **checks: Check) -> Check:
    """A different check for each JSON type: `string`, `array` or `object`."""
    types = {"string": str, "array": list, "object": dict}

    def validate(value: Any, path: str) -> None:
        for name, check in checks.items():
            if isinstance(value, types[name]):
                check.validate(value, path)
                return
        raise wrong_type(path, expected, value)

    schemas = [check if check.schema else {"type": kind} for kind, check in checks.items()]
    return Check(validate, {"anyOf": schemas})


def tagged_union(tag: str, **forms: Check) -> Check:
    """An object whose member `tag` names the form it must have."""

    def validate(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        if tag not in value:
            raise missing(f"{path}.{tag}")
        name = value[tag]
        if not isinstance(name, str):
            raise wrong_type(f"{path}.{tag}", "a string", name)
        if name not in forms:
            raise wrong_value(f"{path}.{tag}", name, list(forms))
        forms[name].validate(value, path)

    tagged_forms = {name: _with_tag(form, tag, name) for name, form in forms.items()}
    if len(forms) == 1:
        return replace(next(iter(tagged_forms.values())), validate=validate)
    schema: dict[str, Any] = {"oneOf": list(tagged_forms.values())}
    if all(form.component for form in forms.values()):
        schema["discriminator"] = {"propertyName": tag, "mapping": tagged_forms}
    return Check(validate, schema)


def _with_tag(form: Check, tag: str, name: str) -> Check:
    """The form with the tag in its schema; validation checks the tag before the form."""
    properties = {tag: one_of(name), **form.schema.get("properties", {})}
    required = [tag, *form.schema.get("required", ())]
    return replace(form, schema={"type": "object", **form.schema, "properties": properties, "required": required})


def unknown_member(request: Mapping[str, Any], name: str) -> Invalid:
    """The error for an unknown member of a request.

    For reasoning models api.openai.com words it as it does for nested objects, as seen in
    https://github.com/teabranch/open-responses-server/issues/41 (o4-mini).
    """
    if chat_request.is_reasoning_model(request):
        return Invalid(f"Unknown parameter: '{echo(name)}'.", echo(name), "unknown_parameter")
    return Invalid(f"Unrecognized request argument supplied: {echo(name)}")


def find_refusal(
    request: Mapping[str, Any],
    required: Iterable[str],
    known: Mapping[str, Check],
    *checks: Callable[[Mapping[str, Any]], None],
    unknown: Callable[[Mapping[str, Any], str], Invalid] = unknown_member,
) -> ErrorReply | None:
    """The 400 for the first complaint about a whole request, None for a valid one.

    Missing members come first, then each member in the order sent, then the checks across members.
    """
    try:
        for name in required:
            if name not in request:
                raise missing(name)
        for name, value in request.items():
            member = known.get(name)
            if member is None:
                raise unknown(request, name)
            member.validate(value, name)
        for check in checks:
            check(request)
    except Invalid as invalid:
        return invalid.reply
    return None
